"""A drawn body with a liver, a spleen and a spine, seen through any map of places, and known maps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from emboplan.imaging.transform import Transform, grid_points
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.model.mask import Mask

Floats = NDArray[np.float64]

GRID = Grid(shape=(40, 48, 48), spacing_mm=(4.0, 4.0, 4.0), origin_mm=(-94.0, -94.0, -78.0))
IN_FRAME = Grid(GRID.shape, GRID.spacing_mm, GRID.origin_mm, frame_of_reference_uid="1.2.3")
MIDDLE = np.array([-30.0, -5.0, 5.0])


def in_liver(places: Floats) -> NDArray[np.bool_]:
    """An ellipsoid of 40 x 35 x 45 mm half axes."""
    x, y, z = np.moveaxis(places, -1, 0)
    return np.asarray(((x + 30) / 40) ** 2 + ((y + 5) / 35) ** 2 + ((z - 5) / 45) ** 2 < 1)


def body(places: Floats) -> Floats:
    """HU at places ``(..., 3)``: vessels in the liver make its inside known too."""
    x, y, z = np.moveaxis(places, -1, 0)
    hu = np.full(x.shape, -1000.0)
    hu[(x / 80) ** 2 + (y / 60) ** 2 < 1] = 0.0
    hu[in_liver(places)] = 90.0
    for row in range(3):  # vessels along x at different heights
        hu[in_liver(places) & ((y + 12 - 8 * row) ** 2 + (z + 15 - 20 * row) ** 2 < 7**2)] = 170.0
    hu[((x - 45) / 18) ** 2 + ((y - 15) / 15) ** 2 + (z / 25) ** 2 < 1] = 140.0
    hu[x**2 + (y - 42) ** 2 < 12**2] = 400.0
    return hu


def turned(degrees: float, shift: tuple[float, float, float]) -> Floats:
    """From the moving image's points to the fixed image's: a turn about z and a shift."""
    angle = np.radians(degrees)
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = shift
    return matrix


def through(matrix: Floats) -> Callable[[Floats], Floats]:
    """A matrix as a map of places."""
    return lambda places: np.asarray(places @ matrix[:3, :3].T + matrix[:3, 3])


def seen(
    to_fixed: Callable[[Floats], Floats],
    draw: Callable[[Floats], Floats] = body,
    grid: Grid = GRID,
    noise: float = 20.0,
    seed: int = 1,
) -> NDArray[np.float32]:
    """What an image shows whose points a map takes to the drawing; each voxel is the mean of eight points."""
    points = grid_points(grid)
    corners = [np.array([x, y, z]) / 4 * grid.spacing_mm for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    values = np.mean([draw(to_fixed(points + grid.axes @ corner)) for corner in corners], axis=0)
    return np.asarray(values + np.random.default_rng(seed).normal(0, noise, grid.shape), np.float32)


def ct(to_fixed: Callable[[Floats], Floats], grid: Grid = GRID, seed: int = 1) -> CtImage:
    """A CT of the drawing; another seed has other noise, as another scan has."""
    return CtImage(grid, seen(to_fixed, grid=grid, seed=seed))


def liver(grid: Grid = GRID) -> Mask:
    """The liver as drawn."""
    return Mask(grid, in_liver(grid_points(grid)))


def liver_points() -> Floats:
    """Some places in the liver."""
    return GRID.to_mm(np.argwhere(liver().voxels)[::50, ::-1])


def off_mm(found: Transform, to_fixed: Callable[[Floats], Floats]) -> Floats:
    """How far from itself tissue of the liver comes out, there by what was found and back by what is true."""
    points = liver_points()
    return np.asarray(np.linalg.norm(to_fixed(found.points_to_moving(points)) - points, axis=-1))


def breathing(places: Floats) -> Floats:
    """A smooth bend: up to 9 mm along z in the liver's middle, less all round, and 4 mm to the back."""
    away = places - MIDDLE
    strength = np.exp(-(away**2).sum(axis=-1) / (2 * 50.0**2))
    bent = places.copy()
    bent[..., 2] -= 9.0 * strength
    bent[..., 1] -= 4.0 * strength * np.sin(away[..., 2] / 50.0)
    return bent
