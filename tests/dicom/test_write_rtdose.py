"""Dose and plan that are written: validator, units, frame of reference, oblique geometry, half a step."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from emboplan.dicom.read.common import SeriesHeader
from emboplan.dicom.write.identity import NewSeries, StudyIdentity, derived_uid
from emboplan.dicom.write.rtdose import write_rtdose
from emboplan.dicom.write.rtplan import PlanReference, write_rtplan
from emboplan.errors import DicomError, GeometryError
from emboplan.model.grid import Grid
from emboplan.model.image import DoseMap

PLAN = PlanReference("1.2.840.10008.5.1.4.1.1.481.5", derived_uid("plan"))


def _dose(grid: Grid) -> DoseMap:
    gy = np.random.default_rng(4).gamma(0.3, 60.0, grid.shape).astype(np.float32)
    return DoseMap(grid, gy, method="local deposition")


def test_the_validator_finds_no_error(
    tmp_path: Path,
    oblique_grid: Grid,
    study: StudyIdentity,
    new_series: NewSeries,
    ct_header: SeriesHeader,
    dciodvfy: Callable[[Path], list[str]],
) -> None:
    plan = write_rtplan(tmp_path / "plan.dcm", study, new_series, label="Y-90", digest="d")
    write_rtdose(_dose(oblique_grid), tmp_path / "dose.dcm", ct_header, new_series, plan=plan)
    assert dciodvfy(tmp_path / "plan.dcm") + dciodvfy(tmp_path / "dose.dcm") == []


def test_the_plan_in_the_ct_frame_has_no_error(
    tmp_path: Path,
    study: StudyIdentity,
    new_series: NewSeries,
    ct_header: SeriesHeader,
    dciodvfy: Callable[[Path], list[str]],
) -> None:
    path = tmp_path / "plan.dcm"
    frame = ct_header.frame_of_reference_uid
    write_rtplan(path, study, new_series, label="Y-90", digest="d", frame_of_reference_uid=frame)
    assert dciodvfy(path) == []


def test_dose_is_physical_in_gray_and_stands_in_the_frame_of_the_ct(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    path = write_rtdose(_dose(oblique_grid), tmp_path / "dose.dcm", ct_header, new_series, plan=PLAN)
    written = pydicom.dcmread(path)
    assert (written.DoseUnits, written.DoseType, written.DoseSummationType) == ("GY", "PHYSICAL", "PLAN")
    assert ct_header.frame_of_reference_uid == written.FrameOfReferenceUID
    assert ct_header.study_uid == written.StudyInstanceUID
    assert written.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID == PLAN.sop_instance_uid
    assert written.FrameIncrementPointer == 0x3004000C


def test_doses_come_back_within_half_a_step(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    """Half a step is the highest dose by twice 65535; the scale's ten digits add one part in a million."""
    dose = _dose(oblique_grid)
    path = write_rtdose(dose, tmp_path / "dose.dcm", ct_header, new_series, plan=PLAN)
    written = pydicom.dcmread(path)
    gy = written.pixel_array * float(written.DoseGridScaling)
    assert np.abs(gy - dose.gy).max() <= float(dose.gy.max()) / 131070 * (1 + 1e-6)


def test_an_oblique_grid_comes_back(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    """Each corner by PS3.3 C.7.6.2.1-1, and the frame's offset along the normal of the image plane."""
    path = write_rtdose(_dose(oblique_grid), tmp_path / "dose.dcm", ct_header, new_series, plan=PLAN)
    written = pydicom.dcmread(path)
    cosines = np.array(written.ImageOrientationPatient, dtype=float)
    normal = np.cross(cosines[:3], cosines[3:])
    between_rows, between_columns = (float(v) for v in written.PixelSpacing)
    offsets = [float(v) for v in written.GridFrameOffsetVector]
    assert (len(offsets), offsets[0]) == (int(written.NumberOfFrames), 0.0)
    turned = np.array(oblique_grid.direction).reshape(3, 3)
    for column, row, frame in ((0, 0, 0), (8, 0, 0), (0, 11, 0), (0, 0, 4), (8, 11, 4)):
        found = (
            np.array(written.ImagePositionPatient, dtype=float)
            + cosines[:3] * between_columns * column
            + cosines[3:] * between_rows * row
            + normal * offsets[frame]
        )
        expected = np.array([-101.125, 53.5, -1204.25]) + turned @ np.array(
            [0.7 * column, 0.8 * row, 2.5 * frame]
        )
        assert np.abs(found - expected).max() < 1e-3


def test_no_dose_at_all_is_zero(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    nothing = DoseMap(oblique_grid, np.zeros(oblique_grid.shape, np.float32), method="none")
    path = write_rtdose(nothing, tmp_path / "dose.dcm", ct_header, new_series, plan=PLAN)
    written = pydicom.dcmread(path)
    assert not written.pixel_array.any()
    assert float(written.DoseGridScaling) > 0


def test_the_same_dose_gives_the_same_bytes(
    tmp_path: Path, oblique_grid: Grid, study: StudyIdentity, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    for name in ("a", "b"):
        plan = write_rtplan(tmp_path / name / "plan.dcm", study, new_series, label="Y-90", digest="d")
        write_rtdose(_dose(oblique_grid), tmp_path / name / "dose.dcm", ct_header, new_series, plan=plan)
    for file in ("plan.dcm", "dose.dcm"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_an_image_that_was_no_dicom_series_gives_a_clear_error(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries
) -> None:
    with pytest.raises(DicomError, match="NIfTI"):
        write_rtdose(_dose(oblique_grid), tmp_path / "dose.dcm", None, new_series, plan=PLAN)


def test_an_image_without_frame_of_reference_gives_a_clear_error(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    header = replace(ct_header, frame_of_reference_uid="")
    with pytest.raises(DicomError, match="no frame of reference"):
        write_rtdose(_dose(oblique_grid), tmp_path / "dose.dcm", header, new_series, plan=PLAN)


def test_a_dose_of_another_frame_of_reference_is_refused(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    grid = replace(oblique_grid, frame_of_reference_uid=derived_uid("another frame"))
    with pytest.raises(GeometryError, match="different frames of reference"):
        write_rtdose(_dose(grid), tmp_path / "dose.dcm", ct_header, new_series, plan=PLAN)


@pytest.mark.parametrize("label", ["", "a label of more than 16"])
def test_a_plan_label_that_dicom_cannot_hold_is_refused(
    tmp_path: Path, study: StudyIdentity, new_series: NewSeries, label: str
) -> None:
    with pytest.raises(DicomError, match="plan label"):
        write_rtplan(tmp_path / "plan.dcm", study, new_series, label=label, digest="d")
