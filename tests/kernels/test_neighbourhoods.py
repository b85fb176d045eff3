"""Distances, floods, medians and smoothing against scipy and ITK, and against what they are by definition."""

import itertools

import numpy as np
import pytest
import SimpleITK
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.kernels.distance_map import along_columns, along_layers, along_rows
from emboplan.kernels.flooding import flood_from
from emboplan.kernels.median import median_of_27
from emboplan.kernels.smoothing import sum_columns, sum_layers, sum_rows

SHAPES = [(1, 1, 1), (1, 4, 9), (6, 1, 3), (5, 7, 1), (9, 10, 35)]
UNIT_MM = 0.001

shapes = st.tuples(*[st.integers(1, 12)] * 3)
steps = st.tuples(*[st.floats(0.3, 8)] * 3)


def _grains(shape: tuple[int, int, int], seed: int = 0, scale: float = 50) -> NDArray[np.float32]:
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def _distances(
    mask: NDArray[np.bool_], spacing: tuple[float, float, float], cut: float = 0
) -> NDArray[np.float32]:
    """Distances, each sweep in two parts that meet at the share `cut`."""
    squared = np.empty(mask.shape)
    out = np.empty(mask.shape, np.float32)

    def parts(count: int) -> list[tuple[int, int]]:
        middle = int(count * cut)
        return [(middle, count), (0, middle)]

    for first, end in parts(mask.shape[0]):
        along_rows(mask, spacing[2], squared, first, end)
    for first, end in parts(mask.shape[0]):
        along_columns(squared, spacing[1], first, end)
    for first, end in parts(mask.shape[1]):
        along_layers(squared, spacing[0], UNIT_MM, out, first, end)
    return out


@given(shapes, steps, st.floats(0.02, 0.98), st.floats(0, 1), st.integers(0, 2**31))
def test_distances_are_those_of_scipy(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], fill: float, cut: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random(shape) < fill
    mask.flat[rng.integers(mask.size)] = True
    exact = ndimage.distance_transform_edt(~mask, sampling=spacing)
    found = _distances(mask, spacing, cut)
    assert np.abs(found - exact).max() <= UNIT_MM / 2 + 1e-5
    assert np.array_equal(found == 0, mask)


@pytest.mark.parametrize("fill", [0.001, 0.5, 0.999])
def test_distances_around_one_voxel_and_around_many(fill: float) -> None:
    """Runs of zeros and rows that hold nothing take their own ways through the sweeps."""
    mask = np.random.default_rng(3).random((40, 50, 60)) < fill
    mask[:, :20] |= ndimage.binary_opening(mask[:, :20], iterations=2)
    spacing = (2.5, 0.78, 1.1)
    exact = ndimage.distance_transform_edt(~mask, sampling=spacing)
    assert np.abs(_distances(mask, spacing) - exact).max() <= UNIT_MM / 2 + 1e-5


def test_three_millimetres_are_not_a_little_more() -> None:
    """Limits of whole millimetres hold on slices of whole millimetres."""
    mask = np.zeros((9, 2, 2), np.bool_)
    mask[0] = True
    assert np.array_equal(_distances(mask, (3.0, 0.7, 0.7))[:, 0, 0], np.arange(9, dtype=np.float32) * 3)


def test_distances_come_in_whole_units() -> None:
    found = _distances(_grains((8, 9, 10)) > 60, (2.5, 0.78, 1.1)) / UNIT_MM
    assert np.abs(found - np.rint(found)).max() < 0.01


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("sigma", [0.4, 1.7, 6.0])
def test_sums_are_those_of_scipy_to_the_last_digit(shape: tuple[int, int, int], sigma: float) -> None:
    """Mirrors included, also where the filter is longer than the array."""
    values = _grains(shape)
    reach = int(3 * sigma + 0.5)
    weights = np.exp(-0.5 / sigma**2 * np.arange(-reach, reach + 1) ** 2)
    weights = (weights / weights.sum())[reach:]
    for axis, sums in enumerate((sum_layers, sum_columns, sum_rows)):
        out = np.empty_like(values)
        sums(values, weights, out, shape[0] // 2, shape[0])
        sums(values, weights, out, 0, shape[0] // 2)
        assert np.array_equal(out, ndimage.gaussian_filter1d(values, sigma, axis, truncate=3.0))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("whole", [False, True])
def test_medians_are_those_of_scipy(shape: tuple[int, int, int], whole: bool) -> None:
    values = np.rint(_grains(shape, scale=2)) if whole else _grains(shape)
    out = np.empty_like(values)
    median_of_27(values, out, shape[0] // 2, shape[0])
    median_of_27(values, out, 0, shape[0] // 2)
    assert np.array_equal(out, ndimage.median_filter(values, 3, mode="nearest"))


def _flooded(level: NDArray[np.float32], markers: NDArray[np.int32]) -> NDArray[np.int32]:
    labels = np.pad(markers, 1, constant_values=-1)
    flood_from(np.pad(level, 1).view(np.uint32), labels)
    return labels[1:-1, 1:-1, 1:-1]


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9, 8), (12, 14, 16)])
@pytest.mark.parametrize("whole", [False, True])
def test_floods_are_those_of_itk(shape: tuple[int, int, int], whole: bool) -> None:
    """With negative levels, and plateaus, where the order of arrival decides."""
    for seed in range(4):
        level = ndimage.gaussian_filter(_grains(shape, seed), 1.5)
        level = np.rint(level / 4) + np.float32(0) if whole else level
        rng = np.random.default_rng(seed)
        markers = np.where(rng.random(shape) < 0.02, rng.integers(1, 6, shape), 0).astype(np.int32)
        markers.flat[0] = 6
        image, seeds = SimpleITK.GetImageFromArray(level), SimpleITK.GetImageFromArray(markers)
        found = SimpleITK.MorphologicalWatershedFromMarkers(image, seeds, False, False)
        assert np.array_equal(_flooded(level, markers), SimpleITK.GetArrayFromImage(found))


def test_a_ridge_parts_two_basins_and_the_lower_pass_is_taken_first() -> None:
    """A wall of 10 with a pass of 5: what lies behind it is flooded through the pass."""
    level = np.zeros((1, 5, 9), np.float32)
    level[0, :, 4] = 10
    level[0, 2, 4] = 5
    markers = np.zeros(level.shape, np.int32)
    markers[0, 0, 0] = 3
    assert (_flooded(level, markers) == 3).all()
    markers[0, 4, 8] = 4
    found = _flooded(level, markers)
    assert (found[0, :, :4] == 3).all()
    assert (found[0, :, 5:] == 4).all()


def test_no_voxel_is_reached_over_a_higher_way_than_needed() -> None:
    """The level at which a voxel is flooded is the lowest pass to any marker (by brute force)."""
    level = _grains((4, 5, 6), 8)
    markers = np.zeros(level.shape, np.int32)
    markers[0, 0, 0], markers[3, 4, 5], markers[2, 0, 4] = 1, 2, 3
    found = _flooded(level, markers)
    best, ways = {}, list(itertools.product((1, -1), range(3)))
    for number in (1, 2, 3):
        water = np.where(markers == number, level, np.float32(np.inf))
        for _ in range(level.size):
            around = np.pad(water, 1, constant_values=np.inf)
            beside = [np.roll(around, step, axis)[1:-1, 1:-1, 1:-1] for step, axis in ways]
            reached = np.where((markers > 0) & (markers != number), np.inf, np.min(beside, axis=0))
            water = np.minimum(water, np.maximum(reached, level)).astype(np.float32)
        best[number] = water
    lowest = np.min(list(best.values()), axis=0)
    assert np.array_equal(np.choose(found - 1, [best[1], best[2], best[3]]), lowest)
