"""What the body is made of, voxel by voxel: density, and the material that electrons meet.

A material is a name of the catalogue's compositions (``liver``, ``lung``); its density here is the voxel's
own, which compositions do not fix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import GeometryError, ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import DensityMap, frozen_array


@dataclass(frozen=True, slots=True, eq=False)
class TissueMap:
    """Density in g/mL and material of every voxel; `material` holds places in `materials`."""

    grid: Grid
    g_per_ml: NDArray[np.float32]
    material: NDArray[np.uint8]
    materials: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check shapes and values."""
        density = DensityMap(self.grid, self.g_per_ml).g_per_ml
        if density.size and float(density.min()) <= 0:
            raise ModelRangeError("the density is 0 somewhere; even air has some: give its density there")
        if np.asarray(self.material).dtype != np.uint8:
            raise GeometryError("materials are not given as uint8 places in the list of materials")
        material = frozen_array(self.material, self.grid, np.uint8, "material map").view(np.uint8)
        if material.size and int(material.max()) >= len(self.materials):
            raise ModelRangeError(
                f"the material map holds {int(material.max())}; {len(self.materials)} materials are named"
            )
        object.__setattr__(self, "g_per_ml", density)
        object.__setattr__(self, "material", material)

    @property
    def density(self) -> DensityMap:
        """The densities alone."""
        return DensityMap(self.grid, self.g_per_ml)
