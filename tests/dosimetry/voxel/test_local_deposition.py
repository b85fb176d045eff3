"""Local deposition: the dose of a known concentration, and the compartments' doses over whole structures."""

import numpy as np
import pytest
from tests.dosimetry.scans import GRID, make_scan

from emboplan import catalog
from emboplan.dosimetry.histograms.dvh import dvh
from emboplan.dosimetry.maps.activity import calibrated_activity
from emboplan.dosimetry.models.compartment import lung_dose, single_compartment
from emboplan.dosimetry.tissues.density import structure_density
from emboplan.dosimetry.voxel.local_deposition import local_deposition, local_doses
from emboplan.errors import GeometryError, ModelRangeError
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


def test_a_border_voxel_shares_mass_and_activity() -> None:
    """Half liver, half lung: the 30 + 2 MBq of both halves over the grams of both."""
    grid = Grid(shape=(1, 1, 2), spacing_mm=(4.0, 4.0, 4.0), origin_mm=(0.0, 0.0, 0.0))
    liver, lungs = np.array([[[0.5, 0.0]]], np.float32), np.array([[[0.5, 0.0]]], np.float32)
    found = calibrated_activity(
        CountImage(grid, np.array([[[7.0, 0.0]]])),
        liver,
        lungs=lungs,
        administered_gbq=0.032,
        lung_shunt_frac=1 / 16,
    )
    dose = local_deposition(found.activity, structure_density(grid, [(liver, 1.03), (lungs, 0.26)]))
    assert dose.gy[0, 0] == pytest.approx([49.8 * 32 / (0.032 * 1.03 + 0.032 * 0.26), 0.0], rel=1e-6)


def test_dose_is_proportional_to_activity() -> None:
    density = DensityMap(SMALL, _uniform(SMALL, 1.06))
    dose = local_doses(density)
    once, thrice = (dose(ActivityMap(SMALL, _uniform(SMALL, v))).gy for v in (1.0, 3.0))
    assert thrice == pytest.approx(3 * once)


def test_a_coefficient_of_zero_is_refused() -> None:
    one = _uniform(SMALL, 1.0)
    with pytest.raises(ModelRangeError, match="k_gy_kg_per_gbq"):
        local_deposition(ActivityMap(SMALL, one), DensityMap(SMALL, one), k_gy_kg_per_gbq=0.0)
