"""`emboplan catalog`, and a site's own file that cannot be used."""

import json
from pathlib import Path

import pytest
from tests.cli.running import contents, run
from tests.workflow.cases import BoxStudy, case_text

LUNG = "limits.lung_session"
ENTRY = 'unit = "Gy"\nsource = ["VR30"]\nplace = "here"\nstatus = "confirmed"'
BROKEN = {
    "stray value": ("x = 1", "site.toml: x: unknown table"),
    "unknown room": ("[zzz]", "site.toml: zzz: unknown table"),
    "without unit": ("[limits.lung_session]\nvalue = 30", "site.toml: limits.lung_session: has no unit"),
    "syntax": ("[limits", "site.toml: not readable as TOML"),
    "unknown name": ("[reference.nothing]\nvalue = 3", "site.toml: reference.nothing: unknown name"),
    "number as text": (f'[limits.lung_session]\nvalue = "a lot"\n{ENTRY}', f"site file: {LUNG}: value"),
    "unknown source": (
        f"[limits.lung_session]\nvalue = 20\n{ENTRY}".replace("VR30", "NOPE"),
        f"site file: {LUNG}: source",
    ),
}


@pytest.mark.parametrize(("text", "begin"), BROKEN.values(), ids=BROKEN)
def test_a_broken_site_file_is_one_line_and_stops_everything(
    boxes: BoxStudy, existing: Path, tmp_path: Path, text: str, begin: str
) -> None:
    site = tmp_path / "site.toml"
    site.write_text(text)
    before = contents(existing.parent)
    case = boxes.case(case_text(), "site_case.toml")
    for command in (
        ("catalog", "list"),
        ("plan", case, "-o", existing, "--force"),
        ("burden", boxes.folder / "CT", "--liver", boxes.folder / "liver.nii.gz"),
    ):
        ran = run(*command, "--catalog", site)
        assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
        assert ran.err.startswith(f"error: {begin}")
    assert contents(existing.parent) == before


def test_a_missing_or_binary_site_file(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_bytes(b"\xff")
    assert run("catalog", "list", "--catalog", tmp_path / "site.toml").lines == [
        "error: site.toml: is not UTF-8 text; expected a TOML file"
    ]
    assert run("catalog", "list", "--catalog", tmp_path / "none.toml").lines == [
        "error: none.toml: cannot be read (No such file or directory); check the path"
    ]


def test_a_site_limit_is_used_and_named(boxes: BoxStudy, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(f"[limits.lung_session]\nvalue = 20\n{ENTRY}")
    case = boxes.case(case_text(), "site_case.toml")
    ran = run("plan", case, "-o", tmp_path / "plan", "--catalog", site, "--json")
    limits = json.loads(ran.out)["activity"]["chosen"]["limits"]
    (limit,) = (entry for entry in limits if entry["name"] == "lung_session")
    assert (limit["limit_gy"], limit["origin"]) == (20.0, "site file")


def test_list_and_show_agree() -> None:
    listed = json.loads(run("catalog", "list", "--json").out)
    shown = json.loads(run("catalog", "show", "density.liver", "--json").out)
    assert [entry for entry in listed if entry["name"] == "tissues.density.liver"] == shown
    assert all(entry["source"] and entry["status"] for entry in listed)


@pytest.mark.parametrize("name", ["nothing", "", "density.live"])
def test_an_unknown_name_is_one_line(name: str) -> None:
    ran = run("catalog", "show", name)
    expected = f'error: no entry "{name}" in the catalogue; `emboplan catalog list` shows all names'
    assert (ran.status, ran.out, ran.lines) == (2, "", [expected])
