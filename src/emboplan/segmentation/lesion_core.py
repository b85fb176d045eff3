"""The core of a lesion: what in it is darker than its viable tissue, or does not enhance.

Noise decides how much must be averaged before two voxels may differ; `Tissue` holds what is left of it after
each smoothing, measured in the patient's own parenchyma. Dark seeds are grown to where the number lies
between the core's and that of what surrounds it. What lies behind a possible rim is compared with itself
alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from scipy import ndimage

from emboplan.segmentation.shape import Spacing, depth_mm, distance_mm, without_small
from emboplan.segmentation.spread import two_means
from emboplan.segmentation.working import Bools, Floats
from emboplan.units import ML_PER_MM3

# Smoothing (standard deviations): the finest at which a core shows clearly is taken, since coarser ones round
# its edge. The coarsest holds about 1000 voxels of usual size.
SCALES_MM = (1.5, 2.5, 4.0)

# A core's seeds lie so many standard deviations of the smoothed noise below the viable level, and the whole
# core by at least as much as the eye sees; at the scale where it is cut, both levels lie this far apart.
SEED_DEVIATIONS = 3.5
LEAST_CONTRAST_HU = 5.0
APART_DEVIATIONS = 3.0

# Two halves of one normal distribution lie 1.6 standard deviations apart; two tissues clearly more.
TWO_TISSUES_DEVIATIONS = 4.0

# Rims are thinner than this; what lies behind is compared with itself alone, so that a bright rim makes no
# core of tumour that enhances less.
RIM_MM = 5.0

# A smaller core, a ball of 6 mm, cannot be told from noise or a vessel; nor can one that is nearly all of a
# lesion, whose few other voxels are its edge.
LEAST_CORE_ML = 0.1
MOST_CORE_FRAC = 0.97

# A smaller seed is a few voxels that noise made dark, and its level is that of the noise.
LEAST_SEED_ML = 0.05

# The share of the contrast at which the smallest cores are cut (a blurred ball has less than half of its
# contrast at its true radius, by blur / (radius sqrt(2 pi))).
LEAST_SHARE = 0.3

# What lies around a seed, where it is compared with the core; a core that shows there reaches no farther.
RING_MM = (3.0, 7.0)

# A core whose edge was not seen at once must still differ from its ring by this share of what is asked.
SURE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Tissue:
    """What the patient's own parenchyma says: its level, and the noise that is left at each scale."""

    level_hu: float
    noise_hu: tuple[float, ...]
    grain_hu: float


def smoothed(values: Floats, weight: Floats, sigma_mm: float, spacing: Spacing) -> Floats:
    """The mean of `values` around each voxel, each weighed by `weight`."""
    sigma = [sigma_mm / d for d in spacing]
    total = ndimage.gaussian_filter(values * weight, sigma, mode="constant")
    share = ndimage.gaussian_filter(weight, sigma, mode="constant")
    return np.asarray(total / np.maximum(share, np.float32(1e-6)), np.float32)


def viable_level(values: Floats, noise_hu: float) -> float:
    """The level of a lesion's brighter tissue where it has two, else its median."""
    low, high = two_means(values)
    if high - low > TWO_TISSUES_DEVIATIONS * noise_hu:
        return float(np.median(values[values > (low + high) / 2]))
    return float(np.median(values))


def dark_core(
    hu: Floats, smooth: list[Floats], rest: Bools, depth: Floats, spacing: Spacing, patient: Tissue
) -> Bools:
    """Core and liquid on one contrast phase: liquid anywhere, a core behind the rim."""
    water_hu = patient.level_hu / 2
    liquid = _dark(hu, smooth, rest, spacing, patient, darker_than_hu=water_hu)
    behind = rest & (depth > RIM_MM)
    weight = behind.astype(np.float32)
    within = [smoothed(hu, weight, sigma, spacing) for sigma in SCALES_MM]
    core = _dark(hu, within, behind, spacing, patient)
    return np.asarray(ndimage.binary_fill_holes(liquid | core) & rest, np.bool_)


def not_enhancing(smooth: list[Floats], rest: Bools, spacing: Spacing, patient: Tissue) -> Bools:
    """What enhances less than half as much as the lesion's viable part, at the finest scale that tells it."""
    voxel_ml = float(np.prod(spacing)) * ML_PER_MM3
    values, noise = smooth[-1], patient.noise_hu[-1]
    for values, noise in zip(smooth, patient.noise_hu, strict=True):
        if viable_level(values[rest], noise) > APART_DEVIATIONS * noise:
            break
    half = viable_level(values[rest], noise) / 2
    return without_small(rest & (values < half), LEAST_CORE_ML / voxel_ml)


def _dark(
    hu: Floats,
    smooth: list[Floats],
    rest: Bools,
    spacing: Spacing,
    patient: Tissue,
    darker_than_hu: float = np.inf,
) -> Bools:
    """The parts of `rest` that are clearly darker than its viable level, if darker than a bound too."""
    voxel_ml = float(np.prod(spacing)) * ML_PER_MM3
    seeds = np.zeros_like(rest)
    if not rest.any():
        return seeds
    for values, noise in zip(smooth, patient.noise_hu, strict=True):
        viable = viable_level(values[rest], noise)
        below = min(viable - max(SEED_DEVIATIONS * noise, LEAST_CONTRAST_HU), darker_than_hu)
        seeds |= rest & (values < below)
    out = np.zeros_like(rest)
    pieces, count = ndimage.label(without_small(seeds, LEAST_SEED_ML / voxel_ml))
    for number in range(1, count + 1):
        seed = pieces == number
        if (seed & out).any():
            continue
        grown = _cut(hu, smooth, rest, seed, spacing, patient)
        enough = float(grown.sum()) * voxel_ml >= LEAST_CORE_ML
        if enough and grown.sum() <= MOST_CORE_FRAC * rest.sum():
            out |= grown
    return out


def _cut(
    hu: Floats, smooth: list[Floats], rest: Bools, seed: Bools, spacing: Spacing, patient: Tissue
) -> Bools:
    """The core around a seed, cut between its level and that of what lies around it; empty without contrast.

    What lies around is a ring: a bright rim farther off says nothing of where the core ends. Where the seed
    is only a piece of the core, the ring lies in the core too; then the lesion's viable level is tried.
    """
    inner = depth_mm(np.pad(seed, 1), spacing)[1:-1, 1:-1, 1:-1]
    core_hu = float(hu[seed & (inner >= inner.max() / 2)].mean())
    least = max(APART_DEVIATIONS * patient.noise_hu[-1], LEAST_CONTRAST_HU)
    away = distance_mm(seed, spacing)
    found = np.zeros_like(rest)
    around_hu = _around(smooth[0], away, rest, seed)
    if around_hu - core_hu > least:
        return _between(smooth, rest & (away <= RING_MM[1]), seed, (core_hu, around_hu), spacing, patient)
    viable_hu = viable_level(smooth[1][rest & ~seed], patient.noise_hu[1])
    if viable_hu - core_hu > least:
        found = _between(smooth, rest, seed, (core_hu, viable_hu), spacing, patient)
        if found.any():
            core_hu = float(np.median(smooth[0][found]))
            away = distance_mm(found, spacing)
            if _around(smooth[0], away, rest, found) - core_hu < SURE_SHARE * least:
                found = np.zeros_like(rest)
    return found


def _around(values: Floats, away: Floats, rest: Bools, region: Bools) -> float:
    """The level of the ring around a region, or of all else where there is no ring."""
    ring = rest & (away > RING_MM[0]) & (away <= RING_MM[1])
    ring = ring if ring.any() else rest & ~region
    return float(np.median(values[ring])) if ring.any() else -np.inf


def _between(
    smooth: list[Floats],
    within: Bools,
    seed: Bools,
    levels: tuple[float, float],
    spacing: Spacing,
    patient: Tissue,
) -> Bools:
    """What hangs together with a seed below the cut between two levels, at the finest scale that tells."""
    core_hu, around_hu = levels
    contrast = around_hu - core_hu
    scales = enumerate(patient.noise_hu)
    scale = next((n for n, noise in scales if contrast > APART_DEVIATIONS * noise), len(smooth) - 1)
    radius = (3 * float(seed.sum()) * float(np.prod(spacing)) / (4 * pi)) ** (1 / 3)
    share = max(LEAST_SHARE, 1 / 2 - SCALES_MM[scale] / (radius * sqrt(2 * pi)))
    dark = within & (smooth[scale] < around_hu - share * contrast)
    parts, _ = ndimage.label(dark | seed)
    touched = np.unique(parts[seed])
    return np.asarray(np.isin(parts, touched[touched > 0]) & dark)
