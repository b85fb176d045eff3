"""The doses of a structure, and the volume that each stands for, finer than the voxels of the dose.

A structure comes in one of three forms. A mask on the dose's own grid *is* those voxels: each counts with its
own dose. A mask on another grid, usually the finer one of the CT, is sampled at many points in each of its
voxels, so that its volume is exact; the dose at a point is interpolated between the centres of the dose's
voxels. Shares (0 to 1) of the dose's voxels are first turned into a shape that fills them exactly
(`share_shape`), which is then sampled as a mask is.

A share does not say where in a voxel the structure is. A ball at least as wide as a voxel is found again to
0.05 mm; a smaller one may hide in a single voxel, anywhere, and what is no ball is known less well: give its
mask. `Placing` fills the same shares with the lowest or the highest doses instead, so that the room that is
left can be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan.dosimetry.histograms.dose_volumes import DoseVolumes
from emboplan.dosimetry.histograms.share_shape import by_dose, filled_parts
from emboplan.dosimetry.uptake.regions import ROUNDING, equivalent_diameter_mm
from emboplan.errors import GeometryError, MaskError
from emboplan.kernels import histogram
from emboplan.model.grid import Grid
from emboplan.model.mask import Box, Mask

# Points per structure at least: the share of the volume above a dose is then right to about 0.2 %.
FEWEST_POINTS = 1 << 15

# More parts along the edge of a voxel tell nothing more of a shape, and cost time.
MOST_PARTS_OF_MASK, MOST_PARTS_OF_SHARE = 48, 16

# Partly filled voxels have at least this many parts along an edge, so that a surface has a place in them.
FEWEST_PARTS_OF_SHARE = 3

# A structure whose ball is this many dose voxels wide has its edge, not its peaks, between voxels: the dose
# is then straight between them, as planning systems have it, so that histograms can be compared.
WIDE_IN_VOXELS = 10.0

# Indices of voxels are made for this many at a time, so that they stay small beside a large mask.
VOXELS_AT_A_TIME = 1 << 21

# A share this near to 1 is a whole voxel (float32 shares carry seven digits).
WHOLE = 1 - 1e-6

Volume = NDArray[np.float32]
Voxels = NDArray[np.int32]


class Sampling(StrEnum):
    """Where in its voxels a structure takes its dose from."""

    AUTO = "auto"  # whole voxels for those of the dose's own grid, else linear if wide and parts if small
    VOXELS = "voxels"  # every voxel has its own dose everywhere; what the energy balance of a map uses
    PARTS = "parts"  # the dose is interpolated at many points in each voxel
    LINEAR = "linear"  # as parts, the dose straight between its voxels, as treatment planning systems have it


class Placing(StrEnum):
    """Which parts of partly filled voxels are filled."""

    COMPACT = "compact"  # those that make the most compact shape
    LOWEST = "lowest"  # those with the lowest doses of their voxel
    HIGHEST = "highest"  # those with the highest


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """A structure as voxels of its grid and their shares, cut to its box.

    `grid` is that of the box, `share` has the box's shape; `whole` says that all shares are 0 or 1.
    """

    name: str
    grid: Grid
    share: Volume
    whole: bool

    @property
    def volume_ml(self) -> float:
        """Volume, shares counted."""
        return float(self.share.sum(dtype=np.float64)) * self.grid.voxel_ml


def checked_structure(structure: Mask | ArrayLike, grid: Grid, name: str) -> Structure:
    """The structure, cut to its box; `MaskError` when empty, `GeometryError` in another frame of reference.

    Shares are of the voxels of `grid`, the dose's; a mask brings its own grid.
    """
    if isinstance(structure, Mask):
        require_same_frame(grid, structure.grid, f"dose and {name}")
        if structure.is_empty:
            raise MaskError(f"{name} is empty, so it has no histogram; check the structure")
        box = structure.box()
        return Structure(
            name, structure.grid.cropped(box), structure.voxels[box].astype(np.float32), whole=True
        )
    array = np.ascontiguousarray(structure, dtype=np.float32)
    if array.shape != grid.shape:
        raise GeometryError(f"{name} has shape {array.shape}; the dose has {grid.shape} (z, y, x)")
    ends = np.empty((3, 2), np.int64)
    if not histogram.survey(array, ROUNDING, ends):
        raise MaskError(f"{name} holds values outside 0 to 1; expected the share of each voxel")
    if (ends[:, 1] < 0).any():
        raise MaskError(f"{name} is empty, so it has no histogram; check the structure")
    (z0, z1), (y0, y1), (x0, x1) = ends.tolist()
    box = (slice(z0, z1 + 1), slice(y0, y1 + 1), slice(x0, x1 + 1))
    cut = np.clip(array[box], 0, 1)
    return Structure(name, grid.cropped(box), cut, whole=bool((cut[cut > 0] >= WHOLE).all()))


def require_same_frame(first: Grid, second: Grid, what: str) -> None:
    """Raise `GeometryError` where both grids name their frame of reference and the names differ."""
    one, other = first.frame_of_reference_uid, second.frame_of_reference_uid
    if one is not None and other is not None and one != other:
        raise GeometryError(
            f"{what} are in different frames of reference, so that equal positions are different places; "
            "register one to the other first"
        )


def sample_doses(
    gy: Volume,
    grid: Grid,
    structure: Structure,
    sampling: Sampling | str = Sampling.AUTO,
    placing: Placing = Placing.COMPACT,
) -> DoseVolumes:
    """The doses of a structure in ascending order, with the volume of each.

    `MaskError` where all of the structure lies outside the dose's grid; where a part does, the rest is
    sampled and `outside_ml` says how much is missing.
    """
    how = Sampling(sampling)
    own = _own_place(grid, structure.grid)
    if how is Sampling.AUTO:
        side_mm = float(np.prod(grid.spacing_mm)) ** (1 / 3)
        wide = equivalent_diameter_mm(structure.volume_ml) >= WIDE_IN_VOXELS * side_mm
        between = Sampling.LINEAR if wide else Sampling.PARTS
        how = Sampling.VOXELS if own is not None and structure.whole else between
    if how is Sampling.VOXELS:
        if own is None:
            grid.require_same(structure.grid, f"dose and {structure.name}")
        inside = structure.share > 0
        return DoseVolumes.of(
            gy[own][inside], structure.share[inside].astype(np.float64) * structure.grid.voxel_ml
        )
    volumes = _sampled(gy, grid, structure, placing, bent=how is not Sampling.LINEAR)
    if volumes is None:
        raise MaskError(
            f"{structure.name} lies outside the dose's grid ({grid.describe()}); "
            "check that dose and structure belong together"
        )
    return volumes


def _own_place(grid: Grid, box: Grid) -> Box | None:
    """Where `box` lies in `grid`, when its voxels are voxels of `grid`."""
    start = np.rint(grid.to_index(box.origin_mm)).astype(int)[::-1]
    stop = start + box.shape
    if (start < 0).any() or (stop > grid.shape).any():
        return None
    place = (slice(start[0], stop[0]), slice(start[1], stop[1]), slice(start[2], stop[2]))
    return place if grid.cropped(place).is_same(box) else None


def _sampled(
    gy: Volume, grid: Grid, structure: Structure, placing: Placing, *, bent: bool
) -> DoseVolumes | None:
    """Doses at points all over the structure; None where no point lies in the dose's grid."""
    matrix = _reversed(grid.axes.T @ structure.grid.axes) * np.array(structure.grid.spacing_zyx_mm)
    matrix /= np.array(grid.spacing_zyx_mm)[:, np.newaxis]
    offset = grid.to_index(structure.grid.origin_mm)[::-1].copy()
    dose_box = _touched(matrix, offset, structure.share.shape, gy.shape)
    if dose_box is None:
        return None
    part = np.ascontiguousarray(gy[dose_box])
    bend = np.zeros((3, *part.shape), np.float32)
    if bent:
        histogram.bends(part, bend)
    clipped = np.array([s.start for s in dose_box])
    doses, volumes, outside = [], [], 0.0
    most = structure.volume_ml * WHOLE
    for voxels, parts, share in _voxels(structure, grid):
        points = np.empty((len(voxels), parts[0] * parts[1] * parts[2]), np.float32)
        filled = None
        if share is not None and placing is Placing.COMPACT:
            filled = filled_parts(structure.share, voxels, parts[0], np.array(structure.grid.spacing_zyx_mm))
        every = np.empty((0, 0), np.float32) if filled is None else filled
        missed = histogram.sample(part, bend, voxels, matrix, offset - clipped, parts, every, points)
        if share is not None and placing is not Placing.COMPACT:
            filled = by_dose(points, share, highest=placing is Placing.HIGHEST)
        point_ml = structure.grid.voxel_ml / points.shape[1]
        ml = np.array([point_ml]) if filled is None else filled.ravel().astype(np.float64) * point_ml
        if missed:
            outside += float((np.isnan(points.ravel()) * ml).sum())
        doses.append(points.ravel())
        volumes.append(ml)
    if outside >= most:
        return None
    if all(ml.size == 1 and ml == volumes[0] for ml in volumes):
        return DoseVolumes.of(np.concatenate(doses), volumes[0], outside_ml=outside)
    each = [np.broadcast_to(ml, gy.shape) for gy, ml in zip(doses, volumes, strict=True)]
    return DoseVolumes.of(np.concatenate(doses), np.concatenate(each), outside_ml=outside)


def _reversed(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """A matrix for ``(x, y, z)`` as one for ``(z, y, x)``."""
    return np.ascontiguousarray(matrix[::-1, ::-1])


def _touched(
    matrix: NDArray[np.float64], offset: NDArray[np.float64], shape: tuple[int, ...], within: tuple[int, ...]
) -> Box | None:
    """The box of dose voxels that points of the structure need, bends included."""
    faces = [(-0.5, n - 0.5) for n in shape]
    corners = np.array([[z, y, x] for z in faces[0] for y in faces[1] for x in faces[2]])
    index = corners @ matrix.T + offset
    margin = 2  # one voxel for the gap, one more for its bend
    low = np.maximum(np.floor(index.min(axis=0)).astype(int) - margin, 0)
    high = np.minimum(np.ceil(index.max(axis=0)).astype(int) + margin + 1, within)
    if (high <= low).any():
        return None
    return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])


Parts = tuple[int, int, int]


def _voxels(
    structure: Structure, dose_grid: Grid
) -> Iterator[tuple[Voxels, Parts, NDArray[np.float64] | None]]:
    """Voxels, parts along each edge, and the share of each voxel that is filled (None: all of it)."""
    share = structure.share
    if structure.whole:
        parts = _mask_parts(structure, dose_grid)
        thickness = max(1, VOXELS_AT_A_TIME // (share.shape[1] * share.shape[2]))
        for start in range(0, share.shape[0], thickness):
            slab = np.argwhere(share[start : start + thickness] >= WHOLE).astype(np.int32)
            slab[:, 0] += start
            if len(slab):
                yield slab, parts, None
        return
    edge = int(np.ceil((FEWEST_POINTS / float(share.sum(dtype=np.float64))) ** (1 / 3)))
    edge = min(max(edge, 1), MOST_PARTS_OF_SHARE)
    fine = max(edge, FEWEST_PARTS_OF_SHARE)
    yield np.argwhere(share >= WHOLE).astype(np.int32), (edge, edge, edge), None
    partial = np.argwhere((share > 0) & (share < WHOLE)).astype(np.int32)
    yield partial, (fine, fine, fine), share[tuple(partial.T)].astype(np.float64)


def _mask_parts(structure: Structure, dose_grid: Grid) -> Parts:
    """Parts along each edge of a mask's voxels: no longer than a dose voxel, and enough of them in all."""
    edge_mm = (structure.volume_ml / structure.grid.voxel_ml / FEWEST_POINTS) ** (1 / 3)
    edge_mm *= float(np.prod(structure.grid.spacing_mm)) ** (1 / 3)
    edge_mm = min(edge_mm, *dose_grid.spacing_mm)
    nz, ny, nx = (
        min(max(1, int(np.ceil(d / edge_mm - 1e-6))), MOST_PARTS_OF_MASK)
        for d in structure.grid.spacing_zyx_mm
    )
    return nz, ny, nx
