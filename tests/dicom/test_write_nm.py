"""NM images that are written: the validator's word, geometry, counts, windows, views, repeatability."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest

from emboplan.dicom.write.identity import NewSeries, StudyIdentity
from emboplan.dicom.write.nm import Acquisition, EnergyWindow, tc99m_maa, write_planar, write_spect
from emboplan.errors import ModelRangeError
from emboplan.model.grid import Grid
from emboplan.model.image import CountImage, PlanarPair

PHOTOPEAK = EnergyWindow.around("Tc-99m 20%", 140.0, 0.2)
SCATTER = EnergyWindow("scatter", 108.0, 126.0)


@pytest.fixture
def maa() -> Acquisition:
    return tc99m_maa(PHOTOPEAK, SCATTER, administered_mbq=150.0)


def _counts(grid: Grid) -> CountImage:
    counts = np.random.default_rng(2).poisson(20, grid.shape).astype(np.float32)
    return CountImage(grid, counts, attenuation_corrected=True)


def _pair(*, scatter: bool) -> PlanarPair:
    views = np.random.default_rng(3).poisson(9, (4, 8, 6)).astype(np.float32)
    return PlanarPair(
        views[0],
        views[1],
        pixel_mm=(2.0, 3.0),
        duration_s=600.0,
        scatter_anterior=views[2] if scatter else None,
        scatter_posterior=views[3] if scatter else None,
    )


@pytest.mark.parametrize("factor", [1.0, 0.37], ids=["whole counts", "scaled counts"])
def test_the_validator_finds_no_error_in_a_spect(
    tmp_path: Path,
    oblique_grid: Grid,
    study: StudyIdentity,
    new_series: NewSeries,
    maa: Acquisition,
    dciodvfy: Callable[[Path], list[str]],
    factor: float,
) -> None:
    image = CountImage(oblique_grid, _counts(oblique_grid).counts * np.float32(factor))
    assert dciodvfy(write_spect(image, tmp_path / "spect.dcm", study, new_series, maa)) == []


@pytest.mark.parametrize("whole_body", [False, True])
@pytest.mark.parametrize("scatter", [False, True])
def test_the_validator_finds_no_error_in_planar_views(
    tmp_path: Path,
    study: StudyIdentity,
    new_series: NewSeries,
    maa: Acquisition,
    dciodvfy: Callable[[Path], list[str]],
    *,
    whole_body: bool,
    scatter: bool,
) -> None:
    path = tmp_path / "planar.dcm"
    write_planar(_pair(scatter=scatter), path, study, new_series, maa, whole_body=whole_body)
    assert dciodvfy(path) == []


def test_spect_counts_and_geometry_come_back(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries, maa: Acquisition
) -> None:
    """The last voxel stands at the first plus its steps along row, column and normal (PS3.3 C.8.4.15)."""
    image = _counts(oblique_grid)
    written = pydicom.dcmread(write_spect(image, tmp_path / "spect.dcm", study, new_series, maa))
    assert np.array_equal(image.counts, written.pixel_array)
    assert "RescaleSlope" not in written
    detector = written.DetectorInformationSequence[0]
    cosines = np.array(detector.ImageOrientationPatient, dtype=float)
    normal = np.cross(cosines[:3], cosines[3:])
    between_rows, between_columns = (float(v) for v in written.PixelSpacing)
    nz, ny, nx = oblique_grid.shape
    last = (
        np.array(detector.ImagePositionPatient, dtype=float)
        + cosines[:3] * between_columns * (nx - 1)
        + cosines[3:] * between_rows * (ny - 1)
        + normal * float(written.SpacingBetweenSlices) * (nz - 1)
    )
    assert np.abs(last - oblique_grid.to_mm((nx - 1, ny - 1, nz - 1))).max() < 1e-3
    assert oblique_grid.frame_of_reference_uid == written.FrameOfReferenceUID
    assert list(written.ImageType) == ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
    assert list(range(1, nz + 1)) == list(written.SliceVector)
    assert written.CorrectedImage == "ATTN"


def test_counts_with_fractions_come_back_within_half_a_step(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries, maa: Acquisition
) -> None:
    """Both ways to the step give the same counts."""
    image = CountImage(oblique_grid, _counts(oblique_grid).counts * np.float32(1234.567))
    written = pydicom.dcmread(write_spect(image, tmp_path / "spect.dcm", study, new_series, maa))
    step = float(written.RescaleSlope)
    assert step == written.RealWorldValueMappingSequence[0].RealWorldValueSlope
    error = np.abs(written.pixel_array * step - image.counts).max()
    assert error <= float(image.counts.max()) / 131070 * (1 + 1e-6)


def test_window_and_tracer_are_named(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries, maa: Acquisition
) -> None:
    """20 % around 140 keV is 126 to 154 keV; SNOMED CT has 72454006 and 85693008 for Tc-99m and MAA."""
    path = write_spect(_counts(oblique_grid), tmp_path / "spect.dcm", study, new_series, maa)
    written = pydicom.dcmread(path)
    limits = written.EnergyWindowInformationSequence[0].EnergyWindowRangeSequence[0]
    assert (float(limits.EnergyWindowLowerLimit), float(limits.EnergyWindowUpperLimit)) == (126.0, 154.0)
    tracer = written.RadiopharmaceuticalInformationSequence[0]
    assert tracer.RadionuclideCodeSequence[0].CodeValue == "72454006"
    assert tracer.RadiopharmaceuticalCodeSequence[0].CodeValue == "85693008"
    assert float(tracer.RadionuclideTotalDose) == 150.0


def test_posterior_views_are_stored_as_their_detector_sees_them(
    tmp_path: Path, study: StudyIdentity, new_series: NewSeries, maa: Acquisition
) -> None:
    pair = _pair(scatter=True)
    path = write_planar(pair, tmp_path / "planar.dcm", study, new_series, maa)
    written = pydicom.dcmread(path)
    frames = written.pixel_array
    assert pair.scatter_posterior is not None
    assert np.array_equal(pair.anterior, frames[0])
    assert np.array_equal(np.fliplr(pair.posterior), frames[1])
    assert np.array_equal(np.fliplr(pair.scatter_posterior), frames[3])
    assert list(written.DetectorVector) == [1, 2, 1, 2]
    assert list(written.EnergyWindowVector) == [1, 1, 2, 2]
    views = [d.ViewCodeSequence[0].CodeMeaning for d in written.DetectorInformationSequence]
    assert ["anterior" in views[0].lower(), "posterior" in views[1].lower()] == [True, True]
    assert [float(v) for v in written.PixelSpacing] == [3.0, 2.0]
    assert int(written.ActualFrameDuration) == 600_000
    assert int(written.CountsAccumulated) == int(frames.sum())


def test_the_same_image_gives_the_same_bytes(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries, maa: Acquisition
) -> None:
    for name in ("a", "b"):
        write_spect(_counts(oblique_grid), tmp_path / name / "spect.dcm", study, new_series, maa)
        write_planar(_pair(scatter=True), tmp_path / name / "planar.dcm", study, new_series, maa)
    for file in ("spect.dcm", "planar.dcm"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_scatter_views_need_a_window(tmp_path: Path, study: StudyIdentity, new_series: NewSeries) -> None:
    with pytest.raises(ModelRangeError, match="energy window"):
        write_planar(_pair(scatter=True), tmp_path / "planar.dcm", study, new_series, tc99m_maa(PHOTOPEAK))


def test_scatter_views_of_one_side_are_refused(
    tmp_path: Path, study: StudyIdentity, new_series: NewSeries, maa: Acquisition
) -> None:
    view = np.ones((3, 3), np.float32)
    pair = PlanarPair(view, view, pixel_mm=(2.0, 2.0), scatter_anterior=view)
    with pytest.raises(ModelRangeError, match="only one side"):
        write_planar(pair, tmp_path / "planar.dcm", study, new_series, maa)


def test_a_window_upside_down_is_refused() -> None:
    with pytest.raises(ModelRangeError, match="154 to 126"):
        EnergyWindow("photopeak", 154.0, 126.0)
