"""The door of the drug formulas: numbers as they are written, exact, and checked once.

A float counts as the decimal that it prints as, so that 0.1 is a tenth and volumes add up. Names of drugs and
products are compared without case, marks and spaces.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from emboplan.errors import ModelRangeError

Number = int | float | Decimal | Fraction | str


def exact(value: Number, name: str) -> Fraction:
    """The number as written; `ModelRangeError` unless it is one finite number."""
    if isinstance(value, Fraction):
        return value
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation as error:
        raise ModelRangeError(f"{name} is {value!r}; expected a number") from error
    if isinstance(value, bool) or not number.is_finite():
        raise ModelRangeError(f"{name} is {value!r}; expected a plain number")
    if not _printable(number):
        raise ModelRangeError(f"{name} is {number}; expected a number that a pharmacy can measure")
    return Fraction(number)


def _printable(number: Decimal) -> bool:
    """Whether the number survives as a float: neither beyond the largest nor lost as nothing."""
    as_float = float(number)
    return math.isfinite(as_float) and (as_float != 0 or number == 0)


def positive(value: Number, name: str) -> Fraction:
    """The number as written; `ModelRangeError` unless it is above 0."""
    number = exact(value, name)
    if number <= 0:
        raise ModelRangeError(f"{name} is {float(number):g}; expected a number above 0")
    return number


def not_negative(value: Number, name: str) -> Fraction:
    """The number as written; `ModelRangeError` unless it is 0 or more."""
    number = exact(value, name)
    if number < 0:
        raise ModelRangeError(f"{name} is {float(number):g}; expected 0 or more")
    return number


# Enough for a quarter of a milligram in a hundred, and the same wherever an amount is printed.
AMOUNT_DIGITS = 5


def plain_number(value: float) -> str:
    """A number as a pharmacy writes it, with one rounding for every place where it is printed.

    >>> plain_number(75.0), plain_number(133.333333), plain_number(0.75)
    ('75', '133.33', '0.75')
    """
    return f"{value:.{AMOUNT_DIGITS}g}"


def plain_name(name: str) -> str:
    """A name in lower case, marks and spaces as single spaces.

    >>> plain_name("DC-Bead® 100–300")
    'dc bead 100 300'
    """
    return " ".join(re.findall(r"[a-z0-9]+", name.lower()))


def drug_name(name: str) -> str:
    """A drug's name as the catalogue writes it; `ModelRangeError` for an empty one."""
    plain = plain_name(name)
    if not plain:
        raise ModelRangeError(f"drug is {name!r}; expected the name of a drug")
    return plain
