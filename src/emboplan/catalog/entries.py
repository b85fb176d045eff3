"""From TOML tables to sourced entries: what an entry must have, and how a site's file lies over ours.

A table with a `value` is an entry and must say unit, source, place and status; a table without one is a group
of entries. A bare number anywhere else is a number without a source and is refused. Errors name the file and
the path of keys.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from emboplan.errors import CatalogError
from emboplan.model.products import Sourced, Status, Value

Table = dict[str, Any]

REQUIRED = ("value", "unit", "source", "place", "status")
OPTIONAL = ("note",)
# Words that describe a goal or a limit beside its number.
LIMIT_WORDS = (
    *("quantity", "scope", "below", "device", "derived_with", "condition", "footnotes"),
    *("tumours", "intents", "when", "comparator", "evidence", "use"),
)
# Words that describe a group of entries.
GROUP_WORDS = ("title", "name", "nuclide", "material")

SITE = "site file"


def parse_toml(text: str, file: str) -> Table:
    """The table of a TOML text; `CatalogError` names the file and the line that cannot be read."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(f"{file}: not readable as TOML: {error}") from error


def read_toml(path: Path) -> Table:
    """The table of a TOML file; `CatalogError` when it is not there or cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CatalogError(f"{path.name}: cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise CatalogError(f"{path.name}: is not UTF-8 text; expected a TOML file") from error
    return parse_toml(text, path.name)


def _value(raw: object, where: str) -> Value:
    if isinstance(raw, bool | str):
        return raw
    if isinstance(raw, int | float) and math.isfinite(raw):
        return float(raw)
    if isinstance(raw, list) and raw:
        return tuple(_list_number(item, where) for item in raw)
    raise CatalogError(f"{where}: value is {raw!r}; expected a finite number, text or a list of numbers")


def _list_number(raw: object, where: str) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise CatalogError(f"{where}: the list holds {raw!r}; expected finite numbers")
    return float(raw)


def _sources(raw: object, known: Mapping[str, str], where: str) -> tuple[str, ...]:
    keys = [raw] if isinstance(raw, str) else raw
    if not isinstance(keys, list) or not keys:
        raise CatalogError(f"{where}: source is {raw!r}; expected a key of the table of sources, or a list")
    for key in keys:
        if key not in known:
            raise CatalogError(
                f"{where}: source {key!r} is not in the table of sources; add it under [sources]"
            )
    return tuple(keys)


def _words(table: Table, key: str, where: str) -> str:
    word = table[key]
    if not isinstance(word, str) or not word.strip():
        raise CatalogError(f"{where}: {key} is {word!r}; expected text")
    return word


def _entry(
    table: Table, name: str, where: str, known: Mapping[str, str], allowed: tuple[str, ...]
) -> Sourced:
    for key in REQUIRED:
        if key not in table:
            raise CatalogError(f"{where}: has no {key}; every number needs {', '.join(REQUIRED)}")
    unknown = sorted(set(table) - set(REQUIRED) - set(OPTIONAL) - set(allowed) - {"origin"})
    if unknown:
        raise CatalogError(f"{where}: unknown key {unknown[0]!r}; known: {', '.join(REQUIRED + OPTIONAL)}")
    status = _words(table, "status", where)
    if status not in set(Status):
        raise CatalogError(f"{where}: status is {status!r}; expected one of {', '.join(Status)}")
    value = _value(table["value"], where)
    unit = _words(table, "unit", where)
    if isinstance(value, str) != (unit == "text"):
        raise CatalogError(f'{where}: value {table["value"]!r} does not fit unit "{unit}" (text has "text")')
    return Sourced(
        name=name,
        value=value,
        unit=unit,
        source=_sources(table["source"], known, where),
        place=_words(table, "place", where),
        status=Status(status),
        note=_words(table, "note", where) if "note" in table else "",
        origin=table.get("origin", "emboplan"),
    )


def collect(
    table: Table, room: str, known: Mapping[str, str], allowed: tuple[str, ...] = ()
) -> Mapping[str, Sourced]:
    """All entries of one room of the catalogue, by their path of keys joined with dots.

    Args:
        table: the parsed file.
        room: name of the file without its ending, for messages and names.
        known: the table of sources.
        allowed: keys that an entry of this room may have beside the usual ones.
    """

    def walk(node: Table, path: tuple[str, ...]) -> Iterator[tuple[str, Sourced]]:
        where = f"{room}.toml: {'.'.join(path)}"
        if "value" in node or "unit" in node or "status" in node:
            name = ".".join(path)
            if node.get("origin") == SITE:  # the mistake is in a file of the user's, not in ours
                where = f"{SITE}: {room}.{name}"
            yield name, _entry(node, f"{room}.{name}", where, known, allowed)
            return
        for key, child in node.items():
            if isinstance(child, dict):
                yield from walk(child, (*path, key))
            elif not (key in GROUP_WORDS and isinstance(child, str) and path):
                raise CatalogError(
                    f"{where}{'.' if path else ''}{key}: found {child!r} outside an entry; "
                    f"give it as a table with {', '.join(REQUIRED)}"
                )

    return MappingProxyType(dict(walk(table, ())))


def lay_over(ours: Table, site: Table, where: str) -> Table:
    """Our table with a site's entries in place of ours.

    An entry is replaced as a whole: number, unit, source, place and status; descriptive words of a limit stay
    unless the site gives its own. A key that ours does not have is refused, and so is another unit.
    """
    merged = dict(ours)
    for key, child in site.items():
        here = f"{where}.{key}"
        if key not in ours:
            raise CatalogError(
                f"{here}: unknown name; the catalogue has {', '.join(sorted(ours)) or 'nothing'} here"
            )
        if not isinstance(child, dict) or not isinstance(ours[key], dict):
            raise CatalogError(f"{here}: found {child!r}; expected a table with {', '.join(REQUIRED)}")
        if "value" not in ours[key]:
            merged[key] = lay_over(ours[key], child, here)
            continue
        for required in REQUIRED:
            if required not in child:
                raise CatalogError(f"{here}: has no {required}; every number needs {', '.join(REQUIRED)}")
        if child["unit"] != ours[key]["unit"] and ours[key]["unit"] != "text":
            raise CatalogError(
                f"{here}: unit is {child['unit']!r}; expected {ours[key]['unit']!r} as in our catalogue"
            )
        words = {word: item for word, item in ours[key].items() if word in LIMIT_WORDS}
        merged[key] = {**words, **child, "origin": SITE}
    return merged
