"""The engines of the voxel dose behind one door: one activity map, one tissue map, one method, one result.

Only here is it known which engine needs what: local deposition a density, the others materials too; auto and
transport structures in which the error is asked for. A dose coefficient other than that of half-life and mean
energy scales the transported dose. Energy that leaves the grid is told for every engine that can lose some.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emboplan import catalog as catalogue
from emboplan.dosimetry.arguments import positive
from emboplan.dosimetry.tissues.fine_grid import require_fine
from emboplan.dosimetry.tissues.interfaces import ALIKE
from emboplan.dosimetry.tissues.tissue_from_density import tissue_from_density
from emboplan.dosimetry.voxel.auto import SOFT_TISSUE, AutoResult, auto_dose
from emboplan.dosimetry.voxel.local_deposition import local_deposition
from emboplan.dosimetry.voxel.transport import MOST_HISTORIES, transport_dose
from emboplan.dosimetry.voxel.transport_result import StructureMean, TransportResult
from emboplan.dosimetry.voxel.voxel_s import Bremsstrahlung, voxel_s_kernel
from emboplan.dosimetry.voxel.voxel_s_dose import voxel_s_dose
from emboplan.errors import ModelRangeError
from emboplan.model.case import DoseMethod
from emboplan.model.finding import Finding
from emboplan.model.image import ActivityMap, DensityMap, DoseMap
from emboplan.model.tissue import TissueMap
from emboplan.workflow.dosing.dose_remarks import left_findings, left_frac

Share = NDArray[np.float32]

KEPT = "kept"
BREMSSTRAHLUNG = (KEPT, "escapes")

# Soft tissue for the interfaces, and yet 1 % shorter in range: a phantom of water has its own kernel.
WATER = "water"


@dataclass(frozen=True, slots=True)
class DoseSettings:
    """How a dose is computed; `k_gy_kg_per_gbq` is the nuclide record's unless given."""

    method: DoseMethod = DoseMethod.AUTO
    nuclide: str = "Y-90"
    seed: int = 1
    relative_error: float = 0.01
    most_histories: int = MOST_HISTORIES
    bremsstrahlung: Bremsstrahlung = "kept"
    k_gy_kg_per_gbq: float | None = None
    keep_batches: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ComputedDose:
    """A dose map and how it came about.

    `convolved_frac` and `transported_frac` are shares of the activity, both 0 for local deposition. `means`
    are of the structures in which an error was asked for, over whole voxels by the share that a structure
    fills of each; empty where the method has none. `left_frac` of the energy left the grid and is in no dose.
    Batches are those of `dvh`, None unless kept.
    """

    dose: DoseMap
    convolved_frac: float
    transported_frac: float
    histories: int = 0
    reached: bool = True
    means: tuple[StructureMean, ...] = ()
    findings: tuple[Finding, ...] = ()
    left_frac: float = 0.0
    batch_doses_gy: NDArray[np.float32] | None = None
    batch_voxels: NDArray[np.int64] | None = None


def computed_dose(
    activity: ActivityMap,
    around: DensityMap | TissueMap,
    settings: DoseSettings,
    *,
    structures: Mapping[str, Share],
    catalog: catalogue.Catalog | None = None,
    progress: Callable[[float], None] | None = None,
) -> ComputedDose:
    """The dose by the method of `settings`; all but local deposition need a tissue map.

    `structures` say in which mean doses the error is asked for; empty for all voxels with activity.
    """
    _check(settings)
    if not float(activity.mbq_per_ml.max(initial=0.0)) > 0:
        raise ModelRangeError("the activity map holds no activity; check the image and its calibration")
    facts = catalog or catalogue.load()
    require_fine(activity.grid, facts)
    if settings.method is DoseMethod.LOCAL:
        density = around.density if isinstance(around, TissueMap) else around
        return ComputedDose(
            local_deposition(
                activity,
                density,
                nuclide=facts.nuclide(settings.nuclide),
                k_gy_kg_per_gbq=settings.k_gy_kg_per_gbq,
            ),
            0.0,
            0.0,
        )
    tissue = around if isinstance(around, TissueMap) else tissue_from_density(around, catalog=facts)
    if not settings.method.is_statistical:
        return _convolved(activity, tissue, settings, facts)
    found = _statistical(activity, tissue, settings, structures, facts, progress)
    if settings.k_gy_kg_per_gbq is None:
        return found
    return _scaled(found, settings.k_gy_kg_per_gbq / facts.nuclide(settings.nuclide).derived_gy_kg_per_gbq)


def _check(settings: DoseSettings) -> None:
    """Refuse wishes that make no sense, for every method alike."""
    if settings.k_gy_kg_per_gbq is not None:
        positive(settings.k_gy_kg_per_gbq, "k_gy_kg_per_gbq")
    if settings.bremsstrahlung not in BREMSSTRAHLUNG:
        raise ModelRangeError(f"bremsstrahlung is {settings.bremsstrahlung!r}; expected 'kept' or 'escapes'")
    if settings.method is DoseMethod.LOCAL and settings.bremsstrahlung != KEPT:
        raise ModelRangeError(
            "local deposition keeps all energy where the decay is; let bremsstrahlung be 'kept', or take "
            "another method"
        )


def _statistical(
    activity: ActivityMap,
    tissue: TissueMap,
    settings: DoseSettings,
    structures: Mapping[str, Share],
    facts: catalogue.Catalog,
    progress: Callable[[float], None] | None,
) -> ComputedDose:
    """The dose by auto or transport, with the energy that half-life and mean energy give."""
    asked = dict(structures) or {"activity": (activity.mbq_per_ml > 0).astype(np.float32)}
    if settings.method is DoseMethod.AUTO:
        return _of_auto(_auto(activity, tissue, settings, asked, facts, progress))
    return _of_transport(
        transport_dose(
            activity,
            tissue,
            nuclide=settings.nuclide,
            relative_error=settings.relative_error,
            structures=asked,
            most_histories=settings.most_histories,
            seed=settings.seed,
            bremsstrahlung=settings.bremsstrahlung,
            keep_batches=settings.keep_batches,
            progress=progress,
            catalog=facts,
        )
    )


def _scaled(found: ComputedDose, factor: float) -> ComputedDose:
    """The same with another energy for each decay."""
    errors = found.dose.standard_error_gy
    return replace(
        found,
        dose=DoseMap(
            found.dose.grid,
            found.dose.gy * np.float32(factor),
            found.dose.method,
            None if errors is None else errors * np.float32(factor),
        ),
        means=tuple(
            StructureMean(mean.name, mean.mean_gy * factor, mean.standard_error_gy * factor)
            for mean in found.means
        ),
        batch_doses_gy=None if found.batch_doses_gy is None else found.batch_doses_gy * np.float32(factor),
    )


def _convolved(
    activity: ActivityMap, tissue: TissueMap, settings: DoseSettings, facts: catalogue.Catalog
) -> ComputedDose:
    """The dose of the medium that most of the activity lies in, at its mean density there."""
    composition, within = _medium(activity, tissue)
    weights = np.where(within, activity.mbq_per_ml, np.float32(0))
    mean = float((tissue.g_per_ml * weights).sum(dtype=np.float64) / weights.sum(dtype=np.float64))
    by_density = settings.method is DoseMethod.VOXEL_S_DENSITY
    dose = voxel_s_dose(
        activity,
        nuclide=settings.nuclide,
        density=tissue.density if by_density else mean,
        scaling="density" if by_density else "uniform",
        material=composition,
        bremsstrahlung=settings.bremsstrahlung,
        reference_g_per_ml=mean if by_density else None,
        k_gy_kg_per_gbq=settings.k_gy_kg_per_gbq,
        catalog=facts,
    )
    kernel = voxel_s_kernel(
        settings.nuclide,
        spacing_mm=activity.grid.spacing_mm,
        density_g_per_ml=mean,
        material=composition,
        bremsstrahlung=settings.bremsstrahlung,
    )
    left = left_frac(activity, kernel.energy_frac)
    return ComputedDose(dose, 1.0, 0.0, findings=left_findings(left), left_frac=left)


def _medium(activity: ActivityMap, tissue: TissueMap) -> tuple[str, NDArray[np.bool_]]:
    """The composition that holds most of the activity, and its voxels; soft tissues but water are one."""
    held = np.bincount(tissue.material.ravel(), activity.mbq_per_ml.ravel(), minlength=len(tissue.materials))
    soft = [place for place, name in enumerate(tissue.materials) if name in ALIKE and name != WATER]
    rest = [place for place in range(len(tissue.materials)) if place not in soft]
    groups = [(SOFT_TISSUE, soft), *((tissue.materials[place], [place]) for place in rest)]
    composition, places = max(groups, key=lambda group: float(held[group[1]].sum()))
    return composition, np.isin(tissue.material, places)


def _auto(
    activity: ActivityMap,
    tissue: TissueMap,
    settings: DoseSettings,
    asked: Mapping[str, Share],
    facts: catalogue.Catalog,
    progress: Callable[[float], None] | None,
) -> AutoResult:
    return auto_dose(
        activity,
        tissue,
        nuclide=settings.nuclide,
        relative_error=settings.relative_error,
        structures=asked,
        most_histories=settings.most_histories,
        seed=settings.seed,
        bremsstrahlung=settings.bremsstrahlung,
        keep_batches=settings.keep_batches,
        progress=progress,
        catalog=facts,
    )


def _of_auto(found: AutoResult) -> ComputedDose:
    left = 0.0 if found.transported is None else found.transported_frac * _left_of(found.transported)
    return ComputedDose(
        dose=found.dose,
        convolved_frac=found.convolved_frac,
        transported_frac=found.transported_frac,
        histories=0 if found.transported is None else found.transported.histories,
        reached=found.reached,
        means=found.structures,
        findings=(*found.findings, *left_findings(left)),
        left_frac=left,
        batch_doses_gy=found.batch_doses_gy,
        batch_voxels=found.batch_voxels,
    )


def _left_of(run: TransportResult) -> float:
    return run.left_mev / run.emitted_mev


def _of_transport(found: TransportResult) -> ComputedDose:
    left = _left_of(found)
    return ComputedDose(
        dose=found.dose,
        convolved_frac=0.0,
        transported_frac=1.0,
        histories=found.histories,
        reached=found.reached,
        means=found.structures,
        findings=(*found.findings, *left_findings(left)),
        left_frac=left,
        batch_doses_gy=found.batch_doses_gy,
        batch_voxels=found.batch_voxels,
    )


def summed(parts: Sequence[tuple[ComputedDose, float]]) -> ComputedDose:
    """The dose of several activities on one grid, such as of two nuclides; each with its activity (MBq).

    Errors are independent. Batches are not kept, and means are those of structures named in every part.
    """
    first = parts[0][0]
    total = sum(weight for _, weight in parts)
    gy = np.zeros(first.dose.grid.shape, dtype=np.float64)
    variance = np.zeros(first.dose.grid.shape, dtype=np.float64)
    means: dict[str, tuple[float, float]] = {}
    for part, _ in parts:
        first.dose.grid.require_same(part.dose.grid, "doses of one sum")
        gy += part.dose.gy
        if part.dose.standard_error_gy is not None:
            variance += np.square(part.dose.standard_error_gy, dtype=np.float64)
        for mean in part.means:
            gy_before, variance_before = means.get(mean.name, (0.0, 0.0))
            means[mean.name] = (gy_before + mean.mean_gy, variance_before + mean.standard_error_gy**2)
    errors = np.sqrt(variance).astype(np.float32)
    return ComputedDose(
        dose=DoseMap(first.dose.grid, gy.astype(np.float32), first.dose.method, errors),
        convolved_frac=sum(part.convolved_frac * weight for part, weight in parts) / total,
        transported_frac=sum(part.transported_frac * weight for part, weight in parts) / total,
        histories=sum(part.histories for part, _ in parts),
        reached=all(part.reached for part, _ in parts),
        means=tuple(StructureMean(name, mean, math.sqrt(v)) for name, (mean, v) in means.items()),
        findings=tuple(finding for part, _ in parts for finding in part.findings),
        left_frac=sum(part.left_frac * weight for part, weight in parts) / total,
    )
