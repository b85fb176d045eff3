"""The worst grade of adverse events per patient, and how many patients had each grade.

Counted is what begins in the window, and what began before it and worsened in it. A patient without an event
has grade 0; an event of unknown grade makes the patient's worst grade incomplete, never 0. Each patient is
counted once in each row. The worst grade of related events is reckoned on those events alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from emboplan.errors import CaseFileError, InputError
from emboplan.model.response import AdverseEvent
from emboplan.model.results.response import GradeRow, WorstGrade
from emboplan.response.rates import rate

OVERALL = "any adverse event"

Window = tuple[date, date | None]  # the first day and the last one, None where there is no end


@dataclass(frozen=True, slots=True)
class GradeScale:
    """The highest grade, and the grade from which on an event is severe."""

    highest: int
    severe: int


def counted_events(
    events: Sequence[AdverseEvent],
    windows: Mapping[str, Window],
    scale: GradeScale,
    *,
    related_only: bool = False,
) -> tuple[AdverseEvent, ...]:
    """The events that count in each patient's window, from its first through its last day.

    Raises:
        CaseFileError: with one line for each event of a patient without a start, each grade that does not
            exist, and, for related events, each one whose relation is not known; and one where CTCAE
            versions are mixed.
    """
    problems = event_problems(events, scale)
    problems += [f"{named(e)}: its patient has no date of first treatment; add it" for e in events
                 if e.patient not in windows]  # fmt: skip
    if related_only:
        unknown = [event for event in events if event.related is None]
        problems += [f"{named(e)}: the relation to treatment is not known; state it" for e in unknown]
    if problems:
        raise CaseFileError(problems)
    before: dict[tuple[str, str, str], AdverseEvent] = {}
    counted = []
    for event in sorted(events, key=lambda event: event.date):
        if related_only and not event.related:
            continue
        first, last = windows[event.patient]
        key = (event.patient, event.term, event.episode)
        if event.date < first:
            before[key] = event
        elif (last is None or event.date <= last) and _worsens(before.get(key), event):
            counted.append(event)
    return tuple(counted)


def worst_grade(events: Sequence[AdverseEvent], scale: GradeScale) -> WorstGrade:
    """The worst grade of one patient's counted events; 0 without any."""
    known = max((event.grade for event in events if event.grade is not None), default=0)
    unknown = any(event.grade is None for event in events)
    return WorstGrade(known, incomplete=unknown and known < scale.highest)


def worst_grades(
    events: Sequence[AdverseEvent], patients: Sequence[str], scale: GradeScale
) -> dict[str, WorstGrade]:
    """The worst grade of each patient of the safety population over all counted events."""
    mine: defaultdict[str, list[AdverseEvent]] = defaultdict(list)
    for event in events:
        mine[event.patient].append(event)
    return {patient: worst_grade(mine[patient], scale) for patient in patients}


def grade_table(
    events: Sequence[AdverseEvent], patients: Sequence[str], scale: GradeScale, *, confidence_frac: float
) -> tuple[GradeRow, ...]:
    """One row over all events, one for each organ class and one for each term; of all patients."""
    if not patients:
        raise InputError("found no treated patient; grades need at least one as denominator")
    classes: defaultdict[str, list[AdverseEvent]] = defaultdict(list)
    terms: defaultdict[str, list[AdverseEvent]] = defaultdict(list)
    for event in events:
        terms[event.term].append(event)
        if event.organ_class:
            classes[event.organ_class].append(event)
    groups = [(OVERALL, list(events)), *sorted(classes.items()), *sorted(terms.items())]
    return tuple(_row(name, found, patients, scale, confidence_frac) for name, found in groups)


def _row(
    name: str,
    events: Sequence[AdverseEvent],
    patients: Sequence[str],
    scale: GradeScale,
    confidence_frac: float,
) -> GradeRow:
    worst = list(worst_grades(events, patients, scale).values())
    complete = [found.grade for found in worst if not found.incomplete]
    severe = sum(found.grade >= scale.severe for found in worst)
    return GradeRow(
        name=name,
        counts=tuple(complete.count(grade) for grade in range(scale.highest + 1)),
        unknown=len(worst) - len(complete),
        severe=rate(severe, len(worst), confidence_frac=confidence_frac),
    )


def _worsens(earlier: AdverseEvent | None, event: AdverseEvent) -> bool:
    """Whether an event of the window counts, given the last grade of its episode before the window."""
    if earlier is None or earlier.grade is None or event.grade is None:
        return True
    return event.grade > earlier.grade


def event_problems(events: Sequence[AdverseEvent], scale: GradeScale) -> list[str]:
    """One line for each grade that does not exist, and one where versions of CTCAE are mixed."""
    problems = []
    versions = sorted({event.ctcae_version for event in events})
    if len(versions) > 1:
        told = ", ".join(version or "none" for version in versions)
        problems.append(f"adverse events: found the CTCAE versions {told}; grades of one version only")
    problems += [
        f"{named(event)}: found grade {event.grade}, expected 1 to {scale.highest} or none"
        for event in events
        if event.grade is not None and not 1 <= event.grade <= scale.highest
    ]
    return problems


def named(event: AdverseEvent) -> str:
    """What messages call an event."""
    return f"adverse event {event.term} of {event.date}"
