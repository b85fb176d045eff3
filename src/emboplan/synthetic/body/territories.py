"""Couinaud-like segments of the liver: cut by the planes of the hepatic veins and of the portal vein.

The planes stand in the atlas and bend with the patient, as the veins do. They go through the same trunks
that the vessels grow from, so that a vein lies on the border of its two segments.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emboplan.model.mask import LabelMap, Mask
from emboplan.synthetic.body.anatomy import HEPATIC_TRUNKS, PatientDrawing
from emboplan.synthetic.body.belly_vessels import PORTAL_PATH
from emboplan.synthetic.drawing.raster import each_slice

SEGMENT_NAMES = {n: f"segment {roman}" for n, roman in enumerate(
    ("I", "II", "III", "IVa", "IVb", "V", "VI", "VII", "VIII"), start=1)}  # fmt: skip
CAUDATE_MM = ((-8.0, 8.0, -58.0), (19.0, 20.0, 30.0))  # centre and half axes: what lies before the cava
F32 = NDArray[np.float32]


def liver_segments(liver: Mask, drawn: PatientDrawing) -> LabelMap:
    """The segment of each voxel of the liver, numbered as `SEGMENT_NAMES`."""
    grid = liver.grid
    out = np.zeros(grid.shape, np.uint16)
    (dx, dy, _), (ox, oy, _) = grid.spacing_mm, grid.origin_mm
    warp = drawn.drawing.lattice.warp

    def one(k: int) -> None:
        rows, columns = np.nonzero(liver.voxels[k])
        if not rows.size:
            return
        height = np.full(rows.size, drawn.sampling.middle_mm(k))
        points = warp.to_atlas(
            np.stack([ox + dx * columns, oy + dy * rows, height], axis=1).astype(np.float32)
        )
        out[k, rows, columns] = segment_of(points)

    each_slice(one, grid.shape[0])
    return LabelMap(grid, out)


def segment_of(atlas_mm: NDArray[np.floating]) -> NDArray[np.uint16]:
    """The segment at each atlas position ``(n, 3)``."""
    right, middle, left = (_beyond_vein(atlas_mm, trunk) for trunk in HEPATIC_TRUNKS)
    upper = atlas_mm[:, 2] > PORTAL_PATH[-1][2]
    upper_left = atlas_mm[:, 2] > HEPATIC_TRUNKS[2][-1][2]
    centre, semi = (np.array(v) for v in CAUDATE_MM)
    caudate = (((atlas_mm - centre) / semi) ** 2).sum(axis=1) < 1
    return np.select(
        [caudate, left & upper_left, left, middle & upper, middle, right & upper, right],
        [1, 2, 3, 4, 5, 9, 6],
        np.where(upper, 8, 7),
    ).astype(np.uint16)


def _beyond_vein(atlas_mm: NDArray[np.floating], trunk: tuple[tuple[float, ...], ...]) -> NDArray[np.bool_]:
    """Whether a point lies to the left of the upright plane through a vein's mouth and its end."""
    (x0, y0, _), (x1, y1, _) = trunk[0], trunk[-1]
    side: NDArray[np.bool_] = (atlas_mm[:, 0] - x0) * (y0 - y1) - (atlas_mm[:, 1] - y0) * (x0 - x1) > 0
    return side
