"""The JSON Schema of a protocol file, for editors that check TOML while it is written.

`python -m emboplan.eligibility.schema > docs/schema/protocol.schema.json` writes the published one. It
knows keys and shapes; names of facts, their answers and their units are checked by the validator alone, since
a protocol may define facts of its own.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from emboplan.eligibility.tables import STATUSES
from emboplan.model.arm import ArmTechnique
from emboplan.model.protocol import Change, CriterionKind, FactKind, Operator, Stage

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "pattern": r"\S"}
_TRUTH: Schema = {"type": "boolean"}
_NUMBER: Schema = {"type": "number"}
_STATUS: Schema = {"enum": list(STATUSES)}
_RULE: Schema = {"$ref": "#/$defs/rule"}
_RANGE: Schema = {"$ref": "#/$defs/range"}
_PARAMETER: Schema = {
    "type": "object",
    "properties": {"parameter": _TEXT},
    "required": ["parameter"],
    "additionalProperties": False,
}


def protocol_schema() -> Schema:
    """The schema of a protocol file, as plain values for JSON."""
    root = _object(
        {
            "name": _TEXT,
            "command": _TEXT,
            "title": _TEXT,
            "version": _TEXT,
            "source": _TEXT,
            "status": _STATUS,
            "source_complete": _TRUTH,
            "criterion": _array({"$ref": "#/$defs/criterion"}, least=1),
            "registry": _TEXT,
            "flag": _array({"$ref": "#/$defs/flag"}),
            "arm": _array({"$ref": "#/$defs/arm"}),
            "parameters": {"type": "object"},
            "variant": _array({"$ref": "#/$defs/variant"}),
            "fact": {"type": "object", "additionalProperties": {"$ref": "#/$defs/fact"}},
        },
        "name command title version source status source_complete criterion",
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "protocol file of emboplan",
        **root,
        "$defs": {
            "criterion": _criterion(),
            "flag": _object(
                {"id": _TEXT, "when": _RULE, "text": _TEXT, "unless_reason": _TEXT}, "id when text"
            ),
            "rule": {"oneOf": _rules()},
            "arm": _arm(),
            "drug": _drug(),
            "range": {"anyOf": [_NUMBER, _array(_NUMBER, least=2, most=2)]},
            "note": _object({"text": _TEXT, "source": _TEXT}, "text source"),
            "variant": _object(
                {"name": _TEXT, "title": _TEXT, "source": _TEXT, "status": _STATUS}
                | {"parameters": {"type": "object"}},
                "name title source status parameters",
            ),
            "fact": _fact(),
            "unit": _unit(),
        },
    }


def schema_text() -> str:
    """The schema as the published file holds it."""
    return json.dumps(protocol_schema(), indent=2, ensure_ascii=False) + "\n"


def _object(properties: Schema, required: str) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def _array(items: Schema, *, least: int = 0, most: int | None = None) -> Schema:
    bounds = {"minItems": least} | ({} if most is None else {"maxItems": most})
    return {"type": "array", "items": items, **bounds}


def _criterion() -> Schema:
    return _object(
        {
            "id": _TEXT,
            "kind": {"enum": [kind.value for kind in CriterionKind]},
            "text": _TEXT,
            "source": _TEXT,
            "pass_when": _RULE,
            "corrected": _TEXT,
            "deferred_at": {"enum": [stage.value for stage in Stage]},
            "judgement": {"anyOf": [_TRUTH, _array(_TEXT, least=1)]},
            "waits_out": _TRUTH,
            "note": _TEXT,
            "flag": _array({"$ref": "#/$defs/flag"}),
        },
        "id kind text source pass_when",
    )


def _rules() -> list[Schema]:
    """One shape for each kind of rule; the keys tell them apart."""
    answer = {"type": ["boolean", "string", "integer"]}
    span = {"type": "integer", "exclusiveMinimum": 0}
    operators = {"enum": [operator.value for operator in Operator]}
    return [
        _object({"fact": _TEXT, "is": {"anyOf": [answer, _PARAMETER]}}, "fact is"),
        _object({"fact": _TEXT, "in": {"anyOf": [_array(answer, least=1), _PARAMETER]}}, "fact in"),
        _object(
            {"fact": _TEXT, "op": operators, "limit": {"anyOf": [_NUMBER, _PARAMETER]}}
            | {"unit": _TEXT, "preferred": _TEXT},
            "fact op limit",
        ),
        _object(
            {"given": _TEXT, "last": _TEXT}
            | {
                "before_entry": {
                    "oneOf": [_object({"days": span}, "days"), _object({"months": span}, "months")]
                }
            },
            "given last before_entry",
        ),
        _object({"all": _array(_RULE, least=1)}, "all"),
        _object({"any": _array(_RULE, least=1)}, "any"),
        _object({"not": _RULE}, "not"),
        _object({"if": _RULE, "then": _RULE}, "if then"),
        _object({"always": {"const": True}}, "always"),
    ]


def _arm() -> Schema:
    return _object(
        {
            "id": _TEXT,
            "name": _TEXT,
            "text": _TEXT,
            "source": _TEXT,
            "technique": {"enum": [technique.value for technique in ArmTechnique]},
            "extent": _array(_TEXT),
            "product": _TEXT,
            "sizes_um": _array(_RANGE),
            "drug": _array({"$ref": "#/$defs/drug"}),
            "emulsion": _object(
                {"aqueous": _TEXT, "aqueous_ml": _RANGE, "oil": _TEXT, "oil_ml": _RANGE},
                "aqueous aqueous_ml oil oil_ml",
            ),
            "loading": _TEXT,
            "end_point": _TEXT,
            "stasis_heartbeats": _RANGE,
            "repeats": _TEXT,
            "closed": _TRUTH,
            "closed_because": _TEXT,
            "note": _array({"$ref": "#/$defs/note"}),
        },
        "id name text source technique",
    )


def _drug() -> Schema:
    return _object(
        {"name": _TEXT, "dose": _RANGE, "unit": _TEXT, "given": _TEXT, "source": _TEXT, "status": _STATUS},
        "name source status",
    )


def _fact() -> Schema:
    bounds = _object({"minimum": _NUMBER, "maximum": _NUMBER, "source": _TEXT}, "minimum maximum source")
    return _object(
        {
            "type": {"enum": [kind.value for kind in FactKind]},
            "meaning": _TEXT,
            "unit": _TEXT,
            "choices": _array(_TEXT),
            "minimum": _NUMBER,
            "maximum": _NUMBER,
            "range_source": _TEXT,
            "units": _array({"$ref": "#/$defs/unit"}),
            "units_as": _TEXT,
            "share": _object({"part": _TEXT, "whole": _TEXT}, "part whole"),
            "completes": _object({"years": _TEXT, "on": _TEXT}, "years on"),
            "given_by": _TEXT,
            "not_after": _TEXT,
            "plausible": bounds,
            "earliest": {"type": "string", "format": "date"},
            "days_ahead": {"type": "integer", "minimum": 0},
            "change": {"enum": [change.value for change in Change]},
        },
        "type meaning",
    )


def _unit() -> Schema:
    return _object(
        {"symbol": _TEXT, "also": _array(_TEXT), "multiply_by": _NUMBER, "divide_by": _NUMBER}
        | {"per_upper_limit": _TRUTH, "source": _TEXT, "status": _STATUS},
        "symbol",
    )


if __name__ == "__main__":
    sys.stdout.write(schema_text())
