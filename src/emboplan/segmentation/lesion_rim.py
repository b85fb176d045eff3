"""Rims: the outer zone of a lesion that differs from liver too little for its own voxels to tell.

An enhancing rim can lie within the noise of the parenchyma, so that a cut at half contrast stops at its inner
side and a small lesion loses a third of its volume. Averaged over a whole shell around the lesion the noise
is gone: the mean CT number over the distance from the (smoothed) surface shows one blurred step for a plain
lesion, and two for one with a rim. Where two fit clearly better, the lesion is extended to the outer one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.model.grid import Grid
from emboplan.segmentation.lesion_shells import (
    Profile,
    Shells,
    away_from,
    edge,
    reshaped,
    shells_around,
    signed_distance,
    solved,
)
from emboplan.segmentation.shape import Spacing
from emboplan.segmentation.working import Bools, Floats

# The surface that distances are counted from is smoothed so.
SMOOTH_MM = 2.0

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


@dataclass(frozen=True, slots=True)
class _Steps:
    """Two steps: their misfit, and the place of the outer one (mm)."""

    misfit: float
    outer_mm: float


def with_rims(
    hu: NDArray[np.int16] | NDArray[np.float32], labels: NDArray[np.uint16], liver: Bools, grid: Grid
) -> NDArray[np.uint16]:
    """`labels` with each lesion extended over its rim, within the liver and not into other lesions."""
    return reshaped(hu, labels, liver, grid, _extended)


def _extended(hu: Floats, own: Bools, others: Bools, liver: Bools, spacing: Spacing) -> Bools:
    room = liver & ~others
    useful = away_from(others, liver, spacing)
    grown = own
    for _ in range(PASSES):
        distance = signed_distance(grown, room, spacing, SMOOTH_MM)
        if distance is None:
            break
        outer_mm = _rim(shells_around(hu, distance, useful))
        if outer_mm is None:
            break
        grown = grown | ((distance < min(outer_mm, LARGEST_MOVE_MM)) & room)
    return grown


def _rim(shells: Shells) -> float | None:
    """Where the outer of two steps lies, in mm from the surface; None where one step tells it as well."""
    if not shells.enough:
        return None
    one, two = _best_fits(shells)
    if two is None or two.outer_mm < LEAST_GAIN_MM or two.misfit > BETTER * one:
        return None
    return two.outer_mm


def _best_fits(shells: Shells) -> tuple[float, _Steps | None]:
    """The misfit of the best single step, and the best pair of steps whose outer one is visible.

    Either may have one more step deep inside: a necrotic core.
    """
    distance, hu, root = shells.distance_mm, shells.hu, np.sqrt(shells.weight)
    flat = np.ones_like(distance)
    one, two = float("inf"), None
    for sigma in EDGE_SIGMAS_MM:
        steps = {
            place: edge(distance, place, sigma) for place in (*CORES_MM, *PLAIN_MM, *INNERS_MM, *OUTERS_MM)
        }
        for core in (None, *CORES_MM):
            base = [flat] if core is None else [flat, steps[core]]
            for plain in PLAIN_MM:
                heights, misfit = solved([*base, steps[plain]], hu, root)
                if _alike(heights[1:]):
                    one = min(one, misfit)
            for inner in INNERS_MM:
                if core is not None and inner < core + LEAST_RIM_MM:
                    continue
                for outer in OUTERS_MM:
                    if outer < inner + LEAST_RIM_MM:
                        continue
                    heights, misfit = solved([*base, steps[inner], steps[outer]], hu, root)
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
