"""How sure the mean dose of each structure is, as far as the images decide: the result and its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emboplan.model.finding import Finding
from emboplan.model.serialise import fields_to_json


@dataclass(frozen=True, slots=True)
class StructureAccuracy:
    """The mean dose of one structure and its standard uncertainty in Gy, in all and by part.

    A part is None where its input was not given. `shift_change_gy` is how much lower or higher the mean is on
    average over all offsets, `resolution_change_gy` an estimate of what the blur took from the mean (less
    than 0: added to it); neither is applied to `mean_gy`. `interval_gy` holds 95 %.
    """

    name: str
    mean_gy: float
    standard_uncertainty_gy: float
    interval_gy: tuple[float, float]
    shift_gy: float | None
    shift_change_gy: float | None
    resolution_gy: float | None
    resolution_change_gy: float | None
    shunt_gy: float | None
    quantifiable: bool | None

    @property
    def relative(self) -> float:
        """Standard uncertainty over the mean; 0 where the mean is 0."""
        return self.standard_uncertainty_gy / self.mean_gy if self.mean_gy > 0 else 0.0


@dataclass(frozen=True, slots=True)
class DoseAccuracy:
    """The structures, the assumptions in words, and which inputs were left out."""

    structures: tuple[StructureAccuracy, ...]
    assumptions: tuple[str, ...]
    left_out: tuple[str, ...]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)
