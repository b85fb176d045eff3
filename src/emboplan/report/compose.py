"""From a plan and its pictures to the document: which sections there are, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from emboplan.model.plan import Plan
from emboplan.report.document import Document, Section
from emboplan.report.figures import Picture
from emboplan.report.sections import dosing, images, liver, overview, record, uptake

NOT_A_DEVICE_SHORT = "Research software, not a medical device"


def compose(plan: Plan, pictures: Sequence[Picture]) -> Document:
    """The report of a plan; sections that the case does not need are left out."""
    sections: list[Section | None] = [
        overview.summary(plan),
        overview.findings(plan),
        liver.anatomy(plan),
        None if plan.eligibility is None else liver.eligibility(plan.eligibility),
        uptake.uptake(plan),
        None if plan.activity is None else dosing.activity(plan.activity),
        None if plan.dose is None else images.dose(plan.dose, pictures),
        images.images(pictures) if pictures else None,
        record.checks(plan),
        record.record(plan),
        record.sources(plan),
    ]
    return Document(
        title="Liver embolization plan",
        banners=overview.banners(plan),
        facts=overview.headline_facts(plan),
        sections=tuple(section for section in sections if section is not None),
        footer=f"Patient {plan.patient.id} · {overview.short_status(plan)} · {NOT_A_DEVICE_SHORT}",
    )
