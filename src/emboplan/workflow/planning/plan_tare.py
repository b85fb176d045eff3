"""The plan of a radioembolization: one walk from images to doses, each step a room of its own.

images -> contours -> burden -> eligibility
                   -> shunt, ratio -> activity -> voxel dose -> plan
"""

from __future__ import annotations

from collections.abc import Sequence

import emboplan
from emboplan.catalog.load import Catalog
from emboplan.dicom.read.common import SeriesHeader
from emboplan.errors import CaseFileError
from emboplan.model.case import Case
from emboplan.model.plan import Check, Plan, PlannedCase
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.units import GRAMS_PER_KILOGRAM
from emboplan.workflow.dosing.voxel_dose import VoxelDose, VoxelWish, voxel_dose
from emboplan.workflow.planning.activity_plan import activity_of
from emboplan.workflow.planning.extrahepatic_scan import measured_extrahepatic
from emboplan.workflow.planning.plan_parts import anatomy_summary, eligibility_of
from emboplan.workflow.planning.prepare import (
    Imaged,
    Prepared,
    Progress,
    prepare,
)
from emboplan.workflow.planning.readiness import device_label, directive, liver_function
from emboplan.workflow.planning.settings import PlanNumbers, plan_settings
from emboplan.workflow.planning.treated import TerritoryInput

DicomPlannedCase = PlannedCase[SeriesHeader]

# Energy in the compartments against energy of the administered activity: the formulas balance exactly, so
# that only rounding may be left.
BALANCE = 1e-9


def plan_radioembolization(case: Case, catalog: Catalog, progress: Progress) -> DicomPlannedCase:
    """The plan of a radioembolization of a case with images.

    Raises:
        InputError: something in the case or its images cannot be used; the message says what to do.
    """
    prepared = prepare(case, catalog, progress)
    imaged = _imaged(prepared)
    progress("computing activity", 0.7)
    activity = activity_of(case, prepared, catalog)
    progress("computing dose", 0.75)
    dosed = _dose(case, imaged, prepared, activity, catalog)

    elsewhere, said = measured_extrahepatic(imaged.regions, imaged.anatomy)
    label = device_label(
        case,
        prepared.facts,
        activity,
        prepared.aims.territories,
        prepared.liver,
        imaged.burden,
        catalog=catalog,
    )
    findings = (
        *prepared.findings,
        *prepared.aims.findings,
        *activity.findings,
        *(dosed.findings if dosed else ()),
        *said,
        *(elsewhere.findings if elsewhere else ()),
        *(label.findings if label else ()),
    )
    provisional = imaged.anatomy.review.provisional
    result = Plan(
        emboplan_version=emboplan.__version__,
        catalogue_digest=catalog.digest,
        inputs=imaged.digests,
        settings=plan_settings(case, prepared.numbers, prepared.aims.limits.limits, findings, catalog),
        patient=case.patient,
        anatomy=anatomy_summary(imaged.anatomy),
        burden=imaged.burden,
        eligibility=eligibility_of(case, prepared.facts, catalog, provisional=provisional),
        shunt=prepared.shunt,
        tumour_to_normal=imaged.ratio,
        activity=activity,
        dose=None if dosed is None else dosed.summary,
        loading=None,
        schedule=None,
        findings=tuple(dict.fromkeys(findings)),
        provisional=provisional,
        checks=(
            *_balance(prepared.aims.territories, activity, prepared.numbers),
            *((dosed.check,) if dosed else ()),
        ),
        device_label=None if label is None else label.label,
        liver_function=liver_function(
            case, prepared.facts, prepared.untreated_ml, prepared.liver, catalog=catalog
        ),
        extrahepatic=elsewhere,
        directive=directive(case, activity, catalog=catalog),
    )
    return PlannedCase(
        plan=result,
        anatomy=imaged.anatomy,
        spect=imaged.scan,
        dose=None if dosed is None else dosed.dose,
        source=imaged.header,
        territories={part.name: part.perfused for part in imaged.parts if part.territory.is_drawn},
        laid=None if imaged.laid is None else imaged.laid.shown,
        registration=None if imaged.laid is None else imaged.laid.to_json(),
    )


def _imaged(prepared: Prepared) -> Imaged:
    if prepared.imaged is None:  # a case of images was prepared; said for the type checker
        raise CaseFileError(["the case has no images"])
    return prepared.imaged


def _administered(
    territories: Sequence[TerritoryInput], activity: ActivityPlan
) -> list[tuple[TerritoryInput, float]]:
    """Each territory with the activity of the model that decides; empty without one."""
    if activity.chosen is None:
        return []
    decided = {
        result.territory: result.administered_gbq
        for result in activity.models
        if result.model == activity.chosen.model
    }
    return [(territory, decided[territory.name]) for territory in territories]


def _dose(
    case: Case, imaged: Imaged, prepared: Prepared, activity: ActivityPlan, catalog: Catalog
) -> VoxelDose | None:
    administered = _administered(prepared.aims.territories, activity)
    if imaged.regions is None or not administered:
        return None
    return voxel_dose(
        imaged.anatomy,
        imaged.regions,
        administered,
        prepared.numbers.physics,
        lung_g_per_ml=prepared.numbers.lung_g_per_ml,
        wish=VoxelWish(
            method=case.procedure.dose_method,
            registration_sd_mm=None if case.uncertainty is None else case.uncertainty.registration_mm,
            lung_shunt_sd=None if case.uncertainty is None else case.uncertainty.lung_shunt_frac,
        ),
        catalog=catalog,
    )


def _balance(
    territories: Sequence[TerritoryInput], activity: ActivityPlan, numbers: PlanNumbers
) -> tuple[Check, ...]:
    """Whether all energy of the administered activity is in tumour, normal liver and lungs."""
    checks = []
    for territory, gbq in _administered(territories, activity):
        physics = territory.physics or numbers.physics
        doses = next(
            r.doses_gy
            for r in activity.models
            if r.territory == territory.name and activity.chosen and r.model == activity.chosen.model
        )
        grams = (
            (doses.tumour or 0.0) * territory.tumour_ml * physics.tumour_g_per_ml
            + (doses.perfused_normal or 0.0) * territory.normal_ml * physics.liver_g_per_ml
            + (doses.lung or 0.0) * physics.lung_mass_g
        )
        off = abs(grams / GRAMS_PER_KILOGRAM / (physics.k_gy_kg_per_gbq * gbq) - 1)
        text = (
            f"{territory.name}: energy in the compartments against energy administered, relative difference"
        )
        checks.append(Check("energy-balance", text, off, BALANCE, off <= BALANCE))
    return tuple(checks)
