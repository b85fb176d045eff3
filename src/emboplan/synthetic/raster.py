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

from emboplan.kernels import implicit_shapes
from emboplan.model.grid import Grid
from emboplan.synthetic.drawing import CODES, BlobLayer, FieldLayer, Layer

F64 = NDArray[np.float64]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sub-sample positions of a slice: `s` per voxel and axis, spread evenly over it."""

    grid: Grid
    supersampling: int

    @property
    def steps_mm(self) -> tuple[float, float, float]:
        """Distance between sub-samples ``(x, y, z)``."""
        x, y, z = self.grid.spacing_mm
        s = self.supersampling
        return (x / s, y / s, z / s)

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
        return self.grid.voxel_ml / self.supersampling**3


def paint_slice(layers: Sequence[Layer], sampling: Sampling, k: int) -> NDArray[np.uint8]:
    """Labels ``(s, rows * s, columns * s)`` of the sub-samples of slice `k`."""
    s = sampling.supersampling
    _, rows, columns = sampling.grid.shape
    labels = np.zeros((s, rows * s, columns * s), np.uint8)
    (dx, dy, dz), (x0, y0, z0) = sampling.steps_mm, sampling.first_mm
    for a in range(s):
        plane, z = labels[a], z0 + (k * s + a) * dz
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


def painted_ml(layers: Sequence[Layer], sampling: Sampling, label: int) -> float:
    """Volume that ends up with `label`, counted at the sub-samples."""
    counts = each_slice(
        lambda k: int(np.count_nonzero(paint_slice(layers, sampling, k) == label)), sampling.grid.shape[0]
    )
    return sum(counts) * sampling.sample_ml


def each_slice(make: Callable[[int], T], count: int) -> list[T]:
    """`make` of every slice number, on as many threads as there are processors, in order."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(make, range(count)))


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """What each label means, as tables of 256 entries for `implicit_shapes.gather_slice`."""

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

    def matrix(self, count: int) -> F64:
        """The shares as a matrix (bins, positions)."""
        out = np.zeros((count, self.first.size))
        for n, (first, share) in enumerate(zip(self.first, self.share, strict=True)):
            for bin_number, part in ((first, share), (first + 1, 1 - share)):
                if 0 <= bin_number < count:
                    out[bin_number, n] += part
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
    """Gather one painted slice (see `implicit_shapes.gather_slice`)."""
    shape = (rows.first.size, columns.first.size)
    result = SliceResult(
        np.empty(shape, np.float32), np.empty(shape, np.uint8), np.empty(shape, np.uint8),
        np.empty(shape, np.uint8), np.zeros(CODES, np.int64),
        np.zeros((*coarse_shape, tables.channels.shape[1])),
    )  # fmt: skip
    implicit_shapes.gather_slice(
        labels, tables.mean, tables.groups, tables.lesion, tables.other, tables.texture, texture,
        tables.channels, rows.first, rows.share, columns.first, columns.share, result.mean, result.groups,
        result.lesion, result.other, result.counts, result.coarse,
    )  # fmt: skip
    return result
