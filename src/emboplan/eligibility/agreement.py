"""What facts say against each other, and against the calendar: nothing is repaired, each is one line.

A date of a treatment that was never given, a treatment after study entry, a date of the future, volumes and a
percentage that do not fit, an age that is not that of the date of birth.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from emboplan.eligibility.reading import completed_years, plain
from emboplan.model.patient import Fact
from emboplan.model.protocol import FactDefinition, FactDefinitions, FactKind
from emboplan.units import PERCENT


def contradictions(
    known: Mapping[str, Fact], definitions: FactDefinitions, *, today: date | None = None
) -> list[str]:
    """One line for each thing that the facts say against each other, or against the calendar."""
    problems = []
    for definition in definitions.values():
        problems.extend(contradictions_of(definition, known, today))
    return problems


def related(definition: FactDefinition) -> tuple[str, ...]:
    """The facts that must agree with each other because of this definition; empty where none must."""
    if definition.share is not None:
        return (definition.name, *definition.share)
    if definition.completed is not None:
        return (definition.name, *definition.completed)
    if definition.kind is not FactKind.DATE:
        return ()
    others = (definition.given_by, definition.not_after)
    return (definition.name, *(name for name in others if name is not None))


def contradictions_of(definition: FactDefinition, known: Mapping[str, Fact], today: date | None) -> list[str]:
    """What this fact says against others, and against the calendar."""
    fact = known.get(definition.name)
    if definition.share is not None:
        return _volume_contradiction(definition.name, fact, definition.share, known)
    if fact is None:
        return []
    problems = [*_age(definition, fact, known), *_calendar(definition, fact, known, today)]
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


def _age(definition: FactDefinition, fact: Fact, known: Mapping[str, Fact]) -> list[str]:
    """An age that is not the one completed between the two dates."""
    if definition.completed is None or not isinstance(fact.value, Decimal):
        return []
    years = completed_years(known, definition.completed)
    if years is None or int(fact.value) == years:
        return []
    dates = " and ".join(definition.completed)
    return [f"{definition.name}: found {plain(fact.value)}, but {dates} make {years}; correct one of them"]


def _calendar(
    definition: FactDefinition, fact: Fact, known: Mapping[str, Fact], today: date | None
) -> list[str]:
    """What is wrong with a date by itself: too long ago, or in the future.

    A date of the past that belongs to a planned entry may lie after today, if not after that entry.
    """
    day = fact.value
    if not isinstance(day, date):
        return []
    if definition.earliest is not None and day < definition.earliest:
        return [
            f"{definition.name}: found {day}, expected a date from {definition.earliest} on; check the year"
        ]
    entry = known.get(definition.not_after) if definition.not_after else None
    if today is None or entry is not None or day <= today + timedelta(days=definition.days_ahead):
        return []
    ahead = f" by more than {definition.days_ahead} days" if definition.days_ahead else ""
    return [
        f"{definition.name}: found {day}, which lies in the future{ahead} (today is {today}); check the date"
    ]


def _volume_contradiction(
    percentage: str, fact: Fact | None, names: tuple[str, str], known: Mapping[str, Fact]
) -> list[str]:
    """The volumes must make a share, and the percentage must be theirs within the rounding of all three."""
    part, whole = (None if (volume := known.get(name)) is None else volume.value for name in names)
    if not isinstance(part, Decimal) or not isinstance(whole, Decimal):
        return []
    volumes = f"{names[0]} {plain(part)} and {names[1]} {plain(whole)}"
    if whole <= 0 or part > whole:
        return [f"{names[1]}: found {volumes}; expected a volume above 0 that holds the other"]
    if fact is None or not isinstance(fact.value, Decimal):
        return []
    percent = Fraction(PERCENT)
    part_slack, whole_slack, slack = (_half_digit(value) for value in (part, whole, fact.value))
    low = percent * (Fraction(part) - part_slack) / (Fraction(whole) + whole_slack) - slack
    # A written number is at least two of its half digits, so that the whole stays above 0.
    high = percent * (Fraction(part) + part_slack) / (Fraction(whole) - whole_slack) + slack
    if low <= Fraction(fact.value) <= high:
        return []
    computed = float(percent * Fraction(part) / Fraction(whole))
    found = f"found {plain(fact.value)} %, but {volumes} make {computed:.2f} %"
    return [f"{percentage}: {found}; correct one of them"]


def _half_digit(value: Decimal) -> Fraction:
    """Half of the last digit written: what rounding may have taken."""
    digits = -int(value.as_tuple().exponent)
    return Fraction(1, 2 * 10 ** max(digits, 0))
