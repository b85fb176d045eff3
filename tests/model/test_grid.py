"""Grid: index to millimetre and back, sameness, cropping, new spacing; on turned and anisotropic grids."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import SPACINGS, grids

from emboplan.errors import GeometryError
from emboplan.model.grid import Grid


def test_one_step_along_each_axis_by_hand() -> None:
    """Axes turned by 90 degrees about z: x runs to the back, y to the right, z to the head."""
    grid = Grid(
        shape=(2, 3, 4),
        spacing_mm=(0.5, 2.0, 3.0),
        origin_mm=(10.0, 20.0, 30.0),
        direction=(0, -1, 0, 1, 0, 0, 0, 0, 1),
    )
    assert grid.to_mm((1, 0, 0)).tolist() == [10.0, 20.5, 30.0]
    assert grid.to_mm((0, 1, 0)).tolist() == [8.0, 20.0, 30.0]
    assert grid.to_mm((0, 0, 1)).tolist() == [10.0, 20.0, 33.0]


def test_size_and_volume_by_hand() -> None:
    """The size runs from outer face to outer face; 0.5 x 2 x 3 mm are 3 mm3, 0.003 mL."""
    grid = Grid(shape=(2, 3, 4), spacing_mm=(0.5, 2.0, 3.0), origin_mm=(0, 0, 0))
    assert grid.size_mm == (2.0, 6.0, 6.0)
    assert pytest.approx(0.003, rel=1e-12) == grid.voxel_ml
    assert grid.spacing_zyx_mm == (3.0, 2.0, 0.5)


@given(grids(), st.tuples(*[st.floats(-10, 10)] * 3))
def test_to_index_is_the_inverse_of_to_mm(grid: Grid, index: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(grid.to_index(grid.to_mm(index)), index, atol=1e-8)


@given(grids(), st.tuples(*[st.floats(-10, 10)] * 3))
def test_affine_and_to_mm_agree(grid: Grid, index: tuple[float, float, float]) -> None:
    by_affine = grid.index_to_mm @ np.array([*index, 1.0])
    np.testing.assert_allclose(grid.to_mm(index), by_affine[:3], atol=1e-8)


@given(grids())
def test_index_steps_have_the_length_of_the_spacing(grid: Grid) -> None:
    """Distances are those of the spacing, whatever the direction."""
    steps = grid.to_mm(np.eye(3)) - grid.to_mm((0, 0, 0))
    np.testing.assert_allclose(np.linalg.norm(steps, axis=1), grid.spacing_mm, rtol=1e-9)


@given(grids())
def test_a_grid_holds_its_voxels_and_nothing_beyond_its_faces(grid: Grid) -> None:
    nz, ny, nx = grid.shape
    assert grid.contains_mm(grid.to_mm((nx - 1, ny - 1, nz - 1)))
    assert grid.contains_mm(grid.to_mm((-0.499, 0, 0)))
    assert not grid.contains_mm(grid.to_mm((nx - 0.499, 0, 0)))
    assert not grid.contains_mm(grid.to_mm((0, 0, -0.501)))


@given(grids(), st.data())
def test_cropping_keeps_every_voxel_in_its_place(grid: Grid, data: st.DataObject) -> None:
    """Voxel 0 of the cropped grid lies where voxel `start` of the whole one does; so does the last."""
    box = []
    for n in grid.shape:
        start = data.draw(st.integers(0, n - 1))
        box.append(slice(start, data.draw(st.integers(start + 1, n))))
    cropped = grid.cropped((box[0], box[1], box[2]))
    assert np.zeros(grid.shape)[tuple(box)].shape == cropped.shape
    first = [part.start for part in reversed(box)]
    last = [part.stop - 1 for part in reversed(box)]
    np.testing.assert_allclose(cropped.to_mm((0, 0, 0)), grid.to_mm(first), atol=1e-9)
    np.testing.assert_allclose(
        cropped.to_mm(np.array(cropped.shape[::-1]) - 1.0), grid.to_mm(last), atol=1e-8
    )


@pytest.mark.parametrize(
    "box", [(slice(2, 2), slice(None), slice(None)), (slice(0, 4, 2), slice(None), slice(None))]
)
def test_an_empty_or_strided_crop_is_refused(box: tuple[slice, slice, slice]) -> None:
    with pytest.raises(GeometryError, match="empty or strided"):
        Grid(shape=(4, 4, 4), spacing_mm=(1, 1, 1), origin_mm=(0, 0, 0)).cropped(box)


@given(grids(), st.tuples(SPACINGS, SPACINGS, SPACINGS))
def test_another_spacing_keeps_the_first_outer_corner(
    grid: Grid, spacing: tuple[float, float, float]
) -> None:
    """The outer corner of the first voxel, half a voxel before its centre, does not move."""
    finer = grid.with_spacing(spacing)
    np.testing.assert_allclose(finer.to_mm((-0.5, -0.5, -0.5)), grid.to_mm((-0.5, -0.5, -0.5)), atol=1e-8)


@given(grids(), st.tuples(SPACINGS, SPACINGS, SPACINGS))
def test_another_spacing_covers_the_grid_by_less_than_one_voxel_more(
    grid: Grid, spacing: tuple[float, float, float]
) -> None:
    for new, old, step in zip(grid.with_spacing(spacing).size_mm, grid.size_mm, spacing, strict=True):
        assert old - 1e-5 * step <= new < old + step * (1 + 1e-9)


def test_another_spacing_by_hand() -> None:
    """50 voxels of 1 mm from 0: faces at -0.5 and 49.5. As 25 of 2 mm: centres from 0.5."""
    grid = Grid(shape=(50, 50, 50), spacing_mm=(1, 1, 1), origin_mm=(0, 0, 0)).with_spacing((2, 2, 2))
    assert grid.shape == (25, 25, 25)
    assert grid.origin_mm == (0.5, 0.5, 0.5)


@given(grids())
def test_grids_with_centres_within_a_micrometre_are_the_same(grid: Grid) -> None:
    x, y, z = grid.origin_mm
    assert grid.is_same(replace(grid, origin_mm=(x + 5e-4, y - 5e-4, z)))
    assert not grid.is_same(replace(grid, origin_mm=(x + 2e-3, y, z)))


def test_a_small_difference_of_spacing_adds_up_over_the_grid() -> None:
    """1e-5 mm in 512 steps is 5 micrometres at the last voxel: another grid."""
    grid = Grid(shape=(1, 1, 512), spacing_mm=(1, 1, 1), origin_mm=(0, 0, 0))
    assert not grid.is_same(replace(grid, spacing_mm=(1.00001, 1, 1)))


def test_the_message_for_different_grids_names_both() -> None:
    a = Grid(shape=(2, 3, 4), spacing_mm=(1, 1, 2.5), origin_mm=(0, 0, 0))
    b = Grid(shape=(2, 3, 5), spacing_mm=(4, 4, 4), origin_mm=(0, 0, 10))
    with pytest.raises(GeometryError) as caught:
        a.require_same(b, "dose and liver")
    assert "dose and liver lie on different grids: 4 x 3 x 2 voxels of 1 x 1 x 2.5 mm" in str(caught.value)
    assert "5 x 3 x 2 voxels of 4 x 4 x 4 mm at (0.0, 0.0, 10.0)" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("shape", (0, 1, 1), "positive whole"),
        ("shape", (1.5, 1, 1), "positive whole"),
        ("spacing_mm", (1, 0, 1), "positive"),
        ("spacing_mm", (1, float("nan"), 1), "finite"),
        ("origin_mm", (0, 0, float("inf")), "finite"),
        ("direction", (1, 0, 0, 0, 1, 0, 0, 0, -1), "left-handed"),
        ("direction", (1, 0, 0, 0, 1, 0.2, 0, 0, 1), "perpendicular"),
        ("direction", (1, 0, 0, 1), "nine"),
    ],
)
def test_what_is_no_grid_is_refused(field: str, value: tuple[float, ...], message: str) -> None:
    good = Grid(shape=(1, 1, 1), spacing_mm=(1, 1, 1), origin_mm=(0, 0, 0))
    with pytest.raises(GeometryError, match=message):
        replace(good, **{field: value})  # type: ignore[arg-type]  # wrong on purpose
