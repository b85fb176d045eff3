"""Moments of calibration, shelf life, and the days on which a vial can be used.

A clock time belongs to a place: glass is calibrated at an hour of Eastern Time, whatever the season, and a
clinic keeps its own hour from day to day. Both go through the clock of their zone. Shelf life and decay are
elapsed hours, counted in UTC, so that a change to daylight saving moves the clock time of expiry and nothing
else.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from emboplan.dosimetry.arguments import positive
from emboplan.dosimetry.treatment.spheres import product
from emboplan.errors import CatalogError, ModelRangeError
from emboplan.model.products import Microsphere
from emboplan.model.results.vials import require_zone
from emboplan.units import UNITS

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)


def _zone(name: str, where: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise CatalogError(
            f"{where} is {name!r}; expected a zone of the IANA time zone database, such as America/New_York"
        ) from error


def on_the_clock(day: date, clock: time, zone: tzinfo) -> datetime:
    """A clock time on a day in a zone; a time that the change of the clock leaves out moves on by the gap."""
    moment = datetime.combine(day, clock, tzinfo=zone)
    return moment.astimezone(UTC).astimezone(zone)


def _weekly(device: Microsphere) -> tuple[int, time, ZoneInfo]:
    if "calibration_weekday" not in device.facts:
        raise ModelRangeError(
            f"{device.name} has no calibration time with a source; enter the calibration_time of the vial"
        )
    weekday = device.fact("calibration_weekday")
    clock = device.fact("calibration_clock")
    zone = device.fact("calibration_zone")
    if weekday.text not in WEEKDAYS:
        raise CatalogError(f"{weekday.name} is {weekday.text!r}; expected one of {', '.join(WEEKDAYS)}")
    try:
        hour = time.fromisoformat(clock.text)
    except ValueError as error:
        raise CatalogError(f"{clock.name} is {clock.text!r}; expected a clock time such as 12:00") from error
    return WEEKDAYS.index(weekday.text), hour, _zone(zone.text, zone.name)


def calibration_before(device: Microsphere | str, moment: datetime) -> datetime:
    """The last moment of calibration at or before `moment`, in the zone of the product's calibration.

    Known only for products that are calibrated on one weekday (glass: Sunday 12:00 Eastern Time, to be
    confirmed); `ModelRangeError` for the others, whose calibration time the user enters.
    """
    weekday, clock, zone = _weekly(product(device))
    local = require_zone(moment, "moment").astimezone(zone).date()
    day = local - timedelta(days=(local.weekday() - weekday) % len(WEEKDAYS))
    found = on_the_clock(day, clock, zone)
    # Moments of one zone compare by their clocks, so that both are taken to UTC first.
    if found.astimezone(UTC) > moment.astimezone(UTC):
        found = on_the_clock(day - WEEK, clock, zone)
    return found


def calibration_after(device: Microsphere | str, moment: datetime) -> datetime:
    """The first moment of calibration after `moment`; see `calibration_before`."""
    _, clock, zone = _weekly(product(device))
    return on_the_clock(calibration_before(device, moment).date() + WEEK, clock, zone)


def shelf_life_hours(device: Microsphere | str) -> float | None:
    """The shelf life from calibration (h) as the catalogue has it; None where it has none with a source.

    >>> shelf_life_hours("sir-spheres")
    24.0
    """
    facts = product(device).facts
    if "shelf_life" not in facts:
        return None
    entry = facts["shelf_life"]
    if entry.unit not in UNITS:
        raise CatalogError(f"{entry.name} has the unit {entry.unit!r}; expected h or d")
    return entry.number * float(UNITS[entry.unit].factor)


def expiry(calibration_time: datetime, shelf_life_h: float) -> datetime:
    """The end of the shelf life, in the zone of the calibration: elapsed hours, not days of the calendar."""
    start = require_zone(calibration_time, "calibration_time")
    hours = timedelta(hours=float(positive(shelf_life_h, "shelf_life_h")))
    return (start.astimezone(UTC) + hours).astimezone(start.tzinfo)


def calibrations_covering(
    device: Microsphere | str, treatment_time: datetime, *, shelf_life_h: float | None = None
) -> tuple[datetime, ...]:
    """The moments of calibration of which a vial can be used at `treatment_time`, earliest first.

    With a shelf life of more than a week there are two: this week's, and last week's, which has more spheres
    for the same activity. The last one before the treatment is always among them, even if its vials expired.
    """
    device = product(device)
    life = shelf_life_hours(device) if shelf_life_h is None else shelf_life_h
    _, clock, zone = _weekly(device)
    found = [calibration_before(device, treatment_time)]
    while life is not None:
        earlier = on_the_clock(found[0].date() - WEEK, clock, zone)
        if expiry(earlier, life).astimezone(UTC) < treatment_time.astimezone(UTC):
            break
        found.insert(0, earlier)
    return tuple(found)


def treatment_days(
    treatment_time: datetime, *, first: datetime, last: datetime, zone: str | None = None
) -> tuple[datetime, ...]:
    """The clock time of `treatment_time` on each day from `first` to `last`, both moments included.

    The clock is that of `zone` (a name such as ``Europe/Berlin``), else of the zone that `treatment_time`
    carries. A time written with an offset alone, such as -05:00, knows no daylight saving: name the zone
    where the days pass a change of the clock.
    """
    moment = require_zone(treatment_time, "treatment_time")
    start, end = require_zone(first, "first"), require_zone(last, "last")
    if end.astimezone(UTC) < start.astimezone(UTC):
        raise ModelRangeError(f"last {end.isoformat()} is before first {start.isoformat()}; swap them")
    if zone is not None:
        moment = moment.astimezone(_zone(zone, "zone"))
    place = moment.tzinfo or UTC
    clock = moment.timetz().replace(tzinfo=None)
    day, found = start.astimezone(place).date(), []
    while (candidate := on_the_clock(day, clock, place)).astimezone(UTC) <= end.astimezone(UTC):
        if candidate.astimezone(UTC) >= start.astimezone(UTC):
            found.append(candidate)
        day += DAY
    return tuple(found)
