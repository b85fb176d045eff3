"""The watershed from markers: every voxel gets the label that floods it first as the water rises.

Meyer's flooding, without lines between the basins: a voxel is reached by a labelled neighbour (of the six)
and waits until the water stands at its own level; those that wait for one level are let in in the order in
which they were reached.
"""

import numba
import numpy as np
from numpy.typing import NDArray

I32 = NDArray[np.int32]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]

# A place in the queue is one number: the level, as bits that are in the order of the levels, above the turn.
TURN_BITS = np.uint64(32)
SIGN = np.uint32(0x8000_0000)
TURNS = np.uint64(0xFFFF_FFFF)


@numba.njit(cache=True, nogil=True)
def _ordered(bits: np.uint32) -> np.uint64:
    """Bits of a float as a number that is larger where the float is larger."""
    return np.uint64(~bits if bits & SIGN else bits | SIGN)


@numba.njit(cache=True, nogil=True)
def _push(heap: U64, size: int, item: np.uint64) -> None:
    """Put `item` into a heap of `size` items."""
    at = size
    while at > 0:
        above = (at - 1) // 2
        if heap[above] <= item:
            break
        heap[at] = heap[above]
        at = above
    heap[at] = item


@numba.njit(cache=True, nogil=True)
def _pop(heap: U64, size: int) -> np.uint64:
    """Take the least item out of a heap of `size` items."""
    least: np.uint64 = heap[0]
    item = heap[size - 1]
    last = size - 1
    at = 0
    while True:
        below = 2 * at + 1
        if below >= last:
            break
        if below + 1 < last and heap[below + 1] < heap[below]:
            below += 1
        if heap[below] >= item:
            break
        heap[at] = heap[below]
        at = below
    heap[at] = item
    return least


@numba.njit(cache=True, nogil=True)
def flood_from(levels: U32, labels: I32) -> None:
    """Flood the voxels of label 0 in place, from those with a positive one.

    `levels` are the bits of floats that are not NaN. Both arrays are contiguous and have a border of one
    voxel on all sides, which bears a negative label.
    """
    line = labels.shape[2]
    plane = labels.shape[1] * line
    beside = (-plane, -line, -1, 1, line, plane)
    level_at, label_at = levels.ravel(), labels.ravel()
    heap = np.empty(labels.size, np.uint64)
    reached = np.empty(labels.size, np.int64)  # by turn
    waiting = np.empty(labels.size, np.int64)  # at the level of the water
    size, turn = 0, 0
    for at in range(labels.size):
        if label_at[at] > 0:
            for step in beside:
                if label_at[at + step] == 0:
                    _push(heap, size, _ordered(level_at[at]) << TURN_BITS | np.uint64(turn))
                    reached[turn] = at
                    size, turn = size + 1, turn + 1
                    break
    while size > 0:
        water = heap[0] >> TURN_BITS
        head, tail = 0, 0
        while size > 0 and heap[0] >> TURN_BITS == water:
            waiting[tail] = reached[_pop(heap, size) & TURNS]
            size, tail = size - 1, tail + 1
        while head < tail:
            at = waiting[head]
            head += 1
            for step in beside:
                other = at + step
                if label_at[other] != 0:
                    continue
                label_at[other] = label_at[at]
                level = _ordered(level_at[other])
                if level <= water:
                    waiting[tail] = other
                    tail += 1
                else:
                    _push(heap, size, level << TURN_BITS | np.uint64(turn))
                    reached[turn] = other
                    size, turn = size + 1, turn + 1
