"""Regions on planar views: projections of boxes and balls whose shadows can be worked out."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.strategies import rotation

from emboplan.dosimetry.uptake.planar_regions import (
    PlanarRegions,
    cut_off,
    find_placement,
    mirrored_regions_hold_more,
    projected_regions,
    regions_from_labels,
    sides_disagree,
    thickness_mm,
)
from emboplan.errors import MaskError
from emboplan.model.grid import Grid
from emboplan.model.image import PlanarPair
from emboplan.model.mask import Mask

# A CT of 5 mm voxels whose first voxel has its outer corner at (-100, -50, -150).
GRID = Grid((60, 20, 40), (5.0, 5.0, 5.0), (-97.5, -47.5, -147.5))
PIXEL = (5.0, 5.0)


def box(z: slice, y: slice, x: slice, grid: Grid = GRID) -> Mask:
    voxels = np.zeros(grid.shape, np.bool_)
    voxels[z, y, x] = True
    return Mask(grid, voxels)


LIVER = box(slice(5, 25), slice(4, 16), slice(4, 24))
LUNGS = box(slice(28, 52), slice(4, 18), slice(4, 16)) | box(slice(28, 52), slice(4, 18), slice(24, 36))
BODY = box(slice(0, 60), slice(0, 20), slice(0, 40))
NARROW = box(slice(0, 60), slice(0, 20), slice(0, 30))


def views(
    first_pixel_mm: tuple[float, float],
    shape: tuple[int, int] = (80, 60),
    seed: int = 1,
    lung_per_mm: float = 0.05,
) -> PlanarPair:
    """Counts in proportion to thickness, liver twenty times as dense as lung, at this place."""
    liver, _ = thickness_mm(LIVER, first_pixel_mm, PIXEL, shape)
    lung, _ = thickness_mm(LUNGS, first_pixel_mm, PIXEL, shape)
    expected = liver.astype(np.float64) + lung_per_mm * lung + 0.05
    rng = np.random.default_rng(seed)
    return PlanarPair(
        rng.poisson(expected).astype(np.float32), rng.poisson(expected).astype(np.float32), PIXEL
    )


def test_a_box_casts_its_own_shadow() -> None:
    """Columns run to the left from x -97.5, rows to the feet from z 147.5: a pixel is a voxel's column."""
    through, outline = thickness_mm(LIVER, (-97.5, 147.5), PIXEL, (60, 40))
    expected = np.zeros((60, 40), np.float32)
    expected[60 - 25 : 60 - 5, 4:24] = 12 * 5.0
    assert through == pytest.approx(expected)
    assert (outline == (expected > 0)).all()


def test_a_structure_on_the_right_is_in_the_first_columns() -> None:
    """The patient's right has the lowest x, and the head the first rows."""
    _, outline = thickness_mm(box(slice(55, 60), slice(0, 20), slice(0, 5)), (-97.5, 147.5), PIXEL, (60, 40))
    rows, columns = np.nonzero(outline)
    assert [int(rows.max()), int(columns.max())] == [4, 4]


@settings(max_examples=20, deadline=None)
@given(st.floats(-8, 8), st.floats(-8, 8), st.floats(2.0, 9.0))
def test_the_shadow_holds_the_whole_volume(dx: float, dz: float, pixel: float) -> None:
    """Thickness times area, wherever the views lie and however large their pixels."""
    first = (-110.0 + dx, 165.0 + dz)
    shape = (int(340 / pixel), int(230 / pixel))
    through, _ = thickness_mm(LIVER, first, (pixel, pixel), shape)
    assert float(through.sum()) * pixel**2 / 1000 == pytest.approx(LIVER.volume_ml, rel=1e-4)


def test_a_turned_ct_keeps_its_volume() -> None:
    """Points are counted in each cell there: a percent."""
    turned = replace(GRID, direction=tuple(rotation(0.2, 0.1, 0.1).reshape(-1)))
    mask = box(slice(20, 40), slice(4, 16), slice(10, 30), turned)
    through, _ = thickness_mm(mask, (-250.0, 250.0), PIXEL, (120, 100))
    assert float(through.sum()) * 25 / 1000 == pytest.approx(mask.volume_ml, rel=0.01)


@pytest.mark.parametrize("place", [(-120.0, 170.0), (-150.0, 190.0), (-100.0, 160.0)])
@pytest.mark.parametrize("lung_per_mm", [0.02, 0.2])
def test_the_place_of_the_views_is_found_to_a_pixel(place: tuple[float, float], lung_per_mm: float) -> None:
    found = find_placement(views(place, lung_per_mm=lung_per_mm), LIVER, LUNGS)
    assert np.abs(np.subtract(found.first_pixel_mm, place)).max() <= PIXEL[0]
    assert (found.source, found.mirrored_fits_better) == ("found", False)


def test_mirrored_views_are_noticed() -> None:
    pair = views((-150.0, 190.0))
    mirrored = PlanarPair(pair.anterior[:, ::-1], pair.posterior[:, ::-1], PIXEL)
    assert find_placement(mirrored, LIVER, LUNGS).mirrored_fits_better
    assert not sides_disagree(mirrored)
    assert sides_disagree(PlanarPair(pair.anterior, pair.posterior[:, ::-1], PIXEL))
    assert not sides_disagree(pair)


def test_views_without_a_liver_cannot_be_laid() -> None:
    empty = np.zeros((80, 60), np.float32)
    with pytest.raises(MaskError, match="cannot be laid over the CT"):
        find_placement(PlanarPair(empty, empty, PIXEL), LIVER, LUNGS)
    small = np.ones((10, 10), np.float32)
    with pytest.raises(MaskError, match="cannot be laid over the CT"):
        find_placement(PlanarPair(small, small, PIXEL), LIVER, LUNGS)


def test_an_injection_of_one_lobe_is_not_guessed_at() -> None:
    """Counts in the left third of the liver: its outline could lie anywhere about them."""
    pair = views((-120.0, 170.0))
    _, outline = thickness_mm(LIVER, (-120.0, 170.0), PIXEL, (80, 60))
    cold = outline.copy()
    cold[:, 22:] = False
    left = np.where(cold, 1, pair.anterior).astype(np.float32)
    with pytest.raises(MaskError, match="less than half of the liver's outline"):
        find_placement(PlanarPair(left, left, PIXEL), LIVER, LUNGS)


def test_regions_of_the_ct_and_the_background_beside_them() -> None:
    pair = views((-120.0, 170.0))
    regions = projected_regions(LIVER, LUNGS, pair, (-120.0, 170.0))
    assert regions.background is None
    assert regions.lung_outside_frac == pytest.approx(0.0, abs=1e-6)
    assert cut_off(regions) is None
    # Half a pixel on every side: 21 x 21 pixels are filled to half or more, but for the four corners.
    assert np.count_nonzero(regions.liver) == 21 * 21 - 4
    with pytest.raises(MaskError, match="no body more than 50 mm"):
        projected_regions(LIVER, LUNGS, pair, (-120.0, 170.0), body=NARROW)
    background = projected_regions(LIVER, LUNGS, pair, (-120.0, 170.0), body=BODY).background
    assert background is not None
    organs = np.argwhere(regions.liver | regions.lung)
    for row, column in np.argwhere(background):
        assert np.hypot(*(5.0 * (organs - (row, column))).T).min() > 50.0
        assert organs[:, 0].min() <= row <= organs[:, 0].max()
        assert -100.0 <= column * 5.0 - 120.0 <= 100.0


def test_lungs_that_the_views_cut_are_said() -> None:
    """The first 12 of 24 slices of lung lie above views that begin at z 50."""
    pair = views((-120.0, 47.5))
    regions = projected_regions(LIVER, LUNGS, pair, (-120.0, 47.5))
    assert regions.lung_outside_frac == pytest.approx(0.5)
    assert "50%" in (cut_off(regions) or "")
    with pytest.raises(MaskError, match="lungs of the CT lie outside"):
        projected_regions(LIVER, LUNGS, pair, (-120.0, -20.0))


def labels() -> NDArray[np.uint16]:
    picture = np.zeros((8, 6), np.uint16)
    picture[:3], picture[4:7, :3], picture[7, 5] = 1, 2, 3
    return picture


def test_regions_of_a_label_image() -> None:
    numbers = {"lung": (1,), "liver": (2,), "background": (3,)}
    regions = regions_from_labels(labels(), numbers)
    assert [int(np.count_nonzero(r)) for r in (regions.lung, regions.liver)] == [18, 9]
    assert regions.background is not None
    assert regions.background[7, 5]
    both = regions_from_labels(labels(), {"lung": (1, 3), "liver": (2,)})
    assert np.count_nonzero(both.lung) == 19
    assert both.background is None
    with pytest.raises(MaskError, match=r"no lung \(label 9\); labels in it: 1, 2, 3"):
        regions_from_labels(labels(), {"lung": (9,), "liver": (2,)})


def test_regions_drawn_on_the_other_side_are_noticed() -> None:
    counts = np.where(labels() == 2, 100, 1).astype(np.float32)
    pair = PlanarPair(counts, counts, PIXEL)
    numbers = {"lung": (1,), "liver": (2,)}
    assert not mirrored_regions_hold_more(pair, regions_from_labels(labels(), numbers))
    assert mirrored_regions_hold_more(pair, regions_from_labels(labels()[:, ::-1], numbers))


def test_regions_of_two_sizes_are_refused() -> None:
    with pytest.raises(MaskError, match="lung region has shape"):
        PlanarRegions(lung=np.ones((3, 3), np.bool_), liver=np.ones((4, 3), np.bool_))
