"""Facts that are reckoned from others: an age from two dates, a burden from two volumes."""

from datetime import date
from decimal import Decimal

import pytest

import emboplan as ep
from emboplan.catalog import load
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.eligibility.facts import parse_facts
from emboplan.eligibility.reading import completed_years, read_number
from emboplan.errors import CaseFileError
from emboplan.model.patient import Fact, FactOrigin, PatientFacts

DATES = ("date_of_birth", "enrolment_date")


@pytest.mark.parametrize(
    ("born", "on", "years"),
    [
        (date(1968, 5, 20), date(2026, 5, 20), 58),  # the birthday itself
        (date(1968, 5, 21), date(2026, 5, 20), 57),  # the day before it
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2007, 12, 31), date(2026, 1, 1), 18),
    ],
)
def test_years_are_completed_on_the_birthday(born: date, on: date, years: int) -> None:
    known = {"date_of_birth": Fact(born), "enrolment_date": Fact(on)}
    assert years == completed_years(known, DATES)
    definitions = definitions_from_table(load().fact_table())
    reading = read_number(definitions["age_years"], PatientFacts(known))
    assert reading is not None
    assert reading.value == years
    assert reading.shown == f"{years} years"


@pytest.mark.parametrize("name", DATES)
def test_an_age_needs_two_days(name: str) -> None:
    day = Fact(date(1968, 5, 20))
    assert completed_years({name: day}, DATES) is None
    assert completed_years({**dict.fromkeys(DATES, Fact("then")), name: day}, DATES) is None


def test_without_the_day_of_entry_an_age_is_not_known() -> None:
    found = ep.check({"date_of_birth": "1968-05-20"}, "RETNET")
    assert "age_years" in found.missing


def test_the_eightieth_birthday_ends_the_italian_trial() -> None:
    """Younger than 80: the day before the birthday passes, the birthday fails."""
    for born, failed in (("1946-05-21", False), ("1946-05-20", True)):
        found = ep.check({"date_of_birth": born, "enrolment_date": "2026-05-20"}, "TAE-IT")
        assert failed is ("TAE-I10" in found.failed)


@pytest.mark.parametrize(("age", "agrees"), [("57", True), ("57.9", True), ("58", False), ("56.9", False)])
def test_an_age_must_be_that_of_the_dates(age: str, agrees: bool) -> None:
    facts = {"date_of_birth": "1968-05-21", "enrolment_date": "2026-05-20", "age_years": Decimal(age)}
    definitions = definitions_from_table(load().fact_table())
    if agrees:
        assert "age_years" in parse_facts(facts, definitions)
        return
    with pytest.raises(CaseFileError, match=f"age_years: found {age}, but .* make 57; correct one of them"):
        parse_facts(facts, definitions)


@pytest.mark.parametrize("typed", ["liver_tumor_volume_ml", "liver_volume_ml"])
def test_a_typed_volume_and_a_measured_one_make_no_burden(typed: str) -> None:
    """Images: 700 of 1000 mL, 70 %. A typed tumour of 1050 mL would make 105 %, a typed liver 47.7 %."""
    entered = {"liver_tumor_volume_ml": Decimal(1050), "liver_volume_ml": Decimal(1467)}[typed]
    images = {
        "liver_tumor_volume_ml": Fact(Decimal(700), FactOrigin.MEASURED),
        "liver_volume_ml": Fact(Decimal(1000), FactOrigin.MEASURED),
        "liver_tumor_burden_pct": Fact(Decimal(70), FactOrigin.MEASURED),
    }
    definition = definitions_from_table(load().fact_table())["liver_tumor_burden_pct"]
    facts = PatientFacts({typed: Fact(entered)}).with_measured(images)
    reading = read_number(definition, facts)
    assert reading is not None
    assert reading.value == 70
    without = {name: fact for name, fact in facts.known.items() if name != "liver_tumor_burden_pct"}
    assert read_number(definition, PatientFacts(without)) is None
