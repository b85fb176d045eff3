"""From a frozen result to plain JSON values, the same bytes for the same result.

Every `to_json` goes through `to_jsonable`, so that a number is written in one way everywhere: floats keep ten
significant digits (far more than any input has, fewer than the last bits that differ between processors),
keys are strings, and nothing that JSON does not know slips through. Arrays are refused: they belong in image
files, not in a JSON document.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any

import numpy as np

SIGNIFICANT_DIGITS = 10


def _number(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be written as JSON; mend the result that holds it")
    # Adding 0.0 turns a negative zero into zero, so that equal values give equal bytes.
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") + 0.0


def _key(key: object) -> str:
    return str(key.value) if isinstance(key, Enum) else str(key)


def _scalar(value: object) -> tuple[bool, Any]:
    """Whether `value` is one JSON value, and that value."""
    if value is None or isinstance(value, bool | np.bool_):
        return True, None if value is None else bool(value)
    if isinstance(value, Enum):
        return True, to_jsonable(value.value)
    if isinstance(value, str):
        return True, str(value)
    if isinstance(value, int | np.integer):
        return True, int(value)
    if isinstance(value, float | np.floating | Decimal):
        return True, _number(float(value))
    if isinstance(value, date | time):  # a datetime is a date
        return True, value.isoformat()
    if isinstance(value, PurePath):
        return True, value.as_posix()
    return False, None


def fields_to_json(value: object) -> dict[str, Any]:
    """The fields of a dataclass as JSON values, without asking its own `to_json`."""
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{type(value).__name__} is not a dataclass; give a result")
    return {field.name: to_jsonable(getattr(value, field.name)) for field in fields(value)}


def to_jsonable(value: object) -> Any:
    """`value` as plain dicts, lists, strings, numbers, truth values and None.

    A dataclass with a `to_json` method answers for itself, another gives its fields. Raises `TypeError` for
    arrays and for anything else that JSON does not know, `ValueError` for numbers that are not finite.

    >>> to_jsonable({"dose_gy": 1 / 3, "interval": (0, 1)})
    {'dose_gy': 0.3333333333, 'interval': [0, 1]}
    """
    found, scalar = _scalar(value)
    if found:
        return scalar
    own = getattr(value, "to_json", None)
    if callable(own):
        return to_jsonable(own())
    if is_dataclass(value) and not isinstance(value, type):
        return fields_to_json(value)
    if isinstance(value, Mapping):
        return {_key(key): to_jsonable(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted(to_jsonable(item) for item in value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [to_jsonable(item) for item in value]
    raise TypeError(f"{type(value).__name__} cannot be written as JSON; write images to image files")
