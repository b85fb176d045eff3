"""The door of the formulas: floats or arrays in, checked once; a float comes out where only floats went in.

Messages name the parameter with its unit, so that the reader knows which number to mend.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan.errors import ModelRangeError

Array = NDArray[np.float64]


def finite(value: ArrayLike | None, name: str) -> Array:
    """`value` as float64; `ModelRangeError` unless every number is finite."""
    if value is None:
        raise ModelRangeError(f"{name} was not given; expected a number")
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ModelRangeError(f"{name} is {value!r}; expected a number") from error
    # One number is by far the most frequent case, and quicker to look at as a float.
    if not (math.isfinite(array) if array.ndim == 0 else np.isfinite(array).all()):
        raise ModelRangeError(f"{name} holds values that are not finite; expected plain numbers")
    return array


def _worst(array: Array, bad: NDArray[np.bool_]) -> float:
    return float(np.atleast_1d(array)[np.atleast_1d(bad)][0])


def positive(value: ArrayLike, name: str) -> Array:
    """`value` as float64; `ModelRangeError` unless every number is above 0."""
    array = finite(value, name)
    bad = array <= 0
    if bad if array.ndim == 0 else bad.any():
        raise ModelRangeError(f"{name} is {_worst(array, bad):g}; expected a number above 0")
    return array


def not_negative(value: ArrayLike | None, name: str) -> Array:
    """`value` as float64; `ModelRangeError` unless every number is 0 or more."""
    array = finite(value, name)
    bad = array < 0
    if bad if array.ndim == 0 else bad.any():
        raise ModelRangeError(f"{name} is {_worst(array, bad):g}; expected 0 or more")
    return array


def fraction(value: ArrayLike, name: str) -> Array:
    """`value` as float64; `ModelRangeError` unless every number is at least 0 and below 1."""
    array = finite(value, name)
    bad = (array < 0) | (array >= 1)
    if bad if array.ndim == 0 else bad.any():
        raise ModelRangeError(
            f"{name} is {_worst(array, bad):g}; expected a fraction of at least 0 and below 1 (5 % is 0.05)"
        )
    return array


def plain(value: ArrayLike) -> float | Array:
    """A float where the result is one number, else the array."""
    array = np.asarray(value, dtype=np.float64)
    return float(array) if array.ndim == 0 else array
