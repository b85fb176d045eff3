"""Where a liver deviates from its parenchyma: seeds that noise cannot explain, grown to their edges.

Deviation is measured from the local level of the parenchyma, in units of the noise that is left after
smoothing. What grows are regions, not yet lesions: vessels, fissures and cysts are among them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from emboplan.segmentation.lesion_scene import Scene, smoothed_deviation
from emboplan.segmentation.lesion_spots import round_spots
from emboplan.segmentation.shape import depth_mm, distance_mm, opened
from emboplan.segmentation.spread import narrower_sd
from emboplan.segmentation.working import Bools, Floats


@dataclass(frozen=True, slots=True)
class Sight:
    """What counts: seeds smoothed so (mm) deviate at least so (HU), a whole lesion by the least contrast."""

    seed_scales: tuple[tuple[float, float], ...]
    least_contrast_hu: float


# Seeds deviate by this many standard deviations of the smoothed noise, and at least by a contrast that an eye
# would see. Where much of the liver is clearly tumour, less contrast is believed. Where parenchyma and veins
# have taken up contrast, what is faintly brighter is blood, more of it in places.
SEED_DEVIATIONS = 5.0
CLEAR = Sight(((2.5, 18.0), (4.0, 14.0), (6.0, 11.0), (9.0, 9.0)), 11.0)
VEINS = Sight(((2.5, 24.0), (4.0, 22.0), (6.0, 20.0), (9.0, 16.0)), 20.0)
FAINT = Sight(((2.5, 14.0), (4.0, 10.0), (6.0, 8.0), (9.0, 7.0)), 8.0)

# Smoothed widely, a lesion shines far beyond itself: a seed deviates by this share of what is asked where it
# is smoothed least, too.
OWN_SHARE = 0.5

# Growth beyond the seeds, and bridges (sheets of fissures) thinner than twice this that do not count.
GROWTH_MM = 20.0
NEAR_SEEDS_MM = 8.0
GROWTH_SIGMA_MM = 1.6
BRIDGE_MM = 2.0

# Growth is by threshold dynamics: smoothing of the region in each step, weight of the evidence; steps end
# when few voxels change. The height is the mean of the region around, measured again every few steps.
SURFACE_SIGMA_MM = 2.0
EVIDENCE_WEIGHT = 0.4
GROWTH_STEPS = 16
STEADY_FRAC = 0.002
HEIGHT_SIGMA_MM = 6.0
CORE_MM = 8.0
HEIGHT_EVERY = 4
NEAR_SHARE = 1e-4
HIGHEST_HU = 1e4

# Growth stops at this share of the height: below one half, since the outer zone of a lesion may deviate by
# less than its core. The surface is cut again later, at half of the outer zone's own contrast.
EDGE_SHARE = 0.42


def deviating(scene: Scene, sign: float, sight: Sight) -> Bools:
    """What is darker (`sign` -1) or brighter (1) than parenchyma, out to its edges."""
    if sign > 0:  # never faint: veins that contrast has just reached are
        sight = VEINS if scene.enhanced else CLEAR
    return _grow(scene, _seeds(scene, sign, sight), sign, sight)


def _seeds(scene: Scene, sign: float, sight: Sight) -> Bools:
    """Voxels that deviate clearly at one of the scales."""
    seeds = np.zeros(scene.liver.shape, np.bool_)
    deviations = [sign * smoothed_deviation(scene, sigma_mm) for sigma_mm, _ in sight.seed_scales]
    finest = deviations[0]
    for deviation, (sigma_mm, least_hu) in zip(deviations, sight.seed_scales, strict=True):
        least = max(least_hu, SEED_DEVIATIONS * _noise(scene, sigma_mm))
        seeds |= scene.deep & (deviation > least) & (finest > np.float32(OWN_SHARE * least))
    if sign < 0:  # what is faintly brighter is blood
        seeds |= round_spots(scene, finest, _noise(scene, sight.seed_scales[0][0]))
    return seeds


def _noise(scene: Scene, sigma_mm: float) -> float:
    """The noise of parenchyma smoothed so; of its two sides the narrower one, which lesions do not widen."""
    alone = scene.work.smooth_inside(scene.tissue - scene.level, scene.typical, sigma_mm)[scene.typical]
    return narrower_sd(alone)


def _grow(scene: Scene, seeds: Bools, sign: float, sight: Sight) -> Bools:
    """Seeds grown to where the deviation falls to a share of its local height, thin sheets taken away.

    The surface is kept short at each step, so that noise does not tear lesions of little contrast apart.
    """
    if not seeds.any():
        return seeds
    work, spacing = scene.work, scene.work.spacing_zyx_mm
    deviation = sign * smoothed_deviation(scene, GROWTH_SIGMA_MM)
    open_to = scene.deep & (distance_mm(seeds, spacing) < GROWTH_MM)
    region = seeds
    edge = _edge(scene, deviation, region, sight)
    # Small lesions are as curved as the smoothing is wide: near the seeds the contrast alone decides.
    near = open_to & (distance_mm(seeds, spacing) < NEAR_SEEDS_MM) & (deviation > edge)
    for step in range(GROWTH_STEPS):
        if step and step % HEIGHT_EVERY == 0:
            edge = _edge(scene, deviation, region, sight)
        evidence = np.clip((deviation - edge) / edge, -1, 1) * np.float32(EVIDENCE_WEIGHT)
        around = work.smooth_inside(region.astype(np.float32), scene.deep, SURFACE_SIGMA_MM)
        now = (around + evidence > 1 / 2) & open_to
        steady = np.count_nonzero(now != region) <= STEADY_FRAC * np.count_nonzero(region)
        region = now
        if steady:
            break
    region = region | near
    grown, _ = ndimage.label(opened(region, spacing, BRIDGE_MM))
    touched = np.zeros(int(grown.max()) + 1, np.bool_)
    touched[np.unique(grown[seeds])] = True
    touched[0] = False
    return np.asarray(ndimage.binary_fill_holes(touched[grown]))


def _edge(scene: Scene, deviation: Floats, region: Bools, sight: Sight) -> Floats:
    """The deviation at which growth stops."""
    share = np.float32(EDGE_SHARE) * _height(scene, deviation, region)
    return np.asarray(np.maximum(share, np.float32(sight.least_contrast_hu / 2)), np.float32)


def _height(scene: Scene, deviation: Floats, region: Bools) -> Floats:
    """The mean deviation of the candidates around each place; very high where none is near.

    The deeper a voxel lies the more it counts: near the surface blur makes it lower.
    """
    weight = np.minimum(depth_mm(region, scene.work.spacing_zyx_mm), np.float32(CORE_MM)) ** 2
    share = scene.work.smooth(weight / np.float32(CORE_MM**2), HEIGHT_SIGMA_MM)
    total = scene.work.smooth(deviation * weight / np.float32(CORE_MM**2), HEIGHT_SIGMA_MM)
    near = share > NEAR_SHARE
    return np.where(near, total / np.maximum(share, np.float32(NEAR_SHARE)), np.float32(HIGHEST_HU))
