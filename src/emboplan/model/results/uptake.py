"""Tumour-to-normal ratios of concentration, as seen on an image and corrected for its resolution.

A blurred image shows a small hot lesion too cold and the liver around it too hot, so the ratio as read is too
low. Both readings are kept: what the image shows, and what it would show without blur.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emboplan.model.finding import Finding
from emboplan.model.serialise import fields_to_json


@dataclass(frozen=True, slots=True)
class LesionUptake:
    """One lesion's concentration ratio to normal liver.

    `recovery_frac` is the share of the lesion's own concentration that its region still shows after the
    blur; `quantifiable` is false for a lesion smaller than twice the image's resolution.
    """

    label: int
    volume_ml: float
    equivalent_diameter_mm: float
    tumour_to_normal: float
    tumour_to_normal_corrected: float | None
    recovery_frac: float | None
    quantifiable: bool

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class TumourToNormal:
    """The ratio for all lesions together and for each, as read and corrected for resolution.

    The corrected values are None where the resolution is not known. `interval` belongs to the corrected
    ratio (95 %: counting noise, and the resolution a tenth off), or to the one as read without it.
    """

    tumour_to_normal: float
    tumour_to_normal_corrected: float | None
    interval: tuple[float, float]
    lesions: tuple[LesionUptake, ...]
    normal_counts_per_ml: float
    resolution_fwhm_mm: float | None
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)
