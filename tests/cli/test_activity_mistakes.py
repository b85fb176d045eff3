"""Mistakes in a case of numbers: one line on standard error, status 2, no answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.running import contents, run
from tests.workflow.cases import BoxStudy, case_text

CASE = """
[patient]
id = "SECRET-17"
height = "175 cm"
weight = "75 kg"
[volumes]
liver = "1800 mL"
[procedure]
device = "therasphere"
{procedure}
[[territory]]
name = "right lobe"
volume = "1100 mL"
lesion_volumes = {{ 1 = "60 mL" }}
tumour_to_normal = 4.0
lung_shunt_frac = 0.05
{goal}
{rest}
"""
GOAL = 'tumour_goal = { dose = "120 Gy", source = "site" }'
FLOOR = f'{GOAL}\nhypertrophy_goal = {{ dose = "88 Gy", source = "site" }}'
THURSDAY = "treatment_time = 2026-12-03T10:30:00-05:00"
SUNDAY = "calibration_time = 2026-11-29T12:00:00-05:00"
SHUNT = "expected a fraction from 0 to below 1 (5 % is 0.05)"
SHARE = "expected a fraction from 0 to below 1 (10 % is 0.1)"


def case(*, procedure: str = "", goal: str = GOAL, rest: str = "", **changes: str) -> str:
    text = CASE.format(procedure=procedure, goal=goal, rest=rest)
    for key, value in changes.items():
        lines = [f"{key} = {value}" if line.startswith(f"{key} = ") else line for line in text.splitlines()]
        text = "\n".join(lines)
    return text


def vial(lines: str, moment: str = THURSDAY, goal: str = GOAL) -> str:
    return case(procedure=moment, rest=f"[vial]\n{lines}", goal=goal)


def limits(line: str, goal: str = GOAL) -> str:
    return case(rest=f"[limits]\n{line}", goal=goal)


def given(activity: str) -> str:
    return case(goal=f"administered = {activity}")


# The case, and words of its one line.
MISTAKES = {
    "shunt 1": (case(lung_shunt_frac="1"), f"lung_shunt_frac: found 1; {SHUNT}"),
    "shunt above 1": (case(lung_shunt_frac="1.5"), SHUNT),
    "shunt negative": (case(lung_shunt_frac="-0.05"), SHUNT),
    "shunt not a number": (case(lung_shunt_frac="nan"), SHUNT),
    "ratio 0": (case(tumour_to_normal="0"), "tumour_to_normal: found 0; expected a number above 0"),
    "ratio negative": (case(tumour_to_normal="-4"), "expected a number above 0"),
    "ratio not a number": (case(tumour_to_normal="nan"), "expected a number above 0"),
    "liver of nothing": (case(liver='"0 mL"'), 'volumes.liver: found "0 mL"; expected a positive quantity'),
    "territory of nothing": (case(volume='"0 mL"'), "expected a positive quantity"),
    "territory negative": (case(volume='"-1100 mL"'), "expected a positive quantity"),
    "lesion of nothing": (case(lesion_volumes='{ 1 = "0 mL" }'), "expected a positive quantity"),
    "tumour larger than its territory": (
        case(lesion_volumes='{ 1 = "1200 mL" }'),
        "the lesions hold 1200 mL, more than the territory's 1100 mL",
    ),
    "tumour that fills its territory": (case(lesion_volumes='{ 1 = "1100 mL" }'), "holds no normal liver"),
    "territory larger than the liver": (case(volume='"1900 mL"'), "less than the 1900 mL of the territories"),
    "volume without unit": (case(liver="1800"), "found 1800 without a unit"),
    "volume as a mass": (case(volume='"1100 g"'), 'found "g", a unit of mass'),
    "liver in L, not mL": (case(liver='"1800 L"'), "volumes.liver: found 1.8e+06 mL"),
    "a lung mass a thousand times too large": (limits('lung_mass = "900 kg"'), "limits.lung_mass: found"),
    "lung mass from no CT": (limits('lung_mass = "ct"'), "in a case without images"),
    "density per cubic metre": (
        case(procedure="liver_density_g_per_ml = 1030"),
        "procedure.liver_density_g_per_ml: found 1030 g/mL",
    ),
    "height in m": (case(height='"175 m"'), "patient.height: found 17500 cm"),
    "dose as an activity": (case(tumour_goal='{ dose = "120 GBq", source = "x" }'), "a unit of activity"),
    "activity without unit": (given("2.5"), "found 2.5 without a unit"),
    "activity in MBq": (given('"2.5 MBq"'), "check the unit"),
    "activity above any vial": (given('"100 GBq"'), "the largest TheraSphere vial is 20 GBq"),
    "activity above the vial asked for": (
        vial('size = "3 GBq"', goal='administered = "5 GBq"'),
        "found 5 GBq, which the vial of 3 GBq does not hold",
    ),
    "vial in MBq": (vial('size = "3 MBq"'), "vial.size: found 0.003 GBq"),
    "vial larger than any": (vial('size = "50 GBq"'), "vial.size: found 50 GBq; the largest"),
    "residual 1": (vial("residual_frac = 1"), f"vial.residual_frac: found 1; {SHARE}"),
    "residual in percent": (vial("residual_frac = 5"), SHARE),
    "vial expired at injection": (
        vial(f'size = "3 GBq"\n{SUNDAY}', "treatment_time = 2026-12-20T10:30:00-05:00"),
        "expired 2026-12-11T12:00:00-05:00, before the injection",
    ),
    "injection before calibration": (
        vial(f'size = "3 GBq"\n{SUNDAY}', "treatment_time = 2026-11-29T11:00:00-05:00"),
        "before its calibration",
    ),
    "injection before calibration by another clock": (
        vial(f'size = "3 GBq"\n{SUNDAY}', "treatment_time = 2026-11-29T17:30:00+01:00"),
        "before its calibration",
    ),
    "treatment time without zone": (
        vial("residual_frac = 0", "treatment_time = 2026-12-03T10:30:00"),
        "without a time zone",
    ),
    "calibration time without zone": (vial("calibration_time = 2026-11-29T12:00:00"), "without a time zone"),
    "unknown device": (case(device='"glass"'), "expected one of therasphere, sir-spheres, quiremspheres"),
    "unknown coefficient": (case(procedure='dose_coefficient = "x"'), 'found "x"; Y-90 has rounded-50'),
    "coefficient of 0": (case(procedure="k_gy_kg_per_gbq = 0"), "expected a number above 0"),
    "an earlier treatment that is later": (
        case(procedure=THURSDAY, rest='[[prior]]\nkind = "tare"\ndate = 2027-01-01'),
        "prior[0].date: found 2027-01-01, later than the treatment on 2026-12-03",
    ),
    "a floor above a limit of the same liver": (
        limits('perfused_normal = "70 Gy"', FLOOR),
        "perfused_normal at most 70 Gy (limit perfused_normal) contradict each other",
    ),
    "a floor against the lungs": (
        limits('whole_normal = "200 Gy"\nlung_session = "1 Gy"', FLOOR),
        "lung at most 1 Gy (limit lung_session) contradict each other",
    ),
}

# The same kinds where images are there; `plan` reads them first.
WITH_IMAGES = {
    "a floor against a limit": (
        case_text(
            goal='hypertrophy_goal = { dose = "88 Gy", source = "site" }',
            rest='[limits]\nwhole_normal = "20 Gy"',
        ),
        "whole_normal at most 20 Gy (limit whole_normal) contradict each other",
    ),
    "vial expired": (
        case_text(
            procedure='device = "therasphere"\ntreatment_time = 2026-12-20T10:30:00-05:00',
            rest=f'[vial]\nsize = "3 GBq"\n{SUNDAY}',
        ),
        "expired 2026-12-11T12:00:00-05:00",
    ),
    "activity above any vial": (
        case_text(goal='administered = "100 GBq"'),
        "the largest TheraSphere vial is 20 GBq",
    ),
    "a lung mass a thousand times too large": (
        case_text(rest='[limits]\nlung_mass = "900 kg"'),
        "limits.lung_mass: found",
    ),
}


@pytest.mark.parametrize(("text", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_and_no_answer(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "case.toml").write_text(text, encoding="utf-8")
    ran = run("activity", tmp_path / "case.toml", "--json")
    assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1), ran
    assert ran.err.startswith("error: ")
    assert words in ran.err
    assert "SECRET" not in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["case.toml"]


@pytest.mark.parametrize(("text", "words"), WITH_IMAGES.values(), ids=WITH_IMAGES)
def test_a_plan_of_a_mistake_writes_nothing(boxes: BoxStudy, existing: Path, text: str, words: str) -> None:
    before = contents(existing.parent)
    case_file = boxes.case(text, "mistaken.toml")
    for command in (("plan", case_file, "-o", existing, "--force"), ("activity", case_file)):
        ran = run(*command)
        assert (ran.status, ran.out, len(ran.lines)) == (2, "", 1), ran
        assert words in ran.err
    assert contents(existing.parent) == before


def test_a_plan_needs_images(tmp_path: Path) -> None:
    (tmp_path / "case.toml").write_text(case(), encoding="utf-8")
    ran = run("plan", tmp_path / "case.toml", "-o", tmp_path / "plan")
    assert ran.status == 2
    assert "`emboplan activity` computes from entered volumes" in ran.err
    assert not (tmp_path / "plan").exists()
