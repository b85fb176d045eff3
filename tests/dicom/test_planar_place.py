"""Where planar views lie, and which way round they are, as their file tells it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from tests.dicom.test_nuclear import item, nm_file

from emboplan.dicom.read.nuclear import PlanarSeries, read_planar_series

ROWS, COLUMNS = 4, 6
PIXEL_SPACING = [3.0, 5.0]  # rows, columns

ANTERIOR, POSTERIOR = [1, 0, 0, 0, 0, -1], [-1, 0, 0, 0, 0, -1]


def frames() -> NDArray[np.uint16]:
    """Anterior and posterior as stored; the anterior view counts up in each row."""
    anterior = np.arange(ROWS * COLUMNS, dtype=np.uint16).reshape(ROWS, COLUMNS)
    return np.stack([anterior, anterior[:, ::-1] + 100])


def view(code: str, position: list[float] | None, orientation: list[int] | None) -> Dataset:
    detector = item(ViewCodeSequence=[item(CodeValue=code, CodingSchemeDesignator="SCT", CodeMeaning="")])
    if position is not None:
        detector.ImagePositionPatient = position
    if orientation is not None:
        detector.ImageOrientationPatient = orientation
    return detector


def read(path: Path, detectors: list[Dataset], stored: NDArray[np.uint16] | None = None) -> PlanarSeries:
    values: dict[str, Any] = {
        "NumberOfDetectors": 2,
        "DetectorVector": [1, 2],
        "EnergyWindowVector": [1, 1],
        "PixelSpacing": PIXEL_SPACING,
        "DetectorInformationSequence": detectors,
    }
    return read_planar_series(nm_file(path, "STATIC", frames() if stored is None else stored, **values))


@pytest.mark.parametrize("place", [[-40.0, -200.0, 90.0], [0.0, 0.0, 0.0]])
def test_the_place_of_the_first_pixel_is_read(tmp_path: Path, place: list[float]) -> None:
    series = read(
        tmp_path / "a.dcm",
        [view("399321004", place, ANTERIOR), view("399001007", [-15.0, 200.0, 90.0], POSTERIOR)],
    )
    assert series.first_pixel_mm == (place[0], place[2])
    assert series.frame_of_reference_uid == "1.2.3.8"
    assert series.findings == ()


def test_a_view_that_is_turned_has_its_first_pixel_at_the_other_corner(tmp_path: Path) -> None:
    """Rows to the head, columns to the right: 5 columns of 5 mm and 3 rows of 3 mm to the other corner."""
    turned = np.stack([frames()[0][::-1, ::-1], frames()[1]])
    detectors = [
        view("399321004", [-15.0, 0.0, 81.0], [-1, 0, 0, 0, 0, 1]),
        view("399001007", None, POSTERIOR),
    ]
    series = read(tmp_path / "a.dcm", detectors, turned)
    assert series.first_pixel_mm == (-15.0 - 25.0, 81.0 + 9.0)
    assert series.pair.anterior.tolist() == frames()[0].tolist()


def test_views_without_a_place_have_none(tmp_path: Path) -> None:
    series = read(tmp_path / "a.dcm", [view("399321004", None, ANTERIOR), view("399001007", None, POSTERIOR)])
    assert series.first_pixel_mm is None
    assert series.findings == ()


def test_a_view_from_the_back_is_mirrored_and_an_unknown_orientation_is_said(tmp_path: Path) -> None:
    """Without an orientation the posterior frame is mirrored, as its detector sees it."""
    series = read(tmp_path / "a.dcm", [view("399321004", None, None), view("399001007", None, None)])
    assert series.pair.posterior.tolist() == (frames()[0] + 100).tolist()
    assert [finding.id for finding in series.findings] == ["planar-orientation"]
    assert series.first_pixel_mm is None
