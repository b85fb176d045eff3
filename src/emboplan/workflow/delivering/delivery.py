"""After the vial: what each territory got by the readings of the day, against what was prescribed for it.

The prescription is that of a plan, else the activity that the case states. Doses at the delivered activity
are the plan's doses, scaled: all models are linear in the activity. A PET is compared with all of it
(`imaged_delivery`). Differences become findings; a person judges them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import emboplan
from emboplan.catalog.load import Catalog, load
from emboplan.dosimetry.treatment.administration import evaluate_administration
from emboplan.dosimetry.treatment.directive import draft_directive
from emboplan.dosimetry.treatment.supply import own_vial
from emboplan.errors import CaseFileError, InputError, ModelRangeError
from emboplan.model.case import Case, RecordedAdministration, Territory
from emboplan.model.directive import PlannedTreatment
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import Microsphere
from emboplan.model.results.administration import Administration, AdministrationRecord
from emboplan.model.results.delivery import DeliveryReport, PrescriptionSource, TerritoryDelivery
from emboplan.units import PERCENT
from emboplan.workflow.cases.casefile import read_case
from emboplan.workflow.delivering.imaged_delivery import Delivered, PetRequest, imaged_delivery
from emboplan.workflow.delivering.planned_doses import (
    PlannedDoses,
    PlannedTerritory,
    PlanSource,
    planned_doses,
)
from emboplan.workflow.planning.territories import WHOLE_LIVER
from emboplan.workflow.registering.laid_scan import LaidScan

Progress = Callable[[str, float], None]

# The plan's activity is written with ten digits; a case that repeats it with three says the same.
SAME_ACTIVITY = 0.005


@dataclass(frozen=True, slots=True)
class _Prescribed:
    """The activity prescribed for a territory, who says so, and the plan's doses where there is one."""

    gbq: float
    by: PrescriptionSource
    planned: PlannedTerritory | None


def verify(
    case: Case | Path | str,
    *,
    delivered: Path | str | None = None,
    plan: PlanSource | None = None,
    pet: PetRequest | None = None,
    catalog: Catalog | None = None,
    progress: Progress | None = None,
) -> DeliveryReport:
    """What was delivered against the plan: a case with its administrations, and the PET of `delivered`.

    A PET that was registered to a CT has a picture to look at: `verified` has it beside the report.
    `plan` is a plan folder or a plan; without it the activity of each territory is the case's `administered`.
    `delivered` is the folder of a PET series, `pet` what there is to say of it beyond the case.

    Raises:
        InputError: no administration, nothing prescribed, readings that contradict each other, or a PET that
        cannot be used; the message says what to do.
    """
    return verified(case, delivered=delivered, plan=plan, pet=pet, catalog=catalog, progress=progress).report


@dataclass(frozen=True, slots=True, eq=False)
class Verified:
    """The report, and how the PET was registered to the CT, where it was."""

    report: DeliveryReport
    laid: LaidScan | None = None


def verified(
    case: Case | Path | str,
    *,
    delivered: Path | str | None = None,
    plan: PlanSource | None = None,
    pet: PetRequest | None = None,
    catalog: Catalog | None = None,
    progress: Progress | None = None,
) -> Verified:
    """The report of `verify`, with the registration of the PET for its picture. Errors as there."""
    tables = catalog or load()
    subject = case if isinstance(case, Case) else read_case(Path(case), tables)
    if not subject.administrations:
        raise CaseFileError(
            [f"{subject.source.name}: administration: not found; give the readings in [[administration]]"]
        )
    planned = None if plan is None else planned_doses(plan, subject)
    findings: list[Finding] = []
    territories: list[TerritoryDelivery] = []
    problems: list[str] = []
    for recorded in subject.administrations:
        try:
            one, said = _territory(subject, recorded, planned, tables)
        except InputError as error:
            problems.append(f"{subject.source.name}: {_name(subject, recorded)}: {error}")
            continue
        territories.append(one)
        findings += said
    if problems:
        raise CaseFileError(problems)
    findings += _not_administered(subject, territories)
    if planned is None:
        text = "No plan was given, so that doses at the delivered activity are not computed."
        findings.append(Finding("plan-missing", Severity.INFO, text))
    image, laid = None, None
    if delivered is not None:
        parts = [_imaged_part(one, recorded) for one, recorded in _paired(territories, subject)]
        seen = imaged_delivery(
            Path(delivered),
            parts,
            _request(pet or PetRequest(), subject),
            catalog=tables,
            progress=progress,
        )
        image, laid = seen.image, seen.laid
        findings += seen.findings
    report = DeliveryReport(
        emboplan_version=emboplan.__version__,
        catalogue_digest=tables.digest,
        territories=tuple(territories),
        lung_gy=_sum(territories, "lung"),
        whole_normal_gy=_sum(territories, "whole_normal"),
        image=image,
        findings=tuple(dict.fromkeys(findings)),
    )
    return Verified(report, laid)


def _name(case: Case, recorded: RecordedAdministration) -> str:
    if recorded.territory is not None:
        return recorded.territory
    return case.territories[0].name if case.territories else WHOLE_LIVER


def _territory(
    case: Case, recorded: RecordedAdministration, planned: PlannedDoses | None, tables: Catalog
) -> tuple[TerritoryDelivery, list[Finding]]:
    name = _name(case, recorded)
    own = next((t for t in case.territories if t.name == name), Territory(name=name))
    device = _device(case, own, recorded, tables)
    prescribed, findings = _prescribed(own, planned)
    half_life = tables.nuclide(device.nuclide).half_life_h
    label = recorded.label
    record = AdministrationRecord(
        device=device.key,
        prescribed_gbq=prescribed.gbq,
        injection_time=recorded.injection_time,
        before=recorded.before,
        after=recorded.after,
        vial=None
        if label is None
        else own_vial(device, label_gbq=label.activity_gbq, calibration_time=label.calibration_time),
        assay=recorded.assay,
        draw_before=recorded.draw_before,
        draw_after=recorded.draw_after,
        stasis=recorded.stasis,
        image_total=recorded.image_total,
    )
    done = evaluate_administration(record, device=device, half_life_h=half_life, site=tables)
    planned_doses_gy = None if prescribed.planned is None else prescribed.planned.doses_gy
    shunt = own.lung_shunt_frac
    if shunt is None and planned is not None:
        shunt = planned.lung_shunt_frac
    return TerritoryDelivery(
        territory=name,
        device=device.key,
        nuclide=device.nuclide,
        prescribed_gbq=prescribed.gbq,
        prescribed_by=prescribed.by,
        delivered_gbq=done.delivered_gbq,
        delivered_frac=done.delivered_frac,
        lung_shunt_frac=shunt,
        model=None if prescribed.planned is None else prescribed.planned.model,
        planned_doses_gy=planned_doses_gy,
        delivered_doses_gy=None
        if planned_doses_gy is None
        else planned_doses_gy.scaled(done.delivered_gbq / prescribed.gbq),
        administration=done,
        directive=draft_directive(
            _planned_treatment(case, name, device, prescribed, planned),
            delivered=done,
            spheres_prepared=recorded.spheres,
            device=device,
            site=tables,
        ),
    ), findings


def _device(
    case: Case, territory: Territory, recorded: RecordedAdministration, tables: Catalog
) -> Microsphere:
    key = recorded.device or territory.device or case.procedure.device
    if key is None:
        raise ModelRangeError("no device is stated; give it in the administration or under [procedure]")
    return tables.microsphere(key)


def _prescribed(territory: Territory, planned: PlannedDoses | None) -> tuple[_Prescribed, list[Finding]]:
    """The prescribed activity: the plan's, else the case's; both are kept where they differ."""
    entered = territory.administered_gbq
    if planned is None:
        if entered is None:
            raise ModelRangeError(
                "no prescribed activity is known; give the plan folder (--plan), or enter `administered` in "
                "the territory"
            )
        return _Prescribed(entered, PrescriptionSource.CASE, None), []
    mine = planned.territories.get(territory.name)
    if mine is None:
        known = ", ".join(planned.territories) or "none"
        raise ModelRangeError(f"the plan has no such territory; it has {known}")
    findings = []
    if entered is not None and abs(entered / mine.administered_gbq - 1) > SAME_ACTIVITY:
        off = (entered / mine.administered_gbq - 1) * PERCENT
        text = (
            f"{territory.name}: the plan prescribes {mine.administered_gbq:.4g} GBq, the case {entered:.4g} "
            f"({off:+.1f} %); the plan's was taken."
        )
        findings.append(Finding("prescription-differs", Severity.WARNING, text))
    return _Prescribed(mine.administered_gbq, PrescriptionSource.PLAN, mine), findings


def _planned_treatment(
    case: Case, name: str, device: Microsphere, prescribed: _Prescribed, planned: PlannedDoses | None
) -> PlannedTreatment:
    doses = None if prescribed.planned is None else prescribed.planned.doses_gy
    return PlannedTreatment(
        device=device.key,
        patient=case.patient.id,
        treatment_site=name,
        administered_gbq=prescribed.gbq,
        dose_gy=None if doses is None else doses.tumour or doses.perfused,
        dose_of="tumour" if doses is not None and doses.tumour is not None else "treated volume",
        lung_limit_gy=case.limits.lung_session_gy if planned is None else planned.lung_limit_gy,
        lung_limit_gbq=None if planned is None else planned.lung_limit_gbq,
    )


def _not_administered(case: Case, territories: Sequence[TerritoryDelivery]) -> list[Finding]:
    done = {one.territory for one in territories}
    return [
        Finding(
            "administration-missing",
            Severity.WARNING,
            f"{territory.name}: no administration is recorded; it counts nowhere here.",
        )
        for territory in case.territories
        if territory.name not in done
    ]


def _sum(territories: Sequence[TerritoryDelivery], name: str) -> float | None:
    """The dose of a structure that territories share; None where one of them does not give it."""
    doses = [one.delivered_doses_gy for one in territories]
    values = [None if dose is None else getattr(dose, name) for dose in doses]
    known = [float(value) for value in values if value is not None]
    return math.fsum(known) if known and len(known) == len(values) else None


def _paired(
    territories: Sequence[TerritoryDelivery], case: Case
) -> list[tuple[TerritoryDelivery, RecordedAdministration]]:
    return list(zip(territories, case.administrations, strict=True))


def _imaged_part(one: TerritoryDelivery, recorded: RecordedAdministration) -> Delivered:
    done: Administration = one.administration
    return Delivered(
        territory=one.territory,
        nuclide=one.nuclide,
        gbq=done.delivered_gbq,
        injected_at=recorded.injection_time,
        lung_shunt_frac=one.lung_shunt_frac,
    )


def _request(given: PetRequest, case: Case) -> PetRequest:
    """What is asked of the PET, completed by what the administrations say of it."""
    nuclides = [a.pet_scanner_nuclide for a in case.administrations if a.pet_scanner_nuclide is not None]
    lungs = [a.pet_lungs_in_field for a in case.administrations if a.pet_lungs_in_field is not None]
    return PetRequest(
        series_uid=given.series_uid,
        scanner_nuclide=given.scanner_nuclide or next(iter(nuclides), None),
        lungs_in_field=next(iter(lungs), None) if given.lungs_in_field is None else given.lungs_in_field,
        liver=given.liver,
        ct=given.ct,
        laying=given.laying,
        resolution_fwhm_mm=given.resolution_fwhm_mm,
    )
