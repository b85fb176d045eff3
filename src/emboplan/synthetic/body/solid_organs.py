"""The solid organs beside the liver: kidneys and adrenals, spleen, pancreas; and the gallbladder."""

from __future__ import annotations

import numpy as np

from emboplan.synthetic.body.placing import GREY, WALL_GAP_MM, Belly
from emboplan.synthetic.body.tissues import Tissue
from emboplan.synthetic.drawing.layers import becomes_table
from emboplan.synthetic.drawing.shapes import ellipsoid, tube, turned, union, without

GALLBLADDER_PATH = ((-40.0, -22.0, -90.0, 5.0), (-42.0, -40.0, -104.0, 10.0), (-44.0, -58.0, -122.0, 14.5))
PANCREAS_PATH = (
    (-26.0, -6.0, -140.0, 11.0), (-22.0, -12.0, -120.0, 14.0), (-4.0, -20.0, -108.0, 10.0),
    (18.0, -22.0, -102.0, 9.5), (44.0, -4.0, -94.0, 10.5), (68.0, 20.0, -84.0, 9.5),
    (86.0, 34.0, -74.0, 7.0),
)  # fmt: skip
ADRENALS = (  # stem and two limbs of each, x, y, z, radius
    (((-30.0, 28.0, -84.0, 2.6), (-33.0, 40.0, -98.0, 2.2)),
     ((-30.0, 28.0, -84.0, 2.6), (-38.0, 36.0, -98.0, 2.0))),
    (((31.0, 24.0, -82.0, 2.8), (26.0, 36.0, -100.0, 2.3)),
     ((31.0, 24.0, -82.0, 2.8), (40.0, 38.0, -100.0, 2.3))),
)  # fmt: skip
KIDNEYS = ((-1.0, (-66.0, 50.0, -140.0)), (1.0, (66.0, 50.0, -124.0)))


def draw_kidneys(belly: Belly) -> tuple[float, float, float]:
    """Paint both kidneys with cortex, pyramids, pelvis and sinus; returns the bed of the right one."""
    drawing, rng = belly.drawing, belly.rng
    bed = (0.0, 0.0, 0.0)
    for side, place in KIDNEYS:
        centre = np.array(place) + belly.shift()
        if side < 0:
            bed = (float(centre[0]) + 4, float(centre[1]) + 22, float(centre[2]))
        semi = np.array([26.0, 24.0, 54.0]) * rng.uniform(0.93, 1.07)
        turn = turned(rng.uniform(-14, -8), side * rng.uniform(8, 14), side * rng.uniform(-30, -15))
        block = drawing.lattice.around(centre - 60, centre + 60, 0)
        shape = belly.held(block, ellipsoid(block, centre, semi, turn), 3.0, 6.0)
        toward = np.array([-side * 20.0, -8.0, 0.0])
        shape = without(shape, ellipsoid(block, centre + toward, (15, 10, 24), turn), 4.0)
        drawing.place(block, shape, Tissue.KIDNEY_CORTEX, over=(Tissue.FAT, Tissue.MUSCLE))
        rows = np.cos(block.z * np.float32(0.42)) * 2 + np.cos(block.y * np.float32(0.5)) * 1.5
        inner = shape + np.float32(7.5) + rows.astype(np.float32)
        drawing.paint(block, inner, becomes_table({Tissue.KIDNEY_CORTEX: Tissue.KIDNEY_MEDULLA}))
        pelvis = ellipsoid(block, centre + toward * np.array([0.8, 0.8, 1.0]), (9.0, 4.5, 12.0), turn)
        drawing.paint(block, pelvis, becomes_table(int(Tissue.RENAL_PELVIS), over=GREY))
        drawing.take(block, shape - np.float32(3.0))  # the fat around it
    return bed


def draw_adrenals(belly: Belly) -> None:
    """Paint a thin inverted V above each kidney."""
    for limbs in ADRENALS:
        shift = belly.shift() / 2
        paths = [[(x + shift[0], y + shift[1], z + shift[2], r) for x, y, z, r in limb] for limb in limbs]
        block = belly.around([point for path in paths for point in path])
        shape = union(*(tube(block, path, flat=(1, 1, 2)) for path in paths))
        belly.drawing.place(block, belly.drawing.free(block, shape, 1.0), Tissue.ADRENAL, over=GREY)


def draw_gallbladder(belly: Belly) -> None:
    """Paint a pear under the liver, before the liver, whose fossa it makes."""
    path = belly.moved(GALLBLADDER_PATH, belly.rng.uniform(0.75, 1.15))
    block = belly.around(path)
    shape = belly.held(block, tube(block, path), 3.0, 5.0)
    belly.drawing.place(block, shape, Tissue.GALLBLADDER, over=GREY)


def draw_spleen(belly: Belly, scale: float) -> None:
    """Paint the spleen under the left dome, hollowed by the stomach; a large one grows down and forward."""
    rng = belly.rng
    centre = np.array([99.0, 36.0, -50.0]) + belly.shift()
    centre += np.array([-6.0, -22.0, -52.0]) * max(scale - 1.1, 0.0)
    semi = np.array([31.0, 54.0, 58.0]) * scale
    reach = 1.4 * float(semi.max())
    block = belly.drawing.lattice.around(centre - reach, centre + reach, 0)
    shape = ellipsoid(
        block, centre, semi, turned(rng.uniform(15, 25), rng.uniform(-12, 0), rng.uniform(-34, -20))
    )
    hollow = ellipsoid(block, (52.0, 16.0, -60.0), (30.0, 44.0, 60.0))
    lobed = np.float32(1.8) * np.sin(block.z * np.float32(0.11) + np.float32(rng.uniform(0, 6)))
    shape = shape + (lobed * np.sin(block.y * np.float32(0.09))).astype(np.float32)
    shape = belly.held(block, without(shape, hollow, 6), 6.0, WALL_GAP_MM + belly.fluid_mm / 2)
    belly.drawing.place(block, belly.drawing.free(block, shape, 1.0), Tissue.SPLEEN, over=GREY)


def draw_pancreas(belly: Belly) -> None:
    """Paint a lobulated band before the great vessels."""
    path = belly.moved(PANCREAS_PATH, belly.rng.uniform(0.75, 1.05))
    block = belly.around(path)
    lobules = (
        np.sin(block.x * np.float32(0.75))
        * np.sin(block.y * np.float32(0.7))
        * np.sin(block.z * np.float32(0.8))
    )
    shape = tube(block, path) + np.float32(2.0) * lobules.astype(np.float32)
    belly.drawing.place(block, belly.drawing.free(block, shape, 1.0), Tissue.PANCREAS, over=GREY)
