"""SimpleITK and back: values and places are the same on any grid, and ITK agrees on where voxels lie."""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from hypothesis import given
from tests.strategies import grids, numbered

from emboplan.errors import GeometryError
from emboplan.imaging.itk import from_sitk, to_sitk
from emboplan.model.grid import Grid


@given(grids())
def test_there_and_back_is_the_same_image(grid: Grid) -> None:
    array, back = from_sitk(to_sitk(numbered(grid), grid))
    assert np.array_equal(numbered(grid), array)
    assert back == grid


@given(grids())
def test_itk_puts_voxels_where_the_grid_does(grid: Grid) -> None:
    last = [n - 1 for n in reversed(grid.shape)]
    image = to_sitk(numbered(grid), grid)
    np.testing.assert_allclose(image.TransformIndexToPhysicalPoint(last), grid.to_mm(last), atol=1e-7)
    assert image.GetPixel(*last) == numbered(grid)[-1, -1, -1]


def test_booleans_become_bytes() -> None:
    grid = Grid(shape=(1, 1, 2), spacing_mm=(1, 1, 1), origin_mm=(0, 0, 0))
    array, _ = from_sitk(to_sitk(np.array([[[True, False]]]), grid))
    assert array.dtype == np.uint8
    assert array.tolist() == [[[1, 0]]]


def test_a_fourth_dimension_of_one_is_dropped_and_of_more_refused() -> None:
    array, grid = from_sitk(sitk.Image([2, 3, 4, 1], sitk.sitkInt16))
    assert array.shape == grid.shape == (4, 3, 2)
    with pytest.raises(GeometryError, match="4 dimensions"):
        from_sitk(sitk.Image([2, 3, 4, 5], sitk.sitkInt16))


def test_the_array_outlives_its_image() -> None:
    array, _ = from_sitk(to_sitk(np.full((8, 8, 8), 5, np.int16), Grid((8, 8, 8), (1, 1, 1), (0, 0, 0))))
    assert array.base is None or not isinstance(array.base, sitk.Image)
    assert array.sum() == 5 * 512
