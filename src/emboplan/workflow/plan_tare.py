"""The plan of a radioembolization: one walk from images to doses, each step a room of its own.

images -> contours -> burden -> eligibility
                   -> shunt, ratio -> activity -> voxel dose -> plan
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import emboplan
from emboplan.catalog.load import Catalog, load
from emboplan.dicom.read.common import SeriesHeader
from emboplan.dosimetry.prescribing.applicable_limits import applicable_limits
from emboplan.errors import CaseFileError
from emboplan.measure.burden import measure_burden
from emboplan.model.anatomy import Anatomy
from emboplan.model.case import Case, ImageSources, Patient
from emboplan.model.finding import Finding
from emboplan.model.image import CountImage, CtImage
from emboplan.model.mask import Mask
from emboplan.model.patient import PatientFacts
from emboplan.model.plan import AnatomySummary, Check, InputDigest, Plan, PlannedCase
from emboplan.model.results.activity import ActivityPlan
from emboplan.model.results.eligibility import Eligibility
from emboplan.segmentation.builtin import segment_ct
from emboplan.units import GRAMS_PER_KILOGRAM
from emboplan.workflow.casefile import read_case
from emboplan.workflow.check import check
from emboplan.workflow.facts import (
    PROVISIONAL,
    bilirubin_mg_per_dl,
    fact_findings,
    measured_facts,
    uses_measured,
)
from emboplan.workflow.inputs import load_ct, load_lesions, load_mask, load_spect, mask_file
from emboplan.workflow.prescribe import TerritoryInput, prescribe
from emboplan.workflow.provenance import digest
from emboplan.workflow.segment import named_reader
from emboplan.workflow.settings import PlanNumbers, plan_numbers, plan_settings
from emboplan.workflow.territories import treated_volumes
from emboplan.workflow.uptake import ScanRegions, scan_regions, territory_uptake
from emboplan.workflow.voxel_dose import VoxelDose, voxel_dose

Progress = Callable[[str, float], None]
DicomPlannedCase = PlannedCase[SeriesHeader]

# Energy in the compartments against energy of the administered activity: the formulas balance exactly, so
# that only rounding may be left.
BALANCE = 1e-9


def plan(
    case: Case | Path | str,
    *,
    catalog: Catalog | None = None,
    ct_series: str | None = None,
    confirmed_by: str | None = None,
    progress: Progress | None = None,
) -> DicomPlannedCase:
    """The plan of a case: a `Case`, the path of a case file, or a folder of images.

    With a folder of images alone the plan holds volumes and burden, and its findings list what is missing
    for an activity. `ct_series` names the CT series, by its UID or the end of it, where the folder holds
    several. `confirmed_by` names the reader who confirmed the contours; until then the plan is provisional.
    Both go before what the case says.

    Raises:
        InputError: something in the case or its images cannot be used; the message says what to do.
    """
    tables = catalog or load()
    say = progress or (lambda _stage, _fraction: None)
    subject = case if isinstance(case, Case) else _case_at(Path(case), tables)
    if ct_series is not None:
        subject = replace(subject, images=replace(subject.images, ct_series=ct_series))
    if confirmed_by is not None:
        reader = named_reader(confirmed_by)
        subject = replace(subject, images=replace(subject.images, confirmed_by=reader))

    say("reading images", 0.0)
    loaded = _load(subject, say)
    say("segmenting", 0.1)
    anatomy = _contours(subject, loaded, say)
    say("measuring burden", 0.6)
    burden = measure_burden(anatomy, catalog=tables)
    facts = subject.facts.with_measured(measured_facts(burden))
    eligibility = _eligibility(subject, facts, tables, provisional=anatomy.review.provisional)

    say("measuring uptake", 0.65)
    numbers = plan_numbers(subject, burden, tables)
    regions, scan_findings = scan_regions(anatomy, loaded.scan)
    volumes = treated_volumes(subject.territories, loaded.territory_masks, anatomy)
    uptake = territory_uptake(
        volumes, regions, numbers, lungs_complete=anatomy.lungs_complete, catalog=tables
    )

    say("computing activity", 0.7)
    limits = applicable_limits(
        subject.limits,
        device=subject.procedure.device,
        bilirubin_mg_per_dl=bilirubin_mg_per_dl(facts, tables),
        catalog=tables,
    )
    activity = prescribe(
        uptake.territories,
        limits,
        numbers.physics,
        models=subject.procedure.models,
        whole_normal_ml=anatomy.normal_liver.volume_ml,
        priors=subject.priors,
    )
    say("computing dose", 0.75)
    dosed = _dose(anatomy, regions, uptake.territories, activity, numbers)

    findings = (
        *loaded.findings,
        *anatomy.findings,
        *burden.findings,
        *fact_findings(subject.facts, burden, tables),
        *scan_findings,
        *uptake.findings,
        *numbers.findings,
        *activity.findings,
        *(dosed.findings if dosed else ()),
    )
    result = Plan(
        emboplan_version=emboplan.__version__,
        catalogue_digest=tables.digest,
        inputs=loaded.digests,
        settings=plan_settings(subject, numbers, limits.limits, findings, tables),
        patient=subject.patient,
        anatomy=_summary(anatomy),
        burden=burden,
        eligibility=eligibility,
        shunt=uptake.shunt,
        tumour_to_normal=uptake.ratio,
        activity=activity,
        dose=None if dosed is None else dosed.summary,
        loading=None,
        schedule=None,
        findings=_unique(findings),
        provisional=anatomy.review.provisional,
        checks=(*_balance(uptake.territories, activity, numbers), *((dosed.check,) if dosed else ())),
    )
    return PlannedCase(
        plan=result,
        anatomy=anatomy,
        spect=loaded.scan,
        dose=None if dosed is None else dosed.dose,
        source=loaded.header,
    )


def _eligibility(
    case: Case, facts: PatientFacts, catalog: Catalog, *, provisional: bool
) -> Eligibility | None:
    if case.procedure.protocol is None:
        return None
    result = check(facts, case.procedure.protocol, catalog=catalog)
    flags = (PROVISIONAL,) if provisional and uses_measured(facts) else ()
    return replace(result, flags=result.flags + flags)


def _case_at(path: Path, catalog: Catalog) -> Case:
    if not path.is_dir():
        return read_case(path, catalog)
    if not any(path.iterdir()):
        raise CaseFileError([f"{path.name}: an empty folder; give a case file or a folder of images"])
    return Case(source=path, patient=Patient(id=path.resolve().name), images=ImageSources(ct=path))


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    ct: CtImage
    header: SeriesHeader | None
    scan: CountImage | None
    territory_masks: tuple[Mask | None, ...]
    digests: tuple[InputDigest, ...]
    findings: tuple[Finding, ...]


def _load(case: Case, progress: Progress) -> _Loaded:
    images = case.images
    ct = load_ct(images.ct, images.ct_series, progress)
    digests = [digest("ct", images.ct.name, ct.files)]
    if case.source.is_file():
        digests.insert(0, digest("case", case.source.name, [case.source]))
    for role, source in (("liver", images.liver), ("tumours", images.tumours)):
        if source is not None:
            digests.append(digest(role, str(source), [mask_file(source.path)]))
    masks = tuple(None if t.mask is None else load_mask(t.mask, ct.image.grid) for t in case.territories)
    for territory in case.territories:
        if territory.mask is not None:
            files = [mask_file(territory.mask.path)]
            digests.append(digest(f"territory {territory.name}", str(territory.mask), files))
    scan, findings = None, ct.findings
    if images.maa is not None:
        spect = load_spect(images.maa, images.maa_resolution_fwhm_mm, progress)
        scan, findings = spect.image, findings + spect.findings
        digests.append(digest("maa", images.maa.name, spect.files))
    return _Loaded(ct.image, ct.header, scan, masks, tuple(digests), findings)


def _contours(case: Case, loaded: _Loaded, progress: Progress) -> Anatomy:
    images, grid = case.images, loaded.ct.grid
    return segment_ct(
        loaded.ct,
        liver=None if images.liver is None else load_mask(images.liver, grid),
        lesions=None if images.tumours is None else load_lesions(images.tumours, grid),
        confirmed_by=images.confirmed_by,
        progress=lambda stage, fraction: progress(stage, 0.1 + 0.5 * fraction),
    )


def _administered(
    territories: Sequence[TerritoryInput], activity: ActivityPlan
) -> list[tuple[TerritoryInput, float]]:
    """Each territory with the activity of its first model, the plan's answer; empty without one."""
    if activity.chosen is None:
        return []
    first = {result.territory: result.administered_gbq for result in reversed(activity.models)}
    return [(territory, first[territory.volume.name]) for territory in territories]


def _dose(
    anatomy: Anatomy,
    regions: ScanRegions | None,
    territories: Sequence[TerritoryInput],
    activity: ActivityPlan,
    numbers: PlanNumbers,
) -> VoxelDose | None:
    administered = _administered(territories, activity)
    if regions is None or not administered:
        return None
    return voxel_dose(anatomy, regions, administered, numbers.physics, lung_g_per_ml=numbers.lung_g_per_ml)


def _balance(
    territories: Sequence[TerritoryInput], activity: ActivityPlan, numbers: PlanNumbers
) -> tuple[Check, ...]:
    """Whether all energy of the administered activity is in tumour, normal liver and lungs."""
    physics = numbers.physics
    checks = []
    for territory, gbq in _administered(territories, activity):
        volume = territory.volume
        doses = next(r.doses_gy for r in activity.models if r.territory == volume.name)
        grams = (
            (doses.tumour or 0.0) * volume.tumour.volume_ml * physics.tumour_g_per_ml
            + (doses.perfused_normal or 0.0) * volume.normal.volume_ml * physics.liver_g_per_ml
            + (doses.lung or 0.0) * physics.lung_mass_g
        )
        off = abs(grams / GRAMS_PER_KILOGRAM / (physics.k_gy_kg_per_gbq * gbq) - 1)
        text = f"{volume.name}: energy in the compartments against energy administered, relative difference"
        checks.append(Check("energy-balance", text, off, BALANCE, off <= BALANCE))
    return tuple(checks)


def _summary(anatomy: Anatomy) -> AnatomySummary:
    nz, ny, nx = anatomy.grid.shape
    return AnatomySummary(
        ct_size_voxels=(nx, ny, nz),
        ct_spacing_mm=anatomy.grid.spacing_mm,
        backend=anatomy.review.backend,
        confirmed_by=anatomy.review.confirmed_by,
        lungs_complete=anatomy.lungs_complete,
        body_ml=None if anatomy.body is None else anatomy.body.volume_ml,
    )


def _unique(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(dict.fromkeys(findings))
