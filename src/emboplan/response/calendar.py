"""Calendar months from a day on, as protocols count them."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

MONTHS_PER_YEAR = 12


def months_later(day: date, months: int) -> date:
    """The same day of the month so many months later; the last day of a month that is too short.

    >>> months_later(date(2024, 1, 31), 1)
    datetime.date(2024, 2, 29)
    """
    years, month = divmod(day.month - 1 + months, MONTHS_PER_YEAR)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
