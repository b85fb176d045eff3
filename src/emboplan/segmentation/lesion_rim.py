"""Rims: the outer zone of a lesion that differs from liver too little for its own voxels to tell.

An enhancing rim can lie within the noise of the parenchyma, so that a cut at half contrast stops at its inner
side and a small lesion loses a third of its volume. Averaged over a whole shell around the lesion the noise
is gone: the mean CT number over the distance from the (smoothed) surface shows one blurred step for a plain
lesion, and two for one with a rim. Where two fit clearly better, the lesion is extended to the outer one. A
dark lesion's rim may be brighter than liver, too: then the outer step goes back the other way.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from emboplan.model.grid import Grid
from emboplan.segmentation.lesion_shells import (
    Profile,
    Shells,
    away_from,
    edge,
    has_shells,
    reshaped,
    shells_around,
    signed_distance,
    solved,
)
from emboplan.segmentation.shape import Spacing
from emboplan.segmentation.spread import robust_level
from emboplan.segmentation.working import Bools, Floats

# The surface that distances are counted from is smoothed so.
SMOOTH_MM = 2.0

# Blur of an edge over such a surface (standard deviations), where steps are sought (mm from the surface), and
# how far apart they are at least. The one step of a plain lesion lies at its surface; where that is uneven,
# its mean is a wider one.
EDGE_SIGMAS_MM = (1.2, 1.6)
UNEVEN_SIGMAS_MM = (2.0, 2.5)
PLAIN_MM, PLAIN_STEP_MM = 0.5, 0.25
CORES_MM = tuple(float(x) for x in np.arange(-5.0, -2.9, 0.5))
INNERS_MM = tuple(float(x) for x in np.arange(-4.0, 1.1, 0.5))
OUTERS_MM = tuple(float(x) for x in np.arange(-1.0, 4.1, 0.25))
BRIGHT_OUTERS_MM = tuple(float(x) for x in np.arange(-1.0, 6.1, 0.5))
LEAST_RIM_MM = 1.5

# Two steps must leave this share of one step's squared misfit at most, and be better by what noise does not
# bring about (misfits are chi-squared); the outer must be a visible one, and lie outside the surface.
BETTER = 0.8
BETTER_BY = 15.0
LEAST_RIM_HU = 5.0
LEAST_RIM_SHARE = 0.3
LEAST_GAIN_MM = 0.5

# A rim brighter than liver around a dark core is at least so thick and so bright: the overshoot of a sharp
# reconstruction is thinner. Its core may be small.
LEAST_BRIGHT_MM = 2.5
LEAST_BRIGHT_HU = 5.0
LEAST_CORE_ML = 0.3

# A rim is all around: between these zones (mm from the outer step) the contrast keeps this share of its mean
# without that share of the octants in which it is highest.
RIM_ZONE_MM = (-2.0, 0.0)
LIVER_ZONE_MM = (0.5, 3.5)
SHOWN_SHARE = 0.65
MOST_FRAC = 0.25
LEAST_OCTANTS = 4
LEAST_OCTANT_VOXELS = 20

# One pass moves the surface by no more than this; the distances are then counted anew.
LARGEST_MOVE_MM = 2.5
PASSES = 5


@dataclass(frozen=True, slots=True)
class _Fit:
    """A fit of the profile: its misfit, and the place (mm) and the height of its outermost step."""

    misfit: float
    outer_mm: float
    height_hu: float


def with_rims(
    hu: NDArray[np.int16] | NDArray[np.float32], labels: NDArray[np.uint16], liver: Bools, grid: Grid
) -> NDArray[np.uint16]:
    """`labels` with each lesion extended over its rim, within the liver and not into other lesions."""
    return reshaped(hu, labels, liver, grid, _extended, LEAST_CORE_ML)


def _extended(hu: Floats, own: Bools, others: Bools, liver: Bools, spacing: Spacing) -> Bools:
    room = liver & ~others
    useful = away_from(others, liver, spacing)
    large = has_shells(own, spacing)
    grown, moved_mm = own, 0.0
    for _ in range(PASSES):
        distance = signed_distance(grown, room, spacing, SMOOTH_MM)
        if distance is None:
            break
        fit = _rim(shells_around(hu, distance, useful), moved_mm, large=large)
        if fit is None or not _all_around(hu, distance, useful, fit):
            break
        step_mm = min(fit.outer_mm, LARGEST_MOVE_MM)
        grown, moved_mm = grown | ((distance < step_mm) & room), moved_mm + step_mm
    return grown


def _all_around(hu: Floats, distance: Floats, useful: Bools, fit: _Fit) -> bool:
    """Whether the outer step shows on all sides: a vessel beside a lesion lies on one or two of them."""
    past_mm = distance - np.float32(fit.outer_mm)
    inside = useful & (past_mm > RIM_ZONE_MM[0]) & (past_mm < RIM_ZONE_MM[1])
    outside = useful & (past_mm > LIVER_ZONE_MM[0]) & (past_mm < LIVER_ZONE_MM[1])
    steps = []
    octants = _octants(distance < 0)
    for number in range(8):
        within, beyond = (hu[zone & (octants == number)] for zone in (inside, outside))
        if min(within.size, beyond.size) >= LEAST_OCTANT_VOXELS:
            steps.append(robust_level(within)[0] - robust_level(beyond)[0])
    if len(steps) < LEAST_OCTANTS:
        return False
    shown = np.sort(np.array(steps) / fit.height_hu)
    without_most = shown[: -ceil(MOST_FRAC * shown.size)]
    return bool(without_most.mean() > SHOWN_SHARE * max(0.0, float(shown.mean())))


def _octants(own: Bools) -> NDArray[np.intp]:
    """For each voxel in which of the eight octants around a lesion's middle it lies."""
    places = np.ogrid[tuple(slice(n) for n in own.shape)]
    z, y, x = (place > at.mean() for place, at in zip(places, np.nonzero(own), strict=True))
    return np.asarray(4 * z + 2 * y + 1 * x, np.intp)


def _rim(shells: Shells, moved_mm: float, *, large: bool) -> _Fit | None:
    """Two steps that the profile shows; None where one step tells it as well.

    That one lies at the surface that the lesion had before it was moved outwards by `moved_mm`.
    A faint rim is sought around `large` lesions alone; a bright one shows around a small core, too.
    """
    if not shells.enough:
        return None
    profiles = [_Profiles(shells, sigma) for sigma in EDGE_SIGMAS_MM]
    uneven = [_Profiles(shells, sigma) for sigma in UNEVEN_SIGMAS_MM]
    plain = min(profile.plain(moved_mm) for profile in profiles + uneven)
    rims = [fit for profile in profiles for fit in profile.bright()]
    if large:
        rims += [fit for profile in profiles for fit in profile.faint()]
    best = min(rims, key=lambda fit: fit.misfit, default=None)
    if best is None or best.outer_mm < LEAST_GAIN_MM or best.misfit > min(BETTER * plain, plain - BETTER_BY):
        return None
    return best


class _Profiles:
    """The profiles that lesions with and without a rim have, at one blur, fitted to that of a lesion."""

    def __init__(self, shells: Shells, sigma_mm: float) -> None:
        self._hu = shells.hu
        self._root = np.sqrt(shells.weight)
        self._flat = np.ones_like(shells.hu)
        places = {*CORES_MM, *INNERS_MM, *OUTERS_MM, *BRIGHT_OUTERS_MM}
        self._distance_mm, self._sigma_mm = shells.distance_mm, sigma_mm
        self._steps = {place: edge(shells.distance_mm, place, sigma_mm) for place in places}

    def plain(self, moved_mm: float) -> float:
        """The misfit of one step at the surface that was, with a core or without."""
        found = float("inf")
        places = [float(x) for x in np.arange(-PLAIN_MM - moved_mm, PLAIN_MM + PLAIN_STEP_MM, PLAIN_STEP_MM)]
        self._steps |= {place: edge(self._distance_mm, place, self._sigma_mm) for place in places}
        for base in self._bases():
            for place in (place for place in places if not base or place > base[0] + LEAST_RIM_MM):
                heights, misfit = self._solved(*base, place)
                if _alike(heights):
                    found = min(found, misfit)
        return found

    def faint(self) -> list[_Fit]:
        """Fits of two steps to the same side whose outer one is visible, with a core or without."""
        found = []
        for base in self._bases():
            for inner in INNERS_MM:
                if base and inner < base[0] + LEAST_RIM_MM:
                    continue
                for outer in (place for place in OUTERS_MM if place >= inner + LEAST_RIM_MM):
                    heights, misfit = self._solved(*base, inner, outer)
                    if _alike(heights) and _visible(heights[-2:]):
                        found.append(_Fit(misfit, outer, float(heights[-1])))
        return found

    def bright(self) -> list[_Fit]:
        """Fits of a core darker than liver within a rim that is seen to be brighter than liver."""
        found = []
        for inner in INNERS_MM:
            for outer in (place for place in BRIGHT_OUTERS_MM if place >= inner + LEAST_BRIGHT_MM):
                heights, misfit = self._solved(inner, outer)
                seen = heights[0] * self._steps[inner] + heights[1] * self._steps[outer]
                if heights.sum() <= -LEAST_RIM_HU and seen.max() >= LEAST_BRIGHT_HU:
                    found.append(_Fit(misfit, outer, float(heights[-1])))
        return found

    def _bases(self) -> list[tuple[float, ...]]:
        """No core, or one more step deep inside: a necrotic one."""
        return [(), *((core,) for core in CORES_MM)]

    def _solved(self, *places: float) -> tuple[Profile, float]:
        """The heights of steps at these places, and the misfit."""
        columns = [self._flat, *(self._steps[place] for place in places)]
        heights, misfit = solved(columns, self._hu, self._root)
        return heights[1:], misfit


def _alike(heights: Profile) -> bool:
    """Whether all steps go the same way."""
    return bool((heights > 0).all() or (heights < 0).all())


def _visible(heights: Profile) -> bool:
    """Whether the outer of two steps is one to believe in."""
    whole = abs(float(heights.sum()))
    return abs(float(heights[-1])) >= max(LEAST_RIM_HU, LEAST_RIM_SHARE * whole)
