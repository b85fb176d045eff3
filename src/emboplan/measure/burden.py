"""Volumes of liver, tumours and lungs, and the tumour burden, with their intervals.

Volumes are counts of voxels. Their intervals say how far they move when the contour is off by half a voxel
(see `surface`). The burden's interval takes the errors of liver and tumours as independent. Where nobody has
confirmed the contours, a lesion just too small to be measurable may have been missed: the upper ends allow
for one.
"""

from __future__ import annotations

import math

import numpy as np

from emboplan import catalog as catalogue
from emboplan.imaging.fingerprint import voxels_sha256
from emboplan.measure.lesions import measure_lesions
from emboplan.measure.lung_mass import lung_mass_g
from emboplan.measure.surface import half_voxel_band_ml
from emboplan.model.anatomy import Anatomy
from emboplan.model.finding import Finding, Severity
from emboplan.model.mask import Mask
from emboplan.model.results.burden import Burden, Interval
from emboplan.units import ML_PER_MM3, PERCENT


def _sphere_ml(diameter_mm: float) -> float:
    return math.pi / 6 * diameter_mm**3 * ML_PER_MM3


def _band_ml(mask: Mask) -> float:
    return 0.0 if mask.is_empty else half_voxel_band_ml(mask.voxels[mask.box()], mask.grid)


def burden_interval_pct(
    tumour_ml: float, tumour_interval: Interval, liver_ml: float, liver_interval: Interval
) -> Interval:
    """The interval of the burden in percent, from those of its parts taken as independent."""
    burden = tumour_ml / liver_ml
    liver_part = burden * (liver_interval[1] - liver_interval[0]) / (2 * liver_ml)
    low = burden - math.hypot((tumour_ml - tumour_interval[0]) / liver_ml, liver_part)
    high = burden + math.hypot((tumour_interval[1] - tumour_ml) / liver_ml, liver_part)
    return (PERCENT * max(0.0, low), PERCENT * min(1.0, high))


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
    liver_ml, tumour = anatomy.liver.volume_ml, anatomy.tumour
    liver_band, tumour_band = _band_ml(anatomy.liver), _band_ml(tumour)
    liver_interval = (liver_ml - liver_band, liver_ml + liver_band)
    missed = _sphere_ml(numbers.number("lesion.measurable_diameter")) if anatomy.review.provisional else 0.0
    tumour_ml = tumour.volume_ml
    tumour_interval = (
        max(0.0, tumour_ml - tumour_band),
        min(liver_interval[1], tumour_ml + tumour_band + missed),
    )
    if viable is not None:
        grid.require_same(viable.grid, "liver and viable tumour")
    told = anatomy.viable if viable is None else viable
    lesions = measure_lesions(anatomy, viable=told)
    lung_ml, lung_g, findings = _lungs(anatomy, numbers)
    viable_ml = None if told is None else (told & tumour).volume_ml
    if tumour.is_empty:
        viable_ml = 0.0
    return Burden(
        liver_ml=liver_ml,
        liver_ml_interval=liver_interval,
        tumour_ml=tumour_ml,
        tumour_ml_interval=tumour_interval,
        viable_tumour_ml=viable_ml,
        burden_pct=PERCENT * tumour_ml / liver_ml,
        burden_pct_interval=burden_interval_pct(tumour_ml, tumour_interval, liver_ml, liver_interval),
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
        findings=(*anatomy.findings, *findings),
    )


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
