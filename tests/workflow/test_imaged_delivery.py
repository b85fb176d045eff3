"""A PET after treatment against the readings, against hand reckoning."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.sequence import Sequence
from tests.dicom.make_pet import F18, VOXEL_ML, administered, cylinder, write_pet
from tests.workflow.administered import DELIVERED_GBQ, READINGS, case_text

from emboplan.dicom.index import index_folder
from emboplan.dicom.read.pet import read_pet
from emboplan.errors import DicomError, GeometryError, InputError
from emboplan.files.nifti import write_mask
from emboplan.model.mask import Mask
from emboplan.model.results.delivery import DeliveryReport
from emboplan.workflow.delivering.delivery import verify
from emboplan.workflow.delivering.imaged_delivery import PetRequest

# The scan of the synthetic PET begins 20 h after the injection of the case.
DECAYED = 2 ** (-20 / 64.1)


def case_file(folder: Path, **changes: Any) -> Path:
    path = folder / "case.toml"
    path.write_text(case_text(**changes), encoding="utf-8")
    return path


def pet_of(folder: Path, gbq_at_injection: float, **changes: Any) -> Path:
    """A cylinder that holds this activity at the injection, written at the start of the scan."""
    inside = cylinder()
    bq_per_ml = gbq_at_injection * 1e9 * DECAYED / (np.count_nonzero(inside) * VOXEL_ML)
    stored = np.where(inside, 50000, 0).astype(np.uint16)
    slope = float(f"{bq_per_ml / 50000:.9e}")
    return write_pet(folder / "PET", stored, (slope,) * len(stored), **changes)


def ids(report: DeliveryReport) -> list[str]:
    return [finding.id for _, finding in report.all_findings]


def test_a_pet_that_shows_the_lungs_holds_all_of_it(tmp_path: Path) -> None:
    """The image holds 2.7 GBq at injection: 2.7/2.8416484 - 1 = -4.98 %, within 10 %."""
    report = verify(
        case_file(tmp_path, more="stasis = false\npet_lungs_in_field = true"),
        delivered=pet_of(tmp_path, 2.7),
    )
    image = report.image
    assert image is not None
    assert image.whole.total_gbq == pytest.approx(2.7, rel=1e-4)
    assert image.whole.expected_gbq == pytest.approx(DELIVERED_GBQ, rel=1e-7)
    assert image.whole.relative_difference_frac == pytest.approx(2.7 / DELIVERED_GBQ - 1, abs=1e-4)
    assert not image.whole.outside_tolerance
    assert ids(report) == ["plan-missing"]


def test_lungs_outside_the_field_take_their_share_with_them(tmp_path: Path) -> None:
    """5 % of it lies in lungs that the PET does not show; the image holds 20 % less than the rest: a flag."""
    expected = 0.95 * DELIVERED_GBQ
    report = verify(
        case_file(tmp_path),
        delivered=pet_of(tmp_path, 0.8 * expected),
        pet=PetRequest(lungs_in_field=False),
    )
    assert report.image is not None
    assert report.image.whole.expected_gbq == pytest.approx(expected, rel=1e-7)
    assert report.image.shunted_gbq == pytest.approx(0.05 * DELIVERED_GBQ, rel=1e-7)
    assert report.image.whole.relative_difference_frac == pytest.approx(-0.2, abs=1e-4)
    assert "image-off-delivered-whole-image" in ids(report)


def test_what_is_not_said_of_the_lungs_is_asked_for(tmp_path: Path) -> None:
    report = verify(case_file(tmp_path), delivered=pet_of(tmp_path, 2.8))
    assert "pet-lungs-not-stated" in ids(report)
    report = verify(
        case_file(tmp_path, shunt=None),
        delivered=tmp_path / "PET",
        pet=PetRequest(lungs_in_field=False),
    )
    assert "pet-shunt-missing" in ids(report)


def test_the_liver_should_hold_it_without_the_shunt(tmp_path: Path) -> None:
    """A mask of the lower half of the cylinder holds half of the activity."""
    pet = pet_of(tmp_path, 2.0)
    grid = read_pet(index_folder(pet).choose({"PT"})).image.grid
    half = cylinder()
    half[3:] = False
    write_mask(tmp_path / "half.nii.gz", Mask(grid, half))
    report = verify(
        case_file(tmp_path),
        delivered=pet,
        pet=PetRequest(lungs_in_field=True, liver=str(tmp_path / "half.nii.gz")),
    )
    assert report.image is not None
    assert report.image.liver is not None
    assert report.image.liver.total_gbq == pytest.approx(1.0, rel=1e-4)
    assert report.image.liver.expected_gbq == pytest.approx(0.95 * DELIVERED_GBQ, rel=1e-7)
    assert "image-off-delivered-liver" in ids(report)


def test_another_nuclide_in_the_header_is_a_stop_and_no_number(tmp_path: Path) -> None:
    given = Sequence([administered(F18)])
    pet = pet_of(tmp_path, 2.8, RadiopharmaceuticalInformationSequence=given)
    report = verify(case_file(tmp_path), delivered=pet)
    assert report.image is None
    stops = [finding for finding in report.findings if finding.severity == "stop"]
    assert [finding.id for finding in stops] == ["pet-not-quantified"]
    assert "names the nuclide F-18" in stops[0].text
    assert report.territories[0].delivered_gbq == pytest.approx(DELIVERED_GBQ, rel=1e-7)


def test_the_scanner_s_nuclide_is_undone_where_it_is_stated(tmp_path: Path) -> None:
    """Yield 0.967 over 31.86e-6; the frame of 20 minutes corrected with 6588 s, not with 64.1 h."""
    x, y = np.log(2) * 1200 / 6588, np.log(2) / 3 / 64.1
    mean_f18, mean_y90 = (1 - np.exp(-x)) / x, (1 - np.exp(-y)) / y
    seen = 2.8 * 31.86e-6 / 0.967 * mean_y90 / mean_f18
    pet = pet_of(tmp_path, seen, RadiopharmaceuticalInformationSequence=Sequence([administered(F18)]))
    report = verify(case_file(tmp_path, more='stasis = false\npet_scanner_nuclide = "F-18"'), delivered=pet)
    assert report.image is not None
    assert report.image.whole.total_gbq == pytest.approx(2.8, rel=1e-4)
    assert (report.image.scanner_nuclide, report.image.header_nuclide) == ("F-18", "F-18")
    assert "pet-scanner-nuclide" in ids(report)


def test_an_injection_after_the_pet_is_not_expected_in_it(tmp_path: Path) -> None:
    """The left lobe is injected a week later; the PET is compared with the right lobe alone."""
    later = READINGS.replace("2026-12-03", "2026-12-10")
    second = f"""
[[territory]]
name = "left lobe"
volume = "300 mL"
administered = "2.8 GBq"
[[administration]]
territory = "left lobe"
injection_time = 2026-12-10T10:30:00-05:00
stasis = false
{later}
"""
    case = case_file(tmp_path, more='territory = "right lobe"\nstasis = false', rest=second)
    report = verify(case, delivered=pet_of(tmp_path, 2.8))
    assert report.image is not None
    assert report.image.delivered_gbq == pytest.approx(DELIVERED_GBQ, rel=1e-7)
    assert "pet-before-injection" in ids(report)


def test_an_earlier_injection_has_decayed_at_the_later_one(tmp_path: Path) -> None:
    """64.1 h before the other: half of it is left."""
    early = READINGS.replace("T08:18:00-05:00", "T08:17:59-05:00")
    early = early.replace("2026-12-03T08:17:59", "2026-11-30T16:12:00")
    early = early.replace("2026-12-03T10:30:00", "2026-11-30T18:24:00")
    second = f"""
[[territory]]
name = "left lobe"
volume = "300 mL"
administered = "2.8 GBq"
lung_shunt_frac = 0.05
[[administration]]
territory = "left lobe"
injection_time = 2026-11-30T18:24:00-05:00
stasis = false
{early}
"""
    case = case_file(tmp_path, more='territory = "right lobe"\nstasis = false', rest=second)
    report = verify(case, delivered=pet_of(tmp_path, 1.5 * DELIVERED_GBQ))
    assert report.image is not None
    assert report.image.moment.isoformat() == "2026-12-03T10:30:00-05:00"
    assert report.image.delivered_gbq == pytest.approx(1.5 * DELIVERED_GBQ, rel=1e-6)
    assert report.image.whole.relative_difference_frac == pytest.approx(0.0, abs=1e-4)


def test_another_administration_in_the_header_is_said(tmp_path: Path) -> None:
    """The header's 12:00 is 1.5 h from the record's 10:30; the record's is used."""
    given = Sequence([administered(time="120000")])
    report = verify(
        case_file(tmp_path), delivered=pet_of(tmp_path, 2.8, RadiopharmaceuticalInformationSequence=given)
    )
    assert report.image is not None
    assert report.image.whole.total_gbq == pytest.approx(2.8, rel=1e-4)
    assert "pet-injection-time" in ids(report)


@pytest.mark.parametrize(
    ("pet", "request_", "error", "words"),
    [
        ({"Units": "CNTS"}, {}, DicomError, "CNTS"),
        (
            {"SeriesDate": "20261201", "AcquisitionDate": "20261201"},
            {},
            InputError,
            "earlier than the injection",
        ),
        ({}, {"scanner_nuclide": "yttrium"}, InputError, 'the nuclide "yttrium" is not understood'),
        ({}, {"series_uid": "nothing"}, DicomError, "no PT series with a UID"),
    ],
)
def test_a_pet_that_cannot_be_used_is_refused(
    pet: dict[str, Any], request_: dict[str, Any], error: type[InputError], words: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        verify(case_file(tmp_path), delivered=pet_of(tmp_path, 2.8, **pet), pet=PetRequest(**request_))


def test_a_mask_on_another_grid_is_refused(tmp_path: Path) -> None:
    pet = pet_of(tmp_path, 2.8)
    grid = read_pet(index_folder(pet).choose({"PT"})).image.grid
    small = grid.cropped((slice(0, 3), slice(0, 12), slice(0, 12)))
    write_mask(tmp_path / "small.nii.gz", Mask(small, np.ones(small.shape, np.bool_)))
    with pytest.raises(GeometryError):
        verify(case_file(tmp_path), delivered=pet, pet=PetRequest(liver=str(tmp_path / "small.nii.gz")))
