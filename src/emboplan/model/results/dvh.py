"""Dose-volume histograms: what `dvh.json` says of each structure.

`d95_gy` is the dose that the best-dosed 95 % of the volume reach at least, `v50_frac` the share of the volume
that receives 50 Gy or more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emboplan.model.serialise import fields_to_json


@dataclass(frozen=True, slots=True)
class CumulativeDvh:
    """The share of the volume (0 to 1) that receives at least each dose."""

    dose_gy: tuple[float, ...]
    volume_frac: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class DifferentialDvh:
    """The share of the volume in each step of dose, for each Gy of the step.

    `dose_gy` are the edges of the steps, one more than there are steps; the last step holds its upper edge.
    """

    dose_gy: tuple[float, ...]
    volume_frac_per_gy: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class DvhMetrics:
    """The metrics of one structure, or their standard errors.

    `geud_gy` is None without an exponent, `homogeneity` where half of the volume has no dose; `metrics` has
    what was asked for by name.
    """

    mean_gy: float
    d98_gy: float
    d95_gy: float
    d70_gy: float
    d50_gy: float
    d2_gy: float
    v50_frac: float
    min_gy: float
    max_gy: float
    geud_gy: float | None
    homogeneity: float | None
    metrics: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class StructureDvh:
    """One structure's dose metrics and curves, weighted by volume.

    `volume_ml` is the volume that the curves are of; `outside_frac` of the structure lies outside the dose's
    grid and is in none of the numbers. `quantifiable` is false where the structure is smaller than twice the
    resolution of the image that the dose comes from: the curve is then exact for the map, and the map wrong
    for the lesion. `geud_gy` is None unless an exponent was given, `standard_errors` unless batches of a
    Monte Carlo calculation were.
    `homogeneity` is (D2 - D98) / D50 of ICRU Report 83. `metrics` has what was asked for by name. `placing`
    is the lowest and the highest of each metric for a small structure given as shares of few voxels, which do
    not say where in a voxel it lies; None otherwise.
    """

    name: str
    volume_ml: float
    mean_gy: float
    mean_gy_standard_error: float
    d95_gy: float
    d70_gy: float
    d50_gy: float
    v50_frac: float
    min_gy: float
    max_gy: float
    geud_gy: float | None
    quantifiable: bool
    cumulative: CumulativeDvh
    differential: DifferentialDvh | None = None
    d98_gy: float | None = None
    d2_gy: float | None = None
    homogeneity: float | None = None
    outside_frac: float = 0.0
    metrics: Mapping[str, float] = field(default_factory=dict)
    standard_errors: DvhMetrics | None = None
    placing: tuple[DvhMetrics, DvhMetrics] | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class DvhSet:
    """The histograms of all structures of one dose map, on one dose axis."""

    structures: tuple[StructureDvh, ...]

    def to_json(self) -> dict[str, Any]:
        """The fields of `dvh.json`."""
        return fields_to_json(self)
