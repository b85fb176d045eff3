"""NRRD files: volumes, CTs, masks, label maps and doses, and the segment names of 3D Slicer.

NRRD states its space by name; SimpleITK converts it to ours. A Slicer segmentation (``.seg.nrrd``) carries
the names of its segments in the header, so that a mask can be asked for by name. Segments that overlap are
kept in several layers there, which a label map cannot hold: such a file is refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from emboplan.errors import MaskError
from emboplan.files.itk_image import as_ct, as_labels, on_grid, read_array, select_label, write_array
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage, DoseMap
from emboplan.model.mask import LabelMap, Mask

SUFFIXES = (".nrrd",)

_SEGMENT_KEY = re.compile(r"Segment(\d+)_(Name|LabelValue)")


def read_volume(path: Path) -> tuple[NDArray[Any], Grid]:
    """The array ``(z, y, x)`` and the grid of a file; axes in the order nearest to the patient's.

    Raises:
        ImageFileError: the file cannot be used; the message says why.
    """
    array, grid, _ = read_array(path, SUFFIXES)
    return array, grid


def read_ct(path: Path) -> CtImage:
    """A CT in HU; padding far below air becomes air."""
    array, grid = read_volume(path)
    return as_ct(path, array, grid)


def segment_labels(path: Path) -> dict[str, int]:
    """The label of each named segment of a 3D Slicer segmentation; empty for other files."""
    return _named(read_array(path, SUFFIXES)[2])


def read_labels(path: Path, grid: Grid | None = None) -> LabelMap:
    """All labels of a file; on `grid` where one is given.

    Raises:
        ImageFileError: the file cannot be used.
        MaskError: the values are no labels.
        GeometryError: the file lies on another grid.
    """
    array, own = read_volume(path)
    labels, placed = on_grid(path, as_labels(path, array), own, grid)
    return LabelMap(placed, labels)


def read_mask(path: Path, label: int | str | None = None, grid: Grid | None = None) -> Mask:
    """One label of a file as a mask, by number or by segment name; without a label, the only one there is.

    Raises as `read_labels`.
    """
    array, own, header = read_array(path, SUFFIXES)
    number = label
    if isinstance(label, str):
        names = _named(header)
        if label not in names and not label.isdecimal():
            known = ", ".join(sorted(names)) or "no named segments"
            raise MaskError(f'{path.name} has no segment "{label}"; it holds {known}')
        number = names[label] if label in names else int(label)
    labels, placed = on_grid(path, as_labels(path, array), own, grid)
    return Mask(placed, select_label(path, labels, number))  # type: ignore[arg-type]  # names are numbers now


def _named(header: dict[str, str]) -> dict[str, int]:
    fields: dict[str, dict[str, str]] = {}
    for key, value in header.items():
        match = _SEGMENT_KEY.fullmatch(key)
        if match:
            fields.setdefault(match.group(1), {})[match.group(2)] = value
    return {
        f["Name"]: int(f["LabelValue"])
        for f in fields.values()
        if "Name" in f and f.get("LabelValue", "").isdigit()
    }


def write_mask(path: Path, mask: Mask) -> None:
    """Write a mask as bytes of 0 and 1."""
    write_array(path, mask.voxels, mask.grid, SUFFIXES)


def write_labels(path: Path, labels: LabelMap) -> None:
    """Write a label map as unsigned 16-bit numbers."""
    write_array(path, labels.labels, labels.grid, SUFFIXES)


def write_dose(path: Path, dose: DoseMap) -> None:
    """Write a dose in Gy as 32-bit floating point numbers."""
    write_array(path, dose.gy, dose.grid, SUFFIXES)


def write_ct(path: Path, ct: CtImage) -> None:
    """Write a CT in HU."""
    write_array(path, ct.hu, ct.grid, SUFFIXES)


def write_volume(path: Path, array: NDArray[Any], grid: Grid) -> None:
    """Write any array of numbers on a grid."""
    write_array(path, array, grid, SUFFIXES)
