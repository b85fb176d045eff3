"""Where the tissue of one image lies in another: a turn, shift and stretch, and a bend where there is one.

A `Transform` takes a point of the fixed image to the same tissue in the moving image, in patient millimetres
(LPS): the direction in which images are fetched from the moving one. A bend is a cubic B-spline on a coarse
lattice of knots. It is laid on first, in the fixed image, and the matrix after it. Outside its lattice
nothing is bent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from emboplan.errors import GeometryError
from emboplan.imaging.itk import from_sitk, to_sitk
from emboplan.model.grid import Grid

Floats = NDArray[np.float64]

SPLINE_ORDER: Final = 3

# Spacing at which a bend is asked for folds: a tenth of the distance of its knots, across which a cubic
# spline is nearly straight.
FOLD_SPACING_MM = 5.0

# The inverse of a bend is found by steps of a contraction; each takes away at least the share by which the
# bend stretches, and this many end far below a voxel for any bend that does not fold.
MOST_STEPS, CLOSE_MM = 100, 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Bend:
    """Coefficients of a cubic B-spline at knots: `shift_mm` is ``(z, y, x, 3)``, its last axis x, y, z."""

    knots: Grid
    shift_mm: Floats

    def __post_init__(self) -> None:
        """Copy the coefficients in, read-only."""
        shift = np.array(self.shift_mm, dtype=np.float64, order="C", copy=True)
        if shift.shape != (*self.knots.shape, 3) or not np.isfinite(shift).all():
            raise GeometryError(
                f"the bend has shape {shift.shape}; expected finite (z, y, x, 3) at its knots"
            )
        shift.setflags(write=False)
        object.__setattr__(self, "shift_mm", shift)

    def at(self, points_mm: Floats) -> Floats:
        """The shift (mm) of points ``(..., 3)``."""
        index = self.knots.to_index(points_mm)
        inside = np.asarray(((index >= 1) & (index <= np.array(self.knots.shape[::-1]) - 2)).all(axis=-1))
        places = np.moveaxis(index[..., ::-1], -1, 0)
        shift = np.zeros(points_mm.shape)
        for axis in range(3):
            part = np.ascontiguousarray(self.shift_mm[..., axis])
            shift[..., axis] = ndimage.map_coordinates(
                part, places, output=np.float64, order=SPLINE_ORDER, mode="constant", prefilter=False
            )
        return np.where(inside[..., None], shift, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """From points of the fixed image to the same tissue in the moving image (LPS millimetres).

    `to_moving` is 4 x 4. Without a `bend` it is the whole transform.
    """

    to_moving: Floats
    bend: Bend | None = None

    def __post_init__(self) -> None:
        """Copy the matrix in, read-only, and check that it can be inverted."""
        matrix = np.array(self.to_moving, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or not np.linalg.det(matrix[:3, :3]) > 0:
            raise GeometryError("the transform is no 4 x 4 matrix that keeps left and right apart")
        matrix.setflags(write=False)
        object.__setattr__(self, "to_moving", matrix)

    @classmethod
    def identity(cls) -> Transform:
        """Nothing moves."""
        return cls(np.eye(4))

    @property
    def to_fixed(self) -> Floats:
        """The 4 x 4 matrix from the moving image to the fixed one; `GeometryError` where there is a bend."""
        if self.bend is not None:
            raise GeometryError("a bend is no matrix; take points_to_fixed, or register rigidly")
        return np.asarray(np.linalg.inv(self.to_moving), dtype=np.float64)

    def points_to_moving(self, points_mm: ArrayLike) -> Floats:
        """Where the tissue at points ``(..., 3)`` of the fixed image lies in the moving image."""
        points = np.asarray(points_mm, dtype=np.float64)
        bent = points if self.bend is None else points + self.bend.at(points)
        return np.asarray(bent @ self.to_moving[:3, :3].T + self.to_moving[:3, 3])

    def points_to_fixed(self, points_mm: ArrayLike) -> Floats:
        """Where the tissue at points ``(..., 3)`` of the moving image lies in the fixed image."""
        inverse = np.linalg.inv(self.to_moving)
        straight = np.asarray(points_mm, dtype=np.float64) @ inverse[:3, :3].T + inverse[:3, 3]
        if self.bend is None:
            return np.asarray(straight)
        found = straight
        for _ in range(MOST_STEPS):
            better = straight - self.bend.at(found)
            step = float(np.abs(better - found).max(initial=0.0))
            found = better
            if step < CLOSE_MM:
                return np.asarray(found)
        raise GeometryError("the bend cannot be inverted at a point; it folds or jumps there")

    def shift_mm(self, points_mm: ArrayLike) -> Floats:
        """By how much points ``(..., 3)`` move, as vectors."""
        return self.points_to_moving(points_mm) - np.asarray(points_mm, dtype=np.float64)

    @property
    def turned_deg(self) -> float:
        """The angle of the turn, without stretch and bend."""
        left, _, right = np.linalg.svd(self.to_moving[:3, :3])
        cosine = (np.trace(left @ right) - 1) / 2
        return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))

    @property
    def scales(self) -> tuple[float, float, float]:
        """Stretch along the three principal directions of the matrix, the smallest first; 1 where rigid."""
        low, middle, high = sorted(float(s) for s in np.linalg.svd(self.to_moving[:3, :3], compute_uv=False))
        return (low, middle, high)

    def volume_ratios(self, over: Grid) -> NDArray[np.float64]:
        """Volume in the moving image of a unit of volume, at points of a grid; 0 or less is a fold."""
        whole = float(np.linalg.det(self.to_moving[:3, :3]))
        if self.bend is None:
            return np.full((1, 1, 1), whole)
        grid = over.with_spacing((FOLD_SPACING_MM,) * 3)
        # Shifts along the grid's own axes, so that both sides of the derivative use one frame.
        shift = self.bend.at(grid_points(grid)) @ grid.axes
        gradient = np.empty((*grid.shape, 3, 3))
        for axis in range(3):
            if grid.shape[2 - axis] > 1:
                gradient[..., axis] = np.gradient(shift, FOLD_SPACING_MM, axis=2 - axis)
            else:
                gradient[..., axis] = 0.0
        return np.asarray(whole * np.linalg.det(np.eye(3) + gradient))

    def to_sitk(self) -> Any:
        """The same as a SimpleITK transform."""
        affine = sitk.AffineTransform(3)
        affine.SetMatrix(self.to_moving[:3, :3].ravel().tolist())
        affine.SetTranslation(self.to_moving[:3, 3].tolist())
        if self.bend is None:
            return affine
        parts = [
            to_sitk(np.ascontiguousarray(self.bend.shift_mm[..., axis]), self.bend.knots) for axis in range(3)
        ]
        # A composite applies the transform that was added last first.
        return sitk.CompositeTransform([affine, sitk.BSplineTransform(parts, SPLINE_ORDER)])


def matrix_of(transform: Any) -> Floats:
    """A linear SimpleITK transform as a 4 x 4 matrix, from where it takes the origin and the three axes."""
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    columns = [np.array(transform.TransformPoint(tuple(axis))) - origin for axis in np.eye(3)]
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack(columns, axis=1)
    matrix[:3, 3] = origin
    return matrix


def bend_of(transform: Any) -> Bend:
    """A SimpleITK B-spline transform as a bend."""
    parts = [from_sitk(image) for image in transform.GetCoefficientImages()]
    return Bend(parts[0][1], np.stack([array for array, _ in parts], axis=-1))


def grid_points(grid: Grid) -> Floats:
    """Positions (mm) of every voxel, ``(z, y, x, 3)``."""
    nz, ny, nx = grid.shape
    z, y, x = np.meshgrid(np.arange(nz), np.arange(ny), np.arange(nx), indexing="ij")
    return grid.to_mm(np.stack([x, y, z], axis=-1))
