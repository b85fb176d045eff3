"""Sourced numbers and what is made of them: nuclides, microspheres and limits.

A `Sourced` value never travels without who says so, where, and how sure that is. Nuclides, microspheres and
limits are built from such values by the catalogue; the formulas take them, or the plain numbers inside.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from emboplan.errors import CatalogError, ModelRangeError
from emboplan.model.results.activity import Quantity
from emboplan.units import JOULE_PER_MEV, SECONDS_PER_HOUR

Value = float | str | bool | tuple[float, ...]

BECQUEREL_PER_GIGABECQUEREL = 1e9

# A coefficient that a user types is taken for one of the named ones when it agrees with it to this relative
# difference: far below the 0.03 % between the closest two, far above the rounding of a typed number.
SAME_COEFFICIENT = 1e-6
# Published coefficients of a nuclide differ from each other by less than this share; more is a mistake.
ALIKE_COEFFICIENTS = 0.02


class Status(StrEnum):
    """How sure a sourced value is.

    ``confirmed``: a named source says it. ``to-confirm``: used, and printed as "confirm against the package
    insert in force". ``unverified``: listed, never a default.
    """

    CONFIRMED = "confirmed"
    TO_CONFIRM = "to-confirm"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Sourced:
    """A value with its unit, the keys of its sources, the place in them, and its status.

    `origin` is ``emboplan`` for what ships with the package, ``site file`` for what a site laid over it.
    """

    name: str
    value: Value
    unit: str
    source: tuple[str, ...]
    place: str
    status: Status
    note: str = ""
    origin: str = "emboplan"

    @property
    def number(self) -> float:
        """The value as one number; `CatalogError` when it is text or a list."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise CatalogError(f"{self.name} is {self.value!r}; expected one number")
        return float(self.value)

    @property
    def numbers(self) -> tuple[float, ...]:
        """The value as a list of numbers; `CatalogError` when it is anything else."""
        if not isinstance(self.value, tuple):
            raise CatalogError(f"{self.name} is {self.value!r}; expected a list of numbers")
        return self.value

    @property
    def text(self) -> str:
        """The value as text; `CatalogError` when it is a number."""
        if not isinstance(self.value, str):
            raise CatalogError(f"{self.name} is {self.value!r}; expected text")
        return self.value

    @property
    def source_text(self) -> str:
        """The sources and the place in one line."""
        return f"{'; '.join(self.source)} ({self.place})"


def derived_coefficient(half_life_h: float, mean_energy_mev: float) -> float:
    """Dose coefficient K in Gy kg/GBq from half-life and mean energy per decay, all of it deposited locally.

    K = 1e9 x (half-life / ln 2) x mean energy: the energy of all decays of 1 GBq in 1 kg.

    >>> round(derived_coefficient(64.1, 0.933), 3)
    49.765
    """
    if not (math.isfinite(half_life_h) and half_life_h > 0):
        raise ModelRangeError(f"half-life is {half_life_h} h; expected a positive number")
    if not (math.isfinite(mean_energy_mev) and mean_energy_mev > 0):
        raise ModelRangeError(f"mean energy is {mean_energy_mev} MeV; expected a positive number")
    decays_per_gbq = BECQUEREL_PER_GIGABECQUEREL * half_life_h * SECONDS_PER_HOUR / math.log(2)
    return decays_per_gbq * mean_energy_mev * JOULE_PER_MEV


@dataclass(frozen=True, slots=True)
class Nuclide:
    """A nuclide: half-life, mean energy per decay, and the dose coefficient that plans use.

    `coefficients` are named alternatives, for comparison with other tools' sheets. Energy and coefficient are
    None for a nuclide that is only imaged.
    """

    name: str
    half_life: Sourced
    mean_energy: Sourced | None
    dose_coefficient: Sourced | None
    coefficients: Mapping[str, Sourced]

    def __post_init__(self) -> None:
        """Refuse a coefficient that does not follow from half-life and mean energy.

        Some methods use the one, some the others: a site that changes one of them must change all.
        """
        if self.dose_coefficient is None or self.mean_energy is None:
            return
        derived = self.derived_gy_kg_per_gbq
        if not math.isclose(self.k_gy_kg_per_gbq, derived, rel_tol=ALIKE_COEFFICIENTS):
            raise CatalogError(
                f"{self.name}: the dose coefficient {self.k_gy_kg_per_gbq:g} Gy kg/GBq does not follow from "
                f"half-life {self.half_life_h:g} h and mean energy {self.mean_energy.number:g} MeV, which "
                f"give {derived:.4g}; change half_life, mean_energy and dose_coefficient together"
            )

    @property
    def half_life_h(self) -> float:
        """Half-life in hours."""
        return self.half_life.number

    @property
    def derived_gy_kg_per_gbq(self) -> float:
        """The coefficient derived from half-life and mean energy, unrounded."""
        if self.mean_energy is None:
            raise CatalogError(f"{self.name} has no mean energy in the catalogue, so no dose coefficient")
        return derived_coefficient(self.half_life_h, self.mean_energy.number)

    @property
    def k_gy_kg_per_gbq(self) -> float:
        """The coefficient that plans use unless the user sets another."""
        if self.dose_coefficient is None:
            raise CatalogError(f"{self.name} has no dose coefficient in the catalogue; it is only imaged")
        return self.dose_coefficient.number

    def coefficient_name(self, k_gy_kg_per_gbq: float) -> str | None:
        """Where a coefficient comes from, or None when it is none of those the catalogue knows.

        The default and the derived value answer to ``default`` and ``derived``.
        """
        known = {"default": self.k_gy_kg_per_gbq, "derived": self.derived_gy_kg_per_gbq}
        known |= {name: entry.number for name, entry in self.coefficients.items()}
        close = (n for n, k in known.items() if math.isclose(k, k_gy_kg_per_gbq, rel_tol=SAME_COEFFICIENT))
        return next(close, None)


@dataclass(frozen=True, slots=True)
class Microsphere:
    """A microsphere product: nuclide, and every fact of its tables by name.

    Facts that the catalogue holds as unverified are in `unverified` only, so that none of them can be taken
    for a default.
    """

    key: str
    name: str
    nuclide: str
    material: str
    facts: Mapping[str, Sourced]
    unverified: Mapping[str, Sourced]

    def fact(self, name: str) -> Sourced:
        """One fact; `CatalogError` when the product has none of that name, or only an unverified one."""
        if name in self.facts:
            return self.facts[name]
        if name in self.unverified:
            raise CatalogError(
                f"{self.name}: {name} has no verified value; enter one with its source in a site catalogue"
            )
        raise CatalogError(f"{self.name} has no fact named {name}; known: {', '.join(sorted(self.facts))}")


class Scope(StrEnum):
    """Over what a limit runs: one treatment, or all treatments together."""

    TREATMENT = "treatment"
    CUMULATIVE = "cumulative"


@dataclass(frozen=True, slots=True)
class DoseLimit:
    """A limit on a dose, an activity or a shunt, with the method it was derived with.

    `below` says that the limit itself is already too much. `device` is None for a limit that holds for every
    product; `condition` says for whom it was stated, `footnotes` what the source adds. `territory` None is
    a limit that every territory must keep.
    """

    name: str
    quantity: Quantity
    limit: Sourced
    derived_with: str
    scope: Scope = Scope.TREATMENT
    below: bool = False
    device: str | None = None
    condition: str = ""
    footnotes: tuple[str, ...] = ()
    territory: str | None = None

    @classmethod
    def entered(
        cls,
        name: str,
        quantity: Quantity,
        limit_gy: float,
        *,
        source: str,
        scope: Scope = Scope.TREATMENT,
    ) -> DoseLimit:
        """A limit in Gy that a user entered, with the user's own source."""
        if not (math.isfinite(limit_gy) and limit_gy > 0):
            raise ModelRangeError(f"limit {name} is {limit_gy} Gy; expected a positive number")
        entry = Sourced(
            name=name,
            value=float(limit_gy),
            unit="Gy",
            source=(source,),
            place="entered",
            status=Status.CONFIRMED,
            origin="entered",
        )
        return cls(name=name, quantity=quantity, limit=entry, derived_with="as entered", scope=scope)


def no_entries() -> Mapping[str, Sourced]:
    """An empty table of sourced values."""
    return MappingProxyType({})
