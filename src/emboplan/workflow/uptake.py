"""What the MAA scan says: lung shunt and tumour-to-normal ratio, measured on the counts' own grid.

The masks of the CT come to the grid of the counts as fractional occupancies; the counts are never resampled.
The scan is used only where it lies in the frame of reference of the CT: an unregistered scan measures
something else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.catalog.load import Catalog
from emboplan.dosimetry.lung_shunt import spect_ct
from emboplan.dosimetry.tumour_uptake import tumour_to_normal
from emboplan.errors import MaskError, ModelRangeError
from emboplan.imaging.resample import mask_occupancy
from emboplan.model.anatomy import Anatomy
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import CountImage
from emboplan.model.results.shunt import ShuntEstimate
from emboplan.model.results.uptake import TumourToNormal
from emboplan.workflow.territories import TreatedVolume

Share = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ScanRegions:
    """A scan and the structures of the CT as shares of its voxels."""

    scan: CountImage
    liver: Share
    lungs: Share | None


def scan_regions(anatomy: Anatomy, scan: CountImage | None) -> tuple[ScanRegions | None, tuple[Finding, ...]]:
    """The structures on the scan's grid; None, and a finding, where the scan cannot be used."""
    if scan is None:
        return None, ()
    frames = (anatomy.grid.frame_of_reference_uid, scan.grid.frame_of_reference_uid)
    findings: tuple[Finding, ...] = ()
    if all(frames) and frames[0] != frames[1]:
        text = (
            "SPECT and CT do not share a frame of reference: nothing is measured on the SPECT. "
            "Register it to the CT first, or use the CT of the SPECT/CT."
        )
        return None, (Finding("spect-not-registered", Severity.WARNING, text),)
    if not all(frames):
        text = "SPECT or CT states no frame of reference: they are taken as aligned, look at the pictures."
        findings = (Finding("spect-alignment-unknown", Severity.WARNING, text),)
    liver = mask_occupancy(anatomy.liver, scan.grid)
    if not liver.any():
        raise MaskError("the SPECT does not show the liver of the CT; check that both are of one patient")
    lungs = None if anatomy.lungs is None else mask_occupancy(anatomy.lungs, scan.grid)
    return ScanRegions(scan, liver, lungs), findings


def measured_shunt(
    regions: ScanRegions | None, *, lungs_complete: bool, catalog: Catalog
) -> tuple[ShuntEstimate | None, tuple[Finding, ...]]:
    """The lung shunt of the scan; None, and a finding, where the lungs are not seen whole."""
    if regions is None:
        return None, ()
    if regions.lungs is None or not regions.lungs.any() or not lungs_complete:
        text = "The CT does not show the whole lungs: no lung shunt is measured; enter lung_shunt_frac."
        return None, (Finding("shunt-not-measured", Severity.WARNING, text),)
    try:
        return spect_ct(regions.scan, regions.lungs, regions.liver, catalog=catalog), ()
    except (MaskError, ModelRangeError) as error:
        return None, (
            Finding("shunt-not-measured", Severity.WARNING, f"No lung shunt is measured: {error}."),
        )


def measured_ratio(
    regions: ScanRegions | None, volume: TreatedVolume
) -> tuple[TumourToNormal | None, tuple[Finding, ...]]:
    """The tumour-to-normal ratio of a territory on the scan; None, and a finding, where it cannot be had."""
    if regions is None or not volume.labels:
        return None, ()
    grid = regions.scan.grid
    lesions = {label: mask_occupancy(volume.lesions.mask(label), grid) for label in volume.labels}
    try:
        return tumour_to_normal(regions.scan, lesions, mask_occupancy(volume.normal, grid)), ()
    except (MaskError, ModelRangeError) as error:
        text = f"No tumour-to-normal ratio is measured in {volume.name}: {error}."
        return None, (Finding("uptake-not-measured", Severity.WARNING, text),)
