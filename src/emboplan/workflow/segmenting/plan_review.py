"""Who drew the contours that a plan is made on: masks that an earlier result holds keep its review.

A case names masks by their files. Where these are files of a result of `emboplan segment`, and their voxels
are still those that were written, the plan says who drew them, in which version and under which licence, and
what was corrected. Whether they are confirmed is for the case to say.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from emboplan.errors import InputError
from emboplan.imaging.fingerprint import voxels_sha256
from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.case import ImageSources
from emboplan.segmentation.backends import BUILTIN, GIVEN, review_of
from emboplan.workflow.segmenting.earlier import RECORD, written


def with_review(anatomy: Anatomy, images: ImageSources) -> Anatomy:
    """The anatomy of a case with the review of its contours."""
    known = _of_earlier_result(anatomy, images)
    if known is None:
        liver, lesions = (BUILTIN if mask is None else GIVEN for mask in (images.liver, images.tumours))
        known = review_of(liver, lesions)
    reader = images.confirmed_by
    history = known.history if reader is None else (*known.history, f"confirmed by {reader}")
    return replace(anatomy, review=replace(known, confirmed_by=reader, history=history))


def _of_earlier_result(anatomy: Anatomy, images: ImageSources) -> Review | None:
    """The review of the result folder that both masks lie in; None where they do not, or were edited."""
    if images.liver is None or images.tumours is None:
        return None
    folders = {_folder_of(source.path) for source in (images.liver, images.tumours)}
    folder = folders.pop()
    if folder is None or folders:
        return None
    try:
        digests, review, _ = written(folder)
    except InputError:
        return None
    grid = anatomy.grid
    same = digests.get("liver") == voxels_sha256(anatomy.liver.voxels, grid) and digests.get(
        "lesions"
    ) == voxels_sha256(anatomy.lesions.labels, grid)
    return review if same else None


def _folder_of(path: Path) -> Path | None:
    """The result folder that a mask file lies in, or in whose ``masks/`` or ``dicom/`` it lies."""
    for folder in (path.parent, path.parent.parent):
        if (folder / RECORD).is_file():
            return folder
    return None
