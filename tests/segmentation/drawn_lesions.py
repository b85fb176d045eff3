"""Lesions drawn into the CT of a healthy liver: real texture, vessels and neighbours, and a known truth.

Digital patients have smooth surroundings; what passes there can fail between real vessels. The lesions are
bumpy ellipsoids that the capsule may cut, with the liver's own noise and none of its vessels in them. They
are drawn by chance from a seed, apart from each other by some millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.model.image import CtImage
from emboplan.model.mask import Mask

APART_MM = 4.0
LEAST_INSIDE = 0.6
ATTEMPTS = 4000
AXES = (0.85, 1.18)
BUMPS, BUMP_MM = 0.08, 6.0
EDGE_SIGMA_MM = 0.9
GRAIN_MM = 4.0
GRAIN_DEVIATIONS = 2.5
DRIFT_MM = 10.0
DRIFT_HU = (-60.0, 40.0)


@dataclass(frozen=True)
class Draw:
    """How many lesions, of which diameters (mm), how much brighter than liver (HU), and by which chance."""

    count: int
    diameters_mm: tuple[float, float]
    contrast_hu: float
    seed: int


def with_lesions_drawn(ct: CtImage, liver: Mask, draw: Draw) -> tuple[CtImage, NDArray[np.int16]]:
    """The CT with lesions drawn into `liver`, and which lesion (from 1) each voxel belongs to."""
    spacing = np.array(ct.grid.spacing_zyx_mm)
    hu, inside = np.asarray(ct.hu, np.float32), liver.voxels
    labels = _drawn(inside, spacing, draw)
    level = float(np.median(hu[inside]))
    low, high = (level + by for by in DRIFT_HU)
    own = np.where(inside, np.clip(hu, low, high), np.float32(level))
    grain = hu - ndimage.gaussian_filter(hu, GRAIN_MM / spacing)
    most = GRAIN_DEVIATIONS * 1.4826 * float(np.median(np.abs(grain[inside])))
    tumour = ndimage.gaussian_filter(own, DRIFT_MM / spacing) + draw.contrast_hu + np.clip(grain, -most, most)
    share = ndimage.gaussian_filter((labels > 0).astype(np.float32), EDGE_SIGMA_MM / spacing)
    return CtImage(ct.grid, np.round(hu + share * (tumour - hu)).astype(np.int16)), labels


def _drawn(inside: NDArray[np.bool_], spacing: NDArray[np.float64], draw: Draw) -> NDArray[np.int16]:
    rng = np.random.default_rng(draw.seed)
    places = np.argwhere(inside)
    labels = np.zeros(inside.shape, np.int16)
    bumps = ndimage.gaussian_filter(rng.normal(size=inside.shape).astype(np.float32), BUMP_MM / spacing)
    bumps *= BUMPS / bumps.std()
    count = 0
    for _ in range(ATTEMPTS):
        if count == draw.count:
            return labels
        middle, radius_mm = rng.choice(places), rng.uniform(*draw.diameters_mm) / 2
        axes = rng.uniform(*AXES, 3)
        reach = np.ceil((radius_mm * 1.6 + APART_MM) / spacing).astype(int)
        box = tuple(
            slice(max(0, at - by), min(n, at + by + 1))
            for at, by, n in zip(middle, reach, inside.shape, strict=True)
        )
        mm = [
            (np.arange(b.start, b.stop) - at) * d * a
            for b, at, d, a in zip(box, middle, spacing, axes, strict=True)
        ]
        away = np.sqrt(sum(x**2 for x in np.ix_(*mm))) * (1 + bumps[box])
        own = (away < radius_mm) & inside[box]
        free = not (labels[box][away < radius_mm + APART_MM] > 0).any()
        if free and np.count_nonzero(own) >= LEAST_INSIDE * np.count_nonzero(away < radius_mm):
            count += 1
            labels[box][own] = count
    raise AssertionError(f"{draw.count} lesions do not fit into the liver")
