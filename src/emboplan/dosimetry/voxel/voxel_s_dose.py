"""Voxel dose by convolution with voxel S values: the energy goes where it would in an endless uniform medium.

"voxel-s" knows one density for all: right inside the liver, wrong at its border with the lung and in lung and
bone. "voxel-s-density" divides by each voxel's own density instead of the one that the kernel is for. That is
an approximation: each voxel gets the energy that it would get in the uniform medium, and its mass is right,
but the energy lies in the wrong place, since ranges in lung are longer and in bone shorter.

The kernel is the same in all directions, so a grid that lies obliquely in the patient changes nothing. The
dose is K times energy shares over mass, with the K of the nuclide record: a wide uniform activity gets the
dose of local deposition.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emboplan import catalog as catalogue
from emboplan.dosimetry.arguments import positive
from emboplan.dosimetry.tissues.fine_grid import require_fine
from emboplan.dosimetry.voxel.convolve import convolve
from emboplan.dosimetry.voxel.separable import TOLERANCE
from emboplan.dosimetry.voxel.voxel_s import Bremsstrahlung, voxel_s_kernel
from emboplan.errors import ModelRangeError
from emboplan.model.image import ActivityMap, DensityMap, DoseMap
from emboplan.units import PERCENT

Scaling = Literal["uniform", "density"]

METHOD = "voxel-s"
METHOD_DENSITY = "voxel-s-density"


def voxel_s_dose(
    activity: ActivityMap,
    *,
    nuclide: str = "Y-90",
    density: DensityMap | float | None = None,
    scaling: Scaling = "uniform",
    material: str = "water",
    bremsstrahlung: Bremsstrahlung = "kept",
    reference_g_per_ml: float | None = None,
    k_gy_kg_per_gbq: float | None = None,
    catalog: catalogue.Catalog | None = None,
) -> DoseMap:
    """Dose in Gy to complete decay by voxel S values, from activity at injection.

    Args:
        activity: the activity map; what its energy does beyond the grid is lost.
        nuclide: a beta emitter of the catalogue.
        density: with "uniform" scaling the medium's density in g/mL, by default the catalogue's of liver;
            with "density" scaling a map of each voxel's.
        scaling: "uniform", or "density" for the approximation named above.
        material: the medium's composition, such as "water" or "liver"; a composition other than those
            shipped is transported on first use, some seconds.
        bremsstrahlung: "kept" counts its energy as deposited as the electrons' is, "escapes" leaves it out.
        reference_g_per_ml: with "density" scaling the density that the kernel is for, by default that of
            liver.
        k_gy_kg_per_gbq: dose coefficient, by default the nuclide record's.
        catalog: facts to use; by default those of the package.

    `ModelRangeError` for a map without activity, voxels above 10 mm, a density that does not fit the scaling,
    and voxels without mass where energy arrives.
    """
    facts = catalog or catalogue.load()
    if not float(activity.mbq_per_ml.max()) > 0:
        raise ModelRangeError("the activity map holds no activity; check the image and its calibration")
    spacing = activity.grid.spacing_mm
    require_fine(activity.grid, facts)
    local = _local_density(activity, density, scaling)
    liver = facts.number("density.liver")
    asked = reference_g_per_ml if local is not None else density
    medium = float(positive(liver if asked is None else asked, "density_g_per_ml"))  # type: ignore[arg-type]  # a map is in `local`
    k = k_gy_kg_per_gbq if k_gy_kg_per_gbq is not None else facts.nuclide(nuclide).k_gy_kg_per_gbq
    k = float(positive(k, "k_gy_kg_per_gbq"))
    kernel = voxel_s_kernel(
        nuclide, spacing_mm=spacing, density_g_per_ml=medium, material=material, bremsstrahlung=bremsstrahlung
    )
    # 1 MBq per gram is 1 GBq per kilogram, the unit that K is for.
    gy = convolve(activity.mbq_per_ml, kernel.energy_frac, scale=k / medium)
    # The products of filters may fall short of 0 by their error.
    np.maximum(gy, 0, out=gy)
    if local is None:
        return DoseMap(activity.grid, gy, method=METHOD)
    return DoseMap(activity.grid, _rescaled(gy, local, medium), method=METHOD_DENSITY)


def _local_density(
    activity: ActivityMap, density: DensityMap | float | None, scaling: Scaling
) -> NDArray[np.float32] | None:
    if scaling not in ("uniform", "density"):
        raise ModelRangeError(f"scaling is {scaling!r}; expected 'uniform' or 'density'")
    is_map = isinstance(density, DensityMap)
    if scaling == "uniform" and is_map:
        raise ModelRangeError("uniform scaling has one density; give a number in g/mL, or scaling='density'")
    if scaling == "uniform":
        return None
    if not isinstance(density, DensityMap):
        raise ModelRangeError("scaling by density needs a density map on the activity's grid; give one")
    activity.grid.require_same(density.grid, "activity and density")
    return density.g_per_ml


def _rescaled(gy: NDArray[np.float32], g_per_ml: NDArray[np.float32], medium: float) -> NDArray[np.float32]:
    """Dose in the uniform medium times its density over each voxel's."""
    has_mass = g_per_ml > 0
    # What the bound of the convolution does not tell from nothing is no energy.
    bare = ~has_mass & (gy > TOLERANCE * float(gy.max()))
    if bare.any():
        share = float(gy[bare].sum(dtype=np.float64) / gy.sum(dtype=np.float64))
        raise ModelRangeError(
            f"{int(bare.sum())} voxels without mass would get {PERCENT * share:.2g} % of the energy; give "
            "every voxel within reach of activity a density"
        )
    scaled = np.zeros_like(gy)
    np.divide(gy * np.float32(medium), g_per_ml, out=scaled, where=has_mass)
    return scaled
