"""A case: who is treated, from which images, with what intent, device, goals and limits.

The values of a case file after validation, with paths resolved and quantities in the unit that the name
says. Nothing is guessed here: what the file does not say is None.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from emboplan.errors import ModelRangeError
from emboplan.model.disease import TumourType
from emboplan.model.loading_request import AskedDose, LoadingRequest
from emboplan.model.patient import PatientFacts
from emboplan.model.results.administration import Reading
from emboplan.model.results.prescription import Objective
from emboplan.model.schedule_request import ScheduleRequest


class Sex(StrEnum):
    """Sex as entered."""

    FEMALE = "F"
    MALE = "M"


class ProcedureKind(StrEnum):
    """What is going to be done."""

    TARE = "tare"
    DEB_TACE = "deb-tace"
    CTACE = "ctace"
    BLAND = "bland"


class Intent(StrEnum):
    """How much of the liver is treated, and to what end."""

    SEGMENTECTOMY = "segmentectomy"
    LOBECTOMY = "lobectomy"
    LOBAR = "lobar"
    BILOBAR_SEQUENTIAL = "bilobar-sequential"
    WHOLE_LIVER = "whole-liver"


class ActivityModel(StrEnum):
    """Models of the activity to administer.

    ``partition`` has one tumour-to-normal ratio, ``multi`` one for each lesion, ``single`` none. ``bsa`` and
    ``empiric`` are the activity rules of resin; ``artery-specific`` is Kao's variant; ``voxel`` scales the
    dose map of the simulation scan.
    """

    PARTITION = "partition"
    MULTI = "multi"
    SINGLE = "single"
    BSA = "bsa"
    EMPIRIC = "empiric"
    ARTERY_SPECIFIC = "artery-specific"
    VOXEL = "voxel"


class DoseMethod(StrEnum):
    """How energy is carried from the decays to the voxels."""

    AUTO = "auto"
    LOCAL = "local"
    VOXEL_S = "voxel-s"
    VOXEL_S_DENSITY = "voxel-s-density"
    TRANSPORT = "transport"

    @property
    def is_statistical(self) -> bool:
        """Whether electrons are drawn at random."""
        return self in (DoseMethod.AUTO, DoseMethod.TRANSPORT)


class PriorKind(StrEnum):
    """What an earlier treatment was."""

    TARE = "tare"
    PRRT = "prrt"
    DRUG = "drug"
    EXTERNAL_BEAM = "external-beam"
    BILIARY = "biliary"


@dataclass(frozen=True, slots=True)
class Patient:
    """What identifies and sizes the patient in a plan."""

    id: str
    sex: Sex | None = None
    age_years: int | None = None
    height_cm: float | None = None
    weight_kg: float | None = None


@dataclass(frozen=True, slots=True)
class MaskSource:
    """A file that holds a mask, and the label or segment name to take from it."""

    path: Path
    label: str | None = None

    def __str__(self) -> str:
        return f"{self.path.name}#{self.label}" if self.label else self.path.name


@dataclass(frozen=True, slots=True)
class ImageSources:
    """The images and masks of the case; `maa_resolution_fwhm_mm` is what the camera's owner measured.

    `maa_ct` is the CT taken with the SPECT. `register` is how a SPECT outside the CT's frame of reference is
    brought there (``rigid``), None not at all; `accept_shift_mm` accepts a shift above the tolerance.
    `planar` are the two whole-body or chest views of the simulation, `planar_regions` lungs and liver drawn
    on them. `segments` is a label map of Couinaud's segments, numbered 1 to 8, or a folder of their masks.
    """

    ct: Path
    ct_series: str | None = None
    maa: Path | None = None
    maa_resolution_fwhm_mm: float | None = None
    planar: Path | None = None
    planar_regions: Path | None = None
    liver: MaskSource | None = None
    tumours: MaskSource | None = None
    confirmed_by: str | None = None
    maa_ct: Path | None = None
    register: str | None = None
    accept_shift_mm: float | None = None
    segments: Path | None = None


@dataclass(frozen=True, slots=True)
class DoseGoal:
    """A mean absorbed dose to reach, and who says so; `each_lesion` asks it of every lesion alone."""

    dose_gy: float
    source: str
    each_lesion: bool = False


def _no_lesions() -> Mapping[int, float]:
    return MappingProxyType({})


def _named(lesions_ml: Mapping[int, float]) -> Iterator[tuple[str, float]]:
    return ((f"the volume of lesion {label}", volume) for label, volume in lesions_ml.items())


@dataclass(frozen=True, slots=True)
class EnteredVolumes:
    """Volumes of a territory in a case without images: all of it, and each lesion by its number."""

    perfused_ml: float
    lesions_ml: Mapping[int, float] = field(default_factory=_no_lesions)

    def __post_init__(self) -> None:
        """Refuse volumes that cannot be."""
        for name, volume in (("perfused_ml", self.perfused_ml), *_named(self.lesions_ml)):
            if not (math.isfinite(volume) and volume > 0):
                raise ModelRangeError(f"{name} is {volume:g} mL; expected a number above 0")


@dataclass(frozen=True, slots=True)
class ArterySpecific:
    """What the artery-specific model takes instead: a ratio of activities and a tumour-to-lung shunt."""

    tumour_to_normal_activity_ratio: float
    tumour_lung_shunt_frac: float


@dataclass(frozen=True, slots=True)
class CuttingPlane:
    """A plane through the liver, in mm (x, y, z; LPS); the territory is the side to which `normal` points.

    The normal has length 1.
    """

    point_mm: tuple[float, float, float]
    normal: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Refuse what is no plane."""
        length = math.hypot(*self.normal)
        if not all(map(math.isfinite, (*self.point_mm, *self.normal))) or not math.isclose(length, 1.0):
            raise ModelRangeError("the plane needs a finite point and a normal of length 1")


@dataclass(frozen=True, slots=True)
class Territory:
    """A part of the liver treated from one catheter position.

    It is a mask, one side of a plane, Couinaud segments by number, or where the counts of the MAA scan reach
    a share of their maximum in the liver; without any, the whole liver. `tumour_labels` None means all
    lesions inside it;
    `tumour_to_normal` and `lung_shunt_frac` None mean: measured on the MAA scan. `lesion_ratios` are the
    ratios of single lesions, by number. `hypertrophy_goal` is the least dose of the normal liver that is
    treated. `device` is None where it is the plan's. `drug_dose` is what this territory gets of a drug; None
    is its share of the session's. `volumes` stand in for images.
    """

    name: str
    mask: MaskSource | None = None
    tumour_labels: tuple[int, ...] | None = None
    tumour_to_normal: float | None = None
    lung_shunt_frac: float | None = None
    tumour_goal: DoseGoal | None = None
    perfused_goal: DoseGoal | None = None
    administered_gbq: float | None = None
    session: int = 1
    lesion_ratios: Mapping[int, float] = field(default_factory=_no_lesions)
    hypertrophy_goal: DoseGoal | None = None
    device: str | None = None
    artery_specific: ArterySpecific | None = None
    volumes: EnteredVolumes | None = None
    drug_dose: AskedDose | None = None
    plane: CuttingPlane | None = None
    segments: tuple[int, ...] = ()
    maa_threshold_frac: float | None = None

    @property
    def is_drawn(self) -> bool:
        """Whether something says which part of the liver it is; else it is the whole liver."""
        drawn = (self.mask, self.plane, self.maa_threshold_frac)
        return bool(self.segments) or any(one is not None for one in drawn)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that the user sets; None means the catalogue's, where it has one.

    `lung_mass_from_ct` asks for the lung mass from CT density instead of `lung_mass_g` or the default.
    """

    perfused_normal_gy: float | None = None
    whole_normal_gy: float | None = None
    lung_session_gy: float | None = None
    lung_cumulative_gy: float | None = None
    lung_mass_g: float | None = None
    lung_mass_from_ct: bool = False


@dataclass(frozen=True, slots=True)
class PriorTreatment:
    """An earlier treatment: the absorbed dose that it left in lungs and normal liver, or the drug given.

    A drug has its dose in mg/m2 or in mg. `doxorubicin_equivalent` is the user's own ratio of an
    anthracycline to doxorubicin.
    """

    date: str | None = None
    lung_gy: float = 0.0
    whole_normal_gy: float = 0.0
    kind: PriorKind = PriorKind.TARE
    drug: str | None = None
    drug_mg_per_m2: float | None = None
    note: str | None = None
    drug_mg: float | None = None
    doxorubicin_equivalent: float | None = None


@dataclass(frozen=True, slots=True)
class VialOrder:
    """The vial: its size and calibration where they are fixed, else chosen; what stays behind; its spheres.

    `custom` admits the maker's sizes made to order beside the standard ones.
    """

    size_gbq: float | None = None
    calibration_time: datetime | None = None
    residual_frac: float = 0.0
    spheres: float | None = None
    custom: bool = False


@dataclass(frozen=True, slots=True)
class EnteredUncertainty:
    """Standard uncertainties that the user states, relative but for shunt, residual and registration.

    None is not stated. `source` says where they come from.
    """

    source: str
    lung_shunt_frac: float | None = None
    tumour_to_normal_rel: float | None = None
    lesion_volume_rel: float | None = None
    normal_volume_rel: float | None = None
    lung_mass_rel: float | None = None
    calibration_rel: float | None = None
    residual_frac: float | None = None
    registration_mm: float | None = None


@dataclass(frozen=True, slots=True)
class VialLabel:
    """The activity printed on a vial, at the moment of calibration."""

    activity_gbq: float
    calibration_time: datetime


@dataclass(frozen=True, slots=True)
class RecordedAdministration:
    """What was read on the day of treatment of one territory; None where nobody recorded it.

    `territory` None is the only one of the case, `device` None the territory's or the plan's. `spheres` are
    those put up for the patient. `pet_scanner_nuclide` is what the PET scanner was told where that was not
    the true one; `pet_lungs_in_field` whether the PET shows the lungs.
    """

    injection_time: datetime
    before: Reading
    after: Reading
    territory: str | None = None
    device: str | None = None
    label: VialLabel | None = None
    assay: Reading | None = None
    draw_before: Reading | None = None
    draw_after: Reading | None = None
    image_total: Reading | None = None
    stasis: bool | None = None
    spheres: float | None = None
    pet_scanner_nuclide: str | None = None
    pet_lungs_in_field: bool | None = None


@dataclass(frozen=True, slots=True)
class Procedure:
    """The treatment that is planned."""

    kind: ProcedureKind = ProcedureKind.TARE
    protocol: str | None = None
    intent: Intent | None = None
    device: str | None = None
    models: tuple[ActivityModel, ...] = (ActivityModel.PARTITION, ActivityModel.SINGLE)
    k_gy_kg_per_gbq: float | None = None
    liver_density_g_per_ml: float | None = None
    treatment_time: datetime | None = None
    tumour_type: TumourType = TumourType.NET
    objective: Objective = Objective.MEET_GOAL
    dose_coefficient: str | None = None
    body_surface: str | None = None
    dose_method: DoseMethod = DoseMethod.LOCAL

    def __post_init__(self) -> None:
        """Refuse a moment that could be any of twenty-four hours."""
        moment = self.treatment_time
        if moment is not None and moment.utcoffset() is None:
            raise ModelRangeError(
                f"treatment_time {moment.isoformat()} has no time zone; give a datetime with one"
            )


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a plan starts from; `source` is the case file, for messages and digests.

    A case has images, or the volumes of its territories and `liver_ml` instead. `vial` is None where no
    vial is to be chosen.
    """

    source: Path
    patient: Patient
    images: ImageSources | None
    procedure: Procedure = field(default_factory=Procedure)
    territories: tuple[Territory, ...] = ()
    limits: Limits = field(default_factory=Limits)
    priors: tuple[PriorTreatment, ...] = ()
    facts: PatientFacts = field(default_factory=PatientFacts)
    vial: VialOrder | None = None
    uncertainty: EnteredUncertainty | None = None
    liver_ml: float | None = None
    administrations: tuple[RecordedAdministration, ...] = ()
    schedule: ScheduleRequest | None = None
    loading: LoadingRequest | None = None
