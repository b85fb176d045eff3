"""What a prescription decided: activities, what binds, its price, vials, how sure it is, the second check.

Each value belongs to one plan of one or more territories. Activities are administered activities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from emboplan.model.finding import Finding
from emboplan.model.results.activity import Doses, Quantity
from emboplan.model.serialise import fields_to_json


class Objective(StrEnum):
    """What a plan strives for within its limits.

    ``meet-goal``: reach the goals at the least dose to the whole normal liver. ``maximise-tumour``: the
    largest mean tumour dose. ``maximise-minimum``: the largest dose of the lesion that gets least.
    """

    MEET_GOAL = "meet-goal"
    MAXIMISE_TUMOUR = "maximise-tumour"
    MAXIMISE_MINIMUM = "maximise-minimum"


@dataclass(frozen=True, slots=True)
class PrescriptionGoal:
    """A mean dose that a territory should reach at least, and who says so.

    `quantity` is tumour, perfused, or perfused_normal (hypertrophy of the other lobe). `each_lesion` asks it
    of every lesion instead of their mean. A `hard` goal is a condition: without it a plan has no answer.
    """

    territory: str
    quantity: Quantity
    dose_gy: float
    source: str
    each_lesion: bool = False
    hard: bool = False


@dataclass(frozen=True, slots=True)
class GoalOutcome:
    """A goal beside what the plan reaches."""

    territory: str
    quantity: Quantity
    goal_gy: float
    reached_gy: float
    met: bool
    source: str

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class Price:
    """What one more unit of the binding limit would buy, or what one more gray of the goal would cost.

    `of` is the limit's name, or ``goal``. `buys` is the quantity that changes (tumour, or whole_normal where
    the goal binds), `gy_per_unit` by how many Gy for one `unit` (``Gy``, ``GBq``) of the limit or goal.
    `up_to` is how far the limit can move before something else binds, in `unit`; None where nothing does.
    """

    of: str
    unit: str
    buys: Quantity
    gy_per_unit: float
    up_to: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class AvailableActivity:
    """An activity that can be administered to a territory: a vial at an hour, or several together.

    `administered_gbq` is all of it, residual taken off. A `divisible` one can be given in part (drawn).
    """

    key: str
    administered_gbq: float
    divisible: bool = False


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Prescription:
    """The activity of each territory, what decided it, and at what price.

    `binding` names what holds the plan back, the decisive one first: limits, goals (``goal``), or vials
    (``vial``). `available` says which of the offered activities each territory takes, where some were
    offered. `slack` is what each limit leaves, in its own unit.
    """

    objective: Objective
    administered_gbq: Mapping[str, float]
    binding: tuple[str, ...]
    price: Price | None
    goals: tuple[GoalOutcome, ...]
    whole_normal_gy: float
    tumour_gy: float | None
    slack: Mapping[str, float] = field(default_factory=_nothing)
    available: Mapping[str, str] = field(default_factory=_nothing)
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class VialAlternative:
    """One row of the table vial x day: a vial (or several) at an hour, and the plan that it would give.

    `label_gbq` are the activities at calibration. `prepared_gbq` is what is in them at the treatment,
    `drawn_frac` the share that is drawn (1 for all), `administered_gbq` what reaches the patient. `kept` says
    that no limit is exceeded, `goals_met` that every goal is reached. An unusable row has its reason and no
    doses.
    """

    territory: str
    device: str
    label_gbq: tuple[float, ...]
    calibration_time: datetime
    treatment_time: datetime
    usable: bool
    reason: str = ""
    prepared_gbq: float | None = None
    drawn_frac: float | None = None
    administered_gbq: float | None = None
    spheres: float | None = None
    activity_per_sphere_bq: float | None = None
    sphere_volume_ml: float | None = None
    doses_gy: Doses | None = None
    kept: bool | None = None
    goals_met: bool | None = None
    exceeded: tuple[str, ...] = ()
    chosen: bool = False

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class UncertainValue:
    """A dose (Gy) or an activity (GBq) with its 95 % interval, by first order and by seeded sampling.

    `contributions` is the share of the variance that each input brings (first order).
    """

    name: str
    territory: str
    value: float
    unit: str
    standard_uncertainty: float
    interval: tuple[float, float]
    sampled_interval: tuple[float, float] | None
    contributions: Mapping[str, float] = field(default_factory=_nothing)

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class LimitRisk:
    """The probability that a limit is exceeded, by first order and by sampling."""

    limit: str
    territory: str
    probability: float
    sampled_probability: float | None

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class PlanUncertainty:
    """How sure the doses of a plan are, input by input.

    `inputs` are the relative (or, for fractions, absolute) standard uncertainties that went in, by name, with
    `sources` saying where each comes from.
    """

    doses: tuple[UncertainValue, ...]
    risks: tuple[LimitRisk, ...]
    inputs: Mapping[str, float]
    sources: Mapping[str, str]
    samples: int
    seed: int
    agree: bool
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class SecondValue:
    """One number of the plan, and the same by the second calculation."""

    name: str
    territory: str
    unit: str
    planned: float
    recomputed: float
    relative_difference: float

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True)
class SecondCheck:
    """The independent calculation: its largest difference, whether it passes, and every number compared."""

    relative_difference: float
    passed: bool
    tolerance: float
    values: tuple[SecondValue, ...]
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON fields."""
        return fields_to_json(self)
