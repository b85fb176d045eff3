"""Gathering the painted sub-samples of a slice into voxels: mean values, memberships, counts and sums."""

import numba
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]


@numba.njit(cache=True, nogil=True)
def _count(labels: U8, s: int, row: int, column: int, seen: NDArray[np.int64], found: U8) -> int:
    """Count the labels of one voxel's samples into `seen`, list them in `found`; returns how many differ."""
    distinct = 0
    for k in range(labels.shape[0]):
        for a in range(s):
            for b in range(s):
                label = labels[k, row * s + a, column * s + b]
                if seen[label] == 0:
                    found[distinct] = label
                    distinct += 1
                seen[label] += 1
    return distinct


@numba.njit(cache=True, nogil=True)
def _majority(number_of: U8, seen: NDArray[np.int64], found: U8, distinct: int, total: int) -> int:
    """The number that most of a voxel's samples bear by `number_of` their label; 0 when none does.

    Where a number fills exactly half, the first sample (``found[0]``) decides.
    """
    for d in range(distinct):
        number = number_of[found[d]]
        twice = 1 if number_of[found[0]] == number else 0
        for e in range(distinct):
            if number_of[found[e]] == number:
                twice += 2 * seen[found[e]]
        if twice > total:
            return int(number)
    return 0


@numba.njit(cache=True, nogil=True)
def _groups(group_of: U8, seen: NDArray[np.int64], found: U8, distinct: int, total: int) -> int:
    """The groups (bits) that fill most of a voxel; where one fills exactly half, the first sample decides."""
    group = 0
    for bit in range(8):
        twice = group_of[found[0]] >> bit & 1
        for d in range(distinct):
            if group_of[found[d]] >> bit & 1:
                twice += 2 * seen[found[d]]
        if twice > total:
            group |= 1 << bit
    return group


@numba.njit(cache=True, nogil=True)
def _spread(amounts: F64, row: int, row_share: float, column: int, column_share: float, coarse: F64) -> None:
    """Add a voxel's amounts to the up to four bins that it lies in."""
    for dr in range(2):
        r = row + dr
        row_part = row_share if dr == 0 else 1.0 - row_share
        if r < 0 or r >= coarse.shape[0] or row_part == 0.0:
            continue
        for dc in range(2):
            c = column + dc
            part = row_part * (column_share if dc == 0 else 1.0 - column_share)
            if c < 0 or c >= coarse.shape[1] or part == 0.0:
                continue
            for n in range(amounts.size):
                coarse[r, c, n] += part * amounts[n]


@numba.njit(cache=True, nogil=True)
def gather_slice(
    labels: U8, mean_of: F32, group_of: U8, lesion_of: U8, other_of: U8, texture_of: F32, texture: F32,
    channels: F64, row_bin: NDArray[np.int64], row_share: F64, column_bin: NDArray[np.int64],
    column_share: F64, mean: F32, groups: U8, lesion: U8, other: U8, counts: NDArray[np.int64], coarse: F64,
) -> None:  # fmt: skip
    """Gather the planes of sub-samples ``(planes, rows * s, columns * s)`` of one slice into its voxels.

    By label, tables give: the value to average (`mean_of`) and the texture to add (`texture_of` times
    `texture`, per voxel); up to eight overlapping groups as bits (`group_of`), the lesion number and the
    other structure. A voxel belongs to what fills more than half of it; where a thing fills exactly half,
    the voxel's first sample decides, so that closed shapes gain as many such voxels as they lose.

    `counts` receives samples per label. `coarse` (rows', columns', channels) receives, per voxel of a
    coarser grid, the samples times `channels` of their label; a voxel's samples go to bin ``row_bin`` with
    the share ``row_share`` and to the next with the rest, likewise in columns (a bin outside `coarse` is left
    out).
    """
    rows, columns = mean.shape
    s = labels.shape[1] // rows
    total = labels.shape[0] * s * s
    seen = np.zeros(256, np.int64)
    found = np.zeros(min(total, 256), np.uint8)
    amounts = np.zeros(channels.shape[1], np.float64)
    for r in range(rows):
        for c in range(columns):
            distinct = _count(labels, s, r, c, seen, found)
            value = 0.0
            grain = 0.0
            amounts[:] = 0.0
            for d in range(distinct):
                label = found[d]
                samples = seen[label]
                counts[label] += samples
                value += samples * mean_of[label]
                grain += samples * texture_of[label]
                for n in range(amounts.size):
                    amounts[n] += samples * channels[label, n]
            mean[r, c] = (value + grain * texture[r, c]) / total
            lesion[r, c] = _majority(lesion_of, seen, found, distinct, total)
            other[r, c] = _majority(other_of, seen, found, distinct, total)
            groups[r, c] = _groups(group_of, seen, found, distinct, total)
            if distinct > 1 or found[0] != 0:
                _spread(amounts, row_bin[r], row_share[r], column_bin[c], column_share[c], coarse)
            for d in range(distinct):
                seen[found[d]] = 0
