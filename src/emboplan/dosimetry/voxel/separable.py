"""A short, even 3-D kernel as a sum of products of 1-D filters, with a bound of what that changes.

The kernel around a beta source is smooth but for its middle: a few products of filters along z, y and x give
it to a thousandth. They are found by alternating least squares from Gaussians of several widths. Some terms
reach only three voxels, which is where the kernel is steep, and cost less. What the sum lacks in all is added
to the voxel in the middle, so that no energy is lost or made.

The bound holds by construction, for any activity of 0 or more: no voxel's dose is off by more than the sum
of the absolute errors of the kernel times the highest activity, and the highest dose is at least the kernel's
middle times that activity. So the error is at most ``error_frac`` of the highest dose, wherever it lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from emboplan.kernels.convolution import PAIRS

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

# Three quarters of the thousandth of the highest dose that is promised.
TOLERANCE = 7.5e-4

# Sweeps of the fit, and those after which one that is still far off is given up.
SWEEPS, CHECK_EVERY, HOPE_AFTER = 1500, 50, 200
# A fit that is off by this many times the tolerance when it is looked at then will not get there.
HOPELESS = 5.0

# Numbers of far and near terms that are tried, cheapest first; without far ones where the kernel is no wider
# than the near ones. Kernels that need more are better transformed.
TRIED = ((1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 3), (3, 4), (4, 4), (5, 5), (6, 6))
TRIED_NEAR = ((0, 1), (0, 2), (0, 3), (0, 4), (0, 6))

# Widths of the Gaussians that the fit starts from, in kernel half-widths: from the middle voxel to all.
NARROWEST, WIDEST = 0.05, 0.43
# Share of a normal matrix' trace that is added to its diagonal, so that terms which cancel stay small.
RIDGE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class SeparableKernel:
    """Filters ``(term, weight)`` from the middle outwards; terms from `far` on have only `PAIRS` weights.

    `middle` is added times the input itself. `error_frac` bounds the error as a share of the highest result.
    """

    along_z: F32
    along_y: F32
    along_x: F32
    far: int
    middle: float
    error_frac: float

    @property
    def terms(self) -> int:
        """Number of products."""
        return len(self.along_z)

    @property
    def reach_zyx(self) -> tuple[int, int, int]:
        """Voxels to one side that the filters reach, with the zeros that pad them."""
        return (self.along_z.shape[1] - 1, self.along_y.shape[1] - 1, self.along_x.shape[1] - 1)

    def dense(self) -> F64:
        """The kernel that this stands for, as an odd array with the source in the middle."""
        z, y, x = (np.concatenate([f[:, :0:-1], f], axis=1).astype(np.float64) for f in self._filters())
        whole = np.einsum("ri,rj,rk->ijk", z, y, x)
        whole[tuple(n // 2 for n in whole.shape)] += self.middle
        return np.asarray(whole, dtype=np.float64)

    def _filters(self) -> tuple[F32, F32, F32]:
        return self.along_z, self.along_y, self.along_x


def is_even(kernel: F64) -> bool:
    """Whether a kernel has odd sides and is the same, to the last bits, mirrored along each axis."""
    if any(n % 2 == 0 for n in kernel.shape):
        return False
    last_bits = 2 * 2 * np.finfo(np.float64).eps * float(np.abs(kernel).max(initial=0.0))
    return all(bool((np.abs(kernel - np.flip(kernel, axis)) <= last_bits).all()) for axis in range(3))


def _times(shape: tuple[int, ...]) -> F64:
    """How often each offset of the octant with no negative one occurs in the whole kernel."""
    axes = [np.r_[1.0, np.full(n - 1, 2.0)] for n in shape]
    return np.asarray(np.einsum("i,j,k->ijk", *axes), dtype=np.float64)


def _fit(octant: F64, far: int, near: int, tolerance: float) -> tuple[list[F64], float]:
    """Filters (offset, term) of an octant, far terms first, and the summed error over the middle value."""
    roots = [np.sqrt(np.r_[1.0, np.full(n - 1, 2.0)]) for n in octant.shape]
    target = octant * np.einsum("i,j,k->ijk", *roots)
    widths = np.geomspace(WIDEST, NARROWEST, far + near)
    factors = [
        np.exp(-((np.arange(n) / n)[:, None] ** 2) / (2 * widths**2)) * root[:, None]
        for n, root in zip(octant.shape, roots, strict=True)
    ]
    inner = PAIRS + 1
    for factor in factors:
        factor[inner:, far:] = 0
    unfolded = [np.moveaxis(target, a, 0).reshape(target.shape[a], -1) for a in range(3)]
    best, found = np.inf, factors
    for sweep in range(1, SWEEPS + 1):
        for axis in range(3):
            one, two = (factors[a] for a in range(3) if a != axis)
            normal = (one.T @ one) * (two.T @ two)
            normal += RIDGE * np.trace(normal) * np.eye(far + near)
            products = (one[:, None, :] * two[None, :, :]).reshape(-1, far + near)
            right = unfolded[axis] @ products
            factors[axis] = np.zeros_like(factors[axis])
            factors[axis][:inner] = np.linalg.solve(normal, right[:inner].T).T
            if len(right) > inner and far:
                factors[axis][inner:, :far] = np.linalg.solve(normal[:far, :far], right[inner:, :far].T).T
            # The size of a term goes from axis to axis; here it is shared, so that none runs away.
            size = np.linalg.norm(factors[axis], axis=0)
            if axis < 2 and (size > 0).all():
                factors[axis] = factors[axis] / size
        if sweep % CHECK_EVERY == 0:
            filters = [f / root[:, None] for f, root in zip(factors, roots, strict=True)]
            error = _error(octant, filters)[0]
            if error < best:
                best, found = error, filters
            if best <= tolerance or (sweep >= HOPE_AFTER and best > HOPELESS * tolerance):
                break
    return found, best


def _error(octant: F64, filters: list[F64]) -> tuple[float, float]:
    """Summed absolute error over the middle value, once the middle takes up the sum; and that sum."""
    lacking = (octant - np.einsum("ir,jr,kr->ijk", *filters)) * _times(octant.shape)
    middle = float(lacking.sum())
    lacking[0, 0, 0] -= middle
    return float(np.abs(lacking).sum() / octant[0, 0, 0]), middle


def _padded(filters: F64) -> F32:
    """(offset, term) to (term, weight) in single precision, padded to 1 + a multiple of `PAIRS`."""
    offsets, terms = filters.shape
    groups = max(1, -(-(offsets - 1) // PAIRS))
    out = np.zeros((terms, 1 + PAIRS * groups), dtype=np.float32)
    out[:, :offsets] = filters.T
    return out


def _rounding(along: list[F32], middle_value: float) -> float:
    """Bound of the rounding of the sums in single precision, over the middle value."""
    additions = sum(f.shape[1] + PAIRS for f in along) + len(along[0])
    sizes = [np.abs(f).astype(np.float64) for f in along]
    whole = np.prod([2 * f.sum(axis=1) - f[:, 0] for f in sizes], axis=0).sum()
    return float(additions * np.finfo(np.float32).eps / 2 * whole / middle_value)


@lru_cache(maxsize=64)
def _found(values: bytes, shape: tuple[int, int, int], tolerance: float) -> SeparableKernel | None:
    kernel = np.frombuffer(values, dtype=np.float64).reshape(shape)
    middle = kernel[tuple(n // 2 for n in shape)] if kernel.size else 0.0
    if not (middle > 0 and middle >= kernel.max() and kernel.min() >= 0 and is_even(kernel)):
        return None
    octant = kernel[tuple(slice(n // 2, None) for n in shape)]
    for far, near in TRIED if max(octant.shape) > PAIRS + 1 else TRIED_NEAR:
        filters, error = _fit(octant, far, near, tolerance)
        if error > tolerance:
            continue
        along = [_padded(f) for f in filters]
        rounded = [f[:, :n].T.astype(np.float64) for f, n in zip(along, octant.shape, strict=True)]
        error, lacking = _error(octant, rounded)
        error += _rounding(along, float(octant[0, 0, 0]))
        if error <= tolerance:
            z, y, x = along
            return SeparableKernel(z, y, x, far=far, middle=lacking, error_frac=error)
    return None


def separable_kernel(kernel: F64, *, tolerance: float = TOLERANCE) -> SeparableKernel | None:
    """The cheapest sum of products whose `error_frac` is at most `tolerance`; None where there is none.

    The kernel must have odd sides, be even along each axis, and have its largest value, above 0, in the
    middle; any other has none. Results are kept in memory; the first takes some tenths of a second.
    """
    values = np.ascontiguousarray(kernel, dtype=np.float64)
    z, y, x = values.shape
    return _found(values.tobytes(), (z, y, x), tolerance)
