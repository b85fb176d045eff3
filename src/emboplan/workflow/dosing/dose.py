"""The absorbed dose of an activity map, by the method that is asked for: arrays in, arrays out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan import catalog as catalogue
from emboplan.dosimetry.tissues.tissue_from_density import tissue_from_density
from emboplan.dosimetry.uptake.regions import occupancy
from emboplan.dosimetry.voxel.transport import MOST_HISTORIES
from emboplan.dosimetry.voxel.voxel_s import Bremsstrahlung
from emboplan.errors import GeometryError, InputError, MaskError, ModelRangeError
from emboplan.imaging.resample import mask_occupancy
from emboplan.model.case import DoseMethod
from emboplan.model.finding import Severity
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, DensityMap, DoseMap
from emboplan.model.mask import Mask
from emboplan.model.tissue import TissueMap
from emboplan.workflow.dosing.dose_engines import ComputedDose, DoseSettings, computed_dose
from emboplan.workflow.dosing.dose_remarks import BY_MASS, air_findings, method_findings

Structure = Mask | ArrayLike
Share = NDArray[np.float32]

# The name of what `relative_error_in` gives without a name.
STRUCTURE = "structure"


class DoseWarning(UserWarning):
    """A dose is computed, and something about it must be known: a finding of weight, in its words."""


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
            electron; ``voxel-s`` knows one tissue, where most of the activity is; ``voxel-s-density``
            divides its energy by each voxel's mass; ``local`` leaves the energy where the decay is.
        seed: of the random numbers; the same seed gives the same bits.
        relative_error: standard error of the mean dose of every structure of `relative_error_in`, as a share
            of it, at which transport stops.
        relative_error_in: one structure or several by name: masks, or shares (0 to 1) of the voxels; by
            default all voxels with activity.
        most_histories: where transport stops in any case.
        bremsstrahlung: photons' energy is ``kept`` where they start, or ``escapes`` (not with ``local``).
        k_gy_kg_per_gbq: dose coefficient in place of the nuclide's own.
        catalog: facts to use; by default those of the package.
        progress: called with the share of the work that is done.

    Warns:
        DoseWarning: the error asked for was not reached, much energy left the grid, or a method that divides
            by mass met air. `dose_result` returns these, and lesser remarks, as findings instead.

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
    found = dose_result(
        activity,
        density=density,
        tissue=tissue,
        nuclide=nuclide,
        method=method,
        seed=seed,
        relative_error=relative_error,
        relative_error_in=relative_error_in,
        most_histories=most_histories,
        bremsstrahlung=bremsstrahlung,
        k_gy_kg_per_gbq=k_gy_kg_per_gbq,
        catalog=catalog,
        progress=progress,
    )
    for finding in found.findings:
        if finding.severity is not Severity.INFO:
            warnings.warn(finding.text, DoseWarning, stacklevel=2)
    return found.dose


def dose_result(
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
) -> ComputedDose:
    """The dose of `dose`, and with it how it came about.

    The result has the map as `dose`, `reached` and the `means` of the structures with their errors,
    `convolved_frac` and `transported_frac` of the activity, the number of `histories`, `left_frac` of the
    energy that left the grid, and all `findings`. Nothing is warned of. Arguments and failures as in `dose`.
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
    facts = catalog or catalogue.load()
    around = medium(activity.grid, density, tissue, settings.method, facts)
    found = computed_dose(
        activity,
        around,
        settings,
        structures=named_shares(relative_error_in, activity.grid),
        catalog=facts,
        progress=progress,
    )
    in_air = air_findings(found.dose, around, facts) if settings.method in BY_MASS else ()
    return replace(found, findings=(*found.findings, *in_air, *method_findings(settings.method)))


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
    """A mask, or shares already, as shares of the voxels of `grid`.

    `MaskError` where it is empty there, or holds what is no share.
    """
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
    return occupancy(share, grid, name)
