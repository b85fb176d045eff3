"""The dose in every voxel of the scan: activity where the counts are, energy where the decays are.

Each territory's counts are scaled to its administered activity less its shunt; the lungs get the shunted part
of all. How the energy gets from decays to voxels is the method's. Histograms are of the
CT's structures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.catalog.load import Catalog
from emboplan.dosimetry.histograms.image_accuracy import ImageAccuracy, dose_accuracy
from emboplan.dosimetry.maps.activity import (
    CalibratedActivity,
    Treated,
    calibrated_activity,
    counts_elsewhere_frac,
    shunted_regions,
)
from emboplan.dosimetry.models.compartment import lung_dose
from emboplan.dosimetry.models.scaled_map import mean_per_gbq
from emboplan.dosimetry.tissues.density import structure_density
from emboplan.dosimetry.tissues.tissue import tissue_map
from emboplan.dosimetry.voxel.local_deposition import local_deposition, local_doses
from emboplan.errors import MaskError
from emboplan.imaging.resample import mask_occupancy
from emboplan.model.anatomy import Anatomy
from emboplan.model.case import DoseMethod
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import ActivityMap, DensityMap, DoseMap
from emboplan.model.plan import Check, DoseSummary, ImageUncertainty
from emboplan.model.results.activity import Doses
from emboplan.model.tissue import TissueMap
from emboplan.units import MBQ_PER_GBQ, PERCENT
from emboplan.workflow.dosing.dose_engines import ComputedDose, DoseSettings, computed_dose, summed
from emboplan.workflow.dosing.dose_places import Places, deciding_structures, shown_lungs
from emboplan.workflow.dosing.dose_reading import histograms, read_structures
from emboplan.workflow.dosing.dose_remarks import gas_findings, method_findings
from emboplan.workflow.dosing.liver_seen import is_seen, seen_findings
from emboplan.workflow.planning.treated import Physics, TerritoryInput
from emboplan.workflow.planning.uptake import ScanRegions

# Counts far from liver and lungs above this share say that the scan shows uptake elsewhere, or that the
# contours or the alignment are wrong; below it they are the body's background.
NOTABLE_ELSEWHERE_FRAC = 0.05

# Float32 voxels sum to the activity that was put in within this relative difference.
CONSERVATION = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class VoxelDose:
    """The dose map, what the plan says of it, and its own check."""

    dose: DoseMap
    summary: DoseSummary
    check: Check
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class VoxelWish:
    """How the voxel dose of a plan is computed, and what is known of the images' accuracy."""

    method: DoseMethod = DoseMethod.LOCAL
    registration_sd_mm: float | None = None
    lung_shunt_sd: float | None = None


def voxel_dose(
    anatomy: Anatomy,
    regions: ScanRegions,
    administered: Sequence[tuple[TerritoryInput, float]],
    physics: Physics,
    *,
    lung_g_per_ml: float,
    wish: VoxelWish,
    catalog: Catalog,
) -> VoxelDose:
    """The dose of territories with their administered activities (GBq), by the method of `wish`."""
    grid = regions.scan.grid
    placed = [(territory, _placed(regions, territory, gbq)) for territory, gbq in administered]
    concentration = np.zeros(grid.shape, dtype=np.float64)
    for _, one in placed:
        concentration += one.activity.mbq_per_ml
    kept_gbq = ActivityMap(grid, concentration.astype(np.float32)).total_mbq / MBQ_PER_GBQ
    density = _density(regions, physics, lung_g_per_ml)
    around: DensityMap | TissueMap = density
    findings: tuple[Finding, ...] = ()
    if wish.method is not DoseMethod.LOCAL:
        around, findings = tissue_map(
            anatomy.ct, liver=anatomy.liver, lungs=shown_lungs(anatomy), grid=grid, catalog=catalog
        )
    places = Places.of(anatomy, grid)
    computed = _computed(placed, around, physics, wish, places, catalog)
    read = histograms(computed, read_structures(anatomy, places), regions.scan.resolution_fwhm_mm)
    given_gbq = sum(gbq for _, gbq in administered)
    summary = DoseSummary(
        method=computed.dose.method,
        voxel_spacing_mm=grid.spacing_mm,
        image_resolution_fwhm_mm=regions.scan.resolution_fwhm_mm,
        administered_gbq=given_gbq,
        counts_outside_frac=min((one.outside_frac for _, one in placed), default=1.0),
        structures=read,
        convolved_frac=computed.convolved_frac,
        transported_frac=computed.transported_frac,
        histories=computed.histories,
        relative_error=DoseSettings().relative_error if wish.method.is_statistical else None,
        reached=computed.reached,
        image_accuracy=_accuracy(regions, administered, density, places, physics, wish),
    )
    if regions.lungs is None:
        given_gbq = sum(gbq * (1 - (t.lung_shunt_frac or 0.0)) for t, gbq in administered)
    check = Check(
        id="activity-conserved",
        text="activity in the dose map against the activity administered, relative difference",
        value=abs(kept_gbq / given_gbq - 1),
        limit=CONSERVATION,
        passed=abs(kept_gbq / given_gbq - 1) <= CONSERVATION,
    )
    reassigned = max((one.reassigned_frac for _, one in placed), default=0.0)
    said = (
        *method_findings(wish.method),
        *_findings(_elsewhere(regions), reassigned),
        *_about_view(anatomy, regions, administered),
        *findings,
        *(gas_findings(computed.dose, anatomy, catalog) if wish.method is not DoseMethod.LOCAL else ()),
        *computed.findings,
    )
    return VoxelDose(computed.dose, summary, check, said)


def _about_view(
    anatomy: Anatomy, regions: ScanRegions, administered: Sequence[tuple[TerritoryInput, float]]
) -> Iterator[Finding]:
    parts = {t.name: t.volume.perfused for t, _ in administered if t.volume is not None}
    return seen_findings(anatomy.liver, parts, regions.scan)


def _computed(
    placed: Sequence[tuple[TerritoryInput, CalibratedActivity]],
    around: DensityMap | TissueMap,
    physics: Physics,
    wish: VoxelWish,
    places: Places,
    catalog: Catalog,
) -> ComputedDose:
    """The dose of all territories; those of one nuclide together, nuclides one after the other."""
    maps: dict[str, tuple[Physics, NDArray[np.float64]]] = {}
    for territory, one in placed:
        own = territory.physics or physics
        _, total = maps.setdefault(own.nuclide, (own, np.zeros(places.grid.shape, dtype=np.float64)))
        total += one.activity.mbq_per_ml
    found = []
    for name, (own, mbq_per_ml) in maps.items():
        settings = DoseSettings(
            method=wish.method,
            nuclide=name,
            k_gy_kg_per_gbq=own.k_gy_kg_per_gbq,
            keep_batches=wish.method.is_statistical and len(maps) == 1,
        )
        activity = ActivityMap(places.grid, mbq_per_ml.astype(np.float32))
        asked = deciding_structures(places, None)
        one_dose = computed_dose(activity, around, settings, structures=asked, catalog=catalog)
        weight = activity.total_mbq
        found.append((one_dose, weight))
    return found[0][0] if len(found) == 1 else summed(found)


def _accuracy(
    regions: ScanRegions,
    administered: Sequence[tuple[TerritoryInput, float]],
    density: DensityMap,
    places: Places,
    physics: Physics,
    wish: VoxelWish,
) -> tuple[ImageUncertainty, ...]:
    """What the images' accuracy does to mean doses, where the case states that of the registration."""
    if wish.registration_sd_mm is None:
        return ()
    treated = [
        Treated(t.name, _treated_share(regions, t), gbq, t.lung_shunt_frac or 0.0) for t, gbq in administered
    ]
    total = sum(gbq for _, gbq in administered)
    shunt = sum(gbq * (t.lung_shunt_frac or 0.0) for t, gbq in administered) / total
    lungs = _apart(regions) if shunt > 0 else None
    fwhm = regions.scan.resolution_fwhm_mm
    shunt_sd = wish.lung_shunt_sd if shunt > 0 else None
    found = dose_accuracy(
        regions.scan,
        places.structures() if lungs is not None else places.in_liver(),
        local_doses(density, k_gy_kg_per_gbq=physics.k_gy_kg_per_gbq),
        ImageAccuracy(
            registration_sd_mm=wish.registration_sd_mm,
            resolution_fwhm_mm=fwhm,
            lung_shunt_frac=None if shunt_sd is None else shunt,
            lung_shunt_sd=shunt_sd,
        ),
        regions=shunted_regions(
            regions.scan.grid, treated, lungs, liver=regions.liver, resolution_fwhm_mm=fwhm
        ),
    )

    def share(part: float | None, mean: float) -> float | None:
        return None if part is None or mean <= 0 else part / mean

    return tuple(
        ImageUncertainty(
            name=one.name,
            relative_sd=one.relative,
            registration_relative_sd=share(one.shift_gy, one.mean_gy),
            resolution_relative_sd=share(one.resolution_gy, one.mean_gy),
            shunt_relative_sd=share(one.shunt_gy, one.mean_gy),
            quantifiable=one.quantifiable,
        )
        for one in found.structures
    )


def _treated_share(regions: ScanRegions, territory: TerritoryInput) -> NDArray[np.float32]:
    if territory.volume is None:
        raise MaskError(f'territory "{territory.name}" has no mask, so that no voxel dose can be computed')
    return np.minimum(mask_occupancy(territory.volume.perfused, regions.scan.grid), regions.liver)


def _placed(regions: ScanRegions, territory: TerritoryInput, activity_gbq: float) -> CalibratedActivity:
    """The activity of one territory where the counts are."""
    return calibrated_activity(
        regions.scan,
        _treated_share(regions, territory),
        administered_gbq=activity_gbq,
        lung_shunt_frac=territory.lung_shunt_frac or 0.0,
        lungs=_apart(regions),
    )


def doses_per_gbq(
    anatomy: Anatomy,
    regions: ScanRegions,
    territories: Sequence[TerritoryInput],
    physics: Physics,
    *,
    lung_g_per_ml: float,
) -> dict[str, Doses]:
    """The mean doses of 1 GBq in each territory on the dose map of the scan: the voxel model's response.

    The lungs' dose is that of the shunted activity in the plan's lung mass, as in every other model, so that
    it is on the scale of the lung limits. A territory that the scan does not show has no doses: `voxel_dose`
    says so.
    """
    grid = regions.scan.grid
    density = _density(regions, physics, lung_g_per_ml)
    whole_normal = mask_occupancy(anatomy.normal_liver, grid)
    found = {}
    for territory in territories:
        if territory.volume is None or territory.lung_shunt_frac is None:
            continue
        if not is_seen(territory.volume.perfused, grid):
            continue
        k = (territory.physics or physics).k_gy_kg_per_gbq
        placed = _placed(regions, territory, 1.0)
        gy = local_deposition(placed.activity, density, k_gy_kg_per_gbq=k).gy
        volume = territory.volume

        def mean(share: NDArray[np.float32], gy: NDArray[np.float32] = gy) -> float | None:
            return mean_per_gbq(gy, share) if share.any() else None

        lesions = {
            str(n): dose
            for n in volume.labels
            if (dose := mean(mask_occupancy(volume.lesions.mask(n), grid))) is not None
        }
        found[territory.name] = Doses(
            tumour=mean(mask_occupancy(volume.tumour, grid)) if volume.labels else None,
            perfused_normal=mean(mask_occupancy(volume.normal, grid)),
            whole_normal=mean(whole_normal),
            perfused=mean(mask_occupancy(volume.perfused, grid)),
            lung=float(
                lung_dose(
                    administered_gbq=1.0,
                    lung_shunt_frac=territory.lung_shunt_frac,
                    lung_mass_g=physics.lung_mass_g,
                    k_gy_kg_per_gbq=k,
                )
            ),
            lesions=lesions,
        )
    return found


def _elsewhere(regions: ScanRegions) -> float:
    structures = [regions.liver]
    if regions.lungs is not None and regions.lungs.any():
        structures.append(regions.lungs)
    return counts_elsewhere_frac(regions.scan, structures)


def _apart(regions: ScanRegions) -> NDArray[np.float32] | None:
    """The lungs, less what a shared border voxel gives to the liver already."""
    if regions.lungs is None or not regions.lungs.any():
        return None
    return np.minimum(regions.lungs, 1 - regions.liver)


def _density(regions: ScanRegions, physics: Physics, lung_g_per_ml: float) -> DensityMap:
    structures = [(regions.liver, physics.liver_g_per_ml)]
    lungs = _apart(regions)
    if lungs is not None:
        structures.append((lungs, lung_g_per_ml))
    return structure_density(regions.scan.grid, structures)


def _findings(elsewhere: float, reassigned: float) -> list[Finding]:
    found = []
    if reassigned > 0:
        text = (
            f"{reassigned * PERCENT:.0f} % of the counts in the lungs lie near the liver and are taken for "
            "the liver's; the lung there got the mean of the rest."
        )
        found.append(Finding("lung-counts-reassigned", Severity.INFO, text))
    if elsewhere > NOTABLE_ELSEWHERE_FRAC:
        text = (
            f"{elsewhere * PERCENT:.0f} % of the counts lie far from liver and lungs: look for extrahepatic "
            "uptake, wrong contours or a shift between SPECT and CT."
        )
        found.append(Finding("counts-outside", Severity.WARNING, text))
    return found
