"""What a loading sheet is made of, before it is a page: rows with their source and status beside them.

Pure values without markup. A row whose figure nobody knows is printed as a blank to fill in, marked OPEN; a
figure to be confirmed says so in its own row.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from emboplan.report.document import Banner


class How(StrEnum):
    """How a figure is known, in the words of the sheet."""

    CONFIRMED = "confirmed"
    TO_CONFIRM = "TO CONFIRM (insert)"
    UNSURE = "TO CONFIRM (no insert)"
    ENTERED = "entered"
    COMPUTED = "computed"
    OPEN = "OPEN: fill in"


@dataclass(frozen=True, slots=True)
class Amount:
    """One figure: what it is, how much (None is a blank), where it comes from, and how it is known.

    `rests` are the names of the sourced figures that it rests on, so that none is said twice or not at all.
    """

    what: str
    value: str | None
    source: str
    how: How
    rests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """Something to take from the shelf: what, how much (None is a blank), and whether it has a lot number."""

    what: str
    amount: str | None
    lot: bool = True


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long something keeps: state, time, until when (None is a blank), conditions, source, how known."""

    state: str
    time: str
    until: str | None
    conditions: str
    source: str
    decides: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know or to ask: its weight in a word, its text and source.

    `sign` asks for the initials of whoever acknowledges it; `box` for a tick that it was asked.
    """

    weight: str
    text: str
    source: str
    box: bool = True
    sign: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """One session.

    What must be seen before anything is made up stands on the front: `stops`, `acknowledge` (still to be
    acknowledged), `acknowledged` (done, and by whom), `open_items`.
    """

    number: int
    title: str
    facts: tuple[tuple[str, str], ...]
    take: tuple[Item, ...]
    amounts: tuple[Amount, ...]
    steps: tuple[str, ...]
    keeping: tuple[Keeping, ...]
    stops: tuple[Notice, ...]
    acknowledge: tuple[Notice, ...]
    acknowledged: tuple[Notice, ...]
    open_items: tuple[Notice, ...]
    ask: tuple[Notice, ...]
    notes: tuple[Notice, ...]
    history: tuple[str, ...]
    limits: tuple[Amount, ...]
    team: tuple[tuple[str, str | None], ...]
    signatures: tuple[str, ...]
    record: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetSet:
    """The sheets of all sessions, with the lines that stand at the top of each."""

    title: str
    banners: tuple[Banner, ...]
    patient: str
    sheets: tuple[Sheet, ...]
    footer: str
    language: str = "en"
