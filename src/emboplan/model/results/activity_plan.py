"""The activity of a plan: models side by side, the one that is taken, and what there is to know of it.

What was not computed is None or empty, never invented: no vials without a device, no uncertainty without one
that was measured or stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from emboplan.model.finding import Finding
from emboplan.model.results.activity import ModelResult
from emboplan.model.results.prescription import (
    GoalOutcome,
    Objective,
    PlanUncertainty,
    Price,
    SecondCheck,
    VialAlternative,
)
from emboplan.model.serialise import fields_to_json


@dataclass(frozen=True, slots=True)
class BiologicalDose:
    """A mean dose as BED and EQD2, with the parameters and where they come from.

    The mean dose stands for a uniform one: the BED of the mean is not the mean BED of a dose that varies.
    """

    structure: str
    territory: str
    dose_gy: float
    bed_gy: float
    eqd2_gy: float
    alpha_beta_gy: float
    repair_half_time_h: float
    source: str
    status: str

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class PublishedValue:
    """What a guideline or a study says for this tumour, device and intent, beside the plan's own numbers.

    `kind` is ``goal``, ``evidence`` or ``warning``; `quantity` what it is about; `text` the sentence with its
    comparator, condition and footnotes.
    """

    kind: str
    quantity: str
    text: str
    source: str
    status: str

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class PlannedTerritory:
    """What a territory was planned with: volumes, shunt and ratios; None is not known."""

    territory: str
    session: int
    device: str | None
    perfused_ml: float
    tumour_ml: float
    lung_shunt_frac: float | None
    tumour_to_normal: float | None
    lesion_tumour_to_normal: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


def _nothing() -> Mapping[str, float]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ActivityPlan:
    """All models side by side, the one that the plan takes, what binds it, and the dose coefficient used.

    `k_name` is the catalogue's name of the coefficient (``default``, ``rounded-50``), None for one of the
    user's own. `slack` is what each limit leaves, in its own unit. `vials` is the table vial x day.
    `territories` are the inputs, so that every dose can be worked out again.
    """

    models: tuple[ModelResult, ...]
    chosen: ModelResult | None
    binding: str | None
    k_gy_kg_per_gbq: float
    price: Price | None = None
    vials: tuple[VialAlternative, ...] = ()
    second_check: SecondCheck | None = None
    findings: tuple[Finding, ...] = ()
    objective: Objective = Objective.MEET_GOAL
    goals: tuple[GoalOutcome, ...] = ()
    slack: Mapping[str, float] = field(default_factory=_nothing)
    uncertainty: PlanUncertainty | None = None
    biological: tuple[BiologicalDose, ...] = ()
    published: tuple[PublishedValue, ...] = ()
    k_name: str | None = None
    territories: tuple[PlannedTerritory, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)
