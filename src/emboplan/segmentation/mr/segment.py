"""Segmentation of one MR: body, liver and lesions, with the interface of the CT's.

Masks that are given are taken and the rest is found. What weakens the contours (a sequence that had to be
guessed, thick slices, a cut liver) is recorded as findings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import SegmentationError
from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.finding import Finding
from emboplan.model.image import MrImage
from emboplan.model.mask import Box, LabelMap, Mask, bounding_box
from emboplan.segmentation.given_masks import backend_of, reconciled, silent
from emboplan.segmentation.lesion_rim import with_rims
from emboplan.segmentation.lesion_surface import by_volume, tumours_on_native_grid
from emboplan.segmentation.mr.body import find_mr_body
from emboplan.segmentation.mr.findings import findings_about, lesion_findings, require_head_up
from emboplan.segmentation.mr.lesions import find_mr_lesions, without_folds
from emboplan.segmentation.mr.level import Leveled, leveled, leveled_in
from emboplan.segmentation.mr.liver import find_mr_liver
from emboplan.segmentation.mr.region import local_level
from emboplan.segmentation.mr.working import mr_working_image, shading, unshaded
from emboplan.segmentation.working import Bools, Floats, WorkingImage
from emboplan.units import PERCENT

Progress = Callable[[str, float], None]
Kind = TypeVar("Kind", bound=np.generic)

# Air that is left around the body.
AIR_VOXELS = 3

# Smoothing that turns the working mask into a level function for the native grid.
LEVEL_SIGMA_MM = 1.0


def segment_mr(
    mr: MrImage,
    *,
    liver: Mask | None = None,
    lesions: LabelMap | None = None,
    confirmed_by: str | None = None,
    progress: Progress | None = None,
) -> Anatomy:
    """Liver, lesions and body of `mr`; `liver` and `lesions` are taken as they are where given.

    T1 after contrast and T2 are known; where `mr` does not tell which it is, the sequence is guessed from the
    image, with a finding. Raises `SegmentationError` when the image is no MR of a trunk or no liver can be
    found, `GeometryError` when a given mask lies on another grid, `MaskError` when given masks contradict
    each other.
    """
    for name, given in (("liver", liver), ("lesions", lesions)):
        if given is not None:
            mr.grid.require_same(given.grid, f"MR and given {name}")
    tell = progress or silent
    tell("body", 0.0)
    work = mr_working_image(mr)
    body, solid = find_mr_body(work)
    tell("liver", 0.2)
    work = unshaded(work, shading(work, solid))
    findings: list[Finding] = []
    # Half of an MR is air: what follows sees the body alone.
    box = bounding_box(body, margin=AIR_VOXELS) or (slice(None), slice(None), slice(None))
    part, trunk, giving = work.cropped(box), body[box], solid[box]
    if liver is None:
        image = leveled(part, trunk, giving, mr.sequence)
        organ, level = find_mr_liver(image, giving)
        require_head_up(image, trunk, giving, organ)
        whole = _on_native_grid(work, _put_back(organ, box, body.shape))
    else:
        whole = np.array(liver.voxels)
        organ = work.down(whole)[box]
        if not organ.any():
            raise SegmentationError("the given liver mask is empty, or lies outside the body on the MR")
        image = leveled_in(part, organ, trunk, mr.sequence)
        level = local_level(image, organ, np.full(organ.shape, PERCENT, np.float32))
    findings.extend(findings_about(image, _put_back(organ, box, body.shape), mr.sequence))
    tell("lesions", 0.7)
    if lesions is None:
        numbered = _lesions(mr, work, image, box, whole, level)
        if liver is None:
            findings.extend(lesion_findings(image, organ, work.down(numbered.labels > 0)[box]))
    else:
        whole, numbered, more = reconciled(whole, lesions, liver_given=liver is not None)
        findings.extend(more)
    tell("done", 1.0)
    return Anatomy(
        image=mr,
        liver=Mask(mr.grid, whole),
        lesions=numbered,
        review=Review(backend=backend_of(liver, lesions), confirmed_by=confirmed_by),
        body=Mask(mr.grid, _on_native_grid(work, body)),
        findings=tuple(findings),
    )


def _on_native_grid(work: WorkingImage, found: Bools) -> Bools:
    box = bounding_box(found, margin=4)
    if box is None:
        return np.zeros(work.native_shape, np.bool_)
    level = work.smooth(found.astype(np.float32), LEVEL_SIGMA_MM) - np.float32(0.5)
    return work.native_mask(level, box)


def _put_back(found: NDArray[Kind], box: Box, shape: tuple[int, ...]) -> NDArray[Kind]:
    """What was found in a box, in the whole working image."""
    out = np.zeros(shape, found.dtype)
    out[box] = found
    return out


def _lesions(
    mr: MrImage, work: WorkingImage, image: Leveled, box: Box, whole: Bools, level: Floats
) -> LabelMap:
    """Lesions inside the liver on the MR's grid, numbered by descending volume."""
    to_percent = np.float32(PERCENT / image.level_signal)
    found = _put_back(find_mr_lesions(image, work.down(whole)[box], level), box, work.hu.shape)
    in_percent = replace(work, hu=np.asarray(work.hu * to_percent, np.float32))
    labels = tumours_on_native_grid(in_percent, found, whole)
    native = np.asarray(mr.signal * to_percent, np.float32)
    labels = without_folds(image, native, labels, mr.grid.voxel_ml)
    return LabelMap(mr.grid, by_volume(with_rims(native, labels, whole, mr.grid)))
