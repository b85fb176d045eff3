"""A table of facts, one row for each patient, as columns in which every different answer is read once.

A column bears the name of a fact. A laboratory value stands in its cell with its unit ("90 umol/L"), or its
unit stands in the header ("creatinine [umol/L]") or in a column of its own ("creatinine_unit"); the upper
limit of normal stands in "alt_uln". Who judged stands in "inoperable_by", "inoperable_on" and
"inoperable_reason", or in "judged_by" and "judged_on" for the whole row. An empty cell is a fact that is not
known. Every mistake names its rows and its column, and all are reported at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from emboplan.eligibility.agreement import contradictions_of, related
from emboplan.eligibility.facts import nearest, parse_value
from emboplan.eligibility.signing import FOR_ALL, KEYS, WrongSignatureError, signature, too_late
from emboplan.errors import CaseFileError
from emboplan.model.patient import Fact
from emboplan.model.protocol import FactDefinition, FactDefinitions, FactKind

PATIENT_COLUMNS = ("patient", "id", "case")
"""Columns that name the patient, the first that is there; without one, rows are numbered."""

MOST_ROWS_NAMED = 5
"""Rows that a message names; it counts the others."""

_UNIT, _UPPER, _CONFIRMED = "_unit", "_uln", "_confirmed"
_BESIDE = (_UNIT, _UPPER, _CONFIRMED)
_SIGNED = tuple(f"_{key}" for key in KEYS)
_HEADER = re.compile(r"\s*(?P<name>[^\[\]]*?)\s*(?:\[(?P<unit>[^\]]*)\])?\s*")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_QUANTITY = re.compile(rf"({_NUMBER.pattern})\s*(\S.*)?")
# How a day comes out of a spreadsheet that was saved as text.
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]00:00(?::00)?")
_WORDS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The answers of one fact: `codes` gives each row's place in `values`; the first value is "not known"."""

    values: tuple[Fact | None, ...]
    codes: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class FactColumns:
    """All known facts of all patients; a fact without a column is known of nobody.

    `signed` and `reasoned` tell in which rows a fact names who judged, and holds written reasons; in
    `signed_rows` a person stands for all answers.
    """

    patients: tuple[str, ...]
    columns: Mapping[str, Column]
    signed: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    reasoned: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    signed_rows: NDArray[np.bool_] | None = None

    def column(self, name: str) -> Column:
        """The answers of that fact."""
        found = self.columns.get(name)
        return Column((None,), np.zeros(len(self.patients), np.int64)) if found is None else found

    def together(self, names: Sequence[str]) -> tuple[list[dict[str, Fact]], NDArray[np.int64]]:
        """The different combinations of answers to these facts, and each row's place among them."""
        key = np.zeros(len(self.patients), np.int64)
        for name in names:
            column = self.column(name)
            # Made dense after each fact, so that the product of the counts never overflows.
            _, key = np.unique(key * len(column.values) + column.codes, return_inverse=True)
        _, first, place = np.unique(key, return_index=True, return_inverse=True)
        combinations = []
        for row in first.tolist():
            known = {}
            for name in names:
                column = self.column(name)
                answer = column.values[int(column.codes[row])]
                if answer is not None:
                    known[name] = answer
            combinations.append(known)
        return combinations, place


def columns_from_table(
    table: Mapping[str, Sequence[object]],
    definitions: FactDefinitions,
    *,
    today: date | None = None,
    first_row: int = 1,
) -> FactColumns:
    """The facts of a table of columns of equal length; `first_row` is how messages number its first row.

    Raises:
        CaseFileError: with one line for each mistake and column: unknown columns with the nearest fact, and
            everything that `parse_facts` refuses, with the rows in which it stands.
    """
    reader = _TableOfFacts(definitions, first_row, today)
    rows = max((len(column) for column in table.values()), default=0)
    if not rows:
        raise CaseFileError(
            ["the table has no rows; expected one for each patient, below the names of facts"]
        )
    named = next((name for name in PATIENT_COLUMNS if name in table and name not in definitions), None)
    everyone = {name: table[name] for name in FOR_ALL if name in table and name not in definitions}
    columns = reader.read(
        {name: cells for name, cells in table.items() if name != named and name not in everyone}
    )
    signed_rows = reader.signatures(FOR_ALL, everyone, rows)[0] if everyone else None
    numbers = [str(first_row + row) for row in range(rows)]
    cells = numbers if named is None else [_cell(cell) for cell in table[named]]
    patients = [number if cell is None else str(cell) for cell, number in zip(cells, numbers, strict=True)]
    reader.one_row_each(named, patients)
    facts = FactColumns(tuple(patients), columns, reader.signed, reader.reasoned, signed_rows)
    reader.agree(facts, today)
    if reader.problems:
        raise CaseFileError(reader.problems)
    return facts


class _TableOfFacts:
    """Reads columns; `problems` holds a line for each mistake."""

    def __init__(self, definitions: FactDefinitions, first_row: int, today: date | None) -> None:
        self.definitions = definitions
        self.first_row = first_row
        self.today = today
        self.problems: list[str] = []
        self.signed: dict[str, NDArray[np.bool_]] = {}
        self.reasoned: dict[str, NDArray[np.bool_]] = {}

    def read(self, table: Mapping[str, Sequence[object]]) -> dict[str, Column]:
        """The columns of facts, each with those that belong to it."""
        columns: dict[str, Column] = {}
        aside = self._aside(table)
        for header, cells in table.items():
            if header in aside.values():
                continue
            name, unit = _named(header)
            definition = self.definitions.get(name)
            if definition is None:
                self.problems.append(f"column {header}: unknown fact{nearest(name, self.definitions)}")
            elif name in columns:
                self.problems.append(f"column {header}: the fact {name} stands in two columns; keep one")
            else:
                beside = {suffix: table[aside[name + suffix]] for suffix in _BESIDE if name + suffix in aside}
                columns[name] = self._column(definition, header, unit, cells, beside)
                names = [name + suffix for suffix in _SIGNED]
                who = {it: table[aside[it]] for it in names if it in aside}
                if who:
                    self.signed[name], self.reasoned[name] = self.signatures(names, who, len(cells))
        return columns

    def signatures(
        self, names: Sequence[str], columns: Mapping[str, Sequence[object]], rows: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """In which rows somebody is named, and in which reasons are written; `names` are those columns."""
        signed, reasoned = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
        wrong: dict[str, list[int]] = {}
        for row in range(rows):
            parts = [_cell(columns[name][row]) if name in columns else None for name in names]
            try:
                found = signature(*parts, names=names)
                late = too_late(found, self.today)
            except WrongSignatureError as error:
                found, late = None, str(error)
            if late is not None:
                wrong.setdefault(late, []).append(row)
            signed[row] = found is not None and found.by is not None
            reasoned[row] = found is not None and found.reason is not None
        for text, places in wrong.items():
            self.problems.append(f"{self._rows(places)}, column {names[0]}: {text}")
        return signed, reasoned

    def _aside(self, table: Mapping[str, Sequence[object]]) -> dict[str, str]:
        """The columns that belong to another one: its unit, upper limit, confirmation, and who judged."""
        facts = {_named(header)[0] for header in table} & set(self.definitions)
        known = {name + suffix for name in facts for suffix in (*_BESIDE, *_SIGNED)}
        return {header: header for header in table if header in known and header not in self.definitions}

    def _column(
        self,
        definition: FactDefinition,
        header: str,
        unit: str | None,
        cells: Sequence[object],
        beside: Mapping[str, Sequence[object]],
    ) -> Column:
        values: list[Fact | None] = [None]
        codes = np.zeros(len(cells), np.int64)
        places: dict[object, int] = {}
        wrong: dict[str, list[int]] = {}
        mistakes: dict[object, str] = {}
        for row, cell in enumerate(cells):
            parts = (cell, *(column[row] for column in beside.values()))
            key = tuple((part.__class__, part) for part in parts)
            if key not in places and key not in mistakes:
                extra = dict(zip(beside, parts[1:], strict=True))
                parsed = parse_value(definition, _raw(definition, cell, unit, extra))
                if isinstance(parsed, str):
                    mistakes[key] = parsed
                elif parsed is None:
                    places[key] = 0
                else:
                    places[key] = len(values)
                    values.append(parsed)
            if key in mistakes:
                wrong.setdefault(mistakes[key], []).append(row)
            else:
                codes[row] = places[key]
        for text, rows in wrong.items():
            self.problems.append(f"{self._rows(rows)}, column {header}: {text}")
        return Column(tuple(values), codes)

    def one_row_each(self, named: str | None, patients: Sequence[str]) -> None:
        """Remember rows that bear the same name in the column of patients."""
        rows: dict[str, list[int]] = {}
        for row, patient in enumerate(patients):
            rows.setdefault(patient, []).append(row)
        for same in rows.values():
            if len(same) > 1:
                text = "the same patient stands in each; keep one row of every patient"
                self.problems.append(f"{self._rows(same)}, column {named}: {text}")

    def agree(self, facts: FactColumns, today: date | None) -> None:
        """Remember what facts of one row say against each other."""
        for definition in self.definitions.values():
            names = related(definition)
            if not any(name in facts.columns for name in names):
                continue
            combinations, place = facts.together(names)
            for number, known in enumerate(combinations):
                for text in contradictions_of(definition, known, today):
                    rows = np.flatnonzero(place == number).tolist()
                    self.problems.append(f"{self._rows(rows)}, {text}")

    def _rows(self, rows: Sequence[int]) -> str:
        numbers = [str(self.first_row + row) for row in rows[:MOST_ROWS_NAMED]]
        if len(rows) == 1:
            return f"row {numbers[0]}"
        more = len(rows) - len(numbers)
        return f"rows {', '.join(numbers)}{f' and {more} more' if more else ''}"


def _named(header: str) -> tuple[str, str | None]:
    """The fact and the unit that a header names."""
    match = _HEADER.fullmatch(header)
    return (header, None) if match is None else (match["name"], match["unit"])


def _cell(cell: object) -> object:
    """A cell without blanks around it; an empty one is None, midnight of a day is that day."""
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date()
    return cell


def _raw(definition: FactDefinition, cell: object, unit: str | None, beside: Mapping[str, object]) -> object:
    """The cell as `parse_value` takes it: words and numbers out of text, a laboratory value with its unit."""
    value = _cell(cell)
    if value is None:
        return None
    if isinstance(value, str):
        if definition.kind is FactKind.DATE and (midnight := _MIDNIGHT.fullmatch(value)):
            return midnight[1]
        if definition.kind is FactKind.BOOLEAN:
            return _WORDS.get(value.casefold(), value)
        if definition.kind is not FactKind.CHOICE and _NUMBER.fullmatch(value):
            value = Decimal(value)
    extra = {suffix: _cell(part) for suffix, part in beside.items()}
    written = extra.get(_UNIT) or unit
    upper, sure = extra.get(_UPPER), extra.get(_CONFIRMED)
    if written is None and upper is None and sure is None:
        return value
    if isinstance(value, str) and written is None and (match := _QUANTITY.fullmatch(value)):
        value, written = Decimal(match[1]), match[2]
    if isinstance(upper, str) and _NUMBER.fullmatch(upper):
        upper = Decimal(upper)
    if isinstance(sure, str):
        sure = _WORDS.get(sure.casefold(), sure)
    parts = {"value": value, "unit": written, "uln": upper, "confirmed": sure}
    return {key: part for key, part in parts.items() if part is not None}
