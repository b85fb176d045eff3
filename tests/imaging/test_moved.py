"""Images through transforms: whole voxels move exactly, masks keep their shape and volume."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.imaging.drawn_bodies import turned

from emboplan.imaging.moved import resampled
from emboplan.imaging.transform import Transform, grid_points
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, ConcentrationImage, CtImage, DoseMap
from emboplan.model.mask import LabelMap, Mask

GRID = Grid((6, 8, 10), (2.0, 3.0, 4.0), (10.0, -20.0, 30.0))
VALUES = np.random.default_rng(3).uniform(1, 9, GRID.shape).astype(np.float32)


def shifted(x: float, y: float, z: float) -> Transform:
    return Transform(turned(0.0, (x, y, z)))


@settings(max_examples=15)
@given(st.integers(-3, 3), st.integers(-3, 3), st.integers(-3, 3))
def test_whole_voxels_move_exactly(i: int, j: int, k: int) -> None:
    """Voxel (z, y, x) shows what lay k, j, i voxels further on; nothing, or air, comes from outside."""
    transform = shifted(2.0 * i, 3.0 * j, 4.0 * k)
    expected = np.zeros(GRID.shape, np.float32)
    big = np.pad(VALUES, 3)
    expected[...] = big[3 + k : 9 + k, 3 + j : 11 + j, 3 + i : 13 + i]
    image = resampled(ConcentrationImage(GRID, VALUES), transform, GRID)
    assert image.counts_per_ml == pytest.approx(expected, abs=1e-4)
    assert resampled(ActivityMap(GRID, VALUES), transform, GRID).mbq_per_ml == pytest.approx(
        expected, abs=1e-4
    )
    dose = resampled(DoseMap(GRID, VALUES, "given", np.asarray(VALUES / 2, np.float32)), transform, GRID)
    assert dose.gy == pytest.approx(expected, abs=1e-4)
    assert dose.standard_error_gy == pytest.approx(expected / 2, abs=1e-4)
    ct = resampled(CtImage(GRID, VALUES.astype(np.int16)), transform, GRID)
    assert (ct.hu == np.where(expected > 0, expected.astype(np.int16), -1000)).all()
    numbers = VALUES.astype(np.uint16)
    assert (resampled(LabelMap(GRID, numbers), transform, GRID).labels == expected.astype(np.uint16)).all()
    for nearest in (True, False):
        mask = resampled(Mask(GRID, VALUES > 5), transform, GRID, nearest=nearest)
        assert (mask.voxels == (expected > 5)).all()


def test_larger_voxels_take_the_mean() -> None:
    """Two by two by two voxels become one."""
    to = GRID.with_spacing((4.0, 6.0, 8.0))
    coarse = resampled(ConcentrationImage(GRID, VALUES), Transform.identity(), to).counts_per_ml
    means = VALUES.reshape(3, 2, 4, 2, 5, 2).mean(axis=(1, 3, 5))
    assert coarse == pytest.approx(means, rel=1e-5)


def test_a_ball_of_thick_slices_keeps_its_volume_and_shape() -> None:
    """A ball of 20 mm radius in slices of 5 mm, turned and shifted onto 2 mm: within 2 %, Dice above 0.96."""
    thick = Grid((16, 32, 32), (2.5, 2.5, 5.0), (-38.75, -38.75, -37.5))
    ball = Mask(thick, (grid_points(thick) ** 2).sum(axis=-1) < 20**2)
    to = Grid((40, 40, 40), (2.0, 2.0, 2.0), (-33.0, -44.0, -41.0))
    moved = resampled(ball, Transform(turned(15.0, (-5.0, 4.0, 3.0))), to)
    # The centre of the ball, 0 in the moving image, is where the transform leads to it from.
    centre = np.linalg.inv(turned(15.0, (-5.0, 4.0, 3.0)))[:3, 3]
    true = ((grid_points(to) - centre) ** 2).sum(axis=-1) < 20**2
    both = np.count_nonzero(true & moved.voxels)
    assert moved.volume_ml == pytest.approx(ball.volume_ml, rel=0.03)
    assert 2 * both / (np.count_nonzero(true) + moved.voxel_count) > 0.96


def test_an_empty_mask_stays_empty() -> None:
    assert resampled(Mask.empty(GRID), shifted(1, 1, 1), GRID).is_empty
