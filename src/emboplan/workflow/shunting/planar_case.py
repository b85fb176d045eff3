"""The planar views of a case: their shunt beside the SPECT's, or a finding that says why there is none."""

from __future__ import annotations

from emboplan.catalog.load import Catalog
from emboplan.dicom.index import index_folder
from emboplan.errors import InputError
from emboplan.model.anatomy import Anatomy
from emboplan.model.case import ImageSources
from emboplan.model.finding import Finding, Severity
from emboplan.model.results.shunt import ShuntEstimate
from emboplan.workflow.shunting.planar_scan import PlanarRequest, measured_planar, planar_series_of
from emboplan.workflow.shunting.shunt import ct_contours


def planar_shunts(
    images: ImageSources, anatomy: Anatomy, catalog: Catalog
) -> tuple[tuple[ShuntEstimate, ...], tuple[Finding, ...]]:
    """The estimates by geometric mean and anterior view; empty where the case names no planar views.

    Raises:
        InputError: the views that the case names cannot be read, or are none.
    """
    if images.planar is None:
        return (), ()
    series = planar_series_of(index_folder(images.planar))
    if series is None:
        raise InputError(f"{images.planar.name} holds no planar views; give the folder of the planar scan")
    try:
        found = measured_planar(
            series, ct_contours(anatomy), PlanarRequest(regions=images.planar_regions), catalog
        )
    except InputError as error:
        text = f"No lung shunt is measured on the planar views: {error}."
        return (), (Finding("shunt-not-measured", Severity.WARNING, text),)
    notes = [finding for estimate in found.estimates for finding in estimate.findings]
    return found.estimates, tuple(dict.fromkeys(notes))
