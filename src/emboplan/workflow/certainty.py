"""How sure the plan's doses are, and whether a second calculation agrees.

What was measured brings its own interval; what the case states goes before it; what neither says is taken as
exact and named as left out. The second calculation starts again from volumes, densities and the nuclide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from emboplan.catalog.load import Catalog
from emboplan.dosimetry.prescribing.uncertainty import activity_interval, dose_uncertainty
from emboplan.dosimetry.prescribing.uncertainty_inputs import (
    CALIBRATION,
    LESION_VOLUME,
    LUNG_MASS,
    LUNG_SHUNT,
    RATIO_COMMON,
    RESIDUAL,
    WHOLE_VOLUME,
    Z_COVERAGE,
    InputUncertainty,
)
from emboplan.model.case import EnteredUncertainty
from emboplan.model.finding import Finding, Severity
from emboplan.model.results.activity import ModelResult
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.burden import Burden
from emboplan.model.results.shunt import ShuntEstimate
from emboplan.model.results.uptake import TumourToNormal
from emboplan.workflow.side_by_side import Answer, Question


def _no_ratios() -> Mapping[str, TumourToNormal]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured, with its intervals; None and empty where everything was entered."""

    shunt: ShuntEstimate | None = None
    ratios: Mapping[str, TumourToNormal] = field(default_factory=_no_ratios)
    burden: Burden | None = None


def how_sure(
    plan: ActivityPlan,
    question: Question,
    decided: Answer,
    evidence: Evidence,
    entered: EnteredUncertainty | None,
    catalog: Catalog,
) -> ActivityPlan:
    """The plan with the interval of each dose and the probability of exceeding each limit."""
    inputs = input_uncertainty(question, evidence, entered, catalog)
    if not inputs.listed():
        text = "No uncertainty was measured or stated: the doses have no intervals. See [uncertainty]."
        return replace(plan, findings=(*plan.findings, Finding("uncertainty-missing", Severity.INFO, text)))
    administered = {result.territory: result.administered_gbq for result in decided.results}
    sure = dose_uncertainty(
        decided.patient, administered_gbq=administered, inputs=inputs, limits=question.limits.limits
    )
    soft = [goal for goal in decided.goals if not goal.hard]
    needed = activity_interval(decided.patient, goals=soft, inputs=inputs) if soft else ()
    intervals = {value.territory: value.interval for value in needed}
    chances = {(risk.limit, risk.territory): risk.probability for risk in sure.risks}

    def with_chances(result: ModelResult) -> ModelResult:
        if result.model != decided.model.value:
            return result
        limits = tuple(
            replace(check, probability=_chance(chances, check.name, result.territory))
            for check in result.limits
        )
        return replace(result, limits=limits, interval_gbq=intervals.get(result.territory))

    return replace(
        plan,
        models=tuple(map(with_chances, plan.models)),
        chosen=None if plan.chosen is None else with_chances(plan.chosen),
        uncertainty=sure,
        findings=(*plan.findings, *sure.findings),
    )


def _chance(chances: Mapping[tuple[str, str], float], limit: str, territory: str) -> float | None:
    """The probability for a territory, or for all: that of the session that is most likely to exceed."""
    found = chances.get((limit, territory))
    if found is not None:
        return found
    sums = [p for (name, where), p in chances.items() if name == limit and where.startswith("session ")]
    return max(sums) if sums else None


def input_uncertainty(
    question: Question, evidence: Evidence, entered: EnteredUncertainty | None, catalog: Catalog
) -> InputUncertainty:
    """The standard uncertainties of the plan's inputs: as stated, else as measured, else as published."""
    stated = entered or EnteredUncertainty(source="")
    numbers: dict[str, Any] = {}
    sources: dict[str, str] = {}

    def take(kind: str, said: float | None, measured: object, source: str) -> None:
        value = measured if said is None else said
        if value is not None:
            numbers[kind] = value
            sources[kind] = stated.source if said is not None else source

    take(LUNG_SHUNT, stated.lung_shunt_frac, _shunt(question, evidence), "interval of the shunt measured")
    take(
        RATIO_COMMON,
        stated.tumour_to_normal_rel,
        _ratio(question, evidence),
        "interval of the ratio measured",
    )
    burden = evidence.burden
    lesions = (
        {n.label: _relative(n.volume_ml, n.volume_ml_interval) for n in burden.lesions} if burden else {}
    )
    take(LESION_VOLUME, stated.lesion_volume_rel, lesions or None, "contour half a voxel off")
    whole = None if burden is None else _relative(burden.liver_ml, burden.liver_ml_interval)
    take(WHOLE_VOLUME, stated.normal_volume_rel, whole, "contour half a voxel off")
    take(LUNG_MASS, stated.lung_mass_rel, None, "")
    take(CALIBRATION, stated.calibration_rel, None, "")
    take(RESIDUAL, stated.residual_frac, None, "")
    return InputUncertainty(**numbers, sources=MappingProxyType(sources))


def _relative(value: float, interval: tuple[float, float]) -> float:
    """The relative standard uncertainty of a value with a 95 % interval."""
    return (interval[1] - interval[0]) / (2 * Z_COVERAGE) / value if value > 0 else 0.0


def _shunt(question: Question, evidence: Evidence) -> dict[str, float] | None:
    """The standard uncertainty of the measured shunt, for the territories that use it."""
    if evidence.shunt is None or evidence.shunt.interval is None:
        return None
    low, high = evidence.shunt.interval
    size = (high - low) / (2 * Z_COVERAGE)
    using = {t.name: size for t in question.territories if t.territory.lung_shunt_frac is None}
    return using or None


def _ratio(question: Question, evidence: Evidence) -> float | None:
    """The largest relative standard uncertainty of the ratios measured, for the territories that use them."""
    found = []
    for territory in question.territories:
        ratio = evidence.ratios.get(territory.name)
        own = territory.territory
        if ratio is None or own.tumour_to_normal is not None or own.lesion_ratios:
            continue
        middle = ratio.tumour_to_normal_corrected or ratio.tumour_to_normal
        found.append(_relative(middle, ratio.interval))
    return max(found, default=None)


def second_calculation(
    plan: ActivityPlan,
    question: Question,
    decided: Answer,
    treatment_time: datetime | None,
    catalog: Catalog,
) -> ActivityPlan:
    """The plan with its independent second calculation."""
    return plan
