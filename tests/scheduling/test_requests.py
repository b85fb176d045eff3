"""Mistakes of a case, one line each and all at once."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from tests.scheduling.cases import LOBES, MONDAY, rules

from emboplan.model.schedule_request import (
    RecordedEvent,
    RecordedSession,
    ScheduleRequest,
    SessionTerritory,
)
from emboplan.scheduling.requests import problems

NAIVE = datetime.fromisoformat("2026-01-05T09:30:00")
DONE = RecordedSession(1, MONDAY, done=True)


@pytest.mark.parametrize(
    ("protocol", "request_", "line"),
    [
        ("deboxa", ScheduleRequest(), "schedule.start: not found; give the day of the first D-TACE"),
        ("deboxa", ScheduleRequest(start=date(1026, 1, 5)), "schedule.start: found the year 1026"),
        (
            "deboxa",
            ScheduleRequest(start=MONDAY, recorded=(RecordedSession(1, date(9999, 12, 31), done=True),)),
            "schedule.session[0].date: found the year 9999",
        ),
        ("retnet", ScheduleRequest(start=MONDAY), "schedule.arm: not found; RETNET has the arms be, tace"),
        ("retnet", ScheduleRequest(start=MONDAY, arm="tare"), 'found "tare"; RETNET has be, tace'),
        (
            "retnet",
            ScheduleRequest(start=MONDAY, arm="DEB"),
            '"DEB" cannot be scheduled, since the arm is closed: the registry record marks it CLOSED',
        ),
        ("msk-19-125", ScheduleRequest(start=MONDAY, arm="deb"), "high rate of serious adverse events"),
        ("deboxa", ScheduleRequest(start=NAIVE, zone="Europe/Rome"), "without a time zone; expected"),
        (
            "deboxa",
            ScheduleRequest(start=datetime.fromisoformat("2026-01-05T09:30:00+01:00")),
            "schedule.zone: not found; a time of day needs the name of its zone",
        ),
        ("deboxa", ScheduleRequest(start=MONDAY, zone="Europe/Roma"), "similar: Europe/Rome"),
        ("deboxa", ScheduleRequest(start=MONDAY, recorded=(DONE, DONE)), "session 1 is recorded twice"),
        (
            "deboxa",
            ScheduleRequest(start=MONDAY, recorded=(RecordedSession(2, MONDAY, done=True),)),
            "session 2 is done, but session 1 is not",
        ),
        (
            "deboxa",
            ScheduleRequest(start=MONDAY, recorded=(DONE, RecordedSession(2, MONDAY, done=False))),
            "schedule.session[1].date: session 2 is on 2026-01-05, not after session 1",
        ),
        (
            "deboxa",
            ScheduleRequest(start=MONDAY, recorded=(RecordedSession(1, date(2026, 1, 4), done=True),)),
            "found 2026-01-04, before the start on 2026-01-05",
        ),
        (
            "deboxa",
            ScheduleRequest(start=MONDAY, issued=date(2026, 1, 1), recorded=(DONE,)),
            "after this calendar was issued",
        ),
        (
            "retnet",
            ScheduleRequest(start=MONDAY, arm="be", drug_mg=50.0),
            "the arm be gives no drug in a session",
        ),
        (
            "deboxa",
            ScheduleRequest(
                start=MONDAY, recorded=(RecordedSession(1, MONDAY, done=True, activity_gbq=1.0),)
            ),
            "the arm deb gives no activity",
        ),
        ("deboxa", ScheduleRequest(start=MONDAY, cycles=3), "DEBOXA has no drug cycles"),
        ("captem-y90", ScheduleRequest(start=MONDAY, later_cycle=5), "found 5; expected 3 or 4"),
        ("tae-italy", ScheduleRequest(start=MONDAY, arm="tae", sessions=3), "found 3; TAE-IT has 2"),
        (
            "deboxa",
            ScheduleRequest(start=MONDAY, events=(RecordedEvent("fever", MONDAY),)),
            'found "fever"; the rules of DEBOXA know: hepatic-progression, unacceptable-toxicity',
        ),
        (
            "captem-y90",
            ScheduleRequest(start=MONDAY, course_mg_per_m2={"5-fu": 1.0}),
            'found "5-fu"; CapTemY90 has capecitabine, temozolomide',
        ),
    ],
)
def test_each_mistake_has_one_line(protocol: str, request_: ScheduleRequest, line: str) -> None:
    found = problems(request_, rules(protocol))
    assert len(found) == 1
    assert line in found[0]
    assert "\n" not in found[0]


def test_all_mistakes_come_at_once() -> None:
    wrong = RecordedSession(2, NAIVE, done=True, territories=("tail",))
    request = ScheduleRequest(arm="deb", zone="Mars", recorded=(wrong,))
    found = problems(request, rules("retnet"), LOBES)
    keys = [line.split(":")[0] for line in found]
    assert keys == [
        "schedule.start",
        "schedule.session[0].date",
        "schedule.zone",
        "schedule.session",
        "schedule.arm",
        "schedule.session[0].territories",
    ]


@pytest.mark.parametrize(("numbers", "count"), [((1, 3), 1), ((1, 2, 3), 0), ((2,), 1)])
def test_sessions_of_territories_have_no_gap(numbers: tuple[int, ...], count: int) -> None:
    territories = tuple(SessionTerritory(f"T{n}", n) for n in numbers)
    assert len(problems(ScheduleRequest(start=MONDAY), rules("deboxa"), territories)) == count


def test_more_sessions_than_the_protocol_has_days() -> None:
    four = tuple(SessionTerritory(f"T{n}", n) for n in (1, 2, 3, 4))
    found = problems(ScheduleRequest(start=MONDAY), rules("captem-y90"), four)
    assert found == ["territory: session 4 is named, but CapTemY90 has days for 3 sessions"]


def test_a_number_that_contradicts_the_territories() -> None:
    found = problems(ScheduleRequest(start=MONDAY, arm="be", sessions=5), rules("retnet"), LOBES)
    assert len(found) == 1
    assert "found 5, but the territories are treated in 2" in found[0]
