"""Results become plain JSON values, in one way."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.model.serialise import to_jsonable


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    dose_gy: float


@dataclass(frozen=True)
class Outer:
    inner: Inner
    when: date
    path: PurePosixPath
    limits: dict[int, Decimal]


@dataclass(frozen=True)
class Own:
    value: float

    def to_json(self) -> dict[str, float]:
        return {"value_gy": self.value}


def test_nested_dataclasses_become_dicts() -> None:
    outer = Outer(Inner(1.5), date(2026, 12, 3), PurePosixPath("a/b"), {1: Decimal("0.5")})
    expected = {"inner": {"dose_gy": 1.5}, "when": "2026-12-03", "path": "a/b", "limits": {"1": 0.5}}
    assert expected == to_jsonable(outer)


def test_an_object_with_its_own_json_answers_for_itself() -> None:
    assert to_jsonable((Own(2.0),)) == [{"value_gy": 2.0}]


def test_numpy_scalars_enums_and_sets() -> None:
    given_values = [np.float32(0.5), np.int64(3), np.bool_(True), Colour.RED, {"b", "a"}]
    assert to_jsonable(given_values) == [0.5, 3, True, "red", ["a", "b"]]


def test_a_moment_keeps_its_time_zone() -> None:
    assert to_jsonable(datetime(2026, 12, 3, 10, 30, tzinfo=UTC)) == "2026-12-03T10:30:00+00:00"


def test_floats_keep_ten_significant_digits() -> None:
    assert to_jsonable(1 / 3) == 0.3333333333
    assert json.dumps(to_jsonable(-0.0)) == "0.0"


@pytest.mark.parametrize("value", [np.zeros(3), object(), b"bytes"])
def test_arrays_and_strangers_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be written as JSON"):
        to_jsonable({"value": value})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan")])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        to_jsonable(value)


@given(st.floats(-1e300, 1e300).filter(lambda value: value == 0 or abs(value) > 1e-300))
def test_rounding_is_small_and_stable(value: float) -> None:
    """Once rounded, a number stays; rounding moves it by less than half a unit of the tenth digit."""
    rounded = to_jsonable(value)
    assert rounded == to_jsonable(rounded)
    assert abs(rounded - value) <= 5e-10 * abs(value)
