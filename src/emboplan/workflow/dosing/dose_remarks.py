"""What a reader must know of a computed dose: of its method, of energy that left, of air and gas.

A dose is energy over mass. Where there is hardly any mass, in air beside the patient or in gas inside a liver
mask, it is a number of no tissue; where the grid ends, energy is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emboplan.catalog.load import Catalog
from emboplan.dosimetry.maps.activity_grid import LARGEST_OUTSIDE_FRAC, NOTABLE_OUTSIDE_FRAC
from emboplan.dosimetry.tissues.ct_check import GAS_FRAC
from emboplan.dosimetry.tissues.tissue_from_density import class_limits_g_per_ml
from emboplan.imaging.resample import mask_occupancy
from emboplan.model.anatomy import Anatomy
from emboplan.model.case import DoseMethod
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import ActivityMap, DensityMap, DoseMap
from emboplan.model.mask import Mask
from emboplan.model.tissue import TissueMap
from emboplan.units import PERCENT

Bools = NDArray[np.bool_]
F64 = NDArray[np.float64]

AIR = "air"

# Methods that divide by the mass of a voxel energy that need not be there.
BY_MASS = (DoseMethod.LOCAL, DoseMethod.VOXEL_S_DENSITY)


def left_frac(activity: ActivityMap, kernel: F64) -> float:
    """The share of a convolved activity's energy that lies beyond the grid.

    Only sources within the half-width of the kernel from an edge lose some: each what the kernel's cumulated
    sum has beyond the edges.
    """
    values = activity.mbq_per_ml
    # Inclusion and exclusion over the corners of the part of the kernel that lies inside the grid.
    table = np.zeros([n + 1 for n in kernel.shape])
    table[1:, 1:, 1:] = kernel.cumsum(0).cumsum(1).cumsum(2)
    bounds = []
    for count, width in zip(values.shape, kernel.shape, strict=True):
        place, half = np.arange(count), width // 2
        bounds.append((np.maximum(half - place, 0), np.minimum(half + count - place, width)))
    lost = 0.0
    for z, (low, high) in enumerate(zip(*bounds[0], strict=True)):
        if not values[z].any():
            continue
        flat = table[high] - table[low]
        (ylow, yhigh), (xlow, xhigh) = bounds[1:]
        rows = flat[yhigh] - flat[ylow]
        inside = rows[:, xhigh] - rows[:, xlow]
        lost += float((values[z] * (table[-1, -1, -1] - inside)).sum(dtype=np.float64))
    return max(0.0, lost / (float(values.sum(dtype=np.float64)) * float(table[-1, -1, -1])))


def left_findings(left: float) -> tuple[Finding, ...]:
    """That energy left the grid, where it is worth telling."""
    if left <= NOTABLE_OUTSIDE_FRAC:
        return ()
    weight = Severity.WARNING if left > LARGEST_OUTSIDE_FRAC else Severity.INFO
    text = (
        f"{left * PERCENT:.2g} % of the energy leaves the grid and is in no dose; a grid that reaches "
        "farther beyond the activity would hold it."
    )
    return (Finding("dose-left-grid", weight, text),)


def air_voxels(around: DensityMap | TissueMap, catalog: Catalog) -> Bools:
    """Where the tissue is air: by its class, or by a density that only air has."""
    if isinstance(around, TissueMap):
        return np.isin(around.material, [n for n, name in enumerate(around.materials) if name == AIR])
    limit = np.float32(class_limits_g_per_ml(catalog=catalog)[0])
    return np.asarray(around.g_per_ml < limit)


def air_findings(dose: DoseMap, around: DensityMap | TissueMap, catalog: Catalog) -> tuple[Finding, ...]:
    """That a method which divides by mass put energy into air, where it is worth telling."""
    share = energy_frac(dose, around.g_per_ml, air_voxels(around, catalog))
    if share <= NOTABLE_OUTSIDE_FRAC:
        return ()
    text = (
        f"{share * PERCENT:.2g} % of the energy lies in voxels of air, where it gives a high dose to hardly "
        "any mass; read no dose there, and look at where the activity is."
    )
    return (Finding("dose-in-air", Severity.WARNING, text),)


def energy_frac(dose: DoseMap, g_per_ml: NDArray[np.float32], where: Bools) -> float:
    """The share of the deposited energy that lies in some voxels."""
    energy = dose.gy.astype(np.float64) * g_per_ml
    total = float(energy.sum())
    return float(energy[where].sum()) / total if total > 0 else 0.0


def without_air(
    dose: DoseMap, density: DensityMap, air: Bools, organs: Sequence[NDArray[np.float32] | None]
) -> tuple[DoseMap, tuple[Finding, ...]]:
    """No dose in air outside the organs (shares of voxels), and what of the energy that leaves out."""
    held = np.zeros(dose.grid.shape, np.bool_)
    for organ in organs:
        if organ is not None:
            held |= organ > 0
    bare = air & ~held & (dose.gy > 0)
    share = energy_frac(dose, density.g_per_ml, bare)
    if not bare.any():
        return dose, ()
    findings: tuple[Finding, ...] = ()
    if share > NOTABLE_OUTSIDE_FRAC:
        weight = Severity.WARNING if share > LARGEST_OUTSIDE_FRAC else Severity.INFO
        text = (
            f"{share * PERCENT:.2g} % of the energy would lie in air outside liver and lungs: these voxels "
            "got no dose, since this method divides by their mass."
        )
        findings = (Finding("dose-in-air", weight, text),)
    return replace(dose, gy=np.where(bare, np.float32(0), dose.gy)), findings


def gas_findings(dose: DoseMap, anatomy: Anatomy, catalog: Catalog) -> tuple[Finding, ...]:
    """What lung or gas inside the liver mask does to the mean dose of the liver, where that is much."""
    gas = anatomy.liver.voxels & (anatomy.ct.hu < catalog.number("ct_class.lung_below"))
    if np.count_nonzero(gas) <= GAS_FRAC * np.count_nonzero(anatomy.liver.voxels):
        return ()
    grid = dose.grid
    whole, thin = (mask_occupancy(mask, grid) for mask in (anatomy.liver, Mask(anatomy.grid, gas)))
    gy = dose.gy.astype(np.float64)
    all_gy, thin_gy = float((gy * whole).sum()), float((gy * thin).sum())
    all_ml, thin_ml = float(whole.sum(dtype=np.float64)), float(thin.sum(dtype=np.float64))
    if all_gy <= 0 or thin_ml >= all_ml:
        return ()
    mean, rest = all_gy / all_ml, (all_gy - thin_gy) / (all_ml - thin_ml)
    if abs(mean - rest) <= GAS_FRAC * mean:
        return ()
    text = (
        f"{PERCENT * thin_ml / all_ml:.0f} % of the liver mask is gas or lung on the CT and holds "
        f"{PERCENT * thin_gy / all_gy:.0f} % of its dose: the mean of the liver is {mean:.3g} Gy, "
        f"and {rest:.3g} Gy without these voxels. Give a mask of the CT's "
        "own breath, or give the liver one density (--uniform-liver)."
    )
    return (Finding("dose-gas-in-liver", Severity.WARNING, text),)


# What a reader must know of the approximate methods: identifier, text, source.
APPROXIMATE = {
    DoseMethod.LOCAL: Finding(
        "dose-local-deposition",
        Severity.INFO,
        "The voxel dose is local deposition on a blurred scan: means of liver and large lesions can be "
        "read, voxels at borders, small lesions and single lung voxels cannot.",
        "DAND; ARIENZO",
    ),
    DoseMethod.VOXEL_S: Finding(
        "dose-voxel-s",
        Severity.INFO,
        "The voxel dose knows one density for all tissue: it is wrong in lung and bone, and in tissue within "
        "a centimetre of them.",
    ),
    DoseMethod.VOXEL_S_DENSITY: Finding(
        "dose-voxel-s-density",
        Severity.INFO,
        "The voxel dose has its energy where it would lie in uniform tissue: it is wrong in lung and bone "
        "beside the liver.",
    ),
}


def method_findings(method: DoseMethod) -> tuple[Finding, ...]:
    """What a reader must know of the approximate methods; nothing of the others."""
    return (APPROXIMATE[method],) if method in APPROXIMATE else ()
