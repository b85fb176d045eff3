"""What a case adds to the calendar of its protocol: start, arm, amounts, what was done and what happened.

All of it is optional; what a protocol needs and the case does not say is listed as missing, not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

from emboplan.model.schedule import Period


def _no_amounts() -> Mapping[str, float]:
    return MappingProxyType({})


def day_of(moment: date | datetime) -> date:
    """The day of a day, or of a moment in its own zone."""
    return moment.date() if isinstance(moment, datetime) else moment


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """A session that was done, or (`done` false) put on a day by the team.

    Territories, drug and activity are those of this session where they were recorded.
    """

    number: int
    when: date | datetime
    done: bool
    territories: tuple[str, ...] = ()
    drug_mg: float | None = None
    activity_gbq: float | None = None


@dataclass(frozen=True, slots=True)
class RecordedCycle:
    """A cycle that began, or will, on a day of its own."""

    number: int
    day: date


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """Something that happened, by the name that the protocol's rules have for it."""

    event: str
    day: date


@dataclass(frozen=True, slots=True)
class SessionTerritory:
    """A territory as the calendar sees it: its session, and the activity where it is stated."""

    name: str
    session: int = 1
    activity_gbq: float | None = None


@dataclass(frozen=True, slots=True)
class ScheduleRequest:
    """The [schedule] of a case.

    `start` is a day, or a moment with its zone offset; `zone` is the name of the zone in the IANA database.
    `sessions` is how many, where the protocol leaves that open. `window_days` is what the team allows around
    a session's day. `issued` and `revision` identify this version of the calendar.
    """

    start: date | datetime | None = None
    zone: str | None = None
    arm: str | None = None
    sessions: int | None = None
    session_hours: float | None = None
    cycles: int | None = None
    later_cycle: int | None = None
    window_days: int | None = None
    simulation: date | None = None
    imaging_every: Period | None = None
    scan_lead_days: int = 0
    drug_mg: float | None = None
    course_mg_per_m2: Mapping[str, float] = field(default_factory=_no_amounts)
    holidays: tuple[date, ...] = ()
    issued: date | None = None
    revision: int = 0
    recorded: tuple[RecordedSession, ...] = ()
    cycle_starts: tuple[RecordedCycle, ...] = ()
    events: tuple[RecordedEvent, ...] = ()
