"""The activity: models side by side, their doses, and each limit with the method it was derived with."""

from __future__ import annotations

from emboplan.model.results.activity import LimitCheck, ModelResult, Quantity
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.report.document import Block, Cell, Footnotes, Paragraph, Section, Table, Tone
from emboplan.report.wording import SPACE, apart, cited, exact, in_unit, interval, name, number, percent

DOSES = (Quantity.TUMOUR, Quantity.PERFUSED_NORMAL, Quantity.WHOLE_NORMAL, Quantity.PERFUSED, Quantity.LUNG)


def activity(plan: ActivityPlan) -> Section:
    """All models, what each gives, and what it exceeds."""
    lead = (
        f"Dose coefficient K = {exact(plan.k_gy_kg_per_gbq)}{SPACE}Gy{SPACE}kg/GBq. Activities are "
        "administered activities: what leaves the vial, without the residual."
    )
    chosen = plan.chosen
    if chosen is not None:
        lead += f" The plan takes the {_lower(name(chosen.model))} for {chosen.territory}"
        lead += f"; what decided it: {_lower(name(plan.binding))}." if plan.binding else "."
    blocks: list[Block] = [Paragraph(lead), _models(plan)]
    limits = [(model, limit) for model in plan.models for limit in model.limits]
    if limits:
        blocks.append(_limits(limits))
    else:
        blocks.append(Paragraph("No limit was set, and the catalogue offers none for this case."))
    if chosen is not None and chosen.doses_gy.lesions:
        blocks.append(_lesions(chosen))
    return Section("activity", "Activity", tuple(blocks))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _models(plan: ActivityPlan) -> Table:
    """One column for each model and territory, one row for each quantity."""
    columns = [f"{name(model.model)}, {model.territory}" for model in plan.models]
    rows = [
        ("Administered activity (GBq)", [number(model.administered_gbq) for model in plan.models]),
        (
            "Interval (GBq)",
            ["" if m.interval_gbq is None else interval(*m.interval_gbq, "").strip() for m in plan.models],
        ),
        (
            "Prepared activity (GBq)",
            ["" if m.prepared_gbq is None else number(m.prepared_gbq) for m in plan.models],
        ),
    ]
    for quantity in DOSES:
        doses = [model.doses_gy.of(quantity) for model in plan.models]
        rows.append(
            (f"{name(quantity.value)}, mean dose (Gy)", ["" if d is None else number(d) for d in doses])
        )
    rows += [
        ("Decided by", [name(model.binding) if model.binding else "" for model in plan.models]),
        (
            "Goal reached",
            [{True: "yes", False: "NO", None: "no goal"}[model.goal_met] for model in plan.models],
        ),
        ("Limits exceeded", [str(sum(limit.exceeded for limit in m.limits)) for m in plan.models]),
        (
            "In the plan",
            ["chosen" if model is plan.chosen or model == plan.chosen else "" for model in plan.models],
        ),
    ]
    kept = [(label, values) for label, values in rows if any(values)]
    return Table(
        "Models side by side",
        (Cell("Quantity"), *(Cell(text, numeric=True) for text in columns)),
        tuple(
            (Cell(label), *(Cell(value or "–", numeric=True) for value in values)) for label, values in kept
        ),
    )


def _limits(limits: list[tuple[ModelResult, LimitCheck]]) -> Table:
    notes = Footnotes()
    rows = []
    for model, limit in limits:
        (value, unit), (bound, _) = in_unit(limit.value, limit.unit), in_unit(limit.limit, limit.unit)
        shown, shown_bound = apart(value, bound)
        source = cited(limit.source, limit.status)
        rows.append(
            (
                Cell(name(limit.name), notes.number(source)),
                Cell(f"{name(model.model)}, {model.territory}"),
                Cell(f"{shown}{SPACE}{unit}", numeric=True),
                Cell(f"{'below ' if limit.below else ''}{shown_bound}{SPACE}{unit}", numeric=True),
                _outcome(limit),
                Cell(limit.derived_with or "not stated"),
            )
        )
    header = ("Limit", "Model", "Value", "Bound", "Result", "The limit was derived with")
    cells = tuple(Cell(text, numeric=text in ("Value", "Bound")) for text in header)
    return Table("Limits", cells, tuple(rows), notes.texts)


def _outcome(limit: LimitCheck) -> Cell:
    """Kept or exceeded, with the probability of exceeding where it is known."""
    word, tone = ("EXCEEDED", Tone.ALARM) if limit.exceeded else ("kept", Tone.GOOD)
    chance = "" if limit.probability is None else f" (chance to exceed {percent(limit.probability)})"
    return Cell(word + chance, tone=tone)


def _lesions(chosen: ModelResult) -> Table:
    doses = sorted(chosen.doses_gy.lesions.items(), key=lambda item: (len(item[0]), item[0]))
    return Table(
        f"Mean dose of each lesion, {_lower(name(chosen.model))}",
        (Cell("Lesion"), Cell("Mean dose (Gy)", numeric=True)),
        tuple((Cell(label), Cell(number(dose), numeric=True)) for label, dose in doses),
    )
