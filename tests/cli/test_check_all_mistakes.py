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
