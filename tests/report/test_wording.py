"""Numbers and names as they read on the page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.report import wording


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1417.5, "1420"),
        (2.3, "2.30"),
        (9.999, "10.0"),
        (0.09996, "0.100"),
        (0.000123456, "0.000123"),
        (-20.0, "−20.0"),
        (99.95, "100"),
        (3e-7, "3.00\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10⁻⁷"),
    ],
)
def test_three_significant_digits(value: float, text: str) -> None:
    assert text == wording.number(value)


@given(st.floats(1e-4, 1e6))
def test_rounding_is_within_half_of_the_third_digit(value: float) -> None:
    assert pytest.approx(value, rel=5.01e-3) == float(wording.number(value))


@given(st.floats(0.001, 1000), st.floats(0.001, 1000))
def test_value_reads_on_its_true_side_of_the_limit(value: float, limit: float) -> None:
    """Values nearer than nine digits cannot be told apart on paper."""
    if abs(value - limit) < 1e-8 * limit:
        return
    limit = float(wording.exact(limit))
    shown, bound = (float(text) for text in wording.apart(value, limit))
    assert (value > limit) == (shown > bound)


def test_every_number_has_its_unit() -> None:
    assert wording.quantity(2.3104, "GBq") == "2.31\N{NO-BREAK SPACE}GBq"
    assert wording.percent(0.05) == "5.00\N{NO-BREAK SPACE}%"
    assert wording.interval(1.2, 3.4, "mL") == "1.20 to 3.40\N{NO-BREAK SPACE}mL"


def test_unconfirmed_numbers_ask_for_the_package_insert() -> None:
    text = wording.cited("VR30", "to-confirm", "planar shunt, 1 kg")
    assert text == "VR30; derived with: planar shunt, 1 kg; confirm against the package insert in force"
    assert wording.cited("TSBS", "confirmed") == "TSBS"
