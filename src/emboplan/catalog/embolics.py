"""The tables of embolics: beads with their drugs, drugs, and embolics without a drug, found by name.

A name is read as people write it: ``DC Bead``, ``dc-bead``, ``Oncozene``, ``callispheres-100-300`` (the size
goes with it). A name that is not known is answered with the nearest ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches

from emboplan.catalog.load import Catalog
from emboplan.errors import CatalogError
from emboplan.model.embolics import BeadProduct, Drug, Embolic, Facts, LoadRecipe
from emboplan.model.products import Sourced, Status

BEADS, DRUGS, EMBOLICS = "beads", "drugs", "embolics"
# Facts of a product's own packing: they are not taken over from the product whose figures it shares.
OWN_GROUPS = ("sizes", "vial", "default_size", "size_label", "same_as")

_SIZE_AT_END = re.compile(r"^(?P<name>.*?\D)[\s_-]*(?P<size>\d+(?:\s*(?:-|–|to)\s*\d+)?)\s*(?:um|µm|μm)?$")


def compact(name: str) -> str:
    """A name without signs and capitals, so that ways of writing it agree."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def size_key(text: str) -> str:
    """A size as the tables write it: ``100 - 300 um`` is ``100-300``."""
    return "-".join(re.findall(r"\d+(?:\.\d+)?", text))


def _names(catalog: Catalog, room: str) -> Mapping[str, str]:
    """Key by every name that people use, in compact form."""
    found = {}
    for key, table in catalog.group_table(room).items():
        titles = str(table.get("title", "")).split(";")
        for name in (key, table["name"], *titles):
            if name.strip():
                found[compact(name)] = key
    return found


def _unknown(catalog: Catalog, room: str, name: str, what: str) -> CatalogError:
    shown = {compact(t["name"]): str(t["name"]) for t in catalog.group_table(room).values()}
    names = _names(catalog, room)
    close = get_close_matches(compact(name), names, n=3, cutoff=0.5)
    near = list(dict.fromkeys(str(catalog.group_table(room)[names[c]]["name"]) for c in close))
    hint = f"nearest: {', '.join(near)}; " if near else ""
    return CatalogError(f'no {what} "{name}" in the catalogue; {hint}it has {", ".join(shown.values())}')


def _own(catalog: Catalog, room: str, key: str) -> Mapping[str, Sourced]:
    start = f"{room}.{key}."
    return {e.name.removeprefix(start): e for e in catalog.entries() if e.name.startswith(start)}


def _shared(catalog: Catalog, key: str) -> Mapping[str, Sourced]:
    """A bead's facts, with those of the bead whose figures it shares, which are then to be confirmed."""
    own = dict(_own(catalog, BEADS, key))
    same = own.get("same_as")
    if same is None or same.status is Status.UNVERIFIED:
        return own
    for name, entry in _own(catalog, BEADS, same.text).items():
        if name not in own and name.partition(".")[0] not in OWN_GROUPS:
            unsure = entry.status is Status.UNVERIFIED
            own[name] = entry if unsure else replace(entry, status=Status.TO_CONFIRM)
    return own


def bead_names(catalog: Catalog) -> tuple[str, ...]:
    """The keys of the beads that carry drugs."""
    return tuple(catalog.group_table(BEADS))


def drug_names(catalog: Catalog) -> tuple[str, ...]:
    """The keys of the drugs."""
    return tuple(catalog.group_table(DRUGS))


def embolic_names(catalog: Catalog) -> tuple[str, ...]:
    """The keys of the embolics without a drug."""
    return tuple(catalog.group_table(EMBOLICS))


def find_bead(catalog: Catalog, name: str) -> tuple[BeadProduct, str | None]:
    """The bead of that name, and the size where the name ends with one.

    `CatalogError` names the nearest products where there is none.
    """
    key, size = _names(catalog, BEADS).get(compact(name)), None
    if key is None and (match := _SIZE_AT_END.match(name.strip())):
        key, size = _names(catalog, BEADS).get(compact(match["name"])), size_key(match["size"])
    if key is None:
        raise _unknown(catalog, BEADS, name, "bead product")
    shown = str(catalog.group_table(BEADS)[key]["name"])
    entries = _shared(catalog, key)
    drugs = tuple(dict.fromkeys(n.split(".")[1] for n in entries if n.startswith("drugs.")))
    facts = {n: e for n, e in entries.items() if not n.startswith("drugs.")}
    return BeadProduct(key=key, name=shown, facts=Facts.of(shown, facts), drugs=drugs), size


def find_drug(catalog: Catalog, name: str) -> Drug:
    """The drug of that name; `CatalogError` names the nearest where there is none."""
    key = _names(catalog, DRUGS).get(compact(name))
    if key is None:
        raise _unknown(catalog, DRUGS, name, "drug")
    shown = str(catalog.group_table(DRUGS)[key]["name"])
    return Drug(key=key, name=shown, facts=Facts.of(shown, _own(catalog, DRUGS, key)))


def find_embolic(catalog: Catalog, name: str) -> tuple[Embolic, str | None]:
    """The embolic of that name, and the size where the name ends with one."""
    key, size = _names(catalog, EMBOLICS).get(compact(name)), None
    if key is None and (match := _SIZE_AT_END.match(name.strip())):
        key, size = _names(catalog, EMBOLICS).get(compact(match["name"])), size_key(match["size"])
    if key is None:
        raise _unknown(catalog, EMBOLICS, name, "embolic")
    shown = str(catalog.group_table(EMBOLICS)[key]["name"])
    return Embolic(key=key, name=shown, facts=Facts.of(shown, _own(catalog, EMBOLICS, key))), size


def load_recipe(catalog: Catalog, product: BeadProduct, drug: Drug) -> LoadRecipe:
    """What is known of loading this bead with this drug; `CatalogError` for a pair that is not known."""
    if drug.key not in product.drugs:
        drugs = catalog.group_table(DRUGS)
        own = ", ".join(str(drugs[key]["name"]) for key in product.drugs)
        others = [find_bead(catalog, key)[0] for key in bead_names(catalog) if key != product.key]
        fitting = ", ".join(bead.name for bead in others if drug.key in bead.drugs) or "none"
        raise CatalogError(
            f"the catalogue knows no loading of {product.name} with {drug.name}; {product.name} "
            "is listed with "
            f"{own}; beads listed with {drug.name}: {fitting}"
        )
    entries = _shared(catalog, product.key)
    start = f"drugs.{drug.key}."
    facts = {n.removeprefix(start): e for n, e in entries.items() if n.startswith(start)}
    return LoadRecipe(product, drug, Facts.of(f"{product.name} + {drug.name}", facts))
