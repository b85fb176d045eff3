"""Scores of liver function: ALBI score and grade, Child-Pugh points and class.

Both come from laboratory values as reported, and Child-Pugh from ascites and encephalopathy as a physician
graded them: the two are entered, never inferred from an image or from treatment. A missing item leaves the
score unknown, and the result names it. Both scores were made for cirrhosis and hepatocellular carcinoma; in
other patients they describe the liver and are no dose limit.

Numbers are compared exactly as written, as decimals. Units convert by the factors of the catalogue's fact
definitions; Child-Pugh compares in the unit of the report, because its printed edges in mg/dL and in umol/L
are not conversions of each other. Edges and coefficients: catalogue, room `liver_function`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import IntEnum, StrEnum
from fractions import Fraction

from emboplan import catalog as catalogue
from emboplan.errors import CatalogError, ModelRangeError, UnitError
from emboplan.model.patient import LabValue
from emboplan.model.protocol import LabUnit

Number = Decimal | float | int | str

# The units in which the scores are defined.
MICROMOLE_PER_LITRE, GRAM_PER_LITRE = "umol/L", "g/L"

# Points of one Child-Pugh item.
BEST, MIDDLE, WORST = 1, 2, 3


class Ascites(StrEnum):
    """Ascites as Child-Pugh grades it."""

    NONE = "none"
    CONTROLLED = "mild, controlled"
    UNCONTROLLED = "moderate or severe, poorly controlled"


class Encephalopathy(StrEnum):
    """Hepatic encephalopathy as Child-Pugh grades it; `PRESENT` is one whose grade is not known."""

    NONE = "none"
    GRADE_1_2 = "grade 1-2"
    GRADE_3_4 = "grade 3-4"
    PRESENT = "present, grade not known"


class AlbiGrade(IntEnum):
    """The grades of the ALBI score, 1 the best."""

    ONE = 1
    TWO = 2
    THREE = 3


@dataclass(frozen=True, slots=True)
class Albi:
    """ALBI score and grade; both None where an item is missing, which `missing` names."""

    score: float | None
    grade: AlbiGrade | None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChildPugh:
    """Child-Pugh points and class; where an item is missing, which `missing` names, the points are None.

    The class is then None too, unless the known items alone fix it: the fewest and the most points that the
    missing ones can add give the same class. `item_points` are those of the items that are known, by name, in
    the order of the table.
    """

    points: int | None
    child_class: str | None
    item_points: tuple[tuple[str, int], ...]
    missing: tuple[str, ...] = ()


def _exact(value: Number, name: str) -> Decimal:
    """The number as written, if it is above 0."""
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation as error:
        raise ModelRangeError(f"{name} is {value!r}; expected a number") from error
    if not number.is_finite():
        raise ModelRangeError(f"{name} is {value!r}; expected a plain number")
    if number <= 0:
        raise ModelRangeError(f"{name} is {number}; expected a number above 0")
    return number


def lab_value(value: Number, unit: str) -> LabValue:
    """A laboratory value from a number as written; a float counts as the decimal that it prints as."""
    return LabValue(_exact(value, "value"), unit)


def _lab_units(name: str, numbers: catalogue.Catalog) -> tuple[LabUnit, ...]:
    """The units that laboratories report this value in, with factors to the canonical one."""
    found = []
    for table in numbers.fact_table()["fact"][name]["units"]:
        times, parts = (Fraction(str(table.get(key, 1))) for key in ("multiply_by", "divide_by"))
        found.append(LabUnit(table["symbol"], times / parts, tuple(table.get("also", ()))))
    return tuple(found)


def _unit(lab: LabValue, name: str, numbers: catalogue.Catalog) -> LabUnit:
    units = _lab_units(name, numbers)
    for unit in units:
        if unit.is_written(lab.unit):
            return unit
    known = ", ".join(unit.symbol for unit in units)
    raise UnitError(f'{name}: found the unit "{lab.unit}", expected one of {known}')


def converted(lab: LabValue, name: str, unit: str, *, catalog: catalogue.Catalog | None = None) -> Fraction:
    """A laboratory value in another unit of the same fact, exactly; `UnitError` for a unit it does not have.

    >>> float(converted(LabValue(Decimal("0.8"), "mg/dL"), "bilirubin", "umol/L"))
    13.68
    """
    numbers = catalog or catalogue.load()
    wanted = _unit(LabValue(lab.value, unit), name, numbers)
    return Fraction(_exact(lab.value, name)) * _unit(lab, name, numbers).factor / wanted.factor


def albi(
    bilirubin: LabValue | None, albumin: LabValue | None, *, catalog: catalogue.Catalog | None = None
) -> Albi:
    """ALBI score and grade from total bilirubin and albumin, each in any unit that laboratories report.

    0.66 x log10(bilirubin in umol/L) - 0.085 x albumin in g/L; grade 1 up to -2.60, grade 2 above it and up
    to -1.39, grade 3 above. The unrounded score decides the grade. Source: Johnson 2015; Hiraoka 2017.

    >>> result = albi(LabValue(Decimal("0.8"), "mg/dL"), LabValue(Decimal("40"), "g/L"))
    >>> round(result.score, 3), int(result.grade)
    (-2.65, 1)
    """
    missing = tuple(name for name, lab in (("bilirubin", bilirubin), ("albumin", albumin)) if lab is None)
    if bilirubin is None or albumin is None:
        return Albi(None, None, missing)
    numbers = catalog or catalogue.load()
    amount = converted(bilirubin, "bilirubin", MICROMOLE_PER_LITRE, catalog=numbers)
    protein = converted(albumin, "albumin", GRAM_PER_LITRE, catalog=numbers)
    score = numbers.number("liver_function.albi.bilirubin_factor") * math.log10(amount)
    score += numbers.number("liver_function.albi.albumin_factor") * float(protein)
    first, second = numbers.sourced("liver_function.albi.grade_edges").numbers
    grade = AlbiGrade.ONE if score <= first else AlbiGrade.TWO if score <= second else AlbiGrade.THREE
    return Albi(score, grade)


def _points(value: Decimal, edges: tuple[float, ...], *, high_is_good: bool = False) -> int:
    """Points by two edges; a value on or between them has the middle ones."""
    low, high = (Decimal(str(edge)) for edge in edges)
    if low <= value <= high:
        return MIDDLE
    return BEST if (value > high) is high_is_good else WORST


def _lab_points(lab: LabValue, name: str, *, high_is_good: bool, numbers: catalogue.Catalog) -> int:
    """Points of a laboratory value, by the edges that are printed for its own unit."""
    symbol = _unit(lab, name, numbers).symbol
    entry = f"liver_function.child_pugh.{name}_{symbol.lower().replace('/', '_per_')}"
    try:
        edges = numbers.sourced(entry).numbers
    except CatalogError as error:
        raise UnitError(
            f'{name}: the Child-Pugh table has no edges in "{symbol}"; give the value in another unit'
        ) from error
    return _points(_exact(lab.value, name), edges, high_is_good=high_is_good)


def child_pugh(
    *,
    bilirubin: LabValue | None,
    albumin: LabValue | None,
    inr: Number | None,
    ascites: Ascites | str | None,
    encephalopathy: Encephalopathy | str | None,
    catalog: catalogue.Catalog | None = None,
) -> ChildPugh:
    """Child-Pugh points (5 to 15) and class (A, B, C); points are unknown where an item is missing.

    The class is known where no answer to the missing items can change it. Encephalopathy of an unknown grade
    has two points at the least, and is a missing item.

    Values on an edge of the table have 2 points. The lower edge of albumin is 2.8 g/dL; a second source has
    3.0. Status of the table: to be confirmed. Sources: CPCC, CPTB.
    """
    numbers = catalog or catalogue.load()
    known: dict[str, int | None] = {
        "bilirubin": None
        if bilirubin is None
        else _lab_points(bilirubin, "bilirubin", high_is_good=False, numbers=numbers),
        "albumin": None
        if albumin is None
        else _lab_points(albumin, "albumin", high_is_good=True, numbers=numbers),
        "inr": None
        if inr is None
        else _points(_exact(inr, "inr"), numbers.sourced("liver_function.child_pugh.inr").numbers),
        "ascites": None if ascites is None else _category_points(Ascites, ascites, "ascites"),
        "encephalopathy": None if encephalopathy is None else _encephalopathy_points(encephalopathy),
    }
    item_points = tuple((name, points) for name, points in known.items() if points is not None)
    missing = tuple(name for name, points in known.items() if points is None)
    total = sum(points for _, points in item_points)
    present = encephalopathy == Encephalopathy.PRESENT
    fewest = total + sum(MIDDLE if present and name == "encephalopathy" else BEST for name in missing)
    least, most = _class_of(fewest, numbers), _class_of(total + WORST * len(missing), numbers)
    return ChildPugh(None if missing else total, least if least == most else None, item_points, missing)


def _class_of(points: int, numbers: catalogue.Catalog) -> str:
    uppers = numbers.sourced("liver_function.child_pugh.class_upper_points").numbers
    return next(name for name, upper in zip("ABC", uppers, strict=True) if points <= upper)


def _encephalopathy_points(given: Encephalopathy | str) -> int | None:
    """None where it is present without a grade: that there is one does not tell which."""
    return (
        None if given == Encephalopathy.PRESENT else _category_points(Encephalopathy, given, "encephalopathy")
    )


def _category_points(kind: type[Ascites] | type[Encephalopathy], given: str, name: str) -> int:
    """Points by the place of the category in its table, the best first."""
    order = [member.value for member in kind]
    if given not in order:
        raise ModelRangeError(f"{name} is {given!r}; expected one of {'; '.join(order)}")
    return (BEST, MIDDLE, WORST)[order.index(given)]
