"""An absorbed dose as an RT dose that treatment planning systems and viewers open over the CT.

The dose stands in the frame of reference of the image it was computed on, in Gy, on its own grid, oblique
or not. Stored numbers have 16 bits, so that a voxel is off by half of 1/65535 of the highest dose at most.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import RTDoseStorage

from emboplan.dicom.read.common import SeriesHeader
from emboplan.dicom.write.encode import (
    add_frame_of_reference,
    add_pixel_layout,
    content_digest,
    decimal,
    decimals,
    image_orientation,
    image_position,
    new_object,
    pixel_spacing,
    save,
    scale_to_uint16,
)
from emboplan.dicom.write.identity import NewSeries, StudyIdentity
from emboplan.dicom.write.rtplan import PlanReference
from emboplan.errors import DicomError, GeometryError
from emboplan.model.grid import Grid
from emboplan.model.image import DoseMap

BITS = 16
COMMENT_LENGTH = 64  # DICOM PS3.5 section 6.2, value representation LO
GRID_FRAME_OFFSET_VECTOR = Tag("GridFrameOffsetVector")


def write_rtdose(
    dose: DoseMap,
    path: Path,
    source: SeriesHeader | None,
    series: NewSeries,
    *,
    plan: PlanReference,
    identity: StudyIdentity | None = None,
) -> Path:
    """Write a physical dose in Gy, summed over the plan.

    `source` is the image that the dose was computed on, None where it was no DICOM series; the dose joins
    its study (unless `identity` says otherwise) and its frame of reference.

    Raises:
        DicomError: there is no DICOM source, or it has no frame of reference: the dose would hang in the air.
        GeometryError: the dose grid belongs to another frame of reference than the source.
        OutputError: the file cannot be written.
    """
    if source is None:
        raise DicomError(
            "the image was not a DICOM series, so a dose object has no study to join; "
            "give the CT as DICOM, or use the dose as NIfTI"
        )
    frame_uid = _shared_frame(dose.grid, source)
    stored, step_gy = scale_to_uint16(dose.gy, keep_whole=False)
    frames, rows, columns = dose.grid.shape
    digest = content_digest(stored) + decimal(step_gy) + repr(dose.grid.index_to_mm.tolist())
    dataset = new_object(RTDoseStorage, "RTDOSE", identity or StudyIdentity.of(source), series, digest)
    dataset.OperatorsName = ""
    add_frame_of_reference(dataset, frame_uid)
    add_pixel_layout(dataset, rows, columns, bits=BITS)
    _add_geometry(dataset, dose.grid)
    dataset.NumberOfFrames = str(frames)
    dataset.FrameIncrementPointer = GRID_FRAME_OFFSET_VECTOR
    dataset.DoseUnits = "GY"
    dataset.DoseType = "PHYSICAL"
    dataset.DoseSummationType = "PLAN"
    dataset.DoseComment = dose.method[:COMMENT_LENGTH]
    dataset.DoseGridScaling = decimal(step_gy)
    dataset.ReferencedRTPlanSequence = [_plan_item(plan)]
    dataset.PixelData = stored.tobytes()
    return save(dataset, path)


def _shared_frame(grid: Grid, source: SeriesHeader) -> str:
    if not source.frame_of_reference_uid:
        raise DicomError(
            "the image has no frame of reference, so a dose object could not be placed on it; "
            "give the CT as a DICOM series, or use the dose as NIfTI"
        )
    if grid.frame_of_reference_uid not in (None, "", source.frame_of_reference_uid):
        raise GeometryError(
            "the dose grid and the image belong to different frames of reference; "
            "register or resample the dose to the image first"
        )
    return source.frame_of_reference_uid


def _add_geometry(dataset: Dataset, grid: Grid) -> None:
    spacing_mm = grid.spacing_mm[2]
    dataset.ImagePositionPatient = image_position(grid)
    dataset.ImageOrientationPatient = image_orientation(grid)
    dataset.PixelSpacing = pixel_spacing(grid)
    dataset.SliceThickness = decimal(spacing_mm)
    dataset.GridFrameOffsetVector = decimals(np.arange(grid.shape[0]) * spacing_mm)


def _plan_item(plan: PlanReference) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = plan.sop_class_uid
    item.ReferencedSOPInstanceUID = plan.sop_instance_uid
    return item
