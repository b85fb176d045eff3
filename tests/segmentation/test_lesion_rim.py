"""Balls with and without a rim, in noise: the volume must be that of the whole ball."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.model.grid import Grid
from emboplan.segmentation.lesion_rim import with_rims

LIVER_HU, VIABLE_HU, RIM_HU, CORE_HU = 105.0, 72.0, 93.0, 58.0
NOISE_HU = 14.0
BLUR_MM = 1.2
GRID = Grid(shape=(26, 72, 72), spacing_mm=(1.0, 1.0, 3.0), origin_mm=(0.0, 0.0, 0.0))


def _distance_mm() -> NDArray[np.float64]:
    z, y, x = np.indices(GRID.shape)
    dz, dy, dx = GRID.spacing_zyx_mm
    squared: NDArray[np.float64] = ((z - 12.5) * dz) ** 2 + ((y - 35.5) * dy) ** 2 + ((x - 35.5) * dx) ** 2
    return np.sqrt(squared)


def _scan(layers: list[tuple[float, float]], seed: int) -> NDArray[np.float32]:
    """A ball of concentric layers (outer radius, HU), outermost first, blurred and noisy."""
    hu = np.full(GRID.shape, LIVER_HU)
    for radius_mm, value in layers:
        hu[_distance_mm() < radius_mm] = value
    blurred = ndimage.gaussian_filter(hu, [BLUR_MM / d for d in GRID.spacing_zyx_mm])
    noise = np.random.default_rng(seed).normal(0, NOISE_HU, GRID.shape)
    return (blurred + noise).astype(np.float32)


def _grown_ml(hu: NDArray[np.float32], first_mm: float) -> float:
    labels = (_distance_mm() < first_mm).astype(np.uint16)
    grown = with_rims(hu, labels, np.ones(GRID.shape, np.bool_), GRID)
    return int((grown == 1).sum()) * GRID.voxel_ml


def _ball_ml(radius_mm: float) -> float:
    return int((_distance_mm() < radius_mm).sum()) * GRID.voxel_ml


@pytest.mark.parametrize("seed", range(3))
def test_a_lesion_is_extended_over_its_rim(seed: int) -> None:
    hu = _scan([(16.0, RIM_HU), (12.5, VIABLE_HU)], seed)
    assert _grown_ml(hu, 13.2) == pytest.approx(_ball_ml(16.0), rel=0.10)


@pytest.mark.parametrize("seed", range(3))
def test_a_necrotic_core_does_not_hide_the_rim(seed: int) -> None:
    hu = _scan([(16.0, RIM_HU), (12.5, VIABLE_HU), (8.0, CORE_HU)], seed)
    assert _grown_ml(hu, 13.2) == pytest.approx(_ball_ml(16.0), rel=0.12)


@pytest.mark.parametrize("seed", range(3))
def test_a_plain_lesion_stays_as_it_is(seed: int) -> None:
    hu = _scan([(14.0, VIABLE_HU)], seed)
    assert _grown_ml(hu, 14.0) == _ball_ml(14.0)


def test_a_rim_does_not_leave_the_liver_or_enter_another_lesion() -> None:
    hu = _scan([(16.0, RIM_HU), (12.5, VIABLE_HU)], 0)
    labels = (_distance_mm() < 13.2).astype(np.uint16)
    labels[:, :, 50:] = np.where(labels[:, :, 50:] == 0, 2, labels[:, :, 50:])
    liver = np.ones(GRID.shape, np.bool_)
    liver[:, :, :21] = False
    labels[~liver] = 0
    grown = with_rims(hu, labels, liver, GRID)
    assert not grown[~liver].any()
    assert np.array_equal(grown == 2, labels == 2)


def test_a_small_lesion_is_left_alone() -> None:
    hu = _scan([(9.0, RIM_HU), (6.0, VIABLE_HU)], 0)
    assert _grown_ml(hu, 6.5) == _ball_ml(6.5)


@pytest.mark.parametrize("seed", range(3))
def test_a_rim_brighter_than_liver_belongs_to_its_core(seed: int) -> None:
    """The core alone is a third of the lesion; its rim is 10 HU brighter than liver."""
    hu = _scan([(12.0, LIVER_HU + 10.0), (8.0, CORE_HU)], seed)
    assert _grown_ml(hu, 8.0) == pytest.approx(_ball_ml(12.0), rel=0.18)
    small = _scan([(9.0, LIVER_HU + 12.0), (5.0, CORE_HU)], seed)
    assert _grown_ml(small, 5.0) == pytest.approx(_ball_ml(9.0), rel=0.25)


@pytest.mark.parametrize("seed", range(3))
def test_the_overshoot_of_a_sharp_image_is_no_rim(seed: int) -> None:
    """A layer of 1.5 mm, as bright as a rim, that an edge-enhancing filter leaves around a dark lesion."""
    hu = _scan([(13.5, LIVER_HU + 8.0), (12.0, CORE_HU)], seed)
    assert _grown_ml(hu, 12.0) == pytest.approx(_ball_ml(12.0), rel=0.10)


@pytest.mark.parametrize("seed", range(3))
def test_a_vessel_beside_a_lesion_is_no_rim(seed: int) -> None:
    """A dark lesion on whose one side a vein of 9 mm passes, 60 HU brighter than liver."""
    hu = _scan([(12.0, CORE_HU)], seed)
    y, x = np.indices(GRID.shape)[1:]
    vein = np.hypot(y - 35.5, x - 53.0) < 4.5
    hu += ndimage.gaussian_filter(
        np.where(vein, 60.0, 0.0), [BLUR_MM / d for d in GRID.spacing_zyx_mm]
    ).astype(np.float32)
    assert _grown_ml(hu, 12.0) == pytest.approx(_ball_ml(12.0), rel=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_an_uneven_surface_is_no_rim(seed: int) -> None:
    """The mean profile across a rough surface is a wide step, not two."""
    rough = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=GRID.shape), (1.0, 3.0, 3.0))
    own = _distance_mm() + 2.0 * rough / rough.std() < 14.0
    hu = np.where(own, VIABLE_HU, LIVER_HU)
    hu = ndimage.gaussian_filter(hu, [BLUR_MM / d for d in GRID.spacing_zyx_mm])
    hu += np.random.default_rng(seed + 9).normal(0, NOISE_HU, GRID.shape)
    labels = own.astype(np.uint16)
    grown = with_rims(hu.astype(np.float32), labels, np.ones(GRID.shape, np.bool_), GRID)
    assert np.count_nonzero(grown) == pytest.approx(np.count_nonzero(own), rel=0.08)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("height_hu", "width_mm"), [(4.0, 8.0), (6.0, 12.0), (10.0, 12.0)])
def test_a_halo_of_blood_is_no_rim(seed: int, height_hu: float, width_mm: float) -> None:
    """Liver around a dark lesion that takes up more contrast, less and less so outwards, is liver."""
    share = np.clip(1 - (_distance_mm() - 24.0) / width_mm, 0.0, 1.0)
    halo = np.where(_distance_mm() > 24.0, height_hu * share, 0.0)
    hu = _scan([(24.0, CORE_HU)], seed) + halo.astype(np.float32)
    assert _grown_ml(hu, 24.0) == _ball_ml(24.0)
