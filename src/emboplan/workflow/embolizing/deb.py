"""Drug-eluting beads: the loading of one session, with its vials by size and the dose in the patient."""

from __future__ import annotations

from dataclasses import replace

from emboplan.catalog.embolics import BEADS, compact, find_bead
from emboplan.catalog.load import Catalog
from emboplan.catalog.tace_tables import tace_numbers
from emboplan.embolics.acknowledgement import to_acknowledge
from emboplan.embolics.bead_loading.bead_dose import bead_dose
from emboplan.embolics.bead_loading.beads import BeadRequest, load_session
from emboplan.embolics.bead_loading.size_parts import open_sizes, size_parts
from emboplan.embolics.compatibility import refuse_material
from emboplan.embolics.figures import reduction_figures
from emboplan.model.arm import ArmTechnique
from emboplan.model.finding import Finding, Severity
from emboplan.model.loading_request import LoadingRequest
from emboplan.model.results.emulsion import DrugDose
from emboplan.model.results.loading import Loading
from emboplan.workflow.embolizing.ask import Made, SessionAsk, Technique

NO_REDUCTION = "none"
# What the angiography room goes by: when to stop, and what to do first about a shunt.
IN_THE_ROOM = ("end_point.near_stasis", "end_point.near_stasis_control_min", "particles.shunt")


def load_beads_of(ask: SessionAsk) -> Made:
    """The beads of one session.

    Raises:
        InputError: what `load_beads` refuses, a material that the drug does not bear, a dose that the label
            excludes, vials that do not add up.
    """
    said, person = ask.loading, ask.person
    numbers = tace_numbers(ask.catalog)
    if said.needle_material is not None:
        refuse_material(said.drug or "", said.needle_material, numbers)
    rule = None if said.dose_reduction == NO_REDUCTION else said.dose_reduction
    dose = bead_dose(
        drug=said.drug or "",
        dose_mg=ask.dose_mg,
        dose_mg_per_m2=ask.dose_mg_per_m2,
        body_surface_m2=person.body_surface_m2,
        bilirubin_mg_per_dl=person.bilirubin_mg_per_dl,
        child_pugh_class=person.child_pugh_class,
        rule=rule,
        catalog=ask.catalog,
    )
    loading = load_session(_request(ask, said, dose), ask.catalog)
    loading = _as_ordered(loading, said.product or "", ask.catalog)
    sizes = size_parts(loading, said.vials_per_size)
    return Made(
        drug=loading.drug,
        product=loading.product,
        dose=dose,
        drug_mg=loading.drug_mg,
        by_territory_mg={part.territory: part.drug_mg for part in loading.territories},
        sizes=sizes,
        loading=loading,
        findings=(*dose.findings, *loading.findings, *open_sizes(loading, sizes)),
        to_acknowledge=(*to_acknowledge(dose.findings), *loading.to_acknowledge),
        figures=(
            *loading.figures,
            *reduction_figures(dose, ask.catalog),
            *(numbers.sourced(name) for name in IN_THE_ROOM),
        ),
        entered=loading.entered,
    )


def _as_ordered(loading: Loading, ordered: str, catalog: Catalog) -> Loading:
    """The loading under the name that was ordered, where the catalogue knows the product by several."""
    table = catalog.group_table(BEADS)[find_bead(catalog, ordered)[0].key]
    names = [name.strip() for name in str(table.get("title", "")).split(";")]
    own = next((n for n in names if n and "/" not in n and _is_named(n, ordered)), loading.product)
    if own == loading.product or _is_named(loading.product, ordered):
        return loading
    text = f"Ordered as {own}; the figures are those that the catalogue has for {loading.product}."
    return replace(
        loading,
        product=own,
        steps=tuple(step.replace(loading.product, own) for step in loading.steps),
        findings=(*loading.findings, Finding("ordered-as", Severity.INFO, text)),
    )


def _is_named(name: str, ordered: str) -> bool:
    """Whether the order is this name, with or without a size after it."""
    rest = compact(ordered).removeprefix(compact(name))
    return rest != compact(ordered) and not rest.rstrip("um").strip("0123456789")


def _request(ask: SessionAsk, said: LoadingRequest, dose: DrugDose) -> BeadRequest:
    by_size = said.vials_per_size
    return BeadRequest(
        product=said.product or "",
        drug=dose.drug,
        dose_mg=dose.dose_mg,
        sizes=said.sizes or tuple(by_size) or None,
        vials=said.vials or (sum(by_size.values()) if by_size else None),
        beads_ml=said.beads_ml,
        vial_ml=said.vial_ml,
        loading_efficiency=said.loading_efficiency_frac,
        method=said.method,
        solution_ml=said.solution_ml,
        solution_mg_per_ml=said.solution_mg_per_ml,
        diluent=said.diluent,
        drug_vial_mg=said.drug_vial_mg,
        loading_min=said.loading_min,
        size_change_frac=said.size_change_frac,
        contrast_ml=said.contrast_ml,
        mixed_with=said.mixed_with,
        catheter_inner_um=said.catheter_inner_um,
        loaded_at=said.loaded_at if ask.first else None,
        territories=ask.shares,
    )


DEB = Technique(ArmTechnique.DEB_TACE, load_beads_of)
