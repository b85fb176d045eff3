"""From goals and limits to an activity, against hand calculations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan import catalog
from emboplan.dosimetry.models.compartment import multi_compartment, partition, single_compartment
from emboplan.dosimetry.prescribing.prescription import (
    activity_ceilings_gbq,
    check_limit,
    check_limits,
    choose_activity,
    doses_of,
)
from emboplan.errors import ModelRangeError
from emboplan.model.products import DoseLimit, Scope
from emboplan.model.results.activity import Doses, Quantity

# Doses of 1 GBq, chosen so that ceilings are round numbers.
PER_GBQ = Doses(tumour=100.0, perfused_normal=20.0, whole_normal=10.0, perfused=30.0, lung=2.5)


def _limit(name: str, quantity: Quantity, gray: float, scope: Scope = Scope.TREATMENT) -> DoseLimit:
    return DoseLimit.entered(name, quantity, gray, source="this test", scope=scope)


def test_the_goal_binds_where_limits_allow_it() -> None:
    limits = [_limit("perfused_normal", Quantity.PERFUSED_NORMAL, 70.0)]
    choice = choose_activity(PER_GBQ, limits, lung_shunt_frac=0.05, goal=(Quantity.TUMOUR, 300.0))
    assert (choice.administered_gbq, choice.binding, choice.goal_met) == (3.0, "goal", True)
    assert dict(choice.ceilings_gbq) == {"goal": 3.0, "perfused_normal": 3.5}


def test_the_lowest_ceiling_binds_where_the_goal_is_too_high() -> None:
    limits = [
        _limit("perfused_normal", Quantity.PERFUSED_NORMAL, 70.0),
        _limit("whole_normal", Quantity.WHOLE_NORMAL, 20.0),
    ]
    choice = choose_activity(PER_GBQ, limits, lung_shunt_frac=0.05, goal=(Quantity.TUMOUR, 500.0))
    assert (choice.administered_gbq, choice.binding, choice.goal_met) == (2.0, "whole_normal", False)


def test_earlier_treatments_use_up_cumulative_limits_only() -> None:
    """50 Gy less 30 Gy leave 20 Gy at 2.5 Gy per GBq; the limit per treatment is untouched."""
    limits = [
        _limit("lung_session", Quantity.LUNG, 30.0),
        _limit("lung_cumulative", Quantity.LUNG, 50.0, Scope.CUMULATIVE),
    ]
    prior = {Quantity.LUNG: 30.0}
    ceilings = activity_ceilings_gbq(PER_GBQ, limits, lung_shunt_frac=0.05, prior_gy=prior)
    assert ceilings == {"lung_session": 12.0, "lung_cumulative": 8.0}
    checks = check_limits(PER_GBQ, limits, administered_gbq=1.0, lung_shunt_frac=0.05, prior_gy=prior)
    assert [check.value for check in checks] == [2.5, 32.5]


def test_a_used_up_limit_leaves_nothing() -> None:
    limits = [_limit("lung_cumulative", Quantity.LUNG, 50.0, Scope.CUMULATIVE)]
    choice = choose_activity(
        PER_GBQ,
        limits,
        lung_shunt_frac=0.05,
        goal=(Quantity.TUMOUR, 100.0),
        prior_gy={Quantity.LUNG: 60.0},
    )
    assert (choice.administered_gbq, choice.binding) == (0.0, "lung_cumulative")


def test_without_shunt_a_lung_limit_allows_anything() -> None:
    limits = [_limit("lung_session", Quantity.LUNG, 30.0)]
    assert activity_ceilings_gbq(Doses(tumour=100.0, lung=0.0), limits, lung_shunt_frac=0.0) == {}


def test_the_labels_lung_activity() -> None:
    """0.61 GBq to the lungs at a shunt of 10 % are 6.1 GBq administered."""
    limit = catalog.load().limit("therasphere_lung_activity")
    assert activity_ceilings_gbq(PER_GBQ, [limit], lung_shunt_frac=0.1)[limit.name] == pytest.approx(6.1)
    check = check_limits(PER_GBQ, [limit], administered_gbq=7.0, lung_shunt_frac=0.1)[0]
    assert check.exceeded
    assert check.to_json()["value_gbq"] == pytest.approx(0.7)


@pytest.mark.parametrize(("shunt", "exceeded"), [(0.20, False), (0.2001, True)])
def test_the_resin_labels_shunt_is_exceeded_strictly(shunt: float, exceeded: bool) -> None:
    limit = catalog.load().limit("sir_spheres_lung_shunt")
    check = check_limits(PER_GBQ, [limit], administered_gbq=1.0, lung_shunt_frac=shunt)[0]
    assert exceeded == check.exceeded


@pytest.mark.parametrize(("dose", "exceeded"), [(89.9, False), (90.0, True), (90.1, True)])
def test_a_limit_to_stay_below(dose: float, exceeded: bool) -> None:
    limit = catalog.load().limit("glass_whole_normal_low_bilirubin")
    assert exceeded == check_limit(limit, dose).exceeded


def test_an_activity_solved_for_a_limit_keeps_it() -> None:
    for name in ("glass_whole_normal_low_bilirubin", "lung_session"):
        limit = catalog.load().limit(name)
        choice = choose_activity(PER_GBQ, [limit], lung_shunt_frac=0.05)
        doses = PER_GBQ.scaled(choice.administered_gbq)
        check = check_limits(doses, [limit], administered_gbq=choice.administered_gbq, lung_shunt_frac=0.05)[
            0
        ]
        assert not check.exceeded, name
        assert check.value == pytest.approx(limit.limit.number, rel=1e-5)


@given(st.floats(1, 500), st.floats(1, 200), st.floats(1, 200), st.floats(1, 100), st.floats(0.001, 0.3))
def test_no_limit_is_ever_broken(
    goal: float, perfused: float, whole: float, lung: float, shunt: float
) -> None:
    limits = [
        _limit("perfused_normal", Quantity.PERFUSED_NORMAL, perfused),
        _limit("whole_normal", Quantity.WHOLE_NORMAL, whole),
        _limit("lung_session", Quantity.LUNG, lung),
    ]
    choice = choose_activity(PER_GBQ, limits, lung_shunt_frac=shunt, goal=(Quantity.TUMOUR, goal))
    doses = PER_GBQ.scaled(choice.administered_gbq)
    checks = check_limits(doses, limits, administered_gbq=choice.administered_gbq, lung_shunt_frac=shunt)
    assert not any(check.exceeded for check in checks)
    if choice.goal_met:
        assert doses.tumour == pytest.approx(goal, rel=1e-9)
    else:
        assert any(check.value == pytest.approx(check.limit, rel=1e-9) for check in checks)


def test_neither_goal_nor_limit_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="neither a goal nor a limit"):
        choose_activity(PER_GBQ, [], lung_shunt_frac=0.05)


def test_a_goal_the_model_knows_nothing_of_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="no whole_normal dose"):
        choose_activity(Doses(tumour=1.0), [], lung_shunt_frac=0.0, goal=(Quantity.WHOLE_NORMAL, 10.0))


def test_doses_of_each_model_by_name() -> None:
    single = doses_of(single_compartment(mass_g=1000.0, dose_gy=100.0), labels=(1,), treated_normal_share=0.5)
    assert (single.tumour, single.whole_normal, dict(single.lesions)) == (100.0, 50.0, {"1": 100.0})
    split = partition(
        tumour_mass_g=100.0,
        normal_mass_g=900.0,
        tumour_to_normal=5.0,
        normal_gy=30.0,
        whole_normal_mass_g=1800.0,
    )
    named = doses_of(split, labels=(2, 7))
    assert (named.perfused_normal, named.whole_normal) == (30.0, 15.0)
    assert dict(named.lesions) == {"2": 150.0, "7": 150.0}
    several = multi_compartment(
        lesion_masses_g=[50.0, 50.0], tumour_to_normal=[2.0, 4.0], normal_mass_g=900.0, normal_gy=30.0
    )
    assert dict(doses_of(several, labels=(3, 4)).lesions) == {"3": 60.0, "4": 120.0}
