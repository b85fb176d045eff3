"""Whole vials chosen by looking at every combination of them, where these are few.

A plan of two or three territories has some hundred combinations of the vials on offer, which take less time
than one call of a mixed-integer solver. The order of the aims is that of the linear program: each chooses
among the combinations that are best for the one before. Where a territory may take any activity, or part of a
vial, or where the combinations are too many, the linear program chooses.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from emboplan.dosimetry.prescribing.conditions import Condition, Kind, activity, whole_columns
from emboplan.dosimetry.prescribing.plan_doses import goal_gy_per_gbq, tumour_weights
from emboplan.dosimetry.prescribing.prescription import SAME_VALUE
from emboplan.dosimetry.prescribing.scaled import ROUNDING
from emboplan.model.compartments import PatientCompartments
from emboplan.model.results.activity import Doses
from emboplan.model.results.prescription import AvailableActivity, Objective, PrescriptionGoal

Array = NDArray[np.float64]

# All combinations of this many take about a millisecond.
MOST_COMBINATIONS = 20_000


def are_few(
    patient: PatientCompartments,
    offers: Mapping[str, Sequence[AvailableActivity]],
    fixed_gbq: Mapping[str, float],
) -> bool:
    """Whether every activity is fixed or a whole vial, and the combinations can all be looked at."""
    open_ones = [t.territory for t in patient.treated if t.territory not in offers.keys() | fixed_gbq.keys()]
    divisible = any(option.divisible for options in offers.values() for option in options)
    count = math.prod(len(options) for options in offers.values())
    return bool(offers) and not open_ones and not divisible and count <= MOST_COMBINATIONS


def best_combination(
    patient: PatientCompartments,
    per_gbq: Mapping[str, Doses],
    *,
    objective: Objective,
    goals: Sequence[PrescriptionGoal],
    conditions: Sequence[Condition],
    offers: Mapping[str, Sequence[AvailableActivity]],
    fixed_gbq: Mapping[str, float],
) -> Mapping[str, float] | None:
    """The yes-or-no columns of the best combination, each 0 or 1; None where none keeps every condition.

    `goals` are those to be met if they can be. Of combinations that are equally good in all aims it takes the
    first, in the order of smaller vials.
    """
    names = [t.territory for t in patient.treated]
    columns = {name: whole_columns(name, options) for name, options in offers.items()}
    choices = [tuple(columns[name].values()) if name in columns else (fixed_gbq[name],) for name in names]
    gbq = np.array(list(itertools.product(*choices)))
    gbq = gbq[_kept(gbq, names, conditions)]
    if not len(gbq):
        return None
    places = {name: n for n, name in enumerate(names)}
    aims = _objective_aims(gbq, names, objective, patient, per_gbq)
    if goals:
        reached = np.stack(
            [
                gbq[:, places[goal.territory]] * (goal_gy_per_gbq(goal, per_gbq) / goal.dose_gy)
                for goal in goals
            ]
        )
        met = (reached >= 1 - ROUNDING).all(axis=0)
        if met.any():
            gbq, aims = gbq[met], [aim[met] for aim in aims]
        else:
            shares = np.minimum(reached, 1.0)
            aims = [shares.min(axis=0), shares.mean(axis=0), *aims]
    taken = dict(zip(names, gbq[_first_best(aims)], strict=True))
    return {
        column: float(amount == taken[name])
        for name, each in columns.items()
        for column, amount in each.items()
    }


def _kept(gbq: Array, names: Sequence[str], conditions: Sequence[Condition]) -> NDArray[np.bool_]:
    """Which combinations keep every limit and every hard goal."""
    kept = np.ones(len(gbq), dtype=bool)
    for condition in conditions:
        if condition.kind not in (Kind.LIMIT, Kind.GOAL):
            continue
        for row in condition.rows:
            value = gbq @ np.array([row.coefficients.get(activity(name), 0.0) for name in names])
            kept &= value <= row.upper + ROUNDING * abs(row.upper)
            kept &= value >= row.lower - ROUNDING * abs(row.lower)
    return kept


def _objective_aims(
    gbq: Array,
    names: Sequence[str],
    objective: Objective,
    patient: PatientCompartments,
    per_gbq: Mapping[str, Doses],
) -> list[Array]:
    """The aims of an objective, each to be made large; the least activity comes last."""
    least = -gbq.sum(axis=1)
    if objective is Objective.MEET_GOAL:
        whole = np.array([per_gbq[name].whole_normal or 0.0 for name in names])
        return [-(gbq @ whole), least]
    weights = tumour_weights(patient)
    mean = gbq @ np.array([weights[name] * (per_gbq[name].tumour or 0.0) for name in names])
    if objective is Objective.MAXIMISE_TUMOUR:
        return [mean, least]
    lowest = [
        gbq[:, n] * min(per_gbq[name].lesions.values())
        for n, name in enumerate(names)
        if per_gbq[name].lesions
    ]
    return [np.min(lowest, axis=0), mean, least]


def _first_best(aims: Sequence[Array]) -> int:
    left = np.arange(len(aims[0]))
    for aim in aims:
        best = float(aim[left].max())
        left = left[aim[left] >= best - SAME_VALUE * abs(best)]
    return int(left[0])
