"""When an embolization stops: the end points that trials and papers define, each with its source.

`stasis` counts heartbeats, as a trial of bland embolization does; its numbers are read from that trial's arm.
The wording of the SACE levels has no source here and is left out.
"""

from __future__ import annotations

from emboplan import catalog as catalogue
from emboplan.catalog.status import footnote
from emboplan.catalog.tace_tables import embolization_arm, tace_numbers
from emboplan.embolics.amounts import Number, not_negative, positive
from emboplan.errors import ModelRangeError
from emboplan.model.results.particles import EndPoint

NAMES = ("stasis", "gelatin_sponge", "near_stasis", "branch_stasis", "sace")
# The trial whose arm counts heartbeats of stasis.
_STASIS_TRIAL = "retnet"
_SECONDS_PER_MINUTE = 60


def end_point(
    name: str, *, heart_rate_per_min: Number | None = None, catalog: catalogue.Catalog | None = None
) -> EndPoint:
    """One end point: its definition, its heartbeats where it counts them, and their seconds at a heart rate.

    >>> end_point("stasis", heart_rate_per_min=60).seconds
    (2.0, 5.0)
    """
    public = name.strip().lower().replace("-", "_").replace(" ", "_")
    if public not in NAMES:
        raise ModelRangeError(f"end_point is {name!r}; expected one of {', '.join(NAMES)}")
    book = catalog or catalogue.load()
    numbers = tace_numbers(book)
    entry = numbers.sourced(f"end_point.{public}")
    beats = None
    if public == "stasis":
        beats = embolization_arm(book, _STASIS_TRIAL, "bland").stasis_heartbeats
    elif f"end_point.{public}_beats" in numbers.entries:
        beats = numbers.pair(f"end_point.{public}_beats")
    seconds = None
    if beats is not None and heart_rate_per_min is not None:
        rate = positive(heart_rate_per_min, "heart_rate_per_min")
        seconds = (
            float(_SECONDS_PER_MINUTE * positive(beats[0], "heartbeats") / rate),
            float(_SECONDS_PER_MINUTE * positive(beats[1], "heartbeats") / rate),
        )
    return EndPoint(public, entry.text, beats, footnote(entry), seconds)


def end_points(
    *, heart_rate_per_min: Number | None = None, catalog: catalogue.Catalog | None = None
) -> tuple[EndPoint, ...]:
    """All end points that are defined here."""
    return tuple(end_point(name, heart_rate_per_min=heart_rate_per_min, catalog=catalog) for name in NAMES)


def end_point_reached(name: str, *, heartbeats: Number, catalog: catalogue.Catalog | None = None) -> str:
    """Where contrast that stands still for so many heartbeats is: ``short of``, ``at`` or ``beyond`` it.

    >>> end_point_reached("stasis", heartbeats=3)
    'at'
    """
    chosen, counted = end_point(name, catalog=catalog), not_negative(heartbeats, "heartbeats")
    if chosen.heartbeats is None:
        raise ModelRangeError(
            f"the end point {chosen.name} counts no heartbeats; it is judged on the angiogram"
        )
    low, high = chosen.heartbeats
    return "short of" if counted < low else "beyond" if counted > high else "at"
