"""Exact conversion, the share of two volumes, and how few digits a shown number may have."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.eligibility.conftest import Clinic

from emboplan.eligibility.facts import parse_facts
from emboplan.eligibility.reading import exact_decimal, plain, read_number, show_beside
from emboplan.errors import UnitError
from emboplan.model.patient import Fact, FactOrigin, LabValue, PatientFacts


@pytest.mark.parametrize(
    ("fact", "lab", "expected"),
    [
        ("creatinine", LabValue(Decimal("176.8"), "umol/L"), Fraction(2)),
        ("creatinine", LabValue(Decimal("176.8"), "µmol/l"), Fraction(2)),
        ("bilirubin", LabValue(Decimal("34.2"), "umol/L"), Fraction(2)),
        ("bilirubin", LabValue(Decimal("2.0"), "mg/dl"), Fraction(2)),
        ("albumin", LabValue(Decimal(25), "g/L"), Fraction(5, 2)),
        ("platelets", LabValue(Decimal(100), "10^9/L"), Fraction(100_000)),
        ("platelets", LabValue(Decimal(100), "thousands/uL"), Fraction(100_000)),
        ("platelets", LabValue(Decimal(100), "10³/µL"), Fraction(100_000)),
        ("platelets", LabValue(Decimal(100_000), "/mm³"), Fraction(100_000)),
        ("platelets", LabValue(Decimal(100_000), "/mcL"), Fraction(100_000)),
        ("platelets_after_correction", LabValue(Decimal(105), "10⁹/L"), Fraction(105_000)),
        ("alt", LabValue(Decimal(200), "U/L", Decimal(40)), Fraction(5)),
        ("ast", LabValue(Decimal("3.5"), "µkat/L", Decimal("0.7")), Fraction(5)),
        ("ast", LabValue(Decimal("5.0"), "xULN"), Fraction(5)),
    ],
)
def test_conversions_are_exact(clinic: Clinic, fact: str, lab: LabValue, expected: Fraction) -> None:
    """Expected values by hand: 176.8 / 88.4 = 34.2 / 17.1 = 2 and so on."""
    reading = read_number(clinic.definitions[fact], PatientFacts({fact: Fact(lab)}))
    assert reading is not None
    assert expected == reading.value


@pytest.mark.parametrize(
    "value", [True, "1", None, float("nan"), float("-inf"), Decimal("NaN"), Decimal("1e51"), Decimal("1e-51")]
)
def test_what_is_no_finite_number(value: object) -> None:
    assert exact_decimal(value) is None


def test_floats_are_taken_as_written() -> None:
    assert exact_decimal(0.1) == Decimal("0.1")


def share(clinic: Clinic, **known: Fact) -> list[float] | None:
    """The burden and the ends of its interval, which are exact in binary for the numbers used here."""
    reading = read_number(clinic.definitions["liver_tumor_burden_pct"], PatientFacts(known))
    return (
        None if reading is None else [float(number) for number in (reading.value, *(reading.interval or ()))]
    )


def measured(value: str, low: str, high: str) -> Fact:
    return Fact(Decimal(value), FactOrigin.MEASURED, (Decimal(low), Decimal(high)))


def test_what_is_typed_goes_before_what_is_measured(clinic: Clinic) -> None:
    part, whole = measured("100", "80", "110"), measured("1000", "1000", "1000")
    percentage = measured("10", "8", "11")
    both = {"liver_tumor_volume_ml": part, "liver_volume_ml": whole}
    assert share(clinic, **both, liver_tumor_burden_pct=percentage) == [10, 8, 11]
    assert share(clinic, **both, liver_tumor_burden_pct=Fact(Decimal(12))) == [12]
    typed = {name: Fact(number) for name, number in zip(both, (Decimal(100), Decimal(2000)), strict=True)}
    assert share(clinic, **typed, liver_tumor_burden_pct=percentage) == [5]
    assert share(clinic, **both) == [10, 8, 11]


def test_one_volume_alone_says_nothing(clinic: Clinic) -> None:
    assert share(clinic, liver_volume_ml=Fact(Decimal(1000))) is None


@pytest.mark.parametrize(
    ("value", "limit", "shown"),
    [
        (Fraction(90) / Fraction("88.4"), 2, "1.018"),
        (Fraction(210_000), 100_000, "210000"),
        (Fraction("35.0"), 50, "35"),
        (Fraction(2), 2, "2"),
        (Fraction("2.00001"), 2, "2.00001"),
        (2 - Fraction(1, 7 * 10**6), 2, "1.9999999"),
        (Fraction(1, 3), 2, "0.3333"),
    ],
)
def test_shown_numbers(value: Fraction, limit: int, shown: str) -> None:
    assert shown == show_beside(value, Fraction(limit))


@given(
    value=st.fractions(min_value=0, max_value=1000, max_denominator=10**6),
    limit=st.decimals(min_value=0, max_value=1000, places=2),
)
def test_a_shown_number_stays_on_its_side_of_the_limit(value: Fraction, limit: Decimal) -> None:
    shown = Decimal(show_beside(value, Fraction(limit)))
    assert (value < limit, value == limit) == (shown < limit, shown == limit)


@pytest.mark.parametrize(
    ("percentage", "volumes", "expected"),
    [
        (FactOrigin.ENTERED, (FactOrigin.ENTERED, FactOrigin.ENTERED), 40),
        (FactOrigin.ENTERED, (FactOrigin.ENTERED, FactOrigin.MEASURED), 35),
        (FactOrigin.ENTERED, (FactOrigin.MEASURED, FactOrigin.MEASURED), 35),
        (FactOrigin.MEASURED, (FactOrigin.ENTERED, FactOrigin.MEASURED), 35),
        (FactOrigin.MEASURED, (FactOrigin.MEASURED, FactOrigin.MEASURED), 35),
    ],
)
def test_who_said_so_decides_between_volumes_and_percentage(
    clinic: Clinic, percentage: FactOrigin, volumes: tuple[FactOrigin, FactOrigin], expected: int
) -> None:
    """400/1000 mL make 40 %, the percentage says 35; two entered volumes go before what is measured."""
    reading = read_number(
        clinic.definitions["liver_tumor_burden_pct"],
        PatientFacts(
            {
                "liver_tumor_burden_pct": Fact(Decimal(35), percentage),
                "liver_tumor_volume_ml": Fact(Decimal(400), volumes[0]),
                "liver_volume_ml": Fact(Decimal(1000), volumes[1]),
            }
        ),
    )
    assert reading is not None
    assert expected == reading.value


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (Fact(Decimal("0.5")), Fact(Decimal(1)), 50),
        (Fact(Decimal(1)), Fact(Decimal(0)), None),
        (Fact("x"), Fact(Decimal(5)), None),
        (Fact(Decimal(5)), Fact("x"), None),
    ],
)
def test_two_volumes_make_a_share_where_they_can(
    clinic: Clinic, part: Fact, whole: Fact, expected: int | None
) -> None:
    known = PatientFacts({"liver_tumor_volume_ml": part, "liver_volume_ml": whole})
    reading = read_number(clinic.definitions["liver_tumor_burden_pct"], known)
    assert expected == (None if reading is None else reading.value)


def test_entered_volumes_have_no_interval_and_show_themselves(clinic: Clinic) -> None:
    known = {"liver_tumor_volume_ml": Fact(Decimal(400)), "liver_volume_ml": Fact(Decimal("1000.0"))}
    reading = read_number(clinic.definitions["liver_tumor_burden_pct"], PatientFacts(known))
    assert reading is not None
    assert (reading.interval, reading.shown) == (None, "400 mL / 1000.0 mL")


@pytest.mark.parametrize(("low", "expected"), [("0", None), ("1", (0, 200))])
def test_an_interval_that_reaches_nothing_has_no_share(
    clinic: Clinic, low: str, expected: tuple[int, int] | None
) -> None:
    """The tumour lies from 0 to 2 mL; in a liver of 1 mL at least that is up to 200 %."""
    known = {"liver_tumor_volume_ml": measured("1", "0", "2"), "liver_volume_ml": measured("10", low, "20")}
    reading = read_number(clinic.definitions["liver_tumor_burden_pct"], PatientFacts(known))
    assert reading is not None
    assert expected == (reading.interval and tuple(map(int, reading.interval)))


def test_an_unchecked_unit_names_those_that_the_fact_has(clinic: Clinic) -> None:
    known = PatientFacts({"creatinine": Fact(LabValue(Decimal(1), "g/L"))})
    with pytest.raises(UnitError, match=r'creatinine: found the unit "g/L", expected one of mg/dL, umol/L$'):
        read_number(clinic.definitions["creatinine"], known)


@pytest.mark.parametrize(
    ("value", "limit", "shown"),
    [
        ("123456.78", "5", "123456.78"),  # eight digits are shown as they are
        ("1234567.89", "5", "1234568"),  # nine are rounded, yet no digit before the point is lost
        ("0.123456789", "5", "0.1235"),
        ("2.0001234567", "2", "2.0001"),  # the first digit that puts it on its side
        ("2.000000001", "2", "2.000000001"),
        ("1.999999999", "2", "1.999999999"),
    ],
)
def test_shown_numbers_have_as_few_digits_as_they_may(value: str, limit: str, shown: str) -> None:
    assert shown == show_beside(Fraction(value), Fraction(limit))


def test_a_number_is_written_without_an_exponent() -> None:
    assert plain(Decimal("1E+3")) == "1000"


def test_a_plain_number_shows_its_unit(clinic: Clinic) -> None:
    reading = read_number(clinic.definitions["ki67_pct"], PatientFacts({"ki67_pct": Fact(Decimal(8))}))
    assert reading is not None
    assert reading.shown == "8 %"
    with pytest.raises(UnitError, match="ki67_pct: found 'x', expected a number"):
        read_number(clinic.definitions["ki67_pct"], PatientFacts({"ki67_pct": Fact("x")}))


@pytest.mark.parametrize("text", ["1e50", "1e-50"])
def test_the_largest_and_smallest_numbers_that_are_taken(text: str) -> None:
    assert exact_decimal(Decimal(text)) == Decimal(text)


def test_one_third_of_a_thousandth_above_a_limit_is_shown_above_it() -> None:
    """2.000333... is 2.000 with four digits, which lies below 2.0003, and 2.0003 with five."""
    assert show_beside(2 + Fraction(1, 3000), Fraction("2.0003")) == "2.00033"


@pytest.mark.parametrize("name", ["liver_tumor_volume_ml", "liver_volume_ml"])
def test_one_volume_alone_makes_no_share(clinic: Clinic, name: str) -> None:
    facts = parse_facts({name: 900}, clinic.definitions)
    assert read_number(clinic.definitions["liver_tumor_burden_pct"], facts) is None


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        ((280, 320), None, Fraction(56, 3), Fraction(64, 3)),
        (None, (1400, 1600), Fraction(75, 4), Fraction(150, 7)),
        ((280, 320), (1400, 1600), Fraction(35, 2), Fraction(160, 7)),
    ],
)
def test_the_interval_of_a_share_takes_a_volume_without_one_as_it_is(
    clinic: Clinic,
    part: tuple[int, int] | None,
    whole: tuple[int, int] | None,
    low: Fraction,
    high: Fraction,
) -> None:
    """300 of 1500 mL: 280 / 1500 are 56/3 %, 300 / 1600 are 75/4 %."""

    def volume(value: int, ends: tuple[int, int] | None) -> Fact:
        between = None if ends is None else (Decimal(ends[0]), Decimal(ends[1]))
        return Fact(Decimal(value), FactOrigin.MEASURED, between)

    known = {"liver_tumor_volume_ml": volume(300, part), "liver_volume_ml": volume(1500, whole)}
    reading = read_number(clinic.definitions["liver_tumor_burden_pct"], PatientFacts(known))
    assert reading is not None
    assert (reading.value, reading.interval) == (Fraction(20), (low, high))
