"""Resampling: totals conserved, gradients in place, identity on coincident grids, occupancy exact."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.strategies import SPACINGS, grids, rotation

from emboplan.imaging.resample import (
    mask_occupancy,
    resample_concentration,
    resample_ct,
    resample_dose,
    resample_mask,
)
from emboplan.model.grid import Grid
from emboplan.model.image import ConcentrationImage, CtImage, DoseMap
from emboplan.model.mask import Mask

SOURCE = Grid(shape=(9, 10, 11), spacing_mm=(4.0, 3.0, 5.0), origin_mm=(-20.0, 7.0, 100.0))


def around(grid: Grid, spacing: tuple[float, float, float]) -> Grid:
    """A parallel grid that covers another with a margin, its voxels not aligned with the other's."""
    sizes = zip(grid.size_mm, grid.spacing_mm, spacing, strict=True)
    nx, ny, nz = (int(np.ceil((size + 3 * old) / new)) + 2 for size, old, new in sizes)
    low = grid.to_mm((-1.3, -1.2, -1.1))
    return Grid((nz, ny, nx), spacing, (low[0], low[1], low[2]), grid.direction)


def gradient(grid: Grid) -> np.ndarray:
    """A value linear in position, positive over the places used here: 50 + 0.3 x + 0.2 y + 0.1 z."""
    index = np.indices(grid.shape)[::-1]
    mm = grid.to_mm(np.moveaxis(index, 0, -1))
    return np.asarray(50.0 + mm @ [0.3, 0.2, 0.1], dtype=np.float32)


@settings(max_examples=40)
@given(grids(), st.tuples(SPACINGS, SPACINGS, SPACINGS), st.integers(0, 2**31))
def test_totals_are_conserved_on_coarser_and_finer_grids(
    grid: Grid, spacing: tuple[float, float, float], seed: int
) -> None:
    values = np.random.default_rng(seed).random(grid.shape, dtype=np.float32) ** 4
    image = ConcentrationImage(grid, values)
    result, report = resample_concentration(image, around(grid, spacing))
    assert report.conserving
    assert pytest.approx(image.total_counts, rel=1e-5) == result.total_counts
    assert abs(report.outside_frac) < 1e-5
    assert result.counts_per_ml.min() >= 0


@given(arrays(np.float32, (3, 4, 5), elements=st.floats(0, 1e6, width=32)), grids())
def test_coincident_grids_give_the_identity(values: np.ndarray, grid: Grid) -> None:
    grid = replace(grid, shape=(3, 4, 5))
    x, y, z = grid.origin_mm
    for target in (grid, replace(grid, origin_mm=(x + 4e-4, y, z - 4e-4))):
        result, report = resample_concentration(ConcentrationImage(grid, values), target)
        assert np.array_equal(values, result.counts_per_ml)
        assert report.outside_frac == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (4.0, 3.0, 5.0), (6.0, 4.1, 7.7), (9.0, 9.0, 9.0)])
def test_a_gradient_keeps_its_place(spacing: tuple[float, float, float]) -> None:
    """Shift of the gradient in mm below a thousandth, wherever the target voxel lies fully inside."""
    target = around(SOURCE, spacing)
    result, _ = resample_concentration(ConcentrationImage(SOURCE, gradient(SOURCE)), target)
    inside = mask_occupancy(Mask(SOURCE, np.ones(SOURCE.shape, np.bool_)), target) > 0.99999
    assert inside.any()
    off = np.abs(result.counts_per_ml - gradient(target))[inside]
    assert off.max() / 0.3 < 1e-3


def test_what_lies_outside_is_reported_and_not_scaled_away() -> None:
    """A uniform image; the target covers the lower 3.5 of 9 slices: 5.5/9 are lost."""
    image = ConcentrationImage(SOURCE, np.full(SOURCE.shape, 2.0, np.float32))
    half = replace(SOURCE, shape=(7, 10, 11), spacing_mm=(4.0, 3.0, 2.5), origin_mm=(-20.0, 7.0, 98.75))
    result, report = resample_concentration(image, half)
    assert report.outside_frac == pytest.approx(5.5 / 9, rel=1e-6)
    assert np.unique(result.counts_per_ml).tolist() == [2.0]


@pytest.mark.parametrize(
    "axes", [rotation(np.pi / 2, 0, 0), rotation(0, np.pi, 0), rotation(0, 0, -np.pi / 2)]
)
def test_a_grid_turned_by_right_angles_is_parallel(axes: np.ndarray) -> None:
    centre = SOURCE.to_mm((5, 4.5, 4))
    turned = Grid((30, 30, 30), (2.5, 2.5, 2.5), (0, 0, 0), tuple(axes.reshape(-1)))
    turned = replace(turned, origin_mm=tuple(centre - turned.to_mm((14.5, 14.5, 14.5))))
    image = ConcentrationImage(SOURCE, gradient(SOURCE))
    result, report = resample_concentration(image, turned)
    assert report.conserving
    assert result.total_counts == pytest.approx(image.total_counts, rel=1e-6)


def test_a_turned_grid_keeps_totals_and_gradient_nearly() -> None:
    """A smooth blob inside, turned by 17 degrees: the total to half a percent; it is not called exact."""
    grid = Grid((24, 24, 24), (4.0, 4.0, 4.0), (-46.0, -46.0, -46.0))
    mm = grid.to_mm(np.moveaxis(np.indices(grid.shape)[::-1], 0, -1))
    blob = np.exp(-(mm**2).sum(axis=-1) / (2 * 12.0**2)).astype(np.float32)
    axes = rotation(0.3, 0.1, -0.2)
    target = Grid((40, 40, 40), (3.0, 3.0, 3.0), tuple(axes @ np.full(3, -58.5)), tuple(axes.reshape(-1)))
    result, report = resample_concentration(ConcentrationImage(grid, blob), target)
    assert not report.conserving
    assert abs(report.outside_frac) < 0.005
    at = target.to_mm(np.moveaxis(np.indices(target.shape)[::-1], 0, -1))
    centroid = (at * result.counts_per_ml[..., None]).sum(axis=(0, 1, 2)) / result.counts_per_ml.sum()
    np.testing.assert_allclose(centroid, 0, atol=0.05)


def test_occupancy_by_hand() -> None:
    """Voxels of 2 mm; the mask fills 0 to 4 mm of the first axis; targets of 3 mm hold 1, 1/3 and 0."""
    grid = Grid((1, 1, 6), (2.0, 1.0, 1.0), (1.0, 0.0, 0.0))
    mask = Mask(grid, np.arange(6).reshape(grid.shape) < 2)
    target = Grid((1, 1, 3), (3.0, 1.0, 1.0), (1.5, 0.0, 0.0))
    np.testing.assert_allclose(mask_occupancy(mask, target)[0, 0], [1, 1 / 3, 0], atol=1e-7)
    assert resample_mask(mask, target).voxels[0, 0].tolist() == [True, False, False]
    assert resample_mask(mask, target, occupancy=0.3).voxels[0, 0].tolist() == [True, True, False]


@settings(max_examples=40)
@given(grids(), st.tuples(SPACINGS, SPACINGS, SPACINGS), st.integers(0, 2**31))
def test_occupancy_holds_the_volume_of_the_mask(
    grid: Grid, spacing: tuple[float, float, float], seed: int
) -> None:
    mask = Mask(grid, np.random.default_rng(seed).random(grid.shape) > 0.5)
    target = around(grid, spacing)
    volume_ml = float(mask_occupancy(mask, target).sum(dtype=np.float64)) * target.voxel_ml
    assert pytest.approx(mask.volume_ml, rel=1e-5) == volume_ml


@given(grids(), st.integers(0, 2**31))
def test_a_mask_on_its_own_grid_is_itself(grid: Grid, seed: int) -> None:
    voxels = np.random.default_rng(seed).random(grid.shape) > 0.5
    assert np.array_equal(voxels, resample_mask(Mask(grid, voxels), grid).voxels)


def test_half_a_voxel_counts_on_a_grid_twice_as_coarse() -> None:
    grid = Grid((1, 1, 6), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    mask = Mask(grid, np.array([[[True, False, False, True, True, True]]]))
    target = grid.with_spacing((2.0, 1.0, 1.0))
    assert resample_mask(mask, target).voxels[0, 0].tolist() == [True, True, True]


def test_occupancy_of_a_ball_on_a_turned_grid() -> None:
    """The volume of a 20 mm ball survives a turn by 17 degrees to 1 %; nothing is filled outside it."""
    grid = Grid((30, 30, 30), (2.0, 2.0, 2.0), (-29.0, -29.0, -29.0))
    mm = grid.to_mm(np.moveaxis(np.indices(grid.shape)[::-1], 0, -1))
    ball = Mask(grid, (mm**2).sum(axis=-1) <= 20.0**2)
    axes = rotation(0.3, 0.1, -0.2)
    target = Grid((16, 16, 16), (5.0, 5.0, 5.0), tuple(axes @ np.full(3, -37.5)), tuple(axes.reshape(-1)))
    occupancy = mask_occupancy(ball, target)
    assert float(occupancy.sum()) * target.voxel_ml == pytest.approx(ball.volume_ml, rel=0.01)
    at = target.to_mm(np.moveaxis(np.indices(target.shape)[::-1], 0, -1))
    assert not occupancy[(at**2).sum(axis=-1) > 27.0**2].any()


def test_ct_and_dose_are_linear_and_bounded() -> None:
    finer = SOURCE.with_spacing((1.0, 1.0, 1.0))
    ct = resample_ct(CtImage(SOURCE, gradient(SOURCE)), finer)
    inner = tuple(slice(3, -3) for _ in range(3))
    np.testing.assert_allclose(ct.hu[inner], gradient(finer)[inner], atol=1e-3)
    dose = resample_dose(DoseMap(SOURCE, gradient(SOURCE), "local", np.ones(SOURCE.shape, np.float32)), finer)
    np.testing.assert_allclose(dose.gy[inner], gradient(finer)[inner], atol=1e-3)
    assert dose.method == "local"
    assert dose.standard_error_gy is not None
    np.testing.assert_allclose(dose.standard_error_gy, 1.0, atol=1e-6)


def test_a_ct_on_its_own_grid_is_itself_and_air_lies_outside() -> None:
    ct = CtImage(SOURCE, np.arange(990, dtype=np.int16).reshape(SOURCE.shape))
    assert np.array_equal(ct.hu, resample_ct(ct, SOURCE).hu)
    away = replace(SOURCE, origin_mm=(5000.0, 0.0, 0.0))
    result = resample_ct(ct, away)
    assert result.hu.dtype == np.int16
    assert np.unique(result.hu).tolist() == [-1000]


def test_a_ct_on_a_coarser_grid_is_averaged() -> None:
    """Alternating 0 and 100 HU along x, two to a voxel: 50 everywhere."""
    grid = Grid((4, 4, 8), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    ct = CtImage(grid, np.broadcast_to(np.arange(8) % 2 * np.int16(100), grid.shape).astype(np.int16))
    coarse = resample_ct(ct, grid.with_spacing((2.0, 1.0, 1.0)))
    assert np.unique(coarse.hu).tolist() == [50]
