"""The voxel dose with its histogram, and the pictures."""

from __future__ import annotations

from collections.abc import Sequence

from emboplan.model.plan import DoseSummary
from emboplan.report.budget import BUDGET
from emboplan.report.document import Block, Cell, Figure, Footnotes, Paragraph, Section, Table
from emboplan.report.dose_lines import DOSE_LINES
from emboplan.report.figures import Picture
from emboplan.report.wording import SPACE, name, number, percent, quantity

HISTOGRAM = "dvh.svg"
ELSEWHERE = (HISTOGRAM, DOSE_LINES, BUDGET)


def dose(summary: DoseSummary, pictures: Sequence[Picture]) -> Section:
    """Method, metrics and histogram of the voxel dose."""
    spacing = " × ".join(number(d) for d in summary.voxel_spacing_mm)
    text = (
        f"Method: {name(summary.method)}, on voxels of {spacing}{SPACE}mm, for "
        f"{quantity(summary.administered_gbq, 'GBq')} administered. "
        f"{percent(summary.counts_outside_frac)} of the image's counts lie outside the "
        "treated volume and the lungs."
    )
    if summary.image_resolution_fwhm_mm is not None:
        text += (
            f" The image resolves {quantity(summary.image_resolution_fwhm_mm, 'mm')} (full width at half "
            "maximum): doses of structures below twice that are blurred into their surroundings."
        )
    blocks: list[Block] = [
        Paragraph(text),
        *_ways(summary),
        *(Figure(p) for p in pictures if p.name == HISTOGRAM),
        _metrics(summary),
        *_accuracy(summary),
    ]
    return Section("dose", "Absorbed dose", tuple(blocks))


def _ways(summary: DoseSummary) -> tuple[Paragraph, ...]:
    """How much of the activity was transported, and to which error."""
    if summary.relative_error is None:
        return ()
    met = "was met" if summary.reached else "was not met"
    text = (
        f"{percent(summary.transported_frac)} of the activity was transported ({summary.histories:,} "
        f"electrons), {percent(summary.convolved_frac)} convolved. A standard error of "
        f"{percent(summary.relative_error)} of the mean dose of normal liver and of each lesion from "
        f"1{SPACE}mL on {met}."
    )
    return (Paragraph(text),)


def _accuracy(summary: DoseSummary) -> tuple[Table, ...]:
    """What registration, resolution and shunt do to the mean doses."""
    if not summary.image_accuracy:
        return ()
    header = ("Structure", "All (%)", "Registration (%)", "Resolution (%)", "Lung shunt (%)")
    rows = []
    for one in summary.image_accuracy:
        parts = (one.registration_relative_sd, one.resolution_relative_sd, one.shunt_relative_sd)
        values = (one.relative_sd, *parts)
        rows.append(
            (
                Cell(one.name),
                *(
                    Cell("–" if v is None else percent(v, 2).removesuffix(f"{SPACE}%"), numeric=True)
                    for v in values
                ),
            )
        )
    return (
        Table(
            "Relative standard uncertainty of mean doses that comes from the images",
            tuple(Cell(text, numeric=n > 0) for n, text in enumerate(header)),
            tuple(rows),
        ),
    )


def _metrics(summary: DoseSummary) -> Table:
    notes = Footnotes()
    small = "smaller than twice the image's resolution: the dose is not quantifiable"
    has_geud = any(s.geud_gy is not None for s in summary.structures)
    header = [
        "Structure",
        "Volume (mL)",
        "Mean (Gy)",
        "D95 (Gy)",
        "D70 (Gy)",
        "D50 (Gy)",
        "V50 (%)",
        "Min (Gy)",
        "Max (Gy)",
    ]
    rows = []
    for s in summary.structures:
        mean = number(s.mean_gy)
        if s.mean_gy_standard_error:
            mean += f" ± {number(s.mean_gy_standard_error, 2)}"
        values = [
            number(s.volume_ml),
            mean,
            *(number(v) for v in (s.d95_gy, s.d70_gy, s.d50_gy)),
            percent(s.v50_frac).removesuffix(f"{SPACE}%"),
            number(s.min_gy),
            number(s.max_gy),
        ]
        if has_geud:
            values.append("–" if s.geud_gy is None else number(s.geud_gy))
        mark = () if s.quantifiable else notes.number(small)
        rows.append((Cell(s.name, mark), *(Cell(value, numeric=True) for value in values)))
    if has_geud:
        header.append("gEUD (Gy)")
    return Table(
        "Dose metrics. D95: dose that the best-dosed 95 % receive at least; V50: share with 50 Gy or more",
        tuple(Cell(text, numeric=n > 0) for n, text in enumerate(header)),
        tuple(rows),
        notes.texts,
    )


def images(pictures: Sequence[Picture]) -> Section | None:
    """All pictures that no other section shows; None where there are none."""
    figures = tuple(Figure(picture) for picture in pictures if picture.name not in ELSEWHERE)
    return Section("images", "Images", figures, new_page=True) if figures else None
