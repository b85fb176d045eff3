"""Where the particles go: the lung shunt and the tumour-to-normal ratio, entered and measured."""

from __future__ import annotations

from emboplan.model.case import ActivityModel
from emboplan.model.plan import Plan, UsedNumber
from emboplan.model.results.activity_plan import ActivityPlan
from emboplan.model.results.shunt import LungShunt, ShuntEstimate
from emboplan.model.results.uptake import TumourToNormal
from emboplan.report.document import Block, Cell, Footnotes, Paragraph, Section, Table
from emboplan.report.sections.plan_words import parts_of
from emboplan.report.wording import cited, exact, interval, name, number, percent, quantity
from emboplan.units import PERCENT

# The settings that a case may enter instead of a measurement begin with these names.
RATIO_SETTING = "tumour_to_normal"

# Models whose lesion and normal doses stand in the ratio that went in.
RATIO_MODELS = (ActivityModel.PARTITION, ActivityModel.MULTI)
FROM_SCAN = "measured on the SPECT; the ratio of the plan's own doses"

_MASSES = {
    "default": "the default that planar limits were derived with",
    "ct": "from CT density",
    "entered": "entered",
}


def uptake(plan: Plan) -> Section | None:
    """The lung shunt and the tumour-to-normal ratio; None where the case has neither."""
    blocks: list[Block] = []
    if plan.shunt is not None:
        blocks += _shunt(plan.shunt)
        blocks += _scales(plan.shunt, plan.activity)
    entered = [
        used for used in plan.settings.numbers if used.name.replace(" ", "_").startswith(RATIO_SETTING)
    ]
    used = _used_ratios(plan.activity, [setting.name for setting in entered])
    if plan.tumour_to_normal is not None or entered or used:
        blocks += _ratio(plan.tumour_to_normal, entered, used)
    if not blocks:
        return None
    return Section("uptake", "Lung shunt and tumour-to-normal ratio", tuple(blocks))


def _shunt(shunt: LungShunt) -> list[Block]:
    notes = Footnotes()
    rows = [_estimate(shunt.estimate, notes, used=True)]
    rows += [_estimate(other, notes, used=False) for other in shunt.other_methods]
    table = Table(
        "Lung shunt fraction by each method",
        tuple(
            Cell(text, numeric=0 < n < 4)
            for n, text in enumerate(("Method", "Fraction", "95 % interval", "Uncorrected", "In the plan"))
        ),
        tuple(rows),
        notes.texts,
    )
    source = _MASSES.get(shunt.lung_mass_source, shunt.lung_mass_source)
    text = (
        f"Lung mass {quantity(shunt.lung_mass_g, 'g')} ({source}); mean lung dose "
        f"{quantity(shunt.lung_dose_per_gbq_gy, 'Gy')} per GBq administered."
    )
    return [table, Paragraph(text)]


def _scales(shunt: LungShunt, activity: ActivityPlan | None) -> list[Block]:
    """The lung dose by every method and lung mass, each beside the limits of its own scale."""
    if not shunt.scales:
        return []
    parts = () if activity is None else parts_of(activity)
    # Only one territory has the one shunt of the plan for certain.
    given = parts[0].administered_gbq if len(parts) == 1 else None
    rows = []
    for scale in shunt.scales:
        held = "; ".join(name(limit) for limit in scale.comparable_with)
        source = _MASSES.get(scale.lung_mass_source, scale.lung_mass_source)
        mass = f"{quantity(scale.lung_mass_g, 'g')} ({source})"
        row = [
            Cell(f"{name(scale.method.value)}, {percent(scale.lung_shunt_frac)}"),
            Cell(mass),
            Cell(quantity(scale.lung_dose_per_gbq_gy, "Gy"), numeric=True),
        ]
        if given is not None:
            row.append(Cell(quantity(given * scale.lung_dose_per_gbq_gy, "Gy"), numeric=True))
        rows.append((*row, Cell(held or "none of the catalogue")))
    header = ["Shunt", "Lung mass", "Lung dose per GBq"]
    header += [] if given is None else [f"At {quantity(given, 'GBq')}"]
    cells = [Cell(text, numeric=place > 1) for place, text in enumerate(header)]
    text = (
        "A lung limit holds for the shunt and the lung mass that it was derived with. A dose on another "
        "scale must not be held against it; both are shown."
    )
    table = Table(
        "Lung dose on each scale", (*cells, Cell("Limits that were derived on this scale")), tuple(rows)
    )
    return [table, Paragraph(text)]


def _estimate(estimate: ShuntEstimate, notes: Footnotes, *, used: bool) -> tuple[Cell, ...]:
    bounds = estimate.interval
    return (
        Cell(name(estimate.method.value), notes.number(estimate.known_bias)),
        Cell(percent(estimate.lung_shunt_frac), numeric=True),
        Cell(
            "none" if bounds is None else interval(PERCENT * bounds[0], PERCENT * bounds[1], "%"),
            numeric=True,
        ),
        Cell("" if estimate.uncorrected_frac is None else percent(estimate.uncorrected_frac), numeric=True),
        Cell("used" if used else "for comparison"),
    )


def _used_ratios(activity: ActivityPlan | None, entered: list[str]) -> list[tuple[str, float]]:
    """The ratios that the plan took from the scan: those of its own doses, by territory and lesion."""
    found = []
    for part in () if activity is None else parts_of(activity):
        normal = part.doses_gy.perfused_normal
        own = f"{RATIO_SETTING.replace('_', ' ')}, {part.territory}"
        known = any(name == own or name.startswith(f"{own}, lesion ") for name in entered)
        if known or part.model not in RATIO_MODELS or not normal:
            continue
        found += [
            (f"Lesion {label}, {part.territory}, used", dose / normal)
            for label, dose in part.doses_gy.lesions.items()
        ]
    return found


def _ratio(
    measured: TumourToNormal | None, entered: list[UsedNumber], from_scan: list[tuple[str, float]]
) -> list[Block]:
    notes = Footnotes()
    rows = [
        (
            Cell(f"{name(used.name)}, used", notes.number(cited(used.source, used.status))),
            Cell(exact(used.value), numeric=True),
            Cell(""),
            Cell(""),
        )
        for used in entered
    ]
    rows += [
        (Cell(label, notes.number(FROM_SCAN)), Cell(number(ratio), numeric=True), Cell(""), Cell(""))
        for label, ratio in from_scan
    ]
    if measured is not None:
        rows.append(
            (
                Cell("All lesions, measured"),
                Cell(number(measured.tumour_to_normal), numeric=True),
                _corrected(measured.tumour_to_normal_corrected),
                Cell(f"{number(measured.interval[0])} to {number(measured.interval[1])}", numeric=True),
            )
        )
        for lesion in measured.lesions:
            mark = (
                ()
                if lesion.quantifiable
                else notes.number("smaller than twice the image's resolution: not quantifiable")
            )
            rows.append(
                (
                    Cell(f"Lesion {lesion.label}", mark),
                    Cell(number(lesion.tumour_to_normal), numeric=True),
                    _corrected(lesion.tumour_to_normal_corrected),
                    Cell(""),
                )
            )
    table = Table(
        "Tumour-to-normal concentration ratio",
        (
            Cell("Ratio"),
            Cell("As entered or read", numeric=True),
            Cell("Corrected for resolution", numeric=True),
            Cell("95 % interval", numeric=True),
        ),
        tuple(rows),
        notes.texts,
    )
    if measured is None:
        return [table]
    resolution = measured.resolution_fwhm_mm
    text = (
        "A blurred image shows small hot lesions too cold and the liver around them too hot, so the ratio as "
        "read is too low."
    )
    text += (
        f" The image's resolution is {quantity(resolution, 'mm')} (full width at half maximum)."
        if resolution is not None
        else " The image's resolution is not known, so no correction was made."
    )
    return [table, Paragraph(text)]


def _corrected(value: float | None) -> Cell:
    return Cell("not corrected" if value is None else number(value), numeric=True)
