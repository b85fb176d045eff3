"""Painting implicit shapes onto the sub-samples of one CT slice, and gathering them into voxels.

A slice is sampled at `s` x `s` x `s` points per voxel. Each paint function works on one plane of those
points (``labels``, one byte each) and replaces every label inside its shape through a table of 256 entries
(``becomes[old]``), so that a vessel may become another thing in the liver than outside it, or a shape may
leave what is already there. `gather_slice` then turns the planes into mean values, occupancies and sums.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]


@numba.njit(cache=True, nogil=True)
def _first_at_or_above(position: float, start: float, step: float, count: int) -> int:
    """Index of the first sample ``start + i * step`` that is not below `position`, within 0 and `count`."""
    index = math.ceil((position - start) / step)
    return min(max(index, 0), count)


@numba.njit(cache=True, nogil=True)
def paint_field(
    labels: U8, x0: float, dx: float, y0: float, dy: float, z: float,
    values: F32, origin: F64, spacing: float, becomes: U8,
) -> int:  # fmt: skip
    """Paint where a field on a lattice ``(z, y, x)`` of equal `spacing`, linearly interpolated, is below 0.

    A linear interpolation never leaves the range of its nodes, so that cells whose corners agree in sign are
    filled or skipped whole; the result is exactly that of interpolating at every sample. `origin` is
    ``(x, y, z)`` of node (0, 0, 0). Returns the number of samples inside.
    """
    nz, ny, nx = values.shape
    rows, columns = labels.shape
    layer = (z - origin[2]) / spacing
    k = math.floor(layer)
    if k < 0 or k >= nz - 1:
        return 0
    up = np.float32(layer - k)
    low = values[k]
    high = values[k + 1]
    inside = 0
    for j in range(ny - 1):
        r0 = _first_at_or_above(origin[1] + j * spacing, y0, dy, rows)
        r1 = _first_at_or_above(origin[1] + (j + 1) * spacing, y0, dy, rows)
        if r0 == r1:
            continue
        for i in range(nx - 1):
            a = low[j, i] + up * (high[j, i] - low[j, i])
            b = low[j, i + 1] + up * (high[j, i + 1] - low[j, i + 1])
            c = low[j + 1, i] + up * (high[j + 1, i] - low[j + 1, i])
            d = low[j + 1, i + 1] + up * (high[j + 1, i + 1] - low[j + 1, i + 1])
            if a >= 0 and b >= 0 and c >= 0 and d >= 0:
                continue
            c0 = _first_at_or_above(origin[0] + i * spacing, x0, dx, columns)
            c1 = _first_at_or_above(origin[0] + (i + 1) * spacing, x0, dx, columns)
            whole = a < 0 and b < 0 and c < 0 and d < 0
            for r in range(r0, r1):
                v = (y0 + r * dy - origin[1]) / spacing - j
                left = a + v * (c - a)
                slope = b + v * (d - b) - left
                for q in range(c0, c1):
                    if whole or left + slope * ((x0 + q * dx - origin[0]) / spacing - i) < 0:
                        labels[r, q] = becomes[labels[r, q]]
                        inside += 1
    return inside


@numba.njit(cache=True, nogil=True)
def paint_tubes(
    labels: U8, x0: float, dx: float, y0: float, dy: float, z: float, tubes: F64, becomes: U8
) -> None:
    """Paint straight round-ended tubes, one a row: ``x, y, z, radius`` of one end, then of the other."""
    rows, columns = labels.shape
    for n in range(tubes.shape[0]):
        ax, ay, az, ar, bx, by, bz, br = tubes[n]
        reach = max(ar, br)
        if z < min(az, bz) - reach or z > max(az, bz) + reach:
            continue
        ux, uy, uz = bx - ax, by - ay, bz - az
        length2 = ux * ux + uy * uy + uz * uz
        inverse = 1.0 / length2 if length2 > 0 else 0.0
        r0 = _first_at_or_above(min(ay, by) - reach, y0, dy, rows)
        r1 = _first_at_or_above(max(ay, by) + reach, y0, dy, rows)
        c0 = _first_at_or_above(min(ax, bx) - reach, x0, dx, columns)
        c1 = _first_at_or_above(max(ax, bx) + reach, x0, dx, columns)
        for r in range(r0, r1):
            py = y0 + r * dy - ay
            for q in range(c0, c1):
                px = x0 + q * dx - ax
                pz = z - az
                t = min(max((px * ux + py * uy + pz * uz) * inverse, 0.0), 1.0)
                ex, ey, ez = px - t * ux, py - t * uy, pz - t * uz
                radius = ar + t * (br - ar)
                if ex * ex + ey * ey + ez * ez <= radius * radius:
                    labels[r, q] = becomes[labels[r, q]]


@numba.njit(cache=True, nogil=True)
def blob_radius(ux: float, uy: float, uz: float, waves: F64) -> float:
    """Radius of a perturbed unit ball along the unit vector ``u``: 1 plus a few smooth waves.

    A wave is a row ``kx, ky, kz, phase, amplitude`` and adds ``amplitude * cos(k . u + phase)``.
    """
    radius = 1.0
    for n in range(waves.shape[0]):
        phase = waves[n, 0] * ux + waves[n, 1] * uy + waves[n, 2] * uz + waves[n, 3]
        radius += waves[n, 4] * math.cos(phase)
    return radius


@numba.njit(cache=True, nogil=True)
def blob_level(px: float, py: float, pz: float, to_ball: F64, waves: F64) -> float:
    """Distance from the blob's centre as a fraction of the way to its surface: below 1 is inside.

    ``p`` is relative to the centre; `to_ball` (3 x 3) maps the unperturbed ellipsoid to the unit ball.
    """
    ux = to_ball[0, 0] * px + to_ball[0, 1] * py + to_ball[0, 2] * pz
    uy = to_ball[1, 0] * px + to_ball[1, 1] * py + to_ball[1, 2] * pz
    uz = to_ball[2, 0] * px + to_ball[2, 1] * py + to_ball[2, 2] * pz
    rho = math.sqrt(ux * ux + uy * uy + uz * uz)
    if rho == 0.0:
        return 0.0
    level: float = rho / blob_radius(ux / rho, uy / rho, uz / rho, waves)
    return level


@numba.njit(cache=True, nogil=True)
def paint_blob(
    labels: U8, x0: float, dx: float, y0: float, dy: float, z: float, centre: F64, reach: float,
    to_ball: F64, waves: F64, shells: F64, becomes: U8,
) -> None:  # fmt: skip
    """Paint a perturbed ellipsoid in shells: row ``n`` of `becomes` up to ``shells[n]`` (the last is 1)."""
    rows, columns = labels.shape
    pz = z - centre[2]
    if abs(pz) > reach:
        return
    r0 = _first_at_or_above(centre[1] - reach, y0, dy, rows)
    r1 = _first_at_or_above(centre[1] + reach, y0, dy, rows)
    c0 = _first_at_or_above(centre[0] - reach, x0, dx, columns)
    c1 = _first_at_or_above(centre[0] + reach, x0, dx, columns)
    for r in range(r0, r1):
        py = y0 + r * dy - centre[1]
        for q in range(c0, c1):
            level = blob_level(x0 + q * dx - centre[0], py, pz, to_ball, waves)
            for n in range(shells.shape[0]):
                if level <= shells[n]:
                    labels[r, q] = becomes[n, labels[r, q]]
                    break


@numba.njit(cache=True, nogil=True)
def blob_levels(points: F64, centre: F64, to_ball: F64, waves: F64, out: F64) -> None:
    """`blob_level` of each point (rows of x, y, z)."""
    for n in range(points.shape[0]):
        out[n] = blob_level(
            points[n, 0] - centre[0], points[n, 1] - centre[1], points[n, 2] - centre[2], to_ball, waves
        )


@numba.njit(cache=True, nogil=True)
def blob_radii(directions: F64, waves: F64, out: F64) -> None:
    """`blob_radius` along each unit vector (rows of x, y, z)."""
    for n in range(directions.shape[0]):
        out[n] = blob_radius(directions[n, 0], directions[n, 1], directions[n, 2], waves)


@numba.njit(cache=True, nogil=True)
def _count(labels: U8, row: int, column: int, seen: NDArray[np.int64], found: U8) -> int:
    """Count the labels of one voxel's samples into `seen`, list them in `found`; returns how many differ."""
    s = labels.shape[0]
    distinct = 0
    for k in range(s):
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
    """Gather the planes of sub-samples ``(s, rows * s, columns * s)`` of one slice into its voxels.

    By label, tables give: the value to average (`mean_of`) and the texture to add (`texture_of` times
    `texture`, per voxel); up to eight overlapping groups as bits (`group_of`), the lesion number and the
    other structure. A voxel belongs to what fills more than half of it; where a thing fills exactly half,
    the voxel's first sample decides, so that closed shapes gain as many such voxels as they lose.

    `counts` receives samples per label. `coarse` (rows', columns', channels) receives, per voxel of a
    coarser grid, the samples times `channels` of their label; a voxel's samples go to bin ``row_bin`` with
    the share ``row_share`` and to the next with the rest, likewise in columns (a bin outside `coarse` is left
    out).
    """
    s = labels.shape[0]
    rows, columns = mean.shape
    total = s * s * s
    seen = np.zeros(256, np.int64)
    found = np.zeros(total, np.uint8)
    amounts = np.zeros(channels.shape[1], np.float64)
    for r in range(rows):
        for c in range(columns):
            distinct = _count(labels, r, c, seen, found)
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
