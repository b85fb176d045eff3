"""A SPECT acquired and reconstructed, step by step: the twin of the effective model of `synthetic.nuclear`.

Views around the patient: photons attenuated on the way out, blurred with the distance to the detector, a
cloud of scatter, Poisson noise. Ordered subsets then correct for attenuation, with the scatter that is known,
and without modelling the resolution. Written for clarity, in NumPy and SciPy alone.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, rotate

F64 = NDArray[np.float64]
PER_SIGMA = 2 * np.sqrt(2 * np.log(2))


def turned(image: F64, degrees: float) -> F64:
    """The image seen from another direction: its rows then run towards the detector at row 0."""
    out: F64 = rotate(image, degrees, axes=(1, 2), reshape=False, order=1)
    return out


def escapes(density: F64, cm2_per_g: float, voxel_mm: float) -> F64:
    """Photons that get out to row 0, through half their own voxel and all before it."""
    path = density * cm2_per_g * voxel_mm / 10
    out: F64 = np.exp(-(np.cumsum(path, axis=1) - path / 2))
    return out


class Camera:
    """Views of one patient: `degrees` apart all around, the detector at `radius_mm` from the middle."""

    def __init__(self, density: F64, voxel_mm: float, cm2_per_g: float, views: int, radius_mm: float) -> None:
        self.voxel_mm, self.radius_mm = voxel_mm, radius_mm
        self.angles = 360.0 / views * np.arange(views)
        self.out = [escapes(turned(density, a), cm2_per_g, voxel_mm) for a in self.angles]

    def photons(self, activity: F64, fwhm_at_face_mm: float, fwhm_per_mm: float) -> list[F64]:
        """Noise-free primary photons of every view, blurred with their distance."""
        views = []
        rows = activity.shape[1]
        for angle, out in zip(self.angles, self.out, strict=True):
            seen = turned(activity, angle) * out
            view = np.zeros((activity.shape[0], activity.shape[2]))
            for row in np.flatnonzero(seen.any(axis=(0, 2))):
                apart = max(self.radius_mm + (row - (rows - 1) / 2) * self.voxel_mm, 0.0)
                fwhm = fwhm_at_face_mm + fwhm_per_mm * apart
                view += gaussian_filter(seen[:, row], fwhm / PER_SIGMA / self.voxel_mm, mode="constant")
            views.append(view)
        return views

    def reconstruct(self, counts: list[F64], scatter: list[F64], iterations: int, subsets: int) -> F64:
        """Ordered subsets of maximum likelihood with attenuation."""
        shape = self.out[0].shape
        image = np.ones(shape)
        for _ in range(iterations):
            for first in range(subsets):
                top, bottom = np.zeros(shape), np.zeros(shape)
                for n in range(first, len(counts), subsets):
                    expected = (turned(image, self.angles[n]) * self.out[n]).sum(axis=1) + scatter[n]
                    ratio = np.where(expected > 0, counts[n] / np.maximum(expected, 1e-12), 0)
                    top += turned(self.out[n] * ratio[:, None], -self.angles[n])
                    bottom += turned(self.out[n], -self.angles[n])
                image *= np.where(bottom > 1e-6, top / np.maximum(bottom, 1e-6), 0)
        return image


def scan(
    camera: Camera, activity: F64, *, counts: float, fwhm_at_face_mm: float, fwhm_per_mm: float,
    scatter_ratio: float, scatter_fwhm_mm: float, filter_fwhm_mm: float, iterations: int, subsets: int,
    rng: np.random.Generator | None,
) -> F64:  # fmt: skip
    """The reconstructed image in units of `activity`; without `rng` there is no noise."""
    primary = camera.photons(activity, fwhm_at_face_mm, fwhm_per_mm)
    scale = counts / sum(float(view.sum()) for view in primary)
    sigma = scatter_fwhm_mm / PER_SIGMA / camera.voxel_mm
    scatter = [scale * scatter_ratio * gaussian_filter(view, sigma, mode="constant") for view in primary]
    expected = [scale * view + cloud for view, cloud in zip(primary, scatter, strict=True)]
    measured = expected if rng is None else [rng.poisson(view).astype(np.float64) for view in expected]
    image = camera.reconstruct(measured, scatter, iterations, subsets) / scale
    out: F64 = gaussian_filter(image, filter_fwhm_mm / PER_SIGMA / camera.voxel_mm, mode="constant")
    return out
