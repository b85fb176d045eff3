"""Rims: the outer zone of a lesion that differs from liver too little for its own voxels to tell.

An enhancing rim can lie within the noise of the parenchyma, so that a cut at half contrast stops at its inner
side and a small lesion loses a third of its volume. Averaged over a whole shell around the lesion the noise
is gone: the mean CT number over the distance from the (smoothed) surface shows one blurred step for a plain
lesion, and two for one with a rim. Where two fit clearly better, the lesion is extended to the outer one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtr

from emboplan.model.grid import Grid
from emboplan.segmentation.shape import Spacing, boxes, depth_mm
from emboplan.segmentation.spread import robust_level
from emboplan.segmentation.working import Bools
from emboplan.units import ML_PER_MM3

Profile = NDArray[np.float64]

# The surface that distances are counted from is smoothed: one that follows the noise would sort the voxels on
# its two sides by their noise.
SMOOTH_MM = 2.0

# The profile: shells of this width, from inside the lesion to the parenchyma around it.
SHELL_MM = 1.0
INNER_MM, OUTER_MM = 6.0, 9.0
LEAST_SHELL_VOXELS = 20
LEAST_SHELLS = 8

# Voxels this many robust deviations from their shell's median are vessels and do not count; nor does what
# lies this near another lesion.
TYPICAL_DEVIATIONS = 3.0
OTHERS_MM = 4.0

# Blur of an edge over such a surface (standard deviations), where steps are sought (mm from the surface), and
# how far apart they are at least. The one step of a plain lesion lies at its surface.
EDGE_SIGMAS_MM = (1.2, 1.6)
PLAIN_MM = (-0.5, -0.25, 0.0, 0.25, 0.5)
CORES_MM = tuple(float(x) for x in np.arange(-5.0, -2.9, 0.5))
INNERS_MM = tuple(float(x) for x in np.arange(-4.0, 1.1, 0.5))
OUTERS_MM = tuple(float(x) for x in np.arange(-1.0, 4.1, 0.25))
LEAST_RIM_MM = 1.5

# Two steps must leave this share of one step's squared misfit at most; the outer must be a visible one, and
# lie outside the surface.
BETTER = 0.8
LEAST_RIM_HU = 5.0
LEAST_RIM_SHARE = 0.15
LEAST_GAIN_MM = 0.5

# One pass moves the surface by no more than this; the distances are then counted anew.
LARGEST_MOVE_MM = 2.5
PASSES = 3

# Smaller lesions have too few voxels in a shell; around one that is larger than this many balls of its own
# depth, shells mean nothing.
LEAST_ML = 2.0
MOST_BALLS = 3.3


@dataclass(frozen=True, slots=True)
class _Steps:
    """Two steps: their misfit, and the place of the outer one (mm)."""

    misfit: float
    outer_mm: float


def with_rims(
    hu: NDArray[np.int16] | NDArray[np.float32], labels: NDArray[np.uint16], liver: Bools, grid: Grid
) -> NDArray[np.uint16]:
    """`labels` with each lesion extended over its rim, within the liver and not into other lesions."""
    out = labels.copy()
    spacing = grid.spacing_zyx_mm
    for number, box in boxes(labels.astype(np.int32), OUTER_MM + LARGEST_MOVE_MM, spacing):
        own = out[box] == number
        volume_ml = float(own.sum()) * grid.voxel_ml
        ball_ml = 4 / 3 * pi * float(depth_mm(own, spacing).max()) ** 3 * ML_PER_MM3
        if volume_ml < LEAST_ML or volume_ml > MOST_BALLS * ball_ml:
            continue
        others = (out[box] > 0) & ~own
        grown = _extended(hu[box].astype(np.float64), own, others, liver[box], spacing)
        out[box][grown & ~own] = number
    return out


def _extended(hu: Profile, own: Bools, others: Bools, liver: Bools, spacing: Spacing) -> Bools:
    useful = liver
    if others.any():
        useful = liver & (ndimage.distance_transform_edt(~others, sampling=spacing) > OTHERS_MM)
    grown = own
    for _ in range(PASSES):
        distance = _signed_distance(grown, spacing)
        if distance is None:
            break
        outer_mm = _rim(*_shells(hu, distance, useful))
        if outer_mm is None:
            break
        grown = grown | ((distance < min(outer_mm, LARGEST_MOVE_MM)) & liver & ~others)
    return grown


def _signed_distance(own: Bools, spacing: Spacing) -> Profile | None:
    """Distance to the smoothed surface, negative inside; None where nothing is left of the lesion."""
    smooth = ndimage.gaussian_filter(own.astype(np.float32), [SMOOTH_MM / d for d in spacing]) > 1 / 2
    if not smooth.any():
        return None
    half = min(spacing) / 2
    outside = ndimage.distance_transform_edt(~smooth, sampling=spacing) - half
    inside = ndimage.distance_transform_edt(smooth, sampling=spacing) - half
    return np.where(smooth, -inside, outside)


def _shells(hu: Profile, distance: Profile, useful: Bools) -> tuple[Profile, Profile, Profile]:
    """Mean distance, mean CT number and weight of each shell that holds enough voxels."""
    rows = []
    shell = np.floor((distance + INNER_MM) / SHELL_MM)
    for k in range(int((INNER_MM + OUTER_MM) / SHELL_MM)):
        here = useful & (shell == k)
        if int(here.sum()) < LEAST_SHELL_VOXELS:
            continue
        values = hu[here]
        middle, deviation = robust_level(values)
        spread = max(deviation, 1.0)
        typical = values[np.abs(values - middle) <= TYPICAL_DEVIATIONS * spread]
        rows.append((float(distance[here].mean()), float(typical.mean()), typical.size / spread**2))
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _rim(distance: Profile, hu: Profile, weight: Profile) -> float | None:
    """Where the outer of two steps lies, in mm from the surface; None where one step tells it as well."""
    if distance.size < LEAST_SHELLS:
        return None
    one, two = _best_fits(distance, hu, weight)
    if two is None or two.outer_mm < LEAST_GAIN_MM or two.misfit > BETTER * one:
        return None
    return two.outer_mm


def _best_fits(distance: Profile, hu: Profile, weight: Profile) -> tuple[float, _Steps | None]:
    """The misfit of the best single step, and the best pair of steps whose outer one is visible.

    Either may have one more step deep inside: a necrotic core.
    """
    root = np.sqrt(weight)
    flat = np.ones_like(distance)
    one, two = float("inf"), None
    for sigma in EDGE_SIGMAS_MM:
        steps = {
            place: ndtr(-(distance - place) / sigma)
            for place in (*CORES_MM, *PLAIN_MM, *INNERS_MM, *OUTERS_MM)
        }
        for core in (None, *CORES_MM):
            base = [flat] if core is None else [flat, steps[core]]
            for edge in PLAIN_MM:
                heights, misfit = _solved([*base, steps[edge]], hu, root)
                if _alike(heights[1:]):
                    one = min(one, misfit)
            for inner in INNERS_MM:
                if core is not None and inner < core + LEAST_RIM_MM:
                    continue
                for outer in OUTERS_MM:
                    if outer < inner + LEAST_RIM_MM:
                        continue
                    heights, misfit = _solved([*base, steps[inner], steps[outer]], hu, root)
                    if (
                        _alike(heights[1:])
                        and _visible(heights[-2:])
                        and (two is None or misfit < two.misfit)
                    ):
                        two = _Steps(misfit, outer)
    return one, two


def _alike(heights: Profile) -> bool:
    """Whether all steps go the same way."""
    return bool((heights > 0).all() or (heights < 0).all())


def _visible(heights: Profile) -> bool:
    """Whether the outer of two steps is one to believe in."""
    whole = abs(float(heights.sum()))
    return abs(float(heights[-1])) >= max(LEAST_RIM_HU, LEAST_RIM_SHARE * whole)


def _solved(columns: list[Profile], hu: Profile, root: Profile) -> tuple[Profile, float]:
    matrix = np.stack(columns, 1)
    heights = np.asarray(np.linalg.lstsq(matrix * root[:, None], hu * root, rcond=None)[0], np.float64)
    return heights, float(((matrix @ heights - hu) ** 2 * root**2).sum())
