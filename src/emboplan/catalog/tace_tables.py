"""The tables on emulsions, particles, cumulative doses and prompts, and what protocols say of their arms.

The numbers stand in one room of sourced entries, over which a site's file may lay its own. What a trial does
in an arm, and how much tumour it admits, is read from the trial's own table, so that it stands in one place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from emboplan.catalog.load import Catalog
from emboplan.catalog.status import usable
from emboplan.errors import CatalogError, InputError
from emboplan.model.products import Sourced

ROOM = "tace"
_EMBOLIC_KEY = "EMB-"
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class TaceNumbers:
    """The entries of the room by their path of keys; unverified ones are read with `entry` only."""

    entries: Mapping[str, Sourced]

    def entry(self, name: str) -> Sourced:
        """One entry, which may be unverified; `CatalogError` for an unknown name."""
        if name not in self.entries:
            raise CatalogError(f'the table {ROOM} has no entry "{name}"; see catalog/data/{ROOM}.toml')
        return self.entries[name]

    def sourced(self, name: str) -> Sourced:
        """One entry that may serve as a default; `CatalogError` when it is unverified or unknown."""
        return usable(self.entry(name))

    def number(self, name: str) -> float:
        """The plain value of an entry that may serve as a default."""
        return self.sourced(name).number

    def pair(self, name: str) -> Pair:
        """The two numbers of an entry that may serve as a default."""
        first, second = self.sourced(name).numbers
        return first, second

    def names_in(self, group: str) -> tuple[str, ...]:
        """The names of a group, such as ``prompt``, without the name of the group."""
        return tuple(name.removeprefix(f"{group}.") for name in self.entries if name.startswith(f"{group}."))


def tace_numbers(catalog: Catalog) -> TaceNumbers:
    """Every sourced entry of the room."""
    return TaceNumbers(catalog.room(ROOM))


def source_tier(key: str) -> str:
    """A for labels, manuals and trial records, B for papers, C for secondary pages; empty for other sources.

    >>> source_tier("EMB-B10")
    'B'
    """
    return key.removeprefix(_EMBOLIC_KEY)[:1] if key.startswith(_EMBOLIC_KEY) else ""


@dataclass(frozen=True, slots=True)
class ArmNumbers:
    """What a protocol says of one of its embolization arms; None or empty where it says nothing."""

    protocol: str
    arm: str
    source: str
    dose_mg: Mapping[str, Pair]
    aqueous: str
    aqueous_ml: Pair | None
    oil_ml: Pair | None
    sizes_um: tuple[Pair, ...]
    stasis_heartbeats: Pair | None


def _pair(raw: Any) -> Pair | None:
    if raw is None:
        return None
    low, high = raw if isinstance(raw, list) else (raw, raw)
    return float(low), float(high)


def _arm(protocol: str, table: Mapping[str, Any]) -> ArmNumbers:
    emulsion = table.get("emulsion", {})
    sizes = [_pair(size) for size in table.get("sizes_um", [])]
    doses = {drug["name"]: _pair(drug.get("dose")) for drug in table.get("drug", [])}
    return ArmNumbers(
        protocol=protocol,
        arm=table["name"],
        source=table["source"],
        dose_mg=MappingProxyType({name: dose for name, dose in doses.items() if dose is not None}),
        aqueous=emulsion.get("aqueous", ""),
        aqueous_ml=_pair(emulsion.get("aqueous_ml")),
        oil_ml=_pair(emulsion.get("oil_ml")),
        sizes_um=tuple(size for size in sizes if size is not None),
        stasis_heartbeats=_pair(table.get("stasis_heartbeats")),
    )


def embolization_arm(catalog: Catalog, protocol: str, technique: str) -> ArmNumbers:
    """The open arm of a protocol with this technique (``bland``, ``ctace``, ``deb-tace``).

    Raises:
        InputError: the protocol has no such arm, or the arm is closed.
    """
    table = catalog.protocol_table(protocol.strip().lower())
    found = [arm for arm in table.get("arm", []) if arm.get("technique") == technique]
    for arm in found:
        if not arm.get("closed", False):
            return _arm(protocol, arm)
    if found:
        raise InputError(
            f"{protocol}: the arm {found[0]['name']} is closed: "
            f"{found[0].get('closed_because', 'no reason given')}; choose an open arm"
        )
    raise InputError(f"{protocol} has no arm with the technique {technique}; leave the protocol out")


def _burden_criteria(table: Mapping[str, Any]) -> Iterator[float]:
    for criterion in table.get("criterion", []):
        rule = criterion.get("pass_when", {})
        if rule.get("fact") == "liver_tumor_burden_pct" and rule.get("op") == "<=":
            yield float(rule["limit"])


def burden_limits_pct(catalog: Catalog) -> Mapping[str, float]:
    """The largest share of tumour, in percent and inclusive, that each protocol admits, where it says one."""
    limits = {}
    for name in catalog.protocol_names():
        for limit in _burden_criteria(catalog.protocol_table(name)):
            limits[name] = limit
    return MappingProxyType(limits)
