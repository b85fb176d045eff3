"""The vessels of the belly outside the liver: cava, portal vein, arteries from the aorta, and the mesentery.

Small vessels of the mesentery are a tree grown to points strewn in the fat between the bowel's loops.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emboplan.synthetic.body.placing import GREY, Belly
from emboplan.synthetic.body.tissues import Tissue
from emboplan.synthetic.body.vessels import grow_tree
from emboplan.synthetic.drawing.layers import becomes_table
from emboplan.synthetic.drawing.shapes import Array, Block, curve, tube

PORTAL_PATH = (
    (2.0, -2.0, -108.0, 6.5), (-10.0, -4.0, -96.0, 6.8), (-24.0, -4.0, -82.0, 6.8), (-40.0, -2.0, -74.0, 6.0),
)  # fmt: skip
CAVA_PATH = (
    (-22.0, 14.0, -250.0, 9.5), (-22.0, 18.0, -170.0, 10.0), (-22.0, 24.0, -110.0, 11.0),
    (-22.0, 22.0, -60.0, 11.5), (-22.0, 12.0, -22.0, 12.0), (-24.0, 0.0, 12.0, 12.0),
)  # fmt: skip
SPLENIC_VEIN = (
    (2.0, -2.0, -106.0, 4.6), (30.0, -6.0, -98.0, 4.4), (60.0, 18.0, -86.0, 4.2), (88.0, 38.0, -72.0, 3.6),
)  # fmt: skip
MESENTERIC_VEIN = ((2.0, -2.0, -108.0, 6.0), (2.0, -12.0, -140.0, 5.6), (4.0, -16.0, -200.0, 5.0))
ARTERIES = (
    ((9.0, 14.0, -98.0, 3.8), (8.0, 2.0, -96.0, 3.6), (6.0, -6.0, -94.0, 3.2)),  # coeliac trunk
    ((6.0, -6.0, -94.0, 2.9), (-6.0, -10.0, -92.0, 2.7), (-18.0, -12.0, -86.0, 2.4),
     (-28.0, -10.0, -80.0, 2.0)),
    ((6.0, -6.0, -94.0, 3.0), (26.0, -2.0, -90.0, 2.8), (44.0, 10.0, -92.0, 2.6), (62.0, 22.0, -80.0, 2.5),
     (88.0, 38.0, -66.0, 2.1)),
    ((8.0, 10.0, -112.0, 3.8), (8.0, -2.0, -122.0, 3.6), (9.0, -10.0, -150.0, 3.3),
     (10.0, -14.0, -205.0, 2.8)),
    ((10.0, 16.0, -126.0, 2.8), (30.0, 24.0, -126.0, 2.6), (46.0, 38.0, -124.0, 2.2)),  # to the kidneys
    ((2.0, 18.0, -132.0, 2.8), (-24.0, 34.0, -136.0, 2.6), (-46.0, 40.0, -140.0, 2.2)),
)  # fmt: skip
RENAL_VEINS = (
    ((-22.0, 20.0, -132.0, 4.6), (-36.0, 32.0, -136.0, 4.2), (-48.0, 40.0, -140.0, 3.8)),
    ((-18.0, 14.0, -126.0, 4.4), (6.0, 6.0, -122.0, 3.6), (28.0, 20.0, -122.0, 4.4),
     (48.0, 38.0, -124.0, 4.0)),
)  # fmt: skip
MESENTERY_FROM = ((4.0, -12.0, -135.0), (6.0, -18.0, -165.0), (10.0, -22.0, -200.0))
MESENTERY_SPREAD = ((15.0, -25.0, -180.0), (46.0, 30.0, 45.0))  # middle and half widths of its twigs' cloud
MESENTERY_TWIGS = 150
MESENTERY_MM = (2.6, 0.7)
OMENTUM_FROM = ((60.0, -44.0, -120.0), (30.0, -66.0, -132.0), (0.0, -70.0, -138.0))
OMENTUM_SPREAD = ((20.0, -62.0, -120.0), (60.0, 14.0, 40.0))
OMENTUM_TWIGS = 60
OMENTUM_MM = (1.8, 0.7)


def draw_great_vessels(belly: Belly) -> tuple[Block, Array]:
    """Paint vena cava and the trunk of the portal vein, before the liver, which lies around them.

    The cava is taken only after the liver, which has no film of fat against it; it is returned.
    """
    block = belly.around(CAVA_PATH)
    cava = tube(block, CAVA_PATH, flat=(1.15, 0.95, 1))
    belly.drawing.paint(block, cava, becomes_table(int(Tissue.VENA_CAVA)))
    for path in (PORTAL_PATH[:3], SPLENIC_VEIN, MESENTERIC_VEIN):
        smooth = curve(path, 6.0)
        near = belly.around(smooth)
        belly.drawing.place(near, tube(near, smooth), Tissue.PORTAL_VEIN)
    return block, cava


def draw_branches(belly: Belly) -> None:
    """Paint the branches of aorta and cava, after the organs beside which they run."""
    over = (Tissue.FAT, Tissue.MUSCLE)
    for paths, tissue in ((RENAL_VEINS, Tissue.VENA_CAVA), (ARTERIES, Tissue.ARTERY)):
        for path in paths:
            smooth = curve(path, 4.0)
            block = belly.around(smooth)
            shape = tube(block, smooth)
            belly.drawing.paint(block, shape, becomes_table(int(tissue), over=over))
            belly.drawing.take(block, shape)


def draw_mesentery(belly: Belly) -> None:
    """Paint the small vessels between the loops, over fat only."""
    for trunk, spread, count, (wide, thin) in (
        (MESENTERY_FROM, MESENTERY_SPREAD, MESENTERY_TWIGS, MESENTERY_MM),
        (OMENTUM_FROM, OMENTUM_SPREAD, OMENTUM_TWIGS, OMENTUM_MM),
    ):
        middle, half = (np.array(v) for v in spread)
        targets = middle + half * belly.rng.uniform(-1, 1, (count, 3))
        tree: NDArray[np.float64] = grow_tree(
            _bent(belly, np.array(trunk)), _bent(belly, targets), wide, thin, belly.rng
        )
        belly.drawing.tubes(tree, becomes_table(int(Tissue.PORTAL_VEIN), over=GREY))


def _bent(belly: Belly, atlas_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    return belly.drawing.lattice.warp.to_patient(atlas_mm)
