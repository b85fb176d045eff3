"""Prescriptions against hand calculations, corners of small programs, and every combination of vials."""

import itertools
import math
import time
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.dosimetry.prescribing.plans import (
    all_per_gbq,
    corners,
    floor,
    goal,
    limit,
    limit_sets,
    patient,
    patients,
    rows_of,
    territory,
    vials,
)

from emboplan.dosimetry.prescribing.optimise import optimise
from emboplan.dosimetry.prescribing.plan_doses import evaluate
from emboplan.errors import InfeasiblePlanError, ModelRangeError
from emboplan.model.compartments import PatientCompartments, TreatedCompartments
from emboplan.model.products import DoseLimit, Scope
from emboplan.model.results.activity import Quantity
from emboplan.model.results.prescription import Objective, Prescription

# Answers lie on their rows to the last bits; the second method sums in another order.
SAME = 1e-8
# Several solves an example; the default deadline measures the machine, not the code.
several = settings(max_examples=40, deadline=timedelta(seconds=5))

LEFT = territory("left", normal=400.0, lesions={2: 10.0}, ratios={2: 5.0}, session=2)


def kept(case: PatientCompartments, plan: Prescription, limits: list[DoseLimit]) -> bool:
    checks = evaluate(case, administered_gbq=plan.administered_gbq, limits=limits)[2]
    return not any(check.exceeded for check in checks)


def test_one_territory_meets_its_goal() -> None:
    """225 Gy per GBq to the lesion: 450 Gy take 2 GBq, which give 45 x 2 / 2 = 45 Gy to the whole liver.

    One more Gy to the tumour costs 22.5/225 = 0.1 Gy. The limit of 50 Gy leaves 5 Gy: 50 Gy more of goal.
    """
    plan = optimise(patient(), limits=[limit(Quantity.WHOLE_NORMAL, 50.0)], goals=[goal("right", 450.0)])
    assert dict(plan.administered_gbq) == pytest.approx({"right": 2.0}, rel=1e-14)
    assert plan.binding == ("goal",)
    assert plan.price is not None
    assert (plan.price.of, plan.price.buys, plan.price.unit) == ("goal", Quantity.WHOLE_NORMAL, "Gy")
    assert plan.price.gy_per_unit == pytest.approx(0.1)
    assert plan.price.up_to == pytest.approx(50.0)
    assert (plan.whole_normal_gy, plan.tumour_gy) == pytest.approx((45.0, 450.0))
    assert dict(plan.slack) == pytest.approx({"whole_normal": 5.0})
    assert plan.goals[0].met
    assert plan.findings == ()


def test_a_goal_out_of_reach_goes_as_far_as_the_limit() -> None:
    """30 Gy of 22.5 Gy per GBq are 4/3 GBq and 300 Gy; each further Gy of the limit buys 10 Gy of tumour.

    15 Gy more of limit reach the goal.
    """
    plan = optimise(patient(), limits=[limit(Quantity.WHOLE_NORMAL, 30.0)], goals=[goal("right", 450.0)])
    assert dict(plan.administered_gbq) == pytest.approx({"right": 4 / 3})
    assert plan.binding == ("whole_normal",)
    assert plan.price is not None
    assert (plan.price.of, plan.price.buys) == ("whole_normal", Quantity.TUMOUR)
    assert plan.price.gy_per_unit == pytest.approx(10.0)
    assert plan.price.up_to == pytest.approx(15.0)
    assert not plan.goals[0].met
    assert [finding.id for finding in plan.findings] == ["goal-not-met"]


def test_each_goal_goes_as_far_as_its_own_limits() -> None:
    """The right one ends at 40 Gy perfused normal (200 of 450 Gy); the left one is not held back by that."""
    limits = [limit(Quantity.PERFUSED_NORMAL, 40.0, where="right")]
    plan = optimise(
        patient(territory(), LEFT), limits=limits, goals=[goal("right", 450.0), goal("left", 300.0)]
    )
    assert [g.reached_gy for g in plan.goals] == pytest.approx([200.0, 300.0])
    assert [g.met for g in plan.goals] == [False, True]
    assert plan.binding == ("perfused_normal", "goal")


def test_a_shared_limit_is_shared_by_the_same_share_of_each_goal() -> None:
    """Goals of 450 and 300 Gy cost 45 and 60 x 400/1800 = 40/3 Gy; of 35 Gy each gets 35/(175/3) = 0.6."""
    plan = optimise(
        patient(territory(), LEFT),
        limits=[limit(Quantity.WHOLE_NORMAL, 35.0, scope=Scope.CUMULATIVE)],
        goals=[goal("right", 450.0), goal("left", 300.0)],
    )
    assert [g.reached_gy for g in plan.goals] == pytest.approx([270.0, 180.0])


def test_maximise_fills_the_better_territory_first() -> None:
    """Left: 100 Gy per GBq to 400 g, 500 Gy to 10 of 30 g: 166.7 Gy of mean tumour for 22.2 Gy whole normal.

    Right: 225 Gy to 20 of 30 g: 150 Gy for 22.5 Gy, which is less. So left goes to its 40 Gy (0.4 GBq), which
    leaves 25 - 80/9 Gy of whole normal liver for the right. A further Gy there buys 150/22.5 = 6.67 Gy, until
    the right one reaches 40 Gy as well, at 20 Gy of whole normal liver.
    """
    limits = [
        limit(Quantity.WHOLE_NORMAL, 25.0, scope=Scope.CUMULATIVE),
        limit(Quantity.PERFUSED_NORMAL, 40.0),
    ]
    case = patient(territory(), LEFT)
    plan = optimise(case, limits=limits, objective=Objective.MAXIMISE_TUMOUR)
    right = (25 - 80 / 9) / 22.5
    assert dict(plan.administered_gbq) == pytest.approx({"right": right, "left": 0.4})
    assert plan.tumour_gy == pytest.approx(right * 150 + 0.4 * 500 / 3)
    assert plan.binding == ("whole_normal", "perfused_normal")
    assert plan.price is not None
    assert plan.price.gy_per_unit == pytest.approx(150 / 22.5)
    assert plan.price.up_to == pytest.approx(20 - 22.5 * right)


def test_a_limit_to_stay_below_is_strictly_kept() -> None:
    limits = [limit(Quantity.WHOLE_NORMAL, 30.0, below=True)]
    plan = optimise(patient(), limits=limits, goals=[goal("right", 450.0)])
    assert 0 < plan.slack["whole_normal"] < 1e-4
    assert kept(patient(), plan, limits)


def test_lung_limits_by_session_and_together() -> None:
    """5 Gy per GBq each: 30 Gy a session are 6 GBq, and 50 Gy with 5 Gy before are 9 GBq in two sessions."""
    case = patient(territory(), LEFT, prior={Quantity.LUNG: 5.0})
    limits = [
        limit(Quantity.LUNG, 30.0, name="session"),
        limit(Quantity.LUNG, 50.0, name="together", scope=Scope.CUMULATIVE),
    ]
    plan = optimise(case, limits=limits, objective=Objective.MAXIMISE_TUMOUR)
    assert sum(plan.administered_gbq.values()) == pytest.approx(9.0)
    assert max(plan.administered_gbq.values()) == pytest.approx(6.0)
    together = patient(territory(), replace(LEFT, session=1), prior={Quantity.LUNG: 5.0})
    plan = optimise(together, limits=limits, objective=Objective.MAXIMISE_TUMOUR)
    assert sum(plan.administered_gbq.values()) == pytest.approx(6.0)


def test_activity_to_the_lungs_counts_the_device_that_it_is_for() -> None:
    """0.5 GBq at a shunt of 0.1 are 5 GBq of glass; the other territory takes another device."""
    case = patient(territory(device="glass"), replace(LEFT, device="resin"))
    limits = [
        limit(Quantity.LUNG_ACTIVITY, 0.5, device="glass", unit="GBq"),
        limit(Quantity.PERFUSED, 2000.0),
    ]
    plan = optimise(case, limits=limits, objective=Objective.MAXIMISE_TUMOUR)
    assert plan.administered_gbq["right"] == pytest.approx(5.0)
    assert plan.slack["lung_activity"] == pytest.approx(0.0, abs=1e-12)


def test_a_limit_on_the_shunt_is_reported_only() -> None:
    limits = [limit(Quantity.LUNG_SHUNT, 0.05, unit="1")]
    plan = optimise(patient(), limits=limits, goals=[goal("right", 225.0)])
    assert plan.administered_gbq["right"] == pytest.approx(1.0)
    assert plan.slack["lung_shunt"] == pytest.approx(-0.05)


def test_each_lesion() -> None:
    """The lesion of ratio 2 gets 2/5 of the other: the mean is met by less activity than each."""
    case = patient(territory(lesions={1: 10.0, 2: 10.0}, ratios={1: 8.0, 2: 2.0}))
    mean = optimise(case, limits=[], goals=[goal("right", 225.0)])
    each = optimise(case, limits=[], goals=[goal("right", 225.0, each=True)])
    assert mean.administered_gbq["right"] == pytest.approx(1.0)
    assert each.administered_gbq["right"] == pytest.approx(2.5)


def test_a_floor_is_kept_even_where_the_goal_needs_less() -> None:
    plan = optimise(patient(), limits=[], goals=[goal("right", 225.0), floor("right", 90.0)])
    assert plan.administered_gbq["right"] == pytest.approx(2.0)
    assert plan.binding == ("goal",)


def test_two_conditions_that_contradict_each_other_are_named_with_their_numbers() -> None:
    """88 Gy at 45 Gy per GBq need 1.956 GBq; 30 Gy at 22.5 allow 1.333."""
    limits = [limit(Quantity.LUNG, 30.0), limit(Quantity.WHOLE_NORMAL, 30.0, below=True)]
    with pytest.raises(InfeasiblePlanError) as error:
        optimise(patient(), limits=limits, goals=[goal("right", 100.0), floor("right", 88.0)])
    text = str(error.value)
    assert 'perfused_normal of "right" at least 88 Gy (hypertrophy)' in text
    assert "whole_normal below 30 Gy" in text
    assert "the first needs at least 1.956 GBq, the second allows at most 1.333 GBq" in text
    assert len(error.value.conditions) == 2
    assert "lung" not in text


def test_a_larger_set_is_named_whole_and_nothing_else() -> None:
    """70 Gy right and 70 Gy left give 35 + 15.6 Gy together; either alone keeps 45 Gy."""
    goals = [floor("right", 70.0), floor("left", 70.0)]
    limits = [
        limit(Quantity.PERFUSED_NORMAL, 90.0),
        limit(Quantity.WHOLE_NORMAL, 45.0, scope=Scope.CUMULATIVE),
    ]
    with pytest.raises(InfeasiblePlanError, match=r"at least 50\.56 Gy") as error:
        optimise(patient(territory(), LEFT), limits=limits, goals=goals)
    assert len(error.value.conditions) == 3
    assert "perfused_normal at most 90" not in str(error.value)


def test_fixed_activities_are_conditions() -> None:
    case = patient(territory(), LEFT)
    plan = optimise(case, limits=[], goals=[goal("right", 225.0)], fixed_gbq={"left": 0.7})
    assert dict(plan.administered_gbq) == pytest.approx({"right": 1.0, "left": 0.7})
    with pytest.raises(InfeasiblePlanError, match=r'activity of "left" fixed at 0\.7 GBq'):
        optimise(
            case,
            limits=[limit(Quantity.PERFUSED_NORMAL, 60.0)],
            goals=[goal("right", 225.0)],
            fixed_gbq={"left": 0.7},
        )


def test_vials_all_of_one() -> None:
    """2 GBq would meet the goal; 1.8 misses it, 2.2 meets it at the least dose of those on offer."""
    offer = {"right": vials(1.8, 2.2, 3.0)}
    plan = optimise(patient(), limits=[], goals=[goal("right", 450.0)], available=offer)
    assert dict(plan.administered_gbq) == {"right": 2.2}
    assert dict(plan.available) == {"right": "2.2 GBq"}
    assert plan.binding == ("goal", "vial")
    limits = [limit(Quantity.WHOLE_NORMAL, 48.0)]
    plan = optimise(patient(), limits=limits, goals=[goal("right", 450.0)], available=offer)
    assert dict(plan.administered_gbq) == {"right": 1.8}
    assert plan.binding == ("whole_normal", "vial")
    assert not plan.goals[0].met


def test_a_vial_for_a_tumour_alone_is_the_smallest_that_suffices() -> None:
    """No normal liver is spared by less, but nothing is given for nothing: 0.3 of 0.2667 GBq needed."""
    case = patient(territory(normal=0.0, lesions={1: 30.0}))
    plan = optimise(case, limits=[], goals=[goal("right", 400.0)], available={"right": vials(0.5, 0.3, 0.1)})
    assert dict(plan.administered_gbq) == {"right": 0.3}
    assert plan.binding == ("goal", "vial")


def test_a_divisible_vial_is_drawn_in_part() -> None:
    """The smallest that suffices is taken."""
    offer = {"right": vials(1.8, 2.2, 3.0, divisible=True)}
    plan = optimise(patient(), limits=[], goals=[goal("right", 450.0)], available=offer)
    assert plan.administered_gbq["right"] == pytest.approx(2.0)
    assert dict(plan.available) == {"right": "2.2 GBq"}
    assert plan.binding == ("goal",)
    plan = optimise(patient(), limits=[], goals=[goal("right", 900.0)], available=offer)
    assert plan.administered_gbq["right"] == pytest.approx(3.0)
    assert plan.binding == ("vial",)


def test_vials_that_no_limit_allows() -> None:
    with pytest.raises(
        InfeasiblePlanError, match=r"needs at least 2 GBq, the second allows at most 1\.333 GBq"
    ):
        optimise(
            patient(),
            limits=[limit(Quantity.WHOLE_NORMAL, 30.0)],
            goals=[goal("right", 300.0)],
            available={"right": vials(2.0, 3.0)},
        )


def test_a_segmentectomy_has_no_normal_liver() -> None:
    """The lesion takes 45 Gy kg per GBq: 400 Gy in 30 g are 0.2667 GBq; a limit on its normal is no limit."""
    case = patient(territory(normal=0.0, lesions={1: 30.0}))
    limits = [limit(Quantity.PERFUSED_NORMAL, 10.0), limit(Quantity.WHOLE_NORMAL, 10.0)]
    plan = optimise(case, limits=limits, goals=[goal("right", 400.0)])
    assert plan.administered_gbq["right"] == pytest.approx(400 * 30 / 45000)
    assert plan.whole_normal_gy == 0.0
    assert plan.binding == ("goal",)
    assert plan.price is not None
    assert plan.price.gy_per_unit == 0.0
    with pytest.raises(ModelRangeError, match='no limit bounds the activity of territory "right"'):
        optimise(case, limits=limits, objective=Objective.MAXIMISE_TUMOUR)


def test_without_a_shunt_no_lung_limit_bounds() -> None:
    case = patient(territory(shunt=0.0))
    with pytest.raises(ModelRangeError, match="no limit bounds"):
        optimise(case, limits=[limit(Quantity.LUNG, 30.0)], objective=Objective.MAXIMISE_MINIMUM)


def test_without_a_lesion() -> None:
    case = patient(territory(lesions={}))
    limits = [limit(Quantity.WHOLE_NORMAL, 45.0)]
    with pytest.raises(ModelRangeError, match="holds no tumour volume"):
        optimise(case, limits=limits, goals=[goal("right", 100.0)])
    with pytest.raises(ModelRangeError, match="no territory holds a lesion"):
        optimise(case, limits=limits, objective=Objective.MAXIMISE_TUMOUR)
    plan = optimise(case, limits=limits, goals=[floor("right", 50.0)])
    assert plan.administered_gbq["right"] == pytest.approx(1.0)
    assert plan.tumour_gy is None


def test_a_territory_without_a_goal_gets_none_and_is_named() -> None:
    plan = optimise(patient(territory(), LEFT), limits=[], goals=[goal("right", 225.0)])
    assert plan.administered_gbq["left"] == 0.0
    assert [finding.id for finding in plan.findings] == ["territory-without-goal"]


def test_earlier_treatments_that_use_a_limit_up_leave_nothing() -> None:
    case = patient(prior={Quantity.LUNG: 50.0})
    limits = [limit(Quantity.LUNG, 50.0, scope=Scope.CUMULATIVE)]
    plan = optimise(case, limits=limits, goals=[goal("right", 225.0)])
    assert dict(plan.administered_gbq) == {"right": 0.0}
    assert plan.binding == ("lung",)
    assert [finding.id for finding in plan.findings] == ["limit-used-up", "goal-not-met"]
    with pytest.raises(InfeasiblePlanError, match="earlier treatments used 50 Gy"):
        optimise(case, limits=limits, goals=[goal("right", 225.0, hard=True)])


def test_earlier_treatments_beyond_a_limit_have_no_price() -> None:
    """1 Gy more of limit still leaves nothing; the check says that the limit is exceeded."""
    case = patient(prior={Quantity.LUNG: 60.0})
    limits = [limit(Quantity.LUNG, 50.0, scope=Scope.CUMULATIVE)]
    plan = optimise(case, limits=limits, goals=[goal("right", 225.0)])
    assert dict(plan.administered_gbq) == {"right": 0.0}
    assert plan.price is None
    assert dict(plan.slack) == {"lung": -10.0}
    assert not kept(case, plan, limits)


def test_what_is_left_of_a_limit_has_its_price() -> None:
    """Of 50 Gy, 40 are used: 10 Gy at 5 Gy per GBq are 2 GBq; each Gy more buys 225/5 = 45 Gy of tumour."""
    case = patient(prior={Quantity.LUNG: 40.0})
    limits = [limit(Quantity.LUNG, 50.0, scope=Scope.CUMULATIVE)]
    plan = optimise(case, limits=limits, objective=Objective.MAXIMISE_MINIMUM)
    assert plan.administered_gbq["right"] == pytest.approx(2.0)
    assert plan.price is not None
    assert plan.price.gy_per_unit == pytest.approx(45.0)
    assert plan.price.up_to is None


def test_no_goal_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="no goal was given"):
        optimise(patient(), limits=[limit(Quantity.LUNG, 30.0)])


@pytest.mark.parametrize("gray", [0.0, -1.0, math.nan])
def test_a_goal_must_be_a_dose(gray: float) -> None:
    with pytest.raises(ModelRangeError, match="expected above 0"):
        optimise(patient(), limits=[], goals=[goal("right", gray)])


def test_names_and_offers_are_checked() -> None:
    with pytest.raises(ModelRangeError, match="not in the plan"):
        optimise(patient(), limits=[], goals=[goal("left", 100.0)])
    with pytest.raises(ModelRangeError, match="fixed and also on offer"):
        optimise(
            patient(),
            limits=[],
            goals=[goal("right", 1.0)],
            fixed_gbq={"right": 1.0},
            available={"right": vials(1.0)},
        )
    with pytest.raises(ModelRangeError, match="one or more activities on offer"):
        optimise(patient(), limits=[], goals=[goal("right", 1.0)], available={"right": []})


def test_two_limits_in_one_point_have_the_price_of_both() -> None:
    """40 Gy perfused and 20 Gy whole are the same activity: raising either alone buys nothing."""
    limits = [limit(Quantity.PERFUSED_NORMAL, 40.0), limit(Quantity.WHOLE_NORMAL, 20.0)]
    plan = optimise(patient(), limits=limits, objective=Objective.MAXIMISE_TUMOUR)
    assert plan.administered_gbq["right"] == pytest.approx(40 / 45)
    assert plan.price is not None
    assert plan.price.gy_per_unit == pytest.approx(0.0, abs=1e-9)


@several
@given(patients(), limit_sets())
def test_the_largest_mean_tumour_dose_is_the_best_corner(
    case: PatientCompartments, limits: list[DoseLimit]
) -> None:
    plan = optimise(case, limits=limits, objective=Objective.MAXIMISE_TUMOUR)
    masses = np.array([t.tumour_mass_g for t in case.treated])
    gain = masses / masses.sum() * np.array([d.tumour for d in all_per_gbq(case)])
    best = max(float(gain @ x) for x in corners(*rows_of(case, limits)))
    assert plan.tumour_gy == pytest.approx(best, rel=SAME)
    assert kept(case, plan, limits)


@several
@given(patients(), limit_sets())
def test_the_largest_minimum_is_the_share_that_all_limits_leave(
    case: PatientCompartments, limits: list[DoseLimit]
) -> None:
    """For a dose D to the worst lesion each territory needs D over its worst lesion's dose per GBq."""
    plan = optimise(case, limits=limits, objective=Objective.MAXIMISE_MINIMUM)
    need = np.array([1 / d.lowest for d in all_per_gbq(case) if d.lowest])
    matrix, sides = rows_of(case, limits)
    per_gray = matrix @ need
    best = (sides[per_gray > 0] / per_gray[per_gray > 0]).min()
    doses = evaluate(case, administered_gbq=plan.administered_gbq)[1]
    assert min(doses.lesions.values()) == pytest.approx(best, rel=SAME)
    assert kept(case, plan, limits)


goal_doses = st.lists(st.floats(20, 600), min_size=3, max_size=3)


@several
@given(patients(), limit_sets(), goal_doses)
def test_goals_are_met_by_the_least_or_share_what_there_is(
    case: PatientCompartments, limits: list[DoseLimit], grays: list[float]
) -> None:
    """The least activity for all goals, or the largest share of them that every limit leaves."""
    goals = [goal(t.territory, gray) for t, gray in zip(case.treated, grays, strict=False)]
    plan = optimise(case, limits=limits, goals=goals)
    need = np.array([g.dose_gy / (d.tumour or 1) for g, d in zip(goals, all_per_gbq(case), strict=True)])
    matrix, sides = rows_of(case, limits)
    used = matrix @ need
    share = (sides[used > 0] / used[used > 0]).min()
    given_gbq = np.array(list(plan.administered_gbq.values()))
    assume(abs(share - 1) > 1e-6)
    if share > 1:
        assert given_gbq == pytest.approx(need, rel=SAME)
        assert all(outcome.met for outcome in plan.goals)
        assert plan.binding == ("goal",)
    else:
        reached = [outcome.reached_gy / outcome.goal_gy for outcome in plan.goals]
        assert min(reached) == pytest.approx(share, rel=SAME)
        assert max(reached) <= 1 + SAME
        assert plan.binding[0] != "goal"
    assert kept(case, plan, limits)


@several
@given(
    patients(),
    limit_sets(),
    goal_doses,
    st.lists(st.floats(0.01, 3), min_size=1, max_size=4, unique=True),
)
def test_vials_equal_every_combination(
    case: PatientCompartments, limits: list[DoseLimit], grays: list[float], sizes: list[float]
) -> None:
    """The combination with the largest smallest share, then mean share, then least whole-normal dose."""
    offered = {t.territory: vials(*sizes) for t in case.treated}
    goals = [goal(t.territory, gray) for t, gray in zip(case.treated, grays, strict=False)]
    matrix, sides = rows_of(case, limits)
    doses = all_per_gbq(case)
    ranked = []
    for x in itertools.product(sizes, repeat=len(case.treated)):
        used = matrix @ np.array(x)
        assume((np.abs(used - sides) > 1e-5 * (1 + sides)).all())
        if (used <= sides).all():
            shares = [
                min(1.0, gbq * (d.tumour or 0) / g.dose_gy) for gbq, d, g in zip(x, doses, goals, strict=True)
            ]
            whole = sum(gbq * d.whole for gbq, d in zip(x, doses, strict=True))
            ranked.append((min(shares), sum(shares) / len(shares), -whole, x))
    if not ranked:
        with pytest.raises(InfeasiblePlanError):
            optimise(case, limits=limits, goals=goals, available=offered)
        return
    best = max(ranked)
    plan = optimise(case, limits=limits, goals=goals, available=offered)
    chosen = tuple(plan.administered_gbq.values())
    got = next(row for row in ranked if row[3] == chosen)
    # Differences below a millionth of an aim are not seen by the mixed-integer solver.
    assert got[0] == pytest.approx(best[0], rel=2e-6)
    if got[0] == best[0]:
        assert got[1] == pytest.approx(best[1], rel=2e-6)
    assert kept(case, plan, limits)


@several
@given(patients(), limit_sets(), st.sampled_from([Objective.MAXIMISE_TUMOUR, Objective.MAXIMISE_MINIMUM]))
def test_the_price_is_the_difference_that_a_higher_limit_makes(
    case: PatientCompartments, limits: list[DoseLimit], objective: Objective
) -> None:
    plan = optimise(case, limits=limits, objective=objective)
    assume(plan.price is not None and (plan.price.up_to is None or plan.price.up_to > 1e-3))
    assert plan.price is not None
    assert plan.price.of == plan.binding[0]
    step = 0.5 * min(1.0, plan.price.up_to or 1.0)
    more = optimise(case, limits=_raised(limits, plan.price.of, step), objective=objective)
    assert more.tumour_gy is not None
    assert plan.tumour_gy is not None
    assert (more.tumour_gy - plan.tumour_gy) / step == pytest.approx(
        plan.price.gy_per_unit, rel=1e-5, abs=1e-6
    )


@several
@given(patients(prior=False), limit_sets(), goal_doses)
def test_the_price_in_a_plan_that_misses_its_goals(
    case: PatientCompartments, limits: list[DoseLimit], grays: list[float]
) -> None:
    goals = [goal(t.territory, gray) for t, gray in zip(case.treated, grays, strict=False)]
    plan = optimise(case, limits=limits, goals=goals)
    price = plan.price
    assume(price is not None and (price.up_to is None or price.up_to > 1e-3))
    assert price is not None
    step = 0.5 * min(1.0, price.up_to or 1.0)
    if price.of == "goal":
        raised = [replace(g, dose_gy=g.dose_gy + step) for g in goals]
        more = optimise(case, limits=limits, goals=raised)
        gain = more.whole_normal_gy - plan.whole_normal_gy
    else:
        more = optimise(case, limits=_raised(limits, price.of, step), goals=goals)
        gain = (more.tumour_gy or 0) - (plan.tumour_gy or 0)
    assert gain / step == pytest.approx(price.gy_per_unit, rel=1e-5, abs=1e-6)


def _raised(limits: list[DoseLimit], name: str, step: float) -> list[DoseLimit]:
    return [
        replace(x, limit=replace(x.limit, value=x.limit.number + step)) if x.name == name else x
        for x in limits
    ]


@several
@given(patients(), limit_sets(), st.sampled_from([1e-3, 7.0, 1e3]))
def test_masses_and_activities_scale_together(
    case: PatientCompartments, limits: list[DoseLimit], factor: float
) -> None:
    """All masses times a factor: the same doses from activities times the factor."""
    larger = PatientCompartments(
        tuple(_scaled(t, factor) for t in case.treated),
        case.whole_normal_mass_g * factor,
        case.lung_mass_g * factor,
        case.prior_gy,
    )
    one = optimise(case, limits=limits, objective=Objective.MAXIMISE_TUMOUR)
    other = optimise(larger, limits=limits, objective=Objective.MAXIMISE_TUMOUR)
    assert other.tumour_gy == pytest.approx(one.tumour_gy, rel=SAME)
    assert sum(other.administered_gbq.values()) == pytest.approx(
        factor * sum(one.administered_gbq.values()), rel=SAME
    )


def _scaled(t: TreatedCompartments, factor: float) -> TreatedCompartments:
    masses = {label: mass * factor for label, mass in t.lesion_masses_g.items()}
    return replace(t, normal_mass_g=t.normal_mass_g * factor, lesion_masses_g=masses)


@several
@given(patients(), limit_sets(), st.floats(21, 100))
def test_a_further_limit_never_helps(case: PatientCompartments, limits: list[DoseLimit], gray: float) -> None:
    one = optimise(case, limits=limits, objective=Objective.MAXIMISE_TUMOUR)
    further = [*limits, limit(Quantity.WHOLE_NORMAL, gray, name="further", scope=Scope.CUMULATIVE)]
    two = optimise(case, limits=further, objective=Objective.MAXIMISE_TUMOUR)
    assert (two.tumour_gy or 0) <= (one.tumour_gy or 0) * (1 + SAME)


@several
@given(patients(), limit_sets(), goal_doses, st.lists(st.floats(0.05, 3), min_size=1, max_size=3))
def test_drawn_vials_never_exceed_what_is_there(
    case: PatientCompartments, limits: list[DoseLimit], grays: list[float], sizes: list[float]
) -> None:
    offered = {t.territory: vials(*dict.fromkeys(sizes), divisible=True) for t in case.treated}
    goals = [goal(t.territory, gray) for t, gray in zip(case.treated, grays, strict=False)]
    plan = optimise(case, limits=limits, goals=goals, available=offered)
    free = optimise(case, limits=limits, goals=goals)
    for name, key in plan.available.items():
        option = next(o for o in offered[name] if o.key == key)
        assert plan.administered_gbq[name] <= option.administered_gbq * (1 + 1e-9)
    smallest = [min(g.reached_gy / g.goal_gy for g in p.goals) for p in (plan, free)]
    assert smallest[0] <= smallest[1] * (1 + SAME)
    assert kept(case, plan, limits)


def test_the_same_question_has_the_same_answer_to_the_last_bit() -> None:
    case, limits = patient(territory(), LEFT), [limit(Quantity.PERFUSED, 300.0)]
    plans = [optimise(case, limits=limits, objective=Objective.MAXIMISE_TUMOUR) for _ in range(3)]
    assert plans[0] == plans[1] == plans[2]


@pytest.mark.slow
def test_three_territories_and_ten_limits_take_below_ten_milliseconds() -> None:
    """The median of many, in processor time: other work on the machine does not count."""
    third = territory("caudate", normal=100.0, lesions={3: 5.0}, session=2)
    kinds = [
        Quantity.PERFUSED_NORMAL,
        Quantity.WHOLE_NORMAL,
        Quantity.LUNG,
        Quantity.PERFUSED,
        Quantity.TUMOUR,
    ]
    limits = [
        limit(kind, 60.0 + n, name=f"{kind} {n}", scope=scope)
        for n, (kind, scope) in enumerate(itertools.product(kinds, Scope))
    ]
    case = patient(territory(), LEFT, third)
    goals = [goal(t.territory, 200.0) for t in case.treated]
    times = []
    for _ in range(51):
        start = time.process_time()
        optimise(case, limits=limits, goals=goals)
        times.append(time.process_time() - start)
    assert len(limits) == 10
    assert sorted(times)[25] < 0.010
