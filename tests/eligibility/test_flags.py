"""Remarks beside a verdict: which criterion they belong to, and their words."""

from datetime import date
from decimal import Decimal

import pytest
from tests.eligibility.conftest import PATIENT, Clinic

from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.facts import parse_facts
from emboplan.eligibility.logic import answer
from emboplan.errors import InputError
from emboplan.model.patient import Fact, FactOrigin, PatientFacts
from emboplan.model.protocol import FactDefinition, FactKind, Washout
from emboplan.model.results.eligibility import Eligibility, Flag


def flags(result: Eligibility, name: str) -> list[Flag]:
    return [flag for flag in result.flags if flag.id == name]


def test_an_incomplete_source(clinic: Clinic) -> None:
    text = (
        "The document does not state all criteria of the trial. The verdict covers the stated ones only: "
        '"eligible" reads "meets all stated criteria; source incomplete".'
    )
    assert flags(clinic.judge("DEBOXA"), "source-incomplete") == [Flag("source-incomplete", None, text)]


def test_an_assumed_stage(clinic: Clinic) -> None:
    text = "assessment_stage is not known; pre_treatment was assumed."
    result = clinic.judge("CapTemY90", without="assessment_stage")
    assert flags(result, "stage-assumed") == [Flag("stage-assumed", None, text)]


def test_a_remark_of_a_criterion_names_it_and_keeps_its_words(clinic: Clinic) -> None:
    (flag,) = flags(clinic.judge("CapTemY90", age_years=18), "literal-comparator")
    assert flag.criterion == "CTY-I08"
    assert flag.text.startswith("likely ≥18 intended, ask the investigator")


def test_a_remark_of_the_protocol_names_no_criterion(clinic: Clinic) -> None:
    (flag,) = flags(clinic.judge("DEBOXA", age_years=17), "age-not-stated")
    assert flag.criterion is None
    assert flag.text == (
        "The document states no age limit and this patient is under 18 years: ask the investigator."
    )


@pytest.mark.parametrize(
    ("protocol", "changes", "kind", "criterion"),
    [
        ("DEBOXA", {"ce_ct_contraindicated": True, "ce_mri_contraindicated": True}, "advisory", "DBX-A01"),
        ("CapTemY90", {"nontarget_embolization_unavoidable": True}, "process", "CTY-E05"),
    ],
)
def test_what_is_no_criterion_is_said_in_its_own_words(
    clinic: Clinic, protocol: str, changes: dict[str, object], kind: str, criterion: str
) -> None:
    words = next(it.text for it in clinic.protocols[protocol].criteria if it.id == criterion)
    assert flags(clinic.judge(protocol, **changes), kind) == [Flag(kind, criterion, words)]


@pytest.mark.parametrize("fact", ["excessive_hepatopulmonary_shunt", "nontarget_embolization_unavoidable"])
def test_the_stage_that_is_asked_for_is_the_one_that_remarks_see(clinic: Clinic, fact: str) -> None:
    known = clinic.judge("CapTemY90", stage="screening", without="assessment_stage", **{fact: True})
    assert len(flags(known, "known-before-simulation")) == 1
    later = clinic.judge("CapTemY90", stage="pre_treatment", assessment_stage="screening", **{fact: True})
    assert flags(later, "known-before-simulation") == []


def test_a_missing_upper_limit(clinic: Clinic) -> None:
    result = clinic.judge("CapTemY90", ast={"value": 38, "unit": "U/L"})
    text = "ast is in U/L without the laboratory's upper limit of normal (uln)."
    assert flags(result, "upper-limit-missing") == [Flag("upper-limit-missing", "CTY-I13", text)]


def measured(clinic: Clinic, name: str, value: str, low: str, high: str) -> PatientFacts:
    facts = parse_facts({k: v for k, v in PATIENT.items() if k != name}, clinic.definitions)
    return facts.with_measured(
        {name: Fact(Decimal(value), FactOrigin.MEASURED, (Decimal(low), Decimal(high)))}
    )


@pytest.mark.parametrize(
    ("value", "low", "high", "flagged"),
    [
        ("49", "48", "50", True),
        ("51", "50", "52", True),
        ("49", "48", "49.99", False),
        ("51", "50.01", "52", False),
    ],
)
def test_borderline_holds_both_ends_of_the_interval(
    clinic: Clinic, value: str, low: str, high: str, flagged: bool
) -> None:
    facts = measured(clinic, "liver_tumor_burden_pct", value, low, high)
    assert flagged is bool(flags(evaluate(clinic.protocols["CapTemY90"], facts), "borderline"))


def test_the_words_of_borderline(clinic: Clinic) -> None:
    facts = measured(clinic, "liver_tumor_burden_pct", "49", "46.04", "52")
    text = (
        "liver_tumor_burden_pct is 49.0 with a 95 % interval from 46.0 to 52.0, which holds the limit "
        "(<= 50 %); the verdict stands."
    )
    result = evaluate(clinic.protocols["CapTemY90"], facts)
    assert flags(result, "borderline") == [Flag("borderline", "CTY-I05", text)]


def test_a_limit_without_a_unit_is_said_without_one(clinic: Clinic) -> None:
    facts = measured(clinic, "inr", "1.5", "1.4", "1.7")
    (flag,) = flags(evaluate(clinic.protocols["RETNET"], facts), "borderline")
    assert "which holds the limit (<= 1.5); the verdict" in flag.text


def test_the_words_of_a_visual_estimate_on_the_other_side(clinic: Clinic) -> None:
    result = clinic.judge("RETNET", liver_tumor_burden_visual_pct=72, liver_tumor_burden_pct=68)
    text = (
        "liver_tumor_burden_visual_pct (72 %) was used; it falls on the other side of the limit (<= 70 %) "
        "than liver_tumor_burden_pct (68 %)."
    )
    assert flags(result, "visual-burden") == [Flag("visual-burden", "RET-I04b", text)]


@pytest.mark.parametrize("wrong", ["last", "entry"])
def test_a_date_that_no_door_has_checked_is_refused(wrong: str) -> None:
    names = {name: FactDefinition(name, FactKind.DATE, "a test") for name in ("last", "entry")}
    given = FactDefinition("given", FactKind.BOOLEAN, "a test")
    known = {"last": Fact("soon"), "entry": Fact("soon")}
    known["entry" if wrong == "last" else "last"] = Fact(date(2026, 1, 1))
    with pytest.raises(InputError, match=r"last, entry: found .*soon.*; expected dates"):
        answer(Washout(given, names["last"], names["entry"], days=1), PatientFacts(known))


def test_a_number_that_decides_inside_a_compound_rule_is_borderline(clinic: Clinic) -> None:
    """Without symptoms and progression, RETNET's indication rests on a burden above 25 %."""
    facts = measured(clinic, "liver_tumor_burden_pct", "26", "24", "28")
    facts = PatientFacts({**facts.known, "liver_progression_recist11": Fact(value=False)})
    result = evaluate(clinic.protocols["RETNET"], facts)
    assert [flag.criterion for flag in flags(result, "borderline")] == ["RET-I06"]


def test_a_result_names_its_protocol_and_whether_it_is_complete(clinic: Clinic) -> None:
    for name in clinic.protocols:
        result = clinic.judge(name)
        assert (result.protocol, result.source_complete) == (name, name not in ("DEBOXA", "MSK-19-125"))


def test_a_stage_is_assumed_only_where_nobody_states_it(clinic: Clinic) -> None:
    unstated = {"without": "assessment_stage"}
    for given, assumed in (({}, False), (unstated, True), ({**unstated, "stage": "screening"}, False)):
        flags = clinic.judge("CapTemY90", **given).flags
        assert ("stage-assumed" in {flag.id for flag in flags}) is assumed


def test_remarks_that_would_not_change_a_thing_are_not_made(clinic: Clinic) -> None:
    """An advice that is met, a criterion that fails, a burden beside another reason, one reading of two."""
    kinds = {"inclusion", "exclusion", "advisory", "process"}
    for changes in ({}, {"ecog": 4}, {"pregnant": True}):
        for protocol in clinic.protocols:
            assert kinds & {flag.id for flag in clinic.judge(protocol, **changes).flags} == set()
    with_progression = measured(clinic, "liver_tumor_burden_pct", "26", "24", "28")
    assert flags(evaluate(clinic.protocols["RETNET"], with_progression), "borderline") == []
    alone = clinic.judge("RETNET", liver_tumor_burden_visual_pct=40, without="liver_tumor_burden_pct")
    assert flags(alone, "visual-burden") == []
