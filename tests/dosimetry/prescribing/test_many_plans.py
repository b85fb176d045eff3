"""The vectorised path against hand calculations and, row by row, against planning one by one."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from emboplan import catalog
from emboplan.dosimetry.prescribing.many_plans import ManyCases, plan_many
from emboplan.dosimetry.prescribing.optimise import optimise
from emboplan.dosimetry.prescribing.prescription import check_limits, choose_activity
from emboplan.dosimetry.prescribing.response import response
from emboplan.errors import ModelRangeError
from emboplan.model.compartments import PatientCompartments, TreatedCompartments
from emboplan.model.products import DoseLimit, Scope
from emboplan.model.results.activity import Quantity
from emboplan.model.results.prescription import Objective, PrescriptionGoal


def _limit(name: str, quantity: Quantity, gray: float, scope: Scope = Scope.TREATMENT) -> DoseLimit:
    return DoseLimit.entered(name, quantity, gray, source="this test", scope=scope)


LIMITS = (
    _limit("perfused_normal", Quantity.PERFUSED_NORMAL, 75.0),
    _limit("whole_normal", Quantity.WHOLE_NORMAL, 45.0, Scope.CUMULATIVE),
    _limit("lung_session", Quantity.LUNG, 30.0),
    _limit("lung_cumulative", Quantity.LUNG, 50.0, Scope.CUMULATIVE),
    catalog.load().limit("therasphere_lung_activity"),
    catalog.load().limit("sir_spheres_lung_shunt"),
    catalog.load().limit("glass_whole_normal_low_bilirubin"),
)


def _random_cases(plans: int, lesions: int, seed: int) -> ManyCases:
    draw = np.random.default_rng(seed)
    normal = draw.uniform(100.0, 1500.0, plans)
    shunt = draw.uniform(0.0, 0.3, plans)
    shunt[::7] = 0.0
    return ManyCases(
        lesion_masses_g=draw.uniform(1.0, 300.0, (plans, lesions)),
        tumour_to_normal=draw.uniform(0.5, 15.0, (plans, lesions)),
        normal_mass_g=normal,
        whole_normal_mass_g=normal + draw.uniform(0.0, 1000.0, plans),
        lung_shunt_frac=shunt,
        lung_mass_g=draw.uniform(500.0, 1200.0, plans),
        k_gy_kg_per_gbq=draw.uniform(49.0, 50.0, plans),
        residual_frac=draw.uniform(0.0, 0.1, plans),
    )


def _patient(cases: ManyCases, row: int) -> PatientCompartments:
    masses, ratios = np.asarray(cases.lesion_masses_g)[row], np.asarray(cases.tumour_to_normal)[row]
    treated = TreatedCompartments(
        territory="right lobe",
        normal_mass_g=float(np.asarray(cases.normal_mass_g)[row]),
        lesion_masses_g={label: float(mass) for label, mass in enumerate(masses, 1)},
        tumour_to_normal={label: float(ratio) for label, ratio in enumerate(ratios, 1)},
        lung_shunt_frac=float(np.asarray(cases.lung_shunt_frac)[row]),
        k_gy_kg_per_gbq=float(np.asarray(cases.k_gy_kg_per_gbq)[row]),
    )
    return PatientCompartments(
        treated=(treated,),
        whole_normal_mass_g=float(np.asarray(cases.whole_normal_mass_g)[row]),
        lung_mass_g=float(np.asarray(cases.lung_mass_g)[row]),
    )


def test_one_plan_by_hand() -> None:
    """K 50, no shunt, 500 g normal, 100 g tumour at ratio 5: 1 GBq gives 50 and 250 Gy; 1000 g in all."""
    cases = ManyCases(
        lesion_masses_g=[[60.0, 40.0]],
        tumour_to_normal=5.0 * np.ones((1, 2)),
        normal_mass_g=500.0,
        whole_normal_mass_g=1000.0,
        lung_shunt_frac=0.0,
        lung_mass_g=1000.0,
        k_gy_kg_per_gbq=50.0,
        residual_frac=0.2,
    )
    plans = plan_many(cases, goals={Quantity.TUMOUR: 200.0}, limits=LIMITS[:3])
    assert plans.administered_gbq == pytest.approx(np.array([0.8]), rel=1e-14)
    assert plans.prepared_gbq == pytest.approx(np.array([1.0]), rel=1e-14)
    assert plans.binding_name(0) == "goal"
    assert plans.goal_met is not None
    assert plans.goal_met.all()
    assert not plans.exceeded.any()
    assert plans.lesions_gy == pytest.approx(np.array([[200.0, 200.0]]))
    assert plans.perfused_normal_gy == pytest.approx(np.array([40.0]))
    assert plans.whole_normal_gy == pytest.approx(np.array([20.0]))
    assert plans.perfused_gy == pytest.approx(np.array([0.8 * 50.0 / 0.6]))
    assert plans.lung_gy == pytest.approx(np.array([0.0]))


def test_what_binds_changes_from_row_to_row() -> None:
    """With 50 Gy per GBq to perfused normal liver: 1.5 GBq at 75 Gy; a higher shunt lets the lungs bind."""
    cases = ManyCases(
        lesion_masses_g=[100.0],
        tumour_to_normal=[5.0],
        normal_mass_g=500.0,
        whole_normal_mass_g=5000.0,
        lung_shunt_frac=[0.0, 0.5],
        lung_mass_g=1000.0,
        k_gy_kg_per_gbq=50.0,
    )
    plans = plan_many(cases, objective=Objective.MAXIMISE_TUMOUR, limits=LIMITS[:4])
    assert [plans.binding_name(0), plans.binding_name(1)] == ["perfused_normal", "lung_session"]
    assert plans.administered_gbq == pytest.approx(np.array([1.5, 1.2]))
    assert plans.goal_met is None


@pytest.mark.parametrize("lesions", [1, 4])
@pytest.mark.parametrize("goal", [None, (Quantity.TUMOUR, 250.0), (Quantity.PERFUSED, 120.0)])
def test_each_row_is_the_plan_made_alone(lesions: int, goal: tuple[Quantity, float] | None) -> None:
    cases = _random_cases(300, lesions, seed=11)
    prior_lung = np.random.default_rng(5).uniform(0.0, 60.0, 300)
    plans = plan_many(
        cases,
        limits=LIMITS,
        goals=None if goal is None else {goal[0]: goal[1]},
        objective=Objective.MAXIMISE_TUMOUR if goal is None else Objective.MEET_GOAL,
        prior_gy={Quantity.LUNG: prior_lung, Quantity.WHOLE_NORMAL: 10.0},
        chunk=64,
    )
    for row in range(300):
        patient = _patient(cases, row)
        treated, prior = patient.treated[0], {Quantity.LUNG: prior_lung[row], Quantity.WHOLE_NORMAL: 10.0}
        per_gbq = response(treated, patient)
        shunt = treated.lung_shunt_frac
        alone = choose_activity(per_gbq, LIMITS, lung_shunt_frac=shunt, goal=goal, prior_gy=prior)
        assert plans.administered_gbq[row] == pytest.approx(alone.administered_gbq, rel=1e-12, abs=0)
        assert plans.binding_name(row) == alone.binding
        if plans.goal_met is not None:
            assert bool(plans.goal_met[row]) is alone.goal_met
        doses = per_gbq.scaled(alone.administered_gbq)
        checks = check_limits(
            doses, LIMITS, administered_gbq=alone.administered_gbq, lung_shunt_frac=shunt, prior_gy=prior
        )
        assert plans.exceeded[row].tolist() == [check.exceeded for check in checks]
        assert plans.tumour_gy[row] == pytest.approx(doses.tumour, rel=1e-12)
        assert plans.lesions_gy[row] == pytest.approx(np.array(list(doses.lesions.values())), rel=1e-12)
        assert plans.perfused_normal_gy[row] == pytest.approx(doses.perfused_normal, rel=1e-12)
        assert plans.whole_normal_gy[row] == pytest.approx(doses.whole_normal, rel=1e-12)
        assert plans.perfused_gy[row] == pytest.approx(doses.perfused, rel=1e-12)
        assert plans.lung_gy[row] == pytest.approx(doses.lung, rel=1e-12)


@pytest.mark.parametrize("objective", list(Objective))
def test_each_row_is_what_the_optimiser_finds(objective: Objective) -> None:
    cases = _random_cases(40, 3, seed=12)
    goals = {Quantity.TUMOUR: 220.0} if objective is Objective.MEET_GOAL else None
    plans = plan_many(cases, limits=LIMITS, goals=goals, objective=objective)
    asked = [PrescriptionGoal("right lobe", Quantity.TUMOUR, 220.0, "this test")] if goals else []
    for row in range(40):
        found = optimise(_patient(cases, row), limits=LIMITS, goals=asked, objective=objective)
        alone = found.administered_gbq["right lobe"]
        assert plans.administered_gbq[row] == pytest.approx(alone, rel=1e-12, abs=0)
        assert plans.tumour_gy[row] == pytest.approx(found.tumour_gy, rel=1e-12)
        assert plans.binding_name(row) == found.binding[0]


def test_chunks_change_nothing() -> None:
    cases = _random_cases(1000, 3, seed=3)
    goals = {Quantity.TUMOUR: 200.0}
    whole = plan_many(cases, limits=LIMITS, goals=goals, chunk=1000)
    split = plan_many(cases, limits=LIMITS, goals=goals, chunk=37)
    for name in ("administered_gbq", "binding", "exceeded", "lesions_gy", "lung_gy"):
        left: NDArray[np.generic] = getattr(whole, name)
        assert np.array_equal(left, getattr(split, name))


def test_the_highest_of_several_goals_is_met() -> None:
    cases = _random_cases(50, 2, seed=9)
    both = plan_many(cases, goals={Quantity.TUMOUR: 150.0, Quantity.PERFUSED_NORMAL: 40.0})
    each = [
        plan_many(cases, goals={q: d})
        for q, d in ((Quantity.TUMOUR, 150.0), (Quantity.PERFUSED_NORMAL, 40.0))
    ]
    expected = np.maximum(each[0].administered_gbq, each[1].administered_gbq)
    assert np.array_equal(expected, both.administered_gbq)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lung_shunt_frac": [0.1, 1.0]}, "lung_shunt_frac is 1"),
        ({"normal_mass_g": [0.0, 1.0]}, "normal_mass_g is 0"),
        ({"lesion_masses_g": [[1.0, 2.0]]}, "2 lesion masses and 1 ratios"),
        ({"whole_normal_mass_g": 100.0}, "whole_normal_mass_g is less"),
        ({"lung_shunt_frac": [0.1, 0.1], "lung_mass_g": [1.0, 1.0, 1.0]}, "different numbers of plans"),
        ({"lung_shunt_frac": [[0.1]]}, "2 axes of plans"),
    ],
)
def test_bad_input_gives_no_answer(changes: Mapping[str, object], message: str) -> None:
    good: dict[str, object] = {
        "lesion_masses_g": [100.0],
        "tumour_to_normal": [5.0],
        "normal_mass_g": 500.0,
        "whole_normal_mass_g": 500.0,
        "lung_shunt_frac": 0.1,
        "lung_mass_g": 1000.0,
        "k_gy_kg_per_gbq": 50.0,
    }
    cases = ManyCases(**{**good, **changes})  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ModelRangeError, match=message):
        plan_many(cases, goals={Quantity.TUMOUR: 100.0})


def test_nothing_to_decide_by_gives_no_answer() -> None:
    cases = _random_cases(10, 1, seed=1)
    with pytest.raises(ModelRangeError, match="no goal"):
        plan_many(cases, limits=LIMITS)
    with pytest.raises(ModelRangeError, match="no limit that bounds"):
        plan_many(cases, limits=LIMITS[5:6], objective=Objective.MAXIMISE_TUMOUR)
    with pytest.raises(ModelRangeError, match="goal on lung"):
        plan_many(cases, goals={Quantity.LUNG: 10.0})
