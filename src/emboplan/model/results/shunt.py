"""The lung shunt fraction: by one method, and beside the others with the lung dose it means.

Each method reads the shunt on its own scale, so that an estimate carries its known bias as a sentence and
the uncorrected value beside the corrected one. A lung limit in gray was derived with one method and one lung
mass, and must be read with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from emboplan.model.finding import Finding
from emboplan.model.serialise import fields_to_json, to_jsonable


class ShuntMethod(StrEnum):
    """How the lung shunt fraction was found."""

    PLANAR_GM = "planar-gm"
    ANTERIOR = "anterior"
    SPECT_CT = "spect-ct"
    ENTERED = "entered"


@dataclass(frozen=True, slots=True)
class ShuntEstimate:
    """The lung shunt fraction (0 to 1) by one method, with its 95 % interval and known bias.

    `uncorrected_frac` is the plain ratio of the counts in the two regions, before any correction. `counts`
    holds what the fraction was computed from; `interval` is None for a fraction that somebody entered.
    """

    method: ShuntMethod
    lung_shunt_frac: float
    interval: tuple[float, float] | None
    counts: Mapping[str, float]
    uncorrected_frac: float | None
    known_bias: str
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class LungDoseScale:
    """The lung dose per GBq administered by one shunt and one lung mass, and the limits on that scale.

    `comparable_with` names the limits of the catalogue that were derived with this method and mass; a limit
    that is not in it must not be held against this dose.
    """

    method: ShuntMethod
    lung_shunt_frac: float
    lung_mass_g: float
    lung_mass_source: str
    lung_dose_per_gbq_gy: float
    comparable_with: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class LungShunt:
    """The estimate that the plan uses, the others beside it, and the lung dose per GBq administered.

    `lung_mass_source` is ``default`` (the 1 kg that planar limits come from), ``ct`` or ``entered``. `scales`
    holds the lung dose by every method and every mass that is known.
    """

    estimate: ShuntEstimate
    lung_mass_g: float
    lung_mass_source: str
    lung_dose_per_gbq_gy: float
    other_methods: tuple[ShuntEstimate, ...] = ()
    scales: tuple[LungDoseScale, ...] = ()

    @property
    def lung_shunt_frac(self) -> float:
        """The fraction that the plan uses."""
        return self.estimate.lung_shunt_frac

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the chosen method has to say."""
        return self.estimate.findings

    def to_json(self) -> dict[str, Any]:
        """The JSON fields: the chosen estimate's, the lungs', then the other methods."""
        estimate = self.estimate.to_json()
        findings = estimate.pop("findings")
        lungs = {
            "lung_mass_g": self.lung_mass_g,
            "lung_mass_source": self.lung_mass_source,
            "lung_dose_per_gbq_gy": self.lung_dose_per_gbq_gy,
            "other_methods": self.other_methods,
            "scales": self.scales,
        }
        return {**estimate, **to_jsonable(lungs), "findings": findings}
