"""What all written objects share: the head of a data set, geometry as decimal strings, and the file.

Numbers go into DICOM as decimal strings of at most 16 characters, so that ten significant digits are kept;
a position keeps a micrometre. Patient attributes are copied without a check of their form: a source with an
odd birth date must not keep a plan from being written, and mending it would make two patients of one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian

from emboplan.dicom.write.identity import NewSeries, StudyIdentity, derived_uid, require_uid
from emboplan.errors import DicomError, OutputError
from emboplan.model.grid import Grid

SOFTWARE = "emboplan"
SOFTWARE_VERSION = version(SOFTWARE)  # the installed one: importing the package's root from here is barred
IMPLEMENTATION_UID = derived_uid(SOFTWARE, "implementation class")
VERSION_NAME_LENGTH = 16  # DICOM PS3.5 section 6.2, value representation SH
DECIMAL_STRING_LENGTH = 16  # DICOM PS3.5 section 6.2, value representation DS
CHARACTER_SET = "ISO_IR 192"  # UTF-8, so that every name can be written
UINT16_MAX = int(np.iinfo(np.uint16).max)


@dataclass(frozen=True, slots=True)
class CodedTerm:
    """A term of a coding scheme, such as 10200004 of SCT (SNOMED CT), Liver."""

    value: str
    scheme: str
    meaning: str

    @classmethod
    def of(cls, code: Code) -> CodedTerm:
        """A term of the DICOM library's dictionary."""
        return cls(code.value, code.scheme_designator, code.meaning)

    @property
    def code(self) -> Code:
        """The term as the DICOM library has it."""
        return Code(self.value, self.scheme, self.meaning)

    @property
    def item(self) -> Dataset:
        """The term as an item of a code sequence."""
        item = Dataset()
        item.CodeValue = self.value
        item.CodingSchemeDesignator = self.scheme
        item.CodeMeaning = self.meaning
        return item


def decimal(value: float) -> str:
    """A number as a DICOM decimal string: ten significant digits in at most 16 characters.

    A negative number with an exponent of three digits (cosines that are all but zero) keeps nine.
    """
    text = f"{value + 0.0:.10g}"  # the sum turns -0 into 0
    return text if len(text) <= DECIMAL_STRING_LENGTH else f"{value:.9g}"


def decimals(values: Iterable[float]) -> list[str]:
    """Several numbers as decimal strings."""
    return [decimal(float(value)) for value in values]


def code_item(code: Code) -> Dataset:
    """A code of the DICOM library's dictionary as an item of a code sequence."""
    return CodedTerm.of(code).item


def image_orientation(grid: Grid) -> list[str]:
    """ImageOrientationPatient: the directions of a row and of a column."""
    axes = grid.axes
    return decimals([*axes[:, 0], *axes[:, 1]])


def image_position(grid: Grid, slice_index: int = 0) -> list[str]:
    """ImagePositionPatient: the centre of the first voxel of a slice."""
    return decimals(grid.to_mm((0, 0, slice_index)))


def pixel_spacing(grid: Grid) -> list[str]:
    """PixelSpacing: between rows, then between columns."""
    x_mm, y_mm, _ = grid.spacing_mm
    return decimals((y_mm, x_mm))


def frame_of_reference(grid: Grid, series: NewSeries) -> str:
    """The frame of reference of a new image: the grid's own, or one that belongs to the series."""
    if grid.frame_of_reference_uid:
        return require_uid(grid.frame_of_reference_uid, "frame of reference")
    return derived_uid(series.uid, "frame of reference")


def content_digest(array: NDArray[np.generic]) -> str:
    """SHA-256 of an array's bytes, for identifiers that follow the content."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def add_patient_and_study(dataset: Dataset, identity: StudyIdentity) -> None:
    """Write the source's patient and study attributes over whatever the data set holds, without checks."""
    patient = identity.patient
    values = {
        "PatientName": patient.patient_name,
        "PatientID": patient.patient_id,
        "PatientBirthDate": patient.patient_birth_date,
        "PatientSex": patient.patient_sex,
        "StudyDate": patient.study_date,
        "StudyTime": patient.study_time,
        "StudyID": patient.study_id,
        "AccessionNumber": patient.accession_number,
        "ReferringPhysicianName": patient.referring_physician_name,
    }
    for keyword, value in values.items():
        tag = tag_for_keyword(keyword)
        if tag is None:  # every keyword above is in the standard
            raise DicomError(f"{keyword} is not a DICOM attribute; install a current pydicom")
        dataset.add(DataElement(tag, dictionary_VR(tag), value, validation_mode=config.IGNORE))
    dataset.StudyInstanceUID = identity.study_uid


def new_object(
    sop_class_uid: str, modality: str, identity: StudyIdentity, series: NewSeries, digest: str
) -> Dataset:
    """A data set with patient, study, series, equipment and instance, whose UID follows the `digest`."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = CHARACTER_SET
    dataset.SOPClassUID = sop_class_uid
    dataset.SOPInstanceUID = derived_uid(series.uid, sop_class_uid, digest)
    add_patient_and_study(dataset, identity)
    dataset.Modality = modality
    dataset.SeriesInstanceUID = series.uid
    dataset.SeriesNumber = str(series.number)
    dataset.SeriesDescription = series.description
    dataset.InstanceNumber = "1"
    dataset.Manufacturer = series.manufacturer
    dataset.ManufacturerModelName = SOFTWARE
    dataset.SoftwareVersions = SOFTWARE_VERSION
    add_moment(dataset, identity, series)
    return dataset


def add_moment(dataset: Dataset, identity: StudyIdentity, series: NewSeries) -> None:
    """Write the dates and times of the case or the study; never the clock's."""
    date, time = series.moment(identity)
    if date:
        dataset.InstanceCreationDate = dataset.SeriesDate = dataset.ContentDate = date
    if time:
        dataset.InstanceCreationTime = dataset.SeriesTime = dataset.ContentTime = time


def add_pixel_layout(dataset: Dataset, rows: int, columns: int, *, bits: int, signed: bool = False) -> None:
    """Write the layout of grey pixels that use all their bits."""
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows = rows
    dataset.Columns = columns
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(signed)


def add_frame_of_reference(dataset: Dataset, uid: str) -> None:
    """Write the frame of reference; no landmark is known."""
    dataset.FrameOfReferenceUID = require_uid(uid, "frame of reference")
    dataset.PositionReferenceIndicator = ""


def scale_to_uint16(values: NDArray[np.float32], *, keep_whole: bool) -> tuple[NDArray[np.uint16], float]:
    """The values as 16-bit numbers and the step between two of them, exactly as its decimal string says.

    The stored numbers times the step differ from the values by half a step at most. With `keep_whole`, whole
    numbers that fit are kept as they are, with a step of 1. Values must not be negative.
    """
    highest = float(values.max())
    if highest == 0 or (keep_whole and highest <= UINT16_MAX and bool((values == np.rint(values)).all())):
        return values.astype("<u2"), 1.0
    step = float(decimal(highest / UINT16_MAX))
    stored = np.empty(values.shape, dtype="<u2")
    for k, plane in enumerate(values):  # plane by plane: double precision of a whole CT grid is 1 GB
        # The step has ten digits, so that the highest value can come out one part in 1e10 above the end.
        stored[k] = np.minimum(np.rint(plane / np.float64(step)), UINT16_MAX)
    return stored, step


def save(dataset: Dataset, path: Path) -> Path:
    """Write a DICOM file (explicit VR, little endian); the same data set gives the same bytes.

    Raises:
        OutputError: the file cannot be written there.
    """
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = f"EMBOPLAN {SOFTWARE_VERSION}"[:VERSION_NAME_LENGTH]
    dataset.file_meta = meta
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        dcmwrite(path, dataset, enforce_file_format=True)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another place") from error
    return path
