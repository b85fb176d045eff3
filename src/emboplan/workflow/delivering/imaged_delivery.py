"""A PET after treatment against the readings: all activity in the image, and that in the liver.

Everything is brought to one moment, the last injection that the PET shows; what was injected before has
decayed until then. The whole image should hold what was delivered, without the lung shunt where the lungs lie
outside the field; the liver what was delivered without the shunt. A PET that cannot be read in the true
nuclide stays without a total, and a stop says what to do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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
from emboplan.model.grid import Grid
from emboplan.model.mask import Mask
from emboplan.model.pet import PetActivity, PetImage, PetNuclide, Volume
from emboplan.model.products import Status
from emboplan.model.results.delivery import ImageComparison, ImagedDelivery
from emboplan.workflow.inputs import load_ct, load_mask, parse_mask_source
from emboplan.workflow.registering.laid_scan import (
    LaidScan,
    LayingWish,
    in_frame_finding,
    lay_scan,
    share_frame,
)

Progress = Callable[[str, float], None]

# The clock of the scanner's console and that of the injection record differ by minutes; half an hour of Y-90
# is 0.5 %.
SAME_INJECTION_H = 0.5

PET = "PET"
WHOLE, LIVER = "whole image", "liver"


@dataclass(frozen=True, slots=True)
class PetRequest:
    """What there is to say of a PET beside its files.

    `scanner_nuclide` is what the scanner was told where that was another nuclide. `liver` is a mask on the
    PET, or on `ct` where that is given, as ``FILE`` or ``FILE#LABEL``. `laying` says how a PET outside the
    frame of reference of that CT is brought there, for which its `resolution_fwhm_mm` is needed.
    """

    series_uid: str | None = None
    scanner_nuclide: str | None = None
    lungs_in_field: bool | None = None
    liver: str | None = None
    ct: Path | None = None
    laying: LayingWish = field(default_factory=LayingWish)
    resolution_fwhm_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The activity (GBq) that one territory got at its injection."""

    territory: str
    nuclide: str
    gbq: float
    injected_at: datetime
    lung_shunt_frac: float | None


@dataclass(frozen=True, slots=True, eq=False)
class ShownDelivery:
    """What a PET says, None where its nuclide is not clear; `laid` where it was registered to the CT."""

    image: ImagedDelivery | None
    laid: LaidScan | None
    findings: tuple[Finding, ...]


def imaged_delivery(
    folder: Path,
    delivered: Sequence[Delivered],
    request: PetRequest,
    *,
    catalog: Catalog,
    progress: Progress | None = None,
) -> ShownDelivery:
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
        return ShownDelivery(None, None, (*findings, stop))
    findings += activity.findings
    liver = _liver(request, activity, catalog, progress)
    findings += liver.findings
    compared, said = _compared(activity, shown, request, liver.share, nuclide, catalog)
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
    return ShownDelivery(image, liver.laid, (*findings, *said))


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


@dataclass(frozen=True, slots=True, eq=False)
class _Liver:
    """The share of each voxel of the PET that the liver fills, None without a mask, and how it came there."""

    share: Volume | None = None
    laid: LaidScan | None = None
    findings: tuple[Finding, ...] = ()


def _liver(request: PetRequest, activity: PetActivity, catalog: Catalog, progress: Progress | None) -> _Liver:
    if request.liver is None:
        return _Liver()
    source = parse_mask_source(request.liver)
    if request.ct is None:
        return _Liver(_seen(load_mask(source, activity.grid), activity.grid))
    ct = load_ct(request.ct, None, progress).image
    mask, wish = load_mask(source, ct.grid), request.laying
    if share_frame(ct.grid, activity.grid):
        said = () if wish.kind is None else (in_frame_finding(PET),)
        return _Liver(_seen(mask, activity.grid), None, said)
    if wish.kind is None:
        if ct.grid.frame_of_reference_uid and activity.grid.frame_of_reference_uid:
            raise GeometryError(
                "the CT of the liver mask and the PET do not share a frame of reference; "
                "give the CT of the PET/CT, or let the PET be registered (--register rigid)"
            )
        return _Liver(_seen(mask, activity.grid))
    own = None if wish.own_ct is None else load_ct(wish.own_ct, None, progress).image
    laid = lay_scan(
        activity.to_map(),
        ct,
        mask,
        wish,
        own_ct=own,
        resolution_fwhm_mm=request.resolution_fwhm_mm,
        catalog=catalog,
    )
    if not laid.accepted:
        # The readings stand without the PET: its liver alone is left out.
        return _Liver(None, laid, laid.findings(PET))
    return _Liver(_seen(mask, laid.placed(activity.grid)), laid, laid.findings(PET))


def _seen(mask: Mask, grid: Grid) -> Volume:
    share = mask_occupancy(mask, grid)
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
