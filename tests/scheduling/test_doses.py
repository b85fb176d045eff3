"""Drug and activity, per session and cumulative."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scheduling.cases import LOBES, MONDAY, finding_ids, planned

from emboplan.model.schedule_request import RecordedEvent, RecordedSession, ScheduleRequest, SessionTerritory
from emboplan.scheduling.doses import Body


def test_retnet_tace_has_the_documents_50_mg() -> None:
    """Three sessions of 50 mg at 1.8 m2, 120 mg/m2 before: 150 mg, 83.33 mg/m2, 203.33 mg/m2 in all."""
    request = ScheduleRequest(start=MONDAY, arm="tace", sessions=3)
    found = planned("retnet", request, body=Body(1.8, 120.0))
    assert [s.cumulative and s.cumulative.drug_mg for s in found.sessions] == [50.0, 100.0, 150.0]
    assert found.totals.planned.drug_mg_per_m2 == pytest.approx(150 / 1.8)
    assert found.totals.planned.drug_mg_per_m2_with_prior == pytest.approx(120 + 150 / 1.8)
    assert found.totals.done.drug_mg == 0.0
    assert found.totals.planned.complete


def test_another_dose_than_the_documents_is_told() -> None:
    found = planned("retnet", ScheduleRequest(start=MONDAY, arm="tace", sessions=1, drug_mg=75.0))
    assert found.totals.planned.drug_mg == 75.0
    assert "drug-dose" in finding_ids(found)


def test_deboxa_has_no_dose_unless_the_case_states_one() -> None:
    found = planned("deboxa", ScheduleRequest(start=MONDAY, sessions=2))
    assert found.sessions[0].amounts.drug_mg is None
    assert not found.totals.planned.complete
    assert "amounts" in finding_ids(found)


def test_activities_of_the_territories_add_up() -> None:
    """1.8 and 0.9 GBq; of the first, 1.7 GBq were recorded."""
    done = (RecordedSession(1, date(2026, 2, 8), done=True, activity_gbq=1.7),)
    found = planned("captem-y90", ScheduleRequest(start=MONDAY, recorded=done), LOBES)
    assert found.totals.done.activity_gbq == 1.7
    assert found.totals.planned.activity_gbq == pytest.approx(2.6)


def test_a_session_done_without_an_amount_leaves_the_sum_incomplete() -> None:
    """What was planned for it is not taken for what was given."""
    done = (RecordedSession(1, MONDAY, done=True),)
    found = planned("retnet", ScheduleRequest(start=MONDAY, arm="tace", sessions=2, recorded=done))
    assert found.totals.done.drug_mg == 0.0
    assert not found.totals.done.complete
    assert found.totals.planned.drug_mg == 50.0


def test_cancelled_sessions_add_nothing() -> None:
    events = (RecordedEvent("hepatic-progression", date(2026, 2, 1)),)
    request = ScheduleRequest(start=MONDAY, sessions=3, drug_mg=100.0, events=events)
    assert planned("deboxa", request).totals.planned.drug_mg == 100.0


def test_capecitabine_of_the_published_regimen() -> None:
    """BSA 1.80 m2: 600 mg/m2 are 1080 mg a dose and 2160 mg a day; 4 cycles of 14 days are 120,960 mg."""
    amounts = {"capecitabine": 600.0, "temozolomide": 150.0}
    found = planned("captem-y90", ScheduleRequest(start=MONDAY, course_mg_per_m2=amounts), body=Body(1.8))
    capecitabine, temozolomide = found.totals.courses
    assert capecitabine.mg_per_day == pytest.approx(2160.0)
    assert capecitabine.days == 56
    assert capecitabine.mg == pytest.approx(120_960.0)
    assert temozolomide.mg == pytest.approx(150 * 1.8 * 5 * 4)
    drug = next(e for e in found.events if e.id == "capecitabine-cycle-1")
    assert "1080 mg a dose, 2160 mg a day" in drug.details


def test_an_amount_beyond_the_published_ones_is_told() -> None:
    request = ScheduleRequest(start=MONDAY, course_mg_per_m2={"capecitabine": 1000.0})
    assert "course-dose" in finding_ids(planned("captem-y90", request))


def test_a_course_that_ended_counts_its_days() -> None:
    """Intolerance on day 5 of cycle 1: 5 days of capecitabine."""
    events = (RecordedEvent("captem-intolerance", date(2026, 1, 9)),)
    request = ScheduleRequest(start=MONDAY, events=events, course_mg_per_m2={"capecitabine": 600.0})
    assert planned("captem-y90", request).totals.courses[0].days == 5


@given(
    st.lists(st.floats(0.01, 10.0), min_size=1, max_size=3),
    st.integers(0, 3),
)
def test_the_last_cumulative_is_the_total(activities: list[float], done: int) -> None:
    territories = tuple(SessionTerritory(f"T{n}", n, a) for n, a in enumerate(activities, start=1))
    days = (date(2026, 2, 8), date(2026, 3, 8), date(2026, 4, 5))
    recorded = tuple(
        RecordedSession(n, days[n - 1], done=True, activity_gbq=activities[n - 1])
        for n in range(1, min(done, len(activities)) + 1)
    )
    found = planned("captem-y90", ScheduleRequest(start=MONDAY, recorded=recorded), territories)
    last = found.sessions[-1].cumulative
    assert last == found.totals.planned
    assert found.totals.planned.activity_gbq == pytest.approx(sum(activities))
    steps = [s.cumulative.activity_gbq or 0.0 for s in found.sessions if s.cumulative]
    assert steps == sorted(steps)
