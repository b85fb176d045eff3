"""The first page: status, summary with the key numbers, and the findings."""

from __future__ import annotations

from datetime import datetime

from emboplan.model.finding import Severity
from emboplan.model.plan import Plan
from emboplan.model.results.activity import ModelResult, Quantity
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.report.document import (
    Banner,
    Block,
    Bullets,
    FindingItem,
    FindingList,
    KeyNumber,
    KeyNumbers,
    Paragraph,
    Section,
    Tone,
)
from emboplan.report.moments import moment_text
from emboplan.report.sections import embolization
from emboplan.report.sections.judgement import findings_of, judge
from emboplan.report.sections.plan_words import parts_of, plan_sentences, tells_tumour_apart
from emboplan.report.wording import SPACE, difference, interval, name, percent, quantity
from emboplan.units import PERCENT

NOT_A_DEVICE = (
    "Research software, not a medical device: every number must be checked by qualified staff before any use."
)

_WEIGHTS = {
    Severity.STOP: ("Stop", Tone.ALARM),
    Severity.WARNING: ("Warning", Tone.CAUTION),
    Severity.INFO: ("Note", Tone.PLAIN),
}


def status_line(plan: Plan) -> str:
    """The first line of the report: who vouches for the contours."""
    if plan.provisional or not plan.anatomy.confirmed_by:
        source = {
            "builtin": "contours by the built-in segmentation",
            "given": "contours from the given masks",
            "builtin+given": "contours partly given, partly by the built-in segmentation",
            "totalsegmentator": "contours by TotalSegmentator",
            "builtin+totalsegmentator": "contours by TotalSegmentator and the built-in segmentation",
            "given+totalsegmentator": "contours partly given, partly by TotalSegmentator",
        }.get(plan.anatomy.backend, f"contours by {plan.anatomy.backend}")
        return f"PROVISIONAL: {source}, not confirmed by a reader"
    return f"Contours confirmed by {plan.anatomy.confirmed_by}"


def short_status(plan: Plan) -> str:
    """The same in a few words, for the foot of each page."""
    if plan.provisional or not plan.anatomy.confirmed_by:
        return "PROVISIONAL: contours not confirmed"
    return f"Contours confirmed by {plan.anatomy.confirmed_by}"


def banners(plan: Plan) -> tuple[Banner, ...]:
    """The first two lines of the report."""
    status = Banner(status_line(plan), Tone.CAUTION if plan.provisional else Tone.GOOD)
    return (status, Banner(NOT_A_DEVICE, Tone.PLAIN))


def headline_facts(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Patient, treatment and date, as given."""
    patient, settings = plan.patient, plan.settings
    person = [
        {"F": "female", "M": "male"}.get(patient.sex.value, "") if patient.sex else "",
        f"{patient.age_years} years" if patient.age_years is not None else "",
        quantity(patient.height_cm, "cm") if patient.height_cm is not None else "",
        quantity(patient.weight_kg, "kg") if patient.weight_kg is not None else "",
    ]
    pairs = [
        ("Patient", patient.id),
        ("Person", ", ".join(part for part in person if part)),
        ("Treatment", name(settings.kind)),
        ("Intent", (settings.intent or "").replace("-", " ")),
        ("Device", settings.device or ""),
        ("Protocol", settings.protocol or ""),
        (
            "Treatment time",
            moment_text(datetime.fromisoformat(settings.treatment_time)) if settings.treatment_time else "",
        ),
    ]
    return tuple((label, value) for label, value in pairs if value)


def summary(plan: Plan) -> Section:
    """What failed, what needs a physician, and the numbers looked for first."""
    judgement = judge(plan)
    tone = Tone.ALARM if judgement.failed else Tone.PLAIN
    blocks: list[Block] = [Bullets(judgement.headline, judgement.failed, tone)]
    sentences = "" if plan.activity is None else plan_sentences(plan.activity)
    if sentences:
        blocks.append(Paragraph(sentences))
    if judgement.for_physician:
        blocks.append(Bullets("For a physician to decide or to add:", judgement.for_physician))
    blocks.append(KeyNumbers(_key_numbers(plan)))
    return Section("summary", "Summary", tuple(blocks))


def _key_numbers(plan: Plan) -> tuple[KeyNumber, ...]:
    burden = plan.burden
    items = [
        KeyNumber(
            "Liver, tumours included",
            quantity(burden.liver_ml, "mL"),
            interval(*burden.liver_ml_interval, "mL"),
        ),
        KeyNumber(
            "Tumour burden", quantity(burden.burden_pct, "%"), interval(*burden.burden_pct_interval, "%")
        ),
    ]
    if plan.eligibility is not None:
        verdict = plan.eligibility.verdict.value
        items.append(
            KeyNumber(f"Protocol {plan.eligibility.protocol}", verdict, name(plan.eligibility.stage))
        )
    if plan.shunt is not None:
        bounds = plan.shunt.estimate.interval
        detail = name(plan.shunt.estimate.method.value)
        if bounds is not None:
            detail += f", {interval(PERCENT * bounds[0], PERCENT * bounds[1], '%')}"
        items.append(KeyNumber("Lung shunt fraction", percent(plan.shunt.lung_shunt_frac), detail))
    if plan.loading is not None:
        return (*items, *embolization.key_numbers(plan.loading))
    chosen = plan.activity.chosen if plan.activity is not None else None
    if chosen is None:
        items.append(KeyNumber("Activity", "not computed", "see the findings for what is missing"))
        return tuple(items)
    by = f"{name(chosen.model)}, {chosen.territory}"
    items += [
        KeyNumber("Activity to administer", quantity(chosen.administered_gbq, "GBq"), by),
        *_doses(chosen, plan.activity),
    ]
    check = None if plan.activity is None else plan.activity.second_check
    if check is not None:
        detail = f"largest difference {difference(check.relative_difference)}"
        items.append(KeyNumber("Second calculation", "passed" if check.passed else "FAILED", detail))
    return tuple(items)


def _doses(chosen: ModelResult, plan: ActivityPlan | None) -> list[KeyNumber]:
    """The mean doses that the plan has, with their intervals where they are known."""
    doses = chosen.doses_gy
    first = (
        ("Tumour, mean dose", Quantity.TUMOUR)
        if tells_tumour_apart(chosen)
        else ("Treated volume, mean dose", Quantity.PERFUSED)
    )
    pairs = [
        first,
        ("Perfused normal liver", Quantity.PERFUSED_NORMAL),
        ("Whole normal liver", Quantity.WHOLE_NORMAL),
        ("Lungs", Quantity.LUNG),
    ]
    several = plan is not None and len(parts_of(plan)) > 1
    kept = [
        (label, which)
        for label, which in pairs
        if not (several and which is Quantity.PERFUSED_NORMAL and doses.of(which) is None)
    ]
    items = []
    for label, which in kept:
        known = _interval(plan, chosen.territory, which)
        detail = f"95{SPACE}%: {known}" if known else "" if which is first[1] else "mean dose"
        items.append(KeyNumber(label, quantity(doses.of(which), "Gy"), detail))
    return items


def _interval(plan: ActivityPlan | None, territory: str, which: Quantity) -> str:
    if plan is None or plan.uncertainty is None:
        return ""
    for value in plan.uncertainty.doses:
        if value.territory == territory and value.name == which.value:
            bounds = value.interval if plan.uncertainty.agree else value.sampled_interval or value.interval
            return interval(*bounds, value.unit)
    return ""


def findings(plan: Plan) -> Section:
    """All findings, the weightiest first; notes that stand among what is published are left to that table."""
    published = set() if plan.activity is None else {value.text for value in plan.activity.published}
    items = tuple(
        FindingItem(*_WEIGHTS[finding.severity], finding.text, finding.id, finding.source)
        for finding in findings_of(plan)
        if finding.severity is not Severity.INFO or finding.text not in published
    )
    body: Block = FindingList(items) if items else Paragraph("There are no findings.")
    return Section("findings", "Findings", (body,))
