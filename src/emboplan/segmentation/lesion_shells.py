"""A lesion shell by shell: the mean CT number over the distance from its smoothed surface.

Single voxels at an edge say little, a whole shell says where the edge is. The distances are counted from a
smoothed surface: one that follows the noise would sort the voxels on its two sides by their noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtr

from emboplan.model.grid import Grid
from emboplan.segmentation.shape import Spacing, balls_of_depth, boxes, depth_mm, distance_mm
from emboplan.segmentation.spread import robust_level
from emboplan.segmentation.working import Bools, Floats
from emboplan.units import ML_PER_MM3

Profile = NDArray[np.float64]

# From the CT numbers, a lesion, the others, the liver and the spacing to the lesion's new shape.
Shape = Callable[[Floats, Bools, Bools, Bools, Spacing], Bools]

# The profile: shells of this width, from inside the lesion to the parenchyma around it.
SHELL_MM = 1.0
INNER_MM, OUTER_MM = 6.0, 9.0
LEAST_SHELL_VOXELS = 20
LEAST_SHELLS = 8

# Smaller lesions have too few voxels in a shell; around one that is larger than this many balls of its own
# depth, shells mean nothing.
LEAST_ML = 2.0
MOST_BALLS = 3.3

# In thicker slices the ends of a lesion lie between slices, where no distance is right.
THICKEST_MM = 3.5

# Voxels this many robust deviations from their shell's median are vessels and do not count; nor does what
# lies this near another lesion.
TYPICAL_DEVIATIONS = 3.0
OTHERS_MM = 4.0

# Where a Gaussian has less of its weight in what a lesion can fill, the surface stays as it is.
LEAST_ROOM = 0.05

# Smoothing of the distances, as a share of the shortest voxel edge: along thick slices there is none.
STEP_SHARE = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Shells:
    """Mean distance (mm, negative inside), mean CT number and weight of each shell of enough voxels."""

    distance_mm: Profile
    hu: Profile
    weight: Profile

    @property
    def enough(self) -> bool:
        """Whether they tell anything."""
        return self.distance_mm.size >= LEAST_SHELLS

    def between(self, low_mm: float, high_mm: float) -> Shells:
        """The shells at these distances."""
        near = (self.distance_mm > low_mm) & (self.distance_mm < high_mm)
        return Shells(self.distance_mm[near], self.hu[near], self.weight[near])


def has_shells(own: Bools, spacing: Spacing, least_ml: float = LEAST_ML) -> bool:
    """Whether a lesion is large and round enough, and its slices thin enough, for shells to tell anything."""
    if max(spacing) > THICKEST_MM:
        return False
    volume_ml = float(np.count_nonzero(own)) * float(np.prod(spacing)) * ML_PER_MM3
    return volume_ml >= least_ml and balls_of_depth(own, spacing)[0] <= MOST_BALLS


def reshaped(
    hu: NDArray[np.int16] | NDArray[np.float32],
    labels: NDArray[np.uint16],
    liver: Bools,
    grid: Grid,
    new: Shape,
    least_ml: float = LEAST_ML,
) -> NDArray[np.uint16]:
    """`labels` with the shape that `new` gives each lesion whose shells tell anything, one by one.

    Lesions smaller than `least_ml` keep theirs.
    """
    out = labels.copy()
    spacing = grid.spacing_zyx_mm
    for number, box in boxes(labels.astype(np.int32), OUTER_MM + OTHERS_MM, spacing):
        own = out[box] == number
        if not has_shells(own, spacing, least_ml):
            continue
        others = (out[box] > 0) & ~own
        shape = new(hu[box].astype(np.float32), own, others, liver[box], spacing)
        out[box][own] = 0
        out[box][shape] = number
    return out


def signed_distance(own: Bools, room: Bools, spacing: Spacing, smooth_mm: float) -> Floats | None:
    """Distance to the smoothed surface, negative inside; None where there is no such surface.

    Smoothed inside `room` alone, which a lesion can fill: where the liver or another lesion ends it, its
    surface is not rounded off.
    """
    sigmas = [smooth_mm / d for d in spacing]
    share = ndimage.gaussian_filter(room.astype(np.float32), sigmas)
    filled = ndimage.gaussian_filter((own & room).astype(np.float32), sigmas)
    smooth = room & np.where(share > LEAST_ROOM, filled > share / 2, own)
    if not smooth.any() or not (room & ~smooth).any():
        return None
    half = min(spacing) / 2
    outside = distance_mm(smooth, spacing) - np.float32(half)
    inside = depth_mm(smooth | ~room, spacing) - np.float32(half)
    # Distances between voxels come in few sizes: a surface at any other one would jump by a voxel.
    steps = np.where(room, np.where(smooth, -inside, outside), np.float32(0))
    sigmas = [STEP_SHARE * min(spacing) / d for d in spacing]
    weight = ndimage.gaussian_filter(room.astype(np.float32), sigmas)
    calm = ndimage.gaussian_filter(steps, sigmas) / np.maximum(weight, np.float32(LEAST_ROOM))
    return np.where(room, calm, outside).astype(np.float32)


def shells_around(hu: Floats, distance: Floats, useful: Bools) -> Shells:
    """The profile over `distance` of the voxels in `useful`."""
    rows = []
    near = useful & (distance >= -INNER_MM) & (distance < OUTER_MM)
    far, number = distance[near], np.floor((distance[near] + INNER_MM) / SHELL_MM)
    inside = hu[near]
    for k in range(int((INNER_MM + OUTER_MM) / SHELL_MM)):
        here = number == k
        if int(here.sum()) < LEAST_SHELL_VOXELS:
            continue
        values = inside[here].astype(np.float64)
        middle, deviation = robust_level(values)
        spread = max(deviation, 1.0)
        typical = values[np.abs(values - middle) <= TYPICAL_DEVIATIONS * spread]
        rows.append((float(far[here].mean()), float(typical.mean()), typical.size / spread**2))
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return Shells(table[:, 0], table[:, 1], table[:, 2])


def away_from(others: Bools, inside: Bools, spacing: Spacing) -> Bools:
    """What of `inside` lies away from other lesions."""
    return inside & (distance_mm(others, spacing) > OTHERS_MM) if others.any() else inside


def edge(distance: Profile, place_mm: float, blur_mm: float) -> Profile:
    """A blurred step: one inside, one half at its place, zero outside."""
    return np.asarray(ndtr(-(distance - place_mm) / blur_mm))


def solved(columns: list[Profile], hu: Profile, root: Profile) -> tuple[Profile, float]:
    """The heights of the columns that fit best, and the misfit; `root` is the root of the weights."""
    matrix = np.stack(columns, 1)
    heights = np.asarray(np.linalg.lstsq(matrix * root[:, None], hu * root, rcond=None)[0], np.float64)
    return heights, float(((matrix @ heights - hu) ** 2 * root**2).sum())
