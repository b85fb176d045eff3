"""Eligibility: a patient's facts against trial protocols.

Facts come as a table of names and values, from a file of facts, or from a case file; ``segmentation.json``
adds what images say. Where both say something the entered fact decides, and a flag of the result says so.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from emboplan.catalog.load import Catalog, load
from emboplan.eligibility.criterion import protocol_from_table
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.facts import parse_facts
from emboplan.errors import CaseFileError, InputError
from emboplan.model.patient import PatientFacts
from emboplan.model.results.eligibility import Eligibility, Flag
from emboplan.workflow.casefile import facts_of_case, parse_toml_file
from emboplan.workflow.caseschema import CaseTable
from emboplan.workflow.facts import PROVISIONAL, disagreements, facts_of_segmentation, uses_measured

ALL = "all"


def check(
    facts: PatientFacts | Mapping[str, object],
    protocol: str,
    *,
    stage: str | None = None,
    catalog: Catalog | None = None,
) -> Eligibility:
    """The verdict of one protocol on a patient's facts.

    Args:
        facts: checked facts, or a plain table of names and values as in a file of facts, such as
            ``{"ecog": 1, "bilirubin": "0.8 mg/dL"}``; what it does not name is not known.
        protocol: the protocol's name, such as ``retnet``.
        stage: ``screening`` or ``pre_treatment``; goes before the fact `assessment_stage`.
        catalog: the catalogue in use; the shipped one unless given.

    Raises:
        CaseFileError: the table of facts has mistakes; the message holds one line for each.
        InputError: no protocol has that name.
    """
    tables = catalog or load()
    names = tables.protocol_names()
    if protocol not in names:
        raise InputError(f'no protocol "{protocol}"; known: {", ".join(names)}')
    definitions = definitions_from_table(tables.fact_table())
    known = facts if isinstance(facts, PatientFacts) else parse_facts(facts, definitions)
    return evaluate(protocol_from_table(tables.protocol_table(protocol), definitions), known, stage=stage)


def check_all(
    facts: PatientFacts | Mapping[str, object], *, stage: str | None = None, catalog: Catalog | None = None
) -> dict[str, Eligibility]:
    """The verdicts of all protocols, keyed by each protocol's own name. Arguments and errors as `check`."""
    tables = catalog or load()
    results = [check(facts, name, stage=stage, catalog=tables) for name in tables.protocol_names()]
    return {result.protocol: result for result in results}


def check_file(
    path: Path, protocol: str, *, stage: str | None, burden: Path | None, catalog: Catalog
) -> dict[str, Eligibility]:
    """The verdicts of one protocol, or of ``all``, on a file of facts; keyed by the protocol's own name."""
    entered = read_facts(path, catalog)
    facts = entered
    flags: tuple[Flag, ...] = ()
    if burden is not None:
        facts, flags = with_segmentation(entered, burden, catalog)
    if protocol == ALL:
        results = check_all(facts, stage=stage, catalog=catalog)
    else:
        result = check(facts, protocol, stage=stage, catalog=catalog)
        results = {result.protocol: result}
    return {name: replace(result, flags=result.flags + flags) for name, result in results.items()}


def with_segmentation(
    entered: PatientFacts, path: Path, catalog: Catalog
) -> tuple[PatientFacts, tuple[Flag, ...]]:
    """Entered facts and those of a ``segmentation.json``, with flags where the two disagree."""
    table = _read_json(path)
    if "liver_ml" not in table:
        raise InputError(f"{path.name} is no segmentation.json: it has no liver_ml")
    try:
        measured = facts_of_segmentation(table)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error
    facts = entered.with_measured(measured)
    flags = tuple(Flag("fact-disagrees", None, text) for text in disagreements(entered, measured, catalog))
    confirmed = isinstance(table.get("confirmed_by"), str) and table["confirmed_by"].strip()
    return facts, flags if confirmed or not uses_measured(facts) else (*flags, PROVISIONAL)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose names are each used once; Python alone would keep the last without a word."""
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'"{double}" is used twice')
    return table


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(
            path.read_text(encoding="utf-8-sig"),
            parse_float=Decimal,
            parse_constant=_no_number,
            object_pairs_hook=_once,
        )
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not text in UTF-8; give a JSON file") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is no valid JSON ({error}); mend the file") from error
    if not isinstance(table, dict):
        raise InputError(f"{path.name} holds no table; expected an object of names and values")
    return table


def _read_table(path: Path) -> dict[str, Any]:
    if path.suffix.lower() == ".json":
        return _read_json(path)
    try:
        return parse_toml_file(path)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not text in UTF-8; give facts as TOML or JSON") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path.name} is not valid TOML ({error}); mend the syntax") from error


def read_facts(path: Path, catalog: Catalog) -> PatientFacts:
    """The facts of a file: its own names, or those of a case file with the ones that [patient] states."""
    table = _read_table(path)
    sections = tuple(CaseTable.model_fields)
    try:
        if "facts" not in table and not any(isinstance(table.get(name), dict | list) for name in sections):
            return parse_facts(table, definitions_from_table(catalog.fact_table()))
        patient = table.get("patient", {})
        facts = facts_of_case(table.get("facts", {}), patient if isinstance(patient, dict) else {}, catalog)
    except CaseFileError as error:
        raise CaseFileError([f"{path.name}: {line}" for line in error.problems]) from error
    stray = [name for name in table if name not in (*sections, "facts")]
    if stray:
        lines = [f"{path.name}: {name}: found beside [facts]; move it into that table" for name in stray]
        raise CaseFileError(lines)
    return facts
