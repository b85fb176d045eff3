"""A patient as the dose models see it: masses, ratios and shunts, without images.

Each treated territory is normal liver and lesions that share one injection; the whole normal liver, the lungs
and what earlier treatments left belong to the patient. Doses are linear in the activity administered to each
territory, so that everything that decides, varies or checks a plan starts from these values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from emboplan.errors import ModelRangeError
from emboplan.model.results.activity import Quantity

# Masses summed from the same volumes in another order differ in the last bits.
SAME_MASS = 1e-9


def _no_prior() -> Mapping[Quantity, float]:
    return MappingProxyType({})


def _positive(value: float, name: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ModelRangeError(f"{name} is {value:g}; expected a number above 0")


def _fraction(value: float, name: str) -> None:
    if not (math.isfinite(value) and 0 <= value < 1):
        raise ModelRangeError(f"{name} is {value:g}; expected a fraction of at least 0 and below 1")


@dataclass(frozen=True, slots=True)
class TreatedCompartments:
    """One territory: one catheter position, one device, one shunt.

    `lesion_masses_g` and `tumour_to_normal` (ratios of concentration) are keyed by the lesion's label; the
    partition model has one ratio for all. `normal_mass_g` is 0 where the territory holds no normal liver.
    `administered_gbq` everywhere is what reaches the patient; `residual_frac` of what is prepared stays back.
    """

    territory: str
    normal_mass_g: float
    lesion_masses_g: Mapping[int, float]
    tumour_to_normal: Mapping[int, float]
    lung_shunt_frac: float
    k_gy_kg_per_gbq: float
    residual_frac: float = 0.0
    session: int = 1
    device: str | None = None

    def __post_init__(self) -> None:
        where = f'territory "{self.territory}"'
        if not (math.isfinite(self.normal_mass_g) and self.normal_mass_g >= 0):
            raise ModelRangeError(
                f"{where}: normal_mass_g is {self.normal_mass_g:g}; expected 0 or more (is the tumour larger "
                "than its territory?)"
            )
        if self.normal_mass_g == 0 and not self.lesion_masses_g:
            raise ModelRangeError(f"{where} holds neither normal liver nor a lesion; check its mask")
        if set(self.lesion_masses_g) != set(self.tumour_to_normal):
            raise ModelRangeError(
                f"{where}: lesions {sorted(self.lesion_masses_g)} but ratios for "
                f"{sorted(self.tumour_to_normal)}; give one tumour_to_normal for each lesion"
            )
        for label, mass in self.lesion_masses_g.items():
            _positive(mass, f"{where}: mass in g of lesion {label}")
            _positive(self.tumour_to_normal[label], f"{where}: tumour_to_normal of lesion {label}")
        _fraction(self.lung_shunt_frac, f"{where}: lung_shunt_frac")
        _fraction(self.residual_frac, f"{where}: residual_frac")
        _positive(self.k_gy_kg_per_gbq, f"{where}: k_gy_kg_per_gbq")

    @property
    def tumour_mass_g(self) -> float:
        """Mass of all lesions."""
        return math.fsum(self.lesion_masses_g.values())


@dataclass(frozen=True, slots=True)
class PatientCompartments:
    """All territories of a plan, the whole normal liver, the lungs, and doses of earlier treatments.

    `whole_normal_mass_g` is all normal liver, treated or not; 0 where the liver is all tumour. `prior_gy`
    counts for cumulative limits.
    """

    treated: tuple[TreatedCompartments, ...]
    whole_normal_mass_g: float
    lung_mass_g: float
    prior_gy: Mapping[Quantity, float] = field(default_factory=_no_prior)

    def __post_init__(self) -> None:
        if not self.treated:
            raise ModelRangeError("no territory was given; a plan treats at least one")
        names = [territory.territory for territory in self.treated]
        for name in names:
            if names.count(name) > 1:
                raise ModelRangeError(f'territory "{name}" is there twice; give each a name of its own')
        labels = [label for territory in self.treated for label in territory.lesion_masses_g]
        for label in labels:
            if labels.count(label) > 1:
                raise ModelRangeError(f"lesion {label} lies in two territories; a lesion belongs to one")
        if not (math.isfinite(self.whole_normal_mass_g) and self.whole_normal_mass_g >= 0):
            raise ModelRangeError(
                f"whole_normal_mass_g is {self.whole_normal_mass_g:g}; expected 0 or more, all normal liver"
            )
        _positive(self.lung_mass_g, "lung_mass_g")
        treated_g = math.fsum(territory.normal_mass_g for territory in self.treated)
        if treated_g > self.whole_normal_mass_g * (1 + SAME_MASS):
            raise ModelRangeError(
                f"whole_normal_mass_g is {self.whole_normal_mass_g:g} g, less than the {treated_g:g} g of "
                "normal liver that is treated; give all normal liver"
            )
        for quantity, dose in self.prior_gy.items():
            if not (math.isfinite(dose) and dose >= 0):
                raise ModelRangeError(f"earlier dose on {quantity} is {dose:g} Gy; expected 0 or more")

    def of(self, territory: str) -> TreatedCompartments:
        """The territory of that name."""
        for treated in self.treated:
            if treated.territory == territory:
                return treated
        known = ", ".join(t.territory for t in self.treated)
        raise ModelRangeError(f'no territory "{territory}"; there are: {known}')
