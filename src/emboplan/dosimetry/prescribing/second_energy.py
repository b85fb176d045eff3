"""The second calculation's doses: where each decay happens, and what energy it leaves there.

Nothing is shared with the plan's own formulas. The decays of the administered activity are counted; the shunt
takes its part to the lungs; the rest is handed out over the liver in proportion to activity per volume times
volume. Each decay leaves its energy where it is, and dose is energy over mass. The energy of one decay is the
one that the coefficient in use stands for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from emboplan.model.products import DoseLimit, Scope
from emboplan.model.results.activity import Quantity
from emboplan.model.results.prescription import PrescriptionGoal
from emboplan.model.second_check_input import CheckedPlan, CheckedTerritory, CheckedVial
from emboplan.units import GRAMS_PER_KILOGRAM, JOULE_PER_MEV, SECONDS_PER_HOUR

# Decays per second in one GBq.
DECAYS_PER_SECOND = 1e9

# What belongs to all territories together.
COMMON = (Quantity.WHOLE_NORMAL, Quantity.LUNG, Quantity.LUNG_ACTIVITY)


def decays(activity_gbq: float, half_life_h: float) -> float:
    """How many nuclei an activity stands for: all of them decay in the end."""
    mean_life_s = half_life_h * SECONDS_PER_HOUR / math.log(2.0)
    return activity_gbq * DECAYS_PER_SECOND * mean_life_s


def energy_per_decay_j(territory: CheckedTerritory) -> float:
    """The energy of one decay that the coefficient in use stands for."""
    return territory.k_gy_kg_per_gbq / decays(1.0, territory.half_life_h)


def coefficient_from_energy(territory: CheckedTerritory) -> float:
    """The coefficient that half-life and mean energy of the nuclide give."""
    return decays(1.0, territory.half_life_h) * territory.mean_energy_mev * JOULE_PER_MEV


@dataclass(frozen=True, slots=True)
class Recomputed:
    """Doses (Gy) of one territory by counting decays; None where there is nothing to dose."""

    tumour: float | None
    lesions: Mapping[int, float]
    perfused_normal: float | None
    perfused: float
    whole_normal: float
    lung: float
    lung_activity: float

    def of(self, quantity: Quantity) -> float | None:
        """The value of one quantity; None for what the territory does not have."""
        return {
            Quantity.TUMOUR: self.tumour,
            Quantity.PERFUSED_NORMAL: self.perfused_normal,
            Quantity.PERFUSED: self.perfused,
            Quantity.WHOLE_NORMAL: self.whole_normal,
            Quantity.LUNG: self.lung,
            Quantity.LUNG_ACTIVITY: self.lung_activity,
        }.get(quantity)


def recompute(territory: CheckedTerritory, plan: CheckedPlan, administered_gbq: float) -> Recomputed:
    """The doses that this activity gives, decay by decay."""
    nuclei = decays(administered_gbq, territory.half_life_h)
    joule = energy_per_decay_j(territory)
    to_lungs = nuclei * territory.lung_shunt_frac
    to_liver = nuclei - to_lungs
    # Activity per mL against that of normal liver: the ratio is per mass, so denser tissue holds more per mL.
    denser = territory.tumour_density_g_per_ml / territory.normal_density_g_per_ml
    parts = {n: ml * territory.tumour_to_normal[n] * denser for n, ml in territory.lesions_ml.items()}
    normal_part = territory.normal_ml
    all_parts = normal_part + math.fsum(parts.values())

    def gray(share: float, volume_ml: float, density_g_per_ml: float) -> float:
        kilograms = volume_ml * density_g_per_ml / GRAMS_PER_KILOGRAM
        return to_liver * share / all_parts * joule / kilograms

    normal_density, tumour_density = territory.normal_density_g_per_ml, territory.tumour_density_g_per_ml
    tumour_ml = math.fsum(territory.lesions_ml.values())
    perfused_g = territory.normal_ml * normal_density + tumour_ml * tumour_density
    whole_ml, whole_density = plan.whole_normal_ml, plan.whole_normal_density_g_per_ml
    return Recomputed(
        tumour=gray(math.fsum(parts.values()), tumour_ml, tumour_density) if parts else None,
        lesions={n: gray(part, territory.lesions_ml[n], tumour_density) for n, part in parts.items()},
        perfused_normal=gray(normal_part, territory.normal_ml, normal_density) if normal_part else None,
        perfused=gray(all_parts, 1.0, perfused_g),
        whole_normal=gray(normal_part, whole_ml, whole_density),
        lung=to_lungs * joule / (plan.lung_mass_g / GRAMS_PER_KILOGRAM),
        lung_activity=administered_gbq * territory.lung_shunt_frac,
    )


def vial_at_treatment(vial: CheckedVial, half_life_h: float) -> float:
    """What a vial holds at the treatment (GBq), by seconds since 1970."""
    seconds = vial.treatment_time.timestamp() - vial.calibration_time.timestamp()
    return vial.label_gbq * math.exp(-math.log(2.0) * seconds / (half_life_h * SECONDS_PER_HOUR))


@dataclass(frozen=True, slots=True)
class Sum:
    """One sum that a limit bounds: what 1 GBq to each territory adds, and what was there before."""

    limit: DoseLimit
    where: str
    per_gbq: Mapping[str, float]
    before: float

    @property
    def room(self) -> float:
        """What the limit leaves for this plan."""
        return self.limit.limit.number - self.before

    def value(self, administered_gbq: Mapping[str, float]) -> float:
        """The value beside the limit."""
        return self.before + math.fsum(gy * administered_gbq[name] for name, gy in self.per_gbq.items())


def spoken_of(limit: DoseLimit, plan: CheckedPlan) -> list[CheckedTerritory]:
    """The territories that a limit speaks of, by its territory and its device."""
    return [
        t
        for t in plan.territories
        if limit.territory in (None, t.territory)
        and (limit.device is None or t.device is None or limit.device == t.device)
    ]


def bounded_sums(plan: CheckedPlan, ones: Mapping[str, Recomputed]) -> list[Sum]:
    """Every sum that the plan's limits bound; `ones` are the doses of 1 GBq to each territory.

    Perfused liver and tumour belong to one territory each; whole normal liver and lungs to all of a session,
    or to all sessions and earlier treatments. A limit of one device speaks of its territories alone.
    """
    found = []
    for limit in plan.limits:
        spoken = spoken_of(limit, plan)
        cumulative = limit.scope is Scope.CUMULATIVE
        before = plan.prior_gy.get(limit.quantity, 0.0) if cumulative else 0.0
        if limit.quantity not in COMMON:
            for territory in spoken:
                value = ones[territory.territory].of(limit.quantity)
                if value is not None:
                    name = territory.territory
                    found.append(Sum(limit, name, {name: value}, before))
            continue
        if spoken and limit.territory is None and limit.quantity is not Quantity.LUNG_ACTIVITY:
            spoken = list(plan.territories)
        for session in sorted({0 if cumulative else t.session for t in spoken}):
            members = [t.territory for t in spoken if cumulative or t.session == session]
            per_gbq = {name: ones[name].of(limit.quantity) or 0.0 for name in members}
            found.append(Sum(limit, "" if cumulative else f"session {session}", per_gbq, before))
    return found


def goal_value(goal: PrescriptionGoal, doses: Recomputed) -> float:
    """The dose that a goal is about, 0 where there is nothing to dose."""
    if goal.each_lesion and goal.quantity is Quantity.TUMOUR:
        return min(doses.lesions.values(), default=0.0)
    return doses.of(goal.quantity) or 0.0
