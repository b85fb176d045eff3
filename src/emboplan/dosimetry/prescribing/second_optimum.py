"""The second calculation's best plan: root finding for one territory, all corners for up to four.

A linear program has its best answer in a corner of what is allowed. With few territories all corners can be
listed: every choice of as many bounds as there are unknowns, solved and kept where no bound is broken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from emboplan.dosimetry.prescribing.second_energy import Recomputed, Sum, goal_value, recompute
from emboplan.model.results.activity import Quantity
from emboplan.model.results.prescription import Objective, PrescriptionGoal
from emboplan.model.second_check_input import CheckedPlan

Array = NDArray[np.float64]

# More territories than this have too many corners to list in a moment.
MOST_TERRITORIES = 4

# A corner may break a bound by this share of it: what solving for the corner loses.
KEPT = 1e-9

# Rows of a corner that are closer to parallel than this, each scaled to length 1, do not meet in one point.
PARALLEL = 1e-12

# Corners solved together.
AT_ONCE = 20_000

# Relative precision of the root, far below the tolerance of the comparison; no absolute one matters beside
# it.
ROOT = 1e-13
SMALLEST = 1e-300

# Doublings of the bracket after which a dose is taken never to reach its goal: 2^200 GBq is no activity.
DOUBLINGS = 200


@dataclass(frozen=True, slots=True)
class Best:
    """The best that the second calculation finds, and what the plan reaches of the same."""

    name: str
    unit: str
    planned: float
    best: float


def single_activity(plan: CheckedPlan, sums: Sequence[Sum]) -> float | None:
    """The activity of a plan of one territory, by bracketing on the forward calculation.

    None where nothing bounds it.
    """
    territory = plan.territories[0]

    def limited(quantity: Quantity) -> Callable[[float], float]:
        return lambda gbq: recompute(territory, plan, gbq).of(quantity) or 0.0

    def asked(goal: PrescriptionGoal) -> Callable[[float], float]:
        return lambda gbq: goal_value(goal, recompute(territory, plan, gbq))

    ceilings = [_activity_for(limited(one.limit.quantity), one.room) for one in sums]
    lowest = min(ceilings, default=math.inf)
    if plan.objective is Objective.MEET_GOAL:
        wanted = [_activity_for(asked(goal), goal.dose_gy) for goal in plan.goals]
        lowest = min(max(wanted, default=math.inf), lowest)
    return lowest if math.isfinite(lowest) else None


def _activity_for(dose_of: Callable[[float], float], dose: float) -> float:
    """The activity at which a dose that grows with it reaches a value, infinite where it never does."""
    if dose <= 0:
        return 0.0 if dose_of(1.0) > 0 else math.inf
    high = 1.0
    for _ in range(DOUBLINGS):
        if dose_of(high) >= dose:
            return float(brentq(lambda gbq: dose_of(gbq) - dose, 0.0, high, rtol=ROOT, xtol=SMALLEST))
        high *= 2.0
    return math.inf


def best_of_several(
    plan: CheckedPlan, ones: Mapping[str, Recomputed], sums: Sequence[Sum], planned_gbq: Mapping[str, float]
) -> Best | None:
    """The best value of the plan's aim over all corners, beside the plan's; None where there is no corner.

    Where not all goals can be met, the aim is the smallest share of a goal that is reached.
    """
    names = [territory.territory for territory in plan.territories]
    here = np.array([planned_gbq[name] for name in names])
    rows, sides = _limit_rows(sums, names)
    goal_rows = np.array([_goal_row(plan, ones, number, names) for number in range(len(plan.goals))])
    goal_rows = goal_rows.reshape(-1, len(names))
    bounds = np.vstack([rows, -goal_rows]), np.concatenate([sides, -np.ones(len(goal_rows))])
    corners = _corners(*bounds)
    if len(corners):
        return _best_aim(plan, ones, names, here, bounds, corners)
    hard = np.array([goal.hard for goal in plan.goals], dtype=bool)
    return _best_share(here, rows, sides, goal_rows, hard)


def _limit_rows(sums: Sequence[Sum], names: Sequence[str]) -> tuple[Array, Array]:
    """Limits scaled to 1 (or to 0 where they are used up), and activities of at least 0."""
    rows = [-row for row in np.eye(len(names))]
    sides = [0.0] * len(names)
    for one in sums:
        row = np.array([one.per_gbq.get(name, 0.0) for name in names])
        if row.any():
            room = max(one.room, 0.0)
            rows.append(row / room if room > 0 else row / row.max())
            sides.append(1.0 if room > 0 else 0.0)
    return np.array(rows), np.array(sides)


def _goal_row(plan: CheckedPlan, ones: Mapping[str, Recomputed], number: int, names: Sequence[str]) -> Array:
    goal = plan.goals[number]
    share = goal_value(goal, ones[goal.territory]) / goal.dose_gy
    return np.array([share if name == goal.territory else 0.0 for name in names])


def _best_aim(
    plan: CheckedPlan,
    ones: Mapping[str, Recomputed],
    names: Sequence[str],
    here: Array,
    bounds: tuple[Array, Array],
    corners: Array,
) -> Best:
    if plan.objective is Objective.MEET_GOAL:
        aim = np.array([ones[name].whole_normal for name in names])
        return Best("whole normal liver", "Gy", float(aim @ here), float((corners @ aim).min()))
    if plan.objective is Objective.MAXIMISE_TUMOUR:
        grams = np.array([sum(t.lesions_ml.values()) * t.tumour_density_g_per_ml for t in plan.territories])
        aim = grams / grams.sum() * np.array([ones[name].tumour or 0.0 for name in names])
        return Best("mean tumour dose", "Gy", float(aim @ here), float((corners @ aim).max()))
    least = np.diag([min(ones[name].lesions.values(), default=0.0) for name in names])
    lesions = least[[bool(ones[name].lesions) for name in names]]
    best = _largest_smallest(*bounds, lesions, math.inf)
    return Best("lowest lesion dose", "Gy", float((lesions @ here).min()), best)


def _best_share(
    here: Array, rows: Array, sides: Array, goal_rows: Array, hard: NDArray[np.bool_]
) -> Best | None:
    """The largest smallest share of the goals that are not conditions."""
    wishes, floors = goal_rows[~hard], goal_rows[hard]
    if not len(wishes):
        return None
    bounds = np.vstack([rows, -floors])
    best = _largest_smallest(bounds, np.concatenate([sides, -np.ones(len(floors))]), wishes, 1.0)
    if math.isnan(best):
        return None
    planned = min(1.0, float((wishes @ here).min()))
    return Best("smallest share of a goal", "1", planned, best)


def _largest_smallest(rows: Array, sides: Array, values: Array, at_most: float) -> float:
    """The largest that the smallest of some values can be: corners with that smallest value as an unknown."""
    scale = max(float(values.max()), math.ulp(0.0))
    wide = np.hstack([rows, np.zeros((len(rows), 1))])
    below = np.hstack([-values / scale, np.ones((len(values), 1))])
    last = np.zeros((1, wide.shape[1]))
    last[0, -1] = 1.0
    lows, ends = np.vstack([wide, below, -last]), np.concatenate([sides, np.zeros(len(values)), [0.0]])
    if math.isfinite(at_most):
        lows, ends = np.vstack([lows, last]), np.append(ends, at_most / scale)
    corners = _corners(lows, ends)
    return float(corners[:, -1].max()) * scale if len(corners) else math.nan


def _corners(rows: Array, sides: Array) -> Array:
    """All points in which enough of `rows @ x <= sides` are equalities and none is broken."""
    unknowns = rows.shape[1]
    length = np.linalg.norm(rows, axis=1)
    kept = length > 0
    if (sides[~kept] < 0).any():
        return np.empty((0, unknowns))
    scaled, ends = rows[kept] / length[kept, np.newaxis], sides[kept] / length[kept]
    found = []
    choices = combinations(range(len(scaled)), unknowns)
    while chosen := list(islice(choices, AT_ONCE)):
        at = np.array(chosen)
        systems = scaled[at]
        meets = np.abs(np.linalg.det(systems)) > PARALLEL
        points = np.linalg.solve(systems[meets], ends[at[meets]][..., np.newaxis])[..., 0]
        size = np.maximum(np.abs(ends), np.abs(points).max(axis=1)[:, np.newaxis])
        found.append(points[(points @ scaled.T <= ends + KEPT * size).all(axis=1)])
    return np.concatenate(found) if found else np.empty((0, unknowns))
