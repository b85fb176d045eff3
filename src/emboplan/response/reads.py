"""The door for reads: rows of a table to `LesionRead`s, or to the list of all mistakes in them.

Here each row is looked at alone: names of columns, dates, numbers, roles and states. What rows say together
is looked at in `timeline`. Nothing is guessed: an empty cell is not measured, and a word that is none of ours
is an error that names the nearest one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from emboplan.errors import CaseFileError
from emboplan.model.response import LIVER, LYMPH_NODE, STATES_OF, LesionRead, Role, State

NEEDED = ("date", "lesion", "organ")
DIAMETERS = ("longest_mm", "short_axis_mm", "viable_longest_mm", "viable_perpendicular_mm", "slice_mm")
COLUMNS = (*NEEDED, "role", *DIAMETERS, "state", "time_point", "patient")
# Which diameter cannot be longer than which other one of the same lesion.
_WITHIN = (
    ("short_axis_mm", "longest_mm"),
    ("viable_longest_mm", "longest_mm"),
    ("viable_perpendicular_mm", "viable_longest_mm"),
)
# Words that readers use for a state, as RECIST prints them or as a report does; by role where they differ.
_ALSO: Mapping[str, State] = {
    "gone": State.ABSENT,
    "disappeared": State.ABSENT,
    "resolved": State.ABSENT,
    "too small to measure": State.TOO_SMALL,
    "ne": State.NOT_ASSESSED,
    "not evaluable": State.NOT_ASSESSED,
    "not evaluated": State.NOT_ASSESSED,
    "unequivocal progression": State.PROGRESSED,
    "cr": State.ABSENT,
    "non cr/non pd": State.PRESENT,
    "pd": State.PROGRESSED,
}
COMMA = re.compile(r"\d,\d")
WITH_COMMA = "a number with a comma; write the decimal point as a point, and nothing between thousands"
_NODE = re.compile(r"(?:.* )?(?:lymph )?nodes?")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]00:00(:00)?")
NEAR = 0.75  # how alike two words must be for one to be taken as a slip of the other

Word = TypeVar("Word", bound=StrEnum)


@dataclass(slots=True)
class Problems:
    """The mistakes found so far, one line each.

    `dropped` is true once a row could not be placed at all: what is missing may then be in that row.
    """

    lines: list[str] = field(default_factory=list)
    dropped: bool = False

    def add(self, where: str, text: str) -> None:
        """Remember a mistake."""
        self.lines.append(f"{where}: {text}")

    def finish(self) -> None:
        """Raise a `CaseFileError` with all mistakes, if there are any."""
        if self.lines:
            raise CaseFileError(self.lines)


def shown(value: object) -> str:
    """A value as messages print it."""
    if value is None:
        return "nothing"
    return f'"{value}"' if isinstance(value, str) else str(value)


def near(word: str, known: Iterable[str]) -> str:
    """A clause that names the word meant, or all that there are."""
    options = list(known)
    close = difflib.get_close_matches(word, options, n=1)
    return f'did you mean "{close[0]}"?' if close else f"expected one of {', '.join(options)}"


def reads_from_rows(
    rows: Sequence[Mapping[str, object]], *, where: Sequence[str] = (), problems: Problems | None = None
) -> tuple[LesionRead, ...]:
    """The reads of a table, checked row by row.

    Args:
        rows: one mapping of column names to values for each row; text, numbers and dates all serve.
        where: what to call each row in messages; ``row 1`` and so on unless given.
        problems: where to collect the mistakes; without it they are raised.

    Raises:
        CaseFileError: with one line for each mistake.
    """
    found = problems or Problems()
    places = where or [f"row {number}" for number in range(1, len(rows) + 1)]
    unknown = {key: place for place, row in zip(places, rows, strict=True) for key in row}
    for key in unknown:
        if key not in COLUMNS:
            found.add("columns", f'unknown column "{key}"; {near(str(key), COLUMNS)}')
    absent = [name for name in NEEDED if rows and not any(name in row for row in rows)]
    for name in absent:
        found.add("columns", f"no column {name}; every row needs one")
    found.dropped = found.dropped or bool(absent)
    pairs = () if absent else zip(places, rows, strict=True)
    reads = [_read(row, place, found) for place, row in pairs]
    if not rows:
        found.add("reads", "found no rows; expected one for each lesion and time point")
    if problems is None:
        found.finish()
    return tuple(read for read in reads if read is not None)


def _read(row: Mapping[str, object], place: str, problems: Problems) -> LesionRead | None:
    before = len(problems.lines)
    cells = {key: _cell(value) for key, value in row.items()}
    for name in NEEDED:
        if cells.get(name) is None:
            problems.add(place, f"{name}: missing; every row needs one")
    lesion = _text(cells.get("lesion"))
    here = f"{place}, lesion {lesion}" if lesion else place
    day = as_date(cells.get("date"), f"{here}: date", problems)
    diameters = {
        name: None if cells.get(name) is None else number(cells[name], f"{here}: {name}", problems, unit="mm")
        for name in DIAMETERS
    }
    role = word(cells.get("role"), Role, f"{here}: role", problems)
    read = LesionRead(
        date=day or date.min,
        lesion=lesion,
        organ=_organ(_text(cells.get("organ")), here, problems),
        role=role,
        state=_state(cells.get("state"), role, here, problems),
        time_point=_text(cells.get("time_point")),
        patient=_text(cells.get("patient")),
        where=here,
        longest_mm=diameters["longest_mm"],
        short_axis_mm=diameters["short_axis_mm"],
        viable_longest_mm=diameters["viable_longest_mm"],
        viable_perpendicular_mm=diameters["viable_perpendicular_mm"],
        slice_mm=diameters["slice_mm"],
    )
    if day is None or not lesion or not read.organ or (role is None and cells.get("role") is not None):
        problems.dropped = True
        return None
    _contradictions(read, problems)
    return read if len(problems.lines) == before else replace(read, sound=False)


def _cell(value: object) -> object:
    """A cell's value; text without its blanks at the ends, None where it is empty."""
    return (value.strip() or None) if isinstance(value, str) else value


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():  # a spreadsheet's way of storing the name 1
        value = int(value)
    return "" if value is None else str(value)


def as_date(value: object, where: str, problems: Problems) -> date | None:
    """A day of the calendar; None, with a problem remembered, where the value is none."""
    if value is None:
        return None
    if isinstance(value, datetime) and value.time() == time():  # what a spreadsheet makes of a day
        return value.date()
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    text = str(value)
    midnight = _ISO_MIDNIGHT.fullmatch(text)
    text = midnight[1] if midnight else text
    if _ISO_DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            problems.add(where, f'found "{text}", which is no day of the calendar')
            return None
    problems.add(where, f"found {shown(value)}, expected a date as YYYY-MM-DD")
    return None


def number(value: object, where: str, problems: Problems, *, unit: str) -> Decimal | None:
    """An exact number of 0 or more; None, with a problem remembered, where the value is none."""
    exact: Decimal | None = None
    with suppress(InvalidOperation):
        exact = Decimal(str(value))
    if exact is None or not exact.is_finite():
        comma = isinstance(value, str) and COMMA.search(value)
        expected = WITH_COMMA if comma else f"expected a number in {unit}, or an empty cell"
        problems.add(where, f"found {shown(value)}, {expected}")
        return None
    if exact < 0:
        problems.add(where, f"found {exact}, expected 0 {unit} or more")
        return None
    return exact


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text.casefold()).strip()


def word(value: object, options: type[Word], where: str, problems: Problems) -> Word | None:
    """One of our words, however it is spaced, hyphened or capitalised; None where the cell is empty."""
    if value is None:
        return None
    plain = _plain(str(value))
    for option in options:
        if _plain(option) == plain:
            return option
    problems.add(where, f"found {shown(value)}; {near(str(value), options)}")
    return None


def _state(value: object, role: Role | None, where: str, problems: Problems) -> State | None:
    if value is None:
        return None
    state = _ALSO.get(_plain(str(value)))
    if state is None:
        state = word(value, State, f"{where}: state", problems)
    if state is not None and role is not None and state not in STATES_OF[role]:
        known = ", ".join(STATES_OF[role])
        problems.add(f"{where}: state", f"found {shown(value)}, which no {role} lesion has; expected {known}")
    return state


def _organ(text: str, where: str, problems: Problems) -> str:
    """The organ as it is counted: all nodes are one organ, and so are the parts of the liver."""
    plain = _plain(text)
    if _NODE.fullmatch(plain):
        return LYMPH_NODE
    if plain in (LIVER, "hepatic") or plain.startswith(f"{LIVER} "):
        return LIVER
    close = difflib.get_close_matches(plain, (LIVER, LYMPH_NODE), n=1, cutoff=NEAR)
    if close:
        problems.add(f"{where}: organ", f'found "{text}"; did you mean "{close[0]}"?')
    return plain


def _contradictions(read: LesionRead, problems: Problems) -> None:
    """What a row says against itself."""
    for shorter, longer in _WITHIN:
        short, long = getattr(read, shorter), getattr(read, longer)
        if short is not None and long is not None and short > long:
            problems.add(f"{read.where}: {shorter}", f"found {short}, which is more than {longer} {long}")
    diameters = (read.longest_mm, read.short_axis_mm, read.viable_longest_mm)
    if read.state in (State.NOT_ASSESSED, State.TOO_SMALL, State.MERGED) and any(
        diameter is not None for diameter in diameters
    ):
        problems.add(f"{read.where}: state", f"found {read.state} beside a diameter; give one of them")
    if read.state is State.ABSENT and any(diameters) and not read.is_node:
        problems.add(f"{read.where}: state", "found absent beside a diameter above 0 mm; give one of them")
