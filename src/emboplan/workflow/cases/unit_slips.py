"""Slips of a unit or of a decimal point in a case file: values that nothing has.

mL for L, MBq for GBq, g for kg, kg/m3 for g/mL are a thousand times off, and a dose from such a value is
wrong by as much. Height and weight decide the body surface, so that they are held to what people measure, and
to each other: a point that slipped by one place, or the two in each other's place, is found. All bounds are
wider than any patient or product, so that they refuse nothing but slips.
"""

from __future__ import annotations

from collections.abc import Iterator

from emboplan.catalog.load import Catalog
from emboplan.catalog.tace_tables import tace_numbers
from emboplan.dosimetry.treatment.supply import largest_label_gbq
from emboplan.model.products import Microsphere
from emboplan.units import UNITS
from emboplan.workflow.cases.caseschema import CaseTable

CM_PER_M = float(UNITS["m"].factor / UNITS["cm"].factor)

# A factor between what exists and a slip of three digits: neither side comes near it.
APART = 30.0

# Less than this share of the smallest vial is no treatment, and a thousand times more would be one.
LEAST_OF_A_VIAL = 0.01

# Middles of what there is, to a power of ten: liver in mL, lungs in g, tissue in g/mL.
LIVER_ML, LUNGS_G, TISSUE_G_PER_ML = 2e3, 1e3, 1.0

# Weight over height squared, by its name in the catalogue.
PER_SQUARE = "weight_over_square"


def unit_slips(case: CaseTable, catalog: Catalog) -> Iterator[str]:
    """A line for each value that only a slip of its unit explains."""
    procedure, patient = case.procedure, case.patient
    mass = case.limits.lung_mass
    values = (
        ("volumes.liver", None if case.volumes is None else case.volumes.liver, LIVER_ML, "mL"),
        ("limits.lung_mass", mass if isinstance(mass, float) else None, LUNGS_G, "g"),
        ("procedure.liver_density_g_per_ml", procedure.liver_density_g_per_ml, TISSUE_G_PER_ML, "g/mL"),
        ("procedure.k_gy_kg_per_gbq", procedure.k_gy_kg_per_gbq, _coefficient(case, catalog), "Gy kg/GBq"),
    )
    for where, value, middle, unit in values:
        if value is not None and middle is not None and not middle / APART < value < middle * APART:
            yield f"{where}: found {value:g} {unit}, which nothing has; check the unit"
    yield from body_slips(patient.height, patient.weight, catalog)
    yield from _activities(case, catalog)


def body_slips(height_cm: float | None, weight_kg: float | None, catalog: Catalog) -> Iterator[str]:
    """A line for a height or a weight that nobody has, and for two that do not belong to one body."""
    bounds = {name: tace_numbers(catalog).pair(f"body.{name}") for name in ("height", "weight", PER_SQUARE)}
    sizes = (("height", height_cm, "cm"), ("weight", weight_kg, "kg"))
    wrong = [
        f"patient.{name}: found {value:g} {unit}, which nobody has; check the unit"
        for name, value, unit in sizes
        if value is not None and not _within(value, bounds[name])
    ]
    yield from wrong
    if wrong or height_cm is None or weight_kg is None:
        return
    if _within(_per_square(height_cm, weight_kg), bounds[PER_SQUARE]):
        return
    swapped = _within(weight_kg, bounds["height"]) and _within(
        _per_square(weight_kg, height_cm), bounds[PER_SQUARE]
    )
    ask = "are the two swapped?" if swapped else "check both"
    found = f"found a height of {height_cm:g} cm and a weight of {weight_kg:g} kg"
    yield f"patient: {found}, which nobody has together; {ask}"


def _per_square(height_cm: float, weight_kg: float) -> float:
    return weight_kg / (height_cm / CM_PER_M) ** 2


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


def _coefficient(case: CaseTable, catalog: Catalog) -> float | None:
    device = case.procedure.device
    if device not in catalog.microsphere_names():
        return None
    entry = catalog.nuclide(catalog.microsphere(device).nuclide).dose_coefficient
    return None if entry is None else entry.number


def _activities(case: CaseTable, catalog: Catalog) -> Iterator[str]:
    """Activities that no vial holds, and those that are next to nothing of one."""
    order, known = case.vial, catalog.microsphere_names()
    for number, territory in enumerate(case.territory):
        key = territory.device or case.procedure.device
        if key not in known or territory.administered is None:
            continue
        where, given = f"territory[{number}].administered", territory.administered
        prepared = given / (1 - (0.0 if order is None else order.residual_frac))
        yield from _beyond(where, given, prepared, catalog.microsphere(key))
        if order is not None and order.size is not None and prepared > order.size:
            yield f"{where}: found {given:g} GBq, which the vial of {order.size:g} GBq does not hold"
    device = case.procedure.device
    if order is not None and order.size is not None and device in known:
        yield from _beyond("vial.size", order.size, order.size, catalog.microsphere(device))


def _beyond(where: str, given: float, prepared: float, device: Microsphere) -> Iterator[str]:
    largest = largest_label_gbq(device)
    sizes = [key for key in ("vials", "vial_range") if key in device.facts]
    smallest = min(size for key in sizes for size in device.facts[key].numbers)
    if prepared > largest:
        yield (
            f"{where}: found {given:g} GBq; the largest {device.name} vial is {largest:g} GBq at "
            "calibration; check the unit"
        )
    elif prepared < smallest * LEAST_OF_A_VIAL:
        yield (
            f"{where}: found {given:g} GBq; the smallest {device.name} vial is {smallest:g} GBq at "
            "calibration; check the unit"
        )
