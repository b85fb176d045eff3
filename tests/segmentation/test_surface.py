"""Local means, against sums over all voxels; and the surface that they place at half contrast."""

import numpy as np
import pytest

from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.segmentation.parenchyma import Parenchyma
from emboplan.segmentation.surface import at_half_contrast, local_mean
from emboplan.segmentation.working import Floats, WorkingImage, working_image

GRID = Grid((16, 20, 24), (2.5, 2.5, 2.5), (0.0, 0.0, 0.0))
SIGMA_MM = 4.0


def work_of(hu: Floats) -> WorkingImage:
    """An image on axes that run left, back and up, which is its own working image."""
    work = working_image(CtImage(GRID, hu))
    assert work.hu.shape == GRID.shape
    return work


def test_a_local_mean_is_that_of_the_voxels_around() -> None:
    """Sums over all voxels with a Gaussian's weights, at voxels whose Gaussian ends inside the image."""
    rng = np.random.default_rng(2)
    values = rng.normal(100, 20, GRID.shape).astype(np.float32)
    where = rng.random(GRID.shape) < 0.3
    found = local_mean(work_of(values), values, where, SIGMA_MM, 7.0)
    places = np.moveaxis(np.indices(GRID.shape), 0, -1) * 2.5
    for at in ((8, 10, 12), (7, 9, 11), (8, 12, 14)):
        apart = np.abs(places - places[at])
        # Gaussians are cut at three deviations along each axis, rounded to whole voxels.
        near = (apart <= 3 * SIGMA_MM + 1.25).all(axis=-1)
        weight = np.exp(-((apart / SIGMA_MM) ** 2).sum(axis=-1) / 2) * (where & near)
        assert found[at] == pytest.approx(float((weight * values).sum() / weight.sum()), rel=1e-4)


def test_far_from_all_voxels_the_mean_is_what_was_said() -> None:
    """One number or one for each voxel; near the only voxel its value."""
    values = np.full(GRID.shape, 40.0, np.float32)
    where = np.zeros(GRID.shape, np.bool_)
    where[2, 2, 2] = True
    usual = np.linspace(90, 110, values.size, dtype=np.float32).reshape(GRID.shape)
    work = work_of(values)
    by_voxel = local_mean(work, values, where, SIGMA_MM, usual)
    by_number = local_mean(work, values, where, SIGMA_MM, 100.0)
    assert by_number[2, 2, 3] == pytest.approx(40.0, rel=1e-6)
    # Means are of what differs from the usual: its own change from voxel to voxel stays.
    assert by_voxel[2, 2, 3] == pytest.approx(40.0 + usual[2, 2, 3] - usual[2, 2, 2], rel=1e-6)
    assert np.array_equal(by_voxel[10:], usual[10:])
    assert np.array_equal(by_number[10:], np.full((6, 20, 24), 100.0, np.float32))
    assert np.array_equal(by_number, local_mean(work, values, where, SIGMA_MM, np.full_like(values, 100.0)))


@pytest.mark.parametrize("outside_hu", [-100.0, 20.0])
@pytest.mark.parametrize("off", [-1, 0, 1])
def test_the_surface_comes_to_half_contrast(outside_hu: float, off: int) -> None:
    """A plane between two voxels, found from one voxel too few or too many, beside fat and muscle alike."""
    hu = np.full(GRID.shape, outside_hu, np.float32)
    hu[:, :, :12] = 110
    work = work_of(hu)
    region = np.zeros(GRID.shape, np.bool_)
    region[:, :, : 12 + off] = True
    moved = at_half_contrast(work, hu, region, ~np.zeros_like(region), Parenchyma(110, 6, 100, 120), 3.0)
    expected = np.zeros(GRID.shape, np.bool_)
    expected[:, :, :12] = True
    assert np.array_equal(moved, expected)
