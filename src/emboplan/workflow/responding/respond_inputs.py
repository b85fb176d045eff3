"""The files of `emboplan respond`: a table of reads, and the dates of the patients' courses.

CSV and JSON are read here, Excel and Parquet as tables of facts are. Cells stay as written, so that
diameters are exact decimals.
"""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from emboplan.errors import CaseFileError, InputError
from emboplan.response.reads import near
from emboplan.workflow.screening.fact_table import read_fact_table

Row = Mapping[str, object]
JSON_KEYS = ("reads", "course", "courses")


@dataclass(frozen=True, slots=True)
class ReadsTable:
    """The rows of a table of reads, what to call each in messages, and the courses that came with them."""

    rows: tuple[Row, ...]
    where: tuple[str, ...]
    courses: Mapping[str, Row] = field(default_factory=dict)


def read_reads(path: Path) -> ReadsTable:
    """The rows of a CSV, JSON, Excel or Parquet file.

    JSON is a list of rows, or an object with `reads` and `course` (or `courses`, one for each patient).

    Raises:
        InputError: the file cannot be read, or is none of these.
    """
    ending = path.suffix.lower()
    if ending == ".json":
        return _from_json(_json(path), path.name)
    rows = _table(path, ending)
    first = 2 if ending in (".csv", ".tsv", ".xlsx") else 1  # the header is line 1
    word = "line" if first > 1 else "row"
    where = tuple(f"{path.name}: {word} {number}" for number in range(first, first + len(rows)))
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
    for row in _table(path, ending):
        name = str(row.get("patient") or "")
        if name in courses:
            raise InputError(f'{path.name}: the patient "{name}" stands twice; keep one row')
        courses[name] = {key: value for key, value in row.items() if key != "patient"}
    return courses


def _table(path: Path, ending: str) -> list[Row]:
    if ending in (".csv", ".tsv"):
        return _csv(path)
    if ending in (".xlsx", ".parquet"):
        return _spreadsheet(path)
    raise InputError(
        f"{path.name}: found the ending {ending or 'none'}, expected .csv, .json, .xlsx or .parquet"
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not text in UTF-8; save it as UTF-8") from error


def _csv(path: Path) -> list[Row]:
    text = _text(path)
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)  # a spreadsheet of some countries writes semicolons
    lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(line)]
    if not lines:
        raise InputError(f"{path.name} is empty; expected a header and rows")
    names = [name.strip() for name in lines[0]]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise InputError(f'{path.name}: the column "{double[0]}" stands twice; keep one')
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(names):
            raise InputError(
                f"{path.name}: line {number} has {len(line)} cells, the header {len(names)}; mend the line"
            )
    return [dict(zip(names, line, strict=True)) for line in lines[1:]]


def _spreadsheet(path: Path) -> list[Row]:
    columns, _ = read_fact_table(path)
    cells = zip(*columns.values(), strict=True)
    return [dict(zip(columns, map(_plain, row), strict=True)) for row in cells]


def _plain(value: object) -> object:
    """A cell as Python's own value."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.item() if hasattr(value, "item") else value


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path), parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path.name} is not valid TOML ({error}); mend the syntax") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f'"{next(n for n in names if names.count(n) > 1)}" is used twice')
    return table


def _json(path: Path) -> Any:
    text = _text(path)
    try:
        # NaN stays a word, so that the row it stands in is told.
        return json.loads(text, parse_float=Decimal, parse_constant=str, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is no valid JSON ({error}); mend the file") from error


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
