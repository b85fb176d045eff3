"""What is left of a case file once the values that its schema refuses are taken out.

So that a calendar's other mistakes are told with them, and not one after the other.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from emboplan.catalog.load import Catalog
from emboplan.workflow.cases.caseschema import CaseTable
from emboplan.workflow.cases.schedulechecks import schedule_problems

Place = tuple[int | str, ...]


def rest_of_schedule(
    table: Mapping[str, Any], refused: Sequence[Place], catalog: Catalog, *, for_calendar: bool
) -> Iterator[str]:
    """The lines on [schedule] that hold whatever the refused values were meant to be."""
    if not refused or ("schedule" not in table and not for_calendar):
        return
    rest = copy.deepcopy(dict(table))
    for place in sorted(refused, key=lambda it: [str(part) for part in it], reverse=True):
        _take_out(rest, place)
    try:
        case = CaseTable.model_validate(rest)
    except ValidationError:  # what is left is no case: what it says together cannot be told
        return
    keys = {".".join(str(part) for part in place) for place in refused}
    gone = {str(place[0]) for place in refused}
    for line in schedule_problems(case, catalog, for_calendar=for_calendar):
        key = line.partition(":")[0]
        follows = key in keys or ("schedule.start" in keys and "found without a time of day" in line)
        of_territories = "territory" in gone and ("territor" in line)
        if not follows and not of_territories:
            yield line


def _take_out(table: dict[str, Any], place: Place) -> None:
    """Take out a refused value: the entry of the list that it stands in, or its own key."""
    here: Any = table
    for depth, part in enumerate(place[:-1]):
        following = place[depth + 1]
        if isinstance(following, int) and isinstance(here, dict) and isinstance(here.get(part), list):
            # A list is taken out as a whole, so that the numbers of its entries never shift.
            here.pop(part, None)
            return
        here = here.get(part) if isinstance(here, dict) else None
        if here is None:
            return
    if isinstance(here, dict):
        here.pop(place[-1], None)
