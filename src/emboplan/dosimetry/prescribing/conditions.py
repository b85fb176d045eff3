"""What a plan must keep, as rows of a linear program: limits, floors, fixed activities, vials on offer.

Every condition has words of its own, so that conditions that contradict each other can be named. The columns
are the activities administered to the territories, in GBq.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from emboplan.dosimetry.prescribing.plan_doses import earlier, goal_gy_per_gbq, limit_sums
from emboplan.dosimetry.prescribing.prescription import BELOW_BY, SAME_VALUE
from emboplan.dosimetry.prescribing.program import Column, Program, Row
from emboplan.errors import ModelRangeError
from emboplan.model.compartments import PatientCompartments
from emboplan.model.products import DoseLimit
from emboplan.model.results.activity import Doses
from emboplan.model.results.prescription import AvailableActivity, PrescriptionGoal


class Kind(StrEnum):
    """What a condition is."""

    LIMIT = "limit"
    GOAL = "goal"
    FIXED = "fixed"
    VIAL = "vial"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: its words, its rows, and the columns that only it needs.

    `limit` is there for a limit. `room` is what a limit leaves to this plan, in its own unit; an `overdrawn`
    one was exceeded by earlier treatments alone.
    """

    kind: Kind
    text: str
    rows: tuple[Row, ...]
    columns: tuple[Column, ...] = ()
    limit: DoseLimit | None = None
    room: float = math.inf
    overdrawn: bool = False


def activity(territory: str) -> str:
    """The column of a territory's activity."""
    return f"GBq to {territory}"


def program_of(patient: PatientCompartments, conditions: Sequence[Condition]) -> Program:
    """The program of some conditions, before any aim."""
    own = (column for condition in conditions for column in condition.columns)
    rows = (row for condition in conditions for row in condition.rows)
    return Program((*(Column(activity(t.territory)) for t in patient.treated), *own), tuple(rows))


def limit_condition(
    number: int, limit: DoseLimit, patient: PatientCompartments, per_gbq: Mapping[str, Doses]
) -> Condition:
    """A limit as upper sides of its sums; no room where earlier treatments have used it up."""
    before = earlier(limit, patient)
    largest = limit.limit.number * (1 - BELOW_BY if limit.below else 1.0)
    room = largest - before
    if room <= SAME_VALUE * largest:  # less than a check of the limit can tell from nothing
        room = 0.0
    rows = [
        Row(
            f"limit {number} {n}",
            {activity(name): gy for name, gy in one.items() if gy > 0},
            upper=room,
        )
        for n, one in enumerate(limit_sums(limit, patient, per_gbq))
    ]
    where = "" if limit.territory is None else f' of "{limit.territory}"'
    sign = "below" if limit.below else "at most"
    text = f"{limit.quantity}{where} {sign} {limit.limit.number:g} {limit.limit.unit} (limit {limit.name}"
    text += f", of which earlier treatments used {before:g} {limit.limit.unit})" if before else ")"
    kept = tuple(row for row in rows if row.coefficients)
    return Condition(Kind.LIMIT, text, kept, limit=limit, room=room, overdrawn=before > limit.limit.number)


def floor_condition(number: int, goal: PrescriptionGoal, per_gbq: Mapping[str, Doses]) -> Condition:
    """A goal that must be reached, as a lower side in Gy."""
    coefficients = {activity(goal.territory): goal_gy_per_gbq(goal, per_gbq)}
    row = Row(f"goal {number}", coefficients, lower=goal.dose_gy)
    lesions = " in each lesion" if goal.each_lesion else ""
    text = f'{goal.quantity} of "{goal.territory}" at least {goal.dose_gy:g} Gy{lesions} ({goal.source})'
    return Condition(Kind.GOAL, text, (row,))


def fixed_conditions(fixed_gbq: Mapping[str, float], patient: PatientCompartments) -> Iterator[Condition]:
    """Activities that are given."""
    for name, gbq in fixed_gbq.items():
        patient.of(name)
        if not (math.isfinite(gbq) and gbq >= 0):
            raise ModelRangeError(f'fixed activity of "{name}" is {gbq:g} GBq; expected 0 or more')
        row = Row(f"fixed {name}", {activity(name): 1.0}, lower=gbq, upper=gbq)
        yield Condition(Kind.FIXED, f'activity of "{name}" fixed at {gbq:.4g} GBq', (row,))


def offer_condition(territory: str, options: Sequence[AvailableActivity]) -> Condition:
    """Exactly one of the offered activities: all of it, or up to it where it can be divided.

    Of divisible ones the largest stands for all: a smaller one gives nothing that it cannot give.
    """
    keys = [option.key for option in options]
    if not options or len(set(keys)) < len(keys):
        raise ModelRangeError(
            f'territory "{territory}": expected one or more activities on offer, each key once'
        )
    for option in options:
        if not (math.isfinite(option.administered_gbq) and option.administered_gbq >= 0):
            raise ModelRangeError(
                f'territory "{territory}": {option.key} offers {option.administered_gbq:g} GBq; '
                "expected 0 or more"
            )
    takes = whole_columns(territory, options)
    divisible = max((o.administered_gbq for o in options if o.divisible), default=None)
    columns = [Column(name, 0, 1, yes_no=True) for name in takes]
    given = {activity(territory): 1.0} | {name: -gbq for name, gbq in takes.items() if gbq > 0}
    one = dict.fromkeys(takes, 1.0)
    rows = []
    if divisible is not None:
        part, draws = f"{territory} drawn GBq", f"{territory} draws"
        columns.append(Column(part))
        given[part] = -1.0
        if takes:
            columns.append(Column(draws, 0, 1, yes_no=True))
            one[draws] = 1.0
            rows.append(Row(f"{territory} draws at most", {part: 1.0, draws: -divisible}, upper=0.0))
        else:
            rows.append(Row(f"{territory} draws at most", {part: 1.0}, upper=divisible))
    rows.append(Row(offer_row(territory), given, lower=0.0, upper=0.0))
    if takes:
        rows.append(Row(f"{territory} takes one", one, lower=1.0, upper=1.0))
    amounts = ", ".join(f"{gbq:.4g}" for gbq in takes.values())
    parts = [f"one of {amounts} GBq"] if takes else []
    parts += [] if divisible is None else [f"up to {divisible:.4g} GBq"]
    return Condition(
        Kind.VIAL, f'on offer for "{territory}": {" or ".join(parts)}', tuple(rows), tuple(columns)
    )


def whole_columns(territory: str, options: Sequence[AvailableActivity]) -> Mapping[str, float]:
    """The yes-or-no columns of the undivided activities on offer, from the smallest, with their GBq."""
    undivided = sorted({o.administered_gbq for o in options if not o.divisible})
    return {f"{territory} takes {n}": gbq for n, gbq in enumerate(undivided)}


def taken(
    territory: str, options: Sequence[AvailableActivity], values: Mapping[str, float]
) -> tuple[AvailableActivity, float]:
    """Which activity on offer an answer takes, and how much of it (GBq).

    Of divisible ones the smallest that suffices; of equal ones the first offered.
    """
    for column, gbq in whole_columns(territory, options).items():
        if values[column] > 0:
            return next(o for o in options if not o.divisible and o.administered_gbq == gbq), gbq
    drawn = values[activity(territory)]
    parts = sorted((o for o in options if o.divisible), key=lambda o: o.administered_gbq)
    enough = (o for o in parts if o.administered_gbq >= drawn * (1 - SAME_VALUE))
    return next(enough), drawn


def offer_row(territory: str) -> str:
    """The row that ties a territory's activity to what is on offer."""
    return f"{territory} gets what it takes"
