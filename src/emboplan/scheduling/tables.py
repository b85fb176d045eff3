"""From a table of the catalogue to a `ProtocolSchedule`, or to the list of all mistakes in it.

A table is what a TOML parser returns. Every rule must say its words, sources, place, status and basis; a
source must be a key of the catalogue's table of sources.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from emboplan.errors import CatalogError
from emboplan.model.products import Status
from emboplan.model.schedule import (
    ArmRule,
    Basis,
    CautionRule,
    CourseRule,
    CycleDays,
    CycleRule,
    DosePer,
    DrugRule,
    Ends,
    EventKind,
    Every,
    Extent,
    Offsets,
    Period,
    ProtocolSchedule,
    Rotation,
    Said,
    SessionRule,
    StopRule,
    Technique,
    VisitRule,
)

Table = Mapping[str, Any]
Choice = TypeVar("Choice", bound=StrEnum)
Kind = TypeVar("Kind")

_SAID = ("text", "source", "place", "status", "basis", "note")


def schedule_from_table(table: Table, sources: Collection[str]) -> ProtocolSchedule:
    """The calendar that the table states; `sources` are the keys that a rule may name.

    Raises:
        CatalogError: one line for each mistake: a missing or unknown key, a value of a wrong kind, a rule
            without words, source, place, status or basis, an `unverified` rule, a double id.
    """
    reader = _Reader(sources)
    schedule = reader.schedule(table)
    if reader.problems:
        raise CatalogError("\n".join(reader.problems))
    return schedule


@dataclass(slots=True)
class _Reader:
    """Reads one table; what it returns counts only when `problems` is empty."""

    sources: Collection[str]
    problems: list[str] = field(default_factory=list)

    def wrong(self, where: str, found: object, expected: str) -> None:
        self.problems.append(f"{where}: found {found!r}, expected {expected}")

    # Plain values.

    def value(self, table: Table, key: str, where: str, kind: type[Kind], default: Kind) -> Kind:
        found = table.get(key, default)
        if isinstance(found, kind) and not (kind is int and isinstance(found, bool)):
            return found
        self.wrong(f"{where}.{key}", found, kind.__name__)
        return default

    def text(self, table: Table, key: str, where: str) -> str:
        found = self.value(table, key, where, str, "")
        if not found.strip():
            self.wrong(f"{where}.{key}", table.get(key), "text")
        return found

    def whole(self, table: Table, key: str, where: str) -> int:
        found = self.value(table, key, where, int, 0)
        if found < 1:
            self.wrong(f"{where}.{key}", table.get(key), "a whole number from 1")
        return found

    def choice(self, table: Table, key: str, where: str, options: type[Choice]) -> Choice:
        try:
            return options(str(table.get(key)))
        except ValueError:
            self.wrong(f"{where}.{key}", table.get(key), f"one of {', '.join(options)}")
            return next(iter(options))

    def keys(self, table: Table, where: str, *known: str) -> None:
        for key in table:
            if key not in known:
                self.wrong(where, key, f"one of {', '.join(known)}")

    def period(self, table: Any, where: str) -> Period:
        if isinstance(table, dict) and len(table) == 1 and set(table) <= {"days", "months"}:
            number = next(iter(table.values()))
            if isinstance(number, int) and not isinstance(number, bool) and number >= 0:
                return Period(**table)
        self.wrong(where, table, "{ days = N } or { months = N }")
        return Period()

    def tables(self, table: Table, key: str) -> Iterator[tuple[str, Table]]:
        found = table.get(key, [])
        for number, item in enumerate(found if isinstance(found, list) else [found]):
            if isinstance(item, dict):
                yield f"{key}[{number}]", item
            else:
                self.wrong(f"{key}[{number}]", item, "a table")

    def source(self, table: Table, key: str, where: str) -> tuple[str, ...]:
        found = table.get(key)
        names = [found] if isinstance(found, str) else found
        if not isinstance(names, list) or not names or not all(name in self.sources for name in names):
            self.wrong(f"{where}.{key}", found, "a key of the table of sources, or a list of them")
            return ()
        return tuple(names)

    def said(self, table: Table, where: str) -> Said:
        status = self.choice(table, "status", where, Status)
        if status is Status.UNVERIFIED:
            self.wrong(f"{where}.status", "unverified", "a rule that may serve as a default")
        return Said(
            text=self.text(table, "text", where),
            source=self.source(table, "source", where),
            place=self.text(table, "place", where),
            status=status,
            basis=self.choice(table, "basis", where, Basis),
            note=self.value(table, "note", where, str, ""),
        )

    # Rules.

    def schedule(self, table: Table) -> ProtocolSchedule:
        self.keys(
            table,
            "schedule",
            *("name", "command", "title", "start", "arm", "sessions", "cycle"),
            *("course", "visit", "stop", "caution"),
        )
        found = ProtocolSchedule(
            name=self.text(table, "name", "schedule"),
            command=self.text(table, "command", "schedule"),
            title=self.text(table, "title", "schedule"),
            start=self.text(table, "start", "schedule"),
            arms=tuple(self.arm(item, where) for where, item in self.tables(table, "arm")),
            sessions=self.sessions(self.value(table, "sessions", "schedule", dict, {}), "sessions"),
            cycle=self.cycle(table["cycle"], "cycle") if "cycle" in table else None,
            courses=tuple(self.course(item, where) for where, item in self.tables(table, "course")),
            visits=tuple(self.visit(item, where) for where, item in self.tables(table, "visit")),
            stops=tuple(self.stop(item, where) for where, item in self.tables(table, "stop")),
            cautions=tuple(self.caution(item, where) for where, item in self.tables(table, "caution")),
        )
        if not found.arms:
            self.wrong("arm", None, "at least one arm")
        in_cycles = (found.courses, isinstance(found.sessions.timing, CycleDays))
        if any(in_cycles) and found.cycle is None:
            self.wrong("cycle", None, "the length of a cycle")
        names = [name for arm in found.arms for name in (arm.id, *arm.also)]
        names += [visit.id for visit in found.visits] + [stop.id for stop in found.stops]
        for double in sorted({name for name in names if names.count(name) > 1}):
            self.wrong("schedule", double, "each id once")
        return found

    def arm(self, table: Table, where: str) -> ArmRule:
        self.keys(table, where, *_SAID, "id", "also", "title", "technique", "drug", "closed")
        also = self.value(table, "also", where, list, [])
        return ArmRule(
            id=self.text(table, "id", where),
            title=self.text(table, "title", where),
            technique=self.choice(table, "technique", where, Technique),
            said=self.said(table, where),
            also=tuple(str(name) for name in also),
            drug=self.drug(table["drug"], f"{where}.drug") if "drug" in table else None,
            closed=self.text(table, "closed", where) if "closed" in table else None,
        )

    def drug(self, table: Table, where: str) -> DrugRule:
        self.keys(table, where, "name", "dose_mg", "note")
        dose = float(self.whole(table, "dose_mg", where)) if "dose_mg" in table else None
        return DrugRule(self.text(table, "name", where), dose, self.value(table, "note", where, str, ""))

    def sessions(self, table: Table, where: str) -> SessionRule:
        timings = ("every", "offsets", "cycle_day", "first_cycle", "later_cycles")
        self.keys(table, where, *_SAID, *timings, "title", "extent", "territories", "follow_up")
        extent = self.choice(table, "extent", where, Extent)
        if extent is Extent.UNTIL_STOP and "follow_up" not in table:
            self.wrong(f"{where}.follow_up", None, "a period that ends a list without end")
        return SessionRule(
            title=self.text(table, "title", where),
            timing=self.timing(table, where),
            extent=extent,
            rotation=self.choice(table, "territories", where, Rotation),
            said=self.said(table, where),
            follow_up=self.period(table["follow_up"], f"{where}.follow_up") if "follow_up" in table else None,
        )

    def timing(self, table: Table, where: str) -> Every | Offsets | CycleDays:
        if "every" in table:
            period = self.period(table["every"], f"{where}.every")
            if period == Period():
                self.wrong(f"{where}.every", table["every"], "more than nothing")
            return Every(period)
        if "offsets" in table:
            offsets = self.value(table, "offsets", where, list, [])
            return Offsets(tuple(self.period(item, f"{where}.offsets") for item in offsets))
        later = self.value(table, "later_cycles", where, list, [])
        return CycleDays(
            day=self.whole(table, "cycle_day", where),
            first_cycle=self.whole(table, "first_cycle", where),
            later_cycles=tuple(int(cycle) for cycle in later),
        )

    def cycle(self, table: Table, where: str) -> CycleRule:
        self.keys(table, where, *_SAID, "length")
        return CycleRule(self.period(table.get("length"), f"{where}.length"), self.said(table, where))

    def course(self, table: Table, where: str) -> CourseRule:
        self.keys(table, where, *_SAID, "drug", "first_day", "last_day", "doses_per_day", "mg_per_m2", "per")
        amounts = self.value(table, "mg_per_m2", where, list, [])
        low, high = (float(amounts[0]), float(amounts[-1])) if amounts else (0.0, 0.0)
        first, last = self.whole(table, "first_day", where), self.whole(table, "last_day", where)
        if not 0 < low <= high:
            self.wrong(f"{where}.mg_per_m2", amounts, "the smallest and the largest published amount")
        if last < first:
            self.wrong(f"{where}.last_day", last, f"at least {first}")
        return CourseRule(
            drug=self.text(table, "drug", where),
            first_day=first,
            last_day=last,
            doses_per_day=self.whole(table, "doses_per_day", where),
            mg_per_m2=(low, high),
            per=self.choice(table, "per", where, DosePer),
            said=self.said(table, where),
        )

    def visit(self, table: Table, where: str) -> VisitRule:
        self.keys(table, where, *_SAID, "id", "kind", "title", "at", "within_cycle", "before_session")
        if ("at" in table) == ("within_cycle" in table):
            self.wrong(where, sorted(table), "one of at and within_cycle")
        return VisitRule(
            id=self.text(table, "id", where),
            kind=self.choice(table, "kind", where, EventKind),
            title=self.text(table, "title", where),
            said=self.said(table, where),
            at=self.period(table["at"], f"{where}.at") if "at" in table else None,
            within_cycle=self.whole(table, "within_cycle", where) if "within_cycle" in table else None,
            before_session=self.whole(table, "before_session", where) if "before_session" in table else None,
        )

    def stop(self, table: Table, where: str) -> StopRule:
        self.keys(table, where, *_SAID, "id", "event", "all_treated", "before_first_session", "ends")
        if ("event" in table) == ("all_treated" in table):
            self.wrong(where, sorted(table), "one of event and all_treated")
        ends = self.value(table, "ends", where, list, [])
        return StopRule(
            id=self.text(table, "id", where),
            said=self.said(table, where),
            ends=tuple(self.choice({"ends": item}, "ends", where, Ends) for item in ends),
            event=self.text(table, "event", where) if "event" in table else None,
            all_treated=self.value(table, "all_treated", where, bool, False),  # noqa: FBT003  a default
            before_first_session=self.value(table, "before_first_session", where, bool, False),  # noqa: FBT003
        )

    def caution(self, table: Table, where: str) -> CautionRule:
        self.keys(table, where, "id", "device", "text", "source", "place", "status")
        return CautionRule(
            id=self.text(table, "id", where),
            device=self.text(table, "device", where),
            text=self.text(table, "text", where),
            source=self.source(table, "source", where),
        )
