"""What every activity model must keep, whatever its numbers: energy, limits, inverses, directions, order."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.dosimetry.models.artery_specific import (
    ActivityRatio,
    TumourLungShunt,
    activity_ratio,
    artery_specific,
    concentration_ratio,
    lung_shunt_fraction,
    tumour_lung_shunt,
)
from emboplan.dosimetry.models.body_surface import bsa_activity
from emboplan.dosimetry.models.compartment import (
    lung_dose,
    multi_compartment,
    partition,
    single_compartment,
)
from emboplan.dosimetry.models.empiric import AtEdge, empiric_activity
from emboplan.dosimetry.models.scaled_map import (
    activity_for_dose_at_volume_gbq,
    activity_for_mean_gbq,
    dose_at_volume_per_gbq,
    mean_per_gbq,
)
from emboplan.dosimetry.radiobiology import bed, bed_of_injections, dose_for_bed, eqd2, eubed, geud

MASSES = st.floats(1.0, 3000.0)
RATIOS = st.floats(0.1, 30.0)
SHUNTS = st.floats(0.0, 0.95)
LOW_SHUNTS = st.floats(0.001, 0.45)  # they stay below 1 when doubled
TUMOUR_SHUNTS = st.floats(0.0, 0.9)
ACTIVITIES = st.floats(0.01, 20.0)
DOSES = st.floats(0.1, 1000.0)
COEFFICIENTS = st.floats(10.0, 60.0)
MORE = st.floats(1.01, 2.0)
LESIONS = st.lists(st.tuples(MASSES, RATIOS), min_size=1, max_size=6)
VOXELS = st.lists(st.floats(0.01, 500.0), min_size=1, max_size=20)

# All models are short sums and products of doubles: a few units in the last place.
EXACT = 1e-12


def _kao(tumour_g: float, normal_g: float, ratio: float, shunt: float, **rest: Any) -> Any:
    return artery_specific(
        tumour_mass_g=tumour_g,
        normal_mass_g=normal_g,
        activity_ratio=ActivityRatio(ratio),
        tumour_lung_shunt=TumourLungShunt(shunt),
        **rest,
    )


# Energy: sum(mass x dose) / K + administered x shunt = administered


@given(MASSES, SHUNTS, ACTIVITIES, COEFFICIENTS)
def test_energy_of_the_single_compartment(mass_g: float, shunt: float, activity: float, k: float) -> None:
    found = single_compartment(
        mass_g=mass_g, administered_gbq=activity, lung_shunt_frac=shunt, k_gy_kg_per_gbq=k
    )
    assert activity == pytest.approx(found.dose_gy * mass_g / 1000 / k + activity * shunt, rel=EXACT)
    assert activity * shunt == pytest.approx(found.lung_gy / k, rel=EXACT)


@given(MASSES, MASSES, RATIOS, SHUNTS, ACTIVITIES, COEFFICIENTS)
def test_energy_of_the_partition(
    tumour_g: float, normal_g: float, ratio: float, shunt: float, activity: float, k: float
) -> None:
    found = partition(
        tumour_mass_g=tumour_g,
        normal_mass_g=normal_g,
        tumour_to_normal=ratio,
        administered_gbq=activity,
        lung_shunt_frac=shunt,
        k_gy_kg_per_gbq=k,
    )
    liver = (found.tumour_gy * tumour_g + found.normal_gy * normal_g) / 1000 / k
    assert activity == pytest.approx(liver + activity * shunt, rel=EXACT)
    assert liver == pytest.approx(found.mean_gy * (tumour_g + normal_g) / 1000 / k, rel=EXACT)


@given(LESIONS, MASSES, SHUNTS, ACTIVITIES, COEFFICIENTS)
def test_energy_of_several_lesions(
    lesions: list[tuple[float, float]], normal_g: float, shunt: float, activity: float, k: float
) -> None:
    masses, ratios = (np.array(part) for part in zip(*lesions, strict=True))
    found = multi_compartment(
        lesion_masses_g=masses,
        tumour_to_normal=ratios,
        normal_mass_g=normal_g,
        administered_gbq=activity,
        lung_shunt_frac=shunt,
        k_gy_kg_per_gbq=k,
    )
    lesions_energy = float(found.lesions_gy @ masses)
    liver = (lesions_energy + found.normal_gy * normal_g) / 1000 / k
    assert activity == pytest.approx(liver + activity * shunt, rel=EXACT)
    assert lesions_energy == pytest.approx(found.tumour_gy * masses.sum(), rel=EXACT)


@given(MASSES, MASSES, RATIOS, TUMOUR_SHUNTS, ACTIVITIES, COEFFICIENTS)
def test_energy_of_the_artery_specific_model(
    tumour_g: float, normal_g: float, ratio: float, shunt: float, activity: float, k: float
) -> None:
    found = _kao(tumour_g, normal_g, ratio, shunt, administered_gbq=activity, k_gy_kg_per_gbq=k)
    liver = (found.tumour_gy * tumour_g + found.normal_gy * normal_g) / 1000 / k
    assert activity == pytest.approx(liver + activity * found.lung_shunt_frac, rel=EXACT)
    assert activity == pytest.approx(found.tumour_gbq + found.normal_gbq + found.lung_gbq, rel=EXACT)
    assert found.lung_gbq == pytest.approx(found.lung_gy / k, rel=EXACT)


# Limits in which two models are one


@given(LESIONS, MASSES, SHUNTS, ACTIVITIES)
def test_ratios_of_one_are_the_single_compartment(
    lesions: list[tuple[float, float]], normal_g: float, shunt: float, activity: float
) -> None:
    masses = np.array([mass for mass, _ in lesions])
    several = multi_compartment(
        lesion_masses_g=masses,
        tumour_to_normal=np.ones(len(masses)),
        normal_mass_g=normal_g,
        administered_gbq=activity,
        lung_shunt_frac=shunt,
    )
    whole = single_compartment(
        mass_g=normal_g + masses.sum(), administered_gbq=activity, lung_shunt_frac=shunt
    )
    assert several.lesions_gy == pytest.approx(np.full(len(masses), whole.dose_gy), rel=EXACT)
    assert several.normal_gy == pytest.approx(whole.dose_gy, rel=EXACT)
    assert several.lung_gy == pytest.approx(whole.lung_gy, rel=EXACT)


@given(MASSES, MASSES, RATIOS, TUMOUR_SHUNTS, ACTIVITIES)
def test_kaos_model_is_the_partition_in_other_quantities(
    tumour_g: float, normal_g: float, ratio: float, shunt: float, activity: float
) -> None:
    """The same case through R and TLSF, and through T/N and LSF, gives the same doses."""
    masses = {"tumour_mass_g": tumour_g, "normal_mass_g": normal_g}
    r, t = ActivityRatio(ratio), TumourLungShunt(shunt)
    kao = _kao(tumour_g, normal_g, ratio, shunt, administered_gbq=activity)
    same = partition(
        **masses,
        tumour_to_normal=concentration_ratio(r, **masses),
        lung_shunt_frac=lung_shunt_fraction(r, t),
        administered_gbq=activity,
    )
    for name in ("tumour_gy", "normal_gy", "mean_gy", "lung_gy", "prepared_gbq"):
        assert getattr(kao, name) == pytest.approx(getattr(same, name), rel=EXACT), name


@given(MASSES, MASSES, RATIOS, TUMOUR_SHUNTS)
def test_kaos_quantities_there_and_back(tumour_g: float, normal_g: float, ratio: float, shunt: float) -> None:
    masses = {"tumour_mass_g": tumour_g, "normal_mass_g": normal_g}
    r, t = ActivityRatio(ratio), TumourLungShunt(shunt)
    back = activity_ratio(tumour_to_normal=concentration_ratio(r, **masses), **masses)
    assert back.tumour_over_normal == pytest.approx(ratio, rel=EXACT)
    share = lung_shunt_fraction(r, t)
    assert tumour_lung_shunt(lung_shunt_frac=share, ratio=r).lung_over_tumour_and_lung == pytest.approx(
        shunt, rel=1e-11
    )


# Inverse of forward is the identity; the coefficient


@given(LESIONS, MASSES, SHUNTS, ACTIVITIES, COEFFICIENTS)
def test_inverse_of_forward_for_single_and_several(
    lesions: list[tuple[float, float]], normal_g: float, shunt: float, activity: float, k: float
) -> None:
    masses, ratios = (np.array(part) for part in zip(*lesions, strict=True))
    common: dict[str, Any] = {"lung_shunt_frac": shunt, "k_gy_kg_per_gbq": k}
    one = single_compartment(mass_g=normal_g, administered_gbq=activity, **common)
    back = single_compartment(mass_g=normal_g, dose_gy=one.dose_gy, **common)
    assert back.administered_gbq == pytest.approx(activity, rel=EXACT)
    case: dict[str, Any] = {
        "lesion_masses_g": masses,
        "tumour_to_normal": ratios,
        "normal_mass_g": normal_g,
        **common,
    }
    doses = multi_compartment(administered_gbq=activity, **case)
    for goal in ("tumour_gy", "normal_gy"):
        again = multi_compartment(**{goal: getattr(doses, goal)}, **case)
        assert again.administered_gbq == pytest.approx(activity, rel=EXACT)
        assert again.lesions_gy == pytest.approx(doses.lesions_gy, rel=EXACT)


@given(MASSES, MASSES, RATIOS, TUMOUR_SHUNTS, ACTIVITIES, st.floats(0, 0.5))
def test_inverse_of_forward_for_the_artery_specific_model(
    tumour_g: float, normal_g: float, ratio: float, shunt: float, activity: float, residual: float
) -> None:
    doses = _kao(tumour_g, normal_g, ratio, shunt, administered_gbq=activity)
    back = _kao(tumour_g, normal_g, ratio, shunt, tumour_gy=doses.tumour_gy, residual_frac=residual)
    assert back.administered_gbq == pytest.approx(activity, rel=EXACT)
    assert back.prepared_gbq * (1 - residual) == pytest.approx(activity, rel=EXACT)
    assert back.lung_gy == pytest.approx(doses.lung_gy, rel=EXACT)


@given(MASSES, MASSES, RATIOS, TUMOUR_SHUNTS, DOSES, COEFFICIENTS)
def test_doubling_k_halves_the_activity_in_every_model(
    tumour_g: float, normal_g: float, ratio: float, shunt: float, dose: float, k: float
) -> None:
    masses = {"tumour_mass_g": tumour_g, "normal_mass_g": normal_g}
    models: tuple[Callable[[float], Any], ...] = (
        lambda c: single_compartment(mass_g=normal_g, dose_gy=dose, lung_shunt_frac=shunt, k_gy_kg_per_gbq=c),
        lambda c: partition(
            **masses, tumour_to_normal=ratio, tumour_gy=dose, lung_shunt_frac=shunt, k_gy_kg_per_gbq=c
        ),
        lambda c: multi_compartment(
            lesion_masses_g=[tumour_g, normal_g],
            tumour_to_normal=[ratio, 2 * ratio],
            normal_mass_g=normal_g,
            tumour_gy=dose,
            k_gy_kg_per_gbq=c,
        ),
        lambda c: _kao(tumour_g, normal_g, ratio, shunt, tumour_gy=dose, k_gy_kg_per_gbq=c),
    )
    for model in models:
        assert model(k).administered_gbq == pytest.approx(2 * model(2 * k).administered_gbq, rel=EXACT)


# Directions: each argument alone made larger


def _direction(model: Callable[..., Any], case: dict[str, Any], argument: str, more: float) -> dict[str, int]:
    """The sign of the change of each result when one argument grows by the factor `more`."""
    before, after = model(**case), model(**{**case, argument: np.multiply(case[argument], more)})
    names = [name for name in before.__slots__ if isinstance(getattr(before, name), float)]
    return {name: int(np.sign(getattr(after, name) - getattr(before, name))) for name in names}


def _check_directions(
    model: Callable[..., Any], case: dict[str, Any], more: float, expected: dict[str, dict[str, int]]
) -> None:
    for argument, results in expected.items():
        found = _direction(model, case, argument, more)
        assert results == {name: found[name] for name in results}, argument


@given(MASSES, LOW_SHUNTS, ACTIVITIES, COEFFICIENTS, MASSES, MORE)
def test_directions_of_the_single_compartment(
    mass_g: float, shunt: float, activity: float, k: float, lungs_g: float, more: float
) -> None:
    case = {"mass_g": mass_g, "lung_shunt_frac": shunt, "lung_mass_g": lungs_g, "k_gy_kg_per_gbq": k}
    _check_directions(
        single_compartment,
        {**case, "administered_gbq": activity, "residual_frac": 0.1},
        more,
        {
            "administered_gbq": {"dose_gy": 1, "lung_gy": 1, "prepared_gbq": 1},
            "mass_g": {"dose_gy": -1, "lung_gy": 0},
            "lung_shunt_frac": {"dose_gy": -1, "lung_gy": 1},
            "lung_mass_g": {"dose_gy": 0, "lung_gy": -1},
            "k_gy_kg_per_gbq": {"dose_gy": 1, "lung_gy": 1},
            "residual_frac": {"prepared_gbq": 1, "dose_gy": 0},
        },
    )
    _check_directions(
        single_compartment,
        {**case, "dose_gy": 50 * activity},
        more,
        {
            "dose_gy": {"administered_gbq": 1, "lung_gy": 1},
            "mass_g": {"administered_gbq": 1},
            "lung_shunt_frac": {"administered_gbq": 1, "lung_gy": 1},
            "k_gy_kg_per_gbq": {"administered_gbq": -1},
        },
    )


@given(MASSES, MASSES, RATIOS, LOW_SHUNTS, ACTIVITIES, MORE)
def test_directions_of_the_partition(
    tumour_g: float, normal_g: float, ratio: float, shunt: float, activity: float, more: float
) -> None:
    case = {
        "tumour_mass_g": tumour_g,
        "normal_mass_g": normal_g,
        "tumour_to_normal": ratio,
        "lung_shunt_frac": shunt,
        "k_gy_kg_per_gbq": 50.0,
    }
    _check_directions(
        partition,
        {**case, "administered_gbq": activity},
        more,
        {
            "administered_gbq": {"tumour_gy": 1, "normal_gy": 1, "mean_gy": 1, "lung_gy": 1},
            "tumour_mass_g": {"tumour_gy": -1, "normal_gy": -1},
            "normal_mass_g": {"tumour_gy": -1, "normal_gy": -1, "mean_gy": -1},
            "tumour_to_normal": {"tumour_gy": 1, "normal_gy": -1},
            "lung_shunt_frac": {"tumour_gy": -1, "normal_gy": -1, "lung_gy": 1},
            "k_gy_kg_per_gbq": {"tumour_gy": 1, "normal_gy": 1, "lung_gy": 1},
        },
    )
    _check_directions(
        partition,
        {**case, "tumour_gy": 100 * activity},
        more,
        {
            "tumour_gy": {"administered_gbq": 1, "normal_gy": 1, "lung_gy": 1},
            "tumour_mass_g": {"administered_gbq": 1},
            "normal_mass_g": {"administered_gbq": 1},
            "tumour_to_normal": {"administered_gbq": -1, "normal_gy": -1},
            "lung_shunt_frac": {"administered_gbq": 1, "lung_gy": 1},
            "k_gy_kg_per_gbq": {"administered_gbq": -1},
        },
    )


@given(LESIONS, MASSES, LOW_SHUNTS, ACTIVITIES, MORE)
def test_directions_with_several_lesions(
    lesions: list[tuple[float, float]], normal_g: float, shunt: float, activity: float, more: float
) -> None:
    masses, ratios = (np.array(part) for part in zip(*lesions, strict=True))
    case = {
        "lesion_masses_g": masses,
        "tumour_to_normal": ratios,
        "normal_mass_g": normal_g,
        "lung_shunt_frac": shunt,
        "administered_gbq": activity,
        "k_gy_kg_per_gbq": 50.0,
    }
    _check_directions(
        multi_compartment,
        case,
        more,
        {
            "administered_gbq": {"tumour_gy": 1, "normal_gy": 1, "lung_gy": 1},
            "lesion_masses_g": {"tumour_gy": -1, "normal_gy": -1},
            "normal_mass_g": {"tumour_gy": -1, "normal_gy": -1},
            "tumour_to_normal": {"tumour_gy": 1, "normal_gy": -1},
            "lung_shunt_frac": {"tumour_gy": -1, "normal_gy": -1, "lung_gy": 1},
            "k_gy_kg_per_gbq": {"tumour_gy": 1, "normal_gy": 1, "lung_gy": 1},
        },
    )


@given(MASSES, MASSES, RATIOS, LOW_SHUNTS, ACTIVITIES, MORE)
def test_directions_of_the_artery_specific_model(
    tumour_g: float, normal_g: float, ratio: float, shunt: float, activity: float, more: float
) -> None:
    def model(ratio: float, shunt: float, **rest: Any) -> Any:
        return artery_specific(
            activity_ratio=ActivityRatio(ratio), tumour_lung_shunt=TumourLungShunt(shunt), **rest
        )

    case = {
        "tumour_mass_g": tumour_g,
        "normal_mass_g": normal_g,
        "ratio": ratio,
        "shunt": shunt,
        "k_gy_kg_per_gbq": 50.0,
    }
    _check_directions(
        model,
        {**case, "administered_gbq": activity},
        more,
        {
            "administered_gbq": {"tumour_gy": 1, "normal_gy": 1, "lung_gy": 1},
            "tumour_mass_g": {"tumour_gy": -1, "normal_gy": 0, "lung_gy": 0},
            "normal_mass_g": {"tumour_gy": 0, "normal_gy": -1, "lung_gy": 0},
            "ratio": {"tumour_gy": 1, "normal_gy": -1, "lung_gy": 1},
            "shunt": {"tumour_gy": -1, "normal_gy": -1, "lung_gy": 1},
        },
    )
    _check_directions(
        model,
        {**case, "tumour_gy": 100 * activity},
        more,
        {
            "tumour_gy": {"administered_gbq": 1, "normal_gy": 1, "lung_gy": 1},
            "tumour_mass_g": {"administered_gbq": 1},
            "ratio": {"administered_gbq": -1, "normal_gy": -1},
            "shunt": {"administered_gbq": 1, "lung_gy": 1},
            "k_gy_kg_per_gbq": {"administered_gbq": -1},
        },
    )


@given(LOW_SHUNTS, ACTIVITIES, MASSES, MORE)
def test_directions_of_the_lung_dose(shunt: float, activity: float, lungs_g: float, more: float) -> None:
    base = lung_dose(administered_gbq=activity, lung_shunt_frac=shunt, lung_mass_g=lungs_g)
    assert lung_dose(administered_gbq=activity * more, lung_shunt_frac=shunt, lung_mass_g=lungs_g) > base
    assert lung_dose(administered_gbq=activity, lung_shunt_frac=shunt * more, lung_mass_g=lungs_g) > base
    assert lung_dose(administered_gbq=activity, lung_shunt_frac=shunt, lung_mass_g=lungs_g * more) < base


@given(
    st.floats(140, 200), st.floats(40, 130), st.floats(1000, 3000), st.floats(0.3, 0.8), st.floats(0.05, 0.4)
)
def test_directions_of_the_body_surface_method(
    height: float, weight: float, liver: float, lobe_share: float, tumour_share: float
) -> None:
    lobe = liver * lobe_share
    case: dict[str, Any] = {
        "height_cm": height,
        "weight_kg": weight,
        "tumour_volume_ml": lobe * tumour_share,
        "liver_volume_ml": liver,
    }
    lobar: dict[str, Any] = {**case, "lobe_volume_ml": lobe, "lobe_tumour_volume_ml": lobe * tumour_share}
    for which in (case, lobar):
        base = bsa_activity(**which)
        for argument in ("height_cm", "weight_kg"):
            assert bsa_activity(**{**which, argument: 1.1 * which[argument]}) > base
        assert bsa_activity(**{**which, "liver_volume_ml": 1.1 * liver}) < base
    more = 1.1 * lobe * tumour_share
    assert bsa_activity(**{**case, "tumour_volume_ml": more}) > bsa_activity(**case)
    grown = {**lobar, "tumour_volume_ml": more, "lobe_tumour_volume_ml": more}
    assert bsa_activity(**grown) > bsa_activity(**lobar)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 0.5), st.sampled_from(AtEdge))
def test_directions_of_the_empiric_method(a: float, b: float, s: float, t: float, edge: AtEdge) -> None:
    (low, high), (less, more) = sorted((a, b)), sorted((s, t))

    def activity(involvement: float, shunt: float) -> Any:
        found = empiric_activity(involvement_frac=involvement, lung_shunt_frac=shunt, at_edge=edge)
        return found.administered_gbq

    assert activity(low, less) <= activity(high, less)
    assert activity(low, less) >= activity(low, more)


# Dose maps


@given(VOXELS, DOSES, st.floats(0.01, 1.0), st.floats(0.1, 10.0))
def test_a_map_scales_and_its_goals_invert(
    per_gbq: list[float], goal: float, volume: float, factor: float
) -> None:
    shares = np.linspace(0.2, 1.0, len(per_gbq))
    scaled = np.array(per_gbq) * factor
    mean, at_volume = (
        mean_per_gbq(per_gbq, shares),
        dose_at_volume_per_gbq(per_gbq, shares, volume_frac=volume),
    )
    assert mean_per_gbq(scaled, shares) == pytest.approx(factor * mean, rel=EXACT)
    assert dose_at_volume_per_gbq(scaled, shares, volume_frac=volume) == pytest.approx(
        factor * at_volume, rel=EXACT
    )
    assert mean * activity_for_mean_gbq(per_gbq, shares, dose_gy=goal) == pytest.approx(goal, rel=EXACT)
    activity = activity_for_dose_at_volume_gbq(per_gbq, shares, volume_frac=volume, dose_gy=goal)
    assert at_volume * activity == pytest.approx(goal, rel=EXACT)
    assert min(per_gbq) <= at_volume <= max(per_gbq)


# Radiobiology


@given(st.floats(1e-6, 1e3), st.floats(0.5, 20.0), st.floats(0.1, 10.0))
def test_bed_comes_to_the_dose_where_the_dose_is_small(dose: float, ab: float, hours: float) -> None:
    """BED / D - 1 = G D / (alpha/beta): it goes to 0 with D, and is linear in 1 / (alpha/beta)."""
    extra = bed(dose, alpha_beta_gy=ab, repair_half_time_h=hours) - dose
    assert 0 <= extra <= dose * dose / ab * (1 + EXACT) + 1e-12 * dose
    half = bed(dose, alpha_beta_gy=2 * ab, repair_half_time_h=hours) - dose
    assert extra == pytest.approx(2 * half, rel=1e-6, abs=1e-12 * dose)


@given(DOSES, st.floats(0.5, 20.0), st.floats(0.0, 10.0), MORE)
def test_bed_rises_and_inverts(dose: float, ab: float, hours: float, more: float) -> None:
    repair: dict[str, Any] = {"alpha_beta_gy": ab, "repair_half_time_h": hours}
    effective = bed(dose, **repair)
    assert dose_for_bed(effective, **repair) == pytest.approx(dose, rel=1e-11)
    assert bed(dose * more, **repair) > effective
    assert bed(dose, alpha_beta_gy=ab * more, repair_half_time_h=hours) <= effective
    assert bed(dose, alpha_beta_gy=ab, repair_half_time_h=hours * more) >= effective
    assert eqd2(effective, alpha_beta_gy=ab) < effective


@given(st.lists(DOSES, min_size=2, max_size=5), st.floats(0.5, 20.0), st.floats(0.1, 10.0))
def test_bed_adds_per_injection_only(doses: list[float], ab: float, hours: float) -> None:
    repair: dict[str, Any] = {"alpha_beta_gy": ab, "repair_half_time_h": hours}
    together = bed_of_injections(doses, **repair)
    assert together == pytest.approx(sum(float(bed(d, **repair)) for d in doses), rel=EXACT)
    assert together == pytest.approx(bed_of_injections(doses[::-1], **repair), rel=EXACT)
    assert together < bed(sum(doses), **repair)


@given(VOXELS, st.floats(-30, 30), st.floats(-30, 30))
def test_geud_is_the_mean_at_one_and_rises_with_its_exponent(
    doses: list[float], one: float, other: float
) -> None:
    assert geud(doses, exponent=1.0) == pytest.approx(np.mean(doses), rel=EXACT)
    low, high = sorted((one, other))
    if low == 0 or high == 0:
        return
    # Near an exponent of 0 the powers are near 1, which leaves a few digits less.
    slack = 1e-9 * max(doses)
    assert min(doses) - slack <= geud(doses, exponent=low) <= geud(doses, exponent=high) + slack
    assert geud(doses, exponent=high) <= max(doses) + slack


@given(VOXELS, st.floats(0.001, 0.5))
def test_eubed_lies_between_the_lowest_and_the_mean(doses: list[float], alpha: float) -> None:
    found = eubed(doses, alpha_per_gy=alpha)
    assert min(doses) - 1e-9 <= found <= np.mean(doses) + 1e-9
    assert eubed([doses[0]] * 3, alpha_per_gy=alpha) == pytest.approx(doses[0], rel=EXACT)


# Order


@given(LESIONS, MASSES, SHUNTS, ACTIVITIES)
def test_the_order_of_lesions_does_not_matter(
    lesions: list[tuple[float, float]], normal_g: float, shunt: float, activity: float
) -> None:
    def doses(order: list[tuple[float, float]]) -> Any:
        masses, ratios = zip(*order, strict=True)
        return multi_compartment(
            lesion_masses_g=masses,
            tumour_to_normal=ratios,
            normal_mass_g=normal_g,
            administered_gbq=activity,
            lung_shunt_frac=shunt,
        )

    there, back = doses(lesions), doses(lesions[::-1])
    assert there.lesions_gy == pytest.approx(back.lesions_gy[::-1], rel=EXACT)
    assert there.normal_gy == pytest.approx(back.normal_gy, rel=EXACT)
    assert there.tumour_gy == pytest.approx(back.tumour_gy, rel=EXACT)


@given(VOXELS, st.floats(0.2, 20), st.floats(0.01, 1.0))
def test_the_order_of_voxels_does_not_matter(doses: list[float], exponent: float, volume: float) -> None:
    weights = np.linspace(0.1, 1.0, len(doses))
    there, back = (doses, weights), (doses[::-1], weights[::-1])
    found = [
        (
            geud(d, exponent=exponent, weights=w),
            eubed(d, alpha_per_gy=0.05, weights=w),
            mean_per_gbq(d, w),
            dose_at_volume_per_gbq(d, w, volume_frac=volume),
        )
        for d, w in (there, back)
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-10)
