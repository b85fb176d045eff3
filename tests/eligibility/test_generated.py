"""Each criterion of each protocol against a second reading: passing, failing, on the limit, unknown."""

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.eligibility.conftest import PATIENT, PROTOCOL_FILES, Clinic, table
from tests.eligibility.plain_reading import ENTRY, candidates, cases, filled, parts, status

from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.facts import parse_facts
from emboplan.model.protocol import FactKind

DEFINITIONS = table("facts.toml")["fact"]
TABLES = {
    name: filled(it, it.get("parameters", {}))
    for name, it in ((name, table("protocols", f"{file}.toml")) for name, file in PROTOCOL_FILES.items())
}
CRITERIA = [
    pytest.param(name, criterion, id=criterion["id"])
    for name, it in TABLES.items()
    for criterion in it["criterion"]
    if criterion["kind"] in ("inclusion", "exclusion")
]
CANNOT_FAIL = {"DBX-I01"}  # every kind of neoplasm that can be entered is meant
DEFERRED = {"CTY-E04a", "CTY-E04b"}


def plain(clinic: Clinic) -> dict[str, Any]:
    """The reference patient with numbers in the units of the tables, as the second reading takes them."""
    facts: dict[str, Any] = dict(PATIENT)
    for name in ("bilirubin", "albumin", "creatinine", "platelets"):
        facts[name] = facts[name]["value"]
    facts |= {"alt": Decimal("0.95"), "ast": Decimal("0.875"), "enrolment_date": ENTRY}
    return {name: Decimal(it) if type(it) is int else it for name, it in facts.items()}


def entered(clinic: Clinic, facts: dict[str, Any]) -> dict[str, Any]:
    """The same patient as a file of facts states it: laboratory values with their unit."""
    return {
        name: {"value": value, "unit": clinic.definitions[name].unit, "confirmed": True}
        if value is not None and clinic.definitions[name].kind is FactKind.LAB
        else value
        for name, value in facts.items()
    }


@pytest.mark.parametrize(("protocol", "criterion"), CRITERIA)
def test_both_readings_of_a_criterion_agree(clinic: Clinic, protocol: str, criterion: dict[str, Any]) -> None:
    """Every answer, and numbers and dates below, on and above each limit, one and two at a time."""
    seen: Counter[str] = Counter()
    for facts in cases(criterion, DEFINITIONS, plain(clinic)):
        expected = status(criterion, facts)
        result = evaluate(clinic.protocols[protocol], parse_facts(entered(clinic, facts), clinic.definitions))
        (found,) = [it.status.value for it in result.criteria if it.id == criterion["id"]]
        assert expected == found, facts
        seen[expected] += 1
    assert seen["pass"]
    assert bool(seen["fail"]) is (criterion["id"] not in CANNOT_FAIL)
    assert seen["unknown"]
    assert bool(seen["correctable"]) is ("corrected" in criterion)


@pytest.mark.parametrize(("protocol", "criterion"), CRITERIA)
def test_a_criterion_turns_at_its_limit(clinic: Clinic, protocol: str, criterion: dict[str, Any]) -> None:
    """The values tried stand on each limit and on both sides of it; a washout turns from day to day."""
    tried = candidates(criterion, DEFINITIONS)
    for part in parts(criterion["pass_when"]):
        if "op" in part:
            limit = Decimal(str(part["limit"]))
            numbers = [value for value in tried[part["fact"]] if value is not None]
            assert min(numbers) < limit < max(numbers)
            assert limit in numbers
        if "given" in part:
            days = [value for value in tried[part["last"]] if value is not None]
            answers = {
                (ENTRY - day).days if "days" in part["before_entry"] else day: status(
                    {"pass_when": part}, {part["given"]: True, part["last"]: day, "enrolment_date": ENTRY}
                )
                for day in days
            }
            if "days" in part["before_entry"]:
                assert (answers[28], answers[27]) == ("pass", "fail")
            else:  # 30 April to 31 May is more than a month, 1 May to 31 May is none
                assert (answers[date(2026, 4, 30)], answers[date(2026, 5, 1)]) == ("pass", "fail")


@pytest.mark.parametrize("criterion", sorted(DEFERRED))
def test_deferred_criteria_are_those_of_the_simulation(clinic: Clinic, criterion: str) -> None:
    screening = clinic.judge("CapTemY90", stage="screening")
    assert set(screening.deferred) == DEFERRED
    assert clinic.status(criterion, stage="screening") == "deferred"


def test_no_other_criterion_is_deferred_or_correctable() -> None:
    every = [criterion for it in TABLES.values() for criterion in it["criterion"]]
    assert {it["id"] for it in every if "deferred_at" in it} == DEFERRED
    assert {it["id"]: it["corrected"] for it in every if "corrected" in it} == {
        "CTY-I15": "platelets_after_correction",
        "CTY-I17": "inr_after_correction",
        "RET-I12": "platelets_after_correction",
        "RET-I13": "inr_after_correction",
    }


JUDGEMENT = (
    "DBX-I03 CTY-I02 CTY-I04 CTY-I09 CTY-I18 CTY-E01 CTY-E04a CTY-E04b CTY-E07 CTY-E09 "
    "TAE-I02 TAE-I04 TAE-I09 TAE-E01 TAE-E03a TAE-E03b TAE-E03e TAE-E04c MSK-I01 "
    "RET-I04a RET-I04b RET-I05 RET-E02c RET-E05 RET-E06a RET-E06b RET-E06c"
)


def test_judgements_are_those_of_the_criteria_tables() -> None:
    """The column J of the criteria tables; RET-I04b is one only where a visual estimate is entered."""
    marked = {
        it["id"]: it["judgement"]
        for table in TABLES.values()
        for it in table["criterion"]
        if "judgement" in it
    }
    assert set(JUDGEMENT.split()) == set(marked)
    assert marked["RET-I04b"] == ["liver_tumor_burden_visual_pct"]
