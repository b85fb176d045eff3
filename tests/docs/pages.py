"""The documentation as the tests see it: pages, their fenced blocks, and the marks in front of the blocks.

A block is marked by an HTML comment right before it, which a reader does not see:

    <!-- run -->          executed by the tutorial test, in order, in one folder
    <!-- run: slow -->    the same, in the long test only
    <!-- file: NAME -->   written to that folder under this name
    <!-- case-file -->    a case file that must be valid
    <!-- site-catalogue -->  a site catalogue that must be valid
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(
    r"^(?P<indent>[ ]*)(?:<!-- (?P<mark>[^>]+?) -->\n(?:[ ]*\n)?(?P=indent))?"
    r"```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```[ ]*$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block: where it stands, its language, its mark and its text without the page's indent."""

    page: str
    line: int
    language: str
    mark: str
    text: str

    @property
    def where(self) -> str:
        """Page and line, for test names and messages."""
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """All pages, the README first."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        indent = match["indent"]
        lines = [line.removeprefix(indent) for line in match["text"].splitlines()]
        yield Block(
            page=page.relative_to(ROOT).as_posix(),
            line=text.count("\n", 0, match.start()) + 1,
            language=match["language"],
            mark=match["mark"] or "",
            text="\n".join(lines) + "\n",
        )


def all_blocks() -> list[Block]:
    """The fenced blocks of all pages."""
    return [block for page in pages() for block in blocks(page)]


def without_fences(text: str) -> str:
    """A page's prose: what is left when fenced blocks and inline code are taken out."""
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))
