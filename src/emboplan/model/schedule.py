"""What a trial's treatment calendar is: rules for sessions, drug days and visits, each with its words.

Every rule carries the sentence that it rests on, where that stands, how sure it is, and whether the document
says it, a publication does, or it is inferred. What a case adds to the rules (start, arm, what was done) is
in `schedule_request`.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from emboplan.model.products import Status

_MONTHS_PER_YEAR = 12
_DAYS_PER_WEEK = 7


@dataclass(frozen=True, slots=True)
class Period:
    """A number of days or of calendar months; where a month has no such day, its last day counts.

    >>> Period(months=1).after(date(2026, 1, 31))
    datetime.date(2026, 2, 28)
    >>> Period(months=1).after(date(2026, 1, 31), times=2)
    datetime.date(2026, 3, 31)
    """

    days: int = 0
    months: int = 0

    def after(self, start: date, times: int = 1) -> date:
        """The day so many periods after `start`, counted at once: the day of the month does not drift."""
        months = start.month - 1 + self.months * times
        year, month = start.year + months // _MONTHS_PER_YEAR, months % _MONTHS_PER_YEAR + 1
        day = min(start.day, calendar.monthrange(year, month)[1])
        return date(year, month, day) + timedelta(days=self.days * times)

    def __str__(self) -> str:
        if self.months:
            return f"{self.months} calendar month{'' if self.months == 1 else 's'}"
        weeks, rest = divmod(self.days, _DAYS_PER_WEEK)
        text = f"{self.days} day{'' if self.days == 1 else 's'}"
        return f"{text} ({weeks} weeks)" if weeks > 1 and not rest else text


class Basis(StrEnum):
    """Who says so: the trial's document, a publication, an inference of this project, or the case."""

    DOCUMENT = "document"
    PUBLISHED = "published"
    INFERENCE = "inference"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class Said:
    """The words of a rule, the keys of their sources, the place, how sure, and who says so."""

    text: str
    source: tuple[str, ...]
    place: str
    status: Status
    basis: Basis
    note: str = ""


@dataclass(frozen=True, slots=True)
class DrugRule:
    """The drug of an arm, and its dose in one session where the document states one."""

    name: str
    dose_mg: float | None = None
    note: str = ""


class Technique(StrEnum):
    """How a session treats; `none` for an arm without sessions."""

    TARE = "tare"
    DEB_TACE = "deb-tace"
    CTACE = "ctace"
    BLAND = "bland"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ArmRule:
    """One arm; `closed` says why no patient may be scheduled in it."""

    id: str
    title: str
    technique: Technique
    said: Said
    also: tuple[str, ...] = ()
    drug: DrugRule | None = None
    closed: str | None = None


@dataclass(frozen=True, slots=True)
class Every:
    """A session after each period, counted from the last one that has a day of its own."""

    period: Period


@dataclass(frozen=True, slots=True)
class Offsets:
    """Sessions at fixed distances from the start."""

    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class CycleDays:
    """Sessions on one day of drug cycles: the first in `first_cycle`, more in one of `later_cycles`."""

    day: int
    first_cycle: int
    later_cycles: tuple[int, ...]


class Extent(StrEnum):
    """How many sessions: until a rule stops them, until all tumour is treated, or a fixed number."""

    UNTIL_STOP = "until-stop"
    UNTIL_TREATED = "until-treated"
    FIXED = "fixed"


class Rotation(StrEnum):
    """What a session treats: the territories in turn again and again, or each once."""

    ALTERNATE = "alternate"
    EACH_ONCE = "each-once"


@dataclass(frozen=True, slots=True)
class SessionRule:
    """When sessions are, how many, and what each treats; `follow_up` ends a list without end."""

    title: str
    timing: Every | Offsets | CycleDays
    extent: Extent
    rotation: Rotation
    said: Said
    follow_up: Period | None = None


class DosePer(StrEnum):
    """Whether an amount is that of one dose or of a day."""

    DOSE = "dose"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class CourseRule:
    """Days of a cycle on which a drug is taken, with the amounts that were published (mg/m2)."""

    drug: str
    first_day: int
    last_day: int
    doses_per_day: int
    mg_per_m2: tuple[float, float]
    per: DosePer
    said: Said

    @property
    def days(self) -> int:
        """Days of one course."""
        return self.last_day - self.first_day + 1

    def mg_per_m2_and_day(self, amount: float) -> float:
        """The amount of a day when one dose, or the day, is `amount`."""
        return amount * self.doses_per_day if self.per is DosePer.DOSE else amount


@dataclass(frozen=True, slots=True)
class CycleRule:
    """The length of a cycle."""

    length: Period
    said: Said


class EventKind(StrEnum):
    """What an entry of the calendar is."""

    SESSION = "session"
    DRUG = "drug"
    SIMULATION = "simulation"
    IMAGING = "imaging"
    FOLLOW_UP = "follow-up"


@dataclass(frozen=True, slots=True)
class VisitRule:
    """A visit a period after the start, or on one day within a cycle; `before_session` must wait for it."""

    id: str
    kind: EventKind
    title: str
    said: Said
    at: Period | None = None
    within_cycle: int | None = None
    before_session: int | None = None


class Ends(StrEnum):
    """What of a calendar a rule ends."""

    SESSIONS = "sessions"
    COURSES = "courses"
    VISITS = "visits"


@dataclass(frozen=True, slots=True)
class StopRule:
    """What ends the treatment: an event, or that all tumour is treated.

    An empty `ends` says that the event does not stop anything, as written. `before_first_session` restricts
    the rule to events before any session was done.
    """

    id: str
    said: Said
    ends: tuple[Ends, ...]
    event: str | None = None
    all_treated: bool = False
    before_first_session: bool = False


@dataclass(frozen=True, slots=True)
class CautionRule:
    """What the team must know when the calendar is used with a device."""

    id: str
    device: str
    text: str
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProtocolSchedule:
    """The calendar of one protocol; `start` says in words which day all others are counted from."""

    name: str
    command: str
    title: str
    start: str
    arms: tuple[ArmRule, ...]
    sessions: SessionRule
    cycle: CycleRule | None = None
    courses: tuple[CourseRule, ...] = ()
    visits: tuple[VisitRule, ...] = ()
    stops: tuple[StopRule, ...] = ()
    cautions: tuple[CautionRule, ...] = ()

    @property
    def events(self) -> tuple[str, ...]:
        """The events that the rules know."""
        return tuple(dict.fromkeys(rule.event for rule in self.stops if rule.event is not None))

    def arm(self, name: str) -> ArmRule | None:
        """The arm of that id, or of another of its names; None when there is none."""
        wanted = name.strip().casefold().replace(" ", "-").replace("_", "-")
        return next((arm for arm in self.arms if wanted in (arm.id, *arm.also)), None)
