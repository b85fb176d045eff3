"""Days of sessions: the documents' arithmetic, months and days, and counting on from what was done."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scheduling.cases import LOBES, MONDAY, days, finding_ids, planned

from emboplan.model.results.schedule import EntryStatus
from emboplan.model.schedule import Basis, Period
from emboplan.model.schedule_request import (
    RecordedCycle,
    RecordedEvent,
    RecordedSession,
    ScheduleRequest,
    SessionTerritory,
)

STARTS = st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 12, 31))


def test_deboxa_every_five_weeks() -> None:
    """The dates that the facts work out from 2026-01-05."""
    found = planned("deboxa", ScheduleRequest(start=MONDAY, sessions=5))
    assert days(found) == ["2026-01-05", "2026-02-09", "2026-03-16", "2026-04-20", "2026-05-25"]


def test_deboxa_without_a_number_goes_to_the_end_of_follow_up() -> None:
    """30 months from 2026-01-05 are 2028-07-05, 912 days: sessions 0, 35, ... 910, 27 of them."""
    found = planned("deboxa", ScheduleRequest(start=MONDAY))
    assert len(found.sessions) == 912 // 35 + 1
    assert found.sessions[-1].day == MONDAY + timedelta(days=910)


def test_deboxa_territories_alternate() -> None:
    found = planned("deboxa", ScheduleRequest(start=MONDAY, sessions=4), LOBES)
    names = [session.territories for session in found.sessions]
    assert names == [("right lobe",), ("left lobe",), ("right lobe",), ("left lobe",)]


def test_an_interval_counts_on_from_what_was_done() -> None:
    """Session 2 on 2026-02-13, 4 days late: session 3 is 35 days after it."""
    done = (
        RecordedSession(1, MONDAY, done=True),
        RecordedSession(2, date(2026, 2, 13), done=True),
    )
    found = planned("deboxa", ScheduleRequest(start=MONDAY, sessions=4, recorded=done))
    assert days(found)[2:] == ["2026-03-20", "2026-04-24"]
    third = found.sessions[2]
    assert (third.original_date, third.protocol_date) == (date(2026, 3, 16), date(2026, 3, 20))
    assert third.to_json()["shift_days"] == 4
    assert "shift" in finding_ids(found)


def test_alternation_goes_on_from_what_was_treated() -> None:
    """The left lobe was treated first: the right one is next."""
    done = (RecordedSession(1, MONDAY, done=True, territories=("left lobe",)),)
    found = planned("deboxa", ScheduleRequest(start=MONDAY, sessions=3, recorded=done), LOBES)
    names = [session.territories[0] for session in found.sessions]
    assert names == ["left lobe", "right lobe", "left lobe"]


def test_captem_days_of_cycles() -> None:
    """C2D7 is day 34, C3D7 day 62, C4D7 day 90 after C1D1; without territories these may be needed."""
    found = planned("captem-y90", ScheduleRequest(start=MONDAY))
    assert days(found) == ["2026-02-08", "2026-03-08", "2026-04-05"]
    assert [(s.day - MONDAY).days for s in found.sessions] == [34, 62, 90]
    assert [s.status for s in found.sessions] == ["planned", "if-needed", "if-needed"]
    assert [(s.cycle, s.cycle_day) for s in found.sessions] == [(2, 7), (3, 7), (4, 7)]
    assert found.sessions[2].basis is Basis.INFERENCE


@pytest.mark.parametrize(("cycle", "day"), [(None, "2026-03-08"), (3, "2026-03-08"), (4, "2026-04-05")])
def test_captem_second_session_in_cycle_3_or_4(cycle: int | None, day: str) -> None:
    found = planned("captem-y90", ScheduleRequest(start=MONDAY, later_cycle=cycle), LOBES)
    assert days(found) == ["2026-02-08", day]
    assert ("later-cycle" in finding_ids(found)) is (cycle is None)


def test_captem_follows_the_cycles_as_they_began() -> None:
    """Cycle 2 began a week late: its day 7 and cycle 3 move with it."""
    cycles = (RecordedCycle(2, date(2026, 2, 9)),)
    found = planned("captem-y90", ScheduleRequest(start=MONDAY, cycle_starts=cycles), LOBES)
    assert days(found) == ["2026-02-15", "2026-03-15"]
    assert [s.to_json()["shift_days"] for s in found.sessions] == [7, 7]


def test_retnet_is_monthly_until_all_is_treated_and_says_that_it_is_inferred() -> None:
    found = planned("retnet", ScheduleRequest(start=date(2026, 1, 31), arm="be"), LOBES)
    assert days(found) == ["2026-01-31", "2026-02-28"]
    assert found.sessions[0].basis is Basis.INFERENCE
    assert "inference" in finding_ids(found)


def test_months_do_not_drift_at_their_ends() -> None:
    """From 31 January: 28 February, then 31 March again."""
    found = planned("retnet", ScheduleRequest(start=date(2026, 1, 31), arm="1", sessions=4))
    assert days(found) == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]


def test_a_leap_year_has_its_day() -> None:
    found = planned("retnet", ScheduleRequest(start=date(2028, 1, 30), arm="tace", sessions=2))
    assert days(found) == ["2028-01-30", "2028-02-29"]


def test_what_a_session_left_untreated_gets_one_of_its_own() -> None:
    """Of the right lobe's two parts one was treated: the other and the left lobe are still to come."""
    parts = (SessionTerritory("S5"), SessionTerritory("S8"), SessionTerritory("left lobe", 2))
    done = (RecordedSession(1, MONDAY, done=True, territories=("S5",)),)
    found = planned("retnet", ScheduleRequest(start=MONDAY, arm="be", recorded=done), parts)
    assert [s.territories for s in found.sessions] == [("S5",), ("S8",), ("left lobe",)]
    assert days(found) == ["2026-01-05", "2026-02-05", "2026-03-05"]


def test_tae_at_randomisation_and_at_three_months() -> None:
    """Both count from randomisation, whenever the first was done; calendar months, clamped."""
    done = (RecordedSession(1, date(2025, 12, 10), done=True),)
    found = planned("tae-italy", ScheduleRequest(start=date(2025, 11, 30), arm="tae", recorded=done))
    assert days(found) == ["2025-12-10", "2026-02-28"]


def test_the_arm_without_tae_has_visits_only() -> None:
    found = planned("tae-italy", ScheduleRequest(start=MONDAY, arm="systemic"))
    assert found.sessions == ()
    assert [e.first_day.isoformat() for e in found.events if e.kind == "imaging"] == [
        "2026-04-05",
        "2026-07-05",
    ]


def test_a_window_is_the_cases_own() -> None:
    found = planned("deboxa", ScheduleRequest(start=MONDAY, sessions=2, window_days=3))
    second = found.sessions[1]
    assert (second.earliest, second.latest) == (date(2026, 2, 6), date(2026, 2, 12))
    assert planned("deboxa", ScheduleRequest(start=MONDAY, sessions=2)).sessions[1].earliest is None


def test_hepatic_progression_cancels_what_follows() -> None:
    done = (RecordedSession(1, MONDAY, done=True),)
    events = (RecordedEvent("hepatic-progression", date(2026, 2, 9)),)
    found = planned("deboxa", ScheduleRequest(start=MONDAY, sessions=3, recorded=done, events=events))
    assert [s.status for s in found.sessions] == ["done", "cancelled", "cancelled"]
    assert found.sessions[1].reason.startswith("hepatic-progression on 2026-02-09: Treatment repeats")


def test_extrahepatic_progression_does_not_stop_deboxa() -> None:
    events = (RecordedEvent("extrahepatic-progression", date(2026, 2, 1)),)
    found = planned("deboxa", ScheduleRequest(start=MONDAY, sessions=3, events=events))
    assert [s.status for s in found.sessions] == ["planned"] * 3
    assert "does-not-stop" in finding_ids(found)


@pytest.mark.parametrize(("treated", "second"), [(False, "cancelled"), (True, "planned")])
def test_intolerance_stops_radioembolization_only_before_the_first(treated: bool, second: str) -> None:
    """The document makes tolerance of CapTem a condition of the first session; afterwards it is silent."""
    done = (RecordedSession(1, date(2026, 2, 8), done=True),) if treated else ()
    events = (RecordedEvent("captem-intolerance", date(2026, 2, 8 if treated else 1)),)
    request = ScheduleRequest(start=MONDAY, recorded=done, events=events)
    found = planned("captem-y90", request, LOBES)
    assert found.sessions[1].status == second
    drugs = [e for e in found.events if e.kind == "drug" and e.first_day > date(2026, 2, 8)]
    assert {e.status for e in drugs} == {EntryStatus.CANCELLED}


def test_a_failed_simulation_ends_everything() -> None:
    events = (RecordedEvent("simulation-failed", date(2026, 1, 20)),)
    found = planned("captem-y90", ScheduleRequest(start=MONDAY, events=events), LOBES)
    open_after = [e for e in found.events if e.first_day > date(2026, 1, 20) and e.status == "planned"]
    assert open_after == []


@given(start=STARTS, months=st.integers(0, 60))
def test_a_calendar_month_against_a_second_way(start: date, months: int) -> None:
    """Walk month by month; then the same day, or the month's last."""
    year, month = start.year, start.month
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    day = min(start.day, calendar.monthrange(year, month)[1])
    assert Period(months=1).after(start, months) == date(year, month, day)


@given(start=STARTS, delays=st.lists(st.integers(0, 20), max_size=4), total=st.integers(5, 9))
def test_planned_intervals_hold_whatever_was_delayed(start: date, delays: list[int], total: int) -> None:
    """Every planned session is 35 days after the one before it, and done ones stay where they were."""
    recorded, day = [], start
    for number, delay in enumerate(delays, start=1):
        day = day + timedelta(days=delay + (35 if number > 1 else 0))
        recorded.append(RecordedSession(number, day, done=True))
    request = ScheduleRequest(start=start, sessions=total, recorded=tuple(recorded))
    sessions = planned("deboxa", request).sessions
    assert [s.day for s in sessions[: len(recorded)]] == [r.when for r in recorded]
    for former, later in pairwise(sessions):
        if later.status is EntryStatus.PLANNED:
            assert (later.day - former.day).days == 35
    assert [s.number for s in sessions] == list(range(1, total + 1))


@given(start=STARTS)
def test_cycle_days_are_counted_in_days_alone(start: date) -> None:
    """CnDk = 28 (n - 1) + (k - 1) days after C1D1, over leap days and year ends alike."""
    sessions = planned("captem-y90", ScheduleRequest(start=start)).sessions
    assert [(s.day - start).days for s in sessions] == [28 * (n - 1) + 6 for n in (2, 3, 4)]
