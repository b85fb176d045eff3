"""Mass density: from CT numbers along a sourced curve, or one density for each structure.

For local deposition one density per structure is the safer choice: counts that breathing carried across the
dome, divided by the density of lung, would give four times the dose. The curve is for transport and for
tissue outside the structures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan import catalog as catalogue
from emboplan.dosimetry.arguments import finite, positive
from emboplan.dosimetry.uptake.regions import ROUNDING, occupancy
from emboplan.errors import MaskError
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage, DensityMap


def density_from_hu(hu: ArrayLike, *, catalog: catalogue.Catalog | None = None) -> NDArray[np.float64]:
    """Density in g/mL of CT numbers, by the catalogue's curve (Schneider 2000 as in TOPAS and GATE).

    Below its first point it is air, above its last one the last density. Cone-beam CT numbers are not
    calibrated and have no density.
    """
    numbers = catalog or catalogue.load()
    starts = np.array(numbers.sourced("ct_density.hu_from").numbers)
    offsets = np.array(numbers.sourced("ct_density.offset").numbers)
    slopes = np.array(numbers.sourced("ct_density.slope").numbers)
    air = numbers.number("ct_density.air")
    given = finite(hu, "hu")
    h = np.minimum(given, numbers.number("ct_density.hu_end"))
    piece = np.clip(np.searchsorted(starts, h, side="right") - 1, 0, None)
    found = np.asarray(offsets[piece] + slopes[piece] * h)
    return np.where(given < starts[0], air, np.maximum(found, air))


def density_map(ct: CtImage, *, catalog: catalogue.Catalog | None = None) -> DensityMap:
    """Density of every voxel of a CT by the catalogue's curve."""
    return DensityMap(ct.grid, density_from_hu(ct.hu, catalog=catalog).astype(np.float32))


def structure_density(grid: Grid, structures: Sequence[tuple[ArrayLike, float]]) -> DensityMap:
    """Grams of the structures in each voxel per millilitre of voxel, one density (g/mL) for each structure.

    `structures` are pairs of an occupancy (0 to 1) on `grid` and a density. A voxel half full of liver has
    half the liver's density, since only that half has mass here; voxels outside all structures have 0.
    """
    filled = np.zeros(grid.shape, dtype=np.float32)
    mass = np.zeros(grid.shape, dtype=np.float32)
    for share, g_per_ml in structures:
        found = occupancy(share, grid, "structure")
        filled += found
        mass += found * np.float32(positive(g_per_ml, "density_g_per_ml"))
    if float(filled.max(initial=0.0)) > 1 + 2 * ROUNDING:
        raise MaskError("the structures overlap; each millilitre may belong to one of them only")
    return DensityMap(grid, mass)
