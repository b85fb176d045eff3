"""What to look at in a calendar: days too close, out of their window, on a weekend, after a stop.

Nothing here moves a day. Each point is a finding for people to decide on, with the rule that it comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from emboplan.model.finding import Finding, Severity
from emboplan.model.results.schedule import WEEKDAYS, EntryStatus, Event, Session
from emboplan.model.schedule import Ends, EventKind, Every, ProtocolSchedule
from emboplan.model.schedule_request import ScheduleRequest, SessionTerritory
from emboplan.scheduling.moments import Clock
from emboplan.scheduling.sessions import FIRST, Cycles, stopped

# The first day of the weekend, as Python counts the days of a week.
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """What is looked at: the rules, the case and the entries that follow from them."""

    rules: ProtocolSchedule
    request: ScheduleRequest
    start: date
    clock: Clock
    sessions: Sequence[Session]
    events: Sequence[Event]
    territories: Sequence[SessionTerritory]


def conflicts(found: Calendar) -> Iterator[Finding]:
    """Findings about days; those about rules and amounts are in `remarks`."""
    yield from _free_days(found)
    yield from _intervals(found)
    yield from _shifts(found)
    yield from _order(found)
    yield from _cycles(found)
    yield from _after_the_end(found)
    yield from _left_over(found)


def _warning(name: str, text: str, source: str = "") -> Finding:
    return Finding(f"schedule-{name}", Severity.WARNING, text, source)


def _info(name: str, text: str, source: str = "") -> Finding:
    return Finding(f"schedule-{name}", Severity.INFO, text, source)


def _source(rules: ProtocolSchedule) -> str:
    return ", ".join(rules.sessions.said.source)


def _free_days(found: Calendar) -> Iterator[Finding]:
    """Weekends and the case's holidays: told, never moved."""
    wanted = (EventKind.SESSION, EventKind.IMAGING, EventKind.SIMULATION)
    for event in found.events:
        if event.kind not in wanted or event.anywhere or event.status in _SETTLED:
            continue
        day = event.first_day
        if day in found.request.holidays:
            yield _warning("holiday", f"{event.title}: {day} is a holiday of the case; the day was not moved")
        elif day.weekday() >= SATURDAY:
            weekday = WEEKDAYS[day.weekday()]
            yield _warning("weekend", f"{event.title}: {day} is a {weekday}; the day was not moved")


_SETTLED = (EntryStatus.DONE, EntryStatus.CANCELLED)


def _intervals(found: Calendar) -> Iterator[Finding]:
    counted = [session for session in found.sessions if session.status is not EntryStatus.CANCELLED]
    timing = found.rules.sessions.timing
    for former, later in pairwise(counted):
        days = (later.day - former.day).days
        if isinstance(timing, Every) and later.day < timing.period.after(former.day):
            yield _warning(
                "interval",
                f"session {later.number} on {later.day} is {days} days after session {former.number}; the "
                f"protocol's interval is {timing.period}",
                _source(found.rules),
            )
        elif later.day <= former.day:
            yield _warning(
                "sessions-out-of-order",
                f"session {later.number} on {later.day} is not after session {former.number} on "
                f"{former.day}; give the days of the sessions that moved",
            )


def _shifts(found: Calendar) -> Iterator[Finding]:
    counts_on = isinstance(found.rules.sessions.timing, Every)
    recorded = {session.number for session in found.request.recorded}
    for session in found.sessions:
        shift = (session.day - session.protocol_date).days
        if session.number not in recorded or shift == 0:
            continue
        side = "later" if shift > 0 else "earlier"
        days = f"{abs(shift)} day{'' if abs(shift) == 1 else 's'}"
        text = f"session {session.number} on {session.day} is {days} {side} than the protocol's day"
        text += f" ({session.protocol_date})"
        if counts_on:
            text += "; the sessions after it count on from it"
        window = found.request.window_days
        if window is not None and abs(shift) > window:
            yield _warning("window", f"{text}; the case allows {window} days", "case file")
        else:
            yield _info("shift", text)


def _order(found: Calendar) -> Iterator[Finding]:
    first = next((s for s in found.sessions if s.number == FIRST), None)
    for event in found.events:
        if event.kind is EventKind.SIMULATION and not event.anywhere and first is not None:
            if event.first_day >= first.day:
                yield _warning(
                    "simulation-late",
                    f"simulation on {event.first_day} is not before session {first.number} on {first.day}",
                    ", ".join(event.said.source),
                )
            within = next((v.within_cycle for v in found.rules.visits if v.id == event.id), None)
            cycles = Cycles.of(found.rules, found.request, found.start)
            if within is not None and cycles is not None:
                low, high = cycles.first_day(within), cycles.last_day(within)
                if not low <= event.first_day <= high:
                    yield _warning(
                        "simulation-cycle",
                        f"simulation on {event.first_day} is not in cycle {within} ({low} to {high})",
                        ", ".join(event.said.source),
                    )
        same = next((s for s in found.sessions if s.day == event.first_day), None)
        if event.kind is EventKind.IMAGING and same is not None and same.status not in _SETTLED:
            yield _info(
                "scan-first",
                f"{event.title}: on the day of session {same.number}, {same.day}; the scan comes first",
            )


def _cycles(found: Calendar) -> Iterator[Finding]:
    cycles = Cycles.of(found.rules, found.request, found.start)
    if cycles is None:
        return
    for number, day in cycles.own:
        if number == FIRST:
            continue
        apart = (day - cycles.first_day(number - 1)).days
        if apart < cycles.length_days:
            yield _warning(
                "cycle-early",
                f"cycle {number} starts {apart} days after cycle {number - 1}; a cycle has "
                f"{cycles.length_days} days",
                "" if found.rules.cycle is None else ", ".join(found.rules.cycle.said.source),
            )


def _after_the_end(found: Calendar) -> Iterator[Finding]:
    ended = stopped(found.rules, found.request, Ends.SESSIONS, found.clock)
    issued = found.request.issued
    follow_up = found.rules.sessions.follow_up
    end = None if follow_up is None else follow_up.after(found.start)
    for session in found.sessions:
        if ended is not None and session.status is EntryStatus.DONE and session.day > ended.day:
            yield _warning(
                "after-stop",
                f"session {session.number} was done on {session.day}, after {ended.rule.event} on "
                f"{ended.day}: {ended.rule.said.text}",
                ", ".join(ended.rule.said.source),
            )
        if session.status is EntryStatus.PLANNED and issued is not None and session.day < issued:
            yield _warning(
                "overdue",
                f"session {session.number} was due on {session.day}, before this calendar was issued "
                f"({issued}), and is not recorded as done",
            )
        if session.counts and end is not None and session.day > end:
            yield _warning(
                "after-follow-up",
                f"session {session.number} on {session.day} is after the end of follow-up on {end}",
                _source(found.rules),
            )


def _left_over(found: Calendar) -> Iterator[Finding]:
    treated = {name for s in found.sessions if s.counts for name in s.territories}
    left = [territory.name for territory in found.territories if territory.name not in treated]
    if left and any(session.counts for session in found.sessions):
        yield _warning("untreated", f"no session is planned or done for: {', '.join(left)}")
