"""Lesions in the liver on MR: darker than parenchyma on T1 after contrast, brighter on T2.

What deviates the lesions' way from the local level of the parenchyma is seeded where it is clear after
smoothing, grown to where it is faint, parted at necks and kept where it is compact and no fluid. Vessels
deviate the other way on both sequences. Cysts and gallbladder are fluid to their edge; a necrotic centre has
a wall. Surfaces and rims are then found on the native grid as on CT, whose steps there know no unit.
"""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.model.image import MrSequence
from emboplan.segmentation.mr.level import Leveled
from emboplan.segmentation.mr.surface import lesion_percent
from emboplan.segmentation.shape import boxes, depth_mm, parted_at_waists
from emboplan.segmentation.spread import sd_about
from emboplan.segmentation.working import Bools, Floats
from emboplan.units import ML_PER_MM3, PERCENT

# The way in which lesions deviate.
SIGN = {MrSequence.T1_POST: -1.0, MrSequence.T2: 1.0}

# Seeds: smoothed at this scale, deviating by this many deviations of the smoothed parenchyma and at least by
# so many percent of it.
SEED_MM = 2.0
SEED_DEVIATIONS = 5.0
LEAST_SEED_PERCENT = 15.0

# Growth: this share of the seed's own deviation (half contrast is found later), never below so much.
GROWN_SHARE = 0.4
LEAST_GROWN_PERCENT = 9.0

# The blur of the liver's own surface reaches so far in (and most of a slice, where slices are thick): no
# seeds there.
RIM_MM = 2.5
RIM_SLICES = 0.8

# Smallest diameter of a ball of the same volume, and how many balls of its own depth a lesion may hold:
# fissures and ducts are longer. Large lesions grow into each other, small ones are round.
LEAST_DIAMETER_MM = 7.0
LONGEST_SHAPE = 7.0
SMALL_ML = 15.0
LONGEST_SMALL_SHAPE = 3.5

# Parting: basins of the depth map whose necks are narrower than this share of the smaller part's depth.
NECK_SHARE = 0.6

# The band inside a lesion's edge, behind the blur, that tells tissue from fluid.
BAND_MM = (2.0, 6.0)

# Smaller things are folds of fat, or the edge of the gallbladder, when their darkest or brightest part is
# fat or fluid; larger ones may be necrotic within.
FOLD_ML = 2.0
FOLD_PERCENTILES = (10.0, 90.0)

# Small things that never lie deeper than this under the surface (or so many slices) are its blur.
SURFACE_MM = 6.0
SURFACE_SLICES = 1.3
SURFACE_ML = 1.5


def find_mr_lesions(image: Leveled, liver: Bools, level: Floats) -> NDArray[np.int32]:
    """Lesions on the working grid, each with a number."""
    work, spacing = image.work, image.work.spacing_zyx_mm
    sign = np.float32(SIGN[image.sequence])
    depth = depth_mm(liver, spacing)
    deep = depth > max(RIM_MM, RIM_SLICES * max(spacing))
    away = np.where(liver, sign * (image.tissue - level) * np.float32(PERCENT) / level, np.float32(0))
    share = work.smooth(liver.astype(np.float32), SEED_MM)
    calm = np.where(liver, work.smooth(away, SEED_MM) / np.maximum(share, np.float32(0.1)), np.float32(0))
    typical = calm[deep]
    if not typical.size:
        return np.zeros(liver.shape, np.int32)
    # About the level itself and of the side that lesions are not on: where there are many, they move the
    # median of all.
    deviation = sd_about(typical[typical <= 0], 0.0)
    seeds = deep & (calm > max(LEAST_SEED_PERCENT, SEED_DEVIATIONS * deviation))
    grown = liver & (away > LEAST_GROWN_PERCENT)
    labels, _ = ndimage.label(grown)
    out = np.zeros(liver.shape, np.int32)
    number = 0
    for index, box in boxes(labels, 0.0, spacing):
        blob = labels[box] == index
        start = blob & seeds[box]
        if not start.any():
            continue
        # The box ends where the blob does: a depth needs an outside.
        whole = np.pad(_near_peak(blob, away[box], start), 1)
        parts = parted_at_waists(whole, spacing, NECK_SHARE)[1:-1, 1:-1, 1:-1]
        for part, place in boxes(parts, 0.0, spacing):
            own = parts[place] == part
            here = (depth[box][place], image.tissue[box][place] * np.float32(PERCENT) / level[box][place])
            if (own & seeds[box][place]).any() and _is_lesion(image, own, *here):
                number += 1
                out[box][place][own] = number
    return out


def _near_peak(blob: Bools, away: Floats, start: Bools) -> Bools:
    """The part of a candidate that reaches a share of its own deviation, connected to its seeds."""
    whole = blob & (away > GROWN_SHARE * float(np.median(away[start])))
    pieces, _ = ndimage.label(whole)
    keep = np.unique(pieces[start & whole])
    return np.asarray(ndimage.binary_fill_holes(np.isin(pieces, keep[keep > 0])))


def _is_lesion(image: Leveled, own: Bools, liver_depth: Floats, relative: Floats) -> bool:
    volume_ml = float(own.sum()) * image.work.voxel_ml
    if volume_ml / ML_PER_MM3 < pi / 6 * LEAST_DIAMETER_MM**3:
        return False
    depth = depth_mm(np.pad(own, 1), image.work.spacing_zyx_mm)[1:-1, 1:-1, 1:-1]
    thickest = float(depth.max())
    longest = LONGEST_SMALL_SHAPE if volume_ml < SMALL_ML else LONGEST_SHAPE
    if volume_ml / ML_PER_MM3 > longest * 4 / 3 * pi * thickest**3:
        return False
    surface_mm = max(SURFACE_MM, SURFACE_SLICES * max(image.work.spacing_zyx_mm))
    if volume_ml < SURFACE_ML and float(liver_depth[own].max()) < surface_mm:
        return False
    band = own & (depth >= BAND_MM[0]) & (depth <= BAND_MM[1])
    low, high = lesion_percent(image)
    if volume_ml < FOLD_ML:
        darkest, brightest = np.percentile(relative[own], FOLD_PERCENTILES)
        return bool(low < darkest and brightest < high)
    return low < float(np.median(relative[band if band.any() else own])) < high


def without_folds(
    image: Leveled, percent: Floats, labels: NDArray[np.uint16], voxel_ml: float
) -> NDArray[np.uint16]:
    """`labels` on the native grid without the small ones that are fat or fluid there, unblurred."""
    low, high = lesion_percent(image)
    numbers = np.arange(1, int(labels.max()) + 1)
    if not numbers.size:
        return labels
    middle = np.asarray(ndimage.median(percent, labels, numbers))
    small = np.bincount(labels.ravel(), minlength=numbers.size + 1)[1:] * voxel_ml < FOLD_ML
    keep = np.concatenate(([False], ~small | ((middle > low) & (middle < high))))
    return np.where(keep[labels], labels, np.uint16(0))
