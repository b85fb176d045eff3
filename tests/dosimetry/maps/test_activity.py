"""Activity maps: totals, shares of regions and of border voxels, decay, and what is refused."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dosimetry.scans import GRID, make_scan

from emboplan.dosimetry.maps.activity import (
    Region,
    Treated,
    calibrated_activity,
    counts_elsewhere_frac,
    in_regions,
    measured_activity,
    pet_map,
    shunted_regions,
)
from emboplan.errors import MaskError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, CountImage
from emboplan.model.pet import PetActivity

ROW = Grid(shape=(1, 1, 4), spacing_mm=(10.0, 10.0, 10.0), origin_mm=(0.0, 0.0, 0.0))  # voxels of 1 mL
INJECTED = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)


def _row(*values: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array([[values]], dtype=np.float32)


def test_liver_and_lungs_get_their_shares() -> None:
    """A(1 - shunt) in the liver and A x shunt in the lungs, whatever the scan itself would say."""
    scan = make_scan(shunt=0.10, ratio=4.0, fwhm_mm=12.0, stated_fwhm_mm=12.0)
    found = calibrated_activity(
        scan.counts, scan.liver, lungs=scan.lungs, administered_gbq=2.0, lung_shunt_frac=0.05
    )
    assert found.activity.total_mbq == pytest.approx(2000.0, rel=1e-5)
    only_lung = scan.liver == 0
    in_lungs = float(found.activity.mbq_per_ml[only_lung].sum(dtype=np.float64)) * GRID.voxel_ml
    assert in_lungs <= 100.0 * (1 + 1e-5)
    assert in_lungs == pytest.approx(100.0, rel=0.05)  # the rest shares voxels with the liver
    assert 0.0 < found.outside_frac < 0.15
    assert 0.0 < found.reassigned_frac < 1.0


def test_lung_at_the_dome_gets_the_mean_of_the_rest() -> None:
    """Counts breathed across the dome would give lung near the liver many times the dose."""
    scan = make_scan(shunt=0.05, ratio=4.0, fwhm_mm=12.0, stated_fwhm_mm=12.0, breathing_mm=20.0)
    lungs = np.round(scan.lungs) * (np.round(scan.liver) == 0)
    found = calibrated_activity(
        scan.counts, np.round(scan.liver), lungs=lungs, administered_gbq=2.0, lung_shunt_frac=0.05
    )
    inside = found.activity.mbq_per_ml[lungs > 0]
    assert inside.max() < 4 * inside.mean()


def test_without_lungs_the_map_is_the_liver() -> None:
    scan = make_scan(shunt=0.05, ratio=4.0, fwhm_mm=12.0, stated_fwhm_mm=12.0)
    found = calibrated_activity(scan.counts, scan.liver, administered_gbq=2.0, lung_shunt_frac=0.05)
    assert found.activity.total_mbq == pytest.approx(1900.0, rel=1e-5)
    assert found.outside_frac > 0.05


def test_unusable_input_is_refused() -> None:
    scan = make_scan(shunt=0.05, ratio=4.0, fwhm_mm=12.0, stated_fwhm_mm=12.0)
    with pytest.raises(MaskError, match="overlap"):
        calibrated_activity(
            scan.counts, scan.liver, lungs=scan.liver, administered_gbq=2.0, lung_shunt_frac=0.05
        )
    with pytest.raises(ModelRangeError, match="administered_gbq"):
        calibrated_activity(scan.counts, scan.liver, administered_gbq=0.0, lung_shunt_frac=0.05)
    with pytest.raises(ModelRangeError, match="holds no counts"):
        calibrated_activity(
            CountImage(GRID, np.zeros(GRID.shape, dtype=np.float32)),
            scan.liver,
            administered_gbq=2.0,
            lung_shunt_frac=0.05,
        )


def test_counts_elsewhere_are_those_that_blur_cannot_explain() -> None:
    """Sources in the organ, 8 mm and 80 mm from it: the share of the last."""
    grid = Grid(shape=(9, 9, 40), spacing_mm=(4.0, 4.0, 4.0), origin_mm=(0.0, 0.0, 0.0))
    organ = np.zeros(grid.shape, np.float32)
    organ[2:7, 2:7, 2:10] = 1
    counts = np.zeros(grid.shape, np.float32)
    counts[4, 4, 5] = 700
    counts[4, 4, 11] = 100  # 8 mm from the organ: its blur
    counts[4, 4, 30] = 200
    scan = CountImage(grid, counts, resolution_fwhm_mm=12.0)
    assert counts_elsewhere_frac(scan, [organ]) == pytest.approx(0.2)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    shunt=st.floats(0.0, 0.5),
    gbq=st.floats(0.01, 20.0),
)
def test_the_total_is_the_administered_activity(seed: int, shunt: float, gbq: float) -> None:
    """To a millionth, whatever the counts and the occupancies of the border voxels."""
    rng = np.random.default_rng(seed)
    grid = Grid(shape=(6, 7, 8), spacing_mm=(4.1, 4.7, 5.3), origin_mm=(0.0, 0.0, 0.0))
    liver = rng.random(grid.shape, dtype=np.float32)
    lungs = (1 - liver) * rng.random(grid.shape, dtype=np.float32)
    counts = CountImage(grid, (rng.poisson(3.0, grid.shape) + (liver > 0.9)).astype(np.float32))
    found = calibrated_activity(counts, liver, lungs=lungs, administered_gbq=gbq, lung_shunt_frac=shunt)
    assert found.activity.total_mbq == pytest.approx(1000 * gbq, rel=1e-6)
    assert sum(found.region_mbq.values()) == pytest.approx(1000 * gbq, rel=1e-12)


def test_a_border_voxel_gives_each_region_its_share_of_the_counts() -> None:
    """Counts 8, 8, 4, 2; the second voxel is 3/4 of one region and 1/4 of the other.

    The first region holds 8 + 6 counts for 140 MBq, the second 2 + 4 for 60: 80 | 60 + 20 | 40 | 0 MBq. The
    last voxel's 2 of 22 counts are outside.
    """
    found = in_regions(
        CountImage(ROW, _row(8, 8, 4, 2)),
        [Region("right", _row(1, 0.75, 0, 0), 0.14), Region("left", _row(0, 0.25, 1, 0), 0.06)],
    )
    assert found.activity.mbq_per_ml[0, 0] == pytest.approx([80, 80, 40, 0], rel=1e-6)
    assert found.outside_frac == pytest.approx(2 / 22)
    assert dict(found.region_mbq) == pytest.approx({"right": 140.0, "left": 60.0})


def test_each_territory_has_its_own_shunt_and_the_lungs_the_sum() -> None:
    """2 GBq with 10 % and 1 GBq with 5 %: 1.8, 0.95 and 0.25 GBq."""
    grid = Grid(shape=(1, 1, 20), spacing_mm=(10.0, 10.0, 10.0), origin_mm=(0.0, 0.0, 0.0))
    right, left, lungs = (np.zeros(grid.shape, np.float32) for _ in range(3))
    right[..., :3], left[..., 3:6], lungs[..., 6:] = 1, 1, 1
    regions = shunted_regions(
        grid, [Treated("right", right, 2.0, 0.10), Treated("left", left, 1.0, 0.05)], lungs
    )
    found = in_regions(CountImage(grid, np.ones(grid.shape, np.float32)), regions)
    mbq = found.activity.mbq_per_ml[0, 0]
    assert [mbq[:3].sum(), mbq[3:6].sum(), mbq[6:].sum()] == pytest.approx([1800, 950, 250], rel=1e-6)
    # Lung voxels with centres 10 and 20 mm from the liver are not trusted: 2 of 14.
    assert found.reassigned_frac == pytest.approx(2 / 14)
    assert mbq[6:] == pytest.approx(np.full(14, 250 / 14), rel=1e-6)


def test_hot_lung_at_the_dome_is_reported_and_gets_the_mean_of_the_rest() -> None:
    """Lung counts 50, 10, 2, 2: the first two lie at the liver; of 64 counts 60 are reassigned."""
    grid = Grid(shape=(1, 1, 5), spacing_mm=(10.0, 10.0, 10.0), origin_mm=(0.0, 0.0, 0.0))
    liver, lungs = np.zeros(grid.shape), np.zeros(grid.shape)
    liver[..., 0], lungs[..., 1:] = 1, 1
    found = calibrated_activity(
        CountImage(grid, np.array([[[100.0, 50.0, 10.0, 2.0, 2.0]]])),
        liver,
        lungs=lungs,
        administered_gbq=1.0,
        lung_shunt_frac=0.2,
    )
    assert found.reassigned_frac == pytest.approx(60 / 64)
    assert found.activity.mbq_per_ml[0, 0] == pytest.approx([800, 50, 50, 50, 50], rel=1e-6)


def test_lungs_that_show_nothing_lie_even_and_say_so() -> None:
    grid = Grid(shape=(1, 1, 6), spacing_mm=(10.0, 10.0, 10.0), origin_mm=(0.0, 0.0, 0.0))
    liver, lungs, counts = (np.zeros(grid.shape, np.float32) for _ in range(3))
    liver[..., :2], lungs[..., 2:], counts[..., 0] = 1, 1, 5
    found = calibrated_activity(
        CountImage(grid, counts), liver, lungs=lungs, administered_gbq=1.0, lung_shunt_frac=0.1
    )
    assert found.activity.mbq_per_ml[0, 0] == pytest.approx([900, 0, 25, 25, 25, 25], rel=1e-6)
    assert [f.id for f in found.findings] == ["activity-even"]


def test_the_scale_of_the_image_does_not_matter() -> None:
    regions = [Region("liver", _row(1, 1, 0.5, 0), 1.7)]
    counts = in_regions(CountImage(ROW, _row(3, 9, 6, 1)), regions)
    concentration = in_regions(ActivityMap(ROW, _row(0.3, 0.9, 0.6, 0.1)), regions)
    assert concentration.activity.mbq_per_ml == pytest.approx(counts.activity.mbq_per_ml, rel=1e-6)


def test_the_shunted_part_without_lungs_is_named() -> None:
    found = calibrated_activity(
        CountImage(ROW, _row(1, 1, 1, 1)), _row(1, 1, 1, 0), administered_gbq=2.0, lung_shunt_frac=0.05
    )
    assert found.activity.total_mbq + found.not_placed_mbq == pytest.approx(2000.0, rel=1e-6)
    assert found.not_placed_mbq == pytest.approx(100.0)


def test_regions_that_hold_nothing_are_refused() -> None:
    with pytest.raises(ModelRangeError, match="left holds no counts"):
        in_regions(CountImage(ROW, _row(1, 0, 0, 0)), [Region("left", _row(0, 1, 0, 0), 1.0)])
    with pytest.raises(ModelRangeError, match="no region holds any"):
        in_regions(CountImage(ROW, _row(1, 0, 0, 0)), [Region("left", _row(1, 1, 0, 0), 0.0)])
    with pytest.raises(MaskError, match="left is empty"):
        in_regions(CountImage(ROW, _row(1, 0, 0, 0)), [Region("left", _row(0, 0, 0, 0), 1.0)])


@pytest.mark.parametrize(("nuclide", "half_life_h"), [("Y-90", 64.1), ("Ho-166", 26.8)])
def test_a_measured_map_is_brought_to_the_injection(nuclide: str, half_life_h: float) -> None:
    """One half-life later, on a clock of another zone: 500,000 Bq/mL were 1 MBq/mL."""
    later = (INJECTED + timedelta(hours=half_life_h)).astimezone(timezone(timedelta(hours=-5)))
    found = measured_activity(
        np.full(ROW.shape, 5e5), ROW, measured_at=later, injected_at=INJECTED, nuclide=nuclide
    )
    assert found.activity.mbq_per_ml == pytest.approx(np.ones(ROW.shape), rel=1e-6)
    assert found.decay_factor == pytest.approx(2.0)


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_values_that_are_no_activity_are_refused(value: float) -> None:
    with pytest.raises(ModelRangeError, match="activity concentration"):
        measured_activity(_row(1, value, 0, 0), ROW, measured_at=INJECTED, injected_at=INJECTED)
    with pytest.raises(ModelRangeError, match="count image"):
        CountImage(ROW, _row(1, value, 0, 0))
    with pytest.raises(ModelRangeError, match="activity map"):
        ActivityMap(ROW, _row(1, value, 0, 0))


def test_dates_that_cannot_be_are_refused() -> None:
    values = np.ones(ROW.shape)
    with pytest.raises(ModelRangeError, match="before the injection"):
        measured_activity(values, ROW, measured_at=INJECTED - timedelta(hours=1), injected_at=INJECTED)
    with pytest.raises(ModelRangeError, match="half-lives"):
        measured_activity(values, ROW, measured_at=INJECTED + timedelta(days=365), injected_at=INJECTED)
    with pytest.raises(ModelRangeError, match="time zone"):
        measured_activity(values, ROW, measured_at=INJECTED.replace(tzinfo=None), injected_at=INJECTED)


def test_a_pet_below_zero_is_zeroed_and_says_how_much_that_adds() -> None:
    """Values of 8 and -2 MBq/mL one half-life later: 16 and 0, and 2 of 8 are 25 %."""
    pet = PetActivity(ROW, _row(8, -2, 0, 0), INJECTED + timedelta(hours=64.1))
    found = pet_map(pet, injected_at=INJECTED)
    assert found.activity.mbq_per_ml[0, 0] == pytest.approx([16, 0, 0, 0], rel=1e-6)
    assert "25 %" in found.findings[-1].text
