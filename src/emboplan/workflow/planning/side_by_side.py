"""The compartment models side by side: partition, multi-compartment, single compartment.

Each model that can be computed decides the activities of all territories together, by its own goals within
the limits. A model without a goal of its own is shown at the activity of the model that decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from emboplan.dosimetry.prescribing.applicable_limits import ApplicableLimits
from emboplan.dosimetry.prescribing.optimise import optimise
from emboplan.dosimetry.prescribing.plan_doses import (
    ALL_TERRITORIES,
    evaluate,
    goal_outcomes,
    limit_value,
)
from emboplan.dosimetry.prescribing.prescription import (
    GOAL,
    activity_ceilings_gbq,
    check_limits,
    choose_activity,
)
from emboplan.dosimetry.prescribing.response import responses
from emboplan.errors import ModelRangeError
from emboplan.model.case import ActivityModel, DoseGoal
from emboplan.model.compartments import PatientCompartments
from emboplan.model.disease import TumourType
from emboplan.model.finding import Finding, Severity
from emboplan.model.results.activity import Doses, ModelResult, Quantity
from emboplan.model.results.prescription import Objective, Prescription, PrescriptionGoal
from emboplan.workflow.planning.treated import Physics, TerritoryInput, compartments

ENTERED = "entered"
RULE = "rule"
HYPERTROPHY = "hypertrophy_goal"
UPPER_BOUND = "no-goal"

COMPARTMENT_MODELS = (ActivityModel.PARTITION, ActivityModel.MULTI, ActivityModel.SINGLE)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every model alike: territories, limits, physics, objective."""

    territories: tuple[TerritoryInput, ...]
    limits: ApplicableLimits
    physics: Physics
    whole_normal_ml: float
    prior_gy: Mapping[Quantity, float]
    objective: Objective = Objective.MEET_GOAL
    tumour_type: TumourType = TumourType.NET
    device: str | None = None

    def compartments(self, model: ActivityModel) -> PatientCompartments | None:
        """The patient as a model sees it; None where a shunt or a ratio is missing."""
        return compartments(
            self.territories,
            model,
            self.physics,
            whole_normal_ml=self.whole_normal_ml,
            prior_gy=self.prior_gy,
            device=self.device,
        )

    @property
    def fixed_gbq(self) -> dict[str, float]:
        """Activities that were entered, by territory."""
        given = {t.name: t.territory.administered_gbq for t in self.territories}
        return {name: gbq for name, gbq in given.items() if gbq is not None}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model says: each territory's result, their sum, and how it was decided (None: only shown)."""

    model: ActivityModel
    patient: PatientCompartments
    results: tuple[ModelResult, ...]
    total: ModelResult
    prescription: Prescription | None = None
    goals: tuple[PrescriptionGoal, ...] = ()
    findings: tuple[Finding, ...] = field(default=())


def goals_of(question: Question, model: ActivityModel) -> tuple[list[PrescriptionGoal], list[str]]:
    """The goals that a model can meet, and the territories that have none and no activity of their own."""
    goals: list[PrescriptionGoal] = []
    without: list[str] = []
    for territory in question.territories:
        own = territory.territory
        hypertrophy = own.hypertrophy_goal
        if hypertrophy is not None and model is not ActivityModel.SINGLE:
            goals.append(_goal(territory, Quantity.PERFUSED_NORMAL, hypertrophy, hard=True))
        goal, quantity, _ = wanted(territory, model)
        if own.administered_gbq is not None:
            continue
        if goal is not None:
            goals.append(_goal(territory, quantity, goal))
        elif hypertrophy is None or model is ActivityModel.SINGLE:
            without.append(territory.name)
    return goals, without


def wanted(territory: TerritoryInput, model: ActivityModel) -> tuple[DoseGoal | None, Quantity, str]:
    """The goal that a model goes by in a territory, the dose that it is a goal on, and its key in a case."""
    own = territory.territory
    if model is ActivityModel.SINGLE or not territory.labels:
        return own.perfused_goal, Quantity.PERFUSED, "perfused_goal"
    return own.tumour_goal, Quantity.TUMOUR, "tumour_goal"


def _goal(
    territory: TerritoryInput, quantity: Quantity, goal: DoseGoal, *, hard: bool = False
) -> PrescriptionGoal:
    each = goal.each_lesion and quantity is Quantity.TUMOUR
    return PrescriptionGoal(territory.name, quantity, goal.dose_gy, goal.source, each_lesion=each, hard=hard)


def decide(
    question: Question,
    model: ActivityModel,
    patient: PatientCompartments,
) -> Answer | list[Finding]:
    """What a model prescribes; the findings that say what is missing where it cannot."""
    goals, without = goals_of(question, model)
    fixed = question.fixed_gbq
    findings: list[Finding] = []
    objective = question.objective
    if len(fixed) < len(question.territories) and without and objective is Objective.MEET_GOAL:
        alone = len(question.territories) == 1
        protected = question.limits.protects_normal_liver and question.territories[0].normal_ml > 0
        key = wanted(question.territories[0], model)[2]
        if not (alone and protected):
            return [_undecided(question, model, name) for name in without]
        findings.append(_upper_bound(question, model, key))
        objective = Objective.MAXIMISE_TUMOUR
    findings.extend(_entered_goals(question, goals))
    findings.extend(_unheld_floors(question, model))
    if len(fixed) == len(question.territories):
        prescription = as_given(question, patient, fixed, goals, binding=ENTERED)
    elif objective is not question.objective and not any(t.labels for t in question.territories):
        prescription = _most_within_limits(question, patient)
    else:
        prescription = optimise(
            patient,
            limits=question.limits.limits,
            goals=goals,
            objective=objective,
            fixed_gbq=fixed,
        )
    if not any(prescription.administered_gbq.values()):
        limit = (prescription.binding or ("",))[0].replace("_", " ")
        names = ", ".join(territory.name for territory in question.territories)
        text = f"{names}: earlier treatments use up the limit {limit}; no activity is chosen."
        said = [finding for finding in findings if finding.id != UPPER_BOUND]
        return [*said, Finding("limit-used-up", Severity.STOP, text)]
    shown = replace(
        at_activity(question, model, patient, prescription.administered_gbq, prescription=prescription),
        goals=tuple(goals),
    )
    return replace(shown, findings=(*findings, *prescription.findings))


def _most_within_limits(question: Question, patient: PatientCompartments) -> Prescription:
    """The largest activity of one territory without a lesion: there is no tumour dose to maximise."""
    treated = patient.treated[0]
    choice = choose_activity(
        responses(patient)[treated.territory],
        question.limits.limits,
        lung_shunt_frac=treated.lung_shunt_frac,
        prior_gy=patient.prior_gy,
    )
    given = {treated.territory: choice.administered_gbq}
    return as_given(question, patient, given, (), binding=choice.binding)


def as_given(
    question: Question,
    patient: PatientCompartments,
    administered_gbq: Mapping[str, float],
    goals: Sequence[PrescriptionGoal],
    *,
    binding: str,
) -> Prescription:
    """Activities that are not the plan's to choose: what they reach, and what they leave of each limit."""
    each, total, _ = evaluate(patient, administered_gbq=administered_gbq)
    per_gbq = responses(patient)
    slack: dict[str, float] = {}
    for limit in question.limits.limits:
        value = limit_value(limit, patient, per_gbq, administered_gbq)
        if value is not None:
            left = limit.limit.number - value
            slack[limit.name] = min(left, slack.get(limit.name, left))
    return Prescription(
        objective=question.objective,
        administered_gbq=MappingProxyType(dict(administered_gbq)),
        binding=(binding,),
        price=None,
        goals=goal_outcomes(goals, each),
        whole_normal_gy=total.whole_normal or 0.0,
        tumour_gy=total.tumour,
        slack=MappingProxyType(slack),
    )


def at_activity(
    question: Question,
    model: ActivityModel,
    patient: PatientCompartments,
    administered_gbq: Mapping[str, float],
    *,
    prescription: Prescription | None = None,
) -> Answer:
    """A model's doses and limits at given activities."""
    limits = question.limits.limits
    each, total, checks = evaluate(patient, administered_gbq=administered_gbq, limits=limits)
    per_gbq = responses(patient)
    several = len(patient.treated) > 1
    met = {} if prescription is None else _met(prescription)
    results = []
    for treated, territory in zip(patient.treated, question.territories, strict=True):
        name, gbq = treated.territory, administered_gbq[treated.territory]
        own = limits if not several else tuple(n for n in limits if n.quantity is Quantity.PERFUSED_NORMAL)
        own = tuple(n for n in own if n.territory in (None, name))
        doses = _claimed(each[name], territory)
        results.append(
            ModelResult(
                model=model.value,
                territory=name,
                administered_gbq=gbq,
                doses_gy=doses,
                prepared_gbq=gbq / (1 - treated.residual_frac),
                limits=checks
                if not several
                else check_limits(
                    doses,
                    own,
                    administered_gbq=gbq,
                    lung_shunt_frac=treated.lung_shunt_frac,
                    prior_gy=patient.prior_gy,
                ),
                binding=_binding(question, prescription, name),
                goal_met=met.get(name),
                ceilings_gbq=MappingProxyType({})
                if several
                else _ceilings(question, treated.lung_shunt_frac, per_gbq[name], prescription),
            )
        )
    return Answer(
        model,
        patient,
        tuple(results),
        results[0]
        if not several
        else ModelResult(
            model=model.value,
            territory=ALL_TERRITORIES,
            administered_gbq=sum(result.administered_gbq for result in results),
            doses_gy=replace(total, perfused_normal=None, perfused=None),
            prepared_gbq=sum(result.prepared_gbq or 0.0 for result in results),
            limits=checks,
            binding=_binding(question, prescription, None),
            goal_met=None if not met else all(met.values()),
        ),
        prescription,
    )


def _claimed(doses: Doses, territory: TerritoryInput) -> Doses:
    """The doses that a model may claim: without a lesion there is no tumour dose."""
    if not territory.labels:
        return replace(doses, tumour=None)
    return doses


def _met(prescription: Prescription) -> dict[str, bool]:
    met: dict[str, bool] = {}
    for goal in prescription.goals:
        met[goal.territory] = met.get(goal.territory, True) and goal.met
    return met


def _binding(question: Question, prescription: Prescription | None, territory: str | None) -> str | None:
    """What decided a territory (None: the plan)."""
    if prescription is None:
        return None
    fixed = question.fixed_gbq
    if territory in fixed or (territory is None and len(fixed) == len(question.territories)):
        return ENTERED
    return prescription.binding[0] if prescription.binding else None


def _ceilings(
    question: Question, lung_shunt_frac: float, per_gbq: Doses, prescription: Prescription | None
) -> Mapping[str, float]:
    """The activity that would just meet each limit and the goals, for one territory."""
    ceilings = activity_ceilings_gbq(
        per_gbq, question.limits.limits, lung_shunt_frac=lung_shunt_frac, prior_gy=question.prior_gy
    )
    if prescription is None:
        return MappingProxyType(ceilings)
    asked = [
        goal.goal_gy / dose
        for goal in prescription.goals
        if (dose := per_gbq.of(goal.quantity)) is not None and dose > 0
    ]
    return MappingProxyType({GOAL: max(asked), **ceilings} if asked else ceilings)


def _unused(question: Question, key: str, model: ActivityModel, name: str) -> str:
    """A sentence on a goal that was entered and that the model cannot use."""
    own = next(t for t in question.territories if t.name == name).territory
    goals = {"tumour_goal": own.tumour_goal, "perfused_goal": own.perfused_goal}
    return "".join(
        f" The {other} entered is of no use to the model {model.value}."
        for other, goal in goals.items()
        if goal is not None and other != key
    )


def _undecided(question: Question, model: ActivityModel, name: str) -> Finding:
    territory = next(t for t in question.territories if t.name == name)
    key = wanted(territory, model)[2]
    text = (
        f"{name}: no activity is chosen: enter {key} with its source, or the activity "
        f"(administered), or a limit on normal liver.{_unused(question, key, model, name)}"
    )
    return Finding("activity-undecided", Severity.WARNING, text)


def _upper_bound(question: Question, model: ActivityModel, key: str) -> Finding:
    name = question.territories[0].name
    text = (
        f"{name}: no {key} was entered. The activity is the largest within the limits: "
        f"an upper bound, not a prescription.{_unused(question, key, model, name)}"
    )
    return Finding(UPPER_BOUND, Severity.WARNING, text)


def _unheld_floors(question: Question, model: ActivityModel) -> list[Finding]:
    """The least doses of normal liver that a model without normal liver cannot hold."""
    if model is not ActivityModel.SINGLE:
        return []
    floors = [(t.name, t.territory.hypertrophy_goal) for t in question.territories]
    return [
        Finding(
            "hypertrophy-goal-unheld",
            Severity.WARNING,
            f"{name}: the least dose of {floor.dose_gy:g} Gy to the treated normal liver ({floor.source}) is "
            "not held: the single compartment does not tell normal liver from tumour. Choose the model "
            "partition or multi.",
        )
        for name, floor in floors
        if floor is not None
    ]


def _entered_goals(question: Question, goals: Sequence[PrescriptionGoal]) -> list[Finding]:
    """Whose the tumour goals are: a guideline has none for neuroendocrine metastases."""
    if question.tumour_type is not TumourType.NET:
        return []
    return [
        Finding(
            "tumour-goal-entered",
            Severity.INFO,
            f"{goal.territory}: the tumour goal of {goal.dose_gy:g} Gy is the user's ({goal.source}); "
            "no EANM value exists for neuroendocrine metastases.",
            "EANM22 (tables 2 to 4)",
        )
        for goal in goals
        if goal.quantity is Quantity.TUMOUR
    ]


def require_normal_liver(question: Question, model: ActivityModel) -> None:
    """Refuse a model of tumour against normal liver in a territory without normal liver."""
    if model is ActivityModel.SINGLE:
        return
    for territory in question.territories:
        if territory.normal_ml == 0 and territory.labels:
            raise ModelRangeError(
                f'territory "{territory.name}" holds no normal liver; set models = ["single"] under '
                "[procedure]"
            )
