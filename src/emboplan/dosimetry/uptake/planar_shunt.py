"""The lung shunt fraction from planar views: geometric mean of both, or the anterior one alone.

Planar views see the lungs behind the liver's dome and the liver through more tissue than the lungs, and read
too high; they are the tradition all the same, and the lung limits in gray come from them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan import catalog as catalogue
from emboplan.dosimetry.arguments import Array, not_negative, plain
from emboplan.dosimetry.uptake.shunt_fraction import (
    counting_half_width,
    interval_around,
    known_bias,
    lung_shunt_fraction,
)
from emboplan.errors import MaskError, ModelRangeError
from emboplan.model.image import PlanarPair
from emboplan.model.results.shunt import ShuntEstimate, ShuntMethod

Roi = NDArray[np.bool_]


def geometric_mean_counts(anterior: ArrayLike, posterior: ArrayLike) -> float | Array:
    """The geometric mean of the counts of two opposite views."""
    return plain(np.sqrt(not_negative(anterior, "anterior") * not_negative(posterior, "posterior")))


def without_scatter(
    main: ArrayLike, low: ArrayLike, *, main_width_kev: float, low_width_kev: float
) -> float | Array:
    """Counts of the main window less the scatter that a lower window shows (dual energy window).

    main - (low / low width) x main width / 2, and not below 0. Source: doi:10.1186/s12885-022-10392-y.
    """
    for name, width in (("main_width_kev", main_width_kev), ("low_width_kev", low_width_kev)):
        if not (math.isfinite(width) and width > 0):
            raise ModelRangeError(f"{name} is {width}; expected a positive window width")
    scatter = not_negative(low, "low") / low_width_kev * main_width_kev / 2
    return plain(np.maximum(0.0, not_negative(main, "main") - scatter))


@dataclass(frozen=True, slots=True)
class ScatterWindows:
    """Widths in keV of the main window and of the lower one that shows the scatter."""

    main_width_kev: float
    low_width_kev: float


def _roi(roi: Roi, shape: tuple[int, ...], what: str) -> Roi:
    array = np.asarray(roi)
    if array.shape != shape or array.dtype != np.bool_:
        raise MaskError(
            f"{what} region is {array.dtype} of shape {array.shape}; expected booleans of shape {shape}"
        )
    if not array.any():
        raise MaskError(f"{what} region is empty; check that CT and planar views overlap")
    return array


def _view_counts(
    view: NDArray[np.float32],
    scatter: NDArray[np.float32] | None,
    roi: Roi,
    background: Roi | None,
    windows: ScatterWindows | None,
) -> float:
    """Counts of one view inside a region, less scatter and background where they are given."""

    def inside(region: Roi) -> float:
        counts = float(view[region].sum(dtype=np.float64))
        if windows is None:
            return counts
        if scatter is None:
            raise ModelRangeError("window widths were given, but the scan has no scatter view")
        low = float(scatter[region].sum(dtype=np.float64))
        widths = {"main_width_kev": windows.main_width_kev, "low_width_kev": windows.low_width_kev}
        return float(without_scatter(counts, low, **widths))

    counts = inside(roi)
    if background is None:
        return counts
    per_pixel = inside(background) / np.count_nonzero(background)
    return max(0.0, counts - per_pixel * np.count_nonzero(roi))


def _planar(
    pair: PlanarPair,
    lung_roi: Roi,
    liver_roi: Roi,
    background_roi: Roi | None,
    windows: ScatterWindows | None,
    method: ShuntMethod,
    catalog: catalogue.Catalog | None,
) -> ShuntEstimate:
    shape = pair.anterior.shape
    liver = _roi(liver_roi, shape, "liver")
    lung = _roi(lung_roi, shape, "lung") & ~liver
    if not lung.any():
        raise MaskError("the liver region covers the whole lung region; check the regions")
    background = None if background_roi is None else _roi(background_roi, shape, "background")
    views = [("anterior", pair.anterior, pair.scatter_anterior)]
    if method is ShuntMethod.PLANAR_GM:
        views.append(("posterior", pair.posterior, pair.scatter_posterior))
    counts: dict[str, float] = {}
    plain_counts: dict[str, float] = {}
    for organ, roi in (("lung", lung), ("liver", liver)):
        for name, view, scatter in views:
            counts[f"{organ}_{name}"] = _view_counts(view, scatter, roi, background, windows)
            plain_counts[f"{organ}_{name}"] = _view_counts(view, None, roi, None, None)
    means, relative, plain_means = {}, {}, {}
    for organ in ("lung", "liver"):
        each = [counts[f"{organ}_{name}"] for name, _, _ in views]
        means[organ] = math.prod(each) ** (1 / len(each))
        raw = [plain_counts[f"{organ}_{name}"] for name, _, _ in views]
        plain_means[organ] = math.prod(raw) ** (1 / len(raw))
        # Noise is that of the counts recorded, also of those that were then taken off.
        noise = [math.sqrt(r) / c if c > 0 else 0.0 for r, c in zip(raw, each, strict=True)]
        relative[organ] = math.hypot(*noise) / len(each)
    frac = float(lung_shunt_fraction(means["lung"], means["liver"]))
    return ShuntEstimate(
        method=method,
        lung_shunt_frac=frac,
        interval=interval_around(frac, counting_half_width(frac, relative["lung"], relative["liver"])),
        counts=MappingProxyType(counts),
        uncorrected_frac=float(lung_shunt_fraction(plain_means["lung"], plain_means["liver"])),
        known_bias=known_bias(method, catalog),
    )


def planar_geometric_mean(
    pair: PlanarPair,
    lung_roi: Roi,
    liver_roi: Roi,
    *,
    background_roi: Roi | None = None,
    windows: ScatterWindows | None = None,
    catalog: catalogue.Catalog | None = None,
) -> ShuntEstimate:
    """The shunt from the geometric mean of the anterior and posterior counts of each region.

    Regions are booleans ``(row, column)`` on the views' pixels; a pixel in both counts as liver. The interval
    (95 %) is that of counting alone and does not hold the method's bias.
    """
    return _planar(pair, lung_roi, liver_roi, background_roi, windows, ShuntMethod.PLANAR_GM, catalog)


def anterior_only(
    pair: PlanarPair,
    lung_roi: Roi,
    liver_roi: Roi,
    *,
    background_roi: Roi | None = None,
    windows: ScatterWindows | None = None,
    catalog: catalogue.Catalog | None = None,
) -> ShuntEstimate:
    """The shunt from the anterior view alone; otherwise as `planar_geometric_mean`."""
    return _planar(pair, lung_roi, liver_roi, background_roi, windows, ShuntMethod.ANTERIOR, catalog)
