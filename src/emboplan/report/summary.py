"""A plan, a burden or a protocol's verdict in a few lines of text, for a terminal."""

from __future__ import annotations

from emboplan.model.arm import Arm, Range
from emboplan.model.plan import Plan
from emboplan.model.results.burden import Burden
from emboplan.model.results.eligibility import CriterionStatus, Eligibility, How, Verdict, WhatWouldChange
from emboplan.model.results.screening import Screening
from emboplan.report.document import KeyNumbers
from emboplan.report.sections.judgement import judge
from emboplan.report.sections.overview import NOT_A_DEVICE, status_line, summary
from emboplan.report.sections.plan_words import plan_sentences
from emboplan.report.wording import SPACE, count, interval, number, quantity

MEETS_STATED = "meets all stated criteria; source incomplete"
"""What is printed for "eligible" where the document does not state all criteria of the trial."""

FEW_PATIENTS = 20
"""Up to so many patients are listed one by one; more are counted."""

HOW_WORDS = {
    How.FIND_OUT: "find out",
    How.CORRECT: "correct",
    How.REPEAT: "repeat",
    How.WAIT: "wait until",
    How.TREAT: "treat until",
    How.DECIDE: "decide on",
}


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
    if burden.lesions and burden.viable_tumour_ml is not None:
        lines.insert(3, f"viable  {quantity(burden.viable_tumour_ml, 'mL')} of the tumour")
    lines += [
        f"  {lesion.label}: {quantity(lesion.volume_ml, 'mL')}, {number(lesion.longest_mm)} x "
        f"{number(lesion.perpendicular_mm)} mm"
        for lesion in burden.lesions
    ]
    lines += [f"{finding.severity.value}: {finding.text}" for finding in burden.findings]
    return [line.replace(SPACE, " ") for line in lines]


def eligibility_lines(result: Eligibility) -> list[str]:
    """The verdict, and each criterion that does not pass.

    Where the document does not state all criteria, the verdict never reads as a bare "eligible".
    """
    met = result.verdict is Verdict.ELIGIBLE and not result.source_complete
    lines = [f"{result.protocol}: {MEETS_STATED if met else result.verdict.value}"]
    if not result.source_complete and not met:
        lines.append("  the published criteria are incomplete")
    for criterion in result.criteria:
        if criterion.status is not CriterionStatus.PASS:
            measured = f" (measured {criterion.measured})" if criterion.measured else ""
            lines.append(f"  {criterion.status.value:<11} {criterion.id}: {criterion.text}{measured}")
    if result.missing:
        lines.append(f"  facts that would settle it: {', '.join(result.missing)}")
    lines += [f"  note: {flag.text}" for flag in result.flags]
    return lines


def change_lines(answer: WhatWouldChange) -> list[str]:
    """What would make the patient eligible, one line for each fact of each set."""
    if answer.verdict is Verdict.ELIGIBLE:
        return []
    if not answer.sets:
        blocked = ", ".join(answer.blocked) or "criteria that exclude each other"
        return [f"  nothing that may change would make this patient eligible: {blocked}"]
    lines = [
        "  would be eligible with" if len(answer.sets) == 1 else "  would be eligible with one of these:"
    ]
    for place, needed in enumerate(answer.sets, 1):
        if len(answer.sets) > 1:
            lines.append(f"  {place}.")
        for it in needed:
            now = "" if it.now is None else f", now {it.now}"
            lines.append(f"    {HOW_WORDS[it.how]} {it.fact}: {it.needed}{now} ({', '.join(it.criteria)})")
    if not answer.complete:
        lines.append("  there are more ways, which change more")
    return lines


def arm_lines(protocol: str, arm: Arm) -> list[str]:
    """The procedure of an arm, as far as its document states it."""
    lines = [f"{protocol}, {arm.name} ({arm.id}): {arm.technique.value}", f"  {arm.text}"]
    stated = [
        ("where", " or ".join(arm.extent)),
        ("product", arm.product or ""),
        ("sizes", " or ".join(f"{_span(pair)} um" for pair in arm.sizes_um)),
        ("loading", arm.loading or ""),
        ("end point", arm.end_point or ""),
        ("repeats", arm.repeats or ""),
    ]
    if arm.emulsion is not None:
        it = arm.emulsion
        emulsion = f"{_span(it.aqueous_ml)} mL {it.aqueous} with {_span(it.oil_ml)} mL {it.oil}"
        stated.append(("emulsion", emulsion))
    for drug in arm.drugs:
        dose = "no dose stated" if drug.dose is None else f"{_span(drug.dose)} {drug.unit}"
        stated.append(("drug", f"{drug.name}, {dose}{'' if drug.given is None else f', {drug.given}'}"))
    lines += [f"  {name}: {text}" for name, text in stated if text]
    return [*lines, *(f"  note: {note.text}" for note in arm.notes)]


def screening_lines(screening: Screening) -> list[str]:
    """How many patients have each verdict, and each patient's where there are few."""
    total = count(len(screening.patients), "patient").replace(SPACE, " ")
    lines = [f"{total}, {len(screening.protocols)} protocols" if len(screening.protocols) > 1 else total]
    width = max(len(it.protocol) for it in screening.protocols)
    for it in screening.protocols:
        said = ", ".join(f"{patients} {verdict.value}" for verdict, patients in it.counts().items())
        incomplete = "" if it.source_complete else " (stated criteria only; source incomplete)"
        lines.append(f"  {it.protocol:<{width}}  {said}{incomplete}")
    if len(screening.patients) <= FEW_PATIENTS:
        for place, patient in enumerate(screening.patients):
            lines.append(patient)
            for it in screening.protocols:
                row = it.verdicts[place]
                met = row.verdict is Verdict.ELIGIBLE and not it.source_complete
                why = " ".join(row.failed or row.missing)
                verdict = MEETS_STATED if met else row.verdict.value
                lines.append(f"  {it.protocol:<{width}}  {verdict}{f': {why}' if why else ''}")
    return lines


def _span(pair: Range) -> str:
    """A range of two exact numbers, or the one number that both are."""
    low, high = (f"{bound:f}" for bound in pair)
    return low if low == high else f"{low} to {high}"
