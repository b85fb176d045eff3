"""Particles: size, end point and expected volume of one session, alone or after an emulsion."""

from __future__ import annotations

from emboplan.catalog.embolics import find_embolic
from emboplan.catalog.load import Catalog
from emboplan.embolics.amounts import positive
from emboplan.embolics.figures import particle_figures
from emboplan.embolics.particles import particles
from emboplan.errors import CatalogError, InputError
from emboplan.model.arm import ArmTechnique
from emboplan.model.loading_request import Range
from emboplan.model.products import Sourced
from emboplan.model.results.particles import ParticleChoice, ParticleGrade, ShuntRisk
from emboplan.workflow.embolizing.ask import Made, SessionAsk, Technique

DEFAULT_END_POINT = "stasis"


def embolize(ask: SessionAsk) -> Made:
    """The particles of one session.

    Raises:
        InputError: what `particles` refuses.
    """
    product = ask.loading.product or ""
    target = ask.loading.target_um
    if target is None and ask.protocol is None:
        target = grade_in_name(product, ask.catalog)
    choice = choose_particles(ask, ArmTechnique.BLAND, target=target)
    return Made(
        product=choice.product,
        particles=choice,
        findings=choice.findings,
        figures=figures_of(choice, ask.catalog),
    )


def figures_of(choice: ParticleChoice, catalog: Catalog) -> tuple[Sourced, ...]:
    """What the particles rest on, with what a vial of dry ones holds."""
    found = particle_figures(choice, catalog)
    try:
        dry = find_embolic(catalog, choice.product)[0].facts.find("vial.dry")
    except CatalogError:  # a product of the user's own
        return found
    return found if dry is None else (*found, dry)


def grade_in_name(product: str, catalog: Catalog) -> Range | None:
    """The grade that a product's name ends with, such as ``Bearing 150-250``; None where there is none."""
    try:
        embolic, size = find_embolic(catalog, product)
    except CatalogError:  # a product of the user's own, with its own grades
        return None
    return None if size is None else embolic.sizes.get(size)


def choose_particles(ask: SessionAsk, technique: ArmTechnique, *, target: Range | None) -> ParticleChoice:
    """The particles of a session by the case's words, the wanted sizes being `target` or the arm's."""
    said = ask.loading
    if target is None and ask.protocol is None:
        raise InputError(
            'loading.target_size: not found; give the wanted sizes such as "100-300 um", a product with its '
            "size, or a protocol whose arm states them"
        )
    grades = tuple(ParticleGrade(low, high) for low, high in said.grades_um)
    vials = None if said.vials is None else (said.vials, said.vials)
    share = said.spheres_ml_per_100_ml_tumour
    tumour = positive(ask.tumour_ml, "tumour_ml") if share is not None else None
    return particles(
        product=_known_name(said.product or "", grades, ask.catalog),
        grades=grades or None,
        target_um=target,
        protocol=ask.protocol,
        technique=technique.value,
        shunt=said.shunt or ShuntRisk.UNKNOWN,
        catheter_inner_diameter_in=ask.catheter_in,
        end_point=said.end_point or DEFAULT_END_POINT,
        heart_rate_per_min=said.heart_rate_per_min,
        vials=vials,
        tumour_ml=tumour,
        spheres_ml_per_100_ml_tumour=share,
        catalog=ask.catalog,
    )


def _known_name(product: str, grades: tuple[ParticleGrade, ...], catalog: Catalog) -> str:
    """A product as the catalogue writes it where the grades are the user's own."""
    try:
        return find_embolic(catalog, product)[0].name if grades else product
    except CatalogError:  # a product of the user's own
        return product


BLAND = Technique(ArmTechnique.BLAND, embolize)
