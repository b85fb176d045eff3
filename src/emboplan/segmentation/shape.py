"""Shapes: distances, largest pieces, holes, and the cutting of narrow necks.

Arrays in and arrays out, spacing in millimetres and in array order (z, y, x). Nothing depends on how
many threads there are.
"""

from __future__ import annotations

import numpy as np
import SimpleITK
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.kernels.distance_map import along_columns, along_layers, along_rows
from emboplan.kernels.flooding import flood_from
from emboplan.model.mask import Box, bounding_box
from emboplan.segmentation.working import Bools, Floats, in_halves

Spacing = tuple[float, float, float]

# A distance larger than any body, for masks without a single voxel.
FAR_MM = 1.0e4

# Rounding that depends on where in an array a shape lies must not decide which of two equal depths is the
# higher: distances come in steps of this.
STEP_MM = 0.001

# Where the Gaussian that smooths depths ends.
REACH_SIGMAS = 4.0


def depth_mm(mask: Bools, spacing: Spacing) -> Floats:
    """Distance of each voxel of `mask` to the nearest outside it (0 outside); the image edge is no border."""
    box = bounding_box(mask, margin=1)  # nothing farther out is nearest to any voxel inside
    out = np.zeros(mask.shape, np.float32)
    if box is not None:
        out[box] = distance_mm(~mask[box], spacing)
    return out


def distance_mm(mask: Bools, spacing: Spacing) -> Floats:
    """Distance of each voxel to the nearest voxel of `mask` (0 inside), in steps of a micrometre."""
    if not mask.any():
        return np.full(mask.shape, FAR_MM, np.float32)
    mask = np.ascontiguousarray(mask)
    planes, rows = mask.shape[0], mask.shape[1]
    squared = np.empty(mask.shape, np.float64)
    distance = np.empty(mask.shape, np.float32)
    in_halves(lambda *part: along_rows(mask, spacing[2], squared, *part), planes, mask.size)
    in_halves(lambda *part: along_columns(squared, spacing[1], *part), planes, mask.size)
    in_halves(lambda *part: along_layers(squared, spacing[0], STEP_MM, distance, *part), rows, mask.size)
    return distance


def depth_in_balls_mm2(radius_mm: Floats, spacing: Spacing) -> NDArray[np.float64]:
    """How deep each voxel lies in balls of `radius_mm` around the voxels where that is not 0.

    It is the power of a point (square millimetres), with the sign turned: squared radius less squared
    distance of the ball for which that is largest; negative outside all of them.
    """
    radius = radius_mm.astype(np.float64)
    heights = np.where(radius > 0, -(radius**2), np.inf)
    for axis in (2, 1, 0):
        turned = np.ascontiguousarray(np.moveaxis(heights, axis, 1))
        along_columns(turned, spacing[axis], 0, turned.shape[0])
        heights = np.moveaxis(turned, 1, axis)
    return -heights


def largest(mask: Bools, weight: Floats | None = None) -> Bools:
    """The largest connected piece, by the sum of `weight` where given."""
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask.copy()
    sizes = np.bincount(labels.ravel(), None if weight is None else weight.ravel())
    sizes[0] = 0
    return np.asarray(labels == int(sizes.argmax()))


def boxes(labels: NDArray[np.integer], margin_mm: float, spacing: Spacing) -> list[tuple[int, Box]]:
    """Each label in use with its bounding box, widened by a margin within the array."""
    margin = [int(np.ceil(margin_mm / d)) for d in spacing]
    found = []
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        if not place:  # a label that does not occur
            continue
        bounds = [
            slice(max(0, s.start - m), min(n, s.stop + m))
            for s, m, n in zip(place, margin, labels.shape, strict=True)
        ]
        found.append((number, (bounds[0], bounds[1], bounds[2])))
    return found


def without_small(mask: Bools, least_voxels: float) -> Bools:
    """The pieces of at least `least_voxels` voxels."""
    labels, _ = ndimage.label(mask)
    keep = np.bincount(labels.ravel()) >= least_voxels
    keep[0] = False
    return np.asarray(keep[labels])


def fill_slices(mask: Bools, spacing: Spacing, largest_mm2: float) -> Bools:
    """`mask` with the holes of each axial slice filled where they are no larger than `largest_mm2`."""
    out = mask.copy()
    pixel_mm2 = spacing[1] * spacing[2]
    for z in range(mask.shape[0]):
        if not mask[z].any():
            continue
        holes = ndimage.binary_fill_holes(mask[z]) & ~mask[z]
        if holes.any():
            labels, _ = ndimage.label(holes)
            keep = np.bincount(labels.ravel()) * pixel_mm2 <= largest_mm2
            keep[0] = False
            out[z] |= keep[labels]
    return out


def flood(level: Floats, markers: NDArray[np.int32]) -> NDArray[np.int32]:
    """Marker watershed of `level` without lines: each voxel gets the label that floods it first."""
    # Adding zero makes -0 what 0 is: the flood compares bits.
    water = np.pad(np.asarray(level, np.float32) + np.float32(0), 1)
    labels = np.pad(np.asarray(markers, np.int32), 1, constant_values=-1)
    flood_from(water.view(np.uint32), labels)
    return np.ascontiguousarray(labels[1:-1, 1:-1, 1:-1])


def pieces_at_necks(mask: Bools, spacing: Spacing, radius_mm: float) -> tuple[NDArray[np.int32], int]:
    """`mask` parted at necks thinner than twice `radius_mm`: labels, and the largest piece's (0: none)."""
    pieces = np.zeros(mask.shape, np.int32)
    box = bounding_box(mask, margin=1)
    if box is None:
        return pieces, 0
    part = mask[box]
    depth = depth_mm(part, spacing)
    labels, count = ndimage.label(depth > radius_mm)
    if count == 0:
        return pieces, 0
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    pieces[box] = _basins_of_depth(part, depth, labels, count)
    return pieces, int(sizes.argmax())


def cut_necks(mask: Bools, spacing: Spacing, radius_mm: float, reach: float) -> Bools:
    """The main body of `mask`: what hangs on it by a neck thinner than twice `radius_mm` goes.

    Pieces are the basins of the depth map, one for each connected part deeper than `radius_mm`; the largest
    is kept, with the thin rim around it out to `reach` radii.
    """
    depth = depth_mm(mask, spacing)
    labels, count = ndimage.label(depth > radius_mm)
    if count == 0:
        return largest(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    main = int(sizes.argmax())
    near = distance_mm(labels == main, spacing) < reach * radius_mm
    if count == 1:
        return largest(mask & near)
    return largest(mask & (_basins_of_depth(mask, depth, labels, count) == main) & near)


def _basins_of_depth(mask: Bools, depth: Floats, tops: NDArray[np.integer], count: int) -> NDArray[np.int32]:
    """Each voxel of `mask` with the number of the top, 1 to `count`, whose slope it lies on; 0 elsewhere."""
    outside = count + 1
    basins = flood(np.where(mask, -depth, np.float32(1)), np.where(mask, tops, outside).astype(np.int32))
    return np.where(mask & (basins != outside), basins, 0).astype(np.int32)


def parted_at_waists(
    mask: Bools, spacing: Spacing, share: float, smooth_mm: float = 0.0
) -> NDArray[np.int32]:
    """Balls that have grown together, parted: basins of the depth map, merged where the waist is wide.

    A waist parts two pieces where it is thinner than `share` of the smaller one's depth. The depth map is
    smoothed by `smooth_mm` (standard deviation): a surface that noise made rough has many small tops, and
    shallow waists can then count. Every voxel of `mask` gets the number of its piece.
    """
    out = np.zeros(mask.shape, np.int32)
    # An array's edge mirrors what is smoothed: it must lie out of the Gaussian's reach.
    box = bounding_box(mask, margin=1 + int(np.ceil(REACH_SIGMAS * smooth_mm / min(spacing))))
    if box is not None:
        out[box] = _parted_at_waists(mask[box], spacing, share, smooth_mm)
    return out


def _parted_at_waists(mask: Bools, spacing: Spacing, share: float, smooth_mm: float) -> NDArray[np.int32]:
    depth = depth_mm(mask, spacing)
    if smooth_mm:
        depth = np.where(
            mask,
            ndimage.gaussian_filter(depth, [smooth_mm / d for d in spacing], truncate=REACH_SIGMAS),
            np.float32(0),
        )
    # Reconstruction of the shrunken depth under the depth leaves plateaus only where waists are narrow.
    marker = SimpleITK.GetImageFromArray(depth * np.float32(share))
    under = SimpleITK.ReconstructionByDilation(marker, SimpleITK.GetImageFromArray(depth))
    rebuilt = SimpleITK.GetArrayFromImage(under)
    tops, count = ndimage.label(mask & (depth > rebuilt + 1e-4))
    pieces, _ = ndimage.label(mask)
    markers = tops.astype(np.int32)
    lost = ~np.isin(pieces, np.unique(pieces[tops > 0])) & mask
    if lost.any():
        extra, _ = ndimage.label(lost)
        markers = np.where(extra > 0, extra + count, markers).astype(np.int32)
    return _basins_of_depth(mask, depth, markers, int(markers.max()))


def opened(mask: Bools, spacing: Spacing, radius_mm: float) -> Bools:
    """`mask` without what is thinner than twice the radius."""
    out = np.zeros(mask.shape, np.bool_)
    box = bounding_box(mask, margin=1)
    if box is not None:
        part = mask[box]
        out[box] = (distance_mm(depth_mm(part, spacing) > radius_mm, spacing) <= radius_mm) & part
    return out


def balls_of_depth(mask: Bools, spacing: Spacing) -> tuple[float, float]:
    """How many balls of its own depth a piece holds (1 for a ball, more for sheets), and that depth."""
    thickest = float(depth_mm(np.pad(mask, 1), spacing).max())
    volume = float(np.count_nonzero(mask)) * float(np.prod(spacing))
    return volume / (4 / 3 * np.pi * max(thickest, min(spacing) / 2) ** 3), thickest


def may_be_deep(mask: Bools, spacing: Spacing, depth: float) -> bool:
    """Whether a piece has the volume of a cube in a ball of that depth (mm), which any deeper piece holds."""
    side_mm = 2 * depth / np.sqrt(3) - max(spacing)
    return bool(np.count_nonzero(mask) * np.prod(spacing) >= side_mm**3)
