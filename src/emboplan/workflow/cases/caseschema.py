"""The tables and keys of the case file, with the kind of value that each takes.

pydantic checks a parsed file against these and reports every mistake at once; `casefile` words them.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from emboplan.model.case import ActivityModel, DoseMethod, Intent, PriorKind, ProcedureKind, Sex
from emboplan.model.disease import TumourType
from emboplan.model.results.prescription import Objective
from emboplan.workflow.cases.casefields import (
    ActivityGbq,
    DoseGy,
    DurationH,
    LengthCm,
    LengthMm,
    LesionRatios,
    LesionVolumesMl,
    MassKg,
    MassMg,
    NonEmpty,
    PlaceMm,
    Positive,
    PriorDoseGy,
    Ratio,
    ReadingValue,
    Relative,
    ShuntFrac,
    ThresholdFrac,
    VolumeMl,
    aware,
    day,
    day_or_moment,
    each_once,
    labels,
    lung_mass,
    period_text,
    procedure_kind,
    segment_numbers,
)
from emboplan.workflow.cases.loadingfields import DrugDose
from emboplan.workflow.cases.loadingschema import LoadingTable

Moment = Annotated[datetime, BeforeValidator(aware)]
Flag = Annotated[bool, Field(strict=True)]
LungMass = Annotated[float | Literal["ct"], BeforeValidator(lung_mass)]
Day = Annotated[date, BeforeValidator(day)]
DayOrMoment = Annotated[datetime | date, BeforeValidator(day_or_moment)]
# Bounds against slips of the keyboard: nobody has so many sessions, or waits so many days.
Count = Annotated[int, Field(ge=1, le=200, strict=True)]
WholeDays = Annotated[int, Field(ge=0, le=365, strict=True)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PatientTable(_Table):
    """[patient]."""

    id: NonEmpty
    sex: Sex | None = None
    age_years: Annotated[int, Field(ge=0, strict=True)] | None = None
    date_of_birth: Day | None = None
    height: LengthCm | None = None
    weight: MassKg | None = None


class ImagesTable(_Table):
    """[images]: paths relative to the case file."""

    ct: NonEmpty
    ct_series: NonEmpty | None = None
    maa: NonEmpty | None = None
    maa_resolution: LengthMm | None = None
    maa_ct: NonEmpty | None = None
    register_: Annotated[Literal["rigid"] | None, Field(alias="register")] = None
    accept_shift: LengthMm | None = None
    planar: NonEmpty | None = None
    planar_regions: NonEmpty | None = None
    liver: NonEmpty | None = None
    tumours: NonEmpty | None = None
    segments: NonEmpty | None = None
    confirmed_by: str = ""


class VolumesTable(_Table):
    """[volumes]: what stands in for images; the territories give theirs."""

    liver: VolumeMl


class GoalTable(_Table):
    """A dose to reach, and who says so."""

    dose: DoseGy
    source: NonEmpty
    each_lesion: Flag = False


class ProcedureTable(_Table):
    """[procedure]."""

    kind: Annotated[ProcedureKind, BeforeValidator(procedure_kind)] = ProcedureKind.TARE
    protocol: str | None = None
    intent: Intent | None = None
    device: str | None = None
    tumour_type: TumourType = TumourType.NET
    models: Annotated[list[ActivityModel], BeforeValidator(each_once), Field(min_length=1)] = [
        ActivityModel.PARTITION,
        ActivityModel.SINGLE,
    ]
    objective: Objective = Objective.MEET_GOAL
    dose_coefficient: str | None = None
    k_gy_kg_per_gbq: Positive | None = None
    liver_density_g_per_ml: Positive | None = None
    body_surface: Literal["dubois", "mosteller"] | None = None
    dose_method: DoseMethod = DoseMethod.LOCAL
    treatment_time: Moment | None = None


class ArterySpecificTable(_Table):
    """What the artery-specific model takes: neither of the two is T/N or lung shunt."""

    activity_ratio: Positive
    tumour_lung_shunt_frac: ShuntFrac


class PlaneTable(_Table):
    """A plane through the liver: a point and the normal into the territory, or three points and a side."""

    point: PlaceMm | None = None
    normal: PlaceMm | None = None
    points: Annotated[list[PlaceMm], Field(min_length=3, max_length=3)] | None = None
    side: Literal["right", "left", "front", "back", "head", "feet"] | None = None


class TerritoryTable(_Table):
    """[[territory]]."""

    name: NonEmpty
    mask: NonEmpty | None = None
    plane: PlaneTable | None = None
    segments: Annotated[list[int], BeforeValidator(segment_numbers)] = []
    maa_threshold_frac: ThresholdFrac | None = None
    tumours: Annotated[Literal["all"] | list[int], BeforeValidator(labels)] = "all"
    volume: VolumeMl | None = None
    lesion_volumes: LesionVolumesMl | None = None
    device: str | None = None
    tumour_to_normal: Ratio | None = None
    lesion_tumour_to_normal: LesionRatios | None = None
    lung_shunt_frac: ShuntFrac | None = None
    artery_specific: ArterySpecificTable | None = None
    tumour_goal: GoalTable | None = None
    perfused_goal: GoalTable | None = None
    hypertrophy_goal: GoalTable | None = None
    administered: ActivityGbq | None = None
    drug_dose: DrugDose | None = None
    session: Annotated[int, Field(ge=1, strict=True)] | None = None


class LimitsTable(_Table):
    """[limits]: what is not given is taken from the catalogue, where it has a value."""

    perfused_normal: DoseGy | None = None
    whole_normal: DoseGy | None = None
    lung_session: DoseGy | None = None
    lung_cumulative: DoseGy | None = None
    lung_mass: LungMass | None = None


class PriorTable(_Table):
    """[[prior]]: an earlier treatment of the liver."""

    kind: PriorKind
    date: Day | None = None
    lung_dose: PriorDoseGy = 0.0
    whole_normal_dose: PriorDoseGy = 0.0
    drug: NonEmpty | None = None
    dose_mg_per_m2: Positive | None = None
    dose: MassMg | None = None
    doxorubicin_equivalent: Positive | None = None
    note: NonEmpty | None = None


class VialTable(_Table):
    """[vial]: what is fixed of it; the rest is chosen."""

    size: ActivityGbq | None = None
    calibration_time: Moment | None = None
    residual_frac: Relative = 0.0
    spheres: Positive | None = None
    custom: Flag = False


class UncertaintyTable(_Table):
    """[uncertainty]: standard uncertainties, with their source."""

    source: NonEmpty
    lung_shunt_frac: Relative | None = None
    tumour_to_normal_rel: Relative | None = None
    lesion_volume_rel: Relative | None = None
    normal_volume_rel: Relative | None = None
    lung_mass_rel: Relative | None = None
    calibration_rel: Relative | None = None
    residual_frac: Relative | None = None
    registration_mm: Positive | None = None


class ReadingTable(_Table):
    """One reading of an instrument."""

    value: ReadingValue
    time: Moment
    background: ReadingValue | None = None
    instrument: NonEmpty | None = None
    geometry: NonEmpty | None = None


class LabelTable(_Table):
    """The label of the vial."""

    activity: ActivityGbq
    calibration_time: Moment


class AdministrationTable(_Table):
    """[[administration]]: what was read on the day of treatment."""

    territory: NonEmpty | None = None
    device: str | None = None
    injection_time: Moment
    before: ReadingTable
    after: ReadingTable
    label: LabelTable | None = None
    assay: ReadingTable | None = None
    draw_before: ReadingTable | None = None
    draw_after: ReadingTable | None = None
    image_total: ReadingTable | None = None
    stasis: Flag | None = None
    spheres: Positive | None = None
    pet_scanner_nuclide: NonEmpty | None = None
    pet_lungs_in_field: Flag | None = None


class ScheduleSessionTable(_Table):
    """[[schedule.session]]: a session that was done, or put on a day by the team."""

    number: Count
    date: DayOrMoment
    done: Flag
    territories: Annotated[list[NonEmpty], BeforeValidator(each_once)] = []
    drug_dose: MassMg | None = None
    activity: ActivityGbq | None = None


class ScheduleCycleTable(_Table):
    """[[schedule.cycle]]: a cycle that began, or will, on a day of its own."""

    number: Count
    date: Day


class ScheduleEventTable(_Table):
    """[[schedule.event]]: something that happened and that the protocol has a rule for."""

    event: NonEmpty
    date: Day


class ScheduleTable(_Table):
    """[schedule]: the treatment calendar; the protocol is that of [procedure]."""

    start: DayOrMoment | None = None
    zone: NonEmpty | None = None
    arm: NonEmpty | None = None
    sessions: Count | None = None
    session_length: DurationH | None = None
    cycles: Count | None = None
    later_cycle: Count | None = None
    window_days: WholeDays | None = None
    simulation: Day | None = None
    imaging_every: Annotated[str, BeforeValidator(period_text)] | None = None
    scan_lead_days: WholeDays = 0
    drug_dose: MassMg | None = None
    course_mg_per_m2: dict[str, Positive] = {}
    holidays: list[Day] = []
    issued: Day | None = None
    revision: Annotated[int, Field(ge=0, strict=True)] = 0
    session: list[ScheduleSessionTable] = []
    cycle: list[ScheduleCycleTable] = []
    event: list[ScheduleEventTable] = []


class CaseTable(_Table):
    """The whole file, [facts] apart."""

    patient: PatientTable
    images: ImagesTable | None = None
    volumes: VolumesTable | None = None
    procedure: ProcedureTable = ProcedureTable()
    territory: list[TerritoryTable] = []
    limits: LimitsTable = LimitsTable()
    vial: VialTable | None = None
    uncertainty: UncertaintyTable | None = None
    prior: list[PriorTable] = []
    administration: list[AdministrationTable] = []
    loading: LoadingTable | None = None
    schedule: ScheduleTable | None = None
