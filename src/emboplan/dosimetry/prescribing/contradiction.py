"""Conditions that no activity can keep together: which ones, and what each of them asks for.

Two that contradict each other are looked for first, of several limits the tightest; where no two do, a
smallest set is named of which every one is needed for the contradiction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

from emboplan.dosimetry.prescribing.conditions import Condition, Kind, activity, program_of
from emboplan.dosimetry.prescribing.program import Aim, Outcome, Program, solve
from emboplan.errors import InfeasiblePlanError
from emboplan.model.compartments import PatientCompartments


def contradiction(patient: PatientCompartments, conditions: Sequence[Condition]) -> InfeasiblePlanError:
    """The error that names conditions which contradict each other, with what each needs or allows."""
    demands = [condition for condition in conditions if condition.kind is not Kind.LIMIT]
    limits = [condition for condition in conditions if condition.kind is Kind.LIMIT]
    with_limits = [(d, c) for c in limits for d in demands if not _possible(patient, (d, c))]
    others = (pair for pair in combinations(demands, 2) if not _possible(patient, pair))
    worst = max(with_limits, key=lambda pair: _overstep(patient, *pair), default=None) or next(others, None)
    if worst is not None:
        first, second = worst
        text = f"{first.text} and {second.text} contradict each other{_numbers(patient, first, second)}"
        return InfeasiblePlanError(f"{text}; change one of them", (first.text, second.text))
    needed = list(conditions)
    for condition in conditions:
        without = [other for other in needed if other is not condition]
        if not _possible(patient, without):
            needed = without
    texts = tuple(condition.text for condition in needed)
    message = f"these {len(texts)} conditions contradict each other together: {'; '.join(texts)}"
    return InfeasiblePlanError(f"{message}{_excess(patient, needed)}; change one of them", texts)


def _possible(patient: PatientCompartments, conditions: Sequence[Condition]) -> bool:
    program = program_of(patient, conditions)
    return solve(program, [_least(program)]).outcome is Outcome.OPTIMAL


def _least(program: Program) -> Aim:
    return Aim({program.columns[0].name: 1.0}, maximise=False)


def _numbers(patient: PatientCompartments, first: Condition, second: Condition) -> str:
    for needs, allows in permutations((("first", first), ("second", second))):
        for least, most in _ranges(patient, needs[1], allows[1]):
            if least > most:
                return (
                    f": the {needs[0]} needs at least {least:.4g} GBq, "
                    f"the {allows[0]} allows at most {most:.4g} GBq"
                )
    return ""


def _overstep(patient: PatientCompartments, needs: Condition, allows: Condition) -> float:
    """How many times more than the second allows the first needs: the tightest limit is the one to name."""
    return max(
        (least / most if most > 0 else math.inf for least, most in _ranges(patient, needs, allows)),
        default=0.0,
    )


def _ranges(
    patient: PatientCompartments, needs: Condition, allows: Condition
) -> Iterator[tuple[float, float]]:
    """For each territory that the second bounds: what the first needs, and what the second allows."""
    for treated in patient.treated:
        name = activity(treated.territory)
        most = solve(program_of(patient, [allows]), [Aim({name: 1.0})])
        if most.outcome is Outcome.OPTIMAL:
            least = solve(program_of(patient, [needs]), [Aim({name: 1.0}, maximise=False)])
            yield least.values[name], most.values[name]


def _excess(patient: PatientCompartments, conditions: Sequence[Condition]) -> str:
    """What the others need of a limit's quantity, where one limit is among the conditions."""
    limits = [condition for condition in conditions if condition.limit is not None]
    if len(limits) != 1 or limits[0].limit is None:
        return ""
    (one,) = limits
    others = program_of(patient, [condition for condition in conditions if condition is not one])
    for row in one.rows:
        least = solve(others, [Aim(row.coefficients, maximise=False)])
        if least.outcome is Outcome.OPTIMAL:
            value = sum(gy * least.values[name] for name, gy in row.coefficients.items())
            if value > one.room:
                unit = limits[0].limit.limit.unit
                return (
                    f": the others need at least {value:.4g} {unit}, the limit leaves {one.room:.4g} {unit}"
                )
    return ""
