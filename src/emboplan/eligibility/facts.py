"""The door for facts: from a table of names and raw values to `PatientFacts`, or to the list of all mistakes.

Every name must be one that the dictionary of facts defines; a laboratory value must carry a unit; a date must
be an ISO date; facts that exclude each other are refused. Nothing is guessed, and nothing is reported singly
when several things are wrong.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from emboplan.eligibility.reading import exact_decimal, plain
from emboplan.errors import CaseFileError, UnitError
from emboplan.model.patient import Fact, FactValue, LabValue, PatientFacts
from emboplan.model.protocol import FactDefinition, FactDefinitions, FactKind
from emboplan.units import PERCENT, UNITS, parse_quantity

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*?)?\s*")
_LAB_KEYS = ("value", "unit", "uln")


class _WrongValue(Exception):  # noqa: N818  never leaves this file: it carries one line to the list of problems
    """A value that is not what its fact expects."""


def nearest(name: str, known: FactDefinitions) -> str:
    """A clause that names the fact meant, if one comes near."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else "; no fact has a name like it"


def parse_facts(raw: Mapping[str, object], definitions: FactDefinitions) -> PatientFacts:
    """The facts of a patient, checked; a value of None is a fact that is not known.

    Numbers are taken as exact decimals as written. A laboratory value is a table with `value`, `unit` and,
    for units that need it, `uln` (upper limit of normal, same unit), or text such as ``"90 umol/L"``.

    Raises:
        CaseFileError: with one line for each unknown name, missing or impossible unit, wrong type, value
            outside its scale, and contradiction.
    """
    problems: list[str] = []
    known: dict[str, Fact] = {}
    for name, value in raw.items():
        definition = definitions.get(name)
        if definition is None:
            problems.append(f"{name}: unknown fact{nearest(name, definitions)}")
        elif value is not None:
            try:
                known[name] = Fact(_PARSERS[definition.kind](definition, value))
            except (_WrongValue, UnitError) as error:
                problems.append(f"{name}: {error}")
    for definition in definitions.values():
        problems.extend(_contradictions(definition, known))
    if problems:
        raise CaseFileError(problems)
    return PatientFacts(known)


def _boolean(_: FactDefinition, value: object) -> FactValue:
    if not isinstance(value, bool):
        raise _WrongValue(f"found {_shown(value)}, expected true or false")
    return value


def _choice(definition: FactDefinition, value: object) -> FactValue:
    if not isinstance(value, str) or value not in definition.choices:
        raise _WrongValue(f"found {_shown(value)}, expected one of {', '.join(definition.choices)}")
    return value


def _integer(definition: FactDefinition, value: object) -> FactValue:
    number = exact_decimal(value)
    if number is None or number != number.to_integral_value():
        raise _WrongValue(f"found {_shown(value)}, expected a whole number{_scale(definition)}")
    return _in_range(definition, number)


def _number(definition: FactDefinition, value: object) -> FactValue:
    unit = definition.unit
    if isinstance(value, Mapping) and set(value) == {"value", "unit"}:
        value = f"{value['value']} {value['unit']}"
    if isinstance(value, str) and unit is not None:
        return _in_range(definition, _number_with_unit(value, unit))
    number = exact_decimal(value)
    if number is None:
        wanted = f"a number in {unit}" if unit else "a plain number without unit"
        raise _WrongValue(f"found {_shown(value)}, expected {wanted}")
    return _in_range(definition, number)


def _number_with_unit(text: str, unit: str) -> Decimal:
    if unit in UNITS:
        return parse_quantity(text, to=unit)
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] != unit:
        raise _WrongValue(f'found "{text}", expected a number in {unit}')
    return Decimal(match[1])


def _date(_: FactDefinition, value: object) -> FactValue:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _ISO_DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise _WrongValue(f'found "{value}", which is no day of the calendar') from error
    raise _WrongValue(f"found {_shown(value)}, expected a date as YYYY-MM-DD")


def _lab(definition: FactDefinition, value: object) -> FactValue:
    symbols = " or ".join(unit.symbol for unit in definition.lab_units)
    example = f'{{ value = ..., unit = "{definition.lab_units[0].symbol}" }}'
    if isinstance(value, str) and (match := _QUANTITY.fullmatch(value)):
        value = {"value": Decimal(match[1])} | ({"unit": match[2]} if match[2] else {})
    if exact_decimal(value) is not None:
        value = {"value": value}
    if not isinstance(value, Mapping) or "value" not in value:
        raise _WrongValue(f"found {_shown(value)}, expected {example}")
    if extra := sorted(set(value) - set(_LAB_KEYS)):
        raise _WrongValue(f"found the unknown key {extra[0]}, expected {', '.join(_LAB_KEYS)}")
    number = exact_decimal(value["value"])
    if number is None:
        raise _WrongValue(f"found the value {_shown(value['value'])}, expected a number")
    written = value.get("unit")
    if written is None:
        raise _WrongValue(f"found {plain(number)} without a unit, expected {symbols}: {example}")
    unit = definition.lab_unit(written) if isinstance(written, str) else None
    if unit is None or not isinstance(written, str):
        raise _WrongValue(f"found the unit {_shown(written)}, expected {symbols}")
    upper = value.get("uln")
    exact_upper = exact_decimal(upper)
    if upper is not None and (exact_upper is None or exact_upper <= 0):
        raise _WrongValue(f"found the upper limit of normal {_shown(upper)}, expected a number above 0")
    _in_range(definition, number)
    return LabValue(number, written, exact_upper)


_PARSERS: Mapping[FactKind, Callable[[FactDefinition, object], FactValue]] = {
    FactKind.BOOLEAN: _boolean,
    FactKind.CHOICE: _choice,
    FactKind.INTEGER: _integer,
    FactKind.NUMBER: _number,
    FactKind.DATE: _date,
    FactKind.LAB: _lab,
}


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _scale(definition: FactDefinition) -> str:
    low, high = definition.minimum, definition.maximum
    if low is not None and high is not None:
        return f" from {plain(low)} to {plain(high)}"
    return f" of {plain(low)} or more" if low is not None else ""


def _in_range(definition: FactDefinition, number: Decimal) -> Decimal:
    too_low = definition.minimum is not None and number < definition.minimum
    too_high = definition.maximum is not None and number > definition.maximum
    if too_low or too_high:
        raise _WrongValue(f"found {plain(number)}, expected a number{_scale(definition)}")
    return number


def _contradictions(definition: FactDefinition, known: Mapping[str, Fact]) -> list[str]:
    """What this fact says against others."""
    fact = known.get(definition.name)
    if definition.share is not None:
        part, whole = (known.get(name) for name in definition.share)
        if part is None or whole is None:
            return []
        return _volume_contradiction(definition, fact, part, whole)
    if fact is None:
        return []
    problems = []
    given = known.get(definition.given_by) if definition.given_by else None
    if given is not None and given.value is False:
        found = f"found {fact.value}, but {definition.given_by} is false"
        problems.append(f"{definition.name}: {found}; correct one of them")
    entry = known.get(definition.not_after) if definition.not_after else None
    dates = (fact.value, None if entry is None else entry.value)
    if isinstance(dates[0], date) and isinstance(dates[1], date) and dates[0] > dates[1]:
        found = f"found {dates[0]}, which is after {definition.not_after} {dates[1]}"
        problems.append(f"{definition.name}: {found}; correct one of them")
    return problems


def _volume_contradiction(
    definition: FactDefinition, fact: Fact | None, part: Fact, whole: Fact
) -> list[str]:
    """The volumes must make a share, and the percentage must be theirs within the rounding of all three."""
    names = definition.share
    if names is None or not isinstance(part.value, Decimal) or not isinstance(whole.value, Decimal):
        return []
    volumes = f"{names[0]} {plain(part.value)} and {names[1]} {plain(whole.value)}"
    if whole.value <= 0 or part.value > whole.value:
        return [f"{names[1]}: found {volumes}; expected a volume above 0 that holds the other"]
    if fact is None or not isinstance(fact.value, Decimal):
        return []
    percent = Fraction(PERCENT)
    part_slack, whole_slack, slack = (_half_digit(value) for value in (part.value, whole.value, fact.value))
    low = percent * (Fraction(part.value) - part_slack) / (Fraction(whole.value) + whole_slack) - slack
    high = (
        percent
        * (Fraction(part.value) + part_slack)
        / max(Fraction(whole.value) - whole_slack, Fraction(whole.value) / 2)
        + slack
    )
    if low <= Fraction(fact.value) <= high:
        return []
    computed = float(percent * Fraction(part.value) / Fraction(whole.value))
    found = f"found {plain(fact.value)} %, but {volumes} make {computed:.2f} %"
    return [f"{definition.name}: {found}; correct one of them"]


def _half_digit(value: Decimal) -> Fraction:
    """Half of the last digit written: what rounding may have taken."""
    exponent = value.as_tuple().exponent
    return Fraction(1, 2 * 10 ** max(-exponent, 0)) if isinstance(exponent, int) else Fraction(0)
