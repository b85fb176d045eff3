"""Kao's artery-specific model: the activity for one artery's territory, by tumour, normal liver and lungs.

Two of its quantities look like those of the partition model and are not. `ActivityRatio` (Kao's R) is the
activity in the tumour over that in the normal liver, not a ratio of concentrations. `TumourLungShunt` (TLSF)
is the lungs' share of what tumour and lungs hold together: it takes the shunt to come from the tumour alone,
and is not the share of the administered activity. Both are types of their own, so that neither can stand for
the other nor for a plain number. The functions below convert.

Source: Kao 2013, doi:10.1007/s00270-013-0783-z. The paper takes K = 50 Gy kg/GBq; here K is the catalogue's
coefficient of Y-90 unless given. All energy stays in the compartment where the decay is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from emboplan import catalog
from emboplan.dosimetry.arguments import Array, fraction, not_negative, plain, positive
from emboplan.dosimetry.models.compartment import DEFAULT_NUCLIDE, prepared_activity_gbq
from emboplan.errors import ModelRangeError
from emboplan.units import GRAMS_PER_KILOGRAM


@dataclass(frozen=True, slots=True, eq=False)
class ActivityRatio:
    """Activity in the tumour over activity in the normal liver of the territory (R): above 0.

    Not a ratio of concentrations: `activity_ratio` makes one from such a ratio and the masses.
    """

    tumour_over_normal: float | Array

    def __post_init__(self) -> None:
        """Check the range."""
        object.__setattr__(self, "tumour_over_normal", _frozen(positive(self.tumour_over_normal, "R")))


@dataclass(frozen=True, slots=True, eq=False)
class TumourLungShunt:
    """Activity in the lungs over that in tumour and lungs together (TLSF): from 0 to below 1.

    Not the lung shunt fraction of the administered activity: `tumour_lung_shunt` makes one from that.
    """

    lung_over_tumour_and_lung: float | Array

    def __post_init__(self) -> None:
        """Check the range."""
        share = fraction(self.lung_over_tumour_and_lung, "TLSF")
        object.__setattr__(self, "lung_over_tumour_and_lung", _frozen(share))


@dataclass(frozen=True, slots=True, eq=False)
class ArterySpecific:
    """Activities (GBq) and doses (Gy) of one artery's territory.

    `lung_shunt_frac` is what the partition model calls the shunt: the lungs' share of the administered
    activity. `mean_gy` is the mean over the territory, tumour included.
    """

    administered_gbq: float | Array
    prepared_gbq: float | Array
    tumour_gbq: float | Array
    normal_gbq: float | Array
    lung_gbq: float | Array
    tumour_gy: float | Array
    normal_gy: float | Array
    mean_gy: float | Array
    lung_gy: float | Array
    lung_shunt_frac: float | Array


def _frozen(values: Array) -> float | Array:
    if values.ndim == 0:
        return float(values)
    copy = values.copy()
    copy.setflags(write=False)
    return copy


def _ratio(given: ActivityRatio) -> Array:
    if not isinstance(given, ActivityRatio):
        raise ModelRangeError(
            f"activity_ratio is {given!r}; expected an ActivityRatio: the ratio of activities, not of "
            "concentrations (activity_ratio(...) converts)"
        )
    return np.asarray(given.tumour_over_normal)


def _shunt(given: TumourLungShunt) -> Array:
    if not isinstance(given, TumourLungShunt):
        raise ModelRangeError(
            f"tumour_lung_shunt is {given!r}; expected a TumourLungShunt: the lungs' share of tumour and "
            "lungs, not of the administered activity (tumour_lung_shunt(...) converts)"
        )
    return np.asarray(given.lung_over_tumour_and_lung)


def _masses_kg(tumour_mass_g: ArrayLike, normal_mass_g: ArrayLike) -> tuple[Array, Array]:
    tumour, normal = positive(tumour_mass_g, "tumour_mass_g"), positive(normal_mass_g, "normal_mass_g")
    return tumour / GRAMS_PER_KILOGRAM, normal / GRAMS_PER_KILOGRAM


def activity_ratio(
    *, tumour_to_normal: ArrayLike, tumour_mass_g: ArrayLike, normal_mass_g: ArrayLike
) -> ActivityRatio:
    """Kao's ratio of activities from a ratio of concentrations: R = T/N x tumour mass / normal mass."""
    tumour, normal = _masses_kg(tumour_mass_g, normal_mass_g)
    return ActivityRatio(positive(tumour_to_normal, "tumour_to_normal") * tumour / normal)


def concentration_ratio(
    ratio: ActivityRatio, *, tumour_mass_g: ArrayLike, normal_mass_g: ArrayLike
) -> float | Array:
    """The ratio of concentrations (T/N) from Kao's ratio of activities: R x normal mass / tumour mass."""
    tumour, normal = _masses_kg(tumour_mass_g, normal_mass_g)
    return plain(_ratio(ratio) * normal / tumour)


def _parts(ratio: Array, shunt: Array) -> tuple[Array, Array]:
    """Activity in normal liver and in lungs, for an activity of 1 in the tumour."""
    return 1.0 / ratio, shunt / (1.0 - shunt)


def lung_shunt_fraction(ratio: ActivityRatio, shunt: TumourLungShunt) -> float | Array:
    """The lungs' share of the administered activity (LSF = A_L / A) from Kao's two quantities."""
    normal, lung = _parts(_ratio(ratio), _shunt(shunt))
    return plain(lung / (1.0 + normal + lung))


def tumour_lung_shunt(*, lung_shunt_frac: ArrayLike, ratio: ActivityRatio) -> TumourLungShunt:
    """Kao's shunt from the lungs' share of the administered activity; inverse of `lung_shunt_fraction`."""
    share = fraction(lung_shunt_frac, "lung_shunt_frac")
    r = _ratio(ratio)
    tumour = (1.0 - share) * r / (1.0 + r)
    return TumourLungShunt(share / (tumour + share))


def _k_and_lungs_kg(k_gy_kg_per_gbq: ArrayLike | None, lung_mass_g: ArrayLike | None) -> tuple[Array, Array]:
    numbers = catalog.load()
    k = numbers.nuclide(DEFAULT_NUCLIDE).k_gy_kg_per_gbq if k_gy_kg_per_gbq is None else k_gy_kg_per_gbq
    lungs = numbers.number("lung_mass.default") if lung_mass_g is None else lung_mass_g
    return positive(k, "k_gy_kg_per_gbq"), positive(lungs, "lung_mass_g") / GRAMS_PER_KILOGRAM


def artery_specific(
    *,
    tumour_mass_g: ArrayLike,
    normal_mass_g: ArrayLike,
    activity_ratio: ActivityRatio,
    tumour_lung_shunt: TumourLungShunt,
    administered_gbq: ArrayLike | None = None,
    tumour_gy: ArrayLike | None = None,
    residual_frac: ArrayLike = 0.0,
    lung_mass_g: ArrayLike | None = None,
    k_gy_kg_per_gbq: ArrayLike | None = None,
) -> ArterySpecific:
    """Activities and doses of one artery's territory, from the activity or from the tumour dose.

    A_T = D_T x m_T / K, A_N = A_T / R, A_L = A_T x TLSF / (1 - TLSF), A = A_T + A_N + A_L. Give
    `administered_gbq` or `tumour_gy`. The masses are those of the artery's territory; several arteries are
    planned one by one, and their lung doses add.

    >>> dose = artery_specific(tumour_mass_g=100.0, normal_mass_g=900.0, activity_ratio=ActivityRatio(4.0),
    ...                        tumour_lung_shunt=TumourLungShunt(0.0), tumour_gy=100.0, k_gy_kg_per_gbq=50.0)
    >>> round(dose.administered_gbq, 6), round(dose.normal_gbq, 6)
    (0.25, 0.05)
    """
    if (administered_gbq is None) == (tumour_gy is None):
        found = "none" if administered_gbq is None else "both"
        raise ModelRangeError(f"found {found} of administered_gbq, tumour_gy; give exactly one of them")
    normal_part, lung_part = _parts(_ratio(activity_ratio), _shunt(tumour_lung_shunt))
    k, lungs_kg = _k_and_lungs_kg(k_gy_kg_per_gbq, lung_mass_g)
    tumour_kg, normal_kg = _masses_kg(tumour_mass_g, normal_mass_g)
    whole = 1.0 + normal_part + lung_part
    if administered_gbq is None:
        tumour = not_negative(tumour_gy, "tumour_gy") * tumour_kg / k
        administered = tumour * whole
    else:
        administered = not_negative(administered_gbq, "administered_gbq")
        tumour = administered / whole
    normal, lung = tumour * normal_part, tumour * lung_part
    return ArterySpecific(
        administered_gbq=plain(administered),
        prepared_gbq=prepared_activity_gbq(administered, residual_frac),
        tumour_gbq=plain(tumour),
        normal_gbq=plain(normal),
        lung_gbq=plain(lung),
        tumour_gy=plain(k * tumour / tumour_kg),
        normal_gy=plain(k * normal / normal_kg),
        mean_gy=plain(k * (tumour + normal) / (tumour_kg + normal_kg)),
        lung_gy=plain(k * lung / lungs_kg),
        lung_shunt_frac=plain(lung_part / whole),
    )
