"""Algebra of the calibrated intervals: by hand, by invariants, and against sampled errors."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.measure.coverage import compatible, shown_ml

from emboplan.catalog.load import load
from emboplan.measure.doubt import Certainty
from emboplan.measure.intervals import (
    Calibration,
    Shift,
    burden_interval_frac,
    calibration,
    together,
    tumour_interval,
)

LESION = {kind: Shift(0.5 + place, 1.0 + 3 * place) for place, kind in enumerate(Certainty)}
NUMBERS = Calibration(
    liver=Shift(1.0, 1.5),
    small_liver=Shift(1.0, 10.0),
    small_liver_ml=1000.0,
    lesion=LESION,
    correlation=0.25,
    unlike_healthy_frac=0.05,
    missed_anywhere_frac=0.01,
    missed_per_unlike=2.0,
    false_ml=0.5,
)
VOLUMES = st.floats(0.1, 500)
WIDTHS = st.lists(st.just(0.0) | st.floats(1e-3, 50), min_size=1, max_size=12)


def test_a_shift_by_hand() -> None:
    """100 cm2 are 10 mL per mm."""
    assert Shift(0.5, 1.0).about(80.0, 10.0) == pytest.approx((75.0, 90.0))
    assert Shift(9.0, 1.0).about(80.0, 10.0)[0] == 0.0


def test_sums_of_errors_by_hand() -> None:
    """3 and 4: 7 where they err together, 5 where they do not."""
    assert together([3.0, 4.0], 1.0) == pytest.approx(7.0)
    assert together([3.0, 4.0], 0.0) == pytest.approx(5.0)
    assert together([3.0, 4.0], 0.25) == pytest.approx(math.sqrt(0.25 * 49 + 0.75 * 25))
    assert together([], 0.5) == 0.0


@given(WIDTHS, st.floats(0, 1), st.floats(0, 1))
def test_more_correlation_is_no_narrower(widths: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert together(widths, low) <= together(widths, high) * (1 + 1e-12)
    assert max(widths) <= together(widths, low) * (1 + 1e-12)


def test_the_sum_covers_what_sampled_errors_do() -> None:
    """Errors with a common part: the half width of their sum is that of 200,000 sampled ones."""
    rng = np.random.default_rng(1)
    widths, rho = np.array([2.0, 5.0, 1.0, 3.0]), 0.3
    common, own = rng.standard_normal((200_000, 1)), rng.standard_normal((200_000, 4))
    errors = (math.sqrt(rho) * common + math.sqrt(1 - rho) * own) * (widths / 1.959964)
    assert np.quantile(errors.sum(axis=1), 0.975) == pytest.approx(together(widths, rho), rel=0.01)


def test_the_burdens_interval_is_that_of_sampled_errors() -> None:
    """Independent normal errors of tumour and liver, small against the liver: percentiles of the quotient."""
    rng = np.random.default_rng(2)
    tumour = 300 + 40 / 1.959964 * rng.standard_normal(200_000)
    liver = 1500 + 60 / 1.959964 * rng.standard_normal(200_000)
    low, high = burden_interval_frac(300.0, (260.0, 340.0), 1500.0, (1440.0, 1560.0))
    assert np.quantile(tumour / liver, [0.025, 0.975]) == pytest.approx([low, high], abs=0.0006)


def test_all_tumour_by_hand() -> None:
    """Lesions of 10 and 20 mL, 3 and 4 mL wide each way; 12 % unlike: 0.01 + 2 x 0.07 of 1000 mL missed."""
    lesions = [(10.0, (7.0, 13.0)), (20.0, (16.0, 24.0))]
    half = math.sqrt(0.25 * 49 + 0.75 * 25)
    low, high = tumour_interval(lesions, 0.12, 1000.0, NUMBERS)
    assert low == pytest.approx(30 - half - 0.5)
    assert high == pytest.approx(30 + half + 150.0)
    assert tumour_interval([], 0.0, 1000.0, NUMBERS) == pytest.approx((0.0, 10.0))


def test_a_small_liver_may_lack_a_part() -> None:
    assert NUMBERS.of_liver(999.0).outward_mm == 10.0
    assert NUMBERS.beyond_ml(900.0, (850.0, 1500.0)) == pytest.approx(600.0)
    assert NUMBERS.beyond_ml(1500.0, (1400.0, 1700.0)) == 0.0


@given(VOLUMES, st.floats(0, 1), st.floats(0, 1))
def test_more_unlike_tissue_is_no_narrower(volume: float, one: float, other: float) -> None:
    few, many = sorted((one, other))
    lesions = [(volume, (0.8 * volume, 1.3 * volume))]
    narrow, wide = (tumour_interval(lesions, share, 1000.0, NUMBERS) for share in (few, many))
    assert narrow[0] == wide[0] <= volume <= narrow[1] <= wide[1] <= 1.3 * volume + 1000 * (1 + 1e-12)


@given(VOLUMES, VOLUMES, st.floats(0, 0.9), st.floats(0, 2), st.floats(0, 0.5), st.floats(0, 2))
def test_the_burden_lies_in_its_interval(
    tumour: float, normal: float, low: float, high: float, liver_low: float, liver_high: float
) -> None:
    liver = tumour + normal
    ends = burden_interval_frac(
        tumour,
        (tumour * (1 - low), tumour * (1 + high)),
        liver,
        (liver * (1 - liver_low), liver * (1 + liver_high)),
    )
    assert 0 <= ends[0] <= tumour / liver * (1 + 1e-12)
    assert tumour / liver * (1 - 1e-12) <= ends[1] <= 1


def test_the_shipped_constants_grow_with_doubt() -> None:
    numbers = calibration(load())
    outward = {kind: shift.outward_mm for kind, shift in numbers.lesion.items()}
    assert outward[Certainty.CLEAR] == min(outward.values())
    assert outward[Certainty.OPEN] == max(outward.values())
    assert numbers.liver.outward_mm <= numbers.small_liver.outward_mm
    assert 0 <= numbers.correlation <= 1
    assert (
        replace(numbers, missed_per_unlike=0.0).missed_ml(1.0, 100.0) <= numbers.missed_ml(1.0, 100.0) <= 100
    )


def test_which_true_lesions_a_found_one_shows() -> None:
    """The first joins two true ones, the second is false, the third shares too little."""
    found, truth = np.zeros((1, 10, 30), np.uint16), np.zeros((1, 10, 30), np.uint8)
    found[0, :4, :10], truth[0, :4, :5], truth[0, :4, 5:12] = 1, 1, 2
    found[0, 6:, :5] = 2
    found[0, :4, 20:24], truth[0, :4, 23:27] = 3, 3
    assert shown_ml(found, truth, {1: 2.0, 2: 3.0, 3: 1.0}) == {1: 5.0}


@pytest.mark.parametrize(
    ("inside", "intervals", "verdict"), [(190, 200, True), (200, 200, False), (175, 200, False)]
)
def test_the_binomial_verdict(inside: int, intervals: int, *, verdict: bool) -> None:
    """95 % of 200 are 190; all 200 have a chance of 0.95^200 = 4e-5."""
    assert compatible(inside, intervals) is verdict
