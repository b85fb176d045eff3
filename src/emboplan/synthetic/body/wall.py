"""The wall of the trunk in detail: back muscles in their fat, straight muscles in front, psoas and crura.

They are laid over the plain ring of muscle that `torso` draws: fat first where the ring is thick, then each
muscle. Atlas millimetres, as in `torso`.
"""

from __future__ import annotations

import numpy as np

from emboplan.synthetic.body.tissues import Tissue
from emboplan.synthetic.drawing.frame import spine_y
from emboplan.synthetic.drawing.layers import Drawing, becomes_table
from emboplan.synthetic.drawing.shapes import (
    Array,
    Block,
    Path,
    ellipsoid,
    intersection,
    profile,
    smooth_intersection,
    tube,
)

INNER_LAYER_MM = 8.0  # muscle between the ribs and inside them
OUTER_LAYER_MM = 6.5  # the broad muscle of the back
THICK_MM = 13.0  # where the wall is no thicker than this it stays muscle
# z, half width, half depth, distance from the middle, behind the middle of the vertebral bodies
ERECTOR = ((-240, 29, 22, 33, 40), (-150, 29, 22, 33, 38), (-60, 26, 18, 29, 37), (40, 22, 14, 25, 36),
           (140, 17, 11, 20, 34), (230, 15, 10, 18, 30))  # fmt: skip
QUADRATUS = ((56.0, 32.0, -105.0, 5.0), (61.0, 28.0, -150.0, 10.0), (66.0, 26.0, -240.0, 12.0))
RECTUS_X_MM, RECTUS_WIDE_MM, RECTUS_DEEP_MM = 40.0, 31.0, 6.5
RECTUS_TOP_MM = -48.0
GAP_MM = 4.0

TABLE_HALF_MM = np.float32(190.0)
TABLE_SAG_MM = np.float32(28.0)
TABLE_GAP_MM = 4.0
TABLE_DEEP_MM = 42.0
TABLE_SHELL_MM = 2.5


def draw_wall(drawing: Drawing, cavity: Array, muscle: Array) -> None:
    """Paint the muscles of back and front; `cavity` and `muscle` are the ring's inner and outer surface."""
    block = drawing.lattice.whole
    thick = (cavity - muscle).astype(np.float32)  # of the ring, about
    loose = intersection(
        muscle + np.float32(OUTER_LAYER_MM),
        np.float32(INNER_LAYER_MM) - cavity,
        np.float32(THICK_MM) - thick,
        np.float32(20.0) - block.y,
    )
    drawing.paint(block, loose, becomes_table(int(Tissue.FAT), over=(Tissue.MUSCLE,)))
    over = becomes_table(int(Tissue.MUSCLE), over=(Tissue.FAT,))
    half_x, half_y, apart, behind = (
        v.astype(np.float32)[:, None, None] for v in profile(ERECTOR, block.z[:, 0, 0])
    )
    middle = (spine_y(block.z[:, 0, 0].astype(np.float64)) + behind[:, 0, 0]).astype(np.float32)[
        :, None, None
    ]
    for side in (-1.0, 1.0):
        x, y = (block.x - np.float32(side) * apart) / half_x, (block.y - middle) / half_y
        erector = (np.hypot(x, y) - 1) * half_y
        inside = smooth_intersection(erector.astype(np.float32), muscle + np.float32(1.0), 3.0)
        drawing.paint(block, inside, over)
        path = [(side * x, float(spine_y(z)) + dy, z, r) for x, dy, z, r in QUADRATUS]
        drawing.paint(block, intersection(tube(block, path, flat=(1.5, 1, 1)), np.float32(-1) - cavity), over)
    groove = ellipsoid(block, (0.0, 121.0, -40.0), (9.0, 13.0, 400.0))
    drawing.paint(
        block,
        intersection(groove, muscle - np.float32(1)),
        becomes_table(int(Tissue.FAT), over=(Tissue.MUSCLE,)),
    )
    _front(drawing, block, muscle)


def _front(drawing: Drawing, block: Block, muscle: Array) -> None:
    """The straight muscles beside the middle line, which is free of muscle."""
    across = (np.abs(block.x) - np.float32(RECTUS_X_MM)) / np.float32(RECTUS_WIDE_MM)
    bulge = np.float32(RECTUS_DEEP_MM) * np.sqrt(np.maximum(1 - across**2, 0))
    rectus = intersection(
        (np.abs(muscle) - bulge).astype(np.float32),
        block.y + np.float32(30),
        block.z - np.float32(RECTUS_TOP_MM),
    )
    beside = np.abs(block.x) - np.float32(RECTUS_X_MM + RECTUS_WIDE_MM)
    gap = intersection(  # between the straight and the flat muscles
        -beside, beside - np.float32(GAP_MM), block.y + np.float32(60), block.z - np.float32(RECTUS_TOP_MM)
    )  # fmt: skip
    drawing.paint(block, gap, becomes_table(int(Tissue.FAT), over=(Tissue.MUSCLE,)))
    drawing.paint(block, rectus, becomes_table(int(Tissue.MUSCLE), over=(Tissue.FAT,)))


def draw_psoas(drawing: Drawing) -> None:
    """Psoas and crura: soft tissue beside and before the spine, below the diaphragm."""
    lattice = drawing.lattice
    for side in (-1.0, 1.0):
        psoas: Path = [(side * x, float(spine_y(z)) + dy, z, r) for x, dy, z, r in (
            (24, 2, -118, 5), (29, 2, -140, 10), (36, 0, -180, 15), (42, -4, -240, 18))]  # fmt: skip
        block = lattice.around((side * 30 - 40, 0, -260), (side * 30 + 40, 90, -100), 0)
        drawing.place(block, tube(block, psoas), Tissue.MUSCLE, over=(Tissue.FAT,))
        crus: Path = [
            (side * 15, float(spine_y(z)) - dy, z, r)
            for dy, z, r in ((20, -150, 3.5), (23, -90, 4.5), (30, -45, 3))
        ]
        block = lattice.around((-30, 0, -170), (30, 60, -30), 0)
        drawing.place(block, tube(block, crus), Tissue.MUSCLE, over=(Tissue.FAT,))


def draw_table(drawing: Drawing, body: Array) -> None:
    """The scanner's table under the back: a thin shell around foam, straight in the patient's frame."""
    lattice = drawing.lattice
    nz, ny, nx = lattice.shape
    h = lattice.spacing_mm
    y = (lattice.origin_mm[1] + h * np.arange(ny, dtype=np.float32))[None, :, None]
    x = (lattice.origin_mm[0] + h * np.arange(nx, dtype=np.float32))[None, None, :]
    rows = np.flatnonzero((body < 0).any(axis=(0, 2)))
    back = np.float32(lattice.origin_mm[1] + h * (rows[-1] + 1))
    sag = TABLE_SAG_MM * (x / TABLE_HALF_MM) ** 2
    top = back + np.float32(TABLE_GAP_MM) - sag - y
    shape = np.maximum(
        np.maximum(top, y - back - np.float32(TABLE_DEEP_MM) + sag * 0.4), np.abs(x) - TABLE_HALF_MM
    )
    whole = np.broadcast_to(shape, (nz, ny, nx)).astype(np.float32)
    block = lattice.whole
    air = (Tissue.AIR,)
    drawing.paint(block, whole, becomes_table(int(Tissue.TABLE), over=air))
    drawing.paint(block, whole + np.float32(TABLE_SHELL_MM), becomes_table({Tissue.TABLE: Tissue.AIR}))
