"""Which model decides the activity, and what each model lacks.

A rule (body surface, empiric table) that is the first model asked for decides; else the first compartment
model that can be computed and has a goal, an activity or limits to go by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from emboplan.model.case import ActivityModel
from emboplan.model.compartments import PatientCompartments
from emboplan.model.finding import Finding, Severity
from emboplan.workflow.planning.request import Request
from emboplan.workflow.planning.rule_models import deciding, rule_answer
from emboplan.workflow.planning.side_by_side import (
    COMPARTMENT_MODELS,
    Answer,
    Question,
    at_activity,
    decide,
    goals_of,
    require_normal_liver,
)
from emboplan.workflow.planning.treated import TerritoryInput

RULES = (ActivityModel.BSA, ActivityModel.EMPIRIC)

Seen = tuple[ActivityModel, PatientCompartments]


def _usable(question: Question, models: Sequence[ActivityModel]) -> list[Seen]:
    """The compartment models that can be computed; the single compartment where no other can be."""
    without_lesions = not any(territory.labels for territory in question.territories)
    usable: list[Seen] = []
    for model in models:
        if model not in COMPARTMENT_MODELS or (without_lesions and model is not ActivityModel.SINGLE):
            continue
        require_normal_liver(question, model)
        patient = question.compartments(model)
        if patient is not None:
            usable.append((model, patient))
    if not usable:
        patient = question.compartments(ActivityModel.SINGLE)
        if patient is not None:
            usable.append((ActivityModel.SINGLE, patient))
    return usable


def patient_for_rules(question: Question, models: Sequence[ActivityModel]) -> Seen | None:
    """The compartment model that gives a rule's activity its doses: one asked for, or the finest."""
    if not any(model in RULES for model in models):
        return None
    if any(model in COMPARTMENT_MODELS for model in models):
        return next(iter(_usable(question, models)), None)
    return next(iter(_usable(question, (ActivityModel.MULTI, ActivityModel.SINGLE))), None)


def compartment_answers(
    question: Question, models: Sequence[ActivityModel], rule: Answer | None
) -> tuple[list[Answer], list[Finding]]:
    """What the compartment models say, the one that decides first; a rule may have decided before."""
    only_rules = rule is not None and not any(model in COMPARTMENT_MODELS for model in models)
    usable = [] if only_rules else _usable(question, models)
    answers: list[Answer] = []
    findings: list[Finding] = []
    for model, patient in usable:
        decided = rule or next((answer for answer in answers if answer.prescription is not None), None)
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


def deciding_rule(question: Question, request: Request, seen: Seen | None) -> Answer | None:
    """The answer of a rule that is the first model asked for; None where another model decides."""
    model = request.models[0] if request.models else None
    if model not in RULES or seen is None or question.fixed_gbq:
        return None
    found = rule_result(question, request, model, seen)
    return deciding(question, found) if isinstance(found, Answer) else None


def rule_result(
    question: Question,
    request: Request,
    model: ActivityModel,
    seen: Seen,
) -> Answer | list[Finding]:
    """A rule's activities with the doses of the best compartment model."""
    return rule_answer(
        question, model, seen, request.patient, request.liver, body_surface=request.body_surface
    )


def missing_inputs(question: Question, models: Sequence[ActivityModel]) -> Iterator[Finding]:
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
        if model in models:
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
