"""To SimpleITK and back: the one place where its images become our arrays and grids.

ITK uses LPS millimetres and the same direction matrix as `Grid`, so nothing is converted. Arrays are copied
both ways: a view on an ITK image outlives the image and then reads freed memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from numpy.typing import NDArray

from emboplan.errors import GeometryError
from emboplan.imaging.orient import arranged
from emboplan.model.grid import Grid


def to_sitk(array: NDArray[Any], grid: Grid) -> Any:
    """A SimpleITK image of the array; booleans become unsigned bytes."""
    if array.shape != grid.shape:
        raise GeometryError(f"array has shape {array.shape}; its grid has {grid.shape} (z, y, x)")
    plain = array.view(np.uint8) if array.dtype == np.bool_ and array.flags.c_contiguous else array
    if plain.dtype == np.bool_:
        plain = plain.astype(np.uint8)
    image = sitk.GetImageFromArray(plain)
    image.SetSpacing(grid.spacing_mm)
    image.SetOrigin(grid.origin_mm)
    image.SetDirection(grid.direction)
    return image


def from_sitk(image: Any, frame_of_reference_uid: str | None = None) -> tuple[NDArray[Any], Grid]:
    """The array and the grid of a 3D SimpleITK image with one value in each voxel.

    A left-handed image, which `Grid` refuses, is turned to the order of axes nearest to the patient's.
    """
    if image.GetDimension() > 3 and all(n == 1 for n in image.GetSize()[3:]):
        image = image[(slice(None),) * 3 + (0,) * (image.GetDimension() - 3)]
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise GeometryError(
            f"found {image.GetDimension()} dimensions with {image.GetNumberOfComponentsPerPixel()} values in "
            "each voxel; expected a 3D image with one value"
        )
    array = sitk.GetArrayFromImage(image)
    spacing, origin = image.GetSpacing(), image.GetOrigin()
    axes = np.array(image.GetDirection(), dtype=np.float64).reshape(3, 3) + 0.0  # no negative zeros
    if np.linalg.det(axes) < 0:
        view, grid = arranged(array, spacing, origin, axes)
        return np.ascontiguousarray(view), Grid(
            grid.shape, grid.spacing_mm, grid.origin_mm, grid.direction, frame_of_reference_uid
        )
    return array, Grid(
        shape=array.shape,
        spacing_mm=spacing,
        origin_mm=origin,
        direction=tuple(axes.reshape(-1)),
        frame_of_reference_uid=frame_of_reference_uid,
    )
