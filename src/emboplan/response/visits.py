"""What a protocol counts as a patient's response: the best one within a time, or the one at a visit.

The response at month 3 is the status at that visit, not the best one; the visit is the time point nearest to
the date that many calendar months after the start, within a window that the user declares. One that could be
judged goes before one that could not. A visit that is to be read before the second treatment has no such
bound where there was none: in the arm without that treatment, or after a single one. A patient without a scan
in the window counts as NE, whatever the days of treatment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from emboplan.model.results.response import BestResponse, Category, TimePointResponse, VisitResponse
from emboplan.response.calendar import months_later
from emboplan.response.endpoint_sets import ResponseRule, Scope
from emboplan.response.endpoints import PatientData

Best = Callable[[Sequence[TimePointResponse]], BestResponse]


def visit_response(
    rule: ResponseRule, data: PatientData, start: date | None, *, window_d: int | None, best: Best
) -> VisitResponse:
    """The answer of one rule for one patient; `best` gives the best response over time points.

    `start` may be None for a patient without any time point, for whom there is nothing to choose from.
    """
    if rule.at_month is not None:
        return _at_month(rule, data, start, rule.at_month, window_d)
    points = data.points
    if rule.within_months is not None and start is not None:
        end = months_later(start, rule.within_months)
        points = tuple(p for number, p in enumerate(points) if number == 0 or p.date <= end)
    found = best(points)
    return _answer(rule, found.hepatic if rule.scope is Scope.HEPATIC else found.overall, None)


def _at_month(
    rule: ResponseRule, data: PatientData, start: date | None, month: int, window_d: int | None
) -> VisitResponse:
    later = data.points[1:]
    away = {} if start is None else {p.date: abs((p.date - months_later(start, month)).days) for p in later}
    near = [point for point in later if window_d is None or away[point.date] <= window_d]
    missing = [] if window_d is not None else ["visit_window_days"]
    if near and rule.before_second_treatment and data.course.treatment_dates is None:
        missing.append("treatment_dates")
    if missing:
        return VisitResponse(
            rule.id, rule.scope.value, None, None, None, rule.definition, rule.place, tuple(missing)
        )
    treatments = data.course.treatments
    second = treatments[1] if rule.before_second_treatment and len(treatments) > 1 else None
    inside = [point for point in near if second is None or point.date <= second]
    if not inside:
        return _answer(rule, Category.NE, None)
    visit = min(inside, key=lambda p: (_status(rule, p) in (None, Category.NE), away[p.date], p.date))
    return _answer(rule, _status(rule, visit), visit.date)


def _status(rule: ResponseRule, point: TimePointResponse) -> Category | None:
    return (point.hepatic_point if rule.scope is Scope.HEPATIC else point.overall_point).overall


def visit_remarks(
    rules: Sequence[ResponseRule], answers: Sequence[VisitResponse], data: PatientData
) -> Iterator[str]:
    """What a reader must know of responses at visits: one after progression, and one scan read twice."""
    served: dict[date, str] = {}
    for rule, answer in zip(rules, answers, strict=True):
        if answer.date is None:
            continue
        progressed = [p.date for p in data.points if _status(rule, p) is Category.PD]
        first = min(progressed, default=answer.date)
        if answer.counts and first < answer.date:
            yield (
                f"{rule.id}: the status on {answer.date} is {answer.category}, after progression on "
                f"{first}. It counts, as the status at the visit; have it looked at."
            )
        if answer.date in served:
            yield (
                f"{served[answer.date]} and {rule.id} are read from the same scan of {answer.date}; "
                "declare a shorter visit window."
            )
        served.setdefault(answer.date, rule.id)


def _answer(rule: ResponseRule, category: Category | None, day: date | None) -> VisitResponse:
    return VisitResponse(
        id=rule.id,
        scope=rule.scope.value,
        category=category,
        counts=category in rule.counts,
        date=day,
        definition=rule.definition,
        place=rule.place,
    )
