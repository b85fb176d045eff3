"""The half-voxel band against the surfaces of a box and of spheres."""

import math

import numpy as np
import pytest

from emboplan.measure.surface import half_voxel_band_ml
from emboplan.model.grid import Grid


def test_a_box_by_hand() -> None:
    """One voxel has six faces: 2/3 x 6 x half a voxel are two voxels' volumes."""
    grid = Grid((1, 1, 1), (1.0, 2.0, 5.0), (0.0, 0.0, 0.0))
    assert half_voxel_band_ml(np.ones((1, 1, 1), dtype=np.bool_), grid) == pytest.approx(2 * 0.01)


@pytest.mark.parametrize("radius", [8.0, 15.0, 30.0])
def test_a_sphere(radius: float) -> None:
    """Area times half a voxel, within 5 %, for voxels of 1 mm."""
    n = 2 * int(radius) + 5
    grid = Grid((n, n, n), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    z, y, x = np.meshgrid(*[np.arange(n) - (n - 1) / 2 + 0.2] * 3, indexing="ij")
    band = half_voxel_band_ml(x**2 + y**2 + z**2 <= radius**2, grid)
    assert band == pytest.approx(4 * math.pi * radius**2 * 0.5 / 1000, rel=0.05)
