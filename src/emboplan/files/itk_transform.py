"""Transforms as text files of ITK (.tfm), as 3D Slicer and SimpleITK read them.

The file takes points of the fixed image to the moving one, in patient millimetres (LPS): the direction in
which ITK fetches an image, and in which 3D Slicer reads a transform to be applied to the moving image.
"""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk  # noqa: N813  the name its documentation uses

from emboplan.errors import OutputError
from emboplan.imaging.transform import Transform

SUFFIX = ".tfm"


def write_transform(path: Path, transform: Transform) -> Path:
    """Write a transform, with its bend where it has one; `OutputError` where the file cannot be written."""
    if not path.name.lower().endswith(SUFFIX):
        raise OutputError(f"{path.name} does not end in {SUFFIX}; give a name that does")
    try:
        sitk.WriteTransform(transform.to_sitk(), str(path))
    except RuntimeError as error:
        raise OutputError(f"{path.name} cannot be written; check the folder and its rights") from error
    return path
