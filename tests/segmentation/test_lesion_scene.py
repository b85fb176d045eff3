"""The parenchyma's level inside a drawn liver: with drift, with large lesions, and with mostly tumour."""

import numpy as np
import pytest
from numpy.typing import NDArray

from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.segmentation.lesion_scene import scene_of
from emboplan.segmentation.working import working_image

SHAPE = (70, 70, 70)
EDGE_MM = 2.2
LIVER_HU = 100.0


def scene_with(lesions: NDArray[np.bool_], contrast_hu: float, drift_hu: float = 0.0):  # type: ignore[no-untyped-def]  # a private class
    """A ball of liver with lesions of one contrast, and a drift from its left to its right."""
    z, y, x = np.ogrid[0:70, 0:70, 0:70]
    ball = np.asarray((z - 34.5) ** 2 + (y - 34.5) ** 2 + (x - 34.5) ** 2 <= 32**2)
    hu = np.where(ball, LIVER_HU + drift_hu * (x - 34.5) / 32, -100.0)
    hu = np.where(lesions & ball, hu + contrast_hu, hu) + np.random.default_rng(1).normal(0, 14, SHAPE)
    grid = Grid(SHAPE, (EDGE_MM,) * 3, (0.0, 0.0, 0.0))
    return scene_of(working_image(CtImage(grid, np.round(hu).astype(np.int16))), ball), ball


def balls(*places: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    z, y, x = np.ogrid[0:70, 0:70, 0:70]
    out = np.zeros(SHAPE, np.bool_)
    for cz, cy, cx, r in places:
        out |= (z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= r**2
    return out


def test_large_faint_lesions_do_not_pull_the_level_to_theirs() -> None:
    lesions = balls((34, 34, 20, 13), (34, 34, 50, 13), (20, 20, 34, 9))
    scene, ball = scene_with(lesions, -14.0)
    assert float(np.median(scene.level[ball & ~lesions])) == pytest.approx(LIVER_HU, abs=2.0)
    assert float(np.median(scene.level[lesions])) == pytest.approx(LIVER_HU, abs=4.0)


def test_the_level_follows_a_drift_through_the_liver() -> None:
    scene, ball = scene_with(balls(), 0.0, drift_hu=8.0)
    x = np.broadcast_to(np.arange(70), SHAPE)
    left, right = ball & (x < 15), ball & (x > 55)
    # The drift is 8 HU at the rim; the slabs' middles lie at about 0.7 of the radius.
    assert float(np.mean(scene.level[right]) - np.mean(scene.level[left])) == pytest.approx(12.0, abs=3.0)


@pytest.mark.parametrize("contrast_hu", [-35.0, 35.0])
def test_what_lies_around_the_others_is_parenchyma_even_where_it_is_less(contrast_hu: float) -> None:
    """Lesions fill more than half of the liver and make the highest peak; the level is that of the rest."""
    corners = [(z, y, x) for z in range(1, 70, 22) for y in range(1, 70, 22) for x in range(1, 70, 22)]
    places = [(z + d, y + d, x + d, 9) for z, y, x in corners for d in (0, 11)]
    lesions = balls(*places)
    scene, ball = scene_with(lesions, contrast_hu)
    assert np.count_nonzero(lesions & ball) > 0.5 * np.count_nonzero(ball)
    assert float(np.median(scene.level[ball])) == pytest.approx(LIVER_HU, abs=6.0)
