"""The same voxels in another order of axes: exact, no interpolation.

One volume can be stored in 48 orders of its axes. Bringing it to the order nearest to another's lets arrays
meet that come from files with other habits, and frees the sciences from asking which way is up.
"""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan.model.grid import Grid

PATIENT_AXES = np.eye(3)


def arranged(
    array: NDArray[Any],
    spacing_mm: ArrayLike,
    origin_mm: ArrayLike,
    axes: NDArray[np.float64],
    like: NDArray[np.float64] = PATIENT_AXES,
) -> tuple[NDArray[Any], Grid]:
    """The array with its axes permuted and reversed until they lie nearest to those of `like`.

    `axes` may be left-handed, as many NIfTI files are; the result is a view on the array and a right-handed
    grid of the same voxels.
    """
    order, signs = _nearest(axes, like)
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    size = np.array(array.shape[::-1])
    first = np.zeros(3)
    for source, sign in zip(order, signs, strict=True):
        if sign < 0:
            first[source] = size[source] - 1
    origin = np.asarray(origin_mm, dtype=np.float64) + axes @ (first * spacing)
    direction = axes[:, order] * np.array(signs) + 0.0  # no negative zeros
    view = array.transpose([2 - source for source in reversed(order)])
    view = view[tuple(slice(None, None, sign) for sign in reversed(signs))]
    x, y, z = (float(v) for v in spacing[list(order)])
    grid = Grid(
        shape=(view.shape[0], view.shape[1], view.shape[2]),
        spacing_mm=(x, y, z),
        origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
        direction=tuple(float(v) for v in direction.reshape(-1)),
    )
    return view, grid


def reoriented(
    array: NDArray[Any], grid: Grid, like: NDArray[np.float64] = PATIENT_AXES
) -> tuple[NDArray[Any], Grid]:
    """`arranged` for an array on a grid; keeps the frame of reference."""
    view, turned = arranged(array, grid.spacing_mm, grid.origin_mm, grid.axes, like)
    return view, Grid(
        turned.shape, turned.spacing_mm, turned.origin_mm, turned.direction, grid.frame_of_reference_uid
    )


def _nearest(axes: NDArray[np.float64], like: NDArray[np.float64]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """For each axis of `like` the source axis and its sign, such that the result is right-handed."""
    cosines = like.T @ axes
    handed = np.sign(np.linalg.det(axes))
    best: tuple[float, tuple[int, ...], tuple[int, ...]] | None = None
    for order in permutations(range(3)):
        parity = round(float(np.linalg.det(np.eye(3)[:, order])))
        for signs in product((1, -1), repeat=3):
            if parity * signs[0] * signs[1] * signs[2] != handed:
                continue
            score = sum(sign * cosines[i, order[i]] for i, sign in enumerate(signs))
            # The first of equals wins, so that the answer does not depend on rounding alone.
            if best is None or score > best[0] + 1e-9:
                best = (float(score), order, signs)
    if best is None:  # det of the axes is 0; callers check, and Grid would refuse it
        return (0, 1, 2), (1, 1, 1)
    return best[1], best[2]
