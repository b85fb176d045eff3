"""The activity of each territory: goals at the least normal-liver dose, or the most tumour dose in limits.

Limits, floors, fixed activities and vials on offer are conditions; goals are met if they can be. What a plan
strives for is taken in order: each aim chooses among the answers that are best for the one before, and the
least total activity breaks what is left of a tie. See docs/methods/prescription.md for the equations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from emboplan.dosimetry.prescribing.aims import objective_aims, share_aims
from emboplan.dosimetry.prescribing.conditions import (
    Condition,
    Kind,
    activity,
    fixed_conditions,
    floor_condition,
    limit_condition,
    offer_condition,
    program_of,
    taken,
)
from emboplan.dosimetry.prescribing.contradiction import contradiction
from emboplan.dosimetry.prescribing.decisive import (
    VIAL,
    Solved,
    binding_limits,
    goal_binds,
    goal_price,
    limit_price,
    offer_wish,
)
from emboplan.dosimetry.prescribing.plan_doses import (
    goal_outcomes,
    limit_value,
    plan_doses,
    tumour_weights,
)
from emboplan.dosimetry.prescribing.plan_findings import plan_findings
from emboplan.dosimetry.prescribing.prescription import GOAL, check_limit
from emboplan.dosimetry.prescribing.program import Outcome, Program, solve
from emboplan.dosimetry.prescribing.response import responses
from emboplan.dosimetry.prescribing.whole_vials import are_few, best_combination
from emboplan.errors import ModelRangeError
from emboplan.model.compartments import PatientCompartments
from emboplan.model.products import DoseLimit
from emboplan.model.results.activity import Doses
from emboplan.model.results.prescription import (
    AvailableActivity,
    Objective,
    Prescription,
    PrescriptionGoal,
    Price,
)

Offers = Mapping[str, Sequence[AvailableActivity]]


def optimise(
    patient: PatientCompartments,
    *,
    limits: Sequence[DoseLimit],
    goals: Sequence[PrescriptionGoal] = (),
    objective: Objective = Objective.MEET_GOAL,
    available: Offers | None = None,
    fixed_gbq: Mapping[str, float] | None = None,
) -> Prescription:
    """The activities that serve the objective best within the limits, what holds them back, and its price.

    Goals that are not hard are met if they can all be; if not, the plan brings the worst off as far as the
    limits allow, then the others. `available` offers activities by territory, of which each takes exactly
    one; `fixed_gbq` gives activities not to be changed. Raises `InfeasiblePlanError` when limits, hard
    goals, fixed and offered activities contradict each other, `ModelRangeError` when there is no goal to meet
    or when nothing bounds what is to be maximised.
    """
    case = _Case(patient, responses(patient), tuple(limits), tuple(goals), objective, available or {})
    conditions = _conditions(case, fixed_gbq or {})
    _require_answer(case, conditions)
    solved = _solve(case, conditions, fixed_gbq or {})
    return _prescription(case, solved)


@dataclass(frozen=True, slots=True)
class _Case:
    """What was asked, with the responses of all territories."""

    patient: PatientCompartments
    per_gbq: Mapping[str, Doses]
    limits: tuple[DoseLimit, ...]
    goals: tuple[PrescriptionGoal, ...]
    objective: Objective
    offers: Offers

    @property
    def wishes(self) -> dict[int, PrescriptionGoal]:
        """The goals that are met if they can be, by their numbers."""
        return {n: goal for n, goal in enumerate(self.goals) if not goal.hard}


def _conditions(case: _Case, fixed_gbq: Mapping[str, float]) -> tuple[Condition, ...]:
    for name in case.offers:
        case.patient.of(name)
        if name in fixed_gbq:
            raise ModelRangeError(f'the activity of "{name}" is fixed and also on offer; give one of the two')
    return (
        *(limit_condition(n, x, case.patient, case.per_gbq) for n, x in enumerate(case.limits)),
        *(floor_condition(n, goal, case.per_gbq) for n, goal in enumerate(case.goals) if goal.hard),
        *fixed_conditions(fixed_gbq, case.patient),
        *(offer_condition(name, options) for name, options in case.offers.items()),
    )


def _require_answer(case: _Case, conditions: Sequence[Condition]) -> None:
    """`ModelRangeError` where there is nothing to strive for, or nothing that ends it."""
    bounded = {
        name
        for condition in conditions
        if condition.kind is not Kind.GOAL
        for row in condition.rows
        for name in row.coefficients
    }
    territories = [t.territory for t in case.patient.treated]
    if case.objective is Objective.MEET_GOAL:
        fixed = sum(condition.kind is Kind.FIXED for condition in conditions)
        if not case.goals and fixed < len(territories):
            raise ModelRangeError(
                "no goal was given, so there is none to meet; enter a goal with its source, or an objective "
                "that maximises the tumour dose within the limits"
            )
        return
    weights = tumour_weights(case.patient)
    if not weights:
        raise ModelRangeError("no territory holds a lesion, so no tumour dose can be maximised; enter a goal")
    for name in territories:
        if weights[name] > 0 and activity(name) not in bounded:
            raise ModelRangeError(
                f'no limit bounds the activity of territory "{name}", so its tumour dose has no maximum; '
                "enter a limit that its activity changes, or a goal to meet"
            )


def _solve(case: _Case, conditions: tuple[Condition, ...], fixed_gbq: Mapping[str, float]) -> Solved:
    """The plan that meets all goals; where there is none, the one that goes as far as it can."""
    base = program_of(case.patient, conditions)
    if are_few(case.patient, case.offers, fixed_gbq):
        vials = best_combination(
            case.patient,
            case.per_gbq,
            objective=case.objective,
            goals=tuple(case.wishes.values()),
            conditions=conditions,
            offers=case.offers,
            fixed_gbq=fixed_gbq,
        )
        if vials is None:
            raise contradiction(case.patient, conditions)
        base = base.with_columns(vials)
    columns, rows, aims = objective_aims(case.objective, case.patient, case.per_gbq)
    floors = [floor_condition(n, goal, case.per_gbq).rows[0] for n, goal in case.wishes.items()]
    program = Program((*base.columns, *columns), (*base.rows, *rows, *floors))
    solution = solve(program, aims)
    goal_columns: tuple[str, ...] = ()
    if solution.outcome is Outcome.INFEASIBLE and floors:
        share_columns, share_rows, first = share_aims(case.wishes, case.per_gbq)
        program = Program((*base.columns, *columns, *share_columns), (*base.rows, *rows, *share_rows))
        aims = (*first, *aims)
        goal_columns = tuple(column.name for column in share_columns)
        solution = solve(program, aims)
    if solution.outcome is Outcome.INFEASIBLE:
        raise contradiction(case.patient, conditions)
    if solution.outcome is Outcome.UNBOUNDED:
        raise RuntimeError("a plan whose every activity is bounded was found to have no end")
    held = {column.name: solution.values[column.name] for column in program.columns if column.yes_no}
    hard = [row for condition in conditions if condition.kind is Kind.GOAL for row in condition.rows]
    met = hard if goal_columns else [*hard, *floors]
    return Solved(
        program=program.with_columns(held),
        aims=aims,
        solution=solution,
        conditions=conditions,
        goal_rows=tuple(row.name for row in met),
        goal_columns=goal_columns,
    )


def _prescription(case: _Case, solved: Solved) -> Prescription:
    values = solved.solution.values
    activities = {t.territory: values[activity(t.territory)] for t in case.patient.treated}
    keys = {}
    for name, options in case.offers.items():
        option, activities[name] = taken(name, options, values)
        keys[name] = option.key
    doses, total = plan_doses(case.patient, case.per_gbq, activities)
    outcomes = goal_outcomes(case.goals, doses)
    slack = _slack(case, activities)
    binding, price = _decisive(case, solved, activities)
    return Prescription(
        objective=case.objective,
        administered_gbq=MappingProxyType(activities),
        binding=binding,
        price=price,
        goals=outcomes,
        whole_normal_gy=total.whole_normal or 0.0,
        tumour_gy=total.tumour,
        slack=MappingProxyType(slack),
        available=MappingProxyType(keys),
        findings=plan_findings(case.objective, case.goals, solved.conditions, activities, outcomes, binding),
    )


def _slack(case: _Case, activities: Mapping[str, float]) -> dict[str, float]:
    slack: dict[str, float] = {}
    for limit in case.limits:
        value = limit_value(limit, case.patient, case.per_gbq, activities)
        if value is not None:
            left = limit.limit.number - value
            slack[limit.name] = min(left, slack.get(limit.name, left))
    return slack


def _decisive(
    case: _Case, solved: Solved, activities: Mapping[str, float]
) -> tuple[tuple[str, ...], Price | None]:
    """What binds, by name, and the price of the first."""
    limits = binding_limits(solved)
    goal = goal_binds(solved)
    price: Price | None = None
    if limits:
        price = limit_price(solved, limits[0], case.patient, case.per_gbq)
    elif goal:
        price = goal_price(solved, case.per_gbq)
    names = [condition.limit.name for condition in limits if condition.limit is not None]
    wishes = {name: offer_wish(solved, name) for name in case.offers}
    unmet = sorted((wish, name) for name, wish in wishes.items() if wish is not None)
    for (_, more), name in unmet:
        names += _next_on_offer(case, name, activities, more=more)
    names += [GOAL] if goal else []
    names += [VIAL] if unmet else []
    return tuple(dict.fromkeys(names)), price


def _next_on_offer(case: _Case, territory: str, activities: Mapping[str, float], *, more: bool) -> list[str]:
    """What keeps a territory from the next activity on offer: from less a goal, from more a limit."""
    offered = sorted({option.administered_gbq for option in case.offers[territory]})
    if not more:
        goals = any(goal.territory == territory for goal in case.goals)
        return [GOAL] if goals and offered[0] < activities[territory] else []
    larger = [gbq for gbq in offered if gbq > activities[territory]]
    if not larger:
        return []
    then = {**activities, territory: larger[0]}
    broken = []
    for limit in case.limits:
        value = limit_value(limit, case.patient, case.per_gbq, then)
        if value is not None and check_limit(limit, value).exceeded:
            broken.append((value / limit.limit.number, limit.name))
    return [max(broken)[1]] if broken else []
