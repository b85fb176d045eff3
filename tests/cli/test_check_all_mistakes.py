"""Names, tables and files with several mistakes: every one is told, in a line of its own."""

import json
from pathlib import Path

import pytest
from tests.cli.running import run

import emboplan as ep
from emboplan.errors import InputError

SEGMENTATION = {
    "liver_ml": 1000.0, "liver_ml_interval": [990.0, 1010.0], "tumour_ml": 700.0,
    "tumour_ml_interval": [690.0, 710.0], "burden_pct": 70.0, "burden_pct_interval": [69.0, 71.0],
    "largest_lesion_mm": 42.0, "confirmed_by": "Dr. Reader",
}  # fmt: skip


@pytest.mark.parametrize(
    ("names", "printed"),
    [
        (("retnet", "RETNET", "Retnet"), "RETNET"),
        (("captem-y90", "CapTemY90", "captem_y90"), "CapTemY90"),
        (("tae-italy", "TAE-IT", "tae-it"), "TAE-IT"),
        (("msk-19-125", "MSK-19-125", "msk_19_125"), "MSK-19-125"),
        (("deboxa", "DEBOXA"), "DEBOXA"),
    ],
)
def test_both_names_of_a_protocol_serve(names: tuple[str, ...], printed: str) -> None:
    for name in names:
        assert ep.check({"ecog": 1}, name).protocol == printed
        assert ep.what_would_change({"ecog": 1}, name).protocol == printed


def test_all_protocols_and_a_name_that_none_has() -> None:
    found = ep.check({"ecog": 1}, "all")
    assert sorted(found) == ["CapTemY90", "DEBOXA", "MSK-19-125", "RETNET", "TAE-IT"]
    assert sorted(ep.what_would_change({"ecog": 1}, "all")) == sorted(found)
    for answer in (ep.check, ep.what_would_change):
        with pytest.raises(InputError, match="a variant belongs to one protocol"):
            answer({"ecog": 1}, "all", variant="nci-2020-00831")
    assert ep.arm("RETNET", "tace").id == "tace"
    with pytest.raises(InputError, match='no protocol "RETNETT"; did you mean "retnet"'):
        ep.check({"ecog": 1}, "RETNETT")


def test_a_protocol_by_its_printed_name_in_a_case(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_text(
        '[patient]\nid = "X"\n[procedure]\nkind = "bland"\nprotocol = "RETNET"\n'
        '[schedule]\nstart = 2026-01-05\narm = "be"\n'
    )
    assert ep.schedule(path).protocol == "RETNET"


def test_a_table_with_commas_and_other_mistakes(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("patient;ecog;bilirubin [mg/dL];creatinne\nA;1;0,8;1\nB;9;0,9;1\nC;1\n")
    assert [line.partition(", a number with")[0] for line in run("check", table).lines] == [
        "error: t.csv: row 4 has 2 cells, expected 4 as in the header",
        'error: t.csv: rows 2, 3, column bilirubin [mg/dL]: found "0,8"',
        "error: t.csv: row 3, column ecog: found 9, expected a number from 0 to 5",
        'error: t.csv: column creatinne: unknown fact; did you mean "creatinine"?',
    ]


def test_reads_with_commas_and_other_mistakes(tmp_path: Path) -> None:
    table = tmp_path / "r.csv"
    table.write_text(
        "date;lesion;organ;role;longest_mm\n2026-01-01;A;liver;targt;12,5\n2026-13-01;A;liver;target;10\nx;y\n"
    )
    lines = run("respond", table).lines
    told = ("row 4 has 2 cells", '"12,5", a number with a comma', '"targt"', '"2026-13-01"')
    assert [sum(words in line for line in lines) for words in told] == [1, 1, 1, 1]


def test_each_mistake_of_a_protocol_file_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('name = "X"\nfoo = 1\n[[criterion]]\nid = "A"\nkind = "inclusionn"\n')
    (tmp_path / "f.toml").write_text("ecog = 1\n")
    ran = run("check", tmp_path / "f.toml", "--protocol-file", tmp_path / "p.toml")
    assert ran.status == 2
    assert all(line.startswith("error: p.toml: ") for line in ran.lines)
    for key in ("foo", "command", "criterion[0].kind", "criterion[0].text"):
        assert sum(line.startswith(f"error: p.toml: {key}: ") for line in ran.lines) == 1


def test_what_a_case_says_of_its_patient(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        '[patient]\nid = "X"\ndate_of_birth = 1968-05-21\nfoo = 1\nheight = "168"\n'
        "[facts]\necog = 1\nenrolment_date = 2026-05-20\nage_years = 58\n"
    )
    lines = run("check", path).lines
    told = ("facts.age_years: found 58, but", "patient.height: found", "patient.foo: unknown key")
    assert [sum(f"error: c.toml: {words}" in line for line in lines) for words in told] == [1, 1, 1]


def test_a_typed_volume_beside_measured_ones(tmp_path: Path) -> None:
    """The images say 70 %; a typed liver of 1467 mL must not make 47.7 % of it."""
    (tmp_path / "s.json").write_text(json.dumps(SEGMENTATION))
    (tmp_path / "f.toml").write_text("liver_volume_ml = 1467\n")
    ran = run(
        "check", tmp_path / "f.toml", "--burden", tmp_path / "s.json", "--json", "--protocol", "captem-y90"
    )
    found = json.loads(ran.out)
    assert "CTY-I05" in found["failed"]
    assert any("liver_tumor_burden_pct stays the measured one" in flag["text"] for flag in found["flags"])


def test_the_other_mistakes_of_a_schedule(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        '[patient]\nid = "X"\n[procedure]\nkind = "tare"\nprotocol = "captem-y90"\n[schedule]\n'
        'start = "2026-13-01"\nsessions = -1\nfoo = 1\narm = "x"\nzone = "Europe/Roma"\nlater_cycle = 5\n'
        '[[schedule.event]]\nevent = "death"\ndate = 2025-01-01\n'
    )
    lines = run("schedule", path).lines
    keys = ("start", "sessions", "foo", "arm", "zone", "later_cycle", "event[0].event")
    found = [sum(line.startswith(f"error: c.toml: schedule.{key}: ") for line in lines) for key in keys]
    assert found == [1] * len(keys)


@pytest.mark.parametrize(
    ("interval", "words"),
    [([71.0, 69.0], "found 71.0 to 69.0 around 70.0"), ([71.0, 75.0], "found 71.0 to 75.0 around 70.0")],
)
def test_an_interval_must_hold_its_value(tmp_path: Path, interval: list[float], words: str) -> None:
    (tmp_path / "s.json").write_text(json.dumps({**SEGMENTATION, "burden_pct_interval": interval}))
    (tmp_path / "f.toml").write_text("ecog = 1\n")
    ran = run("check", tmp_path / "f.toml", "--burden", tmp_path / "s.json")
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert f"s.json: burden_pct_interval: {words}" in ran.lines[0]


def test_a_patient_has_one_row(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("patient,ecog\nA,1\nB,1\nA,2\n")
    (line,) = run("check", tmp_path / "t.csv").lines
    assert line.startswith("error: t.csv: rows 2, 4, column patient: the same patient stands in each")


def test_names_in_capitals_and_days_with_a_midnight(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("ECOG = 1\n")
    assert run("check", tmp_path / "f.toml").lines == [
        'error: f.toml: ECOG: unknown fact; did you mean "ecog"?'
    ]
    (tmp_path / "t.csv").write_text("patient,enrolment_date\nA,2026-05-20 00:00:00\n")
    assert run("check", tmp_path / "t.csv").status == 0


def test_a_name_that_a_spreadsheet_would_run_is_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("patient,ecog\n=1+1,1\n")
    assert run("check", tmp_path / "t.csv", "-o", tmp_path / "out").status == 0
    assert "\n'=1+1," in (tmp_path / "out" / "verdicts.csv").read_text()


def test_a_folder_is_no_file_of_facts(tmp_path: Path) -> None:
    (line,) = run("check", ".").lines
    assert line == "error: . cannot be read (Is a directory); check the path"


def test_a_formula_without_a_value(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="the extra tables is not installed")
    book = openpyxl.Workbook()
    book.active.append(["patient", "ecog"])
    book.active.append(["A", "=1+1"])
    book.save(tmp_path / "t.xlsx")
    (line,) = run("check", tmp_path / "t.xlsx").lines
    assert line.startswith("error: t.xlsx: row 2, column 2: a formula without a value")


def test_reads_of_the_future_are_refused_by_the_command(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("date,lesion,organ,role,longest_mm\n2999-01-01,A,liver,target,20\n")
    (line,) = run("respond", tmp_path / "r.csv").lines
    assert "date: found 2999-01-01, which is after" in line


@pytest.mark.parametrize(("name", "flagged"), [("RETNET", True), ("retnet", True), ("SITE", False)])
def test_a_protocol_of_a_site_that_is_named_as_ours_says_so(tmp_path: Path, name: str, flagged: bool) -> None:
    path = tmp_path / "p.toml"
    path.write_text(
        f'name = "{name}"\ncommand = "site-1"\ntitle = "T"\nversion = "1"\nsource = "s"\n'
        'status = "confirmed"\nsource_complete = true\n[[criterion]]\nid = "A"\nkind = "inclusion"\n'
        'text = "t"\nsource = "s"\npass_when = { fact = "inoperable", is = true }\n'
    )
    found = ep.check({"inoperable": True}, path)
    assert flagged is ("own-protocol" in [flag.id for flag in found.flags])
