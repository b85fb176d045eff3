"""Small spheres on coarse voxels, against the analytic histogram of a sphere in a known dose.

In a slope the share of a sphere beyond a plane is a polynomial; about a point source or the peak of a
Gaussian the share above a dose is the part that two spheres have in common.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emboplan.dosimetry.histograms.dose_volumes import DoseVolumes
from emboplan.dosimetry.histograms.dvh import dose_volumes, dvh
from emboplan.dosimetry.histograms.subvoxel import Sampling
from emboplan.model.grid import Grid
from emboplan.model.image import DoseMap
from emboplan.model.mask import Mask

F64 = NDArray[np.float64]
VOXEL_MM = 5.0
GRID = Grid((13, 13, 13), (VOXEL_MM,) * 3, (0.0, 0.0, 0.0))
CENTRES = GRID.to_mm(np.moveaxis(np.indices(GRID.shape)[::-1], 0, -1))
MIDDLE = np.full(3, 30.0)
WITHIN = 0.02

offsets = st.tuples(*[st.floats(-2.5, 2.5)] * 3)
# At one moment of its life every direction is along an axis or a diagonal; Hypothesis goes there first.
directions = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: math.hypot(*v) > 0.1)


@dataclass(frozen=True)
class Truth:
    dose: DoseMap
    share_above: Callable[[F64], F64]


def _radius(volume_ml: float) -> float:
    return float((3000 * volume_ml / (4 * math.pi)) ** (1 / 3))


def _unit(direction: tuple[float, ...]) -> F64:
    return np.array(direction) / math.hypot(*direction)


def _map(gy: F64) -> DoseMap:
    return DoseMap(GRID, gy.clip(0).astype(np.float32), "formula")  # below 0 far from the middle only


def _slope(centre: F64, radius: float, direction: F64) -> Truth:
    """100 Gy at 30 mm, rising by 2 Gy/mm; the share beyond a plane is (2 - 3 u + u^3) / 4 of the sphere."""

    def share(gy: F64) -> F64:
        u = np.clip((gy - 100 - 2 * (centre - MIDDLE) @ direction) / (2 * radius), -1, 1)
        return np.asarray((2 - 3 * u + u**3) / 4)

    return Truth(_map(100 + 2 * (CENTRES - MIDDLE) @ direction), share)


def _common(a: float, b: F64, d: float) -> F64:
    """Volume that spheres of radii `a` and `b` have in common at a distance `d`."""
    whole = 4 / 3 * math.pi * np.minimum(a, b) ** 3
    if d == 0:
        return np.asarray(whole)
    lens = math.pi * (a + b - d) ** 2 * (d * d + 2 * d * (a + b) - 3 * (a - b) ** 2) / (12 * d)
    return np.where(d >= a + b, 0.0, np.where(d <= np.abs(a - b), whole, lens))


def _about(
    centre: F64, radius: float, source: F64, gy: Callable[[F64], F64], reach: Callable[[F64], F64]
) -> Truth:
    """A dose that falls with the distance from a point; `reach` is the distance at which a dose is met."""
    away = float(np.linalg.norm(centre - source))
    volume = 4 / 3 * math.pi * radius**3
    return Truth(
        _map(gy(np.linalg.norm(CENTRES - source, axis=-1))),
        lambda d: _common(radius, reach(d), away) / volume,
    )


def _gaussian(centre: F64, radius: float, source: F64, sigma_mm: float) -> Truth:
    return _about(
        centre,
        radius,
        source,
        lambda r: 100 * np.exp(-(r**2) / (2 * sigma_mm**2)),
        lambda d: sigma_mm * np.sqrt(-2 * np.log(np.clip(d / 100, 1e-30, 1))),
    )


def _mask(centre: F64, radius: float, pixel_mm: float = 0.3) -> Mask:
    """The sphere on a fine grid that is not the dose's."""
    count = int(2 * radius / pixel_mm) + 4
    start = centre - (count - 1) / 2 * pixel_mm
    grid = Grid((count,) * 3, (pixel_mm,) * 3, (start[0], start[1], start[2]))
    places = grid.to_mm(np.moveaxis(np.indices(grid.shape)[::-1], 0, -1))
    return Mask(grid, np.linalg.norm(places - centre, axis=-1) <= radius)


def _shares(centre: F64, radius: float, points: int = 14) -> F64:
    """The share of each voxel that the sphere fills, counted at `points` along each edge."""
    first, count = 4, 5  # the middle, where all spheres are
    lines = ((np.arange(count * points) + 0.5) / points + first - 0.5) * VOXEL_MM
    square = [(lines - c) ** 2 for c in centre]
    inside = square[2][:, None, None] + square[1][:, None] + square[0] <= radius**2
    shares = np.zeros(GRID.shape)
    part = inside.reshape(count, points, count, points, count, points).mean(axis=(1, 3, 5))
    shares[4:9, 4:9, 4:9] = part
    return shares


def _check(found: DoseVolumes, truth: Truth, within: float = WITHIN) -> None:
    """Every Dx is right within 2 %, or the volume at that dose is."""
    doses = np.linspace(0.01, 1.1 * float(truth.dose.gy.max()), 20_000)
    expected = truth.share_above(doses)
    for volume_frac in (0.98, 0.95, 0.9, 0.7, 0.5, 0.3, 0.1, 0.02):
        true_gy = float(np.interp(-volume_frac, -expected, doses))
        found_gy = found.dose_at(volume_frac)
        off_frac = abs(float(truth.share_above(np.array([found_gy]))[0]) - volume_frac)
        assert min(abs(found_gy / true_gy - 1), off_frac) <= within


@settings(deadline=None, max_examples=25)
@given(st.floats(0.05, 1.0), offsets, directions)
def test_a_sphere_on_a_slope(
    volume_ml: float, offset: tuple[float, ...], direction: tuple[float, ...]
) -> None:
    """No step anywhere: the curve itself is within 2 % of the volume, from 0.05 to 1 mL."""
    centre, radius = MIDDLE + offset, _radius(volume_ml)
    truth = _slope(centre, radius, _unit(direction))
    mask = _mask(centre, radius)
    found = dose_volumes(truth.dose, mask)
    assert found.volume_ml == pytest.approx(mask.volume_ml, rel=1e-9)
    doses = np.linspace(80, 120, 400)
    assert found.fractions_at_least(doses) == pytest.approx(truth.share_above(doses), abs=WITHIN)
    _check(found, truth)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.05, 1.0), offsets, directions, st.floats(20, 40))
def test_a_sphere_near_a_point_source(
    volume_ml: float, offset: tuple[float, ...], direction: tuple[float, ...], away_mm: float
) -> None:
    centre, radius = MIDDLE + offset, _radius(volume_ml)
    source = centre + away_mm * _unit(direction)
    truth = _about(centre, radius, source, lambda r: 1e5 / np.maximum(r, 5) ** 2, lambda d: np.sqrt(1e5 / d))
    _check(dose_volumes(truth.dose, _mask(centre, radius)), truth)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.05, 1.0), offsets, directions, st.floats(0, 15))
def test_a_sphere_in_a_peak(
    volume_ml: float, offset: tuple[float, ...], direction: tuple[float, ...], away_mm: float
) -> None:
    """A Gaussian of 12 mm, anywhere between the voxels; linear interpolation would lose 6 % of its peak."""
    centre, radius = MIDDLE + offset, _radius(volume_ml)
    truth = _gaussian(centre, radius, centre + away_mm * _unit(direction), 12.0)
    _check(dose_volumes(truth.dose, _mask(centre, radius)), truth)


@settings(deadline=None, max_examples=15)
@given(st.floats(0.066, 1.0), offsets, directions)
def test_a_sphere_of_which_only_the_shares_are_known(
    volume_ml: float, offset: tuple[float, ...], direction: tuple[float, ...]
) -> None:
    """As wide as a voxel of 5 mm, a face cuts it on every axis: the curve is within 2 % of the volume."""
    centre, radius = MIDDLE + offset, _radius(volume_ml)
    shares = _shares(centre, radius, points=40)
    truth = _slope(centre, radius, _unit(direction))
    found = dose_volumes(truth.dose, shares)
    assert found.volume_ml == pytest.approx(float(shares.sum()) * GRID.voxel_ml, rel=1e-5)
    doses = np.linspace(80, 120, 400)
    assert found.fractions_at_least(doses) == pytest.approx(truth.share_above(doses), abs=WITHIN)
    _check(found, truth)


def test_the_smallest_sphere_hides_in_its_voxel() -> None:
    """0.05 mL by shares: 4.57 mm wide, it may lie 0.215 mm off on each axis, unseen.

    Along a slope that is 7 % of the volume for one axis and 12 % for a diagonal; half are within 2 %.
    """
    rng = np.random.default_rng(8)
    radius = _radius(0.05)
    worst = []
    doses = np.linspace(80, 120, 400)
    for _ in range(20):
        centre = MIDDLE + rng.uniform(-2.5, 2.5, 3)
        truth = _slope(centre, radius, _unit(tuple(rng.normal(size=3))))
        found = dose_volumes(truth.dose, _shares(centre, radius, points=40))
        worst.append(float(np.abs(found.fractions_at_least(doses) - truth.share_above(doses)).max()))
        _check(found, truth, within=0.01)
    assert max(worst) <= 0.75 * (VOXEL_MM / 2 - radius) * math.sqrt(3) / radius + 0.01
    assert np.median(worst) <= WITHIN


def test_linear_cuts_the_peak_off() -> None:
    """A peak of 12 mm amid eight voxels: linear it is their mean, exp(-3 x 2.5^2 / (2 x 12^2)) of it."""
    peak = MIDDLE + 2.5
    truth = _gaussian(peak, 2.0, peak, 12.0)
    mask = _mask(peak, 2.0)
    straight = dose_volumes(truth.dose, mask, sampling=Sampling.LINEAR)
    assert straight.highest_gy == pytest.approx(100 * math.exp(-18.75 / 288), rel=1e-4)
    assert dose_volumes(truth.dose, mask).highest_gy == pytest.approx(100, rel=0.01)


@settings(deadline=None, max_examples=15)
@given(offsets, directions)
def test_linear_is_exact_on_a_slope(offset: tuple[float, ...], direction: tuple[float, ...]) -> None:
    truth = _slope(MIDDLE + offset, 6.0, _unit(direction))
    mask = _mask(MIDDLE + offset, 6.0)
    assert dvh(truth.dose, mask, sampling="linear").mean_gy == pytest.approx(dvh(truth.dose, mask).mean_gy)


def test_a_step_does_not_overshoot() -> None:
    """Between 40 and 160 Gy there is nothing below the one and above the other."""
    gy = np.where(CENTRES[..., 0] > 30, 160.0, 40.0)
    found = dose_volumes(_map(gy), _mask(MIDDLE, 8.0))
    assert (found.lowest_gy, found.highest_gy) == (40.0, 160.0)


def test_a_turned_mask_is_sampled_where_it_is() -> None:
    """The sphere's mask on a grid turned by 30 degrees about z has the same histogram."""
    centre, radius = MIDDLE + 1.0, _radius(0.5)
    truth = _slope(centre, radius, _unit((1.0, 0.5, 0.2)))
    straight = _mask(centre, radius)
    c, s = math.cos(math.pi / 6), math.sin(math.pi / 6)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    start = centre + turn @ (np.array(straight.grid.origin_mm) - centre)
    grid = Grid(straight.grid.shape, (0.3,) * 3, tuple(start), tuple(turn.reshape(-1)))
    _check(dose_volumes(truth.dose, Mask(grid, straight.voxels)), truth, within=0.005)


def test_a_mask_coarser_than_the_dose() -> None:
    """Voxels of 20 mm are sampled finely enough for doses of 5 mm: the mean of a cube on a slope."""
    grid = Grid((1, 1, 1), (20.0, 20.0, 20.0), (31.0, 29.0, 30.0))
    truth = _slope(MIDDLE, 1.0, np.array([1.0, 0.0, 0.0]))
    found = dvh(truth.dose, Mask(grid, np.ones((1, 1, 1), dtype=np.bool_)))
    assert found.mean_gy == pytest.approx(102.0, rel=1e-4)
    assert found.volume_ml == pytest.approx(8.0)
    assert found.min_gy == pytest.approx(82.0, abs=0.7)
    assert found.max_gy == pytest.approx(122.0, abs=0.7)


def test_voxels_as_they_are() -> None:
    """With `voxels` the mean is that of the energy balance: the shares times the voxels' own doses."""
    truth = _gaussian(MIDDLE, 8.0, MIDDLE + 3.0, 12.0)
    shares = _shares(MIDDLE, 8.0)
    expected = float(np.average(truth.dose.gy, weights=shares))
    found = dvh(truth.dose, shares, sampling=Sampling.VOXELS)
    assert found.mean_gy == pytest.approx(expected, rel=1e-6)
