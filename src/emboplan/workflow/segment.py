"""Segmentation of a CT: the contours of a case, found or given, and who vouches for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from emboplan.catalog.load import Catalog
from emboplan.dicom.read.common import SeriesHeader
from emboplan.errors import InputError
from emboplan.measure.burden import measure_burden
from emboplan.measure.lesions import number_lesions
from emboplan.model.anatomy import Anatomy
from emboplan.model.finding import Finding
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.model.results.burden import Burden
from emboplan.segmentation.builtin import segment_ct
from emboplan.workflow.inputs import load_ct, load_lesions, load_mask, parse_mask_source

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """Contours on a CT, what a DICOM object needs to refer to that CT, and what was noticed on reading it."""

    anatomy: Anatomy
    source: SeriesHeader | None
    findings: tuple[Finding, ...]


def segment(
    ct: CtImage,
    *,
    liver: Mask | None = None,
    lesions: LabelMap | Mask | None = None,
    confirmed_by: str | None = None,
    progress: Progress | None = None,
) -> Anatomy:
    """Liver (tumours included), numbered lesions and lungs on a contrast CT; given masks stay as they are.

    Lesions that are given as one mask are numbered, the largest first. The result is provisional until
    `confirmed_by` names a reader.

    Raises:
        SegmentationError: no liver can be found in the image.
        GeometryError: a given mask lies on another grid.
        InputError: the reader's name is blank.
    """
    reader = None if confirmed_by is None else named_reader(confirmed_by)
    numbered = number_lesions(lesions) if isinstance(lesions, Mask) else lesions
    return segment_ct(ct, liver=liver, lesions=numbered, confirmed_by=reader, progress=progress)


def named_reader(name: str) -> str:
    """The name of the reader who confirms contours; `InputError` when it is blank."""
    if not name.strip():
        raise InputError("the name of the confirming reader is blank; give a name, or leave it out")
    return name.strip()


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
    return Segmented(anatomy, loaded.header, loaded.findings)


def measured_burden(segmented: Segmented, catalog: Catalog) -> Burden:
    """Volumes, burden and lesions of a segmented series, with what was noticed on reading it."""
    burden = measure_burden(segmented.anatomy, catalog=catalog)
    return replace(burden, findings=segmented.findings + burden.findings)
