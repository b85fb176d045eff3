"""Anatomy: its parts lie on one grid, lesions inside the liver, and contours wait for a reader."""

from dataclasses import replace

import numpy as np
import pytest

from emboplan.errors import GeometryError, InputError, MaskError
from emboplan.model.anatomy import Anatomy, Review
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage, MrImage
from emboplan.model.mask import LabelMap, Mask

GRID = Grid(shape=(3, 4, 5), spacing_mm=(10.0, 10.0, 10.0), origin_mm=(0, 0, 0))


def anatomy(liver_columns: int = 3, lesion_column: int = 0, grid: Grid = GRID) -> Anatomy:
    """A liver of the first columns, with one lesion of one column's middle row."""
    x = np.indices(GRID.shape)[2]
    lesion = np.where((x == lesion_column) & (np.indices(GRID.shape)[1] == 1), 1, 0)
    return Anatomy(
        image=CtImage(GRID, np.zeros(GRID.shape, np.int16)),
        liver=Mask(grid, x < liver_columns),
        lesions=LabelMap(GRID, lesion),
        review=Review("given"),
    )


def test_tumour_and_normal_liver_make_up_the_liver() -> None:
    """36 voxels of 1 mL: three of tumour, 33 of normal liver."""
    parts = anatomy()
    assert pytest.approx(3.0) == parts.tumour.volume_ml
    assert pytest.approx(33.0) == parts.normal_liver.volume_ml


def test_a_lesion_outside_the_liver_is_refused() -> None:
    with pytest.raises(MaskError, match=r"3\.0 mL of the lesions lie outside"):
        anatomy(lesion_column=4)


def test_an_empty_liver_is_refused() -> None:
    with pytest.raises(MaskError, match="liver mask is empty"):
        anatomy(liver_columns=0)


def test_a_liver_from_another_grid_is_refused() -> None:
    with pytest.raises(GeometryError, match="CT and liver"):
        anatomy(grid=replace(GRID, origin_mm=(0.0, 0.0, 1.0)))


@pytest.mark.parametrize(("name", "provisional"), [(None, True), ("", True), ("  ", True), ("Dr A", False)])
def test_contours_are_provisional_until_a_reader_is_named(name: str | None, provisional: bool) -> None:
    assert provisional == Review("builtin", confirmed_by=name).provisional


def test_an_anatomy_on_an_mr_has_no_ct() -> None:
    """Its grid and its image are there; what needs CT numbers is refused in one line."""
    on_ct = anatomy()
    assert on_ct.ct is on_ct.image
    on_mr = replace(on_ct, image=MrImage(GRID, np.ones(GRID.shape, np.float32)))
    assert on_mr.grid == GRID
    with pytest.raises(InputError, match=r"lie on an MR; this step needs a CT"):
        _ = on_mr.ct


def test_a_liver_from_another_grid_than_the_mr_is_refused() -> None:
    other = replace(GRID, origin_mm=(0.0, 0.0, 1.0))
    with pytest.raises(GeometryError, match="MR and liver"):
        replace(anatomy(), image=MrImage(other, np.ones(GRID.shape, np.float32)))
