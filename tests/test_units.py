"""Quantities: exact factors, checked against definitions and against an independent library."""

from decimal import Decimal

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emboplan.errors import UnitError
from emboplan.units import (
    CENTIMETRES_PER_METRE,
    GRAMS_PER_KILOGRAM,
    HOURS_PER_DAY,
    JOULE_PER_MEV,
    MBQ_PER_GBQ,
    ML_PER_MM3,
    SECONDS_PER_HOUR,
    UNITS,
    parse_quantity,
)

REGISTRY: pint.UnitRegistry[float] = pint.UnitRegistry()
PINT_NAMES = {
    "um": "micrometer",
    "\u00b5m": "micrometer",
    "\u03bcm": "micrometer",
    "cc": "milliliter",
    "lb": "pound",
    "in": "inch",
    "ft": "foot",
}
SAME_DIMENSION = [(a, b) for a in UNITS for b in UNITS if a != b and UNITS[a].dimension == UNITS[b].dimension]


@pytest.mark.parametrize(
    ("text", "to", "expected"),
    [
        ("57 mCi", "GBq", "2.109"),  # 1 Ci = 37 GBq exactly
        ("2.1 GBq", "MBq", "2100"),
        ("168 cm", "m", "1.68"),
        ("0.021 in", "mm", "0.5334"),  # 1 in = 25.4 mm exactly
        ("150 lb", "kg", "68.0388555"),  # 1 lb = 0.45359237 kg exactly
        ("12000 cGy", "Gy", "120"),
        (".5 d", "h", "12"),
        ("1e3 mL", "L", "1"),
        ("-3 mm", "cm", "-0.3"),
    ],
)
def test_conversions_by_definition(text: str, to: str, expected: str) -> None:
    assert Decimal(expected) == parse_quantity(text, to)


@pytest.mark.parametrize(("a", "b"), SAME_DIMENSION)
def test_every_pair_of_units_agrees_with_pint(a: str, b: str) -> None:
    ours = float(parse_quantity(f"1 {a}", to=b))
    theirs = REGISTRY.Quantity(1.0, PINT_NAMES.get(a, a)).to(PINT_NAMES.get(b, b)).magnitude
    assert pytest.approx(theirs, rel=1e-12) == ours


@given(st.decimals(-1000, 1000, places=3), st.sampled_from(SAME_DIMENSION))
def test_there_and_back_is_the_same_number(value: Decimal, pair: tuple[str, str]) -> None:
    there = parse_quantity(f"{value:f} {pair[0]}", to=pair[1])
    back = parse_quantity(f"{there:f} {pair[1]}", to=pair[0])
    assert abs(back - value) <= Decimal("1e-18") * max(Decimal(1), abs(value))


@pytest.mark.parametrize("text", ["2.1", "GBq", "", "2,1 GBq", "2.1 GBq x", "1e GBq", "nan GBq"])
def test_what_is_no_number_with_a_unit_is_refused(text: str) -> None:
    with pytest.raises(UnitError, match="expected a number and a unit of activity"):
        parse_quantity(text, to="GBq")


def test_an_unknown_unit_lists_the_known_ones() -> None:
    with pytest.raises(UnitError, match=r'unknown unit "gbq".*GBq, MBq, kBq, Bq, Ci, mCi'):
        parse_quantity("2 gbq", to="GBq")


def test_a_unit_of_another_kind_is_refused() -> None:
    with pytest.raises(UnitError, match='found "Gy", a unit of absorbed dose; expected a unit of activity'):
        parse_quantity("120 Gy", to="GBq")


def test_constants_agree_with_pint() -> None:
    pairs = {
        SECONDS_PER_HOUR: REGISTRY.Quantity(1.0, "hour").to("second"),
        HOURS_PER_DAY: REGISTRY.Quantity(1.0, "day").to("hour"),
        GRAMS_PER_KILOGRAM: REGISTRY.Quantity(1.0, "kilogram").to("gram"),
        MBQ_PER_GBQ: REGISTRY.Quantity(1.0, "gigabecquerel").to("megabecquerel"),
        ML_PER_MM3: REGISTRY.Quantity(1.0, "millimeter ** 3").to("milliliter"),
        CENTIMETRES_PER_METRE: REGISTRY.Quantity(1.0, "meter").to("centimeter"),
        JOULE_PER_MEV: REGISTRY.Quantity(1.0, "megaelectron_volt").to("joule"),
    }
    for ours, theirs in pairs.items():
        assert pytest.approx(theirs.magnitude, rel=1e-9) == ours
