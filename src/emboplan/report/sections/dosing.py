"""The activity: what the plan strives for, models side by side, goals, limits, and the dose of each lesion.

Models stand in columns, with one table for each territory, so that seven models of three territories can be
read on paper. The plan's own model comes with its sum over the territories.
"""

from __future__ import annotations

from collections.abc import Sequence

from emboplan.model.results.activity import ModelResult, Quantity
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.report.document import Block, Cell, Figure, Paragraph, Section, Table, Tone
from emboplan.report.dose_lines import DOSE_LINES
from emboplan.report.figures import Picture
from emboplan.report.sections.goals import goals
from emboplan.report.sections.limits import exceeded_words, limits
from emboplan.report.sections.plan_words import (
    decided_words,
    model_words,
    objective_words,
    organ_of,
    parts_of,
    tells_tumour_apart,
)
from emboplan.report.wording import SPACE, exact, interval, name, number

DOSES = (Quantity.TUMOUR, Quantity.PERFUSED_NORMAL, Quantity.WHOLE_NORMAL, Quantity.PERFUSED, Quantity.LUNG)
ABSENT = "–"

# Rows of words may break their lines; numbers never do.
WORDS = ("Decided by", "Limits exceeded", "In the plan", "Activity for the goal, 95 % (GBq)")

_BINDINGS = {"goal": "dose goal", "entered": "entered", "rule": "its rule", "vial": "vial"}


def activity(plan: ActivityPlan, pictures: Sequence[Picture] = ()) -> Section:
    """All models, what each gives, and what it exceeds."""
    blocks: list[Block] = [Paragraph(_lead(plan))]
    territories = list(dict.fromkeys(model.territory for model in plan.models))
    parts = parts_of(plan)
    several = len(territories) > 1
    for territory in territories:
        models = [model for model in plan.models if model.territory == territory]
        where = f", {territory}" if several else ""
        blocks.append(_models(f"Models side by side{where}; doses are means", models, parts))
    if plan.chosen is not None and all(part is not plan.chosen for part in parts) and several:
        blocks.append(_together(plan.chosen, parts))
    blocks += [Figure(picture) for picture in pictures if picture.name == DOSE_LINES]
    blocks += goals(plan)
    blocks += limits(plan)
    for territory in territories:
        table = _lesions(plan, territory, several=several)
        blocks += [table] if table is not None else []
    return Section("activity", "Activity", tuple(blocks))


def _lead(plan: ActivityPlan) -> str:
    kept = {None: "", "default": " (the catalogue's default)"}
    which = kept.get(plan.k_name, f" (the catalogue's {plan.k_name})")
    lead = (
        f"Dose coefficient K = {exact(plan.k_gy_kg_per_gbq)}{SPACE}Gy{SPACE}kg/GBq{which}. Activities are "
        "administered activities: what leaves the vial, without the residual."
    )
    if plan.chosen is None:
        return f"{lead} No activity was chosen; the findings say what is missing."
    return f"{lead} The plan strives to {objective_words(plan)}. {decided_words(plan)}".rstrip()


def _models(caption: str, models: Sequence[ModelResult], parts: Sequence[ModelResult]) -> Table:
    """One column for each model, one row for each quantity."""
    rows = [
        ("Administered activity (GBq)", [number(model.administered_gbq) for model in models]),
        (
            "Activity for the goal, 95 % (GBq)",
            ["" if m.interval_gbq is None else interval(*m.interval_gbq, "").strip() for m in models],
        ),
        (
            "Prepared activity (GBq)",
            ["" if m.prepared_gbq is None else number(m.prepared_gbq) for m in models],
        ),
    ]
    for quantity in DOSES:
        doses = [
            model.doses_gy.of(quantity)
            if quantity is not Quantity.TUMOUR or tells_tumour_apart(model)
            else None
            for model in models
        ]
        rows.append((f"{name(quantity.value)} (Gy)", ["" if d is None else number(d) for d in doses]))
    picked = [any(model is part or model == part for part in parts) for model in models]
    rows += [
        ("Decided by", [_decided_by(model) for model in models]),
        ("Goal reached", [{True: "yes", False: "NO", None: "no goal"}[m.goal_met] for m in models]),
        ("Limits exceeded", [exceeded_words(model) for model in models]),
        ("In the plan", ["chosen" if chosen else "" for chosen in picked]),
    ]
    kept = [(label, values) for label, values in rows if any(values)]
    return Table(
        caption,
        (Cell("Quantity"), *(Cell(name(model.model), numeric=True) for model in models)),
        tuple((Cell(label.replace(" ", SPACE)), *_values(label, values)) for label, values in kept),
    )


def _values(label: str, values: Sequence[str]) -> tuple[Cell, ...]:
    cells = []
    for value in values:
        alarming = label == "Limits exceeded" and value not in ("", "none")
        tone = Tone.ALARM if alarming else Tone.CAUTION if value == "NO" else Tone.PLAIN
        cells.append(Cell(value or ABSENT, numeric=True, wraps=label in WORDS, tone=tone))
    return tuple(cells)


def _decided_by(model: ModelResult) -> str:
    if model.binding is None:
        return ""
    return _BINDINGS.get(model.binding) or f"limit: {organ_of(model.binding)}"


def _together(total: ModelResult, parts: Sequence[ModelResult]) -> Table:
    """The plan's own model: each territory and the sum."""
    columns = [*parts, total]
    rows = [
        ("Administered activity (GBq)", [number(part.administered_gbq) for part in columns]),
        *(
            (
                f"{name(quantity.value)} (Gy)",
                ["" if d is None else number(d) for d in (part.doses_gy.of(quantity) for part in columns)],
            )
            for quantity in (Quantity.TUMOUR, Quantity.WHOLE_NORMAL, Quantity.LUNG)
        ),
    ]
    return Table(
        f"The plan over all territories, {model_words(total)}; doses are means, and liver that no "
        f"territory reaches counts as 0{SPACE}Gy",
        (Cell("Quantity"), *(Cell(part.territory, numeric=True) for part in columns)),
        tuple(
            (Cell(label), *(Cell(value or ABSENT, numeric=True) for value in values))
            for label, values in rows
            if any(values)
        ),
    )


def _lesions(plan: ActivityPlan, territory: str, *, several: bool) -> Table | None:
    """The mean dose of each lesion by every model that tells lesions apart."""
    if plan.chosen is None:
        return None
    models = [
        m for m in plan.models if m.territory == territory and m.doses_gy.lesions and tells_tumour_apart(m)
    ]
    if not models:
        return None
    bounds = _lesion_intervals(plan, territory)
    parts = parts_of(plan)
    labels = sorted({label for model in models for label in model.doses_gy.lesions}, key=_by_number)
    header = [
        f"{name(m.model)} (Gy)" + (", in the plan" if any(m is p or m == p for p in parts) else "")
        for m in models
    ]
    rows = []
    for label in labels:
        doses = [model.doses_gy.lesions.get(label) for model in models]
        cells = [Cell(ABSENT if dose is None else number(dose), numeric=True) for dose in doses]
        if bounds:
            cells.append(Cell(bounds.get(label, ABSENT), numeric=True))
        rows.append((Cell(label), *cells))
    columns = [*header, "95 % interval in the plan (Gy)"] if bounds else header
    where = f", {territory}" if several else ""
    return Table(
        f"Mean dose of each lesion{where}",
        (Cell("Lesion"), *(Cell(text, numeric=True) for text in columns)),
        tuple(rows),
    )


def _by_number(label: str) -> tuple[int, str]:
    return (len(label), label)


def _lesion_intervals(plan: ActivityPlan, territory: str) -> dict[str, str]:
    """The interval of each lesion's dose by its label, as text."""
    if plan.uncertainty is None:
        return {}
    return {
        value.name.removeprefix(
            "lesion "
        ).strip(): f"{number(value.interval[0])} to {number(value.interval[1])}"
        for value in plan.uncertainty.doses
        if value.territory == territory and value.name.startswith("lesion ")
    }
