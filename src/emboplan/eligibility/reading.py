"""Numbers of a patient as exact fractions: read, converted by exact factors, and shown beside a limit.

Nothing is rounded before it is compared. What is shown is rounded, but never so far that a value that misses
its limit would look as if it met it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction

from emboplan.errors import UnitError
from emboplan.model.patient import Fact, FactOrigin, LabValue, PatientFacts
from emboplan.model.protocol import FactDefinition
from emboplan.units import PERCENT

SHOWN_DIGITS = 4
"""Significant digits of a converted value, unless it needs more to stand on its side of the limit."""

EXACT_DIGITS = 8
"""A value with at most so many digits is shown as it is; longer ones are converted values that want
rounding."""

MOST_DIGITS = 50
"""A number with more digits before or after its point is none that anybody measured, and slow to compare."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A number in the canonical unit of its fact, as it was reported, and with its 95 % interval."""

    value: Fraction
    shown: str
    interval: tuple[Fraction, Fraction] | None = None


def exact_decimal(value: object) -> Decimal | None:
    """The number as it was written, or None for what is no finite number of sensible size, and truth values.

    >>> exact_decimal(0.1)
    Decimal('0.1')
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    exact = Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)  # float: NumPy's too
    return exact if exact.is_finite() and abs(exact.adjusted()) <= MOST_DIGITS else None


def plain(number: Decimal) -> str:
    """The number without an exponent, with the digits it was written with."""
    return format(number, "f")


def with_unit(text: str, unit: str | None) -> str:
    """The text followed by its unit, if it has one."""
    return f"{text} {unit}" if unit else text


def read_number(definition: FactDefinition, facts: PatientFacts) -> Reading | None:
    """The number of that fact, or None when it is not known or means nothing without a limit of normal.

    A percentage that two volumes also state is taken from the volumes where both are entered, since it is the
    rounded one; an entered value goes before a measured one. An entered volume and a measured one make no
    share: they are of two different readings of the liver. Years are completed between two dates where both
    are known.
    """
    fact = facts.get(definition.name)
    if definition.share is not None:
        part, whole = (facts.get(name) for name in definition.share)
        if part is not None and whole is not None and _volumes_decide(fact, part, whole):
            return _share(part, whole)
    years = None if definition.completed is None else completed_years(facts.known, definition.completed)
    if years is not None:
        return Reading(Fraction(years), with_unit(str(years), definition.unit))
    if fact is None:
        return None
    if isinstance(fact.value, LabValue):
        return _read_lab(definition, fact.value)
    if isinstance(fact.value, Decimal):
        interval = None if fact.interval is None else (Fraction(fact.interval[0]), Fraction(fact.interval[1]))
        return Reading(Fraction(fact.value), with_unit(plain(fact.value), definition.unit), interval)
    raise UnitError(f"{definition.name}: found {fact.value!r}, expected a number")


def completed_years(known: Mapping[str, Fact], dates: tuple[str, str]) -> int | None:
    """The years completed from one date to the other; None where one of them is not known."""
    born, on = (None if (fact := known.get(name)) is None else fact.value for name in dates)
    if not isinstance(born, date) or not isinstance(on, date):
        return None
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def show_beside(value: Fraction, limit: Fraction) -> str:
    """The value with few digits, yet on its own side of the limit.

    >>> show_beside(Fraction(90) / Fraction("88.4"), Fraction(2))
    '1.018'
    >>> show_beside(Fraction("2.00001"), Fraction(2))
    '2.00001'
    """
    digits = SHOWN_DIGITS
    while True:
        with localcontext() as context:
            context.prec = max(digits, len(str(abs(int(value)))), EXACT_DIGITS if _is_short(value) else 0)
            rounded = Decimal(value.numerator) / Decimal(value.denominator)
        same_side = (Fraction(rounded) < limit) == (value < limit) and (Fraction(rounded) == limit) == (
            value == limit
        )
        if same_side:
            return plain(rounded)
        digits += 1


def _is_short(value: Fraction) -> bool:
    scaled = value * 10**EXACT_DIGITS
    return scaled.denominator == 1 and len(str(abs(scaled.numerator)).rstrip("0")) <= EXACT_DIGITS


def _volumes_decide(percentage: Fact | None, part: Fact, whole: Fact) -> bool:
    if part.origin is not whole.origin:
        return False
    return percentage is None or part.origin is FactOrigin.ENTERED


def _share(part: Fact, whole: Fact) -> Reading | None:
    if not isinstance(part.value, Decimal) or not isinstance(whole.value, Decimal) or whole.value <= 0:
        return None
    percent = Fraction(PERCENT)
    interval = None
    if part.interval is not None or whole.interval is not None:
        part_low, part_high = part.interval or (part.value, part.value)
        whole_low, whole_high = whole.interval or (whole.value, whole.value)
        if whole_low > 0:
            interval = (
                percent * Fraction(part_low) / Fraction(whole_high),
                percent * Fraction(part_high) / Fraction(whole_low),
            )
    shown = f"{plain(part.value)} mL / {plain(whole.value)} mL"
    return Reading(percent * Fraction(part.value) / Fraction(whole.value), shown, interval)


def _read_lab(definition: FactDefinition, lab: LabValue) -> Reading | None:
    unit = definition.lab_unit(lab.unit)
    if unit is None:
        known = ", ".join(unit.symbol for unit in definition.lab_units)
        raise UnitError(f'{definition.name}: found the unit "{lab.unit}", expected one of {known}')
    shown = with_unit(plain(lab.value), lab.unit)
    if not unit.per_upper_limit:
        return Reading(Fraction(lab.value) * unit.factor, shown)
    if lab.upper_limit_of_normal is None:
        return None
    upper = lab.upper_limit_of_normal
    return Reading(Fraction(lab.value) / Fraction(upper), f"{shown} (ULN {plain(upper)} {lab.unit})")
