"""What a patient has had of each drug, and what is planned: masses, per body surface, and against a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emboplan.model.finding import Finding
from emboplan.model.serialise import fields_to_json


@dataclass(frozen=True, slots=True)
class DrugAmount:
    """A drug once given or planned: its mass in mg, or its dose in mg/m2.

    `doxorubicin_equivalent` is the user's own ratio to doxorubicin, which goes before the catalogue's.
    `label` names the session or course, such as a date.
    """

    drug: str
    mg: float | None = None
    mg_per_m2: float | None = None
    label: str = ""
    doxorubicin_equivalent: float | None = None


@dataclass(frozen=True, slots=True)
class CountedAmount:
    """One amount as it counts: its dose, its equivalent of doxorubicin, and the running sum, all in mg/m2."""

    label: str
    drug: str
    mg: float | None
    mg_per_m2: float
    doxorubicin_equivalent: float
    equivalent_mg_per_m2: float
    to_date_mg_per_m2: float
    planned: bool


@dataclass(frozen=True, slots=True)
class AnthracyclineHistory:
    """All anthracyclines in doxorubicin equivalents per m2, against the limit that applies.

    `remaining_mg` is doxorubicin at today's body surface; `full_sessions` are whole further sessions of the
    mass that was asked about. Both None where body surface or mass was not given.
    """

    amounts: tuple[CountedAmount, ...]
    given_mg_per_m2: float
    planned_mg_per_m2: float
    total_mg_per_m2: float
    limit_mg_per_m2: float
    limit_reason: str
    remaining_mg_per_m2: float
    remaining_mg: float | None
    session_mg: float | None
    full_sessions: int | None
    body_surface_m2: float | None
    findings: tuple[Finding, ...]
    sources: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class SessionMass:
    """One session's dose of a drug, and the sum to date; None where an amount cannot be told in the unit."""

    label: str
    mg: float | None
    mg_per_m2: float | None
    to_date_mg: float | None
    to_date_mg_per_m2: float | None
    planned: bool


@dataclass(frozen=True, slots=True)
class DrugTotal:
    """All sessions of one drug in their order, and the sums given, planned and in all."""

    drug: str
    sessions: tuple[SessionMass, ...]
    given_mg: float | None
    planned_mg: float | None
    total_mg: float | None
    total_mg_per_m2: float | None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)
