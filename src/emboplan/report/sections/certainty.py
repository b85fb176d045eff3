"""How sure the doses are: intervals by two methods, the chance to exceed each limit, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence

from emboplan.dosimetry.prescribing.uncertainty_inputs import KINDS
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.prescription import PlanUncertainty, UncertainValue
from emboplan.report.budget import BUDGET
from emboplan.report.document import Block, Bullets, Cell, Figure, Footnotes, Paragraph, Section, Table
from emboplan.report.figures import Picture
from emboplan.report.wording import ABSENT, SPACE, chance, cited, name, number, percent

LESION = "lesion "  # doses of single lesions stand with the lesions
ABSOLUTE = "_abs"  # inputs that are fractions: their uncertainty is in percentage points
UNCONFIRMED = "to-confirm"
NOT_IN_IT = (
    "Not in the intervals: densities, the dose coefficient, uptake that is not uniform within a "
    "compartment, and a catheter that sits elsewhere than in the simulation."
)


def certainty(plan: ActivityPlan, pictures: Sequence[Picture] = ()) -> Section | None:
    """Doses with their intervals; None where no uncertainty was measured or stated."""
    sure = plan.uncertainty
    if sure is None:
        return None
    words = "agree" if sure.agree else "DIFFER"
    text = (
        "Standard uncertainties of the inputs, propagated by first order and by sampling "
        f"({sure.samples} draws, seed {sure.seed}); the two methods {words}. Intervals are 95{SPACE}%."
    )
    blocks: list[Block] = [Paragraph(text), _doses(sure.doses)]
    if sure.risks:
        blocks.append(_risks(sure))
    blocks += [Figure(picture) for picture in pictures if picture.name == BUDGET]
    if sure.inputs:
        blocks.append(_inputs(sure))
    left_out = tuple(finding.text for finding in sure.findings)
    blocks.append(Bullets("What the intervals do not hold", (*left_out, NOT_IN_IT)))
    return Section("certainty", "How sure the doses are", tuple(blocks))


def _doses(values: Sequence[UncertainValue]) -> Table:
    rows = tuple(
        (
            Cell(name(value.name)),
            Cell(value.territory),
            Cell(f"{number(value.value)}{SPACE}{value.unit}", numeric=True),
            Cell(f"± {number(value.standard_uncertainty, 2)}{SPACE}{value.unit}", numeric=True),
            Cell(_bounds(value.interval, value.unit), numeric=True),
            Cell(_bounds(value.sampled_interval, value.unit), numeric=True),
        )
        for value in values
        if not value.name.startswith(LESION)
    )
    header = ("Mean dose", "Territory", "Value", "Standard", "95 %, first order", "95 %, sampled")
    return Table(
        "Doses with their intervals",
        tuple(Cell(text, numeric=place > 1) for place, text in enumerate(header)),
        rows,
    )


def _bounds(bounds: tuple[float, float] | None, unit: str) -> str:
    return ABSENT if bounds is None else f"{number(bounds[0])} to {number(bounds[1])}{SPACE}{unit}"


def _risks(sure: PlanUncertainty) -> Table:
    return Table(
        "Chance that a limit is exceeded",
        (
            Cell("Limit"),
            Cell("Territory"),
            Cell("First order", numeric=True),
            Cell("Sampled", numeric=True),
        ),
        tuple(
            (
                Cell(name(risk.limit)),
                Cell(risk.territory),
                Cell(chance(risk.probability), numeric=True),
                Cell(chance(risk.sampled_probability), numeric=True),
            )
            for risk in sure.risks
        ),
    )


def _source(text: str) -> str:
    """Where an input comes from; a status that stands at the end of the text is put in words."""
    plain = text.removesuffix(f", {UNCONFIRMED}")
    return cited(plain, UNCONFIRMED) if plain != text else text


def _inputs(sure: PlanUncertainty) -> Table:
    """Inputs by kind; lesions and territories of one kind in one row."""
    notes = Footnotes()
    kinds: dict[str, list[float]] = {}
    for key, size in sure.inputs.items():
        kinds.setdefault(key.partition(":")[0], []).append(size)
    rows = []
    for kind, sizes in kinds.items():
        unit = "percentage points" if kind.endswith(ABSOLUTE) else "%"
        low, high = (percent(size, 2).removesuffix(f"{SPACE}%") for size in (min(sizes), max(sizes)))
        shown = f"{low} to {high}" if low != high else low
        label = name(KINDS.get(kind, kind))
        mark = notes.number(_source(sure.sources.get(kind, "")))
        rows.append((Cell(label, mark), Cell(f"{shown}{SPACE}{unit}", numeric=True)))
    return Table(
        "Standard uncertainties that went in",
        (Cell("Input"), Cell("Standard uncertainty", numeric=True)),
        tuple(rows),
        notes.texts,
    )
