"""Heart and vena cava: surely told by their place.

The heart lies between the lungs above the liver's dome, and the vena cava before the spine's right side,
alone in fat below the liver.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.segmentation.landmarks import Spine, chest_level
from emboplan.segmentation.shape import depth_mm, distance_mm
from emboplan.segmentation.working import Bools, WorkingImage

# The heart is the thick soft tissue between the lungs from the level above the liver on, over this height.
HEART_MM = 50.0
HEART_DEPTH_MM = 8.0

# Such a level lies this far above the dome.
ABOVE_DOME_MM = 8.0

# A dome that lies in the lower part of what is like liver is none: the right lobe has been resected.
LEAST_DOME = 0.5

# The vena cava below the liver: a compact section right of the spine's middle (mm), about its front, of this
# size and alone in fat once bridges thinner than twice the radius are cut.
CAVA_RIGHT_MM = (4.0, 42.0)
CAVA_FRONT_MM = (-34.0, 14.0)
CAVA_MM2 = (50.0, 950.0)
CAVA_LENGTH_MM = 42.0
CAVA_FILL = 0.55
CAVA_BRIDGE_MM = 2.5

# It runs on for at least this length, moves by no more than this between slices, and is flooded no farther
# than this from its course, which goes on above the last section that was seen.
CAVA_RUN_MM = 15.0
CAVA_STEP_MM = 6.0
CAVA_REACH_MM = 17.0


def level_above_liver(
    work: WorkingImage, alike: Bools, lungs: Bools, spine: Spine, dome: int | None
) -> int | None:
    """The lowest slice that lies above any liver; None where it is not in view.

    Where a chest is in view it tells, also after a resection of the right lobe, when the dome lies lower.
    """
    chest = chest_level(work, lungs, spine)
    if chest is not None:
        dome = max(dome or 0, chest)
    elif dome is None or float(alike[: dome + 1].sum()) < LEAST_DOME * float(alike.sum()):
        return None
    return dome + int(np.ceil(ABOVE_DOME_MM / work.spacing_zyx_mm[0]))


def heart_above(work: WorkingImage, soft: Bools, lungs: Bools, first: int) -> Bools:
    """Surely heart: thick soft tissue between the lungs from the slice `first` on."""
    levels = np.arange(soft.shape[0])
    heart = (depth_mm(soft, work.spacing_zyx_mm) > HEART_DEPTH_MM) & _between(lungs)
    heart[(levels < first) | (levels > first + round(HEART_MM / work.spacing_zyx_mm[0]))] = False
    return heart


def vena_cava(work: WorkingImage, soft: Bools, spine: Spine) -> tuple[Bools, Bools]:
    """Sections of the vena cava that lie alone, and the tube in which it runs on above them."""
    sections = [_section(work, plane, spine.column[z], spine.front[z]) for z, plane in enumerate(soft)]
    chain = _longest_chain(work, sections)
    cava, tube = np.zeros_like(soft), np.zeros_like(soft)
    if not chain:
        return cava, tube
    _, dy, dx = work.spacing_zyx_mm
    for z, (piece, _) in chain.items():
        cava[z] = piece
    rows, columns = np.ogrid[: soft.shape[1], : soft.shape[2]]
    known = sorted(chain)
    # Relative to the spine's front the course is nearly straight.
    offset = np.array([chain[z][1] for z in known]) - np.stack([spine.front, spine.column], axis=1)[known]
    for z in range(known[0], soft.shape[0]):
        y = np.interp(z, known, offset[:, 0]) + spine.front[z]
        x = np.interp(z, known, offset[:, 1]) + spine.column[z]
        tube[z] = ((rows - y) * dy) ** 2 + ((columns - x) * dx) ** 2 <= CAVA_REACH_MM**2
    return cava, tube


Section = tuple[Bools, NDArray[np.float64]]


def _section(work: WorkingImage, plane: Bools, column: float, front: float) -> Section | None:
    """The vena cava on a slice where it lies alone, with its centre (row, column); None where it does not."""
    _, dy, dx = work.spacing_zyx_mm
    flat = (1.0, dy, dx)
    # Only the surroundings of the spine count, with a margin so that what reaches beyond does not look small.
    margin = CAVA_LENGTH_MM
    top = max(0, int(front + (CAVA_FRONT_MM[0] - margin) / dy))
    low = max(top, int(front + (CAVA_FRONT_MM[1] + margin) / dy))
    first = max(0, int(column - (CAVA_RIGHT_MM[1] + margin) / dx))
    last = max(first, int(column + margin / dx))
    full = plane
    plane = full[top : low + 1, first : last + 1]
    front, column = front - top, column - first
    if not plane.any():
        return None
    deep = depth_mm(plane[None], flat)[0] > CAVA_BRIDGE_MM
    labels, _ = ndimage.label(deep)
    best: tuple[float, Section] | None = None
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        core = labels[place] == number
        y, x = np.nonzero(core)
        centre = np.array([y.mean() + place[0].start, x.mean() + place[1].start])
        right, forward = (column - centre[1]) * dx, (centre[0] - front) * dy
        if not (CAVA_RIGHT_MM[0] <= right <= CAVA_RIGHT_MM[1]):
            continue
        if not (CAVA_FRONT_MM[0] <= forward <= CAVA_FRONT_MM[1]):
            continue
        whole = (distance_mm((labels == number)[None], flat)[0] <= CAVA_BRIDGE_MM) & plane
        area = float(whole.sum()) * dy * dx
        yy, xx = np.nonzero(whole)
        height, width = (np.ptp(yy) + 1) * dy, (np.ptp(xx) + 1) * dx
        compact = area / (height * width) >= CAVA_FILL and max(height, width) <= CAVA_LENGTH_MM
        if CAVA_MM2[0] <= area <= CAVA_MM2[1] and compact and (best is None or area > best[0]):
            section = np.zeros_like(full)
            section[top : top + plane.shape[0], first : first + plane.shape[1]] = whole
            best = (area, (section, centre + np.array([top, first])))
    return None if best is None else best[1]


def _longest_chain(work: WorkingImage, sections: list[Section | None]) -> dict[int, Section]:
    """The longest run of sections that follow each other; empty where none is long enough."""
    dz, dy, dx = work.spacing_zyx_mm
    best: dict[int, Section] = {}
    run: dict[int, Section] = {}
    last: tuple[int, Section] | None = None
    gap = max(2, round(CAVA_STEP_MM / dz))
    for z, section in enumerate(sections):
        if section is None:
            continue
        if last is not None:
            moved = np.hypot((section[1][0] - last[1][1][0]) * dy, (section[1][1] - last[1][1][1]) * dx)
            if z - last[0] > gap or moved > CAVA_STEP_MM * max(1, (z - last[0]) * dz / CAVA_STEP_MM):
                run = {}
        run[z] = section
        last = (z, section)
        if len(run) > len(best):
            best = run
    return best if len(best) * dz >= CAVA_RUN_MM else {}


def _between(lungs: Bools) -> Bools:
    """What lies, in each slice, within the rectangle that the lungs span."""
    out = np.zeros_like(lungs)
    for z in np.flatnonzero(lungs.any(axis=(1, 2))):
        rows = np.flatnonzero(lungs[z].any(axis=1))
        columns = np.flatnonzero(lungs[z].any(axis=0))
        out[z, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return out
