"""Mean doses as BED and EQD2, with the parameters that they stand and fall with."""

from __future__ import annotations

from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.report.document import Cell, Footnotes, Paragraph, Section, Table
from emboplan.report.wording import cited, exact, name, number


def biology(plan: ActivityPlan) -> Section | None:
    """The table of BED and EQD2; None where none was computed."""
    if not plan.biological:
        return None
    notes = Footnotes()
    rows = tuple(
        (
            Cell(name(each.structure), notes.number(cited(each.source, each.status))),
            Cell(each.territory),
            Cell(number(each.dose_gy), numeric=True),
            Cell(number(each.bed_gy), numeric=True),
            Cell(number(each.eqd2_gy), numeric=True),
            Cell(exact(each.alpha_beta_gy), numeric=True),
            Cell(exact(each.repair_half_time_h), numeric=True),
        )
        for each in plan.biological
    )
    header = (
        "Structure", "Territory", "Mean dose (Gy)", "BED (Gy)", "EQD2 (Gy)", "α/β (Gy)",
        "Repair half-time (h)",
    )  # fmt: skip
    text = (
        "Exponential decay with repair. The mean dose stands for a uniform one: the BED of a mean is not the "
        "mean BED of a dose that varies. Absorbed doses of several injections add; their BED is that of each "
        "injection alone, so that every territory stands by itself. No limit of this report is a BED."
    )
    table = Table(
        "Biologically effective dose (BED) and the same as fractions of 2 Gy (EQD2)",
        tuple(Cell(label, numeric=place > 1) for place, label in enumerate(header)),
        rows,
        notes.texts,
    )
    return Section("biology", "Biologically effective dose", (Paragraph(text), table))
