"""Contours as a DICOM segmentation over the CT that they were drawn on.

One binary segment for each structure, with its coded category and type, referring to the CT slice by slice.
highdicom describes the object, the bits are packed here. What highdicom takes from the clock or from chance
is replaced by the case's date and by derived identifiers, so that the same contours give the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, SegmentationStorage

from emboplan.dicom.read.common import SeriesHeader
from emboplan.dicom.write.encode import (
    CHARACTER_SET,
    SOFTWARE,
    SOFTWARE_VERSION,
    CodedTerm,
    add_moment,
    add_patient_and_study,
    decimal,
    image_orientation,
    image_position,
    pixel_spacing,
    save,
)
from emboplan.dicom.write.identity import NewSeries, StudyIdentity, derived_uid, require_uid
from emboplan.errors import DicomError, GeometryError, MaskError
from emboplan.model.grid import Grid
from emboplan.model.mask import Mask

CONTENT_LABEL = "SEGMENTATION"
BITS_PER_BYTE = 8
UNKNOWN_TIME = "000000"  # the standard demands a time of the content; midnight where only the date is known


class SegmentOrigin(StrEnum):
    """Who drew a segment."""

    AUTOMATIC = "AUTOMATIC"
    SEMIAUTOMATIC = "SEMIAUTOMATIC"
    MANUAL = "MANUAL"


class AlgorithmFamily(StrEnum):
    """Kinds of algorithm: keywords of DICOM context group 7162."""

    CLASSICAL = "MorphologicalOperations"
    LEARNED = "ArtificialIntelligence"


@dataclass(frozen=True, slots=True)
class SegmentLabel:
    """A structure's name, its coded category and type, and its colour (red, green, blue, 0 to 255)."""

    name: str
    category: CodedTerm
    type: CodedTerm
    rgb: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class SegmentAlgorithm:
    """What drew the segments."""

    name: str
    version: str
    origin: SegmentOrigin = SegmentOrigin.AUTOMATIC
    family: AlgorithmFamily = AlgorithmFamily.CLASSICAL


@dataclass(frozen=True, slots=True)
class _Packed:
    """The slices of one structure that hold it, each as packed bits."""

    label: SegmentLabel
    frames: dict[int, NDArray[np.uint8]]


def write_segmentation(
    structures: Mapping[SegmentLabel, Mask] | Iterable[tuple[SegmentLabel, Mask]],
    path: Path,
    source: SeriesHeader | None,
    series: NewSeries,
    *,
    algorithm: SegmentAlgorithm,
) -> Path:
    """Write structures as segments 1, 2, ... in the order given; those without a voxel are left out.

    `source` is the CT series that the masks lie on, None where the CT was no DICOM series. All masks must
    lie on one grid, that of the series. Pairs are taken one by one, so that a generator keeps only one mask
    in memory.

    Raises:
        DicomError: no DICOM source, a multi-frame source, or no date for the object.
        GeometryError: the masks lie on different grids, or not on the source's slices.
        MaskError: no structure has a voxel.
        OutputError: the file cannot be written.
    """
    pairs = structures.items() if isinstance(structures, Mapping) else structures
    packed, grid, overlap = _pack(pairs)
    header = _usable(source, grid)
    identity = StudyIdentity.of(header)
    if not series.moment(identity)[0]:
        raise DicomError("neither the case nor the CT has a date, and a segmentation needs one; give a date")
    dataset = _described(packed, header, grid, series, algorithm)
    _, dataset.Rows, dataset.Columns = grid.shape
    dataset.PixelData = _pixel_data(dataset, packed, header, grid)
    dataset.SegmentsOverlap = "YES" if overlap else "NO"
    names = (structure.label.name for structure in packed)
    digest = hashlib.sha256(dataset.PixelData).hexdigest()
    dataset.SOPInstanceUID = derived_uid(series.uid, SegmentationStorage, digest, *names)
    add_patient_and_study(dataset, identity)
    _replace_moment(dataset, identity, series)
    _replace_dimension_uid(dataset, derived_uid(dataset.SOPInstanceUID, "dimensions"))
    return save(dataset, path)


def _pack(pairs: Iterable[tuple[SegmentLabel, Mask]]) -> tuple[list[_Packed], Grid, bool]:
    """The structures that have a voxel, their grid, and whether any two of them share a voxel."""
    packed: list[_Packed] = []
    grid: Grid | None = None
    taken = np.zeros(0, dtype=np.bool_)
    overlap = False
    for label, mask in pairs:
        if grid is None:
            grid = mask.grid
            taken = np.zeros(grid.shape, dtype=np.bool_)
        grid.require_same(mask.grid, f"the structures and {label.name}")
        slices = np.flatnonzero(mask.voxels.any(axis=(1, 2)))
        frames = {int(k): np.packbits(mask.voxels[k], axis=None, bitorder="little") for k in slices}
        if frames:
            packed.append(_Packed(label, frames))
        for k in slices:
            overlap = overlap or bool((taken[k] & mask.voxels[k]).any())
            taken[k] |= mask.voxels[k]
    if grid is None or not packed:
        raise MaskError("no structure has a voxel, so there is no segmentation to write; check the masks")
    return packed, grid, overlap


def _described(
    packed: list[_Packed], header: SeriesHeader, grid: Grid, series: NewSeries, algorithm: SegmentAlgorithm
) -> Dataset:
    """The object with everything but its pixels.

    highdicom wants all segments as one dense array, gigabytes for many lesions on a fine CT. It gets frames
    of one voxel that say where a structure is, and builds the description of each frame from them.
    """
    used = [k for structure in packed for k in structure.frames]
    first, last = min(used), max(used) + 1
    present = np.zeros((last - first, 1, 1, len(packed)), dtype=np.bool_)
    for number, structure in enumerate(packed):
        present[np.array(list(structure.frames)) - first, 0, 0, number] = True
    return hd.seg.Segmentation(
        source_images=[_source_slice(header, grid, k) for k in range(first, last)],
        pixel_array=present,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[
            _description(number, structure.label, algorithm)
            for number, structure in enumerate(packed, start=1)
        ],
        series_instance_uid=series.uid,
        series_number=series.number,
        sop_instance_uid=derived_uid(series.uid, SegmentationStorage),
        instance_number=1,
        manufacturer=series.manufacturer,
        manufacturer_model_name=SOFTWARE,
        software_versions=SOFTWARE_VERSION,
        device_serial_number=SOFTWARE_VERSION,
        content_label=CONTENT_LABEL,
        content_description=series.description,
        series_description=series.description,
        specific_character_set=CHARACTER_SET,
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )


def _pixel_data(dataset: Dataset, packed: list[_Packed], header: SeriesHeader, grid: Grid) -> bytes:
    """The bits of the frames in the order of their descriptions, without a gap between frames."""
    index = {uid: k for k, uid in enumerate(header.sop_instance_uids)}
    frames = []
    for groups in dataset.PerFrameFunctionalGroupsSequence:
        number = _group(dataset, groups, "SegmentIdentificationSequence").ReferencedSegmentNumber
        derivation = _group(dataset, groups, "DerivationImageSequence")
        drawn_on = derivation.SourceImageSequence[0].ReferencedSOPInstanceUID
        frames.append(packed[number - 1].frames[index[drawn_on]])
    size = grid.shape[1] * grid.shape[2]
    parts = []
    for start in range(
        0, len(frames), BITS_PER_BYTE
    ):  # as many frames end on a whole byte, whatever their size
        group = [
            np.unpackbits(frame, count=size, bitorder="little")
            for frame in frames[start : start + BITS_PER_BYTE]
        ]
        parts.append(np.packbits(np.concatenate(group), bitorder="little").tobytes())
    data = b"".join(parts)
    return data + b"\0" * (len(data) % 2)


def _group(dataset: Dataset, groups: Dataset, name: str) -> Dataset:
    """A functional group of a frame; what all frames have in common stands in the shared groups."""
    own: Dataset = groups if name in groups else dataset.SharedFunctionalGroupsSequence[0]
    item: Dataset = own[name].value[0]
    return item


def _usable(source: SeriesHeader | None, grid: Grid) -> SeriesHeader:
    if source is None:
        raise DicomError(
            "the CT was not a DICOM series, so a segmentation object has no images to refer to; "
            "give the CT as DICOM, or use the masks as NIfTI"
        )
    if source.is_multiframe:
        raise DicomError(
            "the CT is one multi-frame object; a segmentation is written over single-slice images, "
            "export the CT as such or use the masks as NIfTI"
        )
    found, expected = len(source.sop_instance_uids), grid.shape[0]
    if found != expected:
        raise GeometryError(
            f"the masks have {expected} slices, the CT series has {found}; give the series that was segmented"
        )
    if grid.frame_of_reference_uid not in (None, "", source.frame_of_reference_uid):
        raise GeometryError(
            "the masks and the CT series belong to different frames of reference; "
            "give the series that was segmented"
        )
    require_uid(source.frame_of_reference_uid, "CT's frame of reference")
    require_uid(source.series_uid, "CT series")
    return source


def _source_slice(header: SeriesHeader, grid: Grid, k: int) -> Dataset:
    """What the segmentation needs to know of one CT slice; the patient's attributes are added at the end."""
    dataset = Dataset()
    dataset.SOPClassUID = require_uid(header.sop_class_uid, "CT's class")
    dataset.SOPInstanceUID = require_uid(header.sop_instance_uids[k], "CT slice")
    dataset.StudyInstanceUID = header.study_uid
    dataset.SeriesInstanceUID = header.series_uid
    dataset.FrameOfReferenceUID = header.frame_of_reference_uid
    dataset.PositionReferenceIndicator = ""
    dataset.Modality = header.modality
    for keyword in (
        "PatientID",
        "PatientName",
        "PatientBirthDate",
        "PatientSex",
        "AccessionNumber",
        "StudyID",
        "StudyDate",
        "StudyTime",
    ):
        setattr(dataset, keyword, "")
    dataset.Rows = dataset.Columns = 1  # as the frames that highdicom gets
    dataset.ImagePositionPatient = image_position(grid, k)
    dataset.ImageOrientationPatient = image_orientation(grid)
    dataset.PixelSpacing = pixel_spacing(grid)
    dataset.SliceThickness = dataset.SpacingBetweenSlices = decimal(grid.spacing_mm[2])
    return dataset


def _description(number: int, label: SegmentLabel, algorithm: SegmentAlgorithm) -> hd.seg.SegmentDescription:
    by_hand = algorithm.origin is SegmentOrigin.MANUAL
    identification = hd.AlgorithmIdentificationSequence(
        name=algorithm.name, family=getattr(codes.cid7162, algorithm.family.value), version=algorithm.version
    )
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label.name,
        segmented_property_category=label.category.code,
        segmented_property_type=label.type.code,
        algorithm_type=algorithm.origin.value,
        algorithm_identification=None if by_hand else identification,
        display_color=hd.color.CIELabColor.from_rgb(*label.rgb),
    )


def _replace_moment(dataset: Dataset, identity: StudyIdentity, series: NewSeries) -> None:
    """Put the case's date and time in place of the clock's."""
    for keyword in ("InstanceCreationDate", "InstanceCreationTime", "ContentDate", "ContentTime"):
        delattr(dataset, keyword)
    add_moment(dataset, identity, series)
    if "ContentTime" not in dataset:
        dataset.ContentTime = UNKNOWN_TIME
    for item in dataset.get("ContributingEquipmentSequence", ()):
        item.pop("ContributionDateTime", None)


def _replace_dimension_uid(dataset: Dataset, uid: str) -> None:
    """Give the dimension organization, which highdicom draws by chance, an identifier that repeats."""
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid
