"""What is read off a voxel dose: histograms with their errors, the accuracy of the images, BED."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emboplan.catalog.load import Catalog
from emboplan.dosimetry import radiobiology
from emboplan.dosimetry.histograms.bed_map import EffectMap, bed_map, per_voxel
from emboplan.dosimetry.histograms.dvh import dose_axis_gy, dvh
from emboplan.dosimetry.histograms.image_accuracy import ImageAccuracy, dose_accuracy
from emboplan.dosimetry.histograms.structure_accuracy import DoseAccuracy
from emboplan.dosimetry.maps.activity import LUNGS
from emboplan.dosimetry.tissues.density import structure_density
from emboplan.dosimetry.voxel.local_deposition import local_doses
from emboplan.imaging.resample import mask_occupancy
from emboplan.model.anatomy import Anatomy
from emboplan.model.grid import Grid
from emboplan.model.image import DensityMap, DoseMap
from emboplan.model.mask import Mask
from emboplan.model.results.dvh import StructureDvh
from emboplan.model.tissue import TissueMap
from emboplan.units import MBQ_PER_GBQ
from emboplan.workflow.dosing.dose_engines import ComputedDose
from emboplan.workflow.dosing.dose_places import (
    ALL_TUMOURS,
    LIVER,
    NORMAL_LIVER,
    PlacedActivity,
    Places,
    lesion_name,
)
from emboplan.workflow.dosing.dose_report import StructureBed

Share = NDArray[np.float32]
Structure = Mask | Share

# A lesion of fewer dose voxels than two along each axis hides in them; its mask says where it is.
FEW_VOXELS = 2**3

# A voxel has the parameters of a tissue that fills half of it.
HALF = 1 / 2

# Leaving out one batch at a time takes the histogram of a structure 64 times: quick for lesions, slow for
# organs, whose mean has its error from the run itself.
LARGEST_JACKKNIFED_ML = 50.0


def read_structures(anatomy: Anatomy, places: Places) -> dict[str, Structure]:
    """Liver, normal liver, tumours and lungs in the order of a report, as far as the dose grid reaches them.

    A lesion of a few voxels is a mask of the CT, which says where in them it is; all else are shares of the
    voxels.
    """
    found: dict[str, Structure] = {LIVER: places.liver}
    if places.normal.any():
        found[NORMAL_LIVER] = places.normal
    if places.lesions:
        found[ALL_TUMOURS] = mask_occupancy(anatomy.tumour, places.grid)
    small_ml = FEW_VOXELS * places.grid.voxel_ml
    for number in anatomy.lesions.numbers:
        name = lesion_name(number)
        if name in places.lesions:
            small = places.lesion_ml[name] < small_ml
            found[name] = anatomy.lesions.mask(number) if small else places.lesions[name]
    if places.lungs is not None:
        found[LUNGS] = places.lungs
    return found


def histograms(
    computed: ComputedDose, structures: Mapping[str, Structure], fwhm_mm: float | None
) -> tuple[StructureDvh, ...]:
    """The histograms on one axis; structures that transport was asked about have errors from its batches.

    A histogram looks between voxels, so its mean is not quite that of whole voxels for which the run has an
    error. Small structures have their own, from the batches; larger ones the run's in share of the mean.
    """
    dose = computed.dose
    axis = dose_axis_gy(float(dose.gy.max(initial=0.0)))
    errors = {mean.name: mean.relative_error for mean in computed.means if mean.mean_gy > 0}
    found = []
    for name, structure in structures.items():
        batches = computed.batch_doses_gy
        if name not in errors or _volume_ml(structure, dose.grid) > LARGEST_JACKKNIFED_ML:
            batches = None
        one = dvh(
            dose,
            structure,
            name,
            resolution_fwhm_mm=fwhm_mm,
            axis_gy=axis,
            batches_gy=batches,
            batch_voxels=None if batches is None else computed.batch_voxels,
        )
        if name in errors and one.standard_errors is None:
            one = replace(one, mean_gy_standard_error=errors[name] * one.mean_gy)
        found.append(one)
    return tuple(found)


def _volume_ml(structure: Structure, grid: Grid) -> float:
    if isinstance(structure, Mask):
        return structure.volume_ml
    return float(structure.sum(dtype=np.float64)) * grid.voxel_ml


def local_density(places: Places, tissue: TissueMap, facts: Catalog, *, everywhere: bool) -> DensityMap:
    """Grams in each voxel by one density for the liver and one for the lungs.

    With `everywhere` the tissue beyond them has the CT's density; else it has none: nothing decays there.
    """
    structures = [(places.liver, facts.number("density.liver"))]
    if places.lungs is not None:
        structures.append((places.lungs, facts.number("density.lung")))
    held = structure_density(places.grid, structures)
    if not everywhere:
        return held
    rest = 1 - places.liver - (0 if places.lungs is None else places.lungs)
    return DensityMap(places.grid, held.g_per_ml + np.maximum(rest, 0) * tissue.g_per_ml)


def image_accuracy(
    placed: PlacedActivity,
    places: Places,
    tissue: TissueMap,
    accuracy: ImageAccuracy,
    *,
    administered_gbq: float | None,
    k_gy_kg_per_gbq: float,
    facts: Catalog,
) -> DoseAccuracy | None:
    """What the images' accuracy does to mean doses, by local deposition; None where nothing is known."""
    known = (accuracy.resolution_fwhm_mm, accuracy.registration_sd_mm, accuracy.lung_shunt_sd)
    if all(one is None for one in known):
        return None
    density = local_density(places, tissue, facts, everywhere=True)
    whole = None
    if accuracy.lung_shunt_sd is not None and not accuracy.lung_shunt_frac and places.lungs is not None:
        # The mean lung dose if all of it went there.
        grams = float((places.lungs * density.g_per_ml).sum(dtype=np.float64)) * places.grid.voxel_ml
        whole = k_gy_kg_per_gbq * (administered_gbq or 0.0) * MBQ_PER_GBQ / grams
    return dose_accuracy(
        placed.image,
        places.structures(),
        local_doses(density, k_gy_kg_per_gbq=k_gy_kg_per_gbq),
        accuracy,
        regions=placed.regions,
        lung_gy_of_whole_shunt=whole,
    )


def bed_of(
    dose: DoseMap, structures: Mapping[str, Structure], *, half_life_h: float, catalog: Catalog
) -> tuple[EffectMap, tuple[StructureBed, ...]]:
    """The map of BED, and BED and EQD2 of the structures, by the catalogue's parameters.

    Tumours and lungs have their own; everything else is taken as liver.
    """
    sets = {name: radiobiology.parameters(name, catalog=catalog) for name in ("tumour", "liver", "lung")}

    def of(name: str) -> radiobiology.TissueParameters:
        return sets["tumour" if "tumour" in name else "lung" if name == LUNGS else "liver"]

    parts = {
        name: Mask(dose.grid, np.asarray(structures[name]) >= HALF)
        for name in (LUNGS, ALL_TUMOURS)
        if name in structures
    }
    alpha_beta, repair = (
        per_voxel(
            dose.grid, elsewhere(sets["liver"]), {mask: elsewhere(of(name)) for name, mask in parts.items()}
        )
        for elsewhere in (_alpha_beta, _repair)
    )
    whole = bed_map(dose, alpha_beta_gy=alpha_beta, repair_half_time_h=repair, half_life_h=half_life_h)
    rows = []
    for name, mask in structures.items():
        tissue = of(name)
        # Each structure with its own parameters, so that a border voxel of another tissue does not mix in.
        own = bed_map(
            dose,
            alpha_beta_gy=_alpha_beta(tissue),
            repair_half_time_h=_repair(tissue),
            half_life_h=half_life_h,
        )
        volumes = dvh(own, mask, name)
        rows.append(
            StructureBed(
                name=name,
                alpha_beta_gy=_alpha_beta(tissue),
                repair_half_time_h=_repair(tissue),
                mean_bed_gy=volumes.mean_gy,
                d50_bed_gy=volumes.d50_gy,
                d95_bed_gy=volumes.d95_gy,
                mean_eqd2_gy=float(radiobiology.eqd2(volumes.mean_gy, alpha_beta_gy=_alpha_beta(tissue))),
                status=tissue.alpha_beta_gy.status.value,
            )
        )
    return whole, tuple(rows)


def _alpha_beta(tissue: radiobiology.TissueParameters) -> float:
    return tissue.alpha_beta_gy.number


def _repair(tissue: radiobiology.TissueParameters) -> float:
    return tissue.repair_half_time_h.number
