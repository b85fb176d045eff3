"""The goals of the plan and what is published beside them; a goal is always the user's own choice."""

from __future__ import annotations

from emboplan.model.results.activity_plan import ActivityPlan, PublishedValue
from emboplan.report.document import Block, Cell, Footnotes, Paragraph, Table, Tone
from emboplan.report.wording import apart, cited, mid, name

# Findings that say that no guideline has a value for this tumour.
NO_VALUE_FOR_NET = "tumour-goal-entered"
NO_PUBLISHED_GOAL = "no-published-goal"

_KINDS = {
    "goal": "Published goal",
    "warning": "Warning",
    "limit": "Published limit",
    "evidence": "Evidence",
}


def goals(plan: ActivityPlan) -> list[Block]:
    """What the plan was asked to reach and what it reaches, then what guidelines and studies say."""
    blocks: list[Block] = [_outcomes(plan)] if plan.goals else []
    said = {finding.id for finding in plan.findings}
    if NO_VALUE_FOR_NET in said:
        blocks.append(
            Paragraph(
                "No EANM value exists for neuroendocrine metastases: the tumour goal is the user's own. What "
                "studies report is shown as evidence and sets nothing."
            )
        )
    elif NO_PUBLISHED_GOAL in said:
        text = next(finding.text for finding in plan.findings if finding.id == NO_PUBLISHED_GOAL)
        blocks.append(Paragraph(text))
    if plan.published:
        blocks.append(_published(plan.published))
    return blocks


def _outcomes(plan: ActivityPlan) -> Table:
    rows = []
    for goal in plan.goals:
        # A goal that is met may fall short of it by rounding: it must not read as missed.
        value = max(goal.reached_gy, goal.goal_gy) if goal.met else goal.reached_gy
        reached, asked = apart(value, goal.goal_gy)
        result = Cell("met", tone=Tone.GOOD) if goal.met else Cell("NOT MET", tone=Tone.CAUTION)
        rows.append(
            (
                Cell(goal.territory),
                Cell(mid(name(goal.quantity.value))),
                Cell(asked, numeric=True),
                Cell(reached, numeric=True),
                result,
                Cell(goal.source or "not stated"),
            )
        )
    header = ("Territory", "Mean dose of", "Goal, at least (Gy)", "Reached (Gy)", "Result", "Whose goal")
    return Table(
        "Goals, as entered",
        tuple(Cell(text, numeric="(Gy)" in text) for text in header),
        tuple(rows),
    )


def _published(values: tuple[PublishedValue, ...]) -> Table:
    notes = Footnotes()
    order = {kind: place for place, kind in enumerate(_KINDS)}
    rows = tuple(
        (
            Cell(_KINDS.get(value.kind, name(value.kind))),
            Cell(mid(name(value.quantity))),
            Cell(value.text, notes.number(cited(value.source, value.status))),
        )
        for value in sorted(values, key=lambda value: order.get(value.kind, len(order)))
    )
    return Table(
        "What is published for this tumour, device and intent; it sets nothing by itself",
        (Cell("Kind"), Cell("About"), Cell("Statement")),
        rows,
        notes.texts,
    )
