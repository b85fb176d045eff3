"""A short, even 3-D kernel as a sum of products of 1-D filters, with a bound of what that changes.

The kernel around a beta source is smooth but for its middle: a few products of filters along z, y and x
give it to a thousandth. Some terms reach only three voxels, which is where the kernel is steep, and cost
less. What the sum lacks in all is added to the voxel in the middle, so that no energy is lost or made.

The bound holds by construction, for any activity of 0 or more. Where the highest activity is 1, the error of
a voxel is the sum of the kernel's errors times the activities around it. The highest dose is no less than the
kernel's middle, nor than the dose of that voxel itself, which grows as activity is laid where the kernel
errs. So the worst is activity where the error is largest for the dose it brings, until that dose is the
kernel's middle: a knapsack that is filled with shares, solved by sorting. See `worst_share`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from emboplan.dosimetry.voxel.filter_fit import fit_filters, occurrences, product_sum
from emboplan.kernels.filter_rows import PAIRS

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]

# Three quarters of the thousandth of the highest dose that is promised.
TOLERANCE = 7.5e-4

# Numbers of far and near terms that are tried, cheapest first; a far term costs twice a near one. There are
# no far ones where the kernel is no wider than the near ones. Kernels that need more are better transformed.
TRIED = ((1, 1), (1, 2), (2, 1), (1, 3), (2, 2), (2, 3), (3, 2), (3, 3), (4, 2))
TRIED_NEAR = ((0, 1), (0, 2), (0, 3), (0, 4), (0, 6))
# Voxels from the middle of a kernel to its end, and the middle. Wider ones need more terms than are tried.
WIDEST = 12


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


def worst_share(kernel: F64, errors: F64, occurs: F64) -> float:
    """Largest error over the highest result, for any input of 0 or more.

    `kernel` and `errors` are given for some offsets, each of which `occurs` so many times; the kernel's first
    value is its largest, and above 0.
    """
    room = kernel.flat[0]
    worst = 0.0
    for sign in (1.0, -1.0):
        errs = sign * errors > 0
        error, weight = np.abs(errors[errs]) * occurs[errs], kernel[errs] * occurs[errs]
        dearest = np.argsort(weight / error, kind="stable")
        before = np.r_[0.0, np.cumsum(weight[dearest])[:-1]]
        needs = np.maximum(weight[dearest], np.finfo(np.float64).tiny)
        worst = max(worst, float(error[dearest] @ np.clip((room - before) / needs, 0, 1)) / room)
    return worst


def _error(octant: F64, filters: list[F64]) -> tuple[float, float]:
    """Bound of the error, once the middle takes up what the sum lacks in all; and what it lacks."""
    occurs = occurrences(octant.shape)
    lacking = octant - product_sum(filters)
    middle = float((lacking * occurs).sum())
    lacking[0, 0, 0] -= middle
    return worst_share(octant, lacking, occurs), middle


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
    if max(octant.shape) > WIDEST:
        return None
    part = octant / middle
    for far, near in TRIED if max(octant.shape) > PAIRS + 1 else TRIED_NEAR:
        filters, error = fit_filters(
            part,
            far=far,
            near=near,
            near_reach=PAIRS,
            error_of=lambda f: _error(part, f)[0],
            wanted=tolerance,
        )
        if error > tolerance:
            continue
        along = [_padded(f) for f in (filters[0] * middle, *filters[1:])]
        rounded = [f[:, :n].T.astype(np.float64) for f, n in zip(along, octant.shape, strict=True)]
        error, lacking = _error(octant, rounded)
        error += _rounding(along, middle)
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
