"""How sure the plan's doses are, and whether a second calculation agrees.

What was measured brings its own interval; what the case states goes before it; what neither says is taken as
exact and named as left out. The second calculation starts again from volumes, densities and the nuclide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from emboplan.catalog.load import Catalog
from emboplan.dosimetry.prescribing import uncertainty_inputs as kinds
from emboplan.dosimetry.prescribing.second_check import second_check
from emboplan.dosimetry.prescribing.uncertainty import activity_interval, dose_uncertainty
from emboplan.dosimetry.prescribing.uncertainty_inputs import InputUncertainty
from emboplan.dosimetry.prescribing.uncertainty_sources import measured_inputs
from emboplan.model.case import EnteredUncertainty
from emboplan.model.finding import Finding, Severity
from emboplan.model.results.activity import ModelResult
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.burden import Burden
from emboplan.model.results.prescription import VialAlternative
from emboplan.model.results.shunt import ShuntEstimate
from emboplan.model.results.uptake import TumourToNormal
from emboplan.model.second_check_input import CheckedPlan, CheckedRule, CheckedTerritory, CheckedVial
from emboplan.workflow.planning.side_by_side import Answer, Question

# Only to divide by the lower end of an interval that reaches 0.
TINY = 1e-12

# Activities that are not the best of a plan but given: there is no better one to look for.
NOT_CHOSEN = ("entered", "rule", "vial")


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
    stated: dict[str, tuple[float, str]] = {}
    if entered is not None:
        for kind, value in (
            (kinds.LUNG_SHUNT, entered.lung_shunt_frac),
            (kinds.RATIO_COMMON, entered.tumour_to_normal_rel),
            (kinds.LESION_VOLUME, entered.lesion_volume_rel),
            (kinds.WHOLE_VOLUME, entered.normal_volume_rel),
            (kinds.LUNG_MASS, entered.lung_mass_rel),
            (kinds.CALIBRATION, entered.calibration_rel),
            (kinds.RESIDUAL, entered.residual_frac),
        ):
            if value is not None:
                stated[kind] = (value, entered.source)
    measured_shunt = any(t.territory.lung_shunt_frac is None for t in question.territories)
    return measured_inputs(
        catalog=catalog,
        shunt=evidence.shunt if measured_shunt else None,
        uptake=_least_sure_ratio(question, evidence),
        burden=evidence.burden if question.whole_normal_ml > 0 else None,
        normal_ml=question.whole_normal_ml if question.whole_normal_ml > 0 else None,
        entered=stated,
    )


def _least_sure_ratio(question: Question, evidence: Evidence) -> TumourToNormal | None:
    """The measured ratio with the widest interval, of the territories that use theirs."""
    used = [
        evidence.ratios[t.name]
        for t in question.territories
        if t.name in evidence.ratios
        and t.territory.tumour_to_normal is None
        and not t.territory.lesion_ratios
    ]
    return max(used, key=lambda ratio: ratio.interval[1] / max(ratio.interval[0], TINY), default=None)


def second_calculation(
    plan: ActivityPlan,
    question: Question,
    decided: Answer,
    catalog: Catalog,
    rule: CheckedRule | None = None,
) -> ActivityPlan:
    """The plan with its independent second calculation, from volumes, densities and the nuclide again."""
    if question.whole_normal_ml <= 0 or decided.prescription is None:
        text = "There is no second calculation: the liver holds no normal tissue."
        said = Finding("second-check-missing", Severity.WARNING, text)
        return replace(plan, findings=(*plan.findings, said))
    free = decided.total.binding not in NOT_CHOSEN and not decided.prescription.available
    several = len(decided.results) > 1
    checked = CheckedPlan(
        territories=tuple(
            _checked(plan, question, decided, n, catalog, rule) for n in range(len(question.territories))
        ),
        whole_normal_ml=question.whole_normal_ml,
        whole_normal_density_g_per_ml=question.physics.liver_g_per_ml,
        lung_mass_g=question.physics.lung_mass_g,
        objective=decided.prescription.objective if free and not question.fixed_gbq else None,
        goals=decided.goals,
        limits=question.limits.limits,
        prior_gy=question.prior_gy,
        total=decided.total.doses_gy if several else None,
        exceeded=tuple(check.name for check in decided.total.limits if check.exceeded),
        goals_met=all(goal.met for goal in decided.prescription.goals)
        if decided.prescription.goals
        else None,
    )
    found = second_check(
        checked,
        tolerance=catalog.number("uncertainty.second_calculation.tolerance"),
        coefficient_tolerance={
            t.name: catalog.number(
                "uncertainty.second_calculation.coefficient_tolerance."
                + (t.physics or question.physics).nuclide
            )
            for t in question.territories
        },
    )
    return replace(plan, second_check=found, findings=(*plan.findings, *found.findings))


def _checked(
    plan: ActivityPlan,
    question: Question,
    decided: Answer,
    index: int,
    catalog: Catalog,
    rule: CheckedRule | None,
) -> CheckedTerritory:
    """One territory as the second calculation is given it."""
    territory, treated = question.territories[index], decided.patient.treated[index]
    result, physics = decided.results[index], territory.physics or question.physics
    nuclide = catalog.nuclide(physics.nuclide)
    by_vials = decided.prescription is not None and decided.prescription.available
    chosen = [row for row in plan.vials if by_vials and row.chosen and row.territory == territory.name]
    return CheckedTerritory(
        territory=territory.name,
        normal_ml=territory.normal_ml,
        lesions_ml=territory.lesions_ml,
        tumour_to_normal=treated.tumour_to_normal,
        normal_density_g_per_ml=physics.liver_g_per_ml,
        tumour_density_g_per_ml=physics.tumour_g_per_ml,
        lung_shunt_frac=treated.lung_shunt_frac,
        half_life_h=nuclide.half_life_h,
        mean_energy_mev=0.0 if nuclide.mean_energy is None else nuclide.mean_energy.number,
        k_gy_kg_per_gbq=treated.k_gy_kg_per_gbq,
        administered_gbq=result.administered_gbq,
        doses=result.doses_gy,
        residual_frac=treated.residual_frac,
        prepared_gbq=result.prepared_gbq,
        session=treated.session,
        device=treated.device,
        vials=tuple(_checked_vials(chosen[0])) if chosen else (),
        rule=rule,
    )


def _checked_vials(row: VialAlternative) -> Iterator[CheckedVial]:
    """The vials of a chosen row, each with what the plan says it holds at treatment."""
    if row.prepared_gbq is None or row.drawn_frac is None:
        return
    held = row.prepared_gbq / row.drawn_frac
    for label in row.label_gbq:
        share = label / sum(row.label_gbq)
        yield CheckedVial(label, row.calibration_time, row.treatment_time, held * share)
