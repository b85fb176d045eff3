"""What a calendar says about its own days."""

from __future__ import annotations

from datetime import date

import pytest
from tests.scheduling.cases import LOBES, MONDAY, finding_ids, planned

from emboplan.model.schedule import Period
from emboplan.model.schedule_request import (
    RecordedCycle,
    RecordedEvent,
    RecordedSession,
    ScheduleRequest,
    SessionTerritory,
)


def test_a_weekend_is_told_and_not_moved() -> None:
    """C2D7 after a Monday is a Sunday."""
    found = planned("captem-y90", ScheduleRequest(start=MONDAY), LOBES)
    assert found.sessions[0].to_json()["weekday"] == "Sunday"
    texts = [f.text for f in found.findings if f.id == "schedule-weekend"]
    assert len(texts) == 2
    assert "2026-02-08 is a Sunday; the day was not moved" in texts[0]


def test_a_holiday_of_the_case_is_told() -> None:
    found = planned("deboxa", ScheduleRequest(start=MONDAY, sessions=2, holidays=(date(2026, 2, 9),)))
    assert finding_ids(found).count("holiday") == 1
    assert found.sessions[1].day == date(2026, 2, 9)


@pytest.mark.parametrize(("day", "close"), [(8, True), (9, False)])
def test_two_sessions_within_the_interval(day: int, close: bool) -> None:
    """34 and 35 days after the first."""
    recorded = (
        RecordedSession(1, MONDAY, done=True),
        RecordedSession(2, date(2026, 2, day), done=False),
    )
    found = planned("deboxa", ScheduleRequest(start=MONDAY, sessions=2, recorded=recorded))
    assert ("interval" in finding_ids(found)) is close


@pytest.mark.parametrize(("day", "name"), [(12, "shift"), (13, "window")])
def test_a_window_of_three_days(day: int, name: str) -> None:
    recorded = (RecordedSession(2, date(2026, 2, day), done=False),)
    found = planned("deboxa", ScheduleRequest(start=MONDAY, sessions=2, window_days=3, recorded=recorded))
    assert name in finding_ids(found)


def test_a_simulation_belongs_into_cycle_1_and_before_the_first_session() -> None:
    inside = planned("captem-y90", ScheduleRequest(start=MONDAY, simulation=date(2026, 2, 1)))
    late = planned("captem-y90", ScheduleRequest(start=MONDAY, simulation=date(2026, 2, 8)))
    assert not {"simulation-cycle", "simulation-late"} & set(finding_ids(inside))
    assert {"simulation-cycle", "simulation-late"} <= set(finding_ids(late))


def test_the_scan_comes_before_the_second_tae() -> None:
    """On its day, or as many days before as the case says; before an earlier TAE too."""
    request = ScheduleRequest(start=date(2026, 1, 7), arm="tae")
    same = planned("tae-italy", request)
    order = [e.id for e in same.events if e.first_day == date(2026, 4, 7)]
    assert order == ["scan-3-months", "session-2"]
    assert "scan-first" in finding_ids(same)
    moved = (RecordedSession(2, date(2026, 4, 1), done=False),)
    earlier = planned(
        "tae-italy", ScheduleRequest(start=date(2026, 1, 7), arm="tae", recorded=moved, scan_lead_days=2)
    )
    scan = next(e for e in earlier.events if e.id == "scan-3-months")
    assert scan.first_day == date(2026, 3, 30)


def test_a_session_after_a_stop_is_told() -> None:
    recorded = (RecordedSession(1, MONDAY, done=True), RecordedSession(2, date(2026, 2, 9), done=True))
    events = (RecordedEvent("unacceptable-toxicity", date(2026, 1, 20)),)
    request = ScheduleRequest(start=MONDAY, sessions=2, recorded=recorded, events=events)
    assert "after-stop" in finding_ids(planned("deboxa", request))


def test_a_session_that_was_due_before_the_day_of_issue() -> None:
    found = planned("deboxa", ScheduleRequest(start=MONDAY, sessions=2, issued=date(2026, 1, 20)))
    assert finding_ids(found).count("overdue") == 1


def test_a_cycle_that_begins_early() -> None:
    found = planned(
        "captem-y90", ScheduleRequest(start=MONDAY, cycle_starts=(RecordedCycle(2, date(2026, 1, 30)),))
    )
    assert "cycle-early" in finding_ids(found)


def test_scans_at_the_sites_interval() -> None:
    """RETNET follows for 24 months: every 3 months, 8 scans."""
    found = planned("retnet", ScheduleRequest(start=MONDAY, arm="be", imaging_every=Period(months=3)), LOBES)
    scans = [e for e in found.events if e.kind == "imaging"]
    assert [str(scans[0].first_day), str(scans[-1].first_day), len(scans)] == ["2026-04-05", "2028-01-05", 8]
    assert "scans" in finding_ids(planned("retnet", ScheduleRequest(start=MONDAY, arm="be"), LOBES))


def test_what_no_session_treats_is_told() -> None:
    """Half of session 3's territory was left in a protocol that has no fourth day."""
    three = tuple(SessionTerritory(name, n) for name, n in [("a", 1), ("b", 2), ("c", 3), ("d", 3)])
    done = (
        RecordedSession(1, date(2026, 2, 8), done=True),
        RecordedSession(2, date(2026, 3, 8), done=True),
        RecordedSession(3, date(2026, 4, 5), done=True, territories=("c",)),
    )
    found = planned("captem-y90", ScheduleRequest(start=MONDAY, recorded=done), three)
    assert [f.text for f in found.findings if f.id == "schedule-untreated"] == [
        "no session is planned or done for: d"
    ]
