"""An emulsion of a drug solution and iodised oil, and what else goes into an artery without beads.

Every result says its findings and its sources; a number that is to be confirmed carries that request in its
line of sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from emboplan.model.finding import Finding
from emboplan.model.serialise import fields_to_json


class DropletType(StrEnum):
    """Which phase forms the droplets; undetermined where no measurement tells."""

    WATER_IN_OIL = "water-in-oil"
    OIL_IN_WATER = "oil-in-water"
    UNDETERMINED = "undetermined"


class DoseBasis(StrEnum):
    """How the dose was asked for."""

    FIXED = "fixed"
    BODY_SURFACE = "body surface"


@dataclass(frozen=True, slots=True)
class BilirubinReduction:
    """The share of a dose that remains at a bilirubin, and the rule that says so.

    `label` is ``full``, ``reduced 50%`` or ``reduced 75%``.
    """

    rule: str
    bilirubin_mg_per_dl: float
    remaining_frac: float
    label: str
    source: str

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class DrugDose:
    """A dose as asked for and as it remains; `reduction` is None where no rule was applied."""

    drug: str
    requested_mg: float
    dose_mg: float
    basis: DoseBasis
    dose_mg_per_m2: float | None
    body_surface_m2: float | None
    reduction: BilirubinReduction | None
    findings: tuple[Finding, ...]
    sources: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class TerritoryShare:
    """One territory's part of the emulsion, by its share of the tumour volume."""

    territory: str
    share_frac: float
    oil_ml: float
    aqueous_ml: float
    emulsion_ml: float
    drug_mg: float


@dataclass(frozen=True, slots=True)
class ParticlesAfter:
    """The particles that follow the emulsion, and the end point that they are given to."""

    product: str
    size_um: tuple[float, float] | None
    end_point: str


@dataclass(frozen=True, slots=True)
class Emulsion:
    """Oil and aqueous phase of a conventional TACE, with the drug in the aqueous phase.

    `oil_to_aqueous` is the volume of oil per volume of aqueous phase. `oil_limit_ml` is the limit that the
    oil was held against.
    """

    drug: str
    dose: DrugDose
    drug_mg: float
    oil_ml: float
    aqueous_ml: float
    oil_to_aqueous: float
    aqueous_mg_per_ml: float
    emulsion_ml: float
    emulsion_mg_per_ml: float
    aqueous_phase: str
    droplet: DropletType
    droplet_basis: str
    oil_limit_ml: float
    particles_after: ParticlesAfter | None
    territories: tuple[TerritoryShare, ...]
    steps: tuple[str, ...]
    findings: tuple[Finding, ...]
    sources: tuple[str, ...]
    protocol: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields of a conventional TACE."""
        return {"technique": "ctace", **fields_to_json(self)}


@dataclass(frozen=True, slots=True)
class ArterialDose:
    """A drug for the hepatic artery without oil: dose, volume, time of infusion and weeks of rest."""

    drug: str
    dose_mg: float
    dose_mg_per_m2: float
    volume_ml: float
    infusion_min: tuple[float, float] | None
    rest_weeks: tuple[float, float]
    sources: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return {"technique": "infusion", **fields_to_json(self)}


@dataclass(frozen=True, slots=True)
class OilSuspension:
    """A drug that is suspended in its own oil vehicle, without an aqueous phase."""

    drug: str
    dose_mg: float
    oil_ml: float
    mg_per_ml: float
    use_within_h: float
    oil_limit_ml: float
    findings: tuple[Finding, ...]
    sources: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return {"technique": "oil suspension", **fields_to_json(self)}
