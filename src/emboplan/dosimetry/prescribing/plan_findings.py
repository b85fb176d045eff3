"""What a reader of a prescription must know beside its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from emboplan.dosimetry.prescribing.conditions import Condition
from emboplan.model.finding import Finding, Severity
from emboplan.model.results.prescription import GoalOutcome, Objective, PrescriptionGoal


def plan_findings(
    objective: Objective,
    goals: Sequence[PrescriptionGoal],
    conditions: Sequence[Condition],
    activities: Mapping[str, float],
    outcomes: Sequence[GoalOutcome],
    binding: Sequence[str],
) -> tuple[Finding, ...]:
    """Limits that are used up, goals that are not reached, territories that no goal speaks of."""
    found = []
    for condition in conditions:
        if condition.limit is not None and condition.rows and condition.room == 0:
            text = f"Earlier treatments have used up {condition.text}: nothing is left for this plan."
            found.append(Finding("limit-used-up", Severity.WARNING, text, condition.limit.limit.source_text))
    for outcome in outcomes:
        if not outcome.met:
            quantity, cause = (
                outcome.quantity.replace("_", " "),
                ", ".join(binding).replace("_", " ") or "fixed activities",
            )
            text = (
                f"{outcome.territory}: {quantity} reaches {outcome.reached_gy:.3g} Gy of the goal of "
                f"{outcome.goal_gy:g} Gy; held back by {cause}."
            )
            found.append(Finding("goal-not-met", Severity.WARNING, text, outcome.source))
    with_goal = {goal.territory for goal in goals}
    for name, gbq in activities.items():
        if objective is Objective.MEET_GOAL and gbq == 0 and name not in with_goal:
            text = f"{name}: has no goal, so the plan gives it no activity. Enter a goal, or its activity."
            found.append(Finding("territory-without-goal", Severity.INFO, text))
    return tuple(found)
