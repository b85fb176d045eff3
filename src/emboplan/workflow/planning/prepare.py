"""What every plan starts with: images read, contours drawn, burden, eligibility, uptake, numbers and limits.

A case without images brings its volumes, its shunt and its ratios itself; both kinds meet in `Prepared`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from emboplan.catalog.load import Catalog
from emboplan.dicom.read.common import SeriesHeader
from emboplan.dosimetry.uptake.lung_shunt import entered_shunt, with_lung_dose
from emboplan.errors import CaseFileError, InputError
from emboplan.measure.burden import measure_burden
from emboplan.model.anatomy import Anatomy
from emboplan.model.case import Case, ImageSources, Patient, ProcedureKind
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import CountImage
from emboplan.model.patient import PatientFacts
from emboplan.model.plan import InputDigest
from emboplan.model.results.burden import Burden
from emboplan.model.results.shunt import LungShunt
from emboplan.model.results.uptake import TumourToNormal
from emboplan.segmentation.builtin import segment_ct
from emboplan.workflow.cases.casefile import read_case
from emboplan.workflow.inputs import load_lesions, load_mask
from emboplan.workflow.planning.aims import Aims, LiverNow, aims_of, prior_findings
from emboplan.workflow.planning.case_scan import scan_on_ct, usable_on
from emboplan.workflow.planning.certainty import Evidence
from emboplan.workflow.planning.liver_parts import part_masks, segments_of
from emboplan.workflow.planning.loaded_images import LoadedImages, load_images
from emboplan.workflow.planning.readiness import remnant_share
from emboplan.workflow.planning.request import Request
from emboplan.workflow.planning.rule_models import LiverVolumes
from emboplan.workflow.planning.settings import PlanNumbers, plan_numbers
from emboplan.workflow.planning.side_by_side import Question
from emboplan.workflow.planning.territories import TreatedVolume, treated_volumes
from emboplan.workflow.planning.treated import TerritoryInput, prior_doses, untreated_ml
from emboplan.workflow.planning.uptake import ScanRegions, scan_regions, territory_uptake
from emboplan.workflow.registering.laid_scan import LaidScan
from emboplan.workflow.screening.burden_limits import with_borderline
from emboplan.workflow.screening.facts import bilirubin_mg_per_dl, fact_findings, measured_facts, prior_facts
from emboplan.workflow.segmenting.phases import with_viable
from emboplan.workflow.segmenting.plan_review import with_review
from emboplan.workflow.shunting.planar_case import planar_shunts

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, eq=False)
class Imaged:
    """What the images of a case give: contours, burden, the scan's regions and registration, territories."""

    header: SeriesHeader | None
    scan: CountImage | None
    anatomy: Anatomy
    burden: Burden
    regions: ScanRegions | None
    ratio: TumourToNormal | None
    digests: tuple[InputDigest, ...]
    laid: LaidScan | None = None
    parts: tuple[TreatedVolume, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Everything that the activity needs; `imaged` is None for a case of entered volumes."""

    facts: PatientFacts
    numbers: PlanNumbers
    aims: Aims
    shunt: LungShunt | None
    evidence: Evidence
    liver: LiverVolumes
    findings: tuple[Finding, ...]
    imaged: Imaged | None = None

    def question(self, case: Case) -> Question:
        """What the models are asked."""
        return Question(
            territories=self.aims.territories,
            limits=self.aims.limits,
            physics=self.numbers.physics,
            whole_normal_ml=self.liver.liver_ml - self.liver.tumour_ml,
            prior_gy=prior_doses(case.priors),
            objective=case.procedure.objective,
            tumour_type=case.procedure.tumour_type,
            device=case.procedure.device,
        )

    def request(self, case: Case) -> Request:
        """What is asked beside that."""
        return Request(
            models=case.procedure.models,
            patient=case.patient,
            liver=self.liver,
            evidence=self.evidence,
            vial=case.vial,
            treatment_time=case.procedure.treatment_time,
            body_surface=case.procedure.body_surface,
            uncertainty=case.uncertainty,
            k_name=self.numbers.k_name,
            published=self.aims.published,
        )

    @property
    def untreated_ml(self) -> float:
        """Normal liver that no territory reaches."""
        return untreated_ml(self.aims.territories, self.liver.liver_ml, self.liver.tumour_ml)


def case_at(path: Path, catalog: Catalog, *, any_kind: bool = False) -> Case:
    """The case of a file, or of a folder of images alone; `any_kind` takes every kind of procedure."""
    if not path.is_dir():
        return read_case(path, catalog, any_kind=any_kind)
    if not any(path.iterdir()):
        raise CaseFileError([f"{path.name}: an empty folder; give a case file or a folder of images"])
    return Case(source=path, patient=Patient(id=path.resolve().name), images=ImageSources(ct=path))


def prepare(case: Case, catalog: Catalog, progress: Progress) -> Prepared:
    """Everything up to the activity, from images or from entered volumes.

    Raises:
        InputError: the case is no radioembolization, or something in it cannot be used.
    """
    if case.procedure.kind is not ProcedureKind.TARE:
        raise InputError(
            f'the procedure is "{case.procedure.kind}"; an activity is that of a radioembolization: tare'
        )
    if case.images is None:
        return _from_volumes(case, catalog)
    return _from_images(case, case.images, catalog, progress)


def _from_volumes(case: Case, catalog: Catalog) -> Prepared:
    numbers = plan_numbers(case, None, catalog)
    territories = []
    for own in case.territories:
        if own.volumes is None or case.liver_ml is None:
            raise CaseFileError([f"{case.source.name}: give the volumes of the liver and of {own.name}"])
        territories.append(
            TerritoryInput(
                own,
                perfused_ml=own.volumes.perfused_ml,
                lesions_ml=own.volumes.lesions_ml,
                lung_shunt_frac=own.lung_shunt_frac,
                tumour_to_normal=own.tumour_to_normal,
                lesion_ratios=own.lesion_ratios,
                physics=None if own.device is None else numbers.of_devices.get(own.device),
            )
        )
    entered = [t.lung_shunt_frac for t in case.territories if t.lung_shunt_frac is not None]
    shunt = None
    if entered:
        shunt = with_lung_dose(
            entered_shunt(max(entered), catalog=catalog),
            k_gy_kg_per_gbq=numbers.physics.k_gy_kg_per_gbq,
            lung_mass_g=numbers.physics.lung_mass_g,
            lung_mass_source=numbers.lung_mass_source,
            catalog=catalog,
        )
    liver = LiverVolumes(case.liver_ml or 0.0, sum(territory.tumour_ml for territory in territories))
    text = "Volumes were entered, not measured: nothing of them was checked on images."
    return Prepared(
        facts=case.facts.with_measured(prior_facts(case.priors)),
        numbers=numbers,
        aims=_aims(case, case.facts, territories, liver, catalog),
        shunt=shunt,
        evidence=Evidence(),
        liver=liver,
        findings=(Finding("volumes-entered", Severity.INFO, text), *numbers.findings),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Contoured:
    """What every plan of images begins with: images read, contours, burden, and the facts that they give.

    The scan of `loaded` is as it may be used on the CT; `laid` is its registration, accepted or not.
    """

    loaded: LoadedImages
    anatomy: Anatomy
    burden: Burden
    facts: PatientFacts
    laid: LaidScan | None = None


def contoured(case: Case, images: ImageSources, catalog: Catalog, progress: Progress) -> Contoured:
    """Images read, contours drawn or taken as given, the scan laid on them, and the burden measured."""
    progress("reading images", 0.0)
    loaded = load_images(case, images, progress)
    progress("segmenting", 0.1)
    drawn = segment_ct(
        loaded.ct,
        liver=None if images.liver is None else load_mask(images.liver, loaded.ct.grid),
        lesions=None if images.tumours is None else load_lesions(images.tumours, loaded.ct.grid),
        progress=lambda stage, fraction: progress(stage, 0.1 + 0.5 * fraction),
    )
    anatomy = with_viable(with_review(drawn, images), catalog=catalog)
    scan = scan_on_ct(loaded.scan, images, anatomy, catalog, progress)
    parts, said = part_masks(
        case.territories,
        loaded.territory_masks,
        anatomy,
        usable_on(anatomy, scan.scan),
        segments_of(case.territories, images, anatomy.grid),
    )
    loaded = replace(
        loaded,
        scan=scan.scan,
        territory_masks=parts,
        findings=(*loaded.findings, *scan.findings, *said),
    )
    progress("measuring burden", 0.6)
    burden = with_borderline(measure_burden(anatomy, catalog=catalog), catalog)
    facts = case.facts.with_measured({**prior_facts(case.priors), **measured_facts(burden)})
    return Contoured(loaded, anatomy, burden, facts, scan.laid)


def _from_images(case: Case, images: ImageSources, catalog: Catalog, progress: Progress) -> Prepared:
    seen = contoured(case, images, catalog, progress)
    loaded, anatomy, burden, facts = seen.loaded, seen.anatomy, seen.burden, seen.facts
    progress("measuring uptake", 0.65)
    numbers = plan_numbers(case, burden.lung_mass_g, catalog)
    regions, scan_findings = scan_regions(anatomy, loaded.scan)
    volumes = treated_volumes(case.territories, loaded.territory_masks, anatomy)
    planar, planar_findings = planar_shunts(images, anatomy, catalog)
    uptake = territory_uptake(
        volumes,
        regions,
        numbers,
        lungs_complete=anatomy.lungs_complete,
        catalog=catalog,
        planar=planar,
        ct_lung_mass_g=burden.lung_mass_g,
    )
    liver = LiverVolumes(anatomy.liver.volume_ml, anatomy.liver.volume_ml - anatomy.normal_liver.volume_ml)
    return Prepared(
        facts=facts,
        numbers=numbers,
        aims=_aims(case, facts, uptake.territories, liver, catalog),
        shunt=uptake.shunt,
        evidence=Evidence(
            shunt=uptake.measured,
            ratios=MappingProxyType(dict(uptake.ratios)),
            burden=burden,
        ),
        liver=liver,
        findings=(
            *loaded.findings,
            *anatomy.findings,
            *burden.findings,
            *fact_findings(case.facts, burden, catalog),
            *scan_findings,
            *planar_findings,
            *uptake.findings,
            *numbers.findings,
        ),
        imaged=Imaged(
            header=loaded.header,
            scan=loaded.scan,
            anatomy=anatomy,
            burden=burden,
            regions=regions,
            ratio=uptake.ratio,
            digests=loaded.digests,
            laid=seen.laid,
            parts=volumes,
        ),
    )


def _aims(
    case: Case,
    facts: PatientFacts,
    territories: Sequence[TerritoryInput],
    liver: LiverVolumes,
    catalog: Catalog,
) -> Aims:
    """Goals, limits and what is published, for the intent, tumour, device and liver of the case."""
    procedure = case.procedure
    remnant_ml = untreated_ml(territories, liver.liver_ml, liver.tumour_ml)
    liver_now = LiverNow(
        bilirubin_mg_per_dl=bilirubin_mg_per_dl(facts, catalog),
        hepatic_reserve_frac=remnant_share(remnant_ml, liver),
        pretreated=bool(case.priors),
    )
    aims = aims_of(procedure, case.limits, territories, liver_now, catalog=catalog)
    return replace(aims, findings=(*prior_findings(case.priors), *aims.findings))


def with_reader(case: Case, reader: str) -> Case:
    """The case with its contours confirmed by a named reader."""
    return _with_images(case, lambda images: replace(images, confirmed_by=reader))


def with_series(case: Case, ct_series: str) -> Case:
    """The case with the CT series to take."""
    return _with_images(case, lambda images: replace(images, ct_series=ct_series))


def _with_images(case: Case, change: Callable[[ImageSources], ImageSources]) -> Case:
    return case if case.images is None else replace(case, images=change(case.images))
