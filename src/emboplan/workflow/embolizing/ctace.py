"""Conventional TACE: the emulsion of one session, or the oil suspension of the drug that has one."""

from __future__ import annotations

from emboplan.catalog.tace_tables import tace_numbers
from emboplan.embolics.acknowledgement import to_acknowledge
from emboplan.embolics.compatibility import refuse_beads_with_oil, refuse_material
from emboplan.embolics.drug_names import plain_drug
from emboplan.embolics.emulsions.dosing import drug_dose
from emboplan.embolics.emulsions.emulsion import SUSPENDED, emulsion
from emboplan.embolics.emulsions.infusion import oil_suspension
from emboplan.embolics.emulsions.reduction import ReductionRule
from emboplan.embolics.figures import emulsion_figures, suspension_figures
from emboplan.errors import InputError
from emboplan.model.arm import ArmTechnique
from emboplan.model.results.particles import ParticleChoice
from emboplan.workflow.embolizing.ask import Made, SessionAsk, Technique
from emboplan.workflow.embolizing.bland import choose_particles, figures_of, grade_in_name

# What a case may fix of an emulsion; the rest follows from it, or is an arm's.
ENTERED = ("oil_ml", "aqueous_ml", "oil_to_aqueous", "solution_mg_per_ml", "diluent")


def emulsify(ask: SessionAsk) -> Made:
    """The oil and the drug of one session, and the particles after them.

    Raises:
        InputError: what `emulsion` or `particles` refuses, or a material that the drug does not bear.
    """
    needle = ask.loading.needle_material
    if needle is not None:
        refuse_material(ask.loading.drug or "", needle, tace_numbers(ask.catalog))
    if plain_drug(ask.loading.drug or "") == SUSPENDED:
        return _suspend(ask)
    said, person = ask.loading, ask.person
    if said.dose_reduction == "none":
        raise InputError(
            'loading.dose_reduction: "none" is for beads; an emulsion is reduced by "us-label" or "eu-smpc"'
        )
    after = _particles(ask)
    found = emulsion(
        drug=said.drug or "",
        dose_mg=ask.dose_mg,
        dose_mg_per_m2=ask.dose_mg_per_m2,
        body_surface_m2=person.body_surface_m2,
        bilirubin_mg_per_dl=person.bilirubin_mg_per_dl,
        child_pugh_class=person.child_pugh_class,
        reduction_rule=said.dose_reduction or ReductionRule.US_LABEL,
        oil_ml=said.oil_ml,
        aqueous_ml=said.aqueous_ml,
        oil_to_aqueous=said.oil_to_aqueous,
        drug_concentration_mg_per_ml=said.solution_mg_per_ml,
        aqueous_phase=said.diluent,
        age_years=person.age_years,
        protocol=ask.protocol,
        particles_after=None if after is None else after.product,
        particles_after_um=None if after is None else (after.chosen.min_um, after.chosen.max_um),
        mixed_with=said.mixed_with,
        territory_tumour_ml=ask.shares,
        catalog=ask.catalog,
    )
    findings = (*found.findings, *(() if after is None else after.findings))
    return Made(
        drug=found.drug,
        product=None if after is None else after.product,
        dose=found.dose,
        drug_mg=found.drug_mg,
        by_territory_mg={part.territory: part.drug_mg for part in found.territories},
        emulsion=found,
        particles=after,
        findings=findings,
        to_acknowledge=to_acknowledge(findings),
        figures=(
            *emulsion_figures(found.dose, person.age_years, ask.catalog),
            tace_numbers(ask.catalog).sourced("emulsion.injection"),
            *(() if after is None else figures_of(after, ask.catalog)),
        ),
        entered=tuple(key for key in ENTERED if getattr(said, key) is not None),
    )


def _particles(ask: SessionAsk) -> ParticleChoice | None:
    """The particles after the oil; None where the case names no product. Drug-eluting beads are refused."""
    product = ask.loading.product
    if product is None:
        return None
    refuse_beads_with_oil(product, tace_numbers(ask.catalog), ask.catalog)
    target = ask.loading.target_um or grade_in_name(product, ask.catalog)
    return choose_particles(ask, ArmTechnique.CTACE, target=target)


def _suspend(ask: SessionAsk) -> Made:
    said, person = ask.loading, ask.person
    given = [("oil", said.oil_ml), ("aqueous", said.aqueous_ml), ("oil_to_aqueous", said.oil_to_aqueous)]
    wrong = [name for name, value in given if value is not None]
    if wrong:
        raise InputError(
            f"loading.{wrong[0]}: found with {SUSPENDED}, which comes with its own oil vehicle; leave it out"
        )
    dose = drug_dose(
        drug=said.drug or "",
        dose_mg=ask.dose_mg,
        dose_mg_per_m2=ask.dose_mg_per_m2,
        body_surface_m2=person.body_surface_m2,
        catalog=ask.catalog,
    )
    found = oil_suspension(
        drug=dose.drug, dose_mg=dose.dose_mg, age_years=person.age_years, catalog=ask.catalog
    )
    after = _particles(ask)
    findings = (*dose.findings, *found.findings, *(() if after is None else after.findings))
    return Made(
        drug=found.drug,
        product=None if after is None else after.product,
        dose=dose,
        drug_mg=found.dose_mg,
        by_territory_mg={name: float(share) * found.dose_mg for name, share in ask.shares.items()},
        suspension=found,
        particles=after,
        findings=findings,
        to_acknowledge=to_acknowledge(findings),
        figures=(
            *suspension_figures(dose.drug, person.age_years, ask.catalog),
            *(() if after is None else figures_of(after, ask.catalog)),
        ),
    )


CTACE = Technique(ArmTechnique.CTACE, emulsify)
