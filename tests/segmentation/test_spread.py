"""Robust spread: right on a normal distribution, unmoved by outliers, and by what lies on one side."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import median_abs_deviation

from emboplan.segmentation.spread import (
    MAD_TO_SD,
    narrower_sd,
    one_sided_sd,
    robust_level,
    robust_sd,
    sd_about,
    two_means,
)

NUMBERS = st.lists(st.integers(-2000, 2000), min_size=1, max_size=40)


def normal(mean: float, sd: float, count: int = 20_001) -> NDArray[np.float64]:
    """Even quantiles of a normal distribution."""
    return mean + sd * np.asarray(ndtri((np.arange(count) + 0.5) / count))


def test_the_constant_is_that_of_a_normal_distribution() -> None:
    """Three quarters of it lie below one median absolute deviation; four digits are kept."""
    assert pytest.approx(1 / ndtri(0.75), abs=5e-5) == MAD_TO_SD


def test_a_normal_distribution_has_its_own_deviation() -> None:
    """Within the digits of the constant, and the step between the quantiles."""
    values = normal(110.0, 7.0)
    assert robust_level(values) == pytest.approx((110.0, 7.0), rel=1e-3)
    assert robust_sd(values) == pytest.approx(7.0, rel=1e-3)
    assert sd_about(values, 110.0) == pytest.approx(7.0, rel=1e-3)
    for sign in (1.0, -1.0):
        assert one_sided_sd(values - 110.0, sign) == pytest.approx(7.0, rel=1e-3)


def test_what_lies_on_one_side_moves_that_side_only() -> None:
    """Half as many dark lesions as parenchyma: the bright side still tells the noise of the parenchyma."""
    values = np.concatenate([normal(0.0, 5.0), normal(-40.0, 5.0, 10_001)])
    assert one_sided_sd(values, 1.0) == pytest.approx(5.0, rel=1e-3)
    assert one_sided_sd(values, -1.0) > 10
    assert narrower_sd(values) == narrower_sd(-values) == one_sided_sd(values, 1.0)


def test_no_value_has_no_spread() -> None:
    none = np.zeros(0, np.float32)
    assert (robust_sd(none), sd_about(none, 3.0), one_sided_sd(none, 1.0)) == (0.0, 0.0, 0.0)
    assert one_sided_sd(np.array([-1.0, 0.0]), 1.0) == 0.0


@given(NUMBERS)
def test_a_second_method_says_the_same(numbers: list[int]) -> None:
    """SciPy's median absolute deviation; its constant has all digits."""
    values = np.array(numbers, np.float64)
    expected = float(median_abs_deviation(values, scale="normal"))
    assert robust_sd(values) == pytest.approx(expected, rel=1e-4)
    assert robust_level(np.array(numbers, np.int16)) == (float(np.median(values)), robust_sd(values))


@given(NUMBERS, st.integers(-500, 500), st.integers(-8, 8))
def test_spread_moves_with_the_unit_and_not_with_the_level(numbers: list[int], by: int, factor: int) -> None:
    """Whole numbers, so that nothing is rounded before the constant."""
    values = np.array(numbers, np.float64)
    assert robust_sd(values * factor + by) == pytest.approx(abs(factor) * robust_sd(values), rel=1e-12)
    assert one_sided_sd(-values, 1.0) == one_sided_sd(values, -1.0)


def test_two_groups_have_their_own_means() -> None:
    """Unequal groups of known means, far apart against their spread; the order does not matter."""
    values = np.concatenate([normal(-40.0, 3.0, 3001), normal(10.0, 3.0, 9001)])
    assert two_means(values) == pytest.approx((-40.0, 10.0), abs=0.01)
    assert two_means(values[::-1].copy()) == two_means(values)


def test_one_normal_group_falls_into_its_halves() -> None:
    """The means of the two halves of a normal distribution lie sqrt(2 / pi) deviations off its middle."""
    off = 5.0 * np.sqrt(2 / np.pi)
    assert two_means(normal(60.0, 5.0)) == pytest.approx((60.0 - off, 60.0 + off), abs=0.05)
