"""A case: who is treated, from which images, with what intent, device, goals and limits.

The values of a case file after validation, with paths resolved and quantities in the unit that the name
says. Nothing is guessed here: what the file does not say is None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from emboplan.model.patient import PatientFacts


class Sex(StrEnum):
    """Sex as entered."""

    FEMALE = "F"
    MALE = "M"


class ProcedureKind(StrEnum):
    """What is going to be done."""

    TARE = "tare"


class Intent(StrEnum):
    """How much of the liver is treated, and to what end."""

    SEGMENTECTOMY = "segmentectomy"
    LOBECTOMY = "lobectomy"
    LOBAR = "lobar"
    BILOBAR_SEQUENTIAL = "bilobar-sequential"
    WHOLE_LIVER = "whole-liver"


class ActivityModel(StrEnum):
    """Models of the activity to administer."""

    PARTITION = "partition"
    SINGLE = "single"


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
    """The images and masks of the case; `maa_resolution_fwhm_mm` is what the camera's owner measured."""

    ct: Path
    ct_series: str | None = None
    maa: Path | None = None
    maa_resolution_fwhm_mm: float | None = None
    liver: MaskSource | None = None
    tumours: MaskSource | None = None
    confirmed_by: str | None = None


@dataclass(frozen=True, slots=True)
class DoseGoal:
    """A mean absorbed dose to reach, and who says so."""

    dose_gy: float
    source: str


@dataclass(frozen=True, slots=True)
class Territory:
    """A part of the liver treated from one catheter position.

    Without a mask it is the whole liver. `tumour_labels` None means all lesions inside it;
    `tumour_to_normal` and `lung_shunt_frac` None mean: measured on the MAA scan.
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
    """Absorbed dose that an earlier radioembolization left in lungs and normal liver."""

    date: str
    lung_gy: float = 0.0
    whole_normal_gy: float = 0.0


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


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a plan starts from; `source` is the case file, for messages and digests."""

    source: Path
    patient: Patient
    images: ImageSources
    procedure: Procedure = field(default_factory=Procedure)
    territories: tuple[Territory, ...] = ()
    limits: Limits = field(default_factory=Limits)
    priors: tuple[PriorTreatment, ...] = ()
    facts: PatientFacts = field(default_factory=PatientFacts)
