"""What a plan prescribed: the activity and the doses of each territory, read from plan.json or from a plan.

Only what a comparison after treatment needs is read. A plan of another patient, or one without an activity,
is refused. The result of `emboplan activity` serves too; it names no patient, so that nobody can be checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from emboplan.errors import InputError
from emboplan.model.case import Case
from emboplan.model.plan import Plan, PlannedCase
from emboplan.model.results.activity import Doses, Quantity
from emboplan.model.results.activity_plan import ActivityPlan

PLAN_JSON = "plan.json"

PlanSource = Plan | PlannedCase[Any] | ActivityPlan | Mapping[str, Any] | Path | str


@dataclass(frozen=True, slots=True)
class PlannedTerritory:
    """One territory as planned: the activity to administer (GBq) and the doses that it gives."""

    name: str
    model: str
    administered_gbq: float
    doses_gy: Doses


@dataclass(frozen=True, slots=True)
class PlannedDoses:
    """The territories of a plan, its lung shunt, and the lowest limits on the lungs."""

    territories: Mapping[str, PlannedTerritory]
    lung_shunt_frac: float | None
    lung_limit_gy: float | None
    lung_limit_gbq: float | None


def planned_doses(plan: PlanSource, case: Case) -> PlannedDoses:
    """What a plan prescribed for a case.

    `plan` is a plan folder, its plan.json, the JSON of `emboplan activity`, or one of them as a value.

    Raises:
        InputError: no plan, one of another patient, or one without an activity.
    """
    content, name = _content(plan)
    try:
        return _read(content, name, case)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{name} is not a plan that can be read; write the plan again") from error


def _content(plan: PlanSource) -> tuple[Mapping[str, Any], str]:
    if isinstance(plan, Plan | PlannedCase):
        return plan.to_json(), "the plan"
    if isinstance(plan, ActivityPlan):
        return {"activity": plan.to_json()}, "the plan"
    if isinstance(plan, Mapping):
        return plan, "the plan"
    path = Path(plan)
    file = path / PLAN_JSON if path.is_dir() else path
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path.name} holds no readable {PLAN_JSON}; give a folder written by `emboplan plan`"
        ) from error
    except ValueError as error:
        raise InputError(f"{file.name} is not JSON; write the plan again") from error
    if isinstance(content, dict) and {"models", "chosen"} <= set(content):
        return {"activity": content}, file.name
    if not isinstance(content, dict) or "emboplan_version" not in content:
        raise InputError(f"{file.name} is not a plan of emboplan; give a folder written by `emboplan plan`")
    return content, file.name


def _read(content: Mapping[str, Any], name: str, case: Case) -> PlannedDoses:
    if "patient" in content and content["patient"]["id"] != case.patient.id:
        raise InputError(f"{name} is the plan of another patient than the case; give the plan of this case")
    activity = content["activity"]
    chosen = None if activity is None else activity["chosen"]
    if chosen is None:
        raise InputError(f"{name} holds no chosen activity; complete the plan, or enter `administered`")
    territories = {
        result["territory"]: PlannedTerritory(
            name=result["territory"],
            model=result["model"],
            administered_gbq=float(result["administered_gbq"]),
            doses_gy=_doses(result["doses_gy"]),
        )
        for result in activity["models"]
        if result["model"] == chosen["model"]
    }
    shunt = content.get("shunt")
    lung = [c["limit_gy"] for c in chosen["limits"] if c["quantity"] == Quantity.LUNG]
    to_lungs = [c["limit_gbq"] for c in chosen["limits"] if c["quantity"] == Quantity.LUNG_ACTIVITY]
    return PlannedDoses(
        territories=MappingProxyType(territories),
        lung_shunt_frac=None if shunt is None else float(shunt["lung_shunt_frac"]),
        lung_limit_gy=min(lung, default=None),
        lung_limit_gbq=min(to_lungs, default=None),
    )


def _doses(given: Mapping[str, Any]) -> Doses:
    return Doses(
        tumour=given["tumour"],
        perfused_normal=given["perfused_normal"],
        whole_normal=given["whole_normal"],
        perfused=given["perfused"],
        lung=given["lung"],
        lesions=MappingProxyType({str(label): float(dose) for label, dose in given["lesions"].items()}),
    )
