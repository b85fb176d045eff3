"""Lesions in a drawn liver: numbered one by one where they touch, and judged by what they are."""

from itertools import combinations

import numpy as np
import pytest
from scipy import ndimage

from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.model.mask import Mask
from emboplan.segmentation.lesion_scene import scene_of, smoothed_deviation
from emboplan.segmentation.lesion_spots import round_spots
from emboplan.segmentation.lesion_surface import by_volume
from emboplan.segmentation.shape import parted_at_waists
from emboplan.segmentation.tumour import segment_tumours
from emboplan.segmentation.working import working_image

SHAPE = (70, 70, 70)
SPACING = (2.0, 2.0, 2.0)
Ball = tuple[float, float, float, float]


def drawn(*balls: Ball) -> np.ndarray:
    """Which ball (from 1) a voxel belongs to, the one with the nearest surface where two overlap."""
    z, y, x = np.ogrid[0:70, 0:70, 0:70]
    depth = np.stack([r - np.sqrt((z - a) ** 2 + (y - b) ** 2 + (x - c) ** 2) for a, b, c, r in balls])
    return np.where(depth.max(axis=0) >= 0, depth.argmax(axis=0) + 1, 0)


def rough_outline(*balls: Ball) -> np.ndarray:
    """Balls whose surface is off by half a voxel (standard deviation), voxel by voxel."""
    z, y, x = np.ogrid[0:70, 0:70, 0:70]
    depth = np.stack([r - np.sqrt((z - a) ** 2 + (y - b) ** 2 + (x - c) ** 2) for a, b, c, r in balls])
    rough = depth.max(axis=0) + np.random.default_rng(3).normal(0, 0.5, SHAPE) >= 0
    return np.asarray(ndimage.binary_opening(rough))


def scan(contrast: np.ndarray, level_hu: float = 100.0, seed: int = 7) -> tuple[CtImage, Mask]:
    """A ball of liver 124 mm wide, noise 12 HU, with that contrast in it."""
    liver = drawn((34.5, 34.5, 34.5, 31)) > 0
    hu = np.where(liver, level_hu, -100.0) + contrast + np.random.default_rng(seed).normal(0, 12, SHAPE)
    grid = Grid(SHAPE, SPACING, (0.0, 0.0, 0.0))
    return CtImage(grid, np.round(hu).astype(np.int16)), Mask(grid, liver)


def found_with(contrast: np.ndarray, level_hu: float = 100.0) -> np.ndarray:
    """The lesions found in it."""
    return segment_tumours(*scan(contrast, level_hu)).labels


def found_in(labels: np.ndarray, contrast_hu: float, level_hu: float = 100.0) -> np.ndarray:
    """The lesions found where they all have one contrast."""
    return found_with(np.where(labels > 0, contrast_hu, 0.0), level_hu)


def spots_in(contrast: np.ndarray, seed: int) -> np.ndarray:
    """The faint round dark spots of it, at the scale and noise of the finest seeds."""
    ct, liver = scan(contrast, seed=seed)
    scene = scene_of(working_image(ct), liver.voxels)
    finest = -smoothed_deviation(scene, 2.5)
    return round_spots(scene, finest, float(finest[scene.typical].std()))


def volumes_agree(found: np.ndarray, true: np.ndarray, within: float) -> None:
    names = set()
    for number in range(1, int(true.max()) + 1):
        own = true == number
        name = int(np.bincount(found[own]).argmax())
        assert name > 0
        assert np.count_nonzero(found == name) == pytest.approx(np.count_nonzero(own), rel=within)
        names.add(name)
    assert len(names) == int(true.max())


@pytest.mark.parametrize("overlap", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("radii", [(10.0, 10.0), (12.0, 8.0)])
def test_balls_that_have_run_into_each_other_are_parted(radii: tuple[float, float], overlap: float) -> None:
    """Even from a rough outline; the plane between two equal balls halves them."""
    apart = overlap * sum(radii)
    places = (35, 35, 35 - apart / 2, radii[0]), (35, 35, 35 + apart / 2, radii[1])
    true = drawn(*places)
    parts = parted_at_waists(rough_outline(*places), SPACING, 0.9, smooth_mm=2.5)
    sizes = np.sort(np.bincount(parts.ravel())[1:])[::-1]
    expected = np.sort(np.bincount(true.ravel())[1:])[::-1]
    assert sizes[:2] == pytest.approx(expected, rel=0.1)
    assert sizes[2:].sum() < 0.02 * expected.sum()


def test_one_ball_stays_one() -> None:
    rough = rough_outline((35, 35, 35, 14))
    assert int(parted_at_waists(rough, SPACING, 0.9, smooth_mm=2.5).max()) == 1


def test_touching_lesions_have_a_number_and_a_volume_each() -> None:
    true = drawn((35, 35, 22, 10), (35, 35, 40, 10), (35, 51, 34, 7))
    volumes_agree(found_in(true, -30.0), true, within=0.1)


def test_a_faint_lesion_beside_a_dark_one_is_found_whole() -> None:
    """15 HU in noise of 12: the large dark lesion makes fainter ones believable."""
    true = drawn((34, 24, 34, 11), (34, 50, 34, 9))
    labels = np.where(true == 1, 40 / 15, np.where(true == 2, 1.0, 0.0))
    liver = drawn((34.5, 34.5, 34.5, 31)) > 0
    hu = np.where(liver, 100.0, -100.0) - 15 * labels + np.random.default_rng(5).normal(0, 12, SHAPE)
    grid = Grid(SHAPE, SPACING, (0.0, 0.0, 0.0))
    found = segment_tumours(CtImage(grid, np.round(hu).astype(np.int16)), Mask(grid, liver)).labels
    volumes_agree(found, true, within=0.1)


def test_lesions_at_the_surface_reach_it() -> None:
    """Cut by the liver's surface; the rim beside fat tells nothing and is taken from behind."""
    liver = drawn((34.5, 34.5, 34.5, 31)) > 0
    true = np.where(liver, drawn((34, 34, 10, 10)), 0)
    volumes_agree(found_in(true, -35.0), true, within=0.12)


def test_faintly_bright_is_a_lesion_before_the_veins_have_taken_up_contrast() -> None:
    """14 HU above parenchyma: tumour at 65 HU (arterial), blood at 110 HU (portal-venous)."""
    true = drawn((34, 30, 34, 12))
    volumes_agree(found_in(true, 14.0, level_hu=65.0), true, within=0.12)
    assert not found_in(true, 14.0, level_hu=110.0).any()


def test_a_liquid_core_makes_no_cyst_of_a_tumour() -> None:
    """Water to half of the radius is a core, water to the wall is a cyst."""
    true = drawn((34, 34, 32, 15))
    contrast = np.where(true > 0, -30.0, 0.0) + np.where(drawn((34, 34, 32, 7.5)) > 0, -60.0, 0.0)
    volumes_agree(found_with(contrast), true, within=0.1)
    assert not found_in(true, -90.0).any()


def test_a_calcification_does_not_hide_a_dark_lesion() -> None:
    """A ball 32 mm wide, 22 HU darker than liver, with a calcification 12 mm wide in it, blurred."""
    true, calcium = drawn((34, 34, 34, 8)), drawn((34, 36, 37, 3)) > 0
    contrast = ndimage.gaussian_filter(np.where(calcium, 500.0, np.where(true > 0, -22.0, 0.0)), 0.7)
    found = found_with(contrast)
    assert np.count_nonzero(found) == pytest.approx(np.count_nonzero(true), rel=0.15)
    assert not found_with(ndimage.gaussian_filter(np.where(calcium, 500.0, 0.0), 0.7)).any()


@pytest.mark.parametrize("seed", range(4))
def test_a_faint_round_spot_is_seen_and_a_vein_as_faint_is_not(seed: int) -> None:
    """Balls 16 mm wide and tubes 10 mm wide through the liver, both 17 HU darker than it."""
    ball, (z, y, x) = drawn((34, 34, 34, 4)), np.indices(SHAPE)
    tube = ((y - 34) ** 2 + (x - 34) ** 2 <= 2.5**2) & (np.abs(z - 34) < 31)
    dark = [ndimage.gaussian_filter(np.where(mask, -17.0, 0.0), 0.5) for mask in (ball, tube)]
    spots = [spots_in(contrast, seed) for contrast in dark]
    assert (spots[0] & (ball > 0)).any()
    assert not (spots[0] & (ball == 0)).any()
    assert not spots[1].any()


def test_a_clean_liver_holds_nothing() -> None:
    assert not found_in(np.zeros(SHAPE, np.int64), 0.0).any()


def test_numbers_go_by_volume_and_crumbs_go() -> None:
    labels = np.zeros((4, 5, 6), np.int32)
    labels[0, 0, :2], labels[1, :, :3], labels[3, 4, 5] = 7, 2, 9
    out = by_volume(labels, least_voxels=2)
    assert (int(out[1, 0, 0]), int(out[0, 0, 0]), int(out[3, 4, 5])) == (1, 2, 0)
    for first, second in combinations(np.bincount(out.ravel())[1:], 2):
        assert first >= second


def test_a_large_lesion_is_one_smooth_piece_without_a_vessel_beside_it() -> None:
    """A dark vessel of 6 mm runs into the lesion, and a dark strip lies under the surface beside it."""
    ball = drawn((35, 35, 24, 11)) > 0
    z, y, _ = np.indices(SHAPE)
    vessel = ((z - 35) ** 2 + (y - 35) ** 2 <= 2) & (np.indices(SHAPE)[2] < 55) & ~ball
    found = found_in((ball | vessel).astype(int), -40.0)
    own = found == 1
    assert ndimage.label(own)[1] == 1
    assert not (own & vessel)[:, :, 40:].any()
    assert np.count_nonzero(own) == pytest.approx(np.count_nonzero(ball), rel=0.1)


def test_a_strip_that_the_contour_took_in_is_no_lesion() -> None:
    """Half of the liver's outermost 4 mm is diaphragm, darker by 35 HU; a lesion lies 6 mm behind it."""
    shell = (drawn((34.5, 34.5, 34.5, 31)) > 0) & ~(drawn((34.5, 34.5, 34.5, 29)) > 0)
    strip = shell & (np.indices(SHAPE)[2] < 35)
    ball = drawn((35, 35, 16, 9)) > 0
    found = found_in((ball | strip).astype(int), -35.0) > 0
    assert np.count_nonzero(found) == pytest.approx(np.count_nonzero(ball), rel=0.12)
    assert np.count_nonzero(found & strip & ~ball) < 0.02 * np.count_nonzero(strip)


def test_a_lesion_that_the_capsule_cuts_is_seen_as_the_ball_that_it_is() -> None:
    """Half of it lies in the liver, the outermost third of that in the blurred rim; a flat one is no ball."""
    lesion = drawn((34.5, 34.5, 4.5, 11)) > 0
    liver = drawn((34.5, 34.5, 34.5, 31)) > 0
    found = found_in((lesion & liver).astype(int), -30.0) > 0
    assert np.count_nonzero(found & lesion) > 0.7 * np.count_nonzero(lesion & liver)
    flat = liver & (drawn((34.5, 34.5, 34.5, 28)) == 0) & (drawn((34.5, 34.5, 3.5, 16)) > 0)
    assert not (found_in(flat.astype(int), -30.0) > 0).any()
