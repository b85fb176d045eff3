"""`emboplan respond`: the answer as text and JSON, the folder, and tables that cannot be used."""

import json
from pathlib import Path

import pytest
from tests.cli.running import contents, run

HEAD = "date,lesion,organ,role,longest_mm,short_axis_mm,viable_longest_mm,viable_perpendicular_mm,state\n"
READS = HEAD + (
    "2024-01-01,L1,liver,target,40,,,,\n"
    "2024-01-01,L2,liver,target,30,,,,\n"
    "2024-03-01,L1,liver,target,26,,,,\n"
    "2024-03-01,L2,liver,target,20,,,,\n"
    "2024-03-01,X,lung,new,8,,,,\n"
)
MANY = (
    "patient,"
    + HEAD
    + "".join(
        f"P{n},2024-01-01,L,liver,target,100,,,,\nP{n},2024-03-01,L,liver,target,{mm},,,,\n"
        for n, mm in enumerate((60, 100, 130, 0), start=1)
    )
)


@pytest.fixture
def reads(tmp_path: Path) -> Path:
    path = tmp_path / "reads.csv"
    path.write_text(READS, encoding="utf-8")
    return path


def test_the_answer_as_json(reads: Path) -> None:
    ran = run("respond", reads, "--json")
    assert (ran.status, ran.err) == (0, "")
    answer = json.loads(ran.out)
    point = answer["time_points"][-1]
    assert {key: point[key] for key in ("date", "sum_mm", "nadir_mm", "target", "non_target")} == {
        "date": "2024-03-01",
        "sum_mm": 46,
        "nadir_mm": 70,
        "target": "PR",
        "non_target": None,
    }
    assert (point["new_lesion"], point["overall"], point["hepatic"]) == (True, "PD", "PR")
    assert (answer["best_overall"], answer["best_hepatic"]) == ("PD", "PR")
    pfs, hpfs = answer["endpoints"]["pfs"], answer["endpoints"]["hpfs"]
    assert (pfs["time_days"], pfs["event"], pfs["censor_reason"]) == (60, True, None)
    assert (hpfs["time_days"], hpfs["event"], hpfs["censor_reason"]) == (60, False, "last liver imaging")


def test_the_answer_as_text(reads: Path) -> None:
    ran = run("respond", reads)
    lines = ran.out.splitlines()
    assert ran.status == 0
    assert lines[0] == "RECIST 1.1, targets: L1, L2"
    assert lines[3].split() == ["2024-03-01", "46", "70", "PR", "-", "yes", "PD", "PR"]
    assert lines[2].split() == ["2024-01-01", "70", "70", "baseline", "baseline"]
    assert "best response (without confirmation): overall PD, hepatic PR" in lines
    assert any(line.startswith("hpfs  60 days, censored: last liver imaging") for line in lines)
    assert any(line.startswith("pfs  60 days, event: progression") for line in lines)


def test_options_reach_the_answer(reads: Path, tmp_path: Path) -> None:
    course = tmp_path / "course.toml"
    course.write_text("first_treatment_date = 2024-01-02\ndeath_date = 2024-06-01\n", encoding="utf-8")
    options = ["--protocol", "retnet", "--course", course, "--confirmation", "--carry-pr", "--reread-cr"]
    options += ["--max-targets", 4, "--max-targets-per-organ", 3, "--min-sd-days", 50, "--visit-window", 7]
    options += ["--as-of", "2024-06-01", "--assessor", "reader 1", "--five-mm"]
    answer = json.loads(run("respond", reads, "--json", *options).out)
    assert answer["protocol"] == "RETNET"
    assert answer["endpoints"]["hpfs"]["event_kind"] == "death"
    assert answer["endpoints"]["hpfs"]["time_days"] == 151
    settings = answer["settings"]
    assert settings.pop("days_per_month") == 30.4375
    assert settings == {
        "max_targets": 4,
        "max_targets_per_organ": 3,
        "min_sd_interval_days": 50,
        "confirmation": True,
        "confirmation_interval_days": 28,
        "carry_pr": True,
        "reread_cr": True,
        "five_mm": True,
        "visit_window_days": 7,
        "as_of": "2024-06-01",
        "assessor": "reader 1",
    }


def test_a_folder_of_one_patient(reads: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = run("respond", reads, "-o", out)
    assert ran.status == 0
    assert ran.lines == [f"written to {out}"]
    assert set(contents(out)) == {"response.json", "time_points.csv"}
    assert json.loads((out / "response.json").read_text())["best_hepatic"] == "PR"
    rows = (out / "time_points.csv").read_text().splitlines()
    assert rows[0].startswith("patient,time_point,date,sum_mm,nadir_mm,target")
    assert rows[2].startswith(",2024-03-01,2024-03-01,46.0,70.0,PR,,True,PD,PR")
    before = contents(out)
    assert run("respond", reads, "-o", out).status == 2
    assert run("respond", reads, "-o", out, "--force", "--quiet").lines == []
    assert contents(out) == before
    (out / "mine.txt").write_text("x")
    assert "also holds mine.txt" in run("respond", reads, "-o", out, "--force").err


def test_several_patients_with_curves(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text(MANY, encoding="utf-8")
    out = tmp_path / "out"
    ran = run("respond", path, "-o", out)
    assert ran.status == 0
    assert "patient P3" in ran.out
    assert "orr  2/4 = 50.0 % (95 % CI 6.8 to 93.2 %)" in ran.out
    assert "pfs  median not reached; 1 events in 4 patients" in ran.out
    assert {"survival_pfs.svg", "survival_os.svg"} <= set(contents(out))
    assert b"<svg" in (out / "survival_pfs.svg").read_bytes()
    answer = json.loads(run("respond", path, "--json").out)
    assert list(answer["patients"]) == ["P1", "P2", "P3", "P4"]
    assert answer["rates"]["dcr"]["count"] == 3
    (out / "survival_mine.svg").write_bytes(b"")
    assert run("respond", path, "-o", out, "--force").status == 0
    assert not (out / "survival_mine.svg").exists()


@pytest.mark.parametrize(
    ("text", "arguments", "lines"),
    [
        (
            READS.replace("2024-03-01,L1,liver,target,26,,,,", "2024-03-01,L1,liver,target,NaN,,,,abssent"),
            [],
            [
                (
                    'reads.csv: row 4, lesion L1: longest_mm: found "NaN", expected a number in mm, '
                    "or an empty cell"
                ),
                'reads.csv: row 4, lesion L1: state: found "abssent"; did you mean "absent"?',
            ],
        ),
        (
            READS,
            ["--as-of", "2024-02-01"],
            [
                f"reads.csv: row {n}, lesion {name}: date: found 2024-03-01, which is after 2024-02-01, "
                "the day of the data"
                for n, name in ((4, "L1"), (5, "L2"), (6, "X"))
            ],
        ),
        (READS, ["--as-of", "soon"], ['--as-of: found "soon", expected a date as YYYY-MM-DD']),
        (READS, ["--criteria", "easll"], ['no criteria "easll"; did you mean "easl"?']),
        (READS, ["--protocol", "retnt"], ['no protocol "retnt"; did you mean "retnet"?']),
        (
            READS,
            ["--criteria", "easl"],
            [
                (
                    f"reads.csv: row {n}, lesion {name}: viable_longest_mm and viable_perpendicular_mm: "
                    "found nothing at baseline; a target needs a measurement above 0"
                )
                for n, name in ((2, "L1"), (3, "L2"))
            ]
            + [
                (
                    f"reads.csv: row {n}, lesion {name}: viable_longest_mm and viable_perpendicular_mm: "
                    "missing; give it, or the state absent, too-small or not-assessed"
                )
                for n, name in ((4, "L1"), (5, "L2"))
            ],
        ),
    ],
)
def test_tables_that_cannot_be_used(
    tmp_path: Path, text: str, arguments: list[str], lines: list[str]
) -> None:
    path = tmp_path / "reads.csv"
    path.write_text(text, encoding="utf-8")
    ran = run("respond", path, *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert sorted(ran.lines) == sorted(f"error: {line}" for line in lines)


@pytest.fixture
def beside(tmp_path: Path) -> list[object]:
    """Forms with every item answered 1, then 2, and events with a window of 183 days from 2024-01-08."""
    items = ",".join(f"q{item}" for item in range(1, 31))
    forms = [f"2024-0{month}-02,{','.join(answer * 30)}" for month, answer in ((1, "1"), (3, "2"))]
    (tmp_path / "qol.csv").write_text("\n".join([f"date,{items}", *forms]) + "\n", encoding="utf-8")
    (tmp_path / "ae.csv").write_text(
        "date,term,grade,related,ctcae_version\n"
        "2024-01-09,nausea,1,yes,5.0\n2024-01-20,nausea,2,yes,5.0\n2024-07-10,abscess,4,no,5.0\n",
        encoding="utf-8",
    )
    (tmp_path / "course.toml").write_text(
        "randomisation_date = 2024-01-05\nfirst_treatment_date = 2024-01-08\n", encoding="utf-8"
    )
    files = {"--questionnaires": "qol.csv", "--adverse-events": "ae.csv", "--course": "course.toml"}
    return [part for option, name in files.items() for part in (option, tmp_path / name)]


def test_quality_of_life_and_adverse_events_as_json(reads: Path, beside: list[object]) -> None:
    ran = run("respond", reads, *beside, "--protocol", "tae-italy", "--json")
    assert (ran.status, ran.err) == (0, "")
    answer = json.loads(ran.out)
    first, second = answer["quality_of_life"]["visits"]
    assert (answer["quality_of_life"]["baseline_date"], first["changes"]) == ("2024-01-02", None)
    assert (second["scales"]["PF2"], second["changes"]["PF2"]) == (66.66666667, -33.33333333)
    assert second["changes_in_words"]["PF2"] == "large, worse"
    grades = answer["toxicity"]
    assert (grades["ctcae_version"], grades["worst"]) == ("5.0", {"": {"grade": 2, "incomplete": False}})
    assert [row["name"] for row in grades["table"]] == ["any adverse event", "nausea"]
    assert not any("also asks" in line for line in answer["findings"])


def test_quality_of_life_and_adverse_events_as_text_and_files(
    reads: Path, beside: list[object], tmp_path: Path
) -> None:
    ran = run("respond", reads, *beside, "--protocol", "tae-italy", "-o", tmp_path / "out")
    assert ran.status == 0
    assert "QLQ-C30 version 3.0, from randomisation through 6 calendar months; baseline 2024-01-02" in ran.out
    assert "summary score (2016) 100.0" in ran.out
    assert "183 days, CTCAE 5.0; patients by worst grade:" in ran.out
    assert "  worst grade: 2" in ran.out.splitlines()
    rows = (tmp_path / "out" / "adverse_events.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("events,name,grade_0,grade_1,grade_2,")
    assert rows[2] == "all,nausea,0,0,1,0,0,0,0,1,0"
    scores = (tmp_path / "out" / "quality_of_life.csv").read_text(encoding="utf-8").splitlines()
    assert len(scores) == 3
    assert scores[2].startswith(",2024-03-02,True,16.7,66.7,")
    again = run("respond", reads, *beside, "-o", tmp_path / "out", "--force")
    assert again.status == 0


def test_mistakes_in_forms_and_events_come_with_those_of_the_reads(tmp_path: Path) -> None:
    (tmp_path / "reads.csv").write_text(READS.replace("26,", "x,"), encoding="utf-8")
    (tmp_path / "qol.csv").write_text("date,q99\n2024-01-01,1\n", encoding="utf-8")
    (tmp_path / "ae.csv").write_text("date,term,grade\n1.2.2024,nausea,1\n", encoding="utf-8")
    ran = run(
        "respond", tmp_path / "reads.csv", "--questionnaires", tmp_path / "qol.csv",
        "--adverse-events", tmp_path / "ae.csv",
    )  # fmt: skip
    assert (ran.status, ran.out) == (2, "")
    for words in ('longest_mm: found "x"', 'unknown column "q99"', 'ae.csv: row 2: date: found "1.2.2024"'):
        assert words in ran.err


def test_areas_by_who(tmp_path: Path) -> None:
    text = READS.replace("target,40,,", "target,40,30,").replace("target,30,,", "target,30,20,")
    text = text.replace("target,26,,", "target,26,20,").replace("target,20,,", "target,20,10,")
    (tmp_path / "reads.csv").write_text(text, encoding="utf-8")
    point = json.loads(run("respond", tmp_path / "reads.csv", "--criteria", "who", "--json").out)[
        "time_points"
    ][-1]
    assert (point["sum_mm2"], point["nadir_mm2"], point["hepatic"]) == (720, 1800, "PR")


def test_who_died_before_the_first_scan_is_in_the_denominator(tmp_path: Path) -> None:
    """P1 and P4 respond, P5 was treated and never read: 2 of 5. A table of no rows is one patient's too."""
    (tmp_path / "many.csv").write_text(MANY, encoding="utf-8")
    head = "patient,first_treatment_date,death_date\n"
    named = "".join(f"P{n},2024-01-02,\n" for n in (1, 2, 3, 4))
    (tmp_path / "courses.csv").write_text(f"{head}{named}P5,2024-01-02,2024-01-12\n", encoding="utf-8")
    given = ("respond", tmp_path / "many.csv", "--course", tmp_path / "courses.csv")
    ran = run(*given)
    assert ran.status == 0
    assert "orr  2/5 = 40.0 % (95 % CI 5.3 to 85.3 %)" in ran.out
    assert "note: no reads: counted as NE: P5" in ran.out.splitlines()
    answer = json.loads(run(*given, "--json").out)
    assert answer["patients"]["P5"]["evaluable"] is False
    assert answer["patients"]["P5"]["endpoints"]["os"]["time_days"] == 10
    (tmp_path / "none.csv").write_text(HEAD, encoding="utf-8")
    (tmp_path / "one.toml").write_text(
        "first_treatment_date = 2024-01-02\ndeath_date = 2024-01-12\n", encoding="utf-8"
    )
    alone = json.loads(run("respond", tmp_path / "none.csv", "--course", tmp_path / "one.toml", "--json").out)
    assert (alone["best_overall"], alone["endpoints"]["pfs"]["event_kind"]) == ("NE", "death")
    assert run("respond", tmp_path / "none.csv").status == 2
