"""Painting implicit shapes onto the sub-samples of one CT slice.

A slice is sampled at several points per voxel, on a few planes. Each paint function works on one plane of
those points (``labels``, one byte each) and replaces every label inside its shape through a table of 256
entries (``becomes[old]``), so that a vessel may become another thing in the liver than outside it, or a shape
may leave what is already there. `gather_samples` then turns the planes into voxels.
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
def ball_distance(px: float, py: float, pz: float, to_ball: F64) -> float:
    """Distance from the centre of the unperturbed ellipsoid, as a fraction of the way to its surface."""
    ux = to_ball[0, 0] * px + to_ball[0, 1] * py + to_ball[0, 2] * pz
    uy = to_ball[1, 0] * px + to_ball[1, 1] * py + to_ball[1, 2] * pz
    uz = to_ball[2, 0] * px + to_ball[2, 1] * py + to_ball[2, 2] * pz
    return math.sqrt(ux * ux + uy * uy + uz * uz)


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
    farthest = 1.0 + np.abs(waves[:, 4]).sum()
    r0 = _first_at_or_above(centre[1] - reach, y0, dy, rows)
    r1 = _first_at_or_above(centre[1] + reach, y0, dy, rows)
    c0 = _first_at_or_above(centre[0] - reach, x0, dx, columns)
    c1 = _first_at_or_above(centre[0] + reach, x0, dx, columns)
    for r in range(r0, r1):
        py = y0 + r * dy - centre[1]
        for q in range(c0, c1):
            px = x0 + q * dx - centre[0]
            if ball_distance(px, py, pz, to_ball) > farthest:
                continue
            level = blob_level(px, py, pz, to_ball, waves)
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
def blob_least_levels(
    inside: NDArray[np.bool_], x0: float, dx: float, y0: float, dy: float, z: float, centres: F64,
    reaches: F64, to_balls: F64, waves: F64, low: float, high: float, out: F64,
) -> None:  # fmt: skip
    """At each sample of a plane marked `inside`, the least `blob_level` of several blobs, put into `out`.

    Levels surely below `low` are written as 0 and those surely above `high` are left out, which saves most
    of the work; `out` must hold infinity before. Blobs are rows of `centres`, `reaches`, `to_balls` and
    `waves`; their reaches must cover the level `high`.
    """
    rows, columns = inside.shape
    for n in range(centres.shape[0]):
        pz = z - centres[n, 2]
        if abs(pz) > reaches[n]:
            continue
        bumps = np.abs(waves[n, :, 4]).sum()
        r0 = _first_at_or_above(centres[n, 1] - reaches[n], y0, dy, rows)
        r1 = _first_at_or_above(centres[n, 1] + reaches[n], y0, dy, rows)
        c0 = _first_at_or_above(centres[n, 0] - reaches[n], x0, dx, columns)
        c1 = _first_at_or_above(centres[n, 0] + reaches[n], x0, dx, columns)
        for r in range(r0, r1):
            py = y0 + r * dy - centres[n, 1]
            for q in range(c0, c1):
                if not inside[r, q] or out[r, q] == 0.0:
                    continue
                px = x0 + q * dx - centres[n, 0]
                rho = ball_distance(px, py, pz, to_balls[n])
                if rho > min(high, out[r, q]) * (1.0 + bumps):
                    continue
                if rho < low * (1.0 - bumps):
                    out[r, q] = 0.0
                    continue
                out[r, q] = min(out[r, q], blob_level(px, py, pz, to_balls[n], waves[n]))


@numba.njit(cache=True, nogil=True)
def claim_voxels(
    number_of: NDArray[np.uint16], shared: U8, x0: float, dx: float, y0: float, dy: float, z: F64,
    centres: F64, reaches: F64, to_balls: F64, waves: F64, classes: U8, least: F32,
) -> None:  # fmt: skip
    """Number the voxels ``(z, y, x)`` marked with a class in `shared` by the nearest blob of that class.

    `z` holds the height of each plane. The nearest is the one with the least level at the voxel's centre;
    `least` must hold infinity before.
    """
    planes, rows, columns = shared.shape
    for n in range(centres.shape[0]):
        r0 = _first_at_or_above(centres[n, 1] - reaches[n], y0, dy, rows)
        r1 = _first_at_or_above(centres[n, 1] + reaches[n], y0, dy, rows)
        c0 = _first_at_or_above(centres[n, 0] - reaches[n], x0, dx, columns)
        c1 = _first_at_or_above(centres[n, 0] + reaches[n], x0, dx, columns)
        for k in range(planes):
            pz = z[k] - centres[n, 2]
            if abs(pz) > reaches[n]:
                continue
            for r in range(r0, r1):
                for q in range(c0, c1):
                    if shared[k, r, q] != classes[n]:
                        continue
                    px, py = x0 + q * dx - centres[n, 0], y0 + r * dy - centres[n, 1]
                    level = blob_level(px, py, pz, to_balls[n], waves[n])
                    if level < least[k, r, q]:
                        least[k, r, q] = level
                        number_of[k, r, q] = n + 1


@numba.njit(cache=True, nogil=True)
def blob_radii(directions: F64, waves: F64, out: F64) -> None:
    """`blob_radius` along each unit vector (rows of x, y, z)."""
    for n in range(directions.shape[0]):
        out[n] = blob_radius(directions[n, 0], directions[n, 1], directions[n, 2], waves)
