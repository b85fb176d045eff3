"""Doses of whole plans, against sums done by hand and formulas written a second time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dosimetry.prescribing.plans import (
    all_per_gbq,
    goal,
    limit,
    patient,
    patients,
    territory,
    vials,
)

from emboplan.dosimetry.prescribing.plan_doses import alternatives, evaluate
from emboplan.errors import ModelRangeError
from emboplan.model.compartments import PatientCompartments
from emboplan.model.products import Scope
from emboplan.model.results.activity import Quantity

LEFT = territory("left", normal=400.0, lesions={2: 10.0}, shunt=0.1, session=2)


def test_one_territory_by_hand() -> None:
    """2 GBq, a tenth to the lungs: 90 Gy kg over 900 + 5 x 20 g are 90 Gy, 450 Gy to the lesion."""
    by_territory, total, checks = evaluate(
        patient(), administered_gbq={"right": 2.0}, limits=[limit(Quantity.WHOLE_NORMAL, 40.0)]
    )
    assert total == by_territory["right"]
    assert (total.perfused_normal, total.tumour) == pytest.approx((90.0, 450.0))
    assert (total.whole_normal, total.lung) == pytest.approx((45.0, 10.0))
    assert total.perfused == pytest.approx(90_000 / 920)
    assert [(check.name, check.exceeded) for check in checks] == [("whole_normal", True)]


def test_two_territories_by_hand() -> None:
    """Right as above; left 1 GBq: 45 Gy kg over 450 g are 100 Gy, 500 Gy to 10 of the 30 g of lesions."""
    limits = [
        limit(Quantity.LUNG, 30.0, name="session"),
        limit(Quantity.LUNG, 50.0, name="together", scope=Scope.CUMULATIVE),
        limit(Quantity.PERFUSED_NORMAL, 95.0),
        limit(Quantity.PERFUSED_NORMAL, 95.0, name="right only", where="right"),
        limit(Quantity.LUNG_ACTIVITY, 0.25, unit="GBq"),
        limit(Quantity.LUNG_SHUNT, 0.2, unit="1"),
    ]
    case = patient(territory(), LEFT, prior={Quantity.LUNG: 4.0})
    by_territory, total, checks = evaluate(case, administered_gbq={"right": 2.0, "left": 1.0}, limits=limits)
    assert by_territory["left"].perfused_normal == pytest.approx(100.0)
    assert total.tumour == pytest.approx((450 * 20 + 500 * 10) / 30)
    assert total.whole_normal == pytest.approx(45 + 100 * 400 / 1800)
    assert total.lung == pytest.approx(15.0)
    assert total.perfused_normal is None
    assert list(total.lesions) == ["1", "2"]
    assert [check.value for check in checks] == pytest.approx([10.0, 19.0, 100.0, 90.0, 0.2, 0.1])
    assert [check.exceeded for check in checks] == [False, False, True, False, False, False]


def test_a_limit_for_another_device_says_nothing() -> None:
    case = patient(territory(device="resin"))
    limits = [limit(q, 1.0, device="glass") for q in (Quantity.WHOLE_NORMAL, Quantity.LUNG_SHUNT)]
    assert evaluate(case, administered_gbq={"right": 1.0}, limits=limits)[2] == ()


def test_a_shared_dose_counts_every_device() -> None:
    """The liver does not ask which spheres the dose came from: 22.5 + 22.2 Gy."""
    case = patient(territory(device="glass"), LEFT)
    limits = [limit(Quantity.WHOLE_NORMAL, 40.0, device="glass", scope=Scope.CUMULATIVE)]
    (check,) = evaluate(case, administered_gbq={"right": 1.0, "left": 1.0}, limits=limits)[2]
    assert check.value == pytest.approx(22.5 + 200 / 9)


@pytest.mark.parametrize(
    ("given_gbq", "message"),
    [
        ({}, 'no activity for territory "right"'),
        ({"right": -1.0}, "expected 0 or more"),
        ({"right": math.nan}, "expected 0 or more"),
        ({"right": 1.0, "left": 1.0}, 'no territory "left"'),
    ],
)
def test_activities_are_checked(given_gbq: dict[str, float], message: str) -> None:
    with pytest.raises(ModelRangeError, match=message):
        evaluate(patient(), administered_gbq=given_gbq)


def test_alternatives_by_hand() -> None:
    """1, 2 and 3 GBq give 225, 450 and 675 Gy to the lesion, 22.5, 45 and 67.5 Gy to the whole liver."""
    limits = [limit(Quantity.WHOLE_NORMAL, 50.0), limit(Quantity.PERFUSED_NORMAL, 130.0)]
    rows = alternatives(
        patient(),
        limits=limits,
        goals=[goal("right", 450.0)],
        territory="right",
        options=vials(1.0, 2.0, 3.0),
        others_gbq={},
    )
    assert [row.administered_gbq for row in rows] == [1.0, 2.0, 3.0]
    assert [row.territory_gy.tumour for row in rows] == pytest.approx([225.0, 450.0, 675.0])
    assert [row.kept for row in rows] == [True, True, False]
    assert [row.goals_met for row in rows] == [False, True, True]
    assert rows[2].exceeded == ("whole_normal", "perfused_normal")


def test_alternatives_count_the_other_territories() -> None:
    case = patient(territory(), LEFT)
    limits = [limit(Quantity.WHOLE_NORMAL, 50.0, scope=Scope.CUMULATIVE)]
    alone, beside = (
        alternatives(
            case, limits=limits, goals=[], territory="right", options=vials(2.0), others_gbq={"left": gbq}
        )[0]
        for gbq in (0.0, 1.0)
    )
    assert (alone.kept, beside.kept) == (True, False)
    assert alone.goals_met is None
    assert beside.total_gy.whole_normal == pytest.approx(45 + 200 / 9)


@given(patients(), st.lists(st.floats(0, 10), min_size=3, max_size=3))
def test_doses_by_a_second_formula_and_by_the_energy(case: PatientCompartments, gbq: list[float]) -> None:
    activities = {t.territory: a for t, a in zip(case.treated, gbq, strict=False)}
    by_territory, total, _ = evaluate(case, administered_gbq=activities)
    whole = lung = energy = 0.0
    for t, per in zip(case.treated, all_per_gbq(case), strict=True):
        given_gbq, doses = activities[t.territory], by_territory[t.territory]
        assert doses.tumour == pytest.approx((per.tumour or 0) * given_gbq)
        assert doses.perfused == pytest.approx(per.perfused * given_gbq)
        whole += per.whole * given_gbq
        lung += per.lung * given_gbq
        energy += sum(mass * doses.lesions[str(n)] for n, mass in t.lesion_masses_g.items())
        energy += t.normal_mass_g * (doses.perfused_normal or 0.0)
    assert total.whole_normal == pytest.approx(whole)
    assert total.lung == pytest.approx(lung)
    released = sum(1000 * t.k_gy_kg_per_gbq * activities[t.territory] for t in case.treated)
    assert energy + lung * case.lung_mass_g == pytest.approx(released, rel=1e-12)
