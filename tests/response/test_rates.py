"""Rates with exact intervals, against the formula of Clopper and Pearson."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, norm

from emboplan.errors import ModelRangeError
from emboplan.model.results.response import Category
from emboplan.response.rates import WILSON, disease_control_rate, rate, response_rate


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_bounds_are_quantiles_of_beta(pair: tuple[int, int]) -> None:
    x, n = pair
    found = rate(x, n, confidence_frac=0.95)
    low = 0.0 if x == 0 else beta.ppf(0.025, x, n - x + 1)
    high = 1.0 if x == n else beta.ppf(0.975, x + 1, n - x)
    assert found.interval == pytest.approx((low, high), abs=1e-9)
    assert found.share_frac == x / n


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_by_its_formula(pair: tuple[int, int]) -> None:
    x, n = pair
    z2 = norm.ppf(0.975) ** 2
    p = x / n
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = norm.ppf(0.975) / (1 + z2 / n) * (p * (1 - p) / n + z2 / (4 * n * n)) ** 0.5
    found = rate(x, n, confidence_frac=0.95, method=WILSON).interval
    assert found == pytest.approx((middle - half, middle + half), abs=1e-9)


@pytest.mark.parametrize(("count", "patients"), [(0, 0), (-1, 3), (4, 3)])
def test_counts_that_cannot_be(count: int, patients: int) -> None:
    with pytest.raises(ModelRangeError, match="patients; expected"):
        rate(count, patients, confidence_frac=0.95)


def test_an_unknown_method_and_an_impossible_confidence() -> None:
    with pytest.raises(ModelRangeError, match="wald"):
        rate(1, 2, confidence_frac=0.95, method="wald")
    for confidence in (0.0, 1.0, 95.0):
        with pytest.raises(ModelRangeError, match="confidence"):
            rate(1, 2, confidence_frac=confidence)


def test_who_counts() -> None:
    """Disease that was never measurable and stayed is, by the letter, no disease control either."""
    best = [Category(word) for word in ("CR", "PR", "SD", "PD", "NE", "non-CR/non-PD")]
    assert response_rate(best, confidence_frac=0.95).count == 2
    assert disease_control_rate(best, confidence_frac=0.95).count == 3
    assert response_rate(best, confidence_frac=0.95).patients == 6
    assert disease_control_rate(best, confidence_frac=0.95).patients == 6
    assert response_rate(best, confidence_frac=0.95, evaluable=True).patients == 5
    assert disease_control_rate(best, confidence_frac=0.95, evaluable=True).count == 3
