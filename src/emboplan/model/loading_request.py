"""What a case says of an embolization: product, drug, dose, and what the pharmacy and the team fix.

All of it is optional here; what a technique needs and the case does not say is an error of that technique. A
dose is that of one session. Amounts carry their unit in the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

Range = tuple[float, float]


def _no_vials() -> Mapping[str, int]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AskedDose:
    """A dose as it was asked for: in mg, or in mg per m2 of body surface."""

    amount: float
    per_m2: bool = False

    def __str__(self) -> str:
        return f"{self.amount:g} {'mg/m2' if self.per_m2 else 'mg'}"


@dataclass(frozen=True, slots=True)
class LoadingRequest:
    """The [loading] of a case.

    `vials` are the vials of beads or particles of one session, `vials_per_size` the same by size. `target_um`
    is the wanted range of particles, `grades_um` are the grades on the box where the catalogue has none.
    `oil_ml` and `aqueous_ml` are of one session. The plans on octreotide, antibiotics and a crisis are the
    team's own words. `doxorubicin_equivalent` is the user's own ratio of an anthracycline to doxorubicin.
    """

    product: str | None = None
    sizes: tuple[str, ...] = ()
    drug: str | None = None
    drug_dose: AskedDose | None = None
    vials: int | None = None
    vials_per_size: Mapping[str, int] = field(default_factory=_no_vials)
    beads_ml: float | None = None
    vial_ml: float | None = None
    loading_efficiency_frac: float | None = None
    method: str | None = None
    solution_ml: float | None = None
    solution_mg_per_ml: float | None = None
    diluent: str | None = None
    drug_vial_mg: float | None = None
    loading_min: float | None = None
    size_change_frac: float | None = None
    contrast_ml: float | None = None
    mixed_with: str | None = None
    catheter_inner_um: float | None = None
    loaded_at: datetime | None = None
    dose_reduction: str | None = None
    oil_ml: float | None = None
    aqueous_ml: float | None = None
    oil_to_aqueous: float | None = None
    target_um: Range | None = None
    grades_um: tuple[Range, ...] = ()
    shunt: str | None = None
    end_point: str | None = None
    heart_rate_per_min: float | None = None
    spheres_ml_per_100_ml_tumour: Range | None = None
    needle_material: str | None = None
    octreotide_plan: str | None = None
    antibiotic_plan: str | None = None
    crisis_plan: str | None = None
    acknowledged: tuple[str, ...] = ()
    acknowledged_by: str | None = None
    doxorubicin_equivalent: float | None = None
