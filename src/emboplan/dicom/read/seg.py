"""Segmentation objects: their segments as masks on the grid of the images they were drawn on.

Each frame is placed by its own position and orientation, whatever the order of frames and of axes in the
file. Frames must fall on the voxels of the given grid; nothing is resampled here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import iter_pixels

from emboplan.dicom.read.common import (
    READ_FAILURES,
    items,
    number,
    numbers,
    quiet_decoding,
    read_dataset,
    text,
    undecodable,
    whole,
)
from emboplan.errors import DicomError, GeometryError, MaskError
from emboplan.model.grid import Grid
from emboplan.model.mask import Mask

# A frame lies on the grid when its corner pixels miss their voxel centres by no more than this part of a
# voxel: the rounding of positions, and less than anything that moves a contour.
ON_GRID_FRAC = 0.05

# A fractional segment holds a voxel from half of it on, so that volumes are kept on average.
FRACTIONAL_THRESHOLD = 0.5


def read_seg(path: Path, label: str | None, grid: Grid) -> Mask:
    """One structure of a segmentation object: all segments of that label, or the segment of that number.

    Without a label, the only segment there is.

    Raises:
        DicomError: the file is no segmentation, or cannot be decoded.
        MaskError: there is no such segment; the message lists those there are.
        GeometryError: the segmentation lies on another grid.
    """
    dataset = _open(path, grid)
    names = _segment_names(dataset, path)
    wanted = _select(path, names, label)
    voxels = np.zeros(grid.shape, np.bool_)
    for _, frame_voxels in _frames(dataset, path, grid, wanted):
        voxels[frame_voxels] = True
    return Mask(grid, voxels)


def seg_names(path: Path, grid: Grid) -> dict[int, str]:
    """The label of each segment of a segmentation object, by its number. Raises as `read_seg`."""
    return _segment_names(_open(path, grid), path)


def read_seg_labels(path: Path, grid: Grid) -> dict[str, Mask]:
    """All structures of a segmentation object by label, by segment number. Raises as `read_seg`."""
    dataset = _open(path, grid)
    names = _segment_names(dataset, path)
    voxels = {name: np.zeros(grid.shape, np.bool_) for name in names.values()}
    for segment, frame_voxels in _frames(dataset, path, grid, set(names)):
        voxels[names[segment]][frame_voxels] = True
    return {name: Mask(grid, array) for name, array in voxels.items()}


def _open(path: Path, grid: Grid) -> Dataset:
    dataset = read_dataset(path, pixels=True)
    modality = text(dataset, "Modality")
    if modality != "SEG":
        raise DicomError(
            f"{path.name} is of modality {modality or 'unknown'}; expected a segmentation object (SEG)"
        )
    frame_of_reference = text(dataset, "FrameOfReferenceUID")
    if grid.frame_of_reference_uid and frame_of_reference not in ("", grid.frame_of_reference_uid):
        raise GeometryError(
            f"{path.name} belongs to another frame of reference than the CT, so that its positions mean "
            "something else; give the segmentation that was drawn on this CT"
        )
    return dataset


def _segment_names(dataset: Dataset, path: Path) -> dict[int, str]:
    names = {}
    for item in items(dataset, "SegmentSequence"):
        segment = whole(item, "SegmentNumber")
        if segment:  # 0 is the background of a label map
            names[segment] = text(item, "SegmentLabel") or f"segment {segment}"
    if not names:
        raise DicomError(f"{path.name} names no segment; export the segmentation again")
    return names


def _select(path: Path, names: dict[int, str], label: str | None) -> set[int]:
    listed = ", ".join(f"{n} {name}" for n, name in sorted(names.items()))
    if label is None:
        if len(names) > 1:
            raise MaskError(
                f"{path.name} holds several segments ({listed}); name one, as in {path.name}#LABEL"
            )
        return set(names)
    wanted = {n for n, name in names.items() if name.casefold() == label.strip().casefold()}
    if not wanted and label.isdigit() and int(label) in names:
        wanted = {int(label)}
    if not wanted:
        raise MaskError(f'{path.name} has no segment "{label}"; it holds {listed}')
    return wanted


def _frames(
    dataset: Dataset, path: Path, grid: Grid, wanted: set[int]
) -> Iterator[tuple[int, tuple[NDArray[np.int64], ...]]]:
    """For each frame and each wanted segment in it, the voxels (array index) that it fills."""
    kind = text(dataset, "SegmentationType")
    shared = (*items(dataset, "SharedFunctionalGroupsSequence"), Dataset())[0]
    groups = items(dataset, "PerFrameFunctionalGroupsSequence")
    if not groups:
        raise DicomError(f"{path.name} does not say where its frames lie; export the segmentation again")
    for group, pixels in zip(groups, _decoded(dataset, path), strict=False):
        if kind == "LABELMAP":
            present = {int(n) for n in np.unique(pixels)} & wanted
            parts = [(n, pixels == n) for n in sorted(present)]
        else:
            identification = _macro(group, shared, "SegmentIdentificationSequence", path)
            segment = whole(identification, "ReferencedSegmentNumber") or 0
            highest = number(dataset, "MaximumFractionalValue") if kind == "FRACTIONAL" else None
            lowest = FRACTIONAL_THRESHOLD * highest if highest else 1
            parts = [(segment, pixels >= lowest)] if segment in wanted else []
        for segment, filled in parts:
            if filled.any():
                yield segment, _voxels(filled, group, shared, path, grid)


def _decoded(dataset: Dataset, path: Path) -> Iterator[NDArray[Any]]:
    try:
        with quiet_decoding():
            yield from iter_pixels(dataset)
    except READ_FAILURES as error:
        raise undecodable(path, dataset) from error


def _macro(group: Dataset, shared: Dataset, name: str, path: Path) -> Dataset:
    for source in (group, shared):
        found = items(source, name)
        if found:
            return found[0]
    raise DicomError(f"{path.name} does not say where its frames lie ({name}); export the segmentation again")


def _voxels(
    filled: NDArray[np.bool_], group: Dataset, shared: Dataset, path: Path, grid: Grid
) -> tuple[NDArray[np.int64], ...]:
    """The array index of each filled pixel of a frame."""
    position = numbers(_macro(group, shared, "PlanePositionSequence", path), "ImagePositionPatient", 3)
    cosines = numbers(_macro(group, shared, "PlaneOrientationSequence", path), "ImageOrientationPatient", 6)
    spacing = numbers(_macro(group, shared, "PixelMeasuresSequence", path), "PixelSpacing", 2)
    if position is None or cosines is None or spacing is None:
        raise DicomError(f"{path.name} does not say where its frames lie; export the segmentation again")
    start = grid.to_index(position)
    along_row = grid.to_index(position + cosines[:3] * spacing[1]) - start
    along_column = grid.to_index(position + cosines[3:] * spacing[0]) - start
    rows, columns = filled.shape
    off = max(
        float(np.abs(start - np.rint(start)).max()),
        float(np.abs(along_row - np.rint(along_row)).max()) * (columns - 1),
        float(np.abs(along_column - np.rint(along_column)).max()) * (rows - 1),
    )
    if off > ON_GRID_FRAC:
        where = ", ".join(f"{v:.1f}" for v in position)
        raise GeometryError(
            f"{path.name} lies on another grid: a frame of {columns} x {rows} pixels of "
            f"{spacing[1]:.4g} x {spacing[0]:.4g} mm at ({where}); expected {grid.describe()}; "
            "give the segmentation that was drawn on this CT"
        )
    row, column = (index.astype(np.int64) for index in np.nonzero(filled))
    first, right, down = (np.rint(v).astype(np.int64)[:, None] for v in (start, along_row, along_column))
    index = first + right * column + down * row
    size = np.array(grid.shape[::-1])[:, None]
    outside = ((index < 0) | (index >= size)).any(axis=0)
    if outside.any():
        raise GeometryError(
            f"{path.name} reaches beyond the CT by {np.count_nonzero(outside)} voxels in a frame; "
            "give the segmentation that was drawn on this CT"
        )
    return index[2], index[1], index[0]
