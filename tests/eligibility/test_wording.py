"""The sentences of a trace."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from tests.eligibility.conftest import Clinic

from emboplan.eligibility.wording import Trace, answered, exact_limit, span, trace, words
from emboplan.model.patient import Fact, FactValue, LabValue, PatientFacts
from emboplan.model.protocol import (
    AllOf,
    AnyOf,
    Compares,
    FactDefinition,
    FactKind,
    IfThen,
    Is,
    LabUnit,
    Not,
    Operator,
    Rule,
    Washout,
)


@pytest.mark.parametrize(
    ("protocol", "criterion", "sentence"),
    [
        ("TAE-IT", "TAE-I05", "every patient"),
        ("TAE-IT", "TAE-I07", "tumor_grade is 1, 2 and differentiation is well, moderate"),
        ("RETNET", "RET-I13", "inr <= 1.5"),
        ("RETNET", "RET-E07b", "not (portal_hypertension is yes and hepatofugal_flow is yes)"),
        ("RETNET", "RET-E01b", "if reproductive_potential is yes then agrees_contraception is yes"),
    ],
)
def test_rules_in_words(clinic: Clinic, protocol: str, criterion: str, sentence: str) -> None:
    rule = next(it.pass_when for it in clinic.protocols[protocol].criteria if it.id == criterion)
    assert sentence == words(rule)


def test_nothing_is_measured_where_nothing_is_asked(clinic: Clinic) -> None:
    rule = next(it.pass_when for it in clinic.protocols["TAE-IT"].criteria if it.id == "TAE-I05")
    assert Trace(None, None, None, None) == trace(rule, PatientFacts())


def test_unknown_facts_are_named_in_a_compound_trace(clinic: Clinic) -> None:
    said = clinic.judge("MSK-19-125", prior_prrt=True, without="prior_surgery").criteria[2].measured
    assert said is not None
    assert "prior_prrt yes, last_prrt_date not known" in said
    assert "prior_surgery not known" in said


def test_an_enzyme_without_its_limit_still_shows_what_was_reported(clinic: Clinic) -> None:
    result = clinic.judge("CapTemY90", alt={"value": 38, "unit": "U/L"})
    point = next(criterion for criterion in result.criteria if criterion.id == "CTY-I12")
    assert (point.measured, point.compared, point.status) == ("38 U/L", None, "unknown")


CONSENT = FactDefinition("consent", FactKind.BOOLEAN, "a test")
GRADE = FactDefinition("grade", FactKind.INTEGER, "a test")
SCAN = FactDefinition("scan", FactKind.NUMBER, "a test", unit="%")
READ = FactDefinition("read", FactKind.NUMBER, "a test", unit="%")
GIVEN = FactDefinition("given", FactKind.BOOLEAN, "a test")
LAST = FactDefinition("last", FactKind.DATE, "a test")
ENTRY = FactDefinition("entry", FactKind.DATE, "a test")
UNITS = (LabUnit("mg/dL", Fraction(1)), LabUnit("umol/L", Fraction(10, 171)))
BILIRUBIN = FactDefinition("bilirubin", FactKind.LAB, "a test", unit="mg/dL", lab_units=UNITS)

YES = Is(CONSENT, (True,))
LOW = Is(GRADE, (Decimal(1), Decimal(2)))
SMALL = Compares(SCAN, Operator.AT_MOST, Decimal(70), None, READ)
OFF = Washout(GIVEN, LAST, ENTRY, days=28)


def known(**values: FactValue) -> PatientFacts:
    return PatientFacts({name: Fact(value) for name, value in values.items()})


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (AnyOf((AllOf((YES, LOW)), YES)), "(consent is yes and grade is 1, 2) or consent is yes"),
        (Not(AnyOf((YES, LOW))), "not (consent is yes or grade is 1, 2)"),
        (IfThen(YES, AnyOf((LOW, YES))), "if consent is yes then (grade is 1, 2 or consent is yes)"),
        (SMALL, "read, else scan, <= 70"),
        (Compares(SCAN, Operator.MORE, Decimal(5)), "scan > 5"),
        (OFF, "no given or last at least 28 days before entry"),
        (Washout(GIVEN, LAST, ENTRY, months=1), "no given or last at least 1 calendar month before entry"),
    ],
)
def test_compound_rules_in_words(rule: Rule, sentence: str) -> None:
    assert words(rule) == sentence


def test_months_of_a_washout() -> None:
    assert span(Washout(GIVEN, LAST, ENTRY, months=3)) == "3 calendar months"


def test_a_limit_in_another_unit_is_converted() -> None:
    """171 umol/L of bilirubin are 10 mg/dL."""
    assert exact_limit(Compares(BILIRUBIN, Operator.AT_MOST, Decimal("34.2"), "umol/L")) == 2
    assert exact_limit(Compares(BILIRUBIN, Operator.AT_MOST, Decimal("34.2"), "mg/dL")) == Fraction("34.2")
    assert exact_limit(Compares(BILIRUBIN, Operator.AT_MOST, Decimal(2))) == 2


@pytest.mark.parametrize(
    ("rule", "facts", "expected"),
    [
        (YES, {"consent": False}, Trace("no", None, "is", "yes")),
        (LOW, {"grade": Decimal(3)}, Trace("3", None, "is one of", "1, 2")),
        (LOW, {}, Trace(None, None, "is one of", "1, 2")),
        (
            Compares(BILIRUBIN, Operator.AT_MOST, Decimal("34.2"), "umol/L"),
            {"bilirubin": LabValue(Decimal(3), "mg/dL")},
            Trace("3 mg/dL", "51.3 umol/L", "<=", "34.2 umol/L"),
        ),
        (SMALL, {"scan": Decimal(40)}, Trace("40 %", "40 %", "<=", "70")),
        (SMALL, {"scan": Decimal(40), "read": Decimal(50)}, Trace("50 % (read)", "50 %", "<=", "70")),
        (Not(YES), {"consent": True}, Trace("consent yes", None, None, "not (consent is yes)")),
        (
            AllOf((YES, LOW, SMALL)),
            {"scan": Decimal(40), "grade": Decimal(2)},
            Trace(
                "consent not known; grade 2; scan 40 %",
                *(None, None, "consent is yes and grade is 1, 2 and read, else scan, <= 70"),
            ),
        ),
        (SMALL, {}, Trace(None, None, "<=", "70")),
        (
            AllOf((YES, SMALL)),
            {},
            Trace("consent not known; scan not known", None, None, words(AllOf((YES, SMALL)))),
        ),
        (OFF, {"given": False}, Trace("given no", None, ">=", "28 days")),
        (OFF, {"given": True}, Trace("given yes, last not known", None, ">=", "28 days")),
        (OFF, {}, Trace("given not known", None, ">=", "28 days")),
        (OFF, {"last": date(2026, 5, 1)}, Trace("last 2026-05-01, entry not known", None, ">=", "28 days")),
        (
            OFF,
            {"last": date(2026, 5, 1), "entry": date(2026, 6, 2)},
            Trace("last 2026-05-01, 32 days before entry 2026-06-02", None, ">=", "28 days"),
        ),
    ],
)
def test_what_was_measured_beside_the_limit(rule: Rule, facts: dict[str, FactValue], expected: Trace) -> None:
    assert trace(rule, known(**facts)) == expected


def test_answers_in_words() -> None:
    values = [True, False, Decimal("1E+2"), LabValue(Decimal("2.50"), "mg/dL"), date(2026, 5, 1), "NET"]
    assert [answered(it) for it in values] == ["yes", "no", "100", "2.50 mg/dL", "2026-05-01", "NET"]
