"""The metabolic rule at its limits, in exact decimals."""

import pytest

from emboplan.catalog import load
from emboplan.errors import ModelRangeError
from emboplan.response.percist import metabolic_response

ENTRIES = load().room("response")


@pytest.mark.parametrize(
    ("baseline", "now", "expected"),
    [
        ("8", "5.6", "PMR"),  # exactly 30 % less
        ("8", "5.61", "SMD"),
        ("2", "1.2", "PMR"),  # exactly 0.8 less
        ("2", "1.21", "SMD"),
        ("8", "10.4", "SMD"),  # exactly 30 % more is not more than that
        ("8", "10.41", "PMD"),
        ("2", "2.8", "SMD"),  # exactly 0.8 more
        ("2", "2.81", "PMD"),
        ("10", "11.5", "SMD"),
        ("3", "3", "SMD"),
    ],
)
def test_at_the_limits(baseline: str, now: str, expected: str) -> None:
    assert metabolic_response(baseline, now, ENTRIES) == expected


@pytest.mark.parametrize(
    ("baseline", "now"), [("0", "1"), ("-1", "1"), ("1", "-1"), ("x", "1"), ("1", "nan")]
)
def test_what_is_refused(baseline: str, now: str) -> None:
    with pytest.raises(ModelRangeError, match="expected"):
        metabolic_response(baseline, now, ENTRIES)


def test_uptake_below_1_and_of_nothing() -> None:
    assert metabolic_response("0.9", "0", ENTRIES) == "PMR"
    assert metabolic_response("0.9", "0.5", ENTRIES) == "SMD"
