"""Voxel dose by transport: every electron followed through the densities and materials that it meets.

Condensed-history Monte Carlo of the beta electrons (`kernels.voxel_transport`), right where a kernel for one
medium is not: in lung, at the dome, in and beside bone. The run goes in batches whose spread is the error. It
can go on until the mean dose of every structure has the error that was asked for.

Photons are not followed. By default their energy, 0.4 % in tissue for Y-90, is counted where they start;
`voxel_s` counts it too. With ``bremsstrahlung="escapes"`` it is left out. What a nuclide's record of energy
per decay has beyond its betas (Ho-166: conversion electrons and soft photons, 6 %) is counted as deposited
where the betas' energy is, also as in `voxel_s`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan import catalog as catalogue
from emboplan.dosimetry.beta.beta_spectrum import BetaSpectrum, beta_spectrum
from emboplan.dosimetry.beta.electron_tables import (
    DEFAULT_SETTINGS,
    StackedTables,
    TransportSettings,
    stacked_tables,
)
from emboplan.dosimetry.beta.stopping_power import material as medium_named
from emboplan.dosimetry.tissues.fine_grid import require_fine
from emboplan.dosimetry.voxel.transport_result import (
    StructureMean,
    StructureWeights,
    TransportResult,
    structure_means,
    structure_weights,
    with_beside,
)
from emboplan.dosimetry.voxel.transport_rounds import (
    BATCHES,
    Rounds,
    checked_rounds,
    run_findings,
)
from emboplan.dosimetry.voxel.voxel_s import Bremsstrahlung
from emboplan.errors import ModelRangeError
from emboplan.kernels.voxel_transport import EMITTED, LEFT, RADIATED, TOTALS, add_batches, run_batches
from emboplan.model.image import ActivityMap, DoseMap
from emboplan.model.tissue import TissueMap
from emboplan.units import GRAMS_PER_KILOGRAM, JOULE_PER_MEV, SECONDS_PER_HOUR, UNITS

F64 = NDArray[np.float64]

METHOD = "transport"

# A run that may go on as it needs stops here: a minute or two on two cores.
MOST_HISTORIES = 100_000_000

# Bytes of all tallies that threads fill at the same time; on large grids fewer threads work.
TALLY_BYTES = 1 << 29

# Rounding of sums in double precision is far below this share of the energy; more is a fault.
BALANCE = 1e-6

BQ_PER_MBQ = 1 / float(UNITS["Bq"].factor)


@dataclass(frozen=True, slots=True, eq=False)
class _Phantom:
    """What the kernel reads: sources with their running sum of activities, tissue, tables, spectrum."""

    sources: NDArray[np.int64]
    cumulated: F64
    spacing: F64
    shape: NDArray[np.int64]
    density: NDArray[np.float32]
    material: NDArray[np.uint8]
    tables: StackedTables
    quantiles: F64
    kept_frac: float


def _phantom(
    activity: ActivityMap,
    tissue: TissueMap,
    nuclide: str,
    spectrum: BetaSpectrum | None,
    settings: TransportSettings,
    bremsstrahlung: Bremsstrahlung,
) -> _Phantom:
    activity.grid.require_same(tissue.grid, "activity and tissue")
    require_fine(tissue.grid)
    if bremsstrahlung not in ("kept", "escapes"):
        raise ModelRangeError(f"bremsstrahlung is {bremsstrahlung!r}; expected 'kept' or 'escapes'")
    spectrum = spectrum or beta_spectrum(nuclide, catalogue_mean=True)
    if spectrum.highest_mev > settings.highest_mev:
        raise ModelRangeError(
            f"the spectrum ends at {spectrum.highest_mev:g} MeV; the tables of transport at "
            f"{settings.highest_mev:g} MeV; raise highest_mev"
        )
    for name in tissue.materials:
        medium_named(name)
    flat = activity.mbq_per_ml.ravel()
    sources = np.flatnonzero(flat)
    if not sources.size:
        raise ModelRangeError(
            "the activity map is empty, so there is nothing to transport; check the activity"
        )
    return _Phantom(
        sources=sources,
        cumulated=np.cumsum(flat[sources], dtype=np.float64),
        spacing=np.array(tissue.grid.spacing_mm),
        shape=np.array(tissue.grid.shape[::-1], dtype=np.int64),
        density=tissue.g_per_ml.ravel(),
        material=tissue.material.ravel(),
        tables=stacked_tables(tissue.materials, settings),
        quantiles=spectrum.quantiles(),
        kept_frac=float(bremsstrahlung == "kept"),
    )


def _electrons(
    activity: ActivityMap, nuclide: str, spectrum: BetaSpectrum | None, facts: catalogue.Catalog
) -> float:
    """Number of decays, times the energy of the nuclide's record over that of the spectrum.

    Half-life and mean energy are those of `facts`; the shape of the spectrum is the package's.
    """
    record = facts.nuclide(nuclide)
    decays = activity.total_mbq * BQ_PER_MBQ * record.half_life_h * SECONDS_PER_HOUR / math.log(2)
    if spectrum is not None or record.mean_energy is None:
        return decays
    return decays * record.mean_energy.number / beta_spectrum(nuclide, catalogue_mean=True).mean_mev


class _Sums:
    """Sums over the batches that have run; batches are added in their order, whichever thread ran them."""

    def __init__(
        self, phantom: _Phantom, structures: tuple[StructureWeights, ...], *, keep_batches: bool
    ) -> None:
        voxels = phantom.density.size
        self.slots = max(
            1, min(numba.get_num_threads(), TALLY_BYTES // (voxels * np.dtype(np.float64).itemsize))
        )
        self.phantom, self.structures = phantom, structures
        # Zeros take no memory until they are written to: voxels out of reach cost nothing.
        self.total, self.squares = np.zeros(voxels), np.zeros(voxels)
        self.tallies = np.zeros((self.slots, voxels))
        self.touched = np.zeros((self.slots, voxels // int(phantom.shape[0])), dtype=np.uint8)
        self.energies = np.zeros(TOTALS)
        self.batches = 0
        self.means: list[list[float]] = []
        self.kept_voxels = np.zeros(0, dtype=np.int64)
        if keep_batches and structures:
            self.kept_voxels = np.unique(np.concatenate([s.voxels for s in structures]))
        self.kept = np.zeros((BATCHES, self.kept_voxels.size), dtype=np.float32)

    def run(self, rounds: Rounds, count: int) -> None:
        """Run the next `count` batches, at most as many as there are slots."""
        p = self.phantom
        t = p.tables
        totals = np.zeros((count, TOTALS))
        run_batches(
            rounds.seed, self.batches, rounds.batch, p.quantiles, p.sources, p.cumulated, p.spacing, p.shape,
            p.density, p.material, t.tables, t.per_mev, t.angles, t.widths, t.settings, p.kept_frac,
            self.tallies[:count], self.touched[:count], totals,
        )  # fmt: skip
        for slot in range(count):
            tally = self.tallies[slot]
            self.energies += totals[slot]
            self.means.append([structure.mean(tally) for structure in self.structures])
            if self.kept_voxels.size:
                self.kept[(self.batches + slot) % BATCHES] += tally[self.kept_voxels].astype(np.float32)
        add_batches(self.tallies[:count], self.touched[:count], self.total, self.squares, int(p.shape[0]))
        self.batches += count

    def structure_means(self, gy_per_batch: float) -> tuple[StructureMean, ...]:
        """Means of the structures; the factor turns MeV per gram and batch into Gy."""
        return structure_means(self.structures, np.array(self.means), gy_per_batch)


def _deposited(sums: _Sums) -> float:
    """Energy in the grid, after the check that it and what escaped are what was emitted."""
    deposited = float(sums.total.sum())
    emitted = float(sums.energies[EMITTED])
    missing = emitted - deposited - float(sums.energies[RADIATED]) - float(sums.energies[LEFT])
    if abs(missing) > BALANCE * emitted:
        raise ArithmeticError(f"energy does not balance: {missing:.3g} of {emitted:.6g} MeV are missing")
    return deposited


def _dose_map(sums: _Sums, tissue: TissueMap, gy_g_per_mev: float) -> DoseMap:
    """Dose and standard error; slice by slice, since both in double precision would take more memory."""
    shape = tissue.grid.shape
    count = sums.batches
    total, squares = sums.total.reshape(shape), sums.squares.reshape(shape)
    gy, error = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for z in range(shape[0]):
        per_mev = gy_g_per_mev / (tissue.g_per_ml[z].astype(np.float64) * tissue.grid.voxel_ml)
        variance = np.maximum(squares[z] - total[z] ** 2 / count, 0) * (count / (count - 1))
        gy[z] = total[z] * per_mev
        error[z] = np.sqrt(variance) * per_mev
    return DoseMap(tissue.grid, gy, method=METHOD, standard_error_gy=error)


def transport_dose(
    activity: ActivityMap,
    tissue: TissueMap,
    *,
    nuclide: str = "Y-90",
    relative_error: float | None = None,
    structures: Mapping[str, ArrayLike] | None = None,
    histories: int | None = None,
    most_histories: int = MOST_HISTORIES,
    seed: int = 1,
    bremsstrahlung: Bremsstrahlung = "kept",
    keep_batches: bool = False,
    progress: Callable[[float], None] | None = None,
    spectrum: BetaSpectrum | None = None,
    settings: TransportSettings = DEFAULT_SETTINGS,
    beside_gy: Mapping[str, float] | None = None,
    catalog: catalogue.Catalog | None = None,
) -> TransportResult:
    """The dose to complete decay from transported electrons, with its statistical error.

    The same arguments give the same bits on any number of threads. What lies outside the grid is vacuum:
    electrons that leave it do not come back, and their energy is reported.

    Args:
        activity: activity at injection, on the grid of `tissue`.
        tissue: density and material of every voxel; voxels of at most 10 mm.
        nuclide: one with a beta spectrum in the catalogue.
        relative_error: run until the standard error of the mean dose of every structure is this share of it.
        structures: shares (0 to 1) of the voxels that each structure fills, by name.
        histories: number of electrons, instead of `relative_error`.
        most_histories: where a run for a `relative_error` stops in any case; the result says that it did.
        seed: another seed gives an independent result.
        bremsstrahlung: photons' energy is kept where they start, or escapes.
        keep_batches: return the doses of 64 equal parts of the run in the voxels of the structures.
        progress: called with the share of the work that is done, as far as it can be foreseen.
        spectrum: emitted instead of the nuclide's own, one electron a decay.
        settings: cuts and steps of the transport.
        beside_gy: mean dose that a structure has without the run, such as by convolution of other activity;
            the means of structures count it, and `relative_error` is of the whole.
        catalog: facts to use; by default those of the package.

    Raises:
        GeometryError: activity and tissue lie on different grids.
        MaskError: a structure is empty or not a share.
        ModelRangeError: no activity, voxels too large, an unknown material or nuclide, or a number of
            histories or an error that makes no sense.
    """
    phantom = _phantom(activity, tissue, nuclide, spectrum, settings, bremsstrahlung)
    weights = structure_weights(structures or {}, tissue.grid, tissue.g_per_ml)
    if keep_batches and not weights:
        raise ModelRangeError("keep_batches needs structures, whose voxels it keeps; name them in structures")
    rounds = checked_rounds(
        relative_error=relative_error,
        histories=histories,
        most_histories=most_histories,
        seed=seed,
        structures=len(weights),
        sources=phantom.sources.size,
    )
    facts = catalog or catalogue.load()
    gy_g_per_mev = _electrons(activity, nuclide, spectrum, facts) * JOULE_PER_MEV * GRAMS_PER_KILOGRAM
    sums = _Sums(phantom, weights, keep_batches=keep_batches)
    means: tuple[StructureMean, ...] = ()
    target, told = rounds.first_target(), 0.0
    while sums.batches < target:
        sums.run(rounds, min(sums.slots, target - sums.batches))
        if sums.batches == target:
            means = with_beside(sums.structure_means(gy_g_per_mev / rounds.batch), beside_gy or {})
            target = rounds.next_target(target, means)
        told = max(told, rounds.done_frac(sums.batches, target))
        if progress is not None:
            progress(told)
    run = sums.batches * rounds.batch
    deposited = _deposited(sums)
    sums.tallies = np.zeros((0, 0))
    parts = None
    if keep_batches:
        grams = tissue.g_per_ml.ravel()[sums.kept_voxels] * np.float32(tissue.grid.voxel_ml)
        parts = sums.kept * (np.float32(gy_g_per_mev / run * BATCHES) / grams)
    left, radiated = float(sums.energies[LEFT]), float(sums.energies[RADIATED])
    return TransportResult(
        dose=_dose_map(sums, tissue, gy_g_per_mev / run),
        histories=run,
        batches=sums.batches,
        emitted_mev=float(sums.energies[EMITTED]),
        deposited_mev=deposited,
        left_mev=left,
        radiated_mev=radiated,
        structures=means,
        reached=rounds.is_reached(means),
        findings=run_findings(rounds, means, run),
        batch_doses_gy=parts,
        batch_voxels=sums.kept_voxels if keep_batches else None,
    )
