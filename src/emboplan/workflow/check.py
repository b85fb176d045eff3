"""Eligibility: a patient's facts against trial protocols.

Facts come from a person, and from images through a burden measured here or read from ``segmentation.json``;
where both say something, the entered one decides and a flag of the result or a finding of the plan says so.
"""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from emboplan.catalog.load import Catalog, load
from emboplan.eligibility.criterion import protocol_from_table
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.eligibility.evaluate import evaluate
from emboplan.eligibility.facts import parse_facts
from emboplan.errors import InputError
from emboplan.model.patient import Fact, FactOrigin, PatientFacts
from emboplan.model.results.burden import Burden
from emboplan.model.results.eligibility import Eligibility

ALL = "all"

# The image facts that segmentation.json fills, with the key of the value and of its interval.
FACTS_FROM_SEGMENTATION = {
    "liver_volume_ml": ("liver_ml", "liver_ml_interval"),
    "liver_tumor_volume_ml": ("tumour_ml", "tumour_ml_interval"),
    "liver_tumor_burden_pct": ("burden_pct", "burden_pct_interval"),
    "largest_liver_lesion_mm": ("largest_lesion_mm", None),
}


def check(
    facts: PatientFacts, protocol: str, *, stage: str | None = None, catalog: Catalog | None = None
) -> Eligibility:
    """The verdict of one protocol on a patient's facts.

    Raises:
        InputError: no protocol has that name.
    """
    tables = catalog or load()
    names = tables.protocol_names()
    if protocol not in names:
        raise InputError(f'no protocol "{protocol}"; known: {", ".join(names)}')
    table = tables.protocol_table(protocol)
    return evaluate(
        protocol_from_table(table, definitions_from_table(tables.fact_table())), facts, stage=stage
    )


def check_file(
    path: Path, protocol: str, *, stage: str | None, burden: Path | None, catalog: Catalog
) -> dict[str, Eligibility]:
    """The verdicts of one protocol, or of ``all``, on a file of facts; keyed by the protocol's own name."""
    raw = _read_facts(path)
    facts = parse_facts(raw, definitions_from_table(catalog.fact_table()))
    if burden is not None:
        facts = facts.with_measured(_facts_from_segmentation(burden))
    names = catalog.protocol_names() if protocol == ALL else (protocol,)
    results = [check(facts, name, stage=stage, catalog=catalog) for name in names]
    return {result.protocol: result for result in results}


def measured_facts(burden: Burden) -> dict[str, Fact]:
    """The image facts of a measured burden, with their intervals, as exact decimals of the shown digits."""
    return _measured(burden.to_json())


def _measured(segmentation: dict[str, Any]) -> dict[str, Fact]:
    facts = {}
    for name, (key, interval_key) in FACTS_FROM_SEGMENTATION.items():
        value = segmentation.get(key)
        if value is None:
            continue
        bounds = segmentation.get(interval_key) if interval_key else None
        interval = None if bounds is None else (_decimal(bounds[0]), _decimal(bounds[1]))
        facts[name] = Fact(_decimal(value), FactOrigin.MEASURED, interval)
    return facts


def _decimal(value: float | Decimal) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(repr(float(value)))


def _facts_from_segmentation(path: Path) -> dict[str, Fact]:
    table = _read_json(path)
    if "liver_ml" not in table:
        raise InputError(f"{path.name} is no segmentation.json: it has no liver_ml")
    return _measured(table)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}); check the path") from error
    except ValueError as error:
        raise InputError(f"{path.name} is no valid JSON ({error}); mend the file") from error
    if not isinstance(table, dict):
        raise InputError(f"{path.name} holds no table; expected an object of names and values")
    return table


def _read_facts(path: Path) -> dict[str, Any]:
    if path.suffix.lower() == ".json":
        table = _read_json(path)
    else:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        except OSError as error:
            raise InputError(f"{path.name} cannot be read ({error.strerror}); check the path") from error
        except ValueError as error:
            raise InputError(f"{path.name} is not valid TOML ({error}); mend the syntax") from error
    facts = table.get("facts", table)
    if not isinstance(facts, dict):
        raise InputError(f"{path.name}: facts is no table; expected names and values")
    return facts
