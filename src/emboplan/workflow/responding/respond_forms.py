"""Quality of life and adverse events beside the response: forms and events of patients to scores and grades.

Both are counted in the windows of the protocol. The baseline of a patient's forms is the last one on or
before the start; without one there is no change to tell, and a finding says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from emboplan.errors import CaseFileError
from emboplan.model.response import AdverseEvent, Course, Form
from emboplan.model.results.response import QualityOfLife, QualityVisit, Toxicity
from emboplan.response.endpoint_sets import WindowRule
from emboplan.response.form_rows import events_from_rows, forms_from_rows
from emboplan.response.qlq_c30 import QlqScores, Questionnaire, change_in_words, changes, qlq_scores
from emboplan.response.reads import Problems
from emboplan.response.toxicity import counted_events, event_problems, grade_table, worst_grades
from emboplan.workflow.responding.respond_inputs import ReadsTable, Row, read_rows
from emboplan.workflow.responding.respond_rules import ResponseRules

Rows = Path | str | Sequence[Row]


def read_forms(given: Rows | None, rules: ResponseRules, problems: Problems) -> tuple[Form, ...]:
    """The questionnaires of a file, or of rows."""
    if given is None:
        return ()
    table = _rows(given, "questionnaires", problems)
    forms = forms_from_rows(table.rows, tuple(rules.questionnaire.item_ranges), table.where, problems)
    _not_after(((form.where, form.date) for form in forms), rules, problems)
    return forms


def read_events(given: Rows | None, rules: ResponseRules, problems: Problems) -> tuple[AdverseEvent, ...]:
    """The adverse events of a file, or of rows."""
    if given is None:
        return ()
    table = _rows(given, "adverse events", problems)
    events = events_from_rows(table.rows, table.where, problems)
    _not_after(((f"adverse event {event.term}", event.date) for event in events), rules, problems)
    problems.lines += event_problems(events, rules.grades)
    return events


def _rows(given: Rows, name: str, problems: Problems) -> ReadsTable:
    if isinstance(given, str | Path):
        return read_rows(Path(given), mistakes=problems.lines)
    return ReadsTable(tuple(given), tuple(f"{name}: row {number}" for number in range(1, len(given) + 1)))


def _not_after(days: Iterator[tuple[str, date]], rules: ResponseRules, problems: Problems) -> None:
    as_of = rules.options.last_day
    for where, day in days:
        if as_of is not None and day > as_of:
            problems.add(f"{where}: date", f"found {day}, which is after {as_of}, the day of the data")


def quality_of_life(
    forms: Sequence[Form], course: Course, rules: ResponseRules, fallback: date | None
) -> tuple[QualityOfLife | None, tuple[str, ...]]:
    """The scores of one patient's forms and their changes, with what a reader must know.

    `fallback` is the start where the course states none. Without either there is no change and no window.
    """
    window = rules.protocol.questionnaire or rules.general.questionnaire
    if not forms or window is None:
        return None, ()
    start = window.start_of(course) or fallback
    ordered = sorted(forms, key=lambda form: form.date)
    early = [form for form in ordered if start is not None and form.date <= start]
    baseline = early[-1] if early else None
    scored = {form.date: qlq_scores(form.answers, rules.questionnaire) for form in ordered}
    last = None if start is None else window.last_day(start)
    visits = tuple(
        _visit(day, scores, None if baseline is None or day <= baseline.date else scored[baseline.date],
               rules.questionnaire, in_window=None if start is None else last is None or day <= last)
        for day, scores in scored.items()
    )  # fmt: skip
    result = QualityOfLife(
        version=rules.questionnaire.version,
        title=window.title,
        definition=window.definition,
        place=window.place,
        baseline_date=None if baseline is None else baseline.date,
        visits=visits,
    )
    return result, tuple(_quality_findings(result, start))


def _visit(
    day: date, scores: QlqScores, before: QlqScores | None, form: Questionnaire, *, in_window: bool | None
) -> QualityVisit:
    change = None if before is None else changes(before, scores)
    words = None
    if change is not None:
        words = {name: change_in_words(name, by, form) for name, by in change.items() if by is not None}
    return QualityVisit(
        day, in_window, scores.scales, scores.summary, scores.invalid_items, change, changes_in_words=words
    )


def _quality_findings(result: QualityOfLife, start: date | None) -> Iterator[str]:
    if start is None:
        yield "No start of the questionnaires is known: neither changes nor the window can be told."
    elif result.baseline_date is None:
        yield f"No questionnaire is dated on or before the start ({start}): changes cannot be told."
    for visit in result.visits:
        if visit.invalid_items:
            items = ", ".join(str(item) for item in visit.invalid_items)
            yield f"Questionnaire of {visit.date}: answers out of range count as missing (items {items})."
    outside = [str(visit.date) for visit in result.visits if visit.in_window is False]
    if outside:
        yield f"Questionnaires after the window of the protocol: {', '.join(outside)}."


def toxicity(
    events: Sequence[AdverseEvent] | None, courses: Mapping[str, Course], rules: ResponseRules
) -> tuple[Toxicity | None, tuple[str, ...]]:
    """Worst grades and tables of the safety population: the patients of `courses` who have a start.

    Raises:
        CaseFileError: one line for each event of a patient without a start, each impossible grade, and mixed
            versions of CTCAE.
    """
    window = rules.protocol.toxicity or rules.general.toxicity
    if events is None or window is None:
        return None, ()
    windows = _windows(window, courses)
    if not windows:
        starts = " or ".join(window.start)
        raise CaseFileError([f"adverse events: no patient has a start of treatment; give {starts}"])
    patients, scale = sorted(windows), rules.grades
    counted = counted_events(events, windows, scale)
    unrelated = sum(event.related is None for event in events)
    related = None if unrelated else counted_events(events, windows, scale, related_only=True)
    confidence = rules.confidence_frac
    result = Toxicity(
        title=window.title,
        definition=window.definition,
        place=window.place,
        ctcae_version=events[0].ctcae_version if events else "",
        worst=worst_grades(counted, patients, scale),
        table=grade_table(counted, patients, scale, confidence_frac=confidence),
        related_worst=None if related is None else worst_grades(related, patients, scale),
        related_table=None
        if related is None
        else grade_table(related, patients, scale, confidence_frac=confidence),
    )
    return result, tuple(_toxicity_findings(result, events, unrelated, sorted(set(courses) - set(windows))))


def _windows(window: WindowRule, courses: Mapping[str, Course]) -> dict[str, tuple[date, date | None]]:
    starts = {patient: window.start_of(course) for patient, course in courses.items()}
    return {patient: (day, window.last_day(day)) for patient, day in starts.items() if day is not None}


def _toxicity_findings(
    result: Toxicity, events: Sequence[AdverseEvent], unrelated: int, left_out: Sequence[str]
) -> Iterator[str]:
    if unrelated:
        yield (
            f"The relation to treatment of {unrelated} adverse events is not stated: there is no table of "
            "related events."
        )
    if events and not result.ctcae_version:
        yield "The CTCAE version of the adverse events is not stated."
    if left_out:
        yield f"Without a start of treatment, not in the safety population: {len(left_out)} patients."
