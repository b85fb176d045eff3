"""The contours in a result folder, in whatever format another program saved them: NIfTI, NRRD or DICOM SEG.

Files in the folder itself, in ``masks/`` and in ``dicom/`` count. A file whose name begins with ``liver`` or
``tumours`` is that part; segments of a SEG and of a 3D Slicer segmentation are told by their names, ``Liver``
and ``Lesion 1``, ``Lesion 2``, ... The label of a lesion is its number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emboplan.dicom.index import index_folder
from emboplan.dicom.read.seg import read_seg, seg_names
from emboplan.errors import MaskError
from emboplan.files import nifti, nrrd
from emboplan.model.grid import Grid
from emboplan.model.mask import LabelMap, Mask

PLACES = ("masks", "", "dicom")
LIVER_NAMES = ("liver",)
LESION_NAMES = ("tumour", "tumor", "lesion", "metastas")

_NUMBER = re.compile(r"(\d{1,4})\s*$")


@dataclass(frozen=True, slots=True, eq=False)
class ContourFile:
    """A file by its name in the folder, and what it holds; None for a part that it does not hold."""

    name: str
    liver: Mask | None
    lesions: LabelMap | None


def contour_files(folder: Path, grid: Grid) -> Iterator[ContourFile]:
    """The files of contours of a result folder on the CT's grid, those of ``masks/`` first.

    Raises:
        InputError: a file that cannot be read, or lies on another grid.
    """
    for place in PLACES:
        for path in sorted((folder / place).iterdir()) if (folder / place).is_dir() else ():
            if not path.is_file() or path.name.startswith("."):
                continue
            name = path.relative_to(folder).as_posix()
            low = path.name.lower()
            if low.endswith(".dcm"):
                found = _from_seg(path, grid)
            elif low.endswith(nrrd.SUFFIXES):
                found = _from_nrrd(path, grid)
            elif low.endswith(nifti.SUFFIXES):
                found = _by_file_name(path, partial(nifti.read_labels, path, grid))
            else:
                continue
            if found != (None, None):
                yield ContourFile(name, *found)


_Parts = tuple[Mask | None, LabelMap | None]


def _by_file_name(path: Path, labels: Callable[[], LabelMap]) -> _Parts:
    """A file of one part, by its name; others are not read."""
    name = path.name.lower()
    if name.startswith(LIVER_NAMES):
        return labels().union, None
    return (None, labels()) if name.startswith(LESION_NAMES) else (None, None)


def _from_nrrd(path: Path, grid: Grid) -> _Parts:
    parts = _by_file_name(path, partial(nrrd.read_labels, path, grid))
    if parts != (None, None):
        return parts
    values = nrrd.segment_labels(path)
    if not any(_is(name, LIVER_NAMES + LESION_NAMES) for name in values):
        return None, None
    labels = nrrd.read_labels(path, grid).labels
    return _by_segment_name({name: name for name in values}, grid, lambda name: labels == values[name])


def _from_seg(path: Path, grid: Grid) -> _Parts:
    if index_folder(path).series[0].modality != "SEG":
        return None, None
    names = {str(number): name for number, name in seg_names(path, grid).items()}
    return _by_segment_name(names, grid, lambda number: read_seg(path, number, grid).voxels)


def _by_segment_name(
    names: Mapping[str, str], grid: Grid, voxels: Callable[[str], NDArray[np.bool_]]
) -> _Parts:
    """Liver and lesions among named segments; `names` are by what `voxels` is asked for."""
    livers = [key for key, name in names.items() if _is(name, LIVER_NAMES)]
    lesions = [(key, name) for key, name in names.items() if _is(name, LESION_NAMES)]
    liver = Mask(grid, np.logical_or.reduce([voxels(key) for key in livers])) if livers else None
    if not lesions:
        return liver, None
    labels = np.zeros(grid.shape, np.uint16)
    for key, number in zip((key for key, _ in lesions), _numbers([name for _, name in lesions]), strict=True):
        labels[voxels(key)] = number
    return liver, LabelMap(grid, labels)


def _is(name: str, beginnings: tuple[str, ...]) -> bool:
    return name.strip().lower().startswith(beginnings)


def _numbers(names: list[str]) -> list[int]:
    """The numbers at the ends of names; names without one get the next."""
    given = [int(found.group(1)) if (found := _NUMBER.search(name)) else 0 for name in names]
    own = [number for number in given if number]
    if len(set(own)) != len(own):
        raise MaskError("two segments of lesions have the same number; give each its own, as in Lesion 3")
    following = max(own, default=0)
    numbers = []
    for number in given:
        following += not number
        numbers.append(number or following)
    return numbers
