"""Agreement of masks: formulas against hand values, and the published CHAOS scores against real masks."""

from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from emboplan.errors import GeometryError, MaskError
from emboplan.model.grid import Grid
from emboplan.model.mask import LabelMap, Mask
from emboplan.segmentation.agreement import (
    agreement,
    dice,
    jaccard,
    relative_volume_difference_pct,
    surface_distance,
)

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


def block(first: tuple[int, int, int], size: tuple[int, int, int], grid: Grid) -> Mask:
    voxels = np.zeros(grid.shape, np.bool_)
    (z, y, x), (nz, ny, nx) = first, size
    voxels[z : z + nz, y : y + ny, x : x + nx] = True
    return Mask(grid, voxels)


def test_the_95_percent_distance_is_the_larger_of_both_ways() -> None:
    """A row of 20 voxels and the same with one more 10 voxels away.

    From the row each distance is 0; from the other 20 of 21 are 0 and one is 10. The 95th percentile of 21
    numbers is the 20th (0); of 20 voxels with 2 far ones (10 and 11 away) it lies between 10 and 11.
    """
    grid = Grid((5, 5, 60), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    row = block((2, 2, 5), (1, 1, 20), grid)
    one = surface_distance(row | block((2, 2, 34), (1, 1, 1), grid), row)
    assert (one.hausdorff95_mm, one.maximum_mm) == (0.0, 10.0)
    two = surface_distance(block((2, 2, 5), (1, 1, 18), grid) | block((2, 2, 32), (1, 1, 2), grid), row)
    # 20 distances: 18 times 0, then 8 and 9 mm; position 0.95 x 19 = 18.05 between them.
    assert two.hausdorff95_mm == pytest.approx(8.05)


@given(k=st.integers(1, 4), spacing=st.floats(0.5, 5.0))
def test_a_plate_moved_by_k_voxels_is_k_voxels_off(k: int, spacing: float) -> None:
    """A plate one voxel thin: each point is k voxels from the other plate, so all three distances are."""
    grid = Grid((12, 5, 5), (1.0, 1.0, spacing), (0.0, 0.0, 0.0))
    # Wide enough that the nearest voxel of the other plate is the one straight below.
    found = surface_distance(block((2, 1, 1), (1, 3, 3), grid), block((2 + k, 1, 1), (1, 3, 3), grid))
    for distance in (found.average_mm, found.hausdorff95_mm, found.maximum_mm):
        assert distance == pytest.approx(k * spacing)


@given(k=st.integers(0, 5))
def test_a_cube_moved_by_k_voxels(k: int) -> None:
    """Dice 1 - k/n, Jaccard (n-k)/(n+k), no volume difference, and no point further off than k voxels."""
    grid, n = Grid((12, 12, 20), (2.0, 1.5, 1.0), (0.0, 0.0, 0.0)), 8
    a, b = block((2, 2, 2), (n, n, n), grid), block((2, 2, 2 + k), (n, n, n), grid)
    found = agreement(a, b)
    assert found.dice == pytest.approx(1 - k / n)
    assert found.jaccard == pytest.approx((n - k) / (n + k))
    assert found.volume_difference_pct == 0.0
    assert found.surface is not None
    assert found.surface.maximum_mm == pytest.approx(2.0 * k)  # the far face's middle, along x
    assert found.surface.average_mm <= found.surface.hausdorff95_mm <= found.surface.maximum_mm


def brute_force(a: Mask, b: Mask) -> tuple[float, float, float]:
    """Average, 95 % and maximum distance from a table of all distances, with the definition in words."""

    def surface(mask: Mask) -> NDArray[np.float64]:
        padded = np.pad(mask.voxels, 1, constant_values=True)
        inner = mask.voxels.copy()
        for axis in range(3):
            for step in (-1, 1):
                inner &= np.roll(padded, step, axis)[1:-1, 1:-1, 1:-1]
        return np.asarray(np.argwhere(mask.voxels & ~inner) * np.array(mask.grid.spacing_zyx_mm))

    table = np.linalg.norm(surface(a)[:, None] - surface(b)[None], axis=-1)
    there, back = table.min(axis=1), table.min(axis=0)
    h95 = max(np.percentile(there, 95), np.percentile(back, 95))
    return (
        float(np.concatenate([there, back]).mean()),
        float(h95),
        float(table.min(axis=1).max(initial=back.max())),
    )


@given(arrays(np.bool_, (4, 4, 5)), arrays(np.bool_, (4, 4, 5)), st.floats(0.2, 5.0))
def test_surface_distances_of_any_masks(a: NDArray[np.bool_], b: NDArray[np.bool_], scale: float) -> None:
    """As by brute force, the same both ways, and in proportion to the voxel's size."""
    grid = Grid((4, 4, 5), (1.0, 1.3, 2.0), (0.0, 0.0, 0.0))
    larger = Grid((4, 4, 5), (scale, 1.3 * scale, 2.0 * scale), (0.0, 0.0, 0.0))
    found = agreement(Mask(grid, a), Mask(grid, b)).surface
    back = agreement(Mask(grid, b), Mask(grid, a)).surface
    scaled = agreement(Mask(larger, a), Mask(larger, b)).surface
    if found is None or back is None or scaled is None:
        assert found is back is scaled is None
        return
    three = (found.average_mm, found.hausdorff95_mm, found.maximum_mm)
    assert three == pytest.approx(brute_force(Mask(grid, a), Mask(grid, b)))
    assert three == pytest.approx((back.average_mm, back.hausdorff95_mm, back.maximum_mm))
    assert pytest.approx(tuple(scale * one for one in three)) == (
        scaled.average_mm,
        scaled.hausdorff95_mm,
        scaled.maximum_mm,
    )


@given(arrays(np.bool_, (3, 4, 5)))
def test_any_mask_agrees_with_itself(voxels: NDArray[np.bool_]) -> None:
    grid = Grid((3, 4, 5), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    found = agreement(Mask(grid, voxels), Mask(grid, voxels))
    assert (found.dice, found.jaccard) == (1.0, 1.0)
    assert found.volume_difference_pct in (None, 0.0)
    if found.surface is not None:
        assert (found.surface.average_mm, found.surface.hausdorff95_mm, found.surface.maximum_mm) == (0, 0, 0)


def test_agreement_of_nothing_has_no_distances() -> None:
    """An empty reference has no volume to be in proportion to, and no surface."""
    one = agreement(line(1), line())
    assert (one.dice, one.volume_difference_pct, one.surface) == (0.0, None, None)
    assert agreement(line(), line()).dice == 1.0


def test_label_maps_are_compared_as_wholes_and_by_lesion() -> None:
    """The whole does not ask which number a lesion has."""
    labels = np.zeros(LINE.shape, np.uint16)
    labels[0, 0, 2:4], labels[0, 0, 6:8] = 1, 2
    swapped = np.where(labels > 0, 3 - labels, 0).astype(np.uint16)
    found = agreement(LabelMap(LINE, labels), LabelMap(LINE, swapped))
    assert found.dice == 1.0
    assert found.lesions is not None
    assert [(m.label, m.found_label) for m in found.lesions.matches] == [(1, 2), (2, 1)]
    assert found.to_json()["lesions"]["sensitivity"] == 1.0
    assert agreement(line(1), line(1)).lesions is None


@pytest.mark.slow
def test_a_large_liver_is_compared_in_seconds() -> None:
    """Two ellipsoids in 512 x 512 x 200 voxels within 10 s on one core, and their distance known."""
    grid = Grid((200, 512, 512), (0.7, 0.7, 2.0), (0.0, 0.0, 0.0))
    z, y, x = np.ogrid[:200, :512, :512]
    r = np.sqrt(((z - 100) * 2.0 / 90) ** 2 + ((y - 256) * 0.7 / 90) ** 2 + ((x - 256) * 0.7 / 90) ** 2)
    started = perf_counter()
    found = agreement(Mask(grid, r < 1), Mask(grid, r < 1 + 5 / 90))
    assert perf_counter() - started < 10
    assert found.surface is not None
    assert found.surface.average_mm == pytest.approx(5.0, abs=0.7)  # 90 against 95 mm, within a voxel
    assert found.dice == pytest.approx(2 * 90**3 / (90**3 + 95**3), abs=0.005)


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
    found = agreement(submitted, truth)
    assert found.surface is not None
    assert found.volume_difference_pct is not None
    assert pytest.approx(0.97843, abs=5e-6) == found.dice
    assert pytest.approx(0.66453, abs=5e-6) == abs(found.volume_difference_pct)
    assert pytest.approx(0.734, abs=5e-4) == found.surface.average_mm
    assert pytest.approx(14.0) == found.surface.maximum_mm
    assert found.surface.average_mm < found.surface.hausdorff95_mm < found.surface.maximum_mm
