"""From a plan and its pictures to the document: which sections there are, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from emboplan.model.plan import Plan
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.report.document import Document, Section
from emboplan.report.figures import Picture
from emboplan.report.sections import (
    biology,
    certainty,
    directive,
    dosing,
    embolization,
    images,
    liver,
    overview,
    readiness,
    record,
    second,
    uptake,
    vials,
)

NOT_A_DEVICE_SHORT = "Research software, not a medical device"


def compose(plan: Plan, pictures: Sequence[Picture]) -> Document:
    """The report of a plan; sections that the case does not need are left out."""
    sections: list[Section | None] = [
        overview.summary(plan),
        embolization.embolization(plan),
        overview.findings(plan),
        liver.anatomy(plan),
        None if plan.eligibility is None else liver.eligibility(plan.eligibility),
        uptake.uptake(plan),
        readiness.readiness(plan),
        *_activity(plan.activity, pictures),
        None if plan.dose is None else images.dose(plan.dose, pictures),
        images.images(pictures),
        record.checks(plan),
        record.record(plan),
        record.sources(plan),
        None if plan.directive is None else directive.directive(plan.directive),
    ]
    return Document(
        title="Liver embolization plan",
        banners=overview.banners(plan),
        facts=overview.headline_facts(plan),
        sections=tuple(section for section in sections if section is not None),
        footer=f"Patient {plan.patient.id} · {overview.short_status(plan)} · {NOT_A_DEVICE_SHORT}",
    )


def _activity(plan: ActivityPlan | None, pictures: Sequence[Picture]) -> list[Section | None]:
    """All that an activity brings: models and limits, vials, certainty, the second calculation, biology."""
    if plan is None:
        return []
    return [
        dosing.activity(plan, pictures),
        vials.vials(plan),
        certainty.certainty(plan, pictures),
        None if plan.second_check is None else second.second_check(plan.second_check),
        biology.biology(plan),
    ]
