"""Thin layers of fat between two tissues of one CT number, drawn with the blur and the noise of a scanner."""

import numpy as np
import pytest
from scipy import ndimage

from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.segmentation.fat_planes import fat_planes, mixed_with_fat
from emboplan.segmentation.liver import fine_image
from emboplan.segmentation.parenchyma import Parenchyma
from emboplan.segmentation.surface import at_half_contrast
from emboplan.segmentation.working import Bools, working_image

EDGES_MM = (2.0, 0.8, 0.8)
SHAPE = (30, 90, 90)
TISSUE_HU = 70.0
BLUR_MM = 0.6
FINER = 4  # samples along y in a voxel: layers end anywhere


def block(layer_mm: float, noise_hu: float, beyond_hu: float = TISSUE_HU) -> CtImage:
    """Tissue before and behind a layer of fat that lies across the image's middle."""
    y = (np.arange(SHAPE[1] * FINER) + 0.5) * EDGES_MM[1] / FINER
    middle = SHAPE[1] * EDGES_MM[1] / 2
    line = np.where(np.abs(y - middle) < layer_mm / 2, -100.0, np.where(y < middle, TISSUE_HU, beyond_hu))
    line = ndimage.gaussian_filter1d(line, BLUR_MM * FINER / EDGES_MM[1])
    hu = np.broadcast_to(line.reshape(SHAPE[1], FINER).mean(axis=1)[None, :, None], SHAPE)
    hu = hu + np.random.default_rng(3).normal(0, noise_hu, SHAPE)
    return CtImage(Grid(SHAPE, EDGES_MM, (0.0, 0.0, 0.0)), np.round(hu).astype(np.int16))


def planes_of(ct: CtImage) -> Bools:
    work = working_image(ct)
    return fat_planes(fine_image(ct), work, np.ones(work.hu.shape, np.bool_), TISSUE_HU)


@pytest.mark.parametrize("layer_mm", [1.5, 2.0, 3.0])
def test_a_thin_layer_is_found_and_nothing_else(layer_mm: float) -> None:
    """All of it but for holes, in one or two working voxels of 2.4 mm, at the noise of a thin slice."""
    found = planes_of(block(layer_mm, 15.0))
    rows = np.flatnonzero(found.any(axis=(0, 2)))
    assert set(rows) <= {14, 15}
    assert found.any(axis=1).mean() > 0.98


@pytest.mark.parametrize("noise_hu", [0.0, 15.0, 25.0])
def test_tissue_without_fat_has_no_planes(noise_hu: float) -> None:
    assert not planes_of(block(0.0, noise_hu)).any()


def test_the_edge_of_thick_fat_is_no_plane() -> None:
    """Neither that of a layer of 20 mm nor that of fat without end."""
    assert not planes_of(block(20.0, 15.0)).any()
    assert not planes_of(block(0.0, 15.0, beyond_hu=-100.0)).any()


def test_without_a_body_there_is_none() -> None:
    work = working_image(block(2.0, 0.0))
    nothing = np.zeros(work.hu.shape, np.bool_)
    assert not fat_planes(fine_image(block(2.0, 0.0)), work, nothing, TISSUE_HU).any()


def test_a_mixture_lies_on_the_line_between_both() -> None:
    assert mixed_with_fat(60.0, 0.0) == 60.0
    assert mixed_with_fat(60.0, 0.5) == -20.0
    assert np.array_equal(mixed_with_fat(np.array([100.0, 50.0], np.float32), 0.4), [20.0, -10.0])


@pytest.mark.parametrize("layer_mm", [2.0, 3.0])
def test_the_surface_stops_before_a_thin_layer(layer_mm: float) -> None:
    """A region that was let through to the muscle comes back to the layer's near side."""
    ct = block(layer_mm, 8.0)
    fine = fine_image(ct)
    middle = SHAPE[1] * EDGES_MM[1] / 2
    y_mm = (np.arange(fine.hu.shape[1]) + 0.5) * fine.spacing_zyx_mm[1]
    region = np.zeros(fine.hu.shape, np.bool_)
    region[:, y_mm < middle + layer_mm / 2] = True
    found = at_half_contrast(
        fine, fine.hu, region, np.ones_like(region), Parenchyma.single(TISSUE_HU, 7.0), 1.4
    )
    surface_mm = found[5:-5, :, 5:-5].sum(axis=1) * fine.spacing_zyx_mm[1]
    assert float(surface_mm.mean()) == pytest.approx(middle - layer_mm / 2, abs=fine.spacing_zyx_mm[1] / 2)
