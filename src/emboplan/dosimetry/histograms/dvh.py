"""Dose-volume histograms of structures, finer than the voxels of the dose.

`subvoxel` finds the doses of a structure and their volumes, `dose_volumes` reads the metrics off them, from
the sorted volumes and not from the bins of a curve. Here both meet a name, an axis, and the errors: the
cumulative curve is sampled on a dose axis that all structures of a map share, and standard errors come from
the batches of a Monte Carlo calculation by the jackknife, since a metric of one noisy batch is biased (noise
widens a histogram) where that of all batches but one is nearly that of all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan.dosimetry.histograms.bed_map import EffectMap
from emboplan.dosimetry.histograms.dose_volumes import DoseVolumes, jackknife_errors, read_headline
from emboplan.dosimetry.histograms.share_shape import MOST_VOXELS_DRAWN
from emboplan.dosimetry.histograms.subvoxel import (
    Placing,
    Sampling,
    Structure,
    checked_structure,
    sample_doses,
)
from emboplan.dosimetry.uptake.regions import checked_fwhm_mm, is_quantifiable
from emboplan.errors import GeometryError, ModelRangeError
from emboplan.imaging.resample import mask_occupancy
from emboplan.model.image import DoseMap
from emboplan.model.mask import Mask
from emboplan.model.results.dvh import CumulativeDvh, DifferentialDvh, DvhMetrics, DvhSet, StructureDvh

Array = NDArray[np.float64]
AnyMap = DoseMap | EffectMap

# The dose axis has at most this many steps, of a width that reads well; a screen shows no more.
MOST_STEPS = 500
STEP_WIDTHS_GY = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)

# The mean of the batches and the map may differ by rounding and by batches of unlike size, not by more.
BATCHES_AGREE = 0.01


def dose_axis_gy(highest_gy: float) -> Array:
    """Doses from 0 to at least `highest_gy`, in even steps that read well."""
    if not (math.isfinite(highest_gy) and highest_gy >= 0):
        raise ModelRangeError(f"highest dose is {highest_gy} Gy; expected 0 or more")
    fits = (step for step in STEP_WIDTHS_GY if highest_gy / step <= MOST_STEPS)
    step = next(fits, highest_gy / MOST_STEPS)
    return np.arange(math.ceil(highest_gy / step) + 1, dtype=np.float64) * step


def dose_volumes(
    dose: AnyMap,
    structure: Mask | ArrayLike,
    name: str = "structure",
    *,
    sampling: Sampling | str = Sampling.AUTO,
) -> DoseVolumes:
    """The doses of a structure in ascending order with their volumes, off which any metric can be read.

    `structure` and `sampling` as in `dvh`.
    """
    return sample_doses(dose.gy, dose.grid, checked_structure(structure, dose.grid, name), sampling)


def dvh(
    dose: AnyMap,
    structure: Mask | ArrayLike,
    name: str = "structure",
    *,
    resolution_fwhm_mm: float | None = None,
    geud_exponent: float | None = None,
    axis_gy: ArrayLike | None = None,
    metrics: Sequence[str] = (),
    sampling: Sampling | str = Sampling.AUTO,
    batches_gy: ArrayLike | None = None,
    batch_voxels: ArrayLike | None = None,
) -> StructureDvh:
    """Dose metrics, cumulative and differential histogram of one structure.

    Args:
        dose: the dose map, or a map of BED or EQD2.
        structure: a mask on any grid of the same frame of reference, or the share (0 to 1) that the structure
            fills of each voxel ``(z, y, x)`` of the dose's grid. For a small lesion give the mask of the CT:
            a share does not say where in its voxel the lesion is.
        name: the structure's name in the result.
        resolution_fwhm_mm: resolution of the image that the dose comes from; a structure smaller than twice
            that is not quantifiable. Leave it out for a planned, unblurred activity.
        geud_exponent: exponent a of the equivalent uniform dose; None leaves it out.
        axis_gy: rising doses of the curves; by default even steps up to the structure's maximum.
        metrics: more metrics by name, such as ``D90%``, ``D2cc`` (Gy) or ``V20Gy`` (share of the volume).
        sampling: ``voxels`` takes each voxel's own dose, ``parts`` interpolates it at many points in each
            voxel; ``linear`` does so with the dose straight between its voxels, as treatment planning systems
            have it, and loses peaks between voxels. ``auto`` (the default) is ``voxels`` for whole voxels of
            the dose's grid, else ``linear`` for a structure ten voxels wide and more, else ``parts``.
        batches_gy: doses of equal, independent batches ``(batch, z, y, x)``, of which `dose` is the mean;
            gives the standard error of every metric.
        batch_voxels: places in the flattened map of the columns of ``batches_gy`` ``(batch, column)``, where
            batches were kept for some voxels only; the others count as exact.

    An interpolated maximum may lie above the highest voxel, by what a smooth peak between voxels rises.
    Without batches the standard error of the mean takes the voxels' errors as independent. `MaskError` for a
    structure that is empty or outside the dose's grid, `GeometryError` for another frame of reference.
    """
    place = checked_structure(structure, dose.grid, name)
    volumes = sample_doses(dose.gy, dose.grid, place, sampling)
    found = read_headline(volumes, geud_exponent=geud_exponent, names=metrics)
    errors = None
    if batches_gy is not None:
        errors = _from_batches(
            dose,
            place,
            sampling,
            found,
            batches_gy,
            batch_voxels=batch_voxels,
            geud_exponent=geud_exponent,
        )
    axis = dose_axis_gy(volumes.highest_gy) if axis_gy is None else _checked_axis(axis_gy)
    fractions = volumes.fractions_at_least(axis)
    fwhm = None if resolution_fwhm_mm is None else checked_fwhm_mm(resolution_fwhm_mm)
    return StructureDvh(
        name=name,
        volume_ml=volumes.volume_ml,
        mean_gy=found.mean_gy,
        mean_gy_standard_error=_mean_error(dose, structure) if errors is None else errors.mean_gy,
        d95_gy=found.d95_gy,
        d70_gy=found.d70_gy,
        d50_gy=found.d50_gy,
        v50_frac=found.v50_frac,
        min_gy=found.min_gy,
        max_gy=found.max_gy,
        geud_gy=found.geud_gy,
        quantifiable=fwhm is None or is_quantifiable(volumes.volume_ml + volumes.outside_ml, fwhm),
        cumulative=CumulativeDvh(_plain(axis), _plain(fractions)),
        differential=_differential(volumes, axis, fractions),
        d98_gy=found.d98_gy,
        d2_gy=found.d2_gy,
        homogeneity=found.homogeneity,
        outside_frac=volumes.outside_frac,
        metrics=found.metrics,
        standard_errors=errors,
        placing=_placing(dose, place, geud_exponent, metrics),
    )


def _placing(
    dose: AnyMap, place: Structure, geud_exponent: float | None, metrics: Sequence[str]
) -> tuple[DvhMetrics, DvhMetrics] | None:
    """The room that the shares of a small structure leave; None for a mask, and for many voxels."""
    if place.whole or np.count_nonzero(place.share) >= MOST_VOXELS_DRAWN:
        return None
    return _bounds(dose, place, geud_exponent, metrics)


def placing_bounds(
    dose: AnyMap,
    structure: Mask | ArrayLike,
    name: str = "structure",
    *,
    geud_exponent: float | None = None,
    metrics: Sequence[str] = (),
) -> tuple[DvhMetrics, DvhMetrics]:
    """The lowest and the highest that each metric may be, as far as the shares of the voxels leave it open.

    Shares say how much of a voxel the structure fills, not where. The first metrics are those of the shape
    that fills each voxel's share where the voxel's dose is lowest, the second where it is highest; every
    shape with these shares lies between. A mask has no such room, and both are alike. The homogeneity, which
    no single shape bounds, is None. Arguments as in `dvh`.
    """
    return _bounds(dose, checked_structure(structure, dose.grid, name), geud_exponent, metrics)


def _bounds(
    dose: AnyMap, place: Structure, geud_exponent: float | None, metrics: Sequence[str]
) -> tuple[DvhMetrics, DvhMetrics]:
    low, high = (
        replace(
            read_headline(
                sample_doses(dose.gy, dose.grid, place, Sampling.AUTO, placing),
                geud_exponent=geud_exponent,
                names=metrics,
            ),
            homogeneity=None,
        )
        for placing in (Placing.LOWEST, Placing.HIGHEST)
    )
    return low, high


def dvh_set(
    dose: AnyMap,
    structures: Mapping[str, Mask | ArrayLike],
    *,
    resolution_fwhm_mm: float | None = None,
    geud_exponents: Mapping[str, float] | None = None,
    metrics: Sequence[str] = (),
    sampling: Sampling | str = Sampling.AUTO,
    batches_gy: ArrayLike | None = None,
    batch_voxels: ArrayLike | None = None,
) -> DvhSet:
    """The histograms of several structures on one dose axis, in the order given; arguments as in `dvh`."""
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
                metrics=metrics,
                sampling=sampling,
                batches_gy=batches_gy,
                batch_voxels=batch_voxels,
            )
            for name, structure in structures.items()
        )
    )


def _plain(values: Array) -> tuple[float, ...]:
    return tuple(values.tolist())


def _checked_axis(axis_gy: ArrayLike) -> Array:
    axis = np.atleast_1d(np.asarray(axis_gy, dtype=np.float64))
    if axis.ndim != 1 or not np.isfinite(axis).all() or (np.diff(axis) <= 0).any():
        raise ModelRangeError("axis_gy is not a row of rising doses; expected finite numbers in rising order")
    return axis


def _differential(volumes: DoseVolumes, axis: Array, fractions: Array) -> DifferentialDvh | None:
    """What the cumulative curve falls by in each step; None for an axis of one point."""
    if axis.size < 2:
        return None
    falls = -np.diff(fractions)
    # The last step holds the volume that receives its upper edge exactly.
    beyond = float(volumes.fractions_at_least(np.nextafter(axis[-1], np.inf))[0])
    falls[-1] += fractions[-1] - beyond
    return DifferentialDvh(_plain(axis), _plain(falls / np.diff(axis)))


def _mean_error(dose: AnyMap, structure: Mask | ArrayLike) -> float:
    """Standard error of the mean, the voxels' errors taken as independent; 0 for an exact map."""
    errors = dose.standard_error_gy
    if errors is None or not errors.any():
        return 0.0
    share = structure
    if isinstance(structure, Mask):
        share = (
            structure.voxels if dose.grid.is_same(structure.grid) else mask_occupancy(structure, dose.grid)
        )
    weights = np.asarray(share, dtype=np.float64)
    counted = weights > 0
    return float(np.sqrt(((weights[counted] * errors[counted]) ** 2).sum()) / weights.sum())


def _from_batches(
    dose: AnyMap,
    place: Structure,
    sampling: Sampling | str,
    found: DvhMetrics,
    batches_gy: ArrayLike,
    *,
    batch_voxels: ArrayLike | None,
    geud_exponent: float | None,
) -> DvhMetrics:
    """Standard errors of all metrics by leaving out one batch at a time."""
    batches, places = _checked_batches(dose, batches_gy, batch_voxels)
    total = batches.sum(axis=0, dtype=np.float64)
    rest = []
    for batch in batches:
        gy = dose.gy.copy()
        gy.reshape(-1)[places] = np.maximum((total - batch) / (len(batches) - 1), 0)
        volumes = sample_doses(gy, dose.grid, place, sampling)
        rest.append(read_headline(volumes, geud_exponent=geud_exponent, names=tuple(found.metrics)))
    return jackknife_errors(rest)


def _checked_batches(
    dose: AnyMap, batches_gy: ArrayLike, batch_voxels: ArrayLike | None
) -> tuple[NDArray[np.float32], NDArray[np.int64] | slice]:
    """Batches as rows, and the places of their columns in the flattened map."""
    given = np.asarray(batches_gy, dtype=np.float32)
    places = slice(None) if batch_voxels is None else np.asarray(batch_voxels, dtype=np.int64)
    columns = dose.grid.shape if isinstance(places, slice) else places.shape
    if given.ndim < 2 or given.shape[1:] != columns or len(given) < 2:
        raise GeometryError(
            f"batches_gy has shape {given.shape}; expected at least 2 batches of {columns}: the dose's "
            "(z, y, x), or one column for each of batch_voxels"
        )
    batches = given.reshape(len(given), -1)
    if not np.isfinite(batches).all() or float(batches.min()) < 0:
        raise ModelRangeError("batches_gy holds values that are negative or not finite; mend the batches")
    mean = float(dose.gy.reshape(-1)[places].mean(dtype=np.float64))
    apart = abs(float(batches.mean(dtype=np.float64)) - mean)
    if apart > BATCHES_AGREE * mean:
        raise ModelRangeError(
            f"the mean of batches_gy differs from the dose map by {apart:.3g} Gy on average; "
            "give the batches that the map is the mean of"
        )
    return batches, places
