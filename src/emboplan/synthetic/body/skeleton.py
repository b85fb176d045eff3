"""The skeleton: vertebrae with discs and canal, ribs and their cartilage, shoulder blades, sternum.

Bones are a dense shell around marrow. Ribs run along the chest wall of `frame`, down and forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from emboplan.synthetic.body.tissues import Tissue
from emboplan.synthetic.drawing.frame import CAVITY, SQUARENESS, spine_y
from emboplan.synthetic.drawing.layers import Drawing, becomes_table
from emboplan.synthetic.drawing.shapes import FAR_MM, profile, smooth_intersection, tube, union

VERTEBRAE_Z = (*(165.0 - 23.5 * n for n in range(12)), -121.0, -152.0, -184.0, -217.0)  # T1 to L4
RIB_END_DEG = (128, 132, 134, 136, 138, 138, 136, 130, 122, 114, 88, 62)  # where bone ends, from the back
RIB_DROP_MM = (26, 40, 52, 62, 70, 74, 76, 76, 74, 70, 52, 34)
RIB_RADIUS_MM = 4.6
RIB_SHIFT_MM = 2.0
PROCESS_RADIUS_MM = 3.6  # of the vertebral processes
SHELL_MM = 1.6  # dense bone around marrow
DISC_MM = 4.4


Tubes = list[tuple[float, ...]]


def draw_skeleton(drawing: Drawing, rng: np.random.Generator) -> None:
    """Paint spine, ribs with their cartilage, shoulder blades and sternum."""
    bone, marrow = _spine(drawing)
    gristle: Tubes = []
    for side in (-1.0, 1.0):
        bone += _scapula(side)
        for n in range(len(RIB_END_DEG)):
            bony, soft = _rib(n, side, rng.uniform(-RIB_SHIFT_MM, RIB_SHIFT_MM))
            bone += _rods(bony, RIB_RADIUS_MM)
            marrow += _rods(bony, RIB_RADIUS_MM - SHELL_MM)
            gristle += _rods(soft, RIB_RADIUS_MM)
    over = (Tissue.FAT, Tissue.MUSCLE, Tissue.CARTILAGE)
    drawing.tubes(_bent(drawing, gristle), becomes_table(int(Tissue.CARTILAGE), over=over[:2]))
    drawing.tubes(_bent(drawing, bone), becomes_table(int(Tissue.BONE), over=over))
    drawing.tubes(_bent(drawing, marrow), becomes_table({Tissue.BONE: Tissue.MARROW}))
    _sternum(drawing)


def _spine(drawing: Drawing) -> tuple[Tubes, Tubes]:
    """Paint the vertebral bodies, discs and the canal; returns the processes' rods: bone and marrow."""
    column = drawing.lattice.around((-70, 0, -260), (70, 120, 250), 0)
    heights = np.linspace(-260.0, 250.0, 200)
    y = column.y - np.interp(column.z, heights, spine_y(heights)).astype(np.float32)
    size = np.interp(column.z, [-220, -100, 60, 180], [25, 20, 16.5, 14]).astype(np.float32)
    waist = np.zeros_like(y)  # a vertebra is slimmer in its middle
    near = np.full(y.shape, FAR_MM, np.float32)  # above and below the vertebrae
    levels = np.array(VERTEBRAE_Z)
    for z, height in zip(levels, np.abs(np.gradient(levels)), strict=True):
        dz = np.abs(column.z - np.float32(z)) - np.float32(height / 2 - DISC_MM / 2)
        closer = dz < near
        waist = np.where(closer, np.clip(-dz / 4, 0, 2), waist)
        near = np.where(closer, dz, near)
    round_body = (np.hypot(column.x / 1.18, y) - size + waist).astype(np.float32)
    flat_back = (y - size * np.float32(0.72)).astype(np.float32)
    body = smooth_intersection(round_body, flat_back, 4)
    drawing.place(column, body, Tissue.CARTILAGE)
    vertebra = smooth_intersection(body, near, 2)
    canal_y = y - size - np.float32(4)
    canal = np.hypot(column.x / 1.15, canal_y) - np.float32(9)
    ring = np.maximum(np.abs(canal) - 4, np.where(near > -3, near + 3, -1)).astype(np.float32)
    drawing.place(column, union(vertebra, ring), Tissue.BONE)
    drawing.paint(column, vertebra + np.float32(SHELL_MM), becomes_table(int(Tissue.MARROW)))
    cord = (np.hypot(column.x, canal_y) - np.float32(7.5)).astype(np.float32)
    drawing.paint(column, cord, becomes_table(int(Tissue.CORD)))
    bone: Tubes = []
    marrow: Tubes = []
    for z in VERTEBRAE_Z:
        y0 = float(spine_y(z)) + float(np.interp(z, [-220, 180], [25, 14]))
        processes = [((0, y0 + 15, z - 4), (0, y0 + 34, z - 14))]
        processes += [((s * 9, y0 + 4, z), (s * 27, y0 + 9, z + 1)) for s in (-1, 1)]
        for ends in processes:
            bone += _rods(ends, PROCESS_RADIUS_MM)
            marrow += _rods(ends, PROCESS_RADIUS_MM - SHELL_MM)
    return bone, marrow


def _sternum(drawing: Drawing) -> None:
    plate = drawing.lattice.around((-30, -130, 10), (30, -40, 150), 0)
    path = []
    for z in (140.0, 110.0, 70.0, 25.0):
        _, half_y, middle = _half_axes(z)
        path.append((0.0, middle - half_y - 4.0, z, 6.0))
    shape = tube(plate, path, flat=(2.6, 1, 1))
    drawing.paint(plate, shape, becomes_table(int(Tissue.BONE)))
    drawing.paint(plate, shape + np.float32(SHELL_MM), becomes_table(int(Tissue.MARROW)))


def _rods(points: Sequence[tuple[float, float, float]], radius_mm: float) -> Tubes:
    """Tubes of one radius from point to point."""
    return [(*p, radius_mm, *q, radius_mm) for p, q in pairwise(points)]


def _half_axes(z: float) -> tuple[float, float, float]:
    half_x, half_y, middle = profile(CAVITY, z)
    return (float(half_x), float(half_y), float(middle))


def _on_wall(z: float, angle_deg: float, outside_mm: float) -> tuple[float, float]:
    """The x and y of a point on the chest wall at an angle from the middle of the back, towards the left."""
    half_x, half_y, middle = _half_axes(z)
    s, c = np.sin(np.radians(angle_deg)), np.cos(np.radians(angle_deg))
    unit = (abs(s / half_x) ** SQUARENESS + abs(c / half_y) ** SQUARENESS) ** (-1 / SQUARENESS)
    return (float((unit + outside_mm) * s), float(middle + (unit + outside_mm) * c))


def _rib(
    n: int, side: float, shift: float
) -> tuple[list[tuple[float, float, float]], list[tuple[float, float, float]]]:
    """Points along rib `n` (0 is the first): its bone, and its cartilage towards the sternum."""
    z0, end, drop = VERTEBRAE_Z[n] + 6 + shift, RIB_END_DEG[n], RIB_DROP_MM[n]
    bony: list[tuple[float, float, float]] = []
    for angle in np.arange(24.0, end + 1e-6, 4.0):
        part = (angle - 24) / (150 - 24)
        z = z0 - drop * np.sin(min(part, 1.0) * np.pi / 2) ** 1.3
        x, y = _on_wall(z, float(angle), 4.5)
        bony.append((side * x, y, float(z)))
    bony.insert(0, (side * 24, float(spine_y(z0)) + 20, z0))
    soft: list[tuple[float, float, float]] = []
    if n < 10:
        target = max(125.0 - 16 * n, 26.0) if n < 7 else 8.0 - 4 * (n - 7)
        z1 = bony[-1][2]
        for angle in np.arange(end, 171.0 if n < 7 else 160.0, 4.0):
            part = (angle - end) / (171 - end)
            z = z1 + (target - z1) * part**1.4
            x, y = _on_wall(float(z), float(angle), 4.5)
            soft.append((side * x, y, float(z)))
    return bony, soft


def _scapula(side: float) -> Tubes:
    """The shoulder blade as a fan of thin rods behind the ribs."""
    rods: Tubes = []
    for z in np.arange(62.0, 150.0, 3.0):
        wide = 28 + 22 * (z - 62) / 88
        p, q = _on_wall(float(z), 36.0, 18.0), _on_wall(float(z), 36.0 + wide * 0.75, 15.0)
        rods.append((side * p[0], p[1], float(z), 2.6, side * q[0], q[1], float(z) + 4, 3.2))
    return rods


def _bent(drawing: Drawing, tubes: Tubes) -> NDArray[np.float64]:
    """Tubes drawn in the atlas, moved to the patient."""
    table = np.array(tubes, dtype=np.float64).reshape(-1, 8)
    for first in (0, 4):
        table[:, first : first + 3] = drawing.lattice.warp.to_patient(table[:, first : first + 3])
    return table
