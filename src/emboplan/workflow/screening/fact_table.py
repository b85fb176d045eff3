"""Tables of facts, from files and from memory, as columns of cells.

Cells come as the file holds them; what they mean is read by `eligibility.columns`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from emboplan.eligibility.columns import PATIENT_COLUMNS
from emboplan.eligibility.signing import FOR_ALL
from emboplan.errors import CaseFileError, InputError
from emboplan.files.row_tables import read_row_table


def read_fact_table(
    path: Path, *, mistakes: list[str] | None = None
) -> tuple[dict[str, Sequence[object]], int]:
    """The columns of a file of facts by their headers, and the number of the first row of patients.

    Mistakes of single rows and cells are raised, or go to `mistakes` where it is given: a number with a
    comma, a row that is too long, an empty row between patients. What they stand in is empty in the columns.

    Raises:
        InputError: the file cannot be read, or is no such table; or the library for it is not installed.
        CaseFileError: one line for each mistake in its header and its rows.
    """
    found: list[str] = []
    table = read_row_table(path, is_words=_is_words, mistakes=found)
    gaps = [
        number
        for before, after in pairwise((table.header, *table.numbers))
        for number in range(before + 1, after)
    ]
    found += [f"{path.name}: row {number} is empty; take it out" for number in gaps]
    if found and mistakes is None:
        raise CaseFileError(found)
    if mistakes is not None:
        mistakes.extend(found)
    if not gaps:
        return {**table.columns()}, table.header + 1
    rows = dict(zip(table.numbers, table.rows, strict=True))
    empty = [None] * len(table.names)
    filled = [rows.get(number, empty) for number in range(table.header + 1, table.numbers[-1] + 1)]
    columns = {name: [row[index] for row in filled] for index, name in enumerate(table.names)}
    return {**columns}, table.header + 1


def _is_words(header: str) -> bool:
    """Whether a column holds names or sentences, in which a comma is no mistake."""
    return header in (*PATIENT_COLUMNS, *FOR_ALL) or header.endswith(("_by", "_reason"))


def columns_of(table: Any) -> dict[str, Sequence[object]]:
    """The columns of a table in memory: a mapping of columns, a list of rows, or a data frame.

    In a data frame a value that pandas counts as missing is a fact that is not known.

    Raises:
        InputError: it is none of these.
    """
    if hasattr(table, "notna") and hasattr(table, "astype"):
        frame = table.astype(object)
        frame = frame.where(table.notna(), None)
        return {str(name): frame[name].tolist() for name in frame.columns}
    if isinstance(table, Mapping):
        columns: dict[str, Sequence[object]] = {str(name): list(cells) for name, cells in table.items()}
        lengths = {len(cells) for cells in columns.values()}
        if len(lengths) > 1:
            raise InputError(f"found columns of {sorted(lengths)} rows; expected columns of equal length")
        return columns
    if (
        isinstance(table, Sequence)
        and not isinstance(table, str)
        and all(isinstance(r, Mapping) for r in table)
    ):
        names = dict.fromkeys(str(name) for row in table for name in row)
        return {name: [row.get(name) for row in table] for name in names}
    kind = type(table).__name__
    raise InputError(f"found a {kind}; expected a path, columns by name, a list of rows or a data frame")
