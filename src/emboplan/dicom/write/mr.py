"""An MR volume as a series of MR images, one file for each slice.

Stored numbers are unsigned 16-bit magnitudes without a unit. Slices follow the array, as for the CT.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage

from emboplan.dicom.write.encode import (
    UINT16_MAX,
    add_frame_of_reference,
    add_pixel_layout,
    content_digest,
    decimal,
    frame_of_reference,
    image_orientation,
    image_position,
    new_object,
    pixel_spacing,
    save,
)
from emboplan.dicom.write.identity import NewSeries, StudyIdentity, derived_uid
from emboplan.errors import GeometryError, ModelRangeError, OutputError
from emboplan.model.grid import Grid

BITS = 16


@dataclass(frozen=True, slots=True)
class MrTechnique:
    """How the images were acquired, in DICOM's terms (PS3.3 C.8.3.1): sequence, variant, times and field."""

    scanning_sequence: str
    sequence_variant: str
    repetition_ms: float
    echo_ms: float
    flip_deg: float
    field_t: float
    echo_train_length: int = 1
    contrast_agent: str = ""


def write_mr_series(
    signal: NDArray[np.integer],
    grid: Grid,
    folder: Path,
    identity: StudyIdentity,
    series: NewSeries,
    technique: MrTechnique,
    *,
    patient_position: str = "HFS",
    body_part: str = "ABDOMEN",
) -> list[Path]:
    """Write one MR Image Storage file for each slice of `signal` (z, y, x); returns the paths in array order.

    The frame of reference is the grid's; a grid without one gets one that belongs to the series. The folder
    is made; it must not hold files yet.

    Raises:
        GeometryError: the array is not of the grid's shape.
        ModelRangeError: a number does not fit 16 bits without sign.
        OutputError: the folder holds files, or cannot be written.
    """
    if signal.shape != grid.shape:
        raise GeometryError(f"the MR signal has shape {signal.shape}; its grid has {grid.shape} (z, y, x)")
    lowest, highest = int(signal.min()), int(signal.max())
    if lowest < 0 or highest > UINT16_MAX:
        raise ModelRangeError(
            f"the MR signal holds {lowest} to {highest}; a DICOM MR image holds 0 to {UINT16_MAX}, "
            "scale it first"
        )
    _require_empty(folder)
    nz, rows, columns = grid.shape
    dataset = new_object(MRImageStorage, "MR", identity, series, "")
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    add_frame_of_reference(dataset, frame_of_reference(grid, series))
    add_pixel_layout(dataset, rows, columns, bits=BITS)
    dataset.BodyPartExamined = body_part
    dataset.PatientPosition = patient_position
    dataset.ImageOrientationPatient = image_orientation(grid)
    dataset.PixelSpacing = pixel_spacing(grid)
    dataset.SliceThickness = dataset.SpacingBetweenSlices = decimal(grid.spacing_mm[2])
    _add_technique(dataset, technique)
    paths = []
    for k in range(nz):
        pixels = np.ascontiguousarray(signal[k], dtype="<u2")
        dataset.SOPInstanceUID = derived_uid(series.uid, "slice", str(k), content_digest(pixels))
        dataset.InstanceNumber = str(k + 1)
        dataset.ImagePositionPatient = image_position(grid, k)
        dataset.SliceLocation = decimal(k * grid.spacing_mm[2])
        dataset.PixelData = pixels.tobytes()
        paths.append(save(dataset, folder / f"slice_{k + 1:04d}.dcm"))
    return paths


def _require_empty(folder: Path) -> None:
    try:
        occupied = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise OutputError(f"{folder} cannot be looked into ({error.strerror}); choose another") from error
    if occupied:
        raise OutputError(f"{folder} holds files already; choose an empty or new folder for the MR series")


def _add_technique(dataset: Dataset, technique: MrTechnique) -> None:
    dataset.AcquisitionNumber = None
    dataset.ScanningSequence = technique.scanning_sequence
    dataset.SequenceVariant = technique.sequence_variant
    dataset.ScanOptions = ""
    dataset.MRAcquisitionType = "2D"
    dataset.RepetitionTime = decimal(technique.repetition_ms)
    dataset.EchoTime = decimal(technique.echo_ms)
    dataset.EchoTrainLength = str(technique.echo_train_length)
    dataset.FlipAngle = decimal(technique.flip_deg)
    dataset.MagneticFieldStrength = decimal(technique.field_t)
    if technique.contrast_agent:
        dataset.ContrastBolusAgent = technique.contrast_agent
