"""The Hounsfield scale where it meets files: air, and the numbers that scanners write outside the image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

AIR_HU = -1000  # by definition of the scale: water is 0, air -1000

# Nothing is thinner than vacuum (-1000 HU), and half as much again below it is out of reach of noise and
# streaks in a reconstruction. Scanners pad with -2000, -2048 or -3024; not all of them declare it.
PADDING_BELOW_HU = -1500


def padding_to_air(hu: NDArray[Any]) -> int:
    """Set numbers too low for any matter to air, in place, and return how many there were."""
    if hu.min() >= PADDING_BELOW_HU:
        return 0
    low = hu < PADDING_BELOW_HU
    hu[low] = AIR_HU
    return int(np.count_nonzero(low))
