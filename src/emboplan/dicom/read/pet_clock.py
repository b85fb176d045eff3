"""The moments of a PET series: dates and times of its headers with a time zone, past midnight and back.

DICOM keeps date and time apart, and a time alone does not know its day. A zone stands in the header, or the
caller names the one to assume; what was assumed is said in a finding.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from pydicom.dataset import Dataset

from emboplan.dicom.read.common import items, number, text
from emboplan.errors import DicomError
from emboplan.model.finding import Finding, Severity
from emboplan.model.pet import PetFrame
from emboplan.units import SECONDS_PER_HOUR

MILLISECONDS_PER_SECOND = 1000.0

# A slice acquired more than half a day before its series began was acquired after midnight: no scan of one
# patient takes as long, and the header's date is that of the series.
PAST_MIDNIGHT = timedelta(hours=12)

DAY = timedelta(days=1)

# Clock times of one moment differ between headers by their fractions of a second.
SAME_MOMENT = timedelta(seconds=1)

_DATE = re.compile(r"^(\d{4})\.?(\d{2})\.?(\d{2})$")
_TIME = re.compile(r"^(\d{2}):?(\d{2})?:?(\d{2})?(\.\d{1,6})?$")
_OFFSET = re.compile(r"^([+-])(\d{2})(\d{2})$")
_DATETIME = re.compile(r"^(\d{8})(\d{2,6}(?:\.\d{1,6})?)([+-]\d{4})?$")


@dataclass(frozen=True, slots=True)
class PetClock:
    """When the series began, when each slice was acquired, and the administration that the header tells."""

    series: datetime | None
    frames: tuple[PetFrame, ...]
    administered_at: datetime | None
    findings: tuple[Finding, ...]


def pet_clock(headers: Sequence[Dataset], injection_time: datetime | None) -> PetClock:
    """The moments of a series whose headers are given in the order of its slices.

    `injection_time` lends its time zone to headers without one, and tells the day of an administration whose
    header has a time only.

    Raises:
        DicomError: a date, time or offset that is none.
    """
    zone, findings = _zone(headers[0], injection_time)
    series = _moment(headers[0], "SeriesDate", "SeriesTime", zone)
    starts = [_start(header, series, zone) for header in headers]
    past = [start is not None and series is not None and series - start > PAST_MIDNIGHT for start in starts]
    same_day = [
        text(header, "AcquisitionDate") in ("", text(header, "SeriesDate")) for header in headers
    ]  # a series made later has a date of its own
    rolled = [a and b for a, b in zip(past, same_day, strict=True)]
    starts = [s + DAY if r and s is not None else s for s, r in zip(starts, rolled, strict=True)]
    if any(rolled):
        note = f"{sum(rolled)} slices were acquired past midnight; their date was taken to be the next day."
        findings.append(Finding("pet-past-midnight", Severity.INFO, note))
    starts, by_reference = _beds(headers, starts, series)
    if by_reference:
        note = (
            "All slices have one acquisition time, though their frames began one after the other: their "
            "beginnings were taken from the frame reference times."
        )
        findings.append(Finding("pet-bed-times", Severity.INFO, note))
    administered, notes = _administered(headers[0], series, injection_time, zone)
    frames = tuple(
        PetFrame(start, _seconds(header), _factor(header))
        for header, start in zip(headers, starts, strict=True)
    )
    return PetClock(series, frames, administered, (*findings, *notes))


def _zone(header: Dataset, injection_time: datetime | None) -> tuple[tzinfo, list[Finding]]:
    stated = text(header, "TimezoneOffsetFromUTC")
    if stated:
        return _offset(stated), []
    if injection_time is not None and injection_time.tzinfo is not None:
        name = injection_time.strftime("UTC%z")
        note = f"The PET states no time zone; its times were read in that of the injection ({name})."
        return injection_time.tzinfo, [Finding("pet-time-zone", Severity.INFO, note)]
    note = "The PET states no time zone; its times were read as UTC, and differences of them alone are used."
    return UTC, [Finding("pet-time-zone", Severity.INFO, note)]


def _offset(stated: str) -> timezone:
    match = _OFFSET.match(stated)
    if match is None:
        raise DicomError(f'the time zone of the PET is "{stated}"; expected an offset such as -0500')
    sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset)


def _combined(date: str, time: str, zone: tzinfo) -> datetime:
    day, clock = _DATE.match(date), _TIME.match(time)
    if day is None or clock is None:
        raise DicomError(
            f'the PET has the date "{date}" and the time "{time}"; expected such as 20261203 and 103000'
        )
    hour, minute, second, fraction = clock.groups()
    year, month, of_month = map(int, day.groups())
    leap = min(int(second or 0), 59)  # a leap second has the number 60
    try:
        plain = datetime(year, month, of_month, int(hour), int(minute or 0), leap, tzinfo=zone)
    except ValueError as error:
        raise DicomError(
            f'the PET has the date "{date}" and the time "{time}", which do not exist'
        ) from error
    return plain + timedelta(seconds=float(fraction or 0))


def _moment(header: Dataset, date: str, time: str, zone: tzinfo) -> datetime | None:
    day, clock = text(header, date), text(header, time)
    return _combined(day, clock, zone) if day and clock else None


def _whole_moment(stated: str, zone: tzinfo) -> datetime:
    match = _DATETIME.match(stated)
    if match is None:
        raise DicomError(f'the PET has the moment "{stated}"; expected such as 20261203103000-0500')
    date, time, offset = match.groups()
    return _combined(date, time, zone if offset is None else _offset(offset))


def _start(header: Dataset, series: datetime | None, zone: tzinfo) -> datetime | None:
    stated = text(header, "AcquisitionDateTime")
    if stated:
        return _whole_moment(stated, zone)
    clock = text(header, "AcquisitionTime")
    day = text(header, "AcquisitionDate") or ("" if series is None else series.strftime("%Y%m%d"))
    return _combined(day, clock, zone) if day and clock else None


def _beds(
    headers: Sequence[Dataset], starts: list[datetime | None], series: datetime | None
) -> tuple[list[datetime | None], bool]:
    """Beginnings by the frame reference times, where the acquisition time is that of the series for all."""
    offsets = [number(header, "FrameReferenceTime") for header in headers]
    known = [offset for offset in offsets if offset is not None]
    told = {start for start in starts if start is not None}
    if series is None or len(known) < len(headers) or len(set(known)) == 1 or len(told) > 1:
        return starts, False
    if told and abs(next(iter(told)) - series) > SAME_MOMENT:
        return starts, False
    return [series + timedelta(seconds=offset / MILLISECONDS_PER_SECOND) for offset in known], True


def _administered(
    header: Dataset, series: datetime | None, injection_time: datetime | None, zone: tzinfo
) -> tuple[datetime | None, list[Finding]]:
    """The administration of the header; a time without its day is put on the day that fits."""
    given = next(iter(items(header, "RadiopharmaceuticalInformationSequence")), None)
    if given is None:
        return None, []
    stated = text(given, "RadiopharmaceuticalStartDateTime")
    if stated:
        return _whole_moment(stated, zone), []
    clock = text(given, "RadiopharmaceuticalStartTime")
    if not clock:
        return None, []
    if injection_time is not None:
        near = injection_time.astimezone(zone)
        on_day = _combined(near.strftime("%Y%m%d"), clock, zone)
        return min((on_day - DAY, on_day, on_day + DAY), key=lambda m: abs(m - near)), []
    if series is None:
        return None, []
    same_day = _combined(series.strftime("%Y%m%d"), clock, zone)
    found = same_day if same_day <= series else same_day - DAY
    note = (
        "The PET tells the time of administration without its date: it was taken as the last such time "
        f"before the scan, {(series - found).total_seconds() / SECONDS_PER_HOUR:.1f} h earlier."
    )
    return found, [Finding("pet-administration-date", Severity.WARNING, note)]


def _seconds(header: Dataset) -> float | None:
    duration = number(header, "ActualFrameDuration")
    return None if duration is None or duration < 0 else duration / MILLISECONDS_PER_SECOND


def _factor(header: Dataset) -> float | None:
    factor = number(header, "DecayFactor")
    return factor if factor is not None and factor > 0 else None
