"""What a plan asks for beside its question: models, patient, vial, day, how sure the inputs are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from emboplan.model.case import ActivityModel, EnteredUncertainty, Patient, VialOrder
from emboplan.model.results.activity_plan import PublishedValue
from emboplan.workflow.planning.certainty import Evidence
from emboplan.workflow.planning.rule_models import LiverVolumes


@dataclass(frozen=True, slots=True)
class Request:
    """What a plan asks beside the `Question` of its models."""

    models: tuple[ActivityModel, ...]
    patient: Patient
    liver: LiverVolumes
    evidence: Evidence
    vial: VialOrder | None = None
    treatment_time: datetime | None = None
    body_surface: str | None = None
    uncertainty: EnteredUncertainty | None = None
    k_name: str | None = None
    published: tuple[PublishedValue, ...] = ()
