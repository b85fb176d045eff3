"""Voxel dose by local deposition: each decay gives its energy to the voxel it is in.

The scan tells where the activity went, not how much: counts in the liver are scaled so that together they are
the administered activity less the shunt, counts in the lungs so that they are the shunted part. Nothing is
taken from counts elsewhere; their share is reported. Dose is K x concentration / density.

With a scan as blurred as SPECT this is often as near to the truth as convolving the blurred map again; at the
border of lung and liver, and in lung, it is wrong voxel by voxel, and the mean is what to read there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan import catalog as catalogue
from emboplan.dosimetry.arguments import fraction, positive
from emboplan.dosimetry.uptake.regions import ROUNDING, distance_mm, occupancy
from emboplan.dosimetry.uptake.spect_shunt import margin_mm
from emboplan.errors import MaskError, ModelRangeError
from emboplan.model.image import ActivityMap, CountImage, DensityMap, DoseMap
from emboplan.model.products import Nuclide
from emboplan.units import MBQ_PER_GBQ

METHOD = "local"


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedActivity:
    """Activity at injection on the scan's grid, and what of the scan's counts is not in it as recorded.

    `outside_frac` is the share of all counts that lie outside liver and lungs, and are left out.
    `reassigned_frac` is the share of the counts in the lungs that lie near the liver, where they are mostly
    the liver's: the lung there gets the mean concentration of the rest instead.
    """

    activity: ActivityMap
    outside_frac: float
    reassigned_frac: float


def calibrated_activity(
    counts: CountImage,
    liver: ArrayLike,
    *,
    administered_gbq: float,
    lung_shunt_frac: float,
    lungs: ArrayLike | None = None,
    resolution_fwhm_mm: float | None = None,
) -> CalibratedActivity:
    """The activity map of an administered activity that goes where the counts went.

    Args:
        counts: the scan.
        liver: occupancy (0 to 1) of the treated liver, tumours included, on the counts' grid; it gets
            administered x (1 - shunt).
        administered_gbq: administered activity.
        lung_shunt_frac: share of it that goes to the lungs.
        lungs: occupancy of the lungs, which get administered x shunt; without it the map is the liver only.
        resolution_fwhm_mm: resolution of the scan; that of `counts` unless given.
    """
    administered_mbq = float(positive(administered_gbq, "administered_gbq")) * MBQ_PER_GBQ
    shunt = float(fraction(lung_shunt_frac, "lung_shunt_frac"))
    grid = counts.grid
    liver_share = occupancy(liver, grid, "liver")
    in_liver = counts.counts.astype(np.float64) * liver_share
    counted = float(in_liver.sum())
    if counted <= 0:
        raise ModelRangeError("the liver holds no counts, so the scan cannot place the activity; check both")
    mbq = in_liver * (administered_mbq * (1 - shunt) / counted)
    reassigned = 0.0
    if lungs is not None:
        lung_share = occupancy(lungs, grid, "lungs")
        if float((liver_share + lung_share).max()) > 1 + 2 * ROUNDING:
            raise MaskError("liver and lungs overlap; each millilitre may belong to one of them only")
        in_lungs = counts.counts.astype(np.float64) * lung_share
        counted += float(in_lungs.sum())
        fwhm = resolution_fwhm_mm if resolution_fwhm_mm is not None else counts.resolution_fwhm_mm
        near = distance_mm(liver_share, grid) <= margin_mm(fwhm)
        pattern, reassigned = _lung_pattern(in_lungs, lung_share, near)
        mbq += pattern * (administered_mbq * shunt)
    total = counts.total_counts
    return CalibratedActivity(
        activity=ActivityMap(grid, (mbq / grid.voxel_ml).astype(np.float32)),
        outside_frac=max(0.0, 1 - counted / total),
        reassigned_frac=reassigned,
    )


def counts_elsewhere_frac(
    counts: CountImage, structures: Sequence[ArrayLike], *, resolution_fwhm_mm: float | None = None
) -> float:
    """The share of all counts farther from every structure than the structures' own blur reaches.

    Uptake there is no blur of liver or lungs: an extrahepatic focus, a shift between the images, or wrong
    contours. `structures` are occupancies (0 to 1) on the counts' grid.
    """
    shares = [occupancy(share, counts.grid, "structure") for share in structures]
    whole = np.clip(np.sum(shares, axis=0, dtype=np.float32), 0, 1)
    fwhm = resolution_fwhm_mm if resolution_fwhm_mm is not None else counts.resolution_fwhm_mm
    far = distance_mm(whole, counts.grid) > margin_mm(fwhm)
    return float(counts.counts[far].sum(dtype=np.float64)) / counts.total_counts


def _lung_pattern(
    in_lungs: NDArray[np.float64], share: NDArray[np.float32], near: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float]:
    """How the lungs' activity is spread (sum 1), and the share of their counts that was not taken as read."""
    far = float(share[~near].sum(dtype=np.float64))
    trusted = float(in_lungs[~near].sum())
    counted = float(in_lungs.sum())
    if far <= 0 or trusted <= 0:
        even = share.astype(np.float64)
        return even / even.sum(), 1.0 if counted > 0 else 0.0
    pattern = np.where(near, share * (trusted / far), in_lungs)
    return pattern / pattern.sum(), float(in_lungs[near].sum()) / counted


def local_deposition(
    activity: ActivityMap,
    density: DensityMap,
    *,
    nuclide: Nuclide | None = None,
    k_gy_kg_per_gbq: float | None = None,
) -> DoseMap:
    """Dose in Gy to complete decay, all energy deposited in the voxel of the decay.

    D = K x concentration / density: 1 MBq/mL in tissue of 1.03 g/mL gives 48.3 Gy for Y-90. K is that of
    `nuclide`, by default Y-90, unless given. `density` holds grams per millilitre of voxel, from
    `structure_density` or from a CT; `ModelRangeError` where activity lies in a voxel without mass.
    """
    activity.grid.require_same(density.grid, "activity and density")
    k = k_gy_kg_per_gbq or (nuclide or catalogue.load().nuclide("Y-90")).k_gy_kg_per_gbq
    k = float(positive(k, "k_gy_kg_per_gbq"))
    has_mass = density.g_per_ml > 0
    lost = float(activity.mbq_per_ml[~has_mass].sum(dtype=np.float64)) * activity.grid.voxel_ml
    if lost > 0:
        raise ModelRangeError(
            f"{lost:.3g} MBq lie in voxels without mass; give every voxel with activity a density"
        )
    dose = np.zeros(activity.grid.shape, dtype=np.float32)
    # 1 MBq per gram is 1 GBq per kilogram, the unit that K is for.
    np.divide(activity.mbq_per_ml, density.g_per_ml, out=dose, where=has_mass)
    return DoseMap(activity.grid, dose * np.float32(k), method=METHOD)
