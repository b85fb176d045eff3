"""Lesion measurements against shapes whose size is known, and a brute-force twin of the diameters."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.reference.chords import longest_and_perpendicular

from emboplan.measure.lesions import diameters, measure_lesions, number_lesions
from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.model.mask import LabelMap, Mask

Voxels = NDArray[np.bool_]


def _ellipsoid(
    grid: Grid, centre_mm: tuple[float, float, float], axes_mm: tuple[float, float, float], turn: float = 0.0
) -> Voxels:
    """An ellipsoid with these semi-axes, turned in plane by an angle."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij")[::-1], axis=-1)
    x, y, z = np.moveaxis(grid.to_mm(index) - np.array(centre_mm), -1, 0)
    u, v = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
    a, b, c = axes_mm
    inside: Voxels = (u / a) ** 2 + (v / b) ** 2 + (z / c) ** 2 <= 1
    return inside


@pytest.mark.parametrize("turn", [0.0, 0.4, 1.1, 2.5])
@pytest.mark.parametrize("spacing", [(0.7, 0.7, 2.5), (1.0, 1.0, 1.0), (0.6, 1.1, 3.0)])
def test_an_ellipsoids_diameters(turn: float, spacing: tuple[float, float, float]) -> None:
    """Longest 40 mm and perpendicular 24 mm, to within one pixel's diagonal."""
    x, y, z = spacing
    grid = Grid((int(40 / z), int(60 / y), int(60 / x)), spacing, (0.0, 0.0, 0.0))
    found = diameters(_ellipsoid(grid, (30.2, 29.7, 20.1), (20.0, 12.0, 15.0), turn), grid)
    pixel = math.hypot(x, y)
    assert found.longest_mm == pytest.approx(40.0, abs=pixel)
    assert found.perpendicular_mm == pytest.approx(24.0, abs=pixel)
    # Within 3 mm of the equator a section is less than a pixel shorter, so that any of them may be longest.
    assert found.slice_index * z == pytest.approx(20.1, abs=3.0)


@given(st.floats(4, 12), st.floats(0.6, 1.0), st.floats(0, 3.1), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_the_bias_stays_near_a_pixel(a: float, share: float, turn: float, dx: float, dy: float) -> None:
    """On pixels of 1 mm the longest diameter of any ellipse is right to little more than one of them."""
    grid = Grid((1, 31, 31), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    found = diameters(_ellipsoid(grid, (15 + dx, 15 + dy, 0.0), (a, a * share, 5.0), turn), grid)
    assert abs(found.longest_mm - 2 * a) <= 1.2


def test_one_voxel() -> None:
    """Its outline is a diamond between the middles of its faces."""
    grid = Grid((1, 3, 3), (1.0, 2.0, 5.0), (0.0, 0.0, 0.0))
    voxels = np.zeros(grid.shape, dtype=np.bool_)
    voxels[0, 1, 1] = True
    found = diameters(voxels, grid)
    assert (found.longest_mm, found.perpendicular_mm) == pytest.approx((2.0, 1.0))


def test_a_slanted_line_of_voxels_has_little_width() -> None:
    grid = Grid((1, 12, 12), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    voxels = np.zeros(grid.shape, dtype=np.bool_)
    voxels[0, range(1, 11), range(1, 11)] = True
    found = diameters(voxels, grid)
    assert found.longest_mm == pytest.approx(math.hypot(10, 9), rel=1e-9)
    assert found.perpendicular_mm < 1.5


@settings(max_examples=40, deadline=None)  # the twin is slow on purpose
@given(st.integers(0, 2**31), st.floats(0.5, 2.0), st.floats(0.5, 2.0))
def test_agrees_with_brute_force(seed: int, x: float, y: float) -> None:
    """The twin tries every pair of outline points, and every chord through an outline point."""
    voxels = np.random.default_rng(seed).random((1, 4, 5)) < 0.4
    voxels[0, 2, 2] = True
    grid = Grid(voxels.shape, (x, y, 1.0), (0.0, 0.0, 0.0))
    longest, perpendiculars = longest_and_perpendicular(voxels[0], (x, y))
    found = diameters(voxels, grid)
    assert found.longest_mm == pytest.approx(longest, rel=1e-9)
    # Where several pairs are equally long each has its own perpendicular; ours must be one of them.
    assert min(abs(found.perpendicular_mm - p) for p in perpendiculars) < 1e-6


def _anatomy(labels: NDArray[np.uint16], grid: Grid, hu: NDArray[np.int16]) -> Anatomy:
    liver = Mask(grid, np.ones(grid.shape, dtype=np.bool_))
    return Anatomy(CtImage(grid, hu), liver, LabelMap(grid, labels), Review("given"))


def test_place_and_brightness() -> None:
    """In an oblique, shifted grid the centroid is where the lesion was put."""
    turn = 0.3
    axes = (math.cos(turn), -math.sin(turn), 0, math.sin(turn), math.cos(turn), 0, 0, 0, 1)
    grid = Grid((12, 40, 40), (1.0, 1.0, 2.5), (-50.0, 20.0, 300.0), axes)
    centre = grid.to_mm([20.0, 18.0, 6.0])
    labels = np.zeros(grid.shape, dtype=np.uint16)
    place = (float(centre[0]), float(centre[1]), float(centre[2]))
    inside = _ellipsoid(grid, place, (8.0, 8.0, 8.0))
    labels[inside] = 3
    hu = np.where(inside, 74, 110).astype(np.int16)
    (lesion,) = measure_lesions(_anatomy(labels, grid, hu))
    assert lesion.label == 3
    assert lesion.centroid_mm == pytest.approx(place, abs=0.05)
    assert lesion.slice_mm == pytest.approx(300.0 + 6 * 2.5)
    assert lesion.mean_hu == 74.0
    assert lesion.volume_ml == pytest.approx(4 / 3 * math.pi * 8**3 / 1000, rel=0.03)
    assert lesion.volume_ml_interval[0] < 4 / 3 * math.pi * 8**3 / 1000 < lesion.volume_ml_interval[1]


def test_missing_labels_are_skipped() -> None:
    grid = Grid((2, 8, 8), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    labels = np.zeros(grid.shape, dtype=np.uint16)
    labels[0, 1:3, 1:3], labels[1, 5:7, 5:7] = 2, 9
    found = measure_lesions(_anatomy(labels, grid, np.zeros(grid.shape, dtype=np.int16)))
    assert [lesion.label for lesion in found] == [2, 9]


def test_parts_of_a_mask_are_numbered_by_size() -> None:
    """Voxels that touch at a corner are one part; the largest part is number 1."""
    grid = Grid((1, 6, 8), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    voxels = np.zeros(grid.shape, dtype=np.bool_)
    voxels[0, 0, 0] = True
    voxels[0, 3, 3] = voxels[0, 4, 4] = voxels[0, 5, 5] = True
    voxels[0, 0:2, 6] = True
    labels = number_lesions(Mask(grid, voxels))
    assert labels.numbers == (1, 2, 3)
    assert [labels.labels[0, 4, 4], labels.labels[0, 1, 6], labels.labels[0, 0, 0]] == [1, 2, 3]


def test_an_empty_mask_has_no_lesions() -> None:
    grid = Grid((1, 2, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    assert number_lesions(Mask.empty(grid)).numbers == ()


def test_the_viable_part_by_hand() -> None:
    """A shell of 20 mm around a core of 12 mm radius: volume 4/3 pi (20^3 - 12^3), diameters those of 20 mm.

    The shell has 80, the liver 110 HU: an enhancement of -30 HU against it, whatever the core is.
    """
    grid = Grid((60, 60, 60), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    whole = _ellipsoid(grid, (30.0, 30.0, 30.0), (20.0, 20.0, 20.0))
    core = _ellipsoid(grid, (30.0, 30.0, 30.0), (12.0, 12.0, 12.0))
    hu = np.where(core, 20, np.where(whole, 80, 110)).astype(np.int16)
    told = replace(_anatomy(whole.astype(np.uint16), grid, hu), viable=Mask(grid, whole & ~core))
    (lesion,) = measure_lesions(told)
    assert lesion.viable_ml == pytest.approx(4 / 3 * math.pi * (20**3 - 12**3) / 1000, rel=0.01)
    assert lesion.viable_longest_mm == lesion.longest_mm == pytest.approx(40.0, abs=1.2)
    assert lesion.viable_perpendicular_mm == lesion.perpendicular_mm
    assert lesion.enhancement_hu == pytest.approx(-30.0)


def test_a_viable_part_on_one_side_has_its_own_diameters() -> None:
    """Half a disc of 10 mm radius: 20 mm long and 10 mm across, on one slice."""
    grid = Grid((1, 31, 31), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    whole = _ellipsoid(grid, (15.0, 15.0, 0.0), (10.0, 10.0, 5.0))
    half = whole.copy()
    half[:, :, :15] = False
    hu = np.full(grid.shape, 60, np.int16)
    told = replace(_anatomy(whole.astype(np.uint16), grid, hu), viable=Mask(grid, half))
    (lesion,) = measure_lesions(told)
    assert lesion.longest_mm == pytest.approx(20.0, abs=1.2)
    assert lesion.viable_longest_mm == pytest.approx(20.0, abs=1.2)
    assert lesion.viable_perpendicular_mm == pytest.approx(10.0, abs=1.2)


def test_nothing_viable_and_nothing_told() -> None:
    """Zeros where nothing is viable, None where nobody told."""
    grid = Grid((3, 8, 8), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    labels = np.zeros(grid.shape, dtype=np.uint16)
    labels[1, 2:5, 2:5] = 1
    anatomy = _anatomy(labels, grid, np.zeros(grid.shape, dtype=np.int16))
    (none,) = measure_lesions(replace(anatomy, viable=Mask.empty(grid)))
    assert (none.viable_ml, none.viable_longest_mm, none.viable_perpendicular_mm) == (0.0, 0.0, 0.0)
    assert none.enhancement_hu is None
    (untold,) = measure_lesions(anatomy)
    assert (untold.viable_ml, untold.viable_longest_mm, untold.enhancement_hu) == (None, None, None)
