"""Landmarks: the spine in each slice, and how high the liver's dome reaches into the right chest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.segmentation.shape import depth_mm
from emboplan.segmentation.working import Bools, Floats, WorkingImage

Row = NDArray[np.float64]

# Vertebrae are dense, though the spongy bone of the elderly is little denser than blood, and slices of 5 mm
# blur its shell. They lie within this distance of the body's middle column.
BONE_HU = 200.0
SPINE_MM = 40.0
LEAST_BONE_MM2 = 60.0

# The front of the vertebral body is sought within this of the spine's middle; few voxels may lie before it
# (calcified vessels).
BODY_MM = 14.0
FRONT_PERCENT = 5.0

# The spine is smooth along the body.
SPINE_SMOOTH_MM = 30.0

# The dome stands this far to the right of the spine, beyond heart and vena cava, thicker than vessels of the
# lung, with a section of at least this.
DOME_MM = 50.0
THICK_MM = 6.0
DOME_MM2 = 300.0
SOFT_HU = (0.0, 350.0)

# A lung's section is full from this share of its largest on, and stays so for this long in a chest.
FULL_FRAC = 0.8
FULL_MM = 40.0


@dataclass(frozen=True, slots=True, eq=False)
class Spine:
    """For each slice of the working grid the spine's column and the row of its front."""

    column: Row
    front: Row


def find_spine(work: WorkingImage, body: Bools) -> Spine | None:
    """The spine; None where no slice shows bone in the middle."""
    _, dy, dx = work.spacing_zyx_mm
    columns = np.flatnonzero(body.any(axis=(0, 1)))
    rows = np.flatnonzero(body.any(axis=(0, 2)))
    if columns.size == 0:
        return None
    middle = float(np.median(columns))
    behind = int(rows.mean())
    bone = (work.hu > BONE_HU) & body
    bone[:, :behind] = False
    near = np.abs(np.arange(body.shape[2]) - middle) * dx <= SPINE_MM
    bone[:, :, ~near] = False
    across, along = [], []
    for plane in bone:
        if plane.sum() * dy * dx < LEAST_BONE_MM2:
            across.append(np.nan)
            along.append(np.nan)
            continue
        y, x = np.nonzero(plane)
        column = float(np.median(x))
        across.append(column)
        body_rows = y[np.abs(x - column) * dx <= BODY_MM]
        along.append(float(np.percentile(body_rows, FRONT_PERCENT)) if body_rows.size else np.nan)
    if np.isnan(across).all() or np.isnan(along).all():
        return None
    size = max(1, round(SPINE_SMOOTH_MM / work.spacing_zyx_mm[0])) // 2 * 2 + 1
    return Spine(_smooth(np.array(across), size), _smooth(np.array(along), size))


def _smooth(values: Row, size: int) -> Row:
    known = np.flatnonzero(~np.isnan(values))
    filled = np.interp(np.arange(values.size), known, values[known])
    return np.asarray(ndimage.median_filter(filled, size, mode="nearest"), np.float64)


def dome_level(work: WorkingImage, tissue: Floats, inside: Bools, lungs: Bools, spine: Spine) -> int | None:
    """The highest slice with thick soft tissue far on the right; None where no lung shows above it."""
    soft = inside & ~lungs & (tissue > SOFT_HU[0]) & (tissue < SOFT_HU[1])
    thick = depth_mm(soft, work.spacing_zyx_mm) > THICK_MM
    _, dy, dx = work.spacing_zyx_mm
    far = np.arange(inside.shape[2])[None] < (spine.column - DOME_MM / dx)[:, None]
    area = (thick & far[:, None]).sum(axis=(1, 2)) * dy * dx
    lung = np.flatnonzero((lungs & far[:, None]).any(axis=(1, 2)))
    if lung.size == 0:
        return None
    free = np.flatnonzero(area[lung[0] :] < DOME_MM2)
    if free.size == 0:
        return None
    return int(lung[0] + free[0]) - 1


def chest_level(work: WorkingImage, lungs: Bools, spine: Spine) -> int | None:
    """The lowest slice in which the right lung has its full section; None where it never has for long.

    Above it lies no liver. Where the view ends at the dome, the section grows up to the last slice.
    """
    right = np.arange(lungs.shape[2])[None] < spine.column[:, None]
    area = (lungs & right[:, None]).sum(axis=(1, 2))
    full = np.flatnonzero(area >= FULL_FRAC * area.max())
    if area.max() == 0 or full[-1] - full[0] < FULL_MM / work.spacing_zyx_mm[0]:
        return None
    return int(full[0])
