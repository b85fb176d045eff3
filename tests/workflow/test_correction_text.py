"""Corrections as they are written: positions, boxes and masks, and one clear line for what is none."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.workflow import cases

from emboplan.errors import GeometryError, InputError
from emboplan.files.nifti import write_labels, write_mask
from emboplan.model.correction import Box, Correction, Part, Point
from emboplan.model.grid import Grid
from emboplan.model.mask import LabelMap, Mask
from emboplan.workflow.segmenting.correction_text import Asked, Given


def read(given_as: Given, part: Part = Part.LIVER) -> Correction:
    asked = Asked(include=[given_as]) if part is Part.LIVER else Asked(include_tumour=[given_as])
    (correction,) = asked.corrections(cases.GRID)
    return correction


def test_points_boxes_and_tuples() -> None:
    assert read("-10, 2.5,3e1").shape == Point((-10.0, 2.5, 30.0))
    assert read(" 1,2,3,4").shape == Point((1.0, 2.0, 3.0), 4.0)
    assert read((1, 2, 3)).shape == Point((1.0, 2.0, 3.0))
    assert read((1, 2, 3, 4.5)).shape == Point((1.0, 2.0, 3.0), 4.5)
    assert read("1,2,3:-1,5,0").shape == Box((-1.0, 2.0, 0.0), (1.0, 5.0, 3.0))


coordinate = st.floats(-1000, 1000).map(lambda v: float(f"{v:.6g}"))


@given(
    st.tuples(coordinate, coordinate, coordinate), st.none() | st.floats(0.5, 99).map(lambda v: round(v, 2))
)
def test_the_text_of_a_shape_repeats_it(centre: tuple[float, float, float], radius: float | None) -> None:
    point = Point(centre, radius)
    assert read(read(point).text).shape == point
    box = Box(centre, (0.0, 1.0, 2.0))
    assert read(read(box).text).shape == box


def test_the_four_lists_are_four_kinds() -> None:
    found = Asked(["1,2,3"], ["1,2,3"], ["1,2,3"], ["1,2,3"]).corrections(cases.GRID)
    assert [c.option for c in found] == ["include", "exclude", "include-tumour", "exclude-tumour"]


def test_masks_by_file_and_label(tmp_path: Path) -> None:
    """One label for the liver, all lesions of a label map for tumours."""
    write_labels(tmp_path / "tumours.nii.gz", cases.lesions())
    one = read(f"{tmp_path / 'tumours.nii.gz'}#2").shape
    assert isinstance(one, Mask)
    assert np.array_equal(one.voxels, cases.lesions().labels == 2)
    both = read(str(tmp_path / "tumours.nii.gz"), Part.TUMOUR).shape
    assert isinstance(both, LabelMap)
    assert both.numbers == (1, 2)


@pytest.mark.parametrize("text", ["1,2", "1,2,3,4,5", "1,2,3:4,5", "1,2,3,4:5,6,7"])
def test_wrong_counts_are_told(text: str) -> None:
    with pytest.raises(InputError, match="expected x,y,z or"):
        read(text)


@pytest.mark.parametrize("text", ["1,2,x", "nowhere.nii.gz", "nowhere.nii.gz#3", "", "1;2;3"])
def test_what_is_neither_place_nor_file_is_told(text: str) -> None:
    with pytest.raises(InputError, match="is no position, and no such file is there"):
        read(text)


@pytest.mark.parametrize("text", ["nan,1,2", "inf,1,2", "1,2,3,0", "1,2,3,-4", "1,2,3:nan,1,1"])
def test_numbers_that_say_no_place_are_told(text: str) -> None:
    with pytest.raises(InputError, match=r"not finite|not above 0"):
        read(text)


def test_a_text_instead_of_a_list_is_told() -> None:
    with pytest.raises(InputError, match="corrections are lists"):
        Asked(include="1,2,3").corrections(cases.GRID)


def test_a_mask_of_another_grid_is_refused(tmp_path: Path) -> None:
    grid = Grid((4, 4, 4), (5.0, 5.0, 5.0), (0.0, 0.0, 0.0))
    write_mask(tmp_path / "other.nii.gz", Mask(grid, np.ones(grid.shape, np.bool_)))
    with pytest.raises(GeometryError, match="another grid"):
        read(str(tmp_path / "other.nii.gz"))
