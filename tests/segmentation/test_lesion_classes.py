"""Parenchyma is told from tumour by shape in drawn livers, whichever is the more frequent."""

import numpy as np
import pytest
from numpy.typing import NDArray

from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.segmentation.evenness import UNEVEN_ID, uneven_liver
from emboplan.segmentation.lesion_classes import own_parenchyma
from emboplan.segmentation.parenchyma import denoised
from emboplan.segmentation.plausible import close_parenchyma
from emboplan.segmentation.shape import depth_mm
from emboplan.segmentation.tumour import find_tumours, tumours_in
from emboplan.segmentation.working import WorkingImage, working_image

SHAPE = (56, 60, 72)
EDGE_MM = 2.5
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def ball(centre: tuple[float, float, float], radius: float) -> Bools:
    z, y, x = np.ogrid[0 : SHAPE[0], 0 : SHAPE[1], 0 : SHAPE[2]]
    return np.asarray((z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2 <= radius**2)


def ellipsoid() -> Bools:
    z, y, x = np.ogrid[0 : SHAPE[0], 0 : SHAPE[1], 0 : SHAPE[2]]
    return np.asarray(((z - 28) / 25) ** 2 + ((y - 30) / 26) ** 2 + ((x - 36) / 33) ** 2 <= 1)


def balls(count: int, radius: tuple[float, float], seed: int) -> Bools:
    rng = np.random.default_rng(seed)
    out = np.zeros(SHAPE, np.bool_)
    for _ in range(count):
        out |= ball(tuple(rng.uniform((8, 9, 9), (48, 51, 63))), rng.uniform(*radius))
    return out & ellipsoid()


def working(hu: Floats) -> WorkingImage:
    noisy = hu + np.random.default_rng(1).normal(0, 9, SHAPE)
    grid = Grid(SHAPE, (EDGE_MM,) * 3, (0.0, 0.0, 0.0))
    return working_image(CtImage(grid, np.round(noisy).astype(np.int16)))


def halved(hu: Floats) -> tuple[CtImage, WorkingImage, Bools]:
    """A CT, its working image and its liver."""
    grid = Grid(SHAPE, (EDGE_MM,) * 3, (0.0, 0.0, 0.0))
    ct = CtImage(grid, np.round(hu).astype(np.int16))
    return ct, working(hu), ellipsoid()


def scene(tumour: Bools, parenchyma_hu: float, tumour_hu: float) -> WorkingImage:
    hu = np.where(ellipsoid(), parenchyma_hu, -100.0)
    hu[tumour] = tumour_hu
    return working(hu)


@pytest.mark.parametrize(("count", "radius"), [(6, (3.0, 4.5)), (14, (4.0, 7.0)), (22, (6.0, 10.0))])
@pytest.mark.parametrize(("parenchyma_hu", "tumour_hu"), [(110.0, 80.0), (65.0, 100.0)])
def test_the_tissue_between_round_pieces_is_parenchyma(
    count: int, radius: tuple[float, float], parenchyma_hu: float, tumour_hu: float
) -> None:
    tumour = balls(count, radius, seed=count)
    work = scene(tumour, parenchyma_hu, tumour_hu)
    model = own_parenchyma(work, denoised(work), ellipsoid()).model
    assert abs(model.mode_hu - parenchyma_hu) <= 3


def test_a_liver_of_two_tissues_without_shapes_is_a_close_choice() -> None:
    """A front of one CT number and a back of another; lesions in one of them settle it."""
    hu = np.where(ellipsoid(), 95.0, -100.0)
    back = ellipsoid() & (np.arange(SHAPE[1])[None, :, None] >= 30)
    hu[back] = 60.0
    work = working(hu)
    halves = own_parenchyma(work, denoised(work), ellipsoid())
    assert halves.rival_hu is not None
    assert sorted((halves.model.mode_hu, halves.rival_hu)) == pytest.approx([60.0, 95.0], abs=3.0)
    (said,) = close_parenchyma(tumours_in(*halved(hu)).close_hu)
    assert said.id == "segmentation.parenchyma-unsure"
    assert said.severity == "warning"
    clear = scene(balls(14, (4.0, 7.0), seed=3), 110.0, 80.0)
    assert own_parenchyma(clear, denoised(clear), ellipsoid()).rival_hu is None
    assert close_parenchyma(None) == ()


def test_parenchyma_lies_between_dark_tumour_and_bright() -> None:
    """As in the arterial phase: its peak is the middle one, and the lowest."""
    dark = balls(20, (7.0, 10.0), seed=4)
    bright = balls(24, (7.0, 10.0), seed=9) & ~dark
    hu = np.where(ellipsoid(), 68.0, -100.0)
    hu[dark], hu[bright] = 40.0, 100.0
    share = np.count_nonzero(dark | bright) / np.count_nonzero(ellipsoid())
    assert share > 0.55
    work = working(hu)
    model = own_parenchyma(work, denoised(work), ellipsoid()).model
    assert model.mode_hu == pytest.approx(68.0, abs=4.0)
    found = find_tumours(work, ellipsoid()) > 0
    assert np.count_nonzero(found) / np.count_nonzero(ellipsoid()) == pytest.approx(share, abs=0.1)


def test_living_tumour_around_dead_is_no_parenchyma() -> None:
    """A middle peak again, of shells around cores; parenchyma is the brightest tissue."""
    shells, cores = np.zeros(SHAPE, np.bool_), np.zeros(SHAPE, np.bool_)
    for place in ((28, 30, 22), (28, 30, 50), (28, 44, 36), (28, 16, 36), (14, 30, 36), (42, 30, 36)):
        shells |= ball(place, 9.0)
        cores |= ball(place, 6.5)
    hu = np.where(ellipsoid(), 110.0, -100.0)
    hu[shells], hu[cores] = 80.0, 45.0
    work = working(hu)
    model = own_parenchyma(work, denoised(work), ellipsoid()).model
    assert model.mode_hu == pytest.approx(110.0, abs=4.0)


def test_a_liver_with_much_tumour_reads_so() -> None:
    tumour = balls(30, (6.0, 10.0), seed=22)
    truth = np.count_nonzero(tumour) / np.count_nonzero(ellipsoid())
    assert truth > 0.4
    found = find_tumours(scene(tumour, 110.0, 80.0), ellipsoid()) > 0
    # The outermost voxels are left to the native grid here.
    assert abs(np.count_nonzero(found) / np.count_nonzero(ellipsoid()) - truth) < 0.08


def test_tumour_that_is_not_counted_leaves_the_liver_uneven() -> None:
    tumour = balls(14, (4.0, 7.0), seed=3)
    work = scene(tumour, 100.0, 75.0)
    none = np.zeros(SHAPE, np.bool_)
    (said,) = uneven_liver(work, ellipsoid(), none)
    assert said.id == UNEVEN_ID
    assert uneven_liver(work, ellipsoid(), tumour) == ()


def test_a_healthy_liver_is_even() -> None:
    none = np.zeros(SHAPE, np.bool_)
    assert uneven_liver(scene(none, 100.0, 100.0), ellipsoid(), none) == ()


def test_a_liver_that_is_all_lesion_is_said_to_be() -> None:
    work = scene(np.zeros(SHAPE, np.bool_), 100.0, 100.0)
    (said,) = uneven_liver(work, ellipsoid(), ellipsoid())
    assert "Next to no liver is left" in said.text


def test_tumour_that_makes_one_peak_with_parenchyma_is_told_by_its_lumps() -> None:
    """Two thirds of the liver in lesions 6 to 30 HU darker, each of its own: one broad peak, at 80 HU."""
    rng = np.random.default_rng(11)
    hu = np.where(ellipsoid(), 90.0, -100.0)
    tumour = np.zeros(SHAPE, np.bool_)
    for _ in range(40):
        centre = tuple(rng.uniform((8, 9, 9), (48, 51, 63)))
        own = ball(centre, rng.uniform(8, 10)) & ellipsoid() & ~tumour
        hu[own] = 90.0 - rng.uniform(6, 30)
        tumour |= own
    assert np.count_nonzero(tumour) > 0.6 * np.count_nonzero(ellipsoid())
    work = working(hu)
    inside = np.asarray(depth_mm(ellipsoid(), (EDGE_MM,) * 3) > EDGE_MM)
    parenchyma = own_parenchyma(work, denoised(work), inside)
    model, where = parenchyma.model, parenchyma.where
    assert model.mode_hu == pytest.approx(90.0, abs=5.0)
    assert np.count_nonzero(where) < 0.4 * np.count_nonzero(inside)
    assert np.count_nonzero(where & ~tumour) > np.count_nonzero(where & tumour)


@pytest.mark.parametrize("drift_hu", [0.0, 12.0, 24.0])
def test_a_liver_of_one_tissue_is_not_split(drift_hu: float) -> None:
    """Whatever its drift: halves of a drifting liver are not lumps of two tissues."""
    x = np.arange(SHAPE[2])
    hu = np.where(ellipsoid(), 100.0 + drift_hu * (x - 36) / 33, -100.0)
    work = working(hu)
    inside = np.asarray(depth_mm(ellipsoid(), (EDGE_MM,) * 3) > EDGE_MM)
    parenchyma = own_parenchyma(work, denoised(work), inside)
    model, where = parenchyma.model, parenchyma.where
    assert np.array_equal(where, inside)
    assert model.mode_hu == pytest.approx(100.0, abs=drift_hu + 3.0)


def test_a_scrap_of_kidney_is_no_parenchyma() -> None:
    """Bright lesions in a third of the liver, and at its lower edge some kidney that is brighter still."""
    tumour = balls(16, (5.0, 8.0), seed=5)
    hu = np.where(ellipsoid(), 145.0, -100.0)
    hu[tumour] = 180.0
    kidney = ellipsoid() & (np.arange(SHAPE[0])[:, None, None] < 11)
    hu[kidney] = 215.0
    assert 0.03 < np.count_nonzero(kidney) / np.count_nonzero(ellipsoid()) < 0.1
    work = working(hu)
    model = own_parenchyma(work, denoised(work), ellipsoid()).model
    assert model.mode_hu == pytest.approx(145.0, abs=3.0)


def test_a_compact_liver_beside_flat_tumour_is_no_lump() -> None:
    """What a cap of tumour leaves of a compact liver is rounder than the cap: it is parenchyma still."""
    x = np.arange(SHAPE[2])[None, None, :]
    tumour = ellipsoid() & (x > 51)
    assert 0.1 < np.count_nonzero(tumour) / np.count_nonzero(ellipsoid()) < 0.25
    work = scene(tumour, 142.0, 112.0)
    model = own_parenchyma(work, denoised(work), ellipsoid()).model
    assert model.mode_hu == pytest.approx(142.0, abs=3.0)
