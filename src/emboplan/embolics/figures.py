"""The sourced numbers behind a dose, an emulsion or a choice of particles, for whoever prints them.

A figure that disagrees or is not used stays in the catalogue; here are those that a result rests on or was
held against.
"""

from __future__ import annotations

from collections.abc import Iterator

from emboplan.catalog.embolics import find_embolic
from emboplan.catalog.load import Catalog
from emboplan.catalog.tace_tables import TaceNumbers, tace_numbers
from emboplan.embolics.amounts import Number
from emboplan.embolics.emulsions.oil_limit import oil_limit
from emboplan.embolics.emulsions.reduction import has_reduction
from emboplan.embolics.particles import DISTAL
from emboplan.errors import CatalogError
from emboplan.model.products import Sourced, Status
from emboplan.model.results.emulsion import DrugDose
from emboplan.model.results.particles import ParticleChoice

_EMULSION = ("emulsion.water_in_oil_from", "emulsion.oil_in_water_up_to", "emulsion.most_stable")
_PUBLISHED = ("published_mg", "published_mg_per_m2", "trial_cap_mg", "intra_arterial_mg_per_m2")


def reduction_figures(dose: DrugDose, catalog: Catalog) -> tuple[Sourced, ...]:
    """What a dose was held against or reduced by: the edges of bilirubin, the shares left, the class."""
    return tuple(_reduction(dose, tace_numbers(catalog)))


def _reduction(dose: DrugDose, numbers: TaceNumbers) -> Iterator[Sourced]:
    if not has_reduction(dose.drug):
        return
    yield numbers.sourced("reduction.us_label.child_pugh_stop")
    rule = "us_label" if dose.reduction is None else dose.reduction.rule.replace("-", "_")
    yield numbers.sourced(f"reduction.{rule}.edges_mg_per_dl")
    yield numbers.sourced(f"reduction.{rule}.remaining")


def emulsion_figures(dose: DrugDose, age_years: Number | None, catalog: Catalog) -> tuple[Sourced, ...]:
    """The published doses, the reduction, the limit of oil and the ratios that droplets go by."""
    numbers = tace_numbers(catalog)
    names = [f"dose.{dose.drug}.{name}" for name in _PUBLISHED]
    return (
        *(found for name in names if (found := _verified(numbers, name)) is not None),
        *_reduction(dose, numbers),
        oil_limit(numbers, age_years),
        *(numbers.sourced(name) for name in _EMULSION),
    )


def suspension_figures(drug: str, age_years: Number | None, catalog: Catalog) -> tuple[Sourced, ...]:
    """The oil vehicle of a drug, the hours that it keeps, and the limit of oil."""
    numbers = tace_numbers(catalog)
    names = (f"dose.{drug}.vehicle", f"dose.{drug}.use_within_h")
    return (*(numbers.sourced(name) for name in names), oil_limit(numbers, age_years))


def particle_figures(choice: ParticleChoice, catalog: Catalog) -> tuple[Sourced, ...]:
    """The sizes, the least catheters and the vial of a product, the end point, and what orders the grades."""
    numbers = tace_numbers(catalog)
    return (
        *_of_product(choice, catalog),
        numbers.sourced(f"end_point.{choice.end_point.name}"),
        catalog.sourced(DISTAL),
    )


def _of_product(choice: ParticleChoice, catalog: Catalog) -> Iterator[Sourced]:
    try:
        embolic, _ = find_embolic(catalog, choice.product)
    except CatalogError:  # a product of the user's own, with its own grades
        return
    for name, sizes in embolic.sizes.items():
        if sizes == (choice.chosen.min_um, choice.chosen.max_um):
            for fact in (f"sizes.{name}", f"catheter.{name}", "vial.beads"):
                entry = embolic.facts.find(fact)
                if entry is not None:
                    yield entry


def _verified(numbers: TaceNumbers, name: str) -> Sourced | None:
    entry = numbers.entries.get(name)
    return None if entry is None or entry.status is Status.UNVERIFIED else entry
