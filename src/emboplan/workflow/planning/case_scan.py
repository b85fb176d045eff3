"""The SPECT of a case on its CT: as it lies in one frame of reference, else registered where the case asks.

A result that is not accepted is shown and not used. Without a wish to register nothing happens here; whether
the scan may be used as it lies is asked where its regions are made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from emboplan.catalog.load import Catalog
from emboplan.errors import ModelRangeError
from emboplan.model.anatomy import Anatomy
from emboplan.model.case import ImageSources
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import CountImage
from emboplan.workflow.inputs import load_ct
from emboplan.workflow.registering.laid_scan import (
    LaidScan,
    LayingWish,
    in_frame_finding,
    lay_scan,
    share_frame,
)

Progress = Callable[[str, float], None]

NAME = "SPECT"


@dataclass(frozen=True, slots=True, eq=False)
class CaseScan:
    """The scan as it may be used on the CT, None where it may not; `laid` where it was registered."""

    scan: CountImage | None
    laid: LaidScan | None = None
    findings: tuple[Finding, ...] = ()


def scan_on_ct(
    scan: CountImage | None,
    images: ImageSources,
    anatomy: Anatomy,
    catalog: Catalog,
    progress: Progress | None = None,
) -> CaseScan:
    """The SPECT of a case, registered to its CT where the case asks and the frames of reference differ.

    Raises:
        InputError: its resolution is not known, or its own CT cannot be used.
    """
    if scan is None or images.register is None:
        return CaseScan(scan)
    if share_frame(anatomy.grid, scan.grid):
        return CaseScan(scan, None, (in_frame_finding(NAME),))
    wish = LayingWish(
        images.register,
        images.accept_shift_mm,
        images.maa_ct,
        asked_in="accept_shift of the case",
        resolution_key="maa_resolution under [images]",
    )
    wish.require_sense()
    own = None if wish.own_ct is None else load_ct(wish.own_ct, None, progress).image
    try:
        laid = lay_scan(scan, anatomy.ct, anatomy.liver, wish, own_ct=own, catalog=catalog)
    except ModelRangeError as error:
        text = f"The {NAME} could not be registered: {error}. Nothing is measured on it."
        return CaseScan(None, None, (Finding("scan-registration-refused", Severity.WARNING, text),))
    if not laid.accepted:
        return CaseScan(None, laid, laid.findings(NAME))
    return CaseScan(replace(scan, grid=laid.placed(scan.grid)), laid, laid.findings(NAME))


def usable_on(anatomy: Anatomy, scan: CountImage | None) -> CountImage | None:
    """The scan where its frame of reference does not speak against the CT's; None else."""
    if scan is None:
        return None
    frames = (anatomy.grid.frame_of_reference_uid, scan.grid.frame_of_reference_uid)
    return None if all(frames) and frames[0] != frames[1] else scan
