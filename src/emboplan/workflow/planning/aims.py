"""What a plan aims at and must keep: the intent's template, published goals beside the user's, and limits.

The template of an intent sets nothing but the floor of a lobectomy; goals are the user's. What guidelines and
studies say for this tumour, device and intent is shown beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from emboplan.catalog.load import Catalog
from emboplan.dosimetry.prescribing.applicable_limits import ApplicableLimits, applicable_limits
from emboplan.dosimetry.prescribing.goals import PublishedGoal, goal_findings, published_goals
from emboplan.dosimetry.prescribing.intents import IntentTemplate, intent_template
from emboplan.model.case import DoseGoal, Limits, PriorKind, PriorTreatment, Procedure
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import DoseLimit
from emboplan.model.results.activity_plan import PublishedValue
from emboplan.workflow.planning.treated import TerritoryInput


@dataclass(frozen=True, slots=True)
class LiverNow:
    """The liver as goals and limits ask for it; None is not known."""

    bilirubin_mg_per_dl: float | None
    hepatic_reserve_frac: float | None
    pretreated: bool


@dataclass(frozen=True, slots=True)
class Aims:
    """The territories with what the intent asks of them, the limits, and what is published."""

    territories: tuple[TerritoryInput, ...]
    limits: ApplicableLimits
    published: tuple[PublishedValue, ...]
    findings: tuple[Finding, ...]


def aims_of(
    procedure: Procedure,
    entered: Limits,
    territories: Sequence[TerritoryInput],
    liver: LiverNow,
    *,
    catalog: Catalog,
) -> Aims:
    """Goals and limits of a procedure, from its intent, tumour, device and liver."""

    def limits_with(given: Limits) -> ApplicableLimits:
        return applicable_limits(
            given,
            device=procedure.device,
            tumour=procedure.tumour_type,
            intent=procedure.intent,
            bilirubin_mg_per_dl=liver.bilirubin_mg_per_dl,
            hepatic_reserve_frac=liver.hepatic_reserve_frac,
            pretreated=liver.pretreated,
            catalog=catalog,
        )

    limits = limits_with(entered)
    published = published_goals(
        tumour=procedure.tumour_type, device=procedure.device, intent=procedure.intent, catalog=catalog
    )
    values = (*map(_published_goal, published), *map(_warning, limits.warnings))
    if procedure.intent is None:
        return Aims(tuple(territories), limits, values, goal_findings(published))
    template = intent_template(
        procedure.intent,
        tumour=procedure.tumour_type,
        device=procedure.device,
        bilirubin_mg_per_dl=liver.bilirubin_mg_per_dl,
        hepatic_reserve_frac=liver.hepatic_reserve_frac,
        pretreated=liver.pretreated,
        catalog=catalog,
    )
    # What the template says of the catalogue's limits is said by the plan's own, which know what was entered.
    of_limits = set(limits_with(Limits()).findings)
    findings = [finding for finding in template.findings if finding not in of_limits]
    findings += _sessions(template, territories)
    asked = tuple(_with_floor(territory, template) for territory in territories)
    named = {value.text for value in values}
    floors = [value for value in map(_published_goal, template.hard) if value.text not in named]
    return Aims(asked, limits, (*values, *floors), tuple(findings))


def _with_floor(territory: TerritoryInput, template: IntentTemplate) -> TerritoryInput:
    """The territory with the dose that its normal liver must reach, where the intent has one."""
    own = territory.territory
    if not template.hard or own.hypertrophy_goal is not None or territory.normal_ml == 0:
        return territory
    floor = template.hard[0].as_goal(territory.name, hard=True)
    goal = DoseGoal(floor.dose_gy, floor.source)
    return replace(territory, territory=replace(own, hypertrophy_goal=goal))


def _sessions(template: IntentTemplate, territories: Sequence[TerritoryInput]) -> Iterator[Finding]:
    planned = len({territory.territory.session for territory in territories})
    if planned < template.sessions:
        text = (
            f"{template.title}: {template.sessions} sessions are expected, the case has {planned}. Give the "
            "territories their sessions."
        )
        yield Finding("sessions-expected", Severity.WARNING, text)


def _published_goal(goal: PublishedGoal) -> PublishedValue:
    parts = [goal.words]
    if goal.level_of_evidence:
        parts.append(f"level of evidence {goal.level_of_evidence}")
    if goal.condition:
        parts.append(goal.condition)
    text = "; ".join(parts)
    notes = " ".join(goal.footnotes)
    return PublishedValue(
        kind=goal.use.value,
        quantity=goal.quantity.value,
        text=f"{text.rstrip('.')}. {notes}" if notes else text,
        source=goal.source,
        status=goal.status.value,
    )


def _warning(limit: DoseLimit) -> PublishedValue:
    entry = limit.limit
    return PublishedValue(
        kind="warning",
        quantity=limit.quantity.value,
        text=f"label warning above {entry.number:g} {entry.unit} (derived with: {limit.derived_with})",
        source=entry.source_text,
        status=entry.status.value,
    )


def prior_findings(priors: Sequence[PriorTreatment]) -> tuple[Finding, ...]:
    """Earlier treatments that no dose limit can take in: a physician weighs them."""
    found = []
    for prior in priors:
        when = "" if prior.date is None else f" of {prior.date}"
        if prior.kind is PriorKind.DRUG:
            amount = "" if prior.drug_mg_per_m2 is None else f", {prior.drug_mg_per_m2:g} mg/m2"
            text = (
                f"Earlier drug{when}: {prior.drug}{amount}. No dose limit counts it; a physician weighs it."
            )
        elif prior.kind is PriorKind.BILIARY:
            text = (
                f"Biliary history{when}: {prior.note or 'not described'}. No dose limit counts it; "
                "a physician weighs it."
            )
        elif prior.kind is not PriorKind.TARE and prior.whole_normal_gy == 0:
            text = (
                f"Earlier {prior.kind.value.replace('-', ' ')}{when} without a liver dose: nothing of it is "
                "counted. Enter whole_normal_dose where it is known."
            )
        else:
            continue
        found.append(Finding(f"prior-{prior.kind.value}", Severity.WARNING, text))
    return tuple(found)
