"""Calendars that begin on another day than planned, and hours whose zone does not fit; worked out by hand."""

from datetime import date, datetime, timedelta, timezone

import pytest

from emboplan import catalog
from emboplan.model.results.schedule import EntryStatus, Schedule
from emboplan.model.schedule_request import RecordedEvent, RecordedSession, ScheduleRequest
from emboplan.scheduling.protocol_schedule import protocol_schedule
from emboplan.scheduling.requests import problems
from emboplan.scheduling.tables import schedule_from_table


def calendar_of(protocol: str, request: ScheduleRequest) -> Schedule:
    shipped = catalog.load()
    rules = schedule_from_table(shipped.schedule_table(protocol), shipped.sources)
    return protocol_schedule(rules, request)


@pytest.mark.parametrize(
    ("protocol", "arm", "expected"),
    [
        ("retnet", "be", date(2028, 2, 3)),  # 2 years from the first embolization, which was on 3 February
        ("tae-italy", "tae", date(2028, 1, 5)),  # 2 years from randomisation, whenever the first TAE was
    ],
)
def test_windows_count_from_the_day_that_the_protocol_names(protocol: str, arm: str, expected: date) -> None:
    done = RecordedSession(1, date(2026, 2, 3), done=True)
    found = calendar_of(protocol, ScheduleRequest(start=date(2026, 1, 5), arm=arm, recorded=(done,)))
    ends = [event.last_day for event in found.events if event.id in ("follow-up-end", "progression-end")]
    assert ends == [expected]


def failed(day: date, simulation: date | None = None) -> Schedule:
    event = RecordedEvent("simulation-failed", day)
    request = ScheduleRequest(start=date(2026, 1, 5), simulation=simulation, events=(event,))
    return calendar_of("captem-y90", request)


@pytest.mark.parametrize(
    ("day", "simulation"), [(date(2026, 1, 19), date(2026, 1, 19)), (date(2026, 1, 20), None)]
)
def test_a_simulation_that_failed_was_done(day: date, simulation: date | None) -> None:
    (found,) = [event for event in failed(day, simulation).events if event.id == "simulation"]
    assert (found.status, found.last_day) == (EntryStatus.PLANNED, day)


def hours(offset: int) -> list[str]:
    start = datetime(2026, 7, 6, 9, 30, tzinfo=timezone(timedelta(hours=offset)))
    return problems(ScheduleRequest(start=start, zone="Europe/Rome"), None)


def test_an_offset_of_the_other_season_is_asked_about() -> None:
    """Rome is at +02:00 in July and at +01:00 in winter: which of the two hours is meant nobody can tell."""
    assert hours(2) == []
    assert hours(-5) == []  # another place's offset states the moment
    (line,) = hours(1)
    assert line.startswith("schedule.start: found 2026-07-06T09:30:00+01:00, but Europe/Rome is at +02:00")
    assert line.endswith("expected 2026-07-06T09:30:00+02:00, or 2026-07-06T10:30:00+02:00")
