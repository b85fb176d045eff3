"""`emboplan verify` as a user calls it: lines, JSON, folders, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from tests.cli.running import contents, run
from tests.dicom.make_pet import write_pet
from tests.workflow.administered import case_text, plan_content, write_plan
from tests.workflow.cases import BoxStudy
from tests.workflow.cases import case_text as box_case


def case_file(folder: Path, text: str | None = None) -> Path:
    path = folder / "case.toml"
    path.write_text(case_text() if text is None else text, encoding="utf-8")
    return path


def pet(folder: Path, **changes: Any) -> Path:
    return write_pet(folder / "PET", np.full((3, 2, 2), 10, np.uint16), (1.0,) * 3, **changes)


def test_the_answer_is_shown_in_lines(tmp_path: Path) -> None:
    plan = write_plan(tmp_path / "plan", plan_content())
    ran = run("verify", case_file(tmp_path), "--plan", plan)
    assert ran.status == 0
    lines = ran.out.splitlines()
    assert lines[0] == ("right lobe: 2.842 GBq delivered, 113.7 % of the 2.5 GBq prescribed by the plan")
    assert lines[1] == "  prepared 2.881 GBq (reading before injection), residual 0.039 GBq (1.35 %)"
    assert any(line.startswith("  doses (partition): tumour 227 Gy") for line in lines)
    assert any(line.startswith("warning: right lobe: the plan prescribes 2.5 GBq") for line in lines)


def test_flags_are_an_answer(tmp_path: Path) -> None:
    """2.84 of 4 GBq is 29 % off: a stop in the answer, and exit status 0."""
    ran = run("verify", case_file(tmp_path, case_text(administered="4 GBq")), "--json")
    assert ran.status == 0
    findings = json.loads(ran.out)["territories"][0]["administration"]["findings"]
    assert [(f["id"], f["severity"]) for f in findings] == [("delivered-off-prescribed", "stop")]


def test_a_pet_is_compared(tmp_path: Path) -> None:
    """A PET that holds almost nothing: -100 %, in lines and in JSON."""
    case = case_file(tmp_path)
    ran = run("verify", case, "--delivered", pet(tmp_path), "--lungs-in-field")
    assert ran.status == 0
    assert "expected 2.842 GBq (-100.0 %)" in ran.out
    ran = run("verify", case, "--delivered", tmp_path / "PET", "--json")
    assert json.loads(ran.out)["image"]["whole"]["outside_tolerance"] is True


def test_the_folder_holds_what_json_prints(tmp_path: Path) -> None:
    case, folder = case_file(tmp_path), tmp_path / "out"
    ran = run("verify", case, "-o", folder, "--json")
    assert ran.status == 0
    assert list(contents(folder)) == ["delivery.json"]
    assert json.loads((folder / "delivery.json").read_text()) == json.loads(ran.out)
    assert run("verify", case, "-o", folder).status == 2
    assert run("verify", case, "-o", folder, "--force").status == 0
    (folder / "notes.txt").touch()
    refused = run("verify", case, "-o", folder, "--force")
    assert (refused.status, "also holds notes.txt" in refused.err) == (2, True)


def test_unusable_input_is_refused_in_one_line(tmp_path: Path) -> None:
    case = case_file(tmp_path)
    for arguments, words in (
        (("--delivered", pet(tmp_path, Units="CNTS")), "the PET is in CNTS: counts"),
        (("--delivered", tmp_path / "nowhere"), "nowhere is not there"),
        (("--plan", tmp_path / "nowhere"), "holds no readable plan.json"),
        (("--scanner-nuclide", "F-18"), "without --delivered"),
        (("--delivered", tmp_path / "PET", "--ct", tmp_path), "--ct was given without --liver"),
    ):
        ran = run("verify", case, *arguments)
        assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1)
        assert words in ran.err


def test_a_plan_folder_as_it_is_written(written: Path, boxes: BoxStudy) -> None:
    """Plan and delivery of one case: doses scale with delivered over planned activity."""
    planned = json.loads((written / "plan.json").read_text())["activity"]["chosen"]
    readings = """
[[administration]]
injection_time = 2026-12-03T10:30:00-05:00
before = { value = "1 GBq", time = 2026-12-03T10:30:00-05:00, instrument = "A", geometry = "jar" }
after = { value = "0 GBq", time = 2026-12-03T10:30:00-05:00, instrument = "A", geometry = "jar" }
stasis = false
"""
    case = boxes.case(box_case(images='maa = "spect.dcm"', rest=readings), "delivered.toml")
    ran = run("verify", case, "--plan", written, "--json")
    assert ran.status == 0, ran.err
    found = json.loads(ran.out)["territories"][0]["delivered_doses_gy"]
    for name in ("tumour", "whole_normal", "lung"):
        expected = planned["doses_gy"][name] / planned["administered_gbq"]
        assert abs(found[name] / expected - 1) < 1e-8
