"""Masks and label maps: which voxels belong to a structure.

A `Mask` is one structure, a `LabelMap` numbers several that do not overlap (the lesions of a liver).
Two of them meet only on the same grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import GeometryError, MaskError
from emboplan.model.grid import Grid

Box = tuple[slice, slice, slice]


def bounding_box(voxels: NDArray[np.bool_], margin: int = 0) -> Box | None:
    """The smallest box of slices around the true voxels, `margin` voxels wider; None when all are false."""
    slices = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        hit = np.flatnonzero(voxels.any(axis=others))
        if hit.size == 0:
            return None
        slices.append(slice(max(0, int(hit[0]) - margin), min(voxels.shape[axis], int(hit[-1]) + 1 + margin)))
    return (slices[0], slices[1], slices[2])


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """The voxels of one structure."""

    grid: Grid
    voxels: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Copy the voxels in, read-only."""
        array = np.asarray(self.voxels)
        if array.shape != self.grid.shape:
            raise GeometryError(f"mask has shape {array.shape}; its grid has {self.grid.shape} (z, y, x)")
        if array.dtype != np.bool_:
            raise MaskError(
                f"mask holds {array.dtype} values; expected booleans (compare a label map with a label)"
            )
        array = np.array(array, order="C", copy=True)
        array.setflags(write=False)
        object.__setattr__(self, "voxels", array)

    @classmethod
    def empty(cls, grid: Grid) -> Mask:
        """A mask with no voxel."""
        return cls(grid, np.zeros(grid.shape, dtype=np.bool_))

    @property
    def voxel_count(self) -> int:
        """Number of voxels."""
        return int(np.count_nonzero(self.voxels))

    @property
    def volume_ml(self) -> float:
        """Volume in millilitres, whole voxels counted."""
        return self.voxel_count * self.grid.voxel_ml

    @property
    def is_empty(self) -> bool:
        """Whether no voxel is set."""
        return not bool(self.voxels.any())

    def box(self, margin: int = 0) -> Box:
        """The smallest box around the structure; `MaskError` when it is empty."""
        found = bounding_box(self.voxels, margin)
        if found is None:
            raise MaskError(
                "the mask is empty, so it has no bounding box; give a mask with at least one voxel"
            )
        return found

    def __and__(self, other: Mask) -> Mask:
        self.grid.require_same(other.grid, "masks")
        return Mask(self.grid, self.voxels & other.voxels)

    def __or__(self, other: Mask) -> Mask:
        self.grid.require_same(other.grid, "masks")
        return Mask(self.grid, self.voxels | other.voxels)

    def __sub__(self, other: Mask) -> Mask:
        self.grid.require_same(other.grid, "masks")
        return Mask(self.grid, self.voxels & ~other.voxels)


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap:
    """Numbered structures that do not overlap: 0 is none, 1 and up are the structures."""

    grid: Grid
    labels: NDArray[np.uint16]

    def __post_init__(self) -> None:
        """Copy the labels in, read-only."""
        given = np.asarray(self.labels)
        if given.shape != self.grid.shape:
            raise GeometryError(
                f"label map has shape {given.shape}; its grid has {self.grid.shape} (z, y, x)"
            )
        if given.dtype.kind not in "iu":
            raise MaskError(f"label map holds {given.dtype} values; expected whole numbers")
        if given.size and (int(given.min()) < 0 or int(given.max()) > np.iinfo(np.uint16).max):
            raise MaskError("label map holds labels outside 0 to 65535")
        array = np.array(given, dtype=np.uint16, order="C", copy=True)
        array.setflags(write=False)
        object.__setattr__(self, "labels", array)

    @classmethod
    def empty(cls, grid: Grid) -> LabelMap:
        """A label map with no structure."""
        return cls(grid, np.zeros(grid.shape, dtype=np.uint16))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The labels in use, in ascending order, without 0."""
        counts = np.bincount(self.labels[self.labels > 0])  # most voxels carry no label
        return tuple(int(n) for n in np.flatnonzero(counts))

    def mask(self, label: int) -> Mask:
        """One structure as a mask."""
        return Mask(self.grid, self.labels == label)

    @property
    def union(self) -> Mask:
        """All structures as one mask."""
        return Mask(self.grid, self.labels > 0)
