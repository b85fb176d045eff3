"""Voxel dose by local deposition: each decay gives its energy to the voxel it is in.

Dose is K x concentration / density, with one density for each structure: counts that breathing carried across
the dome, divided by the density of lung, would give four times the dose.

With a scan as blurred as SPECT this is often as near to the truth as convolving the blurred map again; at the
border of lung and liver, and in lung, it is wrong voxel by voxel, and the mean is what to read there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from emboplan import catalog as catalogue
from emboplan.dosimetry.arguments import positive
from emboplan.errors import ModelRangeError
from emboplan.model.image import ActivityMap, DensityMap, DoseMap
from emboplan.model.products import Nuclide

METHOD = "local"


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
    k = (
        k_gy_kg_per_gbq
        if k_gy_kg_per_gbq is not None
        else (nuclide or catalogue.load().nuclide("Y-90")).k_gy_kg_per_gbq
    )
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


def local_doses(
    density: DensityMap, *, nuclide: Nuclide | None = None, k_gy_kg_per_gbq: float | None = None
) -> Callable[[ActivityMap], DoseMap]:
    """Local deposition in this density as a function of the activity map alone."""

    def dose(activity: ActivityMap) -> DoseMap:
        return local_deposition(activity, density, nuclide=nuclide, k_gy_kg_per_gbq=k_gy_kg_per_gbq)

    return dose
