"""The limits of the plan: value, bound, what is left, how likely it is exceeded, and how it was derived.

A limit stands on the scale of the method that it was derived with, so that this method is printed beside
every one. Limits of the models that only stand beside the plan are shown where they are exceeded.
"""

from __future__ import annotations

from emboplan.model.results.activity import LimitCheck, ModelResult
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.report.document import Block, Cell, Footnotes, Paragraph, Table, Tone
from emboplan.report.sections.plan_words import earlier_gy, limited, organ_of, parts_of
from emboplan.report.wording import SPACE, apart, chance, cited, in_unit, name, number, quantity

NUMBERS = ("Value", "Bound", "Left", "Chance to exceed")
_UNIT_WORDS = {"%": "pp"}  # what is left of a bound in percent is a number of percentage points


def limits(plan: ActivityPlan) -> list[Block]:
    """The limits of the plan's own model, then what the other models would exceed."""
    own = _own(plan)
    others = [model for model in plan.models if all(model is not mine for mine in own)]
    rows = [(model, limit) for model in own for limit in model.limits]
    if not rows and not any(model.limits for model in others):
        return [Paragraph("No limit was set, and the catalogue offers none for this case.")]
    if not own:
        rows = [(model, limit) for model in others for limit in model.limits]
        return [_table("Limits", rows, plan, with_model=True)]
    blocks: list[Block] = [_table("Limits", rows, plan, with_model=False)] if rows else []
    earlier = [
        f"{quantity(before, limit.unit)} of {limited(limit.name)}"
        for model, limit in rows
        if model is own[0] and (before := earlier_gy(limit, model.doses_gy)) is not None
    ]
    if earlier:
        blocks.append(Paragraph(f"Earlier treatments are in these values: {'; '.join(earlier)}."))
    over = [(model, limit) for model in others for limit in model.limits if limit.exceeded]
    if over:
        blocks.append(_table("Limits that the other models exceed", over, plan, with_model=True))
    elif any(model.limits for model in others):
        blocks.append(Paragraph("None of the other models exceeds a limit at its own activity."))
    return blocks


def _own(plan: ActivityPlan) -> tuple[ModelResult, ...]:
    """The plan's model: all territories together first, then each."""
    parts = parts_of(plan)
    if plan.chosen is None or plan.chosen.territory in {part.territory for part in parts}:
        return parts
    return (plan.chosen, *parts)


def _table(
    caption: str, limits: list[tuple[ModelResult, LimitCheck]], plan: ActivityPlan, *, with_model: bool
) -> Table:
    notes = Footnotes()
    known = any(limit.probability is not None for _, limit in limits)
    columns = ["Limit", "Model" if with_model else "Territory", "Value", "Bound"]
    columns += ["Left"] if plan.slack and not with_model else []
    columns += ["Result"]
    columns += ["Chance to exceed"] if known else []
    rows = []
    for model, limit in limits:
        (value, unit), (bound, _) = in_unit(limit.value, limit.unit), in_unit(limit.limit, limit.unit)
        shown, shown_bound = apart(value, bound)
        below = "below " if limit.below else ""
        where = f"{name(model.model)}, {model.territory}" if with_model else model.territory
        cells = {
            "Limit": Cell(name(limit.name), notes.number(cited(limit.source, limit.status))),
            "Model": Cell(where),
            "Territory": Cell(where),
            "Value": Cell(f"{shown}{SPACE}{unit}", numeric=True),
            "Bound": Cell(f"{below}{shown_bound}{SPACE}{unit}", numeric=True, wraps=bool(below)),
            "Left": _left(limit, model, plan),
            "Result": _outcome(limit),
            "Chance to exceed": Cell(
                "–" if limit.probability is None else chance(limit.probability), numeric=True, wraps=True
            ),
        }
        derived = Cell(limit.derived_with or "not stated")
        rows.append((*(cells[column] for column in columns), derived))
    header = [*columns, "The limit was derived with"]
    cells_of_header = tuple(Cell(text, numeric=text in NUMBERS) for text in header)
    return Table(caption, cells_of_header, tuple(rows), notes.texts)


def _left(limit: LimitCheck, model: ModelResult, plan: ActivityPlan) -> Cell:
    """What the plan leaves of a limit, in the limit's unit; of the territory that has least left."""
    left = plan.slack.get(limit.name)
    if left is None or plan.chosen is None or model.territory != plan.chosen.territory:
        return Cell("–", numeric=True)
    value, unit = in_unit(left, limit.unit)
    return Cell(f"{number(value)}{SPACE}{_UNIT_WORDS.get(unit, unit)}", numeric=True)


def _outcome(limit: LimitCheck) -> Cell:
    """Kept or exceeded, in words."""
    word, tone = ("EXCEEDED", Tone.ALARM) if limit.exceeded else ("kept", Tone.GOOD)
    return Cell(word, tone=tone)


def exceeded_words(result: ModelResult) -> str:
    """What a result exceeds the limits on; empty where it was held against none."""
    if not result.limits:
        return ""
    return (
        "; ".join(dict.fromkeys(organ_of(limit.name) for limit in result.limits if limit.exceeded)) or "none"
    )
