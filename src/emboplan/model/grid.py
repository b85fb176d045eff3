"""A grid: where the voxels of an array lie in the patient.

Everything about geometry is said here once. Arrays are indexed ``(z, y, x)``; millimetre tuples are
``(x, y, z)`` in the DICOM patient system (LPS: x to the patient's left, y to the back, z to the head);
an index as a tuple is ``(x, y, z)`` too, and only `shape` follows the array. `origin_mm` is the centre
of voxel (0, 0, 0), `direction` holds the unit vectors of the x, y and z axes as the columns of a 3 x 3
matrix written row by row (as in ITK).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan.errors import GeometryError
from emboplan.units import ML_PER_MM3

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

# Direction cosines in DICOM come as decimal strings of at most 16 characters; 1e-4 (0.006 degrees, 0.03 mm
# over 500 mm) is beyond their rounding and below what any voxel notices.
ORTHONORMAL_TOLERANCE = 1e-4

# Two grids are the same when no voxel centre differs by more than this. A thousandth of a millimetre is the
# rounding of positions written as decimal strings, and far below any effect on a volume or a dose.
SAME_PLACE_TOLERANCE_MM = 1e-3

Vector = tuple[float, float, float]


def _vector(values: ArrayLike, what: str) -> Vector:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (3,) or not np.isfinite(array).all():
        raise GeometryError(f"{what} is {values!r}; expected three finite numbers (x, y, z) in mm")
    return (float(array[0]), float(array[1]), float(array[2]))


@dataclass(frozen=True, slots=True)
class Grid:
    """Shape ``(z, y, x)``, spacing, origin and axes of an array of voxels in patient space.

    >>> grid = Grid(shape=(10, 20, 30), spacing_mm=(1.0, 1.0, 2.5), origin_mm=(0.0, 0.0, 0.0))
    >>> grid.voxel_ml
    0.0025
    """

    shape: tuple[int, int, int]
    spacing_mm: Vector
    origin_mm: Vector
    direction: tuple[float, ...] = IDENTITY
    frame_of_reference_uid: str | None = None

    def __post_init__(self) -> None:
        """Check that the numbers make a right-handed rectangular grid."""
        shape = tuple(int(n) for n in self.shape)
        if len(shape) != 3 or min(shape) < 1 or shape != tuple(self.shape):
            raise GeometryError(
                f"grid shape is {self.shape!r}; expected three positive whole numbers (z, y, x)"
            )
        spacing = _vector(self.spacing_mm, "grid spacing")
        if min(spacing) <= 0:
            raise GeometryError(f"grid spacing is {spacing} mm; expected three positive numbers")
        matrix = np.asarray(self.direction, dtype=np.float64).reshape(-1)
        if matrix.size != 9 or not np.isfinite(matrix).all():
            raise GeometryError("grid direction must have nine finite numbers (3 x 3, row by row)")
        axes = matrix.reshape(3, 3)
        if np.abs(axes.T @ axes - np.eye(3)).max() > ORTHONORMAL_TOLERANCE:
            raise GeometryError(
                "grid axes are not perpendicular unit vectors (gantry tilt?); resample the image first"
            )
        if np.linalg.det(axes) < 0:
            raise GeometryError(
                "grid axes are left-handed; reverse one axis of the array and of the direction"
            )
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "spacing_mm", spacing)
        object.__setattr__(self, "origin_mm", _vector(self.origin_mm, "grid origin"))
        object.__setattr__(self, "direction", tuple(float(v) for v in matrix))

    @property
    def axes(self) -> NDArray[np.float64]:
        """The 3 x 3 matrix whose columns are the unit vectors of the x, y and z axes."""
        return np.array(self.direction).reshape(3, 3)

    @property
    def index_to_mm(self) -> NDArray[np.float64]:
        """The 4 x 4 affine from index ``(x, y, z, 1)`` to patient millimetres (LPS)."""
        affine = np.eye(4)
        affine[:3, :3] = self.axes * np.array(self.spacing_mm)
        affine[:3, 3] = self.origin_mm
        return affine

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        x, y, z = self.spacing_mm
        return x * y * z * ML_PER_MM3

    @property
    def size_mm(self) -> Vector:
        """Extent of the grid along its axes, from outer voxel face to outer voxel face."""
        (nz, ny, nx), (dx, dy, dz) = self.shape, self.spacing_mm
        return (nx * dx, ny * dy, nz * dz)

    @property
    def spacing_zyx_mm(self) -> Vector:
        """Spacing in array order, for functions that take a ``sampling`` or ``sigma`` per array axis."""
        x, y, z = self.spacing_mm
        return (z, y, x)

    def to_mm(self, index_xyz: ArrayLike) -> NDArray[np.float64]:
        """Patient position (mm) of voxel indices ``(..., 3)`` in x, y, z order; fractions are allowed."""
        index = np.asarray(index_xyz, dtype=np.float64)
        points: NDArray[np.float64] = index @ self.index_to_mm[:3, :3].T + np.array(self.origin_mm)
        return points

    def to_index(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Fractional voxel index ``(..., 3)`` in x, y, z order of patient positions in mm."""
        offset = np.asarray(points_mm, dtype=np.float64) - np.array(self.origin_mm)
        index: NDArray[np.float64] = (offset @ self.axes) / np.array(self.spacing_mm)
        return index

    def contains_mm(self, point_mm: ArrayLike) -> bool:
        """Whether a position lies inside the outer voxel faces."""
        index = self.to_index(point_mm)
        upper = np.array(self.shape[::-1]) - 0.5
        return bool(((index >= -0.5) & (index <= upper)).all())

    def is_same(self, other: Grid) -> bool:
        """Whether both grids have the same shape and all voxel centres coincide."""
        if self.shape != other.shape:
            return False
        last = np.array(self.shape[::-1]) - 1.0
        corners = np.array([[x, y, z] for x in (0, last[0]) for y in (0, last[1]) for z in (0, last[2])])
        apart = np.abs(self.to_mm(corners) - other.to_mm(corners)).max()
        return bool(apart <= SAME_PLACE_TOLERANCE_MM)

    def require_same(self, other: Grid, what: str = "arrays") -> None:
        """Raise `GeometryError` that names the difference unless both grids are the same."""
        if not self.is_same(other):
            raise GeometryError(
                f"{what} lie on different grids: {self.describe()} against {other.describe()}; "
                "resample one to the other first"
            )

    def describe(self) -> str:
        """Shape, spacing and origin in one line, for messages."""
        nz, ny, nx = self.shape
        spacing = " x ".join(f"{v:.4g}" for v in self.spacing_mm)
        origin = ", ".join(f"{v:.1f}" for v in self.origin_mm)
        return f"{nx} x {ny} x {nz} voxels of {spacing} mm at ({origin})"

    def cropped(self, box: tuple[slice, slice, slice]) -> Grid:
        """The grid of ``array[box]``, for a box of plain slices in array order."""
        bounds = [s.indices(n) for s, n in zip(box, self.shape, strict=True)]
        if any(step != 1 or stop <= start for start, stop, step in bounds):
            raise GeometryError(
                f"crop {box!r} is empty or strided; expected plain slices inside {self.shape}"
            )
        start_xyz = [bounds[2][0], bounds[1][0], bounds[0][0]]
        shape = (bounds[0][1] - bounds[0][0], bounds[1][1] - bounds[1][0], bounds[2][1] - bounds[2][0])
        return replace(self, shape=shape, origin_mm=tuple(self.to_mm(start_xyz)))

    def with_spacing(self, spacing_mm: Vector) -> Self:
        """A grid of another spacing over the same outer faces (rounded up to whole voxels).

        The first voxel's outer corner stays where it is, so that the centre moves by half the difference
        of the spacings.
        """
        new = _vector(spacing_mm, "grid spacing")
        counts = [max(1, int(np.ceil(size / d - 1e-6))) for size, d in zip(self.size_mm, new, strict=True)]
        shift = [(b - a) / (2 * a) for a, b in zip(self.spacing_mm, new, strict=True)]
        return replace(
            self, shape=(counts[2], counts[1], counts[0]), spacing_mm=new, origin_mm=tuple(self.to_mm(shift))
        )
