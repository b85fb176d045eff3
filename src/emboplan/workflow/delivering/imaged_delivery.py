"""A PET after treatment against the readings: all activity in the image, and that in the liver.

Everything is brought to one moment, the last injection that the PET shows; what was injected before has
decayed until then. The whole image should hold what was delivered, without the lung shunt where the lungs lie
outside the field; the liver what was delivered without the shunt. A PET that cannot be read in the true
nuclide stays without a total, and a stop says what to do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from emboplan.catalog.load import Catalog
from emboplan.catalog.status import usable
from emboplan.dicom.index import index_folder
from emboplan.dicom.read.pet import MODALITY, nuclide_name, read_pet
from emboplan.dosimetry.decay import decay, hours_between
from emboplan.dosimetry.treatment.administration import relative_difference_frac
from emboplan.dosimetry.treatment.reading_findings import IMAGE, ROUNDING, beyond
from emboplan.dosimetry.uptake.pet_activity import activity_at
from emboplan.errors import CatalogError, GeometryError, InputError, MaskError, ModelRangeError
from emboplan.imaging.resample import mask_occupancy
from emboplan.model.finding import Finding, Severity
from emboplan.model.pet import PetActivity, PetImage, PetNuclide, Volume
from emboplan.model.products import Status
from emboplan.model.results.delivery import ImageComparison, ImagedDelivery
from emboplan.workflow.inputs import load_ct, load_mask, parse_mask_source

Progress = Callable[[str, float], None]

# The clock of the scanner's console and that of the injection record differ by minutes; half an hour of Y-90
# is 0.5 %.
SAME_INJECTION_H = 0.5

WHOLE, LIVER = "whole image", "liver"


@dataclass(frozen=True, slots=True)
class PetRequest:
    """What there is to say of a PET beside its files.

    `scanner_nuclide` is what the scanner was told where that was another nuclide. `liver` is a mask on the
    PET, or on `ct` where that is given, as ``FILE`` or ``FILE#LABEL``.
    """

    series_uid: str | None = None
    scanner_nuclide: str | None = None
    lungs_in_field: bool | None = None
    liver: str | None = None
    ct: Path | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The activity (GBq) that one territory got at its injection."""

    territory: str
    nuclide: str
    gbq: float
    injected_at: datetime
    lung_shunt_frac: float | None


def imaged_delivery(
    folder: Path,
    delivered: Sequence[Delivered],
    request: PetRequest,
    *,
    catalog: Catalog,
    progress: Progress | None = None,
) -> tuple[ImagedDelivery | None, tuple[Finding, ...]]:
    """The PET of a folder against what was delivered; None, and a stop, where its nuclide is not clear.

    Raises:
        InputError: the PET or the mask cannot be used, or the PET shows none of the injections.
    """
    series = index_folder(folder, progress).choose({MODALITY}, request.series_uid)
    first = min(one.injected_at for one in delivered)
    read = read_pet(series, injection_time=first, progress=progress)
    shown, findings = _shown(read.image, delivered)
    findings = [*read.findings, *findings]
    moment = max(one.injected_at for one in shown)
    names = sorted({one.nuclide for one in shown})
    if len(names) > 1:
        raise InputError(f"the PET shows {' and '.join(names)}; one total cannot tell them apart")
    nuclide = pet_nuclide(names[0], catalog)
    told = None if request.scanner_nuclide is None else pet_nuclide(request.scanner_nuclide, catalog)
    findings += _other_injection(read.image, shown)
    try:
        activity = activity_at(read.image, moment, nuclide=nuclide, scanner=told)
    except ModelRangeError as error:
        stop = Finding("pet-not-quantified", Severity.STOP, f"The PET is not compared: {error}.")
        return None, (*findings, stop)
    findings += activity.findings
    share = _liver(request, activity, progress)
    compared, said = _compared(activity, shown, request, share, nuclide, catalog)
    image = ImagedDelivery(
        moment=moment,
        nuclide=nuclide.name,
        decay_correction=read.image.decay_correction.value,
        scanner_nuclide=None if told is None else told.name,
        header_nuclide=read.image.nuclide.name,
        lungs_in_field=request.lungs_in_field,
        delivered_gbq=compared.delivered,
        shunted_gbq=compared.shunted,
        whole=compared.whole,
        liver=compared.liver,
    )
    return image, (*findings, *said)


def pet_nuclide(name: str, catalog: Catalog) -> PetNuclide:
    """A nuclide with what the catalogue knows of it for a PET; the rest must come from the header."""
    known = nuclide_name(name)
    entries = {e.name: e for e in catalog.entries() if e.status is not Status.UNVERIFIED}

    def number(key: str) -> float | None:
        entry = entries.get(f"nuclides.{known}.{key}")
        return None if entry is None else usable(entry).number

    if not any(character.isdigit() for character in known):
        raise CatalogError(f'the nuclide "{name}" is not understood; expected one such as F-18 or Y-90')
    return PetNuclide(known, number("half_life"), number("positron_yield"))


def _shown(pet: PetImage, delivered: Sequence[Delivered]) -> tuple[list[Delivered], list[Finding]]:
    """The injections before the scan; a finding names those after it."""
    starts = [frame.start for frame in pet.frames if frame.start is not None]
    if pet.corrected_to is not None and pet.corrected_to != pet.administered_at:
        starts.append(pet.corrected_to)
    if not starts:
        return list(delivered), []
    scan = max(starts)
    shown = [one for one in delivered if one.injected_at <= scan]
    if not shown:
        raise InputError(
            f"the PET ({scan.isoformat()}) is earlier than the injection; check dates and time zones, "
            "or give the PET after treatment"
        )
    later = [one.territory for one in delivered if one not in shown]
    if not later:
        return shown, []
    text = f"Injected after the PET, and not expected in it: {', '.join(later)}."
    return shown, [Finding("pet-before-injection", Severity.INFO, text)]


def _other_injection(pet: PetImage, shown: Sequence[Delivered]) -> list[Finding]:
    """A warning where the header's administration is not the recorded injection."""
    if pet.administered_at is None:
        return []
    off = min((abs(hours_between(one.injected_at, pet.administered_at)) for one in shown), default=0.0)
    if off <= SAME_INJECTION_H:
        return []
    text = (
        f"The PET header has the administration at {pet.administered_at.isoformat()}, {off:.1f} h from the "
        "injection of the record; the record's was taken."
    )
    return [Finding("pet-injection-time", Severity.WARNING, text)]


def _liver(request: PetRequest, activity: PetActivity, progress: Progress | None) -> Volume | None:
    """The share of each voxel of the PET that the liver fills; None without a mask."""
    if request.liver is None:
        return None
    grid = activity.grid
    if request.ct is not None:
        grid = load_ct(request.ct, None, progress).image.grid
        frames = (grid.frame_of_reference_uid, activity.grid.frame_of_reference_uid)
        if all(frames) and frames[0] != frames[1]:
            raise GeometryError(
                "the CT of the liver mask and the PET do not share a frame of reference; "
                "give the CT of the PET/CT"
            )
    share = mask_occupancy(load_mask(parse_mask_source(request.liver), grid), activity.grid)
    if not share.any():
        raise MaskError("the liver mask holds no voxel of the PET; check that both are of one patient")
    return share


@dataclass(frozen=True, slots=True)
class _Compared:
    delivered: float
    shunted: float | None
    whole: ImageComparison
    liver: ImageComparison | None


def _compared(
    activity: PetActivity,
    shown: Sequence[Delivered],
    request: PetRequest,
    share: Volume | None,
    nuclide: PetNuclide,
    catalog: Catalog,
) -> tuple[_Compared, list[Finding]]:
    half_life = catalog.nuclide(nuclide.name).half_life_h
    now = [
        decay(one.gbq, hours_between(one.injected_at, activity.moment), half_life_h=half_life)
        for one in shown
    ]
    delivered = math.fsum(now)
    fractions = [one.lung_shunt_frac for one in shown]
    shunted = None
    known = [fraction for fraction in fractions if fraction is not None]
    if len(known) == len(fractions):
        shunted = math.fsum(gbq * fraction for gbq, fraction in zip(now, known, strict=True))
    findings = _about_lungs(in_field=request.lungs_in_field, delivered=delivered, shunted=shunted)
    without = delivered - (shunted or 0.0)
    whole, said = _comparison(
        WHOLE,
        activity.total_gbq(),
        without if request.lungs_in_field is False else delivered,
        catalog,
    )
    findings += said
    liver = None
    if share is not None:
        liver, said = _comparison(LIVER, activity.total_gbq(share), without, catalog)
        findings += said
    return _Compared(delivered, shunted, whole, liver), findings


def _about_lungs(*, in_field: bool | None, delivered: float, shunted: float | None) -> list[Finding]:
    if in_field is False and shunted is None:
        text = "No lung shunt is known, so that nothing is taken off for lungs outside the PET."
        return [Finding("pet-shunt-missing", Severity.WARNING, text)]
    if in_field is None and shunted:
        text = (
            "It was not said whether the PET shows the lungs; it was taken to. If it does not, "
            f"{delivered - shunted:.4g} GBq are expected instead of {delivered:.4g}."
        )
        return [Finding("pet-lungs-not-stated", Severity.WARNING, text)]
    return []


def _comparison(
    where: str, total: float, expected: float, catalog: Catalog
) -> tuple[ImageComparison, list[Finding]]:
    if expected <= 0:
        raise InputError(
            "nothing was delivered by the readings, so that a PET has nothing to be compared with"
        )
    limit = catalog.sourced("administration.image_total.tolerance")
    # A noisy image may sum to below zero, which the ratio of two activities does not take.
    off = (
        relative_difference_frac(measured_gbq=total, expected_gbq=expected)
        if total >= 0
        else total / expected - 1
    )
    findings = beyond(
        off, limit, (f"{IMAGE[0]}-{where.replace(' ', '-')}", f"{where.capitalize()}: {IMAGE[1]}")
    )
    outside = abs(off) > limit.number + ROUNDING
    return ImageComparison(total, expected, off, outside), findings
