"""Calcium out of sight: what lies around a calcification says what the tissue there is.

A calcification in a dark lesion is far brighter than the liver, and its blur crosses the liver's own CT
number. Left in place it tears the lesion into a shell that looks like no lesion.
"""

from __future__ import annotations

import numpy as np

from emboplan.segmentation.lesion_scene import GRAIN_MM, Scene, with_tissue
from emboplan.segmentation.shape import distance_mm, without_small

# Denser than liver by this much, in a volume of this size, lightly smoothed, is calcium, lipiodol or metal.
# An artery that is, loses nothing here: what fills it is the liver around it.
DENSE_HU = 120.0
LEAST_ML = 0.02

# Its blur reaches so far; what lies beyond fills its place, smoothed so (standard deviation).
BLUR_MM = 4.0
FILL_SIGMA_MM = 3.0

# Where less of what fills can be seen, the liver's level does.
LEAST_SEEN = 0.01


def without_calcium(scene: Scene) -> Scene:
    """The scene with calcifications, and their blur, filled with the tissue that lies around them."""
    work = scene.work
    dense = scene.liver & (work.smooth(work.hu, GRAIN_MM) > scene.level + np.float32(DENSE_HU))
    dense = without_small(dense, LEAST_ML / work.voxel_ml)
    if not dense.any():
        return scene
    hidden = scene.deep & (distance_mm(dense, work.spacing_zyx_mm) <= BLUR_MM)
    clear = scene.deep & ~hidden
    share = work.smooth(clear, FILL_SIGMA_MM)
    total = work.smooth(np.where(clear, scene.tissue - scene.level, np.float32(0)), FILL_SIGMA_MM)
    around = np.where(share > LEAST_SEEN, total / np.maximum(share, np.float32(LEAST_SEEN)), np.float32(0))
    return with_tissue(scene, np.where(hidden, around + scene.level, scene.tissue))
