"""The files of `emboplan respond`: a table of reads, and the dates of the patients' courses.

Cells stay as written, so that diameters are exact decimals.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from emboplan.errors import CaseFileError, InputError
from emboplan.files.plain_text import read_json_value, read_text
from emboplan.files.row_tables import TABLE_SUFFIXES, RowTable, read_row_table
from emboplan.response.reads import near

Row = Mapping[str, object]
JSON_KEYS = ("reads", "course", "courses")


@dataclass(frozen=True, slots=True)
class ReadsTable:
    """The rows of a table of reads, what to call each in messages, and the courses that came with them."""

    rows: tuple[Row, ...]
    where: tuple[str, ...]
    courses: Mapping[str, Row] = field(default_factory=dict)


def read_reads(path: Path, *, mistakes: list[str] | None = None) -> ReadsTable:
    """The rows of a CSV, JSON, Excel or Parquet file.

    JSON is a list of rows, or an object with `reads` and `course` (or `courses`, one for each patient). A row
    of another length than the header is an error, or goes to `mistakes` and is left out.

    Raises:
        InputError: the file cannot be read, or is none of these.
    """
    ending = path.suffix.lower()
    if ending == ".json":
        return _from_json(_json(path), path.name)
    table = _table(path, mistakes)
    rows = [
        (row, number) for row, number in zip(_rows(table), table.numbers, strict=True) if any(row.values())
    ]
    where = tuple(f"{path.name}: row {number}" for _, number in rows)
    return ReadsTable(tuple(row for row, _ in rows), where)


def read_rows(path: Path, *, mistakes: list[str] | None = None) -> ReadsTable:
    """The rows of a table in any of these formats, JSON as a list of rows; `mistakes` as in `read_reads`.

    Raises:
        InputError: the file cannot be read, or is none of these.
    """
    if path.suffix.lower() != ".json":
        return read_reads(path, mistakes=mistakes)
    rows = _json(path)
    where = tuple(f"{path.name}: [{number}]" for number in range(len(rows) if isinstance(rows, list) else 0))
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise InputError(f"{path.name} holds no table; expected a list of rows")
    return ReadsTable(tuple(rows), where)


def read_courses(path: Path) -> Mapping[str, Row]:
    """The dates of one patient (TOML or JSON, under the name ""), or of several, by patient (a table).

    A TOML or JSON file of several patients has one table for each.
    """
    ending = path.suffix.lower()
    if ending in (".toml", ".json"):
        table = _json(path) if ending == ".json" else _toml(path)
        if not isinstance(table, Mapping):
            raise InputError(f"{path.name} holds no table; expected dates by name")
        tables = {str(name): row for name, row in table.items() if isinstance(row, Mapping)}
        if tables and len(tables) == len(table):
            return tables
        return {"": table}
    courses: dict[str, Row] = {}
    for row in _rows(_table(path)):
        name = str(row.get("patient") or "")
        if name in courses:
            raise InputError(f'{path.name}: the patient "{name}" stands twice; keep one row')
        courses[name] = {key: value for key, value in row.items() if key != "patient"}
    return courses


def _table(path: Path, mistakes: list[str] | None = None) -> RowTable:
    ending = path.suffix.lower()
    if ending not in TABLE_SUFFIXES:
        expected = f"{', '.join(TABLE_SUFFIXES)} or .json"
        raise InputError(f"{path.name}: found the ending {ending or 'none'}, expected {expected}")
    # Whoever reads a number tells a comma in it, with all other mistakes.
    return read_row_table(path, is_words=lambda _: True, mistakes=mistakes)


def _rows(table: RowTable) -> tuple[Row, ...]:
    return tuple({name: _plain(cell) for name, cell in row.items()} for row in table.by_name())


def _plain(value: object) -> object:
    """A cell as Python's own value."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.item() if hasattr(value, "item") else value


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(path), parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path.name} is not valid TOML ({error}); mend the syntax") from error


def _json(path: Path) -> Any:
    # NaN stays a word, so that the row it stands in is told.
    return read_json_value(path, constants=str)


def _from_json(content: Any, name: str) -> ReadsTable:
    table = {"reads": content} if isinstance(content, list) else content
    if not isinstance(table, Mapping):
        raise InputError(f"{name} holds no table; expected a list of rows, or an object with reads")
    problems = [
        f'{name}: unknown key "{key}"; {near(key, JSON_KEYS)}' for key in table if key not in JSON_KEYS
    ]
    rows = table.get("reads")
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        problems.append(f"{name}: reads: found no list; expected one row for each lesion and time point")
        rows = []
    where = tuple(f"{name}: reads[{number}]" for number in range(len(rows)))
    problems += [
        f"{place}: expected an object of columns and values"
        for place, row in zip(where, rows, strict=True)
        if not isinstance(row, Mapping)
    ]
    courses = table.get("courses", {"": table["course"]} if "course" in table else {})
    if not isinstance(courses, Mapping) or not all(isinstance(row, Mapping) for row in courses.values()):
        problems.append(f"{name}: course: expected an object of names and dates")
    if problems:
        raise CaseFileError(problems)
    return ReadsTable(tuple(rows), where, courses)
