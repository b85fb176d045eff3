"""Many plans at once: one territory with its lesions, an array of everything that may vary.

The same rules as for one plan, in broadcast form: a goal asks for an activity, each limit allows one up to
a ceiling, the lower decides. What-if tables and sampling call this instead of planning one by one. Rows are
worked on in chunks that fit the processor's cache, so that memory beside inputs and answer stays small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan.dosimetry.arguments import Array, fraction, not_negative, positive
from emboplan.dosimetry.models.compartment import SAME_MASS
from emboplan.dosimetry.prescribing.prescription import BELOW_BY, GOAL, SAME_VALUE
from emboplan.errors import ModelRangeError
from emboplan.model.products import DoseLimit, Scope
from emboplan.model.results.activity import Quantity
from emboplan.model.results.prescription import Objective
from emboplan.units import GRAMS_PER_KILOGRAM

# Rows worked on together: their arrays fit the second-level cache of a processor core.
CHUNK = 8192

GOAL_QUANTITIES = (Quantity.TUMOUR, Quantity.PERFUSED, Quantity.PERFUSED_NORMAL)


@dataclass(frozen=True, slots=True, eq=False)
class ManyCases:
    """The inputs of many plans of one territory: numbers, or arrays with one value for each plan.

    The last axis of `lesion_masses_g` and `tumour_to_normal` is the lesion; the other arrays have one axis,
    the plan. Masses in g; ratios of concentration; shunt and residual as fractions; K in Gy kg/GBq.
    """

    lesion_masses_g: ArrayLike
    tumour_to_normal: ArrayLike
    normal_mass_g: ArrayLike
    whole_normal_mass_g: ArrayLike
    lung_shunt_frac: ArrayLike
    lung_mass_g: ArrayLike
    k_gy_kg_per_gbq: ArrayLike
    residual_frac: ArrayLike = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class ManyPlans:
    """The answers, one row for each plan.

    `binding` is an index into `names` (``goal`` first where there is one, then the limits as given).
    `exceeded` has one column for each limit of `limit_names`. `goal_met` is None where no goal was given.
    Activities in GBq, mean doses in Gy; the last axis of `lesions_gy` is the lesion.
    """

    administered_gbq: Array
    prepared_gbq: Array
    binding: NDArray[np.intp]
    names: tuple[str, ...]
    limit_names: tuple[str, ...]
    goal_met: NDArray[np.bool_] | None
    exceeded: NDArray[np.bool_]
    tumour_gy: Array
    lesions_gy: Array
    perfused_normal_gy: Array
    whole_normal_gy: Array
    perfused_gy: Array
    lung_gy: Array

    def binding_name(self, row: int) -> str:
        """What decided the plan in that row."""
        return self.names[int(self.binding[row])]


@dataclass(frozen=True, slots=True, eq=False)
class _Checked:
    """The inputs after their door, each broadcast to one row for each plan."""

    plans: int
    masses_kg: Array
    ratios: Array
    normal_kg: Array
    whole_kg: Array
    shunt: Array
    lung_kg: Array
    k: Array
    kept: Array
    goals: Sequence[tuple[Quantity, Array]]
    prior: Mapping[Quantity, Array]

    def rows(self, part: slice) -> _Checked:
        """Some of the rows."""
        return _Checked(
            plans=part.stop - part.start,
            masses_kg=self.masses_kg[part],
            ratios=self.ratios[part],
            normal_kg=self.normal_kg[part],
            whole_kg=self.whole_kg[part],
            shunt=self.shunt[part],
            lung_kg=self.lung_kg[part],
            k=self.k[part],
            kept=self.kept[part],
            goals=[(quantity, dose[part]) for quantity, dose in self.goals],
            prior={quantity: dose[part] for quantity, dose in self.prior.items()},
        )


def plan_many(
    cases: ManyCases,
    *,
    limits: Sequence[DoseLimit] = (),
    goals: Mapping[Quantity, ArrayLike] | None = None,
    objective: Objective = Objective.MEET_GOAL,
    prior_gy: Mapping[Quantity, ArrayLike] | None = None,
    chunk: int = CHUNK,
) -> ManyPlans:
    """The activity of each plan, what binds, its doses, and which limits are exceeded.

    To meet the goal is to give the largest activity that a goal asks for, or the lowest ceiling where one
    lies below it. To maximise is to give the lowest ceiling; in one territory that is the same for the mean
    and the least lesion dose. Of equal ceilings the first given binds. A limit on the shunt is checked and
    bounds nothing. `goals` (Gy) and `prior_gy` are numbers or one value for each plan.

    Raises `ModelRangeError` for inputs outside their range, for a goal on a quantity that one territory does
    not have, and where neither goal nor limit gives an activity. Agrees with `choose_activity` row by row.
    """
    checked = _checked(cases, goals if objective is Objective.MEET_GOAL else None, prior_gy)
    if objective is Objective.MEET_GOAL and not checked.goals:
        raise ModelRangeError("no goal was given; enter one, or maximise within the limits")
    answer = _empty(checked, limits)
    for start in range(0, checked.plans, chunk):
        part = slice(start, min(start + chunk, checked.plans))
        _plan_rows(checked.rows(part), limits, answer, part)
    return answer


def _checked(
    cases: ManyCases,
    goals: Mapping[Quantity, ArrayLike] | None,
    prior_gy: Mapping[Quantity, ArrayLike] | None,
) -> _Checked:
    masses = np.atleast_1d(positive(cases.lesion_masses_g, "lesion_masses_g"))
    ratios = np.atleast_1d(positive(cases.tumour_to_normal, "tumour_to_normal"))
    if masses.shape[-1] != ratios.shape[-1] or masses.shape[-1] == 0:
        raise ModelRangeError(
            f"found {masses.shape[-1]} lesion masses and {ratios.shape[-1]} ratios; expected one each"
        )
    one_axis = {
        "normal_mass_g": positive(cases.normal_mass_g, "normal_mass_g"),
        "whole_normal_mass_g": positive(cases.whole_normal_mass_g, "whole_normal_mass_g"),
        "lung_shunt_frac": fraction(cases.lung_shunt_frac, "lung_shunt_frac"),
        "lung_mass_g": positive(cases.lung_mass_g, "lung_mass_g"),
        "k_gy_kg_per_gbq": positive(cases.k_gy_kg_per_gbq, "k_gy_kg_per_gbq"),
        "residual_frac": fraction(cases.residual_frac, "residual_frac"),
    }
    asked = {q: positive(dose, f"goal on {q}") for q, dose in (goals or {}).items()}
    for quantity in asked:
        if quantity not in GOAL_QUANTITIES:
            raise ModelRangeError(f"a goal on {quantity} is not one of {', '.join(GOAL_QUANTITIES)}")
    prior = {q: not_negative(dose, f"prior {q} dose") for q, dose in (prior_gy or {}).items()}
    flat = [*one_axis.values(), *asked.values(), *prior.values()]
    try:
        shape = np.broadcast_shapes((1,), masses.shape[:-1], ratios.shape[:-1], *(a.shape for a in flat))
    except ValueError as error:
        raise ModelRangeError("the inputs have different numbers of plans; give one value or all") from error
    if len(shape) != 1:
        raise ModelRangeError(f"found inputs with {len(shape)} axes of plans; expected one")
    wide = (shape[0], masses.shape[-1])
    full = {name: np.broadcast_to(array, shape) for name, array in one_axis.items()}
    if (full["normal_mass_g"] > full["whole_normal_mass_g"] * (1 + SAME_MASS)).any():
        raise ModelRangeError("whole_normal_mass_g is less than the normal liver treated; give all of it")
    return _Checked(
        plans=shape[0],
        masses_kg=np.broadcast_to(masses / GRAMS_PER_KILOGRAM, wide),
        ratios=np.broadcast_to(ratios, wide),
        normal_kg=full["normal_mass_g"] / GRAMS_PER_KILOGRAM,
        whole_kg=full["whole_normal_mass_g"] / GRAMS_PER_KILOGRAM,
        shunt=full["lung_shunt_frac"],
        lung_kg=full["lung_mass_g"] / GRAMS_PER_KILOGRAM,
        k=full["k_gy_kg_per_gbq"],
        kept=1.0 - full["residual_frac"],
        goals=[(quantity, np.broadcast_to(dose, shape)) for quantity, dose in asked.items()],
        prior={quantity: np.broadcast_to(dose, shape) for quantity, dose in prior.items()},
    )


def _empty(checked: _Checked, limits: Sequence[DoseLimit]) -> ManyPlans:
    names = tuple(limit.name for limit in limits)
    rows = checked.plans

    def column() -> Array:
        return np.empty(rows)

    return ManyPlans(
        administered_gbq=column(),
        prepared_gbq=column(),
        binding=np.empty(rows, dtype=np.intp),
        names=(GOAL, *names) if checked.goals else names,
        limit_names=names,
        goal_met=np.empty(rows, dtype=np.bool_) if checked.goals else None,
        exceeded=np.empty((rows, len(names)), dtype=np.bool_),
        tumour_gy=column(),
        lesions_gy=np.empty((rows, checked.masses_kg.shape[1])),
        perfused_normal_gy=column(),
        whole_normal_gy=column(),
        perfused_gy=column(),
        lung_gy=column(),
    )


def _plan_rows(case: _Checked, limits: Sequence[DoseLimit], out: ManyPlans, part: slice) -> None:
    """Fill the rows of `part`."""
    tumour_kg = case.masses_kg.sum(axis=1)
    weighted_kg = np.einsum("ij,ij->i", case.masses_kg, case.ratios)
    liver = case.k * (1.0 - case.shunt)
    normal = liver / (case.normal_kg + weighted_kg)
    per_gbq = {
        Quantity.TUMOUR: normal * weighted_kg / tumour_kg,
        Quantity.PERFUSED_NORMAL: normal,
        Quantity.WHOLE_NORMAL: normal * case.normal_kg / case.whole_kg,
        Quantity.PERFUSED: liver / (case.normal_kg + tumour_kg),
        Quantity.LUNG: case.k * case.shunt / case.lung_kg,
        Quantity.LUNG_ACTIVITY: case.shunt,
    }
    ceilings = np.full((case.plans, len(limits)), np.inf)
    for column, limit in enumerate(limits):
        if limit.quantity is not Quantity.LUNG_SHUNT:
            ceilings[:, column] = _ceiling(limit, per_gbq[limit.quantity], case)
    activity, binding = _lowest(ceilings, case, per_gbq)
    out.administered_gbq[part] = activity
    out.prepared_gbq[part] = activity / case.kept
    out.binding[part] = binding
    if out.goal_met is not None:
        out.goal_met[part] = binding == 0
    out.tumour_gy[part] = activity * per_gbq[Quantity.TUMOUR]
    out.perfused_normal_gy[part] = activity * normal
    out.whole_normal_gy[part] = activity * per_gbq[Quantity.WHOLE_NORMAL]
    out.perfused_gy[part] = activity * per_gbq[Quantity.PERFUSED]
    out.lung_gy[part] = activity * per_gbq[Quantity.LUNG]
    np.multiply(case.ratios, (activity * normal)[:, np.newaxis], out=out.lesions_gy[part])
    for column, limit in enumerate(limits):
        if limit.quantity is Quantity.LUNG_SHUNT:
            value: Array = case.shunt
        else:
            value = activity * per_gbq[limit.quantity] + _prior(limit, case)
        number = limit.limit.number
        over = value >= number * (1 - SAME_VALUE) if limit.below else value > number * (1 + SAME_VALUE)
        out.exceeded[part, column] = over


def _prior(limit: DoseLimit, case: _Checked) -> Array | float:
    return case.prior.get(limit.quantity, 0.0) if limit.scope is Scope.CUMULATIVE else 0.0


def _ceiling(limit: DoseLimit, per_gbq: Array, case: _Checked) -> Array:
    """The activity that just meets a limit, infinite where no activity reaches it."""
    left = np.maximum(0.0, limit.limit.number - np.broadcast_to(_prior(limit, case), per_gbq.shape))
    reached = per_gbq > 0
    ceiling: Array = np.divide(left, per_gbq, out=np.full(per_gbq.shape, np.inf), where=reached)
    if limit.below:
        ceiling *= 1 - BELOW_BY
    return ceiling


def _lowest(
    ceilings: Array, case: _Checked, per_gbq: Mapping[Quantity, Array]
) -> tuple[Array, NDArray[np.intp]]:
    """The activity of each row, and the index of what decides it."""
    rows = np.arange(case.plans)
    if ceilings.shape[1]:
        tightest = ceilings.argmin(axis=1)
        lowest = ceilings[rows, tightest]
    else:
        tightest, lowest = np.zeros(case.plans, dtype=np.intp), np.full(case.plans, np.inf)
    if not case.goals:
        if not np.isfinite(lowest).all():
            raise ModelRangeError("a plan has no limit that bounds its activity; enter one, or a goal")
        return lowest, tightest
    asked: Array = np.maximum.reduce([dose / per_gbq[quantity] for quantity, dose in case.goals])
    by_goal = asked <= lowest * (1 + SAME_VALUE)
    return np.where(by_goal, asked, lowest), np.where(by_goal, 0, tightest + 1)
