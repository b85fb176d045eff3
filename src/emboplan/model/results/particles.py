"""The choice of particles for an embolization without a drug: size, end point, expected volume.

An expected volume is an estimate that says on what it rests; the end point decides how much is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from emboplan.model.finding import Finding
from emboplan.model.serialise import fields_to_json


class ShuntRisk(StrEnum):
    """Arterioportal or hepatic venous shunt on angiography."""

    NONE = "none"
    UNKNOWN = "unknown"
    PRESENT = "present"
    OCCLUDED = "occluded"


@dataclass(frozen=True, slots=True)
class ParticleGrade:
    """A size grade in micrometres, and the smallest inner diameter of a catheter for it in inches."""

    min_um: float
    max_um: float
    min_catheter_in: float | None = None

    @property
    def text(self) -> str:
        """The grade as it is written on a box."""
        return f"{self.min_um:g}-{self.max_um:g} µm"


@dataclass(frozen=True, slots=True)
class RefusedGrade:
    """A grade that was not offered, and why."""

    grade: ParticleGrade
    reason: str


@dataclass(frozen=True, slots=True)
class EndPoint:
    """When to stop: the definition, the heartbeats of standing contrast where it counts them, the source.

    `seconds` are those heartbeats at the heart rate that was given.
    """

    name: str
    definition: str
    heartbeats: tuple[float, float] | None
    source: str
    seconds: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class ExpectedVolume:
    """An estimate of the spheres that a session takes, in mL and in vials, with its basis.

    None where nothing but the end point tells.
    """

    spheres_ml: tuple[float, float] | None
    vials: tuple[float, float] | None
    basis: str


@dataclass(frozen=True, slots=True)
class ParticleChoice:
    """The grades that fit, the one offered first, those refused, the end point and the expected volume."""

    product: str
    target_um: tuple[float, float]
    shunt: ShuntRisk
    chosen: ParticleGrade
    fitting: tuple[ParticleGrade, ...]
    refused: tuple[RefusedGrade, ...]
    reason: str
    end_point: EndPoint
    expected_volume: ExpectedVolume
    findings: tuple[Finding, ...]
    sources: tuple[str, ...]
    protocol: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields of a bland embolization."""
        return {"technique": "bland", **fields_to_json(self)}
