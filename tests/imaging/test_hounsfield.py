"""Padding: numbers below any matter become air, and nothing else is touched."""

import numpy as np
import pytest

from emboplan.errors import ModelRangeError
from emboplan.imaging.hounsfield import padding_to_air


def test_padding_becomes_air_and_the_rest_stays() -> None:
    hu = np.array([-3024, -2000, -1500, -1100, -1024, 0, 3071], np.int16)
    assert padding_to_air(hu) == 2
    assert hu.tolist() == [-1000, -1000, -1500, -1100, -1024, 0, 3071]


def test_an_image_without_padding_is_left_alone() -> None:
    hu = np.array([-1024.5, 40.0], np.float32)
    assert padding_to_air(hu) == 0
    assert hu.tolist() == [-1024.5, 40.0]


def test_many_numbers_scattered_below_air_are_no_padding() -> None:
    """Lungs of -800 HU with a slope of 2, noise and all: refused, and nothing changed."""
    hu = np.random.default_rng(1).normal(-1800, 40, (20, 20)).astype(np.int16)
    before = hu.copy()
    with pytest.raises(ModelRangeError, match=r"scattered below -1500 HU.*rescale slope"):
        padding_to_air(hu)
    assert np.array_equal(before, hu)


def test_padding_with_a_resampled_rim_and_streaks_of_metal_pass() -> None:
    rim = np.full(1000, -3024.0, np.float32)
    rim[:400] = np.linspace(-3000, -1600, 400)
    assert padding_to_air(rim) == 1000
    streaks = np.zeros(10_000, np.float32)
    streaks[:90] = np.linspace(-3000, -1600, 90)
    assert padding_to_air(streaks) == 90
