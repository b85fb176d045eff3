"""The absorbed dose of an activity map, by the method that is asked for: arrays in, arrays out.

One place knows all engines and what each of them needs. `dose` is the public function; `computed_dose` gives
beside the map how it came about: shares, histories, the mean dose of structures with its error, findings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan import catalog as catalogue
from emboplan.dosimetry.voxel.auto import SOFT_TISSUE, AutoResult, auto_dose
from emboplan.dosimetry.voxel.interfaces import ALIKE
from emboplan.dosimetry.voxel.local_deposition import local_deposition
from emboplan.dosimetry.voxel.tissue_from_density import tissue_from_density
from emboplan.dosimetry.voxel.transport import MOST_HISTORIES, transport_dose
from emboplan.dosimetry.voxel.transport_result import StructureMean, TransportResult
from emboplan.dosimetry.voxel.voxel_s import Bremsstrahlung
from emboplan.dosimetry.voxel.voxel_s_dose import voxel_s_dose
from emboplan.errors import GeometryError, InputError, MaskError, ModelRangeError
from emboplan.imaging.resample import mask_occupancy
from emboplan.model.case import DoseMethod
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, DensityMap, DoseMap
from emboplan.model.mask import Mask
from emboplan.model.tissue import TissueMap

Structure = Mask | ArrayLike
Share = NDArray[np.float32]

# The name of what `relative_error_in` gives without a name.
STRUCTURE = "structure"


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
    are of the structures in which an error was asked for, empty where the method has none. Batches are those
    of `dvh`, None unless kept.
    """

    dose: DoseMap
    convolved_frac: float
    transported_frac: float
    histories: int = 0
    reached: bool = True
    means: tuple[StructureMean, ...] = ()
    findings: tuple[Finding, ...] = ()
    batch_doses_gy: NDArray[np.float32] | None = None
    batch_voxels: NDArray[np.int64] | None = None


def dose_method(name: str) -> DoseMethod:
    """The method of that name; `InputError` for another."""
    known = [method.value for method in DoseMethod]
    if name not in known:
        raise InputError(f'method "{name}" is unknown; expected {", ".join(known)}')
    return DoseMethod(name)


def dose(
    activity: ActivityMap,
    *,
    density: DensityMap | None = None,
    tissue: TissueMap | None = None,
    nuclide: str = "Y-90",
    method: str = "auto",
    seed: int = 1,
    relative_error: float = 0.01,
    relative_error_in: Structure | Mapping[str, Structure] | None = None,
    most_histories: int = MOST_HISTORIES,
    bremsstrahlung: Bremsstrahlung = "kept",
    k_gy_kg_per_gbq: float | None = None,
    catalog: catalogue.Catalog | None = None,
    progress: Callable[[float], None] | None = None,
) -> DoseMap:
    """The absorbed dose in Gy to complete decay, with its standard error in every voxel.

    Args:
        activity: activity at injection; voxels of at most 10 mm.
        density: density of every voxel on the same grid; materials follow from it (`tissue_from_density`).
        tissue: density and material of every voxel, instead of `density`; from a CT by `tissue_map`.
        nuclide: a beta emitter of the catalogue.
        method: ``auto`` convolves where that is exact and transports the rest; ``transport`` follows every
            electron; ``voxel-s`` knows one density, the mean where the activity is; ``voxel-s-density``
            divides its energy by each voxel's mass; ``local`` leaves the energy where the decay is.
        seed: of the random numbers; the same seed gives the same bits.
        relative_error: standard error of the mean dose of every structure of `relative_error_in`, as a share
            of it, at which transport stops.
        relative_error_in: one structure or several by name: masks, or shares (0 to 1) of the voxels; by
            default all voxels with activity.
        most_histories: where transport stops in any case.
        bremsstrahlung: photons' energy is ``kept`` where they start, or ``escapes`` (not with ``local``).
        k_gy_kg_per_gbq: dose coefficient in place of the nuclide's own (``local``, ``voxel-s`` and
            ``voxel-s-density``).
        catalog: facts to use; by default those of the package.
        progress: called with the share of the work that is done.

    Raises:
        GeometryError: the maps lie on different grids.
        MaskError: a structure is empty.
        ModelRangeError: no activity, no density, a density of 0, or voxels that are too large.

    >>> import numpy as np
    >>> import emboplan as ep
    >>> grid = ep.Grid(shape=(9, 9, 9), spacing_mm=(4, 4, 4), origin_mm=(0, 0, 0))
    >>> activity = ep.ActivityMap(grid=grid, mbq_per_ml=np.full(grid.shape, 1.0))
    >>> density = ep.DensityMap(grid=grid, g_per_ml=np.full(grid.shape, 1.0))
    >>> dose = ep.dose(activity, density=density, method="local", k_gy_kg_per_gbq=50.0)
    >>> float(dose.gy[4, 4, 4])
    50.0
    """
    settings = DoseSettings(
        method=dose_method(method),
        nuclide=nuclide,
        seed=seed,
        relative_error=relative_error,
        most_histories=most_histories,
        bremsstrahlung=bremsstrahlung,
        k_gy_kg_per_gbq=k_gy_kg_per_gbq,
    )
    found = computed_dose(
        activity,
        medium(activity.grid, density, tissue, settings.method, catalog),
        settings,
        structures=named_shares(relative_error_in, activity.grid),
        catalog=catalog,
        progress=progress,
    )
    return found.dose


def medium(
    grid: Grid,
    density: DensityMap | None,
    tissue: TissueMap | None,
    method: DoseMethod,
    catalog: catalogue.Catalog | None = None,
) -> DensityMap | TissueMap:
    """What the activity lies in: the tissue map, the density map, or tissue from the densities."""
    if tissue is not None and density is not None:
        raise ModelRangeError("density and tissue are both given; give the tissue alone, it has densities")
    if tissue is not None:
        grid.require_same(tissue.grid, "activity and tissue")
        return tissue
    if density is None:
        raise ModelRangeError(
            f"method {method.value} needs the density of every voxel; give density, or tissue from a CT"
        )
    grid.require_same(density.grid, "activity and density")
    return density if method is DoseMethod.LOCAL else tissue_from_density(density, catalog=catalog)


def named_shares(given: Structure | Mapping[str, Structure] | None, grid: Grid) -> dict[str, Share]:
    """Structures as shares of the voxels of `grid`, by name."""
    if given is None:
        return {}
    named = given if isinstance(given, Mapping) else {STRUCTURE: given}
    return {name: share_of(one, grid, name) for name, one in named.items()}


def share_of(structure: Structure, grid: Grid, name: str) -> Share:
    """A mask, or shares already, as shares of the voxels of `grid`; `MaskError` where it is empty there."""
    if isinstance(structure, Mask):
        share = (
            structure.voxels.astype(np.float32)
            if grid.is_same(structure.grid)
            else mask_occupancy(structure, grid)
        )
    else:
        share = np.asarray(structure, dtype=np.float32)
    if share.shape != grid.shape:
        raise GeometryError(f"{name} has shape {share.shape}; the activity has {grid.shape} (z, y, x)")
    if not share.any():
        raise MaskError(f"{name} is empty on the grid of the activity; check the mask and its label")
    return share


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
    if not float(activity.mbq_per_ml.max(initial=0.0)) > 0:
        raise ModelRangeError("the activity map holds no activity; check the image and its calibration")
    facts = catalog or catalogue.load()
    _require_fine(activity.grid, facts)
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
        return ComputedDose(_convolved(activity, tissue, settings, facts), 1.0, 0.0)
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
        )
    )


def _require_fine(grid: Grid, facts: catalogue.Catalog) -> None:
    largest = facts.number("ct_check.largest_voxel")
    if max(grid.spacing_mm) > largest:
        raise ModelRangeError(
            f"voxels of {' x '.join(f'{d:g}' for d in grid.spacing_mm)} mm are wider than {largest:g} mm, "
            "the range of the electrons; resample the activity to a finer grid first"
        )


def _convolved(
    activity: ActivityMap, tissue: TissueMap, settings: DoseSettings, facts: catalogue.Catalog
) -> DoseMap:
    """The dose of the medium that the activity lies in, on average over the activity."""
    weights = activity.mbq_per_ml.astype(np.float64)
    mean = float((tissue.g_per_ml * weights).sum() / weights.sum())
    by_density = settings.method is DoseMethod.VOXEL_S_DENSITY
    return voxel_s_dose(
        activity,
        nuclide=settings.nuclide,
        density=tissue.density if by_density else mean,
        scaling="density" if by_density else "uniform",
        material=_composition(tissue, weights),
        bremsstrahlung=settings.bremsstrahlung,
        reference_g_per_ml=mean if by_density else None,
        k_gy_kg_per_gbq=settings.k_gy_kg_per_gbq,
        catalog=facts,
    )


def _composition(tissue: TissueMap, weights: NDArray[np.float64]) -> str:
    """The composition that most of the activity lies in; soft tissues are one, water is its own."""
    held = np.bincount(tissue.material.ravel(), weights.ravel(), minlength=len(tissue.materials))
    most = tissue.materials[int(held.argmax())]
    return SOFT_TISSUE if most in ALIKE and most != "water" else most


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
    return ComputedDose(
        dose=found.dose,
        convolved_frac=found.convolved_frac,
        transported_frac=found.transported_frac,
        histories=0 if found.transported is None else found.transported.histories,
        reached=found.reached,
        means=found.structures,
        findings=found.findings,
        batch_doses_gy=found.batch_doses_gy,
        batch_voxels=found.batch_voxels,
    )


def _of_transport(found: TransportResult) -> ComputedDose:
    return ComputedDose(
        dose=found.dose,
        convolved_frac=0.0,
        transported_frac=1.0,
        histories=found.histories,
        reached=found.reached,
        means=found.structures,
        findings=found.findings,
        batch_doses_gy=found.batch_doses_gy,
        batch_voxels=found.batch_voxels,
    )


def method_findings(method: DoseMethod) -> tuple[Finding, ...]:
    """What a reader must know of the approximate methods."""
    said = {
        DoseMethod.LOCAL: (
            "dose-local-deposition",
            "The voxel dose is local deposition on a blurred scan: means of liver and large lesions can be "
            "read, voxels at borders, small lesions and single lung voxels cannot.",
            "DAND; ARIENZO",
        ),
        DoseMethod.VOXEL_S: (
            "dose-voxel-s",
            "The voxel dose knows one density for all tissue: it is wrong in lung and bone, and in tissue "
            "within a centimetre of them.",
            "",
        ),
        DoseMethod.VOXEL_S_DENSITY: (
            "dose-voxel-s-density",
            "The voxel dose has its energy where it would lie in uniform tissue: it is wrong in lung and "
            "bone beside the liver.",
            "",
        ),
    }
    if method not in said:
        return ()
    identifier, text, source = said[method]
    return (Finding(identifier, Severity.INFO, text, source),)
