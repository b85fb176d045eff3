"""The shipped rules, cases around them, and a small independent reader of iCalendar text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from emboplan.catalog.load import load
from emboplan.model.results.schedule import Schedule
from emboplan.model.schedule import ProtocolSchedule
from emboplan.model.schedule_request import ScheduleRequest, SessionTerritory
from emboplan.scheduling.doses import Body
from emboplan.scheduling.protocol_schedule import protocol_schedule
from emboplan.scheduling.tables import schedule_from_table

MONDAY = date(2026, 1, 5)
LOBES = (SessionTerritory("right lobe", 1, 1.8), SessionTerritory("left lobe", 2, 0.9))


def rules(name: str) -> ProtocolSchedule:
    """The shipped calendar of a protocol."""
    shipped = load()
    return schedule_from_table(shipped.schedule_table(name), shipped.sources)


def planned(
    name: str,
    request: ScheduleRequest,
    territories: tuple[SessionTerritory, ...] = (),
    body: Body | None = None,
) -> Schedule:
    """The calendar of a case."""
    return protocol_schedule(rules(name), request, territories, body=body, sources=load().sources)


def days(schedule: Schedule) -> list[str]:
    """The days of all sessions."""
    return [session.day.isoformat() for session in schedule.sessions]


def finding_ids(schedule: Schedule) -> list[str]:
    """The identifiers of the findings, without their common beginning."""
    return [finding.id.removeprefix("schedule-") for finding in schedule.findings]


@dataclass(frozen=True)
class Property:
    """A name, its parameters, and the value as written."""

    name: str
    parameters: dict[str, str]
    value: str

    @property
    def text(self) -> str:
        """The value with escapes undone, sign by sign."""
        out, signs = "", iter(self.value)
        for sign in signs:
            if sign != "\\":
                out += sign
                continue
            after = next(signs)
            out += "\n" if after in "nN" else after
        return out


def parse(raw: bytes) -> list[tuple[str, list[Property]]]:
    """Components of an iCalendar stream in order, with their own properties; asserts lines and nesting."""
    assert raw.endswith(b"\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    lines = raw.split(b"\r\n")[:-1]
    assert max(map(len, lines)) <= 75
    for part in lines:
        part.decode("utf-8")  # no character is cut
    unfolded = raw.replace(b"\r\n ", b"").decode("utf-8").split("\r\n")[:-1]
    stack: list[tuple[str, list[Property]]] = []
    found: list[tuple[str, list[Property]]] = []
    for line in unfolded:
        head, value = line.split(":", 1)
        name, *parameters = head.split(";")
        if name == "BEGIN":
            stack.append((value, []))
            found.append(stack[-1])
        elif name == "END":
            assert stack.pop()[0] == value
        else:
            stack[-1][1].append(Property(name, dict(p.split("=", 1) for p in parameters), value))
    assert stack == []
    return found


def entries(raw: bytes) -> list[dict[str, Property]]:
    """The VEVENT components, by property name; each name is used once."""
    found = []
    for name, properties in parse(raw):
        if name == "VEVENT":
            assert len({p.name for p in properties}) == len(properties)
            found.append({p.name: p for p in properties})
    return found


def instant(raw: bytes, moment: Property) -> datetime:
    """A local moment of the file as an instant, by the clock changes in the file alone (RFC 5545, 3.6.5)."""
    local = datetime.strptime(moment.value, "%Y%m%dT%H%M%S")  # noqa: DTZ007  the file's own offsets follow
    observances = []
    for name, properties in parse(raw):
        if name in ("STANDARD", "DAYLIGHT"):
            own = {p.name: p.value for p in properties}
            begins = datetime.strptime(own["DTSTART"], "%Y%m%dT%H%M%S")  # noqa: DTZ007  local by definition
            observances.append((begins, offset(own["TZOFFSETTO"])))
    begun = [item for item in observances if item[0] <= local]
    return local.replace(tzinfo=timezone(max(begun)[1]))


def offset(text: str) -> timedelta:
    """An offset such as -0330."""
    size = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]), seconds=int(text[5:7] or "0"))
    return -size if text[0] == "-" else size
