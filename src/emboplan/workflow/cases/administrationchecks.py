"""What the tables of an administration must not say: unknown names, readings that do not go together.

Each is one line that names the key, what was found and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from emboplan.units import UNITS
from emboplan.workflow.cases.casefields import shown
from emboplan.workflow.cases.caseschema import AdministrationTable, CaseTable, ReadingTable
from emboplan.workflow.planning.territories import WHOLE_LIVER

READINGS = ("draw_before", "draw_after", "before", "after", "assay", "image_total")

# The readings that mean nothing but an activity.
ACTIVITIES = ("draw_before", "draw_after", "assay", "image_total")

ACTIVITY = UNITS["GBq"].dimension


def administration_problems(case: CaseTable, devices: Sequence[str]) -> Iterator[str]:
    """Contradictions in the administrations of a case; `devices` are the products of the catalogue."""
    names = [territory.name for territory in case.territory] or [WHOLE_LIVER]
    seen: list[str] = []
    for number, given in enumerate(case.administration):
        where = f"administration[{number}]"
        name = given.territory
        if name is None and len(names) > 1:
            yield f"{where}.territory: not found; expected one of {', '.join(names)}"
        elif name is not None and name not in names:
            yield f'{where}.territory: found "{name}"; expected one of {", ".join(names)}'
        else:
            treated = name or names[0]
            if treated in seen:
                yield (
                    f'{where}.territory: "{treated}" is administered twice; give one administration with '
                    "the readings of all its vials together"
                )
            seen.append(treated)
        if given.device is not None and given.device not in devices:
            yield f'{where}.device: found "{given.device}"; expected one of {", ".join(devices)}'
        if _device(case, given, name or names[0]) is None:
            yield f"{where}.device: not found; give it here or under [procedure]"
        yield from _readings(where, given)
        yield from _order(where, given)
    yield from _one_pet(case)


def _device(case: CaseTable, given: AdministrationTable, treated: str) -> str | None:
    own = next((t.device for t in case.territory if t.name == treated), None)
    return given.device or own or case.procedure.device


def _is_activity(unit: str) -> bool:
    return unit in UNITS and UNITS[unit].dimension == ACTIVITY


def _readings(where: str, given: AdministrationTable) -> Iterator[str]:
    for key in READINGS:
        reading: ReadingTable | None = getattr(given, key)
        if reading is None:
            continue
        value, unit = reading.value
        if key in ACTIVITIES and not _is_activity(unit):
            yield f'{where}.{key}.value: found the unit "{unit}"; expected an activity such as "2.95 GBq"'
        if reading.background is None:
            continue
        background, other = reading.background
        if other != unit:
            yield f'{where}.{key}.background: found the unit "{other}"; expected "{unit}" as of the reading'
        elif background > value:
            yield f"{where}.{key}.background: found {background:g} {unit}, above the reading of {value:g}"
    if (given.draw_before is None) is not (given.draw_after is None):
        missing = "draw_before" if given.draw_before is None else "draw_after"
        yield f"{where}.{missing}: not found; a dose draw needs the reading before it and the one after it"
    units = (given.before.value[1], given.after.value[1])
    if units[0] != units[1] and not all(map(_is_activity, units)):
        yield f'{where}.after.value: found the unit "{units[1]}"; expected "{units[0]}" as before injection'


def _order(where: str, given: AdministrationTable) -> Iterator[str]:
    """The moments of the day, each not earlier than the one before it."""
    moments: list[tuple[str, datetime | None]] = [
        ("draw_before.time", None if given.draw_before is None else given.draw_before.time),
        ("draw_after.time", None if given.draw_after is None else given.draw_after.time),
        ("before.time", given.before.time),
        ("injection_time", given.injection_time),
        ("after.time", given.after.time),
    ]
    known = [(key, moment) for key, moment in moments if moment is not None]
    for (first, earlier), (second, later) in pairwise(known):
        if later < earlier:
            yield (
                f"{where}.{second}: found {later.isoformat()}, earlier than {first} "
                f"({earlier.isoformat()}); check dates and time zones"
            )


def _one_pet(case: CaseTable) -> Iterator[str]:
    """One PET shows all administrations: what is said of it must agree."""
    for key in ("pet_scanner_nuclide", "pet_lungs_in_field"):
        stated = {getattr(given, key) for given in case.administration} - {None}
        if len(stated) > 1:
            listed = " and ".join(sorted(map(shown, stated)))
            yield f"administration.{key}: found {listed}; one PET shows all administrations, give one value"
