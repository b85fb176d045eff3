"""What holds a plan back, and what the next unit of it would buy.

A limit binds when it is used up and the plan would be better without it: when it has a multiplier in one
of the plan's aims. The price is exact: the rows in force are solved again with the limit moved, so that it is
the slope of the plan's own doses, with the step at which something else begins to bind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emboplan.dosimetry.prescribing.conditions import Condition, activity, offer_row
from emboplan.dosimetry.prescribing.plan_doses import tumour_weights
from emboplan.dosimetry.prescribing.prescription import GOAL
from emboplan.dosimetry.prescribing.program import Aim, Outcome, Program, Solution, direction, solve
from emboplan.model.compartments import PatientCompartments
from emboplan.model.results.activity import Doses, Quantity
from emboplan.model.results.prescription import Price

VIAL = "vial"

# Where several limits meet in one point, the slope is taken this share of the limit further on; the second is
# for a stretch that ends before the first.
STEPS = (1e-4, 1e-7)

# Two slopes that lead back to the same activities, to this share, are one.
SAME_ACTIVITY = 1e-6


@dataclass(frozen=True, slots=True)
class Solved:
    """A solved program: its conditions, its aims (the last one only breaks ties), and the answer.

    `program` has its yes-or-no columns held as in the answer. `goal_rows` are the rows of goals that are
    reached, `goal_columns` the shares of goals that are not all reached.
    """

    program: Program
    aims: tuple[Aim, ...]
    solution: Solution
    conditions: tuple[Condition, ...]
    goal_rows: tuple[str, ...]
    goal_columns: tuple[str, ...]

    @property
    def weighty(self) -> tuple[Mapping[str, float], ...]:
        """The multipliers of the aims that mean something to a reader."""
        return self.solution.multipliers[: len(self.aims) - 1]


def binding_limits(solved: Solved) -> tuple[Condition, ...]:
    """The limits that hold the plan back, the decisive first.

    First those that hold back the first aim; among them by the share of the aim that hangs on the limit, its
    multiplier times the limit.
    """
    found: list[tuple[int, float, int, Condition]] = []
    for n, condition in enumerate(solved.conditions):
        if condition.limit is None:
            continue
        for stage, multipliers in enumerate(solved.weighty):
            weight = math.fsum(abs(multipliers.get(row.name, 0.0)) for row in condition.rows)
            if weight > 0:
                found.append((stage, -weight * condition.limit.limit.number, n, condition))
                break
    return tuple(item[-1] for item in sorted(found, key=lambda item: item[:3]))


def goal_binds(solved: Solved) -> bool:
    """Whether a goal decides: with a lower goal the plan would do better in another aim."""
    every = solved.solution.multipliers
    return bool(_binding_goal_rows(solved)) or any(n in m for m in every for n in solved.goal_columns)


def offer_wish(solved: Solved, territory: str) -> tuple[int, bool] | None:
    """Whether a territory would do better with an activity that is not on offer.

    The number of the first aim that would gain, and whether from more activity; None where none would.
    """
    for stage, multipliers in enumerate(solved.solution.multipliers):
        gain = multipliers.get(offer_row(territory))
        if gain is not None:
            return stage, (gain > 0) == solved.aims[stage].maximise
    return None


def _binding_goal_rows(solved: Solved) -> tuple[str, ...]:
    """Goals that hold any aim back, the least activity too: a tumour alone has no other reason for less."""
    return tuple(n for n in solved.goal_rows if any(n in m for m in solved.solution.multipliers))


def limit_price(
    solved: Solved, limit: Condition, patient: PatientCompartments, per_gbq: Mapping[str, Doses]
) -> Price | None:
    """How many Gy of mean tumour dose one more unit of a limit buys; None without a tumour.

    None also where earlier treatments have gone beyond the limit: one unit more of it leaves nothing still.
    """
    weights = tumour_weights(patient)
    if not weights or limit.limit is None or limit.overdrawn:
        return None
    gains = {name: weight * (per_gbq[name].tumour or 0.0) for name, weight in weights.items()}
    slope = _slope(solved, [row.name for row in limit.rows], gains, limit.limit.limit.number)
    if slope is None:
        return None
    name, unit = limit.limit.name, limit.limit.limit.unit
    return Price(of=name, unit=unit, buys=Quantity.TUMOUR, gy_per_unit=slope[0], up_to=slope[1])


def goal_price(solved: Solved, per_gbq: Mapping[str, Doses]) -> Price | None:
    """How many Gy of whole-normal-liver dose one more Gy of the goals that bind would cost."""
    costs = {name: doses.whole_normal or 0.0 for name, doses in per_gbq.items()}
    rows = _binding_goal_rows(solved)
    size = max((row.lower for row in solved.program.rows if row.name in rows), default=0.0)
    slope = _slope(solved, rows, costs, size) if rows else None
    if slope is None:
        return None
    return Price(of=GOAL, unit="Gy", buys=Quantity.WHOLE_NORMAL, gy_per_unit=slope[0], up_to=slope[1])


def _slope(
    solved: Solved, rows: Sequence[str], gy_per_gbq: Mapping[str, float], size: float
) -> tuple[float, float | None] | None:
    """The change of a dose for one unit of some rows, and how far that holds (None: without end)."""
    rates = dict.fromkeys(rows, 1.0)
    found, start = direction(solved.program, solved.solution.values, rates), 0.0
    if found is None:
        found, start = _beyond(solved, rates, size)
    if found is None:
        return None
    move, reach = found
    gain = math.fsum(gy * move[activity(name)] for name, gy in gy_per_gbq.items())
    return gain, None if math.isinf(reach) else start + reach


def _beyond(
    solved: Solved, rates: Mapping[str, float], size: float
) -> tuple[tuple[Mapping[str, float], float] | None, float]:
    """The direction just beyond a point in which too many rows meet, if it leads back to that point."""
    here = solved.solution.values
    for share in STEPS:
        step = share * size
        program = solved.program.moved(rates, step)
        there = solve(program, solved.aims)
        if there.outcome is not Outcome.OPTIMAL:
            continue
        found = direction(program, there.values, rates)
        if found is not None and _leads_back(here, there.values, found[0], step):
            return found, step
    return None, 0.0


def _leads_back(
    here: Mapping[str, float], there: Mapping[str, float], move: Mapping[str, float], step: float
) -> bool:
    size = max(abs(value) for value in there.values())
    return all(
        abs(there[name] - step * move[name] - here[name]) <= SAME_ACTIVITY * step * max(1.0, size)
        for name in here
    )
