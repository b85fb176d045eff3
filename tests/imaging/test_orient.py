"""Reordering of axes: every voxel keeps its value and its place."""

import numpy as np
from hypothesis import given
from tests.strategies import ROTATIONS, grids, numbered

from emboplan.imaging.orient import arranged, reoriented
from emboplan.model.grid import Grid


def places(array: np.ndarray, grid: Grid) -> np.ndarray:
    """Position of each voxel in the order of the voxels' numbers."""
    index = np.argwhere(np.ones(array.shape))[:, ::-1]
    return grid.to_mm(index)[np.argsort(array.reshape(-1))]


@given(grids(), ROTATIONS)
def test_no_voxel_moves(grid: Grid, like: np.ndarray) -> None:
    array = numbered(grid)
    view, turned = reoriented(array, grid, like)
    np.testing.assert_allclose(places(array, grid), places(view, turned), atol=1e-7)


@given(grids())
def test_the_axes_are_the_nearest_to_the_patients(grid: Grid) -> None:
    """No axis is farther than 54.7 degrees (the diagonal of a cube) from its own on average: trace >= 0."""
    _, turned = reoriented(numbered(grid), grid)
    assert np.trace(turned.axes) >= np.trace(grid.axes) - 1e-8
    _, again = reoriented(numbered(turned), turned)
    assert again.direction == turned.direction


@given(grids())
def test_an_image_in_its_own_order_is_left_alone(grid: Grid) -> None:
    view, turned = reoriented(numbered(grid), grid, like=grid.axes)
    assert np.array_equal(numbered(grid), view)
    assert turned.is_same(grid)


def test_a_left_handed_image_becomes_right_handed() -> None:
    """Columns stored from front to back reversed: y runs to the front; reversing it gives LPS."""
    array = np.arange(24).reshape(2, 3, 4)
    view, grid = arranged(array, (1, 2, 3), (0, 10, 0), np.diag([1.0, -1.0, 1.0]))
    assert grid.origin_mm == (0.0, 6.0, 0.0)
    np.testing.assert_array_equal(grid.axes, np.eye(3))
    assert np.array_equal(array[:, ::-1], view)
