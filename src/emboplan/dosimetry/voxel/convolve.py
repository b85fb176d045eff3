"""Convolution of an activity map with a short kernel: as a sum of products of filters, or by transform.

A kernel that is even along all axes and smooth enough is split into products of 1-D filters once (see
`separable`), and applied in single precision, only where activity is in reach. The error is bounded to less
than a thousandth of the highest result, for any activity of 0 or more. Any other kernel is applied by a
Fourier transform of the box that holds the activity, with no error but that of single precision.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from emboplan.dosimetry.arguments import finite
from emboplan.dosimetry.voxel.separable import SeparableKernel, separable_kernel
from emboplan.errors import ModelRangeError
from emboplan.kernels.convolution import convolve_terms, find_extents, work_space

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

# A thread that is done takes this many planes more: few, since those in the middle take longest and other
# programs may hold a thread up; several, since neighbours read the same planes.
PLANES_AT_ONCE = 4


def convolve(activity: ArrayLike, kernel: ArrayLike, *, scale: float = 1.0) -> F32:
    """`scale` times `activity` convolved with `kernel`, on the activity's grid ``(z, y, x)``.

    The kernel has odd sides and its source in the middle. What leaves the grid is lost; within the grid the
    sum is kept. Where the kernel is a sum of products values of less than nothing are possible, by no more
    than the bound. The same call gives the same bits on any number of threads.
    """
    image = np.ascontiguousarray(activity, dtype=np.float32)
    weights = finite(kernel, "kernel")
    if image.ndim != 3 or weights.ndim != 3:
        raise ModelRangeError(
            f"activity has {image.ndim} axes, the kernel {weights.ndim}; expected 3 (z, y, x)"
        )
    if any(n % 2 == 0 for n in weights.shape):
        raise ModelRangeError(
            f"the kernel has shape {weights.shape}; expected odd sides, its source amid them"
        )
    low, high = _extents(image)
    if not high.any():
        return np.zeros(image.shape, np.float32)
    parts = separable_kernel(weights)
    if parts is None:
        return _transformed(image, _box(low, high, weights.shape, image.shape), weights * scale)
    return _multiplied(image, low, high, parts, scale)


def _share_planes(count: int, work: Callable[[Callable[[], int]], None]) -> None:
    """Run `work` in this thread and others until all planes are taken; it asks for the next ones to do.

    A loop shared by numba itself waits for every thread to begin; where other programs hold one up, that
    costs more than the work. Here whoever is there takes what is left.
    """
    numbers = itertools.count(0, PLANES_AT_ONCE)

    def take() -> int:
        return min(next(numbers), count)

    helpers = min(numba.get_num_threads() - 1, count // PLANES_AT_ONCE)
    others = [_pool().submit(work, take) for _ in range(helpers)]
    work(take)
    for other in others:
        if not other.cancel():
            other.result()


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=max(1, numba.config.NUMBA_NUM_THREADS - 1))


def _extents(image: F32) -> tuple[I32, I32]:
    low, high = np.empty(image.shape[:2], np.int32), np.empty(image.shape[:2], np.int32)
    bits, planes = image.view(np.int32), len(image)

    def work(take: Callable[[], int]) -> None:
        while (first := take()) < planes:
            find_extents(bits, first, min(planes, first + PLANES_AT_ONCE), low, high)

    _share_planes(planes, work)
    return low, high


def _multiplied(image: F32, low: I32, high: I32, parts: SeparableKernel, scale: float) -> F32:
    out = np.zeros(image.shape, np.float32)
    z, y, x = image.shape
    along_z, middle = parts.along_z * np.float32(scale), np.float32(parts.middle * scale)

    def work(take: Callable[[], int]) -> None:
        space = work_space((z, y, x), parts.terms, parts.reach_zyx)
        while (first := take()) < z:
            convolve_terms(
                image, first, min(z, first + PLANES_AT_ONCE), low, high, parts.far, along_z, parts.along_y,
                parts.along_x, middle, out, *space,
            )  # fmt: skip

    _share_planes(z, work)
    return out


def _box(low: I32, high: I32, kernel: tuple[int, ...], shape: tuple[int, ...]) -> tuple[slice, ...]:
    """All voxels that activity can reach."""
    used = high > 0
    rows = [np.flatnonzero(used.any(axis=1)), np.flatnonzero(used.any(axis=0))]
    spans = [(int(r[0]), int(r[-1]) + 1) for r in rows] + [(int(low[used].min()), int(high.max()))]
    return tuple(
        slice(max(0, a - side // 2), min(n, b + side // 2))
        for (a, b), side, n in zip(spans, kernel, shape, strict=True)
    )


def _transformed(image: F32, box: tuple[slice, ...], kernel: F64) -> F32:
    part = image[box]
    # A margin of the kernel's reach behind the box keeps what leaves it on one side from the other.
    lengths = [
        fft.next_fast_len(n + side // 2, real=True) for n, side in zip(part.shape, kernel.shape, strict=True)
    ]
    padded = np.zeros(lengths, dtype=np.float32)
    # A kernel that is wider than the box is cut to what can matter there.
    kept = tuple(
        slice(max(0, side // 2 - n + 1), min(side, side // 2 + n))
        for n, side in zip(part.shape, kernel.shape, strict=True)
    )
    used = kernel[kept]
    padded[tuple(slice(0, n) for n in used.shape)] = used
    padded = np.roll(padded, [-(n // 2) for n in used.shape], axis=(0, 1, 2))
    workers = numba.get_num_threads()
    spread = fft.irfftn(
        fft.rfftn(part, lengths, workers=workers) * fft.rfftn(padded, workers=workers),
        lengths,
        workers=workers,
    )
    out = np.zeros(image.shape, np.float32)
    out[box] = spread[tuple(slice(0, n) for n in part.shape)]
    return out
