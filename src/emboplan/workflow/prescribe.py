"""The activity of each territory by each model, and the doses and limits of all territories together.

In each territory the partition model takes the activity of the tumour goal, or the largest within the limits
where no goal is entered; the single compartment stands beside it. With several territories each needs a goal
or an activity of its own, and the limits that they share are checked on their sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from emboplan.dosimetry.models.compartment import partition, prepared_activity_gbq, single_compartment
from emboplan.dosimetry.prescribing.applicable_limits import ApplicableLimits
from emboplan.dosimetry.prescribing.combined import TerritoryPart, combined_result
from emboplan.dosimetry.prescribing.prescription import check_limits, choose_activity, doses_of
from emboplan.errors import ModelRangeError
from emboplan.model.case import ActivityModel, PriorTreatment
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import DoseLimit
from emboplan.model.results.activity import ActivityPlan, Doses, LimitCheck, ModelResult, Quantity
from emboplan.workflow.territories import TreatedVolume

ENTERED = "entered"

# The goal that each model can meet: its key in a case, and the dose that it is a goal on.
GOALS = {
    ActivityModel.PARTITION: ("tumour_goal", Quantity.TUMOUR),
    ActivityModel.SINGLE: ("perfused_goal", Quantity.PERFUSED),
}


@dataclass(frozen=True, slots=True)
class Physics:
    """What turns volumes into doses: dose coefficient, densities and lung mass."""

    k_gy_kg_per_gbq: float
    liver_g_per_ml: float
    tumour_g_per_ml: float
    lung_mass_g: float


@dataclass(frozen=True, slots=True, eq=False)
class TerritoryInput:
    """A territory with the shunt and the ratio that the plan uses there; None where there is none."""

    volume: TreatedVolume
    lung_shunt_frac: float | None
    tumour_to_normal: float | None


def prescribe(
    territories: Sequence[TerritoryInput],
    limits: ApplicableLimits,
    physics: Physics,
    *,
    models: Sequence[ActivityModel],
    whole_normal_ml: float,
    priors: Sequence[PriorTreatment] = (),
) -> ActivityPlan:
    """All models of all territories side by side, the chosen activity, and every limit."""
    planner = _Planner(limits, physics, tuple(models), whole_normal_ml, _prior_doses(priors))
    results: list[ModelResult] = []
    chosen: list[tuple[TerritoryInput, ModelResult]] = []
    findings = list(limits.findings)
    for territory in territories:
        found, why_not = planner.territory(territory, alone=len(territories) == 1)
        results.extend(found)
        findings.extend(why_not)
        if found:
            chosen.append((territory, found[0]))
    if len(chosen) < len(territories) or not chosen:
        return ActivityPlan(tuple(results), None, None, physics.k_gy_kg_per_gbq, findings=tuple(findings))
    answer = chosen[0][1]
    if len(chosen) > 1:
        answer = combined_result([_part(*pair) for pair in chosen], limits.limits, planner.prior_gy)
    for result in {id(r): r for r in (*(r for _, r in chosen), answer)}.values():
        findings.extend(_limit_findings(result))
    return ActivityPlan(
        models=tuple(results),
        chosen=answer,
        binding=answer.binding,
        k_gy_kg_per_gbq=physics.k_gy_kg_per_gbq,
        findings=tuple(findings),
    )


def _prior_doses(priors: Sequence[PriorTreatment]) -> Mapping[Quantity, float]:
    lung = sum(prior.lung_gy for prior in priors)
    whole_normal = sum(prior.whole_normal_gy for prior in priors)
    return MappingProxyType({Quantity.LUNG: lung, Quantity.WHOLE_NORMAL: whole_normal})


def _part(territory: TerritoryInput, result: ModelResult) -> TerritoryPart:
    volume = territory.volume
    shunt = territory.lung_shunt_frac or 0.0
    return TerritoryPart(result, volume.territory.session, shunt, volume.tumour.volume_ml)


def _without_shunt(volume: TreatedVolume) -> Iterator[Finding]:
    """What a territory without a lung shunt lacks for an activity, the shunt first."""
    text = f"{volume.name}: no lung shunt was entered or measured, so no activity is computed."
    yield Finding("lung-shunt-missing", Severity.WARNING, text)
    entered = volume.territory
    if entered.administered_gbq is None and entered.tumour_goal is None and entered.perfused_goal is None:
        text = f"{volume.name}: no dose goal was entered. Enter one with its source, or the activity."
        yield Finding("goal-missing", Severity.WARNING, text)


def _limit_findings(result: ModelResult) -> Iterator[Finding]:
    for check in result.limits:
        if not check.exceeded:
            continue
        quantity, limit = check.quantity.replace("_", " "), check.name.replace("_", " ")
        text = (
            f"{result.territory}: {quantity} {check.value:.3g} {_unit(check)} exceeds the limit {limit} of "
            f"{check.limit:g} {_unit(check)} (derived with: {check.derived_with})."
        )
        yield Finding(f"limit-exceeded-{check.name}", Severity.STOP, text, check.source)
    if result.goal_met is False and result.binding is not None:
        limit = result.binding.replace("_", " ")
        text = f"{result.territory}: the dose goal is not met; the limit {limit} binds."
        yield Finding("goal-not-met", Severity.WARNING, text)


def _unit(check: LimitCheck) -> str:
    return "" if check.unit == "1" else check.unit


@dataclass(frozen=True, slots=True)
class _Planner:
    limits: ApplicableLimits
    physics: Physics
    models: tuple[ActivityModel, ...]
    whole_normal_ml: float
    prior_gy: Mapping[Quantity, float]

    def territory(self, territory: TerritoryInput, *, alone: bool) -> tuple[list[ModelResult], list[Finding]]:
        """The models of one territory, the one that decides first; none where data is missing."""
        volume, shunt = territory.volume, territory.lung_shunt_frac
        findings: list[Finding] = []
        per_gbq = None
        if ActivityModel.PARTITION in self.models:
            per_gbq = self._partition_per_gbq(territory, findings)
        if shunt is None:
            return [], [*_without_shunt(volume), *findings]
        results: list[ModelResult] = []
        if per_gbq is not None:
            decided = self._decide(ActivityModel.PARTITION, volume, per_gbq, shunt, findings, alone=alone)
            results.extend([] if decided is None else [decided])
        single_per_gbq = self._single_per_gbq(volume, shunt)
        if ActivityModel.SINGLE in self.models or per_gbq is None:
            single = self._single(volume, single_per_gbq, shunt, results, findings, alone=alone)
            results.extend([] if single is None else [single])
        return results, findings

    def _partition_per_gbq(self, territory: TerritoryInput, findings: list[Finding]) -> Doses | None:
        volume, ratio = territory.volume, territory.tumour_to_normal
        if not volume.labels:
            text = f"{volume.name}: no lesion inside, so that the partition model does not apply."
            findings.append(Finding("partition-not-applicable", Severity.INFO, text))
            return None
        if ratio is None:
            text = (
                f"{volume.name}: no tumour-to-normal ratio was entered or measured, so the partition model "
                "is not computed. Enter tumour_to_normal, or give an MAA SPECT."
            )
            findings.append(Finding("tumour-to-normal-missing", Severity.WARNING, text))
            return None
        if volume.normal.is_empty:
            raise ModelRangeError(
                f'territory "{volume.name}" holds no normal liver; set models = ["single"] under [procedure]'
            )
        result = partition(
            tumour_mass_g=volume.tumour.volume_ml * self.physics.tumour_g_per_ml,
            normal_mass_g=volume.normal.volume_ml * self.physics.liver_g_per_ml,
            tumour_to_normal=ratio,
            administered_gbq=1.0,
            lung_shunt_frac=territory.lung_shunt_frac or 0.0,
            lung_mass_g=self.physics.lung_mass_g,
            whole_normal_mass_g=self.whole_normal_ml * self.physics.liver_g_per_ml,
            k_gy_kg_per_gbq=self.physics.k_gy_kg_per_gbq,
        )
        return doses_of(result, labels=volume.labels)

    def _single_per_gbq(self, volume: TreatedVolume, shunt: float) -> Doses:
        mass_g = (
            volume.tumour.volume_ml * self.physics.tumour_g_per_ml
            + volume.normal.volume_ml * self.physics.liver_g_per_ml
        )
        result = single_compartment(
            mass_g=mass_g,
            administered_gbq=1.0,
            lung_shunt_frac=shunt,
            lung_mass_g=self.physics.lung_mass_g,
            k_gy_kg_per_gbq=self.physics.k_gy_kg_per_gbq,
        )
        if volume.normal.is_empty:
            return replace(doses_of(result, labels=volume.labels), perfused_normal=None)
        share = volume.normal.volume_ml / self.whole_normal_ml
        doses = doses_of(result, labels=volume.labels, treated_normal_share=share)
        return doses if volume.labels else replace(doses, tumour=None)

    def _single(
        self,
        volume: TreatedVolume,
        per_gbq: Doses,
        shunt: float,
        before: list[ModelResult],
        findings: list[Finding],
        *,
        alone: bool,
    ) -> ModelResult | None:
        """By its own goal where one is entered; else at the activity of the partition model, to compare."""
        if volume.territory.perfused_goal is None and before:
            return self._at(ActivityModel.SINGLE, volume, per_gbq, shunt, before[0].administered_gbq)
        return self._decide(ActivityModel.SINGLE, volume, per_gbq, shunt, findings, alone=alone)

    def _decide(
        self,
        model: ActivityModel,
        volume: TreatedVolume,
        per_gbq: Doses,
        shunt: float,
        findings: list[Finding],
        *,
        alone: bool,
    ) -> ModelResult | None:
        territory = volume.territory
        if territory.administered_gbq is not None:
            return replace(
                self._at(model, volume, per_gbq, shunt, territory.administered_gbq), binding=ENTERED
            )
        key, quantity = GOALS[model]
        goals = {"tumour_goal": territory.tumour_goal, "perfused_goal": territory.perfused_goal}
        goal = goals.pop(key)
        unused = "".join(
            f" The {name} entered is of no use to the model {model.value}." for name, g in goals.items() if g
        )
        own = self.limits.limits if alone else self._of_territory()
        protected = self.limits.protects_normal_liver and not volume.normal.is_empty
        if goal is None and not (alone and protected):
            text = (
                f"{volume.name}: no activity is chosen: enter {key} with its source, or the activity "
                f"(administered), or a limit on normal liver.{unused}"
            )
            findings.append(Finding("activity-undecided", Severity.WARNING, text))
            return None
        if goal is None:
            text = (
                f"{volume.name}: no {key} was entered. The activity is the largest within the limits: "
                f"an upper bound, not a prescription.{unused}"
            )
            findings.append(Finding("no-goal", Severity.WARNING, text))
        if goal is not None and quantity is Quantity.TUMOUR:
            text = (
                f"{volume.name}: the tumour goal of {goal.dose_gy:g} Gy is the user's ({goal.source}); "
                "no EANM value exists for neuroendocrine metastases."
            )
            findings.append(Finding("tumour-goal-entered", Severity.INFO, text, "EANM22 (tables 2 to 4)"))
        choice = choose_activity(
            per_gbq,
            own,
            lung_shunt_frac=shunt,
            goal=None if goal is None else (quantity, goal.dose_gy),
            prior_gy=self.prior_gy,
        )
        if choice.administered_gbq == 0:
            limit = choice.binding.replace("_", " ")
            text = f"{volume.name}: earlier treatments use up the limit {limit}; no activity is chosen."
            findings.append(Finding("limit-used-up", Severity.STOP, text))
            return None
        return replace(
            self._at(model, volume, per_gbq, shunt, choice.administered_gbq),
            binding=choice.binding,
            goal_met=choice.goal_met,
            ceilings_gbq=choice.ceilings_gbq,
        )

    def _of_territory(self) -> tuple[DoseLimit, ...]:
        return tuple(limit for limit in self.limits.limits if limit.quantity is Quantity.PERFUSED_NORMAL)

    def _at(
        self, model: ActivityModel, volume: TreatedVolume, per_gbq: Doses, shunt: float, activity_gbq: float
    ) -> ModelResult:
        doses = per_gbq.scaled(activity_gbq)
        return ModelResult(
            model=model.value,
            territory=volume.name,
            administered_gbq=activity_gbq,
            doses_gy=doses,
            prepared_gbq=float(prepared_activity_gbq(activity_gbq)),
            limits=check_limits(
                doses,
                self.limits.limits,
                administered_gbq=activity_gbq,
                lung_shunt_frac=shunt,
                prior_gy=self.prior_gy,
            ),
        )
