"""Dose maps that scale with the activity: hand calculations, the histogram as second method, refusals."""

import numpy as np
import pytest

from emboplan.dosimetry.histograms.dvh import dvh
from emboplan.dosimetry.models.scaled_map import (
    ScaledMap,
    activity_for_dose_at_volume_gbq,
    activity_for_mean_gbq,
    dose_at_volume_per_gbq,
    mean_per_gbq,
)
from emboplan.errors import GeometryError, MaskError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import DoseMap
from emboplan.model.mask import Mask

GRID = Grid(shape=(4, 5, 6), spacing_mm=(2.0, 3.0, 4.0), origin_mm=(0.0, 0.0, 0.0))
DOSES = np.random.default_rng(7).gamma(3.0, 20.0, GRID.shape)
STRUCTURE = Mask(GRID, np.indices(GRID.shape).sum(axis=0) % 3 != 0)


def _map(administered_gbq: float = 2.0) -> ScaledMap:
    return ScaledMap(
        DoseMap(GRID, DOSES.astype(np.float32), "test", np.ones(GRID.shape, np.float32)), administered_gbq
    )


def test_a_mean_counts_each_voxel_by_its_share() -> None:
    """10 and 30 Gy per GBq, of the second voxel a third: (10 + 10) / (4/3) = 15."""
    assert pytest.approx(15.0, rel=1e-12) == mean_per_gbq([10.0, 30.0, 99.0], [1.0, 1 / 3, 0.0])


def test_dose_at_volume_by_hand() -> None:
    """Four even voxels stand at 1/8, 3/8, 5/8 and 7/8 of the volume, counted from the lowest dose."""
    doses = [40.0, 10.0, 30.0, 20.0]
    assert [
        pytest.approx(dose_at_volume_per_gbq(doses, volume_frac=v), rel=1e-12)
        for v in (0.125, 0.375, 0.5, 0.625, 1.0)
    ] == [40.0, 30.0, 25.0, 20.0, 10.0]


def test_activity_for_a_mean_and_for_a_dose_at_volume() -> None:
    doses = [10.0, 20.0, 30.0, 40.0]
    assert pytest.approx(4.0, rel=1e-12) == activity_for_mean_gbq(doses, dose_gy=100.0)
    found = activity_for_dose_at_volume_gbq(doses, volume_frac=0.625, dose_gy=100.0)
    assert pytest.approx(5.0, rel=1e-12) == found


def test_agrees_with_the_histogram_of_the_scaled_map() -> None:
    """The activity for D70 of 100 Gy, given: the histogram of that map has a D70 of 100 Gy."""
    scaled = _map()
    activity = float(scaled.activity_for_dose_at_volume_gbq(STRUCTURE, volume_frac=0.7, dose_gy=100.0))
    found = dvh(scaled.at(activity), STRUCTURE)
    # The map is kept in single precision.
    assert pytest.approx(100.0, rel=1e-6) == found.d70_gy
    assert scaled.mean_gy(STRUCTURE, activity) == pytest.approx(found.mean_gy, rel=1e-6)
    assert scaled.dose_at_volume_gy(STRUCTURE, activity, volume_frac=0.5) == pytest.approx(
        found.d50_gy, rel=1e-6
    )
    mean_activity = float(scaled.activity_for_mean_gbq(STRUCTURE, dose_gy=60.0))
    assert pytest.approx(60.0, rel=1e-6) == dvh(scaled.at(mean_activity), STRUCTURE).mean_gy


def test_at_its_own_activity_the_map_is_itself() -> None:
    scaled = _map(1.7)
    same, double = scaled.at(1.7), scaled.at(3.4)
    assert np.array_equal(same.gy, scaled.dose.gy)
    assert same.standard_error_gy is not None
    assert np.array_equal(same.standard_error_gy, np.ones(GRID.shape))
    assert double.standard_error_gy is not None
    assert np.array_equal(double.standard_error_gy, np.full(GRID.shape, 2.0))
    assert not scaled.at(0.0).gy.any()


def test_many_activities_at_once() -> None:
    doses = np.asarray(_map().mean_gy(STRUCTURE, np.array([1.0, 2.0, 4.0])))
    assert doses == pytest.approx(doses[0] * np.array([1, 2, 4]), rel=1e-12)


def test_a_mask_on_another_grid_is_refused() -> None:
    other = Grid(shape=GRID.shape, spacing_mm=GRID.spacing_mm, origin_mm=(1.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="dose map and structure"):
        _map().mean_gy(Mask(other, STRUCTURE.voxels), 1.0)


def test_empty_structures_and_cold_ones_are_refused() -> None:
    with pytest.raises(MaskError, match="empty"):
        mean_per_gbq([10.0, 20.0], [0.0, 0.0])
    with pytest.raises(MaskError, match="empty"):
        _map().mean_gy(Mask.empty(GRID), 1.0)
    with pytest.raises(ModelRangeError, match="no activity reaches the goal"):
        activity_for_mean_gbq([0.0, 0.0], dose_gy=100.0)


def test_shapes_and_shares_are_checked() -> None:
    with pytest.raises(MaskError, match="shape"):
        mean_per_gbq([10.0, 20.0], [1.0])
    with pytest.raises(MaskError, match="outside 0 to 1"):
        mean_per_gbq([10.0, 20.0], [1.0, 255.0])
    with pytest.raises(ModelRangeError, match="gy_per_gbq"):
        mean_per_gbq([10.0, -20.0])
    with pytest.raises(ModelRangeError, match="administered_gbq is 0"):
        _map(0.0)


@pytest.mark.parametrize("volume", [0.0, 70.0, float("nan")])
def test_a_volume_is_a_share(volume: float) -> None:
    with pytest.raises(ModelRangeError, match="volume_frac"):
        dose_at_volume_per_gbq([10.0, 20.0], volume_frac=volume)
