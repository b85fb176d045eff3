"""The sessions of a calendar: their days, counted on from what was really done, and what each treats.

A rule gives a day from the start; where sessions were done on other days, an interval counts on from the last
of them. Days are never moved to avoid a weekend or anything else: that is for people to decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from emboplan.model.results.schedule import EntryStatus, Session
from emboplan.model.schedule import (
    Basis,
    CycleDays,
    Ends,
    Every,
    Extent,
    Offsets,
    ProtocolSchedule,
    Rotation,
    StopRule,
)
from emboplan.model.schedule_request import RecordedSession, ScheduleRequest, SessionTerritory
from emboplan.scheduling.moments import Clock

# Which session an interval counts on from, when nothing is recorded: the first.
FIRST = 1


@dataclass(frozen=True, slots=True)
class Cycles:
    """The first day of each cycle, from the start or from the last cycle with a day of its own."""

    start: date
    length_days: int
    own: tuple[tuple[int, date], ...] = ()

    @classmethod
    def of(cls, rules: ProtocolSchedule, request: ScheduleRequest, start: date) -> Cycles | None:
        """The cycles of a protocol; None where it has none."""
        if rules.cycle is None:
            return None
        own = tuple(sorted((cycle.number, cycle.day) for cycle in request.cycle_starts))
        return cls(start, rules.cycle.length.days, own)

    def first_day(self, number: int) -> date:
        """Day 1 of a cycle."""
        anchor, day = max([(FIRST, self.start), *(c for c in self.own if c[0] <= number)])
        return day + timedelta(days=self.length_days * (number - anchor))

    def day(self, number: int, day: int) -> date:
        """Day `day` of a cycle, the first being day 1."""
        return self.first_day(number) + timedelta(days=day - 1)

    def last_day(self, number: int) -> date:
        """The last day of a cycle, before the next one begins."""
        return self.first_day(number + 1) - timedelta(days=1)


def counted_from(rules: ProtocolSchedule, request: ScheduleRequest, start: date, clock: Clock) -> date:
    """The day that windows and scans count from.

    Where sessions follow each other at an interval, the start is the day of the first one: once that has a
    day of its own, windows count from it. Sessions at set times after another start do not move it.
    """
    if not isinstance(rules.sessions.timing, Every):
        return start
    first = (recorded.when for recorded in request.recorded if recorded.number == FIRST)
    return next(map(clock.day, first), start)


@dataclass(frozen=True, slots=True)
class Stopped:
    """The day from which nothing more is planned, and the rule that says so."""

    day: date
    rule: StopRule


def stopped(rules: ProtocolSchedule, request: ScheduleRequest, what: Ends, clock: Clock) -> Stopped | None:
    """The first recorded event that ends `what`; None where none does."""
    done = [clock.day(recorded.when) for recorded in request.recorded if recorded.done]
    found = [
        Stopped(event.day, rule)
        for event in request.events
        for rule in rules.stops
        if rule.event == event.event
        and what in rule.ends
        and not (rule.before_first_session and any(day <= event.day for day in done))
    ]
    return min(found, key=lambda stop: stop.day, default=None)


def plan_sessions(
    rules: ProtocolSchedule,
    request: ScheduleRequest,
    start: date,
    territories: Sequence[SessionTerritory] = (),
    *,
    clock: Clock,
) -> tuple[Session, ...]:
    """The sessions in order, without amounts: done, planned, `if-needed`, or cancelled by a recorded event.

    `start` is the day that the rules count from. A request with `problems` gives no meaningful answer.

    Raises:
        InputError: the hour of sessions does not exist on one of the days.
    """
    course = _Course(rules, request, start, clock, _Turn.of(rules, territories))
    found = list(course.sessions())
    ended = stopped(rules, request, Ends.SESSIONS, clock)
    if ended is not None:
        reason = f"{ended.rule.event} on {ended.day}: {ended.rule.said.text}"
        found = [
            replace(session, status=EntryStatus.CANCELLED, reason=reason)
            if session.status is not EntryStatus.DONE and session.day >= ended.day
            else session
            for session in found
        ]
    return tuple(found)


@dataclass(slots=True)
class _Turn:
    """What the next session treats: the groups in turn, or those that are left."""

    groups: list[tuple[str, ...]]
    rotation: Rotation
    position: int = 0

    @classmethod
    def of(cls, rules: ProtocolSchedule, territories: Sequence[SessionTerritory]) -> _Turn:
        numbers = sorted({territory.session for territory in territories})
        groups = [tuple(t.name for t in territories if t.session == number) for number in numbers]
        return cls(groups, rules.sessions.rotation)

    @property
    def left(self) -> bool:
        """Whether something is still to be treated for the first time."""
        return self.position < len(self.groups)

    def take(self, treated: tuple[str, ...]) -> tuple[str, ...]:
        """What this session treats: what was recorded, else the next group."""
        if not self.groups:
            return treated
        if self.rotation is Rotation.ALTERNATE:
            if treated in self.groups:
                self.position = self.groups.index(treated)
            found = treated or self.groups[self.position % len(self.groups)]
            self.position += 1
            return found
        if not treated:
            found = self.groups[self.position] if self.left else ()
            self.position += 1
            return found
        rest = [
            tuple(name for name in group if name not in treated) for group in self.groups[self.position :]
        ]
        self.groups = [*self.groups[: self.position], *(group for group in rest if group)]
        return treated


@dataclass(slots=True)
class _Course:
    """The sessions of one case, one after the other."""

    rules: ProtocolSchedule
    request: ScheduleRequest
    start: date
    clock: Clock
    turn: _Turn

    def sessions(self) -> Iterator[Session]:
        records = {recorded.number: recorded for recorded in self.request.recorded}
        known = bool(self.turn.groups)
        anchor, number = (FIRST, self.start), FIRST
        while True:
            recorded = records.get(number)
            status = self._status(number, known=known)
            if recorded is not None:
                status = EntryStatus.DONE if recorded.done else EntryStatus.PLANNED
            if status is None and number > max(records, default=0):
                return
            found = self._session(number, anchor, recorded, status or EntryStatus.PLANNED)
            if found is None:
                return
            yield found
            if recorded is not None:
                anchor = (number, found.day)
            number += 1

    def _status(self, number: int, *, known: bool) -> EntryStatus | None:
        """What an unrecorded session of that number is; None where there is no such session."""
        rule, wanted = self.rules.sessions, self.request.sessions
        if rule.extent is Extent.UNTIL_TREATED:
            if known:
                return EntryStatus.PLANNED if self.turn.left else None
            if wanted is None and self.request.later_cycle is not None:
                wanted = FIRST + 1
            if wanted is not None:
                return EntryStatus.PLANNED if number <= wanted else None
            done = max((r.number for r in self.request.recorded), default=0)
            if number == FIRST:
                return EntryStatus.PLANNED
            last = number <= done + 1 or number <= FIRST + 1
            return EntryStatus.IF_NEEDED if last or isinstance(rule.timing, CycleDays) else None
        if wanted is not None:
            return EntryStatus.PLANNED if number <= wanted else None
        return EntryStatus.PLANNED

    def _session(
        self,
        number: int,
        anchor: tuple[int, date],
        recorded: RecordedSession | None,
        status: EntryStatus,
    ) -> Session | None:
        """The session of that number, or None when the rules have no day for it."""
        rule = self.rules.sessions
        slot = self._slot(number, anchor)
        if slot is None:
            return None
        protocol_day, original, cycle = slot
        follow_up = rule.follow_up
        without_end = rule.extent is Extent.UNTIL_STOP and self.request.sessions is None
        first = counted_from(self.rules, self.request, self.start, self.clock)
        if recorded is None and without_end and follow_up and protocol_day > follow_up.after(first):
            return None
        when = protocol_day if recorded is None else recorded.when
        window = self.request.window_days
        around = None if window is None else timedelta(days=window)
        inferred = isinstance(rule.timing, CycleDays) and number > FIRST + 1
        basis = Basis.CASE if recorded else Basis.INFERENCE if inferred else rule.said.basis
        return Session(
            number=number,
            day=self.clock.day(when),
            status=status,
            protocol_date=protocol_day,
            original_date=original,
            basis=basis,
            at=self.clock.moment(when),
            earliest=None if around is None else protocol_day - around,
            latest=None if around is None else protocol_day + around,
            cycle=cycle,
            cycle_day=rule.timing.day if isinstance(rule.timing, CycleDays) else None,
            territories=self.turn.take(recorded.territories if recorded else ()),
        )

    def _slot(self, number: int, anchor: tuple[int, date]) -> tuple[date, date, int | None] | None:
        """The day after what was done, the day from the start alone, and the cycle."""
        timing = self.rules.sessions.timing
        if isinstance(timing, Every):
            from_start = timing.period.after(self.start, number - FIRST)
            return timing.period.after(anchor[1], number - anchor[0]), from_start, None
        if isinstance(timing, Offsets):
            if number > len(timing.periods):
                return None
            day = timing.periods[number - FIRST].after(self.start)
            return day, day, None
        cycle = self._cycle(timing, number)
        cycles = Cycles.of(self.rules, self.request, self.start)
        if cycle is None or cycles is None:
            return None
        plain = replace(cycles, own=())
        return cycles.day(cycle, timing.day), plain.day(cycle, timing.day), cycle

    def _cycle(self, timing: CycleDays, number: int) -> int | None:
        """The cycle of a session; a second one may be put into a later cycle, and is then the last."""
        if number == FIRST:
            return timing.first_cycle
        chosen = self.request.later_cycle
        later = [cycle for cycle in timing.later_cycles if chosen is None or cycle >= chosen]
        return later[number - FIRST - 1] if number - FIRST <= len(later) else None
