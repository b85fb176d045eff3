"""Faint round spots: seeds of small lesions whose contrast alone does not part them from veins.

A vein's CT number changes across it and hardly along it, a fold's changes to two sides; a small lesion's, or
the core's of one with an enhancing rim, rises to all sides. Where the smallest of the three curvatures is
that of a spot, half the contrast is believed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.segmentation.lesion_scene import Scene, smoothed_deviation
from emboplan.segmentation.working import Bools, Floats

# A spot deviates by this much, and by this many deviations of the noise, smoothed as the finest seeds are.
LEAST_HU = 9.0
DEVIATIONS = 4.0

# Curvatures are those of the deviation smoothed so; a spot's smallest one is at least this share of the
# deviation (per mm2). A Gaussian spot seen as wide as 10 mm (standard deviation) has just this one.
CURVATURE_SIGMA_MM = 3.0
LEAST_CURVATURE_PER_MM2 = 0.01


def round_spots(scene: Scene, finest: Floats, noise_hu: float) -> Bools:
    """Tops of `finest`, how much darker than parenchyma the finest scale is, that fall off to all sides."""
    highest = ndimage.maximum_filter(finest, size=3) == finest
    clear = finest > max(LEAST_HU, DEVIATIONS * noise_hu)
    tops = np.argwhere(highest & clear & scene.inner & ~scene.fissure)
    spots = np.zeros(finest.shape, np.bool_)
    if not len(tops):
        return spots
    curvature = _smallest_curvature(-smoothed_deviation(scene, CURVATURE_SIGMA_MM), tops, scene)
    round_ = curvature > LEAST_CURVATURE_PER_MM2 * finest[tuple(tops.T)]
    spots[tuple(tops[round_].T)] = True
    return spots


def _smallest_curvature(height: Floats, places: NDArray[np.intp], scene: Scene) -> NDArray[np.float64]:
    """The smallest of the three downward curvatures (HU/mm2) at each of the places, (n, 3) indices."""
    spacing = scene.work.spacing_zyx_mm
    hessian = np.empty((len(places), 3, 3))
    steps = np.eye(3, dtype=np.intp)

    def at(offset: NDArray[np.intp]) -> NDArray[np.float64]:
        return np.asarray(height[tuple((places + offset).T)], np.float64)

    top = at(np.zeros(3, np.intp))
    for i in range(3):
        along = at(steps[i]) - 2 * top + at(-steps[i])
        hessian[:, i, i] = along / spacing[i] ** 2
        for j in range(i):
            across = (at(steps[i] + steps[j]) + at(-steps[i] - steps[j])) - (
                at(steps[i] - steps[j]) + at(steps[j] - steps[i])
            )
            hessian[:, i, j] = hessian[:, j, i] = across / (4 * spacing[i] * spacing[j])
    return np.asarray(-np.linalg.eigvalsh(hessian)[:, -1])
