"""The doses of a plan of one or more territories, held against every limit: the one place of their sums.

Doses of a territory are its activity times its response. Whole normal liver and lungs are shared: their doses
sum over territories. A limit on one treatment looks at each session, a cumulative one at all sessions and at
earlier treatments. Of several territories or sessions a check shows the one with the largest value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from emboplan.dosimetry.prescribing.prescription import SAME_VALUE, check_limit
from emboplan.dosimetry.prescribing.response import responses
from emboplan.errors import ModelRangeError
from emboplan.model.compartments import PatientCompartments, TreatedCompartments
from emboplan.model.products import DoseLimit, Scope
from emboplan.model.results.activity import Doses, LimitCheck, Quantity
from emboplan.model.results.prescription import AvailableActivity, GoalOutcome, PrescriptionGoal

ALL_TERRITORIES = "all territories"

SHARED = (Quantity.WHOLE_NORMAL, Quantity.LUNG, Quantity.LUNG_ACTIVITY)
GOAL_QUANTITIES = (Quantity.TUMOUR, Quantity.PERFUSED, Quantity.PERFUSED_NORMAL)


@dataclass(frozen=True, slots=True)
class AlternativeDoses:
    """One offered activity of a territory, and the plan that it would give with the others as they are.

    `territory_gy` are the doses of that territory, `total_gy` those of the whole plan. `goals_met` is None
    where there is no goal.
    """

    option: AvailableActivity
    administered_gbq: float
    territory_gy: Doses
    total_gy: Doses
    kept: bool
    goals_met: bool | None
    exceeded: tuple[str, ...]


def evaluate(
    patient: PatientCompartments,
    *,
    administered_gbq: Mapping[str, float],
    limits: Iterable[DoseLimit] = (),
    per_gbq: Mapping[str, Doses] | None = None,
) -> tuple[Mapping[str, Doses], Doses, tuple[LimitCheck, ...]]:
    """The doses of each territory, those of the whole plan, and every limit that says something of it.

    Each territory needs its activity (0 for none). In a plan of several territories `perfused` and
    `perfused_normal` of the whole are None: they belong to one territory each. `per_gbq` are the patient's
    responses, where they are at hand.
    """
    per_gbq = responses(patient) if per_gbq is None else per_gbq
    activities = complete_activities(patient, administered_gbq)
    by_territory, total = plan_doses(patient, per_gbq, activities)
    checks = []
    for limit in limits:
        value = limit_value(limit, patient, per_gbq, activities)
        if value is not None:
            checks.append(check_limit(limit, value))
    return by_territory, total, tuple(checks)


def alternatives(
    patient: PatientCompartments,
    *,
    limits: Sequence[DoseLimit],
    goals: Sequence[PrescriptionGoal],
    territory: str,
    options: Sequence[AvailableActivity],
    others_gbq: Mapping[str, float],
) -> tuple[AlternativeDoses, ...]:
    """What each offered activity of one territory would give, all of it administered, in their order."""
    rows = []
    per_gbq = responses(patient)
    for option in options:
        activities = {**others_gbq, territory: option.administered_gbq}
        doses, total, checks = evaluate(patient, administered_gbq=activities, limits=limits, per_gbq=per_gbq)
        exceeded = tuple(check.name for check in checks if check.exceeded)
        met = [outcome.met for outcome in goal_outcomes(goals, doses)]
        rows.append(
            AlternativeDoses(
                option=option,
                administered_gbq=option.administered_gbq,
                territory_gy=doses[territory],
                total_gy=total,
                kept=not exceeded,
                goals_met=all(met) if met else None,
                exceeded=exceeded,
            )
        )
    return tuple(rows)


def complete_activities(
    patient: PatientCompartments, administered_gbq: Mapping[str, float]
) -> Mapping[str, float]:
    """The activity of each territory in the patient's order; `ModelRangeError` unless all are there."""
    for name, gbq in administered_gbq.items():
        patient.of(name)
        if not (math.isfinite(gbq) and gbq >= 0):
            raise ModelRangeError(f'activity of territory "{name}" is {gbq:g} GBq; expected 0 or more')
    missing = [t.territory for t in patient.treated if t.territory not in administered_gbq]
    if missing:
        raise ModelRangeError(f'no activity for territory "{missing[0]}"; give one for each (0 for none)')
    return {t.territory: float(administered_gbq[t.territory]) for t in patient.treated}


def limit_sums(
    limit: DoseLimit, patient: PatientCompartments, per_gbq: Mapping[str, Doses]
) -> tuple[Mapping[str, float], ...]:
    """The sums that a limit bounds: for each, what 1 GBq to each territory adds to it.

    One sum for each territory (perfused liver, tumour), for each session (shared structures, one treatment),
    or one for all (cumulative). A limit of one device bounds nothing where no territory takes it; a dose that
    territories share counts all of them. Empty for a limit that no activity changes.
    """
    quantity = limit.quantity
    members = limited_territories(limit, patient)
    if quantity is Quantity.LUNG_SHUNT or not members:
        return ()
    if quantity not in SHARED:
        found = ((t.territory, per_gbq[t.territory].of(quantity)) for t in members)
        return tuple({name: value} for name, value in found if value is not None)
    if limit.territory is None and quantity is not Quantity.LUNG_ACTIVITY:
        members = patient.treated
    sums: dict[int, dict[str, float]] = {}
    for t in members:
        session = 0 if limit.scope is Scope.CUMULATIVE else t.session
        dose = per_gbq[t.territory].of(quantity)
        value = t.lung_shunt_frac if quantity is Quantity.LUNG_ACTIVITY else dose
        sums.setdefault(session, {})[t.territory] = value or 0.0
    return tuple(sums[session] for session in sorted(sums))


def limited_territories(limit: DoseLimit, patient: PatientCompartments) -> tuple[TreatedCompartments, ...]:
    """The territories that a limit speaks of, by its territory and its device."""
    treated = patient.treated if limit.territory is None else (patient.of(limit.territory),)
    return tuple(t for t in treated if limit.device is None or t.device in (None, limit.device))


def earlier(limit: DoseLimit, patient: PatientCompartments) -> float:
    """What earlier treatments have used of a limit."""
    return patient.prior_gy.get(limit.quantity, 0.0) if limit.scope is Scope.CUMULATIVE else 0.0


def limit_value(
    limit: DoseLimit,
    patient: PatientCompartments,
    per_gbq: Mapping[str, Doses],
    administered_gbq: Mapping[str, float],
) -> float | None:
    """The value beside a limit; None for a limit that says nothing of this plan."""
    if limit.quantity is Quantity.LUNG_SHUNT:
        return max((t.lung_shunt_frac for t in limited_territories(limit, patient)), default=None)
    values = (
        math.fsum(gy * administered_gbq[name] for name, gy in one.items())
        for one in limit_sums(limit, patient, per_gbq)
    )
    largest = max(values, default=None)
    return None if largest is None else largest + earlier(limit, patient)


def goal_gy_per_gbq(goal: PrescriptionGoal, per_gbq: Mapping[str, Doses]) -> float:
    """What 1 GBq gives of a goal's quantity; with `each_lesion`, to the lesion that gets least."""
    if goal.quantity not in GOAL_QUANTITIES:
        raise ModelRangeError(
            f"a goal on {goal.quantity} cannot be planned; expected one on {', '.join(GOAL_QUANTITIES)}"
        )
    if goal.territory not in per_gbq:
        raise ModelRangeError(
            f'goal on territory "{goal.territory}", which is not in the plan; check its name'
        )
    if not (math.isfinite(goal.dose_gy) and goal.dose_gy > 0):
        raise ModelRangeError(
            f'goal of territory "{goal.territory}" is {goal.dose_gy:g} Gy; expected above 0'
        )
    dose = goal_dose(goal, per_gbq[goal.territory])
    if not dose:
        raise ModelRangeError(
            f'territory "{goal.territory}" holds no {goal.quantity} volume, so no activity reaches its goal'
        )
    return dose


def goal_dose(goal: PrescriptionGoal, doses: Doses) -> float | None:
    """The dose that a goal is about."""
    if goal.each_lesion and goal.quantity is Quantity.TUMOUR:
        return min(doses.lesions.values(), default=None)
    return doses.of(goal.quantity)


def goal_outcomes(goals: Iterable[PrescriptionGoal], doses: Mapping[str, Doses]) -> tuple[GoalOutcome, ...]:
    """Each goal beside what the plan reaches."""
    outcomes = []
    for goal in goals:
        reached = goal_dose(goal, doses[goal.territory]) or 0.0
        met = reached >= goal.dose_gy * (1 - SAME_VALUE)
        outcomes.append(GoalOutcome(goal.territory, goal.quantity, goal.dose_gy, reached, met, goal.source))
    return tuple(outcomes)


def tumour_weights(patient: PatientCompartments) -> Mapping[str, float]:
    """The share of each territory's lesions in the mass of all; empty without a lesion."""
    mass_g = math.fsum(t.tumour_mass_g for t in patient.treated)
    return {t.territory: t.tumour_mass_g / mass_g for t in patient.treated} if mass_g else {}


def plan_doses(
    patient: PatientCompartments, per_gbq: Mapping[str, Doses], administered_gbq: Mapping[str, float]
) -> tuple[Mapping[str, Doses], Doses]:
    """The doses of each territory and of the whole plan, from its activities and responses."""
    doses = {name: per_gbq[name].scaled(gbq) for name, gbq in administered_gbq.items()}
    return MappingProxyType(doses), _total(patient, doses)


def _total(patient: PatientCompartments, doses: Mapping[str, Doses]) -> Doses:
    if len(doses) == 1:
        return next(iter(doses.values()))
    weights = tumour_weights(patient)
    tumour = math.fsum((doses[name].tumour or 0.0) * weight for name, weight in weights.items())
    lesions = {label: gy for one in doses.values() for label, gy in one.lesions.items()}
    return Doses(
        tumour=tumour if weights else None,
        whole_normal=math.fsum(one.whole_normal or 0.0 for one in doses.values()),
        lung=math.fsum(one.lung or 0.0 for one in doses.values()),
        lesions=MappingProxyType(dict(sorted(lesions.items(), key=lambda item: int(item[0])))),
    )
