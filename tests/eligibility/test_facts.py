"""The door for facts: what is accepted, and every mistake with one line of its own."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.eligibility.conftest import PATIENT, Clinic

from emboplan.eligibility.agreement import contradictions
from emboplan.eligibility.facts import parse_facts
from emboplan.eligibility.plausibility import unit_question
from emboplan.eligibility.wording import leaves
from emboplan.errors import CaseFileError
from emboplan.model.patient import Fact, FactValue, LabValue
from emboplan.model.protocol import Compares, FactDefinition, FactKind


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ecog", 1, Decimal(1)),
        ("ecog", 2.0, Decimal("2.0")),
        ("age_years", 17.9, Decimal("17.9")),
        ("inr", Decimal("1.5"), Decimal("1.5")),
        ("largest_liver_lesion_mm", "4.2 cm", Decimal("42.0")),
        ("largest_liver_lesion_mm", {"value": 1, "unit": "cm"}, Decimal(10)),
        ("ki67_pct", "20 %", Decimal(20)),
        ("sex", "F", "F"),
        ("pregnant", False, False),
        ("enrolment_date", "2026-05-20", date(2026, 5, 20)),
        ("enrolment_date", date(2026, 5, 20), date(2026, 5, 20)),
        ("bilirubin", {"value": 0.8, "unit": "mg/dL"}, LabValue(Decimal("0.8"), "mg/dL")),
        ("bilirubin", "12 µmol/L", LabValue(Decimal(12), "µmol/L")),
        ("alt", {"value": 38, "unit": "U/L", "uln": 40}, LabValue(Decimal(38), "U/L", Decimal(40))),
        ("platelets", {"value": 210, "unit": "x 10^9/L"}, LabValue(Decimal(210), "x 10^9/L")),
    ],
)
def test_good_values(clinic: Clinic, name: str, value: object, expected: FactValue) -> None:
    fact = parse_facts({name: value}, clinic.definitions).get(name)
    assert fact is not None
    assert expected == fact.value


def test_null_is_not_known(clinic: Clinic) -> None:
    assert "ecog" not in parse_facts({"ecog": None}, clinic.definitions)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"creatinin": 1}, 'creatinin: unknown fact; did you mean "creatinine"?'),
        ({"qqq": 1}, "qqq: unknown fact; no fact has a name like it"),
        ({"creatinine": 90}, "found 90 without a unit, expected mg/dL or umol/L"),
        ({"creatinine": {"value": 90}}, "found 90 without a unit"),
        ({"creatinine": {"value": 1, "unit": "g/dL"}}, 'found the unit "g/dL", expected mg/dL or umol/L'),
        ({"creatinine": {"value": 1, "unit": 7}}, "found the unit 7"),
        ({"creatinine": {"value": float("nan"), "unit": "mg/dL"}}, "found the value nan, expected a number"),
        ({"creatinine": {"value": -1, "unit": "mg/dL"}}, "found -1, expected a number of 0 or more"),
        ({"creatinine": {"value": 1, "unit": "mg/dL", "date": 3}}, "unknown key date"),
        ({"creatinine": "high"}, 'found "high", expected { value = ..., unit = "mg/dL" }'),
        ({"creatinine": {"unit": "mg/dL"}}, "expected { value = ..., unit"),
        (
            {"alt": {"value": 38, "unit": "U/L", "uln": 0}},
            "upper limit of normal 0, expected a number above 0",
        ),
        ({"inr": {"value": 1, "unit": "x"}}, "expected a plain number without unit"),
        ({"largest_liver_lesion_mm": {"unit": "cm"}}, "found {'unit': 'cm'}, expected a number in mm"),
        ({"largest_liver_lesion_mm": {"value": 4, "units": "cm"}}, "expected a number in mm"),
        ({"life_expectancy_months": "2 years"}, 'found "2 years", expected a number in months'),
        ({"inr": float("inf")}, "found inf, expected a plain number without unit"),
        ({"ecog": 1.5}, "found 1.5, expected a whole number from 0 to 5"),
        ({"ecog": 6}, "found 6, expected a number from 0 to 5"),
        ({"ecog": True}, "found true, expected a whole number"),
        ({"ecog": False}, "found false, expected a whole number"),
        ({"creatinine": True}, 'found true, expected { value = ..., unit = "mg/dL" }'),
        (
            {"creatinine": {"value": 1, "unit": "mg/dL", **dict.fromkeys("zbkaq", 1)}},
            "unknown key a, expected",
        ),
        ({"alt": {"value": 38, "unit": "U/L", "uln": "forty"}}, 'upper limit of normal "forty", expected a'),
        ({"age_years": True}, "found true, expected a number in years"),
        ({"age_years": "old"}, 'found "old", expected a number in years'),
        ({"liver_tumor_burden_pct": 101}, "found 101, expected a number from 0 to 100"),
        ({"largest_liver_lesion_mm": "4 kg"}, 'found "kg", a unit of mass; expected a unit of length'),
        ({"pregnant": "no"}, 'found "no", expected true or false'),
        ({"pregnant": 0}, "found 0, expected true or false"),
        ({"sex": "f"}, 'found "f", expected one of F, M'),
        ({"tumor_grade": 4}, "found 4, expected a number from 1 to 3"),
        ({"enrolment_date": "20.5.2026"}, 'found "20.5.2026", expected a date as YYYY-MM-DD'),
        ({"enrolment_date": "20260520"}, "expected a date as YYYY-MM-DD"),
        ({"enrolment_date": datetime(2026, 5, 20)}, "expected a date as YYYY-MM-DD"),  # noqa: DTZ001  refused
        ({"enrolment_date": "2026-02-30"}, "no day of the calendar"),
    ],
)
def test_bad_values(clinic: Clinic, raw: dict[str, object], words: str) -> None:
    with pytest.raises(CaseFileError) as caught:
        parse_facts(raw, clinic.definitions)
    assert len(caught.value.problems) == 1
    assert words in caught.value.problems[0]
    assert caught.value.problems[0].startswith(f"{next(iter(raw))}: ")


def test_all_mistakes_at_once(clinic: Clinic) -> None:
    raw = {"ecg": 1, "inr": "x", "sex": "W", "alt": 30, "prior_prrt": False, "last_prrt_date": "2026-01-01"}
    with pytest.raises(CaseFileError) as caught:
        parse_facts(raw, clinic.definitions)
    assert [line.split(":")[0] for line in caught.value.problems] == [
        "ecg",
        "inr",
        "sex",
        "alt",
        "last_prrt_date",
    ]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (
            {"liver_tumor_burden_pct": 35, "liver_tumor_volume_ml": 400, "liver_volume_ml": 1000},
            "found 35 %, but liver_tumor_volume_ml 400 and liver_volume_ml 1000 make 40.00 %",
        ),
        (
            {"liver_tumor_volume_ml": 900, "liver_volume_ml": 800},
            "expected a volume above 0 that holds the other",
        ),
        (
            {"liver_tumor_volume_ml": 0, "liver_volume_ml": {"value": 0, "confirmed": True}},
            "expected a volume above 0",
        ),
        ({"prior_surgery": False, "last_surgery_date": "2026-01-01"}, "but prior_surgery is false"),
        (
            {"enrolment_date": "2026-05-20", "prior_surgery": True, "last_surgery_date": "2026-05-21"},
            "found 2026-05-21, which is after enrolment_date 2026-05-20",
        ),
    ],
)
def test_contradictions(clinic: Clinic, raw: dict[str, object], words: str) -> None:
    with pytest.raises(CaseFileError) as caught:
        parse_facts(raw, clinic.definitions)
    assert len(caught.value.problems) == 1
    assert words in caught.value.problems[0]


@pytest.mark.parametrize(
    ("percentage", "agrees"), [("35", True), ("35.0", True), ("35.02", True), ("35.1", False), ("36", False)]
)
def test_volumes_and_percentage_agree_within_rounding(clinic: Clinic, percentage: str, agrees: bool) -> None:
    """525.3 mL / 1500.0 mL = 35.02 %, and the volumes are rounded to 0.1 mL."""
    raw = {
        "liver_tumor_volume_ml": Decimal("525.3"),
        "liver_volume_ml": Decimal("1500.0"),
        "liver_tumor_burden_pct": Decimal(percentage),
    }
    if agrees:
        assert len(list(parse_facts(raw, clinic.definitions))) == 3
    else:
        with pytest.raises(CaseFileError):
            parse_facts(raw, clinic.definitions)


@given(tumour=st.integers(0, 20_000), liver=st.integers(2000, 30_000), places=st.integers(0, 3))
def test_a_rounded_percentage_of_its_own_volumes_is_never_a_contradiction(
    clinic: Clinic, tumour: int, liver: int, places: int
) -> None:
    part, whole = Decimal(min(tumour, liver)) / 10, Decimal(liver) / 10
    percentage = round(100 * part / whole, places)
    raw = {"liver_tumor_volume_ml": part, "liver_volume_ml": whole, "liver_tumor_burden_pct": percentage}
    assert len(list(parse_facts(raw, clinic.definitions))) == 3


def test_no_mistake_in_the_reference_patient(clinic: Clinic) -> None:
    assert set(PATIENT) == set(parse_facts(PATIENT, clinic.definitions))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (
            {"creatinine": "90 mg/dL"},
            "found 90 mg/dL, outside the plausible 0.1 to 30 mg/dL; was 90 umol/L meant?",
        ),
        (
            {"creatinine": "0.9 umol/L"},
            "(0.01018 mg/dL), outside the plausible 0.1 to 30 mg/dL; was 0.9 mg/dL meant?",
        ),
        ({"albumin": "40 g/dL"}, "was 40 g/L meant? If 40 g/dL is right, add confirmed = true beside it"),
        ({"bilirubin": "60 mg/dL"}, "was 60 umol/L meant?"),
        ({"platelets": "210 /uL"}, "was 210 10^9/L or 10^3/uL meant?"),
        ({"platelets": "210000 10^9/L"}, "was 210000 /uL meant?"),
        ({"platelets_after_correction": "999 /uL"}, "outside the plausible 1000 to 5000000 /uL"),
        (
            {"alt": {"value": 38, "unit": "U/L", "uln": Decimal("0.03")}},
            "found 38 U/L (1267 xULN), outside the plausible 0.05 to 1000 xULN; was 38 xULN meant? If",
        ),
        ({"ast": "1001 xULN"}, "outside the plausible 0.05 to 1000 xULN; check value and unit."),
        ({"inr": 80}, "found 80, outside the plausible 0.5 to 20; check value and unit."),
        ({"inr_after_correction": Decimal("0.4")}, "found 0.4, outside the plausible 0.5 to 20"),
        ({"age_years": 121}, "found 121 years, outside the plausible 0 to 120 years"),
        ({"liver_volume_ml": Decimal("1.5")}, "was 1.5 L meant?"),
        ({"largest_liver_lesion_mm": 401}, "found 401 mm, outside the plausible 0 to 400 mm"),
        (
            {"creatinine": {"value": 1, "unit": "mg/dL", "confirmed": "yes"}},
            'found confirmed "yes", expected true',
        ),
        ({"enrolment_date": "1026-05-20"}, "found 1026-05-20, expected a date from 1950-01-01 on"),
    ],
)
def test_a_value_that_no_patient_has_asks_about_its_unit(
    clinic: Clinic, raw: dict[str, object], words: str
) -> None:
    with pytest.raises(CaseFileError) as caught:
        parse_facts(raw, clinic.definitions)
    assert len(caught.value.problems) == 1
    assert words in caught.value.problems[0]


@pytest.mark.parametrize(
    "raw",
    [
        {"creatinine": "30 mg/dL"}, {"creatinine": "0.1 mg/dL"}, {"creatinine": "90 umol/L"},
        {"albumin": "8 g/dL"}, {"bilirubin": "50 mg/dL"}, {"platelets": "1000 /uL"},
        {"platelets": "5000 10^9/L"}, {"inr": 20}, {"age_years": 120},
        {"creatinine": {"value": 90, "unit": "mg/dL", "confirmed": True}},
        {"inr": {"value": 21, "confirmed": True}},
        {"liver_volume_ml": {"value": 100, "unit": "mL", "confirmed": True}},
        {"alt": {"value": 38, "unit": "U/L"}},
        {"enrolment_date": "1950-01-01"},
    ],
)  # fmt: skip
def test_plausible_and_confirmed_values_pass(clinic: Clinic, raw: dict[str, object]) -> None:
    assert set(raw) == set(parse_facts(raw, clinic.definitions))


TODAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (
            {"last_prrt_date": "2026-06-02"},
            "found 2026-06-02, which lies in the future (today is 2026-06-01)",
        ),
        ({"last_prrt_date": "2026-06-01"}, None),
        ({"enrolment_date": "2027-06-02"}, None),
        (
            {"enrolment_date": "2027-06-03"},
            "which lies in the future by more than 366 days (today is 2026-06-01)",
        ),
        ({"enrolment_date": "2026-07-01", "last_prrt_date": "2026-06-20"}, None),
        (
            {"enrolment_date": "2026-07-01", "last_prrt_date": "2026-07-02"},
            "which is after enrolment_date 2026-07-01",
        ),
    ],
)
def test_dates_of_the_future(clinic: Clinic, raw: dict[str, object], words: str | None) -> None:
    """A treatment lies in the past, or before a planned entry; an entry is planned a year ahead at most."""
    if words is None:
        assert set(raw) == set(parse_facts(raw, clinic.definitions, today=TODAY))
        return
    with pytest.raises(CaseFileError) as caught:
        parse_facts(raw, clinic.definitions, today=TODAY)
    assert len(caught.value.problems) == 1
    assert words in caught.value.problems[0]


def test_without_a_clock_no_date_is_of_the_future(clinic: Clinic) -> None:
    assert len(list(parse_facts({"enrolment_date": "2099-01-01"}, clinic.definitions))) == 1


def test_every_laboratory_value_has_a_plausible_range_that_holds_all_limits(clinic: Clinic) -> None:
    """No limit of a protocol may lie outside what the door lets in."""
    for protocol in clinic.protocols.values():
        for criterion in protocol.criteria:
            for leaf in leaves(criterion.pass_when):
                if isinstance(leaf, Compares) and leaf.fact.plausible is not None:
                    low, high = leaf.fact.plausible
                    assert low < leaf.limit < high
    labs = [it for it in clinic.definitions.values() if it.kind is FactKind.LAB]
    assert all(it.plausible is not None for it in labs)


@pytest.mark.parametrize("value", [np.float64(0.5), np.int64(1), np.float32(1.5)])
def test_numbers_of_numpy_are_numbers(clinic: Clinic, value: object) -> None:
    fact = parse_facts({"ki67_pct": value}, clinic.definitions).get("ki67_pct")
    assert fact is not None
    assert fact.value == Decimal(str(value))


@pytest.mark.parametrize(("percentage", "agrees"), [("35.007", True), ("34.993", True), ("35.008", False)])
def test_the_rounding_of_all_three_numbers_counts(clinic: Clinic, percentage: str, agrees: bool) -> None:
    """(350.0 +- 0.05) / (1000.0 -+ 0.05) is 34.9933 to 35.0068 %, and the percentage is rounded to 0.001."""
    raw = {
        "liver_tumor_volume_ml": Decimal("350.0"),
        "liver_volume_ml": Decimal("1000.0"),
        "liver_tumor_burden_pct": Decimal(percentage),
    }
    if agrees:
        assert len(list(parse_facts(raw, clinic.definitions))) == 3
    else:
        with pytest.raises(CaseFileError, match="correct one of them"):
            parse_facts(raw, clinic.definitions)


def test_a_larger_unit_is_asked_about_by_its_own_factor() -> None:
    """0.5 cm is none of 10 to 100 cm, 0.5 m is; 0.5 ft are 15.24 cm."""
    bounds = (Decimal(10), Decimal(100))
    length = FactDefinition("x", FactKind.NUMBER, "a test", unit="cm", plausible=bounds)
    question = unit_question(length, Decimal("0.5"), Fraction(1, 2), "cm")
    assert question is not None
    assert "was 0.5 m or ft meant?" in question
    assert unit_question(length, Decimal(50), Fraction(50), "cm") is None


def test_no_smaller_unit_is_asked_about() -> None:
    """300 cm are 3 m, too long; 300 mm would do, but whoever measures in cm does not slip into mm."""
    bounds = (Decimal(10), Decimal(100))
    length = FactDefinition("x", FactKind.NUMBER, "a test", unit="cm", plausible=bounds)
    question = unit_question(length, Decimal(300), Fraction(300), "cm")
    assert question is not None
    assert "outside the plausible 10 to 100 cm; check value and unit." in question


def test_a_liver_of_one_millilitre_is_odd_and_possible_if_confirmed(clinic: Clinic) -> None:
    whole = {"value": 1, "unit": "mL", "confirmed": True}
    raw = {"liver_tumor_volume_ml": Decimal("0.5"), "liver_volume_ml": whole, "liver_tumor_burden_pct": 50}
    assert len(list(parse_facts(raw, clinic.definitions))) == 3


@pytest.mark.parametrize("wrong", ["liver_tumor_volume_ml", "liver_volume_ml"])
def test_what_is_no_number_contradicts_nothing(clinic: Clinic, wrong: str) -> None:
    known = {"liver_tumor_volume_ml": Fact(Decimal(1)), "liver_volume_ml": Fact(Decimal(2)), wrong: Fact("x")}
    assert contradictions(known, clinic.definitions) == []


@pytest.mark.parametrize(
    "raw", [{"age_years": "1e99999999 years"}, {"largest_liver_lesion_mm": "1e99999999 mm"}]
)
def test_numbers_beyond_all_measure_are_refused(clinic: Clinic, raw: dict[str, object]) -> None:
    with pytest.raises(CaseFileError, match="expected a number in"):
        parse_facts(raw, clinic.definitions)


@pytest.mark.parametrize("raw", [{"creatinine": "2652 mg/dL"}, {"creatinine": "0.1 umol/L"}])
def test_the_ends_of_the_plausible_range_are_asked_about(clinic: Clinic, raw: dict[str, object]) -> None:
    """2652 umol/L are 30 mg/dL, the most; 0.1 mg/dL is the least."""
    with pytest.raises(CaseFileError, match=r"was (2652 umol/L|0\.1 mg/dL) meant\?"):
        parse_facts(raw, clinic.definitions)


def test_a_treatment_may_end_on_the_day_of_entry(clinic: Clinic) -> None:
    raw = {"enrolment_date": "2026-05-20", "prior_surgery": True, "last_surgery_date": "2026-05-20"}
    assert len(list(parse_facts(raw, clinic.definitions))) == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [("platelets", "150,000 /uL"), ("alt", "1,8 xULN"), ("inr", "1,2"), ("ecog", "1,0"), ("ki67_pct", "8,5"),
     ("albumin", {"value": "3,5", "unit": "g/dL"})],
)  # fmt: skip
def test_a_comma_in_a_number_is_asked_about(clinic: Clinic, name: str, value: object) -> None:
    """A decimal comma or a sign between thousands: nobody can tell which."""
    with pytest.raises(
        CaseFileError, match=r"^\w+: found .*, a number with a comma; write the decimal point as a"
    ):
        parse_facts({name: value}, clinic.definitions)


def test_a_comma_between_digits_may_stand_in_a_choice(clinic: Clinic) -> None:
    own = {"x": replace(clinic.definitions["sex"], name="x", choices=("grade 1,2", "grade 3"))}
    assert parse_facts({"x": "grade 1,2"}, own).known["x"].value == "grade 1,2"


def test_a_fact_of_that_name_goes_before_who_judged(clinic: Clinic) -> None:
    own = {**clinic.definitions, "judged_by": replace(clinic.definitions["pregnant"], name="judged_by")}
    assert parse_facts({"judged_by": True}, own).known["judged_by"] == Fact(value=True)


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({"minimum": 1, "maximum": 4}, "from 1 to 4"),
        ({"minimum": 1}, "of 1 or more"),
        ({"maximum": 4}, "of 4 or less"),
        ({}, ""),
    ],
)
def test_a_range_is_said_as_far_as_it_goes(bounds: dict[str, int], words: str) -> None:
    limits = {name: Decimal(value) for name, value in bounds.items()}
    own = {"x": FactDefinition("x", FactKind.INTEGER, "a test", **limits)}  # type: ignore[arg-type]  # bounds
    tried: dict[object, str] = {"odd": "whole number"}
    tried |= {0: "number"} if "minimum" in bounds else {}
    tried |= {5: "number"} if "maximum" in bounds else {}
    for value, what in tried.items():
        with pytest.raises(CaseFileError) as caught:
            parse_facts({"x": value}, own)
        (line,) = caught.value.problems
        assert line.endswith(f"expected a {what} {words}".rstrip())
    assert parse_facts({"x": 2}, own).known["x"].value == 2


def test_a_date_may_have_no_earliest_day() -> None:
    own = {"x": FactDefinition("x", FactKind.DATE, "a test")}
    assert parse_facts({"x": "0900-01-01"}, own).known["x"].value == date(900, 1, 1)
