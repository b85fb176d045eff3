"""Vials and days: which vial, calibrated when, gives what on which day, and the one that was chosen.

The table is a picture in words: a row for each day, a column for each size of vial. Every cell says in words
what its colour says. Days on which nothing can be used are left out; all rows are in plan.json.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from emboplan.model.results.activity import Quantity
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.prescription import VialAlternative
from emboplan.report.document import Block, Cell, Footnotes, Paragraph, Section, Table, Tone
from emboplan.report.moments import clock, day, hours_between, moment_text
from emboplan.report.sections.chosen_vial import chosen_blocks, not_taken
from emboplan.report.wording import SPACE, count, exact, mid, name, number

MOST_COLUMNS = 8  # beside the day, at a legible size across an A4 page
MOST_ROWS = 14  # two such tables stand on one page

# What a limit is on, in as few words as a cell holds; the footnote names the limit in full.
_SHORT = {
    Quantity.LUNG: "lungs",
    Quantity.LUNG_ACTIVITY: "lung activity",
    Quantity.LUNG_SHUNT: "lung shunt",
    Quantity.WHOLE_NORMAL: "whole normal",
    Quantity.PERFUSED_NORMAL: "perfused normal",
}
OTHER = "limit"

Sizes = tuple[float, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Words:
    """Each limit in a word or two, and the territories whose plan does not take the marked vial."""

    short: Mapping[str, str]
    not_taken: frozenset[str]

    def picked(self, row: VialAlternative) -> str:
        """The word on the marked cell: chosen by the plan, or only the best of the vials."""
        return "BEST FIT" if row.territory in self.not_taken else "CHOSEN"


def vials(plan: ActivityPlan) -> Section | None:
    """The tables of vials and days with the chosen row in full; None where the plan has none."""
    if not plan.vials:
        return None
    blocks: list[Block] = [Paragraph(_lead(plan.vials))]
    words = _Words(_short_names(plan), frozenset(row.territory for row in not_taken(plan)))
    groups: dict[tuple[str, datetime], list[VialAlternative]] = {}
    for row in plan.vials:
        groups.setdefault((row.territory, row.calibration_time), []).append(row)
    for (territory, calibration), rows in groups.items():
        blocks += _group(territory, calibration, rows, words)
    blocks += chosen_blocks(plan)
    return Section("vials", "Vials and days", tuple(blocks), new_page=True)


def _lead(rows: Sequence[VialAlternative]) -> str:
    structures = [_dose(row)[0] for row in rows if row.doses_gy is not None]
    dose = " and ".join(dict.fromkeys(text for text in structures if text))
    shown = f", then the mean dose of the {dose}" if dose else ""
    return (
        f"Each cell gives what reaches the patient (GBq administered){shown}, and what follows: fits (every "
        "limit is kept and every goal is met), below goal, exceeds (with the limit), or not usable. The "
        "other territories keep the plan's activity. Days are those of the clinic's clock."
    )


def _short_names(plan: ActivityPlan) -> Mapping[str, str]:
    """Each limit of the plan in a word or two."""
    models = [*plan.models, *([plan.chosen] if plan.chosen else [])]
    return {limit.name: _SHORT.get(limit.quantity, OTHER) for model in models for limit in model.limits}


def _group(
    territory: str, calibration: datetime, rows: Sequence[VialAlternative], words: _Words
) -> Iterator[Block]:
    """The tables of one territory and one calibration."""
    usable = [row for row in rows if row.usable or row.chosen]
    calibrated = moment_text(calibration)
    if not usable:
        reasons = "; ".join(dict.fromkeys(row.reason for row in rows if row.reason)) or "no reason given"
        yield Paragraph(f"{territory}: no vial calibrated {calibrated} can be used ({reasons}).")
        return
    sizes = sorted({row.label_gbq for row in rows}, key=lambda labels: (len(labels), labels))
    shown = _worth_showing(sizes, usable)
    moments = sorted({row.treatment_time for row in usable})
    cells = {(row.treatment_time, row.label_gbq): row for row in rows}
    device = dict.fromkeys(row.device for row in rows)
    caption = f"{territory}: {', '.join(map(name, device))}, calibrated {calibrated}"
    column_parts, row_parts = _even(shown, MOST_COLUMNS), _even(moments, MOST_ROWS)
    tables = [(columns, days) for columns in column_parts for days in row_parts]
    for place, (columns, days) in enumerate(tables, 1):
        part = f" (part {place} of {len(tables)})" if len(tables) > 1 else ""
        yield _matrix(caption + part, calibration, columns, days, cells, words)
    if len(shown) < len(sizes):
        left_out = count(len(sizes) - len(shown), "further size")
        day_of_plan = "the chosen day" if any(row.chosen for row in rows) else "any day"
        yield Paragraph(
            f"{territory}: {left_out} that would not serve the plan on {day_of_plan} are left out here; "
            "plan.json has them."
        )


def _worth_showing(sizes: Sequence[Sizes], usable: Sequence[VialAlternative]) -> list[Sizes]:
    """All sizes where they fit one table, else those that serve the plan, on the chosen day if any."""
    if len(sizes) <= MOST_COLUMNS:
        return list(sizes)
    chosen = {row.label_gbq for row in usable if row.chosen}
    days = {row.treatment_time for row in usable if row.chosen}
    keeping = [row for row in usable if row.kept and (not days or row.treatment_time in days)]
    fitting = {row.label_gbq for row in keeping if row.goals_met is not False}
    kept = (fitting or {row.label_gbq for row in keeping}) | chosen
    return [size for size in sizes if size in kept] if kept else list(sizes)


def _even(items: Sequence[T], most: int) -> list[Sequence[T]]:
    """The items in order, in as few and as equal parts of at most so many as there can be."""
    parts = -(-len(items) // most)
    edges = [len(items) * place // parts for place in range(parts + 1)]
    return [items[start:end] for start, end in pairwise(edges)]


def _matrix(
    caption: str,
    calibration: datetime,
    sizes: Sequence[Sizes],
    moments: Sequence[datetime],
    cells: Mapping[tuple[datetime, Sizes], VialAlternative],
    words: _Words,
) -> Table:
    notes = Footnotes()
    header = [Cell("Treatment")]
    header += [Cell(" + ".join(exact(label) for label in labels) + f"{SPACE}GBq") for labels in sizes]
    rows = []
    for moment in moments:
        hours = hours_between(calibration, moment)
        when = f"{day(moment)}\n{clock(moment)}\n{number(hours)}{SPACE}h"
        row = [Cell(when)]
        row += [_cell(cells.get((moment, labels)), notes, words) for labels in sizes]
        rows.append(tuple(row))
    return Table(caption, tuple(header), tuple(rows), notes.texts, matrix=True)


def _cell(row: VialAlternative | None, notes: Footnotes, words: _Words) -> Cell:
    if row is None:
        return Cell("–", tone=Tone.MUTED)
    if not row.usable:
        text = f"{words.picked(row)}, not usable" if row.chosen else "not usable"
        return Cell(text, notes.number(row.reason), Tone.MUTED, picked=row.chosen)
    lines = [words.picked(row)] if row.chosen else []
    lines += [] if row.administered_gbq is None else [f"{number(row.administered_gbq)}{SPACE}GBq"]
    dose = _dose(row)[1]
    lines += [] if dose is None else [f"{number(dose)}{SPACE}Gy"]
    mark, tone, note = _mark(row, words.short)
    lines += [mark] if mark else []
    return Cell("\n".join(lines), notes.number(note), tone, picked=row.chosen)


def _dose(row: VialAlternative) -> tuple[str, float | None]:
    """The dose that a cell shows and what it is of: the tumour, else the perfused volume."""
    doses = row.doses_gy
    if doses is None:
        return "", None
    if doses.tumour is not None:
        return "tumour", doses.tumour
    return ("perfused volume", doses.perfused) if doses.perfused is not None else ("", None)


def _mark(row: VialAlternative, short: Mapping[str, str]) -> tuple[str, Tone, str]:
    """The word, the tone and the footnote of a usable cell."""
    if row.exceeded or row.kept is False:
        named = ", ".join(dict.fromkeys(short.get(limit, mid(name(limit))) for limit in row.exceeded))
        note = f"Exceeds: {'; '.join(map(name, row.exceeded))}." if row.exceeded else ""
        goal = "" if row.goals_met is not False else "; below goal"
        return f"exceeds {named or 'a limit'}{goal}", Tone.ALARM, note
    if row.goals_met is False:
        return "below goal", Tone.CAUTION, ""
    return ("fits", Tone.GOOD, "") if row.kept else ("", Tone.PLAIN, "")
