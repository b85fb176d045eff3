"""Lung mass from CT numbers: each voxel weighs its volume times 1 + HU/1000.

Source: Kao 2014 (CT densitovolumetry). A voxel's density is clipped to the catalogue's range, so that noise
below -1000 HU weighs nothing and a contrast-filled vessel not more than tissue. Contrast agent and the depth
of the breath are in the result: they change the CT numbers, and with them the mass.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from emboplan import catalog as catalogue
from emboplan.errors import MaskError, ModelRangeError

HU_PER_UNIT_DENSITY = 1000.0  # the Hounsfield scale: air is -1000, water 0


def lung_mass_g(hu: ArrayLike, *, voxel_ml: float, catalog: catalogue.Catalog | None = None) -> float:
    """Mass in grams of the lung whose voxels have these CT numbers.

    >>> round(lung_mass_g([-700.0], voxel_ml=1000.0), 6)
    300.0
    """
    numbers = np.asarray(hu, dtype=np.float64)
    if numbers.size == 0:
        raise MaskError("the lung mask is empty, so the lungs have no mass; check the lung mask")
    if not np.isfinite(numbers).all():
        raise ModelRangeError("CT numbers of the lung are not all finite; mend the image first")
    entry = (catalog or catalogue.load()).sourced("lung_mass.voxel_density_range")
    low, high = entry.numbers
    density = np.clip(1.0 + numbers / HU_PER_UNIT_DENSITY, low, high)
    return float(density.sum()) * voxel_ml
