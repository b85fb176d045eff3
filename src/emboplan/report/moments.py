"""Moments as people read them: weekday, date, clock time and the distance from UTC, never without it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from emboplan.report.wording import MINUS, SPACE

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def day(moment: datetime) -> str:
    """Weekday and date, such as ``Thu 3 Dec 2026``."""
    parts = (WEEKDAYS[moment.weekday()], str(moment.day), MONTHS[moment.month - 1], str(moment.year))
    return SPACE.join(parts)


def clock(moment: datetime) -> str:
    """Clock time with its distance from UTC, such as ``10:30 (UTC-05:00)``."""
    return f"{moment:%H:%M}{SPACE}(UTC{offset(moment)})"


def offset(moment: datetime) -> str:
    """The distance from UTC, such as ``+01:00``."""
    shift = moment.utcoffset()
    if shift is None:
        raise ValueError("a moment of a plan has a time zone")  # the types of the plan refuse others
    sign = MINUS if shift < timedelta(0) else "+"
    hours, minutes = divmod(int(abs(shift) / MINUTE), int(HOUR / MINUTE))
    return f"{sign}{hours:02d}:{minutes:02d}"


def moment_text(moment: datetime) -> str:
    """Weekday, date, clock time and distance from UTC."""
    return f"{day(moment)}, {clock(moment)}"


def hours_between(earlier: datetime, later: datetime) -> float:
    """Elapsed hours, whatever the clocks did in between; negative the other way round."""
    # Two moments of one zone would subtract by their clocks.
    return (later.astimezone(UTC) - earlier.astimezone(UTC)) / HOUR
