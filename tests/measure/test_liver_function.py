"""ALBI and Child-Pugh: the tables on both sides of every edge, exact units, missing items, refusals."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from emboplan.errors import ModelRangeError, UnitError
from emboplan.measure.liver_function import (
    AlbiGrade,
    Ascites,
    Encephalopathy,
    albi,
    child_pugh,
    converted,
    lab_value,
)
from emboplan.model.patient import LabValue

GOOD: dict[str, Any] = {
    "bilirubin": lab_value("1.0", "mg/dL"),
    "albumin": lab_value("4.0", "g/dL"),
    "inr": Decimal("1.0"),
    "ascites": "none",
    "encephalopathy": "none",
}


def test_albi_by_hand() -> None:
    """0.8 mg/dL is 13.68 umol/L; with 40 g/L the score is -2.650, grade 1."""
    found = albi(lab_value("0.8", "mg/dL"), lab_value("40", "g/L"))
    assert found.score == pytest.approx(0.66 * math.log10(13.68) - 0.085 * 40, abs=1e-12)
    assert found.score == pytest.approx(-2.650, abs=5e-4)
    assert AlbiGrade.ONE is found.grade


def test_albi_is_the_same_in_every_unit() -> None:
    """17.1 umol/L is 1 mg/dL and 3.5 g/dL is 35 g/L, exactly."""
    found = {
        albi(bilirubin, albumin)
        for bilirubin in (lab_value("1", "mg/dL"), lab_value("17.1", "umol/L"), lab_value(17.1, "µmol/L"))
        for albumin in (lab_value("3.5", "g/dL"), lab_value(35, "g/L"))
    }
    assert len(found) == 1


@pytest.mark.parametrize(
    ("albumin_g_per_l", "grade"),
    [
        (Decimal("2.60") / Decimal("0.085") + Decimal("1e-9"), 1),
        (Decimal("2.60") / Decimal("0.085") - Decimal("1e-9"), 2),
        (Decimal("1.39") / Decimal("0.085") + Decimal("1e-9"), 2),
        (Decimal("1.39") / Decimal("0.085") - Decimal("1e-9"), 3),
    ],
)
def test_albi_grades_at_their_edges(albumin_g_per_l: Decimal, grade: int) -> None:
    """With 1 umol/L the logarithm is 0, so that albumin alone makes the score."""
    assert grade == albi(lab_value(1, "umol/L"), LabValue(albumin_g_per_l, "g/L")).grade


def test_albi_names_what_is_missing() -> None:
    found = albi(None, lab_value("4", "g/dL"))
    assert (found.score, found.grade, found.missing) == (None, None, ("bilirubin",))
    assert albi(None, None).missing == ("bilirubin", "albumin")


def test_conversion_is_exact() -> None:
    assert Fraction("13.68") == converted(lab_value("0.8", "mg/dL"), "bilirubin", "umol/L")
    assert Fraction("3.49") == converted(lab_value("34.9", "g/L"), "albumin", "g/dL")


def test_child_pugh_best_and_worst() -> None:
    best = child_pugh(**GOOD)
    assert (best.points, best.child_class, best.missing) == (5, "A", ())
    worst = child_pugh(
        bilirubin=lab_value("3.1", "mg/dL"),
        albumin=lab_value("2.7", "g/dL"),
        inr=Decimal("2.4"),
        ascites=Ascites.UNCONTROLLED,
        encephalopathy=Encephalopathy.GRADE_3_4,
    )
    assert (worst.points, worst.child_class) == (15, "C")
    assert {points for _, points in worst.item_points} == {3}


@pytest.mark.parametrize(
    ("item", "value", "points"),
    [
        ("bilirubin", lab_value("1.99", "mg/dL"), 1),
        ("bilirubin", lab_value("2.0", "mg/dL"), 2),
        ("bilirubin", lab_value(3.0, "mg/dL"), 2),
        ("bilirubin", lab_value("3.01", "mg/dL"), 3),
        ("bilirubin", lab_value("33.9", "umol/L"), 1),
        ("bilirubin", lab_value("34", "umol/L"), 2),
        ("bilirubin", lab_value("51", "umol/L"), 2),
        ("bilirubin", lab_value("51.1", "umol/L"), 3),
        ("albumin", lab_value("3.51", "g/dL"), 1),
        ("albumin", lab_value("3.5", "g/dL"), 2),
        ("albumin", lab_value("2.9", "g/dL"), 2),
        ("albumin", lab_value(2.8, "g/dL"), 2),
        ("albumin", lab_value("2.79", "g/dL"), 3),
        ("albumin", lab_value("36", "g/L"), 1),
        ("albumin", lab_value("28", "g/L"), 2),
        ("albumin", lab_value("27.9", "g/L"), 3),
        ("inr", Decimal("1.69"), 1),
        ("inr", 1.7, 2),
        ("inr", "2.3", 2),
        ("inr", Decimal("2.31"), 3),
        ("ascites", Ascites.NONE, 1),
        ("ascites", "mild, controlled", 2),
        ("ascites", "moderate or severe, poorly controlled", 3),
        ("encephalopathy", "none", 1),
        ("encephalopathy", Encephalopathy.GRADE_1_2, 2),
        ("encephalopathy", "grade 3-4", 3),
    ],
)
def test_child_pugh_items(item: str, value: Any, points: int) -> None:
    """A value on an edge has 2 points; each unit of bilirubin and albumin has its own printed edges."""
    found = child_pugh(**{**GOOD, item: value})
    assert points == dict(found.item_points)[item]
    assert 4 + points == found.points


@pytest.mark.parametrize(
    ("points", "expected"), [(5, "A"), (6, "A"), (7, "B"), (9, "B"), (10, "C"), (15, "C")]
)
def test_child_pugh_classes(points: int, expected: str) -> None:
    """A 5 to 6, B 7 to 9, C 10 to 15."""
    scale: dict[str, list[Any]] = {
        "bilirubin": [lab_value(value, "mg/dL") for value in ("1", "2.5", "4")],
        "albumin": [lab_value(value, "g/dL") for value in ("4", "3", "2")],
        "inr": ["1", "2", "3"],
        "ascites": list(Ascites),
        "encephalopathy": list(Encephalopathy),
    }
    left, items = points - 5, {}
    for name, values in scale.items():
        extra = min(2, left)
        items[name], left = values[extra], left - extra
    found = child_pugh(**items)
    assert (found.points, found.child_class) == (points, expected)


@pytest.mark.parametrize("item", GOOD)
def test_a_missing_item_leaves_the_score_unknown(item: str) -> None:
    found = child_pugh(**{**GOOD, item: None})
    assert (found.points, found.child_class, found.missing) == (None, None, (item,))
    assert [name for name in GOOD if name != item] == [name for name, _ in found.item_points]


def test_all_missing_items_are_named() -> None:
    assert tuple(GOOD) == child_pugh(**dict.fromkeys(GOOD)).missing


def test_unknown_units_and_words_are_refused() -> None:
    with pytest.raises(UnitError, match=r'bilirubin: found the unit "g/L", expected one of mg/dL, umol/L'):
        albi(lab_value(1, "g/L"), lab_value(40, "g/L"))
    with pytest.raises(UnitError, match="albumin"):
        child_pugh(**{**GOOD, "albumin": lab_value(600, "umol/L")})
    with pytest.raises(ModelRangeError, match="ascites is 'some'"):
        child_pugh(**{**GOOD, "ascites": "some"})
    with pytest.raises(ModelRangeError, match="encephalopathy is"):
        child_pugh(**{**GOOD, "encephalopathy": Ascites.CONTROLLED})


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), "high"])
def test_impossible_values_are_refused(value: Any) -> None:
    with pytest.raises(ModelRangeError):
        lab_value(value, "mg/dL")
    with pytest.raises(ModelRangeError, match="inr"):
        child_pugh(**{**GOOD, "inr": value})


def test_a_value_that_came_past_the_door_is_checked_too() -> None:
    with pytest.raises(ModelRangeError, match="bilirubin is 0"):
        albi(LabValue(Decimal(0), "mg/dL"), lab_value(40, "g/L"))


@pytest.mark.parametrize(
    ("encephalopathy", "ascites", "expected"),
    [
        (None, "moderate or severe, poorly controlled", "C"),  # 3 + 3 + 3 + 3, and 1 to 3
        (None, "none", "C"),  # 9 + 1, and 1 to 3
        (Encephalopathy.PRESENT, None, "C"),  # 9, 1 to 3, and 2 or 3
        (None, None, "C"),  # 9, and 2 to 6
    ],
)
def test_the_fewest_points_may_fix_the_class(encephalopathy: Any, ascites: Any, expected: str) -> None:
    found = child_pugh(
        bilirubin=lab_value("4", "mg/dL"),
        albumin=lab_value("2.0", "g/dL"),
        inr="2.6",
        ascites=ascites,
        encephalopathy=encephalopathy,
    )
    assert (found.points, found.child_class) == (None, expected)
    assert "encephalopathy" in found.missing


def test_an_ungraded_encephalopathy_has_two_points_at_the_least() -> None:
    """3 + 3 + 1 + 1 make 8: C with two more, B or C where nothing is known of it."""
    items: dict[str, Any] = {
        "bilirubin": lab_value("4", "mg/dL"),
        "albumin": lab_value("2.0", "g/dL"),
        "inr": "1.0",
        "ascites": Ascites.NONE,
    }
    assert child_pugh(**items, encephalopathy=Encephalopathy.PRESENT).child_class == "C"
    assert child_pugh(**items, encephalopathy=None).child_class is None
