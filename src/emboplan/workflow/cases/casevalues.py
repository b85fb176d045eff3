"""From the checked tables of a case file to a `Case`, with paths resolved against the file's folder."""

from __future__ import annotations

import math
from pathlib import Path
from types import MappingProxyType

import numpy as np

from emboplan.errors import ModelRangeError
from emboplan.model.case import (
    ArterySpecific,
    Case,
    CuttingPlane,
    DoseGoal,
    EnteredUncertainty,
    EnteredVolumes,
    ImageSources,
    Limits,
    MaskSource,
    Patient,
    PriorTreatment,
    Procedure,
    ProcedureKind,
    RecordedAdministration,
    Territory,
    VialLabel,
    VialOrder,
)
from emboplan.model.patient import PatientFacts
from emboplan.model.results.administration import Reading
from emboplan.model.schedule_request import (
    RecordedCycle,
    RecordedEvent,
    RecordedSession,
    ScheduleRequest,
)
from emboplan.workflow.cases.casefields import period
from emboplan.workflow.cases.caseschema import (
    AdministrationTable,
    ArterySpecificTable,
    CaseTable,
    GoalTable,
    ImagesTable,
    LimitsTable,
    PlaneTable,
    PriorTable,
    ProcedureTable,
    ReadingTable,
    ScheduleTable,
    TerritoryTable,
)
from emboplan.workflow.cases.loadingvalues import loading_request
from emboplan.workflow.inputs import parse_mask_source

FIRST_SESSION = 1

# Directions of the patient in LPS.
SIDES = {
    "right": (-1.0, 0.0, 0.0),
    "left": (1.0, 0.0, 0.0),
    "front": (0.0, -1.0, 0.0),
    "back": (0.0, 1.0, 0.0),
    "head": (0.0, 0.0, 1.0),
    "feet": (0.0, 0.0, -1.0),
}


def case_of(path: Path, table: CaseTable, facts: PatientFacts) -> Case:
    """The case of a checked table; `path` is the case file."""
    folder, patient = path.parent, table.patient
    return Case(
        source=path,
        patient=Patient(
            id=patient.id,
            sex=patient.sex,
            age_years=patient.age_years,
            height_cm=patient.height,
            weight_kg=patient.weight,
        ),
        images=None if table.images is None else _images(table.images, folder),
        procedure=_procedure(table.procedure),
        territories=tuple(
            _territory(territory, folder, session)
            for territory, session in zip(table.territory, sessions_of(table), strict=True)
        ),
        limits=_limits(table.limits),
        priors=tuple(_prior(prior) for prior in table.prior),
        facts=facts,
        vial=None
        if table.vial is None
        else VialOrder(
            size_gbq=table.vial.size,
            calibration_time=table.vial.calibration_time,
            residual_frac=table.vial.residual_frac,
            spheres=table.vial.spheres,
            custom=table.vial.custom,
        ),
        uncertainty=None
        if table.uncertainty is None
        else EnteredUncertainty(**table.uncertainty.model_dump()),
        liver_ml=None if table.volumes is None else table.volumes.liver,
        administrations=tuple(_administration(given) for given in table.administration),
        schedule=None if table.schedule is None else schedule_request(table.schedule),
        loading=None if table.loading is None else loading_request(table.loading),
    )


def mask_source(text: str, folder: Path) -> MaskSource:
    """A mask of the case file, its path resolved."""
    source = parse_mask_source(text)
    return MaskSource(path=folder / source.path, label=source.label)


def _path(text: str | None, folder: Path) -> Path | None:
    return None if text is None else folder / text


def _mask(text: str | None, folder: Path) -> MaskSource | None:
    return None if text is None else mask_source(text, folder)


def _images(images: ImagesTable, folder: Path) -> ImageSources:
    return ImageSources(
        ct=folder / images.ct,
        ct_series=images.ct_series,
        maa=_path(images.maa, folder),
        maa_resolution_fwhm_mm=images.maa_resolution,
        planar=_path(images.planar, folder),
        planar_regions=_path(images.planar_regions, folder),
        liver=_mask(images.liver, folder),
        tumours=_mask(images.tumours, folder),
        confirmed_by=images.confirmed_by or None,
        maa_ct=_path(images.maa_ct, folder),
        register=images.register_,
        accept_shift_mm=images.accept_shift,
        segments=_path(images.segments, folder),
    )


def _procedure(table: ProcedureTable) -> Procedure:
    return Procedure(
        kind=table.kind,
        protocol=table.protocol,
        intent=table.intent,
        device=table.device,
        models=tuple(table.models),
        k_gy_kg_per_gbq=table.k_gy_kg_per_gbq,
        liver_density_g_per_ml=table.liver_density_g_per_ml,
        treatment_time=table.treatment_time,
        tumour_type=table.tumour_type,
        objective=table.objective,
        dose_coefficient=table.dose_coefficient,
        body_surface=table.body_surface,
        dose_method=table.dose_method,
    )


def _goal(goal: GoalTable | None) -> DoseGoal | None:
    if goal is None:
        return None
    return DoseGoal(dose_gy=goal.dose, source=goal.source, each_lesion=goal.each_lesion)


def _artery_specific(table: ArterySpecificTable | None) -> ArterySpecific | None:
    if table is None:
        return None
    return ArterySpecific(table.activity_ratio, table.tumour_lung_shunt_frac)


def sessions_of(table: CaseTable) -> tuple[int, ...]:
    """The session of each territory: as stated, else 1, or for an embolization one after the other."""
    apart = table.procedure.kind is not ProcedureKind.TARE
    return tuple(
        territory.session or (number if apart else FIRST_SESSION)
        for number, territory in enumerate(table.territory, start=FIRST_SESSION)
    )


def _territory(table: TerritoryTable, folder: Path, session: int) -> Territory:
    volumes = None
    if table.volume is not None:
        volumes = EnteredVolumes(table.volume, MappingProxyType(dict(table.lesion_volumes or {})))
    return Territory(
        name=table.name,
        mask=_mask(table.mask, folder),
        tumour_labels=None if table.tumours == "all" else tuple(table.tumours),
        tumour_to_normal=table.tumour_to_normal,
        lung_shunt_frac=table.lung_shunt_frac,
        tumour_goal=_goal(table.tumour_goal),
        perfused_goal=_goal(table.perfused_goal),
        administered_gbq=table.administered,
        drug_dose=table.drug_dose,
        session=session,
        lesion_ratios=MappingProxyType(dict(table.lesion_tumour_to_normal or {})),
        hypertrophy_goal=_goal(table.hypertrophy_goal),
        device=table.device,
        artery_specific=_artery_specific(table.artery_specific),
        volumes=volumes,
        plane=None if table.plane is None else cutting_plane(table.plane),
        segments=tuple(table.segments),
        maa_threshold_frac=table.maa_threshold_frac,
    )


def cutting_plane(table: PlaneTable) -> CuttingPlane:
    """The plane of a territory; `ModelRangeError` where its numbers make none."""
    if table.point is not None and table.normal is not None:
        point, normal = table.point, table.normal
        what = "normal: found length 0; expected a direction into the territory, such as [-1, 0, 0]"
    else:
        a, b, c = (np.array(p) for p in table.points or ((0.0, 0.0, 0.0),) * 3)
        across = np.cross(b - a, c - a)
        x, y, z = (float(v) for v in across)
        point, normal = (float(a[0]), float(a[1]), float(a[2])), (x, y, z)
        what = "points: found three points on one line; expected three that span a plane"
    length = math.hypot(*normal)
    if length == 0:
        raise ModelRangeError(what)
    if table.side is not None:
        toward = float(np.dot(normal, SIDES[table.side]))
        if toward == 0:
            raise ModelRangeError(f'side: the plane runs along "{table.side}"; name a side that it parts')
        length = math.copysign(length, toward)
    x, y, z = (v / length for v in normal)
    return CuttingPlane(point, (x, y, z))


def _limits(table: LimitsTable) -> Limits:
    return Limits(
        perfused_normal_gy=table.perfused_normal,
        whole_normal_gy=table.whole_normal,
        lung_session_gy=table.lung_session,
        lung_cumulative_gy=table.lung_cumulative,
        lung_mass_g=None if table.lung_mass == "ct" else table.lung_mass,
        lung_mass_from_ct=table.lung_mass == "ct",
    )


def _prior(table: PriorTable) -> PriorTreatment:
    return PriorTreatment(
        date=None if table.date is None else table.date.isoformat(),
        lung_gy=table.lung_dose,
        whole_normal_gy=table.whole_normal_dose,
        kind=table.kind,
        drug=table.drug,
        drug_mg_per_m2=table.dose_mg_per_m2,
        note=table.note,
        drug_mg=table.dose,
        doxorubicin_equivalent=table.doxorubicin_equivalent,
    )


def schedule_request(table: ScheduleTable) -> ScheduleRequest:
    """What a case adds to the calendar of its protocol."""
    return ScheduleRequest(
        start=table.start,
        zone=table.zone,
        arm=table.arm,
        sessions=table.sessions,
        session_hours=table.session_length,
        cycles=table.cycles,
        later_cycle=table.later_cycle,
        window_days=table.window_days,
        simulation=table.simulation,
        imaging_every=None if table.imaging_every is None else period(table.imaging_every),
        scan_lead_days=table.scan_lead_days,
        drug_mg=table.drug_dose,
        course_mg_per_m2=MappingProxyType(dict(table.course_mg_per_m2)),
        holidays=tuple(table.holidays),
        issued=table.issued,
        revision=table.revision,
        recorded=tuple(
            RecordedSession(s.number, s.date, s.done, tuple(s.territories), s.drug_dose, s.activity)
            for s in table.session
        ),
        cycle_starts=tuple(RecordedCycle(cycle.number, cycle.date) for cycle in table.cycle),
        events=tuple(RecordedEvent(event.event, event.date) for event in table.event),
    )


def _reading(table: ReadingTable) -> Reading:
    value, unit = table.value
    return Reading(
        value=value,
        unit=unit,
        taken_at=table.time,
        instrument=table.instrument or "",
        geometry=table.geometry or "",
        background=0.0 if table.background is None else table.background[0],
    )


def _administration(table: AdministrationTable) -> RecordedAdministration:
    def optional(reading: ReadingTable | None) -> Reading | None:
        return None if reading is None else _reading(reading)

    label = table.label
    return RecordedAdministration(
        injection_time=table.injection_time,
        before=_reading(table.before),
        after=_reading(table.after),
        territory=table.territory,
        device=table.device,
        label=None if label is None else VialLabel(label.activity, label.calibration_time),
        assay=optional(table.assay),
        draw_before=optional(table.draw_before),
        draw_after=optional(table.draw_after),
        image_total=optional(table.image_total),
        stasis=table.stasis,
        spheres=table.spheres,
        pet_scanner_nuclide=table.pet_scanner_nuclide,
        pet_lungs_in_field=table.pet_lungs_in_field,
    )
