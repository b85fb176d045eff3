"""The Hounsfield scale where it meets files: air, and the numbers that scanners write outside the image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import ModelRangeError
from emboplan.units import PERCENT

AIR_HU = -1000  # by definition of the scale: water is 0, air -1000

# Nothing is thinner than vacuum (-1000 HU), and half as much again below it is out of reach of noise and
# streaks in a reconstruction. Scanners pad with -2000, -2048 or -3024; not all of them declare it.
PADDING_BELOW_HU = -1500

# Padding is one number, but for some between it and the image where that was resampled. Fewer numbers than
# this share of an image are streaks of metal.
SCATTERED_FRAC = 0.01


def padding_to_air(hu: NDArray[Any]) -> int:
    """Set numbers too low for any matter to air, in place, and return how many there were.

    `ModelRangeError` where they are many and differ: that is no padding but a wrong rescale slope.
    """
    if hu.min() >= PADDING_BELOW_HU:
        return 0
    low = hu < PADDING_BELOW_HU
    values = hu[low]
    if values.size > SCATTERED_FRAC * hu.size and not _mostly_one(values):
        share = PERCENT * values.size / hu.size
        raise ModelRangeError(
            f"{share:.2g} % of the CT numbers lie scattered below {PADDING_BELOW_HU} HU, where no matter is; "
            "check rescale slope and intercept of the CT"
        )
    hu[low] = AIR_HU
    return int(values.size)


def _mostly_one(values: NDArray[Any]) -> bool:
    """Whether half of the values, or more, are the same number; the one in the middle then is that number."""
    first = np.count_nonzero(values == values[0])
    if 2 * first >= values.size:
        return True
    middle = np.partition(values, values.size // 2)[values.size // 2]
    return bool(2 * np.count_nonzero(values == middle) >= values.size)
