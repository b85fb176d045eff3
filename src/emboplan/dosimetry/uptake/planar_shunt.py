"""The lung shunt fraction from planar views: geometric mean of both, or the anterior one alone.

Planar views see the lungs behind the liver's dome and the liver through more tissue than the lungs, and read
too high; they are the tradition all the same, and the lung limits in gray come from them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan import catalog as catalogue
from emboplan.dosimetry.arguments import Array, not_negative, plain
from emboplan.dosimetry.uptake.planar_regions import Roi, distance_mm
from emboplan.dosimetry.uptake.shunt_fraction import (
    counting_half_width,
    interval_around,
    known_bias,
    lung_shunt_fraction,
    no_lung_counts,
    zero_half_width,
)
from emboplan.dosimetry.uptake.spect_shunt import LEAST_LUNG_SHARE, LEAST_MARGIN_MM
from emboplan.errors import MaskError, ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import PlanarPair
from emboplan.model.results.shunt import ShuntEstimate, ShuntMethod


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


@dataclass(frozen=True, slots=True, eq=False)
class _Areas:
    """The regions that are summed: lung that is kept, lung near the liver that is left out, liver.

    `lung_scale` is all lung over kept lung; 1 where nothing is left out.
    """

    lung: Roi
    left_out: Roi
    liver: Roi
    near_liver: Roi
    background: Roi | None
    lung_scale: float


@dataclass(frozen=True, slots=True)
class _ViewCounts:
    """What one view says: corrected counts, the counts recorded, and the lung's near the liver."""

    lung: float
    lung_kept: float
    liver: float
    lung_recorded: float
    kept_recorded: float
    liver_recorded: float
    near_recorded: float


def _areas(
    pair: PlanarPair,
    lung_roi: Roi,
    liver_roi: Roi,
    background_roi: Roi | None,
    margin_mm: float,
    lung_mm: ArrayLike | None,
) -> _Areas:
    shape = pair.anterior.shape
    liver = _roi(liver_roi, shape, "liver")
    lung = _roi(lung_roi, shape, "lung") & ~liver
    if not lung.any():
        raise MaskError("the liver region covers the whole lung region; check the regions")
    if not (math.isfinite(margin_mm) and margin_mm >= 0):
        raise ModelRangeError(
            f"dome_margin_mm is {margin_mm}; expected 0 or a positive number of millimetres"
        )
    background = None if background_roi is None else _roi(background_roi, shape, "background")
    away = distance_mm(liver, pair.pixel_mm)
    left_out = lung & (away <= margin_mm) if margin_mm > 0 else np.zeros_like(lung)
    kept = lung & ~left_out
    weight = np.ones(shape) if lung_mm is None else not_negative(lung_mm, "lung_mm")
    everything, remaining = float(weight[lung].sum()), float(weight[kept].sum())
    if not (remaining > 0 and remaining >= LEAST_LUNG_SHARE * everything):
        raise MaskError(
            f"less than {LEAST_LUNG_SHARE:.0%} of the lung region lies more than {margin_mm:g} mm from the "
            "liver, too little to stand for the rest; give a smaller margin"
        )
    near = lung & (away <= LEAST_MARGIN_MM)
    return _Areas(kept, left_out, liver, near, background, everything / remaining)


def _view_counts(
    view: NDArray[np.float32],
    scatter: NDArray[np.float32] | None,
    areas: _Areas,
    windows: ScatterWindows | None,
) -> _ViewCounts:
    """Counts of one view, less scatter and background where they are given."""

    def recorded(region: Roi) -> float:
        return float(view[region].sum(dtype=np.float64))

    def primary(region: Roi) -> float:
        if windows is None:
            return recorded(region)
        if scatter is None:
            raise ModelRangeError("window widths were given, but the scan has no scatter view")
        low = float(scatter[region].sum(dtype=np.float64))
        widths = {"main_width_kev": windows.main_width_kev, "low_width_kev": windows.low_width_kev}
        return float(without_scatter(recorded(region), low, **widths))

    def net(region: Roi) -> float:
        counts = primary(region)
        if areas.background is None:
            return counts
        per_pixel = primary(areas.background) / np.count_nonzero(areas.background)
        return max(0.0, counts - per_pixel * np.count_nonzero(region))

    kept, liver = net(areas.lung), net(areas.liver)
    lung = kept
    if areas.left_out.any():
        # What lies near the liver beyond the lung's own share there has spilled out of the liver.
        lung = kept * areas.lung_scale
        liver = max(0.0, liver + net(areas.left_out) - (lung - kept))
    return _ViewCounts(
        lung=lung,
        lung_kept=kept,
        liver=liver,
        lung_recorded=recorded(areas.lung | areas.left_out),
        kept_recorded=recorded(areas.lung),
        liver_recorded=recorded(areas.liver),
        near_recorded=recorded(areas.near_liver),
    )


def _mean(values: Sequence[float]) -> float:
    return math.prod(values) ** (1 / len(values))


def _relative_noise(recorded: Sequence[float], corrected: Sequence[float]) -> float:
    """Relative standard error of a geometric mean; that of the counts recorded, also of those taken off."""
    each = [math.sqrt(r) / c if c > 0 else 0.0 for r, c in zip(recorded, corrected, strict=True)]
    return math.hypot(*each) / len(each)


def _planar(
    pair: PlanarPair,
    areas: _Areas,
    windows: ScatterWindows | None,
    method: ShuntMethod,
    dome_margin_mm: float,
    catalog: catalogue.Catalog | None,
) -> ShuntEstimate:
    views = {"anterior": _view_counts(pair.anterior, pair.scatter_anterior, areas, windows)}
    if method is ShuntMethod.PLANAR_GM:
        views["posterior"] = _view_counts(pair.posterior, pair.scatter_posterior, areas, windows)
    seen = list(views.values())
    lung, liver = _mean([v.lung for v in seen]), _mean([v.liver for v in seen])
    plain_lung, plain_liver = _mean([v.lung_recorded for v in seen]), _mean([v.liver_recorded for v in seen])
    frac = float(lung_shunt_fraction(lung, liver))
    if liver <= 0:
        raise ModelRangeError(
            "the liver region holds no counts; check that it lies on the liver (a region drawn on the view "
            "from the back must be mirrored)"
        )
    near = sum(v.near_recorded for v in seen) / max(1.0, sum(v.lung_recorded for v in seen))
    whole_lung = np.count_nonzero(areas.lung) + np.count_nonzero(areas.left_out)
    near_area = np.count_nonzero(areas.near_liver) / whole_lung
    counts = {
        f"{organ}_{name}": getattr(v, organ) for organ in ("lung", "liver") for name, v in views.items()
    }
    counts |= {"lung_near_liver_frac": near, "lung_near_liver_area_frac": near_area}
    findings = [_near_liver(near, near_area, dome_margin_mm)]
    if dome_margin_mm > 0:
        counts |= {f"lung_measured_{name}": v.lung_kept for name, v in views.items()}
        counts["margin_mm"] = dome_margin_mm
    if lung > 0:
        half = counting_half_width(
            frac,
            _relative_noise([v.kept_recorded for v in seen], [v.lung_kept for v in seen]),
            _relative_noise([v.liver_recorded for v in seen], [v.liver for v in seen]),
        )
    else:
        findings.append(no_lung_counts("views"))
        half = zero_half_width(max(v.kept_recorded for v in seen) * areas.lung_scale, liver)
    return ShuntEstimate(
        method=method,
        lung_shunt_frac=frac,
        interval=interval_around(frac, half),
        counts=MappingProxyType(counts),
        uncorrected_frac=float(lung_shunt_fraction(plain_lung, plain_liver)),
        known_bias=known_bias(method, catalog),
        findings=tuple(findings),
    )


def _near_liver(counts_frac: float, area_frac: float, margin_mm: float) -> Finding:
    """What the lung beside the liver holds; a warning where it is more than twice as dense as the rest."""
    text = (
        f"{counts_frac:.0%} of the lung region's counts lie within {LEAST_MARGIN_MM:.0f} mm of the liver, in "
        f"{area_frac:.0%} of the region: breathing, blur and scatter carry liver counts there."
    )
    if margin_mm > 0:
        text += (
            f" Lung within {margin_mm:g} mm was left out and inferred from the rest, as if the lung were "
            "uniform: an approximation."
        )
    dense = counts_frac * (1 - area_frac) > 2 * area_frac * (1 - counts_frac)
    weight = Severity.WARNING if dense and margin_mm == 0 else Severity.INFO
    return Finding("planar-dome-spill", weight, text)


def planar_geometric_mean(
    pair: PlanarPair,
    lung_roi: Roi,
    liver_roi: Roi,
    *,
    background_roi: Roi | None = None,
    windows: ScatterWindows | None = None,
    dome_margin_mm: float = 0.0,
    lung_mm: ArrayLike | None = None,
    catalog: catalogue.Catalog | None = None,
) -> ShuntEstimate:
    """The shunt from the geometric mean of the anterior and posterior counts of each region.

    Regions are booleans ``(row, column)`` on the views' pixels; a pixel in both counts as liver. The interval
    (95 %) is that of counting alone and does not hold the method's bias.

    With a `dome_margin_mm` above 0 the lung so near to the liver is left out: its counts are inferred from
    the rest, by area or by the thickness `lung_mm` of lung behind each pixel, and what was found there
    beyond them counts as liver. An approximation: the lung is taken as uniform, attenuation as the same.
    The share of the lung's counts within `LEAST_MARGIN_MM` of the liver is reported either way.
    """
    areas = _areas(pair, lung_roi, liver_roi, background_roi, dome_margin_mm, lung_mm)
    return _planar(pair, areas, windows, ShuntMethod.PLANAR_GM, dome_margin_mm, catalog)


def anterior_only(
    pair: PlanarPair,
    lung_roi: Roi,
    liver_roi: Roi,
    *,
    background_roi: Roi | None = None,
    windows: ScatterWindows | None = None,
    dome_margin_mm: float = 0.0,
    lung_mm: ArrayLike | None = None,
    catalog: catalogue.Catalog | None = None,
) -> ShuntEstimate:
    """The shunt from the anterior view alone; otherwise as `planar_geometric_mean`."""
    areas = _areas(pair, lung_roi, liver_roi, background_roi, dome_margin_mm, lung_mm)
    return _planar(pair, areas, windows, ShuntMethod.ANTERIOR, dome_margin_mm, catalog)
