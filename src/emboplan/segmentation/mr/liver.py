"""The whole liver on MR, lesions included: parenchyma first, then what it encloses, then its surface."""

from __future__ import annotations

import numpy as np

from emboplan.errors import SegmentationError
from emboplan.segmentation.mr.level import Leveled
from emboplan.segmentation.mr.region import evolve
from emboplan.segmentation.mr.surface import at_half_contrast, with_lesions
from emboplan.segmentation.shape import cut_necks, fill_slices
from emboplan.segmentation.working import Bools, Floats

# Holes of an axial slice up to this size are vessels or small lesions; the vena cava is larger.
VESSEL_MM2 = 220.0

# Lesions taken in may open the way to parenchyma behind them; so often at most, and while it is worth it.
GROWTHS = 3
LEAST_GROWTH_ML = 5.0

# What hangs on the liver by less than twice this does not belong to it, and the rim beyond the thick parts.
NECK_MM = 5.0
REACH_RADII = 1.8

# How far the blur leaves the surface inside the true one, on the first and on the last pass.
REACH_MM = 3.0
LATER_REACH_MM = 2.0

# Smallest believable liver (mL): a truncated view may hold a part only.
LEAST_LIVER_ML = 80.0


def find_mr_liver(image: Leveled, solid: Bools) -> tuple[Bools, Floats]:
    """The liver on the working grid, and the parenchyma's level at each place in percent.

    Raises `SegmentationError` when too little tissue is alike.
    """
    spacing = image.work.spacing_zyx_mm
    region, level = evolve(image, solid, image.core & solid)
    kept = np.zeros_like(region)
    for _ in range(GROWTHS):
        filled = with_lesions(image, fill_slices(region, spacing, VESSEL_MM2), level, solid)
        more = filled & ~region & ~kept
        if float(more.sum()) * image.work.voxel_ml < LEAST_GROWTH_ML:
            break
        kept |= filled & ~region
        region, level = evolve(image, solid, filled, kept=kept)
    for reach_mm in (REACH_MM, LATER_REACH_MM):
        parenchyma = region
        region = with_lesions(image, fill_slices(region, spacing, VESSEL_MM2), level, solid)
        region = at_half_contrast(image, region, level, solid, kept | (region & ~parenchyma), reach_mm)
    region = cut_necks(fill_slices(region, spacing, VESSEL_MM2), spacing, NECK_MM, REACH_RADII)
    volume_ml = float(region.sum()) * image.work.voxel_ml
    if volume_ml < LEAST_LIVER_ML:
        raise SegmentationError(
            f"only {volume_ml:.0f} mL of liver-like tissue is in view; expected at least "
            f"{LEAST_LIVER_ML:.0f} mL (check the field of view, or give a liver mask)"
        )
    return region, level
