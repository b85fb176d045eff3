"""Images and masks on another grid.

Concentrations and masks go to a parallel grid by exact overlap of voxels. Inside each source voxel a
concentration is taken to run linearly along each axis, with its mean kept and a slope that never passes the
neighbours: a gradient keeps its place, coincident grids give the identity, nothing becomes negative, and the
total over the common space is conserved to rounding, on coarser and on finer grids alike. Grids that are
turned against each other, and the point quantities CT and dose, are sampled linearly at points that fill each
target voxel. What falls outside the target is reported, never scaled away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from numpy.typing import NDArray
from scipy import sparse

from emboplan.imaging.hounsfield import AIR_HU
from emboplan.imaging.itk import to_sitk
from emboplan.imaging.orient import reoriented
from emboplan.model.grid import SAME_PLACE_TOLERANCE_MM, Grid
from emboplan.model.image import ConcentrationImage, CtImage, DoseMap
from emboplan.model.mask import Box, Mask

# Axes count as parallel while they drift apart by less than this part of a voxel across the whole grid:
# the rounding of direction cosines in files, not a rotation.
PARALLEL_DRIFT_FRAC = 0.02

# Points along each edge of a target voxel when a mask is turned against it: 64 points tell an occupancy to
# about a hundredth, finer than any contour.
MASK_POINTS_PER_EDGE = 4

# At most this many points along an edge are averaged into one coarse voxel; beyond, the source is so much
# finer that more points change nothing.
MOST_POINTS_PER_EDGE = 8

# Columns treated at a time, so that temporary arrays stay small beside the image.
COLUMNS_AT_A_TIME = 1 << 16

Volume = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ResampleReport:
    """What became of the total: `outside_frac` of the source's total lies outside the target grid.

    `conserving` says that the overlap was exact, so that the rest of the total is in the result; where grids
    are turned against each other, `outside_frac` includes the error of interpolation.
    """

    total_before: float
    total_after: float
    conserving: bool

    @property
    def outside_frac(self) -> float:
        """Fraction of the source's total that is not in the result; 0 for an empty source."""
        return 1.0 - self.total_after / self.total_before if self.total_before else 0.0


def resample_concentration(image: ConcentrationImage, to: Grid) -> tuple[ConcentrationImage, ResampleReport]:
    """A concentration on another grid, zero outside its own, and what became of the total."""
    values, grid = reoriented(image.counts_per_ml, image.grid, like=to.axes)
    conserving = _is_parallel(grid, to)
    if conserving:
        result = values.astype(np.float32)
        for axis in _coarsening_first(grid, to):
            result = _remap_axis(result, axis, _overlap(grid, to, axis), slopes=True)
    else:
        result = _sample(values, grid, to, outside=0.0, interpolator=sitk.sitkLinear)
    np.maximum(result, 0, out=result)
    after = ConcentrationImage(to, result)
    return after, ResampleReport(image.total_counts, after.total_counts, conserving)


def mask_occupancy(mask: Mask, to: Grid) -> Volume:
    """The fraction of each target voxel that the mask fills, 0 to 1.

    Exact overlap for parallel axes; for turned axes a count of points in each voxel.
    """
    if mask.is_empty:
        return np.zeros(to.shape, np.float32)
    inner = mask.box()  # most of a CT lies outside a structure
    voxels, grid = reoriented(mask.voxels[inner], mask.grid.cropped(inner), like=to.axes)
    if _is_parallel(grid, to):
        result: Volume = voxels.astype(np.float32)
        for axis in _coarsening_first(grid, to):
            result = _remap_axis(result, axis, _overlap(grid, to, axis), slopes=False)
        return np.clip(result, 0, 1)
    result = np.zeros(to.shape, np.float32)
    box = _box_on(mask, to)
    if box is not None:
        result[box] = _sample(
            voxels,
            grid,
            to.cropped(box),
            outside=0.0,
            interpolator=sitk.sitkNearestNeighbor,
            fewest=MASK_POINTS_PER_EDGE,
        )
    return result


def resample_mask(mask: Mask, to: Grid, occupancy: float = 0.5) -> Mask:
    """The voxels of another grid that the mask fills to at least `occupancy`."""
    # Half a voxel is half a voxel, whatever float32 makes of sums of thirds.
    tolerance = 4 * float(np.finfo(np.float32).eps)
    return Mask(to, mask_occupancy(mask, to) >= occupancy - tolerance)


def resample_ct(ct: CtImage, to: Grid) -> CtImage:
    """CT numbers on another grid: linear, averaged over larger voxels, air outside."""
    values, grid = reoriented(ct.hu, ct.grid, like=to.axes)
    result = _sample(values, grid, to, outside=float(AIR_HU), interpolator=sitk.sitkLinear)
    if ct.hu.dtype == np.int16:
        return CtImage(to, np.rint(result, out=result).astype(np.int16))
    return CtImage(to, result)


def resample_dose(dose: DoseMap, to: Grid) -> DoseMap:
    """A dose on another grid: linear, averaged over larger voxels, zero outside.

    The standard error is interpolated as the dose is, which is an upper bound: the averaging of independent
    errors is not credited, since neighbouring voxels share histories.
    """
    values, grid = reoriented(dose.gy, dose.grid, like=to.axes)
    result = _sample(values, grid, to, outside=0.0, interpolator=sitk.sitkLinear)
    if dose.standard_error_gy is None or not dose.standard_error_gy.any():
        return DoseMap(to, result, dose.method)
    errors, _ = reoriented(dose.standard_error_gy, dose.grid, like=to.axes)
    error = _sample(errors, grid, to, outside=0.0, interpolator=sitk.sitkLinear)
    return DoseMap(to, result, dose.method, error)


def _is_parallel(grid: Grid, to: Grid) -> bool:
    reach = max(*grid.size_mm, *to.size_mm)
    drift = np.abs(to.axes.T @ grid.axes - np.eye(3)).max() * reach
    return bool(drift <= PARALLEL_DRIFT_FRAC * min(*grid.spacing_mm, *to.spacing_mm))


def _coarsening_first(grid: Grid, to: Grid) -> list[int]:
    """Array axes ordered so that intermediate arrays stay small."""
    return sorted(range(3), key=lambda axis: to.shape[axis] / grid.shape[axis])


@dataclass(frozen=True, slots=True)
class _Overlap:
    """Per target voxel (rows): the part of it that each source voxel fills, and that part's first moment.

    `moment` is the mean offset of the overlap from the source voxel's centre, in source voxels, times the
    part: what a unit slope adds.
    """

    part: Any
    moment: Any


def _overlap(grid: Grid, to: Grid, axis: int) -> _Overlap:
    """The overlap of two rows of voxels along an array axis, in units of the source voxels."""
    xyz = 2 - axis
    count, target_count = grid.shape[axis], to.shape[axis]
    step = to.spacing_mm[xyz] / grid.spacing_mm[xyz]
    start = float(grid.to_index(to.origin_mm)[xyz])
    centres = start + step * np.arange(target_count)
    # Offsets within the tolerance of Grid.is_same are rounding; coincident grids must give the identity.
    off = np.abs(centres - (np.round(start) + np.arange(target_count))).max() * grid.spacing_mm[xyz]
    if off <= SAME_PLACE_TOLERANCE_MM:
        centres, step = np.round(start) + np.arange(target_count), 1.0
    low, high = centres - step / 2, centres + step / 2
    first = np.clip(np.floor(low + 0.5).astype(np.int64), 0, count)
    last = np.clip(np.ceil(high + 0.5).astype(np.int64), 0, count)
    lengths = np.maximum(last - first, 0)
    rows = np.repeat(np.arange(target_count), lengths)
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    columns = first[rows] + within
    left = np.maximum(low[rows], columns - 0.5)
    right = np.minimum(high[rows], columns + 0.5)
    width = np.maximum(right - left, 0.0)
    shape = (target_count, count)
    part = sparse.csr_matrix((width / step, (rows, columns)), shape)
    moment = sparse.csr_matrix((width / step * ((left + right) / 2 - columns), (rows, columns)), shape)
    return _Overlap(part, moment)


def _remap_axis(values: Volume, axis: int, overlap: _Overlap, *, slopes: bool) -> Volume:
    """Values carried over along one axis, with the mean of each source voxel kept."""
    moved = np.moveaxis(values, axis, 0)
    rest = moved.shape[1:]
    columns = np.ascontiguousarray(moved).reshape(moved.shape[0], -1)
    result = np.empty((overlap.part.shape[0], columns.shape[1]), np.float32)
    for start in range(0, columns.shape[1], COLUMNS_AT_A_TIME):
        block = columns[:, start : start + COLUMNS_AT_A_TIME].astype(np.float64)
        carried = overlap.part @ block
        if slopes and block.shape[0] > 1:
            carried += overlap.moment @ _limited_slopes(block)
        result[:, start : start + COLUMNS_AT_A_TIME] = carried
    return np.ascontiguousarray(np.moveaxis(result.reshape(-1, *rest), 0, axis))


def _limited_slopes(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slope per source voxel along the first axis: central, yet never past a neighbour (van Leer's limiter).

    At the ends the one-sided difference is used, limited so that the voxel's far face does not fall below
    zero. Source: B. van Leer, J. Comput. Phys. 23 (1977) 276, the monotonized central slope.
    """
    steps = np.diff(block, axis=0)
    slopes = np.empty_like(block)
    back, ahead = steps[:-1], steps[1:]
    size = np.minimum(2 * np.minimum(np.abs(back), np.abs(ahead)), np.abs(back + ahead) / 2)
    slopes[1:-1] = np.where(back * ahead > 0, np.copysign(size, back), 0.0)
    for end, step in ((0, steps[0]), (-1, steps[-1])):
        slopes[end] = np.copysign(np.minimum(np.abs(step), 2 * np.abs(block[end])), step)
    return slopes


def _box_on(mask: Mask, to: Grid) -> Box | None:
    """The box of target voxels that the mask's bounding box may touch; None when there is none."""
    if mask.is_empty:
        return None
    box = mask.box()
    corners = np.array(
        [[x, y, z] for x in _faces(box[2]) for y in _faces(box[1]) for z in _faces(box[0])], dtype=np.float64
    )
    index = to.to_index(mask.grid.to_mm(corners))
    low = np.clip(np.floor(index.min(axis=0)).astype(int), 0, to.shape[::-1])
    high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, 0, to.shape[::-1])
    if (high <= low).any():
        return None
    return slice(low[2], high[2]), slice(low[1], high[1]), slice(low[0], high[0])


def _faces(part: slice) -> tuple[float, float]:
    return part.start - 0.5, part.stop - 0.5


def _sample(
    values: NDArray[Any], grid: Grid, to: Grid, *, outside: float, interpolator: int, fewest: int = 1
) -> Volume:
    """Mean over points that fill each target voxel evenly, as many along an edge as the source is finer."""
    cosines = np.abs(to.axes.T @ grid.axes)
    finest = np.array(
        [np.min(grid.spacing_mm, where=row > 0.5, initial=max(grid.spacing_mm)) for row in cosines]
    )
    wanted = np.ceil(np.array(to.spacing_mm) / finest - PARALLEL_DRIFT_FRAC).astype(int)
    points = np.clip(wanted, fewest, max(fewest, MOST_POINTS_PER_EDGE))
    image = to_sitk(np.ascontiguousarray(values), grid)
    sampler = sitk.ResampleImageFilter()
    sampler.SetInterpolator(interpolator)
    sampler.SetDefaultPixelValue(outside)
    sampler.SetOutputPixelType(sitk.sitkFloat32)
    sampler.SetOutputDirection(to.direction)
    result = np.empty(to.shape, np.float32)
    nx, ny = int(points[0]), int(points[1])
    nz = int(points[2])
    fine_spacing = np.array(to.spacing_mm) / points
    sampler.SetOutputSpacing(fine_spacing.tolist())
    first = (1 / points - 1) / 2
    for start, stop in _slabs(to.shape, int(points.prod())):
        corner = to.to_mm(first + np.array([0, 0, start]))
        sampler.SetOutputOrigin(corner.tolist())
        sampler.SetSize([to.shape[2] * nx, to.shape[1] * ny, (stop - start) * nz])
        fine = sitk.GetArrayFromImage(sampler.Execute(image))
        if nx * ny * nz == 1:
            result[start:stop] = fine
            continue
        split = fine.reshape(stop - start, nz, to.shape[1], ny, to.shape[2], nx)
        result[start:stop] = split.mean(axis=(1, 3, 5), dtype=np.float64)
    return result


def _slabs(shape: tuple[int, int, int], points: int) -> Iterator[tuple[int, int]]:
    """Slabs of target slices whose fine points fit in a modest array."""
    per_slice = shape[1] * shape[2] * points
    thickness = max(1, COLUMNS_AT_A_TIME * 128 // per_slice)
    for start in range(0, shape[0], thickness):
        yield start, min(shape[0], start + thickness)
