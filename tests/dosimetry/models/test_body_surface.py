"""Body surface and the activity from it: hand calculations, the lobe's own tumour share, refusals."""

from typing import Any

import numpy as np
import pytest

from emboplan.dosimetry.models.body_surface import BodySurfaceFormula, body_surface_m2, bsa_activity
from emboplan.errors import ModelRangeError

CASE: dict[str, Any] = {
    "height_cm": 175.0,
    "weight_kg": 75.0,
    "tumour_volume_ml": 250.0,
    "liver_volume_ml": 1500.0,
}


def test_dubois_agrees_with_the_form_in_centimetres() -> None:
    """0.007184 x height[cm]^0.725 x weight^0.425, as other sources print it; both are rounded to 4 digits."""
    expected = 0.007184 * 170**0.725 * 70**0.425
    assert expected == pytest.approx(body_surface_m2(height_cm=170, weight_kg=70), rel=1e-4)


def test_mosteller_by_hand() -> None:
    """sqrt(180 x 80 / 3600) = 2."""
    assert body_surface_m2(height_cm=180, weight_kg=80, formula="mosteller") == 2.0


def test_the_two_formulas_differ() -> None:
    """70 kg and 170 cm: 1.8097 and 1.8181 m2."""
    found = [body_surface_m2(height_cm=170, weight_kg=70, formula=f) for f in BodySurfaceFormula]
    assert [pytest.approx(f, abs=5e-5) for f in found] == [1.8097, 1.8181]


def test_whole_liver_activity_is_surface_and_share() -> None:
    """Mosteller with 180 cm and 80 kg: 2 m2 - 0.2 + 300 / 1500 = 2.0 GBq."""
    found = bsa_activity(
        height_cm=180, weight_kg=80, tumour_volume_ml=300, liver_volume_ml=1500, formula="mosteller"
    )
    assert pytest.approx(2.0, rel=1e-12) == found


def test_lobar_activity_uses_the_lobes_own_share() -> None:
    """All 250 mL of tumour in a lobe of 1000 mL: 1.302 GBq, not 1.247 as by scaling."""
    lobar = bsa_activity(**CASE, lobe_volume_ml=1000, lobe_tumour_volume_ml=250)
    scaled = bsa_activity(**CASE) * 1000 / 1500
    assert pytest.approx(1.302, abs=5e-4) == lobar
    assert pytest.approx(1.247, abs=5e-4) == scaled


def test_scaling_is_right_where_tumour_is_spread_evenly() -> None:
    lobar = bsa_activity(**CASE, lobe_volume_ml=900, lobe_tumour_volume_ml=150)
    assert bsa_activity(**CASE) * 900 / 1500 == pytest.approx(lobar, rel=1e-12)


def test_the_two_lobes_add_up_to_the_whole() -> None:
    """Shares of the lobes, weighted by volume, are the share of the liver."""
    right = bsa_activity(**CASE, lobe_volume_ml=1000, lobe_tumour_volume_ml=180)
    left = bsa_activity(**CASE, lobe_volume_ml=500, lobe_tumour_volume_ml=70)
    assert bsa_activity(**CASE) == pytest.approx(right + left, rel=1e-12)


def test_arrays_go_through() -> None:
    heights = np.array([160.0, 175.0])
    table = bsa_activity(**{**CASE, "height_cm": heights})
    assert np.shape(table) == (2,)
    assert np.asarray(table)[1] == bsa_activity(**CASE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"height_cm": 0.0}, "height_cm is 0"),
        ({"height_cm": 1.75}, "height is in cm"),
        ({"weight_kg": -70.0}, "weight_kg"),
        ({"formula": "haycock"}, "expected one of dubois, mosteller"),
        ({"liver_volume_ml": 0.0}, "liver_volume_ml is 0"),
        ({"tumour_volume_ml": -1.0}, "tumour_volume_ml"),
        ({"tumour_volume_ml": 1600.0}, "more than the 1500 mL of liver_volume_ml"),
        ({"lobe_volume_ml": 900.0}, "given without lobe_tumour_volume_ml"),
        ({"lobe_tumour_volume_ml": 90.0}, "given without lobe_volume_ml"),
        ({"lobe_volume_ml": 1600.0, "lobe_tumour_volume_ml": 90.0}, "more than the 1500 mL of liver"),
        ({"lobe_volume_ml": 100.0, "lobe_tumour_volume_ml": 120.0}, "more than the 100 mL of lobe"),
        ({"lobe_volume_ml": 900.0, "lobe_tumour_volume_ml": 260.0}, "more than the 250 mL of tumour"),
    ],
)
def test_impossible_bodies_and_volumes_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelRangeError, match=message):
        bsa_activity(**{**CASE, **change})
