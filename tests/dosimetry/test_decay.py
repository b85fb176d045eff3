"""Decay against the printed table of the TheraSphere insert, and across changes of the clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan import catalog
from emboplan.dosimetry.decay import decay, hours_between
from emboplan.errors import ModelRangeError


def test_the_inserts_decay_table() -> None:
    """2^(-t / 64.1 h) rounds to each of the 17 printed values (package insert USA v12)."""
    product = catalog.load().microsphere("therasphere")
    hours, printed = product.fact("decay_hours").numbers, product.fact("decay_fraction").numbers
    assert np.round(decay(1.0, np.array(hours)), 3).tolist() == list(printed)


def test_one_half_life_leaves_exactly_half() -> None:
    assert decay(3.0, 64.1) == 1.5


@given(st.floats(0.001, 100), st.floats(-500, 500), st.floats(1, 1000))
def test_there_and_back(activity: float, hours: float, half_life: float) -> None:
    there = decay(activity, hours, half_life_h=half_life)
    assert activity == pytest.approx(decay(there, -hours, half_life_h=half_life), rel=1e-12)


def test_arrays_broadcast() -> None:
    assert decay([1.0, 2.0], [0.0, 64.1]).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("activity", "hours", "half_life"), [(-1.0, 1.0, 64.1), (1.0, float("nan"), 64.1), (1.0, 1.0, 0.0)]
)
def test_impossible_numbers_are_refused(activity: float, hours: float, half_life: float) -> None:
    with pytest.raises(ModelRangeError):
        decay(activity, hours, half_life_h=half_life)


def test_daylight_saving_shifts_no_hours() -> None:
    """From Saturday noon to Sunday noon over the start of daylight saving are 23 hours, not 24."""
    zone = ZoneInfo("America/New_York")
    start, end = datetime(2026, 3, 7, 12, tzinfo=zone), datetime(2026, 3, 8, 12, tzinfo=zone)
    assert hours_between(start, end) == 23.0


def test_hours_between_zones() -> None:
    start = datetime(2026, 12, 3, 12, tzinfo=UTC)
    assert hours_between(start, (start + timedelta(hours=5)).astimezone(ZoneInfo("Asia/Tokyo"))) == 5.0


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="no time zone"):
        hours_between(datetime(2026, 12, 3, 12), datetime(2026, 12, 3, 13, tzinfo=UTC))  # noqa: DTZ001  the case tried
