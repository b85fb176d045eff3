"""The door for facts: from a table of names and raw values to `PatientFacts`, or to the list of all mistakes.

Every name must be one that the dictionary of facts defines; a laboratory value must carry a unit; a date must
be an ISO date; facts that exclude each other are refused, and so is a number that no patient has, with the
question whether another unit was meant. Nothing is guessed, and all mistakes are reported at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np

from emboplan.eligibility.agreement import contradictions
from emboplan.eligibility.plausibility import unit_question
from emboplan.eligibility.reading import exact_decimal, plain
from emboplan.eligibility.signing import (
    FOR_ALL,
    WrongSignatureError,
    parted,
    signature,
    signed_for_all,
    too_late,
)
from emboplan.errors import CaseFileError, UnitError
from emboplan.model.patient import Fact, FactValue, LabValue, PatientFacts, Signature
from emboplan.model.protocol import FactDefinition, FactDefinitions, FactKind
from emboplan.units import UNITS, parse_quantity

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*?)?\s*")
_COMMA = re.compile(r"\d,\d")
_LAB_KEYS = ("value", "unit", "uln", "confirmed")


class _WrongValue(Exception):  # noqa: N818  never leaves this file: it carries one line to the list of problems
    """A value that is not what its fact expects."""


def nearest(name: str, known: FactDefinitions) -> str:
    """A clause that names the fact meant, if one comes near."""
    close = difflib.get_close_matches(name.casefold(), list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else "; no fact has a name like it"


def parse_facts(
    raw: Mapping[str, object], definitions: FactDefinitions, *, today: date | None = None
) -> PatientFacts:
    """The facts of a patient, checked; a value of None is a fact that is not known.

    Numbers are taken as exact decimals as written. A laboratory value is a table with `value`, `unit` and,
    for units that need it, `uln` (upper limit of normal, same unit), or text such as ``"90 umol/L"``. A value
    outside the plausible range is refused unless its table says ``confirmed = true``. Who answered may stand
    beside any value (see `emboplan.eligibility.signing`). Dates of the future are told only where `today` is
    given: there is no clock here.

    Raises:
        CaseFileError: with one line for each unknown name, missing or impossible unit, wrong type, value
            outside its scale or outside what a patient may have, date of the future, and contradiction.
    """
    problems: list[str] = []
    known: dict[str, Fact] = {}
    everyone = _everyone({key: raw[key] for key in raw if key not in definitions}, problems, today)
    for name, value in raw.items():
        if name in FOR_ALL and name not in definitions:
            continue
        definition = definitions.get(name)
        if definition is None:
            problems.append(f"{name}: unknown fact{nearest(name, definitions)}")
            continue
        parsed = parse_value(definition, value)
        if isinstance(parsed, str):
            problems.append(f"{name}: {parsed}")
        elif parsed is not None:
            known[name] = parsed
            late = too_late(parsed.signed, today)
            problems.extend([f"{name}: {late}"] if late else [])
    problems.extend(contradictions(known, definitions, today=today))
    if problems:
        raise CaseFileError(problems)
    return PatientFacts(signed_for_all(known, everyone))


def _everyone(raw: Mapping[str, object], problems: list[str], today: date | None) -> Signature | None:
    """The person and the day that stand for every answer that names nobody of its own."""
    try:
        by, on = (raw.get(name) for name in FOR_ALL)
        everyone = signature(by, on, names=FOR_ALL)
    except WrongSignatureError as error:
        problems.append(f"{FOR_ALL[0]}: {error}")
        return None
    late = too_late(everyone, today)
    problems.extend([f"{FOR_ALL[1]}: {late}"] if late else [])
    return everyone


def parse_value(definition: FactDefinition, value: object) -> Fact | str | None:
    """The fact that this value states, None where it states nothing, or what is wrong with it."""
    if isinstance(value, np.generic):  # as tables hold them
        value = value.item()
    try:
        value, signed = parted(value)
        if value is None:
            return None
        _refuse_comma(definition, value)
        return Fact(_PARSERS[definition.kind](definition, value), signed=signed)
    except (_WrongValue, WrongSignatureError, UnitError) as error:
        return str(error)


def _refuse_comma(definition: FactDefinition, value: object) -> None:
    """Refuse a decimal comma, and a comma between thousands: which of the two it is nobody can tell."""
    text = value.get("value") if isinstance(value, Mapping) else value
    numeric = definition.kind in (FactKind.LAB, FactKind.NUMBER, FactKind.INTEGER)
    if numeric and isinstance(text, str) and _COMMA.search(text):
        raise _WrongValue(
            f'found "{text}", a number with a comma; write the decimal point as a point, and nothing between '
            "thousands"
        )


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
    unit, sure = definition.unit, False
    if isinstance(value, Mapping) and "value" in value and set(value) <= {"value", "unit", "confirmed"}:
        sure = _confirmed(value)
        value = f"{value['value']} {value['unit']}" if "unit" in value else value["value"]
    if isinstance(value, str) and unit is not None:
        number = exact_decimal(_number_with_unit(value, unit))
    else:
        number = exact_decimal(value)
    if number is None:
        wanted = f"a number in {unit}" if unit else "a plain number without unit"
        raise _WrongValue(f"found {_shown(value)}, expected {wanted}")
    _in_range(definition, number)
    if not sure:
        _refuse_slip(definition, number, Fraction(number), unit)
    return number


def _number_with_unit(text: str, unit: str) -> Decimal:
    written = _QUANTITY.fullmatch(text)
    if written is not None and exact_decimal(Decimal(written[1])) is None:
        raise _WrongValue(f'found "{text}", expected a number in {unit}')
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
    if not _confirmed(value):
        if not unit.per_upper_limit:
            _refuse_slip(definition, number, Fraction(number) * unit.factor, unit.symbol)
        elif exact_upper is not None:
            _refuse_slip(definition, number, Fraction(number) / Fraction(exact_upper), unit.symbol)
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
    if high is not None:
        return f" of {plain(high)} or less"
    return f" of {plain(low)} or more" if low is not None else ""


def _in_range(definition: FactDefinition, number: Decimal) -> Decimal:
    too_low = definition.minimum is not None and number < definition.minimum
    too_high = definition.maximum is not None and number > definition.maximum
    if too_low or too_high:
        raise _WrongValue(f"found {plain(number)}, expected a number{_scale(definition)}")
    return number


def _confirmed(value: Mapping[str, object]) -> bool:
    sure = value.get("confirmed", False)
    if not isinstance(sure, bool):
        raise _WrongValue(f"found confirmed {_shown(sure)}, expected true or false")
    return sure


def _refuse_slip(definition: FactDefinition, number: Decimal, canonical: Fraction, unit: str | None) -> None:
    question = unit_question(definition, number, canonical, unit)
    if question is not None:
        raise _WrongValue(question)
