"""The torso: skin, fat and muscle, the diaphragm, the lungs and the heart.

Drawn on the frame of `frame`, in its atlas millimetres. What varies from one patient to the next comes from
the definition's habitus and from small random shifts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emboplan.synthetic.body.skeleton import draw_skeleton
from emboplan.synthetic.body.tissues import Tissue
from emboplan.synthetic.body.wall import draw_psoas, draw_table, draw_wall
from emboplan.synthetic.drawing.frame import CAVITY, MUSCLES, SPINE_Y, SQUARENESS
from emboplan.synthetic.drawing.layers import Drawing, becomes_table
from emboplan.synthetic.drawing.shapes import (
    Array,
    Block,
    Path,
    ellipsoid,
    intersection,
    profile,
    smooth_intersection,
    smooth_union,
    tube,
    turned,
    union,
    without,
)
from emboplan.synthetic.setting.definition import Habitus

CROWN_MM = -22.0  # the middle of the diaphragm
DOMES = ((-64.0, 2.0, 50.0, 66.0, 22.0), (70.0, 6.0, 42.0, 60.0, 11.0))  # x, y, widths, height
EDGE_DROP_MM = (70.0, 27.0, 10.0)  # how far it falls at the wall: mean, more behind, more at the sides
EDGE_POWER = 5.0  # flat dome, steep edge
DIAPHRAGM_MM = 3.0
NODES_AROUND = 3  # of the lattice, beyond a tube: its surface needs one, and bends move nodes
FAT_PLANE_MM = 1.6
FLANK_WALL_MM = 22.0  # where the wall is thicker it is the back, whose fat lies otherwise
MEDIASTINUM = ((-110, 20), (20, 14), (70, 20), (110, 28), (170, 34), (230, 36))  # z, half width


@dataclass(frozen=True, slots=True, eq=False)
class Torso:
    """What the organs need of the torso, on the whole lattice: fields negative inside."""

    cavity: Array
    below_diaphragm: Array
    body: Array


def _outline(block: Block, knots: tuple[tuple[float, ...], ...], grow: float = 1.0) -> Array:
    """Radial distance to a superelliptic tube whose section follows `knots` along z."""
    table = np.linspace(block.z.min(), block.z.max(), 400)
    half_x, half_y, middle = (np.interp(block.z, table, v).astype(np.float32) for v in profile(knots, table))
    x, y = block.x / (half_x * np.float32(grow)), (block.y - middle) / (half_y * np.float32(grow))
    norm = (np.abs(x) ** SQUARENESS + np.abs(y) ** SQUARENESS) ** np.float32(1 / SQUARENESS)
    radius = np.hypot(block.x, block.y - middle)
    out: Array = np.where(norm > 1e-3, radius * (1 - 1 / np.maximum(norm, 1e-3)), -half_y).astype(np.float32)
    return out


def _diaphragm(block: Block, rng: np.random.Generator) -> Array:
    """Distance below the diaphragm (negative below)."""
    x, y = block.x, block.y
    height = np.full(x.shape, CROWN_MM, np.float32)
    for cx, cy, wx, wy, rise in DOMES:
        lift = rise * rng.uniform(0.8, 1.2)
        height += np.float32(lift) * np.exp(-0.5 * (((x - cx) / wx) ** 2 + ((y - cy) / wy) ** 2))
    half_x, half_y = CAVITY[3][1], CAVITY[3][2]
    sx, sy = x / np.float32(half_x), y / np.float32(half_y)
    rho = (np.abs(sx) ** SQUARENESS + np.abs(sy) ** SQUARENESS) ** np.float32(1 / SQUARENESS)
    mean, behind, sides = EDGE_DROP_MM
    drop = mean + behind * np.clip(sy, -1, 1) + sides * np.abs(np.clip(sx, -1, 1))
    height -= drop * np.minimum(rho, np.float32(1.1)) ** EDGE_POWER
    steep = EDGE_POWER * drop / half_y * np.minimum(rho, 1) ** (EDGE_POWER - 1)
    out: Array = ((block.z - height) / np.sqrt(1 + steep**2)).astype(np.float32)
    return out


def draw_torso(drawing: Drawing, habitus: Habitus, rng: np.random.Generator) -> Torso:
    """Paint the torso and what the chest holds; the belly is left as fat for the organs."""
    block = drawing.lattice.whole
    cavity = _outline(block, CAVITY)
    bulge = ellipsoid(block, (0.0, 92.0, 0.0), (44.0, 36.0, 2000.0))
    cavity = without(cavity, bulge, 12.0)
    muscle = _outline(block, MUSCLES)
    front = habitus.fat_front_mm.draw(rng)
    side = habitus.fat_side_mm.draw(rng)
    back = habitus.fat_back_mm.draw(rng)
    angle = np.arctan2(block.y - 7, np.abs(block.x) + np.float32(1e-3))
    toward = np.sin(angle)
    thick = side + np.where(toward < 0, front - side, back - side) * toward**2
    thin = profile(((-230, 1.1), (-120, 1.0), (0, 0.8), (80, 0.6), (230, 0.6)), block.z[:, 0, 0])[0]
    thick *= thin.astype(np.float32)[:, None, None]
    body = (muscle - thick).astype(np.float32)
    skin = np.float32(habitus.skin_mm.draw(rng))
    drawing.paint(block, body, becomes_table(int(Tissue.SKIN)))
    drawing.paint(block, body + skin, becomes_table(int(Tissue.FAT)))
    drawing.paint(block, muscle, becomes_table(int(Tissue.MUSCLE)))
    # a plane of fat between the layers of the wall: a thin shell is the difference of two smooth shapes
    wall = (cavity - muscle).astype(np.float32)
    layer = muscle + np.float32(0.45) * wall
    flank = intersection(layer, wall - np.float32(FLANK_WALL_MM))
    drawing.paint(block, flank, becomes_table(int(Tissue.FAT)))
    drawing.paint(block, layer + np.float32(FAT_PLANE_MM), becomes_table(int(Tissue.MUSCLE)))
    draw_wall(drawing, cavity, muscle)
    drawing.paint(block, cavity, becomes_table(int(Tissue.FAT)))
    below = _diaphragm(block, rng)
    half = np.float32(DIAPHRAGM_MM / 2)
    drawing.paint(block, intersection(below - half, cavity), becomes_table(int(Tissue.MUSCLE)))
    drawing.paint(block, intersection(below + half, cavity), becomes_table(int(Tissue.FAT)))
    draw_psoas(drawing)
    heart, aorta = _heart_shape(block, below, rng), tube(block, AORTA_PATH)
    room = smooth_intersection(cavity + np.float32(2.5), np.float32(DIAPHRAGM_MM / 2) - below, 5)
    drawing.place(block, without(room, _mediastinum(block, heart, aorta), 5), Tissue.LUNG)
    _heart(drawing, block, heart)
    drawing.place(block, aorta, Tissue.AORTA)
    _pipes(drawing)
    draw_skeleton(drawing, rng)
    draw_table(drawing, body)
    return Torso(cavity, below, body)


def _heart_shape(block: Block, below: Array, rng: np.random.Generator) -> Array:
    turn = turned(rng.uniform(-8, 8), 20 + rng.uniform(-6, 6), 38 + rng.uniform(-8, 8))
    whole = ellipsoid(block, (20 + rng.uniform(-4, 4), -26, 26), (62, 46, 48), turn)
    base = ellipsoid(block, (-4, -4, 48), (40, 34, 34))
    return smooth_intersection(smooth_union(whole, base, 14), np.float32(DIAPHRAGM_MM) - below, 10)


def _mediastinum(block: Block, heart: Array, aorta: Array) -> Array:
    """What the lungs leave free between them."""
    half = profile(MEDIASTINUM, block.z[:, 0, 0])[0].astype(np.float32)[:, None, None]
    narrow = np.where(block.y < -20, np.clip(1 + (block.y + 20) / 90, 0.35, 1), 1).astype(np.float32)
    middle = np.abs(block.x) - half * narrow
    spine = (
        np.hypot(block.x, block.y - profile(SPINE_Y, block.z[:, 0, 0])[0].astype(np.float32)[:, None, None])
        - 27
    )
    return union(smooth_union(middle, heart - np.float32(5), 6), spine, aorta - np.float32(2))


AORTA_PATH = (
    (2.0, -22.0, 62.0, 14.0), (-6.0, -20.0, 90.0, 14.0), (2.0, -8.0, 112.0, 13.0), (18.0, 16.0, 114.0, 12.5),
    (24.0, 34.0, 95.0, 12.0), (23.0, 33.0, 50.0, 11.5), (19.0, 30.0, 0.0, 11.0), (13.0, 27.0, -50.0, 10.5),
    (8.0, 18.0, -110.0, 9.5), (6.0, 11.0, -180.0, 9.0), (5.0, 8.0, -250.0, 8.5),
)  # fmt: skip


def _heart(drawing: Drawing, block: Block, heart: Array) -> None:
    drawing.place(block, heart, Tissue.MYOCARDIUM)
    left = ellipsoid(block, (38, -16, 22), (38, 18, 20), turned(0, 20, 38))
    right = ellipsoid(block, (6, -46, 20), (36, 17, 26), turned(0, 20, 30))
    atria = union(ellipsoid(block, (-30, -18, 36), (20, 24, 28)), ellipsoid(block, (6, 12, 46), (28, 16, 20)))
    chambers = intersection(union(left, right, atria), heart + np.float32(3.5))
    drawing.paint(block, chambers, becomes_table(int(Tissue.HEART_BLOOD)))


def _pipes(drawing: Drawing) -> None:
    """Great vessels beside the aorta, windpipe and gullet."""
    cava: Path = [(-24, -12, 40, 9), (-28, -10, 80, 9), (-28, -6, 130, 9), (-26, 0, 190, 7)]
    lung_artery: Path = [(12, -34, 58, 13), (12, -22, 82, 12), (-8, -4, 84, 10), (-34, 4, 76, 8)]
    lung_artery_left: Path = [(12, -22, 82, 12), (28, 4, 84, 10), (42, 10, 78, 8)]
    block, blood = _tubes(drawing, cava, lung_artery, lung_artery_left)
    drawing.paint(
        block,
        blood,
        becomes_table(int(Tissue.HEART_BLOOD), over=(Tissue.FAT, Tissue.LUNG, Tissue.MYOCARDIUM)),
    )
    block, air = _tubes(
        drawing,
        [(0, 10, 220, 8.5), (0, 14, 84, 8.5)],
        [(0, 14, 84, 7), (-36, 14, 58, 5)],
        [(0, 14, 84, 7), (40, 16, 56, 5)],
    )
    drawing.paint(
        block, air - np.float32(1.8), becomes_table(int(Tissue.OESOPHAGUS), over=(Tissue.FAT, Tissue.LUNG))
    )
    drawing.paint(block, air, becomes_table(int(Tissue.AIRWAY)))
    whole = drawing.lattice.whole  # organs of the belly keep away from it
    gullet = tube(whole, [(4, 30, 220, 6), (4, 32, 80, 6.5), (8, 16, 10, 7), (16, 6, -22, 7.5)])
    drawing.paint(
        whole, gullet, becomes_table(int(Tissue.OESOPHAGUS), over=(Tissue.FAT, Tissue.LUNG, Tissue.MUSCLE))
    )
    drawing.take(whole, gullet)


def _tubes(drawing: Drawing, *paths: Path) -> tuple[Block, Array]:
    """Tubes that are only painted, on the nodes around them."""
    points = np.concatenate([np.asarray(path, dtype=np.float64) for path in paths])
    margin = float(points[:, 3].max()) + NODES_AROUND * drawing.lattice.spacing_mm
    block = drawing.lattice.around(points[:, :3].min(axis=0), points[:, :3].max(axis=0), margin)
    return block, union(*(tube(block, path) for path in paths))
