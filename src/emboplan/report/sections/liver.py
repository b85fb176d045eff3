"""Volumes, burden and lesions; and the protocol they were compared with."""

from __future__ import annotations

from emboplan.model.plan import AnatomySummary, Plan
from emboplan.model.results.burden import BORDERLINE, Burden, Lesion
from emboplan.model.results.eligibility import CriterionResult, CriterionStatus, Eligibility
from emboplan.report.document import Block, Cell, Footnotes, Paragraph, Section, Table, Tone
from emboplan.report.wording import MINUS, SPACE, interval, name, number, quantity, spaced

MILLIMETRES = "mm"
GIVEN = "given"  # the backend of contours that nobody drew here

_STATUS_WORDS = {
    CriterionStatus.PASS: ("pass", Tone.GOOD),
    CriterionStatus.FAIL: ("FAIL", Tone.ALARM),
    CriterionStatus.UNKNOWN: ("not known", Tone.CAUTION),
    CriterionStatus.CORRECTABLE: ("correctable", Tone.CAUTION),
    CriterionStatus.DEFERRED: ("deferred", Tone.CAUTION),
}
_ORDER = {
    status: place
    for place, status in enumerate(
        (
            CriterionStatus.FAIL,
            CriterionStatus.CORRECTABLE,
            CriterionStatus.UNKNOWN,
            CriterionStatus.DEFERRED,
            CriterionStatus.PASS,
        )
    )
}
_OPERATORS = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "="}


def anatomy(plan: Plan) -> Section:
    """The liver, the burden and each lesion."""
    summary, burden = plan.anatomy, plan.burden
    nx, ny, nz = summary.ct_size_voxels
    spacing = " × ".join(number(d) for d in summary.ct_spacing_mm)
    confirmed = (
        f"confirmed by {summary.confirmed_by}" if summary.confirmed_by else "not confirmed by a reader"
    )
    text = (
        f"Measured on a CT of {nx} × {ny} × {nz} voxels of {spacing}{SPACE}mm. Contours: "
        f"{drawn_by(summary)}, {confirmed}. {_steps(summary)}{_ranges(burden)}"
    )
    blocks: list[Block] = [Paragraph(text), _volumes(burden, lungs_complete=summary.lungs_complete)]
    blocks += [Paragraph(spaced(it.text)) for it in burden.findings if it.id == BORDERLINE]
    if burden.lesions:
        blocks.append(_lesions(burden))
    else:
        blocks.append(Paragraph("No lesion was found in the liver, or given."))
    return Section("anatomy", "Anatomy and tumour burden", tuple(blocks))


def _ranges(burden: Burden) -> str:
    """What the ranges mean: a reader's contours half a voxel off, or what a program's contours may miss."""
    if not burden.provisional or burden.backend == GIVEN:
        return "Ranges say how far a volume moves when its contour is off by half a voxel."
    return (
        "Ranges of what a program drew are 95 % intervals calibrated on digital patients, not on people; "
        "those of given contours say how far a volume moves when its contour is off by half a voxel."
    )


def drawn_by(summary: AnatomySummary) -> str:
    """Who drew the contours, in which version and under which licence."""
    known = [part for part in (summary.backend_version, summary.backend_licence) if part]
    if "+" in summary.backend:  # version and licence say whose they are
        return name(summary.backend) + (f" ({'; '.join(known)})" if known else "")
    version = f" {summary.backend_version}" if summary.backend_version else ""
    return (
        name(summary.backend) + version + (f" ({summary.backend_licence})" if summary.backend_licence else "")
    )


def _steps(summary: AnatomySummary) -> str:
    """What was done to the contours after they were drawn."""
    later = [step for step in summary.history if not step.startswith(("liver", "lesions"))]
    return f"Steps: {'; '.join(later)}. " if later else ""


def _volumes(burden: Burden, *, lungs_complete: bool) -> Table:
    rows = [
        (
            "Liver, tumours included",
            quantity(burden.liver_ml, "mL"),
            interval(*burden.liver_ml_interval, "mL"),
        ),
        ("Tumour", quantity(burden.tumour_ml, "mL"), interval(*burden.tumour_ml_interval, "mL")),
    ]
    if burden.viable_tumour_ml is not None:
        rows.append(("Viable tumour", quantity(burden.viable_tumour_ml, "mL"), ""))
    rows.append(
        ("Tumour burden", quantity(burden.burden_pct, "%"), interval(*burden.burden_pct_interval, "%"))
    )
    largest = burden.largest_lesion_mm
    rows.append(
        ("Largest lesion, longest diameter", "no lesion" if largest is None else quantity(largest, "mm"), "")
    )
    if burden.lung_ml is not None:
        rows.append(("Lungs", quantity(burden.lung_ml, "mL"), ""))
        rows.append(("Lung mass from CT density", quantity(burden.lung_mass_g, "g"), ""))
    elif not lungs_complete:
        rows.append(("Lungs", "not measured", "the field of view does not hold the whole lungs"))
    return Table(
        "Volumes",
        (Cell("Quantity"), Cell("Value", numeric=True), Cell("Range")),
        tuple((Cell(label), Cell(value, numeric=True), Cell(extent)) for label, value, extent in rows),
    )


def _lesions(burden: Burden) -> Table:
    header: tuple[str, ...] = (
        "Lesion",
        "Volume (mL)",
        "Range (mL)",
        "Longest (mm)",
        "Perpendicular (mm)",
        "Mean CT number (HU)",
    )
    told = any(lesion.viable_ml is not None for lesion in burden.lesions)
    if told:
        header += ("Viable (mL)", "Viable longest (mm)", "Viable perpendicular (mm)", "Enhancement (HU)")
    rows = [
        (
            Cell(str(lesion.label)),
            Cell(number(lesion.volume_ml), numeric=True),
            Cell(
                f"{number(lesion.volume_ml_interval[0])} to {number(lesion.volume_ml_interval[1])}",
                numeric=True,
            ),
            Cell(number(lesion.longest_mm), numeric=True),
            Cell(number(lesion.perpendicular_mm), numeric=True),
            Cell("" if lesion.mean_hu is None else number(lesion.mean_hu), numeric=True),
            *(_viable(lesion) if told else ()),
            Cell(f"{lesion.slice_mm:.1f}".replace("-", MINUS), numeric=True),
        )
        for lesion in burden.lesions
    ]
    caption = "Lesions; both diameters on one slice"
    if told:
        caption += ". Enhancement: CT number of the viable part less that of liver without lesions"
    return Table(
        caption,
        (
            *(Cell(text, numeric=n > 0) for n, text in enumerate(header)),
            Cell("Slice at z (mm)", numeric=True),
        ),
        tuple(rows),
    )


def _viable(lesion: Lesion) -> tuple[Cell, ...]:
    """The viable part's volume, diameters and CT number above the liver's."""
    values = (lesion.viable_ml, lesion.viable_longest_mm, lesion.viable_perpendicular_mm)
    enhancement = "" if lesion.enhancement_hu is None else f"{lesion.enhancement_hu:+.0f}"
    return (
        *(Cell("" if value is None else number(value), numeric=True) for value in values),
        Cell(enhancement.replace("-", MINUS), numeric=True),
    )


def _signs(limit: str) -> str:
    """Comparisons inside a limit of several parts, as printed."""
    for written, printed in _OPERATORS.items():
        limit = limit.replace(f" {written} ", f" {printed} ")
    return limit


def _measured(criterion: CriterionResult) -> str:
    """What was measured, and what it was compared as where the unit differs; in one unit, as compared."""
    measured, compared = criterion.measured or "not known", criterion.compared or ""
    if not compared or compared == measured:
        return measured
    same_unit = measured.partition(" ")[2] == compared.partition(" ")[2]
    return compared if same_unit else f"{measured} ({compared})"


def criteria_table(result: Eligibility, caption: str, header: tuple[str, str]) -> Table:
    """Each criterion with what was measured, the open ones first; `header` names the first two columns."""
    notes = Footnotes()
    rows = []
    for criterion in sorted(result.criteria, key=lambda c: _ORDER[c.status]):
        word, tone = _STATUS_WORDS[criterion.status]
        operator = _OPERATORS.get(criterion.operator or "", criterion.operator or "")
        limit = f"{operator} {criterion.limit}".strip() if criterion.limit else ""
        rows.append(
            (
                Cell(criterion.id),
                Cell(criterion.text, notes.number(criterion.source)),
                Cell(spaced(_signs(limit))),
                Cell(spaced(_measured(criterion))),
                Cell(word, tone=tone),
            )
        )
    columns = (*header, "Limit", "Measured", "Status")
    return Table(caption, tuple(Cell(text) for text in columns), tuple(rows), notes.texts)


def eligibility(result: Eligibility) -> Section:
    """The protocol's verdict and each criterion, the open ones first."""
    table = criteria_table(result, "Criteria, the open ones first", ("Criterion", "Sentence of the protocol"))
    stage = name(result.stage)
    sentences = [f"Protocol {result.protocol}, {stage}: {result.verdict.value}."]
    if result.missing:
        sentences.append(f"Facts that would settle it: {spaced(', '.join(result.missing))}.")
    if not result.source_complete:
        sentences.append("The published criteria of this protocol are incomplete.")
    sentences += [spaced(flag.text) for flag in result.flags if flag.id != "source-incomplete"]
    return Section("eligibility", "Eligibility", (Paragraph(" ".join(sentences)), table))
