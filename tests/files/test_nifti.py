"""NIfTI: round trips on any grid, agreement with nibabel, labels, and files that cannot be used."""

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from tests.strategies import grids, numbered

from emboplan.errors import GeometryError, ImageFileError, MaskError, OutputError
from emboplan.files import nifti
from emboplan.imaging.orient import reoriented
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage, DoseMap
from emboplan.model.mask import LabelMap, Mask

GRID = Grid(shape=(3, 4, 5), spacing_mm=(0.7, 0.8, 2.5), origin_mm=(-185.0, -98.0, 1690.5))
LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def label_file(folder: Path, labels: np.ndarray, grid: Grid = GRID) -> Path:
    path = folder / "labels.nii.gz"
    nifti.write_volume(path, labels, grid)
    return path


@settings(max_examples=40)
@given(grids())
def test_there_and_back_on_any_grid(grid: Grid) -> None:
    """Values exact, places within the micrometre of single precision, axes in the nearest order."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.nii"
        nifti.write_volume(path, numbered(grid), grid)
        array, back = nifti.read_volume(path)
    expected, turned = reoriented(numbered(grid), grid)
    assert np.array_equal(expected, array)
    assert turned.is_same(back)


@settings(max_examples=40)
@given(grids())
def test_nibabel_sees_each_voxel_where_we_do(grid: Grid) -> None:
    """Its affine is in RAS: x and y change sign."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.nii"
        nifti.write_volume(path, numbered(grid), grid)
        image = nibabel.load(path)
        values = np.asarray(image.dataobj)
    assert np.array_equal(numbered(grid), values.transpose(2, 1, 0))
    last = np.array([*(n - 1 for n in reversed(grid.shape)), 1.0])
    np.testing.assert_allclose((LPS_FROM_RAS @ image.affine @ last)[:3], grid.to_mm(last[:3]), atol=1e-3)


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (-1, -1, 1), (1, 1, -1)])
def test_files_of_nibabel_in_any_handedness_land_in_place(
    tmp_path: Path, signs: tuple[int, int, int]
) -> None:
    """A marked voxel is found at the millimetres that nibabel's affine gives, in RAS."""
    affine = np.diag([2.0 * signs[0], 3.0 * signs[1], 4.0 * signs[2], 1.0])
    affine[:3, 3] = (10.0, -20.0, 30.0)
    values = np.zeros((5, 6, 7), np.int16)
    values[4, 2, 1] = 9
    nibabel.Nifti1Image(values, affine).to_filename(tmp_path / "a.nii.gz")
    array, grid = nifti.read_volume(tmp_path / "a.nii.gz")
    z, y, x = (int(v) for v in np.argwhere(array == 9)[0])
    expected = LPS_FROM_RAS @ affine @ np.array([4, 2, 1, 1])
    np.testing.assert_allclose(grid.to_mm((x, y, z)), expected[:3], atol=1e-5)
    np.testing.assert_allclose(grid.axes, np.eye(3), atol=1e-6)


def test_a_mask_meets_a_ct_that_stores_its_axes_in_another_order(tmp_path: Path) -> None:
    """The file runs to the front and the feet; the grid of the CT does not: same voxels, same places."""
    voxels = np.random.default_rng(3).random(GRID.shape) > 0.5
    turned = np.array([[1.0, 0, 0], [0, -1.0, 0], [0, 0, -1.0]])
    array, other = reoriented(voxels, GRID, like=turned)
    nifti.write_volume(tmp_path / "m.nii.gz", array.astype(np.uint8), other)
    assert np.array_equal(voxels, nifti.read_mask(tmp_path / "m.nii.gz", grid=GRID).voxels)
    nifti.write_volume(tmp_path / "n.nii.gz", voxels.astype(np.uint8), GRID)
    assert np.array_equal(array, nifti.read_mask(tmp_path / "n.nii.gz", grid=other).voxels)


def test_a_mask_of_another_grid_is_refused_with_both_grids(tmp_path: Path) -> None:
    path = label_file(tmp_path, np.ones(GRID.shape, np.uint8))
    with pytest.raises(
        GeometryError, match=r"labels\.nii\.gz lies on another grid: 5 x 4 x 3.*expected 5 x 4 x 2"
    ):
        nifti.read_mask(path, grid=GRID.cropped((slice(0, 2), slice(None), slice(None))))


def test_labels_are_chosen_by_number(tmp_path: Path) -> None:
    labels = np.zeros(GRID.shape, np.uint8)
    labels[0], labels[1, 0] = 5, 17
    path = label_file(tmp_path, labels)
    assert nifti.read_mask(path, 17, GRID).voxel_count == 5
    assert nifti.read_labels(path).numbers == (5, 17)
    with pytest.raises(MaskError, match=r"several labels \(5, 17\); name one, as in labels\.nii\.gz#5"):
        nifti.read_mask(path)
    with pytest.raises(MaskError, match="no label 6; it holds 5, 17"):
        nifti.read_mask(path, 6)


def test_the_only_label_needs_no_number(tmp_path: Path) -> None:
    labels = np.zeros(GRID.shape, np.float32)
    labels[2] = 255.0
    assert nifti.read_mask(label_file(tmp_path, labels)).voxel_count == 20


@pytest.mark.parametrize(
    ("value", "message"),
    [(0.5, "fractions"), (-1.0, "from -1 to 0"), (70000.0, "0 to 65535"), (0.0, "empty mask")],
)
def test_what_is_no_mask_is_refused(tmp_path: Path, value: float, message: str) -> None:
    labels = np.zeros(GRID.shape, np.float32)
    labels[0, 0, 0] = value
    with pytest.raises(MaskError, match=message):
        nifti.read_mask(label_file(tmp_path, labels))


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32, np.float64])
def test_whole_ct_numbers_are_int16_in_whatever_type_they_come(tmp_path: Path, dtype: type) -> None:
    hu = np.full(GRID.shape, 55)
    hu[0, 0, :3] = (-1024, -3024, 3071)
    nifti.write_volume(tmp_path / "ct.nii.gz", hu.astype(dtype), GRID)
    ct = nifti.read_ct(tmp_path / "ct.nii.gz")
    assert ct.hu.dtype == np.int16
    assert ct.hu[0, 0].tolist() == [-1024, -1000, 3071, 55, 55]  # padding became air


def test_a_volume_without_negative_numbers_is_no_ct(tmp_path: Path) -> None:
    nifti.write_volume(tmp_path / "mr.nii.gz", np.ones(GRID.shape, np.int16), GRID)
    with pytest.raises(ImageFileError, match="no CT in Hounsfield units"):
        nifti.read_ct(tmp_path / "mr.nii.gz")


def test_masks_labels_ct_and_dose_are_written_as_they_are(tmp_path: Path) -> None:
    voxels = np.random.default_rng(1).random(GRID.shape) > 0.5
    nifti.write_mask(tmp_path / "m.nii.gz", Mask(GRID, voxels))
    assert np.array_equal(voxels, nifti.read_mask(tmp_path / "m.nii.gz", grid=GRID).voxels)
    labels = np.random.default_rng(2).integers(0, 65536, GRID.shape).astype(np.uint16)
    nifti.write_labels(tmp_path / "l.nii.gz", LabelMap(GRID, labels))
    assert np.array_equal(labels, nifti.read_labels(tmp_path / "l.nii.gz", GRID).labels)
    hu = np.random.default_rng(3).integers(-1024, 3000, GRID.shape).astype(np.int16)
    nifti.write_ct(tmp_path / "c.nii.gz", CtImage(GRID, hu))
    assert np.array_equal(hu, nifti.read_ct(tmp_path / "c.nii.gz").hu)
    gy = np.random.default_rng(4).random(GRID.shape).astype(np.float32)
    nifti.write_dose(tmp_path / "d.nii.gz", DoseMap(GRID, gy, "local"))
    assert np.array_equal(gy, nifti.read_volume(tmp_path / "d.nii.gz")[0])


def test_the_same_image_gives_the_same_bytes(tmp_path: Path) -> None:
    mask = Mask(GRID, np.random.default_rng(1).random(GRID.shape) > 0.5)
    (tmp_path / "other").mkdir()
    paths = tmp_path / "m.nii.gz", tmp_path / "other" / "m.nii.gz"
    for path in paths:
        nifti.write_mask(path, mask)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.nii.gz", "other"]


def test_a_file_without_orientation_is_refused(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.ones((3, 3, 3), np.int16), np.eye(4))
    image.set_qform(None, 0)
    image.set_sform(None, 0)
    image.to_filename(tmp_path / "a.nii")
    with pytest.raises(ImageFileError, match="states no orientation"):
        nifti.read_volume(tmp_path / "a.nii")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.nii.gz", None, "is not there"),
        ("a.nii", b"text, no image", "damaged, truncated or of another format"),
        ("a.nrrd", b"", r"is not named \.nii or \.nii\.gz"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageFileError, match=message) as caught:
        nifti.read_volume(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, name: str, kept: float) -> None:
    """ITK alone would fill what is missing with zeros and say nothing."""
    noise = np.random.default_rng(0).integers(0, 255, (20, 20, 20)).astype(np.uint8)
    nifti.write_volume(tmp_path / name, noise, Grid((20, 20, 20), (1, 1, 1), (0, 0, 0)))
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(ImageFileError, match=r"truncated"):
        nifti.read_volume(tmp_path / name)


def test_a_file_in_several_gzip_members_is_whole(tmp_path: Path) -> None:
    """As parallel compressors write: the length at the end is that of the last member alone."""
    nifti.write_volume(tmp_path / "a.nii", numbered(GRID), GRID)
    plain = (tmp_path / "a.nii").read_bytes()
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(plain[:200]) + gzip.compress(plain[200:]))
    assert np.array_equal(numbered(GRID), nifti.read_volume(tmp_path / "a.nii.gz")[0])


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="folder away is not there"):
        nifti.write_mask(tmp_path / "away" / "m.nii.gz", Mask.empty(GRID))
    with pytest.raises(OutputError, match="not named"):
        nifti.write_mask(tmp_path / "m.png", Mask.empty(GRID))


def test_totalsegmentator_liver_volume(shared_data: Path) -> None:
    """1125.7 mL for label 5, as the data's README says; on the grid of its CT."""
    folder = shared_data / "ct" / "totalseg_small"
    liver = nifti.read_mask(folder / "example_seg_fast_force_split.nii.gz", 5)
    assert liver.grid.is_same(nifti.read_ct(folder / "example_ct.nii.gz").grid)
    assert liver.volume_ml == pytest.approx(1125.7, abs=0.1)
