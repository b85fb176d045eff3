"""Eligibility: a patient's facts against trial protocols.

Facts come as a table of names and values, from a file of facts, or from a case file; ``segmentation.json``
adds what images say. Where both say something the entered fact decides, and a flag of the result says so. A
protocol is one of the catalogue, by its name, or a site's own, by the path of its TOML file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, overload

from emboplan.catalog.load import Catalog, load
from emboplan.eligibility.change import what_would_change as smallest_changes
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.facts import parse_facts
from emboplan.eligibility.signing import FOR_ALL
from emboplan.errors import CaseFileError, InputError
from emboplan.model.patient import PatientFacts
from emboplan.model.protocol import FactDefinitions, Protocol
from emboplan.model.results.eligibility import Eligibility, Flag, WhatWouldChange
from emboplan.workflow.cases.casefile import facts_of_case, patient_problems
from emboplan.workflow.cases.caseschema import CaseTable
from emboplan.workflow.plain_tables import read_json, read_table
from emboplan.workflow.protocol_file import load_protocol
from emboplan.workflow.protocol_names import protocol_id
from emboplan.workflow.screening.facts import PROVISIONAL, disagreements, facts_of_segmentation, uses_measured

ALL = "all"
ONE_VARIANT = "a variant belongs to one protocol; name that protocol"
OWN_FILE = Flag(
    "own-protocol",
    None,
    "The rules are those of a file of the site that bears the name {name}, not those of the catalogue.",
)


@overload
def check(  # type: ignore[overload-overlap]  # "all" is a word of its own among the names
    facts: PatientFacts | Mapping[str, object],
    protocol: Literal["all"],
    *,
    stage: str | None = None,
    variant: str | None = None,
    today: date | None = None,
    catalog: Catalog | None = None,
) -> dict[str, Eligibility]: ...


@overload
def check(
    facts: PatientFacts | Mapping[str, object],
    protocol: str | Path,
    *,
    stage: str | None = None,
    variant: str | None = None,
    today: date | None = None,
    catalog: Catalog | None = None,
) -> Eligibility: ...


def check(
    facts: PatientFacts | Mapping[str, object],
    protocol: str | Path,
    *,
    stage: str | None = None,
    variant: str | None = None,
    today: date | None = None,
    catalog: Catalog | None = None,
) -> Eligibility | dict[str, Eligibility]:
    """The verdict of one protocol on a patient's facts; of ``all``, keyed by each protocol's own name.

    Args:
        facts: checked facts, or a plain table of names and values as in a file of facts, such as
            ``{"ecog": 1, "bilirubin": "0.8 mg/dL"}``; what it does not name is not known.
        protocol: one of the protocol's names, such as ``retnet`` or ``RETNET``, or ``all``, or the path of a
            site's own protocol (TOML).
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
    if protocol == ALL:
        if variant is not None:
            raise InputError(ONE_VARIANT)
        return check_all(facts, stage=stage, today=today, catalog=catalog)
    rules, definitions = load_protocol(protocol, variant=variant, catalog=catalog)
    known = facts if isinstance(facts, PatientFacts) else parse_facts(facts, definitions, today=today)
    result = evaluate(rules, known, stage=stage)
    return replace(result, flags=result.flags + named_as_ours(rules, protocol, catalog or load()))


def named_as_ours(rules: Protocol, protocol: str | Path, catalog: Catalog) -> tuple[Flag, ...]:
    """A flag where a site's own protocol bears the name of one of the catalogue."""
    ours = isinstance(protocol, Path) and any(
        protocol_id(name, catalog) in catalog.protocol_names() for name in (rules.name, rules.command)
    )
    return (replace(OWN_FILE, text=OWN_FILE.text.format(name=rules.name)),) if ours else ()


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


@overload
def what_would_change(  # type: ignore[overload-overlap]  # "all" is a word of its own among the names
    facts: PatientFacts | Mapping[str, object],
    protocol: Literal["all"],
    *,
    stage: str | None = None,
    variant: str | None = None,
    today: date | None = None,
    catalog: Catalog | None = None,
) -> dict[str, WhatWouldChange]: ...


@overload
def what_would_change(
    facts: PatientFacts | Mapping[str, object],
    protocol: str | Path,
    *,
    stage: str | None = None,
    variant: str | None = None,
    today: date | None = None,
    catalog: Catalog | None = None,
) -> WhatWouldChange: ...


def what_would_change(
    facts: PatientFacts | Mapping[str, object],
    protocol: str | Path,
    *,
    stage: str | None = None,
    variant: str | None = None,
    today: date | None = None,
    catalog: Catalog | None = None,
) -> WhatWouldChange | dict[str, WhatWouldChange]:
    """The smallest sets of facts that would make a patient eligible; arguments and errors as `check`.

    Laboratory values to repeat or to correct, a washout to wait for with its date, facts to find out with the
    answers that would do, conditions to treat and decisions to take. What is fixed, such as histology, age
    and history, is never proposed.
    """
    if protocol == ALL:
        if variant is not None:
            raise InputError(ONE_VARIANT)
        tables = catalog or load()
        every = [load_protocol(name, catalog=tables) for name in tables.protocol_names()]
        known = facts if isinstance(facts, PatientFacts) else parse_facts(facts, every[0][1], today=today)
        return {rules.name: smallest_changes(known, rules, stage=stage) for rules, _ in every}
    rules, definitions = load_protocol(protocol, variant=variant, catalog=catalog)
    known = facts if isinstance(facts, PatientFacts) else parse_facts(facts, definitions, today=today)
    return smallest_changes(known, rules, stage=stage)


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
    protocols, facts, flags = _of_file(path, protocol, burden, variant, today, catalog or load())
    named = named_as_ours(protocols[0], protocol, catalog or load())
    results = [evaluate(rules, facts, stage=stage) for rules in protocols]
    return {result.protocol: replace(result, flags=result.flags + flags + named) for result in results}


def changes_of_file(
    path: Path,
    protocol: str | Path,
    *,
    stage: str | None = None,
    burden: Path | None = None,
    variant: str | None = None,
    today: date | None = None,
    catalog: Catalog | None = None,
) -> dict[str, WhatWouldChange]:
    """What would make the patient of a file eligible, for one protocol or ``all``; as `check_file`."""
    protocols, facts, _ = _of_file(path, protocol, burden, variant, today, catalog or load())
    return {rules.name: smallest_changes(facts, rules, stage=stage) for rules in protocols}


def _of_file(
    path: Path,
    protocol: str | Path,
    burden: Path | None,
    variant: str | None,
    today: date | None,
    tables: Catalog,
) -> tuple[list[Protocol], PatientFacts, tuple[Flag, ...]]:
    wanted = tables.protocol_names() if protocol == ALL else (protocol,)
    loaded = [load_protocol(name, variant=variant, catalog=tables) for name in wanted]
    facts = read_facts(path, tables, definitions=loaded[0][1], today=today)
    flags: tuple[Flag, ...] = ()
    if burden is not None:
        facts, flags = with_segmentation(facts, burden, tables)
    return [rules for rules, _ in loaded], facts, flags


def with_segmentation(
    entered: PatientFacts, path: Path, catalog: Catalog
) -> tuple[PatientFacts, tuple[Flag, ...]]:
    """Entered facts and those of a ``segmentation.json``, with flags where the two disagree."""
    table = read_json(path)
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
    table = read_table(path)
    known = definitions or definitions_from_table(catalog.fact_table())
    sections = tuple(CaseTable.model_fields)
    if "facts" not in table and not any(isinstance(table.get(name), dict | list) for name in sections):
        problems, facts = _told(lambda: parse_facts(table, known, today=today))
    else:
        problems, facts = _of_case_file(table, known, catalog, today)
        stray = [name for name in table if name not in (*sections, "facts")]
        problems += [f"{name}: found beside [facts]; move it into that table" for name in stray]
    if problems:
        raise CaseFileError([f"{path.name}: {line}" for line in problems])
    return facts


def _told(parse: Callable[[], PatientFacts]) -> tuple[list[str], PatientFacts]:
    """The mistakes, or the facts."""
    try:
        return [], parse()
    except CaseFileError as error:
        return list(error.problems), PatientFacts()


def _of_case_file(
    table: Mapping[str, Any], definitions: FactDefinitions, catalog: Catalog, today: date | None
) -> tuple[list[str], PatientFacts]:
    """The facts of a case file: those of the catalogue, and those that the site's protocol defines."""
    raw, patient = table.get("facts", {}), table.get("patient", {})
    stated = patient if isinstance(patient, dict) else {}
    if not isinstance(raw, dict):
        return _told(lambda: facts_of_case(raw, stated, catalog))
    shipped = catalog.fact_table()["fact"]
    own = {name: value for name, value in raw.items() if name in definitions and name not in shipped}
    rest = {name: value for name, value in raw.items() if name not in own}
    refused = dict(patient_problems(stated))
    known = {name: value for name, value in stated.items() if name not in refused}
    problems, entered = _told(lambda: facts_of_case(rest, known, catalog))
    problems += refused.values()
    everyone = {name: value for name, value in raw.items() if name in FOR_ALL}
    more, own_facts = _told(lambda: parse_facts({**own, **everyone}, definitions))
    problems += [f"facts.{line}" for line in (*more, *_of_the_future(raw, definitions, today))]
    return list(dict.fromkeys(problems)), PatientFacts({**entered.known, **own_facts.known})


def _of_the_future(
    raw: Mapping[str, object], definitions: FactDefinitions, today: date | None
) -> Iterator[str]:
    """The lines on days after today, whatever else is wrong with the facts."""
    before, _ = _told(lambda: parse_facts(raw, definitions))
    after, _ = _told(lambda: parse_facts(raw, definitions, today=today))
    yield from (line for line in after if line not in before)
