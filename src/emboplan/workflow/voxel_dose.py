"""The dose in every voxel of the scan: activity where the counts are, energy where the decays are.

Each territory's counts are scaled to its administered activity less its shunt; the lungs get the shunted part
of all. Histograms are of the structures' fractional occupancies on the scan's grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.dosimetry.models.compartment import lung_dose
from emboplan.dosimetry.models.scaled_map import mean_per_gbq
from emboplan.dosimetry.voxel.activity import CalibratedActivity, calibrated_activity, counts_elsewhere_frac
from emboplan.dosimetry.voxel.density import structure_density
from emboplan.dosimetry.voxel.dvh import dvh_set
from emboplan.dosimetry.voxel.local_deposition import local_deposition
from emboplan.errors import MaskError
from emboplan.imaging.resample import mask_occupancy
from emboplan.model.anatomy import Anatomy
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import ActivityMap, DensityMap, DoseMap
from emboplan.model.plan import Check, DoseSummary
from emboplan.model.results.activity import Doses
from emboplan.units import MBQ_PER_GBQ, PERCENT
from emboplan.workflow.treated import Physics, TerritoryInput
from emboplan.workflow.uptake import ScanRegions

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


def voxel_dose(
    anatomy: Anatomy,
    regions: ScanRegions,
    administered: Sequence[tuple[TerritoryInput, float]],
    physics: Physics,
    *,
    lung_g_per_ml: float,
) -> VoxelDose:
    """The local-deposition dose of territories with their administered activities (GBq)."""
    scan = regions.scan
    concentration = np.zeros(scan.grid.shape, dtype=np.float64)
    # Activity as if all were of the plan's nuclide: a territory of another nuclide counts by its own K.
    effective = np.zeros(scan.grid.shape, dtype=np.float64)
    outside = 1.0
    reassigned = 0.0
    for territory, activity_gbq in administered:
        placed = _placed(regions, territory, activity_gbq)
        concentration += placed.activity.mbq_per_ml
        k_ratio = (territory.physics or physics).k_gy_kg_per_gbq / physics.k_gy_kg_per_gbq
        effective += placed.activity.mbq_per_ml * k_ratio
        outside = min(outside, placed.outside_frac)
        reassigned = max(reassigned, placed.reassigned_frac)
    activity = ActivityMap(scan.grid, concentration.astype(np.float32))
    dose = local_deposition(
        ActivityMap(scan.grid, effective.astype(np.float32)),
        _density(regions, physics, lung_g_per_ml),
        k_gy_kg_per_gbq=physics.k_gy_kg_per_gbq,
    )
    histograms = dvh_set(dose, _structures(anatomy, regions), resolution_fwhm_mm=scan.resolution_fwhm_mm)
    given_gbq = sum(gbq for _, gbq in administered)
    summary = DoseSummary(
        method=dose.method,
        voxel_spacing_mm=scan.grid.spacing_mm,
        image_resolution_fwhm_mm=scan.resolution_fwhm_mm,
        administered_gbq=given_gbq,
        counts_outside_frac=outside,
        structures=histograms.structures,
    )
    kept_gbq = activity.total_mbq / MBQ_PER_GBQ
    if regions.lungs is None:
        given_gbq = sum(gbq * (1 - (t.lung_shunt_frac or 0.0)) for t, gbq in administered)
    check = Check(
        id="activity-conserved",
        text="activity in the dose map against the activity administered, relative difference",
        value=abs(kept_gbq / given_gbq - 1),
        limit=CONSERVATION,
        passed=abs(kept_gbq / given_gbq - 1) <= CONSERVATION,
    )
    return VoxelDose(dose, summary, check, tuple(_findings(_elsewhere(regions), reassigned)))


def _placed(regions: ScanRegions, territory: TerritoryInput, activity_gbq: float) -> CalibratedActivity:
    """The activity of one territory where the counts are."""
    if territory.volume is None:
        raise MaskError(f'territory "{territory.name}" has no mask, so that no voxel dose can be computed')
    treated = np.minimum(mask_occupancy(territory.volume.perfused, regions.scan.grid), regions.liver)
    return calibrated_activity(
        regions.scan,
        treated,
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
    it is on the scale of the lung limits.
    """
    grid = regions.scan.grid
    density = _density(regions, physics, lung_g_per_ml)
    whole_normal = mask_occupancy(anatomy.normal_liver, grid)
    found = {}
    for territory in territories:
        if territory.volume is None or territory.lung_shunt_frac is None:
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


def _structures(anatomy: Anatomy, regions: ScanRegions) -> Mapping[str, NDArray[np.float32]]:
    grid = regions.scan.grid
    lesions = {
        f"tumour {label}": mask_occupancy(anatomy.lesions.mask(label), grid)
        for label in anatomy.lesions.numbers
    }
    lungs = _apart(regions)
    structures = {
        "liver": regions.liver,
        "normal liver": mask_occupancy(anatomy.normal_liver, grid),
        **({"all tumours": mask_occupancy(anatomy.tumour, grid)} if lesions else {}),
        **lesions,
        **({"lungs": lungs} if lungs is not None else {}),
    }
    return {name: share for name, share in structures.items() if share.any()}


def _findings(elsewhere: float, reassigned: float) -> list[Finding]:
    found = [
        Finding(
            "dose-local-deposition",
            Severity.INFO,
            "The voxel dose is local deposition on a blurred scan: means of liver and large lesions can be "
            "read, voxels at borders, small lesions and single lung voxels cannot.",
            "DAND; ARIENZO",
        )
    ]
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
