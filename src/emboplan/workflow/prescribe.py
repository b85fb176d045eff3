"""The activity of a plan: every model side by side, the vials, how sure it is, and the second calculation.

The first of the models asked for that can be computed decides; the others stand beside it. Nothing is decided
where a shunt, a ratio or a goal is missing: the findings say what to enter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from emboplan.catalog.load import Catalog
from emboplan.dosimetry.prescribing.prescription import check_limit
from emboplan.model.case import ActivityModel, EnteredUncertainty, Patient, VialOrder
from emboplan.model.compartments import PatientCompartments
from emboplan.model.finding import Finding, Severity
from emboplan.model.results.activity import Doses, ModelResult
from emboplan.model.results.activity_plan import ActivityPlan, PublishedValue
from emboplan.workflow.biological import biological_doses
from emboplan.workflow.certainty import Evidence, how_sure, second_calculation
from emboplan.workflow.rule_models import (
    LiverVolumes,
    artery_specific_results,
    rule_answer,
    voxel_results,
)
from emboplan.workflow.side_by_side import (
    COMPARTMENT_MODELS,
    Answer,
    Question,
    at_activity,
    decide,
    goals_of,
    require_normal_liver,
)
from emboplan.workflow.treated import TerritoryInput
from emboplan.workflow.vial_choice import VialChoice, choose_vials

RULES = (ActivityModel.BSA, ActivityModel.EMPIRIC)


@dataclass(frozen=True, slots=True)
class Request:
    """What a plan asks beside the `Question` of its models."""

    models: tuple[ActivityModel, ...]
    patient: Patient
    liver: LiverVolumes
    evidence: Evidence
    vial: VialOrder | None = None
    treatment_time: datetime | None = None
    body_surface: str | None = None
    uncertainty: EnteredUncertainty | None = None
    k_name: str | None = None
    published: tuple[PublishedValue, ...] = ()


def prescribe(
    question: Question,
    request: Request,
    *,
    catalog: Catalog,
    voxel_per_gbq: Callable[[], Mapping[str, Doses]] | None = None,
) -> ActivityPlan:
    """All models of all territories side by side, the chosen activity, and every limit."""
    findings = list(question.limits.findings)
    missing = list(_missing(question, request))
    findings += missing
    if any(finding.id == "lung-shunt-missing" for finding in missing):
        return _plan(question, request, (), None, findings)
    answers, said = _compartment_answers(question, request.models)
    findings += said
    results = [result for answer in answers for result in answer.results]
    decided = next((answer for answer in answers if answer.prescription is not None), None)
    choice = VialChoice((), None, ())
    if decided is not None:
        choice = choose_vials(question, decided, request.vial, request.treatment_time, catalog)
        findings += choice.findings
        if choice.prescription is not None:
            decided, results = _with_vials(question, decided, choice, answers)
    extra, said = _other_models(question, request, answers, voxel_per_gbq)
    results += extra
    findings += said
    if decided is None:
        return _plan(question, request, tuple(results), None, findings)
    findings += decided.findings
    for result in {id(r): r for r in (*decided.results, decided.total)}.values():
        findings += _limit_findings(result)
    findings += _warned(question, decided.total)
    plan = _plan(question, request, tuple(results), decided, findings)
    plan = replace(plan, vials=choice.table, biological=biological_doses(question, decided.results, catalog))
    plan = how_sure(plan, question, decided, request.evidence, request.uncertainty, catalog)
    return second_calculation(plan, question, decided, catalog)


def _plan(
    question: Question,
    request: Request,
    results: tuple[ModelResult, ...],
    decided: Answer | None,
    findings: Sequence[Finding],
) -> ActivityPlan:
    plan = ActivityPlan(
        models=results,
        chosen=None,
        binding=None,
        k_gy_kg_per_gbq=question.physics.k_gy_kg_per_gbq,
        findings=tuple(findings),
        objective=question.objective,
        k_name=request.k_name,
        published=request.published,
    )
    if decided is None or decided.prescription is None:
        return plan
    return replace(
        plan,
        chosen=decided.total,
        binding=decided.total.binding,
        price=decided.prescription.price,
        goals=decided.prescription.goals,
        slack=decided.prescription.slack,
    )


def _missing(question: Question, request: Request) -> Iterator[Finding]:
    """What no model can do without, then what single models lack."""
    for territory in question.territories:
        if territory.lung_shunt_frac is None:
            text = f"{territory.name}: no lung shunt was entered or measured, so no activity is computed."
            yield Finding("lung-shunt-missing", Severity.WARNING, text)
            entered = territory.territory
            goals = (entered.tumour_goal, entered.perfused_goal)
            if entered.administered_gbq is None and not any(goals):
                text = (
                    f"{territory.name}: no dose goal was entered. Enter one with its source, or the activity."
                )
                yield Finding("goal-missing", Severity.WARNING, text)
    for model in (ActivityModel.PARTITION, ActivityModel.MULTI):
        if model in request.models:
            for territory in question.territories:
                yield from _without_ratio(territory, model)


def _without_ratio(territory: TerritoryInput, model: ActivityModel) -> Iterator[Finding]:
    if not territory.labels:
        text = f"{territory.name}: no lesion inside, so that the {model.value} model does not apply."
        yield Finding(f"{model.value}-not-applicable", Severity.INFO, text)
    elif territory.ratios(model) is None:
        text = (
            f"{territory.name}: no tumour-to-normal ratio was entered or measured, so the {model.value} "
            "model is not computed. Enter tumour_to_normal, or give an MAA SPECT."
        )
        yield Finding("tumour-to-normal-missing", Severity.WARNING, text)


def _compartment_answers(
    question: Question, models: Sequence[ActivityModel]
) -> tuple[list[Answer], list[Finding]]:
    """The compartment models, the one that decides first; the single compartment where no other can be."""
    wanted = [model for model in models if model in COMPARTMENT_MODELS]
    without_lesions = not any(territory.labels for territory in question.territories)
    usable: list[tuple[ActivityModel, PatientCompartments]] = []
    for model in wanted:
        if without_lesions and model is not ActivityModel.SINGLE:
            continue
        require_normal_liver(question, model)
        patient = question.compartments(model)
        if patient is not None:
            usable.append((model, patient))
    if not usable:
        patient = question.compartments(ActivityModel.SINGLE)
        if patient is not None:
            usable.append((ActivityModel.SINGLE, patient))
    answers: list[Answer] = []
    findings: list[Finding] = []
    for model, patient in usable:
        decided = next((answer for answer in answers if answer.prescription is not None), None)
        own_goals = goals_of(question, model)[0]
        if decided is not None and not own_goals and decided.prescription is not None:
            answers.append(at_activity(question, model, patient, decided.prescription.administered_gbq))
            continue
        found = decide(question, model, patient)
        if isinstance(found, Answer):
            answers.append(found)
        elif decided is None:
            findings += found
    return answers, findings


def _with_vials(
    question: Question, decided: Answer, choice: VialChoice, answers: Sequence[Answer]
) -> tuple[Answer, list[ModelResult]]:
    """The plan by vials: every model that had no goal of its own moves to the vials' activities."""
    if choice.prescription is None:
        return decided, [result for answer in answers for result in answer.results]
    by_vials = replace(
        at_activity(
            question,
            decided.model,
            decided.patient,
            choice.prescription.administered_gbq,
            prescription=choice.prescription,
        ),
        goals=decided.goals,
        findings=(*decided.findings, *choice.prescription.findings),
    )
    results: list[ModelResult] = []
    for answer in answers:
        if answer is decided:
            results += by_vials.results
        elif answer.prescription is None:
            at = choice.prescription.administered_gbq
            results += at_activity(question, answer.model, answer.patient, at).results
        else:
            results += answer.results
    return by_vials, results


def _other_models(
    question: Question,
    request: Request,
    answers: Sequence[Answer],
    voxel_per_gbq: Callable[[], Mapping[str, Doses]] | None,
) -> tuple[list[ModelResult], list[Finding]]:
    """Rules, the artery-specific model and the voxel model, in the order asked for."""
    results: list[ModelResult] = []
    findings: list[Finding] = []
    for model in request.models:
        if model in RULES and answers:
            best = (answers[0].model, answers[0].patient)
            found = rule_answer(
                question, model, best, request.patient, request.liver, body_surface=request.body_surface
            )
            if isinstance(found, Answer):
                results += found.results
                findings += found.findings
            else:
                findings += found
        elif model is ActivityModel.ARTERY_SPECIFIC:
            shown, said = artery_specific_results(question)
            results += shown
            findings += said
        elif model is ActivityModel.VOXEL:
            shown, said = voxel_results(question, voxel_per_gbq() if voxel_per_gbq else {})
            results += shown
            findings += said
    return results, findings


def _warned(question: Question, total: ModelResult) -> Iterator[Finding]:
    """Doses above which a label warns."""
    for limit in question.limits.warnings:
        dose = total.doses_gy.of(limit.quantity)
        if dose is not None and check_limit(limit, dose).exceeded:
            text = (
                f"{total.territory}: {limit.quantity.replace('_', ' ')} {dose:.3g} Gy is above the "
                f"{limit.limit.number:g} Gy that the label warns of (derived with: {limit.derived_with})."
            )
            yield Finding(f"label-warning-{limit.name}", Severity.WARNING, text, limit.limit.source_text)


def _limit_findings(result: ModelResult) -> Iterator[Finding]:
    for check in result.limits:
        if not check.exceeded:
            continue
        quantity, limit = check.quantity.replace("_", " "), check.name.replace("_", " ")
        unit = "" if check.unit == "1" else f" {check.unit}"
        text = (
            f"{result.territory}: {quantity} {check.value:.3g}{unit} exceeds the limit {limit} of "
            f"{check.limit:g}{unit} (derived with: {check.derived_with})."
        )
        yield Finding(f"limit-exceeded-{check.name}", Severity.STOP, text, check.source)
    if result.goal_met is False and result.binding is not None:
        limit = result.binding.replace("_", " ")
        text = f"{result.territory}: the dose goal is not met; the limit {limit} binds."
        yield Finding("goal-not-met", Severity.WARNING, text)
