"""Regions on the grid of the counts: fractional occupancies, blur by the resolution, distance to the liver.

An occupancy is the share (0 to 1) of each voxel that a structure fills, computed once from the finer masks of
the CT; the counts themselves are never resampled.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from emboplan.errors import GeometryError, MaskError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.units import ML_PER_MM3

Occupancy = NDArray[np.float32]

# Shares from an interpolation may pass 0 and 1 by rounding; more than this is not a share.
ROUNDING = 1e-3

# A voxel belongs to a structure, for distances, when the structure fills at least half of it.
HALF = 0.5

SIGMA_PER_FWHM = 1 / math.sqrt(8 * math.log(2))

# A stated resolution may be off by this share: it depends on depth in the patient and on the reconstruction.
RESOLUTION_VARIATION = 0.1

# The Gaussian is cut where less than 0.01 % of it is left on each side.
BLUR_TRUNCATE_SIGMA = 4.0


def occupancy(values: ArrayLike, grid: Grid, what: str) -> Occupancy:
    """`values` as shares of voxels on `grid`, checked: shape, range 0 to 1, not empty."""
    array = np.asarray(values, dtype=np.float32)
    if array.shape != grid.shape:
        raise GeometryError(
            f"{what} has shape {array.shape}; the counts have {grid.shape} (z, y, x): "
            "compute the occupancy on the counts' grid"
        )
    if not np.isfinite(array).all() or float(array.min()) < -ROUNDING or float(array.max()) > 1 + ROUNDING:
        raise MaskError(f"{what} holds values outside 0 to 1; expected the share of each voxel")
    if not (array > 0).any():
        raise MaskError(f"{what} is empty on the grid of the counts; check that the images overlap")
    return np.clip(array, 0, 1)


def checked_fwhm_mm(fwhm_mm: float) -> float:
    """A resolution as a positive number of millimetres."""
    if not (math.isfinite(fwhm_mm) and fwhm_mm > 0):
        raise ModelRangeError(f"resolution_fwhm_mm is {fwhm_mm}; expected a positive number of millimetres")
    return float(fwhm_mm)


def blurred(share: NDArray[np.float32], grid: Grid, fwhm_mm: float) -> NDArray[np.float32]:
    """`share` as an image of this resolution (Gaussian of the full width at half maximum) shows it."""
    sigma = [SIGMA_PER_FWHM * fwhm_mm / d for d in grid.spacing_zyx_mm]
    result: NDArray[np.float32] = ndimage.gaussian_filter(
        share, sigma, mode="constant", truncate=BLUR_TRUNCATE_SIGMA
    )
    return result


def distance_mm(share: NDArray[np.float32], grid: Grid) -> NDArray[np.float32]:
    """Distance in mm of each voxel's centre from the nearest voxel of the structure; 0 inside."""
    inside = share >= HALF * float(share.max())
    found = ndimage.distance_transform_edt(~inside, sampling=grid.spacing_zyx_mm)
    return np.asarray(found, dtype=np.float32)


def equivalent_diameter_mm(volume_ml: float) -> float:
    """Diameter in mm of the sphere of this volume."""
    return float(2 * (3 * volume_ml / ML_PER_MM3 / (4 * math.pi)) ** (1 / 3))


def is_quantifiable(volume_ml: float, resolution_fwhm_mm: float) -> bool:
    """Whether a structure is at least twice as wide as the resolution, its volume taken as a sphere's."""
    return equivalent_diameter_mm(volume_ml) >= 2 * resolution_fwhm_mm
