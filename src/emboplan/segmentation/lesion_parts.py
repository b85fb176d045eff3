"""Which voxel belongs to which lesion, where lesions have run into each other.

What was found is parted at the waists of its smoothed depth map. A flood from the tops finds how many lesions
there are; where two of them meet without a valley it stops wherever its fronts happen to. So each lesion is
then taken for the union of the balls in its thick part, and a voxel belongs to the lesion whose balls hold it
deepest: two round lesions meet in the plane of the circle in which their surfaces cross.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.model.mask import bounding_box
from emboplan.segmentation.shape import (
    Spacing,
    balls_of_depth,
    boxes,
    depth_in_balls_mm2,
    depth_mm,
    parted_at_waists,
    without_small,
)
from emboplan.segmentation.working import Bools
from emboplan.units import ML_PER_MM3

Labels = NDArray[np.int32]

# On the true outlines of lesions that have run into each other any share from 0.85 to 0.93 parts most as they
# were made; without smoothing no share does. Smaller parts, and those that hold more balls of their depth,
# get no number of their own.
LESION_SHARE = 0.9
LESION_SIGMA_MM = 2.5
LEAST_OWN_ML = 1.0
SLIVER_BALLS = 7.0

# The thick part of a lesion: where it is deeper than this share of its greatest depth.
THICK_SHARE = 0.7

# How far the balls of a lesion are looked at beyond the voxels that the flood gave it.
REACH_MM = 25.0

# Outlines are parted on voxels of about this edge: finer ones say no more about where lesions meet.
EDGE_MM = 1.5


def parted(found: Bools, spacing: Spacing) -> Labels:
    """Lesions that have run into each other, each with a number; slivers get the one that they touch most."""
    labels = parted_at_waists(found, spacing, LESION_SHARE, LESION_SIGMA_MM)
    labels = _by_balls(found, labels, spacing)
    voxel_ml = float(np.prod(spacing)) * ML_PER_MM3
    sizes = np.bincount(labels.ravel())
    for number, place in sorted(boxes(labels, max(spacing), spacing), key=lambda one: int(sizes[one[0]])):
        own = labels[place] == number
        large = np.count_nonzero(own) * voxel_ml >= LEAST_OWN_ML
        if large and balls_of_depth(own, spacing)[0] < SLIVER_BALLS:
            continue
        around = labels[place][ndimage.binary_dilation(own) & ~own]
        touched = around[around > 0]
        if touched.size:
            labels[place][own] = np.bincount(touched).argmax()
    return labels


def parted_anew(
    labels: NDArray[np.uint16], dark: int, spacing: Spacing, least_ml: float = 0.0
) -> NDArray[np.uint16]:
    """The same voxels parted by their exact outline; lesions 1 to `dark` are parted from the others.

    What lies apart and is smaller than `least_ml` goes: it must not get the number of a lesion far away.
    """
    out = np.zeros_like(labels)
    count = 0
    least_voxels = least_ml / (float(np.prod(spacing)) * ML_PER_MM3)
    for own in ((labels > 0) & (labels <= dark), labels > dark):
        box = bounding_box(own, margin=2)
        if box is None:
            continue
        found = without_small(own[box], least_voxels)
        parts = _on_coarse_voxels(found, spacing)
        out[box][found] = parts[found] + count
        count += int(parts.max())
    return out


def _on_coarse_voxels(found: Bools, spacing: Spacing) -> Labels:
    """`parted` on every n-th voxel; the others get the number of the nearest."""
    steps = [max(1, round(EDGE_MM / d)) for d in spacing]
    coarse = found[tuple(slice(step // 2, None, step) for step in steps)]
    wide = (spacing[0] * steps[0], spacing[1] * steps[1], spacing[2] * steps[2])
    labels = parted(coarse, wide)
    if not labels.any():  # smaller than the steps
        return found.astype(np.int32)
    nearest = ndimage.distance_transform_edt(
        labels == 0, sampling=wide, return_distances=False, return_indices=True
    )
    labels = labels[tuple(nearest)]
    at = [
        np.minimum(np.arange(n) // k, m - 1) for n, k, m in zip(found.shape, steps, coarse.shape, strict=True)
    ]
    return np.asarray(labels[np.ix_(*at)])


def _by_balls(found: Bools, labels: Labels, spacing: Spacing) -> Labels:
    """Each voxel with the number of the lesion whose balls hold it deepest."""
    depth = depth_mm(found, spacing)
    deepest = np.full(found.shape, -np.inf)
    out = labels.copy()
    for number, place in boxes(labels, REACH_MM, spacing):
        radius = np.where(labels[place] == number, depth[place], np.float32(0))
        held = depth_in_balls_mm2(
            np.where(radius >= THICK_SHARE * radius.max(), radius, np.float32(0)), spacing
        )
        more = found[place] & (held > deepest[place])
        deepest[place][more] = held[more]
        out[place][more] = number
    return out
