"""The tables on response: limits of the criteria as sourced entries, and the endpoints of each protocol.

They stand beside the other rooms of the catalogue and use its sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from emboplan.catalog.entries import Table, collect, parse_toml
from emboplan.catalog.load import Catalog
from emboplan.errors import CatalogError
from emboplan.model.products import Sourced

ROOM = "response"
GENERAL = "general"  # the set of endpoints where no protocol is named


def _text(name: str) -> str:
    return (files("emboplan.catalog") / "data" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _table() -> Table:
    return parse_toml(_text(f"{ROOM}.toml"), f"{ROOM}.toml")


def response_entries(catalog: Catalog) -> Mapping[str, Sourced]:
    """Every sourced number on response by its path of keys, such as ``recist.progression_increase``."""
    return collect(_table(), ROOM, catalog.sources)


def endpoint_set_names() -> tuple[str, ...]:
    """The protocols whose endpoints are known, as they are written on the command line."""
    folder = files("emboplan.catalog") / "data" / "endpoints"
    stems = sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))
    return tuple(stem.replace("_", "-") for stem in stems if stem != GENERAL)


def endpoint_set_table(name: str) -> Table:
    """The raw table of one protocol's endpoints, or of ``general``; `CatalogError` lists the known names."""
    known = (*endpoint_set_names(), GENERAL)
    public = name.replace("_", "-")
    if public not in known:
        raise CatalogError(f'no endpoints of a protocol "{name}"; known: {", ".join(known[:-1])}')
    file = f"endpoints/{public.replace('-', '_')}.toml"
    return parse_toml(_text(file), file)
