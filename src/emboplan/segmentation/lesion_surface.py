"""Where a lesion ends: its surface on the native grid, so that volumes are unbiased.

A blurred sphere has, at its true radius, a little less than half of its contrast: one half minus the blur
over the radius and the square root of two pi (a Gaussian blur of a ball, to first order in blur over
radius). Each lesion is cut there, between the level of its own outer part and that of the parenchyma around
it.
"""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.model.mask import bounding_box
from emboplan.segmentation.liver_rim import carried_outwards, deep_part
from emboplan.segmentation.parenchyma import denoised
from emboplan.segmentation.shape import boxes, depth_mm, distance_mm
from emboplan.segmentation.working import Bools, Floats, WorkingImage
from emboplan.units import ML_PER_MM3

# Light smoothing before the cut; with the scanner's blur it makes up the next.
GRAIN_MM = 0.8

# Blur of scanner and working image together (standard deviation) at a lesion's edge.
EDGE_SIGMA_MM = 1.5

# Surroundings in which a lesion's local parenchyma is measured, and how far its surface may move.
RING_MM = (3.0, 8.0)
NEAR_MM = 3.0

# A lesion's own level is that of its outer part, behind the blur: a necrotic centre says nothing of the edge.
BAND_MM = (2.5, 8.0)
LEAST_SHELL = 30

# The share of the contrast at which the smallest lesions are cut.
LEAST_SHARE = 0.3

# The cut is made on shares of the contrast that are clipped and smoothed: single voxels that noise brings
# over it do not move it.
CALM_SIGMA_MM = 2.0
CLIPPED = (-0.5, 1.5)

# A lesion hangs together; what the cut leaves apart from it, smaller than this share of it, is noise.
CRUMB_FRAC = 0.2

# In thick slices the surface may move by one of them.
ONE_SLICE = 1.01


def tumours_on_native_grid(work: WorkingImage, labels: NDArray[np.int32], liver: Bools) -> NDArray[np.uint16]:
    """Lesions on the native grid, cut where each one's blurred edge has the height of its true radius."""
    hu = work.smooth(work.hu, GRAIN_MM)
    inside = work.down(liver)
    deep = np.zeros(inside.shape, np.bool_)
    organ = bounding_box(inside, margin=4)
    if organ is not None:
        deep[organ] = deep_part(denoised(work.cropped(organ)), inside[organ], work.spacing_zyx_mm)
    turned = work.turn.forward(liver)
    out = np.zeros(turned.shape, np.int32)
    for number, box in boxes(labels, RING_MM[1] + max(work.spacing_zyx_mm), work.spacing_zyx_mm):
        native = work.native_box(box)
        piece = work.native_part(
            _level_function(work, hu[box], labels[box], inside[box], deep[box], number), box
        )
        view = out[native]
        view[_without_crumbs(piece & (view == 0) & turned[native])] = number
    return np.ascontiguousarray(work.turn.backward(out.astype(np.uint16)))


def by_volume(labels: NDArray[np.integer], least_voxels: float = 1.0) -> NDArray[np.uint16]:
    """The labels of at least so many voxels, numbered anew, from 1 for the largest on."""
    found = np.zeros(labels.shape, np.uint16)
    box = bounding_box(labels > 0)
    if box is None:
        return found
    sizes = np.bincount(labels[box].ravel())
    sizes[0] = 0
    order = [int(n) for n in np.argsort(-sizes, kind="stable") if sizes[n] >= max(least_voxels, 1)]
    names = np.zeros(sizes.size, np.uint16)
    names[order] = np.arange(1, len(order) + 1)
    found[box] = names[labels[box]]
    return found


def _without_crumbs(piece: Bools) -> Bools:
    """What hangs together, and what is at least so large against the largest of it."""
    parts, count = ndimage.label(piece)
    if count < 2:
        return piece
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= CRUMB_FRAC * sizes.max())[parts] & piece)


def _level_function(
    work: WorkingImage, hu: Floats, labels: NDArray[np.int32], liver: Bools, deep: Bools, number: int
) -> Floats:
    """Positive inside the lesion: its share of the local contrast less that at a sphere's true radius."""
    own = labels == number
    others = (labels > 0) & ~own
    values = carried_outwards(hu, deep, liver, work.spacing_zyx_mm)
    away = distance_mm(own, work.spacing_zyx_mm)
    within = depth_mm(own, work.spacing_zyx_mm)
    shell = own & (within >= BAND_MM[0]) & (within <= BAND_MM[1])
    core = float(
        np.median(values[shell if shell.sum() >= LEAST_SHELL else own & (within >= within.max() / 2)])
    )
    ring = liver & ~others & (away > RING_MM[0]) & (away < RING_MM[1])
    level = float(np.median(values[ring])) if ring.any() else core + 1
    near_mm = max(NEAR_MM, ONE_SLICE * max(work.spacing_zyx_mm))
    radius = (3 * float(own.sum()) * work.voxel_ml / ML_PER_MM3 / (4 * pi)) ** (1 / 3)
    share = max(LEAST_SHARE, 0.5 - sqrt(EDGE_SIGMA_MM**2 + CALM_SIGMA_MM**2) / (radius * sqrt(2 * pi)))
    contrast = core - level if abs(core - level) > 1 else 1.0
    height = np.clip((values - level) / contrast, *CLIPPED)
    # Deep inside, texture must not punch holes; far outside nothing is part of it.
    height = np.where(within > near_mm, np.float32(1), np.where(away < near_mm, height, np.float32(0)))
    height = work.smooth_inside(height.astype(np.float32), ~others, CALM_SIGMA_MM)
    return np.where((away < near_mm) & ~others, height - np.float32(share), np.float32(-share)).astype(
        np.float32
    )
