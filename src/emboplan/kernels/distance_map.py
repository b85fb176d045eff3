"""Exact Euclidean distances, axis by axis: squared distances within rows, then lower envelopes of parabolas.

Felzenszwalb and Huttenlocher, Theory of Computing 8 (2012) 415: seen along an axis, every voxel whose squared
distance is known is a parabola, and the lowest of them all is the squared distance with that axis. A sweep
works on some of the planes (or rows); they may be shared among threads in any way, no number changes by it.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Columns that are worked on at a time: a cache line of squared distances.
BLOCK = 8


@numba.njit(cache=True, nogil=True)
def along_rows(mask: Bools, step: float, squared: F64, first: int, end: int) -> None:
    """Squared distances to the nearest voxel of `mask` in the same row; infinite where the row has none."""
    count = mask.shape[2]
    for z in range(first, end):
        for y in range(mask.shape[1]):
            row, out = mask[z, y], squared[z, y]
            away = math.inf
            for x in range(count):
                away = 0.0 if row[x] else away + 1.0
                out[x] = away
            away = math.inf
            for x in range(count - 1, -1, -1):
                away = 0.0 if row[x] else away + 1.0
                nearest = min(away, out[x]) * step
                out[x] = nearest * nearest


@numba.njit(cache=True, nogil=True)
def _inverse(count: int, step: float) -> F64:
    """1 over the square of the step and each number of steps below `count`."""
    out = np.empty(count)
    for steps in range(1, count):
        out[steps] = 1 / (steps * step * step)
    return out


@numba.njit(cache=True, nogil=True)
def _envelope(heights: F64, step: float, inverse: F64, tops: I64, ends: F64, out: F64) -> None:
    """The lowest, at each place, of parabolas whose tops lie `step` apart at `heights`, into `out`.

    `tops` and `ends` hold the envelope: the parabolas in it, and twice the place (in steps) where each begins
    to be the lowest. `inverse` has 1 over the square of the step and each number of steps.
    """
    count = heights.size
    last = -1
    for i in range(count):
        low = heights[i]
        if low == math.inf:
            continue
        # Within a run of zeros only the first and the last can be the lowest for others.
        if low == 0.0 and 0 < i < count - 1 and heights[i - 1] == 0.0 and heights[i + 1] == 0.0:
            continue
        begin = -math.inf
        while last >= 0:
            top = tops[last]
            begin = (low - heights[top]) * inverse[i - top] + (i + top)
            if begin > ends[last]:
                break
            last -= 1
            begin = -math.inf
        last += 1
        tops[last], ends[last] = i, begin
    if last < 0:
        for i in range(count):
            out[i] = math.inf
        return
    ends[last + 1] = math.inf
    at = 0
    for i in range(count):
        while ends[at + 1] < 2 * i:
            at += 1
        away = (i - tops[at]) * step
        out[i] = min(heights[i], heights[tops[at]] + away * away)


@numba.njit(cache=True, nogil=True)
def along_columns(squared: F64, step: float, first: int, end: int) -> None:
    """Squared distances with the second axis too, in place, in the planes `first` to `end`."""
    count, width = squared.shape[1], squared.shape[2]
    heights, lowest = np.empty((BLOCK, count)), np.empty((BLOCK, count))
    tops, ends, inverse = np.empty(count, np.int64), np.empty(count + 1), _inverse(count, step)
    for z in range(first, end):
        for start in range(0, width, BLOCK):
            block = min(BLOCK, width - start)
            for y in range(count):
                for b in range(block):
                    heights[b, y] = squared[z, y, start + b]
            for b in range(block):
                _envelope(heights[b], step, inverse, tops, ends, lowest[b])
            for y in range(count):
                for b in range(block):
                    squared[z, y, start + b] = lowest[b, y]


@numba.njit(cache=True, nogil=True)
def along_layers(squared: F64, step: float, unit: float, distance: F32, first: int, end: int) -> None:
    """Distances, with the first axis too, in whole `unit`, in the rows `first` to `end` of all planes."""
    count, width = squared.shape[0], squared.shape[2]
    heights, lowest = np.empty((BLOCK, count)), np.empty((BLOCK, count))
    tops, ends, inverse = np.empty(count, np.int64), np.empty(count + 1), _inverse(count, step)
    for y in range(first, end):
        for start in range(0, width, BLOCK):
            block = min(BLOCK, width - start)
            for z in range(count):
                for b in range(block):
                    heights[b, z] = squared[z, y, start + b]
            for b in range(block):
                _envelope(heights[b], step, inverse, tops, ends, lowest[b])
            for z in range(count):
                for b in range(block):
                    # In double precision: a distance of 3 mm must not become a little more than 3 mm.
                    steps = np.rint(math.sqrt(lowest[b, z]) / unit)
                    distance[z, y, start + b] = np.float32(steps * unit)
