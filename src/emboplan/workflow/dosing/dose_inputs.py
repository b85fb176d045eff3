"""What a voxel dose is computed from: the activity image, the CT, and the contours on it.

An activity image comes as a DICOM SPECT or PET, or as NIfTI or NRRD with its unit stated. What says how much
activity there is (Bq/mL, MBq/mL, a PET) is brought to the injection; counts say only where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emboplan.catalog.load import Catalog
from emboplan.dicom.index import SeriesInfo, index_folder
from emboplan.dicom.read.pet import MODALITY as PET
from emboplan.dicom.read.pet import read_pet
from emboplan.dosimetry.arguments import not_negative
from emboplan.dosimetry.decay import decay, hours_between
from emboplan.dosimetry.maps.activity import measured_activity, pet_map
from emboplan.dosimetry.uptake.pet_activity import activity_at
from emboplan.errors import DicomError, GeometryError, InputError, MaskError, ModelRangeError
from emboplan.files import nifti, nrrd
from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap
from emboplan.model.mask import LabelMap
from emboplan.model.pet import PetImage
from emboplan.segmentation.builtin import segment_ct
from emboplan.units import UNITS
from emboplan.workflow.delivering.imaged_delivery import pet_nuclide
from emboplan.workflow.inputs import LoadedCt, load_ct, load_lesions, load_mask, load_spect, parse_mask_source
from emboplan.workflow.registering.laid_scan import (
    LaidScan,
    LayingWish,
    in_frame_finding,
    lay_scan,
    share_frame,
)

Progress = Callable[[str, float], None]
Unit = Literal["counts", "Bq/mL", "MBq/mL"]

COUNTS, BQ_PER_ML, MBQ_PER_ML = "counts", "Bq/mL", "MBq/mL"
KNOWN_UNITS = (COUNTS, BQ_PER_ML, MBQ_PER_ML)
BQ_PER_MBQ = 1 / float(UNITS["Bq"].factor)

IMAGE = "activity image"
MASKS = ("liver", "tumours", "lungs")


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What there is to say of the activity image beside its files.

    `unit` is what the numbers of a SPECT, NIfTI or NRRD mean; None where the image decides (PET) or an
    administered activity makes it needless. `measured_at` is the moment that the values stand for, where the
    files do not tell. `scanner_nuclide` is what a PET scanner was told where that was not the true nuclide.
    """

    unit: str | None = None
    injected_at: datetime | None = None
    measured_at: datetime | None = None
    resolution_fwhm_mm: float | None = None
    scanner_nuclide: str | None = None
    needs_amount: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class ScanActivity:
    """The image as a map on its own grid; `is_absolute` says that its MBq/mL are such, else only a pattern.

    `decay_factor` brought an absolute image to the injection.
    """

    image: ActivityMap
    resolution_fwhm_mm: float | None
    files: tuple[Path, ...]
    findings: tuple[Finding, ...]
    is_absolute: bool
    decay_factor: float = 1.0


def load_activity(
    path: Path, request: ScanRequest, *, nuclide: str, catalog: Catalog, progress: Progress | None = None
) -> ScanActivity:
    """The activity image at a path.

    Raises:
        InputError: it cannot be read, its unit or a moment is missing, or it holds negative or missing
        values.
    """
    if request.unit is not None and request.unit not in KNOWN_UNITS:
        raise InputError(f'unit "{request.unit}" is unknown; expected {", ".join(KNOWN_UNITS)}')
    if not path.exists():
        raise InputError(f"{path.name} is not there; check the path of the activity image")
    if path.is_file() and path.name.lower().endswith((*nifti.SUFFIXES, *nrrd.SUFFIXES)):
        found = _from_file(path, request, nuclide, catalog, progress)
        _require_numbers(path)
        return found
    index = index_folder(path, progress)
    pets = [series for series in index.series if series.modality == PET]
    spects = [series for series in index.series if series.modality == "NM" and series.is_volume]
    if pets and spects:
        listed = "; ".join(series.describe() for series in (*spects, *pets))
        raise DicomError(f"SPECT and PET series fit; give a folder with only one: {listed}")
    if pets:
        return _from_pet(index.choose({PET}), request, nuclide, catalog, progress)
    return _from_file(path, request, nuclide, catalog, progress)


def _require_numbers(path: Path) -> None:
    """Refuse a NIfTI file with values that are no numbers: its reader would make them 0."""
    if not path.name.lower().endswith(nifti.SUFFIXES):
        return
    count = nifti.count_not_finite(path)
    if count:
        raise ModelRangeError(
            f"{path.name} holds {count} values that are not finite; mend the image first, 0 is no stand-in"
        )


def _from_file(
    path: Path, request: ScanRequest, nuclide: str, catalog: Catalog, progress: Progress | None
) -> ScanActivity:
    """A SPECT, NIfTI or NRRD: counts, or a concentration in a stated unit."""
    unit = request.unit
    if unit is None and request.needs_amount:
        raise InputError(
            f"{path.name} does not say how much activity there is; give the administered activity, or the "
            f"unit of its numbers ({BQ_PER_ML} or {MBQ_PER_ML})"
        )
    if unit in (None, COUNTS):
        if request.needs_amount:
            raise InputError(
                "counts do not say how much activity there is; give the administered activity too"
            )
        loaded = load_spect(path, request.resolution_fwhm_mm, progress)
        image = ActivityMap(loaded.image.grid, loaded.image.concentration().counts_per_ml)
        return ScanActivity(
            image, loaded.image.resolution_fwhm_mm, loaded.files, loaded.findings, is_absolute=False
        )
    values, grid, files, fwhm = _values(path, request, progress)
    bq_per_ml = not_negative(values, f"activity concentration ({unit})")
    if unit == MBQ_PER_ML:
        bq_per_ml = bq_per_ml * BQ_PER_MBQ
    if request.injected_at is None and request.measured_at is None:
        text = "No times were given: the values of the image are taken as those at the injection."
        said = Finding("activity-at-injection", Severity.INFO, text)
        image = ActivityMap(grid, (bq_per_ml / BQ_PER_MBQ).astype(np.float32))
        return ScanActivity(image, fwhm, files, (said,), is_absolute=True)
    if request.injected_at is None or request.measured_at is None:
        lacking = "injection" if request.injected_at is None else "image (the one its values stand for)"
        raise InputError(f"the time of the {lacking} is missing; give both times, or none for no decay")
    found = measured_activity(
        bq_per_ml,
        grid,
        measured_at=request.measured_at,
        injected_at=request.injected_at,
        nuclide=nuclide,
        catalog=catalog,
    )
    return ScanActivity(
        found.activity, fwhm, files, found.findings, is_absolute=True, decay_factor=found.decay_factor
    )


def _values(
    path: Path, request: ScanRequest, progress: Progress | None
) -> tuple[NDArray[np.float64], Grid, tuple[Path, ...], float | None]:
    if path.is_file() and path.name.lower().endswith(nifti.SUFFIXES):
        array, grid = nifti.read_volume(path)
        return array.astype(np.float64), grid, (path,), request.resolution_fwhm_mm
    if path.is_file() and path.name.lower().endswith(nrrd.SUFFIXES):
        array, grid = nrrd.read_volume(path)
        return array.astype(np.float64), grid, (path,), request.resolution_fwhm_mm
    loaded = load_spect(path, request.resolution_fwhm_mm, progress)
    return (
        loaded.image.counts.astype(np.float64),
        loaded.image.grid,
        loaded.files,
        loaded.image.resolution_fwhm_mm,
    )


def _from_pet(
    series: SeriesInfo, request: ScanRequest, nuclide: str, catalog: Catalog, progress: Progress | None
) -> ScanActivity:
    if request.unit not in (None, BQ_PER_ML):
        raise InputError(f"unit is {request.unit}, but a PET is in {BQ_PER_ML} by its header; leave it out")
    read = read_pet(series, injection_time=request.injected_at, progress=progress)
    moment, findings = _injection(read.image, request)
    known = pet_nuclide(nuclide, catalog)
    told = None if request.scanner_nuclide is None else pet_nuclide(request.scanner_nuclide, catalog)
    at_injection = activity_at(read.image, moment, nuclide=known, scanner=told)
    found = pet_map(at_injection, injected_at=moment, nuclide=nuclide, catalog=catalog)
    start = read.image.corrected_to or read.image.frames[0].start
    factor = 1.0
    if start is not None:
        hours = hours_between(moment, start)
        factor = float(decay(1.0, -hours, half_life_h=catalog.nuclide(nuclide).half_life_h))
    return ScanActivity(
        image=found.activity,
        is_absolute=True,
        decay_factor=factor,
        resolution_fwhm_mm=request.resolution_fwhm_mm,
        files=series.files,
        findings=(*read.findings, *findings, *found.findings),
    )


def _injection(pet: PetImage, request: ScanRequest) -> tuple[datetime, tuple[Finding, ...]]:
    """The moment of injection: as given, else the header's, else any where only the pattern counts."""
    if request.injected_at is not None:
        return request.injected_at, ()
    if pet.administered_at is not None:
        text = f"The injection is taken from the PET's header: {pet.administered_at.isoformat()}."
        return pet.administered_at, (Finding("pet-injection-from-header", Severity.WARNING, text),)
    moment = pet.corrected_to or pet.frames[0].start
    if moment is None or request.needs_amount:
        raise InputError("the PET does not tell when the injection was; give the time of injection")
    return moment, ()


def load_anatomy(
    ct: LoadedCt,
    *,
    liver: str | None,
    tumours: str | None,
    lungs: str | None,
    progress: Progress | None = None,
) -> tuple[Anatomy, tuple[Finding, ...]]:
    """Liver, lesions and lungs on the CT: given as ``FILE`` or ``FILE#LABEL``, else found."""
    grid = ct.image.grid
    given_liver = None if liver is None else load_mask(parse_mask_source(liver), grid)
    lesions = None if tumours is None else load_lesions(parse_mask_source(tumours), grid)
    given_lungs = None if lungs is None else load_mask(parse_mask_source(lungs), grid)
    for mask, name in ((given_liver, "liver"), (given_lungs, "lung")):
        if mask is not None and mask.is_empty:
            raise MaskError(f"the {name} mask is empty; check the file and its label")
    whole = given_lungs is not None and not bool(given_lungs.voxels[0].any() or given_lungs.voxels[-1].any())
    if given_liver is not None and lesions is not None and given_lungs is not None:
        outside = LabelMap(grid, np.where(given_liver.voxels, lesions.labels, np.uint16(0)))
        stray = int(np.count_nonzero(lesions.labels)) - int(np.count_nonzero(outside.labels))
        if not stray:
            return (
                Anatomy(
                    image=ct.image,
                    liver=given_liver,
                    lesions=lesions,
                    review=Review(backend="given"),
                    lungs=given_lungs,
                    lungs_complete=whole,
                ),
                (),
            )
    anatomy = segment_ct(ct.image, liver=given_liver, lesions=lesions, progress=progress)
    if given_lungs is not None:
        anatomy = replace(anatomy, lungs=given_lungs, lungs_complete=whole)
    missing = [name for name, one in zip(MASKS, (liver, tumours, lungs), strict=True) if one is None]
    findings = anatomy.findings
    if missing:
        text = (
            f"Found by the built-in segmentation, and confirmed by no reader: {', '.join(missing)}. "
            "Look at the picture before the numbers."
        )
        findings += (Finding("dose-contours", Severity.WARNING, text),)
    return anatomy, findings


def laid_activity(
    scan: ScanActivity, anatomy: Anatomy, wish: LayingWish, catalog: Catalog, progress: Progress | None = None
) -> tuple[ScanActivity, LaidScan | None, tuple[Finding, ...]]:
    """The image on the CT: registered where that is asked for and the frames of reference differ.

    Raises:
        GeometryError: the frames differ, and no registration was asked for.
        InputError: it could not be registered, or the result is not accepted.
    """
    if wish.kind is None:
        return scan, None, require_aligned(anatomy.grid, scan.image.grid)
    if share_frame(anatomy.grid, scan.image.grid):
        return scan, None, (in_frame_finding(IMAGE),)
    own = None if wish.own_ct is None else load_ct(wish.own_ct, None, progress).image
    laid = lay_scan(
        scan.image,
        anatomy.ct,
        anatomy.liver,
        wish,
        own_ct=own,
        resolution_fwhm_mm=scan.resolution_fwhm_mm,
        catalog=catalog,
    )
    if not laid.accepted:
        raise InputError(
            f"the registration of the {IMAGE} is not accepted: {'; '.join(laid.reasons())}; "
            "`emboplan register` draws the picture to look at"
        )
    image = replace(scan.image, grid=laid.placed(scan.image.grid))
    return replace(scan, image=image), laid, laid.findings(IMAGE)


def require_aligned(ct: Grid, scan: Grid) -> tuple[Finding, ...]:
    """A finding where a frame of reference is not known; `GeometryError` where the two differ."""
    frames = (ct.frame_of_reference_uid, scan.frame_of_reference_uid)
    if all(frames) and frames[0] != frames[1]:
        raise GeometryError(
            "the activity image and the CT do not share a frame of reference; let it be registered "
            "(--register rigid), or give the CT of the SPECT/CT or PET/CT"
        )
    if all(frames):
        return ()
    text = (
        "Activity image or CT states no frame of reference: they are taken as aligned, look at the picture."
    )
    return (Finding("dose-alignment-unknown", Severity.WARNING, text),)
