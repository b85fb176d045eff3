"""The built-in segmentation: body, lungs, liver and lesions of one CT as an `Anatomy`.

Masks that are given are taken and the rest is found. What is said about the contours (cut lungs, a lesion
that was clipped, a liver on the wrong side) is recorded as findings and printed with the plan.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.body import find_body, on_native_grid
from emboplan.segmentation.liver import find_liver, liver_on_native_grid
from emboplan.segmentation.lungs import find_lungs, lungs_from
from emboplan.segmentation.plausible import findings_about
from emboplan.segmentation.tumour import tumours_in
from emboplan.segmentation.working import working_image
from emboplan.units import PERCENT

Progress = Callable[[str, float], None]

# Given lesions that lie outside a given liver by no more than this part of their volume are clipped; beyond
# it the two masks contradict each other, and `Anatomy` refuses them.
CLIPPED_FRAC = 0.10


def segment_ct(
    ct: CtImage,
    *,
    liver: Mask | None = None,
    lesions: LabelMap | None = None,
    confirmed_by: str | None = None,
    progress: Progress | None = None,
) -> Anatomy:
    """Liver, lesions, lungs and body of `ct`; `liver` and `lesions` are taken as they are where given.

    Given lesions that stick out of a liver that was found are added to it: the reader drew tumour where the
    program did not see liver. Given lesions that stick out of a given liver by a little are clipped, with a
    finding. Raises `SegmentationError` when no liver can be found, `GeometryError` when a given mask lies on
    another grid, `MaskError` when given masks contradict each other.
    """
    for name, given in (("liver", liver), ("lesions", lesions)):
        if given is not None:
            ct.grid.require_same(given.grid, f"CT and given {name}")
    tell = progress or _silent
    findings: list[Finding] = []

    tell("body", 0.0)
    work = working_image(ct)
    body = find_body(work)
    tell("lungs", 0.15)
    aerated = find_lungs(work, body)
    lungs = lungs_from(ct, work, aerated)
    findings.extend(lungs.findings)

    tell("liver", 0.3)
    if liver is None:
        found = find_liver(work, body, aerated)
        organ, whole = found.region, liver_on_native_grid(ct, work, found)
    else:
        whole, organ = liver.voxels, work.down(liver.voxels)
    if organ.any():
        findings.extend(findings_about(work, organ))
    tell("lesions", 0.8)
    if lesions is not None:
        whole, numbered, more = _reconciled(whole, lesions, liver_given=liver is not None)
        findings.extend(more)
    else:
        numbered = tumours_in(ct, work, whole)
    tell("done", 1.0)
    return Anatomy(
        ct=ct,
        liver=Mask(ct.grid, whole),
        lesions=numbered,
        review=Review(backend=_backend(liver, lesions), confirmed_by=confirmed_by),
        lungs=lungs.mask,
        body=Mask(ct.grid, on_native_grid(work, body)),
        lungs_complete=lungs.complete,
        findings=tuple(findings),
    )


def _silent(stage: str, done: float) -> None:
    """Progress that nobody asked for."""
    del stage, done


def _backend(liver: Mask | None, lesions: LabelMap | None) -> str:
    if liver is None and lesions is None:
        return "builtin"
    return "given" if liver is not None and lesions is not None else "builtin+given"


def _reconciled(
    whole: NDArray[np.bool_], lesions: LabelMap, *, liver_given: bool
) -> tuple[NDArray[np.bool_], LabelMap, tuple[Finding, ...]]:
    """Liver and given lesions made to agree, and what was done."""
    outside = (lesions.labels > 0) & ~whole
    stray = int(np.count_nonzero(outside))
    if stray == 0:
        return whole, lesions, ()
    stray_ml = stray * lesions.grid.voxel_ml
    if not liver_given:
        text = f"{stray_ml:.1f} mL of the given lesions lay outside the liver that was found; added to it."
        return (
            whole | outside,
            lesions,
            (Finding("segmentation.lesions-added-to-liver", Severity.INFO, text),),
        )
    frac = stray / int(np.count_nonzero(lesions.labels))
    if frac > CLIPPED_FRAC:
        return whole, lesions, ()
    text = (
        f"{stray_ml:.1f} mL ({PERCENT * frac:.1f} %) of the given lesions lay outside the given liver; "
        "they were clipped to it."
    )
    clipped = LabelMap(lesions.grid, np.where(outside, np.uint16(0), lesions.labels))
    return whole, clipped, (Finding("segmentation.lesions-clipped", Severity.WARNING, text),)
