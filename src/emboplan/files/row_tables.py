"""Tables from files: CSV, Excel and Parquet, as one header and rows of cells.

Cells come as the file holds them; what they mean is read by others. Rows of CSV and Excel are numbered as a
spreadsheet shows them, the header first. Nothing is repaired: a header that stands twice, a row of another
length and a number with a comma are told, all at once. The libraries for Excel and Parquet are loaded only
when such a file is read.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from emboplan.errors import CaseFileError, InputError
from emboplan.files.plain_text import read_text

TABLE_SUFFIXES = (".csv", ".tsv", ".xlsx", ".parquet")
"""The files that hold a table."""

MOST_NAMED = 5
"""Rows that a message names; it counts the others."""

_SEPARATORS = (",", ";", "\t")
_QUOTED = re.compile(r'"[^"]*"')
_COMMA_IN_NUMBER = re.compile(r"\s*[+-]?[\d.]*\d,\d+(?:[eE][+-]?\d+)?(?:\s+[^,;]*|[^\d\s,;.][^,;]*)?")

_SHEETS = "xl/worksheets/sheet"
_FORMULA = re.compile(rb"<f[ >/]")

Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class RowTable:
    """A header and rows of as many cells; `numbers` says how a reader finds each row in the file.

    Empty rows are left out, and show as a gap in the numbers. `header` is the number of the header's own row,
    0 where the file counts its rows without it.
    """

    header: int
    names: tuple[str, ...]
    rows: tuple[Row, ...]
    numbers: tuple[int, ...]

    def columns(self) -> dict[str, list[object]]:
        """The cells of each column."""
        return {name: [row[index] for row in self.rows] for index, name in enumerate(self.names)}

    def by_name(self) -> list[dict[str, object]]:
        """Each row by the names of its columns."""
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]


def _never(_: str) -> bool:
    return False


def read_row_table(
    path: Path, *, is_words: Callable[[str], bool] = _never, mistakes: list[str] | None = None
) -> RowTable:
    """The table of a CSV (comma, semicolon or tab), TSV, Excel or Parquet file.

    `is_words` tells the columns whose cells are words, in which a comma between digits is no mistake. Where
    `mistakes` is given, those of single rows and cells are added to it instead of raised, so that a caller
    can tell them with its own: such a row, and such a cell, is empty then.

    Raises:
        CaseFileError: one line for each column without a header or with that of another one, each row of
            another length, and each column of numbers with commas.
        InputError: the file cannot be read, is no such table, or is empty; or the library for it is not
            installed.
    """
    ending = path.suffix.lower()
    readers = {".csv": _csv, ".tsv": _csv, ".xlsx": _excel, ".parquet": _parquet}
    if ending not in readers:
        found = f"found the ending {ending or 'none'}, expected {', '.join(TABLE_SUFFIXES)}"
        raise InputError(f"{path.name} is no table: {found}")
    rows = readers[ending](path)
    first = 0 if ending == ".parquet" else 1
    filled = [(number, row) for number, row in enumerate(rows, first) if not _is_empty(row)]
    if not filled or filled[0][0] != first:
        raise InputError(f"{path.name} is empty or has no header; expected names of columns in its first row")
    names = ["" if cell is None else str(cell).strip() for cell in filled[0][1]]
    body = filled[1:]
    header, lengths = _header_problems(names), _length_problems(names, body)
    body = [(number, row if len(row) == len(names) else [None] * len(names)) for number, row in body]
    problems = [*header, *lengths, *_comma_problems(names, body, is_words)]
    if problems and (header or mistakes is None):
        raise CaseFileError([f"{path.name}: {problem}" for problem in problems])
    if problems and mistakes is not None:
        mistakes.extend(f"{path.name}: {problem}" for problem in problems)
        body = [(number, _without_commas(names, row, is_words)) for number, row in body]
    return RowTable(first, tuple(names), tuple(row for _, row in body), tuple(number for number, _ in body))


def rows_named(numbers: Sequence[int]) -> str:
    """The rows of these numbers as messages name them, the first few of many."""
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    named = ", ".join(str(number) for number in numbers[:MOST_NAMED])
    more = len(numbers) - MOST_NAMED
    return f"rows {named}{f' and {more} more' if more > 0 else ''}"


def _is_empty(row: Row) -> bool:
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in row)


def _header_problems(names: Sequence[str]) -> list[str]:
    blank = [f"column {place} has no header; name it" for place, name in enumerate(names, 1) if not name]
    doubles = sorted({name for name in names if name and names.count(name) > 1})
    return blank + [f"the header {name} stands twice; keep one column of it" for name in doubles]


def _length_problems(names: Sequence[str], body: Iterable[tuple[int, Row]]) -> list[str]:
    return [
        f"row {number} has {len(row)} cells, expected {len(names)} as in the header"
        + (" (a decimal comma would part a cell in two)" if len(row) > len(names) else "")
        for number, row in body
        if len(row) != len(names)
    ]


def _comma_problems(
    names: Sequence[str], body: Sequence[tuple[int, Row]], is_words: Callable[[str], bool]
) -> list[str]:
    problems = []
    for index, name in enumerate(names):
        if is_words(name):
            continue
        found = [(number, row[index]) for number, row in body if _has_comma(row[index])]
        if found:
            problems.append(
                f'{rows_named([number for number, _ in found])}, column {name}: found "{found[0][1]}", a '
                "number with a comma; write the decimal point as a point, and nothing between thousands"
            )
    return problems


def _without_commas(names: Sequence[str], row: Row, is_words: Callable[[str], bool]) -> Row:
    told = zip(names, row, strict=True)
    return [None if not is_words(name) and _has_comma(cell) else cell for name, cell in told]


def _has_comma(cell: object) -> bool:
    """Whether the cell is a number with a comma in it, with or without a unit."""
    return isinstance(cell, str) and "," in cell and _COMMA_IN_NUMBER.fullmatch(cell) is not None


def _csv(path: Path) -> list[Row]:
    text = read_text(path)
    # A header may hold a separator within quotes, or a line break.
    header = _QUOTED.sub("", text).splitlines()[:1]
    separator = max(_SEPARATORS, key=(header or [""])[0].count)
    try:
        return [*csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)]
    except csv.Error as error:
        raise InputError(f"{path.name} is no valid CSV ({error}); mend the file") from error


def _excel(path: Path) -> list[Row]:
    openpyxl = _library("openpyxl", path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror or error}); check the path") from error
    except Exception as error:  # the library raises many kinds for a file that is no workbook
        raise InputError(f"{path.name} is no Excel workbook ({error}); save it as .xlsx") from error
    try:
        rows = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    finally:
        book.close()
    _refuse_empty_formulas(path, rows)
    # Excel keeps empty cells to the right of a table.
    header = rows[0] if rows else []
    width = max((index + 1 for index, cell in enumerate(header) if cell is not None), default=0)
    padded = ([*row, *[None] * (width - len(row))] for row in rows)
    return [row[:width] if _is_empty(row[width:]) else row for row in padded]


def _refuse_empty_formulas(path: Path, rows: Sequence[Row]) -> None:
    """Raise where a formula has no value in the file: a program wrote it, and no spreadsheet saved it."""
    with ZipFile(path) as parts:
        sheets = [name for name in parts.namelist() if name.startswith(_SHEETS)]
        if not any(_FORMULA.search(parts.read(name)) for name in sheets):
            return
    book = _library("openpyxl", path).load_workbook(path, read_only=True)
    try:
        written = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    finally:
        book.close()
    found = [
        f"{path.name}: row {number}, column {place}: a formula without a value; open the file in a "
        "spreadsheet and save it, or write the value"
        for number, (row, known) in enumerate(zip(written, rows, strict=False), 1)
        for place, (cell, value) in enumerate(zip(row, known, strict=False), 1)
        if value is None and isinstance(cell, str) and cell.startswith("=")
    ]
    if found:
        raise CaseFileError(found)


def _parquet(path: Path) -> list[Row]:
    pyarrow = _library("pyarrow", path)
    parquet = _library("pyarrow.parquet", path)
    if not path.is_file():
        raise InputError(f"{path.name} cannot be read (no such file); check the path")
    try:
        table = parquet.read_table(path)
    except pyarrow.ArrowException as error:
        raise InputError(f"{path.name} is no Parquet file ({error}); write it again") from error
    cells = [column.to_pylist() for column in table.columns]
    return [table.column_names, *(list(row) for row in zip(*cells, strict=True))]


def _library(name: str, path: Path) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise InputError(
            f"{path.name}: reading it needs {package}, which is not installed; "
            'install "emboplan[tables]", or save the table as CSV'
        ) from error
