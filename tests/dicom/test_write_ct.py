"""A CT that is written: the validator's word, geometry by DICOM's own equation, numbers, repeatability."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from emboplan.dicom.write.ct import write_ct_series
from emboplan.dicom.write.identity import NewSeries, StudyIdentity, derived_uid
from emboplan.errors import ModelRangeError, OutputError
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage

HU_RANGE = (-1024, 3071)


def _ct(grid: Grid) -> CtImage:
    hu = np.random.default_rng(1).integers(*HU_RANGE, grid.shape, dtype=np.int16)
    return CtImage(grid, hu)


def _position_mm(dataset: Dataset, column: int, row: int) -> NDArray[np.float64]:
    """Equation C.7.6.2.1-1 of DICOM PS3.3."""
    cosines = np.array(dataset.ImageOrientationPatient, dtype=float)
    between_rows, between_columns = (float(v) for v in dataset.PixelSpacing)
    origin = np.array(dataset.ImagePositionPatient, dtype=float)
    return origin + cosines[:3] * between_columns * column + cosines[3:] * between_rows * row


def test_the_validator_finds_no_error(
    tmp_path: Path,
    oblique_grid: Grid,
    study: StudyIdentity,
    new_series: NewSeries,
    dciodvfy: Callable[[Path], list[str]],
) -> None:
    paths = write_ct_series(_ct(oblique_grid), tmp_path, study, new_series)
    assert dciodvfy(paths[0]) + dciodvfy(paths[-1]) == []


def test_numbers_come_back(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries
) -> None:
    ct = _ct(oblique_grid)
    paths = write_ct_series(ct, tmp_path, study, new_series)
    slices = [pydicom.dcmread(path) for path in paths]
    hu = np.stack([s.pixel_array * float(s.RescaleSlope) + float(s.RescaleIntercept) for s in slices])
    assert np.array_equal(ct.hu, hu)
    assert {"HU"} == {s.RescaleType for s in slices}


def _rotation(quaternion: tuple[float, float, float, float]) -> tuple[float, ...]:
    w, x, y, z = np.array(quaternion) / np.linalg.norm(quaternion)
    return (
        1 - 2 * (y * y + z * z),
        2 * (x * y - z * w),
        2 * (x * z + y * w),
        2 * (x * y + z * w),
        1 - 2 * (x * x + z * z),
        2 * (y * z - x * w),
        2 * (x * z - y * w),
        2 * (y * z + x * w),
        1 - 2 * (x * x + y * y),
    )


UNIT = st.floats(-1, 1)
POSITION = st.floats(-2000, 2000)
SPACING = st.floats(0.3, 10)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    quaternion=st.tuples(UNIT, UNIT, UNIT, UNIT).filter(lambda q: np.linalg.norm(q) > 0.1),
    origin=st.tuples(POSITION, POSITION, POSITION),
    spacing=st.tuples(SPACING, SPACING, SPACING),
)
def test_positions_come_back_on_any_grid(
    tmp_path_factory: pytest.TempPathFactory,
    study: StudyIdentity,
    new_series: NewSeries,
    quaternion: tuple[float, float, float, float],
    origin: tuple[float, float, float],
    spacing: tuple[float, float, float],
) -> None:
    """Corner voxels stand where rotation, spacing and origin put them, to a micrometre."""
    direction = _rotation(quaternion)
    grid = Grid((3, 4, 5), spacing, origin, direction, derived_uid("frame"))
    paths = write_ct_series(_ct(grid), tmp_path_factory.mktemp("ct"), study, new_series)
    for k in (0, 2):
        written = pydicom.dcmread(paths[k])
        for column, row in ((0, 0), (4, 0), (0, 3), (4, 3)):
            steps = np.array([column, row, k]) * np.array(spacing)
            expected = np.array(direction).reshape(3, 3) @ steps + np.array(origin)
            assert np.abs(_position_mm(written, column, row) - expected).max() < 1e-3


def test_slices_belong_to_one_series_of_the_study_and_frame(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries
) -> None:
    slices = [pydicom.dcmread(p) for p in write_ct_series(_ct(oblique_grid), tmp_path, study, new_series)]
    assert {oblique_grid.frame_of_reference_uid} == {s.FrameOfReferenceUID for s in slices}
    assert {study.study_uid} == {s.StudyInstanceUID for s in slices}
    assert {new_series.uid} == {s.SeriesInstanceUID for s in slices}
    assert len(slices) == len({s.SOPInstanceUID for s in slices})
    assert [int(s.InstanceNumber) for s in slices] == [1, 2, 3, 4, 5]
    assert {"Søndergård^Åse"} == {str(s.PatientName) for s in slices}
    assert {"20260304"} == {s.ContentDate for s in slices}


def test_a_grid_without_frame_of_reference_gets_one_of_the_series(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries
) -> None:
    grid = replace(oblique_grid, frame_of_reference_uid=None)
    slices = [pydicom.dcmread(p) for p in write_ct_series(_ct(grid), tmp_path, study, new_series)]
    assert {derived_uid(new_series.uid, "frame of reference")} == {s.FrameOfReferenceUID for s in slices}


def test_the_same_ct_gives_the_same_bytes(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries
) -> None:
    first = write_ct_series(_ct(oblique_grid), tmp_path / "a", study, new_series)
    second = write_ct_series(_ct(oblique_grid), tmp_path / "b", study, new_series)
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_other_pixels_make_another_instance(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries
) -> None:
    air = CtImage(oblique_grid, np.full(oblique_grid.shape, -1000, np.int16))
    one = pydicom.dcmread(write_ct_series(_ct(oblique_grid), tmp_path / "a", study, new_series)[0])
    other = pydicom.dcmread(write_ct_series(air, tmp_path / "b", study, new_series)[0])
    assert one.SOPInstanceUID != other.SOPInstanceUID


def test_fractions_are_rounded_to_whole_hu(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries
) -> None:
    ct = CtImage(oblique_grid, np.full(oblique_grid.shape, 56.7, np.float32))
    written = pydicom.dcmread(write_ct_series(ct, tmp_path, study, new_series)[0])
    assert {57} == set(written.pixel_array.ravel().tolist())


def test_numbers_beyond_16_bits_are_refused(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries
) -> None:
    ct = CtImage(oblique_grid, np.full(oblique_grid.shape, 40000, np.float32))
    with pytest.raises(ModelRangeError, match="clip the image"):
        write_ct_series(ct, tmp_path / "ct", study, new_series)
    assert not (tmp_path / "ct").exists()


def test_a_folder_with_files_is_refused_and_left_alone(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries
) -> None:
    (tmp_path / "slice_0099.dcm").write_text("older")
    with pytest.raises(OutputError, match="holds files already"):
        write_ct_series(_ct(oblique_grid), tmp_path, study, new_series)
    assert [p.name for p in tmp_path.iterdir()] == ["slice_0099.dcm"]


@pytest.mark.slow
def test_a_full_size_ct_is_written_in_seconds(
    tmp_path: Path, study: StudyIdentity, new_series: NewSeries
) -> None:
    """140 slices of 512 x 512 take well under a second; the limit leaves room for a busy machine."""
    ct = _ct(Grid((140, 512, 512), (0.7, 0.7, 2.5), (0.0, 0.0, 0.0)))
    began = time.perf_counter()
    write_ct_series(ct, tmp_path, study, new_series)
    assert time.perf_counter() - began < 2
