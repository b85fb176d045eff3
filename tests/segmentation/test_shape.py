"""Distances and pieces: exact, and the same wherever in an array a shape lies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.segmentation.shape import (
    FAR_MM,
    balls_of_depth,
    depth_mm,
    distance_mm,
    opened,
    parted_at_waists,
    pieces_at_necks,
)

SPACING = (2.5, 1.7, 1.7)
Bools = NDArray[np.bool_]


def blobs(seed: int, shape: tuple[int, int, int] = (24, 30, 36)) -> Bools:
    """Random blobs of some voxels' width, some of them touching."""
    noise = np.random.default_rng(seed).normal(size=shape)
    return np.asarray(ndimage.gaussian_filter(noise, 2.5) > 0.01)


def embedded(mask: Bools, before: tuple[int, int, int], after: tuple[int, int, int]) -> Bools:
    """The same in a larger array of nothing."""
    return np.pad(mask, list(zip(before, after, strict=True)))


@pytest.mark.parametrize("seed", range(3))
def test_distances_are_those_of_the_plain_transform(seed: int) -> None:
    mask = blobs(seed)
    exact = ndimage.distance_transform_edt(~mask, sampling=SPACING)
    assert np.abs(distance_mm(mask, SPACING) - exact).max() < 0.001
    inside = ndimage.distance_transform_edt(mask, sampling=SPACING)
    assert np.abs(depth_mm(mask, SPACING) - inside).max() < 0.001


def test_without_anything_to_measure_to_distances_are_far_and_depths_nothing() -> None:
    none = np.zeros((5, 6, 7), np.bool_)
    assert (distance_mm(none, SPACING) == FAR_MM).all()
    assert not depth_mm(none, SPACING).any()
    assert (depth_mm(~none, SPACING) == FAR_MM).all()
    assert not opened(none, SPACING, 2.0).any()
    assert not parted_at_waists(none, SPACING, 0.6).any()
    assert pieces_at_necks(none, SPACING, 2.0)[1] == 0


@given(
    seed=st.integers(0, 50),
    before=st.tuples(*[st.integers(1, 9)] * 3),
    after=st.tuples(*[st.integers(1, 9)] * 3),
)
def test_where_a_shape_lies_in_an_array_changes_nothing(
    seed: int, before: tuple[int, int, int], after: tuple[int, int, int]
) -> None:
    """Of what does not touch the array's edge, which counts as going on."""
    small = embedded(blobs(seed, (12, 14, 16)), (1, 1, 1), (1, 1, 1))
    large = embedded(small, before, after)
    back = tuple(slice(a, a + n) for a, n in zip(before, small.shape, strict=True))
    assert np.array_equal(depth_mm(large, SPACING)[back], depth_mm(small, SPACING))
    assert np.array_equal(opened(large, SPACING, 3.0)[back], opened(small, SPACING, 3.0))
    pieces, main = pieces_at_necks(large, SPACING, 3.0)
    alone, same = pieces_at_necks(small, SPACING, 3.0)
    assert main == same
    assert np.array_equal(pieces[back], alone)
    for smooth_mm in (0.0, 1.5):
        parts = parted_at_waists(large, SPACING, 0.6, smooth_mm)
        assert np.array_equal(parts[back] > 0, small)
        assert parts.max() == parted_at_waists(small, SPACING, 0.6, smooth_mm).max()


def test_a_ball_holds_one_ball_of_its_depth_and_a_sheet_many() -> None:
    z, y, x = np.ogrid[-15:16, -15:16, -15:16]
    ball = np.asarray(z**2 + y**2 + x**2 <= 12**2)
    sheet = np.zeros((31, 31, 31), np.bool_)
    sheet[13:18, 2:29, 2:29] = True
    assert balls_of_depth(ball, (1.0, 1.0, 1.0))[0] == pytest.approx(1.0, abs=0.25)
    assert balls_of_depth(sheet, (1.0, 1.0, 1.0))[0] > 20
