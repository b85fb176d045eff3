"""Volumes of liver, tumours and lungs, and the tumour burden, with their intervals.

Volumes are counts of voxels. Where a reader gave or confirmed the contours, intervals say how far the
volumes move when the contour is off by half a voxel (see `surface`). Where a program drew them and nobody
confirmed them, they are 95 % intervals that were calibrated on digital patients (see `intervals`), which hold
missed and false lesions too. A lesion just too small to be measurable may be missed on contours that nobody
confirmed, whoever drew them. The burden's interval takes the errors of liver and tumours as independent.
"""

from __future__ import annotations

import math

import numpy as np

from emboplan import catalog as catalogue
from emboplan.imaging.fingerprint import voxels_sha256
from emboplan.measure.doubt import parenchyma
from emboplan.measure.intervals import Calibration, burden_interval_frac, calibration, tumour_interval
from emboplan.measure.lesions import Doubted, measure_lesions
from emboplan.measure.lung_mass import lung_mass_g
from emboplan.measure.surface import half_voxel_band_ml, surface_ml_per_mm
from emboplan.model.anatomy import GIVEN, Anatomy, Drawn
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import MrImage
from emboplan.model.mask import Mask
from emboplan.model.results.burden import Burden, Interval
from emboplan.units import ML_PER_MM3, PERCENT


def _sphere_ml(diameter_mm: float) -> float:
    return math.pi / 6 * diameter_mm**3 * ML_PER_MM3


def _band_ml(mask: Mask) -> float:
    return 0.0 if mask.is_empty else half_voxel_band_ml(mask.voxels[mask.box()], mask.grid)


BUILTIN = "builtin"
NOT_CALIBRATED = "interval-not-calibrated"


def burden_interval_pct(
    tumour_ml: float, tumour_bounds: Interval, liver_ml: float, liver_bounds: Interval
) -> Interval:
    """The interval of the burden in percent, from those of its parts taken as independent."""
    low, high = burden_interval_frac(tumour_ml, tumour_bounds, liver_ml, liver_bounds)
    return (PERCENT * low, PERCENT * high)


def _liver_interval(liver: Mask, numbers: Calibration | None) -> Interval:
    """Half a voxel about a given liver (no `numbers`), the calibrated shift about a found one."""
    volume = liver.volume_ml
    if numbers is None:
        band = _band_ml(liver)
        return (volume - band, volume + band)
    surface = surface_ml_per_mm(liver.voxels[liver.box()], liver.grid)
    return numbers.of_liver(volume).about(volume, surface)


def measure_burden(
    anatomy: Anatomy, *, viable: Mask | None = None, catalog: catalogue.Catalog | None = None
) -> Burden:
    """Volumes, tumour burden and lesions of an anatomy, as in `segmentation.json`.

    Args:
        anatomy: liver (tumours included), lesions and lungs on one CT or MR.
        viable: the viable part of the tumours in place of the anatomy's own; must lie on the same grid.
        catalog: the catalogue in use; the shipped one unless given.
    """
    grid = anatomy.grid
    numbers = catalog or catalogue.load()
    if viable is not None:
        grid.require_same(viable.grid, "liver and viable tumour")
    told = anatomy.viable if viable is None else viable
    drawn, calibrated = anatomy.review.drawn, calibration(numbers)
    liver_ml, tumour = anatomy.liver.volume_ml, anatomy.tumour
    found = Doubted(calibrated, parenchyma(anatomy), liver_ml) if drawn.lesions else None
    tumour_ml = tumour.volume_ml
    lesions = measure_lesions(anatomy, viable=told, found=found)
    liver_interval = _liver_interval(anatomy.liver, calibrated if drawn.liver else None)
    if found is None:
        band = _band_ml(tumour)
        low, high = max(0.0, tumour_ml - band), tumour_ml + band
    else:
        unlike = 1.0 if found.parenchyma is None else found.parenchyma.unlike_frac
        parts = [(lesion.volume_ml, lesion.volume_ml_interval) for lesion in lesions]
        low, high = tumour_interval(parts, unlike, liver_ml - tumour_ml, calibrated)
        high += calibrated.beyond_ml(liver_ml, liver_interval) if drawn.liver else 0.0
    missed = _sphere_ml(numbers.number("lesion.measurable_diameter")) if anatomy.review.provisional else 0.0
    tumour_bounds = (low, min(liver_interval[1], high + missed))
    lung_ml, lung_g, findings = _lungs(anatomy, numbers)
    viable_ml = None if told is None else (told & tumour).volume_ml
    if tumour.is_empty:
        viable_ml = 0.0
    return Burden(
        liver_ml=liver_ml,
        liver_ml_interval=liver_interval,
        tumour_ml=tumour_ml,
        tumour_ml_interval=tumour_bounds,
        viable_tumour_ml=viable_ml,
        burden_pct=PERCENT * tumour_ml / liver_ml,
        burden_pct_interval=burden_interval_pct(tumour_ml, tumour_bounds, liver_ml, liver_interval),
        largest_lesion_mm=max((lesion.longest_mm for lesion in lesions), default=None),
        lesions=lesions,
        lung_ml=lung_ml,
        lung_mass_g=lung_g,
        confirmed_by=anatomy.review.confirmed_by,
        backend=anatomy.review.backend,
        backend_version=anatomy.review.backend_version,
        backend_licence=anatomy.review.backend_licence,
        history=anatomy.review.history,
        corrections=anatomy.review.corrections,
        digests=_digests(anatomy),
        findings=(*anatomy.findings, *_about_calibration(anatomy, drawn), *findings),
    )


def _about_calibration(anatomy: Anatomy, drawn: Drawn) -> tuple[Finding, ...]:
    """What is to be said where intervals are taken beyond what they were calibrated on."""
    if not (drawn.liver or drawn.lesions):
        return ()
    others = [name for name in anatomy.review.backend.split("+") if name not in (BUILTIN, GIVEN)]
    on_mr = isinstance(anatomy.image, MrImage)
    if not others and not on_mr:
        return ()
    whose = f"contours of {' and '.join(others)}" if others else "contours on an MR"
    text = (
        f"The intervals of volumes and burden were calibrated on CTs with the built-in segmentation, not on "
        f"{whose}: take them as a rough guide."
    )
    return (Finding(NOT_CALIBRATED, Severity.WARNING, text),)


def _digests(anatomy: Anatomy) -> dict[str, str]:
    grid = anatomy.grid
    return {
        anatomy.image.modality.value: voxels_sha256(anatomy.image.values, grid),
        "liver": voxels_sha256(anatomy.liver.voxels, grid),
        "lesions": voxels_sha256(anatomy.lesions.labels, grid),
    }


def _lungs(
    anatomy: Anatomy, numbers: catalogue.Catalog
) -> tuple[float | None, float | None, tuple[Finding, ...]]:
    """Volume and mass of the lungs; None where they are missing or cut by the field of view."""
    lungs = anatomy.lungs
    if lungs is None or lungs.is_empty:
        return None, None, ()
    if not anatomy.lungs_complete:
        text = "The CT does not show the whole lungs: no lung volume or mass is taken from it."
        return None, None, (Finding("lungs-cut", Severity.INFO, text),)
    hu = anatomy.ct.hu[lungs.voxels].astype(np.float64)
    return lungs.volume_ml, lung_mass_g(hu, voxel_ml=anatomy.grid.voxel_ml, catalog=numbers), ()
