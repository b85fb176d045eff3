"""Values that no patient has: which other unit may have been meant.

The ranges are the package's own, far wider than any reference range. They catch slips of the unit, such as a
creatinine of 90 mg/dL, and refuse no patient: a value that is right all the same is entered as confirmed.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from emboplan.eligibility.reading import plain, with_unit
from emboplan.model.protocol import FactDefinition, FactKind
from emboplan.units import UNITS

SHOWN_DIGITS = 4
"""Significant digits of a converted value in a message."""


def unit_question(
    definition: FactDefinition, number: Decimal, canonical: Fraction, unit: str | None
) -> str | None:
    """The question which unit was meant, or None for a value that a patient may have.

    `number` is the value in `unit`, as written; `canonical` the same in the unit of the fact.
    """
    bounds = definition.plausible
    if bounds is None or Fraction(bounds[0]) <= canonical <= Fraction(bounds[1]):
        return None
    scale = with_unit(f"{plain(bounds[0])} to {plain(bounds[1])}", definition.unit)
    written = with_unit(plain(number), unit)
    meant = [
        other
        for other, factor in _other_units(definition, unit)
        if Fraction(bounds[0]) <= Fraction(number) * factor <= Fraction(bounds[1])
    ]
    question = f"was {plain(number)} {' or '.join(meant)} meant?" if meant else "check value and unit."
    converted = "" if unit == definition.unit else f" ({float(canonical):.{SHOWN_DIGITS}g} {definition.unit})"
    return (
        f"found {written}{converted}, outside the plausible {scale}; {question} "
        f"If {written} is right, add confirmed = true beside it"
    )


def _other_units(definition: FactDefinition, unit: str | None) -> list[tuple[str, Fraction]]:
    """Units that the value may have been meant in, with their factor to the unit of the fact.

    The unit as written may be among them: the value is as implausible in it as before.
    """
    if definition.kind is FactKind.LAB:
        return [(lab.symbol, lab.factor) for lab in definition.lab_units if not lab.per_upper_limit]
    own = UNITS.get(unit) if unit is not None else None
    if own is None:
        return []
    return [
        (symbol, Fraction(other.factor) / Fraction(own.factor))
        for symbol, other in UNITS.items()
        if other.dimension == own.dimension and other.factor > own.factor
    ]
