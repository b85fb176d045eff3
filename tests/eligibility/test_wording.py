"""The sentences of a trace."""

import pytest
from tests.eligibility.conftest import Clinic

from emboplan.eligibility.wording import Trace, trace, words
from emboplan.model.patient import PatientFacts


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
