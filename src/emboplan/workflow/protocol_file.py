"""Protocols by name or by file, with the facts that they may ask for, and their open arms."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emboplan.catalog.load import Catalog, load
from emboplan.eligibility.arms import open_arm
from emboplan.eligibility.criterion import protocol_from_table
from emboplan.eligibility.dictionary import definitions_from_table
from emboplan.errors import CatalogError, InputError
from emboplan.model.arm import Arm
from emboplan.model.protocol import FactDefinitions, Protocol
from emboplan.workflow.plain_tables import read_table
from emboplan.workflow.protocol_names import plain_name, protocol_id


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
    """A protocol by one of its names or its file, and the facts that it may ask for. Errors as `check`.

    A site's file may define facts of its own in ``[fact.NAME]``, beside those of the catalogue.
    """
    tables = catalog or load()
    shipped = tables.fact_table()
    if isinstance(protocol, Path):
        table = read_table(protocol)
        try:
            definitions = definitions_from_table({"fact": _with_own(shipped["fact"], table)})
            return protocol_from_table(table, definitions, variant=variant), definitions
        except CatalogError as error:
            lines = [f"{protocol.name}: {line}" for line in str(error).splitlines()]
            raise CatalogError("\n".join(lines)) from error
    names, given = tables.protocol_names(), protocol
    protocol = protocol_id(given, tables)
    if protocol not in names:
        near = difflib.get_close_matches(plain_name(given), names, n=1)
        hint = f'did you mean "{near[0]}"? ' if near else ""
        raise InputError(f'no protocol "{given}"; {hint}known: {", ".join(names)}')
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
