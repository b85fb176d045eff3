"""What failed and what a physician must decide: gathered from the plan, judged nowhere else.

The wording follows one rule: the software never says that a patient may be treated. It says that no computed
check failed, and which items need a physician.
"""

from __future__ import annotations

from dataclasses import dataclass

from emboplan.model.finding import Finding, Severity
from emboplan.model.plan import Plan
from emboplan.model.results.activity import LimitCheck
from emboplan.model.results.eligibility import CriterionResult, CriterionStatus, Eligibility
from emboplan.report.sections.second import failure
from emboplan.report.wording import apart, count, in_unit, name, spaced

_WEIGHT = {Severity.STOP: 0, Severity.WARNING: 1, Severity.INFO: 2}

# Flags of an eligibility that an item of its own says already: incomplete criteria, unconfirmed contours.
_SAID_ALREADY = ("source-incomplete", "provisional")

# Findings about a point of a device label begin so, and end with the point's identifier.
OUTSIDE_LABEL = "outside-device-label-"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Sentences about failed checks, and about what is left to a physician."""

    failed: tuple[str, ...]
    for_physician: tuple[str, ...]

    @property
    def headline(self) -> str:
        """The first sentence of the summary."""
        open_items = count(len(self.for_physician), "item")
        needs = f"{open_items} need{'s' if len(self.for_physician) == 1 else ''} a physician"
        if self.failed:
            return f"{count(len(self.failed), 'computed check')} failed; {needs}."
        return f"No computed check failed; {needs}."


def findings_of(plan: Plan) -> tuple[Finding, ...]:
    """All findings of the plan and of its parts, each once, the weightiest first."""
    gathered = [*plan.findings, *plan.burden.findings]
    if plan.shunt is not None:
        gathered += plan.shunt.findings
    if plan.tumour_to_normal is not None:
        gathered += plan.tumour_to_normal.findings
    if plan.activity is not None:
        gathered += plan.activity.findings
        for model in plan.activity.models:
            gathered += model.findings
        for part in (plan.activity.uncertainty, plan.activity.second_check):
            gathered += [] if part is None else part.findings
    if plan.extrahepatic is not None:
        gathered += plan.extrahepatic.findings
    once = {(finding.id, finding.text): finding for finding in reversed(gathered)}
    first_seen = {(f.id, f.text): n for n, f in reversed(list(enumerate(gathered)))}
    return tuple(sorted(once.values(), key=lambda f: (_WEIGHT[f.severity], first_seen[(f.id, f.text)])))


def judge(plan: Plan) -> Judgement:
    """What failed, and what is left to a physician."""
    findings = findings_of(plan)
    failed = [f.text for f in findings if f.severity is Severity.STOP]
    failed += _unsaid_failure(plan, failed)
    failed += [f"Check {check.id}: {check.text}" for check in plan.checks if not check.passed]
    if plan.activity is not None and plan.activity.chosen is not None:
        said = {finding.id for finding in findings}
        failed += [
            limit_sentence(limit)
            for limit in plan.activity.chosen.limits
            if limit.exceeded and f"limit-exceeded-{limit.name}" not in said
        ]
    if plan.eligibility is not None:
        failed += [
            f"{plan.eligibility.protocol}, criterion {criterion.id} failed: {criterion.text}"
            for criterion in _with_status(plan.eligibility, CriterionStatus.FAIL)
        ]
    open_items = []
    if plan.provisional:
        open_items.append(
            "The contours are not confirmed by a reader; all that follows from them is provisional."
        )
    if plan.eligibility is not None:
        open_items += _open_criteria(plan.eligibility)
    if plan.device_label is not None:
        open_items += _open_points(plan.device_label, {finding.id for finding in findings})
    open_items += [f.text for f in findings if f.severity is Severity.WARNING]
    return Judgement(tuple(dict.fromkeys(failed)), tuple(dict.fromkeys(open_items)))


def _unsaid_failure(plan: Plan, said: list[str]) -> list[str]:
    """A second calculation that failed, where none of its own findings says so."""
    check = None if plan.activity is None else plan.activity.second_check
    if check is None or check.passed or any(finding.text in said for finding in check.findings):
        return []
    return [failure(check)]


def _open_points(label: Eligibility, said: set[str]) -> list[str]:
    """The points of a device label that fail without a finding of their own, and those that are not known."""
    sentences = [
        f"{label.protocol}, point {criterion.id} is outside the labelling: {criterion.text}"
        for criterion in _with_status(label, CriterionStatus.FAIL)
        if f"{OUTSIDE_LABEL}{criterion.id}" not in said
    ]
    unknown = _with_status(label, CriterionStatus.UNKNOWN)
    if unknown:
        points = count(len(unknown), "point")
        sentences.append(f"{label.protocol}: {points} of the label could not be told (see Before the vial).")
    return sentences


def limit_sentence(limit: LimitCheck) -> str:
    """A limit that is not kept, in one sentence."""
    (value, unit), (bound, _) = in_unit(limit.value, limit.unit), in_unit(limit.limit, limit.unit)
    shown, shown_bound = apart(value, bound)
    return f"{name(limit.name)}: {shown} {unit} exceeds the limit of {shown_bound} {unit}."


def _with_status(eligibility: Eligibility, status: CriterionStatus) -> list[CriterionResult]:
    return [criterion for criterion in eligibility.criteria if criterion.status is status]


def _open_criteria(eligibility: Eligibility) -> list[str]:
    """What a physician must add or decide before the protocol has an answer."""
    protocol = eligibility.protocol
    sentences = []
    if eligibility.missing:
        needed = count(len(eligibility.missing), "fact")
        sentences.append(f"{protocol} is undetermined until {needed} more are known (see Eligibility).")
    sentences += [
        f"{protocol}, criterion {c.id} may be corrected before it counts: {c.text}"
        for c in _with_status(eligibility, CriterionStatus.CORRECTABLE)
    ]
    sentences += [
        f"{protocol}, criterion {c.id} is judged at a later stage: {c.text}"
        for c in _with_status(eligibility, CriterionStatus.DEFERRED)
    ]
    if not eligibility.source_complete:
        sentences.append(
            f"{protocol}: its published criteria are incomplete; the verdict rests on those known."
        )
    sentences += [
        f"{protocol}: {spaced(flag.text)}" for flag in eligibility.flags if flag.id not in _SAID_ALREADY
    ]
    return sentences
