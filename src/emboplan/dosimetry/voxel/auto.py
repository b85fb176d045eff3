"""Voxel dose by the quickest exact way in each place: convolution deep in tissue, transport elsewhere.

A decay whose electrons cannot reach other tissue deposits its energy as in an endless medium: there the
convolution with voxel S values is exact, and without noise. The electrons of all other decays are
transported. The two doses add up, since dose is linear in activity. The result says how much of the activity
went which way.

Only soft tissue is convolved, where nearly all activity is. Its density varies a little from place to place:
kernels are made for a few densities, each source is shared by the two kernels that its own density lies
between, and each voxel's energy is divided by its own mass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan import catalog as catalogue
from emboplan.dosimetry.beta.beta_spectrum import beta_spectrum
from emboplan.dosimetry.beta.point_kernel import kernel_name
from emboplan.dosimetry.tissues.fine_grid import require_fine
from emboplan.dosimetry.tissues.interfaces import ALIKE, beta_range_mm, far_from_change
from emboplan.dosimetry.uptake.regions import occupancy
from emboplan.dosimetry.voxel.convolve import convolve
from emboplan.dosimetry.voxel.transport import MOST_HISTORIES, transport_dose
from emboplan.dosimetry.voxel.transport_result import StructureMean, TransportResult
from emboplan.dosimetry.voxel.voxel_s import Bremsstrahlung, voxel_s_kernel
from emboplan.errors import ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, DoseMap
from emboplan.model.tissue import TissueMap
from emboplan.units import PERCENT

Bools = NDArray[np.bool_]
F32 = NDArray[np.float32]

METHOD = "auto"

# The composition of the kernel of a tissue that none is shipped for: soft tissues differ from liver by 0.1 %
# in range, water by 1 %.
SOFT_TISSUE = "liver"

# Kernels are made for densities that differ by this share; the energy of a source between two of them is
# shared by both in proportion, which is off by the square of this.
STEP_FRAC = 0.04

DEFAULT_RELATIVE_ERROR = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class AutoResult:
    """A dose map from convolution and transport together, and which did what.

    `convolved_frac` and `transported_frac` are shares of the activity and sum to 1. The errors are those of
    the transported part. `batch_doses_gy` and `batch_voxels` are as in a `TransportResult`, with the
    convolved dose in each row.
    """

    dose: DoseMap
    convolved_frac: float
    transported_frac: float
    structures: tuple[StructureMean, ...]
    reached: bool
    findings: tuple[Finding, ...]
    transported: TransportResult | None = None
    batch_doses_gy: F32 | None = None
    batch_voxels: NDArray[np.int64] | None = None

    def structure(self, name: str) -> StructureMean:
        """The mean of a structure by its name."""
        return next(found for found in self.structures if found.name == name)


def auto_dose(
    activity: ActivityMap,
    tissue: TissueMap,
    *,
    nuclide: str = "Y-90",
    relative_error: float = DEFAULT_RELATIVE_ERROR,
    structures: Mapping[str, ArrayLike] | None = None,
    most_histories: int = MOST_HISTORIES,
    seed: int = 1,
    bremsstrahlung: Bremsstrahlung = "kept",
    density_tolerance_frac: float | None = None,
    keep_batches: bool = False,
    progress: Callable[[float], None] | None = None,
    catalog: catalogue.Catalog | None = None,
) -> AutoResult:
    """The dose to complete decay: convolved where that is exact, transported elsewhere.

    The result agrees with full transport within its statistical error and the tolerance on density. The same
    arguments give the same bits on any number of threads.

    Args:
        activity: activity at injection, on the grid of `tissue`.
        tissue: density and material of every voxel; voxels of at most 10 mm.
        nuclide: one with a beta spectrum in the catalogue.
        relative_error: standard error of the mean dose of every structure, as a share of it.
        structures: shares (0 to 1) of the voxels that each structure fills, by name; by default one of all
            voxels with activity.
        most_histories: where transport stops in any case; the result says that it did.
        seed: of the transport.
        bremsstrahlung: photons' energy is kept where they start, or escapes.
        density_tolerance_frac: a density step beyond this share is a change of tissue; by default the
            catalogue's.
        keep_batches: keep the doses of equal parts of the run in the voxels of the structures.
        progress: called with the share of the work that is done.
        catalog: facts to use; by default those of the package.

    Raises:
        GeometryError: activity and tissue lie on different grids.
        ModelRangeError: no activity, voxels too large, an unknown nuclide, or wishes that make no sense.
    """
    activity.grid.require_same(tissue.grid, "activity and tissue")
    require_fine(tissue.grid, catalog)
    sources = activity.mbq_per_ml > 0
    if not sources.any():
        raise ModelRangeError("the activity map holds no activity; check the image and its calibration")
    asked = structures or {"activity": sources.astype(np.float32)}
    far = _convolvable(tissue, sources, nuclide, density_tolerance_frac, catalog)
    near = sources & ~far
    gy = np.zeros(tissue.grid.shape, np.float32)
    for share, medium, material in _kernel_shares(tissue, far, nuclide, catalog):
        gy += _convolved(activity, share, medium, material, tissue, nuclide, bremsstrahlung, catalog)
    beside = {name: _mean(share, gy, tissue.grid, name) for name, share in asked.items()}
    total = float(activity.mbq_per_ml.sum(dtype=np.float64))
    transported_frac = float(activity.mbq_per_ml[near].sum(dtype=np.float64)) / total
    if not near.any():
        means = tuple(StructureMean(name, mean, 0.0) for name, mean in beside.items())
        finding = _way_finding(1 - transported_frac, None)
        dose = DoseMap(tissue.grid, gy, METHOD)
        return AutoResult(dose, 1.0, 0.0, means, reached=True, findings=(finding,))
    run = transport_dose(
        ActivityMap(activity.grid, np.where(near, activity.mbq_per_ml, 0)),
        tissue,
        nuclide=nuclide,
        relative_error=relative_error,
        structures=asked,
        most_histories=most_histories,
        seed=seed,
        bremsstrahlung=bremsstrahlung,
        keep_batches=keep_batches,
        progress=progress,
        beside_gy=beside,
        catalog=catalog,
    )
    parts = run.batch_doses_gy
    if parts is not None and run.batch_voxels is not None:
        parts = parts + gy.ravel()[run.batch_voxels]
    return AutoResult(
        dose=DoseMap(tissue.grid, gy + run.dose.gy, METHOD, run.dose.standard_error_gy),
        convolved_frac=1 - transported_frac,
        transported_frac=transported_frac,
        structures=run.structures,
        reached=run.reached,
        findings=(_way_finding(1 - transported_frac, run), *run.findings),
        transported=run,
        batch_doses_gy=parts,
        batch_voxels=run.batch_voxels,
    )


def _convolvable(
    tissue: TissueMap,
    sources: Bools,
    nuclide: str,
    tolerance_frac: float | None,
    catalog: catalogue.Catalog | None,
) -> Bools:
    """Sources in soft tissue from which no electron reaches other tissue or the edge of the grid.

    Outside the grid is vacuum for the transport, and no change for the search: such sources are transported.
    """
    alike = np.array([name in ALIKE for name in tissue.materials])
    soft: Bools = sources & alike[tissue.material]
    if not soft.any():
        return soft
    reach = beta_range_mm(tissue, beta_spectrum(nuclide, catalogue_mean=True).highest_mev)
    far = far_from_change(tissue, reach, density_tolerance_frac=tolerance_frac, within=soft, catalog=catalog)
    return far & _inside(tissue.grid, float(reach[soft].max()))


def _inside(grid: Grid, margin_mm: float) -> Bools:
    """Voxels whose every point is at least `margin_mm` from the edge of the grid."""
    inside = np.zeros(grid.shape, np.bool_)
    margins = [int(np.ceil(margin_mm / d)) for d in grid.spacing_zyx_mm]
    inside[tuple(slice(m, max(m, n - m)) for m, n in zip(margins, grid.shape, strict=True))] = True
    return inside


def _kernel_shares(
    tissue: TissueMap, far: Bools, nuclide: str, catalog: catalogue.Catalog | None
) -> Iterator[tuple[F32, float, str]]:
    """For each kernel the share that it has in each far source, its density and its composition.

    The shares of all kernels sum to 1 in a far source. The densities do not depend on the sources.
    """
    if not far.any():
        return
    density = tissue.g_per_ml[far].astype(np.float64)
    below = np.floor(np.log(density) / np.log1p(STEP_FRAC)).astype(np.int64)
    lower = (1 + STEP_FRAC) ** below.astype(np.float64)
    upper_share = (density / lower - 1) / STEP_FRAC
    shipped = (catalog or catalogue.load()).kernel_names()
    kernels = [name if kernel_name(nuclide, name) in shipped else SOFT_TISSUE for name in tissue.materials]
    kernel = np.array([kernels.index(name) for name in kernels])[tissue.material[far]]
    for number in np.unique(np.append(below, below + 1)):
        part = np.where(below == number, 1 - upper_share, np.where(below + 1 == number, upper_share, 0.0))
        for place in np.unique(kernel[part > 0]):
            share = np.zeros(far.shape, np.float32)
            share[far] = np.where(kernel == place, part, 0.0)
            yield share, float((1 + STEP_FRAC) ** float(number)), kernels[place]


def _convolved(
    activity: ActivityMap,
    share: F32,
    medium_g_per_ml: float,
    material: str,
    tissue: TissueMap,
    nuclide: str,
    bremsstrahlung: Bremsstrahlung,
    catalog: catalogue.Catalog | None,
) -> F32:
    """Dose of the shares of the sources that have one kernel."""
    facts = catalog or catalogue.load()
    kernel = voxel_s_kernel(
        nuclide,
        spacing_mm=tissue.grid.spacing_mm,
        density_g_per_ml=medium_g_per_ml,
        material=material,
        bremsstrahlung=bremsstrahlung,
    )
    # The coefficient of half-life and mean energy, since that is what the transport emits.
    k = facts.nuclide(nuclide).derived_gy_kg_per_gbq
    energy = convolve(activity.mbq_per_ml * share, kernel.energy_frac, scale=k)
    # The products of filters may fall short of 0 by their error.
    np.maximum(energy, 0, out=energy)
    np.divide(energy, tissue.g_per_ml, out=energy)
    return energy


def _mean(share: ArrayLike, gy: F32, grid: Grid, name: str) -> float:
    """Mean dose of a structure over its volume."""
    part = occupancy(share, grid, name)
    filled = part > 0
    weights = part[filled].astype(np.float64)
    return float((gy[filled] * weights).sum() / weights.sum())


def _way_finding(convolved_frac: float, run: TransportResult | None) -> Finding:
    ways = f"{convolved_frac * PERCENT:.3g} % of the activity was convolved, far from any change of tissue"
    if run is not None:
        ways += f"; {(1 - convolved_frac) * PERCENT:.3g} % was transported ({run.histories} electrons)"
    return Finding("dose-auto", Severity.INFO, f"{ways}.")
