"""A small analytic scan: an ellipsoid liver under two lungs, with lesions, blurred by a known resolution.

The structures are drawn on a grid twice as fine as the counts, blurred there, and summed to the counts'
voxels, so that occupancies are fractional as in practice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.model.grid import Grid
from emboplan.model.image import CountImage

FINE_MM = 3.0
SHAPE = (120, 84, 120)
GRID = Grid(shape=(60, 42, 60), spacing_mm=(6.0, 6.0, 6.0), origin_mm=(0.0, 0.0, 0.0))
LESIONS = {1: ((120.0, 120.0, 130.0), 24.0), 2: ((170.0, 130.0, 110.0), 14.0)}

Image = NDArray[np.float64]


def binned(fine: NDArray[np.generic]) -> NDArray[np.float32]:
    """Means of 2 x 2 x 2 fine voxels."""
    nz, ny, nx = GRID.shape
    blocks = np.asarray(fine, dtype=np.float64).reshape(nz, 2, ny, 2, nx, 2)
    means: NDArray[np.float32] = blocks.mean(axis=(1, 3, 5)).astype(np.float32)
    return means


@dataclass(frozen=True)
class Scan:
    """Counts and occupancies, and the truth: shunt and tumour-to-normal ratio."""

    counts: CountImage
    liver: NDArray[np.float32]
    normal: NDArray[np.float32]
    lungs: NDArray[np.float32]
    lesions: dict[int, NDArray[np.float32]]


def _ellipsoid(
    centre_mm: tuple[float, float, float], radii_mm: tuple[float, float, float]
) -> NDArray[np.bool_]:
    z, y, x = np.meshgrid(*[(np.arange(n) + 0.5) * FINE_MM for n in SHAPE], indexing="ij")
    shares = zip((x, y, z), centre_mm, radii_mm, strict=True)
    inside: NDArray[np.bool_] = sum(((axis - c) / r) ** 2 for axis, c, r in shares) <= 1
    return inside


def make_scan(
    *,
    shunt: float,
    ratio: float,
    fwhm_mm: float,
    stated_fwhm_mm: float | None,
    breathing_mm: float = 0.0,
    total_counts: float = 3e6,
    seed: int | None = 1,
) -> Scan:
    """A scan with this lung shunt and this concentration ratio in every lesion; noise-free without a seed."""
    liver = _ellipsoid((145.0, 125.0, 120.0), (85.0, 65.0, 75.0))
    lungs = _ellipsoid((110.0, 125.0, 250.0), (60.0, 75.0, 105.0)) | _ellipsoid(
        (250.0, 125.0, 250.0), (55.0, 75.0, 105.0)
    )
    lungs &= ~liver
    lesions = {label: _ellipsoid(c, (r, r, r)) & liver for label, (c, r) in LESIONS.items()}
    source = liver.astype(np.float64)
    for lesion in lesions.values():
        source[lesion] = ratio
    source *= (1 - shunt) / source.sum()
    source += lungs * (shunt / lungs.sum())
    if breathing_mm:
        steps = np.linspace(-breathing_mm / 2, breathing_mm / 2, 5) / FINE_MM
        source = np.mean([ndimage.shift(source, (s, 0, 0), order=1) for s in steps], axis=0)
    seen = ndimage.gaussian_filter(source, fwhm_mm / np.sqrt(8 * np.log(2)) / FINE_MM)
    expected = np.clip(binned(seen).astype(np.float64), 0, None)
    expected *= total_counts / expected.sum()
    counts = expected if seed is None else np.random.default_rng(seed).poisson(expected)
    normal = liver & ~np.logical_or.reduce(list(lesions.values()))
    return Scan(
        counts=CountImage(
            GRID, counts.astype(np.float32), resolution_fwhm_mm=stated_fwhm_mm, attenuation_corrected=True
        ),
        liver=binned(liver),
        normal=binned(normal),
        lungs=binned(lungs),
        lesions={label: binned(lesion) for label, lesion in lesions.items()},
    )
