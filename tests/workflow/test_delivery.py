"""What was delivered against the plan, by readings, against hand reckoning."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.workflow.administered import DELIVERED_GBQ, READINGS, case_text, plan_content, write_plan

from emboplan.errors import CaseFileError, InputError
from emboplan.model.directive import Stage
from emboplan.model.results.delivery import DeliveryReport
from emboplan.workflow.delivering.delivery import verify


def case_file(folder: Path, **changes: Any) -> Path:
    path = folder / "case.toml"
    path.write_text(case_text(**changes), encoding="utf-8")
    return path


def ids(report: DeliveryReport) -> list[str]:
    return [finding.id for _, finding in report.all_findings]


def test_the_worked_example_of_the_residual(tmp_path: Path) -> None:
    """DER-RESID: 2.95 GBq 2.2 h before injection, 0.039 GBq left: 2.8416484 GBq delivered."""
    report = verify(case_file(tmp_path))
    one = report.territories[0]
    assert one.delivered_gbq == pytest.approx(DELIVERED_GBQ, rel=1e-7)
    assert one.delivered_frac == pytest.approx(DELIVERED_GBQ / 2.8, rel=1e-7)
    assert (one.territory, one.device, one.prescribed_by) == ("right lobe", "therasphere", "case")
    assert ids(report) == ["plan-missing"]
    assert one.delivered_doses_gy is None
    assert report.lung_gy is None


@pytest.mark.parametrize(
    ("prescribed", "flagged"), [("2.5 GBq", True), ("2.51 GBq", True), ("2.49 GBq", False)]
)
def test_exactly_a_fifth_less_is_flagged(prescribed: str, flagged: bool, tmp_path: Path) -> None:
    """2 GBq delivered: of 2.5 exactly -20 %, of 2.49 less."""
    readings = READINGS.replace('"2.95 GBq", time = 2026-12-03T08:18', '"2 GBq", time = 2026-12-03T10:30')
    readings = readings.replace('"0.039 GBq"', '"0 GBq"')
    report = verify(case_file(tmp_path, administered=prescribed, readings=readings))
    assert ("delivered-off-prescribed" in ids(report)) is flagged
    assert report.territories[0].administration.outside_tolerance is flagged


def test_doses_follow_the_delivered_activity(tmp_path: Path) -> None:
    """The plan gives 200 Gy at 2.5 GBq; 2.8416484 GBq give 1.1366594 times each dose."""
    case = case_file(tmp_path, administered=None, shunt=None)
    plan = write_plan(tmp_path / "plan", plan_content())
    report = verify(case, plan=plan)
    one = report.territories[0]
    factor = DELIVERED_GBQ / 2.5
    assert (one.prescribed_gbq, one.prescribed_by, one.model) == (2.5, "plan", "partition")
    assert one.delivered_doses_gy is not None
    assert one.delivered_doses_gy.tumour == pytest.approx(200 * factor, rel=1e-6)
    assert one.delivered_doses_gy.lesions["1"] == pytest.approx(200 * factor, rel=1e-6)
    assert report.lung_gy == pytest.approx(6 * factor, rel=1e-6)
    assert report.whole_normal_gy == pytest.approx(30 * factor, rel=1e-6)
    assert one.lung_shunt_frac == 0.08
    assert verify(case, plan=plan / "plan.json").to_json() == report.to_json()
    assert verify(case, plan=plan_content()).to_json() == report.to_json()


def test_the_result_of_the_activity_command_serves_as_a_plan(tmp_path: Path) -> None:
    """The activity of the plan alone, as printed with --json: the same doses, no shunt."""
    file = tmp_path / "activity.json"
    file.write_text(json.dumps(plan_content()["activity"]), encoding="utf-8")
    one = verify(case_file(tmp_path, administered=None, shunt=None), plan=file).territories[0]
    assert one.delivered_doses_gy is not None
    assert one.delivered_doses_gy.tumour == pytest.approx(200 * DELIVERED_GBQ / 2.5, rel=1e-6)
    assert one.lung_shunt_frac is None


def test_the_plan_goes_before_the_case_and_a_difference_is_said(tmp_path: Path) -> None:
    report = verify(case_file(tmp_path), plan=plan_content())
    assert report.territories[0].prescribed_gbq == 2.5
    assert "prescription-differs" in ids(report)


def test_the_second_part_of_the_directive_is_filled(tmp_path: Path) -> None:
    """1.2e6 spheres less the residual 0.039/2.8806484; signature and stasis stay blank."""
    case = case_file(tmp_path, more="stasis = false\nspheres = 1.2e6")
    directive = verify(case, plan=plan_content()).territories[0].directive
    after = {item.name: item.value for item in directive.of(Stage.AFTER)}
    assert after["treatment site"] == "right lobe"
    assert after["total source strength"] == "2.842 GBq (113.7% of the prescribed)"
    assert after["date"] == "2026-12-03T10:30:00-05:00"
    assert after["number of sources"] == "1.18e+06 microspheres"
    before = {item.name: item.value for item in directive.of(Stage.BEFORE)}
    assert before["dose or activity"] == "2.5 GBq administered; 200 Gy to the tumour"
    assert before["maximum dose or activity to the lungs and other sites"] == "lungs: 30 Gy and 0.61 GBq"
    assert {item.name for item in directive.blanks} >= {"signature", "termination by stasis"}


def test_a_territory_without_administration_is_named(tmp_path: Path) -> None:
    left = '[[territory]]\nname = "left lobe"\nvolume = "300 mL"\n'
    report = verify(case_file(tmp_path, more='territory = "right lobe"\nstasis = false', rest=left))
    assert [t.territory for t in report.territories] == ["right lobe"]
    assert "administration-missing" in ids(report)


def test_two_territories_share_lungs_and_whole_liver(tmp_path: Path) -> None:
    """The same readings in both: 2.8416484 of 2.5 and of 1.25 GBq; 6 and 3 Gy to the lungs as planned."""
    content = plan_content()
    right = content["activity"]["models"][0]
    left = {
        **right,
        "territory": "left lobe",
        "administered_gbq": 1.25,
        "doses_gy": {**right["doses_gy"], "lung": 3.0, "whole_normal": None},
    }
    content["activity"]["models"].append(left)
    second = f"""
[[territory]]
name = "left lobe"
volume = "300 mL"
[[administration]]
territory = "left lobe"
injection_time = 2026-12-03T10:30:00-05:00
stasis = false
{READINGS}
"""
    case = case_file(tmp_path, more='territory = "right lobe"\nstasis = false', rest=second)
    report = verify(case, plan=content)
    expected = 6 * DELIVERED_GBQ / 2.5 + 3 * DELIVERED_GBQ / 1.25
    assert report.lung_gy == pytest.approx(expected, rel=1e-6)
    assert report.whole_normal_gy is None


@pytest.mark.parametrize(
    ("changes", "plan", "words"),
    [
        ({"administered": None}, None, "right lobe: no prescribed activity is known; give the plan folder"),
        ({}, plan_content(patient={"id": "OTHER"}), "the plan of another patient"),
        ({}, plan_content(activity=None), "holds no chosen activity"),
        ({}, plan_content(activity={"models": []}), "is not a plan that can be read"),
        (
            {"readings": READINGS.replace("0.039", "4")},
            None,
            "right lobe: the reading after injection is 1.39",
        ),
        (
            {"more": 'label = { activity = "40 GBq", calibration_time = 2026-11-29T12:00:00-05:00 }'},
            None,
            "label_gbq is 40; the largest TheraSphere vial is 20 GBq",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(
    changes: dict[str, Any], plan: Any, words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words) as raised:
        verify(case_file(tmp_path, **changes), plan=plan)
    assert "OTHER" not in str(raised.value)


def test_a_plan_of_other_territories_is_refused(tmp_path: Path) -> None:
    content = json.loads(json.dumps(plan_content()).replace("right lobe", "left lobe"))
    with pytest.raises(CaseFileError, match="the plan has no such territory; it has left lobe"):
        verify(case_file(tmp_path), plan=content)


def test_folders_without_a_plan_are_refused(tmp_path: Path) -> None:
    case = case_file(tmp_path)
    with pytest.raises(InputError, match=r"holds no readable plan\.json"):
        verify(case, plan=tmp_path)
    (tmp_path / "plan.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="is not JSON"):
        verify(case, plan=tmp_path)
    (tmp_path / "plan.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="is not a plan of emboplan"):
        verify(case, plan=tmp_path)


def test_a_case_without_administration_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_text(case_text().partition("[[administration]]")[0], encoding="utf-8")
    with pytest.raises(CaseFileError, match=r"give the readings in \[\[administration\]\]"):
        verify(path)


def test_the_same_input_gives_the_same_json(tmp_path: Path) -> None:
    case = case_file(tmp_path)
    first = json.dumps(verify(case, plan=plan_content()).to_json())
    assert first == json.dumps(verify(case, plan=plan_content()).to_json())
