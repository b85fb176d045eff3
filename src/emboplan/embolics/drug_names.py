"""Drugs by the name of the catalogue, so that no rule is missed for the way a name is written.

A misspelt name would pass by every reduction and limit; where a drug decides what is given, an unknown name
is refused with the nearest ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from emboplan.catalog import Catalog
from emboplan.catalog import load as load_catalog
from emboplan.catalog.embolics import DRUGS, find_drug
from emboplan.catalog.tace_tables import TaceNumbers
from emboplan.embolics.amounts import drug_name
from emboplan.errors import CatalogError

# Words that name a salt and leave the drug what it is.
_SALTS = ("hydrochloride", "hcl", "chloride")

# Doxorubicin in liposomes counts as an anthracycline, without a published ratio to the plain drug.
LIPOSOMAL = "pegylated liposomal doxorubicin"
_LIPOSOMAL_NAMES = ("liposomal doxorubicin", "caelyx", "doxil", "lipodox", "pld")


def plain_drug(name: str) -> str:
    """A drug's name without its salt, and the catalogue's name for a name of trade.

    >>> plain_drug("Doxorubicin hydrochloride"), plain_drug("Adriamycin")
    ('doxorubicin', 'doxorubicin')
    >>> plain_drug("Caelyx")
    'pegylated liposomal doxorubicin'
    """
    words = drug_name(name).split()
    plain = " ".join(word for word in words if word not in _SALTS) or drug_name(name)
    return _trade_names().get(plain, plain)


@cache
def _trade_names() -> Mapping[str, str]:
    """The catalogue's name by each other name that a drug goes by."""
    tables = load_catalog().group_table(DRUGS)
    found = {
        drug_name(title): str(table["name"])
        for table in tables.values()
        for title in str(table.get("title", "")).split(";")
        if title.strip()
    }
    return MappingProxyType(found | dict.fromkeys(_LIPOSOMAL_NAMES, LIPOSOMAL))


def _groups(numbers: TaceNumbers) -> set[str]:
    dosed = {name.partition(".")[0] for name in numbers.names_in("dose")}
    return dosed | set(numbers.names_in("anthracycline.equivalent"))


def known_drug(name: str, book: Catalog, numbers: TaceNumbers) -> str:
    """The catalogue's name of a drug; `CatalogError` names the nearest where it knows none."""
    plain = plain_drug(name)
    return plain if plain in _groups(numbers) else find_drug(book, plain).key


def is_known_drug(name: str, book: Catalog, numbers: TaceNumbers) -> bool:
    """Whether the catalogue knows the drug."""
    try:
        known_drug(name, book, numbers)
    except CatalogError:
        return False
    return True
