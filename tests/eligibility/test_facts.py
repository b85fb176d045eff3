"""The door for facts: what is accepted, and every mistake with one line of its own."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.eligibility.conftest import PATIENT, Clinic

from emboplan.eligibility.facts import parse_facts
from emboplan.errors import CaseFileError
from emboplan.model.patient import FactValue, LabValue


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
        ({"inr": float("inf")}, "found inf, expected a plain number without unit"),
        ({"ecog": 1.5}, "found 1.5, expected a whole number from 0 to 5"),
        ({"ecog": 6}, "found 6, expected a number from 0 to 5"),
        ({"ecog": True}, "found true, expected a whole number"),
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
