"""A PET series that is written: validator, values and clock read back, decay, repeatability, refusals."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pydicom
import pytest

from emboplan.dicom.index import index_folder
from emboplan.dicom.read.pet import read_pet
from emboplan.dicom.write.identity import NewSeries, StudyIdentity
from emboplan.dicom.write.pt import write_pet_series, y90_microspheres
from emboplan.errors import DicomError, OutputError
from emboplan.model.grid import Grid
from emboplan.model.pet import DecayCorrection, PetFrame, PetImage, PetNuclide

GIVEN = datetime(2026, 3, 4, 10, 30, tzinfo=timezone(timedelta(hours=-5)))
START = GIVEN + timedelta(hours=20)
Y90 = PetNuclide("Y-90", 64.1, 31.86e-6)
TRACER = y90_microspheres(2.0)


def _image(grid: Grid, correction: DecayCorrection = DecayCorrection.START) -> PetImage:
    """Values of both signs that differ by a thousand between slices."""
    values = (
        np.random.default_rng(5).normal(0, 1, grid.shape)
        * np.geomspace(1, 1000, grid.shape[0])[:, None, None]
    )
    to = {DecayCorrection.START: START, DecayCorrection.ADMIN: GIVEN, DecayCorrection.NONE: None}[correction]
    frames = (PetFrame(START, 1200.0),) * grid.shape[0]
    return PetImage(grid, values.astype(np.float32), correction, to, frames, Y90, GIVEN)


@pytest.mark.parametrize("correction", list(DecayCorrection))
def test_the_validator_finds_no_error(
    tmp_path: Path,
    oblique_grid: Grid,
    study: StudyIdentity,
    new_series: NewSeries,
    dciodvfy: Callable[[Path], list[str]],
    correction: DecayCorrection,
) -> None:
    image = _image(oblique_grid, correction)
    paths = write_pet_series(image, tmp_path / "pet", study, new_series, TRACER)
    assert dciodvfy(paths[0]) + dciodvfy(paths[-1]) == []


@pytest.mark.parametrize("correction", list(DecayCorrection))
def test_values_place_clock_and_nuclide_come_back(
    tmp_path: Path,
    oblique_grid: Grid,
    study: StudyIdentity,
    new_series: NewSeries,
    correction: DecayCorrection,
) -> None:
    image = _image(oblique_grid, correction)
    write_pet_series(image, tmp_path / "pet", study, new_series, TRACER)
    back = read_pet(index_folder(tmp_path / "pet").choose({"PT"}, None)).image
    step = np.abs(image.bq_per_ml).max(axis=(1, 2), keepdims=True) / 32767
    assert (np.abs(back.bq_per_ml - image.bq_per_ml) <= 0.51 * step).all()
    oblique_grid.require_same(back.grid, "written and read")
    assert (correction, image.corrected_to) == (back.decay_correction, back.corrected_to)
    assert back.administered_at == GIVEN
    assert back.nuclide.name == "Y-90"
    assert pytest.approx(64.1) == back.nuclide.half_life_h
    assert pytest.approx(31.86e-6) == back.nuclide.positron_yield
    assert {(f.start, f.duration_s) for f in back.frames} == {(START, 1200.0)}


def test_decay_and_reference_time_are_those_of_the_mean_of_the_frame(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries
) -> None:
    """Mean of exp(-r t) over the frame, summed by the trapezoid rule; 2e9 Bq were given."""
    paths = write_pet_series(_image(oblique_grid), tmp_path / "pet", study, new_series, TRACER)
    written = pydicom.dcmread(paths[2])
    rate = np.log(2) / (64.1 * 3600)
    t = np.linspace(0, 1200, 100_001)
    mean = np.trapezoid(np.exp(-rate * t), t) / 1200
    assert pytest.approx(1 / mean, rel=1e-9) == float(written.DecayFactor)
    assert pytest.approx(mean, rel=1e-9) == np.exp(-rate * float(written.FrameReferenceTime) / 1000)
    tracer = written.RadiopharmaceuticalInformationSequence[0]
    assert float(tracer.RadionuclideTotalDose) == 2e9
    assert tracer.RadiopharmaceuticalStartDateTime == "20260304103000.000000-0500"
    assert (written.SeriesDate, written.SeriesTime) == ("20260305", "063000.000000")
    assert written.Units == "BQML"


def test_the_same_image_gives_the_same_bytes(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries
) -> None:
    a, b = (
        write_pet_series(_image(oblique_grid), tmp_path / name, study, new_series, TRACER) for name in "ab"
    )
    assert [p.read_bytes() for p in a] == [p.read_bytes() for p in b]


def test_what_cannot_be_written_is_refused(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries
) -> None:
    image = _image(oblique_grid)
    without = replace(image, frames=(PetFrame(None, 1200.0),) * 5)
    with pytest.raises(DicomError, match="no moment for the start of each slice"):
        write_pet_series(without, tmp_path / "a", study, new_series, TRACER)
    endless = replace(image, frames=(PetFrame(START.astimezone(UTC), None),) * 5)
    with pytest.raises(DicomError, match="slice 1, or no duration"):
        write_pet_series(endless, tmp_path / "b", study, new_series, TRACER)
    with pytest.raises(DicomError, match="no half-life"):
        write_pet_series(replace(image, nuclide=PetNuclide()), tmp_path / "c", study, new_series, TRACER)
    (tmp_path / "other").write_text("x")
    with pytest.raises(OutputError, match="holds files already"):
        write_pet_series(image, tmp_path, study, new_series, TRACER)
