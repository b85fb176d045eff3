"""A plan, a burden or a protocol's verdict in a few lines of text, for a terminal."""

from __future__ import annotations

from emboplan.model.plan import Plan
from emboplan.model.results.burden import Burden
from emboplan.model.results.eligibility import CriterionStatus, Eligibility
from emboplan.report.document import KeyNumbers
from emboplan.report.sections.judgement import judge
from emboplan.report.sections.overview import NOT_A_DEVICE, status_line, summary
from emboplan.report.sections.plan_words import plan_sentences
from emboplan.report.wording import SPACE, count, interval, number, quantity


def summary_lines(plan: Plan) -> list[str]:
    """Status, key numbers, and what failed or needs a physician."""
    lines = [status_line(plan), NOT_A_DEVICE, ""]
    for block in summary(plan).blocks:
        if isinstance(block, KeyNumbers):
            width = max(len(item.label) for item in block.items)
            for item in block.items:
                detail = f"  ({item.detail})" if item.detail else ""
                lines.append(f"{item.label:<{width}}  {item.value}{detail}")
    judgement = judge(plan)
    sentences = "" if plan.activity is None else plan_sentences(plan.activity)
    if sentences:
        lines += ["", sentences]
    lines += ["", judgement.headline]
    lines += [f"  failed: {sentence}" for sentence in judgement.failed]
    lines += [f"  physician: {sentence}" for sentence in judgement.for_physician]
    return [line.replace(SPACE, " ") for line in lines]


def burden_lines(burden: Burden) -> list[str]:
    """Volumes, burden and lesions."""
    status = "PROVISIONAL: contours not confirmed by a reader"
    lines = [
        status if burden.provisional else f"Contours confirmed by {burden.confirmed_by}",
        f"liver   {quantity(burden.liver_ml, 'mL')} ({interval(*burden.liver_ml_interval, 'mL')})",
        f"tumour  {quantity(burden.tumour_ml, 'mL')} ({interval(*burden.tumour_ml_interval, 'mL')})",
        f"burden  {quantity(burden.burden_pct, '%')} ({interval(*burden.burden_pct_interval, '%')})",
        count(len(burden.lesions), "lesion"),
    ]
    lines += [
        f"  {lesion.label}: {quantity(lesion.volume_ml, 'mL')}, {number(lesion.longest_mm)} x "
        f"{number(lesion.perpendicular_mm)} mm"
        for lesion in burden.lesions
    ]
    lines += [f"{finding.severity.value}: {finding.text}" for finding in burden.findings]
    return [line.replace(SPACE, " ") for line in lines]


def eligibility_lines(result: Eligibility) -> list[str]:
    """The verdict, and each criterion that does not pass."""
    lines = [f"{result.protocol}: {result.verdict.value}"]
    if not result.source_complete:
        lines.append("  the published criteria are incomplete")
    for criterion in result.criteria:
        if criterion.status is not CriterionStatus.PASS:
            measured = f" (measured {criterion.measured})" if criterion.measured else ""
            lines.append(f"  {criterion.status.value:<11} {criterion.id}: {criterion.text}{measured}")
    if result.missing:
        lines.append(f"  facts that would settle it: {', '.join(result.missing)}")
    lines += [f"  note: {flag.text}" for flag in result.flags]
    return lines
