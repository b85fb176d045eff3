"""Blurred balls in noise, first drawn too small, too large or ragged: the size must be the ball's."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.model.grid import Grid
from emboplan.segmentation.lesion_shells import shells_around, signed_distance
from emboplan.segmentation.lesion_size import resized

LIVER_HU, LESION_HU, NOISE_HU, BLUR_MM = 105.0, 75.0, 14.0, 1.1
GRID = Grid(shape=(40, 60, 60), spacing_mm=(1.0, 1.0, 1.5), origin_mm=(0.0, 0.0, 0.0))
EVERYWHERE = np.ones(GRID.shape, np.bool_)


def away_mm(column: float = 29.5) -> NDArray[np.float64]:
    """Distance from the centre of the ball."""
    z, y, x = np.indices(GRID.shape)
    return np.asarray(np.sqrt(((z - 19.5) * 1.5) ** 2 + (y - 29.5) ** 2 + (x - column) ** 2))


def scan(ball: NDArray[np.bool_], seed: int) -> NDArray[np.float32]:
    hu = np.where(ball, LESION_HU, LIVER_HU)
    blurred = ndimage.gaussian_filter(hu, [BLUR_MM / d for d in GRID.spacing_zyx_mm])
    return (blurred + np.random.default_rng(seed).normal(0, NOISE_HU, GRID.shape)).astype(np.float32)


@pytest.mark.parametrize("radius_mm", [10.0, 15.0, 22.0])
@pytest.mark.parametrize("off_mm", [-1.2, 0.0, 1.2])
def test_the_size_is_the_balls_whatever_was_drawn_first(radius_mm: float, off_mm: float) -> None:
    first = (away_mm() < radius_mm + off_mm).astype(np.uint16)
    found = resized(scan(away_mm() < radius_mm, 3), first, EVERYWHERE, GRID)
    assert np.count_nonzero(found) == pytest.approx(np.count_nonzero(away_mm() < radius_mm), rel=0.05)


def test_a_ragged_surface_comes_out_smooth() -> None:
    ball = away_mm() < 16
    noise = ndimage.gaussian_filter(np.random.default_rng(1).normal(0, 1, GRID.shape), 1.0)
    ragged = (away_mm() + 6 * noise < 16).astype(np.uint16)
    found = resized(scan(ball, 1), ragged, EVERYWHERE, GRID) > 0
    before = 2 * np.count_nonzero((ragged > 0) & ball) / (np.count_nonzero(ragged) + np.count_nonzero(ball))
    after = 2 * np.count_nonzero(found & ball) / (np.count_nonzero(found) + np.count_nonzero(ball))
    assert before < 0.94
    assert after > 0.965


def test_a_lesion_that_the_surface_or_another_one_cuts_is_not_rounded_off_there() -> None:
    """The plane through the ball's middle ends it: its half must come out whole, corners too."""
    ball = away_mm() < 16
    right = np.broadcast_to(np.arange(60) >= 30, GRID.shape)
    half = (ball & right).astype(np.uint16)
    of_liver = resized(scan(ball, 2), half, right.copy(), GRID)
    assert not of_liver[~right].any()
    assert np.count_nonzero(of_liver) == pytest.approx(np.count_nonzero(half), rel=0.06)
    both = np.where(right, half, 2 * ball.astype(np.uint16)).astype(np.uint16)
    found = resized(scan(ball, 2), both, EVERYWHERE, GRID)
    for number in (1, 2):
        assert np.count_nonzero(found == number) == pytest.approx(np.count_nonzero(half), rel=0.06)


def test_small_lesions_and_those_without_an_edge_stay_as_they_are() -> None:
    small = (away_mm() < 7).astype(np.uint16)
    assert np.array_equal(resized(scan(small > 0, 0), small, EVERYWHERE, GRID), small)
    drawn = (away_mm() < 12).astype(np.uint16)
    slope = np.broadcast_to(3.0 * np.arange(60, dtype=np.float32), GRID.shape).copy()
    assert np.array_equal(resized(slope, drawn, EVERYWHERE, GRID), drawn)


def test_the_distance_of_a_ball_is_the_distance_from_its_surface() -> None:
    distance = signed_distance(away_mm() < 20, EVERYWHERE, GRID.spacing_zyx_mm, 1.0)
    assert distance is not None
    assert np.abs(distance - (away_mm() - 20)).max() < 1.75
    assert signed_distance(np.zeros(GRID.shape, np.bool_), EVERYWHERE, GRID.spacing_zyx_mm, 1.0) is None
    assert signed_distance(EVERYWHERE, EVERYWHERE, GRID.spacing_zyx_mm, 1.0) is None


def test_each_shell_has_the_mean_of_its_voxels_without_vessels() -> None:
    distance = away_mm() - 15
    hu = 100 + distance
    hu[distance > 0] += np.where(np.random.default_rng(0).random(GRID.shape)[distance > 0] < 0.03, 150, 0)
    shells = shells_around(hu.astype(np.float32), distance.astype(np.float32), EVERYWHERE)
    assert shells.enough
    assert shells.hu == pytest.approx(100 + shells.distance_mm, abs=0.15)
    assert np.all(np.diff(shells.distance_mm) > 0)
