"""Which endpoints a protocol has, read from its table: when they start, what ends them, what is censored.

A mistake in a table is an error that names its key path. How a table is written stands in ``general.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from emboplan.errors import CatalogError
from emboplan.model.response import Course
from emboplan.model.results.response import Category
from emboplan.response.calendar import months_later
from emboplan.response.target_size import CriterionName


class Event(StrEnum):
    """What can end a time."""

    PROGRESSION = "progression"
    HEPATIC_PROGRESSION = "hepatic-progression"
    DEATH = "death"
    NEW_THERAPY = "new-therapy"
    SYMPTOM_RETURN = "symptom-return"


class CensorAt(StrEnum):
    """Where a time without an event ends."""

    LAST_ALIVE = "last-alive"
    LAST_ASSESSMENT = "last-assessment"
    LAST_LIVER_IMAGING = "last-liver-imaging"
    LAST_SYMPTOM_RECORD = "last-symptom-record"


class Scope(StrEnum):
    """All disease, or the liver alone."""

    OVERALL = "overall"
    HEPATIC = "hepatic"


@dataclass(frozen=True, slots=True)
class TimeRule:
    """How one time is counted.

    `start` names dates of the course; the first one known is taken. `competing` events end the time as such.
    """

    start: tuple[str, ...]
    events: tuple[Event, ...]
    censor: CensorAt
    censor_at_months: int | None = None
    competing: tuple[Event, ...] = ()
    censor_missed: bool = False


@dataclass(frozen=True, slots=True)
class EndpointRule:
    """An endpoint with its rule, its place in the document, and its variants."""

    id: str
    title: str
    rule: TimeRule
    place: str
    status: str
    time_frame_months: int | None
    variants: Mapping[str, TimeRule]

    @property
    def definition(self) -> str:
        """Start, events and censoring in one line."""
        starts = " or ".join(name.removesuffix("_date").replace("_", " ") for name in self.rule.start)
        events = " or ".join(event.replace("-", " ") for event in self.rule.events)
        end = self.rule.censor.replace("-", " ")
        limit = (
            f", at {self.rule.censor_at_months} months at the latest" if self.rule.censor_at_months else ""
        )
        return f"from {starts} to {events}; else censored at {end}{limit}"


@dataclass(frozen=True, slots=True)
class ResponseRule:
    """What counts as response of a patient: the best response, or the one at a visit."""

    id: str
    scope: Scope
    counts: tuple[Category, ...]
    place: str
    within_months: int | None = None
    at_month: int | None = None
    before_second_treatment: bool = False

    @property
    def definition(self) -> str:
        """What is looked at, and which categories count."""
        what = "best response" if self.at_month is None else f"response at month {self.at_month}"
        limit = "" if self.within_months is None else f" within {self.within_months} months"
        return f"{self.scope} {what}{limit} is {' or '.join(self.counts)}"


@dataclass(frozen=True, slots=True)
class WindowRule:
    """From when to when forms or adverse events count: a start, and calendar months or days after it.

    `start` names dates of the course; the first one known is taken. Without months and days there is no end.
    """

    title: str
    start: tuple[str, ...]
    place: str
    within_months: int | None = None
    within_days: int | None = None

    @property
    def definition(self) -> str:
        """Start and end in one line."""
        starts = " or ".join(name.removesuffix("_date").replace("_", " ") for name in self.start)
        if self.within_days is not None:
            return f"from {starts} through {self.within_days} days"
        if self.within_months is not None:
            return f"from {starts} through {self.within_months} calendar months"
        return f"from {starts} on"

    def last_day(self, start: date) -> date | None:
        """The last day that counts, None where the window has no end."""
        if self.within_days is not None:
            return start + timedelta(days=self.within_days)
        return None if self.within_months is None else months_later(start, self.within_months)

    def start_of(self, course: Course) -> date | None:
        """The first known day of those that the rule names."""
        days = (getattr(course, name) for name in self.start)
        return next((day for day in days if isinstance(day, date)), None)


@dataclass(frozen=True, slots=True)
class EndpointSet:
    """The endpoints of a protocol.

    `questionnaire` and `toxicity` are None where the protocol does not ask for them.
    """

    name: str
    criterion: CriterionName
    confirmation: bool
    source: tuple[str, ...]
    status: str
    note: str
    responses: tuple[ResponseRule, ...]
    endpoints: tuple[EndpointRule, ...]
    questionnaire: WindowRule | None
    toxicity: WindowRule | None


def endpoint_set_from_table(table: Mapping[str, object]) -> EndpointSet:
    """The endpoints that a table states; `CatalogError` names the key of the first mistake."""
    try:
        return _endpoint_set(table)
    except KeyError as error:
        raise CatalogError(f"endpoints of {table.get('name')}: no {error.args[0]}") from error
    except (ValueError, TypeError) as error:
        raise CatalogError(f"endpoints of {table.get('name')}: {error}") from error


def _endpoint_set(table: Mapping[str, object]) -> EndpointSet:
    return EndpointSet(
        name=str(table["name"]),
        criterion=CriterionName(str(table["criteria"])),
        confirmation=bool(table["confirmation"]),
        source=_words(table["source"]),
        status=str(table["status"]),
        note=str(table.get("note", "")),
        responses=tuple(_response(entry) for entry in _tables(table, "response")),
        endpoints=tuple(_endpoint(entry, str(table["status"])) for entry in _tables(table, "endpoint")),
        questionnaire=_window(table, "questionnaire"),
        toxicity=_window(table, "toxicity"),
    )


def _tables(table: Mapping[str, object], key: str) -> tuple[Mapping[str, object], ...]:
    entries = table.get(key, [])
    if not isinstance(entries, Sequence) or not all(isinstance(entry, Mapping) for entry in entries):
        raise TypeError(f"{key} is no list of tables")
    return tuple(entries)


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError(f"found {value!r}, expected a list of words")
    return tuple(str(item) for item in value)


def _months(table: Mapping[str, object], key: str, unit: str = "months") -> int | None:
    value = table.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value <= 0):
        raise ValueError(f"{key} is {value!r}, expected a whole number of {unit}")
    return value


def _starts(table: Mapping[str, object]) -> tuple[str, ...]:
    start = _words(table["start"])
    unknown = [name for name in start if name not in Course.__dataclass_fields__]
    if unknown:
        raise ValueError(f"start {unknown[0]!r} is no date of the course")
    return start


def _window(table: Mapping[str, object], key: str) -> WindowRule | None:
    if key not in table:
        return None
    entry = table[key]
    if not isinstance(entry, Mapping):
        raise TypeError(f"{key} is no table")
    rule = WindowRule(
        title=str(entry["title"]),
        start=_starts(entry),
        place=str(entry["place"]),
        within_months=_months(entry, "within_months"),
        within_days=_months(entry, "within_days", "days"),
    )
    if not rule.start or (rule.within_months is not None and rule.within_days is not None):
        raise ValueError(f"{key} needs a start, and months or days, not both")
    return rule


def _response(table: Mapping[str, object]) -> ResponseRule:
    return ResponseRule(
        id=str(table["id"]),
        scope=Scope(str(table["scope"])),
        counts=tuple(Category(word) for word in _words(table["counts"])),
        place=str(table["place"]),
        within_months=_months(table, "within_months"),
        at_month=_months(table, "at_month"),
        before_second_treatment=bool(table.get("before_second_treatment", False)),
    )


def _endpoint(table: Mapping[str, object], status: str) -> EndpointRule:
    rule = _varied(TimeRule((), (), CensorAt(str(table["censor"]))), table)
    if not rule.start or not rule.events:
        raise ValueError(f"endpoint {table['id']} needs start and events")
    return EndpointRule(
        id=str(table["id"]),
        title=str(table["title"]),
        rule=rule,
        place=str(table["place"]),
        status=str(table.get("status", status)),
        time_frame_months=_months(table, "time_frame_months"),
        variants={str(entry["id"]): _varied(rule, entry) for entry in _tables(table, "variant")},
    )


def _varied(rule: TimeRule, table: Mapping[str, object]) -> TimeRule:
    """The rule with what the table replaces of it."""
    if "start" in table:
        rule = replace(rule, start=_starts(table))
    if "events" in table:
        rule = replace(rule, events=tuple(Event(word) for word in _words(table["events"])))
    if "competing" in table:
        rule = replace(rule, competing=tuple(Event(word) for word in _words(table["competing"])))
    if "censor_at_months" in table:
        rule = replace(rule, censor_at_months=_months(table, "censor_at_months"))
    if "missed" in table:
        rule = replace(rule, censor_missed=table["missed"] == "censor")
    return rule
