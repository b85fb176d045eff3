"""Agreement of masks: formulas against hand values, and the published CHAOS scores against real masks."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from emboplan.errors import GeometryError, MaskError
from emboplan.model.grid import Grid
from emboplan.model.mask import Mask
from emboplan.segmentation.agreement import dice, jaccard, relative_volume_difference_pct, surface_distance

LINE = Grid((1, 1, 10), (2.0, 1.0, 1.0), (0.0, 0.0, 0.0))


def line(*on: int) -> Mask:
    voxels = np.zeros((1, 1, 10), np.bool_)
    voxels[0, 0, list(on)] = True
    return Mask(LINE, voxels)


def test_dice_is_twice_the_overlap_over_the_sum() -> None:
    """3 voxels and 5 voxels that share 2: 2 x 2 / 8."""
    assert dice(line(1, 2, 3), line(2, 3, 4, 5, 6)) == 0.5


def test_jaccard_is_overlap_over_union() -> None:
    """The same masks: 2 of 6."""
    assert pytest.approx(1 / 3) == jaccard(line(1, 2, 3), line(2, 3, 4, 5, 6))


def test_two_empty_masks_agree() -> None:
    assert (dice(line(), line()), jaccard(line(), line())) == (1.0, 1.0)


def test_relative_volume_difference_has_a_sign() -> None:
    """3 voxels against 5 are 40 % too few."""
    assert pytest.approx(-40.0) == relative_volume_difference_pct(line(1, 2, 3), line(2, 3, 4, 5, 6))


def test_surface_distance_of_two_shifted_cubes_counts_millimetres() -> None:
    """Two single voxels 3 apart at 2 mm spacing: 6 mm, on average and at most."""
    grid = Grid((5, 5, 10), (2.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    a, b = np.zeros(grid.shape, np.bool_), np.zeros(grid.shape, np.bool_)
    a[2, 2, 2] = b[2, 2, 5] = True
    found = surface_distance(Mask(grid, a), Mask(grid, b))
    assert (found.average_mm, found.maximum_mm) == (6.0, 6.0)


def test_surface_distance_of_concentric_balls_is_the_difference_of_their_radii() -> None:
    """Radii of 12 and 9 mm on a 1 mm grid: 3 mm everywhere, within the voxel."""
    z, y, x = np.ogrid[-16:17, -16:17, -16:17]
    grid = Grid((33, 33, 33), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    r2 = z**2 + y**2 + x**2
    found = surface_distance(Mask(grid, r2 <= 144), Mask(grid, r2 <= 81))
    assert pytest.approx(3.0, abs=0.35) == found.average_mm


def test_empty_reference_is_refused() -> None:
    with pytest.raises(MaskError, match="reference mask is empty"):
        relative_volume_difference_pct(line(1), line())
    with pytest.raises(MaskError, match="two surfaces"):
        surface_distance(line(1), line())


def test_other_grid_is_refused() -> None:
    other = Mask.empty(Grid((1, 1, 10), (2.5, 1.0, 1.0), (0.0, 0.0, 0.0)))
    with pytest.raises(GeometryError, match="different grids"):
        dice(line(1), other)


@given(arrays(np.bool_, (3, 4, 5)), arrays(np.bool_, (3, 4, 5)))
def test_dice_and_jaccard_are_one_formula(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> None:
    """J = D / (2 - D) for any two masks, and both are symmetric."""
    grid = Grid((3, 4, 5), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    d = dice(Mask(grid, a), Mask(grid, b))
    assert pytest.approx(d / (2 - d)) == jaccard(Mask(grid, a), Mask(grid, b))
    assert d == dice(Mask(grid, b), Mask(grid, a))


@given(st.integers(0, 9))
def test_a_mask_agrees_with_itself(at: int) -> None:
    assert (dice(line(at), line(at)), relative_volume_difference_pct(line(at), line(at))) == (1.0, 0.0)


def test_published_scores_of_the_chaos_sample_submission(shared_data: Path) -> None:
    """CHAOS publishes DICE 0.978, RAVD 0.665, ASSD 0.734, MSSD 14 for its sample submission."""
    pil = pytest.importorskip("PIL.Image", reason="Pillow reads the masks' PNG files")
    folder = shared_data / "ct" / "chaos_ct3_liver" / "Data_3D"

    def stack(name: str) -> Mask:
        files = sorted((folder / name).glob("*.png"))
        # The files run from head to foot; slices run from foot to head.
        voxels = np.stack([np.asarray(pil.open(file).convert("L")) > 0 for file in files])[::-1]
        return Mask(Grid(voxels.shape, (0.7265625, 0.7265625, 2.0), (0.0, 0.0, 0.0)), voxels)

    submitted, truth = stack("Segmentation"), stack("Ground")
    surfaces = surface_distance(submitted, truth)
    assert pytest.approx(0.97843, abs=5e-6) == dice(submitted, truth)
    assert pytest.approx(0.66453, abs=5e-6) == abs(relative_volume_difference_pct(submitted, truth))
    assert pytest.approx(0.734, abs=5e-4) == surfaces.average_mm
    assert pytest.approx(14.0) == surfaces.maximum_mm
