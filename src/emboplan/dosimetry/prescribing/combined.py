"""Several treated volumes together: what their activities add up to, against the limits that they share.

Lung dose and normal-liver dose sum over injections; a limit per treatment looks at the session that gives the
most, a cumulative one at all sessions and earlier treatments. Liver that no territory reaches counts as 0 Gy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from emboplan.dosimetry.models.compartment import prepared_activity_gbq
from emboplan.dosimetry.prescribing.prescription import check_limit
from emboplan.model.products import DoseLimit, Scope
from emboplan.model.results.activity import Doses, LimitCheck, ModelResult, Quantity

ALL_TERRITORIES = "all territories"


@dataclass(frozen=True, slots=True)
class TerritoryPart:
    """One territory's result with what its sum needs: session, shunt, and the volume of its tumours."""

    result: ModelResult
    session: int
    lung_shunt_frac: float
    tumour_ml: float


def combined_result(
    parts: Sequence[TerritoryPart], limits: Iterable[DoseLimit], prior_gy: Mapping[Quantity, float]
) -> ModelResult:
    """The sum of several territories, with every limit on what they share."""
    activity = sum(part.result.administered_gbq for part in parts)
    met = [part.result.goal_met for part in parts]
    return ModelResult(
        model=parts[0].result.model,
        territory=ALL_TERRITORIES,
        administered_gbq=activity,
        prepared_gbq=float(prepared_activity_gbq(activity)),
        doses_gy=_summed(parts),
        limits=tuple(_checks(parts, limits, prior_gy)),
        goal_met=None if None in met else all(met),
    )


def _summed(parts: Sequence[TerritoryPart]) -> Doses:
    tumour_ml = sum(part.tumour_ml for part in parts)
    doses = [(part.result.doses_gy, part.tumour_ml) for part in parts]
    tumour = sum((d.tumour or 0.0) * ml for d, ml in doses) / tumour_ml if tumour_ml else None
    lesions = {label: dose for d, _ in doses for label, dose in d.lesions.items()}
    return Doses(
        tumour=tumour,
        whole_normal=sum(d.whole_normal or 0.0 for d, _ in doses),
        lung=sum(d.lung or 0.0 for d, _ in doses),
        lesions=MappingProxyType(dict(sorted(lesions.items(), key=lambda item: int(item[0])))),
    )


def _checks(
    parts: Sequence[TerritoryPart], limits: Iterable[DoseLimit], prior_gy: Mapping[Quantity, float]
) -> Iterable[LimitCheck]:
    for limit in limits:
        per_session: dict[int, float] = defaultdict(float)
        for part in parts:
            per_session[part.session] += _share(limit.quantity, part)
        if limit.quantity is Quantity.PERFUSED_NORMAL:
            continue
        if limit.quantity is Quantity.LUNG_SHUNT:
            yield check_limit(limit, max(part.lung_shunt_frac for part in parts))
        elif limit.scope is Scope.CUMULATIVE:
            yield check_limit(limit, sum(per_session.values()) + prior_gy.get(limit.quantity, 0.0))
        else:
            yield check_limit(limit, max(per_session.values()))


def _share(quantity: Quantity, part: TerritoryPart) -> float:
    """What one territory adds to a quantity."""
    if quantity is Quantity.LUNG_ACTIVITY:
        return part.result.administered_gbq * part.lung_shunt_frac
    return part.result.doses_gy.of(quantity) or 0.0
