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
from emboplan.dosimetry.applicable_limits import applicable_limits
from emboplan.dosimetry.compartment import lung_dose
from emboplan.dosimetry.lung_shunt import entered_shunt
from emboplan.errors import CaseFileError
from emboplan.measure.burden import measure_burden
from emboplan.model.anatomy import Anatomy
from emboplan.model.case import Case, ImageSources, Patient, Territory
from emboplan.model.finding import Finding
from emboplan.model.image import CountImage, CtImage
from emboplan.model.plan import AnatomySummary, Check, InputDigest, Plan, PlannedCase
from emboplan.model.results.activity import ActivityPlan
from emboplan.model.results.shunt import LungShunt, ShuntEstimate
from emboplan.model.results.uptake import TumourToNormal
from emboplan.segmentation.builtin import segment_ct
from emboplan.units import GRAMS_PER_KILOGRAM
from emboplan.workflow.casefile import read_case
from emboplan.workflow.check import check, measured_facts
from emboplan.workflow.facts import bilirubin_mg_per_dl, fact_findings
from emboplan.workflow.inputs import load_ct, load_lesions, load_mask, load_spect, mask_file
from emboplan.workflow.prescribe import TerritoryInput, prescribe
from emboplan.workflow.provenance import digest
from emboplan.workflow.settings import PlanNumbers, plan_numbers, plan_settings
from emboplan.workflow.territories import TreatedVolume, treated_volumes
from emboplan.workflow.uptake import ScanRegions, measured_ratio, measured_shunt, scan_regions
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
    confirmed_by: str | None = None,
    progress: Progress | None = None,
) -> DicomPlannedCase:
    """The plan of a case: a `Case`, the path of a case file, or a folder of images.

    With a folder of images alone the plan holds volumes and burden, and its findings list what is missing
    for an activity. `confirmed_by` names the reader who confirmed the contours; until then the plan is
    provisional.

    Raises:
        InputError: something in the case or its images cannot be used; the message says what to do.
    """
    tables = catalog or load()
    say = progress or (lambda _stage, _fraction: None)
    subject = case if isinstance(case, Case) else _case_at(Path(case), tables)
    if confirmed_by:
        subject = replace(subject, images=replace(subject.images, confirmed_by=confirmed_by))

    say("reading images", 0.0)
    loaded = _load(subject, say)
    say("segmenting", 0.1)
    anatomy = _contours(subject, loaded, say)
    say("measuring burden", 0.6)
    burden = measure_burden(anatomy, catalog=tables)
    facts = subject.facts.with_measured(measured_facts(burden))
    eligibility = None
    if subject.procedure.protocol is not None:
        eligibility = check(facts, subject.procedure.protocol, catalog=tables)

    say("measuring uptake", 0.65)
    numbers = plan_numbers(subject, burden, tables)
    regions, scan_findings = scan_regions(anatomy, loaded.scan)
    volumes = treated_volumes(subject, anatomy)
    uptake = _uptake(volumes, regions, anatomy, numbers, tables)

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
    scan, findings = None, ct.findings
    if images.maa is not None:
        spect = load_spect(images.maa, images.maa_resolution_fwhm_mm, progress)
        scan, findings = spect.image, findings + spect.findings
        digests.append(digest("maa", images.maa.name, spect.files))
    return _Loaded(ct.image, ct.header, scan, tuple(digests), findings)


def _contours(case: Case, loaded: _Loaded, progress: Progress) -> Anatomy:
    images, grid = case.images, loaded.ct.grid
    return segment_ct(
        loaded.ct,
        liver=None if images.liver is None else load_mask(images.liver, grid),
        lesions=None if images.tumours is None else load_lesions(images.tumours, grid),
        confirmed_by=images.confirmed_by,
        progress=lambda stage, fraction: progress(stage, 0.1 + 0.5 * fraction),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Uptake:
    """What each territory is planned with, and what the scan said of shunt and ratio."""

    territories: tuple[TerritoryInput, ...]
    shunt: LungShunt | None
    ratio: TumourToNormal | None
    findings: tuple[Finding, ...]


def _uptake(
    volumes: Sequence[TreatedVolume],
    regions: ScanRegions | None,
    anatomy: Anatomy,
    numbers: PlanNumbers,
    catalog: Catalog,
) -> _Uptake:
    measured, findings = measured_shunt(regions, lungs_complete=anatomy.lungs_complete, catalog=catalog)
    territories, ratios = [], []
    for volume in volumes:
        ratio, why_not = measured_ratio(regions, volume)
        entered = volume.territory
        findings += (*why_not, *(() if ratio is None else ratio.findings))
        if ratio is not None:
            ratios.append(ratio)
        territories.append(
            TerritoryInput(
                volume,
                lung_shunt_frac=entered.lung_shunt_frac
                if entered.lung_shunt_frac is not None
                else (None if measured is None else measured.lung_shunt_frac),
                tumour_to_normal=entered.tumour_to_normal or _used_ratio(ratio),
            )
        )
    shunt = _lung_shunt([volume.territory for volume in volumes], measured, numbers, catalog)
    if shunt is not None:
        findings += shunt.findings
    return _Uptake(tuple(territories), shunt, ratios[0] if len(ratios) == 1 else None, findings)


def _used_ratio(ratio: TumourToNormal | None) -> float | None:
    """The measured ratio that a plan uses: without the blur where that could be undone."""
    if ratio is None:
        return None
    corrected = ratio.tumour_to_normal_corrected
    return ratio.tumour_to_normal if corrected is None else corrected


def _lung_shunt(
    territories: Sequence[Territory], measured: ShuntEstimate | None, numbers: PlanNumbers, catalog: Catalog
) -> LungShunt | None:
    """The shunt that the plan uses, the other beside it; the highest of those entered stands for all."""
    entered = [t.lung_shunt_frac for t in territories if t.lung_shunt_frac is not None]
    estimates = [entered_shunt(max(entered), catalog=catalog)] if entered else []
    if measured is not None:
        estimates.append(measured)
    if not estimates:
        return None
    used = estimates[0]
    per_gbq = lung_dose(
        administered_gbq=1.0,
        lung_shunt_frac=used.lung_shunt_frac,
        lung_mass_g=numbers.physics.lung_mass_g,
        k_gy_kg_per_gbq=numbers.physics.k_gy_kg_per_gbq,
    )
    return LungShunt(
        estimate=used,
        lung_mass_g=numbers.physics.lung_mass_g,
        lung_mass_source=numbers.lung_mass_source,
        lung_dose_per_gbq_gy=float(per_gbq),
        other_methods=tuple(estimates[1:]),
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
