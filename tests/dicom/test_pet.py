"""PET series into Bq/mL with their clocks: synthetic series, and a whole-body scan of the archive."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.sequence import Sequence
from tests.dicom.make_pet import F18, VOXEL_ML, administered, cylinder, write_pet

from emboplan.dicom.index import index_folder
from emboplan.dicom.read.pet import PetSeries, nuclide_name, read_pet
from emboplan.errors import DicomError
from emboplan.model.pet import DecayCorrection

BOSTON = timezone(timedelta(hours=-5))
SCAN = datetime(2026, 12, 4, 6, 30, tzinfo=BOSTON)
INJECTION = datetime(2026, 12, 3, 10, 30, tzinfo=BOSTON)


def read(folder: Path, injection: datetime | None = None) -> PetSeries:
    return read_pet(index_folder(folder).choose({"PT"}), injection_time=injection)


def plain(folder: Path, **changes: Any) -> Path:
    stored = np.full((3, 2, 2), 10, np.uint16)
    return write_pet(folder, stored, (1.0, 1.0, 1.0), **changes)


def ids(series: PetSeries) -> list[str]:
    return [finding.id for finding in series.findings]


def test_a_uniform_cylinder_holds_its_activity(tmp_path: Path) -> None:
    """2 MBq/mL in a cylinder, stored with another slope in each slice: voxels x 0.04 mL x 2 MBq/mL."""
    inside = cylinder()
    slopes = (100.0, 200.0, 400.0, 500.0, 800.0, 1000.0)
    stored = np.stack([np.where(inside[k], 2e6 / slope, 0) for k, slope in enumerate(slopes)])
    image = read(write_pet(tmp_path, stored.astype(np.uint16), slopes)).image
    np.testing.assert_allclose(image.bq_per_ml[inside], 2e6, rtol=1e-6)
    assert image.bq_per_ml[~inside].max() == 0
    total_mbq = float(image.bq_per_ml.sum(dtype=np.float64)) * image.grid.voxel_ml / 1e6
    assert total_mbq == pytest.approx(np.count_nonzero(inside) * VOXEL_ML * 2.0, rel=1e-6)


def test_the_clock_of_a_series(tmp_path: Path) -> None:
    """Start of the series in the header's zone, frames of 20 minutes, Y-90 by name and half-life."""
    series = read(plain(tmp_path))
    image = series.image
    assert image.decay_correction is DecayCorrection.START
    assert image.corrected_to == SCAN
    assert [frame.start for frame in image.frames] == [SCAN] * 3
    assert {frame.duration_s for frame in image.frames} == {1200.0}
    assert image.nuclide.name == "Y-90"
    assert image.nuclide.half_life_h == pytest.approx(64.1)


def test_the_zone_of_the_injection_is_lent_to_a_pet_without_one(tmp_path: Path) -> None:
    series = read(plain(tmp_path, TimezoneOffsetFromUTC=None), INJECTION)
    assert series.image.corrected_to == SCAN
    assert "pet-time-zone" in ids(series)


def test_without_any_zone_times_are_utc_and_said_so(tmp_path: Path) -> None:
    series = read(plain(tmp_path, TimezoneOffsetFromUTC=None))
    assert series.image.corrected_to == SCAN.replace(tzinfo=UTC)
    assert "pet-time-zone" in ids(series)


def test_frames_past_midnight_are_of_the_next_day(tmp_path: Path) -> None:
    """A series of 23:50 whose last slice was acquired at 00:10, without a date of its own."""
    series = read(
        plain(
            tmp_path,
            SeriesTime="235000",
            AcquisitionTime="235000",
            per_slice={2: {"AcquisitionTime": "001000.500", "AcquisitionDate": None}},
        )
    )
    first = datetime(2026, 12, 4, 23, 50, tzinfo=BOSTON)
    assert series.image.frames[2].start == first + timedelta(minutes=20, seconds=0.5)
    assert series.image.corrected_to == first
    assert "pet-past-midnight" in ids(series)


def test_a_series_made_later_is_corrected_to_the_first_acquisition(tmp_path: Path) -> None:
    series = read(plain(tmp_path, SeriesTime="090000"))
    assert series.image.corrected_to == SCAN
    assert "pet-series-time" in ids(series)


def test_beds_with_one_acquisition_time_begin_at_their_reference_times(tmp_path: Path) -> None:
    series = read(plain(tmp_path, per_slice={2: {"FrameReferenceTime": 1260000}}))
    assert series.image.frames[2].start == SCAN + timedelta(minutes=21)
    assert "pet-bed-times" in ids(series)


@pytest.mark.parametrize(
    ("injection", "expected"),
    [
        (INJECTION, INJECTION),
        (INJECTION - timedelta(days=1), INJECTION - timedelta(days=1)),
        (None, INJECTION),
    ],
)
def test_an_administration_without_a_date_gets_the_day_that_fits(
    injection: datetime | None, expected: datetime, tmp_path: Path
) -> None:
    """10:30 alone: the day of the injection where that is known, else the last 10:30 before the scan."""
    series = read(plain(tmp_path, DecayCorrection="ADMIN"), injection)
    assert series.image.corrected_to == expected
    assert ("pet-administration-date" in ids(series)) is (injection is None)


def test_an_administration_with_its_date_and_zone_is_taken_as_it_stands(tmp_path: Path) -> None:
    given = administered(time="090000", moment="20261202153000.000000+0000")
    series = read(
        plain(tmp_path, DecayCorrection="ADMIN", RadiopharmaceuticalInformationSequence=Sequence([given]))
    )
    assert series.image.corrected_to == datetime(2026, 12, 2, 15, 30, tzinfo=UTC)


def test_uncorrected_values_stand_for_no_moment(tmp_path: Path) -> None:
    image = read(plain(tmp_path, DecayCorrection="NONE")).image
    assert (image.decay_correction, image.corrected_to) == (DecayCorrection.NONE, None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Units": "CNTS"}, "CNTS: counts, which the file alone does not calibrate; export"),
        ({"Units": "GML"}, r"GML: uptake values \(SUV\); export the series in Bq/mL"),
        ({"Units": None}, "in no unit"),
        ({"DecayCorrection": None}, r"decay correction \(none stated\); expected one of START, ADMIN, NONE"),
        ({"DecayCorrection": "BOTH"}, "decay correction BOTH"),
        ({"SeriesTime": None}, "series date or time is missing"),
        ({"SeriesTime": "quarter past"}, 'the time "quarter past"; expected such as'),
        ({"SeriesDate": "20261332"}, "which do not exist"),
        ({"TimezoneOffsetFromUTC": "EST"}, 'time zone of the PET is "EST"; expected an offset'),
        ({"RescaleIntercept": None}, "no rescale slope and intercept"),
        (
            {
                "DecayCorrection": "ADMIN",
                "RadiopharmaceuticalInformationSequence": Sequence([administered(time=None)]),
            },
            "radiopharmaceutical start time is missing",
        ),
        ({"per_slice": {1: {"Units": "CNTS"}}}, r"differ in Units \(BQML, CNTS\)"),
        ({"positions_mm": (0.0, 2.0, 8.0)}, "missing"),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_what_cannot_be_used_is_refused(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    if changes.get("RescaleIntercept", 0) is None:
        folder = plain(tmp_path)
        for path in folder.iterdir():
            dataset = pydicom.dcmread(path)
            del dataset.RescaleIntercept
            dataset.save_as(path)
    else:
        folder = plain(tmp_path, **changes)
    with pytest.raises(DicomError, match=words) as raised:
        read(folder)
    assert "Secret" not in str(raised.value)
    assert "SECRET" not in str(raised.value)


def test_another_modality_is_refused(tmp_path: Path) -> None:
    series = index_folder(plain(tmp_path, Modality="CT")).choose({"CT"})
    with pytest.raises(DicomError, match="expected a PET series"):
        read_pet(series)


def test_the_nuclide_of_the_header_is_kept_as_it_is(tmp_path: Path) -> None:
    """Nothing is corrected on reading: F-18 in the header of whatever was scanned stays F-18."""
    image = read(plain(tmp_path, RadiopharmaceuticalInformationSequence=Sequence([administered(F18)]))).image
    assert image.nuclide.name == "F-18"
    assert image.nuclide.half_life_h == pytest.approx(1.83)
    assert image.nuclide.positron_yield == pytest.approx(0.967)
    assert image.bq_per_ml.max() == 10


@pytest.mark.parametrize(
    ("meaning", "name"),
    [
        ("^18^Fluorine", "F-18"),
        ("Fluorine F^18^", "F-18"),
        ("F-18", "F-18"),
        ("Yttrium-90", "Y-90"),
        ("Y90", "Y-90"),
        ("^68^Germanium", "Ge-68"),
        ("68Ga", "Ga-68"),
        ("99mTc", "Tc-99m"),
        ("unknown", "unknown"),
        ("", ""),
        ("18", "18"),
    ],
)
def test_nuclides_are_named_in_one_way(meaning: str, name: str) -> None:
    assert nuclide_name(meaning) == name


def test_a_whole_body_scan_of_the_archive(shared_data: Path) -> None:
    """Slopes differ for each slice and steps from 3.19 to 3.29 mm; the total is summed from raw pixels."""
    folder = shared_data / "nuclear" / "sts_fdg_pet_wholebody" / "FDG_PET" / "image"
    series = read(folder)
    total_bq, places = 0.0, []
    for path in folder.glob("*.dcm"):
        dataset = pydicom.dcmread(path)
        raw = np.frombuffer(dataset.PixelData, "<i2").astype(np.float64)
        row_mm, column_mm = (float(v) for v in dataset.PixelSpacing)
        total_bq += float(dataset.RescaleSlope) * raw.sum() * row_mm * column_mm / 1000
        places.append(float(dataset.ImagePositionPatient[2]))
    step_mm = (max(places) - min(places)) / (len(places) - 1)
    image = series.image
    found = float(image.bq_per_ml.sum(dtype=np.float64)) * image.grid.voxel_ml
    assert found == pytest.approx(total_bq * step_mm, rel=1e-6)
    assert image.nuclide.name == "F-18"
    # Beds of 4 minutes, 243 s apart, corrected with a half-life of 6588 s: the file's own factors follow.
    for frame in (image.frames[0], image.frames[-1]):
        assert frame.start is not None
        assert image.corrected_to is not None
        hours = (frame.start - image.corrected_to).total_seconds()
        x = np.log(2) * 240 / 6588
        assert frame.decay_factor == pytest.approx(2 ** (hours / 6588) * x / (1 - np.exp(-x)), abs=2e-5)
    assert {"pet-bed-times", "uneven-slices"} <= set(ids(series))
