"""Times to an event of one patient: overall survival, progression-free survival and their kin.

An event before anything that censors counts; else the time ends where the endpoint says. New anticancer
therapy censors at the last assessment before it, unless the rule counts it as an event. Without any
assessment after the start the time is censored at day 1. A time of 0 days is an event on the day of the start
and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from emboplan.model.response import Course
from emboplan.model.results.response import Category, ScopePoint, TimePointResponse, TimeToEvent
from emboplan.response.calendar import months_later
from emboplan.response.endpoint_sets import CensorAt, Event, Scope, TimeRule

BASELINE = "baseline"
DAY_ONE = 1  # the first day of follow-up: where a time without any assessment ends
NEW_THERAPY = "new anticancer therapy"
NO_EVENT = TimeToEvent("", None, None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class PatientData:
    """What the endpoints of a patient are counted from; `missed_from` missed visits are too many.

    `points` are the baseline and the visits after it, none for a patient without any reads.
    """

    course: Course
    points: tuple[TimePointResponse, ...]
    missed_from: int

    @property
    def baseline_date(self) -> date | None:
        """The day of the baseline scan, None where there was none."""
        return self.points[0].date if self.points else None

    def scope(self, scope: Scope) -> tuple[ScopePoint, ...]:
        """The time points after the baseline, judged on all disease or on the liver."""
        hepatic = scope is Scope.HEPATIC
        return tuple(p.hepatic_point if hepatic else p.overall_point for p in self.points[1:])

    def last_alive(self, start: date) -> date:
        """The last day on which the patient is known to be alive: that of the start, or a later one."""
        course = self.course
        known = [start, *(point.date for point in self.points), *(course.treatment_dates or ())]
        known += [record.date for record in course.symptoms]
        days = (course.first_treatment_date, course.first_tare_date, course.randomisation_date)
        others = (course.cycle_1_day_1_date, course.new_therapy_date, course.last_alive_date)
        return max(known + [day for day in (*days, *others) if day is not None])


def time_to_event(rule: TimeRule, data: PatientData) -> TimeToEvent:
    """One time by its rule; the event is None, and `missing` filled, where it cannot be told."""
    name, start = _start(rule, data)
    if start is None:
        return replace(NO_EVENT, start=name, missing=(name,))
    if Event.SYMPTOM_RETURN in rule.events:
        return _symptom_interval(name, start, data)
    return _counted(rule, data, name, start)


def _start(rule: TimeRule, data: PatientData) -> tuple[str, date | None]:
    for name in rule.start:
        day = getattr(data.course, name)
        if isinstance(day, date):
            return name.removesuffix("_date"), day
    if rule.start == ("symptom_relief_date",):
        return rule.start[0], _relief(data)
    return BASELINE, data.baseline_date


def _events(rule: TimeRule, data: PatientData) -> list[tuple[date, Event]]:
    """Every event that happened, of those that the rule names and those that compete; the first one first."""
    course = data.course
    days = {
        Event.DEATH: course.death_date,
        Event.NEW_THERAPY: course.new_therapy_date,
        Event.PROGRESSION: _progression(data.scope(Scope.OVERALL)),
        Event.HEPATIC_PROGRESSION: _progression(data.scope(Scope.HEPATIC)),
    }
    wanted = (*rule.events, *rule.competing)
    order = list(Event)  # of one day, progression goes before death
    found = [(day, event) for event in wanted if (day := days.get(event)) is not None]
    return sorted(found, key=lambda pair: (pair[0], order.index(pair[1])))


def _progression(points: Sequence[ScopePoint]) -> date | None:
    return next((point.progression_date for point in points if point.overall is Category.PD), None)


def _counted(rule: TimeRule, data: PatientData, name: str, start: date) -> TimeToEvent:
    found = _events(rule, data)
    if found and found[0][0] < start:
        missing = (f"{name}: {found[0][1]} on {found[0][0]} lies before the start",)
        return replace(NO_EVENT, start=name, start_date=start, missing=missing)
    bound, reason = _bound(rule, data, start)
    counted = [pair for pair in found if bound is None or pair[0] <= bound]
    if counted and not (rule.censor_missed and _missed(rule, data, start, counted[0][0])):
        day, event = counted[0]
        competing = event not in rule.events
        days = (day - start).days
        return TimeToEvent(name, start, day, days, not competing, event.value, None, competing=competing)
    if counted:
        # The scan that shows the event is no look before it.
        bound, reason = counted[0][0] - timedelta(days=DAY_ONE), "assessments were missed before the event"
    return _censored(rule, data, (name, start), (bound, reason))


def _bound(rule: TimeRule, data: PatientData, start: date) -> tuple[date | None, str]:
    """The last day on which an event counts, and why; None where nothing bounds the time."""
    bounds: list[tuple[date, str]] = []
    course = data.course
    of_lesions = rule.censor in (CensorAt.LAST_ASSESSMENT, CensorAt.LAST_LIVER_IMAGING)
    if course.new_therapy_date is not None and of_lesions and Event.NEW_THERAPY not in rule.events:
        bounds.append((course.new_therapy_date, NEW_THERAPY))
    if rule.censor_at_months is not None:
        end = months_later(start, rule.censor_at_months)
        bounds.append((end, f"{rule.censor_at_months} months after the start"))
    if course.end_of_trial_date is not None:
        bounds.append((course.end_of_trial_date, "end of trial"))
    if course.data_cutoff_date is not None:
        bounds.append((course.data_cutoff_date, "data cut-off"))
    return min(bounds, default=(None, ""))


def _censored(
    rule: TimeRule, data: PatientData, start: tuple[str, date], bound: tuple[date | None, str]
) -> TimeToEvent:
    """A time without an event: it ends at the last look of the kind that the rule names."""
    (name, began), (limit, reason) = start, bound
    if rule.censor is CensorAt.LAST_ALIVE:
        day = data.course.death_date or data.last_alive(began)
        bounded = limit is not None and limit < day
        last = limit if bounded and limit is not None else day
        why = reason if bounded else "last known alive"
    else:
        looks = _looks(rule, data)
        counted = [day for day in looks if limit is None or day <= limit]
        last = counted[-1] if counted else began
        looked = "liver imaging" if rule.censor is CensorAt.LAST_LIVER_IMAGING else "adequate assessment"
        why = f"last {looked}"
        if limit is not None and _followed_to(limit, data, began):
            why = f"{reason}; {why} before it"
    if last <= began:
        first_day = began + timedelta(days=DAY_ONE)
        why = f"{reason}; day 1" if reason == NEW_THERAPY else "no assessment after the start; day 1"
        return TimeToEvent(name, began, first_day, DAY_ONE, event=False, event_kind=None, censor_reason=why)
    days = (last - began).days
    return TimeToEvent(name, began, last, days, event=False, event_kind=None, censor_reason=why)


def _followed_to(limit: date, data: PatientData, start: date) -> bool:
    """Whether the patient is known to have reached the bound, so that the bound is what ended the time."""
    alive = data.last_alive(start)
    return max(alive, data.course.death_date or alive) >= limit


def _looks(rule: TimeRule, data: PatientData) -> list[date]:
    """The days of the time points at which the disease in question could be judged."""
    hepatic = rule.censor is CensorAt.LAST_LIVER_IMAGING
    points = data.scope(Scope.HEPATIC if hepatic else Scope.OVERALL)
    return [point.date for point in points if point.overall is not Category.NE]


def _missed(rule: TimeRule, data: PatientData, start: date, event: date) -> bool:
    """Whether so many visits in a row were missed before the event that it says little of when it came."""
    interval = data.course.assessment_interval_days
    if interval is None:
        return False
    last = max([start, *(day for day in _looks(rule, data) if day < event)])
    return ((event - last).days - 1) // interval >= data.missed_from


def _relief(data: PatientData) -> date | None:
    """The first day of treatment or after it on which the symptoms were less severe than at baseline."""
    before, treated = data.course.symptom_baseline_severity, data.course.first_treatment_date
    if before is None:
        return None
    records = sorted(data.course.symptoms, key=lambda record: record.date)
    after = [record for record in records if treated is None or record.date >= treated]
    return next((record.date for record in after if record.severity < before), None)


def _symptom_interval(name: str, relief: date, data: PatientData) -> TimeToEvent:
    """From documented relief to the return of the severity at baseline, or to the last record."""
    before = data.course.symptom_baseline_severity
    if before is None:
        missing = ("symptom_baseline_severity",)
        return replace(NO_EVENT, start=name, start_date=relief, missing=missing)
    records = sorted(data.course.symptoms, key=lambda record: record.date)
    later = [record for record in records if record.date > relief]
    returned = next((record.date for record in later if record.severity >= before), None)
    if returned is not None:
        days = (returned - relief).days
        return TimeToEvent(
            name,
            relief,
            returned,
            days,
            event=True,
            event_kind=Event.SYMPTOM_RETURN.value,
            censor_reason=None,
        )
    last = later[-1].date if later else relief + timedelta(days=DAY_ONE)
    why = "last symptom record" if later else "no symptom record after relief; day 1"
    return TimeToEvent(
        name, relief, last, (last - relief).days, event=False, event_kind=None, censor_reason=why
    )
