"""Compartment models: mean doses of a liver treated with microspheres, and the activity that gives a dose.

The activity that reaches the patient splits between lungs (the shunt) and liver; in the liver it splits by
concentration. Every dose follows from the *administered* activity, administered = prepared x (1 - residual),
so that the energy balances in each model: sum(mass x dose) + K x administered x shunt = K x administered.
Each function goes forward (activity to dose) and back (dose to activity), on floats or on arrays that
broadcast. K is the catalogue's coefficient of Y-90 unless given. All energy is taken to stay in the
compartment where the decay is, and each compartment to be uniform.

Sources: MIRD single compartment and partition model (Ho 1996) as in the EANM guideline of 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from emboplan import catalog
from emboplan.dosimetry.arguments import Array, fraction, not_negative, plain, positive
from emboplan.errors import ModelRangeError
from emboplan.model.serialise import fields_to_json
from emboplan.units import GRAMS_PER_KILOGRAM

DEFAULT_NUCLIDE = "Y-90"

# A treated mass may exceed the whole one by this share before it is an error: masses summed from the same
# volumes in another order differ in the last bits.
SAME_MASS = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class SingleCompartment:
    """Administered and prepared activity (GBq), mean dose of the treated volume and lung dose (Gy)."""

    administered_gbq: float | Array
    prepared_gbq: float | Array
    dose_gy: float | Array
    lung_gy: float | Array

    def to_json(self) -> dict[str, Any]:
        """The fields; for plain numbers, not for arrays."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """Activity (GBq) and doses (Gy) of the partition model.

    `mean_gy` is the mean over the treated volume, tumour included. `whole_normal_gy` counts normal liver that
    is not treated as 0 Gy; it is None where the mass of the whole normal liver was not given.
    """

    administered_gbq: float | Array
    prepared_gbq: float | Array
    tumour_gy: float | Array
    normal_gy: float | Array
    mean_gy: float | Array
    lung_gy: float | Array
    whole_normal_gy: float | Array | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields; for plain numbers, not for arrays."""
        return fields_to_json(self)


@dataclass(frozen=True, slots=True, eq=False)
class MultiCompartment:
    """Activity (GBq) and doses (Gy) with one ratio per lesion; the last axis of `lesions_gy` is the lesion.

    `tumour_gy` is the mean over all lesions by mass. The rest is as in `Partition`.
    """

    administered_gbq: float | Array
    prepared_gbq: float | Array
    lesions_gy: Array
    tumour_gy: float | Array
    normal_gy: float | Array
    mean_gy: float | Array
    lung_gy: float | Array
    whole_normal_gy: float | Array | None = None


def _coefficient(k_gy_kg_per_gbq: ArrayLike | None) -> Array:
    if k_gy_kg_per_gbq is None:
        return np.asarray(catalog.load().nuclide(DEFAULT_NUCLIDE).k_gy_kg_per_gbq)
    return positive(k_gy_kg_per_gbq, "k_gy_kg_per_gbq")


def _lungs_kg(lung_mass_g: ArrayLike | None) -> Array:
    mass = catalog.load().number("lung_mass.default") if lung_mass_g is None else lung_mass_g
    return positive(mass, "lung_mass_g") / GRAMS_PER_KILOGRAM


def _exactly_one(**given: ArrayLike | None) -> str:
    names = [name for name, value in given.items() if value is not None]
    if len(names) != 1:
        raise ModelRangeError(
            f"found {' and '.join(names) or 'none'} of {', '.join(given)}; give exactly one of them"
        )
    return names[0]


def _lung_gy(administered: Array, shunt: Array, lung_mass_g: ArrayLike | None, k: Array) -> Array:
    return k * administered * shunt / _lungs_kg(lung_mass_g)


def prepared_activity_gbq(administered_gbq: ArrayLike, residual_frac: ArrayLike = 0.0) -> float | Array:
    """The activity (GBq) that the vial must hold when `residual_frac` of it stays behind.

    >>> round(prepared_activity_gbq(1.98, residual_frac=0.01), 6)
    2.0
    """
    administered = not_negative(administered_gbq, "administered_gbq")
    return plain(administered / (1.0 - fraction(residual_frac, "residual_frac")))


def administered_activity_gbq(prepared_gbq: ArrayLike, residual_frac: ArrayLike = 0.0) -> float | Array:
    """The activity (GBq) that reaches the patient when `residual_frac` of the prepared one stays behind."""
    prepared = not_negative(prepared_gbq, "prepared_gbq")
    return plain(prepared * (1.0 - fraction(residual_frac, "residual_frac")))


def lung_dose(
    *,
    administered_gbq: ArrayLike,
    lung_shunt_frac: ArrayLike,
    lung_mass_g: ArrayLike | None = None,
    k_gy_kg_per_gbq: ArrayLike | None = None,
) -> float | Array:
    """Mean lung dose in Gy if the shunted activity decays evenly in the lungs.

    D = K x administered x shunt / lung mass; the lung mass is 1 kg unless given, as the planar limits were
    made. Source: EANM 2022; van Roekel, thesis p. 30.

    >>> round(lung_dose(administered_gbq=2.0, lung_shunt_frac=0.1, k_gy_kg_per_gbq=50.0), 6)
    10.0
    """
    shunt = fraction(lung_shunt_frac, "lung_shunt_frac")
    administered = not_negative(administered_gbq, "administered_gbq")
    return plain(_lung_gy(administered, shunt, lung_mass_g, _coefficient(k_gy_kg_per_gbq)))


def activity_for_lung_dose_gbq(
    *,
    lung_gy: ArrayLike,
    lung_shunt_frac: ArrayLike,
    lung_mass_g: ArrayLike | None = None,
    k_gy_kg_per_gbq: ArrayLike | None = None,
) -> float | Array:
    """The administered activity (GBq) that gives this mean lung dose: the inverse of `lung_dose`.

    `ModelRangeError` for a shunt of 0, with which no activity reaches the lungs.
    """
    fraction(lung_shunt_frac, "lung_shunt_frac")
    shunt = positive(lung_shunt_frac, "lung_shunt_frac")
    dose = not_negative(lung_gy, "lung_gy")
    return plain(dose * _lungs_kg(lung_mass_g) / (_coefficient(k_gy_kg_per_gbq) * shunt))


def single_compartment(
    *,
    mass_g: ArrayLike,
    administered_gbq: ArrayLike | None = None,
    dose_gy: ArrayLike | None = None,
    lung_shunt_frac: ArrayLike = 0.0,
    residual_frac: ArrayLike = 0.0,
    lung_mass_g: ArrayLike | None = None,
    k_gy_kg_per_gbq: ArrayLike | None = None,
) -> SingleCompartment:
    """Mean dose of the treated volume from the activity, or the activity from the dose (MIRD).

    D = K x administered x (1 - shunt) / mass. Give `administered_gbq` or `dose_gy`. Tumour and normal liver
    are not told apart.

    >>> round(single_compartment(mass_g=1000.0, dose_gy=100.0, k_gy_kg_per_gbq=50.0).administered_gbq, 6)
    2.0
    """
    given = _exactly_one(administered_gbq=administered_gbq, dose_gy=dose_gy)
    k, shunt = _coefficient(k_gy_kg_per_gbq), fraction(lung_shunt_frac, "lung_shunt_frac")
    mass_kg = positive(mass_g, "mass_g") / GRAMS_PER_KILOGRAM
    per_gbq = k * (1.0 - shunt) / mass_kg
    if given == "dose_gy":
        dose = not_negative(dose_gy, "dose_gy")
        administered = dose / per_gbq
    else:
        administered = not_negative(administered_gbq, "administered_gbq")
        dose = administered * per_gbq
    return SingleCompartment(
        administered_gbq=plain(administered),
        prepared_gbq=prepared_activity_gbq(administered, residual_frac),
        dose_gy=plain(dose),
        lung_gy=plain(_lung_gy(administered, shunt, lung_mass_g, k)),
    )


def partition(
    *,
    tumour_mass_g: ArrayLike,
    normal_mass_g: ArrayLike,
    tumour_to_normal: ArrayLike,
    administered_gbq: ArrayLike | None = None,
    tumour_gy: ArrayLike | None = None,
    normal_gy: ArrayLike | None = None,
    lung_shunt_frac: ArrayLike = 0.0,
    residual_frac: ArrayLike = 0.0,
    lung_mass_g: ArrayLike | None = None,
    whole_normal_mass_g: ArrayLike | None = None,
    k_gy_kg_per_gbq: ArrayLike | None = None,
) -> Partition:
    """Doses of tumour, normal liver and lungs from the activity, or the activity from one of the doses.

    `tumour_to_normal` is a ratio of concentrations (activity per mass). With N for normal and T for tumour:
    D_N = K x administered x (1 - shunt) / (m_N + ratio x m_T), D_T = ratio x D_N. Give `administered_gbq`,
    `tumour_gy` or `normal_gy`. The masses are those of the *treated* volume; `whole_normal_mass_g` is that of
    all normal liver, for its mean.

    >>> doses = partition(tumour_mass_g=100.0, normal_mass_g=500.0, tumour_to_normal=5.0,
    ...                   administered_gbq=1.0, k_gy_kg_per_gbq=50.0)
    >>> round(doses.tumour_gy, 6), round(doses.normal_gy, 6)
    (250.0, 50.0)
    """
    given = _exactly_one(administered_gbq=administered_gbq, tumour_gy=tumour_gy, normal_gy=normal_gy)
    ratio = positive(tumour_to_normal, "tumour_to_normal")
    tumour_kg = positive(tumour_mass_g, "tumour_mass_g") / GRAMS_PER_KILOGRAM
    normal_kg = positive(normal_mass_g, "normal_mass_g") / GRAMS_PER_KILOGRAM
    k, shunt = _coefficient(k_gy_kg_per_gbq), fraction(lung_shunt_frac, "lung_shunt_frac")
    normal_per_gbq = k * (1.0 - shunt) / (normal_kg + ratio * tumour_kg)
    if given == "tumour_gy":
        tumour = not_negative(tumour_gy, "tumour_gy")
        normal = tumour / ratio
        administered = normal / normal_per_gbq
    else:
        if given == "normal_gy":
            normal = not_negative(normal_gy, "normal_gy")
            administered = normal / normal_per_gbq
        else:
            administered = not_negative(administered_gbq, "administered_gbq")
            normal = administered * normal_per_gbq
        tumour = ratio * normal
    mean = (tumour * tumour_kg + normal * normal_kg) / (tumour_kg + normal_kg)
    return Partition(
        administered_gbq=plain(administered),
        prepared_gbq=prepared_activity_gbq(administered, residual_frac),
        tumour_gy=plain(tumour),
        normal_gy=plain(normal),
        mean_gy=plain(mean),
        lung_gy=plain(_lung_gy(administered, shunt, lung_mass_g, k)),
        whole_normal_gy=_whole_normal(normal, normal_kg, whole_normal_mass_g),
    )


def multi_compartment(
    *,
    lesion_masses_g: ArrayLike,
    tumour_to_normal: ArrayLike,
    normal_mass_g: ArrayLike,
    administered_gbq: ArrayLike | None = None,
    tumour_gy: ArrayLike | None = None,
    normal_gy: ArrayLike | None = None,
    lung_shunt_frac: ArrayLike = 0.0,
    residual_frac: ArrayLike = 0.0,
    lung_mass_g: ArrayLike | None = None,
    whole_normal_mass_g: ArrayLike | None = None,
    k_gy_kg_per_gbq: ArrayLike | None = None,
) -> MultiCompartment:
    """The partition model with a concentration ratio of its own for each lesion.

    D_N = K x administered x (1 - shunt) / (m_N + sum(ratio_i x m_i)), D_i = ratio_i x D_N. The last axis of
    `lesion_masses_g` and `tumour_to_normal` is the lesion; one ratio stands for all lesions. Give
    `administered_gbq`, `tumour_gy` (the mean over all lesions by mass) or `normal_gy`.
    """
    given = _exactly_one(administered_gbq=administered_gbq, tumour_gy=tumour_gy, normal_gy=normal_gy)
    ratios = np.atleast_1d(positive(tumour_to_normal, "tumour_to_normal"))
    lesions_kg = np.atleast_1d(positive(lesion_masses_g, "lesion_masses_g")) / GRAMS_PER_KILOGRAM
    if lesions_kg.shape[-1] == 0 or ratios.shape[-1] not in (1, lesions_kg.shape[-1]):
        raise ModelRangeError(
            f"found {lesions_kg.shape[-1]} lesion masses and {ratios.shape[-1]} ratios; "
            "expected one of each per lesion"
        )
    lesions_kg, ratios = np.broadcast_arrays(lesions_kg, ratios)
    normal_kg = positive(normal_mass_g, "normal_mass_g") / GRAMS_PER_KILOGRAM
    k, shunt = _coefficient(k_gy_kg_per_gbq), fraction(lung_shunt_frac, "lung_shunt_frac")
    tumour_kg = lesions_kg.sum(axis=-1)
    weighted_kg = (ratios * lesions_kg).sum(axis=-1)
    normal_per_gbq = k * (1.0 - shunt) / (normal_kg + weighted_kg)
    if given == "administered_gbq":
        administered = not_negative(administered_gbq, "administered_gbq")
        normal = administered * normal_per_gbq
    else:
        if given == "normal_gy":
            normal = not_negative(normal_gy, "normal_gy")
        else:
            tumour_dose = not_negative(tumour_gy, "tumour_gy")
            normal = tumour_dose * tumour_kg / weighted_kg
        administered = normal / normal_per_gbq
    tumour = normal * weighted_kg / tumour_kg
    mean = (tumour * tumour_kg + normal * normal_kg) / (tumour_kg + normal_kg)
    return MultiCompartment(
        administered_gbq=plain(administered),
        prepared_gbq=prepared_activity_gbq(administered, residual_frac),
        lesions_gy=np.asarray(normal)[..., np.newaxis] * ratios,
        tumour_gy=plain(tumour),
        normal_gy=plain(normal),
        mean_gy=plain(mean),
        lung_gy=plain(_lung_gy(administered, shunt, lung_mass_g, k)),
        whole_normal_gy=_whole_normal(normal, normal_kg, whole_normal_mass_g),
    )


def _whole_normal(
    normal: Array, normal_kg: Array, whole_normal_mass_g: ArrayLike | None
) -> float | Array | None:
    if whole_normal_mass_g is None:
        return None
    whole_kg = positive(whole_normal_mass_g, "whole_normal_mass_g") / GRAMS_PER_KILOGRAM
    if (normal_kg > whole_kg * (1.0 + SAME_MASS)).any():
        raise ModelRangeError(
            f"whole_normal_mass_g is {float(np.min(whole_kg)) * GRAMS_PER_KILOGRAM:g} g, less than the "
            f"{float(np.max(normal_kg)) * GRAMS_PER_KILOGRAM:g} g that are treated; give all normal liver"
        )
    return plain(normal * normal_kg / whole_kg)


def mean_over_whole_normal_gy(
    *, doses_gy: ArrayLike, masses_g: ArrayLike, whole_normal_mass_g: ArrayLike
) -> float | Array:
    """Mean dose of the whole normal liver from several treated volumes, the untreated rest at 0 Gy.

    The last axis is the treated volume: sum(dose_i x mass_i) / whole mass.
    """
    doses = not_negative(doses_gy, "doses_gy")
    masses = positive(masses_g, "masses_g")
    whole = positive(whole_normal_mass_g, "whole_normal_mass_g")
    if (masses.sum(axis=-1) > whole * (1.0 + SAME_MASS)).any():
        raise ModelRangeError("the treated volumes weigh more than the whole normal liver; check the masses")
    return plain((doses * masses).sum(axis=-1) / whole)
