"""The JSON Schema of plan.json, made from the types that plan.json is made from.

`python -m emboplan.report.schema > docs/schema/plan.schema.json` writes the published one. Some results shape
their own JSON; what they do to their fields is said here beside the walk over all others.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from emboplan.model.plan import Plan
from emboplan.model.results.activity import LimitCheck
from emboplan.model.results.embolization import LOAD_NAMES, EmbolizationPlan, EmbolizationSession
from emboplan.model.results.emulsion import Emulsion, OilSuspension
from emboplan.model.results.loading import Loading
from emboplan.model.results.particles import ParticleChoice
from emboplan.model.results.schedule import WEEKDAYS, Event, Session
from emboplan.model.results.shunt import LungShunt, ShuntEstimate

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "plan.json of emboplan"
_PLAIN: Mapping[Any, Schema] = {
    NoneType: {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
    Any: {},
}


def plan_schema() -> Schema:
    """The schema: every field required, no field beyond those known."""
    walk = _Walk()
    root = walk.fields_of(Plan)
    return {"$schema": DIALECT, "title": TITLE, **root, "$defs": dict(sorted(walk.definitions.items()))}


class _Walk:
    """One pass over the types; each dataclass becomes a definition once."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def of(self, kind: Any) -> Schema:
        """The schema of a type."""
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        origin, inner = get_origin(kind), get_args(kind)
        if origin in (Union, UnionType):
            return {"anyOf": [self.of(each) for each in inner]}
        if origin is tuple:
            return self._tuple(inner)
        if origin is dict or (isinstance(origin, type) and issubclass(origin, Mapping)):
            return {"type": "object", "additionalProperties": self.of(inner[1])}
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"enum": [member.value for member in kind]}
        if isinstance(kind, type) and is_dataclass(kind):
            return self._definition(kind)
        raise TypeError(f"{kind!r} has no JSON Schema; teach emboplan.report.schema")

    def _tuple(self, inner: tuple[Any, ...]) -> Schema:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return {"type": "array", "items": self.of(inner[0])}
        places = [self.of(each) for each in inner]
        return {"type": "array", "prefixItems": places, "minItems": len(places), "maxItems": len(places)}

    def _definition(self, kind: type) -> Schema:
        if kind.__name__ not in self.definitions:
            self.definitions[kind.__name__] = {}  # stands in while its own fields are walked
            own: Callable[[_Walk], Schema] | None = _OWN_JSON.get(kind)
            self.definitions[kind.__name__] = self.fields_of(kind) if own is None else own(self)
        return {"$ref": f"#/$defs/{kind.__name__}"}

    def fields_of(self, kind: type) -> Schema:
        """The schema of a dataclass that writes its fields as they are."""
        hints = get_type_hints(kind)
        if not is_dataclass(kind):
            raise TypeError(f"{kind.__name__} is not a dataclass")
        properties = {field.name: self.of(hints[field.name]) for field in fields(kind)}
        first_line = (kind.__doc__ or "").strip().splitlines()[0]
        return _object(first_line, properties)


def _object(description: str, properties: Schema, optional: frozenset[str] = frozenset()) -> Schema:
    return {
        "description": description,
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _limit_check(walk: _Walk) -> Schema:
    """A limit's value and bound carry the unit in their keys."""
    plain = walk.fields_of(LimitCheck)
    kept = {k: v for k, v in plain["properties"].items() if k not in ("value", "limit", "unit")}
    pairs = [(f"value_{unit}", f"limit_{unit}") for unit in ("gy", "gbq", "frac")]
    valued: Schema = {key: {"type": "number"} for pair in pairs for key in pair}
    schema = _object(plain["description"], {**kept, **valued}, frozenset(valued))
    return {**schema, "oneOf": [{"required": list(pair)} for pair in pairs]}


def _lung_shunt(walk: _Walk) -> Schema:
    """The chosen estimate's fields stand beside the lungs'."""
    estimate = walk.fields_of(ShuntEstimate)["properties"]
    plain = walk.fields_of(LungShunt)
    own = {key: value for key, value in plain["properties"].items() if key != "estimate"}
    return _object(plain["description"], {**estimate, **own})


def _named(kind: type, extra: Schema, *, without: str = "") -> Callable[[_Walk], Schema]:
    """The fields of a result, less one, with those that its own JSON adds."""

    def schema(walk: _Walk) -> Schema:
        plain = walk.fields_of(kind)
        kept = {key: value for key, value in plain["properties"].items() if key != without}
        return _object(plain["description"], {**extra, **kept, **extra})

    return schema


def _technique(*names: str) -> Schema:
    return {"technique": {"enum": list(names)}}


_DAY: Schema = {"type": "string", "format": "date"}
_WEEKDAY: Schema = {"enum": list(WEEKDAYS)}
_OWN_JSON: Mapping[type, Callable[[_Walk], Schema]] = {
    LimitCheck: _limit_check,
    LungShunt: _lung_shunt,
    EmbolizationPlan: _named(EmbolizationPlan, _technique(*LOAD_NAMES.values())),
    EmbolizationSession: _named(
        EmbolizationSession, {"date": {"anyOf": [_DAY, {"type": "null"}]}}, without="day"
    ),
    Loading: _named(Loading, _technique("deb")),
    Emulsion: _named(Emulsion, _technique("ctace")),
    OilSuspension: _named(OilSuspension, _technique("oil suspension")),
    ParticleChoice: _named(ParticleChoice, _technique("bland")),
    Session: _named(
        Session, {"date": _DAY, "weekday": _WEEKDAY, "shift_days": {"type": "integer"}}, without="day"
    ),
    Event: _named(Event, {"weekdays": {"type": "array", "items": _WEEKDAY}}),
}


def schema_text() -> str:
    """The schema as the published file has it."""
    return json.dumps(plan_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
