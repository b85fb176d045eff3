"""The territories of a plan as numbers, and as the compartments that the dose models see.

Volumes come from masks or are entered; shunt and ratios from the scan or are entered. What a model does not
tell apart it treats as one: the single compartment has a ratio of 1 everywhere, the partition model one ratio
for all lesions of a territory, the multi-compartment model one for each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from emboplan.model.case import ActivityModel, PriorTreatment, Territory
from emboplan.model.compartments import PatientCompartments, TreatedCompartments
from emboplan.model.results.activity import Quantity
from emboplan.workflow.planning.territories import TreatedVolume

# Volumes of masks summed one way and the other differ in the last bits; below this share nothing is left.
NO_VOLUME = 1e-9


@dataclass(frozen=True, slots=True)
class Physics:
    """What turns volumes into doses: nuclide, dose coefficient, densities, lung mass, the vial's residual."""

    nuclide: str
    half_life_h: float
    k_gy_kg_per_gbq: float
    liver_g_per_ml: float
    tumour_g_per_ml: float
    lung_mass_g: float
    residual_frac: float = 0.0


def _no_ratios() -> Mapping[int, float]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class TerritoryInput:
    """A territory in numbers, with the shunt and the ratios that the plan uses; None where there is none.

    `lesion_ratios` may name some lesions only; the others have `tumour_to_normal`. `volume` holds the masks
    where there are images. `physics` is given where the territory's device has another nuclide than the
    plan's.
    """

    territory: Territory
    perfused_ml: float
    lesions_ml: Mapping[int, float]
    lung_shunt_frac: float | None
    tumour_to_normal: float | None
    lesion_ratios: Mapping[int, float] = field(default_factory=_no_ratios)
    volume: TreatedVolume | None = None
    physics: Physics | None = None

    @property
    def name(self) -> str:
        """The territory's name."""
        return self.territory.name

    @property
    def labels(self) -> tuple[int, ...]:
        """The lesions inside."""
        return tuple(sorted(self.lesions_ml))

    @property
    def tumour_ml(self) -> float:
        """Volume of all lesions inside."""
        return math.fsum(self.lesions_ml.values())

    @property
    def normal_ml(self) -> float:
        """Volume of the normal liver inside; 0 where nothing but rounding is left."""
        left = self.perfused_ml - self.tumour_ml
        return 0.0 if abs(left) <= NO_VOLUME * self.perfused_ml else left

    def ratios(self, model: ActivityModel) -> Mapping[int, float] | None:
        """The ratio of each lesion in a model; None where one is not known."""
        if model is ActivityModel.SINGLE or not self.labels:
            return dict.fromkeys(self.labels, 1.0)
        pooled = self.tumour_to_normal
        if model is ActivityModel.PARTITION:
            if pooled is None and self._all_known():
                pooled = self._mean_ratio()
            return None if pooled is None else dict.fromkeys(self.labels, pooled)
        found = {label: self.lesion_ratios.get(label, pooled) for label in self.labels}
        known = {label: ratio for label, ratio in found.items() if ratio is not None}
        return known if len(known) == len(found) else None

    def _all_known(self) -> bool:
        return bool(self.labels) and all(label in self.lesion_ratios for label in self.labels)

    def _mean_ratio(self) -> float:
        """The ratio of all lesions together: mean concentration over volume."""
        weighted = math.fsum(self.lesion_ratios[label] * ml for label, ml in self.lesions_ml.items())
        return weighted / self.tumour_ml


def compartments(
    territories: Sequence[TerritoryInput],
    model: ActivityModel,
    physics: Physics,
    *,
    whole_normal_ml: float,
    prior_gy: Mapping[Quantity, float],
    device: str | None,
) -> PatientCompartments | None:
    """The patient as a model sees it; None where a shunt or a ratio is not known."""
    treated = []
    for territory in territories:
        ratios = territory.ratios(model)
        if ratios is None or territory.lung_shunt_frac is None:
            return None
        treated.append(
            TreatedCompartments(
                territory=territory.name,
                normal_mass_g=territory.normal_ml * physics.liver_g_per_ml,
                lesion_masses_g={n: ml * physics.tumour_g_per_ml for n, ml in territory.lesions_ml.items()},
                tumour_to_normal=ratios,
                lung_shunt_frac=territory.lung_shunt_frac,
                k_gy_kg_per_gbq=(territory.physics or physics).k_gy_kg_per_gbq,
                residual_frac=physics.residual_frac,
                session=territory.territory.session,
                device=territory.territory.device or device,
            )
        )
    whole_g = whole_normal_ml * physics.liver_g_per_ml
    # A liver that is treated whole has the same voxels in both sums, added in another order.
    treated_g = math.fsum(t.normal_mass_g for t in treated)
    return PatientCompartments(
        treated=tuple(treated),
        whole_normal_mass_g=max(whole_g, treated_g) if treated_g <= whole_g * (1 + NO_VOLUME) else whole_g,
        lung_mass_g=physics.lung_mass_g,
        prior_gy=prior_gy,
    )


def untreated_ml(territories: Sequence[TerritoryInput], liver_ml: float, tumour_ml: float) -> float:
    """Normal liver that no territory reaches; 0 where nothing but rounding is left."""
    whole = liver_ml - tumour_ml
    left = whole - math.fsum(territory.normal_ml for territory in territories)
    return 0.0 if left <= NO_VOLUME * liver_ml else left


def prior_doses(priors: Sequence[PriorTreatment]) -> Mapping[Quantity, float]:
    """What earlier treatments left in lungs and whole normal liver, summed."""
    return MappingProxyType(
        {
            Quantity.LUNG: math.fsum(prior.lung_gy for prior in priors),
            Quantity.WHOLE_NORMAL: math.fsum(prior.whole_normal_gy for prior in priors),
        }
    )
