"""Convolution with a voxel S kernel of 13 x 13 x 13: speed and error, all ways in one run.

Three ways take turns, so that a busy machine slows all of them: `scipy.signal.fftconvolve`; the fastest
recipe without a kernel of its own, `scipy.fft` in single precision on the box of the activity plus the
kernel's reach, with two workers, the kernel's transform and the box known beforehand; and `convolve`. The
activity is a ball of a tenth of the grid, with noise. Errors are shares of the highest dose: in `convolve`
against direct summation in double precision in a thousand voxels, and of all voxels against a transform in
double precision. The price of the first call, which finds the products of filters, stands by itself.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from emboplan.dosimetry.voxel.convolve import convolve
from emboplan.dosimetry.voxel.separable import separable_kernel
from emboplan.dosimetry.voxel.voxel_s import voxel_s_kernel

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

RESULTS = Path(__file__).parent / "results"
SHAPES = ((128, 128, 128), (160, 256, 256))
SPACING_MM = (2.0, 2.0, 2.0)
ACTIVE_SHARE = 0.1
WORKERS = 2
CHECKED_VOXELS = 1000
BAR_FFTCONVOLVE, BAR_RECIPE, BAR_ERROR = 10.0, 1.5, 1e-3


def ball(shape: tuple[int, int, int]) -> F32:
    """Activity between 1 and 2 in a ball of a tenth of the voxels."""
    radius = (ACTIVE_SHARE * math.prod(shape) * 3 / (4 * math.pi)) ** (1 / 3)
    z, y, x = np.ogrid[tuple(slice(-n / 2 + 0.5, n / 2) for n in shape)]
    inside = z**2 + y**2 + x**2 < radius**2
    noise = np.random.default_rng(1).uniform(1, 2, shape)
    return np.where(inside, noise, 0).astype(np.float32)


def recipe(activity: F32, kernel: F64) -> Callable[[], F32]:
    """The transform on the box, all that can be known beforehand prepared."""
    reach = kernel.shape[0] // 2
    found = [np.flatnonzero(activity.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    box = tuple(
        slice(max(0, f[0] - reach), min(n, f[-1] + 1 + reach))
        for f, n in zip(found, activity.shape, strict=True)
    )
    part = tuple(s.stop - s.start for s in box)
    lengths = [fft.next_fast_len(int(n), real=True) for n in part]
    padded = np.zeros(lengths, np.float32)
    padded[tuple(slice(0, n) for n in kernel.shape)] = kernel
    turned = fft.rfftn(np.roll(padded, [-reach] * 3, axis=(0, 1, 2)))

    def run() -> F32:
        out = np.zeros_like(activity)
        spread = fft.irfftn(
            fft.rfftn(activity[box], lengths, workers=WORKERS) * turned, lengths, workers=WORKERS
        )
        out[box] = spread[tuple(slice(0, n) for n in part)]
        return out

    return run


def direct_error(activity: F32, kernel: F64, out: F32) -> float:
    """Largest error in some voxels in and around the activity, summed directly in double precision."""
    reach = kernel.shape[0] // 2
    padded = np.pad(activity.astype(np.float64), reach)
    reached = np.argwhere(out > 0)
    some = reached[np.random.default_rng(2).choice(len(reached), CHECKED_VOXELS, replace=False)]
    side = 2 * reach + 1
    turned = kernel[::-1, ::-1, ::-1]
    truth = [float((padded[z : z + side, y : y + side, x : x + side] * turned).sum()) for z, y, x in some]
    return float(np.abs(out[tuple(some.T)] - truth).max() / out.max())


def measured(shape: tuple[int, int, int], kernel: F64, repeats: int) -> dict[str, object]:
    activity = ball(shape)
    single = kernel.astype(np.float32)
    ways: dict[str, Callable[[], F32]] = {
        "fftconvolve": lambda: np.asarray(signal.fftconvolve(activity, single, mode="same"), np.float32),
        "recipe": recipe(activity, kernel),
        "convolve": lambda: convolve(activity, kernel),
    }
    truth = signal.fftconvolve(activity.astype(np.float64), kernel, mode="same")
    errors = {name: float(np.abs(run() - truth).max() / truth.max()) for name, run in ways.items()}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, run in ways.items():
            start = time.perf_counter()
            run()
            times[name].append(1000 * (time.perf_counter() - start))
    ours = np.array(times["convolve"])
    result: dict[str, object] = {"shape": shape, "repeats": repeats}
    print(" x ".join(str(n) for n in shape))
    for name in ways:
        mine = np.array(times[name])
        ratios = mine / ours
        result[name] = {
            "best_ms": float(mine.min()),
            "median_ms": float(np.median(mine)),
            "ratio_of_best": float(mine.min() / ours.min()),
            "median_ratio": float(np.median(ratios)),
            "worst_error": errors[name],
        }
        print(
            f"  {name:12} best {mine.min():7.2f} ms  median {np.median(mine):7.2f} ms  "
            f"times convolve: best {mine.min() / ours.min():5.1f} median {np.median(ratios):5.1f}  "
            f"error {errors[name]:.1e}"
        )
    result["direct_error"] = direct_error(activity, kernel, convolve(activity, kernel))
    result["energy"] = float(convolve(activity, kernel).sum(dtype=np.float64) / activity.sum(dtype=float) - 1)
    print(f"  against direct summation {result['direct_error']:.1e}, energy off by {result['energy']:.1e}")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=25)
    options = parser.parse_args()
    numba.set_num_threads(min(WORKERS, numba.get_num_threads()))
    kernel = voxel_s_kernel("Y-90", spacing_mm=SPACING_MM).energy_frac
    start = time.perf_counter()
    parts = separable_kernel(kernel)
    first_s = time.perf_counter() - start
    assert parts is not None
    print(
        f"kernel {kernel.shape}: {parts.far} far and {parts.terms - parts.far} near terms in {first_s:.2f} s"
    )
    print(f"error at most {parts.error_frac:.1e} of the highest dose; {numba.get_num_threads()} threads")
    results = {
        "kernel": kernel.shape,
        "threads": numba.get_num_threads(),
        "far_terms": parts.far,
        "near_terms": parts.terms - parts.far,
        "error_bound": parts.error_frac,
        "first_call_s": first_s,
        "bars": {"fftconvolve": BAR_FFTCONVOLVE, "recipe": BAR_RECIPE, "error": BAR_ERROR},
        "grids": [measured(shape, kernel, options.repeats) for shape in SHAPES],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "convolution.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
