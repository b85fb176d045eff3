"""Sampling: the same doses from many draws of the inputs, without any derivative.

Masses, ratios and calibration are lognormal about the planned value as median, so that they stay above 0.
Shunt and residual have a beta distribution with the planned value as mean and the given standard deviation,
so that they stay within 0 and 1; where the planned value is 0 they are half a normal distribution. Draws are
seeded; deviates that are shared move all that hangs on them by the same quantile.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import betaincinv, ndtr

from emboplan.dosimetry.arguments import Array
from emboplan.dosimetry.prescribing import uncertainty_inputs as kinds
from emboplan.dosimetry.prescribing.uncertainty_first_order import TUMOUR_MASS, lesion_name
from emboplan.dosimetry.prescribing.uncertainty_inputs import Deviates, InputUncertainty
from emboplan.errors import ModelRangeError
from emboplan.model.compartments import PatientCompartments, TreatedCompartments
from emboplan.model.results.activity import Quantity
from emboplan.units import GRAMS_PER_KILOGRAM

# The largest number below 1: a drawn fraction ends there.
BELOW_ONE = float(np.nextafter(1.0, 0.0))


def fraction_draws(planned: float, uncertainty: float, deviates: Array, name: str) -> Array:
    """Draws of a fraction of 0 to below 1 at these standard normal deviates.

    `ModelRangeError` where no fraction can be that uncertain.
    """
    if uncertainty == 0:
        return np.full(deviates.shape, planned)
    if planned == 0:
        return np.minimum(uncertainty * np.abs(deviates), BELOW_ONE)
    concentration = planned * (1.0 - planned) / uncertainty**2 - 1.0
    if concentration <= 0:
        raise ModelRangeError(
            f"{name} is {planned:g} with a standard uncertainty of {uncertainty:g}, more than a fraction can "
            "have; check whether it was entered in percent"
        )
    at = ndtr(deviates)
    drawn: Array = betaincinv(planned * concentration, (1.0 - planned) * concentration, at)
    return np.minimum(drawn, BELOW_ONE)


def sampled(
    patient: PatientCompartments,
    administered_gbq: Mapping[str, float],
    inputs: InputUncertainty,
    deviates: Deviates,
    draws: Array,
) -> dict[str, dict[str, Array]]:
    """Every dose of every territory in each draw, by territory and name as in first order.

    `draws` are standard normal, one row for each of the `deviates`.
    """
    rows = {key: draws[place] for place, key in enumerate(deviates.keys)}
    return {
        treated.territory: _territory(treated, patient, administered_gbq[treated.territory], inputs, rows)
        for treated in patient.treated
    }


def _territory(
    treated: TreatedCompartments,
    patient: PatientCompartments,
    administered: float,
    inputs: InputUncertainty,
    rows: Mapping[tuple[str, str], Array],
) -> dict[str, Array]:
    name = treated.territory

    def factor(kind: str, owner: object = "") -> Array:
        return np.exp(inputs.of(kind, owner) * rows[kind, str(owner)])

    shunt = fraction_draws(
        treated.lung_shunt_frac,
        inputs.of(kinds.LUNG_SHUNT, name),
        rows[kinds.LUNG_SHUNT, inputs.scan_of(name)],
        f'territory "{name}": lung_shunt_frac',
    )
    residual = fraction_draws(
        treated.residual_frac,
        inputs.of(kinds.RESIDUAL, name),
        rows[kinds.RESIDUAL, name],
        f'territory "{name}": residual_frac',
    )
    activity = administered * factor(kinds.CALIBRATION) * (1.0 - residual) / (1.0 - treated.residual_frac)
    energy = treated.k_gy_kg_per_gbq * activity * GRAMS_PER_KILOGRAM
    whole = patient.whole_normal_mass_g * factor(kinds.WHOLE_VOLUME)
    normal = treated.normal_mass_g * factor(kinds.WHOLE_VOLUME) * factor(kinds.NORMAL_VOLUME, name)
    masses = {n: mass * factor(kinds.LESION_VOLUME, n) for n, mass in treated.lesion_masses_g.items()}
    common = factor(kinds.RATIO_COMMON)
    ratios = {n: ratio * common * factor(kinds.RATIO, n) for n, ratio in treated.tumour_to_normal.items()}

    tumour = np.zeros(shunt.shape)
    weighted = np.zeros(shunt.shape)
    for label, mass in masses.items():
        tumour += mass
        weighted += ratios[label] * mass
    concentration = energy * (1.0 - shunt) / (normal + weighted)
    found: dict[str, Array] = {}
    if masses:
        found[Quantity.TUMOUR] = concentration * weighted / tumour
        found[TUMOUR_MASS] = tumour
    for label in sorted(masses):
        found[lesion_name(label)] = concentration * ratios[label]
    if treated.normal_mass_g > 0:
        found[Quantity.PERFUSED_NORMAL] = concentration
    found[Quantity.PERFUSED] = energy * (1.0 - shunt) / (normal + tumour)
    # A liver that is all tumour has no normal tissue to have a dose.
    all_tumour = patient.whole_normal_mass_g == 0
    found[Quantity.WHOLE_NORMAL] = np.zeros(shunt.shape) if all_tumour else concentration * normal / whole
    found[Quantity.LUNG] = energy * shunt / (patient.lung_mass_g * factor(kinds.LUNG_MASS))
    found[Quantity.LUNG_ACTIVITY] = activity * shunt
    found[Quantity.LUNG_SHUNT] = shunt
    return found
