"""The future liver remnant: hand calculations of each share and formula, growth, refusals."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.errors import ModelRangeError
from emboplan.measure.liver_remnant import (
    LiverVolumeFormula,
    degree_of_hypertrophy,
    estimated_liver_volume_ml,
    future_liver_remnant,
    liver_remnant,
    standardised_remnant,
)


def test_both_formulas_by_hand() -> None:
    """At 2 m2: -794.41 + 2534.56 = 1740.15 mL; 2.4 + 1412.4 = 1414.8 mL."""
    found = [estimated_liver_volume_ml(2.0, formula=formula) for formula in LiverVolumeFormula]
    assert found == [pytest.approx(1740.15, rel=1e-12), pytest.approx(1414.8, rel=1e-12)]


def test_the_share_leaves_the_tumour_out_of_the_whole() -> None:
    """450 of 1800 - 300 mL: 30 %."""
    assert future_liver_remnant(remnant_ml=450, liver_ml=1800, tumour_ml=300) == pytest.approx(0.3, rel=1e-12)


def test_the_standardised_share() -> None:
    assert standardised_remnant(remnant_ml=348.03, body_surface_m2=2.0) == pytest.approx(0.2, rel=1e-12)
    urata = standardised_remnant(remnant_ml=353.7, body_surface_m2=2.0, formula="urata")
    assert urata == pytest.approx(0.25, rel=1e-12)


def test_growth_is_in_percentage_points() -> None:
    """From 25 to 36 %: 11 points, not 44 %."""
    assert degree_of_hypertrophy(before=0.25, after=0.36) == pytest.approx(11.0, rel=1e-12)
    assert degree_of_hypertrophy(before=0.30, after=0.28) == pytest.approx(-2.0, rel=1e-12)


@given(st.floats(100, 1000), st.floats(10, 500), st.floats(1.0, 2.6))
def test_growth_is_the_added_volume_over_the_estimate(before: float, more: float, surface: float) -> None:
    shares = [standardised_remnant(remnant_ml=ml, body_surface_m2=surface) for ml in (before, before + more)]
    growth = degree_of_hypertrophy(before=shares[0], after=shares[1])
    assert growth == pytest.approx(100 * more / estimated_liver_volume_ml(surface), rel=1e-9)


def test_everything_that_is_reported() -> None:
    found = liver_remnant(
        remnant_ml=450.0, liver_ml=1800.0, tumour_ml=300.0, body_surface_m2=2.0, weight_kg=75.0
    )
    assert (found.volume_ml, found.ml_per_kg) == (450.0, 6.0)
    assert found.share == pytest.approx(0.3, rel=1e-12)
    assert found.standardised_share == pytest.approx(450 / 1740.15, rel=1e-12)
    assert LiverVolumeFormula.VAUTHEY is found.formula


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"remnant_ml": 0.0}, "remnant_ml is 0"),
        ({"remnant_ml": 1600.0}, "more than the 1500 mL of liver without tumour"),
        ({"tumour_ml": 1800.0}, "not below the 1800 mL"),
        ({"tumour_ml": -1.0}, "tumour_ml"),
        ({"liver_ml": float("nan")}, "liver_ml"),
        ({"weight_kg": 0.0}, "weight_kg"),
        ({"body_surface_m2": 0.5}, "gives no liver volume"),
        ({"body_surface_m2": -2.0}, "body_surface_m2"),
        ({"formula": "guess"}, "expected one of vauthey, urata"),
    ],
)
def test_impossible_livers_are_refused(change: dict[str, Any], message: str) -> None:
    case: dict[str, Any] = {
        "remnant_ml": 450.0,
        "liver_ml": 1800.0,
        "tumour_ml": 300.0,
        "body_surface_m2": 2.0,
        "weight_kg": 75.0,
    }
    with pytest.raises(ModelRangeError, match=message):
        liver_remnant(**{**case, **change})
