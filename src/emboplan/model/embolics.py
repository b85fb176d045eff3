"""What a bead, a drug, an embolic and the pair of a bead with a drug are: names and sourced facts.

Facts that the catalogue holds as unverified are kept apart, so that none of them can be taken for a default.
Every fact carries its unit; `quantity` converts, and refuses a unit of another kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from emboplan.errors import CatalogError
from emboplan.model.products import Sourced, Status
from emboplan.units import HOURS_PER_DAY, SECONDS_PER_HOUR, UNITS

DiameterRange = tuple[float, float]

MINUTES_PER_HOUR = float(1 / UNITS["min"].factor)
SECONDS_PER_MINUTE = SECONDS_PER_HOUR / MINUTES_PER_HOUR
MINUTES = MappingProxyType(
    {
        "d": HOURS_PER_DAY * MINUTES_PER_HOUR,
        "h": MINUTES_PER_HOUR,
        "min": 1.0,
        "s": 1 / SECONDS_PER_MINUTE,
    }
)


def _factor(entry: Sourced, unit: str) -> float:
    if entry.unit == unit:
        return 1.0
    if entry.unit in MINUTES and unit in MINUTES:
        return MINUTES[entry.unit] / MINUTES[unit]
    found, wanted = UNITS.get(entry.unit), UNITS.get(unit)
    if found is None or wanted is None or found.dimension != wanted.dimension:
        raise CatalogError(f'{entry.name} is in "{entry.unit}"; expected a value in "{unit}"')
    return float(found.factor / wanted.factor)


def quantity(entry: Sourced, unit: str) -> float:
    """The number of an entry in `unit`; `CatalogError` where its unit is of another kind."""
    return _factor(entry, unit) * entry.number


def quantities(entry: Sourced, unit: str) -> tuple[float, ...]:
    """The numbers of an entry in `unit`; one number counts as a list of one."""
    factor = _factor(entry, unit)
    numbers = entry.value if isinstance(entry.value, tuple) else (entry.number,)
    return tuple(factor * number for number in numbers)


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts by their names; those without a verified value are in `unverified` only. `label` names them."""

    label: str
    verified: Mapping[str, Sourced]
    unverified: Mapping[str, Sourced]

    @classmethod
    def of(cls, label: str, entries: Mapping[str, Sourced]) -> Facts:
        """The entries, divided by status."""
        parts = {
            unsure: MappingProxyType(
                {n: e for n, e in entries.items() if (e.status is Status.UNVERIFIED) is unsure}
            )
            for unsure in (False, True)
        }
        return cls(label, parts[False], parts[True])

    def find(self, *names: str) -> Sourced | None:
        """The first of these facts that may serve as a default, or None."""
        return next((self.verified[name] for name in names if name in self.verified), None)

    def need(self, name: str, what: str, mend: str) -> Sourced:
        """A fact; `CatalogError` says what is missing and what to do where it has no verified value."""
        if name in self.verified:
            return self.verified[name]
        raise CatalogError(f"{self.label}: {what} has no verified value; {mend}")

    def under(self, prefix: str) -> Mapping[str, Sourced]:
        """The verified facts of a group, by the rest of their names."""
        start = prefix + "."
        return {n.removeprefix(start): e for n, e in self.verified.items() if n.startswith(start)}

    def others(self, name: str) -> tuple[Sourced, ...]:
        """The figures kept beside a fact because they disagree with it, unverified ones too."""
        start = f"also.{name}."
        return tuple(
            e for table in (self.verified, self.unverified) for n, e in table.items() if n.startswith(start)
        )


@dataclass(frozen=True, slots=True)
class BeadProduct:
    """A bead that carries drugs. `drugs` are those that the catalogue has facts about on this bead."""

    key: str
    name: str
    facts: Facts
    drugs: tuple[str, ...]

    @property
    def sizes(self) -> Mapping[str, DiameterRange]:
        """The sizes as printed on the label (um), by their names such as ``100-300``."""
        found = {name: quantities(entry, "um") for name, entry in self.facts.under("sizes").items()}
        return {name: (min(numbers), max(numbers)) for name, numbers in found.items()}

    @property
    def is_dry(self) -> bool:
        """Whether the printed size is that of the dry bead."""
        entry = self.facts.find("size_label")
        return entry is not None and entry.text == "dry"


@dataclass(frozen=True, slots=True)
class Drug:
    """A drug that is given with embolics."""

    key: str
    name: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class LoadRecipe:
    """A bead and a drug together: what is known of loading the one with the other."""

    product: BeadProduct
    drug: Drug
    facts: Facts

    @property
    def label(self) -> str:
        """Both names, for messages."""
        return f"{self.product.name} + {self.drug.name}"


@dataclass(frozen=True, slots=True)
class Embolic:
    """An embolic without a drug: spheres, particles, sponge or oil."""

    key: str
    name: str
    facts: Facts

    @property
    def sizes(self) -> Mapping[str, DiameterRange]:
        """The sizes (um) by their names; empty where none has a source."""
        found = {name: quantities(entry, "um") for name, entry in self.facts.under("sizes").items()}
        return {name: (min(numbers), max(numbers)) for name, numbers in found.items()}
