"""Screening: a table of many patients against one or more protocols.

The table is a CSV, Excel or Parquet file, or one in memory. The answers are those of `check`, patient by
patient: a table of verdicts and a matrix of criteria.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from emboplan.catalog.load import Catalog, load
from emboplan.eligibility.columns import columns_from_table
from emboplan.eligibility.many import screen
from emboplan.errors import CaseFileError, InputError
from emboplan.files.atomic import atomic_folder
from emboplan.model.protocol import FactDefinitions
from emboplan.model.results.screening import Screening
from emboplan.workflow.protocol_file import load_protocol
from emboplan.workflow.screening.check import ALL
from emboplan.workflow.screening.fact_table import columns_of, read_fact_table

VERDICTS_FILE = "verdicts.csv"
CRITERIA_FILE = "criteria.csv"
FORMULA_SIGNS = ("=", "+", "@", "\t", "\r")


def check_table(
    table: Path | Mapping[str, Sequence[object]] | Sequence[Mapping[str, object]] | Any,
    protocols: str | Path | Iterable[str | Path] = ALL,
    *,
    stage: str | None = None,
    variant: str | None = None,
    today: date | None = None,
    catalog: Catalog | None = None,
) -> Screening:
    """The verdicts of many patients.

    Args:
        table: the path of a CSV, Excel or Parquet file, or a mapping of columns, a list of rows, or a data
            frame; one row for each patient, columns named as facts (see the how-to page on screening).
        protocols: one protocol, several, or ``all``, each as in `check`.
        stage: as in `check`; goes before a column `assessment_stage`.
        variant: as in `check`, with one protocol.
        today: as in `check`.
        catalog: the catalogue in use; the shipped one unless given.

    Raises:
        CaseFileError: the table has mistakes; one line for each, with its rows and its column.
        InputError: the file cannot be read, or a protocol is not known.
    """
    tables = catalog or load()
    named: list[str | Path] = [protocols] if isinstance(protocols, str | Path) else list(protocols)
    wanted = [name for it in named for name in (tables.protocol_names() if it == ALL else (it,))]
    if not wanted:
        raise InputError("no protocol was given; name one, or all")
    loaded = [load_protocol(name, variant=variant, catalog=tables) for name in wanted]
    definitions: FactDefinitions = {name: it for _, known in loaded for name, it in known.items()}
    if not isinstance(table, Path):
        facts = columns_from_table(columns_of(table), definitions, today=today)
        return screen(facts, [rules for rules, _ in loaded], stage=stage)
    mistakes: list[str] = []
    cells, first_row = read_fact_table(table, mistakes=mistakes)
    try:
        facts = columns_from_table(cells, definitions, today=today, first_row=first_row)
    except CaseFileError as error:
        lines = (*mistakes, *(f"{table.name}: {line}" for line in error.problems))
        raise CaseFileError(lines) from error
    if mistakes:
        raise CaseFileError(mistakes)
    return screen(facts, [rules for rules, _ in loaded], stage=stage)


def write_screening(screening: Screening, folder: Path, *, force: bool = False) -> tuple[Path, Path]:
    """Writes the table of verdicts and the matrix of criteria into a folder, as a whole or not at all.

    Raises:
        OutputError: the folder holds something else, or a result that `force` does not allow to replace.
    """
    with atomic_folder(folder, VERDICTS_FILE, force=force) as work:
        for name, rows in (
            (VERDICTS_FILE, screening.verdict_rows()),
            (CRITERIA_FILE, screening.criteria_rows()),
        ):
            with (work / name).open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(map(_without_formulas, rows))
    return folder / VERDICTS_FILE, folder / CRITERIA_FILE


def _without_formulas(row: Iterable[object]) -> list[object]:
    """The cells with an apostrophe before text that a spreadsheet would run as a formula."""
    return [f"'{it}" if isinstance(it, str) and it.startswith(FORMULA_SIGNS) else it for it in row]
