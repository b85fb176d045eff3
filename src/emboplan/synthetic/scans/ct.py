"""The CT: from mean values to Hounsfield numbers with sharpness, texture and correlated noise.

Each slice is filtered once in its Fourier plane: the patient by the transfer function of the kernel (a
Gaussian of the width set), white noise by the square root of a noise power spectrum of the form
``f^2 exp(-(f / f0)^2)``, which peaks at f0: it rises from zero as the ramp filter makes it and falls as
the kernel does. The noise is scaled to the standard deviation set in the slice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emboplan.synthetic.drawing.shapes import Lattice
from emboplan.synthetic.setting.definition import CtScan

F32 = NDArray[np.float32]

FWHM_PER_SIGMA = float(np.sqrt(2 * 2 * 2 * np.log(2)))  # of a Gaussian


def noise_in_slice_hu(scan: CtScan, noise_sd_hu: float) -> float:
    """Noise of the reconstructed slice, from that of the reference slice, kernel and dose.

    The noise of an image of so many photons goes with the inverse root of their number, and that with the
    dose and the thickness of the slice; `noise_ratio` is the kernel's own.
    """
    return float(
        noise_sd_hu * scan.noise_ratio * np.sqrt(scan.noise_at_mm / (scan.slice_mm * scan.dose_frac))
    )


class SliceFilter:
    """Blur and noise of one scan's slices."""

    def __init__(self, scan: CtScan, noise_sd_hu: float) -> None:
        n, d = scan.matrix, scan.pixel_mm
        fy = np.fft.fftfreq(n, d)[:, None]
        fx = np.fft.rfftfreq(n, d)[None, :]
        square = fx**2 + fy**2
        sigma = scan.kernel_fwhm_mm / FWHM_PER_SIGMA
        self.transfer = np.exp(-2 * (np.pi * sigma) ** 2 * square).astype(np.float32)
        noise = np.sqrt(square * np.exp(-square / scan.noise_peak_per_mm**2))
        # Parseval: the mean square of the whole plane, from its half (columns but the ends count twice)
        weight = np.full(fx.shape[1], 2.0)
        weight[0] = 1
        if n % 2 == 0:
            weight[-1] = 1
        power = float((noise**2 * weight).sum()) / n**2
        self.noise = (noise * noise_sd_hu / np.sqrt(power)).astype(np.float32)

    def apply(self, mean: F32, rng: np.random.Generator) -> F32:
        """The slice as the scanner shows it."""
        from scipy import fft

        white = rng.standard_normal(mean.shape, dtype=np.float32)
        spectrum = fft.rfft2(mean) * self.transfer + fft.rfft2(white) * self.noise
        out: F32 = fft.irfft2(spectrum, s=mean.shape)
        return out


def to_hu(values: F32, air_hu: float) -> NDArray[np.int16]:
    """Whole numbers, none below air (which the reconstruction clips)."""
    return np.maximum(np.rint(values), np.float32(air_hu)).astype(np.int16)


class Texture:
    """Smooth unit-variance noise in space, for the grain of tissue; the same wherever it is asked for."""

    def __init__(self, lattice: Lattice, fwhm_mm: float, rng: np.random.Generator) -> None:
        from scipy.ndimage import gaussian_filter

        sigma = fwhm_mm / FWHM_PER_SIGMA / lattice.spacing_mm
        values = gaussian_filter(rng.standard_normal(lattice.shape, dtype=np.float32), sigma)
        self.values = (values / values.std()).astype(np.float32)
        self.lattice = lattice

    def plane(self, x_mm: NDArray[np.floating], y_mm: NDArray[np.floating], z_mm: float) -> F32:
        """The texture ``(y, x)`` at a height, linearly interpolated."""
        h = self.lattice.spacing_mm
        ox, oy, oz = self.lattice.origin_mm
        nz, ny, nx = self.values.shape
        layer = float(np.clip((z_mm - oz) / h, 0, nz - 1 - 1e-6))
        k, up = int(layer), np.float32(layer - int(layer))
        plane = self.values[k] + up * (self.values[k + 1] - self.values[k])
        plane = _along(plane, np.clip((y_mm - oy) / h, 0, ny - 1 - 1e-6))
        return np.ascontiguousarray(_along(plane.T, np.clip((x_mm - ox) / h, 0, nx - 1 - 1e-6)).T)


def _along(plane: F32, position: NDArray[np.floating]) -> F32:
    index = position.astype(np.intp)
    part = (position - index).astype(np.float32)[:, None]
    out: F32 = plane[index] + part * (plane[index + 1] - plane[index])
    return out
