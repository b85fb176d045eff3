"""The structures of a CT on the dose grid, and the activity of an image placed in them.

A relative image is scaled to the activity of the liver and the lungs, which both images must show. An
absolute one stays as it reads; what of it lies beyond the CT is left out and said, and refused if it is much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.dosimetry.maps.activity import (
    LUNGS,
    Region,
    Treated,
    counts_elsewhere_frac,
    in_regions,
    shunted_regions,
)
from emboplan.dosimetry.maps.activity_grid import activity_outside, grid_occupancy, resampled_activity
from emboplan.errors import InputError, MaskError
from emboplan.imaging.resample import mask_occupancy
from emboplan.model.anatomy import Anatomy
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, CountImage
from emboplan.model.mask import Mask
from emboplan.units import MBQ_PER_GBQ, PERCENT
from emboplan.workflow.dosing.dose_inputs import ScanActivity
from emboplan.workflow.dosing.liver_seen import require_liver_seen

Share = NDArray[np.float32]

LIVER, NORMAL_LIVER, ALL_TUMOURS = "liver", "normal liver", "all tumours"

# Lesions from this volume on decide, by default, how long transport goes on; smaller ones take long and are
# beyond the resolution of the scan.
SMALLEST_DECIDING_ML = 1.0

# Counts far from liver and lungs above this share speak of uptake elsewhere, wrong contours or a shift.
NOTABLE_ELSEWHERE_FRAC = 0.05

# An absolute image and an administered activity that differ by more are worth a look.
NOTABLE_DIFFERENCE_FRAC = 0.1


def lesion_name(number: int) -> str:
    """What a numbered lesion is called in results."""
    return f"tumour {number}"


def shown_lungs(anatomy: Anatomy) -> Mask | None:
    """The lungs of an anatomy; None where the CT shows none."""
    return None if anatomy.lungs is None or anatomy.lungs.is_empty else anatomy.lungs


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """The structures as shares of the voxels of the dose grid; the lungs less what is liver."""

    grid: Grid
    liver: Share
    lungs: Share | None
    normal: Share
    lesions: Mapping[str, Share]
    lesion_ml: Mapping[str, float]
    lungs_complete: bool

    @classmethod
    def of(cls, anatomy: Anatomy, grid: Grid) -> Places:
        """The structures of an anatomy; `MaskError` where the liver is not on the grid."""
        liver = mask_occupancy(anatomy.liver, grid)
        if not liver.any():
            raise MaskError("the activity image does not show the liver of the CT; check both are aligned")
        lungs = None
        shown = shown_lungs(anatomy)
        if shown is not None:
            found = np.minimum(mask_occupancy(shown, grid), 1 - liver)
            lungs = found if found.any() else None
        masks = {lesion_name(n): anatomy.lesions.mask(n) for n in anatomy.lesions.numbers}
        lesions = {name: mask_occupancy(mask, grid) for name, mask in masks.items()}
        return cls(
            grid=grid,
            liver=liver,
            lungs=lungs,
            normal=mask_occupancy(anatomy.normal_liver, grid),
            lesions={name: share for name, share in lesions.items() if share.any()},
            lesion_ml={name: mask.volume_ml for name, mask in masks.items()},
            lungs_complete=anatomy.lungs_complete,
        )

    def in_liver(self) -> dict[str, Share]:
        """Normal liver and lesions, as far as they are there."""
        found = {NORMAL_LIVER: self.normal, **self.lesions}
        return {name: share for name, share in found.items() if share.any()}

    def structures(self) -> dict[str, Share]:
        """Normal liver, lesions and lungs, as far as they are there."""
        return self.in_liver() | ({} if self.lungs is None else {LUNGS: self.lungs})


@dataclass(frozen=True, slots=True, eq=False)
class PlacedActivity:
    """The activity on the dose grid; `regions` where it was scaled to them, and `image` before that."""

    activity: ActivityMap
    image: ActivityMap
    regions: tuple[Region, ...] | None
    region_mbq: Mapping[str, float]
    outside_frac: float = 0.0
    reassigned_frac: float = 0.0
    not_placed_mbq: float = 0.0
    outside_ct_mbq: float = 0.0
    outside_grid_mbq: float = 0.0
    findings: tuple[Finding, ...] = ()


def placed_activity(
    scan: ScanActivity,
    places: Places,
    liver: Mask,
    *,
    administered_gbq: float | None,
    lung_shunt_frac: float | None,
    allow_cut_liver: bool = False,
) -> PlacedActivity:
    """The activity of an image on the dose grid: scaled to `administered_gbq`, else as it reads.

    `liver` is the mask on the CT.

    Raises:
        InputError: the image is empty, much of an absolute one lies outside the CT, or a relative one or the
            CT misses a part of the liver that was not allowed.
    """
    image, outside_grid = scan.image, 0.0
    findings: tuple[Finding, ...] = ()
    if image.total_mbq <= 0:
        raise InputError("the activity image holds nothing above 0; check the image and its unit")
    if not image.grid.is_same(places.grid):
        moved = resampled_activity(image, places.grid)
        image, outside_grid, findings = moved.activity, moved.outside.outside_mbq, moved.outside.findings
    if administered_gbq is None:
        return _as_measured(image, places, liver.grid, outside_grid, findings)
    findings += require_liver_seen(liver, scan.image, allow_cut=allow_cut_liver)
    findings += _against_image(scan, administered_gbq)
    shunt = lung_shunt_frac
    if shunt is None:
        text = "No lung shunt was given: it is taken as 0, and the lungs get no activity."
        findings += (Finding("dose-no-shunt", Severity.WARNING, text),)
        shunt = 0.0
    lungs = places.lungs if shunt > 0 else None
    treated = Treated(LIVER, places.liver, administered_gbq, shunt)
    regions = shunted_regions(places.grid, [treated], lungs, resolution_fwhm_mm=scan.resolution_fwhm_mm)
    found = in_regions(image, regions)
    not_placed = 0.0 if lungs is not None else administered_gbq * shunt * MBQ_PER_GBQ
    return PlacedActivity(
        activity=found.activity,
        image=image,
        regions=regions,
        region_mbq=found.region_mbq,
        outside_frac=found.outside_frac,
        reassigned_frac=found.reassigned_frac,
        not_placed_mbq=not_placed,
        findings=(
            *findings,
            *found.findings,
            *_about_placing(image, places, found.reassigned_frac, not_placed),
        ),
    )


def _as_measured(
    image: ActivityMap, places: Places, ct: Grid, outside_grid: float, findings: tuple[Finding, ...]
) -> PlacedActivity:
    covered = grid_occupancy(ct, image.grid)
    outside = activity_outside(image, covered)
    inside = ActivityMap(image.grid, image.mbq_per_ml * covered)
    held = {LIVER: places.liver} | ({} if places.lungs is None else {LUNGS: places.lungs})
    voxel_ml = image.grid.voxel_ml
    return PlacedActivity(
        activity=inside,
        image=inside,
        regions=None,
        region_mbq={
            name: float((inside.mbq_per_ml * share).sum(dtype=np.float64)) * voxel_ml
            for name, share in held.items()
        },
        outside_ct_mbq=outside.outside_mbq,
        outside_grid_mbq=outside_grid,
        findings=(*findings, *outside.findings),
    )


def _against_image(scan: ScanActivity, administered_gbq: float) -> tuple[Finding, ...]:
    """What an absolute image reads beside the administered activity that it is scaled to."""
    if not scan.is_absolute:
        return ()
    read = scan.image.total_mbq / MBQ_PER_GBQ
    off = read / administered_gbq - 1
    weight = Severity.WARNING if abs(off) > NOTABLE_DIFFERENCE_FRAC else Severity.INFO
    text = (
        f"The image reads {read:.4g} GBq in all, {off * PERCENT:+.1f} % of the administered "
        f"{administered_gbq:.4g} GBq, to which it was scaled."
    )
    return (Finding("dose-image-total", weight, text),)


def _about_placing(image: ActivityMap, places: Places, reassigned: float, not_placed: float) -> list[Finding]:
    found = []
    if reassigned > 0:
        text = (
            f"{reassigned * PERCENT:.0f} % of the counts in the lungs lie near the liver and are taken for "
            "the liver's; the lung there got the mean of the rest."
        )
        found.append(Finding("lung-counts-reassigned", Severity.INFO, text))
    if not_placed > 0:
        text = f"The CT shows no lungs: {not_placed:.4g} MBq that went there give no dose in the map."
        found.append(Finding("dose-lungs-missing", Severity.WARNING, text))
    elif places.lungs is not None and not places.lungs_complete:
        text = "The CT does not show the whole lungs: the shunted activity lies in the part that it shows."
        found.append(Finding("dose-lungs-cut", Severity.WARNING, text))
    shares = [places.liver, *([] if places.lungs is None else [places.lungs])]
    elsewhere = counts_elsewhere_frac(CountImage(image.grid, image.mbq_per_ml), shares)
    if elsewhere > NOTABLE_ELSEWHERE_FRAC:
        text = (
            f"{elsewhere * PERCENT:.0f} % of the counts lie far from liver and lungs: look for extrahepatic "
            "uptake, wrong contours or a shift between image and CT."
        )
        found.append(Finding("counts-outside", Severity.WARNING, text))
    return found


def deciding_structures(places: Places, names: Sequence[str] | None) -> dict[str, Share]:
    """The structures whose mean dose decides how long transport goes on."""
    if names is None:
        large = {n: s for n, s in places.lesions.items() if places.lesion_ml[n] >= SMALLEST_DECIDING_ML}
        return {NORMAL_LIVER: places.normal, **large} if places.normal.any() else large
    organs: dict[str, Share | None] = {
        LIVER: places.liver,
        NORMAL_LIVER: places.normal,
        LUNGS: places.lungs,
    }
    found: dict[str, Share] = {}
    for given in names:
        name = given.strip().lower().replace("-", " ").replace("lesion ", "tumour ")
        if name in ("lesions", "tumours", ALL_TUMOURS):
            if not places.lesions:
                raise MaskError(
                    f'"{given}" is empty: there are no lesions; give tumours, or another structure'
                )
            found |= places.lesions
        elif name in places.lesions:
            found[name] = places.lesions[name]
        elif name in organs:
            share = organs[name]
            if share is None or not share.any():
                raise MaskError(f'"{given}" is empty: the CT shows none; name another structure')
            found[name] = share
        else:
            known = ["lesions", "liver", "normal-liver", "lungs", *places.lesions]
            raise InputError(f'structure "{given}" is unknown; expected {", ".join(known)}')
    return found
