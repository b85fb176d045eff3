"""The vena cava where it is as bright as the liver: told by its place, and followed upwards.

Below the liver it lies alone in fat, before the spine's right side. From there it is followed slice by slice
to the heart as the disc, of the section seen below, that is full of such tissue and has the least of it
around: it bulges from the liver's back, while no edge parts it from the caudate lobe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.model.mask import Box
from emboplan.segmentation.landmarks import Spine
from emboplan.segmentation.shape import depth_mm, distance_mm
from emboplan.segmentation.working import Bools, Floats, WorkingImage

# Below the liver: a compact section right of the spine's middle (mm), about its front, of this size and
# alone in fat once bridges thinner than twice the radius are cut.
RIGHT_MM = (4.0, 42.0)
FRONT_MM = (-34.0, 14.0)
AREA_MM2 = (50.0, 950.0)
LENGTH_MM = 42.0
FILL = 0.55
BRIDGE_MM = 2.5

# Such sections follow each other over at least this length, and move by no more than this between slices.
RUN_MM = 15.0
STEP_MM = 6.0

# Above them it is sought this far about the last one (forwards, backwards, to the sides), and so far above
# the liver, where it lies alone once more. Tissue in a ring around the disc counts this much against it; a
# course that leans by 45 degrees costs as much as a disc full of tissue brings.
BEYOND_MM = 25.0
AHEAD_MM, BACK_MM, ASIDE_MM = 50.0, 25.0, 35.0
RING_MM = (1.0, 5.0)
RING_WEIGHT = 0.7
LEAN_COST = 1.0

# A disc with less of such tissue ends the course: bowel was followed, or blood is brighter from here on.
FULL_FRAC = 0.5

# It surely fills this share of its radius, and reaches no farther than this beyond it.
SURE_FRAC = 0.5
REACH_MM = 2.0

# Slices in which such tissue fills the first share of the ring are those at the liver; where it fills the
# second share of it in half of them, the vena cava runs through the liver, and counts as one of its vessels,
# as in livers drawn by hand.
TOUCHED_FRAC = 0.3
EMBRACED_FRAC = 0.7

# A place that no course reaches.
NOWHERE = np.float32(-1e9)


@dataclass(frozen=True, slots=True, eq=False)
class VenaCava:
    """What surely is vena cava, the tube that holds it, and in how many slices it lies alone."""

    sure: Bools
    tube: Bools
    seen: int


@dataclass(frozen=True, slots=True, eq=False)
class _Section:
    """The vena cava in a slice where it lies alone, and its centre (row, column)."""

    plane: Bools
    centre: NDArray[np.float64]


def vena_cava(work: WorkingImage, alike: Bools, spine: Spine, above: int | None) -> VenaCava:
    """The vena cava in tissue like the liver's; `above` is the lowest slice above the liver, if in view."""
    sections = [_section(work, plane, spine.column[z], spine.front[z]) for z, plane in enumerate(alike)]
    chain = _longest_chain(work, sections)
    sure, tube = np.zeros_like(alike), np.zeros_like(alike)
    if not chain:
        return VenaCava(sure, tube, 0)
    dz, dy, dx = work.spacing_zyx_mm
    for z, section in chain.items():
        sure[z] = tube[z] = section.plane
    known = sorted(chain)
    areas_mm2 = [float(np.count_nonzero(chain[z].plane)) * dy * dx for z in known]
    radius_mm = float(np.sqrt(np.median(areas_mm2) / np.pi))
    centres = _between([chain[z].centre for z in known], known)
    last = known[-1]
    end = alike.shape[0] if above is None else max(last + 1, above + round(BEYOND_MM / dz))
    centres |= _course(work, alike[:end], last, centres[last], radius_mm)
    rows, columns = np.ogrid[: alike.shape[1], : alike.shape[2]]
    surrounded: dict[int, float] = {}
    for z, (row, column) in centres.items():
        off_mm = np.hypot((rows - row) * dy, (columns - column) * dx)
        if z > last:
            if float(alike[z][off_mm <= radius_mm].mean()) < FULL_FRAC:
                break
            sure[z] = alike[z] & (off_mm <= SURE_FRAC * radius_mm)
            surrounded[z] = float(alike[z][_in_ring(off_mm, radius_mm)].mean())
        tube[z] |= off_mm <= radius_mm + REACH_MM
    touching = [z for z, share in surrounded.items() if share >= TOUCHED_FRAC]
    if touching and float(np.median([surrounded[z] for z in touching])) >= EMBRACED_FRAC:
        tube[touching] = False
    return VenaCava(sure, tube, len(known))


def _between(centres: list[NDArray[np.float64]], known: list[int]) -> dict[int, tuple[float, float]]:
    """The centre in each slice from the first to the last section, also in those between that show none."""
    levels = np.arange(known[0], known[-1] + 1)
    rows = np.interp(levels, known, [centre[0] for centre in centres])
    columns = np.interp(levels, known, [centre[1] for centre in centres])
    return {int(z): (float(y), float(x)) for z, y, x in zip(levels, rows, columns, strict=True)}


def _in_ring(off_mm: NDArray[np.float64], radius_mm: float) -> Bools:
    return np.asarray((off_mm > radius_mm + RING_MM[0]) & (off_mm <= radius_mm + RING_MM[1]))


def _course(
    work: WorkingImage, soft: Bools, last: int, start: tuple[float, float], radius_mm: float
) -> dict[int, tuple[float, float]]:
    """The centre in each slice above the last section: the course of the highest score (Viterbi)."""
    dz, dy, dx = work.spacing_zyx_mm
    top, left = max(0, int(start[0] - AHEAD_MM / dy)), max(0, int(start[1] - ASIDE_MM / dx))
    box: Box = (
        slice(last, soft.shape[0]),
        slice(top, int(start[0] + BACK_MM / dy) + 1),
        slice(left, int(start[1] + ASIDE_MM / dx) + 1),
    )
    score = _discs(soft[box], (dy, dx), radius_mm)
    reach = max(1, int(np.ceil(dz / max(dy, dx))))
    moves = [(y, x) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)]
    best = np.full(score.shape[1:], NOWHERE)
    best[round(start[0]) - top, round(start[1]) - left] = 0
    came = np.zeros(score.shape, np.intp)
    for k in range(1, score.shape[0]):
        padded = np.pad(best, reach, constant_values=NOWHERE)
        height, width = score.shape[1:]
        options = np.stack(
            [
                padded[reach - y : reach - y + height, reach - x : reach - x + width]
                - np.float32(LEAN_COST * np.hypot(y * dy, x * dx) / dz)
                for y, x in moves
            ]
        )
        came[k] = options.argmax(axis=0)
        best = options.max(axis=0) + score[k]
    row, column = (int(i) for i in np.unravel_index(int(best.argmax()), best.shape))
    course: dict[int, tuple[float, float]] = {}
    for k in range(score.shape[0] - 1, 0, -1):
        course[last + k] = (float(row + top), float(column + left))
        y, x = moves[came[k, row, column]]
        row, column = row - y, column - x
    return dict(sorted(course.items()))


def _discs(soft: Bools, spacing_yx: tuple[float, float], radius_mm: float) -> Floats:
    """For each place the share of tissue in the disc around it, less that in the ring around the disc."""
    reach = int(np.ceil((radius_mm + RING_MM[1]) / min(spacing_yx)))
    rows, columns = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    off_mm = np.hypot(rows * spacing_yx[0], columns * spacing_yx[1])
    disc, ring = off_mm <= radius_mm, _in_ring(off_mm, radius_mm)
    kernel = disc / disc.sum() - RING_WEIGHT * ring / ring.sum()
    found = ndimage.convolve(soft.astype(np.float32), kernel[None].astype(np.float32), mode="constant")
    return np.asarray(found, np.float32)


def _section(work: WorkingImage, plane: Bools, column: float, front: float) -> _Section | None:
    """The vena cava on a slice where it lies alone; None where it does not."""
    _, dy, dx = work.spacing_zyx_mm
    flat = (1.0, dy, dx)
    # Only the surroundings of the spine count, with a margin so that what reaches beyond does not look small.
    margin = LENGTH_MM
    top = max(0, int(front + (FRONT_MM[0] - margin) / dy))
    low = max(top, int(front + (FRONT_MM[1] + margin) / dy))
    first = max(0, int(column - (RIGHT_MM[1] + margin) / dx))
    last = max(first, int(column + margin / dx))
    full = plane
    plane = full[top : low + 1, first : last + 1]
    front, column = front - top, column - first
    if not plane.any():
        return None
    deep = depth_mm(plane[None], flat)[0] > BRIDGE_MM
    labels, _ = ndimage.label(deep)
    best: tuple[float, _Section] | None = None
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        core = labels[place] == number
        y, x = np.nonzero(core)
        centre = np.array([y.mean() + place[0].start, x.mean() + place[1].start])
        right, forward = (column - centre[1]) * dx, (centre[0] - front) * dy
        if not (RIGHT_MM[0] <= right <= RIGHT_MM[1]):
            continue
        if not (FRONT_MM[0] <= forward <= FRONT_MM[1]):
            continue
        whole = (distance_mm((labels == number)[None], flat)[0] <= BRIDGE_MM) & plane
        area = float(whole.sum()) * dy * dx
        yy, xx = np.nonzero(whole)
        height, width = (np.ptp(yy) + 1) * dy, (np.ptp(xx) + 1) * dx
        compact = area / (height * width) >= FILL and max(height, width) <= LENGTH_MM
        if AREA_MM2[0] <= area <= AREA_MM2[1] and compact and (best is None or area > best[0]):
            section = np.zeros_like(full)
            section[top : top + plane.shape[0], first : first + plane.shape[1]] = whole
            best = (area, _Section(section, centre + np.array([top, first])))
    return None if best is None else best[1]


def _longest_chain(work: WorkingImage, sections: list[_Section | None]) -> dict[int, _Section]:
    """The longest run of sections that follow each other; empty where none is long enough."""
    dz, dy, dx = work.spacing_zyx_mm
    best: dict[int, _Section] = {}
    run: dict[int, _Section] = {}
    last: tuple[int, _Section] | None = None
    gap = max(2, round(STEP_MM / dz))
    for z, section in enumerate(sections):
        if section is None:
            continue
        if last is not None:
            moved = np.hypot(*((section.centre - last[1].centre) * (dy, dx)))
            if z - last[0] > gap or moved > STEP_MM * max(1, (z - last[0]) * dz / STEP_MM):
                run = {}
        run[z] = section
        last = (z, section)
        if len(run) > len(best):
            best = run
    return best if len(best) * dz >= RUN_MM else {}
