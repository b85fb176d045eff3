"""A calendar as an iCalendar file (RFC 5545): days as dates, moments with their zone, no patient's name.

The same schedule gives the same bytes: time stamps come from the day of issue, not from a clock. Identifiers
are digests that do not change when a day does, so that a later version replaces the entries of the former
one; `revision` then says which is newer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from emboplan.errors import InputError
from emboplan.model.results.schedule import EntryStatus, Event, Schedule
from emboplan.model.schedule import Basis, EventKind
from emboplan.scheduling.timezones import timezone_lines

# RFC 5545, 3.1: a line holds at most so many octets, its end apart; a longer one goes on after a space.
MOST_OCTETS = 75
LINE_END = "\r\n"
PRODUCT = "-//emboplan//treatment calendar//EN"
# Digits of an identifier: enough that two entries never meet.
UID_DIGITS = 32
# The longest name of a case in a title; more is no identifier but a text.
MOST_CASE_ID = 64

_STATUS = {
    EntryStatus.DONE: "CONFIRMED",
    EntryStatus.PLANNED: "TENTATIVE",
    EntryStatus.IF_NEEDED: "TENTATIVE",
    EntryStatus.CANCELLED: "CANCELLED",
}
_WORDS = {
    EntryStatus.DONE: " (done)",
    EntryStatus.PLANNED: "",
    EntryStatus.IF_NEEDED: " (if needed)",
    EntryStatus.CANCELLED: " (cancelled)",
}
_BASIS = {
    Basis.DOCUMENT: "stated in the trial document",
    Basis.PUBLISHED: "published, not in the trial document",
    Basis.INFERENCE: "an inference, not stated",
    Basis.CASE: "set by the case",
}


def calendar_text(schedule: Schedule, *, case_id: str | None = None) -> str:
    """The schedule as the text of an `.ics` file, lines ended by CR LF.

    Entries without an hour are all-day entries; those with one carry the zone, whose clock changes are in
    the file. Drug days span several days and block no time.

    `case_id` is put into the titles and the identifiers, if one is given; nothing else of the patient is.
    Without it, two patients of one protocol, arm and start have the same identifiers, and a shared calendar
    would take them for one.

    Raises:
        InputError: the case id is empty, longer than a name, or has line breaks or control signs.
    """
    if case_id is not None:
        _require_name(case_id)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}"]
    lines += ["CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    moments = [event.at for event in schedule.events if event.at is not None]
    if moments and schedule.zone is not None:
        lines += timezone_lines(ZoneInfo(schedule.zone), min(moments), max(moments))
    for event in schedule.events:
        lines += _event(event, schedule, case_id)
    lines.append("END:VCALENDAR")
    return "".join(fold(line) + LINE_END for line in lines)


def _require_name(case_id: str) -> None:
    fits = case_id.strip() and case_id.isprintable() and len(case_id) <= MOST_CASE_ID
    if not fits:
        raise InputError(
            f"the case id is not usable; expected 1 to {MOST_CASE_ID} characters without line breaks"
        )


def escape(text: str) -> str:
    r"""Text as a property value holds it (RFC 5545, 3.3.11).

    >>> escape("right lobe; segments 5, 8")
    'right lobe\\; segments 5\\, 8'
    """
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\\", "\\\\")
    plain = plain.replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return "".join(sign for sign in plain if sign.isprintable() or sign == " ")


def fold(line: str) -> str:
    """A line cut into parts of at most 75 octets, never inside a character, each but the first after a space.

    Source: RFC 5545, 3.1.
    """
    parts, part, octets = [], "", 0
    for sign in line:
        size = len(sign.encode("utf-8"))
        if octets + size > MOST_OCTETS:
            parts.append(part)
            part, octets = "", 1  # the space before a part counts
        part, octets = part + sign, octets + size
    return f"{LINE_END} ".join([*parts, part])


def uid(schedule: Schedule, event: Event, case_id: str | None = None) -> str:
    """The identifier of an entry: the same for every version of the calendar of one case.

    With a case id the start may move too; without one the start day is part of the identifier.
    """
    whose = f"start {schedule.start.isoformat()}" if case_id is None else f"case {case_id}"
    what = "\n".join((schedule.protocol, schedule.arm, whose, event.id))
    return f"{hashlib.sha256(what.encode('utf-8')).hexdigest()[:UID_DIGITS]}@emboplan"


def _event(event: Event, schedule: Schedule, case_id: str | None) -> Iterator[str]:
    whose = "" if case_id is None else f"{case_id}: "
    any_day = " (any day)" if event.anywhere else ""
    yield "BEGIN:VEVENT"
    yield f"UID:{uid(schedule, event, case_id)}"
    yield f"DTSTAMP:{schedule.issued:%Y%m%d}T000000Z"
    yield f"SEQUENCE:{schedule.revision}"
    yield from _when(event, schedule)
    yield f"SUMMARY:{escape(f'{whose}{schedule.protocol}: {event.title}{any_day}{_WORDS[event.status]}')}"
    yield f"DESCRIPTION:{escape(_description(event, schedule))}"
    yield f"CATEGORIES:{escape(event.kind.value.upper())}"
    yield f"STATUS:{_STATUS[event.status]}"
    blocks = event.kind is not EventKind.DRUG and event.kind is not EventKind.FOLLOW_UP
    blocks = blocks and not event.anywhere and event.status is not EntryStatus.CANCELLED
    yield f"TRANSP:{'OPAQUE' if blocks else 'TRANSPARENT'}"
    yield "END:VEVENT"


def _when(event: Event, schedule: Schedule) -> Iterator[str]:
    if event.at is None:
        yield f"DTSTART;VALUE=DATE:{_day(event.first_day)}"
        yield f"DTEND;VALUE=DATE:{_day(event.last_day + timedelta(days=1))}"  # the first day after it
        return
    yield f"DTSTART;TZID={schedule.zone}:{event.at:%Y%m%dT%H%M%S}"
    if schedule.session_hours is not None:
        # Over a change of clocks hours are counted as they pass, and the wall clock shows their end.
        end = (event.at.astimezone(UTC) + timedelta(hours=schedule.session_hours)).astimezone(event.at.tzinfo)
        yield f"DTEND;TZID={schedule.zone}:{end:%Y%m%dT%H%M%S}"


def _day(day: date | datetime) -> str:
    return f"{day:%Y%m%d}"


def _description(event: Event, schedule: Schedule) -> str:
    said = event.said
    sources = "; ".join(schedule.sources.get(key, key) for key in said.source)
    note = [f"Note: {said.note}"] if said.note else []
    return "\n".join(
        [
            *event.details,
            f'Rule ({_BASIS[said.basis]}): "{said.text}"',
            f"Source: {sources}, {said.place}",
            *note,
            "Research software, not a medical device. A proposal for the team, not an order.",
        ]
    )
