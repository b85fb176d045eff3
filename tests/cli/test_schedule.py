"""`emboplan schedule` as a user runs it, and the same from Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.running import contents, run
from tests.scheduling.cases import entries

import emboplan as ep
from emboplan.errors import CaseFileError

CASE = """
[patient]
id = "SECRET-17"
height = "168 cm"
weight = "64 kg"
[procedure]
kind = "deb-tace"
protocol = "deboxa"
[[territory]]
name = "right lobe"
session = 1
[[territory]]
name = "left lobe"
session = 2
[[prior]]
kind = "drug"
drug = "Oxaliplatin"
dose_mg_per_m2 = 85
[schedule]
start = 2026-01-05
sessions = 3
drug_dose = "100 mg"
holidays = [2026-02-09]
"""


def written(folder: Path, text: str = CASE) -> Path:
    path = folder / "case.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_json_holds_sessions_and_sums(tmp_path: Path) -> None:
    """DuBois: 0.20247 x 1.68^0.725 x 64^0.425 m2; 300 mg and 85 mg/m2 before."""
    ran = run("schedule", written(tmp_path), "--json")
    assert (ran.status, ran.err) == (0, "")
    answer = json.loads(ran.out)
    assert [s["date"] for s in answer["sessions"]] == ["2026-01-05", "2026-02-09", "2026-03-16"]
    assert [s["territories"] for s in answer["sessions"]] == [["right lobe"], ["left lobe"], ["right lobe"]]
    surface = 0.20247 * 1.68**0.725 * 64**0.425
    assert answer["totals"]["planned"]["drug_mg_per_m2_with_prior"] == pytest.approx(85 + 300 / surface)
    assert answer["sessions"][1]["cumulative"]["drug_mg"] == 200
    assert "schedule-holiday" in [finding["id"] for finding in answer["findings"]]
    assert answer["stop_rules"][0]["event"] == "hepatic-progression"


def test_text_names_no_patient(tmp_path: Path) -> None:
    ran = run("schedule", written(tmp_path), "-o", tmp_path / "out")
    assert ran.status == 0
    assert "2026-02-09  Monday" in ran.out
    for text in (ran.out, ran.err, *(p.read_text() for p in (tmp_path / "out").iterdir())):
        assert "SECRET" not in text


def test_files_are_whole_and_repeat(tmp_path: Path) -> None:
    case = written(tmp_path)
    for name in ("one", "two"):
        assert run("schedule", case, "-o", tmp_path / name, "-q").status == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    raw = (tmp_path / "one" / "schedule.ics").read_bytes()
    days = [e["DTSTART"].value for e in entries(raw) if e["CATEGORIES"].value == "SESSION"]
    assert days == ["20260105", "20260209", "20260316"]
    again = run("schedule", case, "-o", tmp_path / "one")
    assert again.status == 2
    assert "--force" in again.err
    assert run("schedule", case, "-o", tmp_path / "one", "--force", "--case-id", "NET-1").status == 0
    assert b"SUMMARY:NET-1: DEBOXA" in (tmp_path / "one" / "schedule.ics").read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('"deboxa"', '"nope"', 'procedure.protocol: found "nope"; expected one of captem-y90, deboxa'),
        ('protocol = "deboxa"\n', "", "procedure.protocol: not found; a calendar is that of a protocol"),
        ("start = 2026-01-05\n", "", "schedule.start: not found; give the day of the first D-TACE"),
        ("start = 2026-01-05", "start = 2026-01-05T09:00:00\nzone = 'Europe/Rome'", "without a time zone"),
        ("start = 2026-01-05", 'start = "soon"', 'schedule.start: found "soon"; expected a date'),
        ("start = 2026-01-05", 'start = 2026-01-05\narm = "x"', 'schedule.arm: found "x"; DEBOXA has deb'),
        (
            "start = 2026-01-05",
            "start = 2026-01-05\nbegin = 1",
            "schedule.begin: unknown key; known here: start",
        ),
        ('"100 mg"', "100", "schedule.drug_dose: found 100 without a unit"),
        ('"100 mg"', '"100 mg"\nimaging_every = "often"', 'expected a period such as "3 months"'),
    ],
)
def test_each_mistake_is_one_line(tmp_path: Path, old: str, new: str, line: str) -> None:
    assert old in CASE
    ran = run("schedule", written(tmp_path, CASE.replace(old, new)))
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.lines) == 1
    assert line in ran.err


def test_a_closed_arm_is_refused_with_its_reason(tmp_path: Path) -> None:
    text = CASE.replace('"deboxa"', '"retnet"').replace("sessions = 3", 'arm = "deb"')
    ran = run("schedule", written(tmp_path, text))
    assert ran.status == 2
    assert len(ran.lines) == 1
    assert "high rate of serious adverse events" in ran.err
    assert "open: be, tace" in ran.err


def test_mistakes_of_all_kinds_come_at_once(tmp_path: Path) -> None:
    text = (
        CASE.replace('"deboxa"', '"retnet"').replace("start = 2026-01-05\n", "").replace("sessions = 3", "")
    )
    text = text.replace('weight = "64 kg"', 'weight = "64 kg"\nsex = "F"') + "[facts]\necogg = 1\n"
    ran = run("schedule", written(tmp_path, text))
    keys = [line.split(": ")[2] for line in ran.lines]
    assert sorted(keys) == ["facts.ecogg", "schedule.arm", "schedule.start"]


def test_a_washout_that_is_not_over_is_told(tmp_path: Path) -> None:
    """CapTemY90 asks for 28 days: 27 are too few."""
    text = CASE.replace('"deboxa"', '"captem-y90"').replace('kind = "deb-tace"\n', "")
    text = text.replace("sessions = 3\n", "").replace('drug_dose = "100 mg"\n', "")
    for day, told in ((9, True), (8, False)):
        facts = f"[facts]\nlast_chemotherapy_date = 2025-12-{day:02d}\n"
        answer = json.loads(run("schedule", written(tmp_path, text + facts), "--json").out)
        ids = [finding["id"] for finding in answer["findings"]]
        assert ("schedule-washout" in ids) is told


def test_a_plan_still_refuses_what_it_cannot_plan(tmp_path: Path) -> None:
    """The calendar knows kinds of procedure that no activity is computed for."""
    ran = run("activity", written(tmp_path))
    assert ran.status == 2
    assert any('procedure.kind: found "deb-tace"' in line for line in ran.lines)


def test_python_gives_the_same(tmp_path: Path) -> None:
    found = ep.schedule(written(tmp_path))
    assert found.to_json() == json.loads(run("schedule", tmp_path / "case.toml", "--json").out)
    with pytest.raises(CaseFileError, match="no such case file"):
        ep.schedule(tmp_path / "none.toml")
