"""Finding things in a document, for the tests of its sections."""

from __future__ import annotations

from emboplan.report.document import Bullets, Cell, Document, Paragraph, Section, Table

NARROW, PLAIN_SPACE = "\N{NO-BREAK SPACE}", " "


def section(document: Document, id_: str) -> Section:
    """The section of that id."""
    return next(each for each in document.sections if each.id == id_)


def tables(part: Section) -> list[Table]:
    """All its tables."""
    return [block for block in part.blocks if isinstance(block, Table)]


def table(part: Section, caption: str) -> Table:
    """The table whose caption begins so."""
    return next(each for each in tables(part) if each.caption.startswith(caption))


def texts(part: Section) -> str:
    """All its paragraphs and lists as one text with plain spaces."""
    said: list[str] = []
    for block in part.blocks:
        if isinstance(block, Paragraph):
            said.append(block.text)
        if isinstance(block, Bullets):
            said += [block.lead, *block.items]
    return plain(" ".join(said))


def plain(text: str) -> str:
    """A text with plain spaces."""
    return text.replace(NARROW, PLAIN_SPACE)


def row(which: Table, label: str) -> list[str]:
    """The texts of the row with that label."""
    return [plain(cell.text) for cell in cells(which, label)]


def cells(which: Table, label: str) -> tuple[Cell, ...]:
    """The cells of the row with that label."""
    return next(each for each in which.rows if plain(each[0].text) == label)
