"""Readings and records refuse what cannot have been read."""

from datetime import UTC, datetime

import pytest

from emboplan.errors import ModelRangeError
from emboplan.model.results.administration import AdministrationRecord, Reading

NOON = datetime(2026, 12, 3, 12, tzinfo=UTC)
GOOD = Reading(2.0, "GBq", NOON)


def test_net_is_less_the_background() -> None:
    assert Reading(82.0, "uSv/h", NOON, background=2.0).net == 80.0


def test_impossible_readings_are_refused() -> None:
    with pytest.raises(ModelRangeError, match="has no time zone"):
        Reading(2.0, "GBq", datetime(2026, 12, 3, 12))  # noqa: DTZ001  the case tried
    with pytest.raises(ModelRangeError, match="value of a reading is -1 GBq"):
        Reading(-1.0, "GBq", NOON)
    with pytest.raises(ModelRangeError, match="value of a reading is nan"):
        Reading(float("nan"), "GBq", NOON)
    with pytest.raises(ModelRangeError, match="above the reading"):
        Reading(1.0, "cps", NOON, background=2.0)


def test_impossible_records_are_refused() -> None:
    with pytest.raises(ModelRangeError, match="prescribed_gbq is 0"):
        AdministrationRecord("therasphere", 0.0, NOON, GOOD, GOOD)
    with pytest.raises(ModelRangeError, match="give both"):
        AdministrationRecord("therasphere", 2.0, NOON, GOOD, GOOD, draw_before=GOOD)
    with pytest.raises(ModelRangeError, match="injection_time"):
        AdministrationRecord("therasphere", 2.0, datetime(2026, 12, 3, 12), GOOD, GOOD)  # noqa: DTZ001  the case tried
