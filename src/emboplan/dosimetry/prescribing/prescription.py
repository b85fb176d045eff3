"""From a goal and limits to an activity: how much each allows, which one binds, and every check beside it.

Doses are linear in the administered activity, so each limit allows activities up to a ceiling, and a goal
asks for one. The activity is the goal's unless a ceiling lies below it. A limit keeps the words of the method
that it was derived with; whether a value on another scale may be compared with it is for the reader to judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from emboplan.dosimetry.arguments import fraction, not_negative, positive
from emboplan.dosimetry.models.compartment import MultiCompartment, Partition, SingleCompartment
from emboplan.errors import ModelRangeError
from emboplan.model.products import DoseLimit, Scope
from emboplan.model.results.activity import Doses, LimitCheck, Quantity

# A value counts as over its limit when it passes it by more than this share: an activity solved for a limit
# gives the limit back only to the last bits.
SAME_VALUE = 1e-9

# An activity solved for a limit that one must stay below ends this share under it: far below any reading, and
# well above SAME_VALUE.
BELOW_BY = 1e-6

GOAL = "goal"


@dataclass(frozen=True, slots=True)
class ActivityChoice:
    """The administered activity, what decided it, and the activity that each limit and the goal allow.

    `binding` is ``goal`` or the name of a limit. `goal_met` is None where no goal was given.
    """

    administered_gbq: float
    binding: str
    goal_met: bool | None
    ceilings_gbq: Mapping[str, float]


def doses_of(
    result: SingleCompartment | Partition | MultiCompartment,
    *,
    labels: Sequence[int] = (),
    treated_normal_share: float | None = None,
) -> Doses:
    """The doses of a model's result by the names that limits and reports use.

    Args:
        result: one calculation on plain numbers.
        labels: the lesions' labels, in the order of a multi-compartment result; in the partition model each
            of them has the mean tumour dose.
        treated_normal_share: treated over whole normal liver by mass, for the mean over the whole normal
            liver of a single compartment (the others bring their own).
    """
    if isinstance(result, SingleCompartment):
        dose = float(result.dose_gy)
        whole = None if treated_normal_share is None else dose * treated_normal_share
        return Doses(
            tumour=dose,
            perfused_normal=dose,
            whole_normal=whole,
            perfused=dose,
            lung=float(result.lung_gy),
            lesions=MappingProxyType({str(label): dose for label in labels}),
        )
    if isinstance(result, Partition):
        each = [float(result.tumour_gy)] * len(labels)
    else:
        each = [float(dose) for dose in np.ravel(result.lesions_gy)]
        if labels and len(labels) != len(each):
            raise ModelRangeError(f"found {len(labels)} labels for {len(each)} lesions; expected one each")
    return Doses(
        tumour=float(result.tumour_gy),
        perfused_normal=float(result.normal_gy),
        whole_normal=None if result.whole_normal_gy is None else float(result.whole_normal_gy),
        perfused=float(result.mean_gy),
        lung=float(result.lung_gy),
        lesions=MappingProxyType({str(k): dose for k, dose in zip(labels, each, strict=False)}),
    )


def check_limit(limit: DoseLimit, value: float, *, probability: float | None = None) -> LimitCheck:
    """A value beside its limit; exceeded when it lies above (or, for a limit to stay below, on it)."""
    number = limit.limit.number
    over = value >= number * (1 - SAME_VALUE) if limit.below else value > number * (1 + SAME_VALUE)
    return LimitCheck(
        name=limit.name,
        quantity=limit.quantity,
        value=value,
        limit=number,
        unit=limit.limit.unit,
        exceeded=bool(over),
        probability=probability,
        below=limit.below,
        derived_with=limit.derived_with,
        source=limit.limit.source_text,
        status=str(limit.limit.status),
        origin=limit.limit.origin,
    )


def _value(quantity: Quantity, doses: Doses, administered_gbq: float, lung_shunt_frac: float) -> float | None:
    if quantity is Quantity.LUNG_ACTIVITY:
        return administered_gbq * lung_shunt_frac
    if quantity is Quantity.LUNG_SHUNT:
        return lung_shunt_frac
    return doses.of(quantity)


def check_limits(
    doses: Doses,
    limits: Iterable[DoseLimit],
    *,
    administered_gbq: float,
    lung_shunt_frac: float,
    prior_gy: Mapping[Quantity, float] | None = None,
) -> tuple[LimitCheck, ...]:
    """Every limit that these doses can be held against, in the order given.

    `prior_gy` is what earlier treatments left, added for cumulative limits. A limit on a quantity that the
    model does not give is left out.
    """
    fraction(lung_shunt_frac, "lung_shunt_frac")
    checks = []
    for limit in limits:
        value = _value(limit.quantity, doses, administered_gbq, lung_shunt_frac)
        if value is not None:
            checks.append(check_limit(limit, value + _prior(limit, prior_gy)))
    return tuple(checks)


def _prior(limit: DoseLimit, prior_gy: Mapping[Quantity, float] | None) -> float:
    if limit.scope is not Scope.CUMULATIVE or prior_gy is None:
        return 0.0
    return float(not_negative(prior_gy.get(limit.quantity, 0.0), f"prior {limit.quantity} dose"))


def activity_ceilings_gbq(
    doses_per_gbq: Doses,
    limits: Iterable[DoseLimit],
    *,
    lung_shunt_frac: float,
    prior_gy: Mapping[Quantity, float] | None = None,
) -> dict[str, float]:
    """The administered activity (GBq) that just meets each limit, by the limit's name.

    0 where earlier treatments have used a cumulative limit up. Limits that no activity can reach are left
    out: those on the shunt itself, and those on a quantity that the model does not give or that gets no dose.
    """
    fraction(lung_shunt_frac, "lung_shunt_frac")
    ceilings = {}
    for limit in limits:
        if limit.quantity is Quantity.LUNG_SHUNT:
            continue
        per_gbq = _value(limit.quantity, doses_per_gbq, 1.0, lung_shunt_frac)
        if per_gbq is None or per_gbq == 0:
            continue
        left = max(0.0, limit.limit.number - _prior(limit, prior_gy))
        ceilings[limit.name] = left / per_gbq * (1 - BELOW_BY if limit.below else 1.0)
    return ceilings


def choose_activity(
    doses_per_gbq: Doses,
    limits: Iterable[DoseLimit],
    *,
    lung_shunt_frac: float,
    goal: tuple[Quantity, float] | None = None,
    prior_gy: Mapping[Quantity, float] | None = None,
) -> ActivityChoice:
    """The administered activity that meets the goal, or as much of it as the limits allow.

    Without a goal it is the largest activity within all limits. Of equal ceilings the first given binds.

    Args:
        doses_per_gbq: doses of 1 GBq administered.
        limits: the limits to keep.
        lung_shunt_frac: share of the administered activity that goes to the lungs.
        goal: the quantity and its mean dose in Gy.
        prior_gy: doses of earlier treatments, for cumulative limits.
    """
    ceilings = activity_ceilings_gbq(
        doses_per_gbq, limits, lung_shunt_frac=lung_shunt_frac, prior_gy=prior_gy
    )
    asked: float | None = None
    if goal is not None:
        quantity, dose_gy = goal
        per_gbq = doses_per_gbq.of(quantity)
        if per_gbq is None or per_gbq == 0:
            raise ModelRangeError(f"the model gives no {quantity} dose, so no activity reaches a goal on it")
        asked = float(positive(dose_gy, f"goal on {quantity}")) / per_gbq
    if asked is None and not ceilings:
        raise ModelRangeError("neither a goal nor a limit was given; enter one, or the activity itself")
    tightest = min(ceilings, key=lambda name: ceilings[name]) if ceilings else None
    if asked is not None and (tightest is None or asked <= ceilings[tightest] * (1 + SAME_VALUE)):
        chosen, binding = asked, GOAL
    else:
        binding = str(tightest)
        chosen = ceilings[binding]
    everything = ceilings if asked is None else {GOAL: asked, **ceilings}
    return ActivityChoice(
        administered_gbq=chosen,
        binding=binding,
        goal_met=None if asked is None else binding == GOAL,
        ceilings_gbq=MappingProxyType(everything),
    )
