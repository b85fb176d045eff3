"""Invariants of the compartment models: energy, limits of the partition, inverse of forward, monotony."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.dosimetry.models.compartment import (
    activity_for_lung_dose_gbq,
    administered_activity_gbq,
    lung_dose,
    mean_over_whole_normal_gy,
    multi_compartment,
    partition,
    prepared_activity_gbq,
    single_compartment,
)
from emboplan.errors import ModelRangeError

MASSES = st.floats(1.0, 3000.0)
RATIOS = st.floats(0.1, 30.0)
SHUNTS = st.floats(0.0, 0.95)
ACTIVITIES = st.floats(0.01, 20.0)
COEFFICIENTS = st.floats(10.0, 60.0)


@given(MASSES, MASSES, RATIOS, SHUNTS, ACTIVITIES, COEFFICIENTS, MASSES)
def test_energy_balances_in_the_partition_model(
    tumour_g: float, normal_g: float, ratio: float, shunt: float, activity: float, k: float, lung_g: float
) -> None:
    """Doses times masses of tumour, normal liver and lungs add up to K times the administered activity."""
    doses = partition(
        tumour_mass_g=tumour_g,
        normal_mass_g=normal_g,
        tumour_to_normal=ratio,
        administered_gbq=activity,
        lung_shunt_frac=shunt,
        lung_mass_g=lung_g,
        k_gy_kg_per_gbq=k,
    )
    energy = (doses.tumour_gy * tumour_g + doses.normal_gy * normal_g + doses.lung_gy * lung_g) / 1000
    assert energy == pytest.approx(k * activity, rel=1e-12)
    assert doses.tumour_gy == pytest.approx(ratio * doses.normal_gy, rel=1e-12)


@given(st.lists(st.tuples(MASSES, RATIOS), min_size=1, max_size=6), MASSES, SHUNTS, ACTIVITIES, COEFFICIENTS)
def test_energy_balances_with_several_lesions(
    lesions: list[tuple[float, float]], normal_g: float, shunt: float, activity: float, k: float
) -> None:
    masses, ratios = (np.array(part) for part in zip(*lesions, strict=True))
    doses = multi_compartment(
        lesion_masses_g=masses,
        tumour_to_normal=ratios,
        normal_mass_g=normal_g,
        administered_gbq=activity,
        lung_shunt_frac=shunt,
        k_gy_kg_per_gbq=k,
    )
    energy = (doses.lesions_gy @ masses + doses.normal_gy * normal_g) / 1000 + doses.lung_gy
    assert energy == pytest.approx(k * activity, rel=1e-12)


@given(MASSES, MASSES, SHUNTS, st.floats(1, 500))
def test_a_ratio_of_one_is_the_single_compartment(
    tumour_g: float, normal_g: float, shunt: float, dose: float
) -> None:
    split = partition(
        tumour_mass_g=tumour_g,
        normal_mass_g=normal_g,
        tumour_to_normal=1.0,
        tumour_gy=dose,
        lung_shunt_frac=shunt,
    )
    whole = single_compartment(mass_g=tumour_g + normal_g, dose_gy=dose, lung_shunt_frac=shunt)
    assert split.administered_gbq == pytest.approx(whole.administered_gbq, rel=1e-12)
    assert split.mean_gy == pytest.approx(dose, rel=1e-12)


@given(MASSES, MASSES, RATIOS, SHUNTS, ACTIVITIES)
def test_equal_ratios_are_the_partition_model(
    tumour_g: float, normal_g: float, ratio: float, shunt: float, activity: float
) -> None:
    several = multi_compartment(
        lesion_masses_g=[tumour_g / 3, 2 * tumour_g / 3],
        tumour_to_normal=[ratio, ratio],
        normal_mass_g=normal_g,
        administered_gbq=activity,
        lung_shunt_frac=shunt,
    )
    one = partition(
        tumour_mass_g=tumour_g,
        normal_mass_g=normal_g,
        tumour_to_normal=ratio,
        administered_gbq=activity,
        lung_shunt_frac=shunt,
    )
    assert several.normal_gy == pytest.approx(one.normal_gy, rel=1e-12)
    assert several.tumour_gy == pytest.approx(one.tumour_gy, rel=1e-12)


@given(MASSES, MASSES, RATIOS, SHUNTS, ACTIVITIES, st.floats(0, 0.5))
def test_inverse_of_forward_is_the_identity(
    tumour_g: float, normal_g: float, ratio: float, shunt: float, activity: float, residual: float
) -> None:
    given_masses: dict[str, Any] = {
        "tumour_mass_g": tumour_g,
        "normal_mass_g": normal_g,
        "tumour_to_normal": ratio,
        "lung_shunt_frac": shunt,
        "residual_frac": residual,
    }
    forward = partition(administered_gbq=activity, **given_masses)
    for back in (
        partition(tumour_gy=forward.tumour_gy, **given_masses),
        partition(normal_gy=forward.normal_gy, **given_masses),
    ):
        assert back.administered_gbq == pytest.approx(activity, rel=1e-12)
        assert administered_activity_gbq(back.prepared_gbq, residual) == pytest.approx(activity, rel=1e-12)


@given(st.floats(0.001, 0.95), ACTIVITIES, MASSES)
def test_inverse_of_the_lung_dose(shunt: float, activity: float, lung_g: float) -> None:
    dose = lung_dose(administered_gbq=activity, lung_shunt_frac=shunt, lung_mass_g=lung_g)
    back = activity_for_lung_dose_gbq(lung_gy=dose, lung_shunt_frac=shunt, lung_mass_g=lung_g)
    assert back == pytest.approx(activity, rel=1e-12)


@given(MASSES, MASSES, RATIOS, st.floats(0.0, 0.9), ACTIVITIES, st.floats(1.01, 2.0))
def test_doses_move_the_right_way(
    tumour_g: float, normal_g: float, ratio: float, shunt: float, activity: float, more: float
) -> None:
    """More activity: more dose. More shunt: less in the liver, more in the lungs. More mass: less dose."""

    def doses(**changed: float) -> Any:
        base = {
            "tumour_mass_g": tumour_g,
            "normal_mass_g": normal_g,
            "tumour_to_normal": ratio,
            "administered_gbq": activity,
            "lung_shunt_frac": shunt,
        }
        return partition(**{**base, **changed})

    base = doses()
    assert doses(administered_gbq=activity * more).tumour_gy > base.tumour_gy
    shunted = doses(lung_shunt_frac=shunt + 0.05)
    assert shunted.normal_gy < base.normal_gy
    assert shunted.lung_gy > base.lung_gy
    assert doses(normal_mass_g=normal_g * more).tumour_gy < base.tumour_gy
    hotter = doses(tumour_to_normal=ratio * more)
    assert hotter.tumour_gy > base.tumour_gy
    assert hotter.normal_gy < base.normal_gy


def test_doubling_k_halves_the_activity() -> None:
    one, two = (single_compartment(mass_g=1500.0, dose_gy=120.0, k_gy_kg_per_gbq=k) for k in (49.8, 99.6))
    assert one.administered_gbq == pytest.approx(2 * two.administered_gbq, rel=1e-12)


def test_the_default_is_y90_and_one_kilogram_of_lung() -> None:
    """49.8 Gy kg/GBq: 2 GBq with a shunt of 10 % give 49.8 x 0.2 Gy in 1 kg of lung."""
    assert lung_dose(administered_gbq=2.0, lung_shunt_frac=0.1) == pytest.approx(9.96, rel=1e-12)


def test_without_shunt_the_lungs_get_nothing() -> None:
    assert single_compartment(mass_g=1000.0, administered_gbq=2.0).lung_gy == 0.0


def test_residual_divides() -> None:
    assert prepared_activity_gbq(1.8, residual_frac=0.1) == pytest.approx(2.0, rel=1e-12)


def test_arrays_broadcast_and_agree_with_floats() -> None:
    shunts, ratios = np.linspace(0, 0.3, 4), np.array([[2.0], [5.0]])
    table = partition(
        tumour_mass_g=200.0,
        normal_mass_g=1200.0,
        tumour_to_normal=ratios,
        administered_gbq=2.0,
        lung_shunt_frac=shunts,
    )
    one = partition(
        tumour_mass_g=200.0,
        normal_mass_g=1200.0,
        tumour_to_normal=5.0,
        administered_gbq=2.0,
        lung_shunt_frac=float(shunts[2]),
    )
    assert np.shape(table.tumour_gy) == (2, 4)
    assert np.asarray(table.tumour_gy)[1, 2] == one.tumour_gy


def test_whole_normal_liver_counts_untreated_liver_as_zero() -> None:
    doses = partition(
        tumour_mass_g=100.0,
        normal_mass_g=500.0,
        tumour_to_normal=4.0,
        normal_gy=60.0,
        whole_normal_mass_g=1500.0,
    )
    assert doses.whole_normal_gy == pytest.approx(20.0, rel=1e-12)


PARTITION = {
    "tumour_mass_g": 100.0,
    "normal_mass_g": 500.0,
    "tumour_to_normal": 4.0,
    "administered_gbq": 2.0,
    "lung_shunt_frac": 0.05,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lung_shunt_frac": 1.0}, "lung_shunt_frac is 1"),
        ({"lung_shunt_frac": -0.01}, "lung_shunt_frac"),
        ({"lung_shunt_frac": 5.0}, "5 % is 0.05"),
        ({"tumour_to_normal": 0.0}, "tumour_to_normal"),
        ({"tumour_to_normal": -2.0}, "tumour_to_normal"),
        ({"tumour_mass_g": 0.0}, "tumour_mass_g"),
        ({"normal_mass_g": -5.0}, "normal_mass_g"),
        ({"normal_mass_g": float("nan")}, "normal_mass_g"),
        ({"lung_mass_g": 0.0}, "lung_mass_g"),
        ({"administered_gbq": -1.0}, "administered_gbq"),
        ({"residual_frac": 1.0}, "residual_frac"),
        ({"k_gy_kg_per_gbq": 0.0}, "k_gy_kg_per_gbq"),
        ({"whole_normal_mass_g": 400.0}, "give all normal liver"),
        ({"tumour_gy": 100.0}, "exactly one"),
        ({"administered_gbq": None}, "exactly one"),
        ({"tumour_to_normal": "five"}, "expected a number"),
    ],
)
def test_numbers_outside_the_models_are_refused(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {**PARTITION, **change}
    with pytest.raises(ModelRangeError, match=message):
        partition(**arguments)


def test_lesions_and_ratios_must_match() -> None:
    with pytest.raises(ModelRangeError, match="2 lesion masses and 3 ratios"):
        multi_compartment(
            lesion_masses_g=[10.0, 20.0],
            tumour_to_normal=[3.0, 4.0, 5.0],
            normal_mass_g=1000.0,
            administered_gbq=1.0,
        )


def test_one_ratio_stands_for_every_lesion() -> None:
    """Each lesion has its dose, also where they share their ratio."""
    case: dict[str, Any] = {
        "lesion_masses_g": [10.0, 20.0, 30.0],
        "normal_mass_g": 1000.0,
        "administered_gbq": 1.0,
    }
    shared, each = (multi_compartment(tumour_to_normal=r, **case) for r in (4.0, [4.0, 4.0, 4.0]))
    assert each.lesions_gy.tolist() == shared.lesions_gy.tolist()
    table = multi_compartment(tumour_to_normal=[[2.0], [4.0]], **case)
    assert table.lesions_gy.shape == (2, 3)
    assert table.lesions_gy[1].tolist() == each.lesions_gy.tolist()


def test_no_activity_reaches_lungs_without_shunt() -> None:
    with pytest.raises(ModelRangeError, match="lung_shunt_frac is 0"):
        activity_for_lung_dose_gbq(lung_gy=30.0, lung_shunt_frac=0.0)


def test_treated_volumes_cannot_outweigh_the_liver() -> None:
    with pytest.raises(ModelRangeError, match="weigh more"):
        mean_over_whole_normal_gy(doses_gy=[10, 20], masses_g=[900, 800], whole_normal_mass_g=1500)
