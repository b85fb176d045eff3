"""A drawing with its texts, before it becomes a picture of the report with a name of its own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG and its texts."""

    svg: bytes
    caption: str
    alt: str
