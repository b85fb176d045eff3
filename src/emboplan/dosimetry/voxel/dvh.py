"""Dose-volume histograms of structures, weighted by the share of each voxel that they fill.

The metrics are computed from the sorted voxels themselves, not from bins, so that small structures lose
nothing: Vx is the exact share of the volume at or above a dose, and Dx is interpolated between the voxels'
middles. The cumulative curve is sampled on a dose axis that all structures of a map share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan.dosimetry.uptake.regions import checked_fwhm_mm, is_quantifiable, occupancy
from emboplan.errors import MaskError, ModelRangeError
from emboplan.model.image import DoseMap
from emboplan.model.mask import Mask, bounding_box
from emboplan.model.results.dvh import CumulativeDvh, DvhSet, StructureDvh

Array = NDArray[np.float64]

# The dose axis has at most this many steps, of a width that reads well; a screen shows no more.
MOST_STEPS = 500
STEP_WIDTHS_GY = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)

# Names of the metrics in the result; shares of the volume, and a dose in Gy.
D95, D70, D50 = 0.95, 0.70, 0.50
V50_GY = 50.0


def dose_axis_gy(highest_gy: float) -> Array:
    """Doses from 0 to at least `highest_gy`, in even steps that read well."""
    if not (math.isfinite(highest_gy) and highest_gy >= 0):
        raise ModelRangeError(f"highest dose is {highest_gy} Gy; expected 0 or more")
    fits = (step for step in STEP_WIDTHS_GY if highest_gy / step <= MOST_STEPS)
    step = next(fits, highest_gy / MOST_STEPS)
    return np.arange(math.ceil(highest_gy / step) + 1, dtype=np.float64) * step


def _volumes(dose: DoseMap, structure: Mask | ArrayLike, name: str) -> tuple[Array, Array, Array]:
    """Doses in ascending order, the share of a voxel that counts at each, and the errors in that order."""
    if isinstance(structure, Mask):
        dose.grid.require_same(structure.grid, f"dose and {name}")
        if structure.is_empty:
            raise MaskError(f"{name} is empty, so it has no histogram; check the structure")
        share: NDArray[np.bool_] | NDArray[np.float32] = structure.voxels
    else:
        share = occupancy(structure, dose.grid, name)
    box = bounding_box(share > 0)
    if box is None:
        raise MaskError(f"{name} is empty, so it has no histogram; check the structure")
    inside = share[box] > 0
    gy = dose.gy[box][inside]
    order = np.argsort(gy, kind="stable")
    errors = np.zeros(0) if dose.standard_error_gy is None else dose.standard_error_gy[box][inside][order]
    return (
        gy[order].astype(np.float64),
        share[box][inside][order].astype(np.float64),
        errors.astype(np.float64),
    )


def _dose_at(gy: Array, share: Array, volume_frac: float) -> float:
    """The dose that the best-dosed `volume_frac` of the volume reach at least, between voxels' middles."""
    middles = (np.cumsum(share) - share / 2) / share.sum()
    return float(np.interp(1 - volume_frac, middles, gy))


def _fractions_at_least(gy: Array, share: Array, doses: Array) -> Array:
    """The share of the volume at or above each dose."""
    above = np.append(np.cumsum(share[::-1])[::-1], 0.0)
    found: Array = above[np.searchsorted(gy, doses, side="left")] / above[0]
    return found


def geud_gy(gy: Array, share: Array, exponent: float) -> float:
    """Generalised equivalent uniform dose: (mean of D^a)^(1/a); a = 1 is the mean."""
    if not math.isfinite(exponent) or exponent == 0:
        raise ModelRangeError(f"the exponent of the equivalent dose is {exponent}; expected a number but 0")
    highest = float(gy.max())
    if highest == 0 or (exponent < 0 and float(gy.min()) == 0):
        return 0.0
    # Relative to the highest (or lowest) dose, so that large powers stay in range.
    scale = highest if exponent > 0 else float(gy.min())
    mean_power = float(np.average((gy / scale) ** exponent, weights=share))
    return float(scale * mean_power ** (1 / exponent))


def dvh(
    dose: DoseMap,
    structure: Mask | ArrayLike,
    name: str = "structure",
    *,
    resolution_fwhm_mm: float | None = None,
    geud_exponent: float | None = None,
    axis_gy: ArrayLike | None = None,
) -> StructureDvh:
    """Dose metrics and cumulative histogram of one structure.

    Args:
        dose: the dose map.
        structure: a mask on the dose's grid, or the share (0 to 1) of each of its voxels ``(z, y, x)``.
        name: the structure's name in the result.
        resolution_fwhm_mm: resolution of the image that the dose comes from; a structure smaller than twice
            that is not quantifiable. Leave it out for a planned, unblurred activity.
        geud_exponent: exponent a of the equivalent uniform dose; None leaves it out.
        axis_gy: doses of the cumulative curve; by default even steps up to the structure's maximum.

    The standard error of the mean takes the voxels' errors as independent.
    """
    gy, share, errors = _volumes(dose, structure, name)
    volume = float(share.sum())
    volume_ml = volume * dose.grid.voxel_ml
    axis = dose_axis_gy(float(gy[-1])) if axis_gy is None else np.asarray(axis_gy, dtype=np.float64)
    standard_error = float(np.sqrt(((share * errors) ** 2).sum())) / volume if errors.size else 0.0
    fwhm = None if resolution_fwhm_mm is None else checked_fwhm_mm(resolution_fwhm_mm)
    return StructureDvh(
        name=name,
        volume_ml=volume_ml,
        mean_gy=float(np.average(gy, weights=share)),
        mean_gy_standard_error=standard_error,
        d95_gy=_dose_at(gy, share, D95),
        d70_gy=_dose_at(gy, share, D70),
        d50_gy=_dose_at(gy, share, D50),
        v50_frac=float(_fractions_at_least(gy, share, np.array([V50_GY]))[0]),
        min_gy=float(gy[0]),
        max_gy=float(gy[-1]),
        geud_gy=None if geud_exponent is None else geud_gy(gy, share, geud_exponent),
        quantifiable=fwhm is None or is_quantifiable(volume_ml, fwhm),
        cumulative=CumulativeDvh(
            dose_gy=tuple(float(d) for d in axis),
            volume_frac=tuple(float(v) for v in _fractions_at_least(gy, share, axis)),
        ),
    )


def dvh_set(
    dose: DoseMap,
    structures: Mapping[str, Mask | ArrayLike],
    *,
    resolution_fwhm_mm: float | None = None,
    geud_exponents: Mapping[str, float] | None = None,
) -> DvhSet:
    """The histograms of several structures on one dose axis, in the order given."""
    axis = dose_axis_gy(float(dose.gy.max(initial=0.0)))
    exponents = geud_exponents or {}
    return DvhSet(
        tuple(
            dvh(
                dose,
                structure,
                name,
                resolution_fwhm_mm=resolution_fwhm_mm,
                geud_exponent=exponents.get(name),
                axis_gy=axis,
            )
            for name, structure in structures.items()
        )
    )
