"""Three-valued answers of a rule over whole columns of patients, and how they join.

False, unknown and true count 0, 1 and 2, so that "all" is the least and "any" the greatest; which facts would
settle an answer is kept for each row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FALSE, UNKNOWN, TRUE = 0, 1, 2

Truths = NDArray[np.int64]
Rows = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Whether a rule holds in each row, and in which rows each fact would tell."""

    truth: Truths
    missing: Mapping[str, Rows]


def joined(parts: Sequence[Answers], join: np.ufunc) -> Answers:
    """The answers of "all" (`join` is the least) or of "any" (the greatest) over these parts."""
    truth = join.reduce([part.truth for part in parts])
    missing: dict[str, Rows] = {}
    for part in parts:
        add(missing, where((truth == UNKNOWN) & (part.truth == UNKNOWN), part.missing))
    return Answers(truth, missing)


def if_then(condition: Answers, consequence: Answers) -> Answers:
    """As one by one: until the condition can be told, only its own facts are missing."""
    truth = np.maximum(TRUE - condition.truth, consequence.truth)
    unsettled, applies = truth == UNKNOWN, condition.truth == TRUE
    missing = where(unsettled & ~applies, condition.missing)
    add(missing, where(unsettled & applies, consequence.missing))
    return Answers(truth, missing)


def named(marks: Rows, names: Sequence[str]) -> list[tuple[str, ...]]:
    """For each row the names of its marked columns, in order."""
    listed: list[list[str]] = [[] for _ in range(len(marks))]
    for row, column in np.argwhere(marks).tolist():
        listed[row].append(names[column])
    return [tuple(row) for row in listed]


def add(into: dict[str, Rows], more: Mapping[str, Rows]) -> None:
    """Mark in `into` what `more` marks, fact by fact."""
    for name, rows in more.items():
        into[name] = into[name] | rows if name in into else rows


def where(rows: Rows, missing: Mapping[str, Rows]) -> dict[str, Rows]:
    """The marks of each fact in these rows alone."""
    return {name: marked & rows for name, marked in missing.items()}
