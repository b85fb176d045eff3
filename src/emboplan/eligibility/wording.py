"""The words of a trace: what a rule demands, and what is known of the patient on each of its points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from emboplan.eligibility.reading import Reading, plain, read_number, show_beside, with_unit
from emboplan.model.patient import PatientFacts
from emboplan.model.protocol import (
    AllOf,
    Always,
    AnyOf,
    Compares,
    FactDefinition,
    IfThen,
    Is,
    Not,
    Rule,
    Washout,
)

NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Trace:
    """What was measured, compared, how and with which limit; None where there is nothing to say."""

    measured: str | None
    compared: str | None
    operator: str | None
    limit: str | None


def leaves(rule: Rule) -> Iterator[Is | Compares | Washout]:
    """The comparisons and answers that a rule is made of, from left to right."""
    match rule:
        case Is() | Compares() | Washout():
            yield rule
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case IfThen(condition, consequence):
            yield from leaves(condition)
            yield from leaves(consequence)
        case Always():
            return


def deciding(rule: Compares, facts: PatientFacts) -> tuple[FactDefinition, Reading | None]:
    """The fact whose number is compared, the preferred one where it is known, and its reading."""
    if rule.preferred is not None:
        reading = read_number(rule.preferred, facts)
        if reading is not None:
            return rule.preferred, reading
    return rule.fact, read_number(rule.fact, facts)


def exact_limit(rule: Compares) -> Fraction:
    """The limit in the canonical unit of the fact."""
    return Fraction(rule.limit) * unit_factor(rule)


def unit_factor(rule: Compares) -> Fraction:
    """The factor from the unit of the limit to the canonical unit of the fact."""
    unit = rule.fact.lab_unit(rule.unit) if rule.unit is not None else None
    return unit.factor if unit is not None else Fraction(1)


def trace(rule: Rule, facts: PatientFacts) -> Trace:
    """The trace of one criterion: a single limit in its parts, a compound rule as one sentence."""
    points = list(leaves(rule))
    if not points:
        return Trace(None, None, None, None)
    if rule is points[0]:
        return _single(points[0], facts)
    said = {_point(point, facts): None for point in points}
    return Trace("; ".join(said), None, None, words(rule))


def words(rule: Rule) -> str:
    """What the rule demands, as one line."""
    match rule:
        case Always():
            return "every patient"
        case AllOf(parts):
            return " and ".join(_bracketed(part) for part in parts)
        case AnyOf(parts):
            return " or ".join(_bracketed(part) for part in parts)
        case Not(part):
            return f"not ({words(part)})"
        case IfThen(condition, consequence):
            return f"if {words(condition)} then {_bracketed(consequence)}"
        case Is(fact, _):
            return f"{fact.name} is {_accepted(rule)}"
        case Compares(fact, operator, _, _, preferred):
            name = fact.name if preferred is None else f"{preferred.name}, else {fact.name},"
            return f"{name} {operator} {_limit(rule)}"
        case Washout(given, last, entry, _, _):
            return f"no {given.name} or {last.name} at least {span(rule)} before {entry.name}"


def _bracketed(rule: Rule) -> str:
    return f"({words(rule)})" if isinstance(rule, AllOf | AnyOf | IfThen) else words(rule)


def _single(point: Is | Compares | Washout, facts: PatientFacts) -> Trace:
    match point:
        case Is(fact, accepted):
            known = facts.get(fact.name)
            operator = "is" if len(accepted) == 1 else "is one of"
            return Trace(None if known is None else answered(known.value), None, operator, _accepted(point))
        case Compares(_, operator, _, _, _):
            fact, reading = deciding(point, facts)
            if reading is None:
                return Trace(_raw(fact, facts), None, operator, _limit(point))
            shown = reading.shown if fact is point.fact else f"{reading.shown} ({fact.name})"
            return Trace(shown, _compared(point, reading), operator, _limit(point))
        case Washout():
            return Trace(_point(point, facts), None, ">=", span(point))


def _compared(rule: Compares, reading: Reading) -> str:
    factor = unit_factor(rule)
    return with_unit(show_beside(reading.value / factor, Fraction(rule.limit)), rule.unit or rule.fact.unit)


def _raw(fact: FactDefinition, facts: PatientFacts) -> str | None:
    """A value that is there but means nothing yet: a multiple of a limit of normal that is missing."""
    known = facts.get(fact.name)
    return None if known is None else answered(known.value)


def _point(point: Is | Compares | Washout, facts: PatientFacts) -> str:
    match point:
        case Is(fact, _):
            known = facts.get(fact.name)
            return f"{fact.name} {NOT_KNOWN if known is None else answered(known.value)}"
        case Compares():
            fact, reading = deciding(point, facts)
            return f"{fact.name} {NOT_KNOWN if reading is None else reading.shown}"
        case Washout(given, last, entry, _, _):
            ended, begins = facts.get(last.name), facts.get(entry.name)
            if ended is None:
                known = facts.get(given.name)
                answer = NOT_KNOWN if known is None else answered(known.value)
                undated = f", {last.name} {NOT_KNOWN}" if known is not None and known.value is True else ""
                return f"{given.name} {answer}{undated}"
            if begins is None or not isinstance(begins.value, date) or not isinstance(ended.value, date):
                return f"{last.name} {answered(ended.value)}, {entry.name} {NOT_KNOWN}"
            days = (begins.value - ended.value).days
            return f"{last.name} {ended.value}, {days} days before {entry.name} {begins.value}"


def _accepted(rule: Is) -> str:
    return ", ".join(answered(answer) for answer in rule.accepted)


def answered(value: object) -> str:
    """An answer in words: yes or no, a number with its unit, a day."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return plain(value)
    value_and_unit = (getattr(value, "value", None), getattr(value, "unit", None))
    if isinstance(value_and_unit[0], Decimal):
        return f"{plain(value_and_unit[0])} {value_and_unit[1]}"
    return str(value)


def _limit(rule: Compares) -> str:
    return with_unit(plain(rule.limit), rule.unit)


def span(rule: Washout) -> str:
    """The length of a washout, in days or calendar months."""
    if rule.days:
        return f"{rule.days} days"
    return f"{rule.months} calendar month{'' if rule.months == 1 else 's'}"
