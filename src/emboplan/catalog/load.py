"""The catalogue: every sourced number of the package, with a site's own file laid over it.

`load` gives one frozen `Catalog`. Its tables are read when they are first asked for. `number` gives one value
that may serve as a default, `nuclide`, `microsphere` and `limit` give what is built from several; `entries`
lists everything, unverified values too, for people to read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from emboplan.catalog.entries import LIMIT_WORDS, Table, collect, lay_over, parse_toml, read_toml
from emboplan.catalog.status import usable
from emboplan.errors import CatalogError
from emboplan.model.products import DoseLimit, Microsphere, Nuclide, Scope, Sourced, Status
from emboplan.model.results.activity import Quantity

# The rooms of sourced numbers, in the order in which people look for them.
ROOMS = (
    "nuclides",
    "microspheres",
    "limits",
    "goals",
    "tissues",
    "reference",
    "models",
    "radiobiology",
    "liver_function",
    "administration",
    "transport",
    "uncertainty",
    "beads",
    "drugs",
    "embolics",
    "tace",
    "response",
)
FOLDERS = ("phantoms", "protocols", "schedules", "device_labels", "kernels", "endpoints")
# Definitions of facts: those of the trial documents, and beside them those of labels and of safety prompts.
FACT_FILES = ("facts.toml", "patient_facts.toml", "label_facts.toml", "prompt_facts.toml")
# The rooms whose entries are goals and limits, with the words that describe them.
DOSE_ROOMS = ("limits", "goals")


@dataclass(frozen=True)
class Catalog:
    """Sourced numbers, nuclides, microspheres, limits, and the raw tables of phantoms and protocols.

    `overlay` is a site's own TOML file with tables `[nuclides.*]`, `[microspheres.*]`, `[limits.*]`,
    `[tissues.*]`, `[reference.*]` of the same keys as ours, and `[sources]` for its own source keys.
    """

    overlay: Path | None = None

    # Raw tables

    @staticmethod
    def _text(name: str) -> str:
        resource = files("emboplan.catalog") / "data" / name
        if not resource.is_file():
            raise CatalogError(f"the catalogue has no table {name}")
        return resource.read_text(encoding="utf-8")

    @cached_property
    def _site(self) -> Table:
        if self.overlay is None:
            return {}
        table = read_toml(self.overlay)
        known = (*ROOMS, "sources")
        for key, child in table.items():
            if key not in known or not isinstance(child, dict):
                raise CatalogError(f"{self.overlay.name}: {key}: unknown table; expected {', '.join(known)}")
        return table

    @cached_property
    def sources(self) -> Mapping[str, str]:
        """What each source key stands for."""
        ours = parse_toml(self._text("sources.toml"), "sources.toml")
        for key, text in self._site.get("sources", {}).items():
            if not isinstance(text, str) or not text.strip():
                name = self.overlay.name if self.overlay else ""
                raise CatalogError(f"{name}: sources.{key} is {text!r}; expected what the source is, as text")
        return MappingProxyType({**ours, **self._site.get("sources", {})})

    @cached_property
    def _tables(self) -> Mapping[str, Table]:
        tables = {}
        for room in ROOMS:
            ours = parse_toml(self._text(f"{room}.toml"), f"{room}.toml")
            name = self.overlay.name if self.overlay else ""
            tables[room] = lay_over(ours, self._site.get(room, {}), f"{name}: {room}")
        return MappingProxyType(tables)

    @cached_property
    def _rooms(self) -> Mapping[str, Mapping[str, Sourced]]:
        return MappingProxyType(
            {
                room: collect(table, room, self.sources, LIMIT_WORDS if room in DOSE_ROOMS else ())
                for room, table in self._tables.items()
            }
        )

    # Numbers

    def entries(self) -> list[Sourced]:
        """Every entry with name, value, unit, source and status, unverified ones too; for people to read."""
        return [entry for room in ROOMS for entry in self._rooms[room].values()]

    @cached_property
    def _by_name(self) -> Mapping[str, Sourced]:
        short = {entry.name.partition(".")[2]: entry for entry in reversed(self.entries())}
        return MappingProxyType(short | {entry.name: entry for entry in self.entries()})

    def entry(self, name: str) -> Sourced:
        """One entry by its name, with or without its room; it may be unverified."""
        if name in self._by_name:
            return self._by_name[name]
        near = [entry.name for entry in self.entries() if name.rpartition(".")[2] in entry.name]
        hint = f"; similar: {', '.join(near[:5])}" if near else "; `emboplan catalog list` names all"
        raise CatalogError(f"the catalogue has no entry {name!r}{hint}")

    def sourced(self, name: str) -> Sourced:
        """One entry that may serve as a default; `CatalogError` when it is unverified or unknown."""
        return usable(self.entry(name))

    def number(self, name: str) -> float:
        """The plain value of an entry that may serve as a default, such as ``density.liver``."""
        return self.sourced(name).number

    # What is built from several entries

    def nuclide_names(self) -> tuple[str, ...]:
        """The nuclides that the catalogue knows."""
        return tuple(self._tables["nuclides"])

    def nuclide(self, name: str) -> Nuclide:
        """A nuclide such as ``Y-90``, with its dose coefficient and the named alternatives."""
        prefix = self._known(name, self.nuclide_names(), "nuclide")
        room = self._rooms["nuclides"]
        if prefix + "half_life" not in room:
            raise CatalogError(
                f"the catalogue has no half-life of {name}, so that it is no nuclide to treat with; "
                "add half_life to it in a site catalogue"
            )

        def optional(key: str) -> Sourced | None:
            entry = room.get(prefix + key)
            return None if entry is None else usable(entry)

        alternatives = prefix + "coefficients."
        return Nuclide(
            name=name,
            half_life=usable(room[prefix + "half_life"]),
            mean_energy=optional("mean_energy"),
            dose_coefficient=optional("dose_coefficient"),
            coefficients=MappingProxyType(
                {
                    key.removeprefix(alternatives): entry
                    for key, entry in room.items()
                    if key.startswith(alternatives) and entry.status is not Status.UNVERIFIED
                }
            ),
        )

    def microsphere_names(self) -> tuple[str, ...]:
        """The microsphere products that the catalogue knows."""
        return tuple(self._tables["microspheres"])

    def microsphere(self, name: str) -> Microsphere:
        """A microsphere product such as ``therasphere``."""
        prefix = self._known(name, self.microsphere_names(), "microsphere")
        table = self._tables["microspheres"][name]
        own = {
            key.removeprefix(prefix): entry
            for key, entry in self._rooms["microspheres"].items()
            if key.startswith(prefix)
        }
        split = {
            unverified: MappingProxyType(
                {k: e for k, e in own.items() if (e.status is Status.UNVERIFIED) is unverified}
            )
            for unverified in (False, True)
        }
        return Microsphere(
            key=name,
            name=table["name"],
            nuclide=table["nuclide"],
            material=table["material"],
            facts=split[False],
            unverified=split[True],
        )

    def limit_names(self, device: str | None = None) -> tuple[str, ...]:
        """The limits that may serve as a default: those of no product in particular, and of `device`."""
        return tuple(
            name
            for name, table in self._tables["limits"].items()
            if table.get("device") in (None, device) and table["status"] != Status.UNVERIFIED
        )

    def limit(self, name: str) -> DoseLimit:
        """A limit such as ``lung_session``; `CatalogError` when it is unverified or unknown."""
        self._known(name, tuple(self._tables["limits"]), "limit")
        table = self._tables["limits"][name]
        entry = usable(self._rooms["limits"][name])
        where = f"limits.toml: {name}"
        try:
            quantity, scope = Quantity(table["quantity"]), Scope(table.get("scope", Scope.TREATMENT))
            derived_with = table["derived_with"]
        except KeyError as error:
            raise CatalogError(f"{where}: has no {error.args[0]}; every limit needs one") from error
        except ValueError as error:
            raise CatalogError(f"{where}: {error}") from error
        entry.number  # noqa: B018  a limit that is not one number is refused here
        return DoseLimit(
            name=name,
            quantity=quantity,
            limit=entry,
            derived_with=derived_with,
            scope=scope,
            below=bool(table.get("below", False)),
            device=table.get("device"),
            condition=table.get("condition", ""),
            footnotes=tuple(table.get("footnotes", ())),
        )

    @staticmethod
    def _known(name: str, names: tuple[str, ...], what: str) -> str:
        if name not in names:
            raise CatalogError(f"the catalogue has no {what} {name!r}; it has {', '.join(names)}")
        return name + "."

    # Tables that others interpret

    def fact_table(self) -> Table:
        """The raw table of fact definitions: of the trial documents, of device labels, of safety prompts."""
        first, *others = FACT_FILES
        table = parse_toml(self._text(first), first)
        known = dict(table["fact"])
        for name in others:
            more = parse_toml(self._text(name), name)["fact"]
            double = sorted(set(known) & set(more))
            if double:
                raise CatalogError(f"{name}: fact.{double[0]}: an earlier file defines it too; keep one")
            known |= more
        return {**table, "fact": known}

    def dose_tables(self, room: str) -> Mapping[str, Table]:
        """Each entry of ``limits`` or ``goals`` with the words that say whom it is for, site values too."""
        self._known(room, DOSE_ROOMS, "table of goals or limits")
        return MappingProxyType(self._tables[room])

    def room(self, name: str) -> Mapping[str, Sourced]:
        """Every entry of one room by its path of keys, site values and unverified ones too."""
        self._known(name, ROOMS, "table")
        return self._rooms[name]

    def group_table(self, room: str) -> Mapping[str, Table]:
        """The groups of one room with their words, such as the names of the products of ``beads``."""
        self._known(room, ROOMS, "table")
        return MappingProxyType(self._tables[room])

    def intent_table(self) -> Table:
        """The raw table of treatment intents."""
        return parse_toml(self._text("intents.toml"), "intents.toml")

    def segment_labels(self) -> Table:
        """Name, codes and colour of each structure that goes into a DICOM segmentation."""
        return parse_toml(self._text("labels.toml"), "labels.toml")

    @staticmethod
    def _stems(folder: str) -> Mapping[str, str]:
        """File stem by public name: names are written with hyphens, whatever the file does."""
        resource = files("emboplan.catalog") / "data" / folder
        if not resource.is_dir():
            return {}
        stems = sorted(f.name[: -len(".toml")] for f in resource.iterdir() if f.name.endswith(".toml"))
        return {stem.replace("_", "-"): stem for stem in stems}

    def _raw(self, folder: str, name: str) -> Table:
        stems = self._stems(folder)
        public = name.replace("_", "-")
        self._known(public, tuple(stems), folder.removesuffix("s"))
        file = f"{folder}/{stems[public]}.toml"
        return parse_toml(self._text(file), file)

    def phantom_names(self) -> tuple[str, ...]:
        """The digital patients and analytic cases that ship with the package."""
        return tuple(self._stems("phantoms"))

    def phantom(self, name: str) -> Table:
        """The raw table of one phantom."""
        return self._raw("phantoms", name)

    def case_template(self, name: str) -> str:
        """The text of the case file that goes with a phantom, with `$placeholders` for its truth."""
        self._known(name, tuple(self._stems("cases")), "case")
        return self._text(f"cases/{name}.toml")

    def protocol_names(self) -> tuple[str, ...]:
        """The trial protocols that ship with the package."""
        return tuple(self._stems("protocols"))

    def protocol_table(self, name: str) -> Table:
        """The raw table of one protocol."""
        return self._raw("protocols", name)

    def schedule_names(self) -> tuple[str, ...]:
        """The protocols whose treatment calendar ships with the package."""
        return tuple(self._stems("schedules"))

    def schedule_table(self, name: str) -> Table:
        """The table of one protocol's treatment calendar; `closed` of an arm comes from the protocol itself.

        Why an arm is closed stands in the protocol's own table, by the arm's id, and nowhere else.
        """
        table = self._raw("schedules", name)
        protocols = self._stems("protocols")
        arms = self.protocol_table(name).get("arm", []) if name.replace("_", "-") in protocols else []
        closed = {arm["id"]: arm["closed_because"] for arm in arms if arm.get("closed")}
        merged = [
            {**arm, "closed": closed[arm["id"]]} if arm.get("id") in closed else arm
            for arm in table.get("arm", [])
        ]
        return {**table, "arm": merged}

    def endpoint_set_names(self) -> tuple[str, ...]:
        """The sets of endpoints that ship with the package: of each protocol, and ``general``."""
        return tuple(self._stems("endpoints"))

    def endpoint_set_table(self, name: str) -> Table:
        """The raw table of one set of endpoints."""
        return self._raw("endpoints", name)

    def label_names(self) -> tuple[str, ...]:
        """The device labels, and indications of labels, that ship with the package."""
        return tuple(self._stems("device_labels"))

    def label_table(self, name: str) -> Table:
        """The raw table of one device label, such as ``therasphere``."""
        return self._raw("device_labels", name)

    def kernel_names(self) -> tuple[str, ...]:
        """The point kernels that ship with the package, as nuclide and material."""
        return tuple(self._stems("kernels"))

    def kernel_table(self, name: str) -> Table:
        """The raw table of one point kernel, such as ``y90-water``."""
        return self._raw("kernels", name)

    # Identity

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that the catalogue says, the site's file included."""
        content: dict[str, Any] = {room: self._tables[room] for room in ROOMS}
        content["sources"] = dict(self.sources)
        for folder in FOLDERS:
            content[folder] = {name: self._raw(folder, name) for name in self._stems(folder)}
        data = files("emboplan.catalog") / "data"
        if (data / "facts.toml").is_file():
            content["facts"] = self.fact_table()
            content["intents"] = self.intent_table()
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()


@lru_cache(maxsize=1)
def _shipped() -> Catalog:
    return Catalog()


def load(overlay: Path | None = None) -> Catalog:
    """The catalogue that ships with emboplan, with a site's own file laid over it where one is given.

    A site's file is checked at once: `CatalogError` names the file and the keys of the first problem.

    >>> load().nuclide("Y-90").k_gy_kg_per_gbq
    49.8
    """
    if overlay is None:
        return _shipped()
    catalog = Catalog(Path(overlay))
    catalog.entries()
    for name in catalog.limit_names():
        catalog.limit(name)
    return catalog
