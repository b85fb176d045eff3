"""The surface at half contrast: where the CT number is half way between the organ and what lies outside.

A scanner blurs every edge; the true surface is where the blurred step has half its height. The height is
measured locally, on both sides, so that the surface against lung, fat, muscle and kidney is unbiased alike.
Where organ and surroundings are alike, the surface that the region found stays.
"""

from __future__ import annotations

import numpy as np

from emboplan.segmentation.fat_planes import mixed_with_fat
from emboplan.segmentation.parenchyma import Parenchyma
from emboplan.segmentation.shape import distance_mm
from emboplan.segmentation.working import Bools, Floats, WorkingImage

# Blurring of the CT before it is cut at half contrast: less than the scanner's own.
GRAIN_MM = 0.8

# The surface moves inwards at most this far in one step.
REACH_IN_MM = 4.0

# Where the outside is measured: beyond the blurred edge, within the nearest neighbour.
SHELL_MM = (3.0, 8.0)
SHELL_SIGMA_MM = 3.0
INSIDE_SIGMA_MM = 4.0

# The inside holds parenchyma and lesions (dark ones count, so that a lesion at the capsule is not cut off),
# and no vessels.
INSIDE_SPREADS = 3.0
LEAST_SHARE = 0.002

# Below this step the noise decides, and the region's own surface is better.
LEAST_CONTRAST_HU = 25.0

# Bright neighbours (vessels, bone, enhanced bowel) are not taken in from outside.
BRIGHT_HU = 60.0

# Smoothing of the new surface.
SMOOTH_MM = 1.5


def local_mean(
    work: WorkingImage, values: Floats, where: Bools, sigma_mm: float, otherwise: float | Floats
) -> Floats:
    """The mean of `values` in `where` around each voxel, weighted by a Gaussian of `sigma_mm`.

    Where no such voxel is near, it is `otherwise`: one number, or one for each voxel.
    """
    usual = np.asarray(otherwise, np.float32)
    weight = where.astype(np.float32)
    share = work.smooth(weight, sigma_mm)
    total = work.smooth((values - usual) * weight, sigma_mm)
    mean = total / np.maximum(share, np.float32(LEAST_SHARE))
    return np.where(share > LEAST_SHARE, mean, np.float32(0)) + usual


def at_half_contrast(
    work: WorkingImage, tissue: Floats, region: Bools, allowed: Bools, model: Parenchyma, reach_mm: float
) -> Bools:
    """`region` with its surface moved to half contrast where there is contrast, outwards by `reach_mm`.

    The reach is the width of the blur: farther out, another thin layer (diaphragm, muscle) may lie above the
    half contrast of a mixed surrounding.
    """
    hu = work.smooth(work.hu, GRAIN_MM)
    outside = distance_mm(region, work.spacing_zyx_mm)
    inside = distance_mm(~region, work.spacing_zyx_mm)
    shell = (outside > SHELL_MM[0]) & (outside < SHELL_MM[1])
    typical = (inside > SHELL_MM[0]) & (tissue < model.high_hu + INSIDE_SPREADS * model.spread_hu)
    beyond = local_mean(work, hu, shell, SHELL_SIGMA_MM, model.mode_hu)
    within = local_mean(work, hu, typical, INSIDE_SIGMA_MM, model.mode_hu)
    step = within - beyond
    clear = (np.abs(step) > LEAST_CONTRAST_HU) & (outside < reach_mm) & (inside < REACH_IN_MM)
    share = (hu - beyond) / np.where(np.abs(step) > LEAST_CONTRAST_HU, step, np.float32(1))
    moved = np.where(clear, share > 0.5, region) & allowed
    moved &= region | (hu < model.high_hu + BRIGHT_HU)
    # Fat beside the liver is often thinner than the shell in which the outside is measured: what is half fat
    # is none of it, whatever lies behind.
    moved &= (inside >= REACH_IN_MM) | (hu > mixed_with_fat(within, 1 / 2))
    return work.smooth(moved.astype(np.float32), SMOOTH_MM) > 0.5
