"""What a team looks at before the vial: device label, liver function, the directive.

Nothing here changes an activity. Each part says what it found and what a physician must clear.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from emboplan.catalog.load import Catalog
from emboplan.catalog.status import footnote
from emboplan.dosimetry.models.body_surface import BodySurfaceFormula, body_surface_m2
from emboplan.dosimetry.treatment.directive import draft_directive
from emboplan.measure.liver_function import Ascites, Encephalopathy, albi, child_pugh
from emboplan.measure.liver_remnant import LiverVolumeFormula, future_liver_remnant, liver_remnant
from emboplan.model.case import ActivityModel, Case, Intent, Patient
from emboplan.model.directive import PlannedTreatment, WrittenDirective
from emboplan.model.patient import LabValue, PatientFacts
from emboplan.model.results.activity import Quantity
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.burden import Burden
from emboplan.model.results.liver_function import LiverFunction, RemnantSummary
from emboplan.units import PERCENT
from emboplan.workflow.planning.rule_models import LiverVolumes
from emboplan.workflow.planning.treated import TerritoryInput
from emboplan.workflow.screening.label_check import LabelCheck, check_device, label_facts

# The answers of the fact `ascites`, as the score words them.
ASCITES: Mapping[str, Ascites] = {
    "none": Ascites.NONE,
    "mild": Ascites.CONTROLLED,
    "severe": Ascites.UNCONTROLLED,
}

# Intents that leave a part of the liver to live on: its volume is then asked for.
LEAVES_A_REMNANT = (Intent.LOBECTOMY, Intent.LOBAR, Intent.SEGMENTECTOMY)


def device_label(
    case: Case,
    facts: PatientFacts,
    activity: ActivityPlan,
    territories: Sequence[TerritoryInput],
    liver: LiverVolumes,
    burden: Burden | None,
    *,
    catalog: Catalog,
) -> LabelCheck | None:
    """The device's label against facts, images and the plan; None without a device."""
    if case.procedure.device is None:
        return None
    shunts = [t.lung_shunt_frac for t in territories if t.lung_shunt_frac is not None]
    moment = case.procedure.treatment_time
    tumour_share = liver.tumour_ml / liver.liver_ml if liver.liver_ml > 0 else 0.0
    return check_device(
        facts,
        case.procedure.device,
        measured=label_facts(
            lung_shunt_frac=max(shunts, default=None),
            lung_activity_gbq=_most_to_the_lungs(activity, territories),
            tumour_burden_pct=PERCENT * tumour_share if burden is None else burden.burden_pct,
            largest_lesion_mm=None if burden is None else burden.largest_lesion_mm,
            lesion_count=None if burden is None else len(burden.lesions),
            tumour=case.procedure.tumour_type,
        ),
        treatment_date=None if moment is None else moment.date(),
        catalog=catalog,
    )


def _most_to_the_lungs(activity: ActivityPlan, territories: Sequence[TerritoryInput]) -> float | None:
    """The activity (GBq) that the session which sends most to the lungs sends there."""
    chosen = activity.chosen
    if chosen is None:
        return None
    sessions: dict[int, float] = defaultdict(float)
    given = {r.territory: r.administered_gbq for r in activity.models if r.model == chosen.model}
    for territory in territories:
        sessions[territory.territory.session] += given[territory.name] * (territory.lung_shunt_frac or 0.0)
    return max(sessions.values())


def liver_function(
    case: Case, facts: PatientFacts, remnant_ml: float, liver: LiverVolumes, *, catalog: Catalog
) -> LiverFunction:
    """ALBI and Child-Pugh from the facts, and the remnant where the intent leaves one."""
    bilirubin, albumin = _lab(facts, "bilirubin"), _lab(facts, "albumin")
    score = albi(bilirubin, albumin, catalog=catalog)
    points = child_pugh(
        bilirubin=bilirubin,
        albumin=albumin,
        inr=_number(facts, "inr"),
        ascites=_ascites(facts),
        encephalopathy=_encephalopathy(facts),
        catalog=catalog,
    )
    albi_entry = catalog.sourced("liver_function.albi.bilirubin_factor")
    child_entry = catalog.sourced("liver_function.child_pugh.inr")
    return LiverFunction(
        albi_score=score.score,
        albi_grade=None if score.grade is None else int(score.grade),
        albi_missing=score.missing,
        albi_source=footnote(albi_entry),
        child_pugh_points=points.points,
        child_pugh_class=points.child_class,
        child_pugh_items=points.item_points,
        child_pugh_missing=points.missing,
        child_pugh_source=footnote(child_entry),
        child_pugh_status=child_entry.status.value,
        remnant=_remnant(case.patient, remnant_ml, liver, catalog) if _leaves_a_remnant(case) else None,
    )


def _leaves_a_remnant(case: Case) -> bool:
    return case.procedure.intent in LEAVES_A_REMNANT


def remnant_share(remnant_ml: float, liver: LiverVolumes) -> float | None:
    """The untreated liver over the liver less its tumours; None where nothing is left or all is tumour."""
    if remnant_ml <= 0 or liver.liver_ml <= liver.tumour_ml:
        return None
    return future_liver_remnant(remnant_ml=remnant_ml, liver_ml=liver.liver_ml, tumour_ml=liver.tumour_ml)


def _remnant(
    patient: Patient, remnant_ml: float, liver: LiverVolumes, catalog: Catalog
) -> RemnantSummary | None:
    share = remnant_share(remnant_ml, liver)
    if share is None:
        return None
    entry = catalog.sourced("liver_function.total_liver_volume.vauthey.intercept")
    formula = LiverVolumeFormula.VAUTHEY
    summary = RemnantSummary(
        volume_ml=remnant_ml,
        share_frac=share,
        standardised_share_frac=None,
        ml_per_kg=None,
        expected_liver_ml=None,
        formula=formula.value,
        source=footnote(entry),
        status=entry.status.value,
    )
    if patient.height_cm is None or patient.weight_kg is None:
        return summary
    surface = body_surface_m2(
        height_cm=patient.height_cm, weight_kg=patient.weight_kg, formula=BodySurfaceFormula.DUBOIS
    )
    found = liver_remnant(
        remnant_ml=remnant_ml,
        liver_ml=liver.liver_ml,
        tumour_ml=liver.tumour_ml,
        body_surface_m2=float(surface),
        weight_kg=patient.weight_kg,
        formula=formula,
        catalog=catalog,
    )
    return replace(
        summary,
        standardised_share_frac=found.standardised_share,
        ml_per_kg=found.ml_per_kg,
        expected_liver_ml=found.estimated_liver_ml,
    )


def _lab(facts: PatientFacts, name: str) -> LabValue | None:
    fact = facts.get(name)
    return fact.value if fact is not None and isinstance(fact.value, LabValue) else None


def _number(facts: PatientFacts, name: str) -> Decimal | None:
    fact = facts.get(name)
    if fact is None:
        return None
    if isinstance(fact.value, LabValue):
        return fact.value.value
    return fact.value if isinstance(fact.value, Decimal) else None


def _ascites(facts: PatientFacts) -> Ascites | None:
    fact = facts.get("ascites")
    return None if fact is None else ASCITES.get(str(fact.value))


def _encephalopathy(facts: PatientFacts) -> Encephalopathy | None:
    """None where nobody said; that there is one does not tell its grade."""
    fact = facts.get("hepatic_encephalopathy")
    if fact is None or not isinstance(fact.value, bool):
        return None
    return Encephalopathy.PRESENT if fact.value else Encephalopathy.NONE


def directive(case: Case, activity: ActivityPlan, *, catalog: Catalog) -> WrittenDirective | None:
    """The draft of the written directive; None without a device or an activity."""
    device, chosen = case.procedure.device, activity.chosen
    if device is None or chosen is None:
        return None
    parts = [r for r in activity.models if r.model == chosen.model]
    site = "; ".join(f"{r.territory} ({r.administered_gbq:.4g} GBq)" for r in parts)
    lungs = [check for check in chosen.limits if check.quantity is Quantity.LUNG]
    to_lungs = [check.limit for check in chosen.limits if check.quantity is Quantity.LUNG_ACTIVITY]
    # A single compartment knows one dose, that of the whole treated volume.
    alone = chosen.model == ActivityModel.SINGLE or chosen.doses_gy.tumour is None
    return draft_directive(
        PlannedTreatment(
            device=device,
            patient=case.patient.id,
            treatment_site=site if len(parts) > 1 else chosen.territory,
            administered_gbq=chosen.administered_gbq,
            dose_gy=chosen.doses_gy.perfused if alone else chosen.doses_gy.tumour,
            dose_of="treated volume" if alone else "tumour",
            lung_limit_gy=min((check.limit for check in lungs), default=None),
            lung_limit_gbq=min(to_lungs, default=None),
        ),
        site=catalog,
    )
