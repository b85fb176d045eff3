"""What a session asks of its technique, and what the technique makes of it.

Both are the same for all techniques, so that a plan knows none of them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType

from emboplan.catalog.load import Catalog
from emboplan.embolics.amounts import exact
from emboplan.model.arm import ArmTechnique
from emboplan.model.finding import Finding
from emboplan.model.loading_request import AskedDose, LoadingRequest
from emboplan.model.products import Sourced
from emboplan.model.results.embolization import SizePart
from emboplan.model.results.emulsion import DrugDose, Emulsion, OilSuspension
from emboplan.model.results.loading import Loading
from emboplan.model.results.particles import ParticleChoice
from emboplan.units import UNITS

UM_PER_INCH = Fraction(UNITS["in"].factor / UNITS["um"].factor)


@dataclass(frozen=True, slots=True)
class Person:
    """What doses go by; None where it is not known. `bilirubin_mg_per_dl` is total bilirubin."""

    body_surface_m2: float | None = None
    age_years: float | None = None
    bilirubin_mg_per_dl: float | None = None
    child_pugh_class: str | None = None


@dataclass(frozen=True, slots=True)
class SessionAsk:
    """One session: what the case says, its dose, its tumour and the share of each territory.

    `first` is the first session to come, to which the moment of loading belongs.
    """

    loading: LoadingRequest
    person: Person
    dose: AskedDose | None
    shares: Mapping[str, Fraction]
    tumour_ml: float
    first: bool
    protocol: str | None
    catalog: Catalog

    @property
    def dose_mg(self) -> float | None:
        """The dose as a mass; None where it is by body surface."""
        return None if self.dose is None or self.dose.per_m2 else self.dose.amount

    @property
    def dose_mg_per_m2(self) -> float | None:
        """The dose by body surface; None where it is a mass."""
        return self.dose.amount if self.dose is not None and self.dose.per_m2 else None

    @property
    def catheter_in(self) -> Fraction | None:
        """The inner diameter of the catheter in inches."""
        inner = self.loading.catheter_inner_um
        return None if inner is None else exact(inner, "catheter_inner_um") / UM_PER_INCH


def _no_parts() -> Mapping[str, float]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Made:
    """What a technique prepares for a session.

    `by_territory_mg` is the drug of each territory; `entered` names what the case itself fixes.
    """

    drug: str | None = None
    product: str | None = None
    dose: DrugDose | None = None
    drug_mg: float | None = None
    by_territory_mg: Mapping[str, float] = field(default_factory=_no_parts)
    sizes: tuple[SizePart, ...] = ()
    loading: Loading | None = None
    emulsion: Emulsion | None = None
    suspension: OilSuspension | None = None
    particles: ParticleChoice | None = None
    findings: tuple[Finding, ...] = ()
    to_acknowledge: tuple[str, ...] = ()
    figures: tuple[Sourced, ...] = ()
    entered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Technique:
    """A technique: its name in protocols, and how it prepares a session."""

    name: ArmTechnique
    make: Callable[[SessionAsk], Made]
