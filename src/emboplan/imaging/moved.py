"""Images and masks of the moving image on a grid of the fixed one, through a transform.

Values are read where the tissue lies in the moving image, linearly, and averaged over target voxels that are
larger than the source's. A concentration or a dose is carried as it is: where tissue is stretched its total
grows. A mask is carried by its shape: the distance from its surface is read between voxels, so that thick
slices leave no steps; or by the nearest voxel. Numbered structures are always carried by the nearest voxel.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from numpy.typing import NDArray

from emboplan.imaging.distance import distance_mm
from emboplan.imaging.hounsfield import AIR_HU
from emboplan.imaging.itk import to_sitk
from emboplan.imaging.transform import Transform
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, ConcentrationImage, CtImage, DoseMap
from emboplan.model.mask import LabelMap, Mask

Movable = TypeVar("Movable", CtImage, ConcentrationImage, ActivityMap, DoseMap, Mask, LabelMap)

# More points than this along an edge of a target voxel change an average no more.
MOST_POINTS_PER_EDGE = 4


def resampled(image: Movable, transform: Transform, to: Grid, *, nearest: bool = False) -> Movable:
    """A moving image or mask as it lies on a grid of the fixed image; air or nothing outside its view.

    `nearest` carries a mask by the nearest voxel and not by its shape. A dose's standard error is carried as
    the dose is. Counts per voxel are no amount of a place: take `CountImage.concentration()` first.
    """
    if isinstance(image, Mask):
        return _moved_mask(image, transform, to, nearest=nearest)
    if isinstance(image, LabelMap):
        labels = _read(image.labels, image.grid, transform, to, sitk.sitkNearestNeighbor, 0.0)
        return LabelMap(to, labels.astype(np.uint16))
    if isinstance(image, CtImage):
        return _moved_ct(image, transform, to)
    if isinstance(image, ConcentrationImage):
        return ConcentrationImage(to, _amount(image.counts_per_ml, image.grid, transform, to))
    if isinstance(image, ActivityMap):
        return ActivityMap(to, _amount(image.mbq_per_ml, image.grid, transform, to))
    error = None if image.standard_error_gy is None else image.standard_error_gy
    return DoseMap(
        to,
        _amount(image.gy, image.grid, transform, to),
        image.method,
        None if error is None else _amount(error, image.grid, transform, to),
    )


def signal_resampled(
    signal: NDArray[Any], grid: Grid, transform: Transform, to: Grid, outside: float = 0.0
) -> NDArray[np.float32]:
    """The plain values of a moving image, such as an MR signal, on a grid of the fixed image."""
    return _averaged(signal, grid, transform, to, outside)


def _moved_ct(ct: CtImage, transform: Transform, to: Grid) -> CtImage:
    values = _averaged(ct.hu, ct.grid, transform, to, float(AIR_HU))
    return CtImage(to, np.rint(values).astype(np.int16) if ct.hu.dtype == np.int16 else values)


def _amount(values: NDArray[Any], grid: Grid, transform: Transform, to: Grid) -> NDArray[np.float32]:
    return np.maximum(_averaged(values, grid, transform, to, 0.0), 0)


def _moved_mask(mask: Mask, transform: Transform, to: Grid, *, nearest: bool) -> Mask:
    if mask.is_empty:
        return Mask.empty(to)
    if nearest:
        return Mask(to, _read(mask.voxels, mask.grid, transform, to, sitk.sitkNearestNeighbor, 0.0) > 0)
    near = mask.box()
    # One more voxel all round is outside, so that a mask at the edge of its grid has a surface there.
    inside = np.pad(mask.voxels[near], 1)
    part = mask.grid.cropped(near)
    grid = Grid(inside.shape, part.spacing_mm, tuple(part.to_mm((-1, -1, -1))), part.direction)
    depth = distance_mm(~inside, grid) - distance_mm(inside, grid)  # 0 half way between in and out
    return Mask(to, _read(depth, grid, transform, to, sitk.sitkLinear, -1.0) >= 0)


def _averaged(
    values: NDArray[Any], grid: Grid, transform: Transform, to: Grid, outside: float
) -> NDArray[np.float32]:
    # The source's spacing along each axis of the target: that of its axis which lies closest.
    along = np.array(grid.spacing_mm)[np.abs(to.axes.T @ grid.axes).argmax(axis=1)]
    ratio = np.rint(np.array(to.spacing_mm) / along)
    px, py, pz = (int(n) for n in np.clip(ratio, 1, MOST_POINTS_PER_EDGE))
    image = to_sitk(np.ascontiguousarray(values), grid)
    result = np.empty(to.shape, np.float32)
    nz, ny, nx = to.shape
    offset = (1 / np.array([px, py, pz]) - 1) / 2
    spacing = np.array(to.spacing_mm) / np.array([px, py, pz])
    for k in range(nz):  # slice by slice: the fine points of a whole volume would fill the memory
        origin = to.to_mm(offset + np.array([0, 0, k]))
        fine = Grid((pz, ny * py, nx * px), tuple(spacing), tuple(origin), to.direction)
        read = sitk.GetArrayFromImage(_sampler(transform, fine, sitk.sitkLinear, outside).Execute(image))
        result[k] = read.reshape(pz, ny, py, nx, px).mean(axis=(0, 2, 4), dtype=np.float64)
    return result


def _read(
    values: NDArray[Any], grid: Grid, transform: Transform, to: Grid, interpolator: int, outside: float
) -> NDArray[np.float32]:
    image = to_sitk(np.ascontiguousarray(values), grid)
    array: NDArray[np.float32] = sitk.GetArrayFromImage(
        _sampler(transform, to, interpolator, outside).Execute(image)
    )
    return array


def _sampler(transform: Transform, to: Grid, interpolator: int, outside: float) -> Any:
    sampler = sitk.ResampleImageFilter()
    sampler.SetTransform(transform.to_sitk())
    sampler.SetInterpolator(interpolator)
    sampler.SetDefaultPixelValue(outside)
    sampler.SetOutputPixelType(sitk.sitkFloat32)
    sampler.SetOutputDirection(to.direction)
    sampler.SetOutputSpacing(to.spacing_mm)
    sampler.SetOutputOrigin(to.origin_mm)
    sampler.SetSize(to.shape[::-1])
    return sampler
