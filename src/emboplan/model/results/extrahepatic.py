"""Uptake outside liver and lungs on the MAA scan: what a physician must look at before treatment.

A region here is a place where the scan is brighter than its background, noise and the spill from the liver
can explain. Whether it is deposition of particles, free technetium or an organ that clears it, no scan tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emboplan.model.finding import Finding
from emboplan.model.serialise import fields_to_json


@dataclass(frozen=True, slots=True)
class HotRegion:
    """One region: its size, its share of all counts, its peak, and where it lies (mm, LPS).

    `volume_ml` lies within half of the peak: the blur makes a round region of two to three resolutions read a
    quarter low, and a point as large as the resolution. `share_of_total_frac` is of all counts in the scan,
    background taken off. `peak_to_normal_liver` is a ratio of concentrations as read, over one resolution;
    None without counts in normal liver. `at_margin` says that the region reaches the margin that was not
    searched: its share is the least it can be, and it may be spill.
    """

    label: int
    volume_ml: float
    share_of_total_frac: float
    peak_to_normal_liver: float | None
    centroid_mm: tuple[float, float, float]
    distance_to_liver_mm: float
    at_margin: bool

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class ExtrahepaticUptake:
    """All regions, the one with most counts first, and what the search could see.

    `threshold_to_normal_liver` is the concentration above which the search finds a region far from the
    liver, over that of normal liver. `searched_ml` is the tissue that was looked at; within `margin_mm` of
    the liver nothing is found.
    """

    regions: tuple[HotRegion, ...]
    share_of_total_frac: float
    threshold_to_normal_liver: float | None
    searched_ml: float
    margin_mm: float
    resolution_fwhm_mm: float | None
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)
