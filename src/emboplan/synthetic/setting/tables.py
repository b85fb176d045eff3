"""From a parsed TOML table to the definition of a digital patient.

Every key must be known and every key must be there: a definition hides no default.
"""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, TypeVar

import numpy as np

from emboplan.errors import InputError
from emboplan.synthetic.setting.definition import OVERLAYS, PhantomDefinition, Spread
from emboplan.synthetic.setting.limits import require_possible

T = TypeVar("T")


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise InputError(f"phantom definition: {where} is {value!r}; expected a finite number")
    return float(value)


def _spread(value: object, where: str) -> Spread:
    if isinstance(value, list):
        if len(value) != 2:
            raise InputError(f"phantom definition: {where} is {value!r}; expected a number or [low, high]")
        low, high = _number(value[0], where), _number(value[1], where)
        if low > high:
            raise InputError(f"phantom definition: {where} is {value!r}; expected the lower number first")
        return Spread(low, high)
    number = _number(value, where)
    return Spread(number, number)


def _value(kind: Any, value: object, where: str) -> Any:
    if dataclasses.is_dataclass(kind) and kind is not Spread:
        return _section(typing.cast("type", kind), value, where)
    if kind is Spread:
        return _spread(value, where)
    if kind is str:
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"phantom definition: {where} is {value!r}; expected text")
        return value
    if kind is int:
        number = _number(value, where)
        if number != int(number):
            raise InputError(f"phantom definition: {where} is {value!r}; expected a whole number")
        return int(number)
    if kind is float:
        return _number(value, where)
    item = typing.get_args(kind)[1]
    if not isinstance(value, dict):
        raise InputError(f"phantom definition: {where} is {value!r}; expected a table")
    return {str(key): _value(item, entry, f"{where}.{key}") for key, entry in value.items()}


def _section(kind: type[T], value: object, where: str) -> T:
    prefix = f"{where}." if where else ""
    if not isinstance(value, dict):
        raise InputError(f"phantom definition: {where} is {value!r}; expected a table")
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(typing.cast("Any", kind))
    names = [f.name for f in fields if f.default_factory is dataclasses.MISSING]
    for key in value:
        if key not in names:
            raise InputError(
                f"phantom definition: unknown key {prefix}{key}; expected one of {', '.join(names)}"
            )
    for name in names:
        if name not in value:
            raise InputError(f"phantom definition: {prefix}{name} is missing; give it a value")
    return kind(**{name: _value(hints[name], value[name], prefix + name) for name in names})


def from_table(table: dict[str, object]) -> PhantomDefinition:
    """The definition in a parsed TOML table, without its overlays (see `variants`).

    Raises `InputError` for a key that is unknown or missing, a value of the wrong kind or outside what can be
    made.
    """
    whole = {key: value for key, value in table.items() if key not in OVERLAYS}
    definition = _section(PhantomDefinition, whole, "")
    require_possible(definition)
    return definition
