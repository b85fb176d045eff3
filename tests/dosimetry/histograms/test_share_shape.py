"""Shapes from shares: balls are found where they are, and what the shares leave open is said."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emboplan.dosimetry.histograms.dvh import dose_volumes, dvh, placing_bounds
from emboplan.dosimetry.histograms.share_shape import ball_centre, ball_shares, by_dose, filled_parts
from emboplan.model.grid import Grid
from emboplan.model.image import DoseMap
from emboplan.model.mask import Mask

F64 = NDArray[np.float64]
SPACING_ZYX_MM = np.array([4.0, 5.0, 6.0])


def _counted(centre: F64, half_axes: F64, shape: tuple[int, ...], spacing: F64, points: int = 24) -> F64:
    """The share of each voxel in an ellipsoid along the axes, counted at points; mm from the first centre."""
    lines = [((np.arange(n * points) + 0.5) / points - 0.5) * d for n, d in zip(shape, spacing, strict=True)]
    z, y, x = (((line - c) / a) ** 2 for line, c, a in zip(lines, centre, half_axes, strict=True))
    inside = z[:, None, None] + y[:, None] + x <= 1
    blocks = inside.reshape(shape[0], points, shape[1], points, shape[2], points)
    shares: F64 = blocks.mean(axis=(1, 3, 5))
    return shares


places = st.tuples(*[st.floats(-0.5, 0.5)] * 3)


@settings(deadline=None, max_examples=25)
@given(places, st.floats(3.1, 6.0))
def test_a_ball_as_wide_as_a_voxel_is_found(place: tuple[float, ...], radius: float) -> None:
    """A face cuts it on every axis; found to 0.05 mm on voxels of 4 x 5 x 6 mm."""
    centre = (np.array([3, 3, 3]) + place) * SPACING_ZYX_MM
    shares = _counted(centre, np.full(3, radius), (7, 7, 7), SPACING_ZYX_MM, 32)
    found = ball_centre(shares.astype(np.float32), SPACING_ZYX_MM)
    assert found is not None
    assert found == pytest.approx(centre, abs=0.05)


@settings(deadline=None, max_examples=15)
@given(places, st.floats(1.0, 6.0))
def test_the_shares_of_a_ball(place: tuple[float, ...], radius: float) -> None:
    centre = (np.array([3, 3, 3]) + place) * SPACING_ZYX_MM
    shares = ball_shares(centre, radius, (7, 7, 7), SPACING_ZYX_MM)
    volume = 4 / 3 * math.pi * radius**3 / float(np.prod(SPACING_ZYX_MM))
    assert float(shares.sum()) == pytest.approx(volume, abs=0.015)
    assert shares == pytest.approx(_counted(centre, np.full(3, radius), (7, 7, 7), SPACING_ZYX_MM), abs=0.006)


def test_what_is_no_ball_has_no_centre() -> None:
    shape, spacing = (7, 7, 7), np.full(3, 5.0)
    shares = _counted(np.array([15.0, 16.0, 14.0]), np.array([5.0, 3.0, 3.0]), shape, spacing)
    assert ball_centre(shares.astype(np.float32), spacing) is None


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_every_share_is_kept(seed: int) -> None:
    """Scattered voxels, in pieces and alone."""
    rng = np.random.default_rng(seed)
    share = np.where(rng.uniform(size=(4, 5, 6)) < 0.3, rng.uniform(0.01, 0.99, (4, 5, 6)), 0)
    share = share.astype(np.float32)
    voxels = np.argwhere(share > 0).astype(np.int32)
    filled = filled_parts(share, voxels, 5, np.full(3, 5.0))
    assert filled.mean(axis=1) == pytest.approx(share[tuple(voxels.T)], abs=1e-5)
    assert ((filled >= 0) & (filled <= 1)).all()


def _slope(grid: Grid) -> DoseMap:
    """100 Gy in the middle of the grid's first voxel, 2 Gy/mm along x."""
    x = grid.to_mm(np.moveaxis(np.indices(grid.shape)[::-1], 0, -1))[..., 0]
    return DoseMap(grid, (100 + 2 * x).astype(np.float32), "formula")


def test_pieces_far_apart_are_drawn_together_one_by_one() -> None:
    """Each has the dose that it has alone, and the room between them costs nothing."""
    grid = Grid((220, 12, 220), (5.0, 5.0, 5.0), (0.0, 0.0, 0.0))
    dose = _slope(grid)
    one = _counted(np.array([16.0, 15.0, 13.0]), np.full(3, 3.0), (7, 7, 7), np.full(3, 5.0))
    first, second = np.zeros(grid.shape), np.zeros(grid.shape)
    first[:7, :7, :7] = one
    second[-7:, -7:, -7:] = one
    both = dose_volumes(dose, first + second)
    assert dose_volumes(dose, first).mean_gy == pytest.approx(126.0, abs=0.1)
    assert dose_volumes(dose, second).mean_gy == pytest.approx(126.0 + 2 * 213 * 5, abs=0.1)
    assert both.mean_gy == pytest.approx(126.0 + 213 * 5, abs=0.1)
    assert both.dose_at(0.75) == pytest.approx(126.0, abs=0.1)


def test_two_balls_of_the_same_shares() -> None:
    """Balls of 0.05 mL, 0.42 mm apart in one voxel: their curves differ by 14 %, the shares do not."""
    grid = Grid((5, 5, 5), (5.0, 5.0, 5.0), (0.0, 0.0, 0.0))
    dose = _slope(grid)
    radius = (3 * 50 / (4 * math.pi)) ** (1 / 3)
    shares = np.zeros(grid.shape)
    shares[2, 2, 2] = 50 / 125
    found = dose_volumes(dose, shares)
    low, high = placing_bounds(dose, shares)
    doses = np.linspace(105, 135, 500)
    true = []
    for x in (9.79, 10.21):
        assert abs(x - 10) + radius < 2.5  # inside the voxel
        u = np.clip((doses - 100 - 2 * x) / (2 * radius), -1, 1)
        true.append((2 - 3 * u + u**3) / 4)
        off = np.abs(found.fractions_at_least(doses) - true[-1]).max()
        assert 0.06 < off < 0.08
        assert low.mean_gy < 100 + 2 * x < high.mean_gy
    assert float(np.abs(true[0] - true[1]).max()) == pytest.approx(0.138, abs=0.005)


def test_bounds_of_a_share_by_hand() -> None:
    """0.4 of a 5 mm voxel at 120 Gy, 2 Gy/mm: 2 mm at the low face, mean 117, or at the high one, 123."""
    grid = Grid((5, 5, 5), (5.0, 5.0, 5.0), (0.0, 0.0, 0.0))
    shares = np.zeros(grid.shape)
    shares[2, 2, 2] = 0.4
    low, high = placing_bounds(_slope(grid), shares, geud_exponent=1.0, metrics=("V118Gy", "D2%"))
    assert [low.mean_gy, high.mean_gy] == pytest.approx([117, 123], abs=0.1)
    assert [low.d50_gy, high.d50_gy] == pytest.approx([117, 123], abs=0.2)
    assert low.geud_gy == pytest.approx(low.mean_gy)
    assert low.metrics["V118Gy"] == pytest.approx(0.25, abs=0.05)
    assert high.metrics["V118Gy"] == 1
    assert low.homogeneity is None


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_the_metrics_lie_between_their_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = Grid((5, 6, 7), (3.0, 4.0, 5.0), (0.0, 0.0, 0.0))
    dose = DoseMap(grid, rng.uniform(20, 80, grid.shape).astype(np.float32), "formula")
    shares = np.where(rng.uniform(size=grid.shape) < 0.2, rng.uniform(size=grid.shape), 0)
    shares[2, 3, 3] = 0.5
    low, high = placing_bounds(dose, shares)
    found = dvh(dose, shares)
    for name in ("mean_gy", "d98_gy", "d95_gy", "d70_gy", "d50_gy", "d2_gy", "v50_frac"):
        middle = getattr(found, name)
        assert getattr(low, name) <= middle + 1e-3
        assert middle <= getattr(high, name) + 1e-3


def test_a_mask_leaves_no_room() -> None:
    grid = Grid((5, 5, 5), (5.0, 5.0, 5.0), (0.0, 0.0, 0.0))
    voxels = np.zeros(grid.shape, np.bool_)
    voxels[1:4, 1:4, 1:3] = True
    low, high = placing_bounds(_slope(grid), Mask(grid, voxels))
    assert low == high
    assert low.mean_gy == pytest.approx(115)


def test_parts_outside_the_dose_are_filled_last() -> None:
    points = np.array([[3.0, np.nan, 1.0, 2.0]], np.float32)
    assert by_dose(points, np.array([0.5]), highest=True).tolist() == [[1, 0, 0, 1]]
    assert by_dose(points, np.array([0.5]), highest=False).tolist() == [[0, 0, 1, 1]]
    assert by_dose(points, np.array([0.875]), highest=False).tolist() == [[1, 0.5, 1, 1]]
