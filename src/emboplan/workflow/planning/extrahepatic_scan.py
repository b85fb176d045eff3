"""Uptake outside liver and lungs on the MAA scan of a case, with the structures of its CT."""

from __future__ import annotations

from emboplan.dosimetry.uptake.extrahepatic import extrahepatic_uptake
from emboplan.errors import MaskError
from emboplan.imaging.resample import mask_occupancy
from emboplan.model.anatomy import Anatomy
from emboplan.model.finding import Finding, Severity
from emboplan.model.mask import Mask
from emboplan.model.results.extrahepatic import ExtrahepaticUptake
from emboplan.workflow.planning.uptake import ScanRegions


def measured_extrahepatic(
    regions: ScanRegions | None, anatomy: Anatomy, *, other_organs: Mask | None = None
) -> tuple[ExtrahepaticUptake | None, tuple[Finding, ...]]:
    """The uptake outside the liver where the CT shows the body; None, and a finding, where none is sought.

    The result carries its own findings; those beside it say why there is no result.
    """
    if regions is None:
        return None, ()
    if anatomy.body is None or anatomy.body.is_empty:
        text = "The outline of the body is not known: uptake outside the liver was not searched for."
        return None, (Finding("extrahepatic-not-searched", Severity.WARNING, text),)
    grid = regions.scan.grid
    has_lungs = regions.lungs is not None and bool(regions.lungs.any())
    normal = mask_occupancy(anatomy.normal_liver, grid)
    try:
        found = extrahepatic_uptake(
            regions.scan,
            regions.liver,
            mask_occupancy(anatomy.body, grid),
            lungs=regions.lungs if has_lungs else None,
            normal_liver=normal if normal.any() else None,
            other_organs=None if other_organs is None else mask_occupancy(other_organs, grid),
        )
    except MaskError as error:
        text = f"Uptake outside the liver was not searched for: {error}."
        return None, (Finding("extrahepatic-not-searched", Severity.WARNING, text),)
    return found, ()
