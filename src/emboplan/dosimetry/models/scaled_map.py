"""The voxel-based model: a dose map scales with the activity, so a goal on it gives an activity.

Nothing but the amount changes when more or less of the same injection is given: every voxel's dose, every
mean and every D_x (the dose that the best-dosed share x of a structure reaches at least) grows in proportion.
The functions take a map per GBq *administered* and the share of each voxel that a structure fills, as arrays
of one shape; `ScaledMap` does the same with a dose map, the activity it was computed for, and masks.

The model ignores what does change with the activity in practice: the number of spheres, stasis and reflux.
Definition of D_x as in `voxel.dvh`: interpolated between the voxels' middles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from emboplan.dosimetry.arguments import Array, finite, not_negative, plain, positive
from emboplan.errors import MaskError, ModelRangeError
from emboplan.model.image import DoseMap
from emboplan.model.mask import Mask

# Shares from an interpolation may pass 0 and 1 by rounding; more than this is not a share of a voxel.
ROUNDING = 1e-3


def _voxels(gy_per_gbq: ArrayLike, share: ArrayLike | None) -> tuple[Array, Array]:
    """Doses per GBq and shares of the voxels that belong to the structure, flat."""
    per_gbq = not_negative(gy_per_gbq, "gy_per_gbq")
    weights = np.ones(per_gbq.shape) if share is None else finite(share, "share")
    if weights.shape != per_gbq.shape:
        raise MaskError(f"share has shape {weights.shape}; the dose map has {per_gbq.shape} (z, y, x)")
    if (weights < -ROUNDING).any() or (weights > 1.0 + ROUNDING).any():
        raise MaskError("share holds values outside 0 to 1; expected the share of each voxel")
    inside = weights > 0
    if not inside.any():
        raise MaskError("the structure is empty on the dose map, so it has no dose; check the structure")
    return per_gbq[inside], weights[inside]


def mean_per_gbq(gy_per_gbq: ArrayLike, share: ArrayLike | None = None) -> float:
    """Mean dose of a structure in Gy per GBq administered.

    >>> mean_per_gbq([10.0, 30.0, 90.0], share=[1.0, 1.0, 0.0])
    20.0
    """
    per_gbq, weights = _voxels(gy_per_gbq, share)
    return float(np.average(per_gbq, weights=weights))


def dose_at_volume_per_gbq(
    gy_per_gbq: ArrayLike, share: ArrayLike | None = None, *, volume_frac: ArrayLike
) -> float | Array:
    """D_x in Gy per GBq: what the best-dosed `volume_frac` of the structure reach at least (D70: 0.7).

    >>> dose_at_volume_per_gbq([10.0, 20.0, 30.0], volume_frac=0.5)
    20.0
    """
    fraction_of_volume = finite(volume_frac, "volume_frac")
    bad = (fraction_of_volume <= 0) | (fraction_of_volume > 1)
    if bad.any():
        raise ModelRangeError(
            f"volume_frac is {fraction_of_volume[bad].flat[0]:g}; expected above 0 and up to 1 (D70 is 0.7)"
        )
    per_gbq, weights = _voxels(gy_per_gbq, share)
    # Equal doses are ordered by their share, so that the order of the voxels cannot count.
    order = np.lexsort((weights, per_gbq))
    ascending, weights = per_gbq[order], weights[order]
    middles = (np.cumsum(weights) - weights / 2) / weights.sum()
    return plain(np.interp(1.0 - fraction_of_volume, middles, ascending))


def _activity(dose_gy: ArrayLike, per_gbq: ArrayLike, what: str) -> float | Array:
    goal, reached = not_negative(dose_gy, "dose_gy"), np.asarray(per_gbq)
    if (reached <= 0).any():
        raise ModelRangeError(
            f"{what} of the structure is 0 Gy per GBq: no activity reaches the goal; check map and structure"
        )
    return plain(goal / reached)


def activity_for_mean_gbq(
    gy_per_gbq: ArrayLike, share: ArrayLike | None = None, *, dose_gy: ArrayLike
) -> float | Array:
    """The administered activity (GBq) that gives the structure this mean dose."""
    return _activity(dose_gy, mean_per_gbq(gy_per_gbq, share), "the mean dose")


def activity_for_dose_at_volume_gbq(
    gy_per_gbq: ArrayLike,
    share: ArrayLike | None = None,
    *,
    volume_frac: ArrayLike,
    dose_gy: ArrayLike,
) -> float | Array:
    """The administered activity (GBq) at which `volume_frac` of the structure reach this dose at least."""
    reached = dose_at_volume_per_gbq(gy_per_gbq, share, volume_frac=volume_frac)
    return _activity(dose_gy, reached, "the dose at that volume")


@dataclass(frozen=True, slots=True, eq=False)
class ScaledMap:
    """A dose map and the administered activity (GBq) that it was computed for.

    Structures are masks on the map's grid; another grid is an error.
    """

    dose: DoseMap
    administered_gbq: float

    def __post_init__(self) -> None:
        """Check the activity."""
        object.__setattr__(
            self, "administered_gbq", float(positive(self.administered_gbq, "administered_gbq"))
        )

    def _structure(self, structure: Mask) -> Array:
        """Doses per GBq of the structure's voxels."""
        self.dose.grid.require_same(structure.grid, "dose map and structure")
        if structure.is_empty:
            raise MaskError("the structure is empty, so it has no dose; check the structure")
        return self.dose.gy[structure.voxels].astype(np.float64) / self.administered_gbq

    def at(self, administered_gbq: float) -> DoseMap:
        """The map for another administered activity; its standard error scales with it."""
        factor = float(not_negative(administered_gbq, "administered_gbq")) / self.administered_gbq
        error = self.dose.standard_error_gy
        return DoseMap(
            grid=self.dose.grid,
            gy=(self.dose.gy * np.float64(factor)).astype(np.float32),
            method=self.dose.method,
            standard_error_gy=None if error is None else (error * np.float64(factor)).astype(np.float32),
        )

    def mean_gy(self, structure: Mask, administered_gbq: ArrayLike) -> float | Array:
        """Mean dose of a structure at this administered activity."""
        activity = not_negative(administered_gbq, "administered_gbq")
        return plain(activity * mean_per_gbq(self._structure(structure)))

    def dose_at_volume_gy(
        self, structure: Mask, administered_gbq: ArrayLike, *, volume_frac: float
    ) -> float | Array:
        """D_x of a structure at this administered activity."""
        activity = not_negative(administered_gbq, "administered_gbq")
        return plain(activity * dose_at_volume_per_gbq(self._structure(structure), volume_frac=volume_frac))

    def activity_for_mean_gbq(self, structure: Mask, *, dose_gy: ArrayLike) -> float | Array:
        """The administered activity (GBq) that gives the structure this mean dose."""
        return activity_for_mean_gbq(self._structure(structure), dose_gy=dose_gy)

    def activity_for_dose_at_volume_gbq(
        self, structure: Mask, *, volume_frac: float, dose_gy: ArrayLike
    ) -> float | Array:
        """The administered activity (GBq) at which `volume_frac` of the structure reach this dose."""
        per_gbq = self._structure(structure)
        return activity_for_dose_at_volume_gbq(per_gbq, volume_frac=volume_frac, dose_gy=dose_gy)
