"""The liver's rim, where the CT number is that of a mixture: it tells nothing of what lies there.

A surface at half of the contrast between liver and lung has lung in its outermost voxels, and one part in
twenty of lung makes parenchyma as dark as a lesion. The rim is as wide as the blur, and wider beside lung and
fat, whose share falls off slowly. What lies in it is taken from the nearest voxel behind it.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from emboplan.segmentation.shape import Spacing, depth_mm, distance_mm
from emboplan.segmentation.working import Bools, Floats, smooth_inside

# The outermost rim is blurred with what lies outside.
RIM_MM = 2.5
RIM_SLICES = 1.01

# Beside what is darker than any lesion, near the surface, as much again is blurred.
DARK_HU = -20.0
NEAR_SURFACE_MM = 8.0
BESIDE_DARK_MM = 3.5

# Farther in, what deviates by so much more than what lies right behind it is a strip of diaphragm, fat or
# muscle that the contour took in: lesions are as wide behind their rim as in it.
STRIP_MM = 6.0
STRIP_HU = 10.0
CALM_SIGMA_MM = 1.5


def rim_mm(spacing: Spacing) -> float:
    """The least width of the rim."""
    return max(RIM_MM, RIM_SLICES * max(spacing))


def behind_rim(tissue: Floats, liver: Bools, depth: Floats, spacing: Spacing) -> Bools:
    """The liver without its rim, from denoised HU and the depth (mm); all of it where nothing is left."""
    dark = (tissue < DARK_HU) & (depth < NEAR_SURFACE_MM)
    behind = liver & (depth > rim_mm(spacing)) & (distance_mm(dark, spacing) > BESIDE_DARK_MM)
    if not behind.any():
        return liver
    return behind & ~_strips(tissue, behind, depth, spacing)


def _strips(tissue: Floats, behind: Bools, depth: Floats, spacing: Spacing) -> Bools:
    """Thin layers along the surface that deviate more than what lies behind them."""
    zone_mm = max(STRIP_MM, rim_mm(spacing) + min(spacing))
    inner = behind & (depth > zone_mm)
    if not inner.any():
        return np.zeros_like(behind)
    calm = smooth_inside(tissue, behind, [CALM_SIGMA_MM / d for d in spacing])
    usual = np.float32(np.median(calm[inner]))
    further = np.abs(carried_outwards(calm, inner, behind, spacing) - usual)
    return np.asarray(behind & ~inner & (np.abs(calm - usual) > further + np.float32(STRIP_HU)))


def deep_part(tissue: Floats, liver: Bools, spacing: Spacing) -> Bools:
    """The same without a known depth."""
    return behind_rim(tissue, liver, depth_mm(liver, spacing), spacing)


def carried_outwards(values: Floats, deep: Bools, liver: Bools, spacing: Spacing) -> Floats:
    """`values` with those of the rim replaced by those of the nearest voxel behind it."""
    rim = liver & ~deep
    if not rim.any() or not deep.any():
        return values
    nearest = ndimage.distance_transform_edt(
        ~deep, sampling=spacing, return_distances=False, return_indices=True
    )
    return np.where(rim, values[tuple(nearest)], values)
