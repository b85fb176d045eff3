"""Maps of biologically effective dose (BED) and of the dose in fractions of 2 Gy (EQD2).

The formulas are those of `radiobiology`, voxel by voxel; alpha/beta and the half-time of repair may be one
number for all, or one for each voxel (tumour and liver differ). A map of effect is no dose map: the types
differ, so that one cannot be handed where the other is meant. Its histogram is that of `dvh`.

A map of BED is only as fine as the dose map under it: BED grows with the square of the dose, so that noise of
voxels raises its mean and blur lowers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan.dosimetry import radiobiology
from emboplan.dosimetry.arguments import Array, positive
from emboplan.errors import GeometryError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import DoseMap, frozen_array
from emboplan.model.mask import Mask


class Effect(StrEnum):
    """The quantity of a map of effect."""

    BED = "BED"
    EQD2 = "EQD2"


@dataclass(frozen=True, slots=True, eq=False)
class EffectMap:
    """BED or EQD2 in Gy, and its statistical standard error (zero where exact)."""

    grid: Grid
    gy: NDArray[np.float32]
    effect: Effect
    method: str
    standard_error_gy: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        gy = frozen_array(self.gy, self.grid, np.float32, f"{self.effect} map")
        if gy.size and float(gy.view(np.float32).min()) < 0:
            raise ModelRangeError(f"{self.effect} map holds negative values; expected 0 or more")
        object.__setattr__(self, "gy", gy)
        error = np.zeros(self.grid.shape) if self.standard_error_gy is None else self.standard_error_gy
        object.__setattr__(
            self, "standard_error_gy", frozen_array(error, self.grid, np.float32, f"{self.effect} error")
        )


def per_voxel(grid: Grid, elsewhere: float, structures: Mapping[Mask, float]) -> Array:
    """A parameter for each voxel ``(z, y, x)``: that of the last structure that holds it, or `elsewhere`."""
    values = np.full(grid.shape, elsewhere, dtype=np.float64)
    for mask, value in structures.items():
        grid.require_same(mask.grid, "dose map and structure")
        values[mask.voxels] = value
    return values


def bed_map(
    dose: DoseMap,
    *,
    alpha_beta_gy: ArrayLike,
    repair_half_time_h: ArrayLike,
    half_life_h: ArrayLike | None = None,
) -> EffectMap:
    """BED of one injection in every voxel: D (1 + G D / (alpha/beta)), as `radiobiology.bed`.

    Parameters are numbers, or arrays of the dose's shape (`per_voxel`). The standard error follows to first
    order.
    """
    alpha_beta, repair = (
        _parameter(value, dose.grid, name)
        for value, name in ((alpha_beta_gy, "alpha_beta_gy"), (repair_half_time_h, "repair_half_time_h"))
    )
    effective = radiobiology.bed(
        dose.gy, alpha_beta_gy=alpha_beta, repair_half_time_h=repair, half_life_h=half_life_h
    )
    error = None
    if dose.standard_error_gy is not None and dose.standard_error_gy.any():
        g = radiobiology.lea_catcheside(repair_half_time_h=repair, half_life_h=half_life_h)
        error = (dose.standard_error_gy * (1 + 2 * g * dose.gy / alpha_beta)).astype(np.float32)
    return EffectMap(dose.grid, _single(effective), Effect.BED, dose.method, error)


def eqd2_map(bed: EffectMap, *, alpha_beta_gy: ArrayLike) -> EffectMap:
    """EQD2 of a map of BED: BED / (1 + 2 Gy / (alpha/beta)), with the alpha/beta of the BED."""
    if bed.effect is not Effect.BED:
        raise ModelRangeError(f"the map holds {bed.effect}; expected BED")
    alpha_beta = _parameter(alpha_beta_gy, bed.grid, "alpha_beta_gy")
    error = bed.standard_error_gy
    if error is not None and error.any():
        error = _single(radiobiology.eqd2(error, alpha_beta_gy=alpha_beta))
    values = _single(radiobiology.eqd2(bed.gy, alpha_beta_gy=alpha_beta))
    return EffectMap(bed.grid, values, Effect.EQD2, bed.method, error)


def _parameter(value: ArrayLike, grid: Grid, name: str) -> Array:
    """A number, or one for each voxel."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim and array.shape != grid.shape:
        raise GeometryError(f"{name} has shape {array.shape}; expected a number or {grid.shape} (z, y, x)")
    return positive(array, name) if name == "alpha_beta_gy" else array


def _single(values: ArrayLike) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)
