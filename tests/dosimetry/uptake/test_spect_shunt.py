"""The lung shunt from SPECT/CT against scans whose shunt is known."""

from dataclasses import replace

import numpy as np
import pytest
from tests.dosimetry.scans import GRID, make_scan

from emboplan.dosimetry.uptake.lung_shunt import entered_shunt, margin_mm, spect_ct, with_lung_dose
from emboplan.dosimetry.uptake.regions import distance_mm
from emboplan.errors import GeometryError, MaskError, ModelRangeError
from emboplan.model.image import CountImage


@pytest.mark.parametrize(
    ("shunt", "fwhm", "breathing"), [(0.05, 12.0, 0.0), (0.02, 15.0, 15.0), (0.15, 12.0, 20.0)]
)
def test_the_true_shunt_is_found(shunt: float, fwhm: float, breathing: float) -> None:
    """Within 3 % of its value, blurred and breathed, where the plain ratio is far off."""
    scan = make_scan(shunt=shunt, ratio=4.0, fwhm_mm=fwhm, stated_fwhm_mm=fwhm, breathing_mm=breathing)
    estimate = spect_ct(scan.counts, scan.lungs, scan.liver)
    assert estimate.lung_shunt_frac == pytest.approx(shunt, rel=0.03)
    assert estimate.uncorrected_frac is not None
    assert abs(estimate.uncorrected_frac - shunt) > abs(estimate.lung_shunt_frac - shunt)
    assert estimate.interval is not None
    assert estimate.interval[0] < estimate.lung_shunt_frac < estimate.interval[1]


def test_without_shunt_none_is_found() -> None:
    """The plain ratio of the same scan reads half a percent and more."""
    scan = make_scan(shunt=0.0, ratio=4.0, fwhm_mm=15.0, stated_fwhm_mm=15.0)
    estimate = spect_ct(scan.counts, scan.lungs, scan.liver)
    assert estimate.lung_shunt_frac < 0.0005
    assert estimate.uncorrected_frac is not None
    assert estimate.uncorrected_frac > 0.004


def test_a_wrong_resolution_costs_little() -> None:
    """A fifth too wide or too narrow moves the shunt by less than 4 % of its value."""
    for stated in (12.0, 18.0):
        scan = make_scan(shunt=0.05, ratio=4.0, fwhm_mm=15.0, stated_fwhm_mm=stated)
        assert spect_ct(scan.counts, scan.lungs, scan.liver).lung_shunt_frac == pytest.approx(0.05, rel=0.04)


def test_unknown_resolution_and_attenuation_are_said() -> None:
    scan = make_scan(shunt=0.05, ratio=4.0, fwhm_mm=12.0, stated_fwhm_mm=None)
    counts = replace(scan.counts, attenuation_corrected=None)
    estimate = spect_ct(counts, scan.lungs, scan.liver)
    assert {"spect-attenuation", "spect-resolution"} == {finding.id for finding in estimate.findings}
    assert estimate.lung_shunt_frac == pytest.approx(0.05, rel=0.12)


def test_lung_only_near_the_liver_is_not_corrected() -> None:
    scan = make_scan(shunt=0.05, ratio=4.0, fwhm_mm=12.0, stated_fwhm_mm=12.0)
    low = np.where(distance_mm(scan.liver, GRID) <= 20.0, scan.lungs, 0)
    estimate = spect_ct(scan.counts, low, scan.liver)
    assert "shunt-not-corrected" in {finding.id for finding in estimate.findings}
    assert estimate.lung_shunt_frac == estimate.uncorrected_frac


def test_the_margin_follows_the_resolution() -> None:
    assert margin_mm(None) == 20.0
    assert margin_mm(10.0) == 20.0
    assert margin_mm(20.0) == 30.0


def test_unusable_occupancies_are_refused() -> None:
    scan = make_scan(shunt=0.05, ratio=4.0, fwhm_mm=12.0, stated_fwhm_mm=12.0)
    with pytest.raises(GeometryError, match="on the counts' grid"):
        spect_ct(scan.counts, scan.lungs[1:], scan.liver)
    with pytest.raises(MaskError, match="empty"):
        spect_ct(scan.counts, np.zeros(GRID.shape), scan.liver)
    with pytest.raises(MaskError, match="outside 0 to 1"):
        spect_ct(scan.counts, 2 * scan.lungs, scan.liver)
    with pytest.raises(ModelRangeError, match="resolution_fwhm_mm"):
        spect_ct(scan.counts, scan.lungs, scan.liver, resolution_fwhm_mm=0.0)


def test_a_scan_without_counts_is_refused() -> None:
    scan = make_scan(shunt=0.05, ratio=4.0, fwhm_mm=12.0, stated_fwhm_mm=12.0)
    with pytest.raises(ModelRangeError, match="hold no counts"):
        spect_ct(CountImage(GRID, np.zeros(GRID.shape, dtype=np.float32)), scan.lungs, scan.liver)


def test_the_lung_dose_per_gbq() -> None:
    """49.8 x 0.05 / 1 kg, and / 0.8 kg from CT."""
    estimate = entered_shunt(0.05)
    default = with_lung_dose(estimate)
    assert default.lung_dose_per_gbq_gy == pytest.approx(2.49)
    assert (default.lung_mass_g, default.lung_mass_source) == (1000.0, "default")
    from_ct = with_lung_dose(estimate, lung_mass_g=800.0, lung_mass_source="ct")
    assert from_ct.lung_dose_per_gbq_gy == pytest.approx(3.1125)
    assert from_ct.to_json()["lung_mass_source"] == "ct"


@pytest.mark.parametrize("shunt", [1.0, 1.2, -0.1, float("nan")])
def test_an_impossible_shunt_cannot_be_entered(shunt: float) -> None:
    with pytest.raises(ModelRangeError, match="lung_shunt_frac"):
        entered_shunt(shunt)
