"""Activities on numbers alone, where every dose can be worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import emboplan as ep
from emboplan.errors import CaseFileError, InfeasiblePlanError, InputError
from emboplan.model.finding import Severity
from emboplan.model.results.activity import ModelResult
from emboplan.model.results.activity_plan import ActivityPlan

K, DENSITY, SHUNT = 49.8, 1.03, 0.05

# One territory of 1100 mL with lesions of 60 and 12 mL in a liver of 1800 mL.
NORMAL_KG = (1100 - 72) * DENSITY / 1000
LESION_KG = {"1": 60 * DENSITY / 1000, "4": 12 * DENSITY / 1000}
RATIO = {"1": 4.0, "4": 2.5}
WEIGHTED_KG = NORMAL_KG + sum(RATIO[n] * LESION_KG[n] for n in LESION_KG)


def computed(
    folder: Path,
    *,
    models: str = '["multi", "single"]',
    procedure: str = "",
    territory: str = 'tumour_goal = { dose = "150 Gy", source = "site" }',
    rest: str = "",
    device: str = "therasphere",
) -> ActivityPlan:
    """The activity of the case of numbers."""
    path = folder / "case.toml"
    path.write_text(
        f"""
[patient]
id = "NET-002"
height = "175 cm"
weight = "75 kg"

[volumes]
liver = "1800 mL"

[procedure]
device = "{device}"
models = {models}
{procedure}

[[territory]]
name = "right lobe"
volume = "1100 mL"
lesion_volumes = {{ 1 = "60 mL", 4 = "12 mL" }}
lesion_tumour_to_normal = {{ 1 = 4.0, 4 = 2.5 }}
lung_shunt_frac = {SHUNT}
{territory}

{rest}

[facts]
bilirubin = {{ value = 0.8, unit = "mg/dL" }}
""",
        encoding="utf-8",
    )
    return ep.activity(path)


def result(plan: ActivityPlan, model: str) -> ModelResult:
    """The one result of a model."""
    (found,) = [each for each in plan.models if each.model == model]
    return found


def ids(plan: ActivityPlan) -> set[str]:
    """The identifiers of all findings."""
    return {finding.id for finding in plan.findings}


def test_each_lesion_has_its_own_ratio(tmp_path: Path) -> None:
    """The mean tumour dose is 150 Gy; by hand: concentration x ratio, averaged by mass."""
    plan = computed(tmp_path)
    mean_ratio = sum(RATIO[n] * LESION_KG[n] for n in LESION_KG) / sum(LESION_KG.values())
    normal_gy = 150 / mean_ratio
    found = result(plan, "multi")
    assert found.administered_gbq == pytest.approx(normal_gy * WEIGHTED_KG / K / (1 - SHUNT))
    assert dict(found.doses_gy.lesions) == pytest.approx({n: RATIO[n] * normal_gy for n in RATIO})
    assert found.doses_gy.whole_normal == pytest.approx(
        normal_gy * NORMAL_KG / ((1800 - 72) * DENSITY / 1000)
    )
    assert plan.chosen == found


def test_every_lesion_reaches_a_goal_of_each(tmp_path: Path) -> None:
    plan = computed(
        tmp_path, territory='tumour_goal = { dose = "100 Gy", source = "site", each_lesion = true }'
    )
    assert result(plan, "multi").doses_gy.lesions["4"] == pytest.approx(100)


def test_body_surface_takes_the_share_of_the_lobes_own_tumour(tmp_path: Path) -> None:
    """[(surface - 0.2) + 72/1100] x 1100/1800, surface by DuBois."""
    plan = computed(tmp_path, models='["multi", "bsa"]', device="sir-spheres")
    surface = 0.20247 * 1.75**0.725 * 75**0.425
    expected = (surface - 0.2 + 72 / 1100) * 1100 / 1800
    assert result(plan, "bsa").administered_gbq == pytest.approx(expected, rel=1e-4)


def test_a_rule_that_is_named_first_decides(tmp_path: Path) -> None:
    """Body surface, cut to 0.8 above a shunt of 10 %; its doses are those of the compartments."""
    path = tmp_path / "case.toml"
    computed(tmp_path, models='["bsa", "multi"]', device="sir-spheres", territory="")
    path.write_text(path.read_text(encoding="utf-8").replace("0.05", "0.12"), encoding="utf-8")
    plan = ep.activity(path)
    surface = 0.20247 * 1.75**0.725 * 75**0.425
    expected = (surface - 0.2 + 72 / 1100) * 1100 / 1800 * 0.8
    assert plan.chosen is not None
    assert (plan.chosen.model, plan.binding) == ("bsa", "rule")
    assert plan.chosen.administered_gbq == pytest.approx(expected, rel=1e-4)
    assert plan.chosen.doses_gy == result(plan, "multi").doses_gy
    assert plan.chosen.doses_gy.perfused_normal == pytest.approx(expected * K * 0.88 / WEIGHTED_KG, rel=1e-4)
    assert plan.second_check is not None
    assert plan.second_check.passed
    (again,) = [v for v in plan.second_check.values if v.name == "administered by the rule"]
    assert again.recomputed == pytest.approx(expected, rel=1e-4)


def test_a_rule_alone_needs_no_goal(tmp_path: Path) -> None:
    plan = computed(tmp_path, models='["bsa"]', device="sir-spheres", territory="")
    assert [each.model for each in plan.models] == ["bsa"]
    assert plan.chosen == result(plan, "bsa")
    assert not {"activity-undecided", "no-goal"} & ids(plan)


def test_artery_specific_quantities_are_their_own(tmp_path: Path) -> None:
    """A_T = 150 m_T / K; A_N = A_T / R; A_L = A_T x 0.2 / 0.8."""
    plan = computed(
        tmp_path,
        models='["multi", "artery-specific"]',
        territory='tumour_goal = { dose = "150 Gy", source = "site" }\n'
        "artery_specific = { activity_ratio = 0.25, tumour_lung_shunt_frac = 0.2 }",
    )
    tumour_gbq = 150 * sum(LESION_KG.values()) / K
    found = result(plan, "artery-specific")
    assert found.administered_gbq == pytest.approx(tumour_gbq * (1 + 1 / 0.25 + 0.2 / 0.8))


def test_a_vial_that_is_asked_for_decides_the_activity(tmp_path: Path) -> None:
    """3 GBq, 94.5 h after calibration, 1 % residual."""
    plan = computed(
        tmp_path,
        procedure="treatment_time = 2026-12-03T15:30:00Z",
        rest='[vial]\nsize = "3 GBq"\ncalibration_time = 2026-11-29T17:00:00Z\nresidual_frac = 0.01',
    )
    prepared = 3 * 2 ** (-94.5 / 64.1)
    assert plan.chosen is not None
    assert plan.chosen.administered_gbq == pytest.approx(prepared * 0.99)
    assert plan.chosen.prepared_gbq == pytest.approx(prepared)
    (row,) = [row for row in plan.vials if row.chosen]
    assert (row.label_gbq, row.treatment_time) == ((3.0,), datetime(2026, 12, 3, 15, 30, tzinfo=UTC))
    assert row.spheres == pytest.approx(1.2e6)


def test_vials_are_chosen_that_meet_the_goal_at_the_least_normal_liver_dose(tmp_path: Path) -> None:
    plan = computed(
        tmp_path, procedure="treatment_time = 2026-12-03T10:30:00-05:00", rest="[vial]\nresidual_frac = 0.01"
    )
    needed = computed(tmp_path).chosen
    assert plan.chosen is not None
    assert needed is not None
    at_the_hour = [r for r in plan.vials if r.treatment_time.isoformat() == "2026-12-03T10:30:00-05:00"]
    enough = [r.administered_gbq for r in at_the_hour if r.usable and r.goals_met]
    assert plan.chosen.administered_gbq == pytest.approx(min(gbq for gbq in enough if gbq is not None))
    assert plan.chosen.administered_gbq >= needed.administered_gbq


def test_an_expired_vial_gives_no_answer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expired"):
        computed(
            tmp_path,
            procedure="treatment_time = 2026-12-20T15:30:00Z",
            rest='[vial]\nsize = "3 GBq"\ncalibration_time = 2026-11-29T17:00:00Z',
        )


def test_a_floor_against_a_limit_names_both(tmp_path: Path) -> None:
    with pytest.raises(InfeasiblePlanError, match=r"88 Gy.*20 Gy|20 Gy.*88 Gy"):
        computed(
            tmp_path,
            territory='tumour_goal = { dose = "150 Gy", source = "site" }\n'
            'hypertrophy_goal = { dose = "88 Gy", source = "EANM 2022" }',
            rest='[limits]\nwhole_normal = "20 Gy"',
        )


def test_the_lobectomy_brings_its_floor(tmp_path: Path) -> None:
    """Glass: the perfused normal liver gets at least 88 Gy, and the tumour more than its goal."""
    plan = computed(tmp_path, procedure='intent = "lobectomy"')
    assert plan.chosen is not None
    assert plan.chosen.doses_gy.perfused_normal == pytest.approx(88)


def test_a_second_calculation_and_an_uncertainty_come_with_every_activity(tmp_path: Path) -> None:
    rest = '[uncertainty]\nsource = "site"\nlung_shunt_frac = 0.01\ncalibration_rel = 0.0'
    plan = computed(
        tmp_path,
        models='["single"]',
        rest=rest,
        territory=('perfused_goal = { dose = "80 Gy", source = "site" }'),
    )
    assert plan.second_check is not None
    assert plan.second_check.passed
    assert plan.second_check.relative_difference < 1e-9
    assert plan.uncertainty is not None
    (perfused,) = [v for v in plan.uncertainty.doses if v.name == "perfused"]
    assert perfused.standard_uncertainty == pytest.approx(80 * 0.01 / 0.95, rel=1e-6)
    assert not [finding for finding in plan.findings if finding.severity is Severity.STOP]


def test_a_named_coefficient_is_used_and_named(tmp_path: Path) -> None:
    plan = computed(tmp_path, procedure='dose_coefficient = "rounded-50"')
    assert (plan.k_gy_kg_per_gbq, plan.k_name) == (50.0, "rounded-50")


def test_the_label_is_told_and_net_has_no_published_goal(tmp_path: Path) -> None:
    plan = computed(tmp_path)
    assert "outside-device-indication" in ids(plan)
    assert not [value for value in plan.published if value.kind == "goal"]


def test_volumes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_text(
        """
[patient]
id = "x"
[volumes]
liver = "500 mL"
[[territory]]
name = "right lobe"
volume = "1100 mL"
lesion_volumes = { 1 = "1200 mL" }
""",
        encoding="utf-8",
    )
    with pytest.raises(CaseFileError) as raised:
        ep.activity(path)
    assert len(raised.value.problems) == 2
    assert "more than the territory's 1100 mL" in raised.value.problems[0]
    assert "less than the 1100 mL of the territories" in raised.value.problems[1]


def test_two_lobes_share_what_the_liver_can_bear(tmp_path: Path) -> None:
    """Two equal lobes under one limit get equal shares, which meet it exactly; the price is the ratio, 4."""
    lobe = """
[[territory]]
name = "{name}"
volume = "800 mL"
lesion_volumes = {{ {label} = "50 mL" }}
tumour_to_normal = 4.0
lung_shunt_frac = 0.0
session = {session}
tumour_goal = {{ dose = "200 Gy", source = "site" }}
"""
    path = tmp_path / "case.toml"
    path.write_text(
        '[patient]\nid = "x"\n[volumes]\nliver = "1600 mL"\n[limits]\nwhole_normal = "40 Gy"\n'
        + lobe.format(name="right", label=1, session=1)
        + lobe.format(name="left", label=2, session=2),
        encoding="utf-8",
    )
    plan = ep.activity(path)
    assert plan.chosen is not None
    assert plan.chosen.doses_gy.whole_normal == pytest.approx(40)
    assert dict(plan.chosen.doses_gy.lesions) == pytest.approx({"1": 160, "2": 160})
    assert plan.binding == "whole_normal"
    assert plan.price is not None
    assert plan.price.gy_per_unit == pytest.approx(4)
