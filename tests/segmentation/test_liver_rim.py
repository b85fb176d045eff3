"""The rim of a liver beside lung: a blurred half-space with known shares, and what is carried into it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from emboplan.segmentation.liver_rim import carried_outwards, deep_part

SHAPE = (12, 12, 40)
SPACING = (2.0, 2.0, 2.0)
LIVER_HU = 100.0


def beside(outside_hu: float, blur_mm: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """HU across a plane at half contrast, the liver on its right, and the outside's share in each voxel."""
    x_mm = (np.arange(SHAPE[2]) - 15.5) * SPACING[2]
    share = np.broadcast_to(ndtr(-x_mm / blur_mm), SHAPE)
    hu = (LIVER_HU + (outside_hu - LIVER_HU) * share).astype(np.float32)
    return hu, np.broadcast_to(x_mm > 0, SHAPE).copy(), share


@pytest.mark.parametrize("outside_hu", [-800.0, -100.0, 60.0])
def test_behind_the_rim_next_to_nothing_of_the_outside_is_left(outside_hu: float) -> None:
    """A blur of 1.5 mm (standard deviation): what is left is darker by less than 5 HU."""
    hu, liver, _ = beside(outside_hu, 1.5)
    behind = deep_part(hu, liver, SPACING)
    assert behind.any()
    assert not (behind & ~liver).any()
    assert float(np.abs(hu[behind] - LIVER_HU).max()) < 5.0
    # Nothing farther than a centimetre from the surface is given up.
    far = np.broadcast_to(np.arange(SHAPE[2]) > 21, SHAPE)
    assert behind[far].all()


def test_a_lesion_at_the_surface_goes_on_to_it() -> None:
    """Each voxel of the rim gets the value of the one behind it: across a plane, that of its own row."""
    hu, liver, _ = beside(-800.0, 1.5)
    hu[:, :6, 16:] -= 30.0
    behind = deep_part(hu, liver, SPACING)
    carried = carried_outwards(hu, behind, liver, SPACING)
    assert carried[6, 2, 16:20] == pytest.approx(LIVER_HU - 30.0, abs=5.0)
    assert carried[6, 10, 16:20] == pytest.approx(LIVER_HU, abs=5.0)
    assert np.array_equal(carried[~liver], hu[~liver])
    assert np.array_equal(carried[behind], hu[behind])


def test_a_dark_strip_along_the_surface_is_rim_and_a_lesion_at_it_is_not() -> None:
    """A sheet of 60 HU in the outermost 5 mm, and a ball of 70 HU that reaches the surface."""
    shape, spacing = (30, 40, 40), (2.0, 2.0, 2.0)
    hu = np.full(shape, LIVER_HU, np.float32)
    liver = np.ones(shape, np.bool_)
    liver[:, :, :6] = False
    hu[:, :, :6] = 40.0
    strip = np.zeros(shape, np.bool_)
    strip[:, :16, 6:8] = True
    hu[strip] = 60.0
    z, y, x = np.indices(shape)
    ball = ((z - 15) ** 2 + (y - 29) ** 2 + (x - 11) ** 2 <= 36) & liver
    hu[ball] = 70.0
    behind = deep_part(hu, liver, spacing)
    assert not (behind & strip)[:, :14].any()
    deep_in_ball = ball & (x > 7)
    assert np.count_nonzero(behind & deep_in_ball) == np.count_nonzero(deep_in_ball)
    assert behind[:, :, 12:].all()


@given(st.integers(0, 2**32 - 1))
def test_what_is_carried_is_a_value_from_behind_the_rim(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (5, 6, 7)
    liver = rng.random(shape) < 0.8
    behind = liver & (rng.random(shape) < 0.4)
    values = rng.normal(100, 20, shape).astype(np.float32)
    carried = carried_outwards(values, behind, liver, SPACING)
    if behind.any():
        assert np.isin(carried[liver], values[behind]).all()
    else:
        assert np.array_equal(carried, values)
    assert np.array_equal(carried[~liver], values[~liver])


def test_a_liver_thinner_than_its_rim_is_all_kept() -> None:
    liver = np.zeros(SHAPE, np.bool_)
    liver[5:6] = True
    hu = np.full(SHAPE, LIVER_HU, np.float32)
    assert np.array_equal(deep_part(hu, liver, SPACING), liver)
