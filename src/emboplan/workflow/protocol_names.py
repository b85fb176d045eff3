"""The two names of a protocol, the one that files use and the one that it prints, both of which serve."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from emboplan.catalog.load import Catalog


def protocol_id(name: str, catalog: Catalog) -> str:
    """The catalogue's name of a protocol: ``retnet`` for ``RETNET``, ``tae-italy`` for ``TAE-IT``.

    Both names of a protocol serve, in capitals or not. A name that no protocol has comes back as it is.
    """
    return _ids(catalog).get(plain_name(name), name)


def with_protocol_id(table: dict[str, Any], catalog: Catalog) -> dict[str, Any]:
    """The table of a case file with the protocol of its [procedure] by the catalogue's name."""
    procedure = table.get("procedure")
    if not isinstance(procedure, dict) or not isinstance(procedure.get("protocol"), str):
        return table
    return {**table, "procedure": {**procedure, "protocol": protocol_id(procedure["protocol"], catalog)}}


def plain_name(name: str) -> str:
    """A name without capitals, with hyphens for underscores."""
    return name.strip().casefold().replace("_", "-")


@lru_cache(maxsize=8)  # few catalogues are in use at a time, and names are asked for often
def _ids(catalog: Catalog) -> Mapping[str, str]:
    shipped = catalog.protocol_names()
    printed = {plain_name(str(catalog.protocol_table(name)["name"])): name for name in shipped}
    listed = (*catalog.endpoint_set_names(), *catalog.schedule_names(), *shipped)
    return MappingProxyType({**printed, **{plain_name(name): name for name in listed}})
