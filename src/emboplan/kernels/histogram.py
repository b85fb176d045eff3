"""Doses at many points of a structure, and the volumes at each dose.

Between the centres of the dose's voxels the dose runs linearly along each axis plus a bend. The bend of a gap
is the harmonic mean of the second differences at its two ends, and none where they differ in sign: a smooth
peak keeps its height, and a step gets no overshoot (Amat, Donat, Liandrat and Trillo, Found. Comput. Math. 6
(2006) 193, their limiter along each axis). All triples are in array order ``(z, y, x)``.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

# Steps of the point inside its part of a voxel, one for each axis: powers of the inverse of the root of
# x^4 = x + 1, whose multiples fill a cube evenly (Roberts' generalised golden ratio).
GOLDEN = 1.2207440846057596
STEP_Z, STEP_Y, STEP_X = 1 / GOLDEN, 1 / GOLDEN**2, 1 / GOLDEN**3

# Values of the field that ranks the parts of a voxel count as equal within this: rounding in float32 shares.
SAME_RANK = 1e-6


@numba.njit(cache=True, nogil=True)
def survey(share: F32, rounding: float, box: I64) -> bool:
    """Whether all values are shares from 0 to 1, within `rounding`; one pass over the volume.

    `box` ``(3, 2)`` gets the first and the last index along each axis with a share above 0; where there is
    none, the last is below the first.
    """
    nz, ny, nx = share.shape
    box[:, 0] = share.shape
    box[:, 1] = -1
    for k in range(nz):
        for j in range(ny):
            first, last = nx, -1
            for i in range(nx):
                value = share[k, j, i]
                if value != 0:
                    if not -rounding <= value <= 1 + rounding:
                        return False
                    if value > 0:
                        first = min(first, i)
                        last = i
            if last >= 0:
                box[0, 0], box[0, 1] = min(box[0, 0], k), k
                box[1, 0], box[1, 1] = min(box[1, 0], j), max(box[1, 1], j)
                box[2, 0], box[2, 1] = min(box[2, 0], first), max(box[2, 1], last)
    return True


@numba.njit(cache=True, nogil=True, inline="always")
def _bend(a: float, b: float, c: float, d: float) -> float:
    """Second difference in the gap between `b` and `c`; 0 where the row does not bend one way."""
    left = a - 2 * b + c
    right = b - 2 * c + d
    return 2 * left * right / (left + right) if left * right > 0 else 0.0


@numba.njit(cache=True, nogil=True)
def bends(gy: F32, out: F32) -> None:
    """The bends of the gaps above each voxel, one volume for each axis: `out` is ``(3, z, y, x)``, zeros."""
    nz, ny, nx = gy.shape
    for k in range(nz):
        for j in range(ny):
            if 1 <= k < nz - 2:
                for i in range(nx):
                    out[0, k, j, i] = _bend(gy[k - 1, j, i], gy[k, j, i], gy[k + 1, j, i], gy[k + 2, j, i])
            if 1 <= j < ny - 2:
                for i in range(nx):
                    out[1, k, j, i] = _bend(gy[k, j - 1, i], gy[k, j, i], gy[k, j + 1, i], gy[k, j + 2, i])
            for i in range(1, nx - 2):
                out[2, k, j, i] = _bend(gy[k, j, i - 1], gy[k, j, i], gy[k, j, i + 1], gy[k, j, i + 2])


@numba.njit(cache=True, nogil=True, inline="always")
def _flat(v: F32, k: int, j: int, i: int, k1: int, j1: int, i1: int, w: float, s: float, t: float) -> float:
    """Linear between the eight corners of a cell, at the fractions `w`, `s`, `t` along z, y, x."""
    a = (1 - t) * v[k, j, i] + t * v[k, j, i1]
    b = (1 - t) * v[k, j1, i] + t * v[k, j1, i1]
    c = (1 - t) * v[k1, j, i] + t * v[k1, j, i1]
    d = (1 - t) * v[k1, j1, i] + t * v[k1, j1, i1]
    value: float = (1 - w) * ((1 - s) * a + s * b) + w * ((1 - s) * c + s * d)
    return value


@numba.njit(cache=True, nogil=True, inline="always")
def _dose(gy: F32, bend: F32, z: float, y: float, x: float) -> float:
    """The dose at a point inside the outer faces; flat in the half voxel beyond the outermost centres."""
    nz, ny, nx = gy.shape
    z = min(max(z, 0.0), nz - 1.0)
    y = min(max(y, 0.0), ny - 1.0)
    x = min(max(x, 0.0), nx - 1.0)
    k, j, i = int(z), int(y), int(x)
    k1, j1, i1 = min(k + 1, nz - 1), min(j + 1, ny - 1), min(i + 1, nx - 1)
    w, s, t = z - k, y - j, x - i
    value: float = _flat(gy, k, j, i, k1, j1, i1, w, s, t)
    # The bend along an axis belongs to the gap, so that it is linear across the gap's four edges only.
    value -= w * (1 - w) / 2 * _flat(bend[0], k, j, i, k, j1, i1, 0.0, s, t)
    value -= s * (1 - s) / 2 * _flat(bend[1], k, j, i, k1, j, i1, w, 0.0, t)
    value -= t * (1 - t) / 2 * _flat(bend[2], k, j, i, k1, j1, i, w, s, 0.0)
    return max(value, 0.0)


@numba.njit(cache=True, nogil=True)
def sample(
    gy: F32, bend: F32, voxels: I32, matrix: F64, offset: F64, parts: tuple[int, int, int],
    filled: F32, out: F32,
) -> int:  # fmt: skip
    """Doses at one point in each part of each voxel; `out` is ``(voxels, parts)``, NaN outside the dose.

    `voxels` are indices of the structure's grid, one a row; ``matrix @ index + offset`` is the index on the
    dose's grid. The point moves about in its part from one part to the next, so that planes of equal dose
    meet no row of points. Parts whose `filled` is 0 are NaN too, and cost nothing; without a row in `filled`
    all count. Returns the number of points outside.
    """
    nz, ny, nx = gy.shape
    az, ay, ax = parts
    every = filled.shape[0] == 0
    outside = 0
    u, v, w = 0.5, 0.5, 0.5
    for n in range(voxels.shape[0]):
        m = -1
        for a in range(az):
            for b in range(ay):
                for c in range(ax):
                    m += 1
                    out[n, m] = np.nan
                    if not every and filled[n, m] == 0:
                        continue
                    u += STEP_Z
                    v += STEP_Y
                    w += STEP_X
                    u -= math.floor(u)
                    v -= math.floor(v)
                    w -= math.floor(w)
                    p = voxels[n, 0] + (a + u) / az - 0.5
                    q = voxels[n, 1] + (b + v) / ay - 0.5
                    r = voxels[n, 2] + (c + w) / ax - 0.5
                    z = matrix[0, 0] * p + matrix[0, 1] * q + matrix[0, 2] * r + offset[0]
                    y = matrix[1, 0] * p + matrix[1, 1] * q + matrix[1, 2] * r + offset[1]
                    x = matrix[2, 0] * p + matrix[2, 1] * q + matrix[2, 2] * r + offset[2]
                    if not (-0.5 <= z <= nz - 0.5 and -0.5 <= y <= ny - 0.5 and -0.5 <= x <= nx - 0.5):
                        outside += 1
                        continue
                    out[n, m] = _dose(gy, bend, z, y, x)
    return outside


@numba.njit(cache=True, nogil=True)
def _keep_highest(values: F64, wanted: float, out: F32) -> None:
    """1 for the highest `wanted` of the values, 0 for the rest; those that rank alike share the last."""
    total = values.shape[0]
    place = total - 1 - min(int(wanted), total - 1)
    limit = np.partition(values, place)[place]
    above, alike = 0, 0
    for m in range(total):
        if values[m] > limit + SAME_RANK:
            above += 1
        elif values[m] >= limit - SAME_RANK:
            alike += 1
    for m in range(total):
        if values[m] > limit + SAME_RANK:
            out[m] = 1.0
        elif values[m] >= limit - SAME_RANK:
            out[m] = (wanted - above) / alike
        else:
            out[m] = 0.0


@numba.njit(cache=True, nogil=True)
def rank_by_neighbours(share: F32, voxels: I32, weights: F64, out: F32) -> None:
    """Which parts of partly filled voxels are filled: those nearest to what the voxels around hold.

    `share` is what is filled of each voxel, with one voxel more on each side than `voxels` count by. The rank
    of a part is the sum of the shares of the voxel and its neighbours, weighted along each axis by `weights`
    ``(parts, 3)``: voxel below, own voxel, voxel above. The share of each voxel is kept exactly. `out` is
    ``(voxels, parts^3)``.
    """
    parts = weights.shape[0]
    values = np.empty(parts**3)
    along_x = np.empty((3, 3, parts))
    along_y = np.empty((3, parts, parts))
    for n in range(voxels.shape[0]):
        k, j, i = voxels[n, 0], voxels[n, 1], voxels[n, 2]
        for a in range(3):
            for b in range(3):
                for c in range(parts):
                    along_x[a, b, c] = (
                        weights[c, 0] * share[k + a, j + b, i]
                        + weights[c, 1] * share[k + a, j + b, i + 1]
                        + weights[c, 2] * share[k + a, j + b, i + 2]
                    )
        for a in range(3):
            for b in range(parts):
                for c in range(parts):
                    along_y[a, b, c] = (
                        weights[b, 0] * along_x[a, 0, c]
                        + weights[b, 1] * along_x[a, 1, c]
                        + weights[b, 2] * along_x[a, 2, c]
                    )
        m = 0
        for a in range(parts):
            for b in range(parts):
                for c in range(parts):
                    values[m] = (
                        weights[a, 0] * along_y[0, b, c]
                        + weights[a, 1] * along_y[1, b, c]
                        + weights[a, 2] * along_y[2, b, c]
                    )
                    m += 1
        _keep_highest(values, share[k + 1, j + 1, i + 1] * parts**3, out[n])


@numba.njit(cache=True, nogil=True)
def rank_by_field(field: F32, share: F64, voxels: I32, parts: int, out: F32) -> None:
    """Which parts of partly filled voxels are filled: those where `field` is highest.

    `field` has `parts` values along each edge of every voxel; `share` is what is filled of each voxel of
    `voxels`, and is kept exactly. `out` is ``(voxels, parts^3)``.
    """
    values = np.empty(parts**3)
    for n in range(voxels.shape[0]):
        k, j, i = voxels[n, 0] * parts, voxels[n, 1] * parts, voxels[n, 2] * parts
        m = 0
        for a in range(parts):
            for b in range(parts):
                for c in range(parts):
                    values[m] = field[k + a, j + b, i + c]
                    m += 1
        _keep_highest(values, share[n] * parts**3, out[n])


@numba.njit(cache=True, nogil=True)
def rank_by_value(values: F32, share: F64, out: F32) -> None:
    """Which parts of each voxel are filled: those where its row of `values` is highest.

    `share` is what is filled of each voxel, and is kept exactly. `values` and `out` are ``(voxels, parts)``.
    """
    for n in range(values.shape[0]):
        _keep_highest(values[n].astype(np.float64), share[n] * values.shape[1], out[n])


@numba.njit(cache=True, nogil=True)
def put_parts(filled: F32, voxels: I32, parts: int, out: F32) -> None:
    """Lay the parts of voxels into a volume that has `parts` values along each edge of every voxel."""
    for n in range(voxels.shape[0]):
        k, j, i = voxels[n, 0] * parts, voxels[n, 1] * parts, voxels[n, 2] * parts
        m = 0
        for a in range(parts):
            for b in range(parts):
                for c in range(parts):
                    out[k + a, j + b, i + c] = filled[n, m]
                    m += 1


@numba.njit(cache=True, nogil=True)
def bin_volumes(gy: F32, ml: F64, low: float, per_gy: float, volume: F64, moment: F64, ends: F32) -> None:
    """Volumes and dose-weighted volumes of even bins from `low`; `ends` gets each bin's lowest and highest.

    `ml` has one value for each dose, or a single one for all. Doses that are NaN count nowhere.
    """
    bins = volume.shape[0]
    step = 1 if ml.shape[0] > 1 else 0
    for n in range(gy.shape[0]):
        dose = gy[n]
        amount = ml[n * step]
        if not dose >= 0 or amount == 0:
            continue
        b = min(int((dose - low) * per_gy), bins - 1)
        if volume[b] == 0:
            ends[0, b] = dose
            ends[1, b] = dose
        else:
            ends[0, b] = min(ends[0, b], dose)
            ends[1, b] = max(ends[1, b], dose)
        volume[b] += amount
        moment[b] += amount * dose
