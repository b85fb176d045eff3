"""Volumes and masks in image files, through SimpleITK: what NIfTI and NRRD have in common.

Both formats arrive in patient space (LPS) and are turned to the order of axes nearest to the patient's
(x to the left, y to the back, z to the head), which moves no voxel. A mask that is read for a grid must lie
on it, in whatever order its file stores it; nothing is resampled here. Files are written beside their place
and moved into it, so that a broken run leaves no half file.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from numpy.typing import NDArray

from emboplan.errors import GeometryError, ImageFileError, MaskError, OutputError
from emboplan.imaging.hounsfield import padding_to_air
from emboplan.imaging.itk import from_sitk, to_sitk
from emboplan.imaging.orient import reoriented
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage

LISTED = 12  # labels named in a message before "and n more"


def read_array(path: Path, suffixes: Collection[str]) -> tuple[NDArray[Any], Grid, dict[str, str]]:
    """The array, the grid and the header of a file, axes in the order nearest to the patient's.

    Raises:
        ImageFileError: the file is not there, is not of this format, or holds no 3D image.
    """
    kinds = " or ".join(suffixes)
    if not path.name.lower().endswith(tuple(suffixes)):
        raise ImageFileError(f"{path.name} is not named {kinds}; give a file of that format")
    if not path.is_file():
        raise ImageFileError(f"{path.name} is not there; give the path of a file named {kinds}")
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        image = reader.Execute()
        header = {key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys()}
    except RuntimeError as error:
        raise ImageFileError(
            f"{path.name} cannot be read as {kinds}; it is damaged, truncated or of another format"
        ) from error
    try:
        array, grid = from_sitk(image)
    except GeometryError as error:
        raise ImageFileError(f"{path.name}: {error}") from error
    view, turned = reoriented(array, grid)
    return np.ascontiguousarray(view), turned, header


def as_ct(path: Path, array: NDArray[Any], grid: Grid) -> CtImage:
    """The array as CT numbers: whole numbers as int16, padding far below air as air."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ImageFileError(f"{path.name} holds values that are not finite; mend the image first")
    low, high = float(array.min()), float(array.max())
    if low >= 0:
        # Every CT shows some air; a volume without negative numbers was stored without its rescale intercept.
        raise ImageFileError(
            f"{path.name} holds no negative value (lowest {low:g}), so that it is no CT in Hounsfield units; "
            "give a CT volume (an MR can be segmented: `emboplan segment` with --modality mr)"
        )
    limits = np.iinfo(np.int16)
    fits = limits.min <= low and high <= limits.max
    whole = array.dtype.kind in "iu" or bool((array == np.rint(array)).all())
    values: NDArray[Any] = array.astype(np.int16 if fits and whole else np.float32)
    padding_to_air(values)
    return CtImage(grid, values)


def as_labels(path: Path, array: NDArray[Any]) -> NDArray[np.uint16]:
    """The array as label numbers.

    Raises:
        MaskError: the values are no labels.
    """
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= np.iinfo(np.uint16).max):
        raise MaskError(
            f"{path.name} holds values from {low:g} to {high:g}; expected a label map with 0 to 65535"
        )
    labels = array.astype(np.uint16)
    if array.dtype.kind == "f" and not (labels == array).all():
        raise MaskError(f"{path.name} holds fractions; expected a label map of whole numbers")
    return labels


def select_label(path: Path, labels: NDArray[np.uint16], label: int | None) -> NDArray[np.bool_]:
    """The voxels of one label; without a label, of the only one there is.

    Raises:
        MaskError: the label is not in the file, or none was named and the file holds several.
    """
    counts = np.bincount(labels.reshape(-1))
    present = [int(n) for n in np.flatnonzero(counts) if n]
    listed = ", ".join(str(n) for n in present[:LISTED])
    if len(present) > LISTED:
        listed += f" and {len(present) - LISTED} more"
    if not present:
        raise MaskError(f"{path.name} holds an empty mask; give a mask with at least one voxel")
    if label is None:
        if len(present) > 1:
            raise MaskError(
                f"{path.name} holds several labels ({listed}); name one, as in {path.name}#{present[0]}"
            )
        return np.greater(labels, 0)
    if label not in present:
        raise MaskError(f"{path.name} has no label {label}; it holds {listed}")
    return np.equal(labels, label)


def on_grid(path: Path, array: NDArray[Any], own: Grid, grid: Grid | None) -> tuple[NDArray[Any], Grid]:
    """The array in the order of `grid`'s axes, on that grid; on its own where none is given.

    Raises:
        GeometryError: the file lies on another grid.
    """
    if grid is None:
        return array, own
    view, turned = reoriented(array, own, like=grid.axes)
    if not turned.is_same(grid):
        raise GeometryError(
            f"{path.name} lies on another grid: {turned.describe()}; expected {grid.describe()}; "
            "resample the mask to the CT, or draw it on this CT"
        )
    return np.ascontiguousarray(view), grid


def write_array(path: Path, array: NDArray[Any], grid: Grid, suffixes: Collection[str]) -> None:
    """Write an array, compressed; an existing file is replaced at the end, in one step.

    Raises:
        OutputError: the name has another ending, or the place cannot be written.
    """
    if not path.name.lower().endswith(tuple(suffixes)):
        raise OutputError(f"{path.name} is not named {' or '.join(suffixes)}; give it that ending")
    if not path.parent.is_dir():
        raise OutputError(f"the folder {path.parent.name} is not there; create it first")
    partial = path.with_name(f".partial-{path.name}")
    writer = sitk.ImageFileWriter()
    writer.SetFileName(str(partial))
    writer.UseCompressionOn()
    try:
        writer.Execute(to_sitk(array, grid))
        partial.replace(path)
    except (RuntimeError, OSError) as error:
        partial.unlink(missing_ok=True)
        raise OutputError(
            f"{path.name} cannot be written; check the folder's permissions and space"
        ) from error
