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

from emboplan.model.mask import Box
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

# In thick slices the surface may move by one of them.
ONE_SLICE = 1.01


def tumours_on_native_grid(work: WorkingImage, labels: NDArray[np.int32], liver: Bools) -> NDArray[np.uint16]:
    """Lesions on the native grid, cut where each one's blurred edge has the height of its true radius."""
    hu = work.smooth(work.hu, GRAIN_MM)
    inside = work.down(liver)
    turned = work.turn.forward(liver)
    out = np.zeros(turned.shape, np.int32)
    for number, box in boxes(labels, RING_MM[1] + max(work.spacing_zyx_mm), work.spacing_zyx_mm):
        native = work.native_box(box)
        piece = work.native_part(_level_function(work, hu, labels, inside, number, box), box)
        view = out[native]
        view[piece & (view == 0) & turned[native]] = number
    return np.ascontiguousarray(work.turn.backward(by_volume(out)))


def by_volume(labels: NDArray[np.integer]) -> NDArray[np.uint16]:
    """The labels numbered anew, from 1 for the largest on."""
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    order = [int(n) for n in np.argsort(-sizes, kind="stable") if sizes[n] > 0]
    names = np.zeros(sizes.size, np.uint16)
    names[order] = np.arange(1, len(order) + 1)
    return np.asarray(names[labels], np.uint16)


def _level_function(
    work: WorkingImage, hu: Floats, labels: NDArray[np.int32], liver: Bools, number: int, box: Box
) -> Floats:
    """Positive inside the lesion: its share of the local contrast less that at a sphere's true radius."""
    own = labels[box] == number
    others = (labels[box] > 0) & ~own
    away = distance_mm(own, work.spacing_zyx_mm)
    within = depth_mm(own, work.spacing_zyx_mm)
    values = hu[box]
    shell = own & (within >= BAND_MM[0]) & (within <= BAND_MM[1])
    core = float(
        np.median(values[shell if shell.sum() >= LEAST_SHELL else own & (within >= within.max() / 2)])
    )
    ring = liver[box] & ~others & (away > RING_MM[0]) & (away < RING_MM[1])
    level = float(np.median(values[ring])) if ring.any() else core + 1
    near_mm = max(NEAR_MM, ONE_SLICE * max(work.spacing_zyx_mm))
    radius = (3 * float(own.sum()) * work.voxel_ml / ML_PER_MM3 / (4 * pi)) ** (1 / 3)
    share = max(LEAST_SHARE, 0.5 - EDGE_SIGMA_MM / (radius * sqrt(2 * pi)))
    contrast = core - level if abs(core - level) > 1 else 1.0
    height = np.where((away < near_mm) & ~others, (values - level) / contrast - share, np.float32(-share))
    # Deep inside, texture must not punch holes.
    return np.where(within > near_mm, np.float32(share), height).astype(np.float32)
