"""All entries of a calendar in order of days: sessions, drug days, simulation, scans, ends of follow-up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from emboplan.model.products import Status
from emboplan.model.results.schedule import EntryStatus, Event, Session
from emboplan.model.schedule import (
    Basis,
    CourseRule,
    CycleDays,
    Ends,
    EventKind,
    ProtocolSchedule,
    Said,
    VisitRule,
)
from emboplan.model.schedule_request import ScheduleRequest
from emboplan.scheduling.doses import course_amount
from emboplan.scheduling.moments import Clock
from emboplan.scheduling.sessions import Cycles, Stopped, counted_from, stopped

# On one day, what comes first: a scan or a simulation goes before the session that follows from it.
_ORDER = (EventKind.SIMULATION, EventKind.IMAGING, EventKind.SESSION, EventKind.DRUG, EventKind.FOLLOW_UP)


def cycle_count(rules: ProtocolSchedule, request: ScheduleRequest) -> int:
    """How many cycles are listed: as many as the case says, else all that the sessions' rule names."""
    if rules.cycle is None:
        return 0
    timing = rules.sessions.timing
    named = max(timing.first_cycle, *timing.later_cycles) if isinstance(timing, CycleDays) else 1
    own = max((cycle.number for cycle in request.cycle_starts), default=0)
    return max(request.cycles or named, own)


def all_events(
    rules: ProtocolSchedule,
    request: ScheduleRequest,
    start: date,
    sessions: Sequence[Session],
    *,
    clock: Clock,
    body_surface_m2: float | None = None,
) -> tuple[Event, ...]:
    """Every entry of the calendar, in order of days; on one day a scan goes before a session.

    `sessions` are those of `plan_sessions`. `body_surface_m2` turns published amounts into mg.
    """
    cycles = Cycles.of(rules, request, start)
    ended = stopped(rules, request, Ends.VISITS, clock)
    found = [_session(rules, session) for session in sessions]
    if cycles is not None:
        found += _courses(rules, request, cycles, clock, body_surface_m2)
    first = counted_from(rules, request, start, clock)
    for visit in rules.visits:
        found.append(_visit(visit, request, first, sessions, cycles))
    found += _scans(rules, request, first)
    found = [_ended(event, ended) for event in found]
    return tuple(sorted(found, key=lambda event: (event.first_day, _ORDER.index(event.kind), event.id)))


def _ended(event: Event, ended: Stopped | None) -> Event:
    visits = (EventKind.SIMULATION, EventKind.IMAGING, EventKind.FOLLOW_UP)
    if ended is None or event.kind not in visits or event.last_day < ended.day:
        return event
    if event.kind is EventKind.SIMULATION and event.first_day <= ended.day:
        # It was done: what ends the calendar on its day, or later, comes of it.
        return replace(event, last_day=min(event.last_day, ended.day))
    reason = f"{ended.rule.event} on {ended.day}"
    return replace(event, status=EntryStatus.CANCELLED, details=(*event.details, reason))


def _session(rules: ProtocolSchedule, session: Session) -> Event:
    details = []
    if session.cycle is not None:
        details.append(f"cycle {session.cycle}, day {session.cycle_day}")
    if session.territories:
        details.append(f"territories: {', '.join(session.territories)}")
    if session.amounts.drug_mg is not None:
        details.append(f"drug: {session.amounts.drug_mg:g} mg")
    if session.amounts.activity_gbq is not None:
        details.append(f"activity: {session.amounts.activity_gbq:.3g} GBq")
    if session.earliest is not None and session.latest is not None:
        details.append(f"window: {session.earliest} to {session.latest}")
    if session.reason:
        details.append(f"cancelled: {session.reason}")
    return Event(
        id=f"session-{session.number}",
        kind=EventKind.SESSION,
        title=f"{rules.sessions.title}, session {session.number}",
        first_day=session.day,
        last_day=session.day,
        status=session.status,
        said=rules.sessions.said,
        at=session.at,
        details=tuple(details),
    )


def _courses(
    rules: ProtocolSchedule,
    request: ScheduleRequest,
    cycles: Cycles,
    clock: Clock,
    body_surface_m2: float | None,
) -> Iterator[Event]:
    ended = stopped(rules, request, Ends.COURSES, clock)
    for number in range(1, cycle_count(rules, request) + 1):
        for rule in rules.courses:
            first, last = cycles.day(number, rule.first_day), cycles.day(number, rule.last_day)
            status, details = EntryStatus.PLANNED, list(_dose_words(rule, request, body_surface_m2))
            if ended is not None and first >= ended.day:
                status = EntryStatus.CANCELLED
            elif ended is not None and last >= ended.day:
                last = ended.day
            if ended is not None and last >= ended.day:
                details.append(f"ended by {ended.rule.event} on {ended.day}")
            yield Event(
                id=f"{rule.drug}-cycle-{number}",
                kind=EventKind.DRUG,
                title=f"{rule.drug.capitalize()}, cycle {number}, days {rule.first_day} to {rule.last_day}",
                first_day=first,
                last_day=last,
                status=status,
                said=rule.said,
                details=tuple(details),
            )


def _dose_words(rule: CourseRule, request: ScheduleRequest, surface_m2: float | None) -> Iterator[str]:
    amount = course_amount(rule, request)
    if amount is None:
        low, high = rule.mg_per_m2
        wide = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        yield f"published regimen: {wide} mg/m2 per {rule.per}, {rule.doses_per_day} doses a day"
        return
    yield f"{amount:g} mg/m2 per {rule.per} as the case states, {rule.doses_per_day} doses a day"
    if surface_m2 is not None:
        a_day = rule.mg_per_m2_and_day(amount) * surface_m2
        yield f"{a_day / rule.doses_per_day:.0f} mg a dose, {a_day:.0f} mg a day"


def _visit(
    rule: VisitRule,
    request: ScheduleRequest,
    start: date,
    sessions: Sequence[Session],
    cycles: Cycles | None,
) -> Event:
    details: tuple[str, ...] = ()
    anywhere = False
    if rule.at is not None:
        first = last = rule.at.after(start)
        session = next((s for s in sessions if s.number == rule.before_session), None)
        if session is not None:
            first = last = min(first, session.day) - timedelta(days=request.scan_lead_days)
            details = (f"before session {session.number} on {session.day}",)
    elif cycles is None or rule.within_cycle is None:  # refused when the table is read
        first = last = start
    elif request.simulation is not None:
        first = last = request.simulation
    else:
        first, last = cycles.first_day(rule.within_cycle), cycles.last_day(rule.within_cycle)
        anywhere = True
        details = (f"on one day of cycle {rule.within_cycle}",)
    return Event(
        id=rule.id,
        kind=rule.kind,
        title=rule.title,
        first_day=first,
        last_day=last,
        status=EntryStatus.PLANNED,
        said=rule.said,
        anywhere=anywhere,
        details=details,
    )


def _scans(rules: ProtocolSchedule, request: ScheduleRequest, start: date) -> Iterator[Event]:
    """Scans at the interval that the case gives, to the end of the longest follow-up."""
    every = request.imaging_every
    if every is None:
        return
    end = max((rule.at.after(start) for rule in rules.visits if rule.at is not None), default=start)
    own = {
        rule.at.after(start)
        for rule in rules.visits
        if rule.at is not None and rule.kind is EventKind.IMAGING
    }
    said = Said(
        f"a scan every {every}", ("case file",), "schedule.imaging_every", Status.CONFIRMED, Basis.CASE
    )
    number = 1
    while (day := every.after(start, number)) <= end:
        if day not in own:
            yield Event(
                id=f"scan-{number}",
                kind=EventKind.IMAGING,
                title=f"Scan {number}",
                first_day=day,
                last_day=day,
                status=EntryStatus.PLANNED,
                said=said,
            )
        number += 1
