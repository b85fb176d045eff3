"""PET series of single-slice files: activity concentration in Bq/mL, each slice rescaled by itself.

Only Bq/mL is taken (attribute Units, not RescaleType): counts and uptake values need a calibration that the
file does not hold. Decay is left as the scanner corrected it, and the nuclide as the scanner assumed it; both
are carried along for whoever brings the image to another moment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from pydicom.dataset import Dataset

from emboplan.dicom.index import SeriesInfo
from emboplan.dicom.read.common import (
    SeriesHeader,
    items,
    number,
    patient_study,
    quiet,
    read_dataset,
    text,
)
from emboplan.dicom.read.pet_clock import SAME_MOMENT, PetClock, pet_clock
from emboplan.dicom.read.pixels import read_rescaled
from emboplan.dicom.read.slices import SLICE_TAGS, require_one_subject, slice_pixels, slice_place
from emboplan.dicom.read.stack import stack_slices
from emboplan.errors import DicomError
from emboplan.model.finding import Finding, Severity
from emboplan.model.pet import DecayCorrection, PetImage, PetNuclide
from emboplan.units import SECONDS_PER_HOUR

Progress = Callable[[str, float], None]

MODALITY, CONCENTRATION = "PT", "BQML"

PET_TAGS = (
    *SLICE_TAGS,
    "SeriesDate",
    "SeriesTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "AcquisitionDateTime",
    "TimezoneOffsetFromUTC",
    "ActualFrameDuration",
    "FrameReferenceTime",
    "Units",
    "DecayCorrection",
    "DecayFactor",
    "RadiopharmaceuticalInformationSequence",
)

# What to do about each unit that is no concentration.
OTHER_UNITS = {
    "CNTS": "counts, which the file alone does not calibrate; export the series in Bq/mL",
    "GML": "uptake values (SUV); export the series in Bq/mL",
    "CM2ML": "uptake values (SUV); export the series in Bq/mL",
}

# Names of the elements that PET headers spell out.
SYMBOLS = {
    "fluorine": "F",
    "fluor": "F",
    "yttrium": "Y",
    "germanium": "Ge",
    "gallium": "Ga",
    "carbon": "C",
    "zirconium": "Zr",
    "copper": "Cu",
    "holmium": "Ho",
}


@dataclass(frozen=True, slots=True)
class PetSeries:
    """A PET volume with what a written object needs to refer to its slices."""

    image: PetImage
    header: SeriesHeader
    findings: tuple[Finding, ...] = field(default=())


def read_pet(
    series: SeriesInfo, *, injection_time: datetime | None = None, progress: Progress | None = None
) -> PetSeries:
    """The PET volume of a series in Bq/mL as written, slices ascending along their normal.

    `injection_time` lends its zone to headers without one and its day to an administration without one.

    Raises:
        DicomError: no PET in Bq/mL, no grid, a file that cannot be read, or a clock without meaning.
    """
    if series.modality != MODALITY:
        raise DicomError(f"expected a PET series, found {series.describe()}; give a PET series")
    with quiet():
        return _read(series, injection_time, progress)


def _read(series: SeriesInfo, injection_time: datetime | None, progress: Progress | None) -> PetSeries:
    headers = [read_dataset(path, PET_TAGS) for path in series.files]
    require_one_subject(headers)
    unit = _one(headers, "Units").upper()
    if unit != CONCENTRATION:
        what = OTHER_UNITS.get(unit, "no activity concentration; export the series in Bq/mL")
        raise DicomError(f"the PET is in {unit or 'no unit'}: {what}")
    pairs = list(zip(series.files, headers, strict=True))
    stack = stack_slices([slice_place(path, h) for path, h in pairs], series.frame_of_reference_uid)
    for path, header in pairs:
        if number(header, "RescaleSlope") is None or number(header, "RescaleIntercept") is None:
            raise DicomError(
                f"{path.name} has no rescale slope and intercept, so that its numbers are no Bq/mL; "
                "export the series again"
            )
    pixels = [slice_pixels(*pairs[i], MODALITY) for i in stack.order]
    rescaled = read_rescaled(pixels, hounsfield=False, progress=progress)
    ordered = [headers[i] for i in stack.order]
    clock = pet_clock(ordered, injection_time)
    correction = _correction(ordered)
    corrected_to, remarks = _corrected_to(correction, clock)
    image = PetImage(
        grid=stack.grid,
        bq_per_ml=rescaled.values.astype(np.float32),
        decay_correction=correction,
        corrected_to=corrected_to,
        frames=clock.frames,
        nuclide=_nuclide(ordered),
        administered_at=clock.administered_at,
    )
    first = ordered[0]
    header = SeriesHeader(
        modality=MODALITY,
        study_uid=text(first, "StudyInstanceUID"),
        series_uid=text(first, "SeriesInstanceUID"),
        frame_of_reference_uid=text(first, "FrameOfReferenceUID"),
        sop_class_uid=text(first, "SOPClassUID"),
        sop_instance_uids=tuple(text(one, "SOPInstanceUID") for one in ordered),
        slice_positions_mm=stack.positions_mm,
        rescale_slopes=tuple(p.slope for p in pixels),
        rescale_intercepts=tuple(p.intercept for p in pixels),
        description=text(first, "SeriesDescription"),
        patient=patient_study(first),
    )
    return PetSeries(image, header, (*series.findings, *stack.findings, *clock.findings, *remarks))


def _one(headers: Sequence[Dataset], name: str) -> str:
    """The value of an attribute that all slices must share."""
    found = sorted({text(header, name) for header in headers})
    if len(found) > 1:
        listed = ", ".join(value or "none" for value in found)
        raise DicomError(f"slices of one PET differ in {name} ({listed}); give a folder with one series")
    return found[0]


def _correction(headers: Sequence[Dataset]) -> DecayCorrection:
    stated = _one(headers, "DecayCorrection").upper()
    if stated not in set(DecayCorrection):
        known = ", ".join(DecayCorrection)
        raise DicomError(
            f"the PET has the decay correction {stated or '(none stated)'}; expected one of {known}: "
            "export the series with it"
        )
    return DecayCorrection(stated)


def _corrected_to(
    correction: DecayCorrection, clock: PetClock
) -> tuple[datetime | None, tuple[Finding, ...]]:
    """The moment of the values: the beginning of the series, or the administration."""
    if correction is DecayCorrection.NONE:
        return None, ()
    if correction is DecayCorrection.ADMIN:
        if clock.administered_at is None:
            raise DicomError(
                "the PET is corrected to the administration (ADMIN), but its radiopharmaceutical start time "
                "is missing; export the series with it, or corrected to the start of the scan"
            )
        return clock.administered_at, ()
    starts = [frame.start for frame in clock.frames if frame.start is not None]
    if clock.series is None:
        raise DicomError(
            "the PET is corrected to the start of the scan (START), but its series date or time is missing; "
            "export the series with them"
        )
    if starts and clock.series - min(starts) > SAME_MOMENT:
        note = (
            "The series time is later than the acquisition, as of a series made afterwards: the values were "
            "taken as corrected to the first acquisition."
        )
        return min(starts), (Finding("pet-series-time", Severity.WARNING, note),)
    return clock.series, ()


def _nuclide(headers: Sequence[Dataset]) -> PetNuclide:
    given = next(iter(items(headers[0], "RadiopharmaceuticalInformationSequence")), None)
    if given is None:
        return PetNuclide()
    meanings = [text(code, "CodeMeaning") for code in items(given, "RadionuclideCodeSequence")]
    seconds = number(given, "RadionuclideHalfLife")
    share = number(given, "RadionuclidePositronFraction")
    return PetNuclide(
        name=nuclide_name(meanings[0]) if meanings else "",
        half_life_h=seconds / SECONDS_PER_HOUR if seconds and seconds > 0 else None,
        positron_yield=share if share and share > 0 else None,
    )


def nuclide_name(meaning: str) -> str:
    """A nuclide as headers write it (``^18^Fluorine``, ``18F``, ``F-18``) in one way; unknown words stay.

    >>> nuclide_name("^90^Yttrium"), nuclide_name("18F"), nuclide_name("Y 90")
    ('Y-90', 'F-18', 'Y-90')
    """
    mass = re.search(r"\d+m?", meaning)
    if mass is None:
        return meaning.strip()
    letters = re.search(r"[A-Za-z]{2,}|[A-Z]", meaning.replace(mass.group(), " ", 1))
    if letters is None:
        return meaning.strip()
    element = letters.group()
    return f"{SYMBOLS.get(element.lower(), element.capitalize())}-{mass.group()}"
