"""The second calculation passes right plans to the last bits, and catches what goes wrong in planning
sheets."""

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from emboplan import catalog
from emboplan.dosimetry.decay import decay, hours_between
from emboplan.dosimetry.prescribing import second_check as second_check_module
from emboplan.dosimetry.prescribing.optimise import optimise
from emboplan.dosimetry.prescribing.plan_doses import evaluate
from emboplan.dosimetry.prescribing.second_check import second_check
from emboplan.errors import ModelRangeError
from emboplan.model.compartments import PatientCompartments, TreatedCompartments
from emboplan.model.products import DoseLimit, Scope, derived_coefficient
from emboplan.model.results.activity import Doses, Quantity
from emboplan.model.results.prescription import Objective, PrescriptionGoal, SecondCheck
from emboplan.model.second_check_input import CheckedPlan, CheckedTerritory, CheckedVial

CATALOG = catalog.load()
Y90 = CATALOG.nuclide("Y-90")
TOLERANCE = CATALOG.number("uncertainty.second_calculation.tolerance")
COEFFICIENT_TOLERANCE = CATALOG.number("uncertainty.second_calculation.coefficient_tolerance.Y-90")
ENERGY_MEV = 0.933
DENSITY = 1.03


def _check(plan: CheckedPlan) -> SecondCheck:
    return second_check(plan, tolerance=TOLERANCE, coefficient_tolerance=COEFFICIENT_TOLERANCE)


def _limit(name: str, quantity: Quantity, gray: float, scope: Scope = Scope.TREATMENT) -> DoseLimit:
    return DoseLimit.entered(name, quantity, gray, source="this test", scope=scope)


LIMITS = (
    _limit("perfused_normal", Quantity.PERFUSED_NORMAL, 80.0),
    _limit("whole_normal", Quantity.WHOLE_NORMAL, 45.0, Scope.CUMULATIVE),
    _limit("lung_session", Quantity.LUNG, 25.0),
    _limit("lung_cumulative", Quantity.LUNG, 45.0, Scope.CUMULATIVE),
    CATALOG.limit("therasphere_lung_activity"),
)


def _random_patient(draw: np.random.Generator, territories: int) -> PatientCompartments:
    """Random territories with lesions of their own, now and then without shunt, or normal liver."""
    shunt = 0.0 if draw.random() < 0.1 else float(draw.uniform(0.01, 0.25))
    treated, label = [], 1
    for number in range(territories):
        lesions = int(draw.integers(1, 5))
        labels = range(label, label + lesions)
        label += lesions
        treated.append(
            TreatedCompartments(
                territory=f"territory {number}",
                normal_mass_g=0.0 if shunt and draw.random() < 0.05 else float(draw.uniform(80.0, 900.0)),
                lesion_masses_g={n: float(draw.uniform(1.0, 250.0)) for n in labels},
                tumour_to_normal={n: float(draw.uniform(0.8, 15.0)) for n in labels},
                lung_shunt_frac=shunt,
                k_gy_kg_per_gbq=Y90.k_gy_kg_per_gbq,
                residual_frac=float(draw.uniform(0.0, 0.1)),
                session=int(draw.integers(1, 3)),
            )
        )
    whole = sum(t.normal_mass_g for t in treated) + float(draw.uniform(10.0, 800.0))
    prior = {
        Quantity.LUNG: float(draw.uniform(0.0, 20.0)),
        Quantity.WHOLE_NORMAL: float(draw.uniform(0.0, 15.0)),
    }
    return PatientCompartments(tuple(treated), whole, float(draw.uniform(600.0, 1200.0)), prior)


def _checked(
    patient: PatientCompartments,
    activities: Mapping[str, float],
    *,
    limits: tuple[DoseLimit, ...] = (),
    goals: tuple[PrescriptionGoal, ...] = (),
    objective: Objective | None = None,
    goals_met: bool | None = None,
) -> CheckedPlan:
    """A plan of the package written onto the other sheet: volumes instead of masses."""
    doses, total, checks = evaluate(patient, administered_gbq=activities, limits=limits)
    territories = tuple(
        CheckedTerritory(
            territory=t.territory,
            normal_ml=t.normal_mass_g / DENSITY,
            lesions_ml={n: m / DENSITY for n, m in t.lesion_masses_g.items()},
            tumour_to_normal=t.tumour_to_normal,
            normal_density_g_per_ml=DENSITY,
            tumour_density_g_per_ml=DENSITY,
            lung_shunt_frac=t.lung_shunt_frac,
            half_life_h=Y90.half_life_h,
            mean_energy_mev=ENERGY_MEV,
            k_gy_kg_per_gbq=t.k_gy_kg_per_gbq,
            administered_gbq=activities[t.territory],
            doses=doses[t.territory],
            residual_frac=t.residual_frac,
            prepared_gbq=activities[t.territory] / (1 - t.residual_frac),
            session=t.session,
        )
        for t in patient.treated
    )
    return CheckedPlan(
        territories=territories,
        whole_normal_ml=patient.whole_normal_mass_g / DENSITY,
        whole_normal_density_g_per_ml=DENSITY,
        lung_mass_g=patient.lung_mass_g,
        objective=objective,
        goals=goals,
        limits=limits,
        prior_gy=patient.prior_gy,
        total=total,
        exceeded=tuple(check.name for check in checks if check.exceeded),
        goals_met=goals_met,
    )


def _planned(
    patient: PatientCompartments, objective: Objective, goals: tuple[PrescriptionGoal, ...]
) -> CheckedPlan:
    found = optimise(patient, limits=LIMITS, goals=goals, objective=objective)
    return _checked(
        patient,
        found.administered_gbq,
        limits=LIMITS,
        goals=goals,
        objective=objective,
        goals_met=all(outcome.met for outcome in found.goals) if goals else None,
    )


def _random_goals(draw: np.random.Generator, patient: PatientCompartments) -> tuple[PrescriptionGoal, ...]:
    return tuple(
        PrescriptionGoal(
            t.territory,
            Quantity.TUMOUR,
            float(draw.uniform(60.0, 400.0)),
            "this test",
            each_lesion=bool(draw.random() < 0.3),
        )
        for t in patient.treated
    )


def _rounding(check: SecondCheck) -> bool:
    return check.passed and check.relative_difference < 1e-9 and not check.findings


@pytest.mark.parametrize("plans", [600, pytest.param(10_000, marks=pytest.mark.slow)])
def test_thousands_of_right_plans_pass_to_rounding(plans: int) -> None:
    """Entered activities: every dose, the energy and the prepared activity agree far below the tolerance."""
    draw = np.random.default_rng(1)
    worst = 0.0
    for number in range(plans):
        patient = _random_patient(draw, 1 + number % 3)
        activities = {t.territory: float(draw.uniform(0.0, 6.0)) for t in patient.treated}
        check = _check(_checked(patient, activities, limits=LIMITS))
        assert _rounding(check), check.findings
        worst = max(worst, check.relative_difference)
    assert worst < 1e-12


@pytest.mark.parametrize("objective", list(Objective))
def test_right_prescriptions_of_one_territory_pass_to_rounding(objective: Objective) -> None:
    draw = np.random.default_rng(2)
    for _ in range(60):
        patient = _random_patient(draw, 1)
        goals = _random_goals(draw, patient) if objective is Objective.MEET_GOAL else ()
        check = _check(_planned(patient, objective, goals))
        assert _rounding(check), (check.relative_difference, check.findings)


@pytest.mark.parametrize("objective", list(Objective))
@pytest.mark.parametrize("territories", [2, 3, 4])
def test_no_better_plan_exists_than_the_one_prescribed(objective: Objective, territories: int) -> None:
    """All corners of what is allowed, listed: the plan's aim is the best of them."""
    draw = np.random.default_rng(3)
    for _ in range(8):
        patient = _random_patient(draw, territories)
        goals = _random_goals(draw, patient) if objective is Objective.MEET_GOAL else ()
        check = _check(_planned(patient, objective, goals))
        assert check.passed, check.findings
        # The optimiser keeps limits to 1e-12 and breaks ties within 1e-9.
        assert check.relative_difference < 1e-8
        assert any(value.name.startswith("best ") for value in check.values)


@pytest.mark.slow
def test_many_prescriptions_of_several_territories() -> None:
    draw = np.random.default_rng(4)
    for number in range(400):
        patient = _random_patient(draw, 1 + number % 4)
        objective = list(Objective)[number % 3]
        asked = objective is Objective.MEET_GOAL or draw.random() < 0.5
        goals = _random_goals(draw, patient) if asked else ()
        check = _check(_planned(patient, objective, goals))
        assert check.passed, check.findings
        assert check.relative_difference < 1e-8


def _patient(**changes: Any) -> PatientCompartments:
    fields: dict[str, Any] = {
        "territory": "right lobe",
        "normal_mass_g": 700.0,
        "lesion_masses_g": {1: 80.0, 2: 20.0},
        "tumour_to_normal": {1: 6.0, 2: 3.0},
        "lung_shunt_frac": 0.06,
        "k_gy_kg_per_gbq": Y90.k_gy_kg_per_gbq,
        "residual_frac": 0.03,
    }
    return PatientCompartments((TreatedCompartments(**{**fields, **changes}),), 1500.0, 1000.0)


GOAL = (PrescriptionGoal("right lobe", Quantity.TUMOUR, 205.0, "this test"),)
RIGHT = _planned(_patient(), Objective.MEET_GOAL, GOAL)


def _with(plan: CheckedPlan, **changes: Any) -> CheckedPlan:
    return replace(plan, territories=(replace(plan.territories[0], **changes),))


def _doses(patient: PatientCompartments, gbq: float) -> Doses:
    return evaluate(patient, administered_gbq={"right lobe": gbq})[0]["right lobe"]


PLANNED_GBQ = RIGHT.territories[0].administered_gbq


def _shunt_multiplied() -> CheckedPlan:
    """The activity for the goal multiplied by 1 - shunt where it should be divided."""
    gbq = PLANNED_GBQ * 0.94**2
    return _with(RIGHT, administered_gbq=gbq, prepared_gbq=gbq / 0.97, doses=RIGHT.territories[0].doses)


def _shunt_multiplied_but_doses_right() -> CheckedPlan:
    """The same slip in the activity, with doses that follow from it: only the inverse shows it."""
    gbq = PLANNED_GBQ * 0.94**2
    return _with(RIGHT, administered_gbq=gbq, prepared_gbq=gbq / 0.97, doses=_doses(_patient(), gbq))


def _shunt_forgotten() -> CheckedPlan:
    return _with(RIGHT, doses=_doses(_patient(lung_shunt_frac=0.0), PLANNED_GBQ))


def _activity_ratio() -> CheckedPlan:
    """The ratio of activities taken for that of concentrations: r m / N instead of r."""
    ratios = {1: 6.0 * 80.0 / 700.0, 2: 3.0 * 20.0 / 700.0}
    return _with(RIGHT, doses=_doses(_patient(tumour_to_normal=ratios), PLANNED_GBQ))


def _masses_swapped() -> CheckedPlan:
    return _with(RIGHT, doses=_doses(_patient(lesion_masses_g={1: 20.0, 2: 80.0}), PLANNED_GBQ))


def _tumour_and_normal_swapped() -> CheckedPlan:
    swapped = _patient(normal_mass_g=100.0, lesion_masses_g={1: 560.0, 2: 140.0})
    return _with(RIGHT, doses=_doses(swapped, PLANNED_GBQ))


def _doses_with_another_k() -> CheckedPlan:
    return _with(RIGHT, doses=_doses(_patient(k_gy_kg_per_gbq=49.8 * 1.01), PLANNED_GBQ))


def _k_one_percent_high() -> CheckedPlan:
    """A wrong coefficient used throughout: every dose agrees with it, half-life and energy do not."""
    return _planned(_patient(k_gy_kg_per_gbq=49.8 * 1.01), Objective.MEET_GOAL, GOAL)


def _k_one_percent_low() -> CheckedPlan:
    return _planned(_patient(k_gy_kg_per_gbq=49.8 * 0.99), Objective.MEET_GOAL, GOAL)


def _tumour_dropped() -> CheckedPlan:
    """Normal liver alone in the denominator, the ratio applied afterwards."""
    bare = _doses(_patient(lesion_masses_g={}, tumour_to_normal={}), PLANNED_GBQ)
    normal = bare.perfused_normal or 0.0
    lesions = {"1": 6.0 * normal, "2": 3.0 * normal}
    return _with(RIGHT, doses=replace(bare, tumour=(80 * 6 + 20 * 3) / 100 * normal, lesions=lesions))


def _lesion_dropped() -> CheckedPlan:
    one = _patient(lesion_masses_g={1: 80.0}, tumour_to_normal={1: 6.0})
    return _with(RIGHT, doses=_doses(one, PLANNED_GBQ))


def _residual_twice() -> CheckedPlan:
    return _with(RIGHT, prepared_gbq=PLANNED_GBQ / 0.97**2)


def _residual_multiplied() -> CheckedPlan:
    return _with(RIGHT, prepared_gbq=PLANNED_GBQ * 0.97)


def _residual_in_the_doses() -> CheckedPlan:
    return _with(RIGHT, doses=_doses(_patient(), PLANNED_GBQ * 0.97))


def _gram_slip_in_one_lesion() -> CheckedPlan:
    return _with(RIGHT, doses=_doses(_patient(lesion_masses_g={1: 80.0, 2: 0.02}), PLANNED_GBQ))


def _lung_mass_slip() -> CheckedPlan:
    stated = RIGHT.territories[0].doses
    return _with(RIGHT, doses=replace(stated, lung=(stated.lung or 0.0) / 1.2))


def _lung_mass_in_kilograms() -> CheckedPlan:
    return replace(RIGHT, lung_mass_g=1.0)


def _whole_liver_instead_of_normal() -> CheckedPlan:
    return replace(RIGHT, whole_normal_ml=RIGHT.whole_normal_ml + 100.0)


PLANTED: Mapping[str, Callable[[], CheckedPlan]] = {
    planted.__name__.removeprefix("_"): planted
    for planted in (
        _shunt_multiplied,
        _shunt_multiplied_but_doses_right,
        _shunt_forgotten,
        _activity_ratio,
        _masses_swapped,
        _tumour_and_normal_swapped,
        _doses_with_another_k,
        _k_one_percent_high,
        _k_one_percent_low,
        _tumour_dropped,
        _lesion_dropped,
        _residual_twice,
        _residual_multiplied,
        _residual_in_the_doses,
        _gram_slip_in_one_lesion,
        _lung_mass_slip,
        _lung_mass_in_kilograms,
        _whole_liver_instead_of_normal,
    )
}


def test_the_plan_that_errors_are_planted_in_is_right() -> None:
    check = _check(RIGHT)
    assert _rounding(check)
    assert {value.name for value in check.values} >= {
        "tumour",
        "lesion 1",
        "lung",
        "whole_normal",
        "administered",
        "prepared less residual",
        "dose coefficient",
        "energy of the stated doses",
    }


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_stops_the_plan(name: str) -> None:
    check = _check(PLANTED[name]())
    assert not check.passed
    assert {finding.severity.value for finding in check.findings} == {"stop"}


def test_named_coefficients_pass_and_the_energy_is_compared_beside_them() -> None:
    """49.38 and 50 are within the tolerance; every dose is compared with the coefficient in use."""
    for k in (49.38, 49.67, 49.8, 50.0):
        check = _check(_planned(_patient(k_gy_kg_per_gbq=k), Objective.MEET_GOAL, GOAL))
        assert _rounding(check)
        value = next(v for v in check.values if v.name == "dose coefficient")
        assert value.recomputed == pytest.approx(derived_coefficient(64.1, 0.933), rel=1e-12)


def test_tissues_of_different_density() -> None:
    """100 mL of 1.2 g/mL at ratio 5 beside 500 mL of 1.0: masses of 120 and 500 g, by hand."""
    normal = 50.0 * 2.0 * 0.9 / (0.5 + 5 * 0.12)
    doses = Doses(
        tumour=5 * normal,
        perfused_normal=normal,
        whole_normal=normal / 2,
        perfused=50.0 * 2.0 * 0.9 / 0.62,
        lung=50.0 * 2.0 * 0.1,
        lesions={"1": 5 * normal},
    )
    territory = CheckedTerritory(
        territory="right lobe",
        normal_ml=500.0,
        lesions_ml={1: 100.0},
        tumour_to_normal={1: 5.0},
        normal_density_g_per_ml=1.0,
        tumour_density_g_per_ml=1.2,
        lung_shunt_frac=0.1,
        half_life_h=64.1,
        mean_energy_mev=0.9367,
        k_gy_kg_per_gbq=50.0,
        administered_gbq=2.0,
        doses=doses,
    )
    check = _check(CheckedPlan((territory,), 1000.0, 1.0, 1000.0))
    assert _rounding(check)


NEW_YORK, BERLIN = ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin")


def _with_vial(treatment: datetime, hours: float | None = None) -> CheckedPlan:
    """A 3 GBq vial of Sunday noon in New York, before the clocks change in both places."""
    calibration = datetime(2026, 3, 1, 12, tzinfo=NEW_YORK)
    elapsed = hours_between(calibration, treatment) if hours is None else hours
    held = decay(3.0, elapsed)
    vial = CheckedVial(3.0, calibration, treatment, held)
    plan = _checked(_patient(), {"right lobe": held * 0.97})
    return _with(plan, vials=(vial,), prepared_gbq=held)


def test_decay_across_zones_and_clock_changes() -> None:
    """New York puts its clocks forward on 8 March 2026, Berlin on 29 March; 0.5 half-lives by hand."""
    for treatment in (datetime(2026, 3, 4, 9, tzinfo=BERLIN), datetime(2026, 3, 9, 9, tzinfo=NEW_YORK)):
        assert _rounding(_check(_with_vial(treatment)))
    start = datetime(2026, 3, 1, 17, tzinfo=UTC)
    plan = _with_vial(start + timedelta(hours=64.1))
    assert plan.territories[0].vials[0].at_treatment_gbq == pytest.approx(1.5)
    assert _rounding(_check(plan))


def test_an_hour_lost_to_daylight_saving_stops_the_plan() -> None:
    """Wall-clock hours across the change are one too many: 1.1 % of the activity."""
    treatment = datetime(2026, 3, 9, 9, tzinfo=NEW_YORK)
    calibration = datetime(2026, 3, 1, 12, tzinfo=NEW_YORK)
    wall_clock_h = (treatment - calibration).total_seconds() / 3600
    assert wall_clock_h == pytest.approx(hours_between(calibration, treatment) + 1)
    check = _check(_with_vial(treatment, wall_clock_h))
    assert not check.passed
    failed = [value for value in check.values if value.relative_difference > TOLERANCE]
    assert [value.name for value in failed if value.name.startswith("vial")] == ["vial 1 at treatment"]


def test_more_than_the_vials_hold() -> None:
    plan = _with_vial(datetime(2026, 3, 3, 9, tzinfo=NEW_YORK))
    held = plan.territories[0].vials[0].at_treatment_gbq
    more = _checked(_patient(), {"right lobe": held})
    plan = _with(more, vials=plan.territories[0].vials)
    assert [finding.id for finding in _check(plan).findings] == ["second-check-vials"]


def test_what_is_not_stated_stops_the_plan() -> None:
    stated = RIGHT.territories[0].doses
    for changes in ({"lung": None}, {"tumour": None}, {"lesions": {"1": stated.lesions["1"]}}):
        check = _check(_with(RIGHT, doses=replace(stated, **changes)))
        assert [finding.id for finding in check.findings] == ["second-check-incomplete"]
    assert not _check(_with(RIGHT, doses=Doses())).passed
    check = _check(replace(RIGHT, goals_met=None))
    assert [finding.id for finding in check.findings] == ["second-check-incomplete"]
    two = _random_patient(np.random.default_rng(8), 2)
    plan = _checked(two, {t.territory: 1.0 for t in two.treated})
    assert not _check(replace(plan, total=None)).passed


def test_statements_that_do_not_hold_stop_the_plan() -> None:
    tight = (_limit("lung_session", Quantity.LUNG, 1.0), *LIMITS[:2])
    plan = _checked(_patient(), {"right lobe": 1.0}, limits=tight, goals=GOAL, goals_met=False)
    assert plan.exceeded == ("lung_session",)
    assert _check(plan).passed
    for wrong in (
        replace(plan, exceeded=()),
        replace(plan, exceeded=("lung_session", "whole_normal")),
        replace(plan, goals_met=True),
    ):
        assert [finding.id for finding in _check(wrong).findings] == ["second-check-statements"]


def test_a_worse_plan_and_one_that_breaks_a_limit_are_found() -> None:
    """Two territories: 3 % more to one of them is not the least whole-normal dose any more."""
    draw = np.random.default_rng(21)
    patient = _random_patient(draw, 2)
    goals = tuple(PrescriptionGoal(t.territory, Quantity.TUMOUR, 80.0, "this test") for t in patient.treated)
    best = optimise(patient, limits=LIMITS, goals=goals).administered_gbq
    first = patient.treated[0].territory
    for objective, factor in ((Objective.MEET_GOAL, 1.03), (Objective.MAXIMISE_TUMOUR, 1.0)):
        activities = {**best, first: best[first] * factor}
        plan = _checked(patient, activities, limits=LIMITS, goals=goals, objective=objective, goals_met=True)
        check = _check(plan)
        assert [finding.id for finding in check.findings] == ["second-check-failed"]
    over = {name: gbq * 20 for name, gbq in best.items()}
    most = Objective.MAXIMISE_TUMOUR
    plan = _checked(patient, over, limits=LIMITS, goals=goals, objective=most, goals_met=True)
    assert not _check(plan).passed


def test_more_territories_than_corners_can_be_listed_for() -> None:
    patient = _random_patient(np.random.default_rng(5), 5)
    check = _check(_planned(patient, Objective.MAXIMISE_TUMOUR, ()))
    assert check.passed
    assert [finding.id for finding in check.findings] == ["second-check-not-searched"]


def test_nothing_bounds_the_activity() -> None:
    plan = _checked(_patient(), {"right lobe": 2.0}, objective=Objective.MAXIMISE_TUMOUR)
    assert not _check(plan).passed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lung_shunt_frac": 1.0}, "lung_shunt_frac is 1"),
        ({"normal_ml": -1.0}, "normal_ml is -1"),
        ({"half_life_h": 0.0}, "half_life_h is 0"),
        ({"tumour_to_normal": {1: 6.0}}, "give one of each"),
        ({"lesions_ml": {1: 0.0, 2: 1.0}}, "volume in mL of lesion 1"),
        ({"doses": Doses(tumour=math.nan)}, "tumour dose of right lobe is nan"),
        ({"administered_gbq": math.inf}, "administered_gbq is inf"),
    ],
)
def test_bad_input_gives_no_answer(changes: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ModelRangeError, match=message):
        _with(RIGHT, **changes)


def test_moments_without_a_zone_are_refused() -> None:
    aware = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with pytest.raises(ModelRangeError, match="no time zone"):
        CheckedVial(3.0, aware.replace(tzinfo=None), aware, 3.0)


def test_plans_that_are_none_are_refused() -> None:
    with pytest.raises(ModelRangeError, match="one or more"):
        replace(RIGHT, territories=())
    with pytest.raises(ModelRangeError, match="not in the plan"):
        replace(RIGHT, goals=(replace(GOAL[0], territory="left lobe"),))


def test_nothing_of_the_first_path_is_used() -> None:
    """The modules of the second calculation import only each other, values, errors and units."""
    folder = Path(second_check_module.__file__).parent
    files = [folder / f"{name}.py" for name in ("second_check", "second_energy", "second_optimum")]
    files.append(folder.parents[1] / "model" / "second_check_input.py")
    own = "emboplan.dosimetry.prescribing.second_"
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                if name.startswith("emboplan"):
                    assert name.startswith((own, "emboplan.model.", "emboplan.errors", "emboplan.units")), (
                        file
                    )


def test_the_result_is_written_as_json() -> None:
    json = _check(RIGHT).to_json()
    assert json["passed"] is True
    assert json["tolerance"] == 0.005
