"""Outlines of masks: area, holes, and pixels that touch at a corner."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from emboplan.dicom.read.rtstruct import fill_polygons
from emboplan.dicom.write import outlines as module
from emboplan.dicom.write.outlines import outlines

Bool = NDArray[np.bool_]


def area(polygons: list[NDArray[np.float64]]) -> float:
    """Signed areas by the shoelace formula."""
    return sum(
        float((p[:, 0] * np.roll(p[:, 1], -1) - np.roll(p[:, 0], -1) * p[:, 1]).sum()) / 2 for p in polygons
    )


def even_odd(polygons: list[NDArray[np.float64]], shape: tuple[int, int]) -> Bool:
    """Centres inside, by crossings of a ray towards rising x: written here, edge by edge."""
    out = np.zeros(shape, bool)
    for row in range(shape[0]):
        for column in range(shape[1]):
            crossings = 0
            for p in polygons:
                for (x0, y0), (x1, y1) in zip(p, np.roll(p, -1, axis=0), strict=True):
                    if (y0 > row) != (y1 > row) and x0 + (row - y0) / (y1 - y0) * (x1 - x0) > column:
                        crossings += 1
            out[row, column] = crossings % 2 == 1
    return out


def test_a_block_has_four_corners() -> None:
    voxels = np.zeros((6, 7), bool)
    voxels[1:4, 2:6] = True
    (line,) = outlines(voxels)
    assert {(1.5, 0.5), (5.5, 0.5), (5.5, 3.5), (1.5, 3.5)} == {(x, y) for x, y in line}


def test_a_ring_is_one_polygon_whose_area_is_its_pixels() -> None:
    voxels = np.ones((5, 5), bool)
    voxels[2, 2] = False
    (line,) = outlines(voxels)
    assert area([line]) == 24.0


def test_pixels_that_touch_at_a_corner_stay_apart() -> None:
    assert len(outlines(np.eye(3, dtype=bool))) == 3


def test_an_island_in_a_hole_is_a_polygon_of_its_own() -> None:
    voxels = np.ones((7, 7), bool)
    voxels[1:6, 1:6] = False
    voxels[3, 3] = True
    assert sorted(area([line]) for line in outlines(voxels)) == [1.0, 24.0]


@given(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_outlines_enclose_the_mask_and_nothing_else(voxels: Bool) -> None:
    """By area, by the reader's fill and by one that is written out above."""
    lines = outlines(voxels)
    assert area(lines) == np.count_nonzero(voxels)
    shape = (voxels.shape[0], voxels.shape[1])
    assert np.array_equal(voxels, fill_polygons(lines, shape))
    assert np.array_equal(voxels, even_odd(lines, shape))


def test_a_long_outline_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no contour's text is longer than the format holds."""
    monkeypatch.setattr(module, "MOST_POINTS", 40)
    rng = np.random.default_rng(4)
    voxels = rng.random((30, 30)) < 0.6
    lines = outlines(voxels)
    assert max(len(line) for line in lines) <= 40
    assert np.array_equal(voxels, fill_polygons(lines, (30, 30)))
