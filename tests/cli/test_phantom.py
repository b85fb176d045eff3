"""`emboplan phantom` and `emboplan demo`: names and places; what they make is tested elsewhere."""

import json
from pathlib import Path

import pytest
from tests.cli.running import contents, run


def test_list_names_what_make_takes() -> None:
    described = json.loads(run("phantom", "list", "--json").out)
    assert "net-liver" in described
    assert "net-liver" in run("phantom", "list").out


@pytest.mark.parametrize("name", ["nope", "../net-liver", ""])
def test_an_unknown_phantom_is_one_line(tmp_path: Path, name: str) -> None:
    ran = run("phantom", "make", name, "-o", tmp_path / "p")
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.lines) == 1
    assert ran.err.startswith(f"error: the catalogue has no phantom {name!r}; it has decay-series, ")
    assert list(tmp_path.iterdir()) == []


def test_list_of_one_shows_what_can_be_set() -> None:
    shown = json.loads(run("phantom", "list", "sphere", "--json").out)
    assert shown["diameter_mm"] == 20.0
    assert "centre_mm" in run("phantom", "list", "sphere").out


def test_list_of_a_patient_begins_with_its_phases_and_variants() -> None:
    """Each in the words of the definition, so that nobody has to open the file."""
    lines = run("phantom", "list", "net-liver").out.splitlines()
    assert lines[2].split("  ")[0] == "phase=portal-venous"
    assert any(line.startswith("variant=miliary") and line.endswith("small nodules only") for line in lines)
    shown = json.loads(run("phantom", "list", "net-liver", "--json").out)
    assert shown["variant"]["fatty"] == "fatty liver of 30 to 80 HU"
    assert set(shown["phase"]) == {"portal-venous", "arterial", "late"}
    assert shown["uptake.focus"] == "none"


def test_make_writes_what_was_set(tmp_path: Path) -> None:
    ran = run(
        "phantom", "make", "decay-series", "-o", tmp_path / "d", "--seed", 3, "--json",
        "--set", "diameter_mm=40", "--set", "hours=[0, 6]",
    )  # fmt: skip
    assert (ran.status, ran.err) == (0, "")
    truth = json.loads(ran.out)
    assert truth == json.loads((tmp_path / "d" / "truth.json").read_text())
    assert truth["regions"][1]["volume_ml"] == pytest.approx(3.14159265 / 6 * 4**3)
    assert [scan["hours"] for scan in truth["scans"]] == [0, 6]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("diametr_mm=3", "error: sphere has no setting 'diametr_mm'; did you mean diameter_mm?"),
        ("diameter_mm", "error: --set 'diameter_mm': expected key=value, such as diameter_mm=30"),
        (
            "diameter_mm=wide",
            "error: phantom definition: set.diameter_mm is 'wide'; expected a finite number",
        ),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path: Path, setting: str, message: str) -> None:
    ran = run("phantom", "make", "sphere", "-o", tmp_path / "p", "--set", setting)
    assert (ran.status, ran.out, ran.lines) == (2, "", [message])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("phantom", "make", "net-liver"), ("demo",)])
def test_places_are_asked_for_before_the_work(tmp_path: Path, command: tuple[str, ...]) -> None:
    place = tmp_path / "thesis"
    (place / "plan").mkdir(parents=True)
    (place / "plan" / "chapter.tex").write_text("years of work")
    before = contents(tmp_path)
    ran = run(*command, "-o", place, "--force")
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
    assert ran.err.startswith(f"error: {place}")
    assert contents(tmp_path) == before
