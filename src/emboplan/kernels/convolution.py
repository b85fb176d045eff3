"""Convolution of a 3-D array with a short kernel that is a sum of products of even 1-D filters.

Every plane of the result is made alone, from the input: the planes above and below are folded together and
weighted, for all terms at once; then, row by row, the rows before and behind are, and at last the voxels left
and right. Rows that no activity can reach are skipped, and a row is worked on only where some can. Planes may
be shared among threads in any way; no number changes by it.

A filter is given by its middle and one side, padded with zeros to 1 + a multiple of `PAIRS` weights. Work
rows have a margin on both sides, so that no loop asks where a row ends, and lengths are rounded up to whole
vectors.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from emboplan.kernels.filter_rows import (
    FAR_PAIRS,
    LANES,
    PAIRS,
    U,
    add_along,
    add_far_along,
    add_layers,
    add_rows,
    add_scaled,
    clear,
    weigh_far_layers,
    weigh_far_rows,
    weigh_layers,
    weigh_rows,
    whole_vectors,
)

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]


@numba.njit(cache=True, nogil=True)
def find_extents(bits: I32, first: int, end: int, low: I32, high: I32) -> None:
    """Columns ``low .. high`` of each row of some planes outside which `bits` are 0; `high` is 0 if all are.

    `low` is rounded down to whole vectors, so that work rows begin where vectors do.
    `bits` are the floats of the image read as integers: whole vectors of them can be tested at once.
    """
    for z in range(first, end):
        for y in range(bits.shape[1]):
            row = bits[z, y]
            seen = np.int32(0)
            for x in range(row.size):
                seen |= row[x]
            low[z, y] = row.size
            high[z, y] = 0
            if seen != 0:
                start, end = 0, row.size
                while row[start] == 0:
                    start += 1
                while row[end - 1] == 0:
                    end -= 1
                low[z, y], high[z, y] = start // LANES * LANES, end


@numba.njit(cache=True, nogil=True)
def _fold(
    image: F32, at: int, plane: int, below: int, above: int, count: int, width: int, folded: F32
) -> None:
    """Sums of what lies as far above as below a row that begins `at`, one layer for each distance.

    `plane` is the distance of two planes in `image`; there are `below` after this one and `above` before it.
    """
    places = U(count)
    for k in range(folded.size // width):
        to, down, up = U(k * width), U(at + k * plane), U(at - k * plane)
        clear(folded, k * width + count, whole_vectors(count) - count)
        if 0 < k <= above and k <= below:
            for i in range(places):
                folded[to + i] = image[down + i] + image[up + i]
        elif k <= below or k <= above:
            only = down if k <= below else up
            for i in range(places):
                folded[to + i] = image[only + i]
        else:
            clear(folded, k * width, count)


@numba.njit(cache=True, nogil=True)
def _weigh_planes(
    image: F32, z: int, depth: int, columns: int, far: int, along_z: F32, reach: I32, box: I32, margin: int,
    width: int, folded: F32, planes: F32,
) -> None:  # fmt: skip
    """Fill `planes`, one for each term, over the box, with zeros where nothing is in reach along z."""
    count_y, reach_z = reach.shape[1], along_z.shape[1] - 1
    reach_y = (planes.size // (along_z.shape[0] * width) - count_y) // 2
    size = (count_y + 2 * reach_y) * width
    from_x, to_x = box[0], box[1]
    for y in range(max(-reach_y, box[2] - 2 * reach_y), min(count_y + reach_y, box[3] + 2 * reach_y)):
        row = (y + reach_y) * width + margin
        start, end = from_x, from_x
        if 0 <= y < count_y and reach[1, y] > reach[0, y]:
            start, end = reach[0, y], reach[1, y]
            at = (z * count_y + y) * columns + start
            _fold(image, at, count_y * columns, depth - 1 - z, z, end - start, width, folded)
        count = whole_vectors(end - start)
        for term in range(along_z.shape[0]):
            at = term * size + row
            clear(planes, at + from_x, start - from_x)
            spread = reach_z if term < far else PAIRS
            if spread >= FAR_PAIRS:
                weigh_far_layers(folded, width, along_z[term], planes, at + start, count)
            else:
                weigh_layers(folded, width, along_z[term], planes, at + start, count)
            for first in range(FAR_PAIRS if spread >= FAR_PAIRS else PAIRS, spread, PAIRS):
                add_layers(folded, width, along_z[term], first, planes, at + start, count)
            clear(planes, at + start + count, from_x + whole_vectors(to_x - from_x) - start - count)


@numba.njit(cache=True, nogil=True)
def _find_reach(low: I32, high: I32, z: int, reach_z: int, reach_y: int, reach: I32, box: I32) -> None:
    """Columns that may hold something in each row, after the pass along z (0, 1) and along y (2, 3).

    `box` gets the columns and rows of all of them after the pass along z; its second number is 0 if none is.
    """
    none = np.int32(np.iinfo(np.int32).max)
    count_y = low.shape[1]
    box[0], box[1], box[2], box[3] = none, 0, count_y, 0
    first, last, from_row, to_row = reach[0], reach[1], reach[2], reach[3]
    for y in range(count_y):
        first[y] = from_row[y] = none
        last[y] = to_row[y] = 0
    for k in range(max(0, z - reach_z), min(low.shape[0], z + reach_z + 1)):
        begins, ends = low[k], high[k]
        for y in range(count_y):
            first[y], last[y] = min(first[y], begins[y]), max(last[y], ends[y])
    for y in range(count_y):
        if last[y] > 0:
            box[0], box[1] = min(box[0], first[y]), max(box[1], last[y])
            box[2], box[3] = min(box[2], y), y + 1
    for k in range(-reach_y, reach_y + 1):
        shift = U(max(0, k))
        back = U(max(0, -k))
        for y in range(U(max(0, count_y - abs(k)))):
            from_row[y + back] = min(from_row[y + back], first[y + shift])
            to_row[y + back] = max(to_row[y + back], last[y + shift])


@numba.njit(cache=True, nogil=True)
def _sum_terms(
    planes: F32, along_y: F32, along_x: F32, far: int, reach: I32, margin: int, row: F32, sums: F32
) -> None:
    """The passes along y and x over the planes of all terms, added up in `sums`."""
    count_y, width = reach.shape[1], row.size
    reach_y, reach_x = along_y.shape[1] - 1, along_x.shape[1] - 1
    size = (count_y + 2 * reach_y) * width
    for term in range(along_y.shape[0]):
        spread_y, spread_x = (reach_y, reach_x) if term < far else (PAIRS, PAIRS)
        for y in range(count_y):
            start, end = reach[2, y], reach[3, y]
            if end == 0:
                continue
            count, begin = whole_vectors(end - start), margin + start
            at = term * size + (y + reach_y) * width + begin
            clear(row, begin - 2 * spread_x, 2 * spread_x)
            if spread_y >= FAR_PAIRS:
                weigh_far_rows(planes, at, width, along_y[term], row, begin, count)
            else:
                weigh_rows(planes, at, width, along_y[term], row, begin, count)
            for first in range(FAR_PAIRS if spread_y >= FAR_PAIRS else PAIRS, spread_y, PAIRS):
                add_rows(planes, at, width, along_y[term], first, row, begin, count)
            clear(row, begin + count, 2 * spread_x + LANES)
            left, to = begin - spread_x, y * width + begin - spread_x
            wide = whole_vectors(end - start + 2 * spread_x)
            if term == 0:
                clear(sums, to, wide)
            if spread_x >= FAR_PAIRS:
                add_far_along(row, left, along_x[term], sums, to, wide)
            for first in range(FAR_PAIRS if spread_x >= FAR_PAIRS else 0, spread_x, PAIRS):
                add_along(row, left, along_x[term], first, sums, to, wide)


@numba.njit(cache=True, nogil=True)
def _plane(
    image: F32, z: int, columns: int, low: I32, high: I32, far: int, along_z: F32, along_y: F32,
    along_x: F32, middle: np.float32, out: F32, reach: I32, folded: F32, planes: F32, row: F32, sums: F32,
) -> None:  # fmt: skip
    """One plane of the result, in flat arrays. What follows `out` is work space of a thread."""
    reach_y, reach_x = along_y.shape[1] - 1, along_x.shape[1] - 1
    count_y, width = low.shape[1], row.size
    margin = (width - whole_vectors(columns)) // 2
    box = np.empty(2 + 2, np.int32)
    _find_reach(low, high, z, along_z.shape[1] - 1, reach_y, reach, box)
    if box[1] == 0:
        return
    _weigh_planes(image, z, low.shape[0], columns, far, along_z, reach, box, margin, width, folded, planes)
    _sum_terms(planes, along_y, along_x, far, reach, margin, row, sums)
    for y in range(count_y):
        start, end = reach[2, y], reach[3, y]
        if end > 0:
            left, right = max(0, start - reach_x), min(columns, end + reach_x)
            to = (z * count_y + y) * columns + left
            add_scaled(sums, y * width + margin + left, image, to, middle, out, right - left)


@numba.njit(cache=True, nogil=True)
def convolve_terms(
    image: F32, first: int, end: int, low: I32, high: I32, far: int, along_z: F32, along_y: F32,
    along_x: F32, middle: np.float32, out: F32, reach: I32, folded: F32, planes: F32, row: F32, sums: F32,
) -> None:  # fmt: skip
    """Planes ``first .. end`` of `image` convolved with the sum over terms of three filters, into `out`.

    `middle` times `image` is added. `out` holds zeros on entry. `low` and `high` are from `find_extents`. The
    filters are arrays ``(term, weight)``; terms from `far` on reach only `PAIRS` voxels. The other arrays are
    from `work_space`, and belong to one call at a time.
    """
    flat_image, flat_out = image.reshape(-1), out.reshape(-1)
    for z in range(first, end):
        _plane(
            flat_image, z, image.shape[2], low, high, far, along_z, along_y, along_x, middle, flat_out,
            reach, folded, planes, row, sums,
        )  # fmt: skip


def _aligned(count: int) -> F32:
    """Work space that begins where a vector does."""
    plain = np.empty(count + LANES, np.float32)
    start = -(plain.ctypes.data // plain.itemsize) % LANES
    return plain[start : start + count]


def work_space(
    shape: tuple[int, int, int], terms: int, reach_zyx: tuple[int, int, int]
) -> tuple[I32, F32, F32, F32, F32]:
    """Work space of `convolve_terms` for filters of this reach."""
    _, y, x = shape
    side = int(whole_vectors(reach_zyx[2]))
    width = int(whole_vectors(x)) + 2 * (2 * side + LANES)
    return (
        np.empty((2 + 2, y), np.int32),
        _aligned((reach_zyx[0] + 1) * width),
        _aligned(terms * (y + 2 * reach_zyx[1]) * width),
        _aligned(width),
        _aligned(y * width),
    )
