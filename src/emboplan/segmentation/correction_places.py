"""Where a correction is: its voxels, its reach, and the words for it.

Positions outside the image are refused all at once, with what the image spans.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emboplan.errors import InputError
from emboplan.imaging.fingerprint import voxels_sha256
from emboplan.model.correction import Box, Correction, Part, Point, Shape
from emboplan.model.grid import Grid, Vector
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.lesion_points import LESION_REACH_MM
from emboplan.segmentation.liver_points import LIVER_REACH_MM
from emboplan.segmentation.working import Bools


def require_inside(grid: Grid, corrections: Sequence[Correction], image_name: str) -> None:
    """Every point in the image, every box with a voxel in it; `InputError` with all that are not."""
    points = [
        c for c in corrections if isinstance(c.shape, Point) and not grid.contains_mm(c.shape.centre_mm)
    ]
    boxes = [c for c in corrections if isinstance(c.shape, Box) and not voxels_in(grid, c.shape).any()]
    if not points and not boxes:
        return
    told = [f"{_texts(points)}: outside the {image_name}"] if points else []
    told += [f"{_texts(boxes)}: no voxel of the {image_name} lies in the box"] if boxes else []
    nz, ny, nx = grid.shape
    ends = grid.to_mm([[x, y, z] for x in (0, nx - 1) for y in (0, ny - 1) for z in (0, nz - 1)])
    spans = ", ".join(
        f"{axis} from {low:.0f} to {high:.0f}"
        for axis, low, high in zip("xyz", ends.min(axis=0), ends.max(axis=0), strict=True)
    )
    mirrored = any(
        isinstance(c.shape, Point) and grid.contains_mm(_from_ras(c.shape.centre_mm)) for c in points
    )
    hint = "; positions are LPS: change the sign of x and y of RAS positions" if mirrored else ""
    raise InputError(f"{'; '.join(told)}; the {image_name} has {spans} mm{hint}")


def _texts(corrections: Sequence[Correction]) -> str:
    return ", ".join(c.text for c in corrections)


def _from_ras(point: Vector) -> Vector:
    return (-point[0], -point[1], point[2])


def voxels_in(grid: Grid, box: Box) -> Bools:
    """The voxels whose centres lie in a box along the patient's axes."""
    inside = np.zeros(grid.shape, np.bool_)
    corners = [[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    ends = np.array([box.low_mm, box.high_mm])
    index = grid.to_index([[ends[c[axis], axis] for axis in range(3)] for c in corners])[:, ::-1]
    first = np.maximum(np.floor(index.min(axis=0)), 0).astype(np.intp)
    last = np.minimum(np.ceil(index.max(axis=0)) + 1, grid.shape).astype(np.intp)
    if (last <= first).any():
        return inside
    part = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    z, y, x = np.meshgrid(*(np.arange(s.start, s.stop) for s in part), indexing="ij")
    places = grid.to_mm(np.stack([x, y, z], axis=-1))
    inside[part] = ((places >= ends[0]) & (places <= ends[1])).all(axis=-1)
    return inside


def reach_mm(part: Part, point: Point) -> float:
    """How far from a point anything may change."""
    if point.radius_mm is not None:
        return point.radius_mm
    return LIVER_REACH_MM if part is Part.LIVER else LESION_REACH_MM


def place_of(correction: Correction) -> str:
    """Where a correction is, in words."""
    shape = correction.shape
    if isinstance(shape, Point):
        return "({:.1f}, {:.1f}, {:.1f}) mm".format(*shape.centre_mm)
    if isinstance(shape, Box):
        low, high = (", ".join(f"{v:.1f}" for v in corner) for corner in (shape.low_mm, shape.high_mm))
        return f"the box ({low}) to ({high}) mm"
    return f"the mask {correction.text}"


def digest_of(shape: Shape) -> str | None:
    """The digest of a mask's voxels; None for points and boxes, whose text says all."""
    if isinstance(shape, Mask):
        return voxels_sha256(shape.voxels, shape.grid)
    return voxels_sha256(shape.labels, shape.grid) if isinstance(shape, LabelMap) else None
