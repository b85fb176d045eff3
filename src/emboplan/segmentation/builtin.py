"""The built-in segmentation: body, lungs, liver and lesions of one CT as an `Anatomy`.

Masks that are given are taken and the rest is found. What is said about the contours (cut lungs, a lesion
that was clipped, a liver on the wrong side) is recorded as findings and printed with the plan.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.finding import Finding
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.body import find_body, on_native_grid
from emboplan.segmentation.evenness import uneven_liver
from emboplan.segmentation.given_masks import backend_of, reconciled, silent
from emboplan.segmentation.liver import find_liver, fine_image, liver_on_native_grid
from emboplan.segmentation.lungs import find_lungs, lungs_from
from emboplan.segmentation.phases import burden_likely_low
from emboplan.segmentation.plausible import (
    close_parenchyma,
    doubtful_neighbour,
    findings_about,
    small_liver,
    vast_lesion,
)
from emboplan.segmentation.tumour import tumours_in
from emboplan.segmentation.working import working_image

Progress = Callable[[str, float], None]


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
    tell = progress or silent
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
        fine = fine_image(ct)
        found = find_liver(work, fine, body, aerated)
        organ, whole = found.region, liver_on_native_grid(work, fine, found)
        findings.extend(small_liver(float(whole.sum()) * ct.grid.voxel_ml))
        findings.extend(doubtful_neighbour(found.doubtful_ml))
    else:
        whole, organ = liver.voxels, work.down(liver.voxels)
    if organ.any():
        findings.extend(findings_about(work, organ))
    tell("lesions", 0.8)
    if lesions is not None:
        whole, numbered, more = reconciled(whole, lesions, liver_given=liver is not None)
        findings.extend(more)
    else:
        searched = tumours_in(ct, work, whole)
        numbered = searched.lesions
        findings.extend(close_parenchyma(searched.close_hu))
        volumes = [float(np.count_nonzero(mask)) * ct.grid.voxel_ml for mask in (numbered.labels == 1, whole)]
        findings.extend(vast_lesion(*volumes))  # the first lesion is the largest
        findings.extend(uneven_liver(work, work.down(whole), work.down(numbered.labels > 0)))
        if numbered.numbers:
            findings.append(burden_likely_low())
    tell("done", 1.0)
    return Anatomy(
        image=ct,
        liver=Mask(ct.grid, whole),
        lesions=numbered,
        review=Review(backend=backend_of(liver, lesions), confirmed_by=confirmed_by),
        lungs=lungs.mask,
        body=Mask(ct.grid, on_native_grid(work, body)),
        lungs_complete=lungs.complete,
        findings=tuple(findings),
    )
