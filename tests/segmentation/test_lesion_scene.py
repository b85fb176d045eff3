"""The parenchyma's level inside a drawn liver: with drift, with large lesions, and with mostly tumour."""

import numpy as np
import pytest
from numpy.typing import NDArray

from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.segmentation.lesion_scene import scene_beside, scene_of
from emboplan.segmentation.parenchyma import Parenchyma
from emboplan.segmentation.working import WorkingImage, working_image

SHAPE = (70, 70, 70)
EDGE_MM = 2.2
LIVER_HU = 100.0


def ball_of(lesions_hu: NDArray[np.float64], drift_hu: float = 0.0) -> tuple[WorkingImage, NDArray[np.bool_]]:
    """A ball of liver with lesions, given by what they add, and a drift from its left to its right."""
    z, y, x = np.ogrid[0:70, 0:70, 0:70]
    ball = np.asarray((z - 34.5) ** 2 + (y - 34.5) ** 2 + (x - 34.5) ** 2 <= 32**2)
    hu = np.where(ball, LIVER_HU + drift_hu * (x - 34.5) / 32 + lesions_hu, -100.0)
    hu += np.random.default_rng(1).normal(0, 14, SHAPE)
    grid = Grid(SHAPE, (EDGE_MM,) * 3, (0.0, 0.0, 0.0))
    return working_image(CtImage(grid, np.round(hu).astype(np.int16))), ball


def scene_with(lesions: NDArray[np.bool_], contrast_hu: float, drift_hu: float = 0.0):  # type: ignore[no-untyped-def]  # a private class
    """The scene of such a liver whose lesions have one contrast."""
    work, ball = ball_of(np.where(lesions, contrast_hu, 0.0), drift_hu)
    return scene_of(work, ball), ball


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


def crowded() -> NDArray[np.bool_]:
    """Lesions of 18 mm so close together that little lies between them."""
    middles = np.array([(z, y, x) for z in range(0, 70, 9) for y in range(0, 70, 9) for x in range(0, 70, 9)])
    shifted = middles + np.random.default_rng(2).integers(-2, 3, middles.shape)
    return balls(*((int(z), int(y), int(x), 4) for z, y, x in shifted))


def test_off_the_lesions_the_level_has_nothing_of_their_blur() -> None:
    lesions = crowded()
    lesions[:, :, :20] = False
    scene, ball = scene_with(lesions, -30.0)
    beside = scene_beside(scene, lesions & ball)
    assert beside is not None
    clear = ball & (np.broadcast_to(np.arange(70), SHAPE) < 16) & scene.deep
    assert float(np.median(beside.level[clear])) == pytest.approx(LIVER_HU, abs=1.0)
    assert not (beside.typical & lesions).any()


def test_where_next_to_nothing_lies_off_the_lesions_nothing_is_measured() -> None:
    scene, ball = scene_with(balls(), 0.0)
    assert scene_beside(scene, ball) is None


def test_the_level_does_not_walk_to_another_tissue() -> None:
    """Two tissues of tumour on either side of parenchyma, each as frequent as it is."""
    rng = np.random.default_rng(5)
    places = rng.integers(8, 62, (60, 3))
    dark = balls(*((int(z), int(y), int(x), 8) for z, y, x in places[:30]))
    bright = balls(*((int(z), int(y), int(x), 8) for z, y, x in places[30:])) & ~dark
    work, ball = ball_of(np.where(dark, -18.0, 0.0) + np.where(bright, 28.0, 0.0))
    level = scene_of(work, ball, Parenchyma.single(LIVER_HU, 4.0)).level
    assert float(np.median(level[ball])) == pytest.approx(LIVER_HU, abs=4.0)
