"""What the second calculation is given: a plan as a person would copy it onto another sheet.

Volumes and densities instead of masses, half-life and mean energy beside the dose coefficient, the moments
and the labels of the vials, and every number that the plan states. Nothing here is computed from the plan's
formulas.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from emboplan.errors import ModelRangeError
from emboplan.model.products import DoseLimit
from emboplan.model.results.activity import Doses, Quantity
from emboplan.model.results.prescription import Objective, PrescriptionGoal


def _nothing() -> Mapping[Quantity, float]:
    return MappingProxyType({})


def _require(value: float, name: str, *, above: bool, below_one: bool = False) -> None:
    """A finite number, above 0 or at least 0, and below 1 where asked."""
    good = math.isfinite(value) and (value > 0 if above else value >= 0) and (value < 1 or not below_one)
    if not good:
        range_text = "above 0" if above else "of at least 0"
        raise ModelRangeError(
            f"second calculation: {name} is {value:g}; expected a number {range_text}"
            f"{' and below 1' if below_one else ''}"
        )


def _require_doses(doses: Doses, where: str) -> None:
    stated = {quantity: doses.of(quantity) for quantity in Quantity}
    named = {str(quantity): dose for quantity, dose in stated.items() if dose is not None}
    for name, dose in (named | {f"lesion {label}": dose for label, dose in doses.lesions.items()}).items():
        _require(dose, f"{name} dose of {where}", above=False)


@dataclass(frozen=True, slots=True)
class CheckedVial:
    """One vial as labelled or assayed, and what the plan says it holds at treatment; moments with a zone."""

    label_gbq: float
    calibration_time: datetime
    treatment_time: datetime
    at_treatment_gbq: float

    def __post_init__(self) -> None:
        _require(self.label_gbq, "label_gbq", above=True)
        _require(self.at_treatment_gbq, "at_treatment_gbq", above=False)
        for name, moment in (("calibration", self.calibration_time), ("treatment", self.treatment_time)):
            if moment.tzinfo is None or moment.utcoffset() is None:
                raise ModelRangeError(
                    f"second calculation: {name} time {moment.isoformat()} has no time zone; give one"
                )


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """A rule of resin microspheres as printed, with whom it is applied to.

    The body surface is `coefficient` x height^a x weight^b with `powers` (a, b); `offset_m2` is taken off it.
    Without a coefficient the rule is the table: `table_gbq` has one activity more than `edges`, the tumour's
    shares at which the next begins. The shunt cuts to `factors`, one more than `steps`.
    """

    height_m: float
    weight_kg: float
    liver_ml: float
    liver_tumour_ml: float
    coefficient: float | None = None
    powers: tuple[float, float] = (0.0, 0.0)
    offset_m2: float = 0.0
    edges: tuple[float, ...] = ()
    table_gbq: tuple[float, ...] = ()
    steps: tuple[float, ...] = ()
    factors: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        _require(self.liver_ml, "liver_ml", above=True)
        _require(self.liver_tumour_ml, "liver_tumour_ml", above=False)
        if self.coefficient is not None:
            for name in ("height_m", "weight_kg", "coefficient"):
                _require(getattr(self, name), name, above=True)
        for what, few, many in (("table", self.edges, self.table_gbq), ("cut", self.steps, self.factors)):
            if (self.coefficient is None or what == "cut") and len(many) != len(few) + 1:
                raise ModelRangeError(
                    f"second calculation: the {what} has {len(few)} steps, {len(many)} values"
                )


@dataclass(frozen=True, slots=True)
class CheckedTerritory:
    """One territory: its volumes (mL), ratios, shunt, nuclide, and what the plan states for it.

    `tumour_to_normal` are ratios of activity per mass. `doses` are the stated ones; `prepared_gbq` is None
    where the plan states none. `vials` are those it is prepared from, empty where none was chosen. `rule` is
    there where the activity is a rule's.
    """

    territory: str
    normal_ml: float
    lesions_ml: Mapping[int, float]
    tumour_to_normal: Mapping[int, float]
    normal_density_g_per_ml: float
    tumour_density_g_per_ml: float
    lung_shunt_frac: float
    half_life_h: float
    mean_energy_mev: float
    k_gy_kg_per_gbq: float
    administered_gbq: float
    doses: Doses
    residual_frac: float = 0.0
    prepared_gbq: float | None = None
    session: int = 1
    device: str | None = None
    vials: tuple[CheckedVial, ...] = ()
    rule: CheckedRule | None = None

    def __post_init__(self) -> None:
        _require(self.normal_ml, "normal_ml", above=False)
        if set(self.lesions_ml) != set(self.tumour_to_normal):
            raise ModelRangeError(
                f"second calculation: lesions {sorted(self.lesions_ml)} but ratios for "
                f"{sorted(self.tumour_to_normal)}; give one of each"
            )
        if self.normal_ml == 0 and not self.lesions_ml:
            raise ModelRangeError(f'second calculation: territory "{self.territory}" holds nothing')
        for label, volume in self.lesions_ml.items():
            _require(volume, f"volume in mL of lesion {label}", above=True)
            _require(self.tumour_to_normal[label], f"tumour_to_normal of lesion {label}", above=True)
        for name in ("normal_density_g_per_ml", "tumour_density_g_per_ml", "half_life_h", "mean_energy_mev"):
            _require(getattr(self, name), name, above=True)
        _require(self.k_gy_kg_per_gbq, "k_gy_kg_per_gbq", above=True)
        _require(self.lung_shunt_frac, "lung_shunt_frac", above=False, below_one=True)
        _require(self.residual_frac, "residual_frac", above=False, below_one=True)
        _require(self.administered_gbq, "administered_gbq", above=False)
        _require_doses(self.doses, self.territory)
        if self.prepared_gbq is not None:
            _require(self.prepared_gbq, "prepared_gbq", above=False)


@dataclass(frozen=True, slots=True)
class CheckedPlan:
    """A whole plan: its territories, the shared organs, goals and limits, and what it states of them.

    `objective` is None where the activities were entered or taken from vials, so that there is no best plan
    to look for. `total` are the stated doses of several territories together. `exceeded` names the limits
    that the plan states as exceeded, `goals_met` says whether it states all goals as met (None: no goal).
    """

    territories: tuple[CheckedTerritory, ...]
    whole_normal_ml: float
    whole_normal_density_g_per_ml: float
    lung_mass_g: float
    objective: Objective | None = None
    goals: tuple[PrescriptionGoal, ...] = ()
    limits: tuple[DoseLimit, ...] = ()
    prior_gy: Mapping[Quantity, float] = field(default_factory=_nothing)
    total: Doses | None = None
    exceeded: tuple[str, ...] = ()
    goals_met: bool | None = None

    def __post_init__(self) -> None:
        names = [territory.territory for territory in self.territories]
        if not names or len(set(names)) < len(names):
            raise ModelRangeError(
                f"second calculation: territories are {', '.join(names) or 'none'}; expected one or more, "
                "each with a name of its own"
            )
        for goal in self.goals:
            if goal.territory not in names:
                raise ModelRangeError(
                    f'second calculation: goal of "{goal.territory}", which is not in the plan'
                )
            _require(goal.dose_gy, "goal", above=True)
        _require(self.whole_normal_ml, "whole_normal_ml", above=True)
        _require(self.whole_normal_density_g_per_ml, "whole_normal_density_g_per_ml", above=True)
        _require(self.lung_mass_g, "lung_mass_g", above=True)
        if self.total is not None:
            _require_doses(self.total, "all territories")
        for quantity, dose in self.prior_gy.items():
            _require(dose, f"earlier dose on {quantity}", above=False)
