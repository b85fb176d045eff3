"""Eligibility: a patient's facts against trial protocols.

Facts come as a table of names and values, from a file of facts, or from a case file; ``segmentation.json``
adds what images say. Where both say something the entered fact decides, and a flag of the result says so. A
protocol is one of the catalogue, by its name, or a site's own, by the path of its TOML file.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from emboplan.catalog.load import Catalog, load
from emboplan.eligibility.agreement import contradictions
from emboplan.eligibility.arms import open_arm
from emboplan.eligibility.change import what_would_change as smallest_changes
from emboplan.eligibility.criterion import protocol_from_table
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.facts import parse_facts
from emboplan.errors import CaseFileError, CatalogError, InputError
from emboplan.model.arm import Arm
from emboplan.model.patient import Fact, PatientFacts
from emboplan.model.protocol import FactDefinitions, Protocol
from emboplan.model.results.eligibility import Eligibility, Flag, WhatWouldChange
from emboplan.workflow.casefile import facts_of_case, parse_toml_file
from emboplan.workflow.caseschema import CaseTable
from emboplan.workflow.facts import PROVISIONAL, disagreements, facts_of_segmentation, uses_measured

ALL = "all"


def check(
    facts: PatientFacts | Mapping[str, object],
    protocol: str | Path,
    *,
    stage: str | None = None,
    variant: str | None = None,
    today: date | None = None,
    catalog: Catalog | None = None,
) -> Eligibility:
    """The verdict of one protocol on a patient's facts.

    Args:
        facts: checked facts, or a plain table of names and values as in a file of facts, such as
            ``{"ecog": 1, "bilirubin": "0.8 mg/dL"}``; what it does not name is not known.
        protocol: the protocol's name, such as ``retnet``, or the path of a site's own protocol (TOML).
        stage: ``screening`` or ``pre_treatment``; goes before the fact `assessment_stage`.
        variant: a published version of the protocol that differs from its document, such as
            ``nci-2020-00831`` of ``captem-y90``; the document itself unless given.
        today: dates after it are refused; the library has no clock, so that none is unless it is given.
        catalog: the catalogue in use; the shipped one unless given.

    Raises:
        CaseFileError: the table of facts has mistakes; the message holds one line for each.
        CatalogError: the site's protocol has mistakes; one line for each, with its key path.
        InputError: no protocol or variant has that name.
    """
    rules, definitions = load_protocol(protocol, variant=variant, catalog=catalog)
    known = facts if isinstance(facts, PatientFacts) else parse_facts(facts, definitions, today=today)
    return evaluate(rules, known, stage=stage)


def check_all(
    facts: PatientFacts | Mapping[str, object],
    *,
    stage: str | None = None,
    today: date | None = None,
    catalog: Catalog | None = None,
) -> dict[str, Eligibility]:
    """The verdicts of all protocols, keyed by each protocol's own name. Arguments and errors as `check`."""
    tables = catalog or load()
    definitions = definitions_from_table(tables.fact_table())
    known = facts if isinstance(facts, PatientFacts) else parse_facts(facts, definitions, today=today)
    results = [check(known, name, stage=stage, catalog=tables) for name in tables.protocol_names()]
    return {result.protocol: result for result in results}


def what_would_change(
    facts: PatientFacts | Mapping[str, object],
    protocol: str | Path,
    *,
    stage: str | None = None,
    variant: str | None = None,
    today: date | None = None,
    catalog: Catalog | None = None,
) -> WhatWouldChange:
    """The smallest sets of facts that would make a patient eligible; arguments and errors as `check`.

    Laboratory values to repeat or to correct, a washout to wait for with its date, facts to find out with the
    answers that would do, conditions to treat and decisions to take. What is fixed, such as histology, age and
    history, is never proposed.
    """
    rules, definitions = load_protocol(protocol, variant=variant, catalog=catalog)
    known = facts if isinstance(facts, PatientFacts) else parse_facts(facts, definitions, today=today)
    return smallest_changes(known, rules, stage=stage)


def arm(
    protocol: str | Path, name: str, *, variant: str | None = None, catalog: Catalog | None = None
) -> Arm:
    """An open arm of a protocol, such as ``tace`` of ``retnet``, with its procedure.

    Raises:
        InputError: the protocol has no such arm, or the arm is closed; the message says why.
    """
    return open_arm(load_protocol(protocol, variant=variant, catalog=catalog)[0], name)


def load_protocol(
    protocol: str | Path, *, variant: str | None = None, catalog: Catalog | None = None
) -> tuple[Protocol, FactDefinitions]:
    """A protocol by its name or its file, and the facts that it may ask for. Errors as `check`.

    A site's file may define facts of its own in ``[fact.NAME]``, beside those of the catalogue.
    """
    tables = catalog or load()
    shipped = tables.fact_table()
    if isinstance(protocol, Path):
        table = _read_table(protocol)
        try:
            definitions = definitions_from_table({"fact": _with_own(shipped["fact"], table)})
            return protocol_from_table(table, definitions, variant=variant), definitions
        except CatalogError as error:
            lines = [f"{protocol.name}: {line}" for line in str(error).splitlines()]
            raise CatalogError("\n".join(lines)) from error
    names = tables.protocol_names()
    if protocol not in names:
        raise InputError(f'no protocol "{protocol}"; known: {", ".join(names)}')
    definitions = definitions_from_table(shipped)
    return protocol_from_table(tables.protocol_table(protocol), definitions, variant=variant), definitions


def _with_own(shipped: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    own = table.get("fact", {})
    if not isinstance(own, dict):
        raise CatalogError(f"fact: found {own}, expected tables [fact.NAME]")
    double = sorted(set(own) & set(shipped))
    if double:
        raise CatalogError("\n".join(f"fact.{name}: is defined by the catalogue already" for name in double))
    return {**shipped, **own}


def check_file(
    path: Path,
    protocol: str | Path,
    *,
    stage: str | None = None,
    burden: Path | None = None,
    variant: str | None = None,
    today: date | None = None,
    catalog: Catalog | None = None,
) -> dict[str, Eligibility]:
    """The verdicts of one protocol, or of ``all``, on a file of facts; keyed by the protocol's own name."""
    tables = catalog or load()
    wanted = tables.protocol_names() if protocol == ALL else (protocol,)
    protocols = [load_protocol(name, variant=variant, catalog=tables) for name in wanted]
    facts, flags = facts_of_file(path, protocols[0][1], burden=burden, today=today, catalog=tables)
    results = [evaluate(rules, facts, stage=stage) for rules, _ in protocols]
    return {result.protocol: replace(result, flags=result.flags + flags) for result in results}


def facts_of_file(
    path: Path, definitions: FactDefinitions, *, burden: Path | None, today: date | None, catalog: Catalog
) -> tuple[PatientFacts, tuple[Flag, ...]]:
    """The facts of a file, with those of a ``segmentation.json`` and the flags that these raise."""
    entered = read_facts(path, catalog, definitions=definitions, today=today)
    return (entered, ()) if burden is None else with_segmentation(entered, burden, catalog)


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


def read_facts(
    path: Path,
    catalog: Catalog,
    *,
    definitions: FactDefinitions | None = None,
    today: date | None = None,
) -> PatientFacts:
    """The facts of a file: its own names, or those of a case file with the ones that [patient] states.

    `definitions` are the facts that may be named, those of the catalogue unless given; `today` as in `check`.
    """
    table = _read_table(path)
    known = definitions or definitions_from_table(catalog.fact_table())
    sections = tuple(CaseTable.model_fields)
    try:
        if "facts" not in table and not any(isinstance(table.get(name), dict | list) for name in sections):
            return parse_facts(table, known, today=today)
        patient = table.get("patient", {})
        entered, own = _own_facts(table.get("facts", {}), known, catalog)
        facts = facts_of_case(entered, patient if isinstance(patient, dict) else {}, catalog)
        facts = PatientFacts({**facts.known, **own})
        late = contradictions(facts.known, known, today=today)
        if late:
            raise CaseFileError([f"facts.{line}" for line in late])
    except CaseFileError as error:
        raise CaseFileError([f"{path.name}: {line}" for line in error.problems]) from error
    stray = [name for name in table if name not in (*sections, "facts")]
    if stray:
        lines = [f"{path.name}: {name}: found beside [facts]; move it into that table" for name in stray]
        raise CaseFileError(lines)
    return facts


def _own_facts(
    raw: object, definitions: FactDefinitions, catalog: Catalog
) -> tuple[object, Mapping[str, Fact]]:
    """The facts of the catalogue in a case file, and those that the site's protocol defines."""
    if not isinstance(raw, dict):
        return raw, {}
    shipped = catalog.fact_table()["fact"]
    own = {name: value for name, value in raw.items() if name in definitions and name not in shipped}
    return {name: value for name, value in raw.items() if name not in own}, parse_facts(
        own, definitions
    ).known
