"""Which pieces of what deviates are lesions: told by size, shape, edge and CT number.

Vessels are thin and hang together, fissures hold fat, cysts and the gallbladder hold water, veins go on
outside the liver, streaks have no edge. What is left is a lesion.
"""

from __future__ import annotations

from enum import Enum, auto
from math import pi

import numpy as np
from scipy import ndimage

from emboplan.model.mask import Box
from emboplan.segmentation.lesion_scene import FATTY_LEVEL_HU, Scene
from emboplan.segmentation.shape import boxes, depth_mm, distance_mm
from emboplan.segmentation.working import Bools
from emboplan.units import ML_PER_MM3

# Fissures: a candidate with this share in them is none of ours unless it is larger; of a small one less.
FISSURE_FRAC = 0.3
FATTY_ML = 15.0
SMALL_FISSURE_FRAC = 0.1
SMALL_FATTY_ML = 2.0

# Smallest diameter of a sphere of the same volume, and how many spheres of its own depth a lesion may hold;
# small ones are rounder than large ones, which may have grown together. No vessel or fissure is twice as
# thick as the last.
LEAST_DIAMETER_MM = 7.0
LONGEST_SHAPE = 7.0
THICK_MM = 10.0
SMALL_ML = 10.0
SMALL_SHAPE = 3.5


# A dark piece that is seen so deep may be so many times as deep where the liver's rim hides its outer part.
SEEN_MM = 6.0
HIDDEN_TIMES = 1.6

# Water and fat: cysts, gallbladder and fissures have cores at or below this.
WATER_HU = 18.0

# The outer zone of a piece, behind its blur, and how much blur may still brighten it there.
SHELL_MM = (2.5, 6.0)
BLUR_HU = 8.0

# In a fatty liver lesions themselves are as dark; there only what is darker than this is water.
FATTY_WATER_HU = 8.0

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

# Bright lesions must be thicker than vessels are, or round and alone in a liver that has not yet taken up
# contrast: pieces of vessels hold more balls of their depth, or hang together with others.
BRIGHT_DEPTH_MM = 8.0
ROUND_DEPTH_MM = 4.5
ROUND_BALLS = 3.1
BRIGHT_BALLS = 4.5
BRIGHT_THICK_MM = 14.0


class Verdict(Enum):
    """What a piece is: a lesion, shapeless (part of the lesion that it lies on, if any), or other tissue."""

    LESION = auto()
    SHAPELESS = auto()
    OTHER = auto()


def judged(scene: Scene, own: Bools, place: Box, sign: float, *, alone: bool) -> Verdict:
    """The verdict on a piece in its box, darker (`sign` -1) or brighter (1) than parenchyma.

    `alone` says that it makes up nearly all of what it hangs together with.
    """
    volume_ml = float(own.sum()) * scene.work.voxel_ml
    depth = depth_mm(np.pad(own, 1), scene.work.spacing_zyx_mm)[1:-1, 1:-1, 1:-1]
    thickest = float(depth.max())
    core = float(np.median(scene.tissue[place][own & (depth >= thickest / 2)]))
    shell = own & (depth > SHELL_MM[0]) & (depth <= SHELL_MM[1])
    outer = float(np.median(scene.tissue[place][shell])) if shell.any() else core
    # A cyst is water out to its wall; a tumour whose core is liquid is not.
    brightest = core if sign > 0 else max(core, outer - BLUR_HU)
    if _is_other_tissue(scene, own, place, sign, brightest, volume_ml):
        return Verdict.OTHER
    small = volume_ml / ML_PER_MM3 < pi / 6 * LEAST_DIAMETER_MM**3
    blur = volume_ml < SURFACE_ML and float(scene.depth[place][own].max()) < SURFACE_MM + scene.rim_mm
    if sign < 0 and thickest > SEEN_MM:
        thickest = _thickest_behind_rim(scene, own, place, thickest)
    balls = volume_ml / ML_PER_MM3 / (4 / 3 * pi * thickest**3)
    most = SMALL_SHAPE if volume_ml < SMALL_ML else LONGEST_SHAPE
    if small or blur or (thickest < THICK_MM and balls > most):
        return Verdict.SHAPELESS
    shaped = not _is_shade(scene, own, place)
    if sign > 0:
        round_ = alone and balls < ROUND_BALLS and not scene.enhanced
        thick = thickest > (ROUND_DEPTH_MM if round_ else BRIGHT_DEPTH_MM)
        shaped &= thick and (balls < BRIGHT_BALLS or thickest > BRIGHT_THICK_MM)
    return Verdict.LESION if shaped else Verdict.SHAPELESS


def _is_other_tissue(
    scene: Scene, own: Bools, place: Box, sign: float, core: float, volume_ml: float
) -> bool:
    """Whether it is a vein that goes on outside the liver, or water or fat inside it."""
    if sign > 0:
        return _joins_outside(scene, own, place, core)
    in_fissure = float(np.mean(scene.fissure[place][own]))
    fatty = float(np.median(scene.level[place][own])) < FATTY_LEVEL_HU
    water_hu = FATTY_WATER_HU if fatty else WATER_HU
    most = SMALL_FISSURE_FRAC if volume_ml < SMALL_FATTY_ML else FISSURE_FRAC
    return core <= water_hu or (in_fissure >= most and volume_ml <= FATTY_ML)


def _thickest_behind_rim(scene: Scene, own: Bools, place: Box, thickest_mm: float) -> float:
    """The depth of a piece that goes on in the liver's rim, where nothing is seen: from parenchyma alone.

    The rim cuts a ball at the capsule flat; but a piece is not much deeper than what is seen of it.
    """
    whole = np.zeros(scene.liver.shape, np.int32)
    whole[place] = own
    spacing = scene.work.spacing_zyx_mm
    box = boxes(whole, HIDDEN_TIMES * thickest_mm + max(spacing), spacing)[0][1]
    seen = whole[box] > 0
    open_mm = float(distance_mm(scene.deep[box] & ~seen, spacing)[seen].max())
    return float(np.clip(open_mm, thickest_mm, HIDDEN_TIMES * thickest_mm))


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
