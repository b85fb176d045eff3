"""The chosen vial of each territory in full: what to order, when it is calibrated, and what it holds then."""

from __future__ import annotations

from collections.abc import Callable

from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.prescription import VialAlternative
from emboplan.report.document import Block, Cell, Paragraph, Table, Tone
from emboplan.report.moments import hours_between, moment_text
from emboplan.report.sections.plan_words import chosen_vials, parts_of, takes_vial
from emboplan.report.wording import SPACE, exact, interval, mid, name, number, percent, quantity

MILLION = 1e6  # a unit that numbers of spheres are told in

Line = tuple[str, Callable[[VialAlternative], str]]


def chosen_blocks(plan: ActivityPlan) -> list[Block]:
    """A column for each territory's vial; or that none is chosen."""
    rows = chosen_vials(plan)
    if not rows:
        return [Paragraph("No vial is chosen: the table shows what each would give.")]
    parts = {part.territory: part for part in parts_of(plan)}
    apart = not_taken(plan)
    table = Table(
        f"{BEST_FIT if len(apart) == len(rows) else CHOSEN}, in full",
        (Cell("Item"), *(Cell(row.territory) for row in rows)),
        tuple(
            (
                Cell(label),
                *(Cell(text, tone=_tone(label, row)) for text, row in zip(texts, rows, strict=True)),
            )
            for label, texts in ((label, [say(row) for row in rows]) for label, say in _LINES)
            if any(texts)
        ),
    )
    blocks: list[Block] = [table]
    for row in apart:
        own = parts[row.territory].administered_gbq
        blocks.append(
            Paragraph(
                f"{row.territory}: the plan is for {quantity(own, 'GBq')} and does not take this vial; it is "
                f"the one that would serve the plan best, with {quantity(row.administered_gbq, 'GBq')}."
            )
        )
    return blocks


def not_taken(plan: ActivityPlan) -> tuple[VialAlternative, ...]:
    """The marked rows that are only the best of the vials: the plan's own activity is another."""
    parts = {part.territory: part for part in parts_of(plan)}
    return tuple(
        row
        for row in chosen_vials(plan)
        if row.territory in parts and not takes_vial(parts[row.territory], row)
    )


def _tone(label: str, row: VialAlternative) -> Tone:
    return Tone.ALARM if label == EXCEEDED and row.exceeded else Tone.PLAIN


def _label(row: VialAlternative) -> str:
    sizes = " + ".join(f"{exact(size)}{SPACE}GBq" for size in row.label_gbq)
    return f"{sizes} at calibration"


def _calibrated(row: VialAlternative) -> str:
    text = moment_text(row.calibration_time)
    if row.calibration_time.utcoffset() == row.treatment_time.utcoffset():
        return text
    here = row.calibration_time.astimezone(row.treatment_time.tzinfo)
    return f"{text}; at the clinic {moment_text(here)}"


def _drawn(row: VialAlternative) -> str:
    if row.drawn_frac is None:
        return ""
    return "all of it" if row.drawn_frac == 1 else f"{percent(row.drawn_frac)} of what it holds"


def _doses(row: VialAlternative) -> str:
    doses = row.doses_gy
    if doses is None:
        return ""
    named = [
        ("tumour", doses.tumour),
        ("perfused normal liver", doses.perfused_normal),
        ("whole normal liver, this territory's share", doses.whole_normal),
        ("perfused volume", doses.perfused),
        ("lungs, this territory's share", doses.lung),
    ]
    return "; ".join(f"{structure} {quantity(gy, 'Gy')}" for structure, gy in named if gy is not None)


def _lesions(row: VialAlternative) -> str:
    doses = () if row.doses_gy is None else tuple(row.doses_gy.lesions.values())
    if not doses:
        return ""
    return (
        quantity(doses[0], "Gy")
        if number(min(doses)) == number(max(doses))
        else interval(min(doses), max(doses), "Gy")
    )


def _goals(row: VialAlternative) -> str:
    return "" if row.goals_met is None else "met" if row.goals_met else "NOT MET"


def _exceeded(row: VialAlternative) -> str:
    if row.exceeded:
        return "; ".join(mid(name(limit)) for limit in row.exceeded)
    return "none" if row.kept else ""


def _or_nothing(value: float | None, unit: str) -> str:
    return "" if value is None else quantity(value, unit)


EXCEEDED = "Limits exceeded"
CHOSEN = "The chosen vial of each territory"
BEST_FIT = "The vial that would serve the plan best"

_LINES: tuple[Line, ...] = (
    ("Device", lambda row: name(row.device)),
    ("Label activity", _label),
    ("Calibrated", _calibrated),
    ("Treatment", lambda row: moment_text(row.treatment_time)),
    (
        "After calibration",
        lambda row: f"{number(hours_between(row.calibration_time, row.treatment_time))}{SPACE}h",
    ),
    ("Prepared at treatment", lambda row: _or_nothing(row.prepared_gbq, "GBq")),
    ("Drawn", _drawn),
    ("Administered", lambda row: _or_nothing(row.administered_gbq, "GBq")),
    (
        "Spheres prepared",
        lambda row: "" if row.spheres is None else f"{number(row.spheres / MILLION)} million",
    ),
    ("Activity of one sphere", lambda row: _or_nothing(row.activity_per_sphere_bq, "Bq")),
    ("Volume of the spheres", lambda row: _or_nothing(row.sphere_volume_ml, "mL")),
    ("Mean doses", _doses),
    ("Lesions, least to most", _lesions),
    ("Goals", _goals),
    (EXCEEDED, _exceeded),
)
