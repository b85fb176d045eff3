"""Segmentation objects of other programs: voxels in place, labels, and grids that do not fit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from emboplan.dicom.index import index_folder
from emboplan.dicom.read.seg import read_seg, read_seg_labels
from emboplan.dicom.read.slices import read_ct
from emboplan.errors import DicomError, GeometryError, MaskError
from emboplan.files import nrrd
from emboplan.imaging.orient import reoriented
from emboplan.model.grid import Grid

DCMQI = Path("dicom_oddities") / "dcmqi" / "data" / "segmentations"


@pytest.fixture(scope="module")
def liver_grid(shared_data: Path) -> Grid:
    return read_ct(index_folder(shared_data / DCMQI / "ct-3slice").choose({"CT"})).image.grid


def test_a_liver_of_dcmqi_holds_the_pixels_of_its_frames(shared_data: Path, liver_grid: Grid) -> None:
    """Its frames ascend like the slices: the mask is the stack of frames as pydicom decodes them."""
    path = shared_data / DCMQI / "liver.dcm"
    mask = read_seg(path, "liver", replace(liver_grid, frame_of_reference_uid=None))
    assert np.array_equal(dcmread(path).pixel_array > 0, mask.voxels)
    assert mask.voxel_count > 0


@pytest.mark.parametrize("name", ["24x38x3", "23x38x3"])
def test_a_segmentation_equals_its_nrrd_twin(shared_data: Path, name: str) -> None:
    """Made by dcmqi from the NRRD beside it."""
    folder = shared_data / DCMQI / name
    grid = read_ct(index_folder(folder / "image").choose({"CT"})).image.grid
    mask = read_seg(folder / "seg" / "label.seg", None, replace(grid, frame_of_reference_uid=None))
    twin = nrrd.read_labels(folder / "nrrd" / "label.nrrd")
    assert twin.grid.is_same(grid)
    assert np.array_equal(twin.labels > 0, mask.voxels)


@pytest.mark.parametrize(
    "name",
    ["liver.dcm", "liver_j2k.dcm", "liver_nonbyte_aligned.dcm", "liver_expb.dcm"],
)
def test_every_transfer_syntax_gives_the_same_mask(shared_data: Path, liver_grid: Grid, name: str) -> None:
    folder = shared_data / "dicom_oddities" / "pydicom-data" / "data_store" / "data"
    grid = replace(liver_grid, frame_of_reference_uid=None)
    expected = read_seg(shared_data / DCMQI / "liver.dcm", None, grid)
    assert np.array_equal(expected.voxels, read_seg(folder / name, None, grid).voxels)


def test_a_compression_that_cannot_be_decoded_is_named(shared_data: Path, liver_grid: Grid) -> None:
    folder = shared_data / "dicom_oddities" / "pydicom-data" / "data_store" / "data"
    with pytest.raises(DicomError, match="export the series uncompressed"):
        read_seg(folder / "liver_deflate.dcm", None, replace(liver_grid, frame_of_reference_uid=None))


def test_a_grid_with_other_axes_gets_the_same_voxels(shared_data: Path, liver_grid: Grid) -> None:
    grid = replace(liver_grid, frame_of_reference_uid=None)
    expected = read_seg(shared_data / DCMQI / "liver.dcm", None, grid).voxels
    turned, other = reoriented(expected, grid, like=np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]))
    assert np.array_equal(turned, read_seg(shared_data / DCMQI / "liver.dcm", None, other).voxels)


@pytest.mark.parametrize("name", ["sparse-labelmap-ppv5.dcm", "sparse-labelmap-noppv.dcm"])
def test_a_label_map_object_fills_only_the_slices_it_has(shared_data: Path, name: str) -> None:
    """Two frames at -177.75 and -172.75 mm on slices 2.5 mm apart: the first and the third."""
    grid = Grid((3, 38, 24), (0.7, 0.7, 2.5), (46.4649, 5.01881, -177.75))
    mask = read_seg(shared_data / DCMQI / name, "Liver", grid)
    assert np.flatnonzero(mask.voxels.any(axis=(1, 2))).tolist() == [0, 2]


def test_overlapping_segments_keep_their_own_voxels(shared_data: Path) -> None:
    """Against the sums of the frames of each segment, as pydicom decodes them."""
    path = shared_data / DCMQI / "partial_overlaps.dcm"
    dataset = dcmread(path)
    frames = dataset.PerFrameFunctionalGroupsSequence
    numbers = [f.SegmentIdentificationSequence[0].ReferencedSegmentNumber for f in frames]
    labels = {s.SegmentNumber: s.SegmentLabel for s in dataset.SegmentSequence}
    places = np.array([f.PlanePositionSequence[0].ImagePositionPatient for f in frames], dtype=float)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    row, column = (float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing)
    spacing = float(shared.PixelMeasuresSequence[0].SpacingBetweenSlices)
    slices = round(float(np.ptp(places[:, 2])) / spacing) + 1
    low = places[places[:, 2].argmin()]
    grid = Grid((slices, dataset.Rows, dataset.Columns), (column, row, spacing), tuple(low))
    masks = read_seg_labels(path, grid)
    expected: dict[str, int] = {}
    for number, pixels in zip(numbers, dataset.pixel_array, strict=True):
        expected[labels[number]] = expected.get(labels[number], 0) + int(pixels.sum())
    assert {name: mask.voxel_count for name, mask in masks.items()} == expected


def test_a_fractional_segment_is_cut_at_one_half(shared_data: Path) -> None:
    path = shared_data / "dicom_oddities" / "highdicom" / "data" / "test_files"
    path = path / "seg_image_ct_true_fractional.dcm"
    dataset = dcmread(path)
    grid = Grid((3, 16, 16), (0.488281, 0.488281, 1.25), (-125.0, -128.100006, 103.019997))
    expected = dataset.pixel_array >= dataset.MaximumFractionalValue / 2
    assert np.array_equal(expected, read_seg(path, None, grid).voxels)


def test_another_grid_is_refused(shared_data: Path, liver_grid: Grid) -> None:
    path = shared_data / DCMQI / "liver.dcm"
    x, y, z = liver_grid.origin_mm
    for other in (
        replace(liver_grid, frame_of_reference_uid=None, origin_mm=(x + 0.4, y, z)),
        replace(liver_grid, frame_of_reference_uid=None, spacing_mm=(0.8, 0.8, 1.0)),
    ):
        with pytest.raises(GeometryError, match=r"liver\.dcm lies on another grid"):
            read_seg(path, None, other)
    with pytest.raises(GeometryError, match="reaches beyond"):
        read_seg(path, None, replace(liver_grid, frame_of_reference_uid=None, shape=(3, 200, 200)))
    with pytest.raises(GeometryError, match="another frame of reference"):
        read_seg(path, None, replace(liver_grid, frame_of_reference_uid="1.2.3"))


def test_an_unknown_label_and_an_image_are_refused(shared_data: Path, liver_grid: Grid) -> None:
    grid = replace(liver_grid, frame_of_reference_uid=None)
    with pytest.raises(MaskError, match='no segment "spleen"; it holds 1 Liver'):
        read_seg(shared_data / DCMQI / "liver.dcm", "spleen", grid)
    with pytest.raises(DicomError, match=r"01\.dcm is of modality CT; expected a segmentation"):
        read_seg(shared_data / DCMQI / "ct-3slice" / "01.dcm", None, grid)
