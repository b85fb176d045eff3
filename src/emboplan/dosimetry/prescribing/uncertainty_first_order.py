"""First-order propagation: each dose with its slope along every input, the derivatives written out.

Liver doses are positive and mostly products, so their slopes are those of the logarithm. Lung doses are
proportional to the shunt, which may be 0, so theirs are in gray. With A administered, s shunt, R residual,
N normal mass, m and r the lesions' masses and ratios, Q = sum(r m), M = sum(m), H = N + Q, W the whole normal
mass and L the lungs:

    D_N = K A (1 - s) / H
    d ln D_N = d ln A - ds/(1 - s) - (N/H) d ln N - sum((r m/H)(d ln r + d ln m))
    D_i = r_i D_N      D_tumour = D_N Q / M      D_whole = D_N N / W      D_perfused = K A (1 - s)/(N + M)
    D_lung = K A s / L
    d D_lung = D_lung (d ln A - d ln L) + (K A / L) ds
    d ln A = calibration - dR/(1 - R)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emboplan.dosimetry.arguments import Array
from emboplan.dosimetry.prescribing import uncertainty_inputs as kinds
from emboplan.dosimetry.prescribing.uncertainty_inputs import Z_COVERAGE, Deviates, InputUncertainty
from emboplan.model.compartments import PatientCompartments, TreatedCompartments
from emboplan.model.results.activity import Quantity
from emboplan.units import GRAMS_PER_KILOGRAM

# The mass of all lesions of a territory (g), which the mean over several territories is weighted by.
TUMOUR_MASS = "tumour mass"


def lesion_name(label: object) -> str:
    """The name of a lesion's dose."""
    return f"lesion {label}"


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A value with its slopes along the standard normal deviates: of its logarithm, or of itself."""

    value: float
    slope: Array
    logs: bool

    @property
    def spread(self) -> float:
        """The standard deviation, of the logarithm where slopes are in logarithms."""
        return float(np.sqrt(self.slope @ self.slope))

    @property
    def standard_uncertainty(self) -> float:
        """The standard uncertainty in the value's own unit."""
        return self.value * self.spread if self.logs else self.spread

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval; a dose is never below 0."""
        half = Z_COVERAGE * self.spread
        if self.logs:
            return self.value * math.exp(-half), self.value * math.exp(half)
        return max(0.0, self.value - half), self.value + half


def total(parts: Sequence[Estimate]) -> Estimate:
    """The sum of estimates of one kind; slopes are in logarithms where those of the parts above 0 are."""
    value = math.fsum(part.value for part in parts)
    plain = np.zeros_like(parts[0].slope)
    for part in parts:
        plain += part.slope * (part.value if part.logs else 1.0)
    logs = any(part.logs for part in parts)
    return Estimate(value, plain / value if logs else plain, logs)


def mean_by_mass(doses: Sequence[Estimate], masses: Sequence[Estimate]) -> Estimate:
    """The mean of doses weighted by masses that are uncertain themselves, all above 0 or without slope."""
    energies = [
        Estimate(dose.value * mass.value, dose.slope + mass.slope if dose.logs else dose.slope, dose.logs)
        for dose, mass in zip(doses, masses, strict=True)
    ]
    energy, mass = total(energies), total(masses)
    slope = energy.slope - mass.slope if energy.logs else energy.slope
    return Estimate(energy.value / mass.value, slope, energy.logs)


def first_order(
    patient: PatientCompartments,
    administered_gbq: Mapping[str, float],
    inputs: InputUncertainty,
    deviates: Deviates,
) -> dict[str, dict[str, Estimate]]:
    """Every dose of every territory, by territory and name; lung activity (GBq) and shunt beside them."""
    return {
        treated.territory: _territory(treated, patient, administered_gbq[treated.territory], inputs, deviates)
        for treated in patient.treated
    }


def _territory(
    treated: TreatedCompartments,
    patient: PatientCompartments,
    administered: float,
    inputs: InputUncertainty,
    deviates: Deviates,
) -> dict[str, Estimate]:
    name, shunt = treated.territory, treated.lung_shunt_frac
    nothing = np.zeros(len(deviates.keys))
    d_shunt = deviates.unit(kinds.LUNG_SHUNT, inputs.scan_of(name), inputs.of(kinds.LUNG_SHUNT, name))
    d_residual = deviates.unit(kinds.RESIDUAL, name, inputs.of(kinds.RESIDUAL, name))
    activity = deviates.unit(kinds.CALIBRATION, "", inputs.calibration_frac)
    activity = activity - d_residual / (1.0 - treated.residual_frac)
    whole = deviates.unit(kinds.WHOLE_VOLUME, "", inputs.whole_normal_volume_frac)
    normal = whole + deviates.unit(kinds.NORMAL_VOLUME, name, inputs.of(kinds.NORMAL_VOLUME, name))
    lungs = deviates.unit(kinds.LUNG_MASS, "", inputs.lung_mass_frac)

    masses, ratios = treated.lesion_masses_g, treated.tumour_to_normal
    d_mass = {n: deviates.unit(kinds.LESION_VOLUME, n, inputs.of(kinds.LESION_VOLUME, n)) for n in masses}
    common = deviates.unit(kinds.RATIO_COMMON, "", inputs.tumour_to_normal_common_frac)
    d_ratio = {n: common + deviates.unit(kinds.RATIO, n, inputs.of(kinds.RATIO, n)) for n in masses}
    weighted = {n: masses[n] * ratios[n] for n in masses}
    weighted_g, tumour_g = math.fsum(weighted.values()), treated.tumour_mass_g
    held_g = treated.normal_mass_g + weighted_g
    # Slopes of the logarithms of Q times its value, of M times its value, and of H.
    of_weighted = sum((weighted[n] * (d_ratio[n] + d_mass[n]) for n in masses), nothing)
    of_tumour = sum((masses[n] * d_mass[n] for n in masses), nothing)
    of_held = (treated.normal_mass_g * normal + of_weighted) / held_g

    liver = treated.k_gy_kg_per_gbq * administered * (1.0 - shunt) * GRAMS_PER_KILOGRAM
    of_liver = activity - d_shunt / (1.0 - shunt)
    perfused_g = treated.normal_mass_g + tumour_g
    of_perfused = (treated.normal_mass_g * normal + of_tumour) / perfused_g
    concentration, of_concentration = liver / held_g, of_liver - of_held

    found: dict[str, Estimate] = {}
    if masses:
        of_mean = of_concentration + of_weighted / weighted_g - of_tumour / tumour_g
        found[Quantity.TUMOUR] = _log(concentration * weighted_g / tumour_g, of_mean)
        found[TUMOUR_MASS] = _log(tumour_g, of_tumour / tumour_g)
    for label in sorted(masses):
        slope = of_concentration + d_ratio[label]
        found[lesion_name(label)] = _log(concentration * ratios[label], slope)
    # A liver that is all tumour has no normal tissue to have a dose.
    whole_g = patient.whole_normal_mass_g
    whole_gy = concentration * treated.normal_mass_g / whole_g if whole_g > 0 else 0.0
    if treated.normal_mass_g > 0:
        found[Quantity.PERFUSED_NORMAL] = _log(concentration, of_concentration)
    found[Quantity.PERFUSED] = _log(liver / perfused_g, of_liver - of_perfused)
    found[Quantity.WHOLE_NORMAL] = _log(whole_gy, of_concentration + normal - whole)
    per_shunt = treated.k_gy_kg_per_gbq * administered * GRAMS_PER_KILOGRAM / patient.lung_mass_g
    lung_slope = per_shunt * (shunt * (activity - lungs) + d_shunt)
    found[Quantity.LUNG] = Estimate(per_shunt * shunt, lung_slope, logs=False)
    reached = administered * (shunt * activity + d_shunt)
    found[Quantity.LUNG_ACTIVITY] = Estimate(administered * shunt, reached, logs=False)
    found[Quantity.LUNG_SHUNT] = Estimate(shunt, d_shunt, logs=False)
    return found


def _log(value: float, slope: Array) -> Estimate:
    """A positive value with slopes of its logarithm; 0 has no slope."""
    if value > 0:
        return Estimate(value, slope, logs=True)
    return Estimate(0.0, np.zeros_like(slope), logs=False)
