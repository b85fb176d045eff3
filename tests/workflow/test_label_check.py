"""Device labels on worked patients: pass, fail or unknown, and what a physician is told."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from emboplan.catalog import load
from emboplan.errors import InputError
from emboplan.model.disease import TumourType
from emboplan.model.finding import Severity
from emboplan.model.results.eligibility import Eligibility
from emboplan.workflow.screening.check import check_all
from emboplan.workflow.screening.label_check import (
    check_device,
    check_label,
    indication_findings,
    label_facts,
    label_findings,
)

# A patient in whom no contraindication of the TheraSphere label is there.
GLASS: Mapping[str, object] = {
    "lung_activity_gbq": 0.2,
    "gi_deposition_uncorrectable": False,
    "hepatic_artery_catheterization_contraindicated": False,
    "pao2_mmhg": 92,
    "sao2_pct": 97,
    "hepatic_encephalopathy": False,
    "ascites": "none",
    "diuretics_for_ascites": False,
    "portal_vein_thrombosis": False,
    "liver_tumor_burden_pct": 35,
    "poor_overall_health": False,
}
# The same for SIR-Spheres.
RESIN: Mapping[str, object] = {
    "enrolment_date": "2026-05-20",
    "prior_hepatic_radiation": False,
    "ascites": "none",
    "liver_failure": False,
    "liver_function_markedly_abnormal": False,
    "lung_shunt_pct": 6,
    "reflux_vascular_anatomy": False,
    "disseminated_extrahepatic_disease": False,
    "prior_capecitabine": False,
    "capecitabine_planned_after": False,
    "portal_vein_thrombosis": False,
}
# A patient inside the US indication of TheraSphere.
SOLITARY: Mapping[str, object] = {
    "liver_tumour_type": "hcc",
    "liver_lesion_count": 1,
    "largest_liver_lesion_mm": 45,
    "liver_tumour_unresectable": True,
    "child_pugh_class": "A",
    "macrovascular_invasion": False,
}
PATIENTS = {"therasphere": GLASS, "sir-spheres": RESIN, "therasphere-us-indication": SOLITARY}


def judged(device: str, *, without: str = "", stage: str | None = None, **changes: Any) -> Eligibility:
    """The label on its reference patient with other answers; `without` names facts that are not known."""
    facts = {**PATIENTS[device], **changes}
    return check_label({k: v for k, v in facts.items() if k not in without.split()}, device, stage=stage)


def statuses(result: Eligibility) -> dict[str, str]:
    return {criterion.id: criterion.status.value for criterion in result.criteria}


@pytest.mark.parametrize("device", PATIENTS)
def test_the_reference_patient_passes_every_check(device: str) -> None:
    result = judged(device)
    assert set(statuses(result).values()) == {"pass"}
    assert (result.verdict, result.missing, result.source_complete) == ("eligible", (), True)


@pytest.mark.parametrize("device", PATIENTS)
def test_a_missing_fact_is_never_no(device: str) -> None:
    """Nothing known: every check is unknown, none passes and none fails."""
    result = check_label({}, device)
    assert set(statuses(result).values()) == {"unknown"}
    assert result.verdict == "undetermined"
    assert result.missing


@pytest.mark.parametrize(
    ("device", "criterion", "changes"),
    [
        ("therasphere", "TS-C01", {"lung_activity_gbq": 0.62}),
        ("therasphere", "TS-C02", {"gi_deposition_uncorrectable": True}),
        ("therasphere", "TS-C03", {"hepatic_artery_catheterization_contraindicated": True}),
        ("therasphere", "TS-C04", {"pao2_mmhg": 59}),
        ("therasphere", "TS-C04", {"sao2_pct": 89.9}),
        ("therasphere", "TS-C04", {"pao2_mmhg": 59, "without": "sao2_pct"}),
        ("therasphere", "TS-C05", {"hepatic_encephalopathy": True}),
        ("therasphere", "TS-C06", {"ascites": "severe", "ascites_clinically_evident": True}),
        ("therasphere", "TS-C06", {"ascites_clinically_evident": True, "without": "ascites"}),
        ("therasphere", "TS-C06", {"diuretics_for_ascites": True}),
        (
            *("therasphere", "TS-C07"),
            {
                "portal_vein_thrombosis_type_4": True,
                "maa_uptake_in_portal_vein_thrombosis": False,
                "without": "portal_vein_thrombosis",
            },
        ),
        ("therasphere", "TS-C08", {"liver_tumor_burden_pct": 70.1}),
        ("therasphere", "TS-C09", {"poor_overall_health": True}),
        ("therasphere-us-indication", "TS-I01", {"liver_tumour_type": "net"}),
        ("therasphere-us-indication", "TS-I01", {"nen_type": "NET", "without": "liver_tumour_type"}),
        ("therasphere-us-indication", "TS-I02", {"liver_lesion_count": 2}),
        ("therasphere-us-indication", "TS-I03", {"largest_liver_lesion_mm": 81}),
        ("therasphere-us-indication", "TS-I03", {"largest_liver_lesion_mm": 9}),
        ("therasphere-us-indication", "TS-I04", {"liver_tumour_unresectable": False}),
        ("therasphere-us-indication", "TS-I05", {"child_pugh_class": "B"}),
        ("therasphere-us-indication", "TS-I06", {"macrovascular_invasion": True}),
        ("sir-spheres", "SIR-C01", {"prior_hepatic_radiation": True}),
        ("sir-spheres", "SIR-C02", {"ascites": "mild"}),
        ("sir-spheres", "SIR-C02", {"ascites_clinically_evident": True, "without": "ascites"}),
        ("sir-spheres", "SIR-C02", {"liver_failure": True}),
        ("sir-spheres", "SIR-C02", {"severe_liver_failure": True, "without": "liver_failure"}),
        ("sir-spheres", "SIR-C03", {"liver_function_markedly_abnormal": True}),
        ("sir-spheres", "SIR-C04", {"lung_shunt_pct": 20.1}),
        ("sir-spheres", "SIR-C05", {"reflux_vascular_anatomy": True}),
        ("sir-spheres", "SIR-C06", {"disseminated_extrahepatic_disease": True}),
        (
            *("sir-spheres", "SIR-C07a"),
            {"prior_capecitabine": True, "last_capecitabine_date": "2026-03-21"},
        ),
        ("sir-spheres", "SIR-C07b", {"capecitabine_planned_after": True}),
        ("sir-spheres", "SIR-C08", {"portal_vein_thrombosis": True}),
    ],
)
def test_each_contraindication_fails_its_check_alone(
    device: str, criterion: str, changes: dict[str, Any]
) -> None:
    result = judged(device, **changes)
    assert result.failed == (criterion,)
    assert result.verdict == "ineligible"


@pytest.mark.parametrize(
    ("device", "changes"),
    [
        ("therasphere", {"lung_activity_gbq": 0.61}),
        ("therasphere", {"pao2_mmhg": 60, "sao2_pct": 90}),
        ("therasphere", {"liver_tumor_burden_pct": 70}),
        ("therasphere", {"ascites": "mild", "ascites_clinically_evident": False}),
        (
            "therasphere",
            {
                "portal_vein_thrombosis": True,
                "portal_vein_thrombosis_type_4": True,
                "maa_uptake_in_portal_vein_thrombosis": True,
            },
        ),
        ("therasphere", {"portal_vein_thrombosis": True, "portal_vein_thrombosis_type_4": False}),
        ("therasphere-us-indication", {"largest_liver_lesion_mm": 10}),
        ("therasphere-us-indication", {"largest_liver_lesion_mm": 80}),
        ("sir-spheres", {"lung_shunt_pct": 20}),
        ("sir-spheres", {"prior_capecitabine": True, "last_capecitabine_date": "2026-03-20"}),
    ],
)
def test_at_the_limit_the_check_passes(device: str, changes: dict[str, Any]) -> None:
    """The labels exclude what is above (or below) their figures, not the figures."""
    assert judged(device, **changes).verdict == "eligible"


@pytest.mark.parametrize(
    ("device", "criterion", "changes", "missing"),
    [
        ("therasphere", "TS-C04", {"without": "sao2_pct"}, ("sao2_pct",)),
        ("therasphere", "TS-C06", {"ascites": "mild"}, ("ascites_clinically_evident",)),
        (
            *("therasphere", "TS-C07", {"portal_vein_thrombosis": True}),
            ("maa_uptake_in_portal_vein_thrombosis", "portal_vein_thrombosis_type_4"),
        ),
        ("sir-spheres", "SIR-C02", {"without": "liver_failure"}, ("liver_failure",)),
        ("sir-spheres", "SIR-C02", {"severe_liver_failure": False, "without": "liver_failure"}, None),
        ("sir-spheres", "SIR-C07a", {"prior_capecitabine": True}, ("last_capecitabine_date",)),
    ],
)
def test_half_an_answer_leaves_a_check_open(
    device: str, criterion: str, changes: dict[str, Any], missing: tuple[str, ...] | None
) -> None:
    result = judged(device, **changes)
    assert [name for name, status in statuses(result).items() if status == "unknown"] == [criterion]
    if missing is not None:
        assert missing == result.missing


def test_missing_facts_are_named_also_where_another_check_fails() -> None:
    result = judged("therasphere", liver_tumor_burden_pct=80, without="sao2_pct poor_overall_health")
    assert (result.failed, result.missing) == (("TS-C08",), ("poor_overall_health", "sao2_pct"))


def test_what_only_the_simulation_tells_is_deferred_at_screening() -> None:
    deferred = judged("therasphere", stage="screening", without="lung_activity_gbq").deferred
    assert deferred == ("TS-C01", "TS-C02", "TS-C07")
    assert judged("sir-spheres", stage="screening").deferred == ("SIR-C04", "SIR-C05")


def test_capecitabine_is_counted_back_from_the_treatment() -> None:
    facts = {**RESIN, "prior_capecitabine": True, "last_capecitabine_date": "2026-03-30"}
    assert check_label(facts, "sir-spheres").failed == ("SIR-C07a",)
    assert check_label(facts, "sir-spheres", treatment_date=date(2026, 5, 30)).failed == ()


def test_measured_facts_stand_in_and_entered_ones_decide() -> None:
    """3 GBq at a shunt of 21 % bring 0.63 GBq to the lungs."""
    measured = label_facts(lung_shunt_frac=0.21, administered_gbq=3.0, tumour_burden_pct=20.0)
    facts = {name: value for name, value in GLASS.items() if name != "lung_activity_gbq"}
    result = check_label(facts, "therasphere", measured=measured)
    assert result.failed == ("TS-C01",)
    (shown,) = [it.measured for it in result.criteria if it.id == "TS-C01"]
    assert shown == "0.63 GBq"
    assert check_label(GLASS, "therasphere", measured=measured).failed == ()
    assert check_label(RESIN, "sir-spheres", measured=label_facts(lung_shunt_frac=0.3)).failed == ()


@pytest.mark.parametrize("shunt", [0.03, 0.07, 0.13, 0.2])
def test_an_activity_solved_for_the_limit_passes_it(shunt: float) -> None:
    """The last bits of a division are no activity: 0.61 GBq is reached, not passed."""
    measured = label_facts(lung_shunt_frac=shunt, administered_gbq=0.61 / shunt)
    facts = {name: value for name, value in GLASS.items() if name != "lung_activity_gbq"}
    assert check_label(facts, "therasphere", measured=measured).failed == ()
    (over,) = label_facts(lung_activity_gbq=0.61001).values()
    assert check_label(facts, "therasphere", measured={"lung_activity_gbq": over}).failed == ("TS-C01",)


def test_a_failed_check_is_a_warning_that_a_physician_must_clear() -> None:
    findings = label_findings(judged("therasphere", liver_tumor_burden_pct=75, hepatic_encephalopathy=True))
    assert [(it.id, it.severity) for it in findings] == [
        ("outside-device-label-TS-C05", Severity.WARNING),
        ("outside-device-label-TS-C08", Severity.WARNING),
    ]
    for finding in findings:
        assert "outside the device labelling" in finding.text
        assert "physician must clear it" in finding.text
        assert finding.source == "TSSED, section III"


def test_unknown_checks_are_one_finding_that_names_the_facts() -> None:
    (finding,) = label_findings(judged("therasphere", without="sao2_pct poor_overall_health"))
    assert (finding.id, finding.severity) == ("device-label-unknown", Severity.INFO)
    assert "TS-C04, TS-C09" in finding.text
    assert "poor_overall_health, sao2_pct" in finding.text


def test_the_warning_of_the_resin_insert_is_told() -> None:
    (finding,) = label_findings(judged("sir-spheres"))
    assert (finding.id, finding.severity) == ("device-label-SIR-W01", Severity.INFO)
    assert "radioembolization-induced liver disease" in finding.text


def test_neuroendocrine_metastases_are_outside_the_us_indication() -> None:
    """One warning, whatever the number of points."""
    result = check_label({"nen_type": "NET", "liver_lesion_count": 7}, "therasphere-us-indication")
    (finding,) = indication_findings(result)
    assert (finding.id, finding.severity) == ("outside-device-indication", Severity.WARNING)
    assert "found: net" in finding.text
    assert "found: 7" in finding.text


def test_an_indication_that_cannot_be_told_is_one_finding() -> None:
    (finding,) = indication_findings(judged("therasphere-us-indication", without="child_pugh_class"))
    assert (finding.id, finding.severity) == ("device-label-unknown", Severity.INFO)


def test_a_device_brings_its_indication_where_a_source_states_one() -> None:
    checked = check_device(GLASS, "therasphere", measured=label_facts(tumour=TumourType.NET))
    assert checked.indication is not None
    assert [finding.id for finding in checked.findings] == ["outside-device-indication"]
    assert check_device(RESIN, "sir-spheres").indication is None


def test_no_criterion_is_invented_for_a_device_without_label_text() -> None:
    """QuiremSpheres: no label text with a named source."""
    result = check_label(GLASS, "quiremspheres")
    assert (result.source_complete, result.verdict, result.criteria) == (False, "undetermined", ())
    assert [flag.id for flag in result.flags] == ["source-incomplete"]
    (finding,) = label_findings(result)
    assert (finding.id, finding.severity) == ("no-device-label-text", Severity.WARNING)
    assert "no label text with a named source" in finding.text


def test_a_label_changes_no_verdict_of_a_trial() -> None:
    """A patient outside every label: the trials answer as they do without the facts of the labels."""
    plain: dict[str, object] = {"ecog": 1, "liver_tumor_burden_pct": 35, "nen_type": "NET"}
    outside = {**plain, "poor_overall_health": True, "lung_shunt_pct": 40, "capecitabine_planned_after": True}
    assert check_label(outside, "sir-spheres").verdict == "ineligible"
    assert check_all(plain) == check_all(outside)


def test_every_device_of_the_catalogue_has_a_label() -> None:
    assert set(load().microsphere_names()) <= set(load().label_names())


def test_an_unknown_device_is_one_clear_error() -> None:
    with pytest.raises(InputError, match='no device label "gold"; known: quiremspheres, sir-spheres'):
        check_label({}, "gold")
