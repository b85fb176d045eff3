"""From the checked table [loading] to a `LoadingRequest`."""

from __future__ import annotations

from types import MappingProxyType

from emboplan.model.loading_request import LoadingRequest
from emboplan.workflow.cases.loadingschema import LoadingTable


def loading_request(table: LoadingTable) -> LoadingRequest:
    """What a case says of an embolization."""
    return LoadingRequest(
        product=table.product,
        sizes=tuple(table.sizes),
        drug=table.drug,
        drug_dose=table.drug_dose,
        vials=table.vials,
        vials_per_size=MappingProxyType(dict(table.vials_per_size or {})),
        beads_ml=table.beads,
        vial_ml=table.vial,
        loading_efficiency_frac=table.loading_efficiency_frac,
        method=table.method,
        solution_ml=table.solution,
        solution_mg_per_ml=table.solution_mg_per_ml,
        diluent=table.diluent,
        drug_vial_mg=table.drug_vial,
        loading_min=table.loading_time,
        size_change_frac=table.size_change_frac,
        contrast_ml=table.contrast,
        mixed_with=table.mixed_with,
        catheter_inner_um=table.catheter_inner_diameter,
        loaded_at=table.loaded_at,
        dose_reduction=None if table.dose_reduction is None else str(table.dose_reduction),
        oil_ml=table.oil,
        aqueous_ml=table.aqueous,
        oil_to_aqueous=table.oil_to_aqueous,
        target_um=table.target_size,
        grades_um=tuple(table.grades),
        shunt=None if table.shunt is None else table.shunt.value,
        end_point=table.end_point,
        heart_rate_per_min=table.heart_rate_per_min,
        spheres_ml_per_100_ml_tumour=table.spheres_ml_per_100_ml_tumour,
        needle_material=table.needle_material,
        octreotide_plan=table.octreotide_plan,
        antibiotic_plan=table.antibiotic_plan,
        crisis_plan=table.crisis_plan,
        acknowledged=tuple(table.acknowledged),
        acknowledged_by=table.acknowledged_by,
        doxorubicin_equivalent=table.doxorubicin_equivalent,
    )
