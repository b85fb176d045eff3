"""What stands beside the invented activity plan: label, liver function, other uptake, directive, scales."""

from __future__ import annotations

from dataclasses import replace

from emboplan.model.directive import DirectiveItem, Stage, WrittenDirective
from emboplan.model.finding import Finding, Severity
from emboplan.model.plan import Plan
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.eligibility import CriterionResult, CriterionStatus, Eligibility, Verdict
from emboplan.model.results.extrahepatic import ExtrahepaticUptake, HotRegion
from emboplan.model.results.liver_function import LiverFunction, RemnantSummary
from emboplan.model.results.shunt import LungDoseScale, ShuntMethod


def _label() -> Eligibility:
    def point(id_: str, status: CriterionStatus, measured: str | None, limit: str | None) -> CriterionResult:
        return CriterionResult(
            id_,
            status,
            measured,
            None,
            "<=" if limit else None,
            limit,
            f"Sentence of {id_}",
            "TSSED section III",
        )

    return Eligibility(
        protocol="TheraSphere label", source_complete=True, stage="pre_treatment", verdict=Verdict.INELIGIBLE,
        failed=("TS-07",), missing=("encephalopathy",), correctable=(), deferred=(), flags=(),
        criteria=(
            point("TS-01", CriterionStatus.PASS, "0.11 GBq", "0.61 GBq"),
            point("TS-05", CriterionStatus.UNKNOWN, None, None),
            point("TS-07", CriterionStatus.FAIL, "74 %", "70 %"),
        ),
    )  # fmt: skip


def _directive() -> WrittenDirective:
    before = [
        DirectiveItem("patient", Stage.BEFORE, "NET-001"),
        DirectiveItem("treatment site", Stage.BEFORE, "right lobe, left lobe"),
        DirectiveItem("radionuclide with physical form", Stage.BEFORE, "Y-90, glass microspheres"),
        DirectiveItem("device", Stage.BEFORE, "TheraSphere"),
        DirectiveItem("dose or activity", Stage.BEFORE, "2.56 GBq administered; 159 Gy to the tumour"),
        DirectiveItem("maximum dose or activity to the lungs and other sites", Stage.BEFORE, "lungs: 30 Gy"),
        DirectiveItem("termination by stasis", Stage.BEFORE, only_a_person=True),
        DirectiveItem("signature", Stage.BEFORE, only_a_person=True),
        DirectiveItem("date", Stage.BEFORE, only_a_person=True),
    ]
    after = [DirectiveItem(item, Stage.AFTER) for item in ("treatment site", "number of sources", "date")]
    return WrittenDirective(
        (*before, *after, DirectiveItem("signature", Stage.AFTER, only_a_person=True)),
        note="Draft. It is no written directive until an authorised person has signed it.",
        source="NRC, microsphere licensing guidance; to be confirmed",
    )


def enrich(plan: Plan, activity: ActivityPlan) -> Plan:
    """A plan with every part that stands beside an activity, and both lung scales."""
    shunt = plan.shunt
    if shunt is not None:
        limits = ("lung_session", "lung_cumulative")
        scales = (
            LungDoseScale(ShuntMethod.PLANAR_GM, 0.0724, 1000.0, "default", 3.61, limits),
            LungDoseScale(ShuntMethod.SPECT_CT, 0.031, 812.0, "ct", 1.90, ()),
        )
        shunt = replace(shunt, scales=scales)
    warning = Finding("extrahepatic-uptake", Severity.WARNING, "The scan shows 2 regions of uptake.", "TSSED")
    return replace(
        plan, activity=activity, shunt=shunt, device_label=_label(), directive=_directive(),
        liver_function=LiverFunction(
            albi_score=-2.61, albi_grade=1, albi_missing=(), albi_source="ALBI", child_pugh_points=None,
            child_pugh_class=None, child_pugh_items=(("bilirubin", 1), ("albumin", 1)),
            child_pugh_missing=("inr", "encephalopathy"), child_pugh_source="PUGH",
            child_pugh_status="to-confirm",
            remnant=RemnantSummary(612.0, 0.38, 0.41, 9.6, 1490.0, "Vauthey", "VAUTHEY", "confirmed"),
        ),
        extrahepatic=ExtrahepaticUptake(
            regions=(
                HotRegion(1, 8.4, 0.004, 1.8, (12.0, -40.0, -85.0), 62.0, at_margin=False),
                HotRegion(2, 3.1, 0.001, None, (-2.0, 10.0, 190.0), 25.0, at_margin=True),
            ),
            share_of_total_frac=0.005, threshold_to_normal_liver=0.31, searched_ml=11_300.0, margin_mm=24.0,
            resolution_fwhm_mm=14.0, findings=(warning,),
        ),
    )  # fmt: skip
