"""Sums of neighbours along one axis, weighted by an even filter; beyond an array's faces it is mirrored.

Sums are made in double precision from the outermost pair inwards, the middle first: scipy's own order, so
that no digit differs from it. A sweep makes some of the planes; they may be shared among threads in any way.
"""

import numba
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# Unsigned places: a signed one may count from the end, and loops that ask for it are not made into vectors.
U = np.uintp


@numba.njit(cache=True, nogil=True)
def _mirrored(place: int, count: int) -> int:
    """The place inside ``0 .. count - 1`` whose value is seen at `place`; faces are mirrors."""
    place %= 2 * count
    return place if place < count else 2 * count - 1 - place


@numba.njit(cache=True, nogil=True)
def _add_pair(total: F64, one: F32, other: F32, weight: float) -> None:
    for x in range(total.size):
        total[x] += (np.float64(one[x]) + np.float64(other[x])) * weight


@numba.njit(cache=True, nogil=True)
def _add_shifted_pair(total: F64, wide: F64, left: int, right: int, weight: float) -> None:
    for x in range(U(total.size)):
        total[x] += (wide[U(left) + x] + wide[U(right) + x]) * weight


@numba.njit(cache=True, nogil=True)
def _scaled(row: F32, weight: float, total: F64) -> None:
    for x in range(total.size):
        total[x] = np.float64(row[x]) * weight


@numba.njit(cache=True, nogil=True)
def _rounded(total: F64, row: F32) -> None:
    for x in range(total.size):
        row[x] = np.float32(total[x])


@numba.njit(cache=True, nogil=True)
def _sum_rows_apart(values: F32, weights: F64, out: F32, step: tuple[int, int], first: int, end: int) -> None:
    """Sums of whole rows that lie `step` (layers, columns) apart."""
    dz, dy = step
    planes, lines = values.shape[0], values.shape[1]
    total = np.empty(values.shape[2])
    for z in range(first, end):
        for y in range(lines):
            _scaled(values[z, y], weights[0], total)
            for away in range(weights.size - 1, 0, -1):
                one = values[_mirrored(z - away * dz, planes), _mirrored(y - away * dy, lines)]
                other = values[_mirrored(z + away * dz, planes), _mirrored(y + away * dy, lines)]
                _add_pair(total, one, other, weights[away])
            _rounded(total, out[z, y])


@numba.njit(cache=True, nogil=True)
def sum_layers(values: F32, weights: F64, out: F32, first: int, end: int) -> None:
    """Sums along the first axis, for the planes `first` to `end`; `weights`: the middle one and one side."""
    _sum_rows_apart(values, weights, out, (1, 0), first, end)


@numba.njit(cache=True, nogil=True)
def sum_columns(values: F32, weights: F64, out: F32, first: int, end: int) -> None:
    """Sums along the second axis, for the planes `first` to `end`."""
    _sum_rows_apart(values, weights, out, (0, 1), first, end)


@numba.njit(cache=True, nogil=True)
def sum_rows(values: F32, weights: F64, out: F32, first: int, end: int) -> None:
    """Sums along the last axis, for the planes `first` to `end`."""
    count, margin = values.shape[2], weights.size - 1
    total, wide = np.empty(count), np.empty(count + 2 * margin)
    for z in range(first, end):
        for y in range(values.shape[1]):
            row = values[z, y]
            for x in range(count):
                wide[margin + x] = row[x]
            for away in range(1, margin + 1):
                wide[margin - away] = row[_mirrored(-away, count)]
                wide[margin + count - 1 + away] = row[_mirrored(count - 1 + away, count)]
            _scaled(row, weights[0], total)
            for away in range(margin, 0, -1):
                _add_shifted_pair(total, wide, margin - away, margin + away, weights[away])
            _rounded(total, out[z, y])
