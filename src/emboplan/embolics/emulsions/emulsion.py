"""A conventional TACE: how much oil, how much drug solution, and what comes of mixing them.

The drug is in the aqueous phase. Its concentration there times the volume of the phase is the dose, and oil
and phase add up to the emulsion. No volume is guessed: a trial's range is named where it helps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from emboplan import catalog as catalogue
from emboplan.catalog.embolics import drug_names, find_drug
from emboplan.catalog.status import footnote
from emboplan.catalog.tace_tables import ArmNumbers, TaceNumbers, embolization_arm, tace_numbers
from emboplan.embolics.amounts import Number, exact, plain_name, plain_number, positive
from emboplan.embolics.compatibility import (
    CHLORIDE_SENSITIVE,
    refuse_beads_with_oil,
    refuse_diluent,
    refuse_oil_as_fluid,
)
from emboplan.embolics.emulsions.dosing import drug_dose
from emboplan.embolics.emulsions.oil_limit import oil_findings, oil_limit
from emboplan.embolics.emulsions.phases import expected_droplets, phase_volumes, territory_shares
from emboplan.embolics.emulsions.reduction import ReductionRule
from emboplan.embolics.fluids import diluent_is_known
from emboplan.errors import ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.results.emulsion import (
    DrugDose,
    Emulsion,
    ParticlesAfter,
)

TECHNIQUE = "ctace"
SUSPENDED = "miriplatin"


def emulsion(
    *,
    drug: str,
    dose_mg: Number | None = None,
    dose_mg_per_m2: Number | None = None,
    body_surface_m2: Number | None = None,
    bilirubin_mg_per_dl: Number | None = None,
    child_pugh_class: str | None = None,
    reduction_rule: ReductionRule | str = ReductionRule.US_LABEL,
    oil_ml: Number | None = None,
    aqueous_ml: Number | None = None,
    oil_to_aqueous: Number | None = None,
    drug_concentration_mg_per_ml: Number | None = None,
    aqueous_phase: str | None = None,
    age_years: Number | None = None,
    protocol: str | None = None,
    particles_after: str | None = None,
    particles_after_um: tuple[float, float] | None = None,
    mixed_with: str | None = None,
    territory_tumour_ml: Mapping[str, Number] | None = None,
    catalog: catalogue.Catalog | None = None,
) -> Emulsion:
    """Volumes, concentrations, expected droplets and limits of an emulsion of drug solution and iodised oil.

    `drug_concentration_mg_per_ml` is that in the aqueous phase, `aqueous_phase` its name in words, such as
    ``dilute contrast``. With a `protocol`, volumes that its arm states as one number, its aqueous phase and
    its particles need not be given. `territory_tumour_ml` divides the emulsion by tumour volume (a decision
    of this project). The reduction by bilirubin is applied to the dose as entered.

    Raises:
        ModelRangeError: volumes that are missing or contradict each other, oil above its label outside an arm
            that states it, a dose that the label excludes.
        InputError: a fluid that the drug does not bear; drug-eluting beads mixed with the oil or after it; a
            protocol without an open arm of this kind.
    """
    book = catalog or catalogue.load()
    numbers = tace_numbers(book)
    arm = None if protocol is None else embolization_arm(book, protocol, TECHNIQUE)
    for product in (mixed_with, particles_after):
        if product is not None:
            refuse_beads_with_oil(product, numbers, book)
    dose = drug_dose(
        drug=drug,
        dose_mg=dose_mg,
        dose_mg_per_m2=dose_mg_per_m2,
        body_surface_m2=body_surface_m2,
        bilirubin_mg_per_dl=bilirubin_mg_per_dl,
        child_pugh_class=child_pugh_class,
        rule=reduction_rule,
        catalog=book,
    )
    if dose.drug == SUSPENDED:
        raise ModelRangeError(
            f"{SUSPENDED} is suspended in its own oil vehicle and has no aqueous phase; leave out oil, "
            "aqueous phase and ratio (emboplan load --technique ctace, or a case with kind ctace), or use "
            "emboplan.embolics.emulsions.infusion.oil_suspension"
        )
    if aqueous_phase is not None and not plain_name(aqueous_phase):
        raise ModelRangeError(
            f"aqueous_phase is {aqueous_phase!r}; expected the name of a fluid, or leave it out"
        )
    phase = aqueous_phase or (arm.aqueous if arm is not None else "") or "drug solution"
    refuse_oil_as_fluid(phase, numbers)
    for fluid in (phase, mixed_with or ""):
        refuse_diluent(dose.drug, fluid, numbers)
    mass = _mass(dose)
    oil, water = phase_volumes(
        mass, oil_ml, _stated(aqueous_ml, arm), oil_to_aqueous, drug_concentration_mg_per_ml, arm
    )
    droplet, basis, droplet_source = expected_droplets(numbers, oil / water)
    after = _particles_after(particles_after, particles_after_um, arm)
    return Emulsion(
        drug=dose.drug,
        dose=dose,
        drug_mg=float(mass),
        oil_ml=float(oil),
        aqueous_ml=float(water),
        oil_to_aqueous=float(oil / water),
        aqueous_mg_per_ml=float(mass / water),
        emulsion_ml=float(oil + water),
        emulsion_mg_per_ml=float(mass / (oil + water)),
        aqueous_phase=phase,
        droplet=droplet,
        droplet_basis=basis,
        oil_limit_ml=oil_limit(numbers, age_years).number,
        particles_after=after,
        territories=territory_shares(territory_tumour_ml or {}, oil, water, mass),
        steps=_steps(dose, phase, oil, water, after),
        findings=(
            *dose.findings,
            *oil_findings(numbers, oil, age_years, arm),
            *_arm_findings(dose, arm),
            *_mixture_findings(book, dose, oil / water, mass / water),
            *_chloride_open(numbers, dose.drug, phase, mixed_with),
        ),
        sources=(
            *dose.sources,
            f"oil limit: {footnote(oil_limit(numbers, age_years))}",
            f"expected droplets: {droplet_source}",
            *(() if arm is None else (f"arm: {arm.protocol}, {arm.arm}: {arm.source}",)),
        ),
        protocol=protocol,
    )


def _mass(dose: DrugDose) -> Fraction:
    """The dose as an exact number, not as the float that it is printed from."""
    left = 1 if dose.reduction is None else exact(dose.reduction.remaining_frac, "remaining")
    return exact(dose.requested_mg, "dose_mg") * left


def _stated(aqueous_ml: Number | None, arm: ArmNumbers | None) -> Number | None:
    """The aqueous volume as given, or as an arm states it in one number."""
    if aqueous_ml is not None or arm is None or arm.aqueous_ml is None:
        return aqueous_ml
    low, high = arm.aqueous_ml
    return low if low == high else None


def _particles_after(
    product: str | None, size_um: tuple[float, float] | None, arm: ArmNumbers | None
) -> ParticlesAfter | None:
    if product is None and size_um is None and (arm is None or not arm.sizes_um):
        return None
    if size_um is not None:
        smaller, larger = (positive(end, "particles_after_um") for end in size_um)
        if smaller > larger:
            raise ModelRangeError(
                f"particles_after_um is {float(smaller):g} to {float(larger):g}; expected the smaller first"
            )
    size = size_um
    if arm is not None and arm.sizes_um:
        low, high = arm.sizes_um[0]
        size = size_um or arm.sizes_um[0]
        if not low <= size[0] <= size[1] <= high:
            raise ModelRangeError(
                f"particles of {size[0]:g}-{size[1]:g} µm are outside the {low:g}-{high:g} µm of "
                f"{arm.protocol}, {arm.arm}; choose a grade within it"
            )
    end_point = "" if arm is None else f"{arm.protocol}, {arm.arm}"
    return ParticlesAfter(product or "particles without drug", size, end_point)


def _steps(
    dose: DrugDose, phase: str, oil: Fraction, water: Fraction, after: ParticlesAfter | None
) -> tuple[str, ...]:
    mass = _mass(dose)
    steps = [
        (
            f"{plain_number(float(mass))} mg {dose.drug} in {plain_number(float(water))} mL {phase}: "
            f"{float(mass / water):.4g} mg/mL."
        ),
        (
            f"Emulsify with {plain_number(float(oil))} mL iodised oil "
            f"(oil : aqueous {float(oil / water):.3g} : 1): "
            f"{plain_number(float(oil + water))} mL in all, {float(mass / (oil + water)):.3g} mg/mL."
        ),
    ]
    if after is not None:
        size = "" if after.size_um is None else f", {after.size_um[0]:g}-{after.size_um[1]:g} µm"
        steps.append(f"After the emulsion: {after.product}{size}.")
    return tuple(steps)


def _arm_findings(dose: DrugDose, arm: ArmNumbers | None) -> Iterator[Finding]:
    if arm is None or not arm.dose_mg:
        return
    if dose.drug not in arm.dose_mg:
        yield Finding(
            "outside-arm-drug",
            Severity.WARNING,
            f"{arm.protocol}, {arm.arm}, gives {', '.join(arm.dose_mg)}, not {dose.drug}.",
            arm.source,
        )
        return
    low, high = arm.dose_mg[dose.drug]
    if not low <= dose.dose_mg <= high:
        stated = f"{low:g} mg" if low == high else f"{low:g} to {high:g} mg"
        yield Finding(
            "outside-arm-dose",
            Severity.WARNING,
            f"{plain_number(dose.dose_mg)} mg of {dose.drug} is not the {stated} of {arm.protocol}, "
            f"{arm.arm}.",
            arm.source,
        )


def _mixture_findings(
    book: catalogue.Catalog, dose: DrugDose, ratio: Fraction, concentration: Fraction
) -> Iterator[Finding]:
    numbers = tace_numbers(book)
    stable = numbers.sourced("emulsion.most_stable")
    if ratio < exact(stable.number, "ratio"):
        yield Finding(
            "ratio-below-most-stable",
            Severity.INFO,
            f"Oil : aqueous is {float(ratio):.3g} : 1; {stable.number:g} : 1 with contrast was the most "
            "stable, with less drug in plasma than 1 : 1.",
            f"{footnote(stable)}; {stable.note}",
        )
    vial = find_drug(book, dose.drug).facts.find("vial_solution") if dose.drug in drug_names(book) else None
    if vial is not None and concentration > exact(vial.number, "vial"):
        yield Finding(
            "powder-needed",
            Severity.INFO,
            f"{float(concentration):.3g} mg/mL of {dose.drug} needs the powder: solutions in vials are "
            f"usually {vial.number:g} mg/mL.",
            footnote(vial),
        )


def _chloride_open(numbers: TaceNumbers, drug: str, *fluids: str | None) -> Iterator[Finding]:
    """Fluids that oxaliplatin meets and that are not known to be free of chloride."""
    unknown = [fluid for fluid in fluids if fluid and not diluent_is_known(fluid)]
    if drug == CHLORIDE_SENSITIVE and unknown:
        rule = numbers.sourced("incompatible.oxaliplatin_chloride")
        named = " and ".join(f'"{fluid}"' for fluid in unknown)
        yield Finding(
            "chloride-open",
            Severity.WARNING,
            f"Whether {named} is free of chloride is an open item: {rule.text}.",
            footnote(rule),
        )
