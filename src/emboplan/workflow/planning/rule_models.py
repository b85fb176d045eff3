"""Models that give an activity by a rule of their own, shown beside the compartment models.

Body surface and the empiric table know no dose: their activity is put through the best compartment model that
the case allows; a rule that is the first model of the case decides. The artery-specific model has its own
quantities, the voxel model scales the dose map of the simulation scan; these two are shown and never decide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from emboplan.catalog.load import Catalog
from emboplan.dosimetry.models.artery_specific import ActivityRatio, TumourLungShunt, artery_specific
from emboplan.dosimetry.models.body_surface import BodySurfaceFormula, bsa_activity
from emboplan.dosimetry.models.empiric import PRODUCT as RESIN
from emboplan.dosimetry.models.empiric import empiric_activity, shunt_notes, shunt_reduction_factor
from emboplan.dosimetry.prescribing.prescription import check_limits, choose_activity
from emboplan.model.case import ActivityModel, Patient
from emboplan.model.compartments import PatientCompartments
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import DoseLimit
from emboplan.model.results.activity import Doses, ModelResult, Quantity
from emboplan.model.second_check_input import CheckedRule
from emboplan.units import CENTIMETRES_PER_METRE
from emboplan.workflow.planning.side_by_side import (
    ENTERED,
    RULE,
    Answer,
    Question,
    as_given,
    at_activity,
    goals_of,
    wanted,
)
from emboplan.workflow.planning.treated import TerritoryInput

Outcome = Answer | list[Finding]

# A territory this close to the whole liver is the whole liver: both are sums of the same voxels.
SAME_VOLUME = 1e-9


@dataclass(frozen=True, slots=True)
class LiverVolumes:
    """The whole liver, tumours included, and all tumour in it."""

    liver_ml: float
    tumour_ml: float


def rule_answer(
    question: Question,
    model: ActivityModel,
    best: tuple[ActivityModel, PatientCompartments],
    patient: Patient,
    liver: LiverVolumes,
    *,
    body_surface: str | None,
) -> Outcome:
    """The activities by a rule (``bsa``, ``empiric``) with the doses of the best compartment model."""
    device = question.device
    if device != RESIN:
        text = (
            f"The model {model.value} was made for resin microspheres; read its activity with that in mind."
        )
        found = [Finding(f"{model.value}-not-for-device", Severity.WARNING, text, "VR30; SIRPI")]
    else:
        found = []
    if model is ActivityModel.BSA:
        activities, notes = _body_surface(question, patient, liver, body_surface)
    else:
        if len(question.territories) > 1 or not _is_whole(question.territories[0], liver):
            text = "The empiric table is for the whole liver; it is not computed for a part of it."
            return [*found, Finding("empiric-not-applicable", Severity.INFO, text, "SIRPI")]
        activities, notes = _empiric(question.territories[0], liver)
    findings = [*found, *(Finding(f"{model.value}-advice", Severity.INFO, note) for note in notes)]
    if not all(activities.values()):
        text = f"By the rule of the model {model.value} the lung shunt is too high: nothing is to be given."
        return [*findings, Finding(f"{model.value}-shunt-too-high", Severity.WARNING, text, "VR41")]
    answer = at_activity(question, best[0], best[1], activities)
    return replace(
        answer,
        model=model,
        results=tuple(replace(r, model=model.value, binding=RULE) for r in answer.results),
        total=replace(answer.total, model=model.value, binding=RULE),
        findings=tuple(findings),
    )


def printed_rule(
    model: ActivityModel, patient: Patient, liver: LiverVolumes, formula: str | None, catalog: Catalog
) -> CheckedRule:
    """A rule as it is printed, for the second calculation."""
    product = catalog.microsphere(RESIN)
    rule = CheckedRule(
        height_m=(patient.height_cm or 0.0) / CENTIMETRES_PER_METRE,
        weight_kg=patient.weight_kg or 0.0,
        liver_ml=liver.liver_ml,
        liver_tumour_ml=liver.tumour_ml,
        edges=product.fact("empiric_involvement").numbers,
        table_gbq=product.fact("empiric_activity").numbers,
        steps=product.fact("shunt_reduction_above").numbers,
        factors=(1.0, *product.fact("shunt_reduction_factor").numbers),
    )
    if model is not ActivityModel.BSA:
        return rule
    surface = "models.body_surface."
    if formula == BodySurfaceFormula.MOSTELLER:
        divisor = catalog.number(surface + "mosteller.divisor")
        coefficient, powers = math.sqrt(CENTIMETRES_PER_METRE / divisor), (1 / 2, 1 / 2)
    else:
        coefficient = catalog.number(surface + "dubois.coefficient")
        powers = (
            catalog.number(surface + "dubois.height_exponent"),
            catalog.number(surface + "dubois.weight_exponent"),
        )
    return replace(
        rule,
        coefficient=coefficient,
        powers=powers,
        offset_m2=catalog.number("models.bsa_activity.offset"),
    )


def deciding(question: Question, answer: Answer) -> Answer:
    """A rule's answer as the one that decides: its activities held against limits and goals."""
    given = {result.territory: result.administered_gbq for result in answer.results}
    goals = tuple(goals_of(question, ActivityModel.PARTITION)[0])
    prescription = as_given(question, answer.patient, given, goals, binding=RULE)
    met = {goal.territory: goal.met for goal in prescription.goals}
    return replace(
        answer,
        prescription=prescription,
        goals=goals,
        results=tuple(replace(r, goal_met=met.get(r.territory)) for r in answer.results),
        total=replace(answer.total, goal_met=all(met.values()) if met else None),
    )


def _is_whole(territory: TerritoryInput, liver: LiverVolumes) -> bool:
    return abs(territory.perfused_ml - liver.liver_ml) <= SAME_VOLUME * liver.liver_ml


def _body_surface(
    question: Question, patient: Patient, liver: LiverVolumes, formula: str | None
) -> tuple[dict[str, float], tuple[str, ...]]:
    activities: dict[str, float] = {}
    notes: tuple[str, ...] = ()
    for territory in question.territories:
        shunt = territory.lung_shunt_frac or 0.0
        whole = _is_whole(territory, liver)
        unreduced = bsa_activity(
            height_cm=patient.height_cm or 0.0,
            weight_kg=patient.weight_kg or 0.0,
            tumour_volume_ml=liver.tumour_ml,
            liver_volume_ml=liver.liver_ml,
            lobe_volume_ml=None if whole else territory.perfused_ml,
            lobe_tumour_volume_ml=None if whole else territory.tumour_ml,
            formula=formula or BodySurfaceFormula.DUBOIS,
        )
        activities[territory.name] = float(unreduced) * float(shunt_reduction_factor(shunt))
        notes = shunt_notes(shunt)
    return activities, notes


def _empiric(territory: TerritoryInput, liver: LiverVolumes) -> tuple[dict[str, float], tuple[str, ...]]:
    found = empiric_activity(
        involvement_frac=liver.tumour_ml / liver.liver_ml, lung_shunt_frac=territory.lung_shunt_frac or 0.0
    )
    return {territory.name: float(found.administered_gbq)}, found.notes


def artery_specific_results(question: Question) -> tuple[list[ModelResult], list[Finding]]:
    """The artery-specific model of each territory that states its two quantities."""
    results: list[ModelResult] = []
    findings: list[Finding] = []
    for territory in question.territories:
        own = territory.territory
        if own.artery_specific is None:
            text = (
                f"{territory.name}: the artery-specific model needs artery_specific, which was not entered."
            )
            findings.append(Finding("artery-specific-missing", Severity.WARNING, text))
            continue
        if not territory.labels or territory.normal_ml == 0:
            text = f"{territory.name}: the artery-specific model needs a lesion and normal liver."
            findings.append(Finding("artery-specific-not-applicable", Severity.INFO, text))
            continue
        given = own.administered_gbq
        if given is None and own.tumour_goal is None:
            text = f"{territory.name}: the artery-specific model needs tumour_goal, or the activity."
            findings.append(Finding("artery-specific-undecided", Severity.WARNING, text))
            continue
        results.append(_artery_specific(question, territory))
    return results, findings


def _artery_specific(question: Question, territory: TerritoryInput) -> ModelResult:
    own, physics = territory.territory, question.physics
    if own.artery_specific is None:  # asked by the caller; said for the type checker
        raise ValueError(territory.name)
    tumour_g = territory.tumour_ml * physics.tumour_g_per_ml
    normal_g = territory.normal_ml * physics.liver_g_per_ml
    given = own.administered_gbq
    found = artery_specific(
        tumour_mass_g=tumour_g,
        normal_mass_g=normal_g,
        activity_ratio=ActivityRatio(own.artery_specific.tumour_to_normal_activity_ratio),
        tumour_lung_shunt=TumourLungShunt(own.artery_specific.tumour_lung_shunt_frac),
        administered_gbq=given,
        tumour_gy=None if given is not None or own.tumour_goal is None else own.tumour_goal.dose_gy,
        residual_frac=physics.residual_frac,
        lung_mass_g=physics.lung_mass_g,
        k_gy_kg_per_gbq=(territory.physics or physics).k_gy_kg_per_gbq,
    )
    normal = float(found.normal_gy)
    doses = Doses(
        tumour=float(found.tumour_gy),
        perfused_normal=normal,
        whole_normal=normal * territory.normal_ml / question.whole_normal_ml,
        perfused=float(found.mean_gy),
        lung=float(found.lung_gy),
        lesions={str(label): float(found.tumour_gy) for label in territory.labels},
    )
    administered = float(found.administered_gbq)
    result = _result(
        question, ActivityModel.ARTERY_SPECIFIC, territory, doses, administered, float(found.lung_shunt_frac)
    )
    return result if given is not None else replace(result, goal_met=True)


def voxel_results(
    question: Question, per_gbq: Mapping[str, Doses]
) -> tuple[list[ModelResult], list[Finding]]:
    """The voxel model: the dose map of the scan for 1 GBq in each territory, scaled to goal and limits."""
    results: list[ModelResult] = []
    findings: list[Finding] = []
    for territory in question.territories:
        doses, shunt = per_gbq.get(territory.name), territory.lung_shunt_frac
        if doses is None or shunt is None:
            text = f"{territory.name}: the voxel model needs an MAA SPECT and a lung shunt."
            findings.append(Finding("voxel-missing", Severity.WARNING, text))
            continue
        goal, quantity, _ = wanted(territory, ActivityModel.VOXEL)
        given = territory.territory.administered_gbq
        if given is None and goal is None:
            text = f"{territory.name}: the voxel model needs a dose goal, or the activity."
            findings.append(Finding("voxel-undecided", Severity.WARNING, text))
            continue
        choice = None
        if given is None and goal is not None:
            choice = choose_activity(
                doses,
                question.limits.limits if len(question.territories) == 1 else _own(question),
                lung_shunt_frac=shunt,
                goal=(quantity, goal.dose_gy),
                prior_gy=question.prior_gy,
            )
            given = choice.administered_gbq
        result = _result(
            question, ActivityModel.VOXEL, territory, doses.scaled(given or 0.0), given or 0.0, shunt
        )
        if choice is not None:
            result = replace(result, binding=choice.binding, goal_met=choice.goal_met)
        results.append(result)
    return results, findings


def _own(question: Question) -> tuple[DoseLimit, ...]:
    """The limits that each territory keeps for itself."""
    return tuple(limit for limit in question.limits.limits if limit.quantity is Quantity.PERFUSED_NORMAL)


def _result(
    question: Question,
    model: ActivityModel,
    territory: TerritoryInput,
    doses: Doses,
    administered_gbq: float,
    lung_shunt_frac: float,
) -> ModelResult:
    limits = question.limits.limits if len(question.territories) == 1 else _own(question)
    return ModelResult(
        model=model.value,
        territory=territory.name,
        administered_gbq=administered_gbq,
        doses_gy=doses,
        prepared_gbq=administered_gbq / (1 - question.physics.residual_frac),
        limits=check_limits(
            doses,
            limits,
            administered_gbq=administered_gbq,
            lung_shunt_frac=lung_shunt_frac,
            prior_gy=question.prior_gy,
        ),
        binding=ENTERED if territory.territory.administered_gbq is not None else "goal",
    )
