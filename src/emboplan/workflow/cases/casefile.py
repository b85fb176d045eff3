"""The case file: TOML in, a checked `Case` out, or every mistake in it at once.

Each mistake is one line that names the file, the key, what was found and what was expected. Quantities are
strings with units (``"168 cm"``) or numbers where the key names the unit; nothing is guessed. Paths are
relative to the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from emboplan.catalog.load import Catalog
from emboplan.eligibility.agreement import contradictions as facts_against_facts
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.eligibility.facts import parse_facts
from emboplan.errors import CaseFileError
from emboplan.model.case import Case
from emboplan.model.patient import PatientFacts
from emboplan.workflow.cases.casechecks import contradictions, missing_paths
from emboplan.workflow.cases.casefields import shown
from emboplan.workflow.cases.caseschema import CaseTable, PatientTable
from emboplan.workflow.cases.casevalues import case_of
from emboplan.workflow.cases.partly_read import rest_of_schedule
from emboplan.workflow.protocol_names import with_protocol_id

# Facts that [patient] states too: entered twice, they must agree.
FACTS_IN_PATIENT = ("age_years", "sex", "date_of_birth")


# What the schema's library calls by the names of Python, in words of the file.
EXPECTED = {
    "model_type": "a table",
    "list_type": "a list (tables in double brackets, or values in single ones)",
    "string_type": "text in quotes",
    "string_too_short": "text that is not empty",
    "too_short": "at least one value",
    "int_type": "a whole number",
}


def read_case(path: Path, catalog: Catalog, *, for_calendar: bool = False, any_kind: bool = False) -> Case:
    """The case that a TOML file describes; raises `CaseFileError` with one line per mistake.

    A treatment calendar (`for_calendar`) needs `[schedule]`, and neither images nor volumes. `any_kind` takes
    every kind of procedure, where else only radioembolization is taken.
    """
    table = with_protocol_id(_parse(path), catalog)
    problems: list[str] = []
    raw_facts = table.pop("facts", {})
    parsed: CaseTable | None = None
    refused: set[object] = set()
    try:
        parsed = CaseTable.model_validate(table)
    except ValidationError as error:
        problems.extend(_lines(path, error))
        places = [item["loc"] for item in error.errors()]
        refused = {place[1] for place in places if place[0] == "patient" and len(place) > 1}
        more = rest_of_schedule(table, places, catalog, for_calendar=for_calendar)
        problems.extend(f"{path.name}: {line}" for line in more)
    patient = table.get("patient")
    stated = {k: v for k, v in patient.items() if k not in refused} if isinstance(patient, dict) else {}
    facts = PatientFacts()
    try:
        facts = facts_of_case(raw_facts, stated, catalog)
    except CaseFileError as error:
        problems.extend(f"{path.name}: {line}" for line in error.problems)
    if parsed is not None:
        wrong = contradictions(parsed, catalog, for_calendar=for_calendar, any_kind=any_kind)
        problems.extend(f"{path.name}: {line}" for line in wrong)
        problems.extend(f"{path.name}: {line}" for line in missing_paths(parsed, path.parent))
    if problems or parsed is None:
        raise CaseFileError(problems)
    return case_of(path, parsed, facts)


def _parse(path: Path) -> dict[str, Any]:
    try:
        return parse_toml_file(path)
    except FileNotFoundError as error:
        raise CaseFileError([f"{path.name}: no such case file; give the path of a TOML file"]) from error
    except IsADirectoryError as error:
        raise CaseFileError([f"{path.name}: found a folder; expected a case file (TOML)"]) from error
    except OSError as error:
        raise CaseFileError([f"{path.name}: the case file cannot be read ({error.strerror})"]) from error
    except UnicodeDecodeError as error:
        raise CaseFileError([f"{path.name}: not text in UTF-8; give a case file (TOML)"]) from error
    except tomllib.TOMLDecodeError as error:
        raise CaseFileError([f"{path.name}: not valid TOML ({error}); mend the syntax"]) from error


def parse_toml_file(path: Path) -> dict[str, Any]:
    """The tables of a TOML file, numbers as exact decimals; a byte order mark at its start is no fault."""
    return tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)


def _lines(path: Path, error: ValidationError) -> Iterator[str]:
    for item in error.errors(include_url=False):
        yield f"{path.name}: {_line(item['loc'], item)}"


def _line(location: tuple[int | str, ...], item: Any) -> str:
    """One mistake that the schema found, without the file."""
    where = ""
    for part in location:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
    kind = item["type"]
    if kind == "extra_forbidden":
        return f"{where}: unknown key; {_known_keys(location)}"
    if kind == "missing":
        return f"{where}: not found; this key is required"
    if kind == "value_error":
        return f"{where}: {item['ctx']['error']}"
    expected = EXPECTED.get(kind) or item["msg"].removeprefix("Input should be ").replace("'", '"')
    return f"{where}: found {shown(item.get('input'))}; expected {expected}"


def patient_problems(patient: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The keys of [patient] that are unknown or hold no such value, with a line each; none need be there."""
    try:
        PatientTable.model_validate(dict(patient))
    except ValidationError as error:
        for item in error.errors(include_url=False):
            if item["type"] != "missing":
                yield str(item["loc"][0]), _line(("patient", *item["loc"]), item)


def _known_keys(location: tuple[int | str, ...]) -> str:
    """The keys that the table around `location` knows, read from the schema itself."""
    model: Any = CaseTable
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        field = next((f for n, f in model.model_fields.items() if part in (n, f.alias)), None)
        inner = _table_type(field.annotation) if field is not None else None
        if inner is None:
            return "see the case file's documentation"
        model = inner
    known = [field.alias or name for name, field in model.model_fields.items()]
    return f"known here: {', '.join([*known, 'facts'] if model is CaseTable else known)}"


def _table_type(annotation: Any) -> Any:
    if hasattr(annotation, "model_fields"):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _table_type(argument)
        if found is not None:
            return found
    return None


def facts_of_case(raw: object, patient: Mapping[str, Any], catalog: Catalog) -> PatientFacts:
    """The facts of a case file: its [facts], and those that [patient] states; both must agree."""
    if not isinstance(raw, dict):
        raise CaseFileError([f"facts: found {shown(raw)}; expected a table of names and values"])
    definitions = definitions_from_table(catalog.fact_table())
    problems: list[str] = []
    entered, stated = PatientFacts(), PatientFacts()
    twice = {name: patient[name] for name in FACTS_IN_PATIENT if patient.get(name) is not None}
    for section, table in (("facts", raw), ("patient", twice)):
        try:
            parsed = parse_facts(table, definitions)
        except CaseFileError as error:
            problems.extend(f"{section}.{line}" for line in error.problems)
        else:
            entered, stated = (parsed, stated) if section == "facts" else (entered, parsed)
    for name in FACTS_IN_PATIENT:
        mine, other = entered.get(name), stated.get(name)
        if mine is not None and other is not None and mine.value != other.value:
            problems.append(f"facts.{name}: found {mine.value}, but [patient] says {other.value}")
    both = {**stated.known, **entered.known}
    if not problems:  # what one section says against the other
        problems.extend(f"facts.{line}" for line in facts_against_facts(both, definitions))
    if problems:
        raise CaseFileError(problems)
    return PatientFacts(both)
