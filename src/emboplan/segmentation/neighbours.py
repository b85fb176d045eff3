"""The liver's neighbours where they are as bright as it is: heart, vena cava, spleen, stomach and bowel.

Parts that surely belong to each are known by their place, or by gas. From there all are flooded towards the
liver, which is flooded from its own deep parts; they meet at the edges between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from scipy import ndimage

from emboplan.segmentation.gut_and_spleen import gut_at_gas, left_organs
from emboplan.segmentation.heart import heart_above, level_above_liver
from emboplan.segmentation.landmarks import SOFT_HU, Spine, dome_level, find_spine
from emboplan.segmentation.shape import depth_mm, distance_mm, flood, largest
from emboplan.segmentation.vena_cava import vena_cava
from emboplan.segmentation.working import Bools, Floats, WorkingImage

# Surely liver: this deep in tissue like it; on the left only this far below what lies above the liver, since
# the heart rests on the left lobe, and only this far before the spine, since the spleen lies behind.
LIVER_DEPTH_MM = 12.0
SURELY_BELOW_MM = 40.0
BEFORE_SPINE_MM = 20.0

# Of several deep parts the liver's is the largest one, where the left counts this much less; others are its
# lobes if they hang together at this depth.
LEFT_WEIGHT = 0.2
JOINED_DEPTH_MM = 7.0

# A part is a neighbour's if this share of it lies this close to what surely is the neighbour's.
BESIDE_MM = 6.0
BESIDE_FRAC = 0.05

EDGE_SIGMA_MM = 2.0


class Basin(IntEnum):
    """What floods."""

    LIVER = 1
    HEART = 2
    CAVA = 3
    NO_TISSUE = 4
    GUT = 5
    LEFT_ORGAN = 6


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What belongs to a neighbour or lies above any liver; what was flooded from the liver's deep parts.

    `left_and_gut` is the part of the neighbours that is stomach, bowel, spleen or left kidney.
    """

    neighbours: Bools
    basin: Bools
    left_and_gut: Bools


def surroundings_of(
    work: WorkingImage,
    tissue: Floats,
    alike: Bools,
    lungs: Bools,
    body: Bools,
    inside: Bools,
    of_one: Sequence[Bools] = (),
) -> Surroundings:
    """The liver's neighbours, and its basin; `alike` marks tissue that looks like liver.

    `of_one` are its parts that look like one of the liver's tissues, where it has several: where duodenum
    that looks like the other leans on the vena cava, that lies alone in one of them only.
    Without a spine in view neither is known: no neighbours, and an empty basin.
    """
    out = np.zeros_like(alike)
    spine = find_spine(work, body)
    if spine is None:
        return Surroundings(out, out, out)
    soft = inside & ~lungs & (tissue > SOFT_HU[0]) & (tissue < SOFT_HU[1])
    dome = dome_level(work, tissue, inside, lungs, spine)
    above = level_above_liver(work, alike, lungs, spine, dome)
    cava = vena_cava(work, alike, spine, above)
    if of_one and not cava.seen:
        cava = max((vena_cava(work, like, spine, above) for like in of_one), key=lambda found: found.seen)
    left_organ = left_organs(work, soft, spine)
    gut = gut_at_gas(work, soft, alike, lungs, body)
    like_liver = alike & ~cava.tube
    if above is not None:
        like_liver[above:] = False
        out[above:] = True
    liver = _surely_liver(work, like_liver, spine, left_organ | gut)
    markers = np.where(soft, 0, Basin.NO_TISSUE).astype(np.int32)
    if above is not None:
        low = np.arange(alike.shape[0]) <= above - round(SURELY_BELOW_MM / work.spacing_zyx_mm[0])
        liver &= ~_left(spine, alike.shape)[:, None] | low[:, None, None]
    markers[liver] = Basin.LIVER
    if above is not None:
        markers[heart_above(work, soft, lungs, above)] = Basin.HEART
    markers[cava.sure & (markers != Basin.HEART)] = Basin.CAVA
    markers[gut & (markers == 0)] = Basin.GUT
    markers[left_organ & (markers != Basin.HEART)] = Basin.LEFT_ORGAN
    edges = ndimage.gaussian_gradient_magnitude(tissue, work.voxels(EDGE_SIGMA_MM))
    basins = flood(np.asarray(edges, np.float32), markers)
    # Veins lead the flood of the heart into the liver; but nothing of the heart has liver above it.
    under_liver = np.maximum.accumulate((basins == Basin.LIVER)[::-1], axis=0)[::-1]
    out |= (basins == Basin.HEART) & ~under_liver
    out |= (basins == Basin.CAVA) & cava.tube
    left_and_gut = (basins == Basin.GUT) | (basins == Basin.LEFT_ORGAN)
    out |= left_and_gut
    # On the left what lies under the liver is stomach and spleen as well.
    under = (basins == Basin.HEART) & ~_left(spine, alike.shape)[:, None]
    return Surroundings(out, ((basins == Basin.LIVER) | under) & ~out, left_and_gut)


def _left(spine: Spine, shape: tuple[int, ...]) -> Bools:
    """For each slice and column whether it lies to the left of the spine's middle."""
    return np.asarray(np.arange(shape[2])[None] > spine.column[:, None])


def _surely_liver(work: WorkingImage, alike: Bools, spine: Spine, others: Bools) -> Bools:
    """Deep parts of what looks like liver: the largest, and those joined to it that are no neighbour's."""
    depth = depth_mm(alike, work.spacing_zyx_mm)
    deep = depth > LIVER_DEPTH_MM
    if not deep.any():
        return deep
    left = _left(spine, alike.shape)[:, None]
    rows = np.arange(alike.shape[1])[None]
    far_back = rows > spine.front[:, None] - BEFORE_SPINE_MM / work.spacing_zyx_mm[1]
    behind = left & far_back[:, :, None]
    main = largest(deep, np.where(left, np.float32(LEFT_WEIGHT), np.float32(1)) * deep)
    joined, _ = ndimage.label((depth > JOINED_DEPTH_MM) | main)
    parts, count = ndimage.label(deep & (joined == joined[main][0]))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    near = (distance_mm(others, work.spacing_zyx_mm) < BESIDE_MM) | behind
    theirs = np.bincount(parts[near & (parts > 0)], minlength=count + 1) > BESIDE_FRAC * sizes
    theirs[parts[main][0]] = False
    theirs[0] = True
    return np.asarray(~theirs[parts] & ~behind)
