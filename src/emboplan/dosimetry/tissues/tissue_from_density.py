"""What electrons meet where only densities are known: the material of each voxel from its density alone.

The limits between the classes are those of a CT (``tissues.ct_class``), put through the curve from CT number
to density. Two limits differ, since a density map is often that of a phantom: water is a material of its own,
and water, adipose tissue and muscle part half way between their densities in the catalogue. Densities are
taken as they are, without the rules that keep noise and contrast agent of a CT from making tissue.
"""

from __future__ import annotations

import numpy as np

from emboplan import catalog as catalogue
from emboplan.dosimetry.tissues.density import HuCurve, density_from_hu
from emboplan.errors import ModelRangeError
from emboplan.model.image import DensityMap
from emboplan.model.tissue import TissueMap

# From the thinnest to the densest; the limits between them rise.
MATERIALS = ("air", "lung", "adipose", "water", "muscle", "bone_compact")


def class_limits_g_per_ml(
    *, curve: HuCurve | None = None, catalog: catalogue.Catalog | None = None
) -> tuple[float, ...]:
    """The least density of each of `MATERIALS` but the first, in g/mL.

    >>> [round(limit, 3) for limit in class_limits_g_per_ml()]
    [0.053, 0.907, 0.96, 1.02, 1.106]
    """
    numbers = catalog or catalogue.load()
    air, lung, bone = (
        float(density_from_hu(numbers.number(f"ct_class.{key}"), curve=curve, catalog=numbers))
        for key in ("air_below", "lung_below", "bone_from")
    )
    adipose, water, muscle = (
        numbers.number(f"materials.{name}.density") for name in ("adipose", "water", "muscle")
    )
    limits = (air, lung, (adipose + water) / 2, (water + muscle) / 2, bone)
    if (np.diff(limits) <= 0).any():
        raise ModelRangeError(
            f"the class limits are {', '.join(f'{limit:.3g}' for limit in limits)} g/mL; expected rising "
            "numbers: check the curve from CT number to density and the class limits of the catalogue"
        )
    return limits


def tissue_from_density(
    density: DensityMap, *, curve: HuCurve | None = None, catalog: catalogue.Catalog | None = None
) -> TissueMap:
    """The tissue map of densities alone: air, lung, adipose, water, muscle (all soft tissue) or bone.

    Soft tissues differ from muscle by 0.1 % in range. Contrast agent, vessels and dark fat cannot be told by
    density: where there is a CT, `tissue_map` is better. `ModelRangeError` for a density of 0 anywhere.
    """
    numbers = catalog or catalogue.load()
    empty = int(np.count_nonzero(density.g_per_ml <= 0))
    if empty:
        raise ModelRangeError(
            f"{empty} voxels have a density of 0; even air has some "
            f"({numbers.number('ct_density.air'):g} g/mL): give its density there"
        )
    limits = np.array(class_limits_g_per_ml(curve=curve, catalog=numbers), dtype=np.float32)
    material = np.searchsorted(limits, density.g_per_ml, side="right").astype(np.uint8)
    return TissueMap(density.grid, density.g_per_ml, material, MATERIALS)
