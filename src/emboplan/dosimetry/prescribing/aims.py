"""What a plan strives for, as aims of a linear program that are taken in order.

The least total activity is the last aim of every objective: it breaks what is left of a tie.
"""

from __future__ import annotations

from collections.abc import Mapping

from emboplan.dosimetry.prescribing.conditions import activity
from emboplan.dosimetry.prescribing.plan_doses import goal_gy_per_gbq, tumour_weights
from emboplan.dosimetry.prescribing.program import Aim, Column, Row
from emboplan.model.compartments import PatientCompartments
from emboplan.model.results.activity import Doses
from emboplan.model.results.prescription import Objective, PrescriptionGoal


def objective_aims(
    objective: Objective, patient: PatientCompartments, per_gbq: Mapping[str, Doses]
) -> tuple[list[Column], list[Row], tuple[Aim, ...]]:
    """The aims of an objective, with the columns and rows that they need; the least activity comes last."""
    least = Aim({activity(name): 1.0 for name in per_gbq}, maximise=False)
    if objective is Objective.MEET_GOAL:
        whole = {activity(name): doses.whole_normal or 0.0 for name, doses in per_gbq.items()}
        return [], [], (Aim(whole, maximise=False), least)
    weights = tumour_weights(patient)
    mean = Aim({activity(name): weight * (per_gbq[name].tumour or 0.0) for name, weight in weights.items()})
    if objective is Objective.MAXIMISE_TUMOUR:
        return [], [], (mean, least)
    lowest = "lowest lesion dose"
    rows = [
        Row(f"{lowest} {name}", {activity(name): min(doses.lesions.values()), lowest: -1.0}, lower=0.0)
        for name, doses in per_gbq.items()
        if doses.lesions
    ]
    return [Column(lowest)], rows, (Aim({lowest: 1.0}), mean, least)


def share_aims(
    goals: Mapping[int, PrescriptionGoal], per_gbq: Mapping[str, Doses]
) -> tuple[list[Column], list[Row], tuple[Aim, Aim]]:
    """Goals that cannot all be met: each has a share of at most 1; first the smallest, then the mean."""
    smallest = "smallest share"
    columns, rows = [Column(smallest, upper=1.0)], []
    for n, goal in goals.items():
        share = f"share {n}"
        columns.append(Column(share, upper=1.0))
        reached = goal_gy_per_gbq(goal, per_gbq) / goal.dose_gy
        rows.append(Row(f"reaches {share}", {activity(goal.territory): reached, share: -1.0}, lower=0.0))
        rows.append(Row(f"{smallest} {n}", {share: 1.0, smallest: -1.0}, lower=0.0))
    mean = {column.name: 1.0 / len(goals) for column in columns[1:]}
    return columns, rows, (Aim({smallest: 1.0}), Aim(mean))
