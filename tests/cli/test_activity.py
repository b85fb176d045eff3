"""`emboplan activity` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.running import run

CASE = """
[patient]
id = "SECRET-17"
[volumes]
liver = "1800 mL"
[procedure]
device = "therasphere"
[[territory]]
name = "right lobe"
volume = "1100 mL"
lesion_volumes = { 1 = "60 mL" }
tumour_to_normal = 4.0
lung_shunt_frac = 0.05
tumour_goal = { dose = "120 Gy", source = "site" }
[facts]
bilirubin = { value = 0.8, unit = "mg/dL" }
"""


def test_json_holds_what_the_contract_names(tmp_path: Path) -> None:
    (tmp_path / "case.toml").write_text(CASE, encoding="utf-8")
    ran = run("activity", tmp_path / "case.toml", "--json")
    answer = json.loads(ran.out)
    assert ran.status == 0
    normal_kg, tumour_kg = 1.04 * 1.03, 0.06 * 1.03
    expected = 30 * (normal_kg + 4 * tumour_kg) / 49.8 / 0.95
    assert abs(answer["chosen"]["administered_gbq"] - expected) < 1e-9
    assert answer["second_check"]["passed"] is True
    assert answer["k_gy_kg_per_gbq"] == 49.8


def test_text_names_the_plan_and_keeps_the_patient_unnamed(tmp_path: Path) -> None:
    (tmp_path / "case.toml").write_text(CASE, encoding="utf-8")
    ran = run("activity", tmp_path / "case.toml")
    assert ran.status == 0
    assert "second calculation agrees" in ran.out
    assert "no computed check failed; 1 item needs a physician" in ran.out
    assert "may treat" not in ran.out
    assert "SECRET" not in ran.out + ran.err


def test_a_shunt_of_one_is_refused_in_one_line(tmp_path: Path) -> None:
    text = CASE.replace("lung_shunt_frac = 0.05", "lung_shunt_frac = 1.0")
    (tmp_path / "case.toml").write_text(text, encoding="utf-8")
    ran = run("activity", tmp_path / "case.toml")
    assert ran.status == 2
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert "expected a fraction from 0 to below 1" in ran.err
