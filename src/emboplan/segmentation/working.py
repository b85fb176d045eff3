"""The working image: a CT turned to LPS axes and averaged to about 2 mm, and the way back.

Organs are found on a copy of the CT whose axes run to the patient's left, back and head whatever the order
of the slices was, and whose voxels are averages of whole blocks of the original ones: that is fast, and it
takes away most of the noise. Results go back to the original grid as smooth level functions whose zero is
the surface, so that the averaging costs no volume.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import SegmentationError
from emboplan.kernels.median import median_of_27
from emboplan.kernels.smoothing import sum_columns, sum_layers, sum_rows
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.model.mask import Box
from emboplan.units import ML_PER_MM3

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

# Blocks never grow beyond this edge: liver, lungs and tumours of 10 mm keep several voxels across.
WORKING_EDGE_MM = 2.5

# Air is the lowest meaningful CT number (padding lies below), and metal says nothing about soft tissue.
LOWEST_HU = -1024
HIGHEST_HU = 1500

# An axis farther than this from its anatomical direction cannot be read as "left", "back" or "head".
STEEPEST_COSINE = 0.8


# A Gaussian is cut off here; beyond lies a quarter of a percent of its weight.
REACH_SIGMAS = 3.0

# Smaller arrays are worked on in less time than a second thread takes to start.
HALVED_VOXELS = 2**18

# Where less of a Gaussian's weight lies inside a mask, nothing can be said there.
LEAST_SHARE = 0.02

# Interpolated voxels that exist at a time on the way back (64 MiB of float32).
SLAB_VOXELS = 2**24


@dataclass(frozen=True, slots=True)
class Turn:
    """How array axes are permuted and flipped so that they run head, back, left."""

    order: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    def forward(self, array: NDArray[np.generic]) -> NDArray[np.generic]:
        """A view of `array` with LPS axes in the order (z, y, x)."""
        turned = array.transpose(self.order)
        return turned[tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flipped)]

    def backward(self, array: NDArray[np.generic]) -> NDArray[np.generic]:
        """The inverse of `forward`."""
        back = array[tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flipped)]
        return back.transpose(tuple(int(i) for i in np.argsort(self.order)))


def turn_to_lps(grid: Grid) -> Turn:
    """The turn that brings the nearest axes of `grid` to LPS; `SegmentationError` when it lies askew."""
    axes = grid.axes
    best = max(permutations(range(3)), key=lambda p: sum(abs(axes[i, p[i]]) for i in range(3)))
    if min(abs(axes[i, best[i]]) for i in range(3)) < STEEPEST_COSINE:
        raise SegmentationError(
            "the image axes lie askew to the patient (more than 35 degrees); "
            "resample the CT to axial slices first"
        )
    signs = [axes[i, best[i]] < 0 for i in range(3)]
    return Turn(
        order=(2 - best[2], 2 - best[1], 2 - best[0]),
        flipped=(bool(signs[2]), bool(signs[1]), bool(signs[0])),
    )


@dataclass(frozen=True, slots=True, eq=False)
class WorkingImage:
    """HU averaged over blocks of `factors` voxels, on LPS axes (z, y, x)."""

    hu: Floats
    spacing_zyx_mm: tuple[float, float, float]
    factors: tuple[int, int, int]
    turn: Turn
    native_shape: tuple[int, int, int]
    native_spacing_zyx_mm: tuple[float, float, float]

    @property
    def voxel_ml(self) -> float:
        """Volume of one working voxel in millilitres."""
        return float(np.prod(self.spacing_zyx_mm)) * ML_PER_MM3

    def voxels(self, length_mm: float) -> tuple[float, float, float]:
        """A length in voxels along each axis."""
        z, y, x = self.spacing_zyx_mm
        return (length_mm / z, length_mm / y, length_mm / x)

    def smooth(self, array: NDArray[np.generic], sigma_mm: float) -> Floats:
        """Gaussian smoothing of `sigma_mm` (standard deviation)."""
        return smooth(array, self.voxels(sigma_mm))

    def smooth_inside(self, values: Floats, inside: Bools, sigma_mm: float) -> Floats:
        """`values` smoothed inside a mask alone, so that nothing outside bleeds in; zero outside."""
        return smooth_inside(values, inside, self.voxels(sigma_mm))

    def cropped(self, box: Box) -> WorkingImage:
        """The same image inside a working box; only its working array may be used for shapes."""
        return replace(self, hu=self.hu[box])

    def down(self, mask: NDArray[np.bool_]) -> Bools:
        """A native mask on the working grid: blocks that are at least half full."""
        turned = self.turn.forward(mask)
        step = self.factors[0]
        # One slab of blocks at a time keeps the float copies small.
        slabs = [block_mean(turned[z : z + step], self.factors) for z in range(0, turned.shape[0], step)]
        return np.asarray(np.concatenate(slabs) >= np.float32(0.5))

    def native_box(self, box: Box) -> Box:
        """The native (LPS-turned) box that covers a working box."""
        turned_shape = tuple(self.native_shape[i] for i in self.turn.order)
        bounds = []
        for axis in range(3):
            stop = box[axis].stop * self.factors[axis]
            if box[axis].stop >= self.hu.shape[axis]:
                stop = turned_shape[axis]
            bounds.append(slice(box[axis].start * self.factors[axis], min(stop, turned_shape[axis])))
        return (bounds[0], bounds[1], bounds[2])

    def up(self, level: Floats, box: Box) -> Floats:
        """A working array interpolated linearly onto the native voxels of the (LPS-turned) native `box`."""
        out = level
        for axis in range(3):
            factor = self.factors[axis]
            at = (np.arange(box[axis].start, box[axis].stop) - (factor - 1) / 2) / factor
            out = _interpolate(out, at, axis)
        return out

    def native_mask(self, level: Floats, box: Box) -> Bools:
        """The native mask ``level > 0`` (in the CT's own axis order), for a whole working level function."""
        full = np.zeros(tuple(self.native_shape[i] for i in self.turn.order), np.bool_)
        full[self.native_box(box)] = self.native_part(level[box], box)
        return np.ascontiguousarray(self.turn.backward(full))

    def native_part(self, level: Floats, box: Box) -> Bools:
        """``level > 0`` on the (LPS-turned) native voxels of a working box, from the level inside it."""
        native = self.native_box(box)
        first = [b.start * f for b, f in zip(box, self.factors, strict=True)]
        local = [slice(s.start - at, s.stop - at) for s, at in zip(native, first, strict=True)]
        part = np.zeros(tuple(s.stop - s.start for s in native), np.bool_)
        # Slab by slab, so that the interpolated function never exists as a whole.
        slab = max(1, SLAB_VOXELS // max(1, part.shape[1] * part.shape[2]))
        for start in range(0, part.shape[0], slab):
            stop = min(part.shape[0], start + slab)
            z0 = local[0].start
            part[start:stop] = self.up(level, (slice(z0 + start, z0 + stop), local[1], local[2])) > 0
        return part


def smooth(array: NDArray[np.generic], sigmas: Sequence[float]) -> Floats:
    """Gaussian smoothing; standard deviations in voxels along each axis."""
    values = np.ascontiguousarray(array, np.float32)
    for sums, sigma in zip((sum_layers, sum_columns, sum_rows), sigmas, strict=True):
        if sigma <= 0:
            continue
        out = np.empty_like(values)
        part = partial(sums, values, _gaussian(sigma), out)
        in_halves(part, values.shape[0], values.size)
        values = out
    return values


def _gaussian(sigma: float) -> NDArray[np.float64]:
    """The weights of a Gaussian: the middle one and one side."""
    reach = int(REACH_SIGMAS * sigma + 0.5)
    weights = np.exp(-0.5 / sigma**2 * np.arange(-reach, reach + 1) ** 2)
    return np.asarray(weights[reach:] / weights.sum())


def median_of_neighbours(values: Floats) -> Floats:
    """The median of each voxel and its 26 neighbours."""
    values = np.ascontiguousarray(values)
    out = np.empty_like(values)
    in_halves(partial(median_of_27, values, out), values.shape[0], values.size)
    return out


def in_halves(sweep: Callable[[int, int], None], count: int, voxels: int) -> None:
    """Run ``sweep(first, end)`` over 0 to `count`, in two halves side by side if there are many `voxels`."""
    if voxels < HALVED_VOXELS:
        sweep(0, count)
        return
    with ThreadPoolExecutor(max_workers=1) as other:
        second = other.submit(sweep, count // 2, count)
        sweep(0, count // 2)
        second.result()


def smooth_inside(values: Floats, inside: Bools, sigmas: Sequence[float]) -> Floats:
    """`values` smoothed inside a mask alone; zero outside."""
    share = smooth(inside.astype(np.float32), sigmas)
    total = smooth(np.where(inside, values, np.float32(0)), sigmas)
    return np.where(inside, total / np.maximum(share, np.float32(LEAST_SHARE)), np.float32(0))


def _interpolate(array: Floats, at: NDArray[np.float64], axis: int) -> Floats:
    last = array.shape[axis] - 1
    at = np.clip(at, 0, last)
    low = np.minimum(at.astype(np.intp), max(0, last - 1))
    high = np.minimum(low + 1, last)
    shape = [1, 1, 1]
    shape[axis] = at.size
    weight = (at - low).astype(np.float32).reshape(shape)
    lower = np.take(array, low, axis=axis)
    return np.asarray(lower + weight * (np.take(array, high, axis=axis) - lower), np.float32)


def block_mean(array: NDArray[np.generic], factors: Sequence[int]) -> Floats:
    """Means over blocks of `factors` voxels; the last block of an axis may be a part of one."""
    out = np.asarray(array, np.float32)
    for axis, factor in enumerate(factors):
        # Strided sums are several times faster than reduceat along the last axis.
        moved = np.moveaxis(out, axis, 0)
        total = np.array(moved[0::factor])
        counts = np.ones(total.shape[0], np.float32)
        for step in range(1, factor):
            more = moved[step::factor]
            total[: more.shape[0]] += more
            counts[: more.shape[0]] += 1
        out = np.moveaxis(total / counts[:, None, None], 0, axis)
    return np.ascontiguousarray(out)


def working_image(ct: CtImage, edge_mm: float = WORKING_EDGE_MM) -> WorkingImage:
    """The working image of a CT, with voxels of at most `edge_mm` where its own are smaller."""
    turn = turn_to_lps(ct.grid)
    spacing = tuple(ct.grid.spacing_zyx_mm[i] for i in turn.order)
    factors = tuple(max(1, int(edge_mm / d)) for d in spacing)
    hu = turn.forward(ct.hu)
    step = factors[0]
    # One slab of blocks at a time keeps the float copies small.
    slabs = [
        block_mean(np.clip(hu[z : z + step], LOWEST_HU, HIGHEST_HU), factors)
        for z in range(0, hu.shape[0], step)
    ]
    return WorkingImage(
        hu=np.concatenate(slabs),
        spacing_zyx_mm=(spacing[0] * factors[0], spacing[1] * factors[1], spacing[2] * factors[2]),
        factors=(factors[0], factors[1], factors[2]),
        turn=turn,
        native_shape=ct.grid.shape,
        native_spacing_zyx_mm=(spacing[0], spacing[1], spacing[2]),
    )
