"""Heart and vena cava where they are as bright as the liver: told apart by their place.

The heart lies between the lungs above the liver's dome, and the vena cava before the spine's right side,
alone in fat below the liver. From there both are flooded towards the liver, which is flooded from its own
deep parts; they meet at the edges between them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.segmentation.landmarks import SOFT_HU, Spine, dome_level, find_spine
from emboplan.segmentation.shape import depth_mm, distance_mm, flood
from emboplan.segmentation.working import Bools, Floats, WorkingImage

# The heart is the thick soft tissue between the lungs in slices this far above the dome, over this height.
ABOVE_DOME_MM = 8.0
HEART_MM = 50.0
HEART_DEPTH_MM = 8.0

# Surely liver: this deep in tissue like it; on the left only this far below the dome, since the heart rests
# on the left lobe.
LIVER_DEPTH_MM = 12.0
SURELY_BELOW_MM = 30.0

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

EDGE_SIGMA_MM = 2.0


def neighbours_of(
    work: WorkingImage, tissue: Floats, alike: Bools, lungs: Bools, body: Bools, inside: Bools
) -> Bools:
    """What belongs to heart or vena cava; `alike` marks tissue that looks like liver."""
    none = np.zeros_like(alike)
    spine = find_spine(work, body)
    if spine is None:
        return none
    soft = inside & ~lungs & (tissue > SOFT_HU[0]) & (tissue < SOFT_HU[1])
    dome = dome_level(work, tissue, inside, lungs, spine)
    heart, top = _heart(work, soft, alike, lungs, dome)
    cava, tube = _cava(work, alike, spine)
    if not heart.any() and not cava.any():
        return none
    liver = depth_mm(alike & ~tube, work.spacing_zyx_mm) > LIVER_DEPTH_MM
    if heart.any():
        left = np.arange(alike.shape[2])[None] > spine.column[:, None]
        low = np.arange(alike.shape[0]) <= top - round(SURELY_BELOW_MM / work.spacing_zyx_mm[0])
        liver &= ~left[:, None] | low[:, None, None]
        liver[top + 1 :] = False
    markers = np.where(soft, 0, 4).astype(np.int32)
    markers[liver] = 1
    markers[heart] = 2
    markers[cava & ~heart] = 3
    edges = ndimage.gaussian_gradient_magnitude(tissue, work.voxels(EDGE_SIGMA_MM))
    basins = flood(np.asarray(edges, np.float32), markers)
    # Veins lead the flood of the heart into the liver; but nothing of the heart has liver above it.
    under_liver = np.maximum.accumulate((basins == 1)[::-1], axis=0)[::-1]
    return np.asarray(((basins == 2) & ~under_liver) | ((basins == 3) & tube))


def _heart(
    work: WorkingImage, soft: Bools, alike: Bools, lungs: Bools, dome: int | None
) -> tuple[Bools, int]:
    """Surely heart, and the level of the dome; nothing where the dome is not seen or not the liver's."""
    none = np.zeros_like(soft)
    if dome is None:
        return none, 0
    levels = np.arange(soft.shape[0])
    below = float(alike[: dome + 1].sum()) / max(1.0, float(alike.sum()))
    if below < LEAST_DOME:
        return none, 0
    first = dome + int(np.ceil(ABOVE_DOME_MM / work.spacing_zyx_mm[0]))
    heart = (depth_mm(soft, work.spacing_zyx_mm) > HEART_DEPTH_MM) & _between(lungs)
    heart[levels < first] = False
    heart[levels > first + round(HEART_MM / work.spacing_zyx_mm[0])] = False
    return heart, dome


def _cava(work: WorkingImage, soft: Bools, spine: Spine) -> tuple[Bools, Bools]:
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
