"""Brute-force twin of the lesion diameters: every pair of outline points, every chord through one of them."""

import itertools

import numpy as np
from numpy.typing import NDArray


def _outline(section: NDArray[np.bool_], pixel_mm: tuple[float, float]) -> list[tuple[float, float]]:
    """Middles of the faces between inside and outside, in mm (x, y)."""
    points = []
    rows, columns = section.shape
    for y in range(rows):
        for x in range(columns):
            if not section[y, x]:
                continue
            for step_y, step_x in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                at_y, at_x = y + step_y, x + step_x
                inside = 0 <= at_y < rows and 0 <= at_x < columns and section[at_y, at_x]
                if not inside:
                    points.append(((x + step_x / 2) * pixel_mm[0], (y + step_y / 2) * pixel_mm[1]))
    return points


def _chord(points: list[tuple[float, float]], along: NDArray[np.float64], at: float) -> float:
    """Length of the part of the line s = `at` that lies between segments of any two points (their hull)."""
    across = np.array([-along[1], along[0]])
    reached = []
    for one, other in itertools.combinations_with_replacement(points, 2):
        s1, s2 = float(np.dot(one, along)), float(np.dot(other, along))
        t1, t2 = float(np.dot(one, across)), float(np.dot(other, across))
        if min(s1, s2) - 1e-9 <= at <= max(s1, s2) + 1e-9:
            reached.extend([t1, t2] if abs(s1 - s2) < 1e-12 else [t1 + (at - s1) / (s2 - s1) * (t2 - t1)])
    return max(reached) - min(reached)


def longest_and_perpendicular(
    section: NDArray[np.bool_], pixel_mm: tuple[float, float]
) -> tuple[float, list[float]]:
    """The longest distance, and for each pair that has it the longest chord perpendicular to that pair."""
    points = _outline(section, pixel_mm)
    pairs = list(itertools.combinations(points, 2))
    lengths = [float(np.hypot(a[0] - b[0], a[1] - b[1])) for a, b in pairs]
    longest = max(lengths)
    perpendiculars = []
    for (a, b), length in zip(pairs, lengths, strict=True):
        if length > longest * (1 - 1e-9):
            along = (np.array(b) - np.array(a)) / length
            perpendiculars.append(max(_chord(points, along, float(np.dot(p, along))) for p in points))
    return longest, perpendiculars
