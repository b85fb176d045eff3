"""The loading of beads for a patient: the loading itself, and what the label says of the drug at this liver.

The dose is not reduced here: no source carries the reduction by bilirubin over to beads, so that it is a
warning to acknowledge. What the label says not to give is refused. A liver that is not known is an open item.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from emboplan.catalog.load import Catalog
from emboplan.embolics.acknowledgement import to_acknowledge
from emboplan.embolics.amounts import Number
from emboplan.embolics.bead_loading.bead_dose import bead_dose
from emboplan.embolics.bead_loading.beads import BeadRequest, load_session, require_names
from emboplan.embolics.figures import reduction_figures
from emboplan.model.results.loading import Loading


@dataclass(frozen=True, slots=True)
class LiverFunction:
    """What is known of the liver: total bilirubin (mg/dL) and Child-Pugh class; None where it is not."""

    bilirubin_mg_per_dl: Number | None = None
    child_pugh_class: str | None = None


def load_for_liver(request: BeadRequest, liver: LiverFunction, catalog: Catalog) -> Loading:
    """The loading of one session, as `load_session`, with the findings of the dose in this patient.

    Raises:
        ModelRangeError: doxorubicin at a bilirubin or Child-Pugh class that its label excludes.
        InputError: as `load_session`.
    """
    require_names(request)
    dose = bead_dose(
        drug=request.drug,
        dose_mg=request.dose_mg,
        bilirubin_mg_per_dl=liver.bilirubin_mg_per_dl,
        child_pugh_class=liver.child_pugh_class,
        catalog=catalog,
    )
    asked = to_acknowledge(dose.findings)
    others = tuple(key for key in request.acknowledged if key not in asked)
    loading = load_session(replace(request, acknowledged=others), catalog)
    figures = {figure.name: figure for figure in (*loading.figures, *reduction_figures(dose, catalog))}
    keys = dict.fromkeys(key for figure in figures.values() for key in figure.source)
    return replace(
        loading,
        findings=(*dose.findings, *loading.findings),
        to_acknowledge=(
            *(key for key in asked if key not in request.acknowledged),
            *loading.to_acknowledge,
        ),
        figures=tuple(figures.values()),
        sources=tuple(f"{key}: {catalog.sources[key]}" for key in keys),
    )
