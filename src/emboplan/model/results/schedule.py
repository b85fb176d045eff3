"""The calendar of one patient: sessions, events, rules that stop it, totals, and what to look at.

Days are days of the place of treatment. Amounts are None where the case does not state them. A cumulative
amount adds what is stated; `complete` says whether every session before it stated one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from emboplan.model.finding import Finding
from emboplan.model.schedule import Basis, EventKind, Said, StopRule
from emboplan.model.serialise import fields_to_json

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class EntryStatus(StrEnum):
    """Where an entry of the calendar stands."""

    DONE = "done"
    PLANNED = "planned"
    IF_NEEDED = "if-needed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Amounts:
    """Drug in mg and mg/m2, activity in GBq; None where not stated, or the body surface is not known."""

    drug_mg: float | None = None
    drug_mg_per_m2: float | None = None
    activity_gbq: float | None = None


@dataclass(frozen=True, slots=True)
class Cumulative:
    """Amounts up to and with a session; `mg_per_m2_with_prior` adds the same drug before this treatment."""

    drug_mg: float | None
    drug_mg_per_m2: float | None
    drug_mg_per_m2_with_prior: float | None
    activity_gbq: float | None
    complete: bool


@dataclass(frozen=True, slots=True)
class Session:
    """One session.

    `day` is the day to keep (`date` in JSON); `protocol_date` is what the rule gives after what was done
    before; `original_date` is what it gave from the start alone. `at` is the moment where the case gives an
    hour. `earliest` and `latest` are None where the case allows no window. `reason` says why it is cancelled.
    """

    number: int
    day: date
    status: EntryStatus
    protocol_date: date
    original_date: date
    basis: Basis
    at: datetime | None = None
    earliest: date | None = None
    latest: date | None = None
    cycle: int | None = None
    cycle_day: int | None = None
    territories: tuple[str, ...] = ()
    amounts: Amounts = Amounts()
    cumulative: Cumulative | None = None
    reason: str = ""

    @property
    def counts(self) -> bool:
        """Whether its amounts are given or going to be."""
        return self.status in (EntryStatus.DONE, EntryStatus.PLANNED)

    def to_json(self) -> dict[str, Any]:
        """The JSON fields, with the day of the week and the distance from the rule's day."""
        own = fields_to_json(self)
        return {
            "number": own.pop("number"),
            "date": own.pop("day"),
            "weekday": WEEKDAYS[self.day.weekday()],
            "shift_days": (self.day - self.original_date).days,
            **own,
        }


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of the calendar, from `first_day` to `last_day`, both included.

    `anywhere` marks a range in which one day is still to be chosen. `id` stays the same when days change.
    """

    id: str
    kind: EventKind
    title: str
    first_day: date
    last_day: date
    status: EntryStatus
    said: Said
    at: datetime | None = None
    anywhere: bool = False
    details: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON fields, with the days of the week."""
        weekdays = [WEEKDAYS[day.weekday()] for day in (self.first_day, self.last_day)]
        return {**fields_to_json(self), "weekdays": weekdays}


@dataclass(frozen=True, slots=True)
class CourseTotal:
    """A drug taken by mouth over the cycles listed, for the amount that the case states."""

    drug: str
    mg_per_day: float | None
    mg_per_m2_per_day: float
    days: int
    mg: float | None
    mg_per_m2: float


@dataclass(frozen=True, slots=True)
class Totals:
    """Amounts done so far, and of all sessions that are done or planned."""

    drug: str | None
    prior_mg_per_m2: float | None
    done: Cumulative
    planned: Cumulative
    courses: tuple[CourseTotal, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """The whole calendar of one patient, without any name or identifier.

    `start_is` says which day `start` is; `zone` is None where all entries are days.
    """

    protocol: str
    arm: str
    arm_title: str
    start: date
    start_is: str
    zone: str | None
    session_hours: float | None
    issued: date
    revision: int
    sessions: tuple[Session, ...]
    events: tuple[Event, ...]
    stop_rules: tuple[StopRule, ...]
    totals: Totals
    findings: tuple[Finding, ...]
    sources: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)
