"""Activity maps: MBq/mL at injection, from counts or from a measured concentration.

Relative: the scan tells where the activity went, not how much. The counts of each region are scaled to the
activity that the region is known to hold, the net administered or the planned one: the liver, or each
territory, has its activity less the shunt, the lungs the shunted part of all. Nothing is taken from counts
elsewhere; their share is reported. Absolute: a PET or a quantitative SPECT in Bq/mL is brought to the moment
of injection by the decay of its nuclide and taken as it reads.

Sums are made in double precision, so that a map of single-precision voxels keeps its total to a millionth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan import catalog as catalogue
from emboplan.dosimetry.arguments import fraction, not_negative, positive
from emboplan.dosimetry.decay import DEFAULT_NUCLIDE, decay, hours_between
from emboplan.dosimetry.uptake.regions import ROUNDING, distance_mm, occupancy
from emboplan.dosimetry.uptake.spect_shunt import margin_mm
from emboplan.errors import MaskError, ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, CountImage
from emboplan.model.pet import PetActivity
from emboplan.units import MBQ_PER_GBQ, PERCENT, UNITS

MBQ_PER_BQ = float(UNITS["Bq"].factor)

# After this many half-lives a thousandth is left: an image so late is a mistake in a date.
MOST_HALF_LIVES = 10.0

LUNGS = "lungs"


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A structure that holds a known activity: the share (0 to 1) of each voxel that it fills, and the GBq.

    `distrusted` marks voxels where the counts are mostly another organ's; the region gets the mean
    concentration of its rest there, and lies evenly where no counts remain to tell.
    """

    name: str
    share: ArrayLike
    activity_gbq: float
    distrusted: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Treated:
    """A treated territory: its occupancy, its activity, and the share of that which goes to the lungs."""

    name: str
    share: ArrayLike
    administered_gbq: float
    lung_shunt_frac: float


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedActivity:
    """Activity at injection on the scan's grid, and what of the scan's counts is not in it as recorded.

    `outside_frac` is the share of all counts that lie outside the regions, and are left out.
    `reassigned_frac` is the share of the counts in the lungs that lie near the liver, where they are mostly
    the liver's: the lung there gets the mean concentration of the rest instead. `region_mbq` is what each
    region got. `not_placed_mbq` went to lungs that have no region.
    """

    activity: ActivityMap
    outside_frac: float
    reassigned_frac: float
    region_mbq: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    not_placed_mbq: float = 0.0
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredActivity:
    """A map taken as it reads; `decay_factor` brought it to the injection (above 1: the image came later)."""

    activity: ActivityMap
    decay_factor: float
    findings: tuple[Finding, ...] = ()


def in_regions(image: CountImage | ActivityMap, regions: Sequence[Region]) -> CalibratedActivity:
    """The activities of the regions, each spread as the image shows that region.

    The scale of the image does not matter: counts, or a concentration measured or computed before. A voxel on
    the border of two regions gives each its share of the counts.

    Raises:
        MaskError: the regions overlap.
        ModelRangeError: a region that shall hold activity shows none, or no region holds any.
    """
    grid = image.grid
    values = (image.counts if isinstance(image, CountImage) else image.mbq_per_ml).astype(np.float64)
    mbq = np.zeros(grid.shape)
    filled = np.zeros(grid.shape, dtype=np.float32)
    counted, reassigned, given, findings = 0.0, 0.0, {}, []
    for region in regions:
        share = occupancy(region.share, grid, region.name)
        activity_mbq = float(not_negative(region.activity_gbq, "activity_gbq")) * MBQ_PER_GBQ
        filled += share
        inside = values * share
        counted += float(inside.sum())
        pattern, moved = _pattern(region, inside, share, needed=activity_mbq > 0)
        if pattern is None:
            text = f"The scan shows no counts in {region.name} that can be trusted; its activity lies evenly."
            findings.append(Finding("activity-even", Severity.WARNING, text))
            pattern = share / share.sum(dtype=np.float64)
        mbq += pattern * activity_mbq
        given[region.name] = activity_mbq
        reassigned = max(reassigned, moved)
    if float(filled.max(initial=0.0)) > 1 + 2 * ROUNDING:
        names = " and ".join(region.name for region in regions)
        raise MaskError(f"{names} overlap; each millilitre may belong to one of them only")
    if not sum(given.values()) > 0:
        raise ModelRangeError("no region holds any activity; expected at least one above 0 GBq")
    total = float(values.sum())
    return CalibratedActivity(
        activity=ActivityMap(grid, (mbq / grid.voxel_ml).astype(np.float32)),
        outside_frac=max(0.0, 1 - counted / total) if total > 0 else 0.0,
        reassigned_frac=reassigned,
        region_mbq=MappingProxyType(given),
        findings=tuple(findings),
    )


def _pattern(
    region: Region, inside: NDArray[np.float64], share: NDArray[np.float32], *, needed: bool
) -> tuple[NDArray[np.float64] | None, float]:
    """How a region's activity is spread (sum 1), and the share of its counts that was not taken as read.

    None where the region is to lie evenly, since its counts do not tell.
    """
    counted = float(inside.sum())
    if region.distrusted is None:
        if counted <= 0 and needed:
            raise ModelRangeError(
                f"the {region.name} holds no counts, so the scan cannot place the activity; check both"
            )
        return (inside / counted if counted > 0 else inside), 0.0
    near = np.asarray(region.distrusted, dtype=np.bool_)
    far = float(share[~near].sum(dtype=np.float64))
    trusted = float(inside[~near].sum())
    if far <= 0 or trusted <= 0:
        return None, 1.0 if counted > 0 else 0.0
    pattern = np.where(near, share * (trusted / far), inside)
    return pattern / pattern.sum(), float(inside[near].sum()) / counted


def shunted_regions(
    grid: Grid,
    treated: Sequence[Treated],
    lungs: ArrayLike | None = None,
    *,
    liver: ArrayLike | None = None,
    resolution_fwhm_mm: float | None = None,
) -> tuple[Region, ...]:
    """The regions of a treatment: territories with A x (1 - shunt), and lungs with the sum of A x shunt.

    Lung within `margin_mm` of `liver` (of the territories, unless given) is distrusted: breathing and blur
    carry the liver's counts there.
    """
    regions, shunted = [], 0.0
    for part in treated:
        given = float(positive(part.administered_gbq, "administered_gbq"))
        shunt = float(fraction(part.lung_shunt_frac, "lung_shunt_frac"))
        regions.append(Region(part.name, part.share, given * (1 - shunt)))
        shunted += given * shunt
    if lungs is None:
        return tuple(regions)
    shares = [occupancy(part.share, grid, part.name) for part in treated]
    whole = occupancy(np.clip(sum(shares), 0, 1) if liver is None else liver, grid, "liver")
    near = distance_mm(whole, grid) <= margin_mm(resolution_fwhm_mm)
    return (*regions, Region(LUNGS, lungs, shunted, distrusted=near))


def calibrated_activity(
    counts: CountImage,
    liver: ArrayLike,
    *,
    administered_gbq: float,
    lung_shunt_frac: float,
    lungs: ArrayLike | None = None,
    resolution_fwhm_mm: float | None = None,
) -> CalibratedActivity:
    """The activity map of an administered activity that goes where the counts went.

    Args:
        counts: the scan.
        liver: occupancy (0 to 1) of the treated liver, tumours included, on the counts' grid; it gets
            administered x (1 - shunt).
        administered_gbq: net administered activity, residuals taken off, or the planned one.
        lung_shunt_frac: share of it that goes to the lungs.
        lungs: occupancy of the lungs, which get administered x shunt; without it the map is the liver only,
            and the shunted part is reported as not placed.
        resolution_fwhm_mm: resolution of the scan; that of `counts` unless given.
    """
    fwhm = resolution_fwhm_mm if resolution_fwhm_mm is not None else counts.resolution_fwhm_mm
    treated = Treated("liver", liver, administered_gbq, lung_shunt_frac)
    found = in_regions(counts, shunted_regions(counts.grid, [treated], lungs, resolution_fwhm_mm=fwhm))
    missing = 0.0 if lungs is not None else administered_gbq * lung_shunt_frac * MBQ_PER_GBQ
    return CalibratedActivity(
        activity=found.activity,
        outside_frac=found.outside_frac,
        reassigned_frac=found.reassigned_frac,
        region_mbq=found.region_mbq,
        not_placed_mbq=missing,
        findings=found.findings,
    )


def counts_elsewhere_frac(
    counts: CountImage, structures: Sequence[ArrayLike], *, resolution_fwhm_mm: float | None = None
) -> float:
    """The share of all counts farther from every structure than the structures' own blur reaches.

    Uptake there is no blur of liver or lungs: an extrahepatic focus, a shift between the images, or wrong
    contours. `structures` are occupancies (0 to 1) on the counts' grid.
    """
    shares = [occupancy(share, counts.grid, "structure") for share in structures]
    whole = np.clip(np.sum(shares, axis=0, dtype=np.float32), 0, 1)
    fwhm = resolution_fwhm_mm if resolution_fwhm_mm is not None else counts.resolution_fwhm_mm
    far = distance_mm(whole, counts.grid) > margin_mm(fwhm)
    return float(counts.counts[far].sum(dtype=np.float64)) / counts.total_counts


def measured_activity(
    bq_per_ml: ArrayLike,
    grid: Grid,
    *,
    measured_at: datetime,
    injected_at: datetime,
    nuclide: str = DEFAULT_NUCLIDE,
    catalog: catalogue.Catalog | None = None,
) -> MeasuredActivity:
    """The map of a quantitative image in Bq/mL ``(z, y, x)``, brought from `measured_at` to the injection.

    `measured_at` is the moment that the values stand for, both moments with their time zone. The half-life is
    the catalogue's. Negative and missing values are refused.
    """
    values = not_negative(bq_per_ml, "activity concentration (Bq/mL)")
    factor = _to_injection(measured_at, injected_at, nuclide, catalog)
    return MeasuredActivity(ActivityMap(grid, (values * (MBQ_PER_BQ * factor)).astype(np.float32)), factor)


def pet_map(
    pet: PetActivity,
    *,
    injected_at: datetime,
    nuclide: str = DEFAULT_NUCLIDE,
    catalog: catalogue.Catalog | None = None,
) -> MeasuredActivity:
    """The map of a PET at the injection. Values that the reconstruction made negative become 0, reported."""
    factor = _to_injection(pet.moment, injected_at, nuclide, catalog)
    values = pet.mbq_per_ml.astype(np.float64)
    kept = np.maximum(values, 0)
    findings = pet.findings
    raised = float((kept - values).sum())
    if raised > 0:
        share = PERCENT * raised / kept.sum() if kept.any() else PERCENT
        text = f"Negative values of the PET were set to 0 in the activity map, which adds {share:.2g} %."
        findings = (*findings, Finding("activity-negative-zeroed", Severity.INFO, text))
    return MeasuredActivity(ActivityMap(pet.grid, (kept * factor).astype(np.float32)), factor, findings)


def _to_injection(
    measured_at: datetime, injected_at: datetime, nuclide: str, catalog: catalogue.Catalog | None
) -> float:
    hours = hours_between(injected_at, measured_at)
    half_life_h = (catalog or catalogue.load()).nuclide(nuclide).half_life_h
    if hours < 0:
        raise ModelRangeError(
            f"the image stands for a moment {-hours:.1f} h before the injection; check both dates and zones"
        )
    if hours > MOST_HALF_LIVES * half_life_h:
        raise ModelRangeError(
            f"the image was made {hours:.0f} h after the injection, {hours / half_life_h:.1f} half-lives of "
            f"{nuclide}; expected at most {MOST_HALF_LIVES:g}: check both dates"
        )
    return float(decay(1.0, -hours, half_life_h=half_life_h))
