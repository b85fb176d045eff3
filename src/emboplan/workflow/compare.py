"""Two mask files against each other: a mask from here and a reference, read on one grid."""

from __future__ import annotations

from pathlib import Path

from emboplan.errors import InputError
from emboplan.files import nifti, nrrd
from emboplan.model.grid import Grid
from emboplan.segmentation.agreement import Agreement, agreement
from emboplan.workflow.inputs import load_image, load_lesions, load_mask, parse_mask_source


def compare_files(found: str, truth: str, *, series: Path | None = None, lesions: bool = False) -> Agreement:
    """How well the mask ``FILE[#LABEL]`` agrees with a reference.

    The grid is that of the CT or MR `series`, which DICOM masks need; else that of the reference. With
    `lesions` both files hold lesions, as a label map or as one mask, and are compared one by one too.

    Raises:
        InputError: a file cannot be read, or the two lie on different grids.
    """
    a, b = parse_mask_source(found), parse_mask_source(truth)
    grid = load_image(series).image.grid if series is not None else _grid_of(b.path)
    if lesions:
        return agreement(load_lesions(a, grid), load_lesions(b, grid))
    return agreement(load_mask(a, grid), load_mask(b, grid))


def _grid_of(path: Path) -> Grid:
    name = path.name.lower()
    if name.endswith(nifti.SUFFIXES):
        return nifti.read_volume(path)[1]
    if name.endswith(nrrd.SUFFIXES):
        return nrrd.read_volume(path)[1]
    raise InputError(
        f"{path.name} is no NIfTI or NRRD file, so its CT or MR must give the grid; name it with --series"
    )
