"""Hypothesis strategies shared by the geometry tests: rotations, grids and small arrays."""

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from emboplan.model.grid import Grid

ANGLES = st.floats(-np.pi, np.pi)
SPACINGS = st.floats(0.3, 8.0)
ORIGINS = st.floats(-2000.0, 2000.0)  # couch positions of real scanners stay inside


def rotation(a: float, b: float, c: float) -> NDArray[np.float64]:
    """A rotation matrix from three angles (about z, y, then x)."""
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(c), -np.sin(c)], [0, np.sin(c), np.cos(c)]])
    turned: NDArray[np.float64] = about_z @ about_y @ about_x
    return turned


ROTATIONS = st.builds(rotation, ANGLES, ANGLES, ANGLES)
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6))


@st.composite
def grids(draw: st.DrawFn, *, oblique: bool = True) -> Grid:
    """Small grids anywhere in the room, anisotropic, turned unless `oblique` is false."""
    axes = draw(ROTATIONS) if oblique else np.eye(3)
    return Grid(
        shape=draw(SHAPES),
        spacing_mm=draw(st.tuples(SPACINGS, SPACINGS, SPACINGS)),
        origin_mm=draw(st.tuples(ORIGINS, ORIGINS, ORIGINS)),
        direction=tuple(axes.reshape(-1)),
    )


def numbered(grid: Grid) -> NDArray[np.int16]:
    """An array of the grid's shape in which each voxel has its own number."""
    return np.arange(np.prod(grid.shape), dtype=np.int16).reshape(grid.shape)
