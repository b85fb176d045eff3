"""The `.ics` text, read back by a parser of the tests' own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.scheduling.cases import LOBES, MONDAY, Property, entries, instant, parse, planned

from emboplan.errors import InputError
from emboplan.model.schedule_request import RecordedEvent, RecordedSession, ScheduleRequest, SessionTerritory
from emboplan.scheduling.calendar import calendar_text, escape, fold
from emboplan.scheduling.timezones import changes

ROME = ZoneInfo("Europe/Rome")
TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=200)


def ics(schedule: object, **options: str) -> bytes:
    return calendar_text(schedule, **options).encode("utf-8")  # type: ignore[arg-type]  # a Schedule


def test_all_day_entries_are_dates_and_end_on_the_day_after() -> None:
    """RFC 5545, 3.6.1: DTEND is not part of the event."""
    found = entries(ics(planned("deboxa", ScheduleRequest(start=date(2028, 2, 29), sessions=1))))
    session = next(e for e in found if e["CATEGORIES"].value == "SESSION")
    assert session["DTSTART"] == Property("DTSTART", {"VALUE": "DATE"}, "20280229")
    assert session["DTEND"] == Property("DTEND", {"VALUE": "DATE"}, "20280301")


def test_drug_days_span_and_block_no_time() -> None:
    """Capecitabine of cycle 1: 2026-01-05 to 2026-01-18, 14 days."""
    found = entries(ics(planned("captem-y90", ScheduleRequest(start=MONDAY))))
    drug = next(e for e in found if e["SUMMARY"].text.startswith("CapTemY90: Capecitabine, cycle 1"))
    assert (drug["DTSTART"].value, drug["DTEND"].value) == ("20260105", "20260119")
    assert drug["TRANSP"].value == "TRANSPARENT"


def test_the_file_has_what_the_standard_requires() -> None:
    """RFC 5545, 3.6: VERSION and PRODID once; 3.6.1: UID and DTSTAMP in each event."""
    raw = ics(planned("deboxa", ScheduleRequest(start=MONDAY, sessions=3)))
    name, own = parse(raw)[0]
    assert name == "VCALENDAR"
    assert [p.value for p in own if p.name == "VERSION"] == ["2.0"]
    assert sum(p.name == "PRODID" for p in own) == 1
    assert all({"UID", "DTSTAMP", "DTSTART", "SUMMARY"} <= set(e) for e in entries(raw))
    assert len({e["UID"].value for e in entries(raw)}) == len(entries(raw))


def test_time_stamps_come_from_the_case() -> None:
    raw = ics(
        planned("deboxa", ScheduleRequest(start=MONDAY, sessions=1, issued=date(2026, 1, 2), revision=3))
    )
    assert {e["DTSTAMP"].value for e in entries(raw)} == {"20260102T000000Z"}
    assert {e["SEQUENCE"].value for e in entries(raw)} == {"3"}


def test_hours_stay_on_the_wall_clock_over_daylight_saving() -> None:
    """09:30 in Rome: 08:30 UTC in winter, 07:30 after 2026-03-29; the file's own zone says the same."""
    start = datetime(2026, 3, 2, 9, 30, tzinfo=ROME)
    raw = ics(
        planned("deboxa", ScheduleRequest(start=start, zone="Europe/Rome", sessions=2, session_hours=2.0))
    )
    sessions = [e for e in entries(raw) if e["CATEGORIES"].value == "SESSION"]
    assert [e["DTSTART"].value for e in sessions] == ["20260302T093000", "20260406T093000"]
    assert {e["DTSTART"].parameters["TZID"] for e in sessions} == {"Europe/Rome"}
    moments = [instant(raw, e["DTSTART"]).astimezone(UTC) for e in sessions]
    assert [moment.hour for moment in moments] == [8, 7]
    assert [e["DTEND"].value[-6:] for e in sessions] == ["113000", "113000"]


def test_a_start_with_another_offset_is_the_same_moment() -> None:
    """23:30 in New York is 05:30 the next day in Rome: the calendar is Rome's."""
    start = datetime.fromisoformat("2026-01-04T23:30:00-05:00")
    found = planned("deboxa", ScheduleRequest(start=start, zone="Europe/Rome", sessions=2))
    assert [str(s.day) for s in found.sessions] == ["2026-01-05", "2026-02-09"]
    assert [s.at is not None and s.at.hour for s in found.sessions] == [5, 5]


def test_an_hour_that_does_not_exist_is_refused() -> None:
    """02:30 on 2026-03-29 is skipped in Rome; 35 days before it is 2026-02-22."""
    start = datetime(2026, 2, 22, 2, 30, tzinfo=ROME)
    with pytest.raises(InputError, match="02:30 does not exist on 2026-03-29 in Europe/Rome"):
        planned("deboxa", ScheduleRequest(start=start, zone="Europe/Rome", sessions=2))


def test_changes_of_a_zone_to_the_second() -> None:
    """Rome, 2026: 01:00 UTC on the last Sundays of March and October."""
    found = list(changes(ROME, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)))
    assert [c.at.isoformat() for c in found] == ["2026-03-29T01:00:00+00:00", "2026-10-25T01:00:00+00:00"]
    assert [(c.name, c.daylight) for c in found] == [("CEST", True), ("CET", False)]


def test_identifiers_outlive_a_change_of_days() -> None:
    """A session done late keeps its identifier; with a case id even another start does."""
    done = (RecordedSession(1, MONDAY, done=True), RecordedSession(2, date(2026, 2, 13), done=True))
    first = planned("deboxa", ScheduleRequest(start=MONDAY, sessions=3))
    second = planned("deboxa", ScheduleRequest(start=MONDAY, sessions=3, recorded=done))
    third = planned("deboxa", ScheduleRequest(start=MONDAY + timedelta(days=1), sessions=3))

    def uids(raw: bytes) -> set[str]:
        return {e["UID"].value for e in entries(raw)}

    assert uids(ics(first)) == uids(ics(second))
    assert uids(ics(first)).isdisjoint(uids(ics(third)))
    assert uids(ics(first, case_id="A7")) == uids(ics(third, case_id="A7"))
    assert uids(ics(first, case_id="A7")).isdisjoint(uids(ics(first, case_id="A8")))


def test_the_case_id_is_there_only_when_asked_for() -> None:
    found = planned("deboxa", ScheduleRequest(start=MONDAY, sessions=1))
    assert b"NET-7" not in ics(found)
    assert all(e["SUMMARY"].text.startswith("NET-7: ") for e in entries(ics(found, case_id="NET-7")))
    with pytest.raises(InputError, match="case id is not usable"):
        calendar_text(found, case_id="A\nB")


def test_a_cancelled_session_stays_in_the_file_as_cancelled() -> None:
    """So that a calendar that shows it takes it off."""
    events = (RecordedEvent("unacceptable-toxicity", date(2026, 2, 1)),)
    raw = ics(planned("deboxa", ScheduleRequest(start=MONDAY, sessions=2, events=events)))
    sessions = [e for e in entries(raw) if e["CATEGORIES"].value == "SESSION"]
    assert [e["STATUS"].value for e in sessions] == ["TENTATIVE", "CANCELLED"]


def test_the_same_case_gives_the_same_bytes() -> None:
    def made() -> bytes:
        return ics(planned("captem-y90", ScheduleRequest(start=MONDAY), LOBES))

    assert made() == made()


@given(name=TEXTS.filter(str.strip))
@settings(max_examples=50)
def test_any_name_of_a_territory_comes_back(name: str) -> None:
    """Commas, semicolons, backslashes and signs of several octets survive escaping and folding."""
    found = planned("retnet", ScheduleRequest(start=MONDAY, arm="be"), (SessionTerritory(name),))
    shown = entries(ics(found))[0]["DESCRIPTION"].text
    kept = "".join(sign for sign in name if sign.isprintable() or sign == " ")
    assert f"territories: {kept}" in shown


@given(TEXTS)
def test_folding_keeps_the_line_and_its_limit(text: str) -> None:
    parts = fold(text).split("\r\n ")
    assert "".join(parts) == text
    sizes = [len(part.encode("utf-8")) + (position > 0) for position, part in enumerate(parts)]
    assert max(sizes) <= 75


@given(TEXTS)
def test_escaping_is_undone_by_a_reader(text: str) -> None:
    kept = "".join(sign for sign in text if sign.isprintable() or sign == " ")
    assert Property("X", {}, escape(text)).text == kept


@given(
    start=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2035, 1, 1)),  # noqa: DTZ001  local
    zone=st.sampled_from(
        [
            "Europe/Rome",
            "America/New_York",
            "Australia/Lord_Howe",
            "Asia/Kathmandu",
            "America/St_Johns",
            "UTC",
        ]
    ),
)
@settings(max_examples=40, deadline=None)
def test_every_moment_is_the_instant_that_the_zone_means(start: datetime, zone: str) -> None:
    """The offsets written in the file give the same instants as the zone's own database."""
    moment = start.replace(microsecond=0, second=0, hour=12, tzinfo=ZoneInfo(zone))
    found = planned("deboxa", ScheduleRequest(start=moment, zone=zone, sessions=8))
    raw = ics(found)
    sessions = sorted(
        (e for e in entries(raw) if e["CATEGORIES"].value == "SESSION"), key=lambda e: e["DTSTART"].value
    )
    for session, entry in zip(found.sessions, sessions, strict=True):
        assert instant(raw, entry["DTSTART"]) == session.at


@given(start=st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 12, 31)))
@settings(max_examples=50, deadline=None)
def test_every_entry_comes_back_with_its_days(start: date) -> None:
    found = planned("captem-y90", ScheduleRequest(start=start), LOBES)
    read = {
        (e["SUMMARY"].text.split(": ", 1)[1].removesuffix(" (any day)"), e["DTSTART"].value, e["DTEND"].value)
        for e in entries(ics(found))
    }
    one = timedelta(days=1)
    written = {(e.title, f"{e.first_day:%Y%m%d}", f"{e.last_day + one:%Y%m%d}") for e in found.events}
    assert read == written
