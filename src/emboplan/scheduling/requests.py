"""What a case's schedule must not say: one line for each mistake, all at once.

Mistakes of single values, such as a text where a date belongs, are found when the case file is read; here are
those that need the protocol's rules, or two values side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from emboplan.errors import InputError
from emboplan.model.schedule import ArmRule, CycleDays, Extent, Offsets, ProtocolSchedule, Technique
from emboplan.model.schedule_request import ScheduleRequest, SessionTerritory, day_of
from emboplan.scheduling.moments import zone_of

# Years that a treatment can be in; beyond them a year is a slip of the keyboard.
FIRST_YEAR, LAST_YEAR = 1970, 2199
MONTHS = 12  # of a year, looked at for the offsets of its seasons


def open_arms(rules: ProtocolSchedule) -> tuple[ArmRule, ...]:
    """The arms in which a patient may be scheduled."""
    return tuple(arm for arm in rules.arms if arm.closed is None)


def chosen_arm(rules: ProtocolSchedule, request: ScheduleRequest) -> ArmRule | None:
    """The arm of the case, or the only one; None where it is missing, unknown or closed."""
    if request.arm is not None:
        arm = rules.arm(request.arm)
        return None if arm is None or arm.closed is not None else arm
    return rules.arms[0] if len(rules.arms) == 1 else None


def session_limit(rules: ProtocolSchedule) -> int | None:
    """The largest number of sessions that the rules have a day for; None where there is no such number."""
    timing = rules.sessions.timing
    if isinstance(timing, Offsets):
        return len(timing.periods)
    return 1 + len(timing.later_cycles) if isinstance(timing, CycleDays) else None


def problems(
    request: ScheduleRequest, rules: ProtocolSchedule | None, territories: Sequence[SessionTerritory] = ()
) -> list[str]:
    """One line for each mistake, with its key; `rules` None checks what needs no protocol."""
    found = [*_start(request, rules), *_moments(request), *_recorded(request), *_cycle_days(request)]
    found += _territories(territories)
    if rules is not None:
        arm = chosen_arm(rules, request)
        found += [*_arm(request, rules), *_numbers(request, rules, territories), *_cycles(request, rules)]
        found += [*_events(request, rules), *_amounts(request, arm)]
    return found + list(_names(request, territories))


def _start(request: ScheduleRequest, rules: ProtocolSchedule | None) -> Iterator[str]:
    if request.start is None:
        what = "first day of treatment" if rules is None else rules.start
        yield f"schedule.start: not found; give the {what}, such as start = 2026-01-05"
    days = [("start", request.start), ("simulation", request.simulation), ("issued", request.issued)]
    days += [(f"session[{n}].date", recorded.when) for n, recorded in enumerate(request.recorded)]
    days += [(f"cycle[{n}].date", cycle.day) for n, cycle in enumerate(request.cycle_starts)]
    days += [(f"event[{n}].date", event.day) for n, event in enumerate(request.events)]
    for key, day in days:
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            yield (
                f"schedule.{key}: found the year {day.year}; expected one from {FIRST_YEAR} to {LAST_YEAR}"
            )


def _moments(request: ScheduleRequest) -> Iterator[str]:
    timed = [("schedule.start", request.start)]
    timed += [(f"schedule.session[{n}].date", recorded.when) for n, recorded in enumerate(request.recorded)]
    hours = False
    for where, when in timed:
        if isinstance(when, datetime):
            hours = True
            if when.utcoffset() is None:
                yield (
                    f"{where}: found {when.isoformat()} without a time zone; expected a date, or a date and "
                    f"time with one ({when.isoformat()}+01:00)"
                )
    if hours and request.zone is None:
        yield (
            "schedule.zone: not found; a time of day needs the name of its zone, such as Europe/Rome: an "
            "offset alone does not know daylight saving"
        )
    if request.zone is not None:
        try:
            zone = zone_of(request.zone)
        except InputError as error:
            yield f"schedule.zone: {error}"
        else:
            yield from _offsets(timed, zone)
    if request.session_hours is not None and not isinstance(request.start, datetime):
        yield "schedule.session_length: found without a time of day; give start with a time, or leave it out"


def _offsets(timed: Sequence[tuple[str, date | datetime | None]], zone: ZoneInfo) -> Iterator[str]:
    """An offset that the place has in another season: which hour is meant is not known.

    An offset that the place never has is that of another place; the moment is the same.
    """
    for where, when in timed:
        if not isinstance(when, datetime) or when.utcoffset() is None:
            continue
        there = when.astimezone(zone)
        seasons = {there.replace(month=month, day=1, fold=0).utcoffset() for month in range(1, MONTHS + 1)}
        if when.utcoffset() != there.utcoffset() and when.utcoffset() in seasons:
            meant = when.replace(tzinfo=zone)
            yield (
                f"{where}: found {when.isoformat()}, but {zone.key} is at {there.isoformat()[-6:]} on that "
                f"day; expected {meant.isoformat()}, or {there.isoformat()}"
            )


def _recorded(request: ScheduleRequest) -> Iterator[str]:
    numbers = [recorded.number for recorded in request.recorded]
    for double in sorted({number for number in numbers if numbers.count(number) > 1}):
        yield f"schedule.session: session {double} is recorded twice; give each once"
    done = sorted(recorded.number for recorded in request.recorded if recorded.done)
    absent = sorted(set(range(1, max(done, default=0))) - set(done))
    if absent:
        yield (
            f"schedule.session: session {done[-1]} is done, but session {absent[0]} is not; number the "
            "sessions in the order in which they were done"
        )
    start = None if request.start is None else day_of(request.start)
    before: tuple[int, date] | None = None
    for number, recorded in sorted(enumerate(request.recorded), key=lambda item: item[1].number):
        where, day = f"schedule.session[{number}].date", day_of(recorded.when)
        if before is not None and before[0] != recorded.number and day <= before[1]:
            yield (
                f"{where}: session {recorded.number} is on {day}, not after session {before[0]} on "
                f"{before[1]}; expected the sessions in order"
            )
        if start is not None and day < start:
            yield f"{where}: found {day}, before the start on {start}; check both"
        if recorded.done and request.issued is not None and day > request.issued:
            yield f"{where}: done on {day}, after this calendar was issued ({request.issued}); check both"
        before = (recorded.number, day)


def _territories(territories: Sequence[SessionTerritory]) -> Iterator[str]:
    numbers = {territory.session for territory in territories}
    absent = sorted(set(range(1, max(numbers, default=0))) - numbers)
    if absent:
        yield (
            f"territory: sessions {', '.join(map(str, sorted(numbers)))} are named, but no territory has "
            f"session {absent[0]}; number the sessions without a gap"
        )


def _names(request: ScheduleRequest, territories: Sequence[SessionTerritory]) -> Iterator[str]:
    known = [territory.name for territory in territories]
    for number, recorded in enumerate(request.recorded):
        for name in recorded.territories:
            if name not in known:
                listed = ", ".join(known) if known else "none"
                yield f'schedule.session[{number}].territories: no territory "{name}"; there are: {listed}'


def _arm(request: ScheduleRequest, rules: ProtocolSchedule) -> Iterator[str]:
    listed = ", ".join(arm.id for arm in open_arms(rules))
    if request.arm is None:
        if len(rules.arms) > 1:
            yield f"schedule.arm: not found; {rules.name} has the arms {listed}"
        return
    arm = rules.arm(request.arm)
    if arm is None:
        yield f'schedule.arm: found "{request.arm}"; {rules.name} has {listed}'
    elif arm.closed is not None:
        yield (
            f'schedule.arm: "{request.arm}" cannot be scheduled, since the arm is closed: {arm.closed}; '
            f"open: {listed}"
        )


def _numbers(
    request: ScheduleRequest, rules: ProtocolSchedule, territories: Sequence[SessionTerritory]
) -> Iterator[str]:
    rule, limit = rules.sessions, session_limit(rules)
    needed = max((territory.session for territory in territories), default=0)
    if request.sessions is not None:
        if rule.extent is Extent.FIXED and request.sessions != limit:
            yield f"schedule.sessions: found {request.sessions}; {rules.name} has {limit}, leave it out"
        elif rule.extent is Extent.UNTIL_TREATED and needed and request.sessions != needed:
            yield (
                f"schedule.sessions: found {request.sessions}, but the territories are treated in {needed}; "
                "leave it out, or number the territories' sessions"
            )
        elif limit is not None and request.sessions > limit:
            yield f"schedule.sessions: found {request.sessions}; {rules.name} has days for {limit}"
    if limit is not None and needed > limit:
        yield f"territory: session {needed} is named, but {rules.name} has days for {limit} sessions"
    for number, recorded in enumerate(request.recorded):
        if limit is not None and recorded.number > limit:
            yield (
                f"schedule.session[{number}].number: found {recorded.number}; {rules.name} has days for "
                f"{limit} sessions"
            )


def _cycles(request: ScheduleRequest, rules: ProtocolSchedule) -> Iterator[str]:
    timing = rules.sessions.timing
    stated = {
        "cycles": request.cycles,
        "cycle": request.cycle_starts or None,
        "course_mg_per_m2": request.course_mg_per_m2 or None,
    }
    if rules.cycle is None:
        for key, value in stated.items():
            if value is not None:
                yield f"schedule.{key}: found, but {rules.name} has no drug cycles; leave it out"
    if request.later_cycle is not None:
        if not isinstance(timing, CycleDays):
            yield f"schedule.later_cycle: found, but {rules.name} has no sessions in cycles; leave it out"
        elif request.later_cycle not in timing.later_cycles:
            listed = " or ".join(map(str, timing.later_cycles))
            yield f"schedule.later_cycle: found {request.later_cycle}; expected {listed}"
    if request.simulation is not None and not any(visit.within_cycle for visit in rules.visits):
        yield f"schedule.simulation: found, but {rules.name} names no simulation; leave it out"
    if request.scan_lead_days and not any(visit.before_session for visit in rules.visits):
        yield f"schedule.scan_lead_days: found, but {rules.name} has no scan before a session; leave it out"
    drugs = [course.drug for course in rules.courses]
    for drug in request.course_mg_per_m2:
        if rules.courses and drug not in drugs:
            yield f'schedule.course_mg_per_m2: found "{drug}"; {rules.name} has {", ".join(drugs)}'


def _cycle_days(request: ScheduleRequest) -> Iterator[str]:
    numbers = [cycle.number for cycle in request.cycle_starts]
    for double in sorted({number for number in numbers if numbers.count(number) > 1}):
        yield f"schedule.cycle: cycle {double} is given twice; give each once"
    ordered = sorted(request.cycle_starts, key=lambda cycle: cycle.number)
    for former, later in pairwise(ordered):
        if later.day <= former.day:
            yield (
                f"schedule.cycle: cycle {later.number} starts on {later.day}, not after cycle "
                f"{former.number} on {former.day}; expected the cycles in order"
            )
    if request.start is not None:
        for number, cycle in enumerate(request.cycle_starts):
            start = day_of(request.start)
            if cycle.number == 1 and cycle.day != start:
                yield f"schedule.cycle[{number}].date: cycle 1 starts on {cycle.day}, start says {start}"
            elif cycle.day < start:
                yield f"schedule.cycle[{number}].date: found {cycle.day}, before the start on {start}"


def _events(request: ScheduleRequest, rules: ProtocolSchedule) -> Iterator[str]:
    known = ", ".join(rules.events) or "none"
    for number, event in enumerate(request.events):
        where = f"schedule.event[{number}]"
        if event.event not in rules.events:
            yield f'{where}.event: found "{event.event}"; the rules of {rules.name} know: {known}'
        if request.start is not None and event.day < day_of(request.start):
            yield f"{where}.date: found {event.day}, before the start on {day_of(request.start)}"


def _amounts(request: ScheduleRequest, arm: ArmRule | None) -> Iterator[str]:
    if arm is None:
        return
    if arm.technique is Technique.NONE and (request.recorded or request.sessions):
        yield f"schedule: found sessions, but the arm {arm.id} has none; leave them out"
    dosed = request.drug_mg is not None or any(r.drug_mg is not None for r in request.recorded)
    if dosed and arm.drug is None:
        yield f"schedule.drug_dose: found, but the arm {arm.id} gives no drug in a session; leave it out"
    active = any(recorded.activity_gbq is not None for recorded in request.recorded)
    if active and arm.technique is not Technique.TARE:
        yield f"schedule.session.activity: found, but the arm {arm.id} gives no activity; leave it out"
