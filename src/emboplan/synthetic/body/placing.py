"""How organs of the belly are placed: moved a little, held inside the wall, against what lies there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.synthetic.body.tissues import Tissue
from emboplan.synthetic.body.torso import Torso
from emboplan.synthetic.drawing.layers import Drawing, becomes_table
from emboplan.synthetic.drawing.shapes import Array, Block, Path, curve, intersection, smooth_intersection

SHIFT_MM = 4.0  # an organ's place varies by about this, each way
WALL_GAP_MM = 2.0  # peritoneum and a film of fat between an organ and the wall or the diaphragm
STEP_MM = 6.0  # between the points of a path that is drawn smoothly
GREY = (Tissue.FAT,)


@dataclass(slots=True, eq=False)
class Belly:
    """What all organs of the belly are drawn with; `fluid_mm` is the depth of ascites around them."""

    drawing: Drawing
    torso: Torso
    rng: np.random.Generator
    fluid_mm: float = 0.0

    def held(self, block: Block, shape: Array, round_mm: float = 4.0, gap_mm: float = WALL_GAP_MM) -> Array:
        """A shape held inside the wall and under the diaphragm."""
        room = smooth_intersection(
            self.torso.cavity[block.box] + np.float32(gap_mm),
            self.torso.below_diaphragm[block.box] + np.float32(gap_mm),
            3.0,
        )
        return smooth_intersection(shape, room, round_mm)

    def shift(self) -> NDArray[np.float64]:
        """By how much an organ is displaced."""
        return self.rng.uniform(-SHIFT_MM, SHIFT_MM, 3)

    def moved(self, path: Path, grow: float = 1.0, jitter_mm: float = SHIFT_MM / 2) -> list[list[float]]:
        """A path shifted as a whole and a little at each point, and drawn smoothly."""
        shift = self.shift()
        points = []
        for x, y, z, r in path:
            jitter = self.rng.uniform(-jitter_mm, jitter_mm, 3)
            points.append(
                [x + shift[0] + jitter[0], y + shift[1] + jitter[1], z + shift[2] + jitter[2], r * grow]
            )
        return curve(points, STEP_MM)

    def around(self, path: Path, margin_mm: float = 8.0) -> Block:
        """The block of nodes around a path."""
        points = np.asarray(path)
        reach = points[:, 3].max() + margin_mm
        return self.drawing.lattice.around(points[:, :3].min(axis=0), points[:, :3].max(axis=0), float(reach))

    def hollow(self, block: Block, shape: Array, gas: Array, wall_mm: float | Array, wall: Tissue) -> None:
        """Paint a hollow organ: its wall, its content, and gas where the field `gas` is negative."""
        content = Tissue.STOMACH_CONTENT if wall is Tissue.STOMACH_WALL else Tissue.BOWEL_CONTENT
        self.drawing.place(block, shape, wall, over=GREY)
        lumen = (shape + wall_mm).astype(np.float32)
        self.drawing.paint(block, lumen, becomes_table({wall: content}))
        self.drawing.paint(block, intersection(lumen, gas), becomes_table({content: Tissue.GAS}))


def overlap(a: Block, b: Block) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Index of the nodes that two blocks share, in each."""
    in_a, in_b = [], []
    for s, t in zip(a.box, b.box, strict=True):
        first, last = max(s.start, t.start), max(s.start, t.start, min(s.stop, t.stop))
        in_a.append(slice(first - s.start, last - s.start))
        in_b.append(slice(first - t.start, last - t.start))
    return tuple(in_a), tuple(in_b)
