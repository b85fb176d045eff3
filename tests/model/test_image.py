"""Images: what they accept, what they refuse, and that totals are right."""

import numpy as np
import pytest
from hypothesis import given
from tests.strategies import grids

from emboplan.errors import GeometryError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, CountImage, CtImage, DensityMap, DoseMap, PlanarPair

GRID = Grid(shape=(2, 3, 4), spacing_mm=(2.0, 2.0, 5.0), origin_mm=(0, 0, 0))


def test_an_image_is_a_copy_that_cannot_be_written() -> None:
    source = np.zeros(GRID.shape, np.int16)
    ct = CtImage(GRID, source)
    source[0, 0, 0] = 7
    assert ct.hu[0, 0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        ct.hu[0, 0, 0] = 1


@pytest.mark.parametrize(
    ("given_type", "kept"), [(np.int16, np.int16), (np.float64, np.float32), (np.uint8, np.float32)]
)
def test_a_ct_keeps_int16_and_turns_the_rest_into_float32(given_type: type, kept: type) -> None:
    assert CtImage(GRID, np.zeros(GRID.shape, given_type)).hu.dtype == kept


def test_equal_count_of_voxels_in_another_shape_is_refused() -> None:
    with pytest.raises(GeometryError, match=r"shape \(4, 3, 2\)"):
        CtImage(GRID, np.zeros((4, 3, 2), np.int16))


def test_numbers_that_are_not_finite_are_refused() -> None:
    values = np.zeros(GRID.shape, np.float32)
    values[1, 1, 1] = np.nan
    with pytest.raises(ModelRangeError, match="not finite"):
        CountImage(GRID, values)


@pytest.mark.parametrize("kind", [CountImage, ActivityMap])
def test_negative_amounts_are_refused(kind: type) -> None:
    with pytest.raises(ModelRangeError, match="negative"):
        kind(GRID, np.full(GRID.shape, -0.5, np.float32))


@given(grids())
def test_counts_and_their_concentration_have_the_same_total(grid: Grid) -> None:
    counts = CountImage(grid, np.arange(np.prod(grid.shape), dtype=np.float32).reshape(grid.shape))
    n = int(np.prod(grid.shape))
    assert pytest.approx(n * (n - 1) / 2, rel=1e-6) == counts.total_counts
    assert pytest.approx(counts.total_counts, rel=1e-6) == counts.concentration().total_counts


def test_activity_of_a_uniform_map_by_hand() -> None:
    """24 voxels of 0.02 mL at 0.5 MBq/mL hold 0.24 MBq."""
    assert pytest.approx(0.24, rel=1e-6) == ActivityMap(GRID, np.full(GRID.shape, 0.5, np.float32)).total_mbq


def test_a_dose_without_statistics_has_zero_error() -> None:
    dose = DoseMap(GRID, np.ones(GRID.shape, np.float32), method="local")
    assert dose.standard_error_gy is not None
    assert np.zeros(GRID.shape).tolist() == dose.standard_error_gy.tolist()


def test_planar_views_of_different_shapes_are_refused() -> None:
    with pytest.raises(GeometryError, match="planar views differ"):
        PlanarPair(np.ones((4, 4), np.float32), np.ones((4, 5), np.float32), pixel_mm=(2, 2))


def test_densities_in_kilograms_per_cubic_metre_are_refused() -> None:
    grid = Grid(shape=(1, 1, 2), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    with pytest.raises(ModelRangeError, match=r"up to 1050 g/mL.*not kg/m3"):
        DensityMap(grid, np.array([[[1.0, 1050.0]]]))


def test_errors_below_zero_and_numbers_beyond_single_precision_are_refused() -> None:
    grid = Grid(shape=(1, 1, 1), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    with pytest.raises(ModelRangeError, match="dose error holds negative"):
        DoseMap(grid, np.ones((1, 1, 1), np.float32), "local", np.full((1, 1, 1), -0.1, np.float32))
    with pytest.raises(ModelRangeError, match="not finite"):
        ActivityMap(grid, np.full((1, 1, 1), 1e39))
