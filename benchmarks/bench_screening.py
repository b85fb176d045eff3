"""Screening many patients: a table against all protocols at once, against one patient after the other.

The patients are drawn at random: laboratory values in mixed units and near the limits, treatments with and
without dates, missing answers. The peer is the one-by-one path of the package itself, which is what `check`
answers with; it is timed on a part of the same table. The error is the number of patients and protocols in
which anything differs: verdict, failed, missing, correctable, deferred, flags, or the status of a criterion.
Tables are read from text cells, as a CSV file holds them. The work is on one thread.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from emboplan import catalog
from emboplan.eligibility.columns import columns_from_table
from emboplan.eligibility.criterion import protocol_from_table
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.facts import parse_facts
from emboplan.eligibility.many import screen
from emboplan.eligibility.wording import leaves
from emboplan.model.protocol import (
    FactDefinition,
    FactDefinitions,
    FactKind,
    Is,
    Protocol,
    Rule,
    Washout,
)
from emboplan.model.results.eligibility import Eligibility
from emboplan.model.results.screening import STATUSES, Screening

RESULTS = Path(__file__).parent / "results"
BAR_SECONDS = 10.0
MISSING_FRAC = 0.01
OPTIONAL_FRAC = 0.7
GOOD_FRAC = 0.985
ENTRY = date(2026, 5, 20)
LIMITS = {
    "bilirubin": ("umol/L", 34.2),
    "albumin": ("g/L", 27.5),
    "platelets": ("10^9/L", 75.0),
    "platelets_after_correction": ("10^9/L", 75.0),
    "creatinine": ("umol/L", 176.8),
}
NUMBERS = {
    "age_years": (17, 82),
    "ki67_pct": (1, 21),
    "largest_liver_lesion_mm": (9, 90),
    "liver_tumor_burden_pct": (5, 55),
    "liver_tumor_burden_visual_pct": (5, 75),
    "liver_share_of_total_tumor_burden_pct": (45, 100),
    "life_expectancy_months": (5, 60),
    "inr": (0.9, 1.65),
    "inr_after_correction": (0.9, 1.7),
}
USUAL = {
    "sex": "F",
    "assessment_stage": "pre_treatment",
    "nen_type": "NET",
    "tumor_grade": "2",
    "primary_site": "gep",
    "ecog": "1",
    "nyha_class": "0",
    "not_surgical_candidate": "true",
}
USUALLY_NO = (
    *("reproductive_potential", "portal_vein_occlusion", "portal_hypertension", "hepatofugal_flow"),
    *(
        "ce_ct_contraindicated",
        "ce_mri_contraindicated",
        "prior_ablation",
        "prior_locoregional_post_surgical",
    ),
    *("prior_transarterial_embolization", "prior_radioembolization", "prior_hepatic_radiation"),
    *("prior_other_hepatic_arterial_therapy", "excessive_hepatopulmonary_shunt"),
    "nontarget_embolization_unavoidable",
)
TREATMENTS = ("chemotherapy", "radiotherapy", "prrt", "ablation", "surgery")


def random_table(patients: int, protocols: Mapping[str, Protocol], seed: int = 1) -> dict[str, list[str]]:
    """A table of text cells over every fact that the protocols ask for, most patients near eligible."""
    draw = random.Random(seed)  # noqa: S311  patients of a benchmark, not a secret
    definitions = definitions_from_table(catalog.load().fact_table())
    good = wanted(protocols)
    names = [
        name
        for name, it in definitions.items()
        if name in {*good, *NUMBERS, *LIMITS, "alt", "ast"} or it.kind is FactKind.DATE
    ]
    rows = [row(draw, names, definitions, good) for _ in range(patients)]
    columns = {name: [it.get(name, "") for it in rows] for name in names}
    return {"patient": [f"P{number:05}" for number in range(patients)], **columns}


def wanted(protocols: Mapping[str, Protocol]) -> dict[str, str]:
    """An answer that many criteria accept, for every fact that is no number."""
    answers: dict[str, str] = {}
    for protocol in protocols.values():
        for criterion in protocol.criteria:
            for fact, value in accepted(criterion.pass_when):
                said = ("true" if value else "false") if isinstance(value, bool) else str(value)
                answers.setdefault(fact.name, said)
    return {**answers, **dict.fromkeys(USUALLY_NO, "false"), **USUAL}


def accepted(rule: Rule) -> Iterator[tuple[FactDefinition, object]]:
    """Facts and answers that a rule accepts, wherever it names them."""
    for leaf in leaves(rule):
        if isinstance(leaf, Is):
            yield leaf.fact, leaf.accepted[-1]
        elif isinstance(leaf, Washout):
            yield leaf.given, False


def row(
    draw: random.Random, names: list[str], definitions: FactDefinitions, good: Mapping[str, str]
) -> dict[str, str]:
    """One patient."""
    cells: dict[str, str] = {}
    for name in names:
        optional = name.endswith(("_visual_pct", "_correction"))
        if draw.random() < (OPTIONAL_FRAC if optional else MISSING_FRAC):
            continue
        cells[name] = cell(draw, definitions[name], good)
    cells["enrolment_date"] = ENTRY.isoformat()
    for kind in TREATMENTS:
        if cells.get(f"prior_{kind}") == "true":
            if draw.random() < 0.9:
                cells[f"last_{kind}_date"] = (ENTRY - timedelta(days=draw.randrange(10, 90))).isoformat()
            else:
                cells.pop(f"last_{kind}_date", None)
        else:
            cells.pop(f"last_{kind}_date", None)
    return cells


def cell(draw: random.Random, fact: FactDefinition, good: Mapping[str, str]) -> str:
    """One answer: often one that protocols accept, numbers around their limits."""
    name = fact.name
    if name in LIMITS:
        unit, middle = LIMITS[name]
        above = name in ("albumin", "platelets", "platelets_after_correction")
        return f"{middle * draw.uniform(*((0.9, 2.0) if above else (0.3, 1.05))):.1f} {unit}"
    if name in ("alt", "ast"):
        return f"{draw.uniform(0.3, 6):.2f} xULN"
    if name in NUMBERS:
        return f"{draw.uniform(*NUMBERS[name]):.1f}"
    if fact.kind is FactKind.DATE:
        return ENTRY.isoformat()
    if name in good and draw.random() < GOOD_FRAC:
        return good[name]
    if fact.kind is FactKind.BOOLEAN:
        return draw.choice(["true", "false"])
    if fact.kind is FactKind.CHOICE:
        return draw.choice(fact.choices)
    return str(draw.randrange(int(fact.minimum or 0), int(fact.maximum or 4) + 1))


def one_by_one(
    table: Mapping[str, list[str]], protocols: Mapping[str, Protocol], definitions: FactDefinitions, rows: int
) -> list[dict[str, Eligibility]]:
    """The same patients, each read and judged by itself, from what a file of facts would hold."""
    answers = []
    for number in range(rows):
        facts = {
            name: as_entered(definitions[name], cells[number])
            for name, cells in table.items()
            if name in definitions and cells[number]
        }
        patient = parse_facts(facts, definitions)
        answers.append({name: evaluate(protocol, patient) for name, protocol in protocols.items()})
    return answers


def as_entered(fact: FactDefinition, cell: str) -> object:
    """A cell as TOML would give it: a truth value, an exact number, or text."""
    if fact.kind is FactKind.BOOLEAN:
        return cell == "true"
    return Decimal(cell) if fact.kind in (FactKind.NUMBER, FactKind.INTEGER) else cell


def differences(screening: Screening, answers: list[dict[str, Eligibility]]) -> int:
    """In how many patients and protocols anything differs."""
    wrong = 0
    fields = ("stage", "verdict", "failed", "missing", "correctable", "deferred")
    for it in screening.protocols:
        for number, single in enumerate(answers):
            one, many = single[it.protocol], it.verdicts[number]
            statuses = [STATUSES[code] for code in it.statuses[number]]
            same = (
                all(getattr(one, key) == getattr(many, key) for key in fields)
                and statuses == [criterion.status for criterion in one.criteria]
                and set(many.flags) == {flag.id for flag in one.flags}
            )
            wrong += not same
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--peer", type=int, default=500, help="patients that are judged one by one")
    options = parser.parse_args()
    tables = catalog.load()
    definitions = definitions_from_table(tables.fact_table())
    protocols = {
        it.name: it
        for it in (
            protocol_from_table(tables.protocol_table(n), definitions) for n in tables.protocol_names()
        )
    }
    table = random_table(options.patients, protocols)
    text = io.StringIO()
    csv.writer(text).writerows([list(table), *zip(*table.values(), strict=True)])

    started, used = time.perf_counter(), time.process_time()
    header, *rows = csv.reader(io.StringIO(text.getvalue()))
    columns = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
    facts = columns_from_table(columns, definitions)
    read = time.perf_counter() - started
    screening = screen(facts, list(protocols.values()))
    seconds, processor = time.perf_counter() - started, time.process_time() - used

    peer = min(options.peer, options.patients)
    started = time.perf_counter()
    answers = one_by_one(table, protocols, definitions, peer)
    peer_seconds = (time.perf_counter() - started) * options.patients / peer
    result = {
        "patients": options.patients,
        "protocols": len(protocols),
        "seconds": round(seconds, 3),
        "of_which_reading": round(read, 3),
        "processor_seconds": round(processor, 3),
        "one_by_one_seconds": round(peer_seconds, 2),
        "one_by_one_timed_on": peer,
        "differences": differences(screening, answers),
        "verdicts": {it.protocol: {v.value: n for v, n in it.counts().items()} for it in screening.protocols},
        "bar_seconds": BAR_SECONDS,
    }
    for key, value in result.items():
        print(f"{key:22} {value}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "screening.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0 if max(seconds, processor) < BAR_SECONDS and not result["differences"] else 1


if __name__ == "__main__":
    sys.exit(main())
