"""The table [loading] of the case file: keys and the kind of value that each takes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from emboplan.embolics.emulsions.reduction import ReductionRule
from emboplan.embolics.end_points import NAMES
from emboplan.model.results.particles import ShuntRisk
from emboplan.workflow.cases.casefields import MassMg, NonEmpty, Positive, VolumeMl, aware, each_once
from emboplan.workflow.cases.loadingfields import (
    DiameterUm,
    DrugDose,
    DurationMin,
    LoadedShare,
    ShareRange,
    SizeChange,
    SizeRange,
    VialsPerSize,
)

# A bound against slips of the keyboard: no session takes so many vials.
Vials = Annotated[int, Field(ge=1, le=100, strict=True)]
Words = Annotated[list[NonEmpty], BeforeValidator(each_once)]


def _end_point(value: object) -> object:
    known = [name.replace("_", "-") for name in NAMES]
    if value not in known:
        raise ValueError(f'found "{value}"; expected one of {", ".join(known)}')
    return value


class LoadingTable(BaseModel):
    """[loading]: what is given; a dose is that of one session."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: NonEmpty | None = None
    sizes: Words = []
    drug: NonEmpty | None = None
    drug_dose: DrugDose | None = None
    vials: Vials | None = None
    vials_per_size: VialsPerSize | None = None
    beads: VolumeMl | None = None
    vial: VolumeMl | None = None
    loading_efficiency_frac: LoadedShare | None = None
    method: NonEmpty | None = None
    solution: VolumeMl | None = None
    solution_mg_per_ml: Positive | None = None
    diluent: NonEmpty | None = None
    drug_vial: MassMg | None = None
    loading_time: DurationMin | None = None
    size_change_frac: SizeChange | None = None
    contrast: VolumeMl | None = None
    mixed_with: NonEmpty | None = None
    catheter_inner_diameter: DiameterUm | None = None
    loaded_at: Annotated[datetime, BeforeValidator(aware)] | None = None
    dose_reduction: ReductionRule | Literal["none"] | None = None
    oil: VolumeMl | None = None
    aqueous: VolumeMl | None = None
    oil_to_aqueous: Positive | None = None
    target_size: SizeRange | None = None
    grades: list[SizeRange] = []
    shunt: ShuntRisk | None = None
    end_point: Annotated[str, BeforeValidator(_end_point)] | None = None
    heart_rate_per_min: Positive | None = None
    spheres_ml_per_100_ml_tumour: ShareRange | None = None
    needle_material: NonEmpty | None = None
    octreotide_plan: NonEmpty | None = None
    antibiotic_plan: NonEmpty | None = None
    crisis_plan: NonEmpty | None = None
    acknowledged: Words = []
    acknowledged_by: NonEmpty | None = None
    doxorubicin_equivalent: Positive | None = None
