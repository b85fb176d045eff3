"""VTIMEZONE: the clock changes of a zone, written out for the years that a calendar covers.

A reader of the file needs no table of zones of its own: every change of offset in the span stands as an
observance with its day and hour. The changes are found by asking the zone itself, day by day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

# Two changes of a clock are never closer than this, so a step of it misses none.
STEP = timedelta(days=1)
# Clocks change on a whole second.
SMALLEST = timedelta(seconds=1)
_SECONDS_PER_MINUTE = 60
_MINUTES_PER_HOUR = 60


@dataclass(frozen=True, slots=True)
class Change:
    """A moment (UTC) from which on a zone has another offset, name, or both."""

    at: datetime
    before: timedelta
    after: timedelta
    name: str
    daylight: bool


def changes(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[Change]:
    """The changes between two aware moments, found to the second."""
    moment, end = first.astimezone(UTC).replace(microsecond=0), last.astimezone(UTC)
    while moment < end:
        later = min(moment + STEP, end)
        if _state(zone, moment) != _state(zone, later):
            low, high = moment, later
            while high - low > SMALLEST:
                middle = low + ((high - low) / 2 // SMALLEST) * SMALLEST
                low, high = (middle, high) if _state(zone, middle) == _state(zone, low) else (low, middle)
            yield _change(zone, low, high)
        moment = later


def _state(zone: ZoneInfo, moment: datetime) -> tuple[timedelta, str, bool]:
    local = moment.astimezone(zone)
    return local.utcoffset() or timedelta(), local.tzname() or zone.key, bool(local.dst())


def _change(zone: ZoneInfo, before: datetime, at: datetime) -> Change:
    after, name, daylight = _state(zone, at)
    return Change(at, _state(zone, before)[0], after, name, daylight)


def offset_text(offset: timedelta) -> str:
    """An offset as iCalendar writes it.

    >>> offset_text(timedelta(hours=-3, minutes=-30))
    '-0330'
    """
    sign = "-" if offset < timedelta() else "+"
    seconds = int(abs(offset).total_seconds())
    minutes, rest = divmod(seconds, _SECONDS_PER_MINUTE)
    hours, minutes = divmod(minutes, _MINUTES_PER_HOUR)
    return f"{sign}{hours:02d}{minutes:02d}" + (f"{rest:02d}" if rest else "")


def timezone_lines(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[str]:
    """The VTIMEZONE component of a zone for a span of moments, as unfolded lines."""
    yield "BEGIN:VTIMEZONE"
    yield f"TZID:{zone.key}"
    opening = first.astimezone(UTC).replace(microsecond=0) - STEP
    offset, name, daylight = _state(zone, opening)
    yield from _observance(Change(opening, offset, offset, name, daylight))
    for change in changes(zone, opening, last + STEP):
        yield from _observance(change)
    yield "END:VTIMEZONE"


def _observance(change: Change) -> Iterator[str]:
    """One stretch of the zone; it starts at the wall clock as it stood just before the change."""
    kind = "DAYLIGHT" if change.daylight else "STANDARD"
    local = (change.at + change.before).replace(tzinfo=None)
    yield f"BEGIN:{kind}"
    yield f"DTSTART:{local:%Y%m%dT%H%M%S}"
    yield f"TZOFFSETFROM:{offset_text(change.before)}"
    yield f"TZOFFSETTO:{offset_text(change.after)}"
    yield f"TZNAME:{change.name}"
    yield f"END:{kind}"
