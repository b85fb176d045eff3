"""NM images: volumes and views against what was written, here with pydicom alone and by our own writers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, NuclearMedicineImageStorage

from emboplan.dicom.index import index_folder
from emboplan.dicom.read.nuclear import is_planar, read_planar, read_planar_series, read_spect
from emboplan.dicom.write.identity import NewSeries, StudyIdentity
from emboplan.dicom.write.nm import EnergyWindow, tc99m_maa, write_planar, write_spect
from emboplan.errors import DicomError
from emboplan.model.grid import Grid
from emboplan.model.image import CountImage, PlanarPair

FRAMES, ROWS, COLUMNS = 4, 3, 5
ACQUISITION = tc99m_maa(EnergyWindow("Tc99m", 126.0, 154.0), EnergyWindow("Scatter", 108.0, 126.0))


def item(**values: Any) -> Dataset:
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def nm_file(path: Path, kind: str, frames: NDArray[Any], **values: Any) -> Path:
    """An NM object with these frames; `values` replace or, with None, remove attributes."""
    dataset = item(
        SOPClassUID=NuclearMedicineImageStorage,
        SOPInstanceUID="1.2.3.4",
        StudyInstanceUID="1.2.3",
        SeriesInstanceUID="1.2.3.9",
        FrameOfReferenceUID="1.2.3.8",
        Modality="NM",
        PatientName="Secret^Person",
        ImageType=["ORIGINAL", "PRIMARY", kind, "EMISSION"],
        NumberOfFrames=len(frames),
        Rows=frames.shape[1],
        Columns=frames.shape[2],
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        BitsAllocated=16,
        BitsStored=16,
        HighBit=15,
        PixelRepresentation=int(frames.dtype.kind == "i"),
        PixelSpacing=[4.0, 5.0],
        PixelData=frames.tobytes(),
    )
    for name, value in values.items():
        if value is None:
            if name in dataset:
                delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path, enforce_file_format=True)
    return path


def volume() -> NDArray[np.uint16]:
    return np.arange(FRAMES * ROWS * COLUMNS, dtype=np.uint16).reshape(FRAMES, ROWS, COLUMNS)


def spect_file(path: Path, frames: NDArray[Any] | None = None, **values: Any) -> Path:
    detector = item(ImagePositionPatient=[-7.0, -8.0, 30.0], ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    given: dict[str, object] = {
        "DetectorInformationSequence": [detector],
        "FrameIncrementPointer": Tag("SliceVector"),
        "SliceVector": list(range(1, FRAMES + 1)),
        "SpacingBetweenSlices": 6.0,
        "SliceThickness": 99.0,
    }
    return nm_file(path, "RECON TOMO", volume() if frames is None else frames, **{**given, **values})


def test_slices_follow_the_normal_for_a_positive_spacing(tmp_path: Path) -> None:
    series = read_spect(spect_file(tmp_path / "a.dcm"))
    grid = series.image.grid
    assert grid.shape == (FRAMES, ROWS, COLUMNS)
    assert grid.spacing_mm == (5.0, 4.0, 6.0)
    assert grid.origin_mm == (-7.0, -8.0, 30.0)
    assert series.image.counts.tolist() == volume().tolist()
    assert grid.frame_of_reference_uid == "1.2.3.8"


def test_slices_run_against_the_normal_for_a_negative_spacing(tmp_path: Path) -> None:
    """DICOM PS3.3 C.8.4.15: the sign says on which side of the first slice others lie. 30 - 3 x 6 = 12."""
    series = read_spect(spect_file(tmp_path / "a.dcm", SpacingBetweenSlices=-6.0))
    assert series.image.grid.origin_mm == (-7.0, -8.0, 12.0)
    assert series.image.counts.tolist() == volume()[::-1].tolist()


def test_frames_are_put_in_the_order_of_their_slice_numbers(tmp_path: Path) -> None:
    series = read_spect(spect_file(tmp_path / "a.dcm", SliceVector=[3, 1, 4, 2]))
    assert series.image.counts[:, 0, 0].tolist() == volume()[[1, 3, 0, 2], 0, 0].tolist()


def test_a_rescale_is_applied_once(tmp_path: Path) -> None:
    """The mapping and the slope state the same factor; both together are not its square."""
    mapping = item(RealWorldValueSlope=0.5, RealWorldValueIntercept=0.0)
    for values in ({"RescaleSlope": 0.5}, {"RescaleSlope": 0.5, "RealWorldValueMappingSequence": [mapping]}):
        series = read_spect(spect_file(tmp_path / "a.dcm", **values))
        assert series.image.counts[0, 0].tolist() == [0.0, 0.5, 1.0, 1.5, 2.0]


def test_a_thickness_in_place_of_the_spacing_is_said(tmp_path: Path) -> None:
    series = read_spect(spect_file(tmp_path / "a.dcm", SpacingBetweenSlices=None, SliceThickness=6.5))
    assert series.image.grid.spacing_mm[2] == 6.5
    assert [f.id for f in series.findings] == ["spect-spacing"]


def test_negative_values_of_a_reconstruction_are_said(tmp_path: Path) -> None:
    frames = volume().astype(np.int16)
    frames[0, 0, 0] = -20
    series = read_spect(spect_file(tmp_path / "a.dcm", frames))
    assert series.image.counts.min() == 0
    assert [f.id for f in series.findings] == ["spect-negative"]


def test_corrections_are_known_only_where_they_are_named(tmp_path: Path) -> None:
    image = read_spect(spect_file(tmp_path / "a.dcm", CorrectedImage=["ATTN", "DECY"])).image
    assert (image.attenuation_corrected, image.scatter_corrected) == (True, None)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"DetectorInformationSequence": None}, "does not tell the position"),
        ({"SliceVector": [1, 1, 2, 2]}, "same slice"),
        (
            {"ImageType": ["ORIGINAL", "PRIMARY", "TOMO", "EMISSION"]},
            "is NM TOMO; expected an NM image of kind",
        ),
        ({"Modality": "CT"}, "is CT RECON TOMO; expected"),
    ],
)
def test_what_is_no_spect_is_refused(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    with pytest.raises(DicomError, match=message) as caught:
        read_spect(spect_file(tmp_path / "a.dcm", **values))
    assert "ecret" not in str(caught.value)


def test_a_truncated_spect_is_named(tmp_path: Path) -> None:
    path = spect_file(tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DicomError, match=r"a\.dcm is a damaged or truncated"):
        read_spect(path)


def view_item(code: str | None = None, **values: Any) -> Dataset:
    view = [item(CodeValue=code, CodingSchemeDesignator="SCT", CodeMeaning="view")] if code else []
    return item(ViewCodeSequence=view, **values)


def two_views() -> NDArray[np.uint16]:
    """A hot spot at the patient's right (column 1) in front, and as the rear detector sees it, mirrored."""
    frames = np.zeros((2, 3, 5), np.uint16)
    frames[0, 0, 1] = 100
    frames[1, 0, 3] = 60
    return frames


@pytest.mark.parametrize(
    "detectors",
    [
        (view_item("399321004"), view_item("399001007")),
        (view_item("G-5215"), view_item("G-5216")),
        (
            view_item(ImageOrientationPatient=[1, 0, 0, 0, 0, -1]),
            view_item(ImageOrientationPatient=[-1, 0, 0, 0, 0, -1]),
        ),
        (view_item(StartAngle=180.0), view_item(StartAngle=0.0)),
    ],
)
def test_both_views_lie_as_seen_from_the_front(tmp_path: Path, detectors: tuple[Dataset, ...]) -> None:
    path = nm_file(
        tmp_path / "p.dcm",
        "WHOLE BODY",
        two_views(),
        DetectorVector=[1, 2],
        DetectorInformationSequence=list(detectors),
        ActualFrameDuration=600000,
    )
    pair = read_planar(path)
    assert np.argwhere(pair.anterior).tolist() == np.argwhere(pair.posterior).tolist() == [[0, 1]]
    assert (pair.anterior.max(), pair.posterior.max()) == (100, 60)
    assert pair.pixel_mm == (5.0, 4.0)
    assert pair.duration_s == 600.0
    assert is_planar(path)


def test_a_posterior_view_that_says_it_is_mirrored_already_is_left(tmp_path: Path) -> None:
    """Rows that run to the patient's left are those of a view from the front."""
    detectors = [
        view_item("399321004", ImageOrientationPatient=[1, 0, 0, 0, 0, -1]),
        view_item("399001007", ImageOrientationPatient=[1, 0, 0, 0, 0, -1]),
    ]
    path = nm_file(
        tmp_path / "p.dcm",
        "STATIC",
        two_views(),
        DetectorVector=[1, 2],
        DetectorInformationSequence=detectors,
    )
    assert np.argwhere(read_planar(path).posterior).tolist() == [[0, 3]]


def window(name: str, low: float, high: float) -> Dataset:
    limits = item(EnergyWindowLowerLimit=low, EnergyWindowUpperLimit=high)
    return item(EnergyWindowName=name, EnergyWindowRangeSequence=[limits])


@pytest.mark.parametrize("scatter_first", [True, False])
def test_the_photopeak_is_the_upper_window_in_either_order(tmp_path: Path, *, scatter_first: bool) -> None:
    windows = [window("W1", 126, 154), window("W2", 108, 126)]
    frames = np.stack([np.full((3, 5), v, np.uint16) for v in (100, 60, 30, 20)])
    if scatter_first:
        windows, frames = windows[::-1], frames[[2, 3, 0, 1]]
    path = nm_file(
        tmp_path / "p.dcm",
        "STATIC",
        frames,
        DetectorVector=[1, 2, 1, 2],
        EnergyWindowVector=[1, 1, 2, 2],
        DetectorInformationSequence=[view_item("399321004"), view_item("399001007")],
        EnergyWindowInformationSequence=windows,
    )
    series = read_planar_series(path)
    pair = series.pair
    assert pair.scatter_anterior is not None
    assert pair.scatter_posterior is not None
    found = [v[0, 0] for v in (pair.anterior, pair.posterior, pair.scatter_anterior, pair.scatter_posterior)]
    assert found == [100, 60, 30, 20]
    assert (series.photopeak_kev, series.scatter_kev) == ((126.0, 154.0), (108.0, 126.0))


def test_views_in_two_files_make_a_pair(tmp_path: Path) -> None:
    for k, code in enumerate(("399321004", "399001007")):
        nm_file(
            tmp_path / f"{k}.dcm",
            "STATIC",
            two_views()[k : k + 1],
            DetectorInformationSequence=[view_item(code)],
            SOPInstanceUID=f"1.2.3.4.{k}",
        )
    pair = read_planar(index_folder(tmp_path).choose({"NM"}))
    assert np.argwhere(pair.anterior).tolist() == np.argwhere(pair.posterior).tolist() == [[0, 1]]


def test_views_without_a_side_or_without_a_partner_are_refused(tmp_path: Path) -> None:
    unnamed = nm_file(tmp_path / "a.dcm", "STATIC", two_views(), DetectorVector=[1, 2])
    with pytest.raises(DicomError, match="which view is anterior"):
        read_planar(unnamed)
    alone = nm_file(
        tmp_path / "b.dcm", "STATIC", two_views()[:1], DetectorInformationSequence=[view_item("399321004")]
    )
    with pytest.raises(DicomError, match="found 0 posterior views"):
        read_planar(alone)


def test_our_own_spect_comes_back(tmp_path: Path) -> None:
    grid = Grid((5, 6, 7), (4.4, 4.8, 3.2), (-10.0, 20.0, 30.5), frame_of_reference_uid="1.2.3.4")
    counts = np.random.default_rng(1).random(grid.shape, dtype=np.float32) * 100
    image = CountImage(grid, counts, attenuation_corrected=True)
    identity = StudyIdentity("1.2.3")
    path = write_spect(
        image, tmp_path / "s.dcm", identity, NewSeries("1.2.5", "spect", date="20200101"), ACQUISITION
    )
    back = read_spect(path).image
    assert back.grid.is_same(grid)
    np.testing.assert_allclose(back.counts, counts, atol=100 / 65535)
    assert back.attenuation_corrected is True


def test_our_own_views_come_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    views = [rng.integers(0, 500, (8, 6)).astype(np.float32) for _ in range(4)]
    pair = PlanarPair(views[0], views[1], (2.0, 3.0), 600.0, views[2], views[3])
    series = NewSeries("1.2.6", "planar", date="20200101")
    path = write_planar(
        pair, tmp_path / "p.dcm", StudyIdentity("1.2.3"), series, ACQUISITION, whole_body=True
    )
    back = read_planar(path)
    for name in ("anterior", "posterior", "scatter_anterior", "scatter_posterior"):
        assert np.array_equal(getattr(pair, name), getattr(back, name))
    assert (back.pixel_mm, back.duration_s) == ((2.0, 3.0), 600.0)


def test_planar_views_are_no_volume_in_the_index(tmp_path: Path) -> None:
    """Four views (two windows) beside a SPECT of four slices: the choice is the SPECT."""
    spect_file(tmp_path / "s.dcm")
    nm_file(
        tmp_path / "p.dcm", "WHOLE BODY", volume(), SeriesInstanceUID="1.2.3.10", SOPInstanceUID="1.2.3.5"
    )
    chosen = index_folder(tmp_path).choose({"NM"})
    assert chosen.kind == "RECON TOMO"
    assert not is_planar(chosen)
