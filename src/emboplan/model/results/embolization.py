"""The plan of an embolization without radiation: sessions with their amounts, and sums over all of them.

One session holds what its technique prepares: the loading of beads, an emulsion, an oil suspension, or
particles. What the others would hold is None. Doses and volumes are of that session; `drug_mg` is what is
made up, before loading. Every session says how much of the whole tumour burden is treated when it is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from emboplan.model.arm import ArmTechnique
from emboplan.model.finding import Finding
from emboplan.model.products import Sourced
from emboplan.model.results.drug_history import AnthracyclineHistory, DrugTotal
from emboplan.model.results.emulsion import DrugDose, Emulsion, OilSuspension
from emboplan.model.results.loading import Loading
from emboplan.model.results.particles import ParticleChoice
from emboplan.model.serialise import fields_to_json

# The techniques as `emboplan load` names them.
LOAD_NAMES = {ArmTechnique.DEB_TACE: "deb", ArmTechnique.CTACE: "ctace", ArmTechnique.BLAND: "bland"}


@dataclass(frozen=True, slots=True)
class TreatedTerritory:
    """A territory of a session: its volumes, its share of the session, and the drug that it gets.

    `share_frac` is the share of the session's amounts; `burden_frac` the share of the whole tumour burden.
    """

    territory: str
    perfused_ml: float
    tumour_ml: float
    burden_frac: float
    share_frac: float
    drug_mg: float | None


@dataclass(frozen=True, slots=True)
class SizePart:
    """The part of a session's beads that is of one size; None where only the pharmacy knows."""

    size: str
    vials: int
    beads_ml: float | None
    drug_mg: float


@dataclass(frozen=True, slots=True)
class EmbolizationSession:
    """One session: when, where, how much, and what to know.

    `day` (`date` in JSON) is None without a calendar.

    `burden_to_date_frac` is the share of the tumour burden treated by this session and those before it.
    `anthracycline_to_date_mg_per_m2` counts everything given and planned up to it. `to_acknowledge` holds the
    warnings that nobody has acknowledged yet. `entered` names what the case itself fixes of the amounts.
    """

    session: int
    day: date | None
    territories: tuple[TreatedTerritory, ...]
    tumour_ml: float
    burden_to_date_frac: float
    dose: DrugDose | None
    drug_mg: float | None
    sizes: tuple[SizePart, ...]
    loading: Loading | None
    emulsion: Emulsion | None
    suspension: OilSuspension | None
    particles: ParticleChoice | None
    anthracycline_to_date_mg_per_m2: float | None
    findings: tuple[Finding, ...]
    to_acknowledge: tuple[str, ...]
    figures: tuple[Sourced, ...]
    entered: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        own = fields_to_json(self)
        return {"session": own.pop("session"), "date": own.pop("day"), **own}


@dataclass(frozen=True, slots=True)
class TeamPlans:
    """What the team has planned in its own words; None where nobody said."""

    octreotide: str | None = None
    antibiotic: str | None = None
    crisis: str | None = None


@dataclass(frozen=True, slots=True)
class EmbolizationPlan:
    """All sessions of an embolization and the sums over them; None where a sum does not apply.

    `drug_mg` is `loaded_mg` and `supernatant_mg` together where beads are loaded. `untreated_tumour_ml` is
    tumour that no session reaches. `anthracycline` is None where none is given or the body surface is not
    known. `prompts` are questions to the team, never orders. `acknowledged_by` is who acknowledged, in the
    case's own words. `bilirubin_mg_per_dl` is the patient's total bilirubin, None where it is not known.
    """

    technique: ArmTechnique
    protocol: str | None
    product: str | None
    drug: str | None
    drug_mg: float | None
    loaded_mg: float | None
    supernatant_mg: float | None
    body_surface_m2: float | None
    catheter_inner_um: float | None
    sessions: tuple[EmbolizationSession, ...]
    tumour_ml: float
    untreated_tumour_ml: float
    anthracycline: AnthracyclineHistory | None
    drug_totals: tuple[DrugTotal, ...]
    team_plans: TeamPlans
    prompts: tuple[Finding, ...]
    findings: tuple[Finding, ...]
    to_acknowledge: tuple[str, ...]
    acknowledged: tuple[str, ...]
    acknowledged_by: str | None = None
    bilirubin_mg_per_dl: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields; the technique is named as `emboplan load` names it."""
        return {**fields_to_json(self), "technique": LOAD_NAMES[self.technique]}
