"""The kinds of value that a case file holds, each with its parser and its words for a mistake."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from emboplan.errors import UnitError
from emboplan.model.case import ProcedureKind
from emboplan.model.schedule import Period
from emboplan.units import parse_quantity

DAYS_PER_WEEK = 7
MOST_SHOWN = 60  # characters of a found value: enough to find it again in the file


def shown(value: object) -> str:
    """A value as a case file would have it, for messages."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, dict):
        text = "a table"
    elif isinstance(value, list):
        text = f"[{', '.join(map(shown, value))}]"
    else:
        text = str(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def parsed_quantity(unit: str, *, positive: bool = True) -> Callable[[Any], float]:
    """A parser of quantities such as "2 mL" to a number in `unit`."""

    def parse(value: Any) -> float:
        if not isinstance(value, str):
            raise ValueError(f'found {shown(value)} without a unit; expected a quantity such as "2 {unit}"')
        try:
            number = parse_quantity(value, to=unit)
        except UnitError as error:
            raise ValueError(str(error)) from error
        # Tested as a float: a decimal may be too large or too small for one.
        plain = float(number)
        if not math.isfinite(plain) or plain < 0 or (positive and plain == 0):
            expected = "a positive quantity" if positive else "0 or more"
            raise ValueError(f"found {shown(value)}; expected {expected}")
        return plain

    return parse


def _number(low: int, high: int | None, *, low_included: bool, expected: str) -> Callable[[Any], float]:
    def parse(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ValueError(f"found {shown(value)}; expected {expected}")
        number = float(value)
        below = number < low or (number == low and not low_included)
        if not math.isfinite(number) or below or (high is not None and number >= high):
            raise ValueError(f"found {shown(value)}; expected {expected}")
        return number

    return parse


DoseGy = Annotated[float, BeforeValidator(parsed_quantity("Gy"))]
PriorDoseGy = Annotated[float, BeforeValidator(parsed_quantity("Gy", positive=False))]
ActivityGbq = Annotated[float, BeforeValidator(parsed_quantity("GBq"))]
VolumeMl = Annotated[float, BeforeValidator(parsed_quantity("mL"))]
LengthCm = Annotated[float, BeforeValidator(parsed_quantity("cm"))]
LengthMm = Annotated[float, BeforeValidator(parsed_quantity("mm"))]
MassKg = Annotated[float, BeforeValidator(parsed_quantity("kg"))]
MassMg = Annotated[float, BeforeValidator(parsed_quantity("mg"))]
DurationH = Annotated[float, BeforeValidator(parsed_quantity("h"))]
Ratio = Annotated[
    float,
    BeforeValidator(_number(0, None, low_included=False, expected="a number above 0 (concentration ratio)")),
]
ShuntFrac = Annotated[
    float,
    BeforeValidator(_number(0, 1, low_included=True, expected="a fraction from 0 to below 1 (5 % is 0.05)")),
]
Relative = Annotated[
    float,
    BeforeValidator(_number(0, 1, low_included=True, expected="a fraction from 0 to below 1 (10 % is 0.1)")),
]
ThresholdFrac = Annotated[
    float,
    BeforeValidator(
        _number(0, 1, low_included=False, expected="a fraction above 0 and below 1 (20 % is 0.2)")
    ),
]
Positive = Annotated[
    float, BeforeValidator(_number(0, None, low_included=False, expected="a number above 0"))
]
NonEmpty = Annotated[str, Field(min_length=1)]


COUINAUD_SEGMENTS = 8


def place_mm(value: Any) -> Any:
    """Three finite numbers: a place or a direction of the patient, x, y, z in mm (LPS)."""
    fits = isinstance(value, list) and len(value) == 3 and all(_is_number(one) for one in value)
    if not fits or not all(math.isfinite(float(one)) for one in value):
        raise ValueError(f"found {shown(value)}; expected three numbers in mm (x, y, z; LPS)")
    return tuple(float(one) for one in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


PlaceMm = Annotated[tuple[float, float, float], BeforeValidator(place_mm)]


def segment_numbers(value: Any) -> Any:
    """A list of Couinaud's numbers, each once."""
    known = range(1, COUINAUD_SEGMENTS + 1)
    if not (isinstance(value, list) and value and all(type(n) is int and n in known for n in value)):
        raise ValueError(
            f"found {shown(value)}; expected a list of segments from 1 to 8, such as [5, 6, 7, 8]"
        )
    return each_once(value)


def aware(value: Any) -> Any:
    """A date with a time and a zone; pydantic alone would take a number or a day too."""
    if not isinstance(value, datetime):
        raise ValueError(f"found {shown(value)}; expected a date and time such as 2026-12-03T10:30:00-05:00")
    if value.tzinfo is None:
        raise ValueError(f"found {value.isoformat()} without a time zone; expected one (10:30:00-05:00)")
    return value


def day(value: Any) -> Any:
    """A date without a time."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError(f"found {shown(value)}; expected a date such as 2025-06-01")
    return value


def day_or_moment(value: Any) -> Any:
    """A date, or a date and time; whether it has a zone is asked where all of a schedule is checked."""
    if not isinstance(value, date):
        raise ValueError(f"found {shown(value)}; expected a date such as 2026-01-05, or a date and time")
    return value


_PERIOD = re.compile(r"^\s*([1-9]\d{0,3})\s*(day|week|month)s?\s*$")


def period(value: Any) -> Period:
    """A number of days, weeks or calendar months."""
    match = _PERIOD.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'found {shown(value)}; expected a period such as "3 months" or "12 weeks"')
    number, unit = int(match.group(1)), match.group(2)
    if unit == "month":
        return Period(months=number)
    return Period(days=number * DAYS_PER_WEEK if unit == "week" else number)


def period_text(value: Any) -> Any:
    """The text of a period, checked."""
    period(value)
    return value


def lung_mass(value: Any) -> Any:
    """A mass in g, or "ct"."""
    return value if value == "ct" else parsed_quantity("g")(value)


def labels(value: Any) -> Any:
    """Either "all" or lesion numbers."""
    fits = value == "all" or (
        isinstance(value, list) and value and all(type(label) is int and label > 0 for label in value)
    )
    if not fits:
        raise ValueError(f'found {shown(value)}; expected "all" or a list of lesion numbers such as [1, 3]')
    return each_once(value) if isinstance(value, list) else value


def each_once(values: Any) -> Any:
    """A list without repetition."""
    if isinstance(values, list):
        for value in values:
            if values.count(value) > 1:
                raise ValueError(f"found {shown(value)} twice; expected each once")
    return values


def procedure_kind(value: Any) -> Any:
    """A kind of procedure; which of them this version plans is asked where the case is checked."""
    known = [kind.value for kind in ProcedureKind]
    if value not in known:
        raise ValueError(f"found {shown(value)}; expected one of {', '.join(known)}")
    return value


def _by_lesion(parse: Callable[[Any], float]) -> Callable[[Any], dict[int, float]]:
    """A table of lesion numbers and values, such as { 1 = 4.0, 3 = 2.5 }."""

    def table(value: Any) -> dict[int, float]:
        if not isinstance(value, dict) or not value:
            raise ValueError(f"found {shown(value)}; expected a table of lesion numbers and values")
        parsed: dict[int, float] = {}
        for key, item in value.items():
            if not str(key).isascii() or not str(key).isdigit() or int(key) == 0:
                raise ValueError(f'found the name "{key}"; expected lesion numbers from 1, such as 1 or 3')
            if int(key) in parsed:
                raise ValueError(f"found lesion {int(key)} twice; expected each once")
            parsed[int(key)] = parse(item)
        return parsed

    return table


LesionRatios = Annotated[
    dict[int, float],
    BeforeValidator(
        _by_lesion(_number(0, None, low_included=False, expected="a number above 0 (concentration ratio)"))
    ),
]
LesionVolumesMl = Annotated[dict[int, float], BeforeValidator(_by_lesion(parsed_quantity("mL")))]

_READING = re.compile(r"^\s*(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)\s*([^\s\d].*?)\s*$")


def reading_value(value: Any) -> tuple[float, str]:
    """The number and the unit of a reading; any unit will do: some only compare with another reading."""
    match = _READING.match(value) if isinstance(value, str) else None
    number = float(match.group(1)) if match else math.nan
    if match is None or not math.isfinite(number):
        raise ValueError(f'found {shown(value)}; expected a reading such as "2.95 GBq" or "82 uSv/h"')
    return number, match.group(2)


ReadingValue = Annotated[tuple[float, str], BeforeValidator(reading_value)]
