"""`emboplan load` as a user calls it: beads, emulsion and particles; lines, JSON and refusals."""

import json

import pytest
from tests.cli.running import run

DEB = ("load", "--technique", "deb", "--product", "DC Bead", "--drug", "doxorubicin", "--dose", "75 mg")


def test_beads_as_lines() -> None:
    ran = run(
        *DEB, "--solution", "3 mL", "--catheter", "0.021 in", "--loaded-at", "2026-11-30T09:00:00+01:00"
    )
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "DC Bead + doxorubicin: 75 mg, 1 vial, 2 mL beads, 37.5 mg per mL beads"
    assert lines[1] == "loaded at least 74.25 mg, left over at most 0.75 mg (at least 99 %)"
    assert any("use before 2026-12-14T09:00:00+01:00" in line for line in lines)
    assert "1. Take 1 vial of DC Bead (2 mL beads). Note the lot numbers." in lines
    assert any(line.startswith("figure: loaded at least 99 % [EMB-B1 (") for line in lines)
    assert any(line.startswith("source EMB-A6: Registry record NCT01332669") for line in lines)


def test_beads_as_json() -> None:
    ran = run(*DEB, "--strength", "25 mg/mL", "--json")
    found = json.loads(ran.out)
    assert tuple(found[key] for key in ("technique", "solution_ml", "solution_mg_per_ml", "vials")) == (
        "deb",
        3.0,
        25.0,
        1,
    )


def test_the_same_twice() -> None:
    assert run(*DEB, "--json").out == run(*DEB, "--json").out


def test_an_efficiency_of_ones_own() -> None:
    ran = run(
        *("load", "--technique", "deb", "--product", "callispheres-100-300", "--drug", "oxaliplatin"),
        *("--dose", "100 mg", "--loading-efficiency", "0.85", "--json"),
    )
    found = json.loads(ran.out)
    assert (
        found["loaded_mg"],
        found["supernatant_mg"],
        found["loading_efficiency_is"],
    ) == (85.0, 15.0, "entered")


def test_sessions() -> None:
    divided = (*DEB[:-1], "200 mg", "--territory", "right lobe=0.6@1", "--territory", "left lobe=0.4@2")
    found = json.loads(run(*divided, "--json").out)
    assert [(s["session"], s["drug_mg"]) for s in found["sessions"]] == [(1, 120.0), (2, 80.0)]
    assert run(*divided).out.startswith("DC Bead + doxorubicin: 200 mg in 2 sessions, 198 mg loaded")
    found = json.loads(run(*DEB[:-1], "200 mg", "--sessions", 2, "--json").out)
    assert [s["drug_mg"] for s in found["sessions"]] == [100.0, 100.0]


def test_territories_of_one_session() -> None:
    ran = run(*DEB, "--territory", "a=0.2", "--territory", "b=0.8")
    assert "territory a: 15 mg, 0.4 mL beads" in ran.out.splitlines()


def test_a_warning_is_acknowledged() -> None:
    ask = ("load", "--technique", "deb", "--product", "DC Bead", "--drug", "irinotecan", "--dose", "200 mg")
    assert "to acknowledge: above-trial-cap" in run(*ask).out
    assert "\nto acknowledge:" not in run(*ask, "--acknowledge", "above-trial-cap").out


def test_an_emulsion() -> None:
    """50 mg in 10 mL with 10 mL oil: 1:1, 20 mL, 2.5 mg/mL."""
    ask = ("load", "--technique", "ctace", "--drug", "doxorubicin", "--oil", "10 mL", "--aqueous", "10 mL")
    found = json.loads(run(*ask, "--dose", "50 mg", "--json").out)
    assert tuple(
        found[key] for key in ("technique", "emulsion_ml", "emulsion_mg_per_ml", "oil_to_aqueous")
    ) == ("ctace", 20.0, 2.5, 1.0)
    lines = run(*ask, "--dose", "50 mg").out.splitlines()
    assert lines[0] == "doxorubicin 50 mg: 10 mL oil + 10 mL drug solution = 20 mL, 2.5 mg/mL"


def test_an_emulsion_by_body_surface_and_bilirubin() -> None:
    """50 mg/m2 of 1.8 m2 are 90 mg; half of them at 2 mg/dL."""
    found = json.loads(
        run(
            *(
                "load",
                "--technique",
                "ctace",
                "--drug",
                "doxorubicin",
                "--oil",
                "10 mL",
                "--aqueous",
                "10 mL",
            ),
            *("--dose", "50 mg/m2", "--body-surface", "1.8 m2", "--bilirubin", "2.0 mg/dL", "--json"),
        ).out
    )
    assert found["drug_mg"] == 45.0


def test_particles() -> None:
    ask = (
        "load",
        "--technique",
        "bland",
        "--product",
        "Bearing",
        "--size",
        "100-500",
        "--catheter",
        "0.021 in",
    )
    found = json.loads(run(*ask, "--json").out)
    assert found["technique"] == "bland"
    assert run(*ask).out.startswith("Bearing nsPVA: 150-250 µm first")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*DEB[:-1], "75"), '--dose: found "75", expected a number and a unit of mass'),
        ((*DEB[:-1], "75 mL"), "a unit of volume; expected a unit of mass"),
        ((*DEB[:-1], "-75 mg"), "dose_mg is -75; expected a number above 0"),
        ((*DEB, "--strength", "25"), '--strength: found "25" without a unit; write "25 mg/mL"'),
        ((*DEB, "--strength", "25 g/L"), "expected a number in mg/mL"),
        ((*DEB, "--loading-efficiency", "85 %"), "expected a plain number, such as 0.85"),
        ((*DEB, "--loading-efficiency", "85"), "expected a fraction above 0 and at most 1"),
        ((*DEB, "--protocol", "retnet"), "is closed"),
        ((*DEB, "--oil", "3 mL"), "--oil belongs to the technique ctace, not to deb; leave it out"),
        ((*DEB, "--territory", "right"), "expected NAME=SHARE or NAME=SHARE@SESSION"),
        ((*DEB, "--territory", "a=0.5", "--territory", "a=0.5"), '"a" stands twice'),
        ((*DEB, "--loaded-at", "tomorrow"), '--loaded-at: found "tomorrow"'),
        ((*DEB, "--catheter", "0.009 in"), "larger than the catheter's inner diameter"),
        ((*DEB, "--protocol", "retnet", "--arm", "deb"), "is closed"),
        ((*DEB[:-2],), "--dose is missing; deb needs it"),
        (
            ("load", "--technique", "bland", "--product", "Bearing", "--size", "big"),
            "bland needs one range in um",
        ),
        (("load", "--technique", "ctace", "--drug", "doxorubicin"), "--dose is missing; ctace needs it"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    ran = run(*arguments)
    assert (ran.status, len(ran.lines)) == (2, 1)
    assert said in ran.lines[0]
    assert ran.out == ""


CTACE = ("load", "--technique", "ctace", "--oil", "10 mL", "--aqueous", "10 mL", "--age", 50)


def test_a_liver_is_held_against_the_label() -> None:
    assert "Bilirubin is not given" in run(*DEB).out
    assert "to acknowledge: systemic-reduction" in run(*DEB, "--bilirubin", "2 mg/dL").out
    settled = run(*DEB, "--bilirubin", "2 mg/dL", "--acknowledge", "systemic-reduction").out
    assert "\nto acknowledge:" not in settled
    for option in (("--bilirubin", "6 mg/dL"), ("--child-pugh", "C")):
        ran = run(*DEB, *option)
        assert ran.status == 2
        assert "the label says not to give doxorubicin" in ran.lines[0]


@pytest.mark.parametrize(
    ("drug", "dose", "key"),
    [
        ("doxorubicin", "500 mg", "above-published-dose"),
        ("cisplatin", "500 mg", "above-arterial-label"),
        ("mitomycin", "1000 mg", "no-published-dose"),
    ],
)
def test_the_dose_of_an_emulsion_is_acknowledged(drug: str, dose: str, key: str) -> None:
    """What nobody has published is not silent; its id is listed and taken."""
    ask = (*CTACE, "--drug", drug, "--dose", dose)
    asked = next(line for line in run(*ask).out.splitlines() if line.startswith("to acknowledge: "))
    keys = asked.removeprefix("to acknowledge: ").split(", ")
    assert key in keys
    assert json.loads(run(*ask, "--json").out)["to_acknowledge"] == keys
    options = [part for item in keys for part in ("--acknowledge", item)]
    assert json.loads(run(*ask, *options, "--json").out)["to_acknowledge"] == []
    ran = run(*ask, "--acknowledge", "everything")
    assert (ran.status, '"everything" is nothing to acknowledge here' in ran.lines[0]) == (2, True)


def test_miriplatin_has_its_own_vehicle() -> None:
    """70 mg in 3.5 mL, used within an hour."""
    ask = ("load", "--technique", "ctace", "--drug", "miriplatin", "--dose", "70 mg")
    assert run(*ask).out.startswith(
        "miriplatin 70 mg in 3.5 mL of its own oil vehicle, 20 mg/mL; use within 1 h"
    )
    assert "comes with its own oil vehicle" in run(*ask, "--oil", "3 mL").lines[0]


def test_a_range_is_printed_as_a_range() -> None:
    ask = (
        "load",
        "--technique",
        "deb",
        "--product",
        "CalliSpheres",
        "--drug",
        "irinotecan",
        "--dose",
        "100 mg",
    )
    assert "loaded 70 to 80 mg, left over 20 to 30 mg (70 to 80 %)" in run(*ask).out.splitlines()


def test_a_heart_rate_times_the_end_point() -> None:
    """2 to 5 heartbeats at 60 a minute are 2 to 5 s."""
    ask = ("load", "--technique", "bland", "--product", "Bearing", "--size", "100-500")
    assert "2 to 5 s at this heart rate" in run(*ask, "--heart-rate", 60).out
    assert "at this heart rate" not in run(*ask).out


def test_notes_stand_beside_the_figures() -> None:
    out = run("load", "--technique", "deb", "--product", "LifePearl 100", "--drug", "doxorubicin")
    assert out.status == 2
    lines = run(*DEB).out.splitlines()
    assert any(
        line.startswith("figure: loaded at least") and "in vitro, not a label" in line for line in lines
    )


def test_one_dose_has_one_rounding() -> None:
    out = run(*DEB[:-1], "133.3333 mg").out
    assert "133.33 mg" in out
    assert "133.333" not in out
