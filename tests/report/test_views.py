"""Turning an array upright, against positions computed by the grid itself."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.model.grid import Grid
from emboplan.report.views import Plane, Upright, cut, evenly_spaced, pixel_mm, position_mm, positions

# All 24 right-handed pairings of a grid's axes with the patient's.
PAIRINGS = []
for order in permutations(range(3)):
    for signs in range(8):
        matrix = np.zeros((3, 3))
        for column, row in enumerate(order):
            matrix[row, column] = -1.0 if signs >> column & 1 else 1.0
        if np.linalg.det(matrix) > 0:
            PAIRINGS.append(tuple(matrix.ravel()))


def _tilted(direction: tuple[float, ...], degrees: float) -> tuple[float, ...]:
    angle = np.radians(degrees)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    return tuple((turn @ np.array(direction).reshape(3, 3)).ravel())


def _grid(direction: tuple[float, ...], degrees: float = 0.0) -> Grid:
    return Grid((4, 5, 6), (1.0, 2.0, 3.0), (10.0, -20.0, 30.0), _tilted(direction, degrees))


@given(st.sampled_from(PAIRINGS), st.floats(-30, 30))
def test_turned_indices_are_where_the_grid_says(direction: tuple[float, ...], degrees: float) -> None:
    """Each voxel of the turned array has the position that its own index has in the stored array."""
    grid = _grid(direction, degrees)
    upright = Upright.of(grid)
    z, y, x = np.indices(grid.shape)
    stored = grid.to_mm(np.stack([x, y, z], axis=-1))
    turned_mm = np.stack(tuple(upright.turn(stored[..., axis]) for axis in range(3)), axis=-1)
    index = np.moveaxis(np.indices(upright.shape), 0, -1).astype(np.float64)
    np.testing.assert_allclose(upright.to_mm(index), turned_mm, atol=1e-9)


@given(st.sampled_from(PAIRINGS), st.floats(-30, 30))
def test_turned_array_runs_foot_to_head_front_to_back_right_to_left(
    direction: tuple[float, ...], degrees: float
) -> None:
    """In LPS that is rising z, rising y, rising x."""
    upright = Upright.of(_grid(direction, degrees))
    steps = [upright.to_mm(np.eye(3)[axis]) - upright.to_mm(np.zeros(3)) for axis in range(3)]
    assert [step[2 - axis] > 0 for axis, step in enumerate(steps)] == [True, True, True]


@given(st.sampled_from(PAIRINGS))
def test_spacing_follows_the_turn(direction: tuple[float, ...]) -> None:
    """One step along a turned axis is as long as its spacing says."""
    upright = Upright.of(_grid(direction))
    steps = [upright.to_mm(np.eye(3)[axis]) - upright.to_mm(np.zeros(3)) for axis in range(3)]
    lengths = [float(np.linalg.norm(step)) for step in steps]
    np.testing.assert_allclose(lengths, upright.spacing_mm)


@pytest.mark.parametrize("plane", list(Plane))
@pytest.mark.parametrize("direction", PAIRINGS[::5])
def test_pixels_have_the_positions_of_their_voxels(plane: Plane, direction: tuple[float, ...]) -> None:
    """A picture of x, y and z coordinates equals the positions asked for directly."""
    grid = _grid(direction)
    upright = Upright.of(grid)
    z, y, x = np.indices(grid.shape)
    stored = grid.to_mm(np.stack([x, y, z], axis=-1))
    picture = np.stack([cut(upright.turn(stored[..., a]), plane, 1) for a in range(3)], axis=-1)
    np.testing.assert_allclose(positions(upright, plane, 1), picture, atol=1e-9)
    assert pytest.approx(picture[..., 2 - plane.value].mean()) == position_mm(upright, plane, 1)
    down = np.linalg.norm(picture[1, 0] - picture[0, 0])
    across = np.linalg.norm(picture[0, 1] - picture[0, 0])
    assert pytest.approx((down, across)) == pixel_mm(upright, plane)


def test_pictures_have_their_letters_where_the_patient_has_them() -> None:
    """Axial: right is left, front is up. Coronal: head up. Sagittal: front left."""
    upright = Upright.of(_grid(PAIRINGS[0]))
    for plane, (across_axis, across_sign, down_axis, down_sign) in {
        Plane.AXIAL: (0, 1, 1, 1),
        Plane.CORONAL: (0, 1, 2, -1),
        Plane.SAGITTAL: (1, 1, 2, -1),
    }.items():
        mm = positions(upright, plane, 0)
        assert np.sign(mm[0, -1, across_axis] - mm[0, 0, across_axis]) == across_sign
        assert np.sign(mm[-1, 0, down_axis] - mm[0, 0, down_axis]) == down_sign


@pytest.mark.parametrize("degrees", [0.0, 12.0])
def test_tilt_is_the_angle_that_the_scan_was_turned_by(degrees: float) -> None:
    upright = Upright.of(_grid(PAIRINGS[0], degrees))
    assert pytest.approx(degrees, abs=1e-5) == upright.tilt_degrees


@given(st.integers(0, 50), st.integers(0, 400), st.integers(1, 12))
def test_evenly_spaced_indices_lie_inside_and_are_regular(first: int, extent: int, count: int) -> None:
    """No step is larger than the even share rounded up, and the ends are near."""
    last = first + extent
    chosen = evenly_spaced(first, last, count)
    share = (extent + 1) / count
    assert len(chosen) == len(set(chosen)) == min(count, extent + 1)
    assert first <= chosen[0] <= first + share
    assert last - share <= chosen[-1] <= last
    assert all(b - a <= np.ceil(share) for a, b in pairwise(chosen))
