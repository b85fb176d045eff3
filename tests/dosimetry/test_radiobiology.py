"""Radiobiology: the integral behind G, hand calculations, curves at known points, refusals."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate

from emboplan import catalog
from emboplan.dosimetry.radiobiology import (
    Curve,
    bed,
    bed_of_injections,
    dose_for_bed,
    eqd2,
    eubed,
    geud,
    lea_catcheside,
    ntcp_logistic,
    ntcp_probit,
    parameters,
    tcp,
)
from emboplan.errors import CatalogError, ModelRangeError
from emboplan.model.products import Status

LIVER: dict[str, Any] = {"alpha_beta_gy": 2.5, "repair_half_time_h": 2.5, "half_life_h": 64.1}


def test_g_is_the_double_integral_over_the_dose_rate() -> None:
    """G = (2/D^2) int R(t) int R(s) exp(-mu (t - s)) ds dt for a rate that decays: solved numerically."""
    physical, repair = math.log(2) / 64.1, math.log(2) / 2.5

    def inner(t: float) -> float:
        # int_0^t exp(-physical s) exp(-repair (t - s)) ds
        return (math.exp(-physical * t) - math.exp(-repair * t)) / (repair - physical)

    integral, _ = integrate.quad(lambda t: math.exp(-physical * t) * inner(t), 0, 64.1 * 40, limit=400)
    expected = 2 * integral * physical**2
    assert expected == pytest.approx(lea_catcheside(repair_half_time_h=2.5, half_life_h=64.1), rel=1e-8)


def test_published_factors() -> None:
    """With 64.1 h: 0.02287 for 1.5 h and 0.03754 for 2.5 h; mu 0.28/h and lambda 0.0108/h give 0.0371."""
    found = [lea_catcheside(repair_half_time_h=hours) for hours in (1.5, 2.5)]
    assert found == [pytest.approx(0.02287, abs=5e-6), pytest.approx(0.03754, abs=5e-6)]
    half_times = {"repair_half_time_h": math.log(2) / 0.28, "half_life_h": math.log(2) / 0.0108}
    assert pytest.approx(0.0108 / 0.2908, rel=1e-12) == lea_catcheside(**half_times)


def test_without_delay_of_repair_the_dose_is_all() -> None:
    assert lea_catcheside(repair_half_time_h=0.0) == 0.0
    assert bed(80.0, alpha_beta_gy=2.5, repair_half_time_h=0.0) == 80.0
    assert dose_for_bed(80.0, alpha_beta_gy=2.5, repair_half_time_h=0.0) == 80.0


def test_bed_by_hand() -> None:
    """G = 1/5 for 16 h against 64 h: 50 (1 + 50/5/10) = 100."""
    assert pytest.approx(100.0, rel=1e-12) == bed(
        50.0, alpha_beta_gy=10.0, repair_half_time_h=16.0, half_life_h=64.0
    )


def test_bed_adds_by_injection() -> None:
    """Twice 50 Gy is 200, not the 300 of 100 Gy at once."""
    slow: dict[str, Any] = {"alpha_beta_gy": 10.0, "repair_half_time_h": 16.0, "half_life_h": 64.0}
    assert pytest.approx(200.0, rel=1e-12) == bed_of_injections([50.0, 50.0], **slow)
    assert pytest.approx(300.0, rel=1e-12) == bed(100.0, **slow)


def test_injections_are_the_last_axis() -> None:
    patients = np.array([[50.0, 50.0], [100.0, 0.0]])
    found = np.asarray(bed_of_injections(patients, **LIVER))
    assert found == pytest.approx([2 * bed(50.0, **LIVER), bed(100.0, **LIVER)], rel=1e-12)


def test_eqd2_of_2_gy_fractions_is_their_sum() -> None:
    """30 fractions of 2 Gy have BED 60 (1 + 2/2.5)."""
    assert pytest.approx(60.0, rel=1e-12) == eqd2(60 * (1 + 2 / 2.5), alpha_beta_gy=2.5)


def test_voxels_go_through_bed() -> None:
    doses = np.array([[[10.0, 20.0]], [[30.0, 40.0]]])
    found = np.asarray(bed(doses, **LIVER))
    assert found.shape == doses.shape
    assert found[1, 0, 1] == bed(40.0, **LIVER)


def test_geud_by_hand() -> None:
    """sqrt((3^2 + 3^2 + 9^2) / 3 ) with the first counted twice is sqrt(99 / 3); harmonic mean of 1 and 3."""
    found = geud([3.0, 9.0], exponent=2.0, weights=[2.0, 1.0])
    assert pytest.approx(math.sqrt(33.0), rel=1e-12) == found
    assert pytest.approx(1.5, rel=1e-12) == geud([1.0, 3.0], exponent=-1.0)


def test_geud_keeps_its_digits_at_extreme_exponents() -> None:
    """Near 0 it is the geometric mean; very large it is the maximum, very negative the minimum."""
    doses = [10.0, 20.0, 80.0]
    geometric = math.exp(np.mean(np.log(doses)))
    for exponent in (1e-12, -1e-12, 1e-300):
        assert geometric == pytest.approx(geud(doses, exponent=exponent), rel=1e-9)
    assert pytest.approx(80.0, rel=1e-3) == geud(doses, exponent=5000.0)
    assert pytest.approx(10.0, rel=1e-3) == geud(doses, exponent=-5000.0)


def test_a_cold_voxel() -> None:
    """It spoils a serial minimum, not a mean."""
    assert geud([0.0, 50.0], exponent=-2.0) == 0.0
    assert pytest.approx(25.0, rel=1e-12) == geud([0.0, 50.0], exponent=1.0)
    assert pytest.approx(12.5, rel=1e-12) == geud([0.0, 50.0], exponent=0.5)
    assert geud([0.0, 0.0], exponent=3.0) == 0.0


def test_eubed_is_the_bed_with_as_many_survivors() -> None:
    beds, weights, alpha = np.array([20.0, 60.0, 150.0]), np.array([1.0, 2.0, 1.0]), 0.036
    found = eubed(beds, alpha_per_gy=alpha, weights=weights)
    survivors = np.average(np.exp(-alpha * beds), weights=weights)
    assert pytest.approx(survivors, rel=1e-12) == math.exp(-alpha * found)


def test_eubed_of_high_doses_does_not_underflow() -> None:
    """exp(-alpha BED) is 0 in double precision for each; two even voxels lose ln 2 / alpha at most."""
    assert pytest.approx(30000.0 + math.log(2) / 0.1, rel=1e-12) == eubed(
        [30000.0, 90000.0], alpha_per_gy=0.1
    )


def test_probit_at_known_points() -> None:
    """One slope above the middle is one standard deviation: 84.13 %."""
    assert ntcp_probit(eud_gy=50.0, td50_gy=50.0, slope_m=0.2) == 0.5
    assert pytest.approx(0.841344746, abs=1e-9) == ntcp_probit(eud_gy=60.0, td50_gy=50.0, slope_m=0.2)
    assert pytest.approx(0.022750132, abs=1e-9) == ntcp_probit(eud_gy=30.0, td50_gy=50.0, slope_m=0.2)


def test_logistic_at_known_points() -> None:
    """Twice TD50 with k = 2: 1 / (1 + 1/4) = 0.8; half of it: 0.2; no dose: 0."""
    found = [ntcp_logistic(eud_gy=dose, td50_gy=40.0, exponent_k=2.0) for dose in (0.0, 20.0, 40.0, 80.0)]
    assert found == pytest.approx([0.0, 0.2, 0.5, 0.8], abs=1e-12)


@pytest.mark.parametrize("curve", Curve)
def test_the_slope_means_the_same_for_both_curves(curve: Curve) -> None:
    """D50 x dTCP/dD at D50, by a central difference."""
    step, d50, slope = 1e-4, 292.0, 1.7
    low, high = (tcp(d50 * (1 + sign * step), d50_gy=d50, slope=slope, curve=curve) for sign in (-1, 1))
    assert tcp(d50, d50_gy=d50, slope=slope, curve=curve) == 0.5
    assert pytest.approx(slope, rel=1e-6) == (high - low) / (2 * step)


def test_curves_take_arrays_and_rise() -> None:
    doses = np.linspace(0, 500, 11)
    for found in (
        np.asarray(tcp(doses, d50_gy=292.0, slope=1.0)),
        np.asarray(tcp(doses, d50_gy=292.0, slope=1.0, curve="probit")),
        np.asarray(ntcp_probit(eud_gy=doses, td50_gy=52.0, slope_m=0.3)),
        np.asarray(ntcp_logistic(eud_gy=doses, td50_gy=52.0, exponent_k=4.0)),
    ):
        assert (np.diff(found) >= 0).all()
        assert (found >= 0).all()
        assert (found <= 1).all()


def test_parameter_sets_say_where_they_come_from() -> None:
    """Tumour 10 Gy and 1.5 h, liver 2.5 Gy and 2.5 h, lung 3 Gy and 2.5 h."""
    found = {name: parameters(name) for name in ("tumour", "liver", "lung")}
    assert [p.alpha_beta_gy.number for p in found.values()] == [10.0, 2.5, 3.0]
    assert [p.repair_half_time_h.number for p in found.values()] == [1.5, 2.5, 2.5]
    assert found["tumour"].alpha_per_gy.source == ("MGH",)


def test_an_unknown_tissue_is_refused() -> None:
    with pytest.raises(CatalogError, match="kidney"):
        parameters("kidney")


@pytest.mark.parametrize(
    "name", ["tumour_control.slope", "liver_complication.td50", "liver_complication.slope"]
)
def test_curves_have_no_default_parameters(name: str) -> None:
    """Slopes have no sourced value, and the TD50 that circulates is second-hand: listed, never used."""
    assert Status.UNVERIFIED is catalog.load().entry(f"radiobiology.{name}").status
    with pytest.raises(CatalogError, match="no verified value"):
        catalog.load().sourced(f"radiobiology.{name}")


@pytest.mark.parametrize("alpha_beta", [0.0, -2.5, float("inf")])
def test_alpha_beta_must_be_above_0(alpha_beta: float) -> None:
    with pytest.raises(ModelRangeError, match="alpha_beta_gy"):
        bed(10.0, alpha_beta_gy=alpha_beta, repair_half_time_h=1.5)
    with pytest.raises(ModelRangeError, match="alpha_beta_gy"):
        dose_for_bed(10.0, alpha_beta_gy=alpha_beta, repair_half_time_h=1.5)
    with pytest.raises(ModelRangeError, match="alpha_beta_gy"):
        eqd2(10.0, alpha_beta_gy=alpha_beta)


def test_other_impossible_numbers_are_refused() -> None:
    with pytest.raises(ModelRangeError, match="dose_gy is -1"):
        bed(-1.0, **LIVER)
    with pytest.raises(ModelRangeError, match="repair_half_time_h"):
        bed(1.0, alpha_beta_gy=2.5, repair_half_time_h=-1.0)
    with pytest.raises(ModelRangeError, match="half_life_h"):
        lea_catcheside(repair_half_time_h=1.0, half_life_h=0.0)
    with pytest.raises(ModelRangeError, match="exponent is 0"):
        geud([1.0], exponent=0.0)
    with pytest.raises(ModelRangeError, match="weights have shape"):
        geud([1.0, 2.0], exponent=1.0, weights=[1.0])
    with pytest.raises(ModelRangeError, match="no voxel that counts"):
        eubed([1.0, 2.0], alpha_per_gy=0.1, weights=[0.0, 0.0])
    with pytest.raises(ModelRangeError, match="alpha_per_gy"):
        eubed([1.0], alpha_per_gy=0.0)
    with pytest.raises(ModelRangeError, match="slope_m"):
        ntcp_probit(eud_gy=1.0, td50_gy=50.0, slope_m=0.0)
    with pytest.raises(ModelRangeError, match="expected one of logistic, probit"):
        tcp(1.0, d50_gy=50.0, slope=1.0, curve="gompertz")
