"""The lung shunt fraction: three ways to measure it, or entered, and the lung dose that it means.

The planar methods are in `planar_shunt`, SPECT/CT in `spect_shunt`; this is where a plan finds them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import MappingProxyType

from emboplan import catalog as catalogue
from emboplan.dosimetry.arguments import fraction
from emboplan.dosimetry.models.compartment import lung_dose
from emboplan.dosimetry.uptake.planar_measure import planar_estimates
from emboplan.dosimetry.uptake.planar_shunt import (
    ScatterWindows,
    anterior_only,
    geometric_mean_counts,
    planar_geometric_mean,
    without_scatter,
)
from emboplan.dosimetry.uptake.shunt_fraction import known_bias, lung_shunt_fraction
from emboplan.dosimetry.uptake.spect_shunt import margin_mm, spect_ct
from emboplan.model.products import Nuclide
from emboplan.model.results.activity import Quantity
from emboplan.model.results.shunt import LungDoseScale, LungShunt, ShuntEstimate, ShuntMethod

__all__ = [
    "ScatterWindows",
    "anterior_only",
    "comparable_limits",
    "entered_shunt",
    "geometric_mean_counts",
    "lung_shunt_fraction",
    "margin_mm",
    "planar_estimates",
    "planar_geometric_mean",
    "spect_ct",
    "with_lung_dose",
    "without_scatter",
]


def entered_shunt(lung_shunt_frac: float, *, catalog: catalogue.Catalog | None = None) -> ShuntEstimate:
    """A shunt that the user entered."""
    return ShuntEstimate(
        method=ShuntMethod.ENTERED,
        lung_shunt_frac=float(fraction(lung_shunt_frac, "lung_shunt_frac")),
        interval=None,
        counts=MappingProxyType({}),
        uncorrected_frac=None,
        known_bias=known_bias(ShuntMethod.ENTERED, catalog),
    )


# The words by which a limit of the catalogue says what it was derived with.
PLANAR_WORDS, DEFAULT_MASS_WORDS = "planar", "1 kg"

PLANAR_METHODS = (ShuntMethod.PLANAR_GM, ShuntMethod.ANTERIOR)
DEFAULT_MASS, CT_MASS, ENTERED_MASS = "default", "ct", "entered"


def with_lung_dose(
    estimate: ShuntEstimate,
    *,
    other_methods: Sequence[ShuntEstimate] = (),
    nuclide: Nuclide | None = None,
    k_gy_kg_per_gbq: float | None = None,
    lung_mass_g: float | None = None,
    lung_mass_source: str = ENTERED_MASS,
    ct_lung_mass_g: float | None = None,
    catalog: catalogue.Catalog | None = None,
) -> LungShunt:
    """The estimate that a plan uses, the others beside it, and the lung dose per GBq administered.

    The lung mass is the catalogue's default of 1 kg unless given; `lung_mass_source` says where a given one
    comes from (``ct`` or ``entered``). `ct_lung_mass_g` is the mass from CT density where it is known, used
    or not: the result shows the dose by every method with each mass, since limits belong to one scale. K is
    that of `nuclide`, by default Y-90, unless given.
    """
    numbers = catalog or catalogue.load()
    k = k_gy_kg_per_gbq or (nuclide or numbers.nuclide("Y-90")).k_gy_kg_per_gbq
    default_g = numbers.number("lung_mass.default")
    source = DEFAULT_MASS if lung_mass_g is None else lung_mass_source
    mass = default_g if lung_mass_g is None else lung_mass_g
    masses = {DEFAULT_MASS: default_g}
    if ct_lung_mass_g is not None:
        masses[CT_MASS] = ct_lung_mass_g
    masses[source] = mass
    estimates = (estimate, *other_methods)
    return LungShunt(
        estimate=estimate,
        lung_mass_g=mass,
        lung_mass_source=source,
        lung_dose_per_gbq_gy=_dose_per_gbq(estimate, mass, k),
        other_methods=tuple(other_methods),
        scales=tuple(
            LungDoseScale(
                method=one.method,
                lung_shunt_frac=one.lung_shunt_frac,
                lung_mass_g=grams,
                lung_mass_source=name,
                lung_dose_per_gbq_gy=_dose_per_gbq(one, grams, k),
                comparable_with=tuple(comparable_limits(one.method, name, numbers)),
            )
            for one in estimates
            for name, grams in masses.items()
        ),
    )


def _dose_per_gbq(estimate: ShuntEstimate, lung_mass_g: float, k_gy_kg_per_gbq: float) -> float:
    return float(
        lung_dose(
            administered_gbq=1.0,
            lung_shunt_frac=estimate.lung_shunt_frac,
            lung_mass_g=lung_mass_g,
            k_gy_kg_per_gbq=k_gy_kg_per_gbq,
        )
    )


def comparable_limits(
    method: ShuntMethod, lung_mass_source: str, catalog: catalogue.Catalog
) -> Iterator[str]:
    """The names of the catalogue's limits on lung dose that a shunt and a mass of this kind may be held to.

    What a limit says of its derivation must agree: a planar shunt, the mass of 1 kg. A limit that does not
    say how its shunt was measured holds for every method with its mass. A shunt that was entered is of an
    unknown method and is held to none that names one.
    """
    for name in dict.fromkeys(
        name for device in (None, *catalog.microsphere_names()) for name in catalog.limit_names(device)
    ):
        limit = catalog.limit(name)
        if limit.quantity is not Quantity.LUNG:
            continue
        wants_planar = PLANAR_WORDS in limit.derived_with
        wants_default = DEFAULT_MASS_WORDS in limit.derived_with
        if wants_planar and method not in PLANAR_METHODS:
            continue
        if wants_default == (lung_mass_source == DEFAULT_MASS):
            yield name
