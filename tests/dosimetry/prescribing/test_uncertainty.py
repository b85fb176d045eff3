"""How sure a plan is: slopes by hand, sampling against first order, what moves together, and refusals."""

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emboplan import catalog
from emboplan.dosimetry.prescribing.plan_doses import evaluate
from emboplan.dosimetry.prescribing.response import responses
from emboplan.dosimetry.prescribing.uncertainty import activity_interval, dose_uncertainty
from emboplan.dosimetry.prescribing.uncertainty_first_order import first_order
from emboplan.dosimetry.prescribing.uncertainty_inputs import KINDS, Z_COVERAGE, Deviates, InputUncertainty
from emboplan.dosimetry.prescribing.uncertainty_sampling import fraction_draws, sampled
from emboplan.dosimetry.prescribing.uncertainty_sources import (
    absolute_from_interval,
    calibration_default,
    measured_inputs,
    relative_from_bounds,
    relative_from_found,
    relative_from_interval,
)
from emboplan.errors import ModelRangeError
from emboplan.model.compartments import PatientCompartments, TreatedCompartments
from emboplan.model.products import DoseLimit, Scope
from emboplan.model.results.activity import Quantity
from emboplan.model.results.burden import Burden, Lesion
from emboplan.model.results.prescription import PlanUncertainty, PrescriptionGoal, UncertainValue
from emboplan.model.results.shunt import ShuntEstimate, ShuntMethod
from emboplan.model.results.uptake import TumourToNormal

SOURCES = MappingProxyType(dict.fromkeys(KINDS, "this test"))
ALL = InputUncertainty(
    lung_shunt_abs=0.01,
    tumour_to_normal_common_frac=0.12,
    tumour_to_normal_frac={1: 0.08, 2: 0.05, 3: 0.1},
    lesion_volume_frac={1: 0.06, 2: 0.1, 3: 0.03},
    normal_volume_frac={"right": 0.04, "left": 0.07},
    whole_normal_volume_frac=0.03,
    lung_mass_frac=0.1,
    calibration_frac=0.05,
    residual_abs=0.01,
    sources=SOURCES,
)


def _inputs(**numbers: Any) -> InputUncertainty:
    return InputUncertainty(**numbers, sources=SOURCES)


def _territory(name: str, **changes: Any) -> TreatedCompartments:
    fields: dict[str, Any] = {
        "normal_mass_g": 700.0,
        "lesion_masses_g": {1: 80.0, 2: 20.0},
        "tumour_to_normal": {1: 6.0, 2: 3.0},
        "lung_shunt_frac": 0.06,
        "k_gy_kg_per_gbq": 50.0,
        "residual_frac": 0.03,
    }
    return TreatedCompartments(territory=name, **{**fields, **changes})


def _patient(
    *treated: TreatedCompartments, prior: Mapping[Quantity, float] | None = None
) -> PatientCompartments:
    return PatientCompartments(
        treated=treated or (_territory("right"),),
        whole_normal_mass_g=1500.0,
        lung_mass_g=1000.0,
        prior_gy=prior or {},
    )


TWO = _patient(
    _territory("right"),
    _territory("left", normal_mass_g=400.0, lesion_masses_g={3: 50.0}, tumour_to_normal={3: 4.0}, session=2),
)


def _value(result: PlanUncertainty, name: str, territory: str = "right") -> UncertainValue:
    return next(v for v in result.doses if (v.name, v.territory) == (name, territory))


def _limit(quantity: Quantity, gray: float, scope: Scope = Scope.TREATMENT) -> DoseLimit:
    return DoseLimit.entered(str(quantity), quantity, gray, source="this test", scope=scope)


def test_single_compartment_by_hand() -> None:
    """Rel. variance of the dose = mass^2 + (ds/(1-s))^2 + calibration^2 + (dR/(1-R))^2."""
    patient = _patient(_territory("right", lesion_masses_g={}, tumour_to_normal={}))
    inputs = _inputs(normal_volume_frac=0.05, lung_shunt_abs=0.02, calibration_frac=0.06, residual_abs=0.01)
    result = dose_uncertainty(patient, administered_gbq={"right": 2.0}, inputs=inputs)
    normal = _value(result, "perfused_normal")
    parts = {
        "normal_volume_frac": 0.05**2,
        "lung_shunt_abs": (0.02 / 0.94) ** 2,
        "calibration_frac": 0.06**2,
        "residual_abs": (0.01 / 0.97) ** 2,
    }
    variance = sum(parts.values())
    assert normal.value == pytest.approx(50.0 * 2.0 * 0.94 / 0.7)
    assert normal.standard_uncertainty == pytest.approx(normal.value * math.sqrt(variance), rel=1e-12)
    assert dict(normal.contributions) == pytest.approx({k: v / variance for k, v in parts.items()})
    half = Z_COVERAGE * math.sqrt(variance)
    assert normal.interval == pytest.approx((normal.value * math.exp(-half), normal.value * math.exp(half)))


def test_partition_by_hand() -> None:
    """One lesion: d ln D_T = d ln r (1 - q) - d ln m q - d ln N (1 - q), with q = r m / (N + r m)."""
    patient = _patient(_territory("right", lesion_masses_g={1: 100.0}, tumour_to_normal={1: 5.0}))
    q = 500.0 / 1200.0
    inputs = _inputs(
        tumour_to_normal_frac=0.1,
        lesion_volume_frac=0.04,
        normal_volume_frac=0.03,
        tumour_to_normal_common_frac=0.2,
    )
    result = dose_uncertainty(patient, administered_gbq={"right": 1.0}, inputs=inputs)
    tumour, normal = _value(result, "tumour"), _value(result, "perfused_normal")
    expected = math.sqrt((0.1**2 + 0.2**2 + 0.03**2) * (1 - q) ** 2 + (0.04 * q) ** 2)
    assert tumour.standard_uncertainty == pytest.approx(tumour.value * expected, rel=1e-12)
    assert _value(result, "lesion 1").standard_uncertainty == pytest.approx(tumour.standard_uncertainty)
    expected = math.sqrt((0.1**2 + 0.2**2 + 0.04**2) * q**2 + (0.03 * (1 - q)) ** 2)
    assert normal.standard_uncertainty == pytest.approx(normal.value * expected, rel=1e-12)


def test_lungs_by_hand() -> None:
    """(dD/D)^2 = (ds/s)^2 + calibration^2 + lung mass^2, in gray since the shunt may be 0."""
    inputs = _inputs(lung_shunt_abs=0.012, calibration_frac=0.05, lung_mass_frac=0.08)
    result = dose_uncertainty(_patient(), administered_gbq={"right": 2.0}, inputs=inputs)
    lung = _value(result, "lung")
    assert lung.value == pytest.approx(6.0)
    expected = 6.0 * math.sqrt((0.012 / 0.06) ** 2 + 0.05**2 + 0.08**2)
    assert lung.standard_uncertainty == pytest.approx(expected, rel=1e-12)
    assert lung.interval == pytest.approx((6.0 - Z_COVERAGE * expected, 6.0 + Z_COVERAGE * expected))


def test_a_shunt_of_nought_still_has_an_uncertain_lung_dose() -> None:
    patient = _patient(_territory("right", lung_shunt_frac=0.0))
    result = dose_uncertainty(patient, administered_gbq={"right": 2.0}, inputs=_inputs(lung_shunt_abs=0.01))
    lung = _value(result, "lung")
    assert (lung.value, lung.interval[0]) == (0.0, 0.0)
    assert lung.standard_uncertainty == pytest.approx(1.0)
    assert lung.sampled_interval is not None
    assert lung.sampled_interval[0] >= 0
    assert not result.agree
    assert "uncertainty-methods-differ" in [finding.id for finding in result.findings]


def test_slopes_are_those_of_the_planning_formula() -> None:
    """Every slope against a central difference of the doses that plans are made with."""
    activities = {"right": 1.7, "left": 0.9}
    deviates = Deviates.of_plan(TWO, ALL)
    estimates = first_order(TWO, activities, ALL, deviates)
    step = 1e-4
    for place, (kind, owner) in enumerate(deviates.keys):
        moved = []
        for sign in (1, -1):
            patient, given = _moved(TWO, activities, kind, owner, sign * step)
            moved.append(evaluate(patient, administered_gbq=given)[0])
        for name in activities:
            for quantity in ("tumour", "perfused_normal", "perfused", "whole_normal", "lung"):
                up, down = (getattr(doses[name], quantity) for doses in moved)
                estimate = estimates[name][quantity]
                slope = (math.log(up / down) if estimate.logs else up - down) / (2 * step)
                assert estimate.slope[place] == pytest.approx(slope, rel=1e-5, abs=1e-9), (
                    kind,
                    owner,
                    quantity,
                )


def _moved(
    patient: PatientCompartments, activities: Mapping[str, float], kind: str, owner: str, deviate: float
) -> tuple[PatientCompartments, dict[str, float]]:
    """The patient with one input moved by a deviate, through the public contracts alone."""

    def grown(wanted: str, who: object, all_owners: bool = False) -> float:
        hit = kind == wanted and (all_owners or owner == str(who))
        return math.exp(ALL.of(wanted, who) * deviate) if hit else 1.0

    whole = grown("whole_normal_volume_frac", "")
    treated, given = [], {}
    for t in patient.treated:
        name = t.territory
        shunt = t.lung_shunt_frac + (0.01 * deviate if kind == "lung_shunt_abs" else 0.0)
        residual = t.residual_frac
        if (kind, owner) == ("residual_abs", name):
            residual += 0.01 * deviate
        given[name] = (
            activities[name] * grown("calibration_frac", "") * (1 - residual) / (1 - t.residual_frac)
        )
        treated.append(
            TreatedCompartments(
                territory=name,
                normal_mass_g=t.normal_mass_g * whole * grown("normal_volume_frac", name),
                lesion_masses_g={n: m * grown("lesion_volume_frac", n) for n, m in t.lesion_masses_g.items()},
                tumour_to_normal={
                    n: r * grown("tumour_to_normal_frac", n) * grown("tumour_to_normal_common_frac", "")
                    for n, r in t.tumour_to_normal.items()
                },
                lung_shunt_frac=shunt,
                k_gy_kg_per_gbq=t.k_gy_kg_per_gbq,
            )
        )
    lung = patient.lung_mass_g * grown("lung_mass_frac", "")
    return PatientCompartments(tuple(treated), patient.whole_normal_mass_g * whole, lung), given


def test_draws_give_the_doses_of_the_planning_formula() -> None:
    """One draw after another, put through the doses that plans are made with."""
    activities = {"right": 1.7, "left": 0.9}
    deviates = Deviates.of_plan(TWO, ALL)
    still = np.zeros((len(deviates.keys), 1))
    planned, _, _ = evaluate(TWO, administered_gbq=activities)
    inputs = _inputs(tumour_to_normal_common_frac=0.3, calibration_frac=0.1)
    for deviate in (-1.5, 0.0, 2.0):
        draw = still.copy()
        draw[deviates.index("tumour_to_normal_common_frac")] = deviate
        draw[deviates.index("calibration_frac")] = deviate
        patient = _patient(
            *(
                _territory(
                    t.territory,
                    normal_mass_g=t.normal_mass_g,
                    lesion_masses_g=t.lesion_masses_g,
                    tumour_to_normal={n: r * math.exp(0.3 * deviate) for n, r in t.tumour_to_normal.items()},
                )
                for t in TWO.treated
            )
        )
        given = {name: gbq * math.exp(0.1 * deviate) for name, gbq in activities.items()}
        expected, _, _ = evaluate(patient, administered_gbq=given)
        found = sampled(TWO, activities, inputs, deviates, draw)
        for name in activities:
            assert found[name]["tumour"][0] == pytest.approx(expected[name].tumour, rel=1e-12)
            assert found[name]["perfused_normal"][0] == pytest.approx(
                expected[name].perfused_normal, rel=1e-12
            )
            assert found[name]["whole_normal"][0] == pytest.approx(expected[name].whole_normal, rel=1e-12)
            assert found[name]["lung"][0] == pytest.approx(expected[name].lung, rel=1e-12)
    assert planned["right"].tumour is not None


def test_nothing_uncertain_is_nothing_spread() -> None:
    limits = [_limit(Quantity.LUNG, 5.0), _limit(Quantity.LUNG, 7.0), _limit(Quantity.PERFUSED_NORMAL, 1e4)]
    result = dose_uncertainty(
        _patient(), administered_gbq={"right": 2.0}, inputs=InputUncertainty(), limits=limits, samples=10
    )
    for value in result.doses:
        assert value.standard_uncertainty == 0
        assert value.interval == pytest.approx((value.value, value.value))
        assert value.sampled_interval == pytest.approx((value.value, value.value))
        assert value.contributions == {}
    assert [(r.probability, r.sampled_probability) for r in result.risks] == [(1, 1), (0, 0), (0, 0)]
    assert result.agree
    assert result.inputs == {}
    left_out = result.findings[0]
    assert left_out.id == "uncertainty-inputs-left-out"
    assert all(words in left_out.text for words in KINDS.values())


def test_small_uncertainties_agree_by_both_methods() -> None:
    result = dose_uncertainty(TWO, administered_gbq={"right": 1.7, "left": 0.9}, inputs=ALL)
    assert result.agree
    assert [finding.id for finding in result.findings] == []
    for value in result.doses:
        assert value.sampled_interval is not None
        for sampled_end, end in zip(value.sampled_interval, value.interval, strict=True):
            assert sampled_end == pytest.approx(end, abs=0.35 * value.standard_uncertainty)
        assert sum(value.contributions.values()) == pytest.approx(1.0)


def test_half_the_cases_exceed_a_limit_at_the_median() -> None:
    inputs = _inputs(calibration_frac=0.1, normal_volume_frac=0.05, tumour_to_normal_common_frac=0.2)
    given = {"right": 2.0}
    plain = dose_uncertainty(_patient(), administered_gbq=given, inputs=inputs)
    normal = _value(plain, "perfused_normal").value
    limits = [_limit(Quantity.PERFUSED_NORMAL, normal)]
    risk = dose_uncertainty(_patient(), administered_gbq=given, inputs=inputs, limits=limits).risks[0]
    assert risk.probability == pytest.approx(0.5)
    # 10,000 draws have a standard error of half a percentage point; the ratio adds a slight curvature.
    assert risk.sampled_probability == pytest.approx(0.5, abs=0.02)


def test_the_upper_end_of_the_interval_is_exceeded_once_in_forty() -> None:
    plain = dose_uncertainty(_patient(), administered_gbq={"right": 2.0}, inputs=ALL)
    limits = [_limit(Quantity.TUMOUR, _value(plain, "tumour").interval[1])]
    risk = dose_uncertainty(_patient(), administered_gbq={"right": 2.0}, inputs=ALL, limits=limits).risks[0]
    assert risk.probability == pytest.approx(0.025)


def test_a_shared_shunt_moves_the_lungs_together() -> None:
    """One scan: standard uncertainties add; two scans: their squares do."""
    given = {"right": 1.7, "left": 0.9}
    each = [50.0 * gbq * 0.01 for gbq in given.values()]
    one = dose_uncertainty(TWO, administered_gbq=given, inputs=_inputs(lung_shunt_abs=0.01))
    two = dose_uncertainty(
        TWO, administered_gbq=given, inputs=_inputs(lung_shunt_abs=0.01, shunt_scan={"left": "second scan"})
    )
    together, apart = _value(one, "lung", "all territories"), _value(two, "lung", "all territories")
    assert together.standard_uncertainty == pytest.approx(sum(each))
    assert apart.standard_uncertainty == pytest.approx(math.hypot(*each))
    for value in (together, apart):
        assert value.sampled_interval is not None
        width = value.sampled_interval[1] - value.sampled_interval[0]
        assert width == pytest.approx(2 * Z_COVERAGE * value.standard_uncertainty, rel=0.05)


def test_sums_by_hand() -> None:
    """Calibration moves all activities alike; borders of territories move apart."""
    given = {"right": 1.7, "left": 0.9}
    _, total, _ = evaluate(TWO, administered_gbq=given)
    alike = dose_uncertainty(TWO, administered_gbq=given, inputs=_inputs(calibration_frac=0.05))
    for name, expected in (
        ("tumour", total.tumour),
        ("whole_normal", total.whole_normal),
        ("lung", total.lung),
    ):
        value = _value(alike, name, "all territories")
        assert value.value == pytest.approx(expected, rel=1e-12)
        assert value.standard_uncertainty == pytest.approx(0.05 * value.value)
    residual = dose_uncertainty(TWO, administered_gbq=given, inputs=_inputs(residual_abs=0.02))
    parts = [_value(residual, "whole_normal", name) for name in given]
    whole = _value(residual, "whole_normal", "all territories")
    assert whole.standard_uncertainty == pytest.approx(math.hypot(*(p.value * 0.02 / 0.97 for p in parts)))


def test_the_mean_over_all_tumours_counts_the_masses_that_weigh_it() -> None:
    """d ln mean of a lesion's mass by central difference of the mass-weighted mean."""
    given = {"right": 1.7, "left": 0.9}
    result = dose_uncertainty(TWO, administered_gbq=given, inputs=_inputs(lesion_volume_frac={3: 0.1}))
    means = []
    for factor in (math.exp(1e-4), math.exp(-1e-4)):
        moved = _patient(
            TWO.treated[0],
            _territory(
                "left", normal_mass_g=400.0, lesion_masses_g={3: 50.0 * factor}, tumour_to_normal={3: 4.0}
            ),
        )
        means.append(evaluate(moved, administered_gbq=given)[1].tumour or 0.0)
    slope = abs(math.log(means[0] / means[1])) / 2e-4
    value = _value(result, "tumour", "all territories")
    assert value.standard_uncertainty == pytest.approx(0.1 * slope * value.value, rel=1e-6)


def test_limits_of_sessions_and_of_all_treatments() -> None:
    """A limit per treatment looks at each session; a cumulative one at all and at earlier doses."""
    prior = {Quantity.LUNG: 20.0}
    patient = _patient(*TWO.treated, prior=prior)
    given = {"right": 1.7, "left": 0.9}
    limits = [_limit(Quantity.LUNG, 5.0), _limit(Quantity.LUNG, 27.0, Scope.CUMULATIVE)]
    risks = dose_uncertainty(patient, administered_gbq=given, inputs=ALL, limits=limits).risks
    assert [risk.territory for risk in risks] == [
        "right",
        "left",
        "session 1",
        "session 2",
        "right",
        "left",
        "all territories",
    ]
    # 7.8 Gy in all and 20 Gy before are more likely than not above 27 Gy; 2.7 Gy alone are not.
    assert risks[-1].probability > 0.5 > risks[-2].probability
    assert risks[2].probability == risks[0].probability


def test_a_used_up_limit_is_exceeded_for_certain() -> None:
    patient = _patient(prior={Quantity.LUNG: 60.0})
    limits = [_limit(Quantity.LUNG, 50.0, Scope.CUMULATIVE)]
    risk = dose_uncertainty(patient, administered_gbq={"right": 1.0}, inputs=ALL, limits=limits).risks[0]
    assert (risk.probability, risk.sampled_probability) == (1.0, 1.0)


def test_limits_of_activity_shunt_and_device() -> None:
    label, shunt = (
        catalog.load().limit("therasphere_lung_activity"),
        catalog.load().limit("sir_spheres_lung_shunt"),
    )
    glass = _patient(_territory("right", device="therasphere", lung_shunt_frac=0.2))
    given = {"right": 3.05}
    inputs = _inputs(lung_shunt_abs=0.02)
    risks = dose_uncertainty(glass, administered_gbq=given, inputs=inputs, limits=[label, shunt]).risks
    assert [risk.limit for risk in risks] == [label.name]
    assert risks[0].probability == pytest.approx(0.5)
    free = _patient(_territory("right", lung_shunt_frac=0.2))
    risks = dose_uncertainty(free, administered_gbq=given, inputs=inputs, limits=[shunt]).risks
    assert risks[0].probability == pytest.approx(0.5)


def test_the_interval_of_the_activity_that_meets_a_goal() -> None:
    """The activity is the goal over the dose per GBq, so its relative spread is that of the dose."""
    goal = PrescriptionGoal("right", Quantity.TUMOUR, 200.0, "this test")
    found = activity_interval(_patient(), goals=[goal], inputs=ALL)[0]
    per_gbq = responses(_patient())["right"].tumour
    assert per_gbq is not None
    assert found.value == pytest.approx(200.0 / per_gbq)
    result = dose_uncertainty(_patient(), administered_gbq={"right": found.value}, inputs=ALL)
    tumour = _value(result, "tumour")
    assert tumour.value == pytest.approx(200.0)
    assert found.standard_uncertainty / found.value == pytest.approx(tumour.standard_uncertainty / 200.0)
    low, high = found.interval
    assert low < found.value < high
    assert math.sqrt(low * high) == pytest.approx(found.value)
    assert found.sampled_interval == pytest.approx(found.interval, rel=0.02)
    assert (found.name, found.territory, found.unit) == ("administered", "right", "GBq")


def test_a_goal_of_each_lesion_is_that_of_the_least() -> None:
    goals = [PrescriptionGoal("right", Quantity.TUMOUR, 100.0, "this test", each_lesion=True)]
    found = activity_interval(_patient(), goals=goals, inputs=ALL)[0]
    assert found.value == pytest.approx(100.0 / responses(_patient())["right"].lesions["2"])


def test_a_goal_that_nothing_reaches_is_refused() -> None:
    bare = _patient(_territory("right", lesion_masses_g={}, tumour_to_normal={}))
    for each in (False, True):
        goal = PrescriptionGoal("right", Quantity.TUMOUR, 100.0, "this test", each_lesion=each)
        with pytest.raises(ModelRangeError, match="no tumour dose"):
            activity_interval(bare, goals=[goal], inputs=ALL)


@settings(max_examples=30, deadline=None)
@given(
    st.floats(0.0, 0.4),
    st.floats(1e-3, 0.05),
    st.floats(0.5, 10.0),
    st.floats(20.0, 1000.0),
    st.integers(0, 99),
)
def test_draws_stay_within_their_range(
    shunt: float, sigma: float, ratio: float, normal: float, seed: int
) -> None:
    """No dose is negative, no shunt reaches 1, however the draws fall; the energy balances in each draw."""
    patient = _patient(
        _territory(
            "right",
            normal_mass_g=normal,
            lesion_masses_g={1: 50.0},
            tumour_to_normal={1: ratio},
            lung_shunt_frac=shunt,
        )
    )
    inputs = _inputs(lung_shunt_abs=sigma, tumour_to_normal_common_frac=0.5, residual_abs=0.05)
    deviates = Deviates.of_plan(patient, inputs)
    draws = np.random.default_rng(seed).standard_normal((len(deviates.keys), 500))
    if shunt and sigma**2 >= shunt * (1 - shunt):
        with pytest.raises(ModelRangeError, match="more than a fraction can have"):
            sampled(patient, {"right": 1.0}, inputs, deviates, draws)
        return
    found = sampled(patient, {"right": 1.0}, inputs, deviates, draws)["right"]
    assert ((found["lung_shunt"] >= 0) & (found["lung_shunt"] < 1)).all()
    assert all((values >= 0).all() for values in found.values())
    liver = found["tumour"] * 50.0 + found["perfused_normal"] * normal
    activity = np.divide(liver + found["lung"] * 1000.0, 50_000.0)
    residual = fraction_draws(0.03, 0.05, draws[deviates.index("residual_abs", "right")], "residual")
    assert activity == pytest.approx((1 - residual) / 0.97, rel=1e-9)


def test_drawn_fractions_have_the_mean_and_spread_asked_for() -> None:
    draws = np.random.default_rng(1).standard_normal(200_000)
    found = fraction_draws(0.05, 0.02, draws, "shunt")
    assert float(found.mean()) == pytest.approx(0.05, rel=0.005)
    assert float(found.std()) == pytest.approx(0.02, rel=0.01)


def test_same_input_same_numbers() -> None:
    first, second = (
        dose_uncertainty(_patient(), administered_gbq={"right": 2.0}, inputs=ALL, seed=7) for _ in range(2)
    )
    assert first.to_json() == second.to_json()
    assert first.seed == 7


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"lung_shunt_abs": -0.1}, "lung_shunt_abs is -0.1"),
        ({"calibration_frac": math.nan}, "calibration_frac is nan"),
        ({"tumour_to_normal_frac": {1: 0.1, 2: math.inf}}, "tumour_to_normal_frac is inf"),
    ],
)
def test_uncertainties_that_are_none(numbers: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ModelRangeError, match=message):
        _inputs(**numbers)


def test_an_uncertainty_without_a_source_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="lung_mass_frac has no source"):
        InputUncertainty(lung_mass_frac=0.1)


def test_activities_of_other_territories_are_refused() -> None:
    with pytest.raises(ModelRangeError, match="expected one for each of right"):
        dose_uncertainty(_patient(), administered_gbq={"left": 1.0}, inputs=ALL)
    with pytest.raises(ModelRangeError, match="samples is 0"):
        dose_uncertainty(_patient(), administered_gbq={"right": 1.0}, inputs=ALL, samples=0)


def test_standard_uncertainties_from_intervals_and_bounds() -> None:
    """Of a normal distribution 95 % lie within 1.96 standard deviations; a rectangle has 1/sqrt(3)."""
    assert absolute_from_interval((0.05 - 0.0196, 0.05 + 0.0196)) == pytest.approx(0.01, rel=1e-4)
    assert relative_from_interval(5.0, (4.0, 6.25)) == pytest.approx(math.log(1.5625) / 3.92, rel=1e-4)
    assert relative_from_interval(5.0, (0.0, 9.8)) == pytest.approx(0.5, rel=1e-4)
    assert relative_from_bounds(10.0, (9.0, 11.0)) == pytest.approx(0.1 / math.sqrt(3))
    # The narrower side of a lopsided interval counts; 0 tells nothing, and nothing is worse than unknown.
    assert relative_from_found(10.0, (5.0, 1000.0)) == pytest.approx(math.log(2) / 1.96, rel=1e-4)
    assert relative_from_found(10.0, (0.0, 20.0)) == pytest.approx(math.log(2) / 1.96, rel=1e-4)
    assert relative_from_found(1.2, (0.0, 120.0)) == 1.0
    number, source = calibration_default(catalog.load())
    assert number == pytest.approx(0.0577, abs=1e-4)
    assert "DECAL" in source
    for wrong in ((2.0, 1.0), (math.nan, 1.0)):
        with pytest.raises(ModelRangeError, match="not one"):
            absolute_from_interval(wrong)


def test_what_the_measurements_of_a_case_say() -> None:
    burden = Burden(
        liver_ml=1500.0,
        liver_ml_interval=(1470.0, 1530.0),
        tumour_ml=100.0,
        tumour_ml_interval=(90.0, 110.0),
        viable_tumour_ml=None,
        burden_pct=6.7,
        burden_pct_interval=(6.0, 7.4),
        largest_lesion_mm=50.0,
        lesions=(Lesion(4, 100.0, (90.0, 110.0), 50.0, 40.0, (0.0, 0.0, 0.0), 60.0, 0.0),),
        lung_ml=None,
        lung_mass_g=None,
        confirmed_by="A. Reader",
        backend="builtin",
    )
    shunt = ShuntEstimate(ShuntMethod.PLANAR_GM, 0.05, (0.0304, 0.0696), {}, 0.05, "")
    uptake = TumourToNormal(4.0, 5.0, (4.0, 6.25), (), 1.0, 10.0)
    inputs = measured_inputs(
        catalog=catalog.load(),
        shunt=shunt,
        uptake=uptake,
        burden=burden,
        entered={"residual_abs": (0.01, "own records"), "calibration_frac": (0.0, "")},
    )
    assert inputs.of("lung_shunt_abs", "anywhere") == pytest.approx(0.01, rel=1e-3)
    assert inputs.tumour_to_normal_common_frac == pytest.approx(math.log(1.5625) / 3.92, rel=1e-3)
    assert inputs.of("lesion_volume_frac", 4) == pytest.approx(0.1 / math.sqrt(3))
    assert inputs.whole_normal_volume_frac == pytest.approx(30.0 / 1400.0 / math.sqrt(3))
    # The same contours before anybody confirmed them: intervals are calibrated ones, read on a log scale.
    found = measured_inputs(catalog=catalog.load(), burden=replace(burden, confirmed_by=None))
    assert found.of("lesion_volume_frac", 4) == pytest.approx(math.log(1.1) / 1.96, rel=1e-3)
    assert found.whole_normal_volume_frac == pytest.approx(math.log(1430 / 1400) / 1.96, rel=1e-3)
    assert "calibrated" in found.sources["lesion_volume_frac"]
    assert inputs.left_out == (
        "tumour_to_normal_frac",
        "normal_volume_frac",
        "lung_mass_frac",
        "calibration_frac",
    )
    with pytest.raises(ModelRangeError, match="no input is named shunt"):
        measured_inputs(catalog=catalog.load(), entered={"shunt": (0.1, "x")})
    assert set(inputs.listed()) >= {"lung_shunt_abs", "lesion_volume_frac: 4", "residual_abs"}
