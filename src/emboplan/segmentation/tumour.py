"""Lesions inside the liver: what deviates from parenchyma, is compact, and is not water, fat or vessel.

Deviation is measured from the local level of the parenchyma, in units of the noise that is left after
smoothing. Candidates are grown to their half-contrast surface, touching ones are parted at their necks, and
each is kept or dropped by its size, shape and CT number.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.errors import SegmentationError
from emboplan.model.image import CtImage
from emboplan.model.mask import Box, LabelMap, Mask, bounding_box
from emboplan.segmentation.lesion_rim import with_rims
from emboplan.segmentation.lesion_scene import Scene, one_sided_sd, scene_of, smoothed_deviation
from emboplan.segmentation.lesion_surface import by_volume, tumours_on_native_grid
from emboplan.segmentation.shape import boxes, depth_mm, distance_mm, parted_at_waists
from emboplan.segmentation.working import Bools, Floats, WorkingImage, working_image
from emboplan.units import ML_PER_MM3


@dataclass(frozen=True, slots=True)
class Sight:
    """What counts: seeds smoothed so (mm) deviate at least so (HU), a whole lesion by the least contrast."""

    seed_scales: tuple[tuple[float, float], ...]
    least_contrast_hu: float


# Seeds deviate by this many standard deviations of the smoothed noise, and at least by a contrast that an eye
# would see. Where this share of the liver is clearly tumour, less contrast is believed.
SEED_DEVIATIONS = 5.0
CLEAR = Sight(((2.5, 18.0), (4.0, 14.0), (6.0, 11.0), (9.0, 9.0)), 11.0)
FAINT = Sight(((2.5, 14.0), (4.0, 10.0), (6.0, 8.0), (9.0, 7.0)), 8.0)
DISEASED_FRAC = 0.04


# Growth beyond the seeds, and bridges (sheets of fissures) thinner than twice this that do not count; of what
# is bright, vessels thinner than twice this.
GROWTH_MM = 20.0
NEAR_SEEDS_MM = 8.0
GROWTH_SIGMA_MM = 1.2
BRIDGE_MM = 2.0
VESSEL_MM = 4.0

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

# Fissures: a candidate with this share in them is none of ours unless it is larger.
FISSURE_FRAC = 0.3
FATTY_ML = 15.0

# Smallest diameter of a sphere of the same volume, and how many spheres of its own depth a lesion may hold;
# small ones are rounder than large ones, which may have grown together. No vessel or fissure is twice as
# thick as the last.
LEAST_DIAMETER_MM = 7.0
LONGEST_SHAPE = 7.0
THICK_MM = 10.0
SMALL_ML = 10.0
SMALL_SHAPE = 3.5

# Water and fat: cysts, gallbladder and fissures have cores at or below this.
WATER_HU = 18.0

# In a fatty liver lesions themselves are as dark; there only what is darker than this is water.
FATTY_WATER_HU = 8.0
FATTY_LEVEL_HU = 50.0


# What is this small and never farther than this below the rim is blur of the surface.
SURFACE_ML = 1.0
SURFACE_MM = 5.0

# The rise of the CT number at an edge takes the contrast over the slope; blurred edges of lesions take 4 to 8
# mm at the smoothing used here, streaks of dense shoulders or arms more. Fewer voxels than this tell nothing.
WIDEST_EDGE_MM = 14.0
LEAST_EDGE_VOXELS = 15

# Contact with something as bright outside the liver that makes a bright candidate a vein or the heart.
TOUCH_MM = 5.0
JOINED_ML = 0.3
JOINED_FRAC = 0.1


# Bright lesions must be thicker than vessels are, or round and alone: pieces of vessels hold more balls of
# their depth, or hang together with others.
BRIGHT_DEPTH_MM = 8.0
ROUND_DEPTH_MM = 4.5
ROUND_BALLS = 2.4
BRIGHT_BALLS = 4.5
BRIGHT_THICK_MM = 14.0
ALONE_FRAC = 0.8


# Parting: basins of the depth map whose necks are narrower than this share of the smaller part's depth.
NECK_SHARE = 0.6


def segment_tumours(ct: CtImage, liver: Mask) -> LabelMap:
    """Lesions inside `liver`, numbered by descending volume, on the CT's grid."""
    ct.grid.require_same(liver.grid, "CT and liver")
    if liver.is_empty:
        raise SegmentationError("the liver mask is empty; lesions are searched inside the liver only")
    return tumours_in(ct, working_image(ct), liver.voxels)


def tumours_in(ct: CtImage, work: WorkingImage, liver: Bools) -> LabelMap:
    """The same on a working image that exists already."""
    labels = tumours_on_native_grid(work, find_tumours(work, work.down(liver)), liver)
    return LabelMap(ct.grid, by_volume(with_rims(ct.hu, labels, liver, ct.grid)))


def find_tumours(work: WorkingImage, liver: Bools) -> NDArray[np.int32]:
    """Lesions on the working grid, each with a number."""
    box = bounding_box(liver, margin=4)
    if box is None:
        return np.zeros(liver.shape, np.int32)
    labels = np.zeros(liver.shape, np.int32)
    labels[box] = _lesions(scene_of(work.cropped(box), liver[box]))
    return labels


def _lesions(scene: Scene) -> NDArray[np.int32]:
    """Lesions of both signs; where there are many, fainter ones are believed too."""
    labels = _lesions_seen(scene, CLEAR)
    if np.count_nonzero(labels) > DISEASED_FRAC * np.count_nonzero(scene.liver):
        fainter = _lesions_seen(scene, FAINT)
        labels = fainter if np.count_nonzero(fainter) > np.count_nonzero(labels) else labels
    return labels


def _lesions_seen(scene: Scene, sight: Sight) -> NDArray[np.int32]:
    spacing = scene.work.spacing_zyx_mm
    labels = np.zeros(scene.liver.shape, np.int32)
    number = 0
    for sign in (-1.0, 1.0):
        grown = _grow(scene, _seeds(scene, sign, sight), sign, sight)
        opened = _opened(grown, BRIDGE_MM if sign < 0 else VESSEL_MM, spacing)
        parts = parted_at_waists(opened, spacing, NECK_SHARE)
        whole, _ = ndimage.label(_opened(grown, BRIDGE_MM, spacing))
        sizes = np.bincount(whole.ravel())
        for index, place in boxes(parts, 0.0, spacing):
            own = parts[place] == index
            alone = float(own.sum()) >= ALONE_FRAC * float(sizes[whole[place][own][0]])
            if _is_lesion(scene, own, place, sign, alone=alone):
                number += 1
                labels[place][own & (labels[place] == 0)] = number
    return labels


def _seeds(scene: Scene, sign: float, sight: Sight) -> Bools:
    """Voxels that deviate clearly at one of the scales."""
    seeds = np.zeros(scene.liver.shape, np.bool_)
    for sigma_mm, least_hu in sight.seed_scales:
        deviation = sign * smoothed_deviation(scene, sigma_mm)
        # Lesions lie on the other side, so that this one shows the noise alone.
        spread = one_sided_sd(deviation[scene.typical], -1.0)
        seeds |= scene.deep & (deviation > max(least_hu, SEED_DEVIATIONS * spread))
    return seeds


def _grow(scene: Scene, seeds: Bools, sign: float, sight: Sight) -> Bools:
    """Seeds grown to where the deviation falls to half its local height, thin sheets taken away.

    The surface is kept short at each step, so that noise does not tear lesions of little contrast apart.
    """
    if not seeds.any():
        return seeds
    work, spacing = scene.work, scene.work.spacing_zyx_mm
    deviation = sign * smoothed_deviation(scene, GROWTH_SIGMA_MM)
    open_to = scene.deep & (distance_mm(seeds, spacing) < GROWTH_MM)
    region = seeds
    half = np.maximum(_height(scene, deviation, region) / 2, np.float32(sight.least_contrast_hu / 2))
    # Small lesions are as curved as the smoothing is wide: near the seeds the contrast alone decides.
    near = open_to & (distance_mm(seeds, spacing) < NEAR_SEEDS_MM) & (deviation > half)
    for step in range(GROWTH_STEPS):
        if step and step % HEIGHT_EVERY == 0:
            half = np.maximum(_height(scene, deviation, region) / 2, np.float32(sight.least_contrast_hu / 2))
        evidence = np.clip((deviation - half) / half, -1, 1) * np.float32(EVIDENCE_WEIGHT)
        around = work.smooth_inside(region.astype(np.float32), scene.deep, SURFACE_SIGMA_MM)
        now = (around + evidence > 1 / 2) & open_to
        steady = np.count_nonzero(now != region) <= STEADY_FRAC * np.count_nonzero(region)
        region = now
        if steady:
            break
    region = region | near
    grown, _ = ndimage.label(_opened(region, BRIDGE_MM, spacing))
    touched = np.zeros(int(grown.max()) + 1, np.bool_)
    touched[np.unique(grown[seeds])] = True
    touched[0] = False
    return np.asarray(ndimage.binary_fill_holes(touched[grown]))


def _opened(mask: Bools, radius_mm: float, spacing: tuple[float, float, float]) -> Bools:
    """`mask` without what is thinner than twice the radius."""
    return np.asarray((distance_mm(depth_mm(mask, spacing) > radius_mm, spacing) <= radius_mm) & mask)


def _height(scene: Scene, deviation: Floats, region: Bools) -> Floats:
    """The mean deviation of the candidates around each place; very high where none is near.

    The deeper a voxel lies the more it counts: near the surface blur makes it lower.
    """
    weight = np.minimum(depth_mm(region, scene.work.spacing_zyx_mm), np.float32(CORE_MM)) ** 2
    share = scene.work.smooth(weight / np.float32(CORE_MM**2), HEIGHT_SIGMA_MM)
    total = scene.work.smooth(deviation * weight / np.float32(CORE_MM**2), HEIGHT_SIGMA_MM)
    near = share > NEAR_SHARE
    return np.where(near, total / np.maximum(share, np.float32(NEAR_SHARE)), np.float32(HIGHEST_HU))


def _is_lesion(scene: Scene, own: Bools, place: Box, sign: float, *, alone: bool) -> bool:
    volume_ml = float(own.sum()) * scene.work.voxel_ml
    if volume_ml / ML_PER_MM3 < pi / 6 * LEAST_DIAMETER_MM**3:
        return False
    depth = depth_mm(np.pad(own, 1), scene.work.spacing_zyx_mm)[1:-1, 1:-1, 1:-1]
    thickest = float(depth.max())
    most = SMALL_SHAPE if volume_ml < SMALL_ML else LONGEST_SHAPE
    if thickest < THICK_MM and volume_ml / ML_PER_MM3 > most * 4 / 3 * pi * thickest**3:
        return False
    if volume_ml < SURFACE_ML and float(scene.depth[place][own].max()) < SURFACE_MM + scene.rim_mm:
        return False
    core = float(np.median(scene.tissue[place][own & (depth >= thickest / 2)]))
    if sign > 0:
        balls = volume_ml / ML_PER_MM3 / (4 / 3 * pi * thickest**3)
        thick = thickest > (ROUND_DEPTH_MM if alone and balls < ROUND_BALLS else BRIGHT_DEPTH_MM)
        return (
            thick
            and (balls < BRIGHT_BALLS or thickest > BRIGHT_THICK_MM)
            and not _joins_outside(scene, own, place, core)
        )
    if _is_shade(scene, own, place):
        return False
    in_fissure = float(np.mean(scene.fissure[place][own]))
    fatty = float(np.median(scene.level[place][own])) < FATTY_LEVEL_HU
    water_hu = FATTY_WATER_HU if fatty else WATER_HU
    return core > water_hu and (in_fissure < FISSURE_FRAC or volume_ml > FATTY_ML)


def _is_shade(scene: Scene, own: Bools, place: Box) -> bool:
    """Whether its edge is too gradual for a lesion: streaks and beam hardening darken whole parts."""
    edge = own & ~ndimage.binary_erosion(own) & scene.inner[place]
    if int(edge.sum()) < LEAST_EDGE_VOXELS:
        return False
    contrast = abs(float(np.median(scene.calm[place][own])))
    return contrast > WIDEST_EDGE_MM * float(np.median(scene.slope[place][edge]))


def _joins_outside(scene: Scene, own: Bools, place: Box, core: float) -> bool:
    """Whether something as bright lies against it outside the liver: a vein or the heart, and no lesion."""
    whole = np.zeros(scene.liver.shape, np.int32)
    whole[place] = own
    box = boxes(whole, TOUCH_MM, scene.work.spacing_zyx_mm)[0][1]
    near = distance_mm(whole[box] > 0, scene.work.spacing_zyx_mm) < TOUCH_MM
    level = scene.level[box]
    alike = np.abs(scene.tissue[box] - core) < np.maximum(core - level, np.float32(1)) / 2
    outside = near & ~scene.liver[box] & alike
    return float(outside.sum()) > max(JOINED_ML / scene.work.voxel_ml, JOINED_FRAC * float(own.sum()))
