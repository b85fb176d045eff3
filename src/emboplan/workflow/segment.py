"""Segmentation of a CT: the contours of a case, found or given, and who vouches for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emboplan.dicom.read.common import SeriesHeader
from emboplan.model.anatomy import Anatomy
from emboplan.model.finding import Finding
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.builtin import segment_ct
from emboplan.workflow.inputs import load_ct, load_lesions, load_mask, parse_mask_source

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """Contours on a CT, what a DICOM object needs to refer to that CT, and what the reader noticed."""

    anatomy: Anatomy
    source: SeriesHeader | None
    findings: tuple[Finding, ...]


def segment(
    ct: CtImage,
    *,
    liver: Mask | None = None,
    lesions: LabelMap | None = None,
    confirmed_by: str | None = None,
    progress: Progress | None = None,
) -> Anatomy:
    """Liver (tumours included), numbered lesions and lungs on a contrast CT; given masks stay as they are.

    The result is provisional until `confirmed_by` names a reader.

    Raises:
        SegmentationError: no liver can be found in the image.
        GeometryError: a given mask lies on another grid.
    """
    return segment_ct(ct, liver=liver, lesions=lesions, confirmed_by=confirmed_by, progress=progress)


def segment_series(
    path: Path,
    *,
    liver: str | None = None,
    tumours: str | None = None,
    series_uid: str | None = None,
    confirmed_by: str | None = None,
    progress: Progress | None = None,
) -> Segmented:
    """The contours of the CT at a path; masks are given as ``FILE`` or ``FILE#LABEL``."""
    loaded = load_ct(path, series_uid, progress)
    grid = loaded.image.grid
    given_liver = None if liver is None else load_mask(parse_mask_source(liver), grid)
    given_lesions = None if tumours is None else load_lesions(parse_mask_source(tumours), grid)
    anatomy = segment(
        loaded.image, liver=given_liver, lesions=given_lesions, confirmed_by=confirmed_by, progress=progress
    )
    return Segmented(anatomy, loaded.header, loaded.findings + anatomy.findings)
