"""From a drawing to voxels: every slice is painted at its sub-samples and gathered, slice by slice.

Slices do not depend on each other, so that they can be made by any number of threads, in any order, with the
same bytes; nothing of the size of the supersampled patient is ever held.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from emboplan.kernels import gather_samples, implicit_shapes
from emboplan.model.grid import Grid
from emboplan.synthetic.drawing.layers import CODES, BlobLayer, FieldLayer, Layer

F64 = NDArray[np.float64]
T = TypeVar("T")

UNPAINTED = 0  # the label that a slice begins with
PLANE_MM = 2.0  # no two planes of sub-samples lie farther apart, however thick the slice


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sub-sample positions of a slice, spread evenly: so many per voxel and axis, more along thick slices.

    A breath between two parts of a scan is a step: below `step_at_mm` the slices show the patient from
    `step_mm` higher up.
    """

    grid: Grid
    supersampling: int
    step_at_mm: float = 0.0
    step_mm: float = 0.0

    @property
    def planes(self) -> int:
        """Planes of sub-samples in a slice."""
        return max(self.supersampling, int(np.ceil(self.grid.spacing_mm[2] / PLANE_MM)))

    @property
    def steps_mm(self) -> tuple[float, float, float]:
        """Distance between sub-samples ``(x, y, z)``."""
        x, y, z = self.grid.spacing_mm
        s = self.supersampling
        return (x / s, y / s, z / self.planes)

    @property
    def first_mm(self) -> tuple[float, float, float]:
        """Position of the first sub-sample ``(x, y, z)``."""
        x, y, z = (
            o - d / 2 + t / 2
            for o, d, t in zip(self.grid.origin_mm, self.grid.spacing_mm, self.steps_mm, strict=True)
        )
        return (x, y, z)

    @property
    def sample_ml(self) -> float:
        """Volume of one sub-sample."""
        return self.grid.voxel_ml / (self.planes * self.supersampling**2)

    def heights_mm(self, k: int) -> list[float]:
        """Where in the patient (z) the planes of slice `k` lie."""
        z0, dz = self.first_mm[2], self.steps_mm[2]
        shift = self._shift(k)
        return [z0 + (k * self.planes + a) * dz + shift for a in range(self.planes)]

    def middle_mm(self, k: int) -> float:
        """Where in the patient (z) the middle of slice `k` lies."""
        return self.grid.origin_mm[2] + self.grid.spacing_mm[2] * k + self._shift(k)

    def shown_mm(self, z_mm: float) -> float:
        """Where on the scan (z) a height of the patient is seen; the upper place where it is seen twice."""
        return z_mm if z_mm >= self.step_at_mm else z_mm - self.step_mm

    def _shift(self, k: int) -> float:
        below = self.grid.origin_mm[2] + self.grid.spacing_mm[2] * k < self.step_at_mm
        return self.step_mm if below else 0.0


def paint_slice(layers: Sequence[Layer], sampling: Sampling, k: int) -> NDArray[np.uint8]:
    """Labels ``(planes, rows * s, columns * s)`` of the sub-samples of slice `k`."""
    s = sampling.supersampling
    _, rows, columns = sampling.grid.shape
    labels = np.zeros((sampling.planes, rows * s, columns * s), np.uint8)
    (dx, dy, _), (x0, y0, _) = sampling.steps_mm, sampling.first_mm
    for plane, z in zip(labels, sampling.heights_mm(k), strict=True):
        for layer in layers:
            if isinstance(layer, FieldLayer):
                implicit_shapes.paint_field(
                    plane, x0, dx, y0, dy, z, layer.values, layer.origin_mm, layer.spacing_mm, layer.becomes
                )
            elif isinstance(layer, BlobLayer):
                implicit_shapes.paint_blob(
                    plane, x0, dx, y0, dy, z, layer.centre_mm, layer.reach_mm, layer.to_ball, layer.waves,
                    layer.shells, layer.becomes,
                )  # fmt: skip
            else:
                implicit_shapes.paint_tubes(plane, x0, dx, y0, dy, z, layer.tubes, layer.becomes)
    return labels


@dataclass(frozen=True, slots=True, eq=False)
class PaintedPart:
    """The samples of one slice that bear a label: their smallest box, packed eight to a byte."""

    slice: int
    first_row: int
    first_column: int
    shape: tuple[int, int, int]
    packed: NDArray[np.uint8]

    @classmethod
    def of(cls, slice_number: int, marked: NDArray[np.bool_]) -> PaintedPart:
        """The part of a slice ``(planes, rows, columns)`` that is marked."""
        rows = np.flatnonzero(marked.any(axis=(0, 2)))
        columns = np.flatnonzero(marked.any(axis=(0, 1)))
        r, c = (int(rows[0]), int(columns[0])) if rows.size else (0, 0)
        cut = marked[:, r : int(rows[-1]) + 1, c : int(columns[-1]) + 1] if rows.size else marked[:, :0, :0]
        return cls(slice_number, r, c, (cut.shape[0], cut.shape[1], cut.shape[2]), np.packbits(cut, axis=2))

    def plane(self, a: int) -> NDArray[np.bool_]:
        """One plane of the box."""
        return np.unpackbits(self.packed[a], axis=1, count=self.shape[2]).astype(bool)

    @property
    def samples(self) -> int:
        """How many samples bear the label."""
        return int(np.unpackbits(self.packed, axis=2).sum(dtype=np.int64))


def painted_parts(layers: Sequence[Layer], sampling: Sampling, label: int) -> list[PaintedPart]:
    """Where `label` ends up, slice by slice; slices without it are left out."""
    makers = [layer for layer in layers if (np.delete(layer.becomes, label, axis=-1) == label).any()]
    slices = [k for k in range(sampling.grid.shape[0]) if _reached(makers, sampling.heights_mm(k))]
    parts = each_slice(
        lambda n: PaintedPart.of(slices[n], paint_slice(layers, sampling, slices[n]) == label), len(slices)
    )
    return [part for part in parts if part.packed.size]


def _reached(layers: Sequence[Layer], heights_mm: Sequence[float]) -> bool:
    """Whether a layer may paint at one of these heights; those that are no fields are not looked into."""
    for layer in layers:
        if not isinstance(layer, FieldLayer):
            return True
        low = layer.origin_mm[2]
        high = low + layer.spacing_mm * (layer.values.shape[0] - 1)
        if any(low <= z <= high for z in heights_mm):
            return True
    return False


def painted_ml(layers: Sequence[Layer], sampling: Sampling, label: int) -> float:
    """Volume that ends up with `label`, counted at the sub-samples."""
    return sum(part.samples for part in painted_parts(layers, sampling, label)) * sampling.sample_ml


def each_slice(make: Callable[[int], T], count: int) -> list[T]:
    """`make` of every slice number, on as many threads as there are processors, in order."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(make, range(count)))


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """What each label means, as tables of 256 entries for `gather_samples.gather_slice`."""

    mean: NDArray[np.float32]
    groups: NDArray[np.uint8]
    lesion: NDArray[np.uint8]
    other: NDArray[np.uint8]
    texture: NDArray[np.float32]
    channels: F64


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Where each fine position falls on a coarser axis: first bin, and the share that lies in it."""

    first: NDArray[np.int64]
    share: F64

    @classmethod
    def of(cls, fine_origin: float, fine_step: float, fine_count: int, origin: float, step: float) -> Bins:
        """Bins of voxels of `fine_step` (not above `step`) on an axis of voxels of `step`."""
        lower = fine_origin + fine_step * (np.arange(fine_count) - 1 / 2)
        first = np.floor((lower - (origin - step / 2)) / step).astype(np.int64)
        upper_of_first = origin - step / 2 + step * (first + 1)
        return cls(first, np.clip((upper_of_first - lower) / fine_step, 0.0, 1.0))

    def spread(self, values: F64) -> F64:
        """What each fine position has of the rows ``(bin, ...)`` that it lies in; nothing beyond the last.

        Not a product with a matrix: that would be nearly all zeros, and as slow as a full one.
        """
        padded = np.zeros((values.shape[0] + 2, *values.shape[1:]))
        padded[1:-1] = values
        last = values.shape[0] + 1
        share = self.share.reshape(-1, *(1,) * (values.ndim - 1))
        out: F64 = padded[np.clip(self.first + 1, 0, last)] * share
        out += padded[np.clip(self.first + 2, 0, last)] * (1 - share)
        return out


def shares(
    origin: float, step: float, count: int, other_origin: float, other_step: float, other_count: int
) -> F64:
    """Which part of each voxel of an axis lies in each voxel of another one, ``(others, voxels)``."""
    low = origin + step * (np.arange(count) - 1 / 2)
    other_low = other_origin + other_step * (np.arange(other_count)[:, None] - 1 / 2)
    overlap = np.minimum(low + step, other_low + other_step) - np.maximum(low, other_low)
    out: F64 = np.clip(overlap / step, 0.0, 1.0)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class SliceResult:
    """One gathered slice: mean value, memberships, samples per label and coarse sums."""

    mean: NDArray[np.float32]
    groups: NDArray[np.uint8]
    lesion: NDArray[np.uint8]
    other: NDArray[np.uint8]
    counts: NDArray[np.int64]
    coarse: F64


def gather(
    labels: NDArray[np.uint8], tables: Tables, texture: NDArray[np.float32], rows: Bins, columns: Bins,
    coarse_shape: tuple[int, int],
) -> SliceResult:  # fmt: skip
    """Gather one painted slice (see `gather_samples.gather_slice`): the box of its paint."""
    shape = (rows.first.size, columns.first.size)
    result = SliceResult(
        np.full(shape, tables.mean[UNPAINTED]), np.full(shape, tables.groups[UNPAINTED]),
        np.full(shape, tables.lesion[UNPAINTED]), np.full(shape, tables.other[UNPAINTED]),
        np.zeros(CODES, np.int64), np.zeros((*coarse_shape, tables.channels.shape[1])),
    )  # fmt: skip
    painted = labels.max(axis=0)
    s = labels.shape[1] // shape[0]
    r, c = (_voxels(painted.max(axis=axis), s) for axis in (1, 0))
    if tables.texture[UNPAINTED]:
        r, c = slice(0, shape[0]), slice(0, shape[1])
    inner = np.ascontiguousarray(labels[:, r.start * s : r.stop * s, c.start * s : c.stop * s])
    mean, groups, lesion, other = (
        np.empty((r.stop - r.start, c.stop - c.start), np.uint8 if n else np.float32) for n in range(4)
    )
    if inner.size:
        gather_samples.gather_slice(
            inner, tables.mean, tables.groups, tables.lesion, tables.other, tables.texture,
            np.ascontiguousarray(texture[r, c]), tables.channels, rows.first[r], rows.share[r],
            columns.first[c], columns.share[c], mean, groups, lesion, other, result.counts, result.coarse,
        )  # fmt: skip
    for whole, part in (
        (result.mean, mean), (result.groups, groups), (result.lesion, lesion), (result.other, other)
    ):  # fmt: skip
        whole[r, c] = part
    result.counts[UNPAINTED] += labels.size - inner.size
    return result


def _voxels(marked: NDArray[np.uint8], s: int) -> slice:
    """The voxels of an axis from the first to the last that has a marked sample, `s` samples each."""
    index = np.flatnonzero(marked)
    return slice(int(index[0]) // s, int(index[-1]) // s + 1) if index.size else slice(0, 0)
