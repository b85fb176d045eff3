"""Implicit shapes on a lattice: the drawing tools of the atlas.

A shape is a field that is negative inside and grows by about one per millimetre. Fields live on a regular
lattice in the patient (nodes of equal spacing on all axes); they are computed at *atlas* coordinates, so that
one smooth warp of the lattice bends all organs together and keeps what touches in touch. Organs are drawn
on blocks, parts of the lattice around them, to save time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float32]
Points = NDArray[np.float64]
Triple = Sequence[float] | NDArray[np.float64]
Path = Sequence[Sequence[float]]

FAR_MM = 1e3  # a field's value where a shape is nowhere near
WARP_ITERATIONS = (
    12  # the warp's gradient stays below 0.3: each step gains half a digit, twelve reach a micrometre
)
WARP_MODES = 5  # a handful of long waves: enough that no two bodies bend alike


@dataclass(frozen=True, slots=True)
class Warp:
    """A smooth map from patient to atlas: a roll about z, a scale per axis, and waves that bend the body.

    `waves` has a row ``kx, ky, kz, phase, ax, ay, az`` per wave: it displaces by ``a * sin(k . u + phase)``,
    where ``u`` is the rolled and scaled point.
    """

    scale: tuple[float, float, float]
    roll_deg: float
    waves: NDArray[np.float64]

    def displacement(self, points: Points) -> Points:
        """How far each rolled and scaled point ``(..., 3)`` is moved, in atlas millimetres."""
        out = np.zeros_like(points)
        for *wave, phase, ax, ay, az in self.waves:
            swing = np.sin(points @ np.array(wave, points.dtype) + points.dtype.type(phase))
            out += swing[..., None] * np.array((ax, ay, az), points.dtype)
        return out

    def to_atlas(self, patient: ArrayLike) -> Points:
        """Atlas position of patient points ``(..., 3)``."""
        points = np.asarray(patient)
        points = points @ (turned(0, 0, self.roll_deg).T / np.array(self.scale)).astype(points.dtype)
        moved: Points = points + self.displacement(points)
        return moved

    def to_patient(self, atlas: ArrayLike) -> Points:
        """Patient position of atlas points, the inverse of `to_atlas`, by fixed-point iteration."""
        target = np.asarray(atlas, dtype=np.float64)
        points = target
        for _ in range(WARP_ITERATIONS):
            points = target - self.displacement(points)
        back: Points = (points * np.array(self.scale)) @ turned(0, 0, self.roll_deg)
        return back


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A box of lattice nodes: index ``(z, y, x)`` of its first node and the atlas coordinates of all."""

    box: tuple[slice, slice, slice]
    x: Array
    y: Array
    z: Array


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Nodes of equal spacing over the patient, with their atlas coordinates."""

    origin_mm: tuple[float, float, float]
    spacing_mm: float
    warp: Warp
    x: Array
    y: Array
    z: Array
    ends: tuple[tuple[Array, Array], ...]
    """Least and most ``(plane, coordinate)`` atlas coordinates of the planes of nodes across z, y and x."""

    @classmethod
    def over(cls, lower_mm: Triple, upper_mm: Triple, spacing_mm: float, warp: Warp) -> Lattice:
        """A lattice that covers a box of the patient, one node beyond each face."""
        lower = np.array(lower_mm) - spacing_mm
        counts = np.ceil((np.array(upper_mm) + spacing_mm - lower) / spacing_mm).astype(int) + 1
        axes = [(lower[a] + spacing_mm * np.arange(counts[a])).astype(np.float32) for a in range(3)]
        z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
        atlas = warp.to_atlas(np.stack([x, y, z], axis=-1))
        x32, y32, z32 = (np.ascontiguousarray(atlas[..., a], dtype=np.float32) for a in range(3))
        atlas_axes = (x32, y32, z32)
        ends = tuple(
            (
                np.stack([c.min(axis=others) for c in atlas_axes], axis=1),
                np.stack([c.max(axis=others) for c in atlas_axes], axis=1),
            )
            for others in ((1, 2), (0, 2), (0, 1))
        )
        origin = (float(lower[0]), float(lower[1]), float(lower[2]))
        return cls(origin, spacing_mm, warp, x32, y32, z32, ends)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of nodes ``(z, y, x)``."""
        nz, ny, nx = self.x.shape
        return (nz, ny, nx)

    @property
    def whole(self) -> Block:
        """The block of all nodes."""
        return self.block((slice(0, self.shape[0]), slice(0, self.shape[1]), slice(0, self.shape[2])))

    def block(self, box: tuple[slice, slice, slice]) -> Block:
        """The block of ``array[box]``."""
        return Block(box, self.x[box], self.y[box], self.z[box])

    def around(self, lower: Triple, upper: Triple, margin_mm: float) -> Block:
        """The block of nodes whose atlas coordinates lie in a box, widened by a margin."""
        low, high = np.array(lower) - margin_mm, np.array(upper) + margin_mm
        box = self._planes_between(low, high)
        near = [
            (c[box] >= a) & (c[box] <= b) for c, a, b in zip((self.x, self.y, self.z), low, high, strict=True)
        ]
        hit = near[0] & near[1] & near[2]
        slices = []
        for axis in range(3):
            others = tuple(a for a in range(3) if a != axis)
            index = np.flatnonzero(hit.any(axis=others)) + box[axis].start
            first, last = (int(index[0]), int(index[-1]) + 1) if index.size else (0, 1)
            slices.append(slice(first, last))
        return self.block((slices[0], slices[1], slices[2]))

    def _planes_between(self, low: Points, high: Points) -> tuple[slice, slice, slice]:
        """A box of nodes with all whose atlas coordinates lie between two corners, from whole planes."""
        slices = []
        for axis in range(3):
            least, most = self.ends[axis]
            index = np.flatnonzero(((most >= low) & (least <= high)).all(axis=1))
            slices.append(slice(int(index[0]), int(index[-1]) + 1) if index.size else slice(0, 1))
        return (slices[0], slices[1], slices[2])


def union(*fields: Array) -> Array:
    """Inside any."""
    out = fields[0]
    for field in fields[1:]:
        out = np.minimum(out, field)
    return out


def intersection(*fields: Array) -> Array:
    """Inside all."""
    out = fields[0]
    for field in fields[1:]:
        out = np.maximum(out, field)
    return out


def smooth_union(a: Array, b: Array, round_mm: float) -> Array:
    """Inside either, with the crease filled over about `round_mm` (polynomial smooth minimum)."""
    h = np.clip(np.float32(0.5) + (b - a) / np.float32(2 * round_mm), 0, 1)
    out: Array = b + (a - b) * h - np.float32(round_mm) * h * (1 - h)
    return out


def smooth_intersection(a: Array, b: Array, round_mm: float) -> Array:
    """Inside both, with the edge rounded over about `round_mm`."""
    return -smooth_union(-a, -b, round_mm)


def without(a: Array, b: Array, round_mm: float) -> Array:
    """Inside `a` and not inside `b`, with rounded edges."""
    return smooth_intersection(a, -b, round_mm)


def ellipsoid(block: Block, centre: Triple, semi: Triple, turn: Points | None = None) -> Array:
    """An ellipsoid, tilted by `turn` (3 x 3, rows are the axes); near distance beside its surface."""
    x, y, z = (c - np.float32(v) for c, v in zip((block.x, block.y, block.z), centre, strict=True))
    if turn is not None:
        m = turn.astype(np.float32)
        x, y, z = (m[r, 0] * x + m[r, 1] * y + m[r, 2] * z for r in range(3))
    a, b, c = (np.float32(v) for v in semi)
    near = np.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2)
    slope = np.sqrt((x / a**2) ** 2 + (y / b**2) ** 2 + (z / c**2) ** 2)
    # the first-order distance near*(near-1)/slope, which tends to -the least semi-axis at the centre
    floor = np.float32(1e-6)
    out: Array = near * (near - 1) / np.maximum(slope, floor)
    return np.where(near < floor, -min(a, b, c), out).astype(np.float32)


def half_space(block: Block, point: Triple, outward: Triple) -> Array:
    """Behind a plane through `point` whose outward normal is `outward`."""
    n = np.array(outward, dtype=np.float64)
    n /= np.linalg.norm(n)
    out: Array = (
        np.float32(n[0]) * (block.x - np.float32(point[0]))
        + np.float32(n[1]) * (block.y - np.float32(point[1]))
        + np.float32(n[2]) * (block.z - np.float32(point[2]))
    )
    return out


def tube(block: Block, path: Path, flat: tuple[float, float, float] = (1, 1, 1)) -> Array:
    """A tube along a path of ``(x, y, z, radius)``, its radius changing linearly between points.

    `flat` stretches the section per axis (above 1 is wider).
    """
    return _tube(block, path, flat, None)


def tube_with_axis(
    block: Block, path: Path, flat: tuple[float, float, float] = (1, 1, 1)
) -> tuple[Array, Array]:
    """A tube, and at each node the y of the nearest point of its axis (for levels of fluid under gas)."""
    axis_y = np.zeros(block.x.shape, np.float32)
    return _tube(block, path, flat, axis_y), axis_y


def _tube(block: Block, path: Path, flat: tuple[float, float, float], axis_y: Array | None) -> Array:
    """The tube's field, plane by plane: the numbers of a plane stay in the processor's cache."""
    f = np.asarray(flat, dtype=np.float32)
    ends = np.array(path, dtype=np.float32)
    ends[:, :3] /= f
    field = np.full(block.x.shape, FAR_MM, np.float32)
    for k, nearest in enumerate(field):
        x, y, z = block.x[k] / f[0], block.y[k] / f[1], block.z[k] / f[2]
        for p, q in pairwise(ends):
            distance, t = _segment(x - p[0], y - p[1], z - p[2], p, q)
            if axis_y is not None:
                np.copyto(axis_y[k], (p[1] + t * (q[1] - p[1])) * f[1], where=distance < nearest)
            np.minimum(nearest, distance, out=nearest)
    return field


def _segment(px: Array, py: Array, pz: Array, p: Array, q: Array) -> tuple[Array, Array]:
    """Distance to the cone from `p` to `q`, points given from `p`, and the part of the way along it."""
    u = q[:3] - p[:3]
    t = np.clip((px * u[0] + py * u[1] + pz * u[2]) / max(float(u @ u), 1e-9), 0, 1)
    distance = np.sqrt((px - t * u[0]) ** 2 + (py - t * u[1]) ** 2 + (pz - t * u[2]) ** 2)
    distance -= p[3] + t * (q[3] - p[3])
    return distance, t


def curve(points: Path, step_mm: float) -> list[list[float]]:
    """A smooth path through points of any number of columns (the first three are a position)."""
    from scipy.interpolate import PchipInterpolator

    given = np.asarray(points, dtype=np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(given[:, :3], axis=0), axis=1))])
    count = max(2, int(np.ceil(along[-1] / step_mm)) + 1)
    smooth = PchipInterpolator(along, given)(np.linspace(0.0, along[-1], count))
    return [list(map(float, row)) for row in smooth]


def profile(knots: Sequence[tuple[float, ...]], at: ArrayLike) -> list[NDArray[np.float64]]:
    """Smooth functions through rows ``(argument, value, value, ...)``, each evaluated at `at`."""
    rows = tuple(tuple(map(float, row)) for row in knots)
    argument = np.clip(np.asarray(at, dtype=np.float64), rows[0][0], rows[-1][0])
    values = _through(rows)(argument)
    return [values[..., n] for n in range(values.shape[-1])]


@cache
def _through(rows: tuple[tuple[float, ...], ...]) -> Callable[[Points], Points]:
    """The functions of `profile`; the frame's are asked for a thousand times a patient."""
    from scipy.interpolate import PchipInterpolator

    table = np.array(rows)
    found: Callable[[Points], Points] = PchipInterpolator(table[:, 0], table[:, 1:])
    return found


def turned(about_x_deg: float, about_y_deg: float, about_z_deg: float) -> Points:
    """A 3 x 3 rotation whose rows are the turned axes, angles in degrees applied z, then y, then x."""
    cx, cy, cz = np.cos(np.radians([about_x_deg, about_y_deg, about_z_deg]))
    sx, sy, sz = np.sin(np.radians([about_x_deg, about_y_deg, about_z_deg]))
    x = np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
    y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    z = np.array([[cz, sz, 0], [-sz, cz, 0], [0, 0, 1]])
    out: Points = x @ y @ z
    return out
