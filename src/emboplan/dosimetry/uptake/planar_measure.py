"""Both planar methods on one pair of views with its regions, and how far the shunt moves with the regions.

Counting noise alone makes the interval of a planar shunt far too narrow: where the regions lie matters more.
The interval here also holds regions moved by a breath to each side, to the head and to the feet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emboplan import catalog as catalogue
from emboplan.dosimetry.uptake.planar_regions import PlanarRegions
from emboplan.dosimetry.uptake.planar_shunt import ScatterWindows, anterior_only, planar_geometric_mean
from emboplan.dosimetry.uptake.shunt_fraction import interval_around
from emboplan.errors import MaskError, ModelRangeError
from emboplan.model.image import PlanarPair
from emboplan.model.results.shunt import ShuntEstimate, ShuntMethod

# Regions may lie off by this much: half of the one to two centimetres by which breathing moves the dome.
PLACE_VARIATION_MM = 10.0

METHODS = {ShuntMethod.PLANAR_GM: planar_geometric_mean, ShuntMethod.ANTERIOR: anterior_only}


def planar_estimates(
    pair: PlanarPair,
    regions: PlanarRegions,
    *,
    windows: ScatterWindows | None = None,
    dome_margin_mm: float = 0.0,
    catalog: catalogue.Catalog | None = None,
) -> tuple[ShuntEstimate, ShuntEstimate]:
    """The shunt from the geometric mean and from the anterior view alone, each with its interval.

    The interval (95 %) holds counting noise and regions `PLACE_VARIATION_MM` off in each direction; it does
    not hold the method's bias. Errors as `planar_shunt.planar_geometric_mean`.
    """

    def estimates(used: PlanarRegions) -> list[ShuntEstimate]:
        return [
            method(
                pair,
                used.lung,
                used.liver,
                background_roi=used.background,
                windows=windows,
                dome_margin_mm=dome_margin_mm,
                lung_mm=used.lung_mm,
                catalog=catalog,
            )
            for method in METHODS.values()
        ]

    found = estimates(regions)
    spread = [0.0, 0.0]
    for moved in _moved(regions, pair.pixel_mm):
        try:
            others = estimates(moved)
        except (MaskError, ModelRangeError):
            continue  # moved off the views, it says nothing
        apart = [
            abs(other.lung_shunt_frac - one.lung_shunt_frac) for other, one in zip(others, found, strict=True)
        ]
        spread = [max(pair_of) for pair_of in zip(spread, apart, strict=True)]
    wider = [_widened(one, more) for one, more in zip(found, spread, strict=True)]
    return wider[0], wider[1]


def _widened(estimate: ShuntEstimate, spread: float) -> ShuntEstimate:
    middle = estimate.lung_shunt_frac
    bounds = estimate.interval or (middle, middle)
    half = max(bounds[1] - middle, middle - bounds[0])
    return replace(estimate, interval=interval_around(middle, math.hypot(half, spread)))


def _moved(regions: PlanarRegions, pixel_mm: tuple[float, float]) -> Iterator[PlanarRegions]:
    """The regions moved right, left, up and down."""
    columns, rows = (max(1, round(PLACE_VARIATION_MM / d)) for d in pixel_mm)
    for row, column in ((0, columns), (0, -columns), (rows, 0), (-rows, 0)):
        yield PlanarRegions(
            lung=_shifted(regions.lung, row, column),
            liver=_shifted(regions.liver, row, column),
            background=regions.background,
            lung_mm=None if regions.lung_mm is None else _shifted(regions.lung_mm, row, column),
        )


def _shifted(array: NDArray, rows: int, columns: int) -> NDArray:  # type: ignore[type-arg]  # any pixel type
    """The picture moved by whole pixels; what comes in from outside is empty."""
    height, width = array.shape
    out = np.zeros_like(array)
    to = (slice(max(0, rows), height + min(0, rows)), slice(max(0, columns), width + min(0, columns)))
    source = (slice(max(0, -rows), height + min(0, -rows)), slice(max(0, -columns), width + min(0, -columns)))
    out[to] = array[source]
    return out
