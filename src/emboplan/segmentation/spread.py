"""How much values vary, told by their middle: what few voxels hold of another tissue does not count.

A median absolute deviation stays the same while less than half of the values are outliers; on a normal
distribution 1.4826 of it are a standard deviation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating[Any]]

# Standard deviations of a normal distribution in one median absolute deviation: 1 / ndtri(3/4).
MAD_TO_SD = 1.4826


def sd_about(values: Values, level: float) -> float:
    """Robust standard deviation about a level that is known, in the unit of the values; 0 without values.

    >>> sd_about(np.array([9.0, 10.0, 11.0, 500.0]), 10.0)
    1.4826
    """
    return MAD_TO_SD * float(np.median(np.abs(values - level))) if values.size else 0.0


def robust_sd(values: Values) -> float:
    """Robust standard deviation about the median, in the unit of the values; 0 without values."""
    return sd_about(values, float(np.median(values))) if values.size else 0.0


def one_sided_sd(deviations: Values, sign: float) -> float:
    """Robust standard deviation of deviations from a known level, from those of one sign (1 or -1) alone.

    For a tissue that others widen on one side only. 0 where no deviation has the sign.
    """
    side = sign * deviations
    return sd_about(side[side > 0], 0.0)


def narrower_sd(deviations: Values) -> float:
    """The smaller of both one-sided deviations: that of the tissue, where another widens one side."""
    return min(one_sided_sd(deviations, 1.0), one_sided_sd(deviations, -1.0))


def robust_level(values: NDArray[np.generic]) -> tuple[float, float]:
    """Median and robust standard deviation, in the unit of the values; there must be one at least."""
    numbers = np.asarray(values, np.float64)
    level = float(np.median(numbers))
    return level, sd_about(numbers, level)


def two_means(values: Values) -> tuple[float, float]:
    """The means of the two groups that split the values best (Otsu), by iteration from the extremes."""
    low, high = (float(v) for v in np.percentile(values, (5, 95)))
    for _ in range(50):
        bright = values > (low + high) / 2
        if bright.all() or not bright.any():
            break
        new = float(values[~bright].mean()), float(values[bright].mean())
        if abs(new[0] - low) + abs(new[1] - high) < 1e-3:
            break
        low, high = new
    return low, high
