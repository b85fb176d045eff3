"""Settings laid over the definition of an analytic case: `diameter_mm=30`, or `ct.noise_sd_hu=0`.

A key is named by itself where only one table has it, else with its table before it (`ct.voxel_mm`; in Python
also `ct__voxel_mm`). The table ``set`` goes before the others.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from emboplan.errors import InputError

FIRST = "set"
SEPARATOR, PYTHON_SEPARATOR = ".", "__"
FIXED = ("name", "kind", "description")
MOST_SHOWN = 12  # settings in a message: more would not be read


def setting_names(table: Mapping[str, Any]) -> tuple[str, ...]:
    """Everything that can be set of a definition, with its table before it."""
    return tuple(path for path, _ in _leaves(table, "") if path not in FIXED)


def with_settings(table: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a definition with other values.

    Raises:
        InputError: no key has that name, or several have; the message names the nearest.
    """
    out = copy.deepcopy(dict(table))
    for given, value in settings.items():
        *sections, key = _path(table, given.replace(PYTHON_SEPARATOR, SEPARATOR)).split(SEPARATOR)
        target = out
        for section in sections:
            target = target[section]
        target[key] = _plain(value, given)
    return out


def _leaves(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Every value that is no table, with its path; arrays of tables are left out."""
    for key, value in table.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, path + SEPARATOR)
        elif not (isinstance(value, list) and value and isinstance(value[0], Mapping)):
            yield path, value


def _path(table: Mapping[str, Any], given: str) -> str:
    paths = setting_names(table)
    if given in paths:
        return given
    fitting = [p for p in paths if p.rpartition(SEPARATOR)[2] == given]
    first = [p for p in fitting if p == f"{FIRST}{SEPARATOR}{given}"]
    if first or len(fitting) == 1:
        return (first or fitting)[0]
    name = table.get("name", "this phantom")
    if fitting:
        raise InputError(f"{name} has several settings {given!r}; name one: {', '.join(fitting)}")
    by_leaf = {p.rpartition(SEPARATOR)[2]: p for p in reversed(paths)} | {p: p for p in paths}
    near = difflib.get_close_matches(given, by_leaf, n=1)
    shown = [p.removeprefix(f"{FIRST}{SEPARATOR}") for p in paths if p.startswith(f"{FIRST}{SEPARATOR}")]
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join((shown or list(paths))[:MOST_SHOWN])}"
    raise InputError(f"{name} has no setting {given!r}; {hint}")


def _plain(value: object, given: str) -> Any:
    """A value as TOML would have given it: NumPy's numbers and tuples too."""
    if isinstance(value, str | bool | int | float):
        return value
    item = getattr(value, "tolist", None)
    if callable(item):
        value = item()
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_plain(v, given) for v in value]
    raise InputError(f"setting {given} is {value!r}; expected a number, a list of numbers, or text")
