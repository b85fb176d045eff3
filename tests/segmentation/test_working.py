"""The working image: turned to LPS, averaged, and back without loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from emboplan.errors import SegmentationError
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.segmentation.working import (
    HALVED_VOXELS,
    REACH_SIGMAS,
    block_mean,
    smooth,
    turn_to_lps,
    working_image,
)

AXES = {
    "as it is": (1, 0, 0, 0, 1, 0, 0, 0, 1),
    "head first reversed": (-1, 0, 0, 0, 1, 0, 0, 0, -1),
    "turned over": (-1, 0, 0, 0, -1, 0, 0, 0, 1),
    "sagittal": (0, 0, -1, 1, 0, 0, 0, -1, 0),
    "coronal": (1, 0, 0, 0, 0, 1, 0, -1, 0),
}


@pytest.mark.parametrize("name", AXES)
def test_working_axes_run_left_back_and_up(name: str) -> None:
    """A voxel marked at a patient position is found there, whatever the order of the axes."""
    grid = Grid((12, 10, 14), (3.0, 3.0, 3.0), (5.0, -7.0, 11.0), AXES[name])
    corners = grid.to_mm([[0, 0, 0], [13, 9, 11]])
    low = corners.min(axis=0)
    index_xyz = (3, 2, 5)
    hu = np.full(grid.shape, -1000, np.int16)
    hu[index_xyz[::-1]] = 1000
    work = working_image(CtImage(grid, hu))
    expected_xyz = np.round((grid.to_mm(index_xyz) - low) / 3.0)
    assert tuple(expected_xyz.astype(int)) == np.unravel_index(work.hu.argmax(), work.hu.shape)[::-1]


@pytest.mark.parametrize("name", AXES)
def test_turning_forward_and_backward_is_no_change(name: str) -> None:
    grid = Grid((3, 4, 5), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXES[name])
    turn = turn_to_lps(grid)
    array = np.arange(60).reshape(3, 4, 5)
    assert np.array_equal(array, turn.backward(turn.forward(array)))


def test_an_image_askew_is_refused() -> None:
    c = np.cos(np.pi / 4)
    with pytest.raises(SegmentationError, match="askew"):
        turn_to_lps(Grid((3, 4, 5), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (c, -c, 0, c, c, 0, 0, 0, 1)))


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
def test_block_means_of_a_constant_are_the_constant(nz: int, ny: int, nx: int, factor: int) -> None:
    """Also in the part blocks at the end of an axis."""
    means = block_mean(np.full((nz, ny, nx), 7, np.int16), (factor, 1, factor))
    assert (-(-nz // factor), ny, -(-nx // factor)) == means.shape
    assert (means == 7).all()


def test_a_ball_keeps_its_volume_on_the_way_down_and_up() -> None:
    """4/3 pi r^3 for r = 20 mm within 1 %, though the working voxels are twice as large."""
    grid = Grid((60, 60, 60), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    z, y, x = np.ogrid[0:60, 0:60, 0:60]
    ball = (z - 29.5) ** 2 + (y - 29.5) ** 2 + (x - 29.5) ** 2 <= 20.0**2
    work = working_image(CtImage(grid, np.zeros(grid.shape, np.int16)))
    share = block_mean(ball, work.factors) - np.float32(0.5)
    whole = (slice(0, 30), slice(0, 30), slice(0, 30))
    assert work.factors == (2, 2, 2)
    assert pytest.approx(4 / 3 * np.pi * 20**3, rel=0.01) == int(work.native_mask(share, whole).sum())


@pytest.mark.parametrize("shape", [(40, 60, 50), (3, 400, 300), (200, 60, 50)])
def test_smoothing_in_halves_is_smoothing_as_a_whole(shape: tuple[int, int, int]) -> None:
    values = np.random.default_rng(4).normal(size=shape).astype(np.float32)
    sigmas = (1.3, 0.7, 2.9)
    whole = ndimage.gaussian_filter(values, sigmas, truncate=REACH_SIGMAS)
    assert (values.size >= HALVED_VOXELS) == (shape[0] != 40)
    assert np.array_equal(smooth(values, sigmas), whole)
