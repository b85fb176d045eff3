"""Whether a rule holds for a patient, in three-valued logic (Kleene).

Each rule holds, does not hold, or cannot be told: "all" fails with its first failing part, "any" passes with
its first passing one, and what is not known settles nothing.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import eq, ge, gt, le, lt

from emboplan.eligibility.wording import deciding, exact_limit
from emboplan.errors import InputError
from emboplan.model.patient import PatientFacts
from emboplan.model.protocol import (
    AllOf,
    Always,
    AnyOf,
    Compares,
    IfThen,
    Is,
    Not,
    Operator,
    Rule,
    Washout,
)

HOLDS = {
    Operator.LESS: lt,
    Operator.AT_MOST: le,
    Operator.EQUAL: eq,
    Operator.AT_LEAST: ge,
    Operator.MORE: gt,
}
_MONTHS_PER_YEAR = 12


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a rule holds (None: cannot be told), and then the names of the facts that would tell."""

    holds: bool | None
    missing: frozenset[str] = frozenset()


_YES, _NO = Answer(holds=True), Answer(holds=False)


def answer(rule: Rule, facts: PatientFacts, *, inverted: Compares | None = None) -> Answer:
    """Whether the rule holds for these facts; `inverted` is a comparison whose outcome is turned round."""

    def ask(part: Rule) -> Answer:
        return answer(part, facts, inverted=inverted)

    match rule:
        case Always():
            return _YES
        case Is(fact, accepted):
            known = facts.get(fact.name)
            if known is None:
                return Answer(None, frozenset({fact.name}))
            return Answer(known.value in accepted)
        case Compares(fact, operator, _, _, _):
            _, reading = deciding(rule, facts)
            if reading is None:
                return Answer(None, frozenset({fact.name}))
            holds = bool(HOLDS[operator](reading.value, exact_limit(rule)))
            return Answer(holds is not (rule is inverted))
        case Washout():
            return _washed_out(rule, facts)
        case AllOf(parts):
            return _all([ask(part) for part in parts])
        case AnyOf(parts):
            return _not(_all([_not(ask(part)) for part in parts]))
        case Not(part):
            return _not(ask(part))
        case IfThen(condition, consequence):
            return _if_then(ask(condition), ask(consequence))


def months_after(start: date, months: int) -> date:
    """The same day so many calendar months later, or the last day of a month that has no such day.

    >>> months_after(date(2026, 1, 31), 1)
    datetime.date(2026, 2, 28)
    """
    years, month = divmod(start.month - 1 + months, _MONTHS_PER_YEAR)
    year, month = start.year + years, month + 1
    return date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


def washout_end(rule: Washout, last: date) -> date:
    """The first day of entry that is late enough after a treatment that ended on `last`."""
    try:
        return months_after(last, rule.months) + timedelta(days=rule.days)
    except (OverflowError, ValueError):  # beyond the last year of the calendar
        return date.max


def _not(part: Answer) -> Answer:
    return Answer(None if part.holds is None else not part.holds, part.missing)


def _all(parts: Sequence[Answer]) -> Answer:
    if any(part.holds is False for part in parts):
        return _NO
    open_parts = [part.missing for part in parts if part.holds is None]
    return Answer(None, frozenset().union(*open_parts)) if open_parts else _YES


def _if_then(condition: Answer, consequence: Answer) -> Answer:
    """As "not condition, or consequence"; until the condition can be told, only its own facts are missing."""
    if condition.holds is False or consequence.holds is True:
        return _YES
    return consequence if condition.holds is True else condition


def _washed_out(rule: Washout, facts: PatientFacts) -> Answer:
    """Never given, or long enough ago; a date says by itself that the treatment was given."""
    given, last, entry = (facts.get(fact.name) for fact in (rule.given, rule.last, rule.entry))
    if last is None:
        if given is None:
            return Answer(None, frozenset({rule.given.name}))
        if given.value is False:
            return _YES
    unknown = {fact.name for fact, known in ((rule.last, last), (rule.entry, entry)) if known is None}
    if last is None or entry is None:
        return Answer(None, frozenset(unknown))
    if not isinstance(last.value, date) or not isinstance(entry.value, date):
        raise InputError(
            f"{rule.last.name}, {rule.entry.name}: found {last.value}, {entry.value}; expected dates"
        )
    return Answer(entry.value >= washout_end(rule, last.value))
