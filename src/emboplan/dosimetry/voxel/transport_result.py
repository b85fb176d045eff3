"""What a transport run gives: the dose with its errors, the energy's account, and what each structure got.

The mean of a structure is over its volume, as in a dose-volume histogram: each voxel counts by the share of
it that the structure fills. Its error comes from whole batches, so that it knows how the voxels of a
structure go up and down together; adding up the voxels' own errors would not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan.dosimetry.uptake.regions import occupancy
from emboplan.model.finding import Finding
from emboplan.model.grid import Grid
from emboplan.model.image import DoseMap

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StructureMean:
    """Mean dose of a structure over its volume, with its statistical standard error."""

    name: str
    mean_gy: float
    standard_error_gy: float

    @property
    def relative_error(self) -> float:
        """Standard error over mean; infinite where no energy came."""
        return self.standard_error_gy / self.mean_gy if self.mean_gy > 0 else math.inf


@dataclass(frozen=True, slots=True, eq=False)
class TransportResult:
    """A dose map from electron transport, and how good it is.

    `emitted_mev`, `deposited_mev`, `left_mev` (electrons that left the grid) and `radiated_mev` (photons that
    escaped) are of the `histories` that were run. `reached` says whether the error that was asked for is met
    in every structure. `batch_doses_gy`, where asked for, has one row for each of equal parts of the run and
    one column for each of `batch_voxels`, places in the flattened map; the spread of its rows is the error of
    anything computed from them.
    """

    dose: DoseMap
    histories: int
    batches: int
    emitted_mev: float
    deposited_mev: float
    left_mev: float
    radiated_mev: float
    structures: tuple[StructureMean, ...] = ()
    reached: bool = True
    findings: tuple[Finding, ...] = ()
    batch_doses_gy: NDArray[np.float32] | None = None
    batch_voxels: NDArray[np.int64] | None = None

    @property
    def escaped_mev(self) -> float:
        """Energy that was emitted and not deposited in the grid."""
        return self.left_mev + self.radiated_mev

    def structure(self, name: str) -> StructureMean:
        """The mean of a structure by its name."""
        return next(found for found in self.structures if found.name == name)


@dataclass(frozen=True, slots=True, eq=False)
class StructureWeights:
    """A structure as places in the flattened map and weights that turn their energies into its mean dose."""

    name: str
    voxels: NDArray[np.int64]
    weights: F64

    def mean(self, energies: F64) -> float:
        """The mean dose, in the unit of energy over mass."""
        # Not a dot product: a library may sum it in another order on another number of threads.
        return float((energies[self.voxels] * self.weights).sum())


def structure_weights(
    structures: Mapping[str, ArrayLike], grid: Grid, density: NDArray[np.float32]
) -> tuple[StructureWeights, ...]:
    """The structures of a run, checked; weights are volume share over grams of the voxel."""
    found = []
    for name, values in structures.items():
        share = occupancy(values, grid, name).ravel()
        voxels = np.flatnonzero(share)
        part = share[voxels].astype(np.float64)
        grams = density.ravel()[voxels] * grid.voxel_ml
        found.append(StructureWeights(name, voxels, part / part.sum() / grams))
    return tuple(found)


def structure_means(
    structures: Sequence[StructureWeights], batch_means: F64, gy: float
) -> tuple[StructureMean, ...]:
    """Mean and standard error of each structure from its means in batches, one column a structure."""
    count = batch_means.shape[0]
    means = batch_means.mean(axis=0) * gy
    errors = batch_means.std(axis=0, ddof=1) * (gy / math.sqrt(count))
    return tuple(
        StructureMean(s.name, float(mean), float(error))
        for s, mean, error in zip(structures, means, errors, strict=True)
    )


def with_beside(means: Sequence[StructureMean], beside_gy: Mapping[str, float]) -> tuple[StructureMean, ...]:
    """The means with what each structure has besides, which is taken as exact."""
    return tuple(replace(mean, mean_gy=mean.mean_gy + beside_gy.get(mean.name, 0.0)) for mean in means)
