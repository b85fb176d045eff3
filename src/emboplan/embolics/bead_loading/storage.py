"""How long loaded beads keep, as hours and as moments; figures that disagree stand beside the deciding one.

A moment is printed only for the figure that decides: what a laboratory saw in a suspension is no expiry.

Hours are elapsed hours, counted in UTC, so that a change of the clock moves no expiry. A moment carries its
time zone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from emboplan.catalog.status import footnote
from emboplan.embolics.amounts import Number, not_negative
from emboplan.embolics.ledger import Ledger
from emboplan.errors import ModelRangeError
from emboplan.model.embolics import LoadRecipe, quantity
from emboplan.model.finding import Severity
from emboplan.model.products import Sourced, Status
from emboplan.model.results.loading import Storage
from emboplan.model.results.vials import require_zone

WITHOUT, WITH = "without_contrast", "with_contrast"
# The note of an observation in a laboratory, which is no expiry.
IN_VITRO = "in vitro"


def after(moment: datetime, hours: float) -> datetime:
    """`moment` plus elapsed hours, in the zone of `moment`.

    Raises `ModelRangeError` where no calendar holds the moment or its end.
    """
    try:
        later = moment.astimezone(UTC) + timedelta(hours=hours)
        return later.astimezone(moment.tzinfo)
    except OverflowError as error:
        raise ModelRangeError(
            f"loaded_at is {moment.isoformat()} and the beads keep {hours:g} h, which no calendar holds; "
            "mend the moment of loading"
        ) from error


def _row(entry: Sourced, state: str, loaded_at: datetime | None, *, chosen: bool) -> Storage:
    hours = quantity(entry, "h")
    return Storage(
        state=state.replace("_", " "),
        hours=hours,
        use_before=after(loaded_at, hours) if chosen and loaded_at is not None and hours > 0 else None,
        conditions=f"{entry.place}; {entry.note}" if entry.note.startswith(IN_VITRO) else entry.place,
        source=footnote(entry),
        chosen=chosen,
    )


def storage_rows(recipe: LoadRecipe, loaded_at: datetime | None, ledger: Ledger) -> tuple[Storage, ...]:
    """How long the loaded beads keep without and with contrast; an open item where no source says it."""
    if loaded_at is not None:
        require_zone(loaded_at, "loaded_at")
    rows = []
    for state in (WITHOUT, WITH):
        key = f"storage.{state}"
        entry = ledger.use(recipe.facts, key)
        if entry is not None:
            rows.append(_row(entry, state, loaded_at, chosen=True))
        elif state == WITHOUT:
            ledger.open_item(
                "storage", f"{recipe.label}: no figure with a source on keeping the loaded beads"
            )
        known = (other for other in recipe.facts.others(key) if other.status is not Status.UNVERIFIED)
        rows += [_row(other, state, loaded_at, chosen=False) for other in known]
    never = [row for row in rows if row.chosen and row.hours == 0]
    if never:
        ledger.say(
            "not-after-contrast",
            Severity.WARNING,
            f"{recipe.label}: {never[0].conditions}",
            never[0].source,
        )
    return tuple(rows)


def may_use(row: Storage, hours: Number) -> bool:
    """Whether beads may still be used after so many hours, by one figure; at its end they may."""
    return not_negative(hours, "hours") <= row.hours and row.hours > 0
