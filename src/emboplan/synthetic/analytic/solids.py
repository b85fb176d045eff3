"""Solids whose volume is a formula: ellipsoid, box, elliptic cylinder, and the body of the IEC phantom.

Each solid tells its volume, its bounds, and the share of each voxel that it fills. A box is followed exactly,
face by face. A curved surface is taken as flat within a sub-sample: one at the signed distance d from it is
filled by ``1/2 - d / w``, with w the width of the sub-sample along the surface's normal.

Millimetres ``(x, y, z)`` in the patient's axes (left, back, head).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from emboplan.synthetic.analytic.voxel_shares import F64, filled, gathered, overlap, sub_samples, with_room

Vector = tuple[float, float, float]
Edges = tuple[F64, F64, F64]

# Points on a curved surface where a solid is compared with its neighbours: 3 degrees apart.
RING_POINTS = 120


class Solid(Protocol):
    """A closed shape in space."""

    @property
    def volume_mm3(self) -> float:
        """Volume by formula."""

    @property
    def size_mm(self) -> Vector:
        """Full extents along x, y, z."""

    @property
    def bounds_mm(self) -> tuple[Vector, Vector]:
        """Lowest and highest corner of the box around it."""

    def level(self, points_mm: F64) -> F64:
        """Below 0 inside, 0 on the surface, above 0 outside, for points ``(..., 3)``."""

    def surface(self) -> F64:
        """Points ``(n, 3)`` on the surface, corners and poles among them."""

    def slice_share(self, edges: Edges, k: int, samples: int) -> tuple[F64, F64]:
        """Share ``(y, x)`` of each voxel of slice `k` that it fills, and how much room that has to change.

        `edges` are voxel faces x, y, z. There is room where a curved surface passes; flat ends are exact.
        """


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """An ellipsoid along the axes; a sphere where the three diameters agree."""

    centre_mm: Vector
    size_mm: Vector

    @property
    def volume_mm3(self) -> float:
        """Pi / 6 times the product of the diameters."""
        a, b, c = self.size_mm
        return float(np.pi * a * b * c / (2 * (2 + 1)))

    @property
    def bounds_mm(self) -> tuple[Vector, Vector]:
        """Lowest and highest corner."""
        return _box(self.centre_mm, self.size_mm)

    @property
    def is_sphere(self) -> bool:
        """Whether all diameters agree."""
        return len(set(self.size_mm)) == 1

    def level(self, points_mm: F64) -> F64:
        """The gauge less 1, times the smallest half axis: a distance for a sphere."""
        scaled = (points_mm - np.array(self.centre_mm)) / (np.array(self.size_mm) / 2)
        return np.asarray((np.linalg.norm(scaled, axis=-1) - 1) * min(self.size_mm) / 2, dtype=np.float64)

    def surface(self) -> F64:
        """Circles of latitude, and the poles along the three axes."""
        turn = 2 * np.pi * np.arange(RING_POINTS) / RING_POINTS
        rise = np.pi * (np.arange(RING_POINTS // 2) / (RING_POINTS // 2) - 1 / 2)
        lat, lon = (v.ravel() for v in np.meshgrid(rise, turn, indexing="ij"))
        unit = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
        unit = np.concatenate([unit, np.eye(3), -np.eye(3)])
        return np.asarray(np.array(self.centre_mm) + unit * np.array(self.size_mm) / 2, dtype=np.float64)

    def slice_share(self, edges: Edges, k: int, samples: int) -> tuple[F64, F64]:
        """See `Solid`."""
        half = np.array(self.size_mm) / 2
        axes = [sub_samples(e, samples) for e in (edges[0], edges[1], edges[2][k : k + 2])]
        x, y, z = (axis - c for axis, c in zip(axes, self.centre_mm, strict=True))
        step = [float(axis[1] - axis[0]) if axis.size > 1 else float(np.diff(e)[0] / samples)
                for axis, e in zip(axes, edges, strict=True)]  # fmt: skip
        total = np.zeros((y.size, x.size))
        flat = (y[:, None] / half[1]) ** 2 + (x[None, :] / half[0]) ** 2
        for height in z:
            norm = np.sqrt(flat + (height / half[2]) ** 2)
            slopes = (x[None, :] / half[0] ** 2, y[:, None] / half[1] ** 2, np.array(height / half[2] ** 2))
            total += filled(norm, tuple(step), slopes)
        return with_room(gathered(total / samples, samples), 1.0)


@dataclass(frozen=True, slots=True)
class Box:
    """A box along the axes."""

    centre_mm: Vector
    size_mm: Vector

    @property
    def volume_mm3(self) -> float:
        """Product of the edges."""
        return float(np.prod(self.size_mm))

    @property
    def bounds_mm(self) -> tuple[Vector, Vector]:
        """Lowest and highest corner."""
        return _box(self.centre_mm, self.size_mm)

    def level(self, points_mm: F64) -> F64:
        """Distance to the nearest face's plane."""
        apart = np.abs(points_mm - np.array(self.centre_mm)) - np.array(self.size_mm) / 2
        return np.asarray(apart.max(axis=-1), dtype=np.float64)

    def surface(self) -> F64:
        """Corners, middles of edges and faces, and points between."""
        unit = np.linspace(-1, 1, RING_POINTS // 2 // 2 // 2)
        grid = np.stack(np.meshgrid(unit, unit, unit, indexing="ij"), axis=-1).reshape(-1, 3)
        grid = grid[np.abs(grid).max(axis=1) == 1]
        return np.asarray(np.array(self.centre_mm) + grid * np.array(self.size_mm) / 2, dtype=np.float64)

    def slice_share(self, edges: Edges, k: int, samples: int) -> tuple[F64, F64]:  # noqa: ARG002  exact without samples
        """See `Solid`; exact."""
        low, high = self.bounds_mm
        x, y = (overlap(edges[a], low[a], high[a]) for a in (0, 1))
        z = overlap(edges[2][k : k + 2], low[2], high[2])
        share = np.asarray(z[0] * y[:, None] * x[None, :], dtype=np.float64)
        return share, np.zeros_like(share)


@dataclass(frozen=True, slots=True)
class Cylinder:
    """An elliptic cylinder that stands along z."""

    centre_mm: Vector
    size_mm: Vector

    @property
    def volume_mm3(self) -> float:
        """Area of the ellipse times the length."""
        a, b, length = self.size_mm
        return float(np.pi / (2 * 2) * a * b * length)

    @property
    def bounds_mm(self) -> tuple[Vector, Vector]:
        """Lowest and highest corner."""
        return _box(self.centre_mm, self.size_mm)

    def level(self, points_mm: F64) -> F64:
        """The larger of the wall's gauge and the distance to the ends."""
        apart = points_mm - np.array(self.centre_mm)
        half = np.array(self.size_mm) / 2
        wall = (np.linalg.norm(apart[..., :2] / half[:2], axis=-1) - 1) * half[:2].min()
        return np.asarray(np.maximum(wall, np.abs(apart[..., 2]) - half[2]), dtype=np.float64)

    def surface(self) -> F64:
        """Rings at both ends, between, and the middles of the ends."""
        turn = 2 * np.pi * np.arange(RING_POINTS) / RING_POINTS
        ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        return _stacked(ring * np.array(self.size_mm[:2]) / 2, self.centre_mm, self.size_mm[2])

    def slice_share(self, edges: Edges, k: int, samples: int) -> tuple[F64, F64]:
        """See `Solid`; exact along z."""
        half = np.array(self.size_mm) / 2
        x, y = (sub_samples(edges[a], samples) - self.centre_mm[a] for a in (0, 1))
        steps = tuple(float(np.diff(edges[a])[0] / samples) for a in (0, 1))
        norm = np.sqrt((y[:, None] / half[1]) ** 2 + (x[None, :] / half[0]) ** 2)
        share = filled(norm, steps, (x[None, :] / half[0] ** 2, y[:, None] / half[1] ** 2))
        low, high = self.bounds_mm
        along = overlap(edges[2][k : k + 2], low[2], high[2])[0]
        return with_room(gathered(share, samples), float(along))


@dataclass(frozen=True, slots=True)
class TorsoCylinder:
    """The inside of the IEC body phantom, along z: half a disc in front, rounded corners behind.

    The front is half a disc of `front_radius_mm`; the back is as wide, straight in the middle, with corners
    of `back_radius_mm`. `centre_mm` is the middle of width, depth and length.
    """

    centre_mm: Vector
    front_radius_mm: float
    back_radius_mm: float
    length_mm: float

    @property
    def straight_mm(self) -> float:
        """Width of the straight part of the back."""
        return 2 * (self.front_radius_mm - self.back_radius_mm)

    @property
    def volume_mm3(self) -> float:
        """Half a disc, two quarters of a disc and a rectangle, times the length."""
        front, back = self.front_radius_mm, self.back_radius_mm
        area = np.pi * (front**2 + back**2) / 2 + self.straight_mm * back
        return float(area * self.length_mm)

    @property
    def size_mm(self) -> Vector:
        """Width, depth and length."""
        return (2 * self.front_radius_mm, self.front_radius_mm + self.back_radius_mm, self.length_mm)

    @property
    def bounds_mm(self) -> tuple[Vector, Vector]:
        """Lowest and highest corner."""
        return _box(self.centre_mm, self.size_mm)

    @property
    def _disc_y_mm(self) -> float:
        """Where the half disc ends."""
        return self.centre_mm[1] + (self.front_radius_mm - self.back_radius_mm) / 2

    def _outline(self, x: F64, y: F64) -> tuple[F64, F64, F64]:
        """Distance to the outline and the normal's components, for x and y relative to the axis."""
        behind = y > self._disc_y_mm
        dx = x - self.centre_mm[0]
        side = np.where(behind, np.sign(dx) * np.maximum(np.abs(dx) - self.straight_mm / 2, 0), dx)
        dy = y - self._disc_y_mm
        radius = np.hypot(side, dy)
        safe = np.maximum(radius, np.finfo(np.float64).tiny)
        away = radius - np.where(behind, self.back_radius_mm, self.front_radius_mm)
        return away, side / safe, dy / safe

    def level(self, points_mm: F64) -> F64:
        """Distance to the wall or the ends."""
        wall, _, _ = self._outline(points_mm[..., 0], points_mm[..., 1])
        ends = np.abs(points_mm[..., 2] - self.centre_mm[2]) - self.length_mm / 2
        return np.asarray(np.maximum(wall, ends), dtype=np.float64)

    def surface(self) -> F64:
        """Rings along the outline at both ends and between."""
        turn = 2 * np.pi * np.arange(RING_POINTS) / RING_POINTS
        behind = np.sin(turn) > 0
        radius = np.where(behind, self.back_radius_mm, self.front_radius_mm)
        x = radius * np.cos(turn) + np.where(behind, np.sign(np.cos(turn)) * self.straight_mm / 2, 0)
        y = radius * np.sin(turn) + self._disc_y_mm - self.centre_mm[1]
        return _stacked(np.stack([x, y], axis=1), self.centre_mm, self.length_mm)

    def slice_share(self, edges: Edges, k: int, samples: int) -> tuple[F64, F64]:
        """See `Solid`; exact along z."""
        x, y = (sub_samples(edges[a], samples) for a in (0, 1))
        away, nx, ny = self._outline(*np.meshgrid(x, y))
        steps = [float(np.diff(edges[a])[0] / samples) for a in (0, 1)]
        width = np.maximum(np.hypot(nx * steps[0], ny * steps[1]), min(steps) / 2)
        share = np.clip(1 / 2 - away / width, 0, 1)
        low, high = self.bounds_mm
        along = overlap(edges[2][k : k + 2], low[2], high[2])[0]
        return with_room(gathered(share, samples), float(along))


def _box(centre: Vector, size: Vector) -> tuple[Vector, Vector]:
    (x, y, z), (a, b, c) = centre, size
    return (x - a / 2, y - b / 2, z - c / 2), (x + a / 2, y + b / 2, z + c / 2)


def _stacked(ring: F64, centre: Vector, length_mm: float) -> F64:
    """A ring of ``(x, y)`` about the axis at several heights from end to end, and the middles of the ends."""
    heights = np.linspace(-length_mm / 2, length_mm / 2, RING_POINTS // 2 // 2 // 2)
    walls = [np.column_stack([ring, np.full(len(ring), h)]) for h in heights]
    ends = [[0.0, 0.0, -length_mm / 2], [0.0, 0.0, length_mm / 2]]
    return np.asarray(np.concatenate([*walls, ends]) + np.array(centre), dtype=np.float64)
