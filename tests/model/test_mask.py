"""Masks and label maps: volumes, boxes, and that two meet only on one grid."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import grids

from emboplan.errors import GeometryError, MaskError
from emboplan.model.grid import Grid
from emboplan.model.mask import LabelMap, Mask, bounding_box

GRID = Grid(shape=(3, 4, 5), spacing_mm=(2.0, 2.0, 2.5), origin_mm=(0, 0, 0))


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    grid = draw(grids())
    bits = draw(st.binary(min_size=int(np.prod(grid.shape)), max_size=int(np.prod(grid.shape))))
    return Mask(grid, (np.frombuffer(bits, np.uint8) % 2).astype(np.bool_).reshape(grid.shape))


def test_volume_by_hand() -> None:
    """Six voxels of 0.01 mL."""
    voxels = np.zeros(GRID.shape, np.bool_)
    voxels[1, 1:3, 1:4] = True
    assert pytest.approx(0.06, rel=1e-12) == Mask(GRID, voxels).volume_ml


@given(masks())
def test_the_box_holds_every_voxel_and_touches_on_all_sides(mask: Mask) -> None:
    box = bounding_box(mask.voxels)
    if box is None:
        assert mask.is_empty
        return
    inside = mask.voxels[box]
    assert mask.voxel_count == int(inside.sum())
    for axis in range(3):
        assert inside.take(0, axis).any()
        assert inside.take(-1, axis).any()


@given(masks(), st.integers(1, 3))
def test_a_margin_never_leaves_the_array(mask: Mask, margin: int) -> None:
    box = bounding_box(mask.voxels, margin)
    if box is not None:
        assert all(0 <= part.start < part.stop <= n for part, n in zip(box, mask.grid.shape, strict=True))


@given(masks())
def test_difference_and_intersection_make_up_the_whole(mask: Mask) -> None:
    half = Mask(mask.grid, np.indices(mask.grid.shape)[2] % 2 == 0)
    assert mask.voxel_count == (mask & half).voxel_count + (mask - half).voxel_count
    assert (mask | half).voxel_count == mask.voxel_count + half.voxel_count - (mask & half).voxel_count


def test_masks_of_equal_shape_on_other_places_do_not_meet() -> None:
    moved = replace(GRID, origin_mm=(0.0, 0.0, 5.0))
    with pytest.raises(GeometryError, match="different grids"):
        Mask.empty(GRID) | Mask.empty(moved)


def test_an_empty_mask_has_no_box() -> None:
    with pytest.raises(MaskError, match="empty"):
        Mask.empty(GRID).box()


def test_numbers_are_no_mask() -> None:
    with pytest.raises(MaskError, match="booleans"):
        Mask(GRID, np.ones(GRID.shape, np.uint8))


def test_labels_in_use_and_their_masks() -> None:
    labels = np.zeros(GRID.shape, np.uint16)
    labels[0, 0, :2] = 7
    labels[2, 3, 4] = 65535
    label_map = LabelMap(GRID, labels)
    assert label_map.numbers == (7, 65535)
    assert [
        *(label_map.mask(n).voxel_count for n in (7, 65535, 1)),
        label_map.union.voxel_count,
    ] == [2, 1, 0, 3]


@pytest.mark.parametrize("value", [-1, 65536])
def test_labels_outside_16_bits_are_refused(value: int) -> None:
    with pytest.raises(MaskError, match="0 to 65535"):
        LabelMap(GRID, np.full(GRID.shape, value, np.int64))


def test_fractions_are_no_labels() -> None:
    with pytest.raises(MaskError, match="whole numbers"):
        LabelMap(GRID, np.full(GRID.shape, 0.5))
