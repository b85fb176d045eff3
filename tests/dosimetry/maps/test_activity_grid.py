"""Activity maps on other grids: totals kept, losses told, and maps that miss the CT refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emboplan.dosimetry.maps.activity_grid import activity_outside, grid_occupancy, resampled_activity
from emboplan.errors import ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap

ROW = Grid(shape=(1, 1, 10), spacing_mm=(10.0, 10.0, 10.0), origin_mm=(0.0, 0.0, 0.0))
BOX = Grid(shape=(12, 13, 14), spacing_mm=(4.0, 4.4, 5.0), origin_mm=(-20.0, 5.0, 30.0))


def _even(grid: Grid) -> ActivityMap:
    return ActivityMap(grid, np.ones(grid.shape, np.float32))


def _blob(grid: Grid) -> ActivityMap:
    """A ball of activity in the middle of the grid, smooth at its edge."""
    z, y, x = np.meshgrid(
        *[np.arange(n) * d for n, d in zip(grid.shape, grid.spacing_zyx_mm, strict=True)], indexing="ij"
    )
    middle = [(n - 1) / 2 * d for n, d in zip(grid.shape, grid.spacing_zyx_mm, strict=True)]
    square = (z - middle[0]) ** 2 + (y - middle[1]) ** 2 + (x - middle[2]) ** 2
    return ActivityMap(grid, np.exp(-square / (2 * 5.0**2)).astype(np.float32))


def test_the_share_of_each_voxel_in_another_grid() -> None:
    """A grid whose faces lie at 12 and 35 mm; voxels end at 5, 15, 25 and 35 mm."""
    inner = Grid(shape=(1, 1, 23), spacing_mm=(1.0, 10.0, 10.0), origin_mm=(12.5, 0.0, 0.0))
    assert grid_occupancy(inner, ROW)[0, 0] == pytest.approx([0, 0.3, 1, 1, 0, 0, 0, 0, 0, 0], abs=1e-6)


def test_activity_outside_is_found_then_refused() -> None:
    """A row of 100 mm, of which the grid holds 96 and then 80."""
    near = Grid(shape=(1, 1, 96), spacing_mm=(1.0, 10.0, 10.0), origin_mm=(-4.5, 0.0, 0.0))
    found = activity_outside(_even(ROW), near)
    assert found.outside_frac == pytest.approx(0.04, rel=1e-5)
    assert [f.id for f in found.findings] == ["activity-outside"]
    far = Grid(shape=(1, 1, 80), spacing_mm=(1.0, 10.0, 10.0), origin_mm=(-4.5, 0.0, 0.0))
    with pytest.raises(ModelRangeError, match=r"20\.0 % of the activity .* outside the CT"):
        activity_outside(_even(ROW), far)
    assert activity_outside(_even(ROW), far, largest_frac=0.5).outside_mbq == pytest.approx(2.0, rel=1e-5)


def test_activity_outside_a_structure() -> None:
    share = np.ones(ROW.shape, np.float32)
    share[0, 0, 3] = 0.7
    assert activity_outside(_even(ROW), share, "the body").outside_frac == pytest.approx(0.03, rel=1e-5)
    assert activity_outside(_even(ROW), np.ones(ROW.shape)).findings == ()


def test_a_map_without_activity_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="no activity"):
        activity_outside(ActivityMap(ROW, np.zeros(ROW.shape, np.float32)), ROW)


@settings(max_examples=25, deadline=None)
@given(
    spacing=st.tuples(*[st.floats(1.5, 9.0)] * 3),
    offset=st.tuples(*[st.floats(-2.0, 2.0)] * 3),
)
def test_totals_are_kept_on_any_grid_that_holds_the_map(
    spacing: tuple[float, float, float], offset: tuple[float, float, float]
) -> None:
    low = [o - 2 * d - 3 + a for o, d, a in zip(BOX.origin_mm, BOX.spacing_mm, offset, strict=True)]
    shape = [math.ceil((s + 40) / d) for s, d in zip(BOX.size_mm, spacing, strict=True)][::-1]
    to = Grid((shape[0], shape[1], shape[2]), spacing, (low[0], low[1], low[2]))
    found = resampled_activity(_blob(BOX), to)
    assert found.activity.total_mbq == pytest.approx(_blob(BOX).total_mbq, rel=1e-6)
    assert found.outside.outside_mbq == 0
    assert found.scaled_by == 1


def test_what_the_new_grid_misses_is_reported_and_not_scaled_away() -> None:
    """Even activity, 3 of 100 mm cut off."""
    to = Grid(shape=(2, 2, 97), spacing_mm=(1.0, 5.0, 5.0), origin_mm=(-1.5, -2.5, -2.5))
    found = resampled_activity(_even(ROW), to)
    assert found.outside.outside_frac == pytest.approx(0.03, abs=1e-6)
    assert found.activity.total_mbq == pytest.approx(9.7, rel=1e-6)
    assert found.activity.mbq_per_ml == pytest.approx(np.ones(to.shape), rel=1e-6)


def test_a_turned_grid_keeps_the_total_and_the_place() -> None:
    """Turned by 20 degrees about z: the total is that of the map, its centre stays within 0.1 mm."""
    c, s = math.cos(math.radians(20)), math.sin(math.radians(20))
    turned = Grid((30, 36, 36), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0), (c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0))
    there = BOX.to_mm((np.array(BOX.shape[::-1]) - 1) / 2)
    corner = there - (turned.to_mm((np.array(turned.shape[::-1]) - 1) / 2) - np.array(turned.origin_mm))
    to = Grid(turned.shape, turned.spacing_mm, tuple(corner), turned.direction)
    found = resampled_activity(_blob(BOX), to)
    assert found.activity.total_mbq == pytest.approx(_blob(BOX).total_mbq, rel=1e-6)
    assert found.scaled_by == pytest.approx(1.0, abs=0.02)
    z, y, x = np.indices(to.shape)
    weights = found.activity.mbq_per_ml.ravel()
    centre = np.average(to.to_mm(np.stack([x, y, z], axis=-1).reshape(-1, 3)), axis=0, weights=weights)
    assert centre == pytest.approx(there, abs=0.1)


def test_a_grid_elsewhere_is_refused() -> None:
    away = Grid(BOX.shape, BOX.spacing_mm, (500.0, 0.0, 0.0))
    with pytest.raises(ModelRangeError, match=r"100\.0 % of the activity"):
        resampled_activity(_blob(BOX), away)
