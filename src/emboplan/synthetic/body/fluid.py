"""Ascites: fluid between the organs of the belly and its wall, deepest in the flanks and behind."""

from __future__ import annotations

import numpy as np

from emboplan.synthetic.body.placing import GREY, WALL_GAP_MM, Belly
from emboplan.synthetic.body.tissues import Tissue
from emboplan.synthetic.drawing.layers import becomes_table
from emboplan.synthetic.drawing.shapes import half_space, intersection, smooth_intersection, union

FLANK_X_MM = 84.0  # beyond it lie the gutters beside the colon
GUTTER_MM = 34.0  # so deep at most
BACK_Y_MM = 38.0  # behind it lie the kidneys in their own fat
PLANE_MM = 12.0  # thickness of the layers between the organs, for each 10 mm of depth around them
PER_DEPTH = 0.1


def draw_ascites(belly: Belly) -> None:
    """Paint the fluid over fat: around liver and spleen, in the flanks, and between the loops."""
    if belly.fluid_mm <= 0:
        return
    drawing, torso = belly.drawing, belly.torso
    block = drawing.lattice.whole
    inside = smooth_intersection(
        torso.cavity + np.float32(WALL_GAP_MM / 2), torso.below_diaphragm + np.float32(WALL_GAP_MM / 2), 3.0
    )
    depth = np.float32(belly.fluid_mm + 2 * WALL_GAP_MM)
    shell = -(inside + depth)  # nearer to the wall than that
    before = block.y - np.float32(BACK_Y_MM)
    upper = intersection(shell, np.float32(-115.0) - block.z, before - np.float32(20.0))
    gutters = intersection(
        np.float32(FLANK_X_MM) - np.abs(block.x),
        -(inside + np.float32(min(GUTTER_MM, 3 * belly.fluid_mm))),
        before,
    )
    waves = (
        np.sin(block.x * np.float32(0.06))
        * np.sin(block.z * np.float32(0.07))
        * np.sin(block.y * np.float32(0.08))
    )
    between = intersection(
        (np.abs(waves) * np.float32(40.0) - np.float32(PLANE_MM * PER_DEPTH * belly.fluid_mm)).astype(
            np.float32
        ),
        half_space(block, (0.0, 0.0, -110.0), (0.0, 0.0, 1.0)),
        block.y - np.float32(8.0),
    )
    fluid = intersection(inside, union(upper, gutters, between))
    drawing.paint(block, fluid.astype(np.float32), becomes_table(int(Tissue.ASCITES), over=GREY))
