"""The surface of the liver on MR at half contrast, and what belongs to it besides parenchyma.

The blurred edge is cut half way between the level inside and the level that lies beyond it at each place.
Lesions that the parenchyma went around are taken in: what is wholly enclosed, and what is embraced by the
surface and looks as lesions do on the sequence. Blood, water and fat that merely touch stay out.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from emboplan.model.image import MrSequence
from emboplan.segmentation.mr.level import Leveled
from emboplan.segmentation.shape import boxes, depth_mm, distance_mm
from emboplan.segmentation.surface import local_mean
from emboplan.segmentation.working import Bools, Floats
from emboplan.units import PERCENT

# Blurring before the cut: less than the scanner's own.
GRAIN_MM = 1.0

# The surface moves inwards at most this far in one step; voxels may be thicker.
REACH_IN_MM = 4.0

# Where the outside is measured: beyond the blurred edge, within the nearest neighbour.
SHELL_MM = (3.0, 9.0)
SHELL_SIGMA_MM = 3.0
INSIDE_SIGMA_MM = 4.0
INSIDE_SPREADS = 3.0

# Below this step (percent of the parenchyma) noise decides, and the region's own surface is better.
LEAST_STEP = 18.0

# What is brighter than this against the parenchyma (vessels, fluid) is not taken in from outside.
BRIGHT_STEP = 30.0

# Smoothing of the new surface.
SMOOTH_MM = 1.5

# Lesions in percent of the parenchyma: on T1 after contrast below it, on T2 above it; fat that is suppressed
# and water lie beyond on T1, water beyond on T2.
LESION_PERCENT = {MrSequence.T1_POST: (42.0, 96.0), MrSequence.T2: (115.0, 300.0)}

# Bays are what closing by these radii adds: small ones first, so that large ones start from a fuller liver.
BAY_RADII_MM = (12.0, 30.0, 50.0)

# Pieces of tissue in a bay hang together by more than twice this.
LINK_MM = 4.0

# A lesion may bulge out of the bay so far.
BULGE_MM = 12.0

# Smallest piece that matters, and contact within this distance.
LEAST_ML = 1.0
CONTACT_MM = 5.0

# Share of a piece's surface that must be liver, and that may go on in the like beyond the bay: a kidney or a
# muscle in a bay is a part of something larger.
EMBRACED_FRAC = 0.52
STRAY_FRAC = 0.4

# Fat this bright was not suppressed; lesions are then looked for below this share of its signal.
BRIGHT_FAT_PERCENT = 150.0
BELOW_FAT = 0.75


def at_half_contrast(
    image: Leveled, region: Bools, level: Floats, allowed: Bools, lesions: Bools, reach_mm: float
) -> Bools:
    """`region` with its surface at half contrast where there is contrast, outwards by `reach_mm` at most.

    At `lesions` the surface stays where it is: they need not differ from what lies beyond.
    """
    work = image.work
    values = work.smooth(work.hu, GRAIN_MM)
    outside = distance_mm(region, work.spacing_zyx_mm)
    inside = distance_mm(~region, work.spacing_zyx_mm)
    shell = (outside > SHELL_MM[0]) & (outside < SHELL_MM[1])
    typical = (inside > 0) & (np.abs(image.tissue - level) < INSIDE_SPREADS * image.spread_percent)
    beyond = local_mean(work, values, shell, SHELL_SIGMA_MM, level)
    within = local_mean(work, values, typical, INSIDE_SIGMA_MM, level)
    step = within - beyond
    # The next voxel counts however large it is: half of it may be liver.
    near = (outside < reach_mm) & (inside < REACH_IN_MM)
    near |= ndimage.binary_dilation(region) & ~ndimage.binary_erosion(region, border_value=1)
    clear = (np.abs(step) > LEAST_STEP) & near & ~lesions
    share = (values - beyond) / np.where(np.abs(step) > LEAST_STEP, step, np.float32(1))
    moved = np.where(clear, share > 0.5, region) & allowed
    moved &= region | (values < level + BRIGHT_STEP)
    return work.smooth(moved.astype(np.float32), SMOOTH_MM) > 0.5


def with_lesions(image: Leveled, region: Bools, level: Floats, allowed: Bools) -> Bools:
    """`region` with the lesions that it encloses or embraces."""
    work, spacing = image.work, image.work.spacing_zyx_mm
    low, high = lesion_percent(image)
    relative = image.tissue * np.float32(PERCENT) / level
    like_lesion = (relative > low) & (relative < high) & allowed
    liver = np.asarray(ndimage.binary_fill_holes(region))
    for radius_mm in BAY_RADII_MM:
        closed = depth_mm(distance_mm(liver, spacing) <= radius_mm, spacing) > radius_mm
        bay, stray = closed & like_lesion & ~liver, like_lesion & ~closed & ~liver
        pieces, _ = ndimage.label(depth_mm(bay, spacing) > LINK_MM)
        for number, box in boxes(pieces, BULGE_MM + CONTACT_MM + max(spacing), spacing):
            core = pieces[box] == number
            away = distance_mm(core, spacing)
            own = (away <= LINK_MM + min(spacing)) & bay[box]
            if own.sum() * work.voxel_ml >= LEAST_ML and _embraced(own, liver[box], stray[box], spacing):
                # No farther than half of its own thickness: a small piece must not follow a muscle.
                bulge_mm = min(BULGE_MM, LINK_MM + float(depth_mm(core, spacing).max()) / 2)
                liver[box] |= own | (like_lesion[box] & (away <= bulge_mm))
        liver = _without_pores(np.asarray(ndimage.binary_fill_holes(liver)), relative, image.sequence)
    return liver


def _without_pores(liver: Bools, relative: Floats, sequence: MrSequence) -> Bools:
    """`liver` with the holes of its slices that deviate as lesions do, however far: necrosis, cysts."""
    lesions = relative < PERCENT if sequence is MrSequence.T1_POST else relative > PERCENT
    out = liver.copy()
    for z in np.flatnonzero(liver.any(axis=(1, 2))):
        holes = ndimage.binary_fill_holes(liver[z]) & ~liver[z]
        if holes.any():
            labels, count = ndimage.label(holes)
            share = ndimage.mean(lesions[z], labels, np.arange(1, count + 1))
            out[z] |= np.concatenate(([False], np.asarray(share) > 0.5))[labels]
    return out


def lesion_percent(image: Leveled) -> tuple[float, float]:
    """Between which signals lesions lie, in percent of the parenchyma; below fat where that is bright."""
    low, high = LESION_PERCENT[image.sequence]
    if image.sequence is MrSequence.T2 and image.rind_percent > BRIGHT_FAT_PERCENT:
        high = min(high, BELOW_FAT * image.rind_percent)
    return low, high


def _embraced(own: Bools, liver: Bools, stray: Bools, spacing: tuple[float, float, float]) -> bool:
    whole = np.asarray(ndimage.binary_fill_holes(own))
    surface = whole & ~ndimage.binary_erosion(whole)
    reach_mm = max(CONTACT_MM, *spacing)
    voxels = max(1, int(surface.sum()))
    contact = float((surface & (distance_mm(liver, spacing) <= reach_mm)).sum()) / voxels
    beyond = float((surface & (distance_mm(stray, spacing) <= reach_mm)).sum()) / voxels
    return contact >= EMBRACED_FRAC and beyond <= STRAY_FRAC
