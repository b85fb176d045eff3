"""Radioactive decay: an activity at another moment, and the hours between two moments.

Moments carry their time zone and are compared in UTC, so that a change to daylight saving shifts nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan import catalog
from emboplan.dosimetry.arguments import finite, not_negative, plain, positive
from emboplan.errors import ModelRangeError
from emboplan.units import SECONDS_PER_HOUR

Array = NDArray[np.float64]

DEFAULT_NUCLIDE = "Y-90"


@overload
def decay(activity_gbq: float, elapsed_h: float, *, half_life_h: float | None = None) -> float: ...
@overload
def decay(activity_gbq: ArrayLike, elapsed_h: ArrayLike, *, half_life_h: float | None = None) -> Array: ...
def decay(
    activity_gbq: ArrayLike, elapsed_h: ArrayLike, *, half_life_h: float | None = None
) -> float | Array:
    """The activity after `elapsed_h` hours (before, where they are negative).

    A(t) = A x 2^(-t / half-life). The half-life is that of Y-90 in the catalogue unless given. Any unit of
    activity in gives the same unit out.

    >>> decay(3.0, 64.1)
    1.5
    """
    half_life = catalog.load().nuclide(DEFAULT_NUCLIDE).half_life_h if half_life_h is None else half_life_h
    activity = not_negative(activity_gbq, "activity_gbq")
    hours = finite(elapsed_h, "elapsed_h")
    return plain(activity * np.exp2(-hours / positive(half_life, "half_life_h")))


def hours_between(start: datetime, end: datetime) -> float:
    """Hours from `start` to `end`, counted in UTC; `ModelRangeError` when either has no time zone."""
    for name, moment in (("start", start), ("end", end)):
        if moment.tzinfo is None or moment.utcoffset() is None:
            raise ModelRangeError(
                f"{name} {moment.isoformat()} has no time zone; write it with one, such as -05:00"
            )
    return (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds() / SECONDS_PER_HOUR
