"""Lesions that have run into each other, against balls whose common plane is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emboplan.segmentation.lesion_parts import parted, parted_anew
from emboplan.segmentation.shape import depth_in_balls_mm2

Spacing = tuple[float, float, float]
Point = tuple[float, float, float]

FINE: Spacing = (1.5, 1.0, 1.0)


def _places(shape: tuple[int, int, int], spacing: Spacing) -> NDArray[np.float64]:
    return np.stack(
        np.meshgrid(*[np.arange(n) * d for n, d in zip(shape, spacing, strict=True)], indexing="ij")
    )


def _ball(places: NDArray[np.float64], centre: Point, radius_mm: float) -> NDArray[np.bool_]:
    away = places - np.reshape(centre, (3, 1, 1, 1))
    found: NDArray[np.bool_] = (away**2).sum(0) <= radius_mm**2
    return found


@given(st.integers(0, 2**31), st.tuples(*[st.floats(0.5, 4)] * 3))
@settings(max_examples=30)
def test_depth_in_balls_is_the_largest_over_all_of_them(seed: int, spacing: Spacing) -> None:
    rng = np.random.default_rng(seed)
    shape = (6, 7, 8)
    radius = np.where(rng.random(shape) < 0.05, rng.uniform(1, 9, shape), 0).astype(np.float32)
    places = _places(shape, spacing)
    expected = np.full(shape, -np.inf)
    for z, y, x in np.argwhere(radius > 0):
        away = ((places - places[:, z, y, x].reshape(3, 1, 1, 1)) ** 2).sum(0)
        expected = np.maximum(expected, radius[z, y, x].astype(float) ** 2 - away)
    assert depth_in_balls_mm2(radius, spacing) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("spacing", [FINE, (3.0, 0.8, 0.8), (2.5, 2.5, 2.5)])
@pytest.mark.parametrize("radii_mm", [(20.0, 20.0), (22.0, 14.0)])
def test_two_balls_meet_in_the_plane_of_their_circle(spacing: Spacing, radii_mm: tuple[float, float]) -> None:
    one, other = radii_mm
    apart_mm = 0.8 * (one + other)
    shape = (round(50 / spacing[0]), round(50 / spacing[1]), round(90 / spacing[2]))
    places = _places(shape, spacing)
    found = _ball(places, (25, 25, 25), one) | _ball(places, (25, 25, 25 + apart_mm), other)
    plane_mm = 25 + (apart_mm**2 + one**2 - other**2) / (2 * apart_mm)
    labels = parted(found, spacing)
    assert np.array_equal(labels > 0, found)
    assert labels.max() == 2
    middle = labels[shape[0] // 2, shape[1] // 2]
    expected = np.where(
        places[2] < plane_mm, middle[round(25 / spacing[2])], middle[round((25 + apart_mm) / spacing[2])]
    )
    wrong = np.count_nonzero(labels[found] != expected[found])
    # Nothing but voxels that the plane runs through.
    within = np.count_nonzero(found & (np.abs(places[2] - plane_mm) <= spacing[2]))
    assert wrong <= within


def test_one_ball_stays_one_and_so_does_a_long_ellipsoid() -> None:
    places = _places((40, 60, 100), FINE)
    assert parted(_ball(places, (30, 30, 50), 21), FINE).max() == 1
    long = _ball(places * np.reshape((1, 1, 0.5), (3, 1, 1, 1)), (30, 30, 25), 18)
    assert parted(long, FINE).max() == 1


def test_a_small_part_gets_no_number_of_its_own() -> None:
    """A bud of 0.5 mL on a large lesion belongs to it."""
    places = _places((40, 60, 80), FINE)
    bud = _ball(places, (30, 30, 53), 5)
    labels = parted(_ball(places, (30, 30, 30), 20) | bud, FINE)
    assert set(np.unique(labels)) == {0, 1}


def test_dark_and_bright_lesions_side_by_side_stay_apart() -> None:
    """The same voxels as before, and one number is never on both sides."""
    places = _places((40, 60, 90), FINE)
    dark, bright = _ball(places, (30, 30, 30), 20), _ball(places, (30, 30, 48), 18)
    given_labels = np.where(dark, 1, np.where(bright, 2, 0)).astype(np.uint16)
    labels = parted_anew(given_labels, 1, FINE)
    assert np.array_equal(labels > 0, given_labels > 0)
    assert not set(np.unique(labels[given_labels == 1])) & set(np.unique(labels[given_labels == 2]))


@pytest.mark.parametrize("spacing", [FINE, (5.0, 0.6, 0.6), (0.7, 0.7, 0.7)])
def test_outlines_are_parted_anew_on_any_grid(spacing: Spacing) -> None:
    """A cut in the wrong place is put right, and no voxel is lost, whatever the steps to coarser voxels."""
    shape = (round(50 / spacing[0]), round(50 / spacing[1]), round(85 / spacing[2]))
    places = _places(shape, spacing)
    one, other = _ball(places, (24, 24, 24), 20), _ball(places, (24, 24, 56), 20)
    wrong = np.where(places[2] < 30, 1, 2) * (one | other)
    labels = parted_anew(wrong.astype(np.uint16), 2, spacing)
    assert np.array_equal(labels > 0, one | other)
    parts = np.bincount(labels.ravel())[1:]
    assert parts.size == 2
    assert parts[0] == pytest.approx(parts[1], rel=0.08)


def test_a_speck_between_the_coarse_voxels_keeps_a_number() -> None:
    labels = np.zeros((9, 9, 9), np.uint16)
    labels[4, 4, 4], labels[0, 8, 2] = 1, 2
    found = parted_anew(labels, 1, (0.5, 0.5, 0.5))
    assert np.array_equal(found > 0, labels > 0)
    assert found[4, 4, 4] != found[0, 8, 2]


def test_a_crumb_far_away_gets_no_lesions_number() -> None:
    places = _places((40, 60, 90), FINE)
    lesion, crumb = _ball(places, (30, 30, 24), 16), _ball(places, (30, 30, 80), 2)
    labels = np.where(lesion, 1, np.where(crumb, 2, 0)).astype(np.uint16)
    assert np.array_equal(parted_anew(labels, 2, FINE, least_ml=0.25) > 0, lesion)
    kept = parted_anew(labels, 2, FINE, least_ml=0.01)
    assert np.array_equal(kept > 0, lesion | crumb)
    assert len(np.unique(kept)) == 3


def test_nothing_found_is_nothing_parted() -> None:
    empty = np.zeros((5, 6, 7), np.uint16)
    assert not parted_anew(empty, 0, FINE).any()
    assert not parted(empty > 0, FINE).any()
