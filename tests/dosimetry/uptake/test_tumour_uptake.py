"""The tumour-to-normal ratio against scans whose ratio is known."""

import numpy as np
import pytest
from tests.dosimetry.scans import GRID, Scan, make_scan

from emboplan.dosimetry.uptake.tumour_uptake import tumour_to_normal
from emboplan.errors import MaskError, ModelRangeError
from emboplan.model.image import CountImage


def _sharp(ratio: float) -> Scan:
    return make_scan(shunt=0.05, ratio=ratio, fwhm_mm=0.01, stated_fwhm_mm=None, seed=None)


def test_whole_voxels_without_blur_show_the_ratio_as_it_is() -> None:
    """The example DER-TNR: 42000 counts in 85 mL over 180000 in 1250 mL are 3.431."""
    counts = np.zeros(GRID.shape)
    tumour, normal = np.zeros(GRID.shape), np.zeros(GRID.shape)
    tumour[5, 5, :17], normal[10, 5, :25] = 1, 1
    voxel = GRID.voxel_ml
    counts[tumour > 0] = 42000 / 85 * voxel
    counts[normal > 0] = 180000 / 1250 * voxel
    found = tumour_to_normal(CountImage(GRID, counts.astype(np.float32)), {1: tumour}, normal)
    assert found.tumour_to_normal == pytest.approx(3.43137255, rel=1e-6)


@pytest.mark.parametrize("fwhm", [10.0, 14.0])
def test_the_correction_finds_the_ratio_that_the_blur_hides(fwhm: float) -> None:
    """Read at least 12 % low; corrected within 3 % together, and within 6 % for each lesion."""
    scan = make_scan(shunt=0.05, ratio=5.0, fwhm_mm=fwhm, stated_fwhm_mm=fwhm)
    found = tumour_to_normal(scan.counts, scan.lesions, scan.normal)
    assert found.tumour_to_normal < 4.4
    assert found.tumour_to_normal_corrected == pytest.approx(5.0, rel=0.03)
    assert found.interval[0] < 5.0 < found.interval[1]
    for lesion in found.lesions:
        assert lesion.tumour_to_normal_corrected == pytest.approx(5.0, rel=0.06)
        assert lesion.tumour_to_normal < lesion.tumour_to_normal_corrected  # type: ignore[operator]  # not None, above
        assert lesion.recovery_frac is not None
        assert 0.4 < lesion.recovery_frac < 0.85


def test_small_lesions_are_flagged() -> None:
    """Lesion 2 is 28 mm wide: quantifiable at a resolution of 13.5 mm, not at 14.5 mm."""
    scan = make_scan(shunt=0.05, ratio=5.0, fwhm_mm=14.0, stated_fwhm_mm=None)
    for fwhm, quantifiable in ((13.5, True), (14.5, False)):
        found = tumour_to_normal(scan.counts, scan.lesions, scan.normal, resolution_fwhm_mm=fwhm)
        assert [True, quantifiable] == [lesion.quantifiable for lesion in found.lesions]
        flagged = "uptake-not-quantifiable" in {finding.id for finding in found.findings}
        assert flagged is not quantifiable


def test_without_a_resolution_only_the_reading_is_given() -> None:
    scan = make_scan(shunt=0.05, ratio=5.0, fwhm_mm=14.0, stated_fwhm_mm=None)
    found = tumour_to_normal(scan.counts, scan.lesions, scan.normal)
    assert found.tumour_to_normal_corrected is None
    assert "uptake-not-corrected" in {finding.id for finding in found.findings}
    assert not any(lesion.quantifiable for lesion in found.lesions)


def test_uniform_uptake_reads_one() -> None:
    scan = make_scan(shunt=0.0, ratio=1.0, fwhm_mm=12.0, stated_fwhm_mm=12.0, seed=None)
    found = tumour_to_normal(scan.counts, scan.lesions, scan.normal)
    assert found.tumour_to_normal_corrected == pytest.approx(1.0, rel=0.02)


def test_the_scale_of_the_counts_does_not_matter() -> None:
    scan = make_scan(shunt=0.05, ratio=5.0, fwhm_mm=12.0, stated_fwhm_mm=12.0)
    scaled = CountImage(GRID, scan.counts.counts * 7, resolution_fwhm_mm=12.0)
    one = tumour_to_normal(scan.counts, scan.lesions, scan.normal)
    seven = tumour_to_normal(scaled, scan.lesions, scan.normal)
    assert one.tumour_to_normal_corrected == pytest.approx(seven.tumour_to_normal_corrected, rel=1e-6)


def test_nothing_to_measure_is_refused() -> None:
    scan = _sharp(5.0)
    with pytest.raises(MaskError, match="no lesion"):
        tumour_to_normal(scan.counts, {}, scan.normal)
    with pytest.raises(MaskError, match="lesion 1 is empty"):
        tumour_to_normal(scan.counts, {1: np.zeros(GRID.shape)}, scan.normal)
    with pytest.raises(ModelRangeError, match="normal liver holds no counts"):
        tumour_to_normal(CountImage(GRID, np.zeros(GRID.shape, dtype=np.float32)), scan.lesions, scan.normal)
