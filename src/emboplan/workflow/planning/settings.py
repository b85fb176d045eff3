"""The numbers that a plan uses beside the images: dose coefficient, densities, lung mass, limits.

What the case says goes before the catalogue; every number goes into the plan with its source and status.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from emboplan.catalog.load import Catalog
from emboplan.errors import CatalogError, InputError
from emboplan.model.case import Case
from emboplan.model.finding import Finding, Severity
from emboplan.model.plan import Settings, UsedNumber
from emboplan.model.products import DoseLimit, Nuclide, Sourced
from emboplan.workflow.planning.treated import Physics
from emboplan.workflow.provenance import software_versions

DEFAULT_NUCLIDE = "Y-90"
ENTERED = "entered in the case"
ENTERED_STATUS = "entered"


@dataclass(frozen=True, slots=True)
class PlanNumbers:
    """The physics of a plan, where its lung mass comes from, and every number with its source.

    `of_devices` is the physics of devices of single territories that have another nuclide than the plan's.
    """

    physics: Physics
    of_devices: Mapping[str, Physics]
    k_name: str | None
    lung_g_per_ml: float
    lung_mass_source: str
    used: tuple[UsedNumber, ...]
    findings: tuple[Finding, ...]


def plan_numbers(case: Case, lung_mass_on_ct_g: float | None, catalog: Catalog) -> PlanNumbers:
    """The numbers that this case is planned with; `lung_mass_on_ct_g` is None where it was not measured."""
    procedure = case.procedure
    nuclide = _nuclide(procedure.device, catalog)
    nuclide_name = nuclide.name
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

    named = procedure.dose_coefficient
    k = number(
        nuclide.dose_coefficient if named is None else _coefficient(nuclide, named),
        procedure.k_gy_kg_per_gbq,
        f"dose coefficient of {nuclide_name}",
        "Gy kg/GBq",
    )
    used.append(used_number(nuclide.half_life, f"half-life of {nuclide_name}"))
    density = procedure.liver_density_g_per_ml
    liver = number(catalog.sourced("density.liver"), density, "liver density", "g/mL")
    tumour = number(catalog.sourced("density.tumour"), density, "tumour density", "g/mL")
    lung_density = number(catalog.sourced("density.lung"), None, "lung density", "g/mL")
    limits = case.limits
    source = "default" if limits.lung_mass_g is None else "entered"
    from_ct = lung_mass_on_ct_g if limits.lung_mass_from_ct else None
    if from_ct is not None:
        source = "ct"
        used.append(UsedNumber("lung mass", from_ct, "g", "CT density of the lung mask (KAO14)", "measured"))
        mass = from_ct
    else:
        if limits.lung_mass_from_ct:
            text = "The CT does not show the whole lungs, so that the lung mass is the default, not from CT."
            findings.append(Finding("lung-mass-default", Severity.WARNING, text))
        mass = number(catalog.sourced("lung_mass.default"), limits.lung_mass_g, "lung mass", "g")
    residual = 0.0 if case.vial is None else case.vial.residual_frac
    physics = Physics(nuclide_name, nuclide.half_life_h, k, liver, tumour, mass, residual)
    others = {}
    for device in dict.fromkeys(t.device for t in case.territories):
        other = _nuclide(device, catalog)
        if device is None or other.name == nuclide_name:
            continue
        if procedure.k_gy_kg_per_gbq is not None:
            raise InputError(
                f"k_gy_kg_per_gbq is for one nuclide, but {device} has {other.name}; "
                "plan it as a case of its own"
            )
        own_k = number(other.dose_coefficient, None, f"dose coefficient of {other.name}", "Gy kg/GBq")
        used.append(used_number(other.half_life, f"half-life of {other.name}"))
        others[device] = replace(
            physics, nuclide=other.name, half_life_h=other.half_life_h, k_gy_kg_per_gbq=own_k
        )
    return PlanNumbers(
        physics=physics,
        of_devices=MappingProxyType(others),
        k_name=named or nuclide.coefficient_name(k),
        lung_g_per_ml=lung_density,
        lung_mass_source=source,
        used=tuple(used),
        findings=tuple(findings),
    )


def _nuclide(device: str | None, catalog: Catalog) -> Nuclide:
    """The nuclide of a device; that of the two Y-90 products without one."""
    return catalog.nuclide(DEFAULT_NUCLIDE if device is None else catalog.microsphere(device).nuclide)


def _coefficient(nuclide: Nuclide, name: str) -> Sourced:
    found = nuclide.coefficients.get(name)
    if found is None:
        known = ", ".join(nuclide.coefficients) or "none"
        raise CatalogError(f"no dose coefficient {name!r} of {nuclide.name}; known: {known}")
    return found


def _not_entered(case: Case, nuclide: str) -> Iterator[Finding]:
    """What the case leaves open that no image can tell."""
    if case.procedure.device is None:
        text = f"No device was entered: doses are those of {nuclide}, and no limit of a product is checked."
        yield Finding("device-missing", Severity.WARNING, text)
    if case.procedure.protocol is None:
        text = "No protocol was entered, so that eligibility is not checked."
        yield Finding("protocol-missing", Severity.INFO, text)
    if case.loading is not None:
        text = "[loading] is not used: the kind of the procedure is radioembolization (tare)."
        yield Finding("loading-not-used", Severity.WARNING, text)


def used_number(entry: Sourced, name: str) -> UsedNumber:
    """A catalogue entry as a number of the plan."""
    return UsedNumber(name, entry.number, entry.unit, entry.source_text, entry.status.value)


def _entered_ratios(case: Case) -> Iterator[UsedNumber]:
    for territory in case.territories:
        if territory.tumour_to_normal is not None:
            name = f"tumour to normal, {territory.name}"
            yield UsedNumber(name, territory.tumour_to_normal, "1", ENTERED, ENTERED_STATUS)
        for label, ratio in territory.lesion_ratios.items():
            name = f"tumour to normal, {territory.name}, lesion {label}"
            yield UsedNumber(name, ratio, "1", ENTERED, ENTERED_STATUS)


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
