"""Density from CT numbers, and one density for each structure."""

import numpy as np
import pytest

from emboplan.dosimetry.voxel.density import density_from_hu, density_map, structure_density
from emboplan.errors import MaskError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage

GRID = Grid(shape=(1, 2, 2), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))

# By hand from the published pieces: air below, both sides of each step, and the held end.
CURVE = {
    -2000: 0.001205,
    -1000: 0.00121,
    -500: 0.00121 + 0.0010297 * 500,
    -98: 1.018 - 0.000893 * 98,
    0: 1.018,
    20: 1.03,
    50: 1.003 + 0.001169 * 50,
    1000: 1.017 + 0.592,
    2001: 1.017 + 0.000592 * 2001,
    9000: 1.017 + 0.000592 * 2001,
}


@pytest.mark.parametrize("hu", CURVE)
def test_the_curve(hu: int) -> None:
    assert float(density_from_hu(hu)) == pytest.approx(CURVE[hu], abs=1e-6)


def test_a_map_lies_on_the_cts_grid() -> None:
    ct = CtImage(GRID, np.array([[[0, -1000], [50, 20]]], dtype=np.int16))
    found = density_map(ct)
    found.grid.require_same(GRID)
    assert found.g_per_ml[0, 0, 0] == pytest.approx(1.018)


def test_partly_filled_voxels_have_part_of_the_mass() -> None:
    liver = np.array([[[1.0, 0.5], [0.0, 0.0]]])
    lung = np.array([[[0.0, 0.5], [1.0, 0.0]]])
    found = structure_density(GRID, [(liver, 1.03), (lung, 0.26)])
    assert found.g_per_ml.ravel() == pytest.approx([1.03, 0.645, 0.26, 0.0])


def test_overlapping_structures_are_refused() -> None:
    full = np.ones(GRID.shape)
    with pytest.raises(MaskError, match="overlap"):
        structure_density(GRID, [(full, 1.03), (full, 0.26)])


def test_zero_density_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="density_g_per_ml"):
        structure_density(GRID, [(np.ones(GRID.shape), 0.0)])


def test_ct_numbers_must_be_finite() -> None:
    with pytest.raises(ModelRangeError, match="not finite"):
        density_from_hu([0.0, float("nan")])
