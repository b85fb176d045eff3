"""The frame of the atlas: the outlines of chest and belly and the line of the spine.

Positions in the atlas are millimetres (x to the left, y to the back, z to the head; the top of the right
dome of the diaphragm is near z = 0). Like the tables of the organs they are a drawing after the
proportions of a mean adult; none of them is a measurement, and the definition's scales and bends are laid
over them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emboplan.synthetic.drawing.shapes import profile

# z, half width, half depth, y of the centre: the inside of chest and belly
CAVITY = (
    (-230, 126, 80, -8), (-160, 132, 84, -7), (-100, 136, 88, -4), (-40, 136, 92, -1), (20, 131, 92, 0),
    (70, 121, 86, 3), (110, 104, 76, 8), (140, 84, 64, 14), (165, 60, 48, 18),
    (185, 36, 30, 20), (230, 20, 20, 20),
)  # fmt: skip
# the same for the outside of the muscles
MUSCLES = (
    (-230, 140, 100, 8), (-160, 145, 102, 7), (-100, 149, 104, 7), (-40, 150, 107, 7), (20, 149, 108, 7),
    (70, 150, 106, 8), (110, 156, 100, 11), (150, 160, 90, 14), (185, 150, 78, 16), (230, 140, 72, 16),
)  # fmt: skip
SQUARENESS = 2.35  # exponent of the outlines: a little squarer than an ellipse
SPINE_Y = ((-230, 36), (-180, 38), (-120, 44), (-60, 51), (20, 57), (100, 54), (170, 40), (230, 36))


def spine_y(z: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """The y of the middle of the vertebral bodies."""
    return profile(SPINE_Y, z)[0]
