"""A drawing: layers of shapes in the order in which they are painted, and the space that organs have taken.

Later layers paint over earlier ones, but only over the tissues they are given, so that an organ drawn with a
generous outline ends where its neighbour begins and touches it, as organs do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emboplan.synthetic.body.tissues import Tissue
from emboplan.synthetic.drawing.shapes import FAR_MM, Array, Block, Lattice, intersection

CODES = 256  # values of a byte
MARGIN_NODES = 1  # a cell on the surface needs its outer nodes too

Becomes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class FieldLayer:
    """A field on lattice nodes, cropped to its inside; `origin_mm` is ``(x, y, z)`` of its first node."""

    values: Array
    origin_mm: NDArray[np.float64]
    spacing_mm: float
    becomes: Becomes


@dataclass(frozen=True, slots=True, eq=False)
class TubeLayer:
    """Straight round-ended tubes, rows of ``x, y, z, radius`` of both ends."""

    tubes: NDArray[np.float64]
    becomes: Becomes


@dataclass(frozen=True, slots=True, eq=False)
class BlobLayer:
    """A perturbed ellipsoid in shells (see `kernels.implicit_shapes.paint_blob`)."""

    centre_mm: NDArray[np.float64]
    reach_mm: float
    to_ball: NDArray[np.float64]
    waves: NDArray[np.float64]
    shells: NDArray[np.float64]
    becomes: Becomes


Layer = FieldLayer | TubeLayer | BlobLayer


def becomes_table(new: int | Mapping[int, int], over: Iterable[int] | None = None) -> Becomes:
    """Which label each old one becomes: `new` over the tissues `over` (all when None), or a mapping."""
    table = np.arange(CODES, dtype=np.uint8)
    if isinstance(new, Mapping):
        for old, then in new.items():
            table[old] = then
    elif over is None:
        table[:] = new
    else:
        table[list(over)] = new
    return table


@dataclass(slots=True, eq=False)
class Drawing:
    """Layers on a lattice, and `taken`: the union of the organs placed so far."""

    lattice: Lattice
    layers: list[Layer] = field(default_factory=list)
    taken: Array = field(init=False)

    def __post_init__(self) -> None:
        """Start with nothing taken."""
        self.taken = np.full(self.lattice.shape, FAR_MM, np.float32)

    def free(self, block: Block, shape: Array, gap_mm: float = 0.0) -> Array:
        """The shape without what other organs have taken, plus a gap."""
        return intersection(shape, np.float32(gap_mm) - self.taken[block.box])

    def take(self, block: Block, shape: Array) -> None:
        """Mark a shape as taken."""
        np.minimum(self.taken[block.box], shape, out=self.taken[block.box])

    def paint(self, block: Block, shape: Array, becomes: Becomes) -> None:
        """Add a layer; a shape that is nowhere inside adds none."""
        inside = shape < 0
        if not inside.any():
            return
        crop = []
        for axis in range(3):
            others = tuple(a for a in range(3) if a != axis)
            index = np.flatnonzero(inside.any(axis=others))
            first = max(0, int(index[0]) - MARGIN_NODES)
            crop.append(slice(first, min(shape.shape[axis], int(index[-1]) + 1 + MARGIN_NODES)))
        h = self.lattice.spacing_mm
        first_node = [block.box[a].start + crop[a].start for a in range(3)]
        origin = np.array([self.lattice.origin_mm[a] + h * first_node[2 - a] for a in range(3)])
        values = np.ascontiguousarray(shape[crop[0], crop[1], crop[2]], dtype=np.float32)
        self.layers.append(FieldLayer(values, origin, h, becomes))

    def place(self, block: Block, shape: Array, tissue: Tissue, over: Iterable[int] | None = None) -> None:
        """Paint a shape and mark it as taken."""
        self.paint(block, shape, becomes_table(int(tissue), over))
        self.take(block, shape)

    def tubes(self, tubes: NDArray[np.float64], becomes: Becomes) -> None:
        """Add a layer of tubes."""
        if len(tubes):
            self.layers.append(TubeLayer(np.ascontiguousarray(tubes, dtype=np.float64), becomes))
