"""Spheres against printed counts, hand-reckoned volumes, and the density that the insert implies."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.dosimetry.treatment.spheres import (
    activity_per_sphere_bq,
    density_from_count_g_per_ml,
    sphere_load,
    sphere_volume_ml,
    spheres_for_activity,
    spheres_per_vial,
)
from emboplan.errors import CatalogError, ModelRangeError
from emboplan.model.products import Status


@pytest.mark.parametrize(
    ("activity", "spheres", "expected"),
    [(3.0, 1.2e6, 2500.0), (3.0, 44e6, 3e9 / 44e6), (15.0, 4e6, 3750.0), (6.0, 33e6, 6000 / 33)],
)
def test_activity_per_sphere(activity: float, spheres: float, expected: float) -> None:
    """By division; 2500 Bq is printed for 3 GBq of glass (World J Hepatol 2015;7:738)."""
    assert expected == pytest.approx(
        activity_per_sphere_bq(activity_gbq=activity, spheres=spheres), rel=1e-12
    )


def test_volume_of_a_sphere() -> None:
    """A sphere of 1 cm holds pi/6 mL; one of 10 um is (1/1000)^3 of it."""
    assert math.pi / 6 == pytest.approx(sphere_volume_ml(diameter_um=1e4), rel=1e-12)
    assert math.pi / 6e9 == pytest.approx(sphere_volume_ml(diameter_um=10.0), rel=1e-12)


def test_density_that_the_glass_insert_implies() -> None:
    """22,000 spheres of 30 um and 73,000 of 20 um weigh a milligram: 3.215 and 3.270 g/mL by hand.

    30 um: V = pi/6 x 0.027e-3 mm3 = 1.41372e-8 mL; 1e-3 / 22000 / 1.41372e-8 = 3.2153.
    """
    large = density_from_count_g_per_ml(spheres_per_mg=22_000, diameter_um=30)
    small = density_from_count_g_per_ml(spheres_per_mg=73_000, diameter_um=20)
    assert large == pytest.approx(3.2153, abs=1e-4)
    assert small == pytest.approx(3.2703, abs=1e-4)
    assert (large + small) / 2 == pytest.approx(3.3, abs=0.1)


def test_default_counts() -> None:
    """Glass by labelled activity; resin and holmium one count a vial."""
    assert spheres_per_vial("therasphere", label_gbq=10.0) == 4e6
    assert spheres_per_vial("sir-spheres", label_gbq=3.0) == 44e6
    assert spheres_per_vial("quiremspheres", label_gbq=6.0) == spheres_per_vial(
        "quiremspheres", label_gbq=12.0
    )


def test_embolic_load_of_a_glass_vial() -> None:
    """3 GBq: 1.2 million spheres of 25 um, 8.18e-9 mL each, make 9.8 microlitres; 5 to 17 over the range."""
    load = sphere_load("therasphere", label_gbq=3.0, activity_gbq=1.5)
    assert load.spheres == pytest.approx(1.2e6)
    assert load.activity_per_sphere_bq == pytest.approx(1250.0)
    assert load.sphere_volume_ml == pytest.approx(1.2e6 * math.pi * 0.025**3 / 6 / 1000, rel=1e-12)
    assert load.sphere_volume_range_ml == pytest.approx(
        (1.2e6 * math.pi * 0.020**3 / 6000, 1.2e6 * math.pi * 0.030**3 / 6000), rel=1e-12
    )
    assert load.status is Status.TO_CONFIRM


def test_a_share_of_resin() -> None:
    """Half a vial: half the spheres, the same activity on each; 44 million of 32.5 um are 0.791 mL."""
    load = sphere_load("sir-spheres", label_gbq=3.0, activity_gbq=3.0, share_of_vial_frac=0.5)
    assert load.spheres == pytest.approx(22e6)
    assert load.activity_per_sphere_bq == pytest.approx(3e9 / 44e6)
    assert load.sphere_volume_ml == pytest.approx(0.791 / 2, abs=5e-4)
    assert load.status is Status.CONFIRMED


def test_the_users_count_and_diameter_win() -> None:
    load = sphere_load("sir-spheres", label_gbq=3.0, activity_gbq=3.0, spheres=60e6, diameter_um=30.0)
    assert (load.activity_per_sphere_bq, load.count_source, load.diameter_source) == (
        50.0,
        "entered",
        "entered",
    )
    assert load.sphere_volume_range_ml is None
    assert load.sphere_volume_ml == pytest.approx(60e6 * math.pi * 0.03**3 / 6000, rel=1e-12)


@given(st.floats(0.01, 30), st.floats(1e4, 1e8))
def test_spheres_times_activity_of_one_is_the_activity(activity: float, spheres: float) -> None:
    one = activity_per_sphere_bq(activity_gbq=activity, spheres=spheres)
    assert spheres == pytest.approx(
        spheres_for_activity(activity_gbq=activity, activity_per_sphere_bq=one), rel=1e-12
    )
    assert activity * 1e9 == pytest.approx(spheres * float(one), rel=1e-12)


@given(st.floats(1, 100), st.floats(1e3, 1e6), st.floats(1.001, 2))
def test_smaller_spheres_of_one_weight_are_denser(diameter: float, count: float, less: float) -> None:
    base = density_from_count_g_per_ml(spheres_per_mg=count, diameter_um=diameter)
    small = density_from_count_g_per_ml(spheres_per_mg=count, diameter_um=diameter / less)
    assert float(small) == pytest.approx(float(base) * less**3, rel=1e-12)


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ModelRangeError, match="spheres is 0"):
        activity_per_sphere_bq(activity_gbq=3.0, spheres=0)
    with pytest.raises(ModelRangeError, match="diameter_um"):
        sphere_volume_ml(diameter_um=-1)
    with pytest.raises(ModelRangeError, match=r"share_of_vial_frac is 1\.5"):
        sphere_load("sir-spheres", label_gbq=3, activity_gbq=3, share_of_vial_frac=1.5)
    with pytest.raises(CatalogError, match="no microsphere"):
        spheres_per_vial("no-such", label_gbq=3)
