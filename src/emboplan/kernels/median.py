"""The median of each voxel and its 26 neighbours; beyond an array's faces its outermost voxels go on.

The median is found by forgetting: of 15 values the least and the greatest cannot be the median of 27, so that
they make way for one of the others, and so on. Whole rows are compared at a time, in vectors.
"""

import numba
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

# Unsigned places: a signed one may count from the end, and loops that ask for it are not made into vectors.
U = np.uintp

# Neighbours along each axis and all of them; so many hold the median if they are more than a half.
EDGE = 3
ALL = EDGE**3
HELD = ALL // 2 + 2


@numba.njit(cache=True, nogil=True)
def _sort(low: F32, high: F32) -> None:
    """The lesser of each pair into `low`, the greater into `high`."""
    for x in range(low.size):
        a, b = low[x], high[x]
        low[x] = a if a < b else b
        high[x] = b if a < b else a


@numba.njit(cache=True, nogil=True)
def _forget(rows: F32, count: int) -> None:
    """Bring the least of the first `count` rows to the first of them and the greatest to the last."""
    for i in range(count // 2):
        _sort(rows[i], rows[count - 1 - i])
    for i in range(1, (count + 1) // 2):
        _sort(rows[0], rows[i])
    for i in range(count // 2, count - 1):
        _sort(rows[i], rows[count - 1])


@numba.njit(cache=True, nogil=True)
def _copy(source: F32, first: int, out: F32, to: int, count: int) -> None:
    for x in range(U(count)):
        out[U(to) + x] = source[U(first) + x]


@numba.njit(cache=True, nogil=True)
def median_of_27(values: F32, out: F32, first: int, end: int) -> None:
    """Medians for the planes `first` to `end`; they may be shared among threads in any way."""
    planes, lines, width = values.shape
    beside = np.empty((EDGE * EDGE, width + 2), np.float32)
    held = np.empty((HELD, width), np.float32)
    for z in range(first, end):
        for y in range(lines):
            for k in range(EDGE * EDGE):
                plane = min(max(z + k // EDGE - 1, 0), planes - 1)
                row, wide = values[plane, min(max(y + k % EDGE - 1, 0), lines - 1)], beside[k]
                _copy(row, 0, wide, 1, width)
                wide[0], wide[width + 1] = row[0], row[width - 1]
            count = HELD
            for k in range(HELD):
                _copy(beside[k // EDGE], k % EDGE, held[k], 0, width)
            for k in range(HELD, ALL):
                _forget(held, count)
                _copy(beside[k // EDGE], k % EDGE, held[0], 0, width)
                count -= 1
            _forget(held, count)
            _copy(held[1], 0, out[z, y], 0, width)
