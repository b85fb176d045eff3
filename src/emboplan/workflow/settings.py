"""The numbers that a plan uses beside the images: dose coefficient, densities, lung mass, limits.

What the case says goes before the catalogue; every number goes into the plan with its source and status.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from emboplan.catalog.load import Catalog
from emboplan.errors import CatalogError
from emboplan.model.case import Case
from emboplan.model.finding import Finding, Severity
from emboplan.model.plan import Settings, UsedNumber
from emboplan.model.products import DoseLimit, Sourced
from emboplan.model.results.burden import Burden
from emboplan.workflow.prescribe import Physics
from emboplan.workflow.provenance import software_versions

DEFAULT_NUCLIDE = "Y-90"
ENTERED = "entered in the case"
ENTERED_STATUS = "entered"


@dataclass(frozen=True, slots=True)
class PlanNumbers:
    """The physics of a plan, where its lung mass comes from, and every number with its source."""

    physics: Physics
    lung_g_per_ml: float
    lung_mass_source: str
    used: tuple[UsedNumber, ...]
    findings: tuple[Finding, ...]


def plan_numbers(case: Case, burden: Burden, catalog: Catalog) -> PlanNumbers:
    """The numbers that this case is planned with."""
    procedure = case.procedure
    nuclide_name = DEFAULT_NUCLIDE
    if procedure.device is not None:
        nuclide_name = catalog.microsphere(procedure.device).nuclide
    nuclide = catalog.nuclide(nuclide_name)
    used: list[UsedNumber] = []
    findings = list(_not_entered(case, nuclide_name))

    def number(entry: Sourced | None, value: float | None, name: str, unit: str) -> float:
        if value is not None:
            used.append(UsedNumber(name, value, unit, ENTERED, ENTERED_STATUS))
            return value
        if entry is None:
            raise CatalogError(f"the catalogue has no {name}; enter it in the case, or choose another device")
        used.append(used_number(entry, name))
        return entry.number

    k = number(
        nuclide.dose_coefficient,
        procedure.k_gy_kg_per_gbq,
        f"dose coefficient of {nuclide_name}",
        "Gy kg/GBq",
    )
    density = procedure.liver_density_g_per_ml
    liver = number(catalog.sourced("density.liver"), density, "liver density", "g/mL")
    tumour = number(catalog.sourced("density.tumour"), density, "tumour density", "g/mL")
    lung_density = number(catalog.sourced("density.lung"), None, "lung density", "g/mL")
    limits = case.limits
    source = "default" if limits.lung_mass_g is None else "entered"
    from_ct = burden.lung_mass_g if limits.lung_mass_from_ct else None
    if from_ct is not None:
        source = "ct"
        used.append(UsedNumber("lung mass", from_ct, "g", "CT density of the lung mask (KAO14)", "measured"))
        mass = from_ct
    else:
        if limits.lung_mass_from_ct:
            text = "The CT does not show the whole lungs, so that the lung mass is the default, not from CT."
            findings.append(Finding("lung-mass-default", Severity.WARNING, text))
        mass = number(catalog.sourced("lung_mass.default"), limits.lung_mass_g, "lung mass", "g")
    return PlanNumbers(Physics(k, liver, tumour, mass), lung_density, source, tuple(used), tuple(findings))


def _not_entered(case: Case, nuclide: str) -> Iterator[Finding]:
    """What the case leaves open that no image can tell."""
    if case.procedure.device is None:
        text = f"No device was entered: doses are those of {nuclide}, and no limit of a product is checked."
        yield Finding("device-missing", Severity.WARNING, text)
    if case.procedure.protocol is None:
        text = "No protocol was entered, so that eligibility is not checked."
        yield Finding("protocol-missing", Severity.INFO, text)


def used_number(entry: Sourced, name: str) -> UsedNumber:
    """A catalogue entry as a number of the plan."""
    return UsedNumber(name, entry.number, entry.unit, entry.source_text, entry.status.value)


def _entered_ratios(case: Case) -> Iterator[UsedNumber]:
    for territory in case.territories:
        if territory.tumour_to_normal is not None:
            name = f"tumour to normal, {territory.name}"
            yield UsedNumber(name, territory.tumour_to_normal, "1", ENTERED, ENTERED_STATUS)


def cited_sources(texts: Iterable[str], catalog: Catalog) -> dict[str, str]:
    """What each key of the catalogue's sources that a text names stands for."""
    words = {word for text in texts for word in re.findall(r"[A-Za-z0-9.-]+", text)}
    return {key: full for key, full in sorted(catalog.sources.items()) if key in words}


def plan_settings(
    case: Case,
    numbers: PlanNumbers,
    limits: Sequence[DoseLimit],
    findings: Sequence[Finding],
    catalog: Catalog,
) -> Settings:
    """What the plan was told or took as default, with every number that it used."""
    procedure = case.procedure
    device = procedure.device
    moment = procedure.treatment_time
    used = (
        *numbers.used,
        *_entered_ratios(case),
        *(used_number(limit.limit, f"limit {limit.name.replace('_', ' ')}") for limit in limits),
    )
    return Settings(
        kind=procedure.kind.value,
        protocol=procedure.protocol,
        intent=None if procedure.intent is None else procedure.intent.value,
        device=None if device is None else catalog.microsphere(device).name,
        models=tuple(model.value for model in procedure.models),
        k_gy_kg_per_gbq=numbers.physics.k_gy_kg_per_gbq,
        treatment_time=None if moment is None else moment.isoformat(),
        numbers=used,
        software=software_versions(),
        sources=cited_sources([*(n.source for n in used), *(f.source for f in findings)], catalog),
    )
