"""What a report is made of, before it is a page: sections of texts, tables, figures and findings.

Pure values without any markup. `html` and `pdf` give them a form; the modules of `sections` fill them from a
plan. Nothing medical is computed on the way: a document holds wording and rounding, no results of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from emboplan.report.figures import Picture


class Tone(StrEnum):
    """How a banner or a cell wants to be noticed; it is always said in words too."""

    PLAIN = "plain"
    GOOD = "good"
    CAUTION = "caution"
    ALARM = "alarm"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class Banner:
    """A line at the top of the report that nobody may overlook."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A few sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of short texts, with a line that introduces it."""

    lead: str
    items: tuple[str, ...]
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class KeyNumber:
    """One of the numbers that a reader looks for first."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class KeyNumbers:
    """The numbers that a reader looks for first."""

    items: tuple[KeyNumber, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell: text, the numbers of its footnotes (from 1), and how it is set.

    A `numeric` cell stands to the right and is not broken; with `wraps` it may be. `picked` frames the cell
    that was chosen among its neighbours.
    """

    text: str
    notes: tuple[int, ...] = ()
    tone: Tone = Tone.PLAIN
    numeric: bool = False
    wraps: bool = False
    picked: bool = False

    @property
    def classes(self) -> str:
        """Its style names, separated by spaces; empty for a plain cell."""
        marks = [("num", self.numeric), ("wrap", self.wraps), ("picked", self.picked)]
        names = [name for name, wanted in marks if wanted]
        return " ".join([*names, self.tone.value] if self.tone is not Tone.PLAIN else names)


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names the row; footnotes are numbered from 1.

    In a `matrix` all columns are alike and the lines of a cell's text stand below each other.
    """

    caption: str
    header: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    footnotes: tuple[str, ...] = ()
    matrix: bool = False


@dataclass(frozen=True, slots=True)
class FindingItem:
    """One finding as printed: the word for its weight, its text, its identifier and its source."""

    weight: str
    tone: Tone
    text: str
    id: str
    source: str


@dataclass(frozen=True, slots=True)
class FindingList:
    """Findings, the weightiest first."""

    items: tuple[FindingItem, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture with its caption and a text for those who cannot see it."""

    picture: Picture


@dataclass(frozen=True, slots=True)
class FormLine:
    """A line of a form; without a value it is printed as a rule to write on. `hint` says who fills it."""

    label: str
    value: str | None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """A part of a form under its own heading."""

    heading: str
    lines: tuple[FormLine, ...]


Block = Paragraph | Bullets | KeyNumbers | Table | FindingList | Figure | Form


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of the report; `new_page` asks for a page of its own in print."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    new_page: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report. `facts` are short label and value pairs under the title (patient, device, ...)."""

    title: str
    banners: tuple[Banner, ...]
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    footer: str
    language: str = "en"


class Footnotes:
    """Numbers the footnotes of one table: the same text gets the same number."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def number(self, text: str) -> tuple[int, ...]:
        """The number of a footnote as a cell holds it; nothing for an empty text."""
        if not text:
            return ()
        if text not in self._texts:
            self._texts.append(text)
        return (self._texts.index(text) + 1,)

    @property
    def texts(self) -> tuple[str, ...]:
        """All footnotes in the order of their numbers."""
        return tuple(self._texts)
