"""NRRD: round trips, and the segment names of 3D Slicer."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from hypothesis import given, settings
from tests.strategies import grids, numbered

from emboplan.errors import ImageFileError, MaskError
from emboplan.files import nrrd
from emboplan.imaging.itk import to_sitk
from emboplan.imaging.orient import reoriented
from emboplan.model.grid import Grid
from emboplan.model.mask import Mask

GRID = Grid(shape=(3, 4, 5), spacing_mm=(0.7, 0.8, 2.5), origin_mm=(-185.0, -98.0, 1690.5))


@settings(max_examples=40)
@given(grids())
def test_there_and_back_on_any_grid(grid: Grid) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.nrrd"
        nrrd.write_volume(path, numbered(grid), grid)
        array, back = nrrd.read_volume(path)
    expected, turned = reoriented(numbered(grid), grid)
    assert np.array_equal(expected, array)
    assert turned.is_same(back)


def test_masks_come_back(tmp_path: Path) -> None:
    voxels = np.random.default_rng(1).random(GRID.shape) > 0.5
    nrrd.write_mask(tmp_path / "m.nrrd", Mask(GRID, voxels))
    assert np.array_equal(voxels, nrrd.read_mask(tmp_path / "m.nrrd", grid=GRID).voxels)


def slicer_file(folder: Path) -> Path:
    labels = np.zeros(GRID.shape, np.uint8)
    labels[0], labels[1] = 1, 2
    image = to_sitk(labels, GRID)
    for key, value in {
        "Segment0_Name": "Liver",
        "Segment0_LabelValue": "1",
        "Segment1_Name": "Tumour 1",
        "Segment1_LabelValue": "2",
    }.items():
        image.SetMetaData(key, value)
    sitk.WriteImage(image, str(folder / "s.seg.nrrd"))
    return folder / "s.seg.nrrd"


@pytest.mark.parametrize(("label", "slice_index"), [("Liver", 0), ("Tumour 1", 1), ("2", 1), (1, 0)])
def test_a_slicer_segment_is_chosen_by_name_or_number(
    tmp_path: Path, label: int | str, slice_index: int
) -> None:
    mask = nrrd.read_mask(slicer_file(tmp_path), label, GRID)
    assert np.flatnonzero(mask.voxels.any(axis=(1, 2))).tolist() == [slice_index]
    assert nrrd.segment_labels(tmp_path / "s.seg.nrrd") == {"Liver": 1, "Tumour 1": 2}


def test_an_unknown_segment_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match='no segment "Spleen"; it holds Liver, Tumour 1'):
        nrrd.read_mask(slicer_file(tmp_path), "Spleen")


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (20, 20, 20)).astype(np.uint8)
    nrrd.write_volume(tmp_path / "a.nrrd", noise, Grid((20, 20, 20), (1, 1, 1), (0, 0, 0)))
    whole = (tmp_path / "a.nrrd").read_bytes()
    (tmp_path / "a.nrrd").write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(ImageFileError, match="truncated"):
        nrrd.read_volume(tmp_path / "a.nrrd")


def test_several_layers_are_refused(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.Image([4, 4, 4], sitk.sitkVectorUInt8, 2), str(tmp_path / "v.seg.nrrd"))
    with pytest.raises(ImageFileError, match="2 values in each voxel"):
        nrrd.read_mask(tmp_path / "v.seg.nrrd")
