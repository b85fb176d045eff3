"""What does not go together: oxaliplatin and chloride, doxorubicin and phosphate, beads and oil.

A fluid, a material or a product is given in words, as it stands on the bottle; `fluids` reads those of a
fluid. What does not go is refused with its source. A fluid that oxaliplatin may not bear is an open item.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from emboplan.catalog import Catalog
from emboplan.catalog.embolics import BEADS, compact, drug_names
from emboplan.catalog.tace_tables import TaceNumbers
from emboplan.embolics.amounts import plain_name
from emboplan.embolics.drug_names import plain_drug
from emboplan.embolics.fluids import holds_chloride, holds_oil, holds_phosphate, without_denied
from emboplan.errors import InputError

CHLORIDE_SENSITIVE = "oxaliplatin"
# The symbol of the element, which lower case would hide among other letters.
_SYMBOL = re.compile(r"\bAl\b")
_BODIES = ("bead", "sphere", "particle", "embolic")
_LOADED = re.compile(r"\b(?:drug|pre)?[\s-]*load(?:ed|able|ing)\b|elut")
_SHORT = re.compile(r"\b(?:debs?|debtace|debdox|debiri|deboxa|dcbs?)\b")
# A misspelt name of a product that is this close to one of the catalogue is read as that.
_SAME_NAME = 0.85


def holds_aluminium(material: str) -> bool:
    """Whether the name of a needle or set says that it holds aluminium.

    >>> holds_aluminium("aluminium hub"), holds_aluminium("aluminium-free steel")
    (True, False)
    """
    metal = "aluminium|aluminum|alu"
    spaced = re.sub(rf"\b({metal})\s+free\b(?!\s+(?:of|from)\b)(?!-)", r"\1-free", material.lower())
    left = without_denied(re.sub(rf"\bnon[\s-]+(?:{metal})\b", " ", spaced), metal)
    return any(w.startswith("alumin") or w == "alu" for w in plain_name(left).split()) or bool(
        _SYMBOL.search(material) and left
    )


def is_drug_eluting(product: str, book: Catalog) -> bool:
    """Whether the words name a product that can be loaded with a drug, alone or among other words."""
    plain, squeezed = plain_name(product), compact(product)
    if _SHORT.search(plain) or "drugeluting" in squeezed:
        return True
    drugged = _LOADED.search(plain) is not None or any(drug in plain for drug in drug_names(book))
    if drugged and any(body in plain for body in _BODIES):
        return True
    tables = book.group_table(BEADS)
    names = {
        compact(name)
        for key in tables
        for name in (key, str(tables[key]["name"]), *str(tables[key].get("title", "")).split(";"))
    } - {""}
    if any(name in squeezed for name in names):
        return True
    return bool(get_close_matches(re.sub(r"\d", "", squeezed), names, n=1, cutoff=_SAME_NAME))


def _refuse(numbers: TaceNumbers, rule: str, found: str, instead: str) -> None:
    entry = numbers.sourced(f"incompatible.{rule}")
    raise InputError(f"{found}: {entry.text} ({entry.source_text}); {instead}")


def refuse_diluent(drug: str, diluent: str, numbers: TaceNumbers) -> None:
    """`InputError` if the drug and the fluid do not go together, whether it dissolves or is mixed."""
    name = plain_drug(drug)
    if name == CHLORIDE_SENSITIVE and holds_chloride(diluent):
        _refuse(
            numbers,
            "oxaliplatin_chloride",
            f'"{diluent}" is a chloride-containing diluent, not allowed with oxaliplatin',
            "use water for injection or 5 % dextrose",
        )
    if name == "doxorubicin" and holds_phosphate(diluent):
        _refuse(
            numbers,
            "doxorubicin_phosphate",
            f'"{diluent}" holds phosphate, not allowed with doxorubicin',
            "use a fluid without it",
        )


def refuse_oil_as_fluid(fluid: str, numbers: TaceNumbers, *, beads: str | None = None) -> None:
    """`InputError` for oil where the drug is dissolved; with `beads`, for oil that they are mixed with."""
    if not holds_oil(fluid):
        return
    if beads is not None:
        _refuse(
            numbers,
            "beads_oil",
            f'"{beads}" with iodised oil ("{fluid}")',
            "give either beads or an emulsion, with particles that carry no drug after it",
        )
    raise InputError(
        f'"{fluid}" is an oil and cannot be the aqueous phase that holds the drug; name the fluid that '
        "the drug is dissolved in, and give the oil as oil_ml"
    )


def refuse_material(drug: str, material: str, numbers: TaceNumbers) -> None:
    """`InputError` if the drug and the material of needle or set do not go together."""
    if plain_drug(drug) == CHLORIDE_SENSITIVE and holds_aluminium(material):
        _refuse(
            numbers,
            "oxaliplatin_aluminium",
            f'"{material}" holds aluminium, not allowed with oxaliplatin',
            "use a needle without aluminium parts",
        )


def refuse_beads_with_oil(product: str, numbers: TaceNumbers, book: Catalog) -> None:
    """`InputError` if a product that elutes drug is to be mixed with iodised oil."""
    if is_drug_eluting(product, book):
        _refuse(
            numbers,
            "beads_oil",
            f'"{product}" with iodised oil',
            "give either beads or an emulsion, with particles that carry no drug after it",
        )
