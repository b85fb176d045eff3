"""Contours as a structure set (RTSTRUCT) over the CT that they were drawn on.

A contour runs along the faces of the voxels, so that it encloses exactly the area of the mask and nothing is
rounded. A hole is joined to the contour around it by a cut of no width (the keyhole of PS3.3 C.8.8.6), which
every reader of closed planar contours understands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import RTStructureSetStorage

from emboplan.dicom.read.common import SeriesHeader
from emboplan.dicom.write.encode import add_frame_of_reference, content_digest, new_object, save
from emboplan.dicom.write.identity import NewSeries, StudyIdentity, require_uid
from emboplan.dicom.write.outlines import outlines
from emboplan.errors import DicomError, GeometryError, MaskError
from emboplan.model.grid import Grid
from emboplan.model.mask import Mask

LABEL_LENGTH, NAME_LENGTH = 16, 64  # DICOM PS3.5 section 6.2, value representations SH and LO
STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"  # the retired class by which structure sets refer to a study
CONTOUR_DATA = Tag("ContourData")
MICROMETRES = 3  # decimals of a millimetre: a thousandth of the least voxel


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure's name, its colour (red, green, blue, 0 to 255) and DICOM's word for what it is."""

    name: str
    rgb: tuple[int, int, int]
    interpreted_type: str = ""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The contours of one structure: the slice and the points (mm) of each."""

    structure: Structure
    contours: tuple[tuple[int, NDArray[np.float64]], ...]


def write_rtstruct(
    structures: Iterable[tuple[Structure, Mask]],
    path: Path,
    source: SeriesHeader | None,
    series: NewSeries,
    *,
    label: str = "CONTOURS",
) -> Path:
    """Write structures 1, 2, ... in the order given; those without a voxel are left out.

    `source` is the CT series that the masks lie on, None where the CT was no DICOM series. Pairs are taken
    one by one, so that a generator keeps only one mask in memory.

    Raises:
        DicomError: no DICOM source, or a multi-frame source.
        GeometryError: the masks lie on different grids, or not on the source's slices.
        MaskError: no structure has a voxel.
        OutputError: the file cannot be written.
    """
    header = _usable(source)
    drawn = _drawn(structures, header)
    points = np.concatenate([p for one in drawn for _, p in one.contours])
    names = "".join(f"/{one.structure.name}" for one in drawn)
    identity = StudyIdentity.of(header)
    dataset = new_object(RTStructureSetStorage, "RTSTRUCT", identity, series, content_digest(points) + names)
    dataset.OperatorsName = ""
    add_frame_of_reference(dataset, header.frame_of_reference_uid)
    dataset.StructureSetLabel = label[:LABEL_LENGTH]
    dataset.StructureSetName = series.description
    date, time = series.moment(identity)
    dataset.StructureSetDate, dataset.StructureSetTime = date, time
    dataset.ReferencedFrameOfReferenceSequence = [_frame_item(header)]
    numbered = list(enumerate(drawn, start=1))
    dataset.StructureSetROISequence = [_roi_item(n, one.structure, header) for n, one in numbered]
    dataset.ROIContourSequence = [_contours_item(n, one, header) for n, one in numbered]
    dataset.RTROIObservationsSequence = [_observation_item(n, one.structure) for n, one in numbered]
    dataset.ApprovalStatus = "UNAPPROVED"
    return save(dataset, path)


def _usable(source: SeriesHeader | None) -> SeriesHeader:
    if source is None:
        raise DicomError(
            "the CT was not a DICOM series, so a structure set has no images to refer to; "
            "give the CT as DICOM, or use the masks as NIfTI"
        )
    if source.is_multiframe:
        raise DicomError(
            "the CT is one multi-frame object; a structure set is written over single-slice images, "
            "export the CT as such or use the masks as NIfTI"
        )
    require_uid(source.frame_of_reference_uid, "CT's frame of reference")
    return source


def _drawn(structures: Iterable[tuple[Structure, Mask]], header: SeriesHeader) -> list[_Drawn]:
    drawn: list[_Drawn] = []
    grid: Grid | None = None
    for structure, mask in structures:
        grid = mask.grid if grid is None else grid
        grid.require_same(mask.grid, f"the structures and {structure.name}")
        if grid.shape[0] != len(header.sop_instance_uids):
            raise GeometryError(
                f"the masks have {grid.shape[0]} slices, the CT series has {len(header.sop_instance_uids)}; "
                "give the series that was segmented"
            )
        if grid.frame_of_reference_uid not in (None, "", header.frame_of_reference_uid):
            raise GeometryError(
                "the masks and the CT series belong to different frames of reference; "
                "give the series that was segmented"
            )
        contours = tuple(
            (int(k), grid.to_mm(np.column_stack([line, np.full(len(line), k)])))
            for k in np.flatnonzero(mask.voxels.any(axis=(1, 2)))
            for line in outlines(mask.voxels[k])
        )
        if contours:
            drawn.append(_Drawn(structure, contours))
    if not drawn:
        raise MaskError("no structure has a voxel, so there are no contours to write; check the masks")
    return drawn


def _image_item(header: SeriesHeader, k: int) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = header.sop_class_uid
    item.ReferencedSOPInstanceUID = header.sop_instance_uids[k]
    return item


def _frame_item(header: SeriesHeader) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID = require_uid(header.series_uid, "CT series")
    series.ContourImageSequence = [_image_item(header, k) for k in range(len(header.sop_instance_uids))]
    study = Dataset()
    study.ReferencedSOPClassUID = STUDY_CLASS
    study.ReferencedSOPInstanceUID = header.study_uid
    study.RTReferencedSeriesSequence = [series]
    frame = Dataset()
    frame.FrameOfReferenceUID = header.frame_of_reference_uid
    frame.RTReferencedStudySequence = [study]
    return frame


def _roi_item(number: int, structure: Structure, header: SeriesHeader) -> Dataset:
    item = Dataset()
    item.ROINumber = str(number)
    item.ReferencedFrameOfReferenceUID = header.frame_of_reference_uid
    item.ROIName = structure.name[:NAME_LENGTH]
    item.ROIGenerationAlgorithm = "AUTOMATIC"
    return item


def _contours_item(number: int, drawn: _Drawn, header: SeriesHeader) -> Dataset:
    item = Dataset()
    item.ROIDisplayColor = list(drawn.structure.rgb)
    item.ReferencedROINumber = str(number)
    item.ContourSequence = [_contour_item(k, points, header) for k, points in drawn.contours]
    return item


def _contour_item(k: int, points: NDArray[np.float64], header: SeriesHeader) -> Dataset:
    item = Dataset()
    item.ContourImageSequence = [_image_item(header, k)]
    item.ContourGeometricType = "CLOSED_PLANAR"
    item.NumberOfContourPoints = str(len(points))
    text = [f"{value + 0.0:.{MICROMETRES}f}" for value in np.round(points, MICROMETRES).ravel()]
    # as text: a structure set has half a million numbers, and pydicom would check each of them
    item.add(DataElement(CONTOUR_DATA, "DS", text, already_converted=True))
    return item


def _observation_item(number: int, structure: Structure) -> Dataset:
    item = Dataset()
    item.ObservationNumber = str(number)
    item.ReferencedROINumber = str(number)
    item.RTROIInterpretedType = structure.interpreted_type
    item.ROIInterpreter = ""
    return item
