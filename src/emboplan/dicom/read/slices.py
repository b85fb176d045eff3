"""CT and MR series of single-slice files: one volume in Hounsfield units or signal, on one grid.

Headers are read first and must make a grid (`stack`), then the pixels are read in order of position
(`pixels`). What was done to the numbers, such as padding that became air, is said in findings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from emboplan.dicom.index import SeriesInfo
from emboplan.dicom.read.common import (
    SeriesHeader,
    number,
    numbers,
    patient_study,
    quiet,
    read_dataset,
    text,
    whole,
)
from emboplan.dicom.read.pixels import Rescaled, SlicePixels, read_rescaled
from emboplan.dicom.read.stack import SlicePlace, Stack, stack_slices
from emboplan.errors import DicomError
from emboplan.imaging.hounsfield import AIR_HU
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage

__all__ = ["CtSeries", "MrSeries", "SeriesHeader", "read_ct", "read_mr"]

Progress = Callable[[str, float], None]

SLICE_TAGS = (
    "SOPClassUID",
    "SOPInstanceUID",
    "Modality",
    "SeriesDescription",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "NumberOfFrames",
    "SamplesPerPixel",
    "Rows",
    "Columns",
    "BitsAllocated",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "ContrastBolusAgent",
)

BITS_ALLOCATED = (8, 16, 32)

# Rescale types of CT numbers: Hounsfield units, "unspecified" (which older scanners write), or none.
CT_RESCALE_TYPES = ("HU", "US", "")


@dataclass(frozen=True, slots=True)
class CtSeries:
    """A CT volume with what a written object needs to refer to its slices."""

    image: CtImage
    header: SeriesHeader
    findings: tuple[Finding, ...] = field(default=())


@dataclass(frozen=True, slots=True, eq=False)
class MrSeries:
    """An MR volume in the scanner's own units, which have no scale between series.

    `with_contrast` is true where the files name a contrast agent; without one they may only not say so.
    """

    grid: Grid
    signal: NDArray[np.int16] | NDArray[np.float32]
    header: SeriesHeader
    findings: tuple[Finding, ...] = field(default=())
    with_contrast: bool = False


def read_ct(series: SeriesInfo, progress: Progress | None = None) -> CtSeries:
    """The CT volume of a series, in HU, slices ascending along their normal.

    Raises:
        DicomError: the series is no CT, makes no grid, or a file cannot be read.
    """
    stack, rescaled, header, _ = _read_volume(series, "CT", progress)
    image = CtImage(stack.grid, rescaled.values)
    findings = series.findings + stack.findings + _padding_findings(rescaled, stack.grid)
    return CtSeries(image, header, findings)


def read_mr(series: SeriesInfo, progress: Progress | None = None) -> MrSeries:
    """The MR volume of a series, rescaled where the files say so, slices ascending along their normal.

    Raises:
        DicomError: the series is no MR, makes no grid, or a file cannot be read.
    """
    stack, rescaled, header, with_contrast = _read_volume(series, "MR", progress)
    rescaled.values.setflags(write=False)
    return MrSeries(stack.grid, rescaled.values, header, series.findings + stack.findings, with_contrast)


def _read_volume(
    series: SeriesInfo, modality: str, progress: Progress | None
) -> tuple[Stack, Rescaled, SeriesHeader, bool]:
    """Grid, values, what other objects refer to, and whether a contrast agent is named."""
    if series.modality != modality:
        raise DicomError(f"expected a {modality} series, found {series.describe()}; give a {modality} series")
    with quiet():
        return _read_quietly(series, modality, progress)


def _read_quietly(
    series: SeriesInfo, modality: str, progress: Progress | None
) -> tuple[Stack, Rescaled, SeriesHeader, bool]:
    headers = [read_dataset(path, SLICE_TAGS) for path in series.files]
    require_one_subject(headers)
    pairs = list(zip(series.files, headers, strict=True))
    stack = stack_slices([slice_place(path, h) for path, h in pairs], series.frame_of_reference_uid)
    pixels = [slice_pixels(*pairs[i], modality) for i in stack.order]
    rescaled = read_rescaled(pixels, hounsfield=modality == "CT", progress=progress)
    first = headers[stack.order[0]]
    header = SeriesHeader(
        modality=modality,
        study_uid=text(first, "StudyInstanceUID"),
        series_uid=text(first, "SeriesInstanceUID"),
        frame_of_reference_uid=text(first, "FrameOfReferenceUID"),
        sop_class_uid=text(first, "SOPClassUID"),
        sop_instance_uids=tuple(text(headers[i], "SOPInstanceUID") for i in stack.order),
        slice_positions_mm=stack.positions_mm,
        rescale_slopes=tuple(p.slope for p in pixels),
        rescale_intercepts=tuple(p.intercept for p in pixels),
        description=text(first, "SeriesDescription"),
        patient=patient_study(first),
    )
    return stack, rescaled, header, bool(text(first, "ContrastBolusAgent"))


def require_one_subject(headers: Sequence[Dataset]) -> None:
    """Raise unless slices are of one patient and one frame of reference.

    A series UID that two exports share mixes what must not meet.
    """
    for what, tags in (
        ("patients", ("PatientID", "PatientName")),
        ("frames of reference", ("FrameOfReferenceUID",)),
    ):
        count = len({tuple(text(header, tag) for tag in tags) for header in headers})
        if count > 1:
            raise DicomError(f"slices of {count} {what} in one series; give a folder with one series")


def slice_place(path: Path, header: Dataset) -> SlicePlace:
    """Where a slice lies; `DicomError` when its header does not tell."""
    if (whole(header, "NumberOfFrames") or 1) > 1:
        raise DicomError(
            f"{path.name} is an enhanced (multi-frame) image; export the series as single-slice images"
        )
    position = numbers(header, "ImagePositionPatient", 3)
    cosines = numbers(header, "ImageOrientationPatient", 6)
    pixel = numbers(header, "PixelSpacing", 2)
    rows, columns = whole(header, "Rows"), whole(header, "Columns")
    named = {
        "image position": position,
        "image orientation": cosines,
        "pixel spacing": pixel,
        "size": rows and columns,
    }
    missing = [name for name, value in named.items() if value is None]
    if position is None or cosines is None or pixel is None or not rows or not columns:
        raise DicomError(
            f"{path.name} has no {' and no '.join(missing) or 'size'}; "
            "it is no slice of a volume or was truncated: remove it or export the series again"
        )
    if pixel.min() <= 0:
        raise DicomError(f"{path.name} has a pixel spacing of {pixel.min():g} mm; export the series again")
    return SlicePlace(path, position, cosines, (float(pixel[0]), float(pixel[1])), (rows, columns))


def slice_pixels(path: Path, header: Dataset, modality: str) -> SlicePixels:
    """How the pixels of a slice are stored and rescaled; `DicomError` when they cannot be used."""
    if (whole(header, "SamplesPerPixel") or 1) != 1:
        raise DicomError(f"{path.name} is a colour image; give the series of grey images")
    slope, intercept = number(header, "RescaleSlope"), number(header, "RescaleIntercept")
    if modality == "CT":
        kind = text(header, "RescaleType").upper()
        if kind not in CT_RESCALE_TYPES:
            raise DicomError(
                f"{path.name} holds values of type {kind}, not Hounsfield units; "
                "give the series of CT numbers"
            )
        if slope is None or intercept is None:
            raise DicomError(
                f"{path.name} has no rescale slope and intercept, so that its numbers are no "
                "Hounsfield units; export the series again"
            )
    if slope == 0:
        raise DicomError(f"{path.name} has a rescale slope of 0; export the series again")
    signed = whole(header, "PixelRepresentation") == 1
    bits = whole(header, "BitsAllocated") or 0
    if bits not in BITS_ALLOCATED:
        raise DicomError(f"{path.name} stores {bits} bits for a pixel; expected 8, 16 or 32, export it again")
    meta = getattr(header, "file_meta", None)
    return SlicePixels(
        path=path,
        shape=(whole(header, "Rows") or 0, whole(header, "Columns") or 0),
        transfer_syntax=text(meta, "TransferSyntaxUID") if meta else "",
        bits_allocated=bits,
        signed=signed,
        slope=1.0 if slope is None else slope,
        intercept=0.0 if intercept is None else intercept,
        padding=_padding(header, bits, signed=signed),
    )


def _padding(header: Dataset, bits: int, *, signed: bool) -> tuple[int, int] | None:
    """The range of stored numbers that are padding; written as unsigned by some scanners of signed images."""
    first = whole(header, "PixelPaddingValue")
    if first is None or bits < 1:
        return None
    last = whole(header, "PixelPaddingRangeLimit")
    ends = [_as_stored(v, bits, signed=signed) for v in (first, first if last is None else last)]
    return min(ends), max(ends)


def _as_stored(value: int, bits: int, *, signed: bool) -> int:
    wrapped = value % (1 << bits)
    return wrapped - (1 << bits) if signed and wrapped >= 1 << (bits - 1) else wrapped


def _padding_findings(rescaled: Rescaled, grid: Grid) -> tuple[Finding, ...]:
    found = []
    if rescaled.declared_padding:
        volume_ml = rescaled.declared_padding * grid.voxel_ml
        found.append(
            Finding(
                "ct-padding", Severity.INFO, f"{volume_ml:.0f} mL of padding were set to air ({AIR_HU} HU)"
            )
        )
    if rescaled.undeclared_padding:
        volume_ml = rescaled.undeclared_padding * grid.voxel_ml
        found.append(
            Finding(
                "ct-undeclared-padding",
                Severity.INFO,
                f"{volume_ml:.0f} mL hold numbers far below air without being declared as padding; "
                f"they were set to air ({AIR_HU} HU)",
            )
        )
    return tuple(found)
