"""Findings about the readings of the day: a difference beyond a tolerance, conditions that changed.

Each names the tolerance with its source and whether that is to be confirmed. A finding asks a person to
judge; none of them decides anything.
"""

from __future__ import annotations

from emboplan.catalog.status import footnote
from emboplan.dosimetry.decay import hours_between
from emboplan.model.finding import Finding, Severity
from emboplan.model.products import Sourced
from emboplan.model.results.administration import AdministrationRecord
from emboplan.units import PERCENT

# Differences of decimal numbers miss a tolerance that they meet on paper by their last bits.
ROUNDING = 1e-9

# Why both readings of a pair need one geometry.
SAME_GEOMETRY = "Readings compare in one geometry of container and instrument only (PMID 24447932)"

RECEIPT = ("assay-off-label", "The own assay differs from the label by {off:+.1f} % (tolerance {limit:g} %).")
PLAN = (
    "delivered-off-intended",
    "The delivered activity differs from the prescribed one by {off:+.1f} % (wanted: within {limit:g} %).",
)
IMAGE = (
    "image-off-delivered",
    "The activity in the image differs from the delivered one by {off:+.1f} % (tolerance {limit:g} %).",
)


def beyond(off_frac: float | None, limit: Sourced, what: tuple[str, str]) -> list[Finding]:
    """A warning when a difference exceeds the tolerance; none for exactly the tolerance, or without one."""
    if off_frac is None or abs(off_frac) <= limit.number + ROUNDING:
        return []
    text = what[1].format(off=off_frac * PERCENT, limit=limit.number * PERCENT)
    return [Finding(what[0], Severity.WARNING, f"{text} {limit.note}".strip(), footnote(limit))]


def against_plan(off_frac: float, limit: Sourced, *, stasis: bool | None, outside: bool) -> list[Finding]:
    """What delivered against prescribed and the record of stasis ask of a person."""
    found = []
    if stasis is None:
        text = "It was not recorded whether stasis ended the injection; record yes or no."
        found.append(Finding("stasis-not-recorded", Severity.WARNING, text, footnote(limit)))
    if not outside:
        return found
    text = (
        f"The delivered activity differs from the prescribed one by {off_frac * PERCENT:+.1f} % "
        f"(tolerance {limit.number * PERCENT:g} %)."
    )
    if stasis:
        text += " Stasis was recorded, a documented exception; a person must judge whether it applies."
        found.append(Finding("delivered-off-prescribed", Severity.WARNING, text, footnote(limit)))
    else:
        text += " A person must judge at once whether it is an event to report."
        found.append(Finding("delivered-off-prescribed", Severity.STOP, text, footnote(limit)))
    return found


def same_conditions(record: AdministrationRecord) -> list[Finding]:
    """Warnings where the two readings of a pair were not taken alike."""
    pairs = [("injection", record.before, record.after)]
    if record.draw_before is not None and record.draw_after is not None:
        pairs.append(("the dose draw", record.draw_before, record.draw_after))
    found = []
    for name, first, second in pairs:
        for what in ("instrument", "geometry"):
            one, other = getattr(first, what), getattr(second, what)
            if not one or not other:
                text = f"The {what} of the readings before and after {name} was not recorded for both."
                found.append(Finding(f"{what}-not-recorded", Severity.WARNING, text, SAME_GEOMETRY))
            elif one != other:
                text = f"The readings before and after {name} differ in {what}; their ratio may be wrong."
                found.append(Finding(f"{what}-changed", Severity.WARNING, text, SAME_GEOMETRY))
    return found


def shelf_life(record: AdministrationRecord) -> list[Finding]:
    """A stop when the vial had expired at the injection."""
    vial = record.vial
    if vial is None or vial.expires_at is None:
        return []
    late = hours_between(vial.expires_at, record.injection_time)
    if late <= 0:
        return []
    text = f"The vial expired {late:.1f} h before the injection ({vial.expires_at.isoformat()})."
    return [Finding("vial-expired", Severity.STOP, text, vial.note)]
