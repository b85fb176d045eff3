"""The voxel dose of a scan and a CT: activity placed, tissue told, energy carried, structures read.

The image goes to the dose grid first. A relative image is scaled there to the activity of the liver and the
lungs; an absolute one is taken as it reads. Then lesions may be corrected for partial volume. Everything that
is not certain goes into the findings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import emboplan
from emboplan.catalog.load import Catalog, load
from emboplan.dicom.read.common import SeriesHeader
from emboplan.dosimetry.histograms.bed_map import EffectMap
from emboplan.dosimetry.histograms.image_accuracy import ImageAccuracy
from emboplan.dosimetry.maps.recovery import RecoveredActivity, recovered_activity
from emboplan.dosimetry.maps.recovery_coefficients import Recovery, SphereRecovery, published_curve
from emboplan.dosimetry.tissues.tissue import tissue_map, with_mean_density
from emboplan.errors import InputError
from emboplan.model.anatomy import Anatomy
from emboplan.model.case import DoseMethod
from emboplan.model.image import ActivityMap, DoseMap
from emboplan.model.mask import Mask
from emboplan.model.plan import InputDigest
from emboplan.model.tissue import TissueMap
from emboplan.units import MBQ_PER_GBQ
from emboplan.workflow.dosing.dose_engines import ComputedDose, DoseSettings, computed_dose
from emboplan.workflow.dosing.dose_inputs import (
    ScanActivity,
    ScanRequest,
    laid_activity,
    load_activity,
    load_anatomy,
    require_aligned,
)
from emboplan.workflow.dosing.dose_places import (
    PlacedActivity,
    Places,
    deciding_structures,
    placed_activity,
    shown_lungs,
)
from emboplan.workflow.dosing.dose_reading import (
    HALF,
    bed_of,
    histograms,
    image_accuracy,
    local_density,
    read_structures,
)
from emboplan.workflow.dosing.dose_remarks import (
    BY_MASS,
    air_voxels,
    gas_findings,
    method_findings,
    without_air,
)
from emboplan.workflow.dosing.dose_report import ActivityAccount, DoseReport, RecoveryReport, StructureBed
from emboplan.workflow.dosing.dose_request import DoseRequest, dose_grid, require_sense
from emboplan.workflow.inputs import load_ct, mask_file, parse_mask_source
from emboplan.workflow.provenance import digest
from emboplan.workflow.registering.laid_scan import LaidScan

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, eq=False)
class ScanDose:
    """The report with what it was computed on, for files and pictures.

    `bed` is there where it was asked for, `laid` where the image was registered to the CT.
    """

    report: DoseReport
    dose: DoseMap
    bed: EffectMap | None
    anatomy: Anatomy
    source: SeriesHeader | None
    laid: LaidScan | None = None


def scan_dose(
    activity: Path | str,
    ct: Path | str,
    request: DoseRequest | None = None,
    *,
    catalog: Catalog | None = None,
    progress: Progress | None = None,
) -> ScanDose:
    """The voxel dose of the activity image at a path, on the CT at another.

    Raises:
        InputError: an image, a mask or a wish that cannot be used; the message says what to do.
    """
    facts = catalog or load()
    wish = request or DoseRequest()
    say = progress or (lambda _stage, _done: None)
    require_sense(wish)
    say("reading images", 0.0)
    scan = load_activity(
        Path(activity),
        ScanRequest(
            unit=wish.unit,
            injected_at=wish.injected_at,
            measured_at=wish.measured_at,
            resolution_fwhm_mm=wish.resolution_fwhm_mm,
            scanner_nuclide=wish.scanner_nuclide,
            needs_amount=wish.administered_gbq is None,
        ),
        nuclide=wish.settings.nuclide,
        catalog=facts,
        progress=progress,
    )
    loaded = load_ct(Path(ct), wish.ct_series, progress)
    if wish.laying.kind is None:  # told before the long work
        require_aligned(loaded.image.grid, scan.image.grid)
    say("segmenting", 0.1)
    anatomy, said = load_anatomy(
        loaded,
        liver=wish.liver,
        tumours=wish.tumours,
        lungs=wish.lungs,
        progress=lambda stage, done: say(stage, 0.1 + 0.3 * done),
    )
    scan, laid, aligned = laid_activity(scan, anatomy, wish.laying, facts, progress)
    grid = dose_grid(scan.image.grid, wish.grid_mm)
    say("placing the activity", 0.4)
    places = Places.of(anatomy, grid)
    placed = placed_activity(
        scan,
        places,
        anatomy.liver,
        administered_gbq=wish.administered_gbq,
        lung_shunt_frac=wish.lung_shunt_frac,
        allow_cut_liver=wish.allow_cut_liver,
    )
    say("telling tissues", 0.45)
    tissue, of_tissue = tissue_map(
        loaded.image, liver=anatomy.liver, lungs=shown_lungs(anatomy), grid=grid, catalog=facts
    )
    if wish.uniform_liver:
        tissue = with_mean_density(tissue, [Mask(grid, places.liver >= HALF)])
    recovered = _recovered(placed.activity, places, scan.resolution_fwhm_mm, wish.recovery, facts)
    activity_map = placed.activity if recovered is None else recovered.activity
    say("computing dose", 0.5)
    computed = _computed(
        activity_map,
        tissue,
        places,
        wish,
        facts,
        everywhere=placed.regions is None,
        progress=lambda done: say("computing dose", 0.5 + 0.35 * done),
    )
    say("reading structures", 0.85)
    k = _k(wish.settings, facts)
    accuracy = image_accuracy(
        placed,
        places,
        tissue,
        _accuracy(wish, scan, recovered),
        administered_gbq=wish.administered_gbq,
        k_gy_kg_per_gbq=k,
        facts=facts,
    )
    structures = read_structures(anatomy, places)
    read = histograms(computed, structures, scan.resolution_fwhm_mm)
    bed: EffectMap | None = None
    beds: tuple[StructureBed, ...] = ()
    if wish.with_bed:
        half_life_h = facts.nuclide(wish.settings.nuclide).half_life_h
        bed, beds = bed_of(computed.dose, structures, half_life_h=half_life_h, catalog=facts)
    inputs = _digests(Path(activity), Path(ct), scan, loaded.files, wish)
    findings = (
        *loaded.findings,
        *scan.findings,
        *aligned,
        *said,
        *of_tissue,
        *placed.findings,
        *(() if recovered is None else recovered.findings),
        *computed.findings,
        *gas_findings(computed.dose, anatomy, facts),
        *(() if accuracy is None else accuracy.findings),
        *method_findings(wish.settings.method),
    )
    report = DoseReport(
        emboplan_version=emboplan.__version__,
        catalogue_digest=facts.digest,
        inputs=inputs,
        method=computed.dose.method,
        nuclide=wish.settings.nuclide,
        k_gy_kg_per_gbq=k,
        seed=wish.settings.seed,
        voxel_spacing_mm=grid.spacing_mm,
        grid_voxels=(grid.shape[2], grid.shape[1], grid.shape[0]),
        image_resolution_fwhm_mm=scan.resolution_fwhm_mm,
        activity=_account(placed, activity_map, scan, wish),
        convolved_frac=computed.convolved_frac,
        transported_frac=computed.transported_frac,
        histories=computed.histories,
        relative_error=wish.settings.relative_error if wish.settings.method.is_statistical else None,
        reached=computed.reached,
        left_frac=computed.left_frac,
        run_means=computed.means,
        recovery=RecoveryReport(
            "No correction for partial volume." if recovered is None else recovered.choice,
            () if recovered is None else recovered.lesions,
        ),
        image_accuracy=accuracy,
        bed=beds,
        structures=read,
        provisional=anatomy.review.provisional,
        findings=tuple(dict.fromkeys(findings)),
    )
    return ScanDose(report, computed.dose, bed, anatomy, loaded.header, laid)


def _computed(
    activity: ActivityMap,
    tissue: TissueMap,
    places: Places,
    wish: DoseRequest,
    facts: Catalog,
    *,
    everywhere: bool,
    progress: Callable[[float], None],
) -> ComputedDose:
    """The dose by the method asked for; one that divides by mass gives none to air outside the organs."""
    method = wish.settings.method
    local = (
        local_density(places, tissue, facts, everywhere=everywhere) if method is DoseMethod.LOCAL else None
    )
    found = computed_dose(
        activity,
        tissue if local is None else local,
        replace(wish.settings, keep_batches=method.is_statistical),
        structures=deciding_structures(places, wish.error_in),
        catalog=facts,
        progress=progress,
    )
    if method not in BY_MASS:
        return found
    air = air_voxels(tissue, facts)
    dose, said = without_air(found.dose, local or tissue.density, air, [places.liver, places.lungs])
    return replace(found, dose=dose, findings=(*found.findings, *said))


def _recovered(
    activity: ActivityMap, places: Places, fwhm_mm: float | None, choice: str, facts: Catalog
) -> RecoveredActivity | None:
    if choice == "none":
        return None
    if fwhm_mm is None:
        raise InputError("recovery needs the resolution of the image (FWHM, mm); give it, or no recovery")
    if not places.lesions:
        raise InputError("recovery is of lesions, and there are none; give tumours, or no recovery")
    recovery: Recovery = SphereRecovery() if choice == "sphere" else published_curve(facts)
    return recovered_activity(
        activity, places.lesions, places.liver, resolution_fwhm_mm=fwhm_mm, recovery=recovery
    )


def _k(settings: DoseSettings, facts: Catalog) -> float:
    if settings.k_gy_kg_per_gbq is not None:
        return settings.k_gy_kg_per_gbq
    nuclide = facts.nuclide(settings.nuclide)
    # Transport emits what half-life and mean energy say; the others use the record's coefficient.
    return nuclide.derived_gy_kg_per_gbq if settings.method.is_statistical else nuclide.k_gy_kg_per_gbq


def _accuracy(wish: DoseRequest, scan: ScanActivity, recovered: RecoveredActivity | None) -> ImageAccuracy:
    corrected = () if recovered is None else recovered.lesions
    return ImageAccuracy(
        registration_sd_mm=wish.registration_sd_mm,
        resolution_fwhm_mm=scan.resolution_fwhm_mm,
        lung_shunt_frac=None if wish.lung_shunt_sd is None else wish.lung_shunt_frac,
        lung_shunt_sd=wish.lung_shunt_sd,
        recovery_relative_sd={
            one.name: one.relative_standard for one in corrected if one.recovery_frac is not None
        },
    )


def _account(
    placed: PlacedActivity, activity: ActivityMap, scan: ScanActivity, wish: DoseRequest
) -> ActivityAccount:
    shunt = wish.lung_shunt_frac
    if wish.administered_gbq is not None and shunt is None:
        shunt = 0.0
    return ActivityAccount(
        source="measured" if wish.administered_gbq is None else "administered",
        in_map_gbq=activity.total_mbq / MBQ_PER_GBQ,
        administered_gbq=wish.administered_gbq,
        lung_shunt_frac=shunt,
        image_gbq=scan.image.total_mbq / MBQ_PER_GBQ if scan.is_absolute else None,
        decay_factor=scan.decay_factor,
        region_gbq={name: mbq / MBQ_PER_GBQ for name, mbq in placed.region_mbq.items()},
        counts_outside_frac=placed.outside_frac,
        counts_reassigned_frac=placed.reassigned_frac,
        not_placed_gbq=placed.not_placed_mbq / MBQ_PER_GBQ,
        outside_ct_gbq=placed.outside_ct_mbq / MBQ_PER_GBQ,
        outside_grid_gbq=placed.outside_grid_mbq / MBQ_PER_GBQ,
    )


def _digests(
    activity: Path, ct: Path, scan: ScanActivity, ct_files: Sequence[Path], wish: DoseRequest
) -> tuple[InputDigest, ...]:
    found = [digest("activity", activity.name, scan.files), digest("ct", ct.name, ct_files)]
    for role, text in (("liver", wish.liver), ("tumours", wish.tumours), ("lungs", wish.lungs)):
        if text is not None:
            source = parse_mask_source(text)
            found.append(digest(role, str(source), [mask_file(source.path)]))
    return tuple(found)
