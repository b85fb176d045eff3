"""Activity maps and other grids: what lies outside the CT or a structure, and the map on another grid.

Activity is carried over as a concentration, by exact overlap of voxels, and its total is checked: what lies
outside the new grid is reported and not scaled away. Where the grids are turned against each other the
interpolation itself gains or loses a little; that part alone is put right, and the factor is in the result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan.dosimetry.uptake.regions import occupancy
from emboplan.errors import ModelRangeError
from emboplan.imaging.resample import mask_occupancy, resample_concentration
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, ConcentrationImage
from emboplan.model.mask import Mask
from emboplan.units import PERCENT

# Below this no mean dose changes by a number that is printed.
NOTABLE_OUTSIDE_FRAC = 0.001
# Above this the images do not belong together, or one misses a part of the organ; the dose of the rest would
# look whole and is not.
LARGEST_OUTSIDE_FRAC = 0.05
# Totals agree to this when voxels overlap exactly: the rounding of single-precision voxels.
CONSERVATION = 1e-6
# An interpolation that was off by more than this is worth telling.
NOTABLE_SCALE = 0.01


@dataclass(frozen=True, slots=True)
class OutsideActivity:
    """The activity outside a grid or a structure, in MBq and as a share of all, and what to say of it."""

    outside_mbq: float
    outside_frac: float
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ResampledActivity:
    """A map on another grid: the activity that fell outside, and the factor that made up for interpolation.

    `scaled_by` is 1 where the axes of the grids are parallel.
    """

    activity: ActivityMap
    outside: OutsideActivity
    scaled_by: float


def grid_occupancy(inner: Grid, to: Grid) -> NDArray[np.float32]:
    """The share (0 to 1) of each voxel of `to` that lies within the outer faces of `inner`."""
    middle = tuple(inner.to_mm((np.array(inner.shape[::-1]) - 1) / 2))
    whole = replace(inner, shape=(1, 1, 1), spacing_mm=inner.size_mm, origin_mm=middle)
    return mask_occupancy(Mask(whole, np.ones(whole.shape, dtype=np.bool_)), to)


def activity_outside(
    activity: ActivityMap,
    where: Grid | ArrayLike,
    what: str = "the CT",
    *,
    notable_frac: float = NOTABLE_OUTSIDE_FRAC,
    largest_frac: float = LARGEST_OUTSIDE_FRAC,
) -> OutsideActivity:
    """The activity outside `where`, a grid or an occupancy (0 to 1) on the map's own grid.

    A finding above `notable_frac` of the activity; `ModelRangeError` above `largest_frac` of it, and where
    the map holds none at all.
    """
    share = (
        grid_occupancy(where, activity.grid)
        if isinstance(where, Grid)
        else occupancy(where, activity.grid, what)
    )
    total = activity.total_mbq
    if total <= 0:
        raise ModelRangeError("the activity map holds no activity; expected some above 0 MBq")
    beyond = np.maximum(1 - share.astype(np.float64), 0)
    mbq = float((activity.mbq_per_ml * beyond).sum()) * activity.grid.voxel_ml
    frac = mbq / total
    if frac > largest_frac:
        raise ModelRangeError(
            f"{frac * PERCENT:.1f} % of the activity ({mbq:.4g} MBq) lies outside {what}; expected at most "
            f"{largest_frac * PERCENT:g} %: check that both show the same patient, aligned and whole"
        )
    findings: tuple[Finding, ...] = ()
    if frac > notable_frac:
        text = (
            f"{frac * PERCENT:.2g} % of the activity ({mbq:.4g} MBq) lies outside {what} and gives no dose."
        )
        findings = (Finding("activity-outside", Severity.WARNING, text),)
    return OutsideActivity(mbq, frac, findings)


def resampled_activity(
    activity: ActivityMap,
    to: Grid,
    what: str = "the dose grid",
    *,
    notable_frac: float = NOTABLE_OUTSIDE_FRAC,
    largest_frac: float = LARGEST_OUTSIDE_FRAC,
) -> ResampledActivity:
    """The map on another grid, its total less what lies outside.

    `ModelRangeError` where more than `largest_frac` of the activity would be lost.
    """
    outside = activity_outside(activity, to, what, notable_frac=notable_frac, largest_frac=largest_frac)
    image = ConcentrationImage(activity.grid, activity.mbq_per_ml)
    moved, report = resample_concentration(image, to)
    if report.conserving:
        # The exact overlap knows slopes inside border voxels, which the share of each voxel does not.
        lost = max(0.0, report.total_before - report.total_after)
        if report.total_after > report.total_before * (1 + CONSERVATION):
            raise ModelRangeError(
                f"the total rose from {report.total_before:.8g} to {report.total_after:.8g} MBq on the way "
                f"to {what}; please report this with both grids"
            )
        lost = 0.0 if lost <= CONSERVATION * report.total_before else lost
        outside = replace(outside, outside_mbq=lost, outside_frac=lost / report.total_before)
        return ResampledActivity(ActivityMap(to, moved.counts_per_ml), outside, 1.0)
    kept = report.total_before - outside.outside_mbq
    if report.total_after <= 0:
        raise ModelRangeError(f"no activity is left on {what}; its voxels are too coarse for this map")
    factor = kept / report.total_after
    scaled = (moved.counts_per_ml.astype(np.float64) * factor).astype(np.float32)
    if abs(factor - 1) > NOTABLE_SCALE:
        text = f"The map was turned onto {what}; interpolation changed its total, undone by x {factor:.4f}."
        outside = replace(
            outside,
            findings=(*outside.findings, Finding("activity-resampling", Severity.INFO, text)),
        )
    return ResampledActivity(ActivityMap(to, scaled), outside, factor)
