"""Rows of reads in a line each, and the shipped limits, for the tests of response."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from typing import Any

from emboplan.catalog import load
from emboplan.response.limits import ResponseLimits, response_limits
from emboplan.response.target_response import Past
from emboplan.response.target_size import TargetSize

BASELINE = date(2024, 1, 1)


@cache
def limits() -> ResponseLimits:
    """The limits that ship."""
    return response_limits(load().room("response"))


def day(number: int) -> date:
    """So many days after the baseline."""
    return BASELINE + timedelta(days=number)


def row(number: int, lesion: str, role: str | None = "target", **more: Any) -> dict[str, Any]:
    """A lesion of the liver on that day; `mm` is its longest diameter, or a node's short axis."""
    cells: dict[str, Any] = {
        "date": day(number).isoformat(),
        "lesion": lesion,
        "organ": "liver",
        "role": role,
    }
    cells.update(more)
    if "mm" in cells:
        node = "node" in cells["organ"]
        cells["short_axis_mm" if node else "longest_mm"] = cells.pop("mm")
    return cells


def course_of(sums: Sequence[tuple[int, object]], lesion: str = "L1") -> list[dict[str, Any]]:
    """One target of the liver with its diameter on each of these days."""
    return [row(number, lesion, mm=size) for number, size in sums]


def size(
    value: str | None, *, lesion: str = "L1", node: bool = False, gone: bool | None = None
) -> TargetSize:
    """A target of that size; gone when it is 0 unless said otherwise."""
    exact = None if value is None else Fraction(value)
    return TargetSize(lesion, node, exact, gone=exact == 0 if gone is None else gone)


def past(baseline: str, nadir: str, **more: Any) -> Past:
    """What earlier time points left."""
    return Past(Fraction(baseline), Fraction(nadir), **more)
