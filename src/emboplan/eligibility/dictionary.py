"""The dictionary of facts: from a table of the catalogue to definitions, or to the list of all mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from emboplan.eligibility.tables import TableReader, is_list
from emboplan.model.protocol import Change, FactDefinition, FactDefinitions, FactKind, LabUnit

_KEYS = (
    *("type", "meaning", "unit", "choices", "minimum", "maximum", "range_source"),
    *("units", "units_as", "share", "completes", "given_by", "not_after"),
    *("plausible", "earliest", "days_ahead", "change"),
)
_CONVERSIONS = ("multiply_by", "divide_by", "per_upper_limit")


def definitions_from_table(table: Mapping[str, object]) -> FactDefinitions:
    """The dictionary of facts that the table states, by name.

    Raises:
        CatalogError: with one line for each mistake: an unknown key or kind, a range or a conversion factor
            without source, a reference to a fact that is not there.
    """
    reader = TableReader()
    entries = reader.table(table, "fact")
    tables = {name: reader.table(entries, name, "fact.") for name in entries}
    definitions = {name: _definition(reader, name, tables) for name in tables}
    others = [
        (name, other)
        for name, it in definitions.items()
        for other in (*(it.share or ()), it.given_by, it.not_after)
    ]
    for name, entry in tables.items():
        pair = _pair(reader, entry, "completes", ("years", "on"), f"fact.{name}.")
        if pair is not None:
            others += [(name, other) for other in pair]
            if pair[0] in definitions:
                definitions[pair[0]] = replace(definitions[pair[0]], completed=(name, pair[1]))
    for name, other in others:
        if other and other not in definitions:
            reader.wrong(f"fact.{name}", f'speaks of the fact "{other}", which is not defined')
    reader.finish()
    return definitions


def _definition(reader: TableReader, name: str, tables: Mapping[str, Mapping[str, object]]) -> FactDefinition:
    table, path = tables[name], f"fact.{name}."
    reader.keys(table, path, _KEYS, needed=("type", "meaning"))
    kind = reader.choice(table, "type", path, FactKind)
    if ("minimum" in table or "maximum" in table) and "range_source" not in table:
        reader.wrong(f"{path}range_source", "missing; a range needs a source")
    return FactDefinition(
        name=name,
        kind=kind or FactKind.NUMBER,
        meaning=reader.text(table, "meaning", path),
        unit=reader.optional_text(table, "unit", path),
        choices=_texts(table.get("choices")),
        minimum=reader.number(table, "minimum", path),
        maximum=reader.number(table, "maximum", path),
        lab_units=_lab_units(reader, name, tables) if kind is FactKind.LAB else (),
        share=_pair(reader, table, "share", ("part", "whole"), path),
        given_by=reader.optional_text(table, "given_by", path),
        not_after=reader.optional_text(table, "not_after", path),
        plausible=_plausible(reader, table, path) if "plausible" in table else None,
        earliest=_earliest(reader, table, path),
        days_ahead=int(reader.number(table, "days_ahead", path) or 0),
        change=(reader.choice(table, "change", path, Change) or Change.FIXED)
        if "change" in table
        else Change.FIXED,
    )


def _pair(
    reader: TableReader, table: Mapping[str, object], key: str, parts: tuple[str, str], path: str
) -> tuple[str, str] | None:
    """The two facts that this one may be reckoned from."""
    if key not in table:
        return None
    inner, where = reader.table(table, key, path), f"{path}{key}."
    reader.keys(inner, where, parts, needed=parts)
    return reader.text(inner, parts[0], where), reader.text(inner, parts[1], where)


def _plausible(reader: TableReader, table: Mapping[str, object], path: str) -> tuple[Decimal, Decimal] | None:
    """The range that a patient may have; its source says whose range it is."""
    bounds, where = reader.table(table, "plausible", path), f"{path}plausible."
    reader.keys(bounds, where, ("minimum", "maximum", "source"), needed=("minimum", "maximum"))
    reader.text(bounds, "source", where)
    low, high = reader.number(bounds, "minimum", where), reader.number(bounds, "maximum", where)
    return None if low is None or high is None else (low, high)


def _earliest(reader: TableReader, table: Mapping[str, object], path: str) -> date | None:
    value = table.get("earliest")
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    reader.wrong(f"{path}earliest", f"found {value}, expected a date as YYYY-MM-DD")
    return None


def _lab_units(
    reader: TableReader, name: str, tables: Mapping[str, Mapping[str, object]]
) -> tuple[LabUnit, ...]:
    """The units of the fact itself, or those of the fact that `units_as` names."""
    table = tables[name]
    if "units_as" in table:
        name = reader.text(table, "units_as", f"fact.{name}.")
        table = reader.table(tables, name, "fact.")
    path = f"fact.{name}."
    units = tuple(
        _lab_unit(reader, entry, f"{where}.") for where, entry in reader.tables(table, "units", path)
    )
    if not units:
        reader.wrong(f"{path}units", "missing; a lab fact needs the units that laboratories report")
    return units


def _lab_unit(reader: TableReader, table: Mapping[str, object], path: str) -> LabUnit:
    reader.keys(table, path, ("symbol", "also", *_CONVERSIONS, "source", "status"), needed=("symbol",))
    if any(key in table for key in _CONVERSIONS):
        reader.text(table, "source", path)
        reader.status(table, path)
    times, parts = reader.number(table, "multiply_by", path), reader.number(table, "divide_by", path)
    if (times is not None and times <= 0) or (parts is not None and parts <= 0):
        reader.wrong(path.rstrip("."), "found a conversion factor of 0 or less")
        times = parts = None
    return LabUnit(
        symbol=reader.text(table, "symbol", path),
        factor=Fraction(times or 1) / Fraction(parts or 1),
        also=_texts(table.get("also")),
        per_upper_limit=reader.truth(table, "per_upper_limit", path),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(text) for text in value) if is_list(value) else ()
