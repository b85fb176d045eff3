"""Digests of voxels: the same for the same voxels in the patient, in whatever order they are stored."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emboplan.imaging.fingerprint import voxels_sha256
from emboplan.imaging.orient import reoriented
from emboplan.model.grid import Grid

GRID = Grid((3, 4, 5), (1.0, 2.0, 3.0), (0.0, 0.0, 0.0))
VALUES = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
SIDEWAYS = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


def test_the_order_of_axes_does_not_matter() -> None:
    turned, grid = reoriented(VALUES, GRID, like=SIDEWAYS)
    assert turned.shape != VALUES.shape
    assert voxels_sha256(VALUES, GRID) == voxels_sha256(turned, grid)


@given(st.integers(0, 59))
def test_every_voxel_matters(place: int) -> None:
    other = VALUES.copy()
    other.flat[place] += 1
    assert voxels_sha256(VALUES, GRID) != voxels_sha256(other, GRID)


def test_the_order_of_bytes_does_not_matter() -> None:
    assert voxels_sha256(VALUES, GRID) == voxels_sha256(VALUES.astype(">i2"), GRID)
