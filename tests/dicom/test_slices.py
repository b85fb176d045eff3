"""CT and MR series: values, order, geometry and padding against what was written, and what is refused."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import JPEG2000Lossless, RLELossless
from tests.dicom.make import FRAME, ramp, write_series, write_slice

from emboplan.dicom.index import index_folder
from emboplan.dicom.read.slices import CtSeries, read_ct, read_mr
from emboplan.errors import DicomError
from emboplan.files import nifti
from emboplan.imaging.orient import reoriented


def read(folder: Path) -> CtSeries:
    return read_ct(index_folder(folder).choose({"CT"}))


@pytest.mark.parametrize("explicit", [True, False])
def test_slices_ascend_with_their_values_and_their_uids(tmp_path: Path, *, explicit: bool) -> None:
    """Names run against positions; SliceThickness says 99; spacing comes from the positions."""
    series = read(write_series(tmp_path, explicit=explicit))
    grid = series.image.grid
    assert grid.shape == (5, 4, 3)
    assert grid.spacing_mm == (0.75, 0.5, 2.5)
    assert grid.origin_mm == (-10.0, -20.0, 0.0)
    assert grid.frame_of_reference_uid == FRAME
    assert series.image.hu.dtype == np.int16
    assert series.image.hu.tolist() == [(ramp(k).astype(int) - 1024).tolist() for k in range(5)]
    files = [tmp_path / f"i{99 - k:02}.dcm" for k in range(5)]
    assert series.header.sop_instance_uids == tuple(dcmread(f).SOPInstanceUID for f in files)
    assert series.header.slice_positions_mm == (0.0, 2.5, 5.0, 7.5, 10.0)


def test_each_slice_has_its_own_rescale(tmp_path: Path) -> None:
    for k, (slope, intercept) in enumerate([(1, -1024), (2, -1000), (3, 0)]):
        write_slice(tmp_path / f"{k}.dcm", ramp(k), 5.0 * k, RescaleSlope=slope, RescaleIntercept=intercept)
    expected = [ramp(k).astype(int) * s + i for k, (s, i) in enumerate([(1, -1024), (2, -1000), (3, 0)])]
    assert read(tmp_path).image.hu.tolist() == np.array(expected).tolist()


def test_fractions_become_float32(tmp_path: Path) -> None:
    image = read(write_series(tmp_path, RescaleSlope=0.5)).image
    assert image.hu.dtype == np.float32
    assert image.hu[1, 0, 1] == pytest.approx(1001 * 0.5 - 1024)


def test_whole_numbers_beyond_16_bits_become_float32_in_every_slice(tmp_path: Path) -> None:
    for k, top in enumerate([1000, 65535, 2000]):
        write_slice(tmp_path / f"{k}.dcm", np.full((4, 3), top, np.uint16), 5.0 * k)
    image = read(tmp_path).image
    assert image.hu.dtype == np.float32
    assert image.hu[:, 0, 0].tolist() == [-24.0, 64511.0, 976.0]


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_slices_hold_the_same_numbers(tmp_path: Path, syntax: str) -> None:
    plain = read(write_series(tmp_path / "plain", shape=(40, 33)))
    for path in sorted((tmp_path / "plain").iterdir()):
        dataset = dcmread(path)
        dataset.compress(syntax, generate_instance_uid=False)
        (tmp_path / "packed").mkdir(exist_ok=True)
        dataset.save_as(tmp_path / "packed" / path.name)
    assert np.array_equal(plain.image.hu, read(tmp_path / "packed").image.hu)


def test_data_behind_the_pixels_are_not_taken_for_pixels(tmp_path: Path) -> None:
    plain = read(write_series(tmp_path / "plain"))
    write_series(tmp_path / "padded", DataSetTrailingPadding=b"\x01" * 64)
    assert np.array_equal(plain.image.hu, read(tmp_path / "padded").image.hu)


def test_declared_padding_becomes_air_and_is_said(tmp_path: Path) -> None:
    stored = ramp(1).astype(np.int16)
    stored[0] = -2000
    for k in range(3):
        write_slice(tmp_path / f"{k}.dcm", stored, 5.0 * k, PixelPaddingValue=-2000)
    series = read(tmp_path)
    assert np.unique(series.image.hu[:, 0]).tolist() == [-1000]
    assert series.image.hu[:, 1:].min() == 1003 - 1024
    assert [f.id for f in series.findings] == ["ct-padding"]


def test_undeclared_padding_becomes_air_and_is_said(tmp_path: Path) -> None:
    stored = ramp(1).astype(np.int16)
    stored[0] = -2000
    for k in range(3):
        write_slice(tmp_path / f"{k}.dcm", stored, 5.0 * k)
    series = read(tmp_path)
    assert np.unique(series.image.hu[:, 0]).tolist() == [-1000]
    assert [f.id for f in series.findings] == ["ct-undeclared-padding"]


def test_a_padding_value_among_the_tissues_is_not_believed(tmp_path: Path) -> None:
    """Stored 1024 is 0 HU, water: a file that calls it padding is wrong, and its pixels stay."""
    stored = np.full((4, 3), 1024, np.uint16)
    for k in range(3):
        write_slice(tmp_path / f"{k}.dcm", stored, 5.0 * k, PixelPaddingValue=1024)
    assert np.unique(read(tmp_path).image.hu).tolist() == [0]


def test_numbers_a_little_below_air_stay(tmp_path: Path) -> None:
    for k in range(3):
        write_slice(tmp_path / f"{k}.dcm", np.zeros((4, 3), np.uint16), 5.0 * k)
    assert np.unique(read(tmp_path).image.hu).tolist() == [-1024]


def test_a_missing_slice_is_named_by_the_positions_beside_it(tmp_path: Path) -> None:
    write_series(tmp_path, (0.0, 2.5, 5.0, 10.0, 12.5))
    with pytest.raises(DicomError, match=r"1 slice is missing between 5\.00 and 10\.00 mm"):
        read(tmp_path)


def test_two_slices_at_one_place_are_named(tmp_path: Path) -> None:
    write_series(tmp_path, (0.0, 2.5, 5.0, 5.0, 7.5))
    with pytest.raises(DicomError, match=r"i96\.dcm and i97\.dcm lie at the same position 5\.00 mm"):
        read(tmp_path)


def test_a_series_that_holds_two_volumes_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path, (0.0, 2.5, 5.0, 0.0, 2.5, 5.0))
    with pytest.raises(DicomError, match="3 slices lie where another does"):
        read(tmp_path)


def test_a_spacing_that_changes_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path, (0.0, 2.5, 5.0, 7.5, 9.0))
    with pytest.raises(DicomError, match=r"from 2\.5 mm to 1\.5 mm between 7\.50 and 9\.00 mm"):
        read(tmp_path)


def test_a_tilted_gantry_is_refused_with_its_angle(tmp_path: Path) -> None:
    """Slices upright, positions shifting by 1 mm for 5 mm: arctan 0.2 = 11.3 degrees."""
    for k in range(4):
        write_slice(tmp_path / f"{k}.dcm", ramp(k), 5.0 * k, ImagePositionPatient=[-10.0, -20.0 + k, 5.0 * k])
    with pytest.raises(DicomError, match=r"tilted by 11\.3 degrees.*from 0\.0 to 15\.0 mm"):
        read(tmp_path)


def test_mixed_orientations_are_refused_with_their_places(tmp_path: Path) -> None:
    write_series(tmp_path)
    write_slice(tmp_path / "z.dcm", ramp(1), 5.0, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    with pytest.raises(DicomError, match=r"2 orientations.*z\.dcm at \(-10\.0, -20\.0, 5\.0\) mm"):
        read(tmp_path)


def test_a_truncated_slice_is_named(tmp_path: Path) -> None:
    write_series(tmp_path)
    path = tmp_path / "i97.dcm"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DicomError, match=r"i97\.dcm is a damaged or truncated"):
        read(tmp_path)


@pytest.mark.parametrize("kept", [0, 100, 140, 400, 700])
def test_a_slice_cut_anywhere_gives_one_clear_line(tmp_path: Path, kept: int) -> None:
    write_series(tmp_path)
    path = tmp_path / "i97.dcm"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DicomError, match=r"i97\.dcm|1 slice is missing") as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"RescaleSlope": None}, "no rescale slope"),
        ({"RescaleSlope": 0}, "rescale slope of 0"),
        ({"RescaleType": "Z_EFF"}, "type Z_EFF, not Hounsfield"),
        ({"ImagePositionPatient": None}, "has no image position"),
        ({"PixelSpacing": [0, 0]}, "pixel spacing of 0"),
        ({"SamplesPerPixel": 3}, "colour image"),
        ({"NumberOfFrames": 12}, "multi-frame"),
        ({"ImageOrientationPatient": [1, 0, 0, 0.5, 1, 0]}, "not perpendicular"),
    ],
)
def test_headers_that_cannot_be_used_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    write_series(tmp_path, **changes)
    with pytest.raises(DicomError, match=message):
        read(tmp_path)


def test_nothing_shows_the_patient(tmp_path: Path) -> None:
    series = read(write_series(tmp_path))
    assert series.header.patient.patient_name == "Secret^Person"
    assert "ecret" not in repr(series.header).lower()


def test_an_oblique_series_keeps_its_place(tmp_path: Path) -> None:
    """Slices turned 30 degrees about x: each voxel lies where its slice's own header says."""
    cosine, sine = np.cos(np.pi / 6), np.sin(np.pi / 6)
    orientation = [1, 0, 0, 0, cosine, sine]
    normal = np.array([0, -sine, cosine])
    for k in range(4):
        position = np.array([5.0, 6.0, 7.0]) + 3.0 * k * normal
        write_slice(
            tmp_path / f"{k}.dcm",
            ramp(k),
            0.0,
            ImagePositionPatient=[f"{v:.10g}" for v in position],
            ImageOrientationPatient=[f"{v:.10g}" for v in orientation],
            SOPInstanceUID=f"1.2.{k}",
        )
    grid = read(tmp_path).image.grid
    expected = (
        np.array([5.0, 6.0, 7.0])
        + 2 * 0.75 * np.array([1, 0, 0])
        + 3 * 0.5 * np.array([0, cosine, sine])
        + 9.0 * normal
    )
    np.testing.assert_allclose(grid.to_mm((2, 3, 3)), expected, atol=1e-7)


def test_memory_stays_at_twice_the_array(tmp_path: Path) -> None:
    """64 slices of 128 x 128: 2 MiB of int16, copied once into the image."""
    for k in range(64):
        write_slice(tmp_path / f"{k}.dcm", np.full((128, 128), k, np.uint16), 2.0 * k)
    series = index_folder(tmp_path).choose({"CT"})
    read_ct(series)  # warm caches
    tracemalloc.start()
    read_ct(series)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3.2 * 2 * 64 * 128 * 128


# Real series. Truth: the folder names, the tables of the data's README, and NIfTI twins by another program.


def test_chaos_spacing_and_liver_volume(shared_data: Path) -> None:
    """78 slices 2.0 mm apart (thickness 3.2); 1417.5 mL of manual liver, as the data's README says."""
    image = pytest.importorskip("matplotlib.image")
    folder = shared_data / "ct" / "chaos_ct3_liver" / "Data_3D"
    grid = read(folder / "DICOM_anon").image.grid
    assert grid.shape == (78, 512, 512)
    assert grid.spacing_mm == pytest.approx((0.7265625, 0.7265625, 2.0), abs=1e-9)
    voxels = sum(int((image.imread(p) > 0).sum()) for p in sorted((folder / "Ground").glob("*.png")))
    assert voxels * grid.voxel_ml == pytest.approx(1417.5, abs=0.1)


@pytest.mark.parametrize("patient", ["CRLM-CT-1004", "CRLM-CT-1006"])
def test_padding_of_3024_never_reaches_users(shared_data: Path, patient: str) -> None:
    series = read(shared_data / "ct" / "crlm_metastases" / patient / "image")
    assert series.image.hu.min() >= -1024
    assert series.image.grid.spacing_mm[2] == pytest.approx(5.0)
    assert any("padding" in f.id for f in series.findings)


def test_jpeg2000_slices_without_class_or_series_uid(shared_data: Path) -> None:
    """The twin's label map, made from these slices by another program, has the same grid."""
    folder = shared_data / "ct" / "totalseg_small"
    series = read(folder / "example_ct_dicom")
    twin = nifti.read_labels(folder / "example_seg_dicom.nii.gz", series.image.grid)
    assert twin.grid.shape == (20, 512, 512)
    liver = series.image.hu[twin.mask(5).voxels]
    assert 40 < np.median(liver) < 160  # enhanced or native liver, not air or bone: orientation is right


@pytest.mark.parametrize(
    "name",
    [
        "generic/anatomical",
        "generic/compressed",
        "generic/compressed_rle",
        "generic/compressed_jpegls",
        "generic/compressed_j2k",
        "generic/compressed_jpeg",
        "ge/anatomical",
        "anatomical",
        "failing/slicecount",
    ],
)
def test_volumes_equal_their_nifti_twins(shared_data: Path, name: str) -> None:
    """Voxel for voxel, and in place to 0.05 mm (the twin's header rounds its quaternion)."""
    folder = shared_data / "dicom_oddities" / "dicom2nifti" / name
    series = read_mr(index_folder(folder / "001").choose({"MR"}))
    expected, twin = nifti.read_volume(folder / "001_ground_truth.nii.gz")
    found, grid = reoriented(series.signal, series.grid)
    assert np.array_equal(expected, found)
    corners = np.array([np.zeros(3), np.array(grid.shape[::-1]) - 1.0])
    np.testing.assert_allclose(grid.to_mm(corners), twin.to_mm(corners), atol=0.05)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gantrytilting/001", r"gantry was tilted by 14\.0 degrees"),
        ("sliceincrement/001", "1 slice is missing between"),
        ("sliceincrement/002", "1 slice is missing between"),
        ("sliceorientation/001", "different"),
        ("notavolume/001", "lie where another does"),
    ],
)
def test_series_that_are_no_volume_are_refused(shared_data: Path, name: str, message: str) -> None:
    folder = shared_data / "dicom_oddities" / "dicom2nifti" / "failing" / name
    series = index_folder(folder).choose({"CT", "MR"})
    reader = read_ct if series.modality == "CT" else read_mr
    with pytest.raises(DicomError, match=message):
        reader(series)


def test_no_odd_file_ends_in_anything_but_a_clear_line(shared_data: Path) -> None:
    """Each file of the collection alone: an image is read or refused by an error of ours, in one line."""
    messages = []
    for path in sorted((shared_data / "dicom_oddities").rglob("*.dcm")):
        try:
            series = index_folder(path).choose({"CT", "MR"})
            (read_ct if series.modality == "CT" else read_mr)(series)
        except DicomError as error:
            messages.append(str(error))
    assert [m for m in messages if "\n" in m] == []
    assert len(messages) > 100
