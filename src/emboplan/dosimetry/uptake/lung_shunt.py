"""The lung shunt fraction: three ways to measure it, or entered, and the lung dose that it means.

The planar methods are in `planar_shunt`, SPECT/CT in `spect_shunt`; this is where a plan finds them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from emboplan import catalog as catalogue
from emboplan.dosimetry.arguments import fraction
from emboplan.dosimetry.models.compartment import lung_dose
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
from emboplan.model.results.shunt import LungShunt, ShuntEstimate, ShuntMethod

__all__ = [
    "ScatterWindows",
    "anterior_only",
    "entered_shunt",
    "geometric_mean_counts",
    "lung_shunt_fraction",
    "margin_mm",
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


def with_lung_dose(
    estimate: ShuntEstimate,
    *,
    other_methods: Sequence[ShuntEstimate] = (),
    nuclide: Nuclide | None = None,
    k_gy_kg_per_gbq: float | None = None,
    lung_mass_g: float | None = None,
    lung_mass_source: str = "entered",
    catalog: catalogue.Catalog | None = None,
) -> LungShunt:
    """The estimate that a plan uses, the others beside it, and the lung dose per GBq administered.

    The lung mass is the catalogue's default of 1 kg unless given; `lung_mass_source` says where a given one
    comes from (``ct`` or ``entered``). K is that of `nuclide`, by default Y-90, unless given.
    """
    numbers = catalog or catalogue.load()
    k = k_gy_kg_per_gbq or (nuclide or numbers.nuclide("Y-90")).k_gy_kg_per_gbq
    mass = numbers.number("lung_mass.default") if lung_mass_g is None else lung_mass_g
    dose = lung_dose(
        administered_gbq=1.0,
        lung_shunt_frac=estimate.lung_shunt_frac,
        lung_mass_g=mass,
        k_gy_kg_per_gbq=k,
    )
    return LungShunt(
        estimate=estimate,
        lung_mass_g=mass,
        lung_mass_source="default" if lung_mass_g is None else lung_mass_source,
        lung_dose_per_gbq_gy=float(dose),
        other_methods=tuple(other_methods),
    )
