"""The five shipped protocols: their words, their limits at the boundary, and the twelve worked patients."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.eligibility.conftest import PATIENT, PROTOCOL_FILES, Clinic, table

from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.facts import parse_facts
from emboplan.eligibility.wording import leaves
from emboplan.model.patient import Fact, FactOrigin
from emboplan.model.protocol import Compares, FactKind, Is

CRITERIA = {
    "DEBOXA": "DBX-I01 DBX-I02 DBX-I03 DBX-A01",
    "CapTemY90": " ".join(f"CTY-I{n:02}" for n in range(1, 20))
    + " CTY-E01 CTY-E02 CTY-E03 CTY-E04a CTY-E04b CTY-E05 CTY-E06 CTY-E07 CTY-E08 CTY-E09 CTY-E10",
    "TAE-IT": " ".join(f"TAE-I{n:02}" for n in range(1, 11))
    + " TAE-E01 TAE-E02 TAE-E03a TAE-E03b TAE-E03c TAE-E03d TAE-E03e"
    + " TAE-E04a TAE-E04b TAE-E04c TAE-E04d TAE-E05",
    "MSK-19-125": "MSK-I01 MSK-E01 MSK-I02 MSK-I03 MSK-I04",
    "RETNET": "RET-I01 RET-I02 RET-I03 RET-I04a RET-I04b "
    + " ".join(f"RET-I{n:02}" for n in range(5, 15))
    + " RET-E01a RET-E01b RET-E02a RET-E02b RET-E02c RET-E03 RET-E04 RET-E05 RET-E06a RET-E06b RET-E06c"
    + " RET-E07a RET-E07b RET-E07c",
}


@pytest.mark.parametrize("protocol", CRITERIA)
def test_every_criterion_is_there(clinic: Clinic, protocol: str) -> None:
    assert CRITERIA[protocol].split() == [criterion.id for criterion in clinic.protocols[protocol].criteria]


def one_line(text: str) -> str:
    """Text without line breaks, bullets and escapes, which are layout."""
    return re.sub(r"\s+", " ", re.sub(r"\n\s*[-•*]?\s*", " ", text).replace("\\", "")).strip()


@pytest.mark.parametrize("protocol", PROTOCOL_FILES)
def test_every_sentence_stands_in_the_document(clinic: Clinic, trial_documents: Path, protocol: str) -> None:
    it = clinic.protocols[protocol]
    document = one_line((trial_documents / it.source).read_text(encoding="utf-8"))
    assert [criterion.id for criterion in it.criteria if one_line(criterion.text) not in document] == []


@pytest.mark.parametrize("protocol", PROTOCOL_FILES)
def test_the_worked_patients_agree_in_full(
    clinic: Clinic, worked_patients: list[dict[str, Any]], protocol: str
) -> None:
    keys = ("verdict", "failed", "missing", "correctable", "deferred")
    expected = {p["id"]: [_ordered(p["expected"][protocol][key]) for key in keys] for p in worked_patients}
    actual = {}
    for patient in worked_patients:
        result = evaluate(clinic.protocols[protocol], parse_facts(patient["facts"], clinic.definitions))
        actual[patient["id"]] = [_ordered(getattr(result, key)) for key in keys]
    assert len(expected) == 12
    assert expected == actual


def _ordered(value: Any) -> Any:
    return str(value) if isinstance(value, str) else sorted(value)


@pytest.mark.parametrize("protocol", PROTOCOL_FILES)
def test_the_reference_patient_passes_every_criterion(clinic: Clinic, protocol: str) -> None:
    result = clinic.judge(protocol)
    assert {"pass"} == {criterion.status.value for criterion in result.criteria}
    assert result.verdict == "eligible"


# criterion, fact, unit, values that pass, values that do not: from the tables of the trial documents' reading
LIMITS = [
    ("CTY-I03", "largest_liver_lesion_mm", None, "10.01", "10"),
    ("CTY-I04", "liver_share_of_total_tumor_burden_pct", None, "50", "49.99"),
    ("CTY-I05", "liver_tumor_burden_pct", None, "50", "50.01"),
    ("CTY-I08", "age_years", None, "19", "18"),
    ("CTY-I09", "life_expectancy_months", None, "6.1", "6"),
    ("CTY-I10", "ecog", None, "2", "3"),
    ("CTY-I11", "bilirubin", "mg/dL", "2.0", "2.01"),
    ("CTY-I11", "bilirubin", "umol/L", "34.2", "34.21"),
    ("CTY-I12", "alt", "xULN", "5", "5.01"),
    ("CTY-I13", "ast", "xULN", "5.0", "5.1"),
    ("CTY-I14", "albumin", "g/dL", "2.5", "2.49"),
    ("CTY-I14", "albumin", "g/L", "25", "24.9"),
    ("CTY-I16", "creatinine", "mg/dL", "1.99", "2.0"),
    ("CTY-I16", "creatinine", "umol/L", "176.7", "176.8"),
    ("TAE-I03", "liver_tumor_burden_pct", None, "50", "50.1"),
    ("TAE-I08", "ki67_pct", None, "20", "20.1"),
    ("TAE-I09", "life_expectancy_months", None, "7", "6"),
    ("TAE-I10", "age_years", None, "18", "17"),
    ("TAE-I10", "age_years", None, "79.9", "80"),
    ("TAE-E03c", "creatinine", "mg/dL", "2.0", "2.01"),
    ("TAE-E03c", "creatinine", "µmol/L", "176.8", "176.9"),
    ("TAE-E03d", "nyha_class", None, "2", "3"),
    ("MSK-I03", "ecog", None, "2", "3"),
    ("MSK-I04", "age_years", None, "18", "17"),
    ("RET-I01", "age_years", None, "18", "17.9"),
    ("RET-I03", "largest_liver_lesion_mm", None, "10", "9.99"),
    ("RET-I04b", "liver_tumor_burden_pct", None, "70", "70.4"),
    ("RET-I08", "ecog", None, "0", "4"),
    ("RET-I09", "creatinine", "mg/dL", "1.999", "2.0"),
    ("RET-I10", "bilirubin", "μmol/L", "34.2", "34.3"),
    ("RET-I11", "albumin", "g/L", "30", "29.9"),
]


@pytest.mark.parametrize(("criterion", "fact", "unit", "passing", "failing"), LIMITS)
def test_limits_at_the_boundary(
    clinic: Clinic, criterion: str, fact: str, unit: str | None, passing: str, failing: str
) -> None:
    def value(text: str) -> object:
        return Decimal(text) if unit is None else {"value": Decimal(text), "unit": unit}

    assert clinic.status(criterion, **{fact: value(passing)}) == "pass"
    assert clinic.status(criterion, **{fact: value(failing)}) == "fail"
    assert clinic.status(criterion, without=fact) == "unknown"


@pytest.mark.parametrize(
    ("criterion", "fact", "unit", "passing", "limit"),
    [
        ("CTY-I15", "platelets", "/uL", "100001", "100000"),
        ("CTY-I15", "platelets", "10^9/L", "100.001", "100"),
        ("RET-I12", "platelets", "10⁹/L", "50.1", "50"),
        ("RET-I12", "platelets", "10^3/mm3", "51", "50"),
        ("CTY-I17", "inr", None, "1.59", "1.6"),
        ("RET-I13", "inr", None, "1.5", "1.51"),
    ],
)
def test_correctable_limits(
    clinic: Clinic, criterion: str, fact: str, unit: str | None, passing: str, limit: str
) -> None:
    """A measured value that misses asks for the value after correction; a recorded one decides."""

    def value(text: str) -> object:
        return Decimal(text) if unit is None else {"value": Decimal(text), "unit": unit}

    after = f"{fact}_after_correction"
    assert clinic.status(criterion, **{fact: value(passing)}) == "pass"
    assert clinic.status(criterion, **{fact: value(limit)}) == "correctable"
    assert clinic.status(criterion, **{fact: value(limit), after: value(passing)}) == "pass"
    assert clinic.status(criterion, **{fact: value(limit), after: value(limit)}) == "fail"
    assert clinic.status(criterion, without=fact) == "unknown"


def test_a_correctable_value_leaves_the_verdict_open(clinic: Clinic) -> None:
    result = clinic.judge("CapTemY90", platelets={"value": 90, "unit": "10^9/L"}, inr=Decimal("1.7"))
    assert result.verdict == "undetermined"
    assert result.correctable == ("CTY-I15", "CTY-I17")
    assert result.missing == ("inr_after_correction", "platelets_after_correction")


def answers() -> Iterator[tuple[str, str, str]]:
    clinic = Clinic()
    for name, protocol in clinic.protocols.items():
        for criterion in protocol.criteria:
            for leaf in leaves(criterion.pass_when):
                if isinstance(leaf, Is) and leaf.fact.kind is FactKind.BOOLEAN and leaf.fact.name in PATIENT:
                    yield name, criterion.id, leaf.fact.name


INERT = {  # the answer alone does not settle the criterion: another fact stands beside it in the rule
    ("DBX-A01", "ce_ct_contraindicated"), ("DBX-A01", "ce_mri_contraindicated"),
    ("CTY-E02", "ce_ct_contraindicated"), ("CTY-E02", "ce_mri_contraindicated"),
    ("CTY-I19", "reproductive_potential"), ("RET-E01b", "reproductive_potential"),
    ("RET-E07a", "portal_vein_occlusion"),
    ("RET-E07b", "portal_hypertension"), ("RET-E07b", "hepatofugal_flow"),
    ("RET-I06", "symptoms_uncontrolled_by_ssa"), ("RET-I06", "liver_progression_recist11"),
    ("CTY-E05", "excessive_hepatopulmonary_shunt"), ("CTY-E05", "nontarget_embolization_unavoidable"),
}  # fmt: skip


@pytest.mark.parametrize(("protocol", "criterion", "fact"), list(answers()))
def test_each_answer_turned_round_fails_and_each_missing_one_is_named(
    clinic: Clinic, protocol: str, criterion: str, fact: str
) -> None:
    if (criterion, fact) in INERT:
        assert criterion not in clinic.judge(protocol, **{fact: not PATIENT[fact]}).failed
        return
    assert criterion in clinic.judge(protocol, **{fact: not PATIENT[fact]}).failed
    without = clinic.judge(protocol, without=fact)
    assert clinic.status(criterion, without=fact) == "unknown"
    assert without.missing == (fact,)
    assert without.verdict == "undetermined"


@pytest.mark.parametrize("protocol", PROTOCOL_FILES)
def test_what_is_not_known_never_passes_nor_fails(clinic: Clinic, protocol: str) -> None:
    """With no fact at all, every criterion that asks for one is unknown."""
    result = evaluate(clinic.protocols[protocol], parse_facts({}, clinic.definitions))
    asked = {c.id for c in clinic.protocols[protocol].criteria if list(leaves(c.pass_when))}
    assert {"unknown"} == {c.status.value for c in result.criteria if c.id in asked}
    assert result.verdict == "undetermined"
    assert result.failed == ()


def test_seventy_percent_from_volumes_is_exact(clinic: Clinic) -> None:
    """560.7 mL / 801.0 mL is 7/10; in binary floating point it is more."""
    assert 560.7 / 801.0 > 0.7
    volumes = {"liver_tumor_volume_ml": 560.7, "liver_volume_ml": 801.0}
    assert clinic.status("RET-I04b", without="liver_tumor_burden_pct", **volumes) == "pass"
    assert clinic.status("CTY-I05", without="liver_tumor_burden_pct", **volumes) == "fail"


def test_entered_volumes_decide_over_the_rounded_percentage(clinic: Clinic) -> None:
    """704/1000 mL is 70.4 %, which "70 %" rounds away."""
    changes = {"liver_tumor_volume_ml": 704, "liver_volume_ml": 1000, "liver_tumor_burden_pct": 70}
    assert clinic.status("RET-I04b", **changes) == "fail"


@pytest.mark.parametrize(
    ("last", "status"), [("2026-04-22", "pass"), ("2026-04-23", "fail"), (None, "unknown")]
)  # 28 and 27 days before 2026-05-20
@pytest.mark.parametrize("kind", ["chemotherapy", "radiotherapy", "prrt"])
def test_four_weeks_are_28_days(clinic: Clinic, kind: str, last: str | None, status: str) -> None:
    treated = {f"prior_{kind}": True, f"last_{kind}_date": last}
    assert status == clinic.status("CTY-I07", **treated)


@pytest.mark.parametrize(
    ("last", "entry", "status"),
    [
        ("2026-04-20", "2026-05-20", "pass"),
        ("2026-04-21", "2026-05-20", "fail"),
        ("2026-01-31", "2026-02-28", "pass"),  # no 31 February: its last day
        ("2026-01-31", "2026-02-27", "fail"),
        ("2028-01-30", "2028-02-28", "fail"),  # leap year
        ("2025-12-15", "2026-01-15", "pass"),
    ],
)
@pytest.mark.parametrize("criterion", ["MSK-I02", "RET-E02b"])
@pytest.mark.parametrize("kind", ["chemotherapy", "prrt", "ablation", "surgery"])
def test_one_month_is_a_calendar_month(
    clinic: Clinic, criterion: str, kind: str, last: str, entry: str, status: str
) -> None:
    treated = {f"prior_{kind}": True, f"last_{kind}_date": last, "enrolment_date": entry}
    assert status == clinic.status(criterion, **treated)


def test_radiotherapy_counts_for_msk_and_is_flagged_for_retnet(clinic: Clinic) -> None:
    treated: dict[str, object] = {"prior_radiotherapy": True, "last_radiotherapy_date": "2026-05-10"}
    assert clinic.status("MSK-I02", **treated) == "fail"
    assert clinic.status("RET-E02b", **treated) == "pass"
    assert "radiotherapy-not-listed" in flag_ids(clinic, "RETNET", **treated)


def test_a_washout_names_what_is_missing(clinic: Clinic) -> None:
    assert clinic.judge("MSK-19-125", without="prior_prrt").missing == ("prior_prrt",)
    assert clinic.judge("MSK-19-125", prior_prrt=True).missing == ("last_prrt_date",)
    undated_entry = clinic.judge(
        "MSK-19-125", without="enrolment_date", prior_prrt=True, last_prrt_date="2026-01-01"
    )
    assert undated_entry.missing == ("enrolment_date",)


@pytest.mark.parametrize(
    ("changes", "status", "missing"),
    [
        ({"portal_vein_occlusion": True}, "unknown", ("hepatopetal_collaterals_on_angiography",)),
        ({"portal_vein_occlusion": True, "hepatopetal_collaterals_on_angiography": True}, "pass", ()),
        ({"portal_vein_occlusion": True, "hepatopetal_collaterals_on_angiography": False}, "fail", ()),
        ({"portal_vein_occlusion": None}, "unknown", ("portal_vein_occlusion",)),
    ],
)
def test_portal_vein_occlusion(
    clinic: Clinic, changes: dict[str, object], status: str, missing: tuple[str, ...]
) -> None:
    assert status == clinic.status("RET-E07a", **changes)
    assert missing == clinic.judge("RETNET", **changes).missing


@pytest.mark.parametrize(
    ("hypertension", "flow", "status"),
    [(True, True, "fail"), (True, None, "unknown"), (False, None, "pass"), (None, False, "pass")],
)
def test_hepatofugal_flow(clinic: Clinic, hypertension: bool | None, flow: bool | None, status: str) -> None:
    assert status == clinic.status("RET-E07b", portal_hypertension=hypertension, hepatofugal_flow=flow)


@pytest.mark.parametrize(
    ("changes", "captem", "retnet"),
    [
        ({"agrees_contraception": True}, "unknown", "pass"),
        ({"agrees_contraception": True, "pregnancy_test_negative": True}, "pass", "pass"),
        ({"agrees_contraception": True, "pregnancy_test_negative": False}, "fail", "pass"),
        ({"agrees_contraception": True, "sex": "M"}, "pass", "pass"),
        ({"agrees_contraception": False}, "fail", "fail"),
        ({}, "unknown", "unknown"),
    ],
)
def test_contraception(clinic: Clinic, changes: dict[str, object], captem: str, retnet: str) -> None:
    """CapTemY90 asks women for a negative test; RETNET asks nobody."""
    assert captem == clinic.status("CTY-I19", reproductive_potential=True, **changes)
    assert retnet == clinic.status("RET-E01b", reproductive_potential=True, **changes)


@pytest.mark.parametrize(
    ("ct", "mri", "status"), [(True, True, "fail"), (True, False, "pass"), (True, None, "unknown")]
)
def test_both_modalities_must_be_contraindicated(
    clinic: Clinic, ct: bool, mri: bool | None, status: str
) -> None:
    assert status == clinic.status("CTY-E02", ce_ct_contraindicated=ct, ce_mri_contraindicated=mri)


@pytest.mark.parametrize(("burden", "status"), [("25", "unknown"), ("25.1", "pass")])
def test_one_of_three_indications_passes_past_unknowns(clinic: Clinic, burden: str, status: str) -> None:
    known = {"liver_progression_recist11": False, "liver_tumor_burden_pct": Decimal(burden)}
    assert status == clinic.status("RET-I06", without="symptoms_uncontrolled_by_ssa", **known)
    assert clinic.status("RET-I06", **{**known, "liver_tumor_burden_pct": 25}) == "fail"


def test_simulation_is_deferred_at_screening_only(clinic: Clinic) -> None:
    without = "excessive_hepatopulmonary_shunt nontarget_embolization_unavoidable"
    screening = clinic.judge("CapTemY90", without=without, stage="screening")
    assert (screening.verdict, screening.deferred) == ("eligible", ("CTY-E04a", "CTY-E04b"))
    later = clinic.judge("CapTemY90", without=without)
    assert (later.verdict, later.missing) == ("undetermined", tuple(without.split()))


@pytest.mark.parametrize("nen_type", ["NEC", "MiNEN"])
def test_carcinoma_is_read_as_each_document_words_it(clinic: Clinic, nen_type: str) -> None:
    changes = {"nen_type": nen_type}
    assert clinic.status("DBX-I01", **changes) == "pass"
    assert clinic.status("TAE-I01", **changes) == "pass"
    assert [clinic.status(c, **changes) for c in ("CTY-I01", "MSK-I01", "RET-I02")] == ["fail"] * 3
    for protocol in ("DEBOXA", "MSK-19-125", "RETNET"):
        assert "query-nen-type" in flag_ids(clinic, protocol, **changes)


def test_grade_3_fails_every_criterion_that_it_concerns(clinic: Clinic) -> None:
    result = clinic.judge("TAE-IT", tumor_grade=3, differentiation="poor", ki67_pct=60)
    assert result.failed == ("TAE-E02", "TAE-I07", "TAE-I08")
    assert clinic.status("CTY-I01", tumor_grade=3) == "fail"
    assert clinic.status("CTY-I01", tumor_grade=1) == "fail"


@pytest.mark.parametrize(
    "prior",
    [
        "prior_transarterial_embolization",
        "prior_radioembolization",
        "prior_other_hepatic_arterial_therapy",
        "prior_hepatic_radiation",
        "prior_ablation",
    ],
)
def test_prior_locoregional_treatment_in_the_italian_trial(clinic: Clinic, prior: str) -> None:
    answer = "prior_locoregional_post_surgical"
    dated: dict[str, object] = {prior: True} | (
        {"last_ablation_date": "2025-01-01"} if prior == "prior_ablation" else {}
    )
    assert (answer,) == clinic.judge("TAE-IT", without=answer, **dated).missing
    assert "query-sponsor" in flag_ids(clinic, "TAE-IT", **dated)
    assert clinic.status("TAE-E01", **dated) == "pass"
    assert clinic.status("TAE-E01", **dated, **{answer: True}) == "fail"


def flag_ids(clinic: Clinic, protocol: str, **changes: Any) -> list[str]:
    return [flag.id for flag in clinic.judge(protocol, **changes).flags]


def test_incomplete_sources_say_so_and_keep_their_verdict(clinic: Clinic) -> None:
    for protocol in PROTOCOL_FILES:
        result = clinic.judge(protocol)
        incomplete = protocol in ("DEBOXA", "MSK-19-125")
        assert result.source_complete is not incomplete
        assert incomplete is ("source-incomplete" in [flag.id for flag in result.flags])
        assert result.verdict == "eligible"


@pytest.mark.parametrize(
    ("protocol", "changes", "flag"),
    [
        ("CapTemY90", {"age_years": 18}, "literal-comparator"),
        ("CapTemY90", {"largest_liver_lesion_mm": 10}, "literal-comparator"),
        ("RETNET", {"platelets": {"value": 50, "unit": "10^9/L"}}, "literal-comparator"),
        ("RETNET", {"creatinine": {"value": Decimal("176.8"), "unit": "umol/L"}}, "literal-comparator"),
        ("TAE-IT", {"age_years": 80}, "literal-comparator"),
        ("DEBOXA", {"age_years": 17}, "age-not-stated"),
        ("DEBOXA", {"ce_ct_contraindicated": True, "ce_mri_contraindicated": True}, "advisory"),
        ("CapTemY90", {"excessive_hepatopulmonary_shunt": True}, "process"),
        ("CapTemY90", {"prior_prrt": True, "last_prrt_date": "2025-01-01"}, "prrt-counted"),
        ("CapTemY90", {"tumor_grade": 3}, "grade-amended"),
        ("MSK-19-125", {"inoperable": False}, "patient-preference"),
        ("TAE-IT", {"severe_liver_failure": True}, "written-details"),
    ],
)
def test_remarks_that_a_reader_must_know(
    clinic: Clinic, protocol: str, changes: dict[str, object], flag: str
) -> None:
    assert flag in flag_ids(clinic, protocol, **changes)
    assert flag not in flag_ids(clinic, protocol)


@pytest.mark.parametrize(
    ("visual", "computed", "criterion", "status", "flagged"),
    [
        (65, 72, "RET-I04b", "pass", True),
        (75, 68, "RET-I04b", "fail", True),
        (60, 50, "RET-I04b", "pass", False),
        (20, 30, "RET-I06", "fail", True),
        (30, 20, "RET-I06", "pass", True),
        (71, None, "RET-I04b", "fail", False),
    ],
)
def test_the_readers_visual_estimate_decides_retnet(
    clinic: Clinic, visual: int, computed: int | None, criterion: str, status: str, flagged: bool
) -> None:
    changes = {
        "liver_tumor_burden_visual_pct": visual,
        "liver_tumor_burden_pct": computed,
        "liver_progression_recist11": False,
    }
    assert status == clinic.status(criterion, **changes)
    flags = [(flag.id, flag.criterion) for flag in clinic.judge("RETNET", **changes).flags]
    assert flagged is (("visual-burden", criterion) in flags)


def test_the_visual_estimate_is_for_retnet_alone_and_never_missing(clinic: Clinic) -> None:
    assert clinic.status("CTY-I05", liver_tumor_burden_visual_pct=60) == "pass"
    assert clinic.status("TAE-I03", liver_tumor_burden_visual_pct=60) == "pass"
    assert clinic.judge("RETNET", without="liver_tumor_burden_pct").missing == ("liver_tumor_burden_pct",)


@pytest.mark.parametrize(
    ("low", "high", "flagged"), [("48", "52", True), ("49", "50", True), ("44", "49.9", False)]
)
def test_a_limit_inside_the_measured_interval_is_borderline(
    clinic: Clinic, low: str, high: str, flagged: bool
) -> None:
    facts = parse_facts(
        {k: v for k, v in PATIENT.items() if k != "liver_tumor_burden_pct"}, clinic.definitions
    )
    measured = Fact(Decimal("49"), FactOrigin.MEASURED, (Decimal(low), Decimal(high)))
    result = evaluate(
        clinic.protocols["CapTemY90"], facts.with_measured({"liver_tumor_burden_pct": measured})
    )
    assert flagged is (("borderline", "CTY-I05") in [(flag.id, flag.criterion) for flag in result.flags])
    assert result.verdict == "eligible"


def test_borderline_only_where_the_number_decides(clinic: Clinic) -> None:
    """With progression recorded, RETNET's 25 % changes nothing."""
    facts = parse_facts(
        {k: v for k, v in PATIENT.items() if k != "liver_tumor_burden_pct"}, clinic.definitions
    )
    measured = Fact(Decimal("26"), FactOrigin.MEASURED, (Decimal("24"), Decimal("28")))
    result = evaluate(clinic.protocols["RETNET"], facts.with_measured({"liver_tumor_burden_pct": measured}))
    assert "borderline" not in [flag.id for flag in result.flags]


def test_no_limit_stands_twice_in_a_unit_that_the_document_does_not_use(clinic: Clinic) -> None:
    """Every limit with a unit is stated in the canonical unit of its fact, as the documents print it."""
    for protocol in clinic.protocols.values():
        for criterion in protocol.criteria:
            for leaf in leaves(criterion.pass_when):
                if isinstance(leaf, Compares):
                    assert leaf.unit == leaf.fact.unit, criterion.id


def test_advisories_that_are_no_criteria_are_always_said(clinic: Clinic) -> None:
    """An earlier signal of beads for DEBOXA; the label conflict and the renal limit for CapTemY90."""
    assert "earlier-bead-signal" in flag_ids(clinic, "DEBOXA")
    assert "outside-device-label" in flag_ids(clinic, "CapTemY90")
    assert "renal-contraindication" in flag_ids(clinic, "CapTemY90")
    at_limit = {"creatinine": {"value": 2, "unit": "mg/dL"}}
    assert "renal-contraindication" not in flag_ids(clinic, "CapTemY90", **at_limit)


def test_command_names() -> None:
    expected = ["deboxa", "captem-y90", "tae-italy", "msk-19-125", "retnet"]
    assert expected == [table("protocols", f"{file}.toml")["command"] for file in PROTOCOL_FILES.values()]
