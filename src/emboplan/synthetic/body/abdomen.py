"""The belly: its organs in the order in which they are drawn.

Each organ takes its outline from a few rounded solids, is held inside the wall and under the diaphragm, and
gives way to the organs placed before it, so that neighbours lie against each other. Atlas millimetres, as
in `torso`.
"""

from __future__ import annotations

import numpy as np

from emboplan.synthetic.body.belly_vessels import draw_branches, draw_great_vessels, draw_mesentery
from emboplan.synthetic.body.fluid import draw_ascites
from emboplan.synthetic.body.gut import draw_bowel, draw_stomach, stomach_shape
from emboplan.synthetic.body.liver_shape import draw_liver
from emboplan.synthetic.body.placing import Belly
from emboplan.synthetic.body.solid_organs import (
    draw_adrenals,
    draw_gallbladder,
    draw_kidneys,
    draw_pancreas,
    draw_spleen,
)
from emboplan.synthetic.body.torso import Torso
from emboplan.synthetic.drawing.layers import Drawing
from emboplan.synthetic.drawing.shapes import Array, Block
from emboplan.synthetic.setting.definition import PhantomDefinition

NO_GALLBLADDER = ("right",)  # resections that take it along


def draw_belly(
    drawing: Drawing, torso: Torso, definition: PhantomDefinition, rng: np.random.Generator
) -> tuple[Block, Array]:
    """Paint the belly; returns the liver's block and field."""
    liver_ml = definition.liver.volume_ml.draw(rng)
    spleen_scale = definition.organs.spleen_scale.draw(rng)
    belly = Belly(drawing, torso, rng, definition.organs.ascites_mm.draw(rng))
    cava = draw_great_vessels(belly)
    kidney_bed = draw_kidneys(belly)
    if definition.liver.resection not in NO_GALLBLADDER:
        draw_gallbladder(belly)
    stomach = stomach_shape(belly)
    liver = draw_liver(belly, definition.liver, liver_ml, stomach, cava, kidney_bed)
    draw_spleen(belly, spleen_scale)
    draw_stomach(belly, stomach)
    draw_pancreas(belly)
    draw_adrenals(belly)
    draw_branches(belly)
    draw_bowel(belly, right_lobe_gone=definition.liver.resection == "right")
    draw_mesentery(belly)
    draw_ascites(belly)
    return liver
