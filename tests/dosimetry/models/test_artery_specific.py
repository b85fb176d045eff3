"""Kao's model: a hand calculation, its own quantities kept apart from T/N and shunt, refusals."""

from typing import Any

import numpy as np
import pytest

from emboplan.dosimetry.models.artery_specific import (
    ActivityRatio,
    TumourLungShunt,
    activity_ratio,
    artery_specific,
    concentration_ratio,
    lung_shunt_fraction,
    tumour_lung_shunt,
)
from emboplan.dosimetry.models.compartment import lung_dose, partition
from emboplan.errors import ModelRangeError

CASE: dict[str, Any] = {
    "tumour_mass_g": 200.0,
    "normal_mass_g": 800.0,
    "activity_ratio": ActivityRatio(2.0),
    "tumour_lung_shunt": TumourLungShunt(0.2),
}


def test_by_hand() -> None:
    """200 Gy in 200 g at K 50: 0.8 GBq in the tumour, half of it in normal liver, a quarter in the lungs."""
    found = artery_specific(**CASE, tumour_gy=200.0, k_gy_kg_per_gbq=50.0)
    assert [
        pytest.approx(value, rel=1e-12)
        for value in (found.tumour_gbq, found.normal_gbq, found.lung_gbq, found.administered_gbq)
    ] == [0.8, 0.4, 0.2, 1.4]
    assert pytest.approx(50 * 0.4 / 0.8, rel=1e-12) == found.normal_gy
    assert pytest.approx(50 * 0.2 / 1.0, rel=1e-12) == found.lung_gy
    assert pytest.approx(0.2 / 1.4, rel=1e-12) == found.lung_shunt_frac
    assert pytest.approx(50 * 1.2 / 1.0, rel=1e-12) == found.mean_gy


def test_the_default_coefficient_is_not_the_papers() -> None:
    """The catalogue's 49.8, as in every other model, not the 50 of the paper."""
    default, fifty = (artery_specific(**CASE, tumour_gy=100.0, k_gy_kg_per_gbq=k) for k in (None, 50.0))
    assert pytest.approx(50 / 49.8, rel=1e-12) == default.administered_gbq / fifty.administered_gbq


def test_the_quantities_are_three_different_numbers() -> None:
    """42,000 and 180,000 counts in 85 and 1250 g: T/N 3.43, R 0.233; a TLSF of 0.2 is a smaller LSF."""
    r = activity_ratio(tumour_to_normal=42000 / 85 / (180000 / 1250), tumour_mass_g=85, normal_mass_g=1250)
    assert pytest.approx(42 / 180, rel=1e-12) == r.tumour_over_normal
    assert pytest.approx(3.43137, abs=1e-5) == concentration_ratio(r, tumour_mass_g=85, normal_mass_g=1250)
    share = lung_shunt_fraction(r, TumourLungShunt(0.2))
    # For 42 in the tumour: 180 in normal liver and 10.5 in the lungs.
    assert pytest.approx(10.5 / 232.5, rel=1e-12) == share
    assert (
        pytest.approx(0.2, rel=1e-12)
        == tumour_lung_shunt(lung_shunt_frac=share, ratio=r).lung_over_tumour_and_lung
    )


@pytest.mark.parametrize("name", ["activity_ratio", "tumour_lung_shunt"])
@pytest.mark.parametrize("other", [4.0, ActivityRatio(0.5), TumourLungShunt(0.1), None])
def test_neither_a_number_nor_the_other_quantity_is_taken(name: str, other: object) -> None:
    if isinstance(other, type(CASE[name])):
        return
    with pytest.raises(ModelRangeError, match=f"{name} is .*converts"):
        artery_specific(**{**CASE, name: other}, tumour_gy=100.0)


def test_the_other_models_do_not_take_kaos_quantities() -> None:
    masses = {"tumour_mass_g": 200.0, "normal_mass_g": 800.0}
    wrong: Any = ActivityRatio(2.0)
    with pytest.raises(ModelRangeError, match="tumour_to_normal is ActivityRatio"):
        partition(**masses, tumour_to_normal=wrong, administered_gbq=1.0)
    with pytest.raises(ModelRangeError, match="tumour_to_normal is ActivityRatio"):
        activity_ratio(tumour_to_normal=wrong, **masses)
    wrong = TumourLungShunt(0.1)
    with pytest.raises(ModelRangeError, match="lung_shunt_frac is TumourLungShunt"):
        lung_dose(administered_gbq=1.0, lung_shunt_frac=wrong)
    with pytest.raises(ModelRangeError, match="lung_shunt_frac is TumourLungShunt"):
        tumour_lung_shunt(lung_shunt_frac=wrong, ratio=ActivityRatio(2.0))


def test_arrays_broadcast_and_agree_with_floats() -> None:
    ratios = ActivityRatio(np.array([1.0, 2.0, 4.0]))
    table = artery_specific(**{**CASE, "activity_ratio": ratios}, administered_gbq=np.array([[1.0], [2.0]]))
    one = artery_specific(**CASE, administered_gbq=2.0)
    assert np.shape(table.tumour_gy) == (2, 3)
    assert one.tumour_gy == np.asarray(table.tumour_gy)[1, 1]


def test_an_array_of_ratios_cannot_be_changed_from_outside() -> None:
    values = np.array([1.0, 2.0])
    ratio = ActivityRatio(values)
    values[0] = 9.0
    assert np.asarray(ratio.tumour_over_normal).tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(ratio.tumour_over_normal)[0] = 9.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tumour_mass_g": 0.0}, "tumour_mass_g is 0"),
        ({"normal_mass_g": -1.0}, "normal_mass_g"),
        ({"lung_mass_g": 0.0}, "lung_mass_g"),
        ({"k_gy_kg_per_gbq": 0.0}, "k_gy_kg_per_gbq"),
        ({"residual_frac": 1.0}, "residual_frac"),
        ({"tumour_gy": None}, "found none"),
        ({"administered_gbq": 1.0}, "found both"),
        ({"tumour_gy": -5.0}, "tumour_gy"),
    ],
)
def test_numbers_outside_the_model_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelRangeError, match=message):
        artery_specific(**{**CASE, "tumour_gy": 100.0, **change})


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), "four"])
def test_a_ratio_of_activities_is_above_0(value: Any) -> None:
    with pytest.raises(ModelRangeError, match="R "):
        ActivityRatio(value)


@pytest.mark.parametrize("value", [-0.1, 1.0, 5.0])
def test_a_tumour_to_lung_shunt_is_a_share(value: float) -> None:
    with pytest.raises(ModelRangeError, match="TLSF is"):
        TumourLungShunt(value)
