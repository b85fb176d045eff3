"""Tables of facts from files: CSV, Excel and Parquet, as columns of cells.

Cells come as the file holds them; what they mean is read by `eligibility.columns`. The libraries for Excel
and Parquet are loaded only when such a file is read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emboplan.errors import InputError

TABLE_SUFFIXES = (".csv", ".xlsx", ".parquet")
"""The files that hold a table of patients."""

HEADER_ROW = 1
"""Rows of CSV and Excel are numbered as a spreadsheet shows them, the header first."""

_SEPARATORS = (",", ";", "\t")


def read_fact_table(path: Path) -> tuple[dict[str, Sequence[object]], int]:
    """The columns of a file of facts by their headers, and the number of the first row of patients.

    Raises:
        InputError: the file cannot be read, is no such table, uses a header twice, has an empty row or one of
            another length; or the library for it is not installed.
    """
    readers = {".csv": _csv, ".xlsx": _excel, ".parquet": _parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path.name} is no table; expected a file that ends in {', '.join(TABLE_SUFFIXES)}")
    try:
        return reader(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path.name} cannot be read ({reason}); check the path") from error


def _csv(path: Path) -> tuple[dict[str, Sequence[object]], int]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not text in UTF-8; save it as CSV UTF-8") from error
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    try:
        rows = [*csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)]
    except csv.Error as error:
        raise InputError(f"{path.name} is no valid CSV ({error}); mend the file") from error
    return _columns(path, rows), HEADER_ROW + 1


def _excel(path: Path) -> tuple[dict[str, Sequence[object]], int]:
    openpyxl = _library("openpyxl", path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except OSError:
        raise
    except Exception as error:  # the library raises many kinds for a file that is no workbook
        raise InputError(f"{path.name} is no Excel workbook ({error}); save it as .xlsx") from error
    try:
        rows = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    finally:
        book.close()
    # Excel keeps empty cells to the right of a table.
    width = (
        max((index + 1 for index, cell in enumerate(rows[0]) if cell is not None), default=0) if rows else 0
    )
    trimmed = [
        row[:width] if all(cell is None for cell in row[width:]) else row
        for row in ([*row, *[None] * (width - len(row))] for row in rows)
    ]
    return _columns(path, trimmed), HEADER_ROW + 1


def _parquet(path: Path) -> tuple[dict[str, Sequence[object]], int]:
    pyarrow = _library("pyarrow", path)
    parquet = _library("pyarrow.parquet", path)
    if not path.is_file():
        raise InputError(f"{path.name} cannot be read (no such file); check the path")
    try:
        table = parquet.read_table(path)
    except pyarrow.ArrowException as error:
        raise InputError(f"{path.name} is no Parquet file ({error}); write it again") from error
    names = table.column_names
    _require_once(path, names)
    columns: dict[str, Sequence[object]] = {
        name: column.to_pylist() for name, column in zip(names, table.columns, strict=True)
    }
    return columns, 1


def _columns(path: Path, rows: Sequence[Sequence[object]]) -> dict[str, Sequence[object]]:
    """Columns by the headers of the first row; empty rows at the end hold no patient."""
    if not rows or not any(rows[0]):
        raise InputError(f"{path.name} has no header; expected names of facts in its first row")
    header = ["" if cell is None else str(cell).strip() for cell in rows[0]]
    if "" in header:
        raise InputError(f"{path.name}: column {header.index('') + 1} has no header; name the fact in it")
    _require_once(path, header)
    body = list(rows[1:])
    while body and _is_empty(body[-1]):
        body.pop()
    problems = [
        f"{path.name}: row {number} has {len(row)} cells, expected {len(header)} as in the header"
        if not _is_empty(row)
        else f"{path.name}: row {number} is empty; take it out"
        for number, row in enumerate(body, HEADER_ROW + 1)
        if len(row) != len(header) or _is_empty(row)
    ]
    if problems:
        raise InputError("\n".join(problems))
    return {name: [row[index] for row in body] for index, name in enumerate(header)}


def _is_empty(row: Sequence[object]) -> bool:
    return all(cell is None or cell == "" for cell in row)


def _require_once(path: Path, header: Sequence[str]) -> None:
    doubles = sorted({name for name in header if header.count(name) > 1})
    if doubles:
        raise InputError(f"{path.name}: the header {', '.join(doubles)} stands twice; keep one column of it")


def _library(name: str, path: Path) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise InputError(
            f"{path.name}: reading it needs {package}, which is not installed; "
            'install "emboplan[tables]", or save the table as CSV'
        ) from error


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
