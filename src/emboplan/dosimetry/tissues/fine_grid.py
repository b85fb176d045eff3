"""The widest voxels that a dose may be computed on: one bound, asked by every method."""

from __future__ import annotations

from emboplan import catalog as catalogue
from emboplan.errors import ModelRangeError
from emboplan.model.grid import Grid


def require_fine(grid: Grid, catalog: catalogue.Catalog | None = None) -> None:
    """`ModelRangeError` where voxels are wider than about the range of the electrons."""
    largest = (catalog or catalogue.load()).number("ct_check.largest_voxel")
    if max(grid.spacing_mm) > largest:
        size = " x ".join(f"{side:g}" for side in grid.spacing_mm)
        raise ModelRangeError(
            f"the voxels are {size} mm; expected at most {largest:g} mm, the range of the electrons: "
            "resample the activity and the CT to a finer grid"
        )
