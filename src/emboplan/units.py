"""Quantities with units, read at the door; inside, units live in names.

A quantity is a string such as ``"2.1 GBq"``. `parse_quantity` turns it into an exact decimal in
the unit asked for. Each unit is a dimension and an exact factor to that dimension's base unit;
the factors are definitions (SI brochure; 1 Ci = 37 GBq; 1 in = 25.4 mm; 1 lb = 0.45359237 kg).
"""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from emboplan.errors import UnitError


@dataclass(frozen=True, slots=True)
class Unit:
    """A dimension, and the exact number of its base units in one of this unit."""

    dimension: str
    factor: Decimal


def _units(dimension: str, **factors: str) -> dict[str, Unit]:
    return {symbol: Unit(dimension, Decimal(factor)) for symbol, factor in factors.items()}


UNITS = MappingProxyType(
    {
        **_units("activity", GBq="1000", MBq="1", kBq="0.001", Bq="0.000001", Ci="37000", mCi="37"),
        **_units("absorbed dose", Gy="1", mGy="0.001", cGy="0.01"),
        **_units("length", m="1000", cm="10", mm="1", um="0.001", ft="304.8"),
        "in": Unit("length", Decimal("25.4")),
        # Two characters look like the micro sign, and Python turns the one into the other in a keyword.
        "\u00b5m": Unit("length", Decimal("0.001")),
        "\u03bcm": Unit("length", Decimal("0.001")),
        **_units("mass", kg="1000", g="1", mg="0.001", lb="453.59237"),
        **_units("volume", L="1000", mL="1", ml="1", cc="1"),
        **_units("time", d="24", h="1", min=str(Decimal(1) / 60)),
    }
)

SECONDS_PER_HOUR = 3600.0
HOURS_PER_DAY = 24.0
GRAMS_PER_KILOGRAM = 1000.0
MBQ_PER_GBQ = 1000.0
ML_PER_MM3 = 0.001
CENTIMETRES_PER_METRE = 100.0
JOULE_PER_MEV = 1.602176634e-13  # exact since the 2019 definition of the elementary charge
PERCENT = 100.0

_QUANTITY = re.compile(r"^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z\u00b5\u03bc]+)\s*$")


def parse_quantity(text: str, to: str) -> Decimal:
    """The exact value of a quantity such as ``"57 mCi"`` in the unit `to`.

    Raises `UnitError` if there is no number, no unit, an unknown unit, or a unit of another kind.

    >>> parse_quantity("57 mCi", to="GBq")
    Decimal('2.109')
    """
    match = _QUANTITY.match(text)
    wanted = UNITS[to]
    known = ", ".join(symbol for symbol, unit in UNITS.items() if unit.dimension == wanted.dimension)
    if match is None:
        raise UnitError(f'found "{text}", expected a number and a unit of {wanted.dimension} ({known})')
    number, symbol = match.groups()
    unit = UNITS.get(symbol)
    if unit is None:
        raise UnitError(f'found the unknown unit "{symbol}", expected a unit of {wanted.dimension} ({known})')
    if unit.dimension != wanted.dimension:
        raise UnitError(
            f'found "{symbol}", a unit of {unit.dimension}; expected a unit of {wanted.dimension} ({known})'
        )
    try:
        value = Decimal(number)
    except InvalidOperation as error:  # the pattern admits nothing else; kept so that a change cannot leak
        raise UnitError(f'found "{number}", expected a number') from error
    return value * unit.factor / wanted.factor
