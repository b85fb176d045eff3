"""Dose-volume histograms: what `dvh.json` says of each structure.

`d95_gy` is the dose that the best-dosed 95 % of the volume reach at least, `v50_frac` the share of the volume
that receives 50 Gy or more.
"""

from __future__ import annotations

from dataclasses import dataclass
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
class StructureDvh:
    """One structure's dose metrics and cumulative curve, weighted by fractional occupancy.

    `quantifiable` is false where the structure is smaller than twice the resolution of the image that the
    dose comes from: the curve is then exact for the map, and the map wrong for the lesion. `geud_gy` is None
    unless an exponent was given.
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
