"""What all readers share: one way to open a file, to take a value from it, and to say what is wrong.

A reader never shows an error of the DICOM library: a file that cannot be read becomes a `DicomError` that
names the file and says what to do. `SeriesHeader` is what a written object needs to refer to the images that
it was made from; the attributes that identify the patient sit in `PatientStudy`, whose text shows none.
"""

from __future__ import annotations

import logging
import struct
import threading
import warnings
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

from emboplan.errors import DicomError

# What the DICOM library raises on malformed input, beyond its own InvalidDicomError.
READ_FAILURES = (
    InvalidDicomError,
    BytesLengthException,
    EOFError,
    OSError,
    ValueError,
    KeyError,
    AttributeError,
    TypeError,
    IndexError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    struct.error,
    zlib.error,
)

# Transfer syntaxes whose pixels are not compressed.
IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
NATIVE_SYNTAXES = (IMPLICIT_LITTLE, EXPLICIT_LITTLE, "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2")

DICOM_LOGGER = "pydicom"
DECODER_LOGGERS = ("openjpeg", "pylibjpeg")

PREAMBLE_BYTES = 128
PREFIX = b"DICM"
# A file without preamble starts with an element of the file meta (0002), identifying (0008) or, in very old
# files, command group; group and element are little-endian 16-bit numbers.
FIRST_GROUPS_LITTLE = (b"\x02\x00", b"\x08\x00")
FIRST_GROUPS_BIG = (b"\x00\x02", b"\x00\x08")


@dataclass(frozen=True, slots=True, repr=False)
class PatientStudy:
    """Attributes that a derived object copies from its source; never shown, logged or put in a message."""

    patient_name: str = ""
    patient_id: str = ""
    patient_birth_date: str = ""
    patient_sex: str = ""
    study_date: str = ""
    study_time: str = ""
    study_id: str = ""
    accession_number: str = ""
    referring_physician_name: str = ""

    def __repr__(self) -> str:
        return "PatientStudy(not shown)"


@dataclass(frozen=True, slots=True)
class SeriesHeader:
    """What a written object needs to refer to the images it was made from, in array order (z ascending).

    `sop_instance_uids` has one entry for each slice of the array, or a single entry for a multi-frame image.
    `slice_positions_mm` are the positions along the slice normal. UIDs are empty where the source has none.
    """

    modality: str
    study_uid: str
    series_uid: str
    frame_of_reference_uid: str
    sop_class_uid: str
    sop_instance_uids: tuple[str, ...]
    slice_positions_mm: tuple[float, ...]
    rescale_slopes: tuple[float, ...]
    rescale_intercepts: tuple[float, ...]
    description: str
    patient: PatientStudy

    @property
    def is_multiframe(self) -> bool:
        """Whether all slices are frames of one object."""
        return len(self.sop_instance_uids) == 1 < len(self.slice_positions_mm)


_silence = threading.local()


@contextmanager
def quiet() -> Iterator[None]:
    """Read without the DICOM library's remarks on unusual but harmless values (some quote the value).

    Inside another `quiet` of its thread it does nothing: silencing takes longer than reading a value, so that
    loops over many headers are silenced once.
    """
    if getattr(_silence, "on", False):
        yield
        return
    logger = logging.getLogger(DICOM_LOGGER)
    disabled = logger.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.disabled = True
        _silence.on = True
        try:
            yield
        finally:
            _silence.on = False
            logger.disabled = disabled


@contextmanager
def quiet_decoding() -> Iterator[None]:
    """Decode pixels without the decoders' own reports of failure: what fails is said by an error of ours."""
    loggers = [logging.getLogger(name) for name in (DICOM_LOGGER, *DECODER_LOGGERS)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with quiet():
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def looks_like_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM does: with the preamble, or with an element of the first groups."""
    try:
        with path.open("rb") as file:
            start = file.read(PREAMBLE_BYTES + len(PREFIX))
    except OSError as error:
        raise DicomError(f"{path.name} cannot be read ({error.strerror}); check its permissions") from error
    if start[PREAMBLE_BYTES:] == PREFIX:
        return True
    group, element = start[:2], start[2:4]
    return (group in FIRST_GROUPS_LITTLE and element[1:] == b"\x00") or (
        group in FIRST_GROUPS_BIG and element[:1] == b"\x00"
    )


def read_dataset(path: Path, tags: Collection[str] | None = None, *, pixels: bool = False) -> Dataset:
    """The elements of a file, or only those named in `tags`; the pixel data only when asked for."""
    if not path.is_file():
        raise DicomError(f"{path.name} is not there; give the path of a DICOM file")
    if not looks_like_dicom(path):
        raise DicomError(f"{path.name} is not a DICOM file; remove it from the folder or give another")
    try:
        with quiet():
            dataset = pydicom.dcmread(
                path, stop_before_pixels=not pixels, force=True, specific_tags=list(tags) if tags else None
            )
            dataset.get("Modality")
    except READ_FAILURES as error:
        raise unreadable(path) from error
    return dataset


def unreadable(path: Path) -> DicomError:
    """The error for a file that starts as DICOM and then makes no sense."""
    return DicomError(f"{path.name} is a damaged or truncated DICOM file; copy it again from its source")


def undecodable(path: Path, dataset: Dataset) -> DicomError:
    """The error for pixel data that cannot be decoded: of a compression we lack, or damaged."""
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is None or syntax in NATIVE_SYNTAXES:
        return unreadable(path)
    return DicomError(
        f"the pixels of {path.name} are compressed (transfer syntax {syntax.name}) and cannot be decoded; "
        "they are damaged, or of a kind that is not supported: export the series uncompressed"
    )


def text(dataset: Dataset, name: str) -> str:
    """An attribute as text, empty where it is absent or has no value."""
    with quiet():
        value = dataset.get(name)
    return "" if value is None else str(value).strip()


def texts(dataset: Dataset, name: str) -> tuple[str, ...]:
    """A multi-valued attribute as texts."""
    with quiet():
        value = dataset.get(name)
    if value is None:
        return ()
    several = not isinstance(value, str) and isinstance(value, Iterable)
    return tuple(str(v) for v in value) if several else (str(value),)


def number(dataset: Dataset, name: str) -> float | None:
    """An attribute as a number; None where it is absent, empty or not one finite number."""
    try:
        with quiet():
            value = dataset.get(name)
            parsed = None if value is None else float(value)
    except READ_FAILURES:
        return None
    return parsed if parsed is not None and np.isfinite(parsed) else None


def numbers(dataset: Dataset, name: str, count: int) -> NDArray[np.float64] | None:
    """An attribute as `count` numbers; None where it is absent, or holds anything else."""
    try:
        with quiet():
            value = dataset.get(name)
            array = None if value is None else np.array([float(v) for v in value], dtype=np.float64)
    except READ_FAILURES:
        return None
    return array if array is not None and array.shape == (count,) and np.isfinite(array).all() else None


def whole(dataset: Dataset, name: str) -> int | None:
    """An attribute as a whole number; None where it is absent or is none."""
    value = number(dataset, name)
    return int(value) if value is not None and value == int(value) else None


def items(dataset: Dataset, name: str) -> tuple[Dataset, ...]:
    """The items of a sequence; none where it is absent."""
    try:
        with quiet():
            sequence = dataset.get(name)
            return tuple(sequence) if sequence else ()
    except READ_FAILURES:
        return ()


def patient_study(dataset: Dataset) -> PatientStudy:
    """The attributes that a derived object copies from this one."""
    return PatientStudy(
        patient_name=text(dataset, "PatientName"),
        patient_id=text(dataset, "PatientID"),
        patient_birth_date=text(dataset, "PatientBirthDate"),
        patient_sex=text(dataset, "PatientSex"),
        study_date=text(dataset, "StudyDate"),
        study_time=text(dataset, "StudyTime"),
        study_id=text(dataset, "StudyID"),
        accession_number=text(dataset, "AccessionNumber"),
        referring_physician_name=text(dataset, "ReferringPhysicianName"),
    )
