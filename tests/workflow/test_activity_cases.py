"""Whole cases by hand: two nuclides, earlier treatments, clocks that change, a pooled shunt, images."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.workflow import cases
from tests.workflow.cases import BoxStudy
from tests.workflow.planar_cases import TRUE_SHUNT, write_views

import emboplan as ep
from emboplan.catalog.load import load
from emboplan.errors import InputError
from emboplan.model.results.activity import ModelResult, Quantity
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.workflow.cases.casefile import read_case
from emboplan.workflow.planning.prepare import prepare

DENSITY, K_Y90, K_HO166 = 1.03, 49.8, 15.87
T_Y90_H, T_HO166_H = 64.1, 26.8
SHUNT = 0.05


def lobe(name: str, volume_ml: float, lesion: int, lesion_ml: float, *, ratio: float, more: str) -> str:
    return f"""
[[territory]]
name = "{name}"
volume = "{volume_ml} mL"
lesion_volumes = {{ {lesion} = "{lesion_ml} mL" }}
tumour_to_normal = {ratio}
lung_shunt_frac = {SHUNT}
{more}
"""


def case(folder: Path, territories: str, *, procedure: str = "", rest: str = "") -> Path:
    path = folder / "case.toml"
    path.write_text(
        f"""
[patient]
id = "NET-003"
[volumes]
liver = "1800 mL"
[procedure]
device = "therasphere"
models = ["partition", "single"]
{procedure}
{territories}
{rest}
[facts]
bilirubin = {{ value = 0.8, unit = "mg/dL" }}
""",
        encoding="utf-8",
    )
    return path


def goal(gray: float) -> str:
    return f'tumour_goal = {{ dose = "{gray:g} Gy", source = "site" }}'


def results(plan: ActivityPlan, model: str) -> dict[str, ModelResult]:
    return {result.territory: result for result in plan.models if result.model == model}


def limit_value(plan: ActivityPlan, name: str) -> float:
    assert plan.chosen is not None
    (found,) = [check.value for check in plan.chosen.limits if check.name == name]
    return found


RIGHT = lobe("right", 1100, 1, 60, ratio=4.0, more=goal(120))
LEFT = lobe("left", 600, 2, 30, ratio=3.0, more=f'{goal(90)}\nsession = 2\ndevice = "quiremspheres"')
NORMAL_KG = {"right": 1.04 * DENSITY, "left": 0.57 * DENSITY}
WEIGHTED_KG = {"right": (1.04 + 4 * 0.06) * DENSITY, "left": (0.57 + 3 * 0.03) * DENSITY}
WHOLE_KG = (1800 - 90) / 1000 * DENSITY


def test_two_nuclides_in_one_case_each_have_their_coefficient(tmp_path: Path) -> None:
    """120/4 Gy of Y-90 on the right, 90/3 Gy of Ho-166 on the left; their sums are in Gy, not in GBq."""
    plan = ep.activity(case(tmp_path, RIGHT + LEFT))
    found = results(plan, "partition")
    needed = {
        name: 30 * WEIGHTED_KG[name] / k / (1 - SHUNT) for name, k in (("right", K_Y90), ("left", K_HO166))
    }
    assert {name: found[name].administered_gbq for name in needed} == pytest.approx(needed)
    assert plan.chosen is not None
    lung = SHUNT * (K_Y90 * needed["right"] + K_HO166 * needed["left"])
    assert plan.chosen.doses_gy.lung == pytest.approx(lung)
    whole = 30 * sum(NORMAL_KG.values()) / WHOLE_KG
    assert plan.chosen.doses_gy.whole_normal == pytest.approx(whole)
    assert plan.second_check is not None
    assert plan.second_check.passed


def test_vials_of_two_nuclides_decay_with_their_own_half_life(tmp_path: Path) -> None:
    at = datetime(2026, 12, 3, 15, 30, tzinfo=UTC)
    calibrated = datetime(2026, 12, 2, 17, tzinfo=UTC)
    plan = ep.activity(
        case(
            tmp_path,
            RIGHT + LEFT,
            procedure=f"treatment_time = {at.isoformat()}",
            rest=f"[vial]\ncalibration_time = {calibrated.isoformat()}",
        )
    )
    for device, half_life in (("therasphere", T_Y90_H), ("quiremspheres", T_HO166_H)):
        rows = [r for r in plan.vials if r.device == device and r.treatment_time == at and r.usable]
        assert rows
        for row in rows:
            assert row.prepared_gbq is not None
            assert row.drawn_frac is not None
            held = row.label_gbq[0] * 2 ** (-22.5 / half_life)
            assert row.prepared_gbq == pytest.approx(held * row.drawn_frac)


def test_earlier_treatments_add_up_and_take_from_the_limits(tmp_path: Path) -> None:
    """4 + 5 Gy in the lungs, 6 + 10 + 8 Gy in the liver; a drug and bile ducts add no dose but a finding."""
    priors = """
[[prior]]
kind = "tare"
date = 2024-06-01
lung_dose = "4 Gy"
whole_normal_dose = "6 Gy"
[[prior]]
kind = "tare"
date = 2025-06-01
lung_dose = "5 Gy"
whole_normal_dose = "10 Gy"
[[prior]]
kind = "prrt"
whole_normal_dose = "8 Gy"
[[prior]]
kind = "drug"
drug = "doxorubicin"
[[prior]]
kind = "biliary"
note = "stent"
"""
    plan = ep.activity(case(tmp_path, RIGHT, rest=priors))
    alone = ep.activity(case(tmp_path, RIGHT))
    assert plan.chosen is not None
    assert alone.chosen is not None
    assert plan.chosen.administered_gbq == pytest.approx(alone.chosen.administered_gbq)
    lung, whole = plan.chosen.doses_gy.lung, plan.chosen.doses_gy.whole_normal
    assert lung is not None
    assert whole is not None
    assert limit_value(plan, "lung_session") == pytest.approx(lung)
    assert limit_value(plan, "lung_cumulative") == pytest.approx(lung + 9)
    assert limit_value(plan, "glass_whole_normal_low_bilirubin") == pytest.approx(whole + 24)
    assert {"prior-drug", "prior-biliary"} <= {finding.id for finding in plan.findings}

    tight = ep.activity(case(tmp_path, RIGHT, rest=f'{priors}\n[limits]\nwhole_normal = "30 Gy"'))
    assert tight.chosen is not None
    assert tight.binding == "whole_normal"
    assert tight.chosen.doses_gy.whole_normal == pytest.approx(30 - 24)


def test_one_pooled_shunt_serves_every_territory(tmp_path: Path) -> None:
    """Two lobes in one session: lung doses add, and the limit on one treatment sees their sum."""
    left = lobe("left", 600, 2, 30, ratio=3.0, more=goal(90))
    plan = ep.activity(case(tmp_path, RIGHT + left))
    found = results(plan, "partition")
    each = {name: K_Y90 * found[name].administered_gbq * SHUNT for name in found}
    assert {name: found[name].doses_gy.lung for name in found} == pytest.approx(each)
    assert limit_value(plan, "lung_session") == pytest.approx(sum(each.values()))
    apart = ep.activity(case(tmp_path, RIGHT + left + "session = 2"))
    assert limit_value(apart, "lung_session") == pytest.approx(max(each.values()))
    assert limit_value(apart, "lung_cumulative") == pytest.approx(sum(each.values()))


def test_a_floor_that_the_single_compartment_cannot_hold_is_told(tmp_path: Path) -> None:
    """A lobectomy of glass asks 88 Gy of normal liver; one mean for all cannot say if it is reached."""
    right = lobe("right", 1100, 1, 60, ratio=4.0, more='perfused_goal = { dose = "60 Gy", source = "site" }')
    path = case(tmp_path, right, procedure='intent = "lobectomy"')
    path.write_text(path.read_text(encoding="utf-8").replace('["partition", "single"]', '["single"]'))
    plan = ep.activity(path)
    (told,) = [finding for finding in plan.findings if finding.id == "hypertrophy-goal-unheld"]
    assert told.severity == "warning"
    assert "88 Gy" in told.text


def test_a_limit_that_earlier_treatments_used_up_leaves_no_upper_bound(tmp_path: Path) -> None:
    prior = '[[prior]]\nkind = "tare"\ndate = 2025-01-01\nlung_dose = "60 Gy"'
    plan = ep.activity(case(tmp_path, RIGHT, rest=prior))
    assert plan.chosen is None
    ids = {finding.id for finding in plan.findings}
    assert "limit-used-up" in ids
    assert "no-goal" not in ids


NEW_YORK, SYDNEY = ZoneInfo("America/New_York"), ZoneInfo("Australia/Sydney")


def with_moments(folder: Path, calibrated: datetime, treated: datetime) -> ActivityPlan:
    """The plan by a vial of 3 GBq, its moments in named zones."""
    path = case(folder, RIGHT, rest='[vial]\nsize = "3 GBq"')
    read = read_case(path, load())
    assert read.vial is not None
    return ep.activity(
        replace(
            read,
            procedure=replace(read.procedure, treatment_time=treated),
            vial=replace(read.vial, calibration_time=calibrated),
        )
    )


@pytest.mark.parametrize(
    ("calibrated", "treated", "hours"),
    [
        # Clocks go back on 1 November 2026: from Saturday noon to Sunday noon are 25 hours.
        (datetime(2026, 10, 31, 12, tzinfo=NEW_YORK), datetime(2026, 11, 1, 12, tzinfo=NEW_YORK), 25.0),
        # The clock shows 01:30 twice; the second is an hour later.
        (
            datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK),
            datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=1),
            1.0,
        ),
        # Clocks go forward on 14 March 2027: 23 hours.
        (datetime(2027, 3, 13, 12, tzinfo=NEW_YORK), datetime(2027, 3, 14, 12, tzinfo=NEW_YORK), 23.0),
        # Noon in Sydney is 20:00 of the day before in New York (16 hours apart in December).
        (datetime(2026, 12, 3, 12, tzinfo=SYDNEY), datetime(2026, 12, 3, 12, tzinfo=NEW_YORK), 16.0),
    ],
)
def test_decay_is_by_elapsed_hours_whatever_the_clocks_do(
    tmp_path: Path, calibrated: datetime, treated: datetime, hours: float
) -> None:
    plan = with_moments(tmp_path, calibrated, treated)
    assert plan.chosen is not None
    assert plan.chosen.administered_gbq == pytest.approx(3 * 2 ** (-hours / T_Y90_H), rel=1e-12)
    assert plan.second_check is not None
    assert plan.second_check.passed


def test_the_days_of_the_table_keep_the_clock_of_the_clinic(tmp_path: Path) -> None:
    """Every row is at noon in New York, in summer and in winter time, and decays by elapsed hours."""
    calibrated = datetime(2026, 10, 30, 12, tzinfo=NEW_YORK)
    plan = with_moments(tmp_path, calibrated, datetime(2026, 11, 2, 12, tzinfo=NEW_YORK))
    rows = [row for row in plan.vials if row.usable]
    assert {row.treatment_time.hour for row in rows} == {12}
    assert {row.treatment_time.utcoffset() for row in rows} == {timedelta(hours=-4), timedelta(hours=-5)}
    for row in rows:
        hours = (row.treatment_time.timestamp() - calibrated.timestamp()) / 3600
        assert row.prepared_gbq == pytest.approx(3 * 2 ** (-hours / T_Y90_H), rel=1e-12)


def test_a_moment_without_a_zone_gives_no_answer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="zone"):
        with_moments(tmp_path, datetime(2026, 11, 29, 12), datetime(2026, 12, 3, 10, tzinfo=UTC))  # noqa: DTZ001  the mistake


def boxes_case(boxes: BoxStudy, name: str, *, models: str, images: str, territory: str) -> Path:
    return boxes.case(
        cases.case_text(
            images=images,
            procedure=f'device = "therasphere"\nmodels = {models}',
            territory=territory,
        ),
        name,
    )


def test_planar_views_give_the_shunt_where_there_is_no_spect(boxes: BoxStudy) -> None:
    """No SPECT and nothing entered: the geometric mean is used, the anterior view stands beside it."""
    write_views(boxes.folder / "PLANAR" / "views.dcm")
    path = boxes_case(
        boxes,
        "planar.toml",
        models='["partition"]',
        images='planar = "PLANAR/"',
        territory="tumour_to_normal = 5.0",
    )
    plan = ep.plan(path).plan
    assert plan.shunt is not None
    assert plan.shunt.estimate.method == "planar-gm"
    assert [other.method for other in plan.shunt.other_methods] == ["anterior"]
    assert plan.shunt.lung_shunt_frac == pytest.approx(TRUE_SHUNT, abs=0.005)
    assert plan.activity is not None
    chosen = plan.activity.chosen
    assert chosen is not None
    normal = 120 / 5
    mass_kg = (cases.NORMAL_ML + 5 * sum(cases.LESION_ML)) * DENSITY / 1000
    expected = normal * mass_kg / K_Y90 / (1 - plan.shunt.lung_shunt_frac)
    assert chosen.administered_gbq == pytest.approx(expected)
    limits = {limit for scale in plan.shunt.scales for limit in scale.comparable_with}
    assert {"lung_session", "lung_cumulative"} <= limits


def test_planar_views_stand_beside_the_spect(boxes: BoxStudy) -> None:
    write_views(boxes.folder / "PLANAR" / "views.dcm")
    path = boxes_case(
        boxes,
        "planar_too.toml",
        models='["partition"]',
        images='maa = "spect.dcm"\nplanar = "PLANAR/"',
        territory="tumour_to_normal = 5.0",
    )
    plan = ep.plan(path).plan
    assert plan.shunt is not None
    assert plan.shunt.estimate.method == "spect-ct"
    assert [other.method for other in plan.shunt.other_methods] == ["planar-gm", "anterior"]


def test_a_folder_without_views_is_refused(boxes: BoxStudy) -> None:
    path = boxes_case(
        boxes,
        "no_views.toml",
        models='["partition"]',
        images='planar = "CT/"',
        territory="lung_shunt_frac = 0.1",
    )
    with pytest.raises(InputError, match="CT holds no planar views"):
        ep.plan(path)


def test_the_voxel_model_scales_the_map_of_the_scan(boxes: BoxStudy) -> None:
    """The scan is uniform in each part, so that local deposition and partition give the same activity."""
    path = boxes_case(
        boxes,
        "voxel.toml",
        models='["partition", "voxel"]',
        images='maa = "spect.dcm"',
        territory="lung_shunt_frac = 0.1\ntumour_to_normal = 4.0",
    )
    plan = ep.activity(path)
    partition = results(plan, "partition")["whole liver"]
    voxel = results(plan, "voxel")["whole liver"]
    assert voxel.doses_gy.tumour == pytest.approx(120)
    assert voxel.administered_gbq == pytest.approx(partition.administered_gbq, rel=0.02)
    for quantity in (Quantity.WHOLE_NORMAL, Quantity.LUNG):
        assert voxel.doses_gy.of(quantity) == pytest.approx(partition.doses_gy.of(quantity), rel=0.02)


def test_the_empiric_table_stands_beside(boxes: BoxStudy) -> None:
    """9.1 % involvement: 2.0 GBq; a shunt of 12 % takes 20 % off."""
    path = boxes.case(
        cases.case_text(
            procedure='device = "sir-spheres"\nmodels = ["partition", "empiric"]',
            territory="tumour_to_normal = 5.0\nlung_shunt_frac = 0.12",
        ),
        "empiric.toml",
    )
    found = results(ep.activity(path), "empiric")["whole liver"]
    assert found.administered_gbq == pytest.approx(1.6)
    normal_gy = 1.6 * K_Y90 * 0.88 / ((cases.NORMAL_ML + 5 * sum(cases.LESION_ML)) * DENSITY / 1000)
    assert found.doses_gy.perfused_normal == pytest.approx(normal_gy)


def test_a_lobe_without_lesions_leaves_the_other_its_partition(tmp_path: Path) -> None:
    """The lobe of normal liver goes by its own mean dose; the other by its tumour, as when it is alone."""
    bare = '\n[[territory]]\nname = "left"\nvolume = "600 mL"\nlung_shunt_frac = 0.05\n'
    bare += 'perfused_goal = { dose = "40 Gy", source = "site" }\n'
    found = results(ep.activity(case(tmp_path, RIGHT + bare)), "partition")
    right = 120 / 4 * WEIGHTED_KG["right"] / K_Y90 / (1 - SHUNT)
    left = 40 * 0.6 * DENSITY / K_Y90 / (1 - SHUNT)
    assert found["right"].administered_gbq == pytest.approx(right)
    assert found["left"].administered_gbq == pytest.approx(left)


def test_sessions_of_one_case_share_a_treatment_time_and_say_so(tmp_path: Path) -> None:
    plan = ep.activity(case(tmp_path, RIGHT + LEFT, procedure="treatment_time = 2026-12-03T10:30:00-05:00"))
    assert "vial-of-one-session" in {finding.id for finding in plan.findings}


def test_an_entered_activity_above_the_decayed_vial_stops(tmp_path: Path) -> None:
    """3 GBq at calibration are 1.07 GBq 95.5 hours later."""
    territory = lobe("right", 1100, 1, 60, ratio=4.0, more='administered = "1.2 GBq"')
    vial = '[vial]\nsize = "3 GBq"\ncalibration_time = 2026-11-29T12:00:00-05:00'
    plan = ep.activity(
        case(tmp_path, territory, procedure="treatment_time = 2026-12-03T11:30:00-05:00", rest=vial)
    )
    (found,) = [finding for finding in plan.findings if finding.id == "vial-too-small"]
    assert f"{3 * 2 ** (-95.5 / T_Y90_H):.4g} GBq" in found.text


def test_earlier_treatments_answer_the_facts_about_them(tmp_path: Path) -> None:
    """A prior radioembolization is one for the protocol too."""
    path = case(tmp_path, RIGHT, rest='[[prior]]\nkind = "tare"\ndate = 2025-06-01\nlung_dose = "4 Gy"')
    prepared = prepare(read_case(path, load()), load(), lambda _stage, _share: None)
    fact = prepared.facts.get("prior_radioembolization")
    assert fact is not None
    assert fact.value is True


def test_the_inputs_of_each_territory_are_in_the_plan(tmp_path: Path) -> None:
    plan = ep.activity(case(tmp_path, RIGHT + LEFT))
    right, left = plan.territories
    assert (right.territory, right.perfused_ml, right.tumour_ml, right.lung_shunt_frac) == (
        "right",
        1100,
        60,
        SHUNT,
    )
    assert dict(left.lesion_tumour_to_normal) == {"2": 3.0}
    assert (left.session, left.device) == (2, "quiremspheres")


def test_a_shunt_entered_against_the_scan_is_told(boxes: BoxStudy) -> None:
    """Half of what the scan shows is half the lung dose."""
    path = boxes_case(
        boxes,
        "entered.toml",
        models='["partition"]',
        images='maa = "spect.dcm"',
        territory="lung_shunt_frac = 0.02\ntumour_to_normal = 4.0",
    )
    plan = ep.activity(path)
    assert "lung-shunt-differs" in {finding.id for finding in plan.findings}
