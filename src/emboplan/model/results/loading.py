"""What a loading of drug-eluting beads says: what to take, how much, how long, how to keep it, what to know.

Amounts are of one session. A number is None where neither a source nor the user gives it; a finding whose id
begins with ``open-`` then says what is missing. A pair (least, most) has None as its second number where only
the least is known. `figures` holds every sourced number that was used, with its status.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emboplan.model.finding import Finding
from emboplan.model.products import Sourced
from emboplan.model.serialise import fields_to_json

OPEN = "open-"


@dataclass(frozen=True, slots=True)
class Storage:
    """How long loaded beads keep in one state, and until when; `hours` 0 is: not at all.

    `chosen` marks the figure that decides; the others disagree with it and are kept beside it.
    """

    state: str
    hours: float
    use_before: datetime | None
    conditions: str
    source: str
    chosen: bool

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class LoadedSize:
    """One size: as printed, before loading (hydrated), and loaded, all in um; None where not known."""

    size: str
    label_um: tuple[float, float]
    hydrated_um: tuple[float, float]
    loaded_um: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class TerritoryPart:
    """The part of a session that goes into one territory."""

    territory: str
    share_frac: float
    drug_mg: float
    beads_ml: float | None
    final_ml: tuple[float, float | None] | None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class Catheter:
    """The inner diameter (um) against the largest bead as loaded, or as hydrated where that is not known."""

    inner_um: float
    largest_um: float
    largest_is: str

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class Loading:
    """The loading of one session.

    `loading_efficiency_is` says how the loaded share is known: ``at least``, ``measured``, ``range`` or
    ``entered``. `loaded_mg` is its least figure; `loaded_range_mg` and `supernatant_range_mg` are all that
    the source allows. `to_acknowledge` holds the ids of findings that a person has not acknowledged yet.
    `entered` names the numbers and words that are the user's own.
    """

    product: str
    drug: str
    sizes: tuple[LoadedSize, ...]
    vials: int | None
    beads_ml: float | None
    drug_mg: float
    drug_mg_per_ml_beads: float | None
    drug_vials: int | None
    drug_left_over_mg: float | None
    diluent: str | None
    solution_ml: float | None
    solution_mg_per_ml: float | None
    loading_min: float | None
    loading_efficiency_frac: float
    loading_efficiency_is: str
    loaded_mg: float
    loaded_range_mg: tuple[float, float]
    supernatant_mg: float
    supernatant_range_mg: tuple[float, float]
    diameter_um: tuple[float, float] | None
    contrast_ml: tuple[float, float | None] | None
    final_ml: tuple[float, float | None] | None
    catheter: Catheter | None
    loaded_at: datetime | None
    use_before: datetime | None
    storage: tuple[Storage, ...]
    territories: tuple[TerritoryPart, ...]
    steps: tuple[str, ...]
    findings: tuple[Finding, ...]
    to_acknowledge: tuple[str, ...]
    figures: tuple[Sourced, ...]
    entered: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def open_items(self) -> tuple[Finding, ...]:
        """What neither a source nor the user has said."""
        return tuple(finding for finding in self.findings if finding.id.startswith(OPEN))

    def to_json(self) -> dict[str, Any]:
        """The JSON fields, led by the technique."""
        return {"technique": "deb", **fields_to_json(self)}


@dataclass(frozen=True, slots=True)
class SessionLoading:
    """One session of a loading that is divided."""

    session: int
    loading: Loading

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return {"session": self.session, **self.loading.to_json()}


@dataclass(frozen=True, slots=True)
class LoadingCourse:
    """A whole dose divided over sessions, each within its limits; sums over all of them in mg."""

    product: str
    drug: str
    drug_mg: float
    loaded_mg: float
    supernatant_mg: float
    sessions: tuple[SessionLoading, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON fields, led by the technique."""
        return {"technique": "deb", **fields_to_json(self)}
