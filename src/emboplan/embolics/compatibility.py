"""What does not go together: oxaliplatin and chloride, doxorubicin and phosphate, beads and oil.

A diluent or material is given in words, as it stands on the bottle. The words that betray chloride, phosphate
or aluminium are searched for in them. What is not recognised is not called safe: `diluent_is_known` says
whether the words name a diluent that is free of chloride and phosphate.
"""

from __future__ import annotations

from emboplan.catalog import Catalog
from emboplan.catalog.embolics import BEADS, compact
from emboplan.catalog.tace_tables import TaceNumbers
from emboplan.embolics.amounts import plain_name
from emboplan.embolics.drug_names import plain_drug
from emboplan.errors import InputError

# Parts of the names of fluids that hold chloride; all phosphate-buffered saline does.
_CHLORIDE = ("chloride", "nacl", "saline", "pbs", "ringer", "hartmann")
_PHOSPHATE = ("phosphate", "pbs")
_ALUMINIUM = ("alumin",)
# Names of fluids that hold neither.
_PLAIN_FLUIDS = ("water", "dextrose", "glucose", "d5w")


def _names(text: str, words: tuple[str, ...]) -> bool:
    plain = plain_name(text)
    # "chloride-free" names what is absent.
    return any(word in plain and f"{word} free" not in plain for word in words)


def holds_chloride(diluent: str) -> bool:
    """Whether the name of a fluid says that it holds chloride.

    >>> holds_chloride("0.9 % NaCl"), holds_chloride("5 % dextrose")
    (True, False)
    """
    return _names(diluent, _CHLORIDE)


def holds_phosphate(diluent: str) -> bool:
    """Whether the name of a fluid says that it is buffered with phosphate."""
    return _names(diluent, _PHOSPHATE)


def holds_aluminium(material: str) -> bool:
    """Whether the name of a needle or set says that it holds aluminium."""
    return _names(material, _ALUMINIUM)


def diluent_is_known(diluent: str) -> bool:
    """Whether the name is that of water or a sugar solution, without an addition that betrays salt."""
    return _names(diluent, _PLAIN_FLUIDS) and not holds_chloride(diluent) and not holds_phosphate(diluent)


def is_drug_eluting(product: str, book: Catalog) -> bool:
    """Whether the words name a product that can be loaded with a drug, alone or among other words."""
    plain, squeezed = plain_name(product), compact(product)
    if "deb" in plain.split() or "drugeluting" in squeezed:
        return True
    tables = book.group_table(BEADS)
    names = [
        name
        for key in tables
        for name in (key, str(tables[key]["name"]), *str(tables[key].get("title", "")).split(";"))
    ]
    return any(compact(name) in squeezed for name in names if compact(name))


def _refuse(numbers: TaceNumbers, rule: str, found: str, instead: str) -> None:
    entry = numbers.sourced(f"incompatible.{rule}")
    raise InputError(f"{found}: {entry.text} ({entry.source_text}); {instead}")


def refuse_diluent(drug: str, diluent: str, numbers: TaceNumbers) -> None:
    """`InputError` if the drug and the fluid do not go together."""
    name = plain_drug(drug)
    if name == "oxaliplatin" and holds_chloride(diluent):
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


def refuse_material(drug: str, material: str, numbers: TaceNumbers) -> None:
    """`InputError` if the drug and the material of needle or set do not go together."""
    if plain_drug(drug) == "oxaliplatin" and holds_aluminium(material):
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
