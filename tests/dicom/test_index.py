"""The index: series by header, odd files, and the choice among several."""

from pathlib import Path

import pytest
from tests.dicom.make import SERIES, write_series

from emboplan.dicom.index import index_folder
from emboplan.errors import DicomError, SeriesChoiceError


def test_a_series_is_found_below_the_folder(tmp_path: Path) -> None:
    write_series(tmp_path / "a" / "b")
    (series,) = index_folder(tmp_path).series
    assert series.series_uid == SERIES
    assert (series.modality, series.description, series.n_images, series.plane) == (
        "CT",
        "abdomen",
        5,
        "axial",
    )
    assert list(series.files) == sorted(series.files)


def test_files_that_are_no_dicom_are_ignored_and_counted(tmp_path: Path) -> None:
    write_series(tmp_path)
    (tmp_path / "README").write_text("notes on this study\n" * 20)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "DICOMDIR").write_bytes(b"x")
    index = index_folder(tmp_path)
    assert [f.text for f in index.findings] == ["2 files that are not a DICOM image ignored"]
    assert index.choose({"CT"}).n_images == 5


def test_a_text_file_named_dcm_is_an_error(tmp_path: Path) -> None:
    write_series(tmp_path)
    (tmp_path / "notes.dcm").write_text("not an image\n" * 50)
    with pytest.raises(DicomError, match=r"notes\.dcm is not a DICOM file"):
        index_folder(tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing", "is not there"), ("empty", "is an empty folder"), ("other", "no DICOM file in other")],
)
def test_nothing_to_read_is_said(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text("x")
    with pytest.raises(DicomError, match=message):
        index_folder(tmp_path / name)


def test_another_modality_is_listed(tmp_path: Path) -> None:
    write_series(tmp_path, Modality="MR")
    with pytest.raises(DicomError, match=r"no CT series found; .* abdomen \(MR, 5 axial images"):
        index_folder(tmp_path).choose({"CT"})


def test_several_series_are_listed_and_one_can_be_named_by_the_end_of_its_uid(tmp_path: Path) -> None:
    write_series(tmp_path / "a", SeriesInstanceUID="1.2.3.11", SeriesDescription="arterial")
    write_series(tmp_path / "b", SeriesInstanceUID="1.2.3.22", SeriesDescription="portal venous")
    index = index_folder(tmp_path)
    with pytest.raises(SeriesChoiceError) as caught:
        index.choose({"CT"})
    assert "2 CT series fit" in str(caught.value)
    assert "arterial (CT, 5 axial images, UID ends in 1.2.3.11)" in str(caught.value)
    assert "portal venous (CT, 5 axial images, UID ends in 1.2.3.22)" in str(caught.value)
    assert index.choose({"CT"}, uid="3.22").description == "portal venous"
    with pytest.raises(DicomError, match='UID that ends in "9'):
        index.choose({"CT"}, uid="9.9")


def test_a_volume_is_preferred_to_scouts_and_reformats_and_that_is_said(tmp_path: Path) -> None:
    write_series(tmp_path / "ct")
    write_series(
        tmp_path / "scout",
        (0.0, 1.0),
        SeriesInstanceUID="1.2.3.1",
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
    )
    write_series(
        tmp_path / "coronal",
        SeriesInstanceUID="1.2.3.2",
        SeriesDescription="coronal",
        ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
    )
    series = index_folder(tmp_path).choose({"CT"})
    assert series.series_uid == SERIES
    assert "coronal (CT, 5 coronal images" in series.findings[0].text
    assert "(CT, 2 axial images, UID ends in 1.2.3.1)" in series.findings[0].text


def test_a_localizer_inside_a_series_is_set_apart(tmp_path: Path) -> None:
    write_series(tmp_path)
    write_series(
        tmp_path / "scout",
        (0.0,),
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
        ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
    )
    assert index_folder(tmp_path).choose({"CT"}).n_images == 5


def test_messages_carry_no_patient(tmp_path: Path) -> None:
    write_series(tmp_path, Modality="MR")
    with pytest.raises(DicomError) as caught:
        index_folder(tmp_path).choose({"CT"})
    assert "ecret" not in str(caught.value).lower()
    assert "ecret" not in repr(index_folder(tmp_path)).replace(str(tmp_path), "").lower()


def test_progress_is_told(tmp_path: Path) -> None:
    write_series(tmp_path)
    seen: list[float] = []
    index_folder(tmp_path, lambda _, fraction: seen.append(fraction))
    assert seen == [0.0, 0.2, 0.4, 0.6, 0.8]
