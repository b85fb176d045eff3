"""Before the vial: the device label, the liver's function, the untreated remnant, and uptake elsewhere.

None of these decides an activity. Each is something that a physician weighs before one is given.
"""

from __future__ import annotations

from collections.abc import Iterator

from emboplan.model.plan import Plan
from emboplan.model.results.eligibility import CriterionStatus, Eligibility
from emboplan.model.results.extrahepatic import ExtrahepaticUptake, HotRegion
from emboplan.model.results.liver_function import LiverFunction, RemnantSummary
from emboplan.report.document import Block, Cell, Footnotes, Paragraph, Section, Table
from emboplan.report.sections.liver import criteria_table
from emboplan.report.wording import (
    CONFIRMED,
    MINUS,
    SPACE,
    TO_CONFIRM,
    cited,
    count,
    name,
    number,
    percent,
    quantity,
    spaced,
)


def readiness(plan: Plan) -> Section | None:
    """What stands beside the activity; None where the plan has none of it."""
    blocks: list[Block] = []
    if plan.device_label is not None:
        blocks += _label(plan.device_label)
    if plan.liver_function is not None:
        blocks += _function(plan.liver_function)
    if plan.extrahepatic is not None:
        blocks += _elsewhere(plan.extrahepatic)
    if not blocks:
        return None
    if plan.liver_function is None:
        blocks.append(
            Paragraph("Liver function: no laboratory values were entered, so that no score is shown.")
        )
    radioembolizes = plan.loading is None
    if plan.extrahepatic is None and radioembolizes:
        blocks.append(
            Paragraph(
                "Uptake outside liver and lungs: there is no SPECT of the simulation in this plan, so that "
                "it was not looked for. The simulation images must be read for it."
            )
        )
    return Section("readiness", "Before the vial" if radioembolizes else "Liver function", tuple(blocks))


def unknown_points(label: Eligibility) -> int:
    """How many points of a label could not be told."""
    return sum(criterion.status is CriterionStatus.UNKNOWN for criterion in label.criteria)


def _label(label: Eligibility) -> Iterator[Block]:
    failed = sum(criterion.status is CriterionStatus.FAIL for criterion in label.criteria)
    unknown = unknown_points(label)
    points = (
        f"Device label {label.protocol}: {count(len(label.criteria), 'point')}, {failed} outside the "
        f"labelling, {unknown} not known."
    )
    sentences = [points]
    if failed:
        sentences.append("What is outside the labelling needs a physician's decision.")
    if label.missing:
        sentences.append(f"Facts that would tell: {spaced(', '.join(label.missing))}.")
    sentences += [spaced(flag.text) for flag in label.flags]
    yield Paragraph(" ".join(sentences))
    if label.criteria:
        yield criteria_table(label, "Device label, the open points first", ("Point", "Sentence of the label"))


def _function(function: LiverFunction) -> Iterator[Block]:
    notes = Footnotes()
    albi = "not known" if function.albi_score is None else number(function.albi_score)
    grade = "" if function.albi_grade is None else f"grade {function.albi_grade}"
    points = "not known" if function.child_pugh_points is None else f"{function.child_pugh_points} points"
    group = "" if function.child_pugh_class is None else f"class {function.child_pugh_class}"
    items = ", ".join(f"{spaced(item)} {given}" for item, given in function.child_pugh_items)
    rows = (
        (
            Cell("ALBI", notes.number(cited(function.albi_source))),
            Cell(", ".join(part for part in (albi, grade) if part)),
            Cell(""),
            Cell(spaced(", ".join(function.albi_missing)) or "nothing"),
        ),
        (
            Cell("Child-Pugh", notes.number(_score_source(function))),
            Cell(", ".join(part for part in (points, group) if part)),
            Cell(items),
            Cell(spaced(", ".join(function.child_pugh_missing)) or "nothing"),
        ),
    )
    header = tuple(Cell(text) for text in ("Score", "Result", "Points of each item", "Missing"))
    yield Table("Liver function", header, rows, notes.texts)
    yield Paragraph(
        "Both scores were made for cirrhosis and hepatocellular carcinoma. They describe the liver; they "
        "are no dose limit."
    )
    if function.remnant is not None:
        yield _remnant(function.remnant)


def _score_source(function: LiverFunction) -> str:
    """The source of the Child-Pugh table; no package insert holds it."""
    bare = function.child_pugh_source.replace(f"; {TO_CONFIRM}", "")
    return bare if function.child_pugh_status == CONFIRMED else f"{bare}; to be confirmed"


def _remnant(remnant: RemnantSummary) -> Table:
    notes = Footnotes()
    mark = notes.number(cited(f"{remnant.source} ({remnant.formula})", remnant.status))
    rows = [
        (Cell("Volume"), Cell(quantity(remnant.volume_ml, "mL"), numeric=True)),
        (Cell("Share of the liver less its tumours"), Cell(percent(remnant.share_frac), numeric=True)),
        (
            Cell("Share of the expected liver volume (standardised)", mark),
            Cell(
                "needs height and weight"
                if remnant.standardised_share_frac is None
                else percent(remnant.standardised_share_frac),
                numeric=True,
            ),
        ),
    ]
    if remnant.expected_liver_ml is not None:
        rows.append(
            (
                Cell("Expected liver volume", mark),
                Cell(quantity(remnant.expected_liver_ml, "mL"), numeric=True),
            )
        )
    if remnant.ml_per_kg is not None:
        rows.append(
            (Cell("Volume over body weight"), Cell(quantity(remnant.ml_per_kg, "mL/kg"), numeric=True))
        )
    return Table(
        "Liver that no territory reaches (future liver remnant)",
        (Cell("Quantity"), Cell("Value", numeric=True)),
        tuple(rows),
        notes.texts,
    )


def _elsewhere(uptake: ExtrahepaticUptake) -> Iterator[Block]:
    threshold = uptake.threshold_to_normal_liver
    seen = (
        "how dense uptake had to be for that is not known"
        if threshold is None
        else f"uptake of {number(threshold, 2)} times the density of normal liver or more is found"
    )
    fwhm = uptake.resolution_fwhm_mm
    resolution = "not known" if fwhm is None else quantity(fwhm, "mm", 2)
    searched = (
        f"{quantity(uptake.searched_ml, 'mL')} were searched; {seen}; nothing is found within "
        f"{quantity(uptake.margin_mm, 'mm', 2)} of liver and lungs, where stomach, duodenum and gallbladder "
        f"lie. Resolution: {resolution}."
    )
    if not uptake.regions:
        yield Paragraph(
            f"Uptake outside liver and lungs: no region was found. {searched} This does not clear the scan: "
            "a physician must read it."
        )
        return
    total = percent(uptake.share_of_total_frac, 2)
    yield Paragraph(
        f"Uptake outside liver and lungs: {count(len(uptake.regions), 'region')} with {total} of all "
        f"counts. A physician must say what each is and clear it before treatment. {searched}"
    )
    notes = Footnotes()
    header = (
        "Region", "Volume (mL)", "Share of counts", "Peak, times normal liver", "x, y, z (mm)",
        "From the liver (mm)",
    )  # fmt: skip
    yield Table(
        "Regions of uptake outside liver and lungs; x to the patient's left, y to the back, z to the head",
        tuple(Cell(text, numeric=place > 0) for place, text in enumerate(header)),
        tuple(_region(region, notes) for region in uptake.regions),
        notes.texts,
    )


def _region(region: HotRegion, notes: Footnotes) -> tuple[Cell, ...]:
    mark = "reaches the margin that was not searched: part of it may lie there, and it may be spill"
    place = ", ".join(f"{value:.0f}".replace("-", MINUS) for value in region.centroid_mm)
    peak = region.peak_to_normal_liver
    return (
        Cell(name(str(region.label)), notes.number(mark if region.at_margin else "")),
        Cell(number(region.volume_ml), numeric=True),
        Cell(percent(region.share_of_total_frac, 2), numeric=True),
        Cell("not known" if peak is None else number(peak, 2), numeric=True),
        Cell(place.replace(" ", SPACE), numeric=True),
        Cell(number(region.distance_to_liver_mm, 2), numeric=True),
    )
