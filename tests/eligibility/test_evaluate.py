"""What a user of the engine sees: the stage, the trace and the shape of a result."""

import json
from dataclasses import asdict
from decimal import Decimal

import pytest
from tests.eligibility.conftest import Clinic

from emboplan.eligibility.evaluate import evaluate
from emboplan.errors import InputError, UnitError
from emboplan.model.patient import Fact, LabValue, PatientFacts


def test_a_failure_outranks_what_is_missing(clinic: Clinic) -> None:
    result = clinic.judge("RETNET", without="creatinine", ecog=3)
    assert (result.verdict, result.failed, result.missing) == ("ineligible", ("RET-I08",), ())


def test_missing_facts_stand_in_order(clinic: Clinic) -> None:
    result = evaluate(clinic.protocols["RETNET"], PatientFacts())
    assert {"ecog", "creatinine", "inr", "platelets", "informed_consent"} < set(result.missing)
    assert list(result.missing) == sorted(result.missing)


def test_the_trace_keeps_the_reported_value_and_shows_the_compared_one(clinic: Clinic) -> None:
    """90 umol/L / 88.4 = 1.01810 mg/dL."""
    result = clinic.judge("RETNET", creatinine={"value": 90, "unit": "umol/L"})
    point = next(criterion for criterion in result.criteria if criterion.id == "RET-I09")
    expected = ("90 umol/L", "1.018 mg/dL", "<", "2.0 mg/dL", "Serum creatinine < 2.0 mg/dL;")
    assert expected == (point.measured, point.compared, point.operator, point.limit, point.text)
    assert point.source.startswith("retnet_nct02724540.txt")


def test_the_trace_of_a_multiple_of_the_upper_limit(clinic: Clinic) -> None:
    """204 U/L / 40 U/L = 5.1, which is above 5.0."""
    result = clinic.judge("CapTemY90", ast={"value": 204, "unit": "U/L", "uln": 40})
    point = next(criterion for criterion in result.criteria if criterion.id == "CTY-I13")
    assert (point.measured, point.compared, point.status) == ("204 U/L (ULN 40 U/L)", "5.1 xULN", "fail")


def test_an_enzyme_without_its_upper_limit_is_unknown(clinic: Clinic) -> None:
    result = clinic.judge("CapTemY90", alt={"value": 38, "unit": "U/L"})
    assert (result.verdict, result.missing) == ("undetermined", ("alt",))
    assert ("upper-limit-missing", "CTY-I12") in [(flag.id, flag.criterion) for flag in result.flags]


def test_the_trace_names_a_value_after_correction(clinic: Clinic) -> None:
    result = clinic.judge("RETNET", inr=Decimal("1.6"), inr_after_correction=Decimal("1.4"))
    point = next(criterion for criterion in result.criteria if criterion.id == "RET-I13")
    assert (point.measured, point.status) == ("1.4 (inr_after_correction)", "pass")


def test_the_trace_of_a_washout(clinic: Clinic) -> None:
    result = clinic.judge("CapTemY90", prior_chemotherapy=True, last_chemotherapy_date="2026-05-01")
    point = next(criterion for criterion in result.criteria if criterion.id == "CTY-I07")
    assert point.measured is not None
    assert "last_chemotherapy_date 2026-05-01, 19 days before enrolment_date 2026-05-20" in point.measured


def test_the_stage_option_goes_before_the_fact(clinic: Clinic) -> None:
    assert (
        clinic.judge("CapTemY90", stage="pre_treatment", assessment_stage="screening").stage
        == "pre_treatment"
    )
    assert clinic.judge("CapTemY90", stage="screening").stage == "screening"


def test_without_a_stage_nothing_is_deferred(clinic: Clinic) -> None:
    result = clinic.judge("CapTemY90", without="assessment_stage")
    assert (result.stage, result.deferred) == ("pre_treatment", ())
    assert "stage-assumed" in [flag.id for flag in result.flags]
    assert "stage-assumed" not in [flag.id for flag in clinic.judge("CapTemY90").flags]
    assert [flag.id for flag in clinic.judge("RETNET", without="assessment_stage").flags] == [
        "judgement-unsigned"
    ]


def test_an_unknown_stage_is_refused(clinic: Clinic) -> None:
    with pytest.raises(InputError, match='found the stage "later", expected screening or pre_treatment'):
        clinic.judge("RETNET", stage="later")


def test_a_unit_that_no_door_has_checked_is_refused(clinic: Clinic) -> None:
    unchecked = PatientFacts({"creatinine": Fact(LabValue(Decimal(1), "g/L"))})
    with pytest.raises(UnitError, match="creatinine"):
        evaluate(clinic.protocols["RETNET"], unchecked)


def test_the_result_as_json_has_the_published_keys(clinic: Clinic) -> None:
    result = json.loads(json.dumps(asdict(clinic.judge("RETNET"))))
    keys = "protocol source_complete stage verdict failed missing correctable deferred flags criteria"
    assert keys.split() == list(result)
    point = {"id", "status", "measured", "compared", "operator", "limit", "text", "source"}
    assert point == set(result["criteria"][0])
