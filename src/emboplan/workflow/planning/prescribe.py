"""The activity of a plan: every model side by side, the vials, how sure it is, and the second calculation.

A rule (body surface, empiric table) that is the first model asked for decides; else the first compartment
model that can be computed. The others stand beside it. Nothing is decided where a shunt, a ratio or a goal is
missing: the findings say what to enter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from emboplan.catalog.load import Catalog
from emboplan.dosimetry.prescribing.prescription import check_limit
from emboplan.model.case import ActivityModel
from emboplan.model.finding import Finding, Severity
from emboplan.model.results.activity import Doses, ModelResult
from emboplan.model.results.activity_plan import ActivityPlan, PlannedTerritory
from emboplan.units import PERCENT
from emboplan.workflow.planning.biological import biological_doses
from emboplan.workflow.planning.certainty import how_sure, second_calculation
from emboplan.workflow.planning.request import Request
from emboplan.workflow.planning.rule_models import artery_specific_results, printed_rule, voxel_results
from emboplan.workflow.planning.side_by_side import Answer, Question, at_activity
from emboplan.workflow.planning.treated import TerritoryInput
from emboplan.workflow.planning.vial_choice import VialChoice, choose_vials
from emboplan.workflow.planning.which_model import (
    RULES,
    Seen,
    compartment_answers,
    deciding_rule,
    missing_inputs,
    patient_for_rules,
    rule_result,
)


def prescribe(
    question: Question,
    request: Request,
    *,
    catalog: Catalog,
    voxel_per_gbq: Callable[[], Mapping[str, Doses]] | None = None,
    quick: bool = False,
) -> ActivityPlan:
    """All models of all territories side by side, the chosen activity, and every limit.

    A `quick` answer leaves out the table of vials and days and the intervals.
    """
    findings = list(question.limits.findings)
    missing = list(missing_inputs(question, request.models))
    findings += missing
    if any(finding.id == "lung-shunt-missing" for finding in missing):
        return _plan(question, request, (), None, findings)
    seen = patient_for_rules(question, request.models)
    rule = deciding_rule(question, request, seen)
    answers, said = compartment_answers(question, request.models, rule)
    findings += said
    results = [result for answer in answers for result in answer.results]
    decided = rule or next((answer for answer in answers if answer.prescription is not None), None)
    choice = VialChoice((), None, ())
    if decided is not None:
        choice = choose_vials(
            question, decided, request.vial, request.treatment_time, catalog, table=not quick
        )
        findings += choice.findings
        if choice.prescription is not None:
            decided, results = _with_vials(question, decided, choice, answers)
    extra, said = _other_models(question, request, seen, voxel_per_gbq, rule)
    results = [*extra, *results] if rule else [*results, *extra]
    findings += said
    if decided is None:
        return _plan(question, request, tuple(results), None, findings)
    findings += decided.findings
    for result in {id(r): r for r in (*decided.results, decided.total)}.values():
        findings += _limit_findings(result)
    findings += _warned(question, decided.total)
    plan = _plan(question, request, tuple(results), decided, findings)
    plan = replace(plan, vials=choice.table, biological=biological_doses(question, decided.results, catalog))
    if not quick:
        plan = how_sure(plan, question, decided, request.evidence, request.uncertainty, catalog)
    printed = None
    if rule is not None:
        printed = printed_rule(rule.model, request.patient, request.liver, request.body_surface, catalog)
    return second_calculation(plan, question, decided, catalog, printed)


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
        territories=tuple(_planned(question, territory) for territory in question.territories),
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


def _planned(question: Question, territory: TerritoryInput) -> PlannedTerritory:
    ratios = territory.ratios(ActivityModel.MULTI) or {}
    return PlannedTerritory(
        territory=territory.name,
        session=territory.territory.session,
        device=territory.territory.device or question.device,
        perfused_ml=territory.perfused_ml,
        tumour_ml=territory.tumour_ml,
        lung_shunt_frac=territory.lung_shunt_frac,
        tumour_to_normal=territory.tumour_to_normal,
        lesion_tumour_to_normal={str(label): ratio for label, ratio in ratios.items()},
    )


def _with_vials(
    question: Question, decided: Answer, choice: VialChoice, answers: Sequence[Answer]
) -> tuple[Answer, list[ModelResult]]:
    """The plan by vials: every model that had no goal of its own moves to the vials' activities."""
    before = decided.prescription
    if choice.prescription is None or before is None:
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
        findings=(
            *(f for f in decided.findings if f not in before.findings),
            *choice.prescription.findings,
        ),
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
    seen: Seen | None,
    voxel_per_gbq: Callable[[], Mapping[str, Doses]] | None,
    rule: Answer | None,
) -> tuple[list[ModelResult], list[Finding]]:
    """Rules, the artery-specific model and the voxel model, in the order asked for."""
    results: list[ModelResult] = []
    findings: list[Finding] = []
    for model in request.models:
        if rule is not None and model is rule.model:
            results += rule.results
        elif model in RULES and seen is not None:
            found = rule_result(question, request, model, seen)
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
        scale, unit = (PERCENT, "%") if check.unit == "1" else (1, check.unit)
        text = (
            f"{result.territory}: {quantity} {check.value * scale:.3g} {unit} exceeds the limit {limit} of "
            f"{check.limit * scale:g} {unit} (derived with: {check.derived_with})."
        )
        yield Finding(f"limit-exceeded-{check.name}", Severity.STOP, text, check.source)
    if result.goal_met is False and result.binding is not None:
        limit = result.binding.replace("_", " ")
        text = f"{result.territory}: the dose goal is not met; the limit {limit} binds."
        yield Finding("goal-not-met", Severity.WARNING, text)
