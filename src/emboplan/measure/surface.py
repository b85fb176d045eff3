"""How far a volume moves when its contour moves: the boundary band of half a voxel, and the surface itself.

A contour drawn on voxels cannot say where between two centres the edge runs. Each boundary face is therefore
moved by half a voxel along its own axis. The faces of a staircase have on average 3/2 of the area of the
smooth surface that they stand for (Cauchy: a surface's mean projection is a quarter of its area, and three
axes see it from both sides), so the sum is taken by 2/3. Errors of a reader or of a segmentation that pass
half a voxel are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from emboplan.model.grid import Grid
from emboplan.units import ML_PER_MM3

# Area of a smooth, randomly turned surface over the area of its voxel faces (Cauchy's formula, see above).
SMOOTH_PER_STAIRCASE = 2 / 3


def half_voxel_band_ml(voxels: NDArray[np.bool_], grid: Grid) -> float:
    """The volume (mL) between the contour of `voxels` ``(z, y, x)`` and one half a voxel further out."""
    return SMOOTH_PER_STAIRCASE * sum(_faces(voxels)) * grid.voxel_ml / 2


def surface_ml_per_mm(voxels: NDArray[np.bool_], grid: Grid) -> float:
    """The smooth surface of `voxels` ``(z, y, x)`` as the volume (mL) that a shift of 1 mm adds."""
    dx, dy, dz = grid.spacing_mm
    areas = (dx * dy, dx * dz, dy * dz)
    staircase = sum(count * area for count, area in zip(_faces(voxels), areas, strict=True))
    return SMOOTH_PER_STAIRCASE * staircase * ML_PER_MM3


def _faces(voxels: NDArray[np.bool_]) -> Iterator[int]:
    """How many voxel faces lie between inside and outside, across z, y and x."""
    for axis in range(3):
        front = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        back = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        first = tuple(0 if a == axis else slice(None) for a in range(3))
        last = tuple(-1 if a == axis else slice(None) for a in range(3))
        # Faces at the array's edge are boundary too: arrays here are boxes cut tightly around a structure.
        yield (
            int(np.count_nonzero(voxels[front] != voxels[back]))
            + int(np.count_nonzero(voxels[first]))
            + int(np.count_nonzero(voxels[last]))
        )
