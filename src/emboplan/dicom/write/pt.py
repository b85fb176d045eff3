"""A PET volume as a series of PET images in Bq/mL, one file for each slice.

Each slice is scaled by itself, so that faint slices keep their steps; stored numbers are signed, since noise
makes values negative where nothing is. The decay correction, the moment that the values stand for and the
nuclide are written as the image has them; slices follow the array.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import PositronEmissionTomographyImageStorage

from emboplan.dicom.write.encode import (
    CodedTerm,
    add_frame_of_reference,
    add_pixel_layout,
    code_item,
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
from emboplan.errors import DicomError, ModelRangeError, OutputError
from emboplan.model.pet import DecayCorrection, PetImage
from emboplan.units import SECONDS_PER_HOUR, UNITS

BITS = 16
INT16_MAX = int(np.iinfo(np.int16).max)
BQ_PER_GBQ = float(UNITS["GBq"].factor / UNITS["Bq"].factor)
MILLISECONDS_PER_SECOND = 1000.0
YTTRIUM_90 = "_90Yttrium"  # pydicom's keyword in context group 18
DATE_FORM, TIME_FORM = "%Y%m%d", "%H%M%S.%f"
UNKNOWN_START = "the PET has no moment for {what}; a PET image needs it, give it"


@dataclass(frozen=True, slots=True)
class PetTracer:
    """What was administered: codes of DICOM context groups 25 and 18, and the activity (GBq)."""

    agent: CodedTerm
    radionuclide: CodedTerm
    administered_gbq: float | None = None


def y90_microspheres(administered_gbq: float | None = None) -> PetTracer:
    """Microspheres of Y-90; codes from DICOM context groups 25 and 18."""
    return PetTracer(
        CodedTerm.of(codes.cid25.Yttrium90Microspheres),
        CodedTerm.of(getattr(codes.cid18, YTTRIUM_90)),
        administered_gbq,
    )


def write_pet_series(
    image: PetImage,
    folder: Path,
    identity: StudyIdentity,
    series: NewSeries,
    tracer: PetTracer,
    *,
    corrections: tuple[str, ...] = ("DECY", "ATTN", "SCAT", "RAN"),
    body_part: str = "CHESTABDOMEN",
) -> list[Path]:
    """Write one PET Image Storage file for each slice and return the paths in array order.

    A value differs from the image's by half a step, 1/65534 of the highest absolute value of its slice. All
    times are written with the time zone of the first frame; the series begins at the moment that the values
    stand for (START), or with the first frame. `corrections` are DICOM's words for CorrectedImage; DECY is
    left out where decay was not corrected. `body_part` is a term of PS3.16 annex L.

    Raises:
        DicomError: a frame without its beginning or duration, or no half-life.
        ModelRangeError: a value is not a finite number.
        OutputError: the folder holds files, or cannot be written.
    """
    _require_empty(folder)
    if not bool(np.isfinite(image.bq_per_ml).all()):
        raise ModelRangeError("the PET holds values that are no finite numbers; mend the image first")
    began = _series_start(image)
    nz, rows, columns = image.grid.shape
    dataset = new_object(PositronEmissionTomographyImageStorage, "PT", identity, series, "")
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    add_frame_of_reference(dataset, frame_of_reference(image.grid, series))
    add_pixel_layout(dataset, rows, columns, bits=BITS, signed=True)
    dataset.BodyPartExamined = body_part
    _add_series(dataset, image, began, corrections)
    dataset.RadiopharmaceuticalInformationSequence = [_tracer_item(image, tracer)]
    paths = []
    for k in range(nz):
        stored, step = _scaled(image.bq_per_ml[k])
        _add_slice(dataset, image, k, began)
        dataset.SOPInstanceUID = derived_uid(series.uid, "slice", str(k), content_digest(stored), step)
        dataset.InstanceNumber = str(k + 1)
        dataset.RescaleSlope = step
        dataset.PixelData = stored.tobytes()
        paths.append(save(dataset, folder / f"slice_{k + 1:04d}.dcm"))
    return paths


def _scaled(plane: NDArray[np.float32]) -> tuple[NDArray[np.int16], str]:
    """Stored numbers and the step between them, as its decimal string has it."""
    highest = float(np.abs(plane).max())
    if highest == 0:
        return np.zeros(plane.shape, "<i2"), "1"
    step = decimal(highest / INT16_MAX)
    # the step has ten digits, so that the highest value can come out one part in 1e10 above the end
    stored = np.clip(np.rint(plane / np.float64(step)), -INT16_MAX, INT16_MAX)
    return stored.astype("<i2"), step


def _series_start(image: PetImage) -> datetime:
    starts = [frame.start for frame in image.frames if frame.start is not None]
    if len(starts) < len(image.frames):
        raise DicomError(UNKNOWN_START.format(what="the start of each slice"))
    if image.decay_correction is DecayCorrection.START and image.corrected_to is not None:
        return image.corrected_to.astimezone(starts[0].tzinfo)
    return min(starts)


def _add_series(dataset: Dataset, image: PetImage, began: datetime, corrections: tuple[str, ...]) -> None:
    corrected = image.decay_correction is not DecayCorrection.NONE
    dataset.SeriesDate, dataset.SeriesTime = began.strftime(DATE_FORM), began.strftime(TIME_FORM)
    dataset.TimezoneOffsetFromUTC = began.strftime("%z")
    dataset.Units = "BQML"
    dataset.CountsSource = "EMISSION"
    dataset.SeriesType = ["STATIC", "IMAGE"]
    dataset.NumberOfSlices = image.grid.shape[0]
    dataset.CorrectedImage = [word for word in corrections if corrected or word != "DECY"]
    dataset.DecayCorrection = image.decay_correction.value
    dataset.CollimatorType = "NONE"
    orientation = code_item(codes.cid19.Recumbent)
    orientation.PatientOrientationModifierCodeSequence = [code_item(codes.cid20.Supine)]
    dataset.PatientOrientationCodeSequence = [orientation]
    dataset.PatientGantryRelationshipCodeSequence = [code_item(codes.cid21.Headfirst)]
    dataset.ImageOrientationPatient = image_orientation(image.grid)
    dataset.PixelSpacing = pixel_spacing(image.grid)
    dataset.SliceThickness = decimal(image.grid.spacing_mm[2])
    dataset.RescaleIntercept = "0"


def _add_slice(dataset: Dataset, image: PetImage, k: int, began: datetime) -> None:
    frame, half_life_h = image.frames[k], image.nuclide.half_life_h
    if frame.start is None or frame.duration_s is None:
        raise DicomError(UNKNOWN_START.format(what=f"slice {k + 1}, or no duration"))
    if half_life_h is None:
        raise DicomError("the PET names no half-life; a PET image needs it, give the nuclide")
    start = frame.start.astimezone(began.tzinfo)
    rate = np.log(2) / (half_life_h * SECONDS_PER_HOUR)
    # when the activity has the mean value of the frame: counts are referred to it (PS3.3 C.8.9.4.1.5)
    decay = rate * frame.duration_s
    middle_s = 0.0 if decay == 0 else float(np.log(decay / -np.expm1(-decay)) / rate)
    offset_s = (start - began).total_seconds() + middle_s
    dataset.AcquisitionDate, dataset.AcquisitionTime = start.strftime(DATE_FORM), start.strftime(TIME_FORM)
    dataset.FrameReferenceTime = decimal(offset_s * MILLISECONDS_PER_SECOND)
    dataset.ActualFrameDuration = str(round(frame.duration_s * MILLISECONDS_PER_SECOND))
    if image.corrected_to is not None:
        to_s = (start - image.corrected_to).total_seconds() + middle_s
        factor = float(np.exp(rate * to_s)) if frame.decay_factor is None else frame.decay_factor
        dataset.DecayFactor = decimal(factor)
    dataset.ImageIndex = k + 1
    dataset.ImagePositionPatient = image_position(image.grid, k)
    dataset.SliceLocation = decimal(k * image.grid.spacing_mm[2])


def _tracer_item(image: PetImage, tracer: PetTracer) -> Dataset:
    item = Dataset()
    item.Radiopharmaceutical = tracer.agent.meaning
    item.RadiopharmaceuticalCodeSequence = [tracer.agent.item]
    item.RadionuclideCodeSequence = [tracer.radionuclide.item]
    item.RadiopharmaceuticalRoute = ""
    if tracer.administered_gbq is not None:
        item.RadionuclideTotalDose = decimal(tracer.administered_gbq * BQ_PER_GBQ)  # PET counts it in Bq
    if image.administered_at is not None:
        given = image.administered_at.astimezone(
            image.frames[0].start.tzinfo if image.frames[0].start else None
        )
        item.RadiopharmaceuticalStartTime = given.strftime(TIME_FORM)
        item.RadiopharmaceuticalStartDateTime = given.strftime(DATE_FORM + TIME_FORM + "%z")
    if image.nuclide.half_life_h is not None:
        item.RadionuclideHalfLife = decimal(image.nuclide.half_life_h * SECONDS_PER_HOUR)
    if image.nuclide.positron_yield is not None:
        item.RadionuclidePositronFraction = decimal(image.nuclide.positron_yield)
    return item


def _require_empty(folder: Path) -> None:
    try:
        occupied = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise OutputError(f"{folder} cannot be looked into ({error.strerror}); choose another") from error
    if occupied:
        raise OutputError(f"{folder} holds files already; choose an empty or new folder for the PET series")
