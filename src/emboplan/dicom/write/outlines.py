"""Outlines of a mask's slice along the faces of its pixels, holes joined to what is around them.

An outline encloses the centres of the pixels of the mask and no others, and its area is theirs. Pixels that
touch at a corner alone have outlines of their own. A hole is reached by a cut from its leftmost corner to the
outline left of it: there and back, so that it encloses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import MaskError

Corner = tuple[int, int]  # row and column of a pixel's upper left corner
Loop = list[Corner]

# A contour's text must fit 65534 bytes (explicit VR, DICOM PS3.5 section 7.1.2): three numbers of up to ten
# characters and their separators for each point. A slice with a longer outline is cut in two.
MOST_POINTS = 65534 // (3 * 11)

# Directions right, down, left, up: in each the mask lies on the right hand.
STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))


def outlines(voxels: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Closed polygons ``(points, 2)`` in x, y pixel index around the true pixels ``(row, column)``.

    Polygons do not overlap, have no equal area elsewhere, and 1985 points at most.

    Raises:
        MaskError: one row alone has a longer outline.
    """
    rows = np.flatnonzero(voxels.any(axis=1))
    if rows.size == 0:
        return []
    found = [_corners(loop) for loop in _joined(list(_loops(voxels)))]
    if all(len(line) <= MOST_POINTS for line in found):
        return [line[:, ::-1] - 1 / 2 for line in found]
    middle = int(rows[0] + rows[-1] + 1) // 2
    if middle == rows[0]:
        raise MaskError(f"one row of a contour has more than {MOST_POINTS} points; write the mask otherwise")
    upper, lower = voxels.copy(), voxels.copy()
    upper[middle:], lower[:middle] = False, False
    return outlines(upper) + outlines(lower)


def _loops(voxels: NDArray[np.bool_]) -> Iterator[Loop]:
    """Every closed line of faces, corner by corner; the mask lies on its right."""
    padded = np.pad(voxels, 1)
    here, above = padded[1:, 1:], padded[:-1, 1:]
    left, above_left = padded[1:, :-1], padded[:-1, :-1]
    # whether a face leaves a corner to the right, down, left, up
    leaves = (here & ~above, left & ~here, above_left & ~left, above & ~above_left)
    open_faces = {(int(r), int(c), way) for way, faces in enumerate(leaves) for r, c in np.argwhere(faces)}
    for start in sorted(open_faces):
        if start not in open_faces:
            continue
        loop: Loop = []
        face = start
        while face in open_faces:
            open_faces.discard(face)
            row, column, way = face
            loop.append((row, column))
            dr, dc = STEPS[way]
            # to the right first: pixels that touch at a corner stay apart
            face = next(
                (
                    turned
                    for turn in (1, 0, 3)
                    if (turned := (row + dr, column + dc, (way + turn) % 4)) in open_faces
                ),
                start,
            )
        yield loop


def _twice_area(loop: Loop) -> int:
    points = np.array(loop)
    y, x = points[:, 0], points[:, 1]
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def _joined(loops: list[Loop]) -> list[Loop]:
    """The outer loops, each with its holes."""
    holes = [loop for loop in loops if _twice_area(loop) < 0]
    if not holes:
        return loops
    outer = [loop for loop in loops if _twice_area(loop) > 0]
    home: dict[Corner, Loop] = {corner: loop for loop in outer for corner in loop}
    # from left to right: what lies left of a hole's leftmost corner is an outer loop, or a hole that has one
    for hole in sorted(holes, key=lambda loop: min(column for _, column in loop)):
        at = min(range(len(hole)), key=lambda n: (hole[n][1], hole[n][0]))
        row, column = hole[at]
        around = _left_of(row, column, home)
        corner, loop = around
        place = loop.index(corner)
        turned = hole[at:] + hole[:at]
        loop[place + 1 : place + 1] = [*turned, turned[0], corner]
        home |= dict.fromkeys(hole, loop)
    return outer


def _left_of(row: int, column: int, home: dict[Corner, Loop]) -> tuple[Corner, Loop]:
    for c in range(column - 1, -1, -1):
        if (row, c) in home:
            return (row, c), home[(row, c)]
    raise MaskError("a hole lies in no outline")  # no mask has one


def _corners(loop: Loop) -> NDArray[np.float64]:
    """The corners where the line turns."""
    points = np.array(loop, dtype=np.float64)
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    turns = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]
    back = (before * after).sum(axis=1) < 0
    kept: NDArray[np.float64] = points[turns | back]
    return kept
