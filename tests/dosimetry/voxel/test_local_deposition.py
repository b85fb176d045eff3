"""Local deposition: totals, the shunt, and the dose of a known concentration."""

import numpy as np
import pytest
from tests.dosimetry.scans import GRID, make_scan

from emboplan import catalog
from emboplan.dosimetry.models.compartment import lung_dose, single_compartment
from emboplan.dosimetry.voxel.density import structure_density
from emboplan.dosimetry.voxel.dvh import dvh
from emboplan.dosimetry.voxel.local_deposition import (
    calibrated_activity,
    counts_elsewhere_frac,
    local_deposition,
)
from emboplan.errors import GeometryError, MaskError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, CountImage, DensityMap

SMALL = Grid(shape=(2, 3, 4), spacing_mm=(4.0, 4.0, 4.0), origin_mm=(0.0, 0.0, 0.0))


def _uniform(grid: Grid, value: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.full(grid.shape, value, dtype=np.float32)


def test_one_mbq_per_ml_in_liver() -> None:
    """49.8 / 1.03 = 48.3495 Gy (example DER-LDM2)."""
    dose = local_deposition(
        ActivityMap(SMALL, _uniform(SMALL, 1.0)), DensityMap(SMALL, _uniform(SMALL, 1.03))
    )
    assert dose.gy == pytest.approx(_uniform(SMALL, 48.34951456), rel=1e-6)
    assert dose.method == "local"


def test_another_nuclide_brings_its_coefficient() -> None:
    activity, density = ActivityMap(SMALL, _uniform(SMALL, 1.0)), DensityMap(SMALL, _uniform(SMALL, 1.0))
    holmium = catalog.load().nuclide("Ho-166")
    assert local_deposition(activity, density, nuclide=holmium).gy.max() == pytest.approx(15.87)
    assert local_deposition(activity, density, k_gy_kg_per_gbq=50.0).gy.max() == pytest.approx(50.0)


def test_activity_without_mass_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="without mass"):
        local_deposition(ActivityMap(SMALL, _uniform(SMALL, 1.0)), DensityMap(SMALL, _uniform(SMALL, 0.0)))


def test_another_grid_is_refused() -> None:
    other = Grid(shape=SMALL.shape, spacing_mm=(4.0, 4.0, 5.0), origin_mm=(0.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="different grids"):
        local_deposition(ActivityMap(SMALL, _uniform(SMALL, 1.0)), DensityMap(other, _uniform(other, 1.0)))


def test_liver_and_lungs_get_their_shares() -> None:
    """A(1 - shunt) in the liver and A x shunt in the lungs, whatever the scan itself would say."""
    scan = make_scan(shunt=0.10, ratio=4.0, fwhm_mm=12.0, stated_fwhm_mm=12.0)
    found = calibrated_activity(
        scan.counts, scan.liver, lungs=scan.lungs, administered_gbq=2.0, lung_shunt_frac=0.05
    )
    assert found.activity.total_mbq == pytest.approx(2000.0, rel=1e-5)
    only_lung = scan.liver == 0
    in_lungs = float(found.activity.mbq_per_ml[only_lung].sum(dtype=np.float64)) * GRID.voxel_ml
    assert in_lungs <= 100.0 * (1 + 1e-5)
    assert in_lungs == pytest.approx(100.0, rel=0.05)  # the rest shares voxels with the liver
    assert 0.0 < found.outside_frac < 0.15
    assert 0.0 < found.reassigned_frac < 1.0


def test_mean_doses_are_those_of_the_compartments() -> None:
    """Over whole structures local deposition is the single-compartment dose and the mean lung dose."""
    scan = make_scan(shunt=0.05, ratio=4.0, fwhm_mm=12.0, stated_fwhm_mm=12.0)
    liver, lungs = np.round(scan.liver), np.round(scan.lungs) * (np.round(scan.liver) == 0)
    found = calibrated_activity(scan.counts, liver, lungs=lungs, administered_gbq=2.0, lung_shunt_frac=0.05)
    density = structure_density(GRID, [(liver, 1.03), (lungs, 0.26)])
    dose = local_deposition(found.activity, density)
    liver_dvh, lung_dvh = dvh(dose, liver, "liver"), dvh(dose, lungs, "lungs")
    expected = single_compartment(
        mass_g=1.03 * liver_dvh.volume_ml, administered_gbq=2.0, lung_shunt_frac=0.05
    )
    assert liver_dvh.mean_gy == pytest.approx(expected.dose_gy, rel=1e-4)
    lung = lung_dose(administered_gbq=2.0, lung_shunt_frac=0.05, lung_mass_g=0.26 * lung_dvh.volume_ml)
    assert lung_dvh.mean_gy == pytest.approx(lung, rel=1e-4)


def test_lung_at_the_dome_gets_the_mean_of_the_rest() -> None:
    """Counts breathed across the dome would give lung near the liver many times the dose."""
    scan = make_scan(shunt=0.05, ratio=4.0, fwhm_mm=12.0, stated_fwhm_mm=12.0, breathing_mm=20.0)
    lungs = np.round(scan.lungs) * (np.round(scan.liver) == 0)
    found = calibrated_activity(
        scan.counts, np.round(scan.liver), lungs=lungs, administered_gbq=2.0, lung_shunt_frac=0.05
    )
    inside = found.activity.mbq_per_ml[lungs > 0]
    assert inside.max() < 4 * inside.mean()


def test_without_lungs_the_map_is_the_liver() -> None:
    scan = make_scan(shunt=0.05, ratio=4.0, fwhm_mm=12.0, stated_fwhm_mm=12.0)
    found = calibrated_activity(scan.counts, scan.liver, administered_gbq=2.0, lung_shunt_frac=0.05)
    assert found.activity.total_mbq == pytest.approx(1900.0, rel=1e-5)
    assert found.outside_frac > 0.05


def test_unusable_input_is_refused() -> None:
    scan = make_scan(shunt=0.05, ratio=4.0, fwhm_mm=12.0, stated_fwhm_mm=12.0)
    with pytest.raises(MaskError, match="overlap"):
        calibrated_activity(
            scan.counts, scan.liver, lungs=scan.liver, administered_gbq=2.0, lung_shunt_frac=0.05
        )
    with pytest.raises(ModelRangeError, match="administered_gbq"):
        calibrated_activity(scan.counts, scan.liver, administered_gbq=0.0, lung_shunt_frac=0.05)
    with pytest.raises(ModelRangeError, match="holds no counts"):
        calibrated_activity(
            CountImage(GRID, np.zeros(GRID.shape, dtype=np.float32)),
            scan.liver,
            administered_gbq=2.0,
            lung_shunt_frac=0.05,
        )


def test_counts_elsewhere_are_those_that_blur_cannot_explain() -> None:
    """Sources in the organ, 8 mm and 80 mm from it: the share of the last."""
    grid = Grid(shape=(9, 9, 40), spacing_mm=(4.0, 4.0, 4.0), origin_mm=(0.0, 0.0, 0.0))
    organ = np.zeros(grid.shape, np.float32)
    organ[2:7, 2:7, 2:10] = 1
    counts = np.zeros(grid.shape, np.float32)
    counts[4, 4, 5] = 700
    counts[4, 4, 11] = 100  # 8 mm from the organ: its blur
    counts[4, 4, 30] = 200
    scan = CountImage(grid, counts, resolution_fwhm_mm=12.0)
    assert counts_elsewhere_frac(scan, [organ]) == pytest.approx(0.2)
