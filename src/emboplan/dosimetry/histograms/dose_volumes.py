"""Doses in ascending order with the volume of each, and the metrics that are read off them.

Up to some tens of thousands of doses are kept one by one, so that small structures lose nothing; more are
gathered into as many narrow bins, each with its volume and its own mean dose. Dx is interpolated between the
middles of the sorted volumes; Vx is the share of the volume at or above a dose. Equal doses are ordered by
their volume, so that the order of the voxels counts for nothing.

The homogeneity index is that of ICRU Report 83: (D2 - D98) / D50, 0 for a uniform dose.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan.dosimetry import radiobiology
from emboplan.errors import MaskError, ModelRangeError
from emboplan.kernels import histogram
from emboplan.model.results.dvh import DvhMetrics
from emboplan.units import PERCENT

Array = NDArray[np.float64]

# Doses kept one by one; more go into this many bins, each 0.0015 % of the range wide.
MOST_KEPT = 1 << 16

# A bin that holds more than this share of the volume is divided again, so that no few doses far above the
# others make all bins too wide for these.
MOST_IN_A_BIN = 1e-3

# The shares of the volume in the homogeneity index and in the headline metrics, by their names.
D98, D95, D70, D50, D2 = 0.98, 0.95, 0.70, 0.50, 0.02
V50_GY = 50.0


@dataclass(frozen=True, slots=True, eq=False)
class DoseVolumes:
    """Doses (Gy, ascending) and the volume (mL) that each stands for.

    `lowest_gy` and `highest_gy` are those of the points; `outside_ml` is what of the structure lies outside
    the dose's grid and is counted nowhere else.
    """

    gy: Array
    ml: Array
    lowest_gy: float
    highest_gy: float
    outside_ml: float
    middles: Array
    above_ml: Array

    @classmethod
    def of(cls, gy: ArrayLike, ml: ArrayLike, *, outside_ml: float = 0.0) -> DoseVolumes:
        """Sorted doses with their volumes (one for each dose, or one for all); NaN is outside.

        `MaskError` where nothing has a volume.
        """
        doses = np.ascontiguousarray(gy, dtype=np.float32).reshape(-1)
        volumes = np.atleast_1d(np.asarray(ml, dtype=np.float64)).reshape(-1)
        if doses.size > MOST_KEPT:
            rows, volumes, ends = _binned(doses, volumes)
        else:
            counted = (doses >= 0) & (volumes > 0)
            rows = doses[counted].astype(np.float64)
            volumes = np.broadcast_to(volumes, doses.shape)[counted]
            order = np.lexsort((volumes, rows))
            rows, volumes = rows[order], volumes[order]
            ends = (float(rows[0]), float(rows[-1])) if rows.size else (0.0, 0.0)
        total = float(volumes.sum())
        if not total > 0:
            raise MaskError("no volume of the structure lies in the dose's grid; check that they overlap")
        return cls(
            gy=rows,
            ml=volumes,
            lowest_gy=ends[0],
            highest_gy=ends[1],
            outside_ml=outside_ml,
            middles=(np.cumsum(volumes) - volumes / 2) / total,
            above_ml=np.append(np.cumsum(volumes[::-1])[::-1], 0.0),
        )

    @property
    def volume_ml(self) -> float:
        """The volume in the dose's grid."""
        return float(self.above_ml[0])

    @property
    def outside_frac(self) -> float:
        """The share of the structure that lies outside the dose's grid."""
        return self.outside_ml / (self.volume_ml + self.outside_ml)

    @property
    def mean_gy(self) -> float:
        """Mean dose, weighted by volume."""
        # Above the lowest dose, so that a uniform dose is its own mean to the last digit.
        return float(self.gy[0] + np.average(self.gy - self.gy[0], weights=self.ml))

    def dose_at(self, volume_frac: float) -> float:
        """Dx: the dose that the best-dosed `volume_frac` of the volume reach at least."""
        if not 0 <= volume_frac <= 1:
            raise ModelRangeError(f"volume_frac is {volume_frac}; expected 0 to 1 (D70 is 0.7)")
        # The ends are known: no volume receives more than the highest dose, all receives the lowest.
        if volume_frac in (0, 1):
            return self.lowest_gy if volume_frac == 1 else self.highest_gy
        return float(np.interp(1 - volume_frac, self.middles, self.gy))

    def dose_at_ml(self, volume_ml: float) -> float:
        """The dose that the best-dosed `volume_ml` reach at least (D2cc: 2 mL)."""
        if not 0 < volume_ml <= self.volume_ml:
            raise ModelRangeError(
                f"volume_ml is {volume_ml}; expected above 0 and up to the {self.volume_ml:.4g} mL "
                "of the structure"
            )
        return self.dose_at(volume_ml / self.volume_ml)

    def fractions_at_least(self, dose_gy: ArrayLike) -> Array:
        """Vx: the share of the volume at or above each dose."""
        doses = np.atleast_1d(np.asarray(dose_gy, dtype=np.float64))
        found: Array = self.above_ml[np.searchsorted(self.gy, doses, side="left")] / self.above_ml[0]
        return found

    def fraction_at_least(self, dose_gy: float) -> float:
        """Vx of one dose."""
        return float(self.fractions_at_least(dose_gy)[0])

    def geud_gy(self, exponent: float) -> float:
        """Generalised equivalent uniform dose; `radiobiology.geud` over the volumes."""
        return radiobiology.geud(self.gy, exponent=exponent, weights=self.ml)

    @property
    def homogeneity(self) -> float | None:
        """(D2 - D98) / D50 of ICRU Report 83; None where half of the volume has no dose."""
        median = self.dose_at(D50)
        return (self.dose_at(D2) - self.dose_at(D98)) / median if median > 0 else None


def _binned(gy: NDArray[np.float32], ml: Array) -> tuple[Array, Array, tuple[float, float]]:
    """Mean doses and volumes of narrow bins, and the lowest and the highest dose."""
    with np.errstate(invalid="ignore"):
        low, high = float(np.fmin.reduce(gy)), float(np.fmax.reduce(gy))
        if ml.size > 1 and not np.isnan(low):
            counted = ml > 0
            low = float(np.fmin.reduce(gy, where=counted, initial=np.nan))
            high = float(np.fmax.reduce(gy, where=counted, initial=np.nan))
    if np.isnan(low):
        return np.zeros(0), np.zeros(0), (0.0, 0.0)
    rows, volumes = _bins(gy, ml, low, high)
    return rows, volumes, (low, high)


def _bins(gy: NDArray[np.float32], ml: Array, low: float, high: float) -> tuple[Array, Array]:
    """Even bins from `low` to `high`; where many doses share one, since few lie far away, bins of its own."""
    volume, moment = np.zeros(MOST_KEPT), np.zeros(MOST_KEPT)
    ends = np.zeros((2, MOST_KEPT), np.float32)
    per_gy = (MOST_KEPT - 1) / (high - low) if high > low else 0.0
    histogram.bin_volumes(gy, ml, low, per_gy, volume, moment, ends)
    filled = volume > 0
    # A bin of one dose is that dose to the last digit: V50 of a plateau of 50 Gy counts all of it.
    rows = np.where(filled, np.clip(moment / np.where(filled, volume, 1), ends[0], ends[1]), 0)
    crowded = np.flatnonzero((volume > MOST_IN_A_BIN * volume.sum()) & (ends[1] > ends[0]))
    kept = filled.copy()
    finer: list[tuple[Array, Array]] = []
    for run in np.split(crowded, np.flatnonzero(np.diff(crowded) > 1) + 1):
        if run.size:
            first, last = float(ends[0, run[0]]), float(ends[1, run[-1]])
            inside = (gy >= first) & (gy <= last)
            finer.append(_bins(gy[inside], ml[inside] if ml.size > 1 else ml, first, last))
            kept[run] = False
    rows = np.concatenate([rows[kept], *(part[0] for part in finer)]).astype(np.float64)
    volumes = np.concatenate([volume[kept], *(part[1] for part in finer)])
    order = np.argsort(rows, kind="stable")
    return rows[order], volumes[order]


_METRIC = re.compile(r"(?P<kind>[DV])(?P<number>\d+(?:\.\d+)?)(?P<unit>%|cc|ml|Gy)?", re.IGNORECASE)


def read_metric(volumes: DoseVolumes, name: str) -> float:
    """One metric by its usual name: ``D95`` or ``D95%`` and ``D2cc`` in Gy, ``V20`` or ``V20Gy`` as a share.

    `ModelRangeError` for a name that is none of these and for a volume that the structure does not have.
    """
    found = _METRIC.fullmatch(name.strip())
    unit = (found["unit"] or "").lower() if found else ""
    dose_wanted = found is not None and found["kind"].upper() == "D"
    if found is None or (dose_wanted and unit == "gy") or (not dose_wanted and unit not in ("", "gy")):
        raise ModelRangeError(f"metric is {name!r}; expected names like D95%, D2cc or V20Gy")
    number = float(found["number"])
    if not dose_wanted:
        return volumes.fraction_at_least(number)
    if unit in ("cc", "ml"):
        return volumes.dose_at_ml(number)
    return volumes.dose_at(number / PERCENT)


def read_headline(
    volumes: DoseVolumes, *, geud_exponent: float | None = None, names: Sequence[str] = ()
) -> DvhMetrics:
    """The metrics of every histogram, and those asked for by `names`."""
    return DvhMetrics(
        mean_gy=volumes.mean_gy,
        d98_gy=volumes.dose_at(D98),
        d95_gy=volumes.dose_at(D95),
        d70_gy=volumes.dose_at(D70),
        d50_gy=volumes.dose_at(D50),
        d2_gy=volumes.dose_at(D2),
        v50_frac=volumes.fraction_at_least(V50_GY),
        min_gy=volumes.lowest_gy,
        max_gy=volumes.highest_gy,
        geud_gy=None if geud_exponent is None else volumes.geud_gy(geud_exponent),
        homogeneity=volumes.homogeneity,
        metrics={name: read_metric(volumes, name) for name in names},
    )


def jackknife_errors(without_one: Sequence[DvhMetrics]) -> DvhMetrics:
    """Standard errors of metrics from their values with each of n equal batches left out in turn.

    sqrt((n - 1) / n x sum of squared differences from their mean); Quenouille's and Tukey's jackknife.
    """
    count = len(without_one)
    if count < 2:
        raise ModelRangeError(f"{count} batches give no standard error; expected at least 2")

    def error(values: Sequence[float | None]) -> float | None:
        known = np.array([value for value in values if value is not None])
        if known.size < count:
            return None
        return float(np.sqrt((count - 1) / count * ((known - known.mean()) ** 2).sum()))

    errors = {
        field.name: error([getattr(one, field.name) for one in without_one])
        for field in fields(DvhMetrics)
        if field.name != "metrics"
    }
    named = {name: error([one.metrics[name] for one in without_one]) for name in without_one[0].metrics}
    return DvhMetrics(**errors, metrics=named)  # type: ignore[arg-type]  # None only where a metric may be
