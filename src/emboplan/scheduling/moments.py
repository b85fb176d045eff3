"""Days and moments at the place of treatment: which day a moment is, and which moment a session has.

A case gives days, or moments with a zone offset. An offset alone does not know daylight saving, so a time of
day needs the name of the zone; the wall clock then shows the same hour at every session.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from emboplan.errors import InputError


def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name such as ``Europe/Rome``.

    Raises:
        InputError: no zone has that name; the message names similar ones.
    """
    known = available_timezones()
    try:
        if name in known:
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):  # listed, and still not readable
        pass
    near = get_close_matches(name, known)
    hint = f"; similar: {', '.join(near)}" if near else ""
    raise InputError(f'found "{name}"; expected the IANA name of a zone such as Europe/Rome{hint}')


@dataclass(frozen=True, slots=True)
class Clock:
    """The zone of the place of treatment, and the hour of sessions; both None where only days are given."""

    zone: ZoneInfo | None = None
    hour: time | None = None

    @classmethod
    def of(cls, start: date | datetime, zone: str | None) -> Clock:
        """The clock that a start with a time of day sets; without one, sessions are days."""
        found = None if zone is None else zone_of(zone)
        if found is None or not isinstance(start, datetime):
            return cls(found)
        return cls(found, start.astimezone(found).time())

    def day(self, when: date | datetime) -> date:
        """The day of a day or of a moment, at the place of treatment."""
        if not isinstance(when, datetime):
            return when
        return when.date() if self.zone is None else when.astimezone(self.zone).date()

    def moment(self, when: date | datetime) -> datetime | None:
        """A recorded moment in the zone, or the usual hour of a day; None where only days are given.

        Raises:
            InputError: the clocks skip that hour on that day, since daylight saving begins.
        """
        if self.zone is None:
            return None
        if isinstance(when, datetime):
            return when.astimezone(self.zone)
        if self.hour is None:
            return None
        found = datetime.combine(when, self.hour, self.zone)
        if found.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != found.replace(tzinfo=None):
            raise InputError(
                f"schedule.start: {self.hour:%H:%M} does not exist on {when} in {self.zone.key}, when the "
                "clocks go forward; choose another hour"
            )
        return found
