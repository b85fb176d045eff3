"""Uptake outside liver and lungs on the MAA scan, found above background, noise and spill.

Counts are summed over balls as wide as the scan's resolution, in the body, away from liver and lungs by what
blur and breathing carry. A place is hot where the sum exceeds what background (median of the body searched),
liver and lungs can put there, by more than noise: that of counting (Poisson), and the spread that the
background itself shows, so that one scan in twenty without uptake shows a region. Nothing is fitted to scans.

Uptake nearer to the liver than the margin cannot be told from the liver's own and is not found: gallbladder,
duodenum and stomach beside the liver must be looked at by eye.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.stats import poisson

from emboplan.dosimetry.uptake.regions import (
    HALF,
    blurred,
    checked_fwhm_mm,
    distance_mm,
    occupancy,
)
from emboplan.dosimetry.uptake.spect_shunt import margin_mm
from emboplan.errors import MaskError
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import CountImage
from emboplan.model.results.extrahepatic import ExtrahepaticUptake, HotRegion
from emboplan.units import PERCENT

# One scan in twenty without any uptake may show a region.
FALSE_ALARM_FRAC = 0.05

# One standard deviation above the median of a normal distribution lies this quantile.
ONE_SIGMA_QUANTILE = NormalDist().cdf(1)

# Resolution taken for smoothing and margins where that of the scan is not known: common for 99mTc SPECT.
ASSUMED_FWHM_MM = 15.0

# The counts of a region are those within one resolution of it: less lies farther out than noise tells.
REACH_PER_FWHM = 1.0


# What spills is the image as seen, blurred once more; with this much more width it is never less than what
# truly spills into a ball as wide as the resolution.
SPILL_WIDTH = math.sqrt(2)


@dataclass(frozen=True, slots=True, eq=False)
class _Field:
    """Counts per voxel, what liver and lungs can spill there, and where is searched."""

    grid: Grid
    counts: NDArray[np.float64]
    spill: NDArray[np.float64]
    searched: NDArray[np.bool_]
    to_liver_mm: NDArray[np.float32]
    to_sources_mm: NDArray[np.float32]
    fwhm_mm: float


@dataclass(frozen=True, slots=True)
class _Level:
    """Background and its spread in counts per voxel, over balls of so many voxels."""

    background: float
    spread: float
    voxels: float
    false_alarm: float

    def by_spread(self, expected: NDArray[np.float64]) -> NDArray[np.float64]:
        """Counts per ball that the spread of the background does not explain, where so many are expected."""
        # The spread grows with the root of what is expected there, as noise does.
        grown = self.spread * np.sqrt(expected / max(1.0, self.background * self.voxels)) * self.voxels
        return expected + NormalDist().inv_cdf(1 - self.false_alarm) * grown

    def threshold(self, expected: NDArray[np.float64]) -> NDArray[np.float64]:
        """Counts per ball that neither that spread nor counting explains."""
        counting = poisson.isf(self.false_alarm, np.maximum(expected, 1))
        return np.maximum(counting, self.by_spread(expected))

    def is_hot(self, per_voxel: NDArray[np.float64], spill: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Where the mean of a ball exceeds what background, spill and noise explain."""
        found, expected = per_voxel * self.voxels, (self.background + spill) * self.voxels
        hot: NDArray[np.bool_] = found > self.by_spread(expected)
        hot[hot] = found[hot] > self.threshold(expected[hot])  # the slow part, where it can still matter
        return hot


def extrahepatic_uptake(
    counts: CountImage,
    liver: ArrayLike,
    body: ArrayLike,
    *,
    lungs: ArrayLike | None = None,
    normal_liver: ArrayLike | None = None,
    other_organs: ArrayLike | None = None,
    resolution_fwhm_mm: float | None = None,
) -> ExtrahepaticUptake:
    """The connected hot regions of the body outside liver and lungs, with a finding for a physician.

    All structures are occupancies (0 to 1) on the counts' grid. `other_organs` are left out of the search
    (uptake known to come from elsewhere than the injection); `normal_liver`, by default the
    liver, is what peaks are compared with. Noise is judged from the scan itself and, at the least, as that of
    counts: an image in other units is judged by its own spread.

    Raises:
        MaskError: nothing of the body is left to search.
    """
    grid = counts.grid
    fwhm = resolution_fwhm_mm if resolution_fwhm_mm is not None else counts.resolution_fwhm_mm
    known = None if fwhm is None else checked_fwhm_mm(fwhm)
    field = _field(counts, occupancy(liver, grid, "liver"), body, lungs, other_organs, known)
    ball = _ball(grid, field.fwhm_mm / 2)
    local = ndimage.convolve(field.counts, ball / ball.sum(), mode="constant")
    level = _level(field, local, float(ball.sum()))
    reference = occupancy(liver if normal_liver is None else normal_liver, grid, "normal liver")
    normal = float((field.counts * reference).sum() / reference.sum(dtype=np.float64))
    hot = np.zeros(grid.shape, np.bool_)
    hot[field.searched] = level.is_hot(local[field.searched], field.spill[field.searched])
    regions = _measured(field, level.background, local, hot, normal)
    uptake = sum(region.share_of_total_frac for region in regions)
    far = float(level.threshold(np.array(level.background * level.voxels))) / level.voxels
    threshold = far / normal if normal > 0 else None
    return ExtrahepaticUptake(
        regions=regions,
        share_of_total_frac=uptake,
        threshold_to_normal_liver=threshold,
        searched_ml=float(np.count_nonzero(field.searched)) * grid.voxel_ml,
        margin_mm=margin_mm(field.fwhm_mm),
        resolution_fwhm_mm=known,
        findings=(*_uptake(regions, uptake), *_limits_of_search(field, known, threshold)),
    )


def _field(
    counts: CountImage,
    liver: NDArray[np.float32],
    body: ArrayLike,
    lungs: ArrayLike | None,
    other_organs: ArrayLike | None,
    known_fwhm: float | None,
) -> _Field:
    grid = counts.grid
    fwhm = ASSUMED_FWHM_MM if known_fwhm is None else known_fwhm
    to_liver = distance_mm(liver, grid)
    to_sources = to_liver
    for name, organ in (("lungs", lungs), ("other organs", other_organs)):
        if organ is not None:
            to_sources = np.minimum(to_sources, distance_mm(occupancy(organ, grid, name), grid))
    margin = margin_mm(fwhm)
    searched = (occupancy(body, grid, "body") >= HALF) & (to_sources > margin)
    if not searched.any():
        raise MaskError(
            f"no part of the body lies more than {margin:.0f} mm from liver and lungs on this scan, so that "
            "no uptake outside them can be found; check the masks"
        )
    near = np.where(to_sources <= margin, counts.counts, np.float32(0))
    spill = blurred(near, grid, SPILL_WIDTH * fwhm).astype(np.float64)
    return _Field(grid, counts.counts.astype(np.float64), spill, searched, to_liver, to_sources, fwhm)


def _level(field: _Field, sums: NDArray[np.float64], voxels: float) -> _Level:
    """Background and its spread in the half of the body searched where liver and lungs spill least."""
    quiet = field.searched & (field.spill <= float(np.median(field.spill[field.searched])))
    values = sums[quiet]
    background = float(np.median(values))
    spread = float(np.quantile(values, ONE_SIGMA_QUANTILE)) - background
    return _Level(background, spread, voxels, FALSE_ALARM_FRAC / np.count_nonzero(field.searched))


def _measured(
    field: _Field, background: float, local: NDArray[np.float64], hot: NDArray[np.bool_], normal: float
) -> tuple[HotRegion, ...]:
    """The size, counts, peak and place of each region, the one with most counts first."""
    labels, number = ndimage.label(hot, structure=np.ones((3, 3, 3)))
    if number == 0:
        return ()
    reach, nearest = ndimage.distance_transform_edt(
        ~hot, sampling=field.grid.spacing_zyx_mm, return_indices=True
    )
    owner = labels[tuple(nearest)]
    within = (reach <= REACH_PER_FWHM * field.fwhm_mm) & (field.to_sources_mm > field.fwhm_mm)
    excess = field.counts - background - field.spill
    found = []
    for label in range(1, number + 1):
        seed = labels == label
        around = (owner == label) & within
        peak = float(local[seed].max())
        half = around & (field.counts >= (peak + background) / 2)
        core = half if half.any() else seed
        middle = ndimage.center_of_mass(np.where(core, field.counts, 0))
        region = HotRegion(
            label=label,
            volume_ml=float(np.count_nonzero(core)) * field.grid.voxel_ml,
            share_of_total_frac=max(0.0, float(excess[around].sum())) / float(field.counts.sum()),
            peak_to_normal_liver=peak / normal if normal > 0 else None,
            centroid_mm=_mm(field.grid, middle),
            distance_to_liver_mm=float(field.to_liver_mm[core].min()),
            at_margin=bool((field.to_sources_mm[core] <= margin_mm(field.fwhm_mm)).any()),
        )
        found.append(region)
    found.sort(key=lambda region: (-region.share_of_total_frac, region.centroid_mm))
    return tuple(replace(region, label=place) for place, region in enumerate(found, start=1))


def _ball(grid: Grid, radius_mm: float) -> NDArray[np.float64]:
    """Ones in the voxels whose centres lie within a radius; at least the middle one."""
    half = [int(radius_mm // d) for d in grid.spacing_zyx_mm]
    axes = np.meshgrid(*[np.arange(-n, n + 1) for n in half], indexing="ij")
    squares = [(axis * d) ** 2 for axis, d in zip(axes, grid.spacing_zyx_mm, strict=True)]
    inside: NDArray[np.float64] = (np.sum(squares, axis=0) <= radius_mm**2).astype(np.float64)
    return inside


def _mm(grid: Grid, middle_zyx: tuple[float, ...]) -> tuple[float, float, float]:
    x, y, z = grid.to_mm(middle_zyx[::-1])
    return (float(x), float(y), float(z))


def _uptake(regions: tuple[HotRegion, ...], uptake: float) -> Iterator[Finding]:
    """What a physician must clear."""
    if not regions:
        return
    first = regions[0]
    least = "at least " if any(region.at_margin for region in regions) else ""
    many = "1 region" if len(regions) == 1 else f"{len(regions)} regions"
    peak = first.peak_to_normal_liver
    density = "" if peak is None else f", peak {peak:.2g} times normal liver"
    place = ", ".join(f"{v:.0f}" for v in first.centroid_mm)
    text = (
        f"The scan shows {many} of uptake outside liver and lungs ({least}{uptake * PERCENT:.2g} % of all "
        f"counts); the one with most at x, y, z = {place} mm, {first.distance_to_liver_mm:.0f} mm from the "
        f"liver{density}. A physician must say what it is and clear it before treatment: particles in "
        "stomach or bowel, free pertechnetate (it gathers in thyroid, stomach and bladder, and raises the "
        "lung shunt; to be confirmed), or another cause."
    )
    yield Finding("extrahepatic-uptake", Severity.WARNING, text, "TSSED section III")


def _limits_of_search(field: _Field, known_fwhm: float | None, threshold: float | None) -> Iterator[Finding]:
    """What the search could not see."""
    text = (
        f"Uptake within {margin_mm(field.fwhm_mm):.0f} mm of liver and lungs cannot be told from their own "
        "and was not searched for: look at gallbladder, duodenum and stomach on the scan."
    )
    yield Finding("extrahepatic-not-searched", Severity.INFO, text)
    if known_fwhm is None:
        text = (
            f"The resolution of the scan is not known: {ASSUMED_FWHM_MM:.0f} mm was taken to look for uptake "
            "outside the liver."
        )
        yield Finding("extrahepatic-resolution", Severity.INFO, text)
    if threshold is None or threshold >= 1:
        text = (
            "The scan is too noisy, or not in counts: uptake outside the liver as dense as normal liver "
            "would not be found. Look at the scan itself."
        )
        yield Finding("extrahepatic-not-visible", Severity.WARNING, text)
