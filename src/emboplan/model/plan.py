"""A plan: every input digest, setting, intermediate result and finding of one case.

`Plan` is what becomes plan.json: it holds numbers and text, no arrays and no clock time but the case's own,
so that the same inputs give the same bytes. `PlannedCase` is the plan together with the images that it was
made from, for the report and the DICOM objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from emboplan.model.anatomy import Anatomy
from emboplan.model.case import Patient
from emboplan.model.directive import WrittenDirective
from emboplan.model.finding import Finding
from emboplan.model.image import ActivityMap, CountImage, CtImage, DoseMap
from emboplan.model.mask import Mask
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.burden import Burden
from emboplan.model.results.dvh import StructureDvh
from emboplan.model.results.eligibility import Eligibility
from emboplan.model.results.embolization import EmbolizationPlan
from emboplan.model.results.extrahepatic import ExtrahepaticUptake
from emboplan.model.results.liver_function import LiverFunction
from emboplan.model.results.schedule import Schedule
from emboplan.model.results.shunt import LungShunt
from emboplan.model.results.uptake import TumourToNormal
from emboplan.model.serialise import fields_to_json


@dataclass(frozen=True, slots=True)
class InputDigest:
    """One input: its role, its name as the case gives it, the number of files and their SHA-256."""

    role: str
    name: str
    files: int
    sha256: str


@dataclass(frozen=True, slots=True)
class UsedNumber:
    """A number that the plan used: its value, its unit, who says so, and how sure that is."""

    name: str
    value: float
    unit: str
    source: str
    status: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What the plan was told or took as default; `sources` says what each key of a source stands for."""

    kind: str
    protocol: str | None
    intent: str | None
    device: str | None
    models: tuple[str, ...]
    k_gy_kg_per_gbq: float | None
    treatment_time: str | None
    numbers: tuple[UsedNumber, ...]
    software: dict[str, str]
    sources: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnatomySummary:
    """The CT that was planned on and the contours' origin."""

    ct_size_voxels: tuple[int, int, int]
    ct_spacing_mm: tuple[float, float, float]
    backend: str
    confirmed_by: str | None
    lungs_complete: bool
    body_ml: float | None
    backend_version: str | None = None
    backend_licence: str | None = None
    history: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageUncertainty:
    """What the accuracy of the images does to the mean dose of a structure: relative standard uncertainties.

    `relative_sd` is of all parts together; a part is None where nothing is known of it. `quantifiable` is
    None where the resolution is not known.
    """

    name: str
    relative_sd: float
    registration_relative_sd: float | None
    resolution_relative_sd: float | None
    shunt_relative_sd: float | None
    quantifiable: bool | None


@dataclass(frozen=True, slots=True)
class DoseSummary:
    """The voxel dose: method, grid, and the histogram of each structure.

    `convolved_frac` and `transported_frac` are shares of the activity, both 0 for local deposition.
    `relative_error` is what transport was asked for in lesions and normal liver, None where nothing is
    statistical; `reached` says whether it is met.
    """

    method: str
    voxel_spacing_mm: tuple[float, float, float]
    image_resolution_fwhm_mm: float | None
    administered_gbq: float
    counts_outside_frac: float
    structures: tuple[StructureDvh, ...]
    convolved_frac: float = 0.0
    transported_frac: float = 0.0
    histories: int = 0
    relative_error: float | None = None
    reached: bool = True
    image_accuracy: tuple[ImageUncertainty, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One computed check of the plan by itself."""

    id: str
    text: str
    value: float
    limit: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole plan, as in plan.json; parts that the case does not need are None."""

    emboplan_version: str
    catalogue_digest: str
    inputs: tuple[InputDigest, ...]
    settings: Settings
    patient: Patient
    anatomy: AnatomySummary
    burden: Burden
    eligibility: Eligibility | None
    shunt: LungShunt | None
    tumour_to_normal: TumourToNormal | None
    activity: ActivityPlan | None
    dose: DoseSummary | None
    loading: EmbolizationPlan | None
    schedule: Schedule | None
    findings: tuple[Finding, ...]
    provisional: bool
    checks: tuple[Check, ...]
    device_label: Eligibility | None = None
    liver_function: LiverFunction | None = None
    extrahepatic: ExtrahepaticUptake | None = None
    directive: WrittenDirective | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields of plan.json."""
        return fields_to_json(self)


# What the DICOM door keeps about the source series; the plan only carries it from the reader to the writers.
SourceT = TypeVar("SourceT")


@dataclass(frozen=True, slots=True, eq=False)
class PlannedCase(Generic[SourceT]):
    """A plan and the images that it was made from; `source` is the CT's DICOM header where it had one.

    `territories` are those that are not the whole liver, by name, in the order of the case. `laid` is what a
    registration laid on the CT, accepted or not, and `registration` what is said of it; None without one.
    """

    plan: Plan
    anatomy: Anatomy
    spect: CountImage | None = None
    dose: DoseMap | None = None
    source: SourceT | None = field(default=None)
    territories: Mapping[str, Mask] = field(default_factory=lambda: MappingProxyType({}))
    laid: CtImage | CountImage | ActivityMap | None = None
    registration: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields of plan.json; the images are not part of it."""
        return self.plan.to_json()
