"""Loops of the histograms against plain numpy."""

import numpy as np
import pytest
from numpy.typing import NDArray

from emboplan.kernels import histogram

F64 = NDArray[np.float64]


def _sampled(gy: NDArray[np.float32], points: F64) -> F64:
    """Doses at whole-voxel "structures" of one tiny part each, placed at `points`."""
    bend = np.zeros((3, *gy.shape), np.float32)
    histogram.bends(gy, bend)
    out = np.empty((len(points), 1), np.float32)
    shrink = np.eye(3) * 1e-9  # the part is a point
    for n, point in enumerate(points):
        row = np.zeros((1, 3), np.int32)
        one = np.empty((1, 1), np.float32)
        histogram.sample(gy, bend, row, shrink, point, (1, 1, 1), np.empty((0, 0), np.float32), one)
        out[n] = one
    found: F64 = out[:, 0].astype(np.float64)
    return found


def test_a_parabola_is_met_between_the_voxels() -> None:
    """Its second difference is the same everywhere, so that the bend is exact."""
    z, y, x = np.indices((8, 9, 10)).astype(np.float64)

    def formula(z: F64, y: F64, x: F64) -> F64:
        return 200 - 2 * (z - 3.3) ** 2 - (y - 4.1) ** 2 + 0.5 * (x - 5.2) ** 2 + x + 2 * y

    points = np.random.default_rng(0).uniform(1, 6, (50, 3))
    found = _sampled(formula(z, y, x).astype(np.float32), points)
    assert found == pytest.approx(formula(*points.T), rel=1e-5)


def test_rows_that_bend_both_ways_are_straight() -> None:
    gy = np.zeros((1, 1, 6), np.float32)
    gy[0, 0] = [10, 10, 10, 50, 50, 50]
    points = np.array([[0.0, 0.0, x] for x in (1.7, 2.25, 2.5, 3.4)])
    assert _sampled(gy, points) == pytest.approx([10, 20, 30, 50])


def test_beyond_the_outer_faces_there_is_no_dose() -> None:
    gy = np.ones((3, 3, 3), np.float32)
    points = np.array([[1.0, 1.0, -0.49], [1.0, 1.0, -0.51], [2.51, 1.0, 1.0], [1.0, 2.49, 1.0]])
    assert np.isnan(_sampled(gy, points)).tolist() == [False, True, True, False]


def test_parts_keep_the_share_of_their_voxel() -> None:
    """Whatever the neighbours hold, alike or not."""
    rng = np.random.default_rng(3)
    share = rng.uniform(0, 1, (5, 6, 7)).astype(np.float32)
    share[2] = 0.3
    voxels = np.argwhere(share > 0).astype(np.int32)
    weights = np.exp(-((((np.arange(4) + 0.5) / 4 - 0.5)[:, None] - np.array([-1, 0, 1])) ** 2))
    out = np.empty((len(voxels), 64), np.float32)
    histogram.rank_by_neighbours(np.pad(share, 1), voxels, weights, out)
    assert out.mean(axis=1) == pytest.approx(share[tuple(voxels.T)], abs=1e-5)
    assert ((out >= 0) & (out <= 1)).all()


def test_the_highest_values_are_filled_first() -> None:
    values = np.array([[5.0, 1.0, 3.0, 4.0], [2.0, 2.0, 2.0, 2.0]], np.float32)
    out = np.empty_like(values)
    histogram.rank_by_value(values, np.array([0.625, 0.25]), out)
    assert out.tolist() == [[1.0, 0.0, 0.5, 1.0], [0.25, 0.25, 0.25, 0.25]]


def test_survey_finds_the_box_and_what_is_no_share() -> None:
    share = np.zeros((4, 5, 6), np.float32)
    box = np.empty((3, 2), np.int64)
    assert histogram.survey(share, 1e-3, box)
    assert (box[:, 1] < 0).all()
    share[1:3, 2, 1:5] = 0.5
    assert histogram.survey(share, 1e-3, box)
    assert box.tolist() == [[1, 2], [2, 2], [1, 4]]
    for bad in (1.5, -0.5, np.nan, np.inf):
        share[0, 0, 0] = bad
        assert not histogram.survey(share, 1e-3, box)


def test_bins_keep_volume_and_dose() -> None:
    rng = np.random.default_rng(1)
    gy, ml = rng.uniform(5, 90, 5000).astype(np.float32), rng.uniform(0, 1, 5000)
    gy[::100] = np.nan
    volume, moment, ends = np.zeros(64), np.zeros(64), np.zeros((2, 64), np.float32)
    histogram.bin_volumes(gy, ml, 5.0, 63 / 85, volume, moment, ends)
    known = ~np.isnan(gy)
    assert volume.sum() == pytest.approx(ml[known].sum())
    assert moment.sum() == pytest.approx((gy[known] * ml[known]).sum())
    filled = volume > 0
    means = moment[filled] / volume[filled]
    assert ((ends[0, filled] <= means + 1e-5) & (means <= ends[1, filled] + 1e-5)).all()
