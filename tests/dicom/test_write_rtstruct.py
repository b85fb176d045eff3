"""Structure sets that are written: validator, masks read back, references, repeatability, refusals."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from emboplan.dicom.read.common import SeriesHeader
from emboplan.dicom.read.rtstruct import read_structure, structure_names
from emboplan.dicom.write.identity import NewSeries
from emboplan.dicom.write.rtstruct import Structure, write_rtstruct
from emboplan.errors import DicomError, GeometryError, MaskError
from emboplan.model.grid import Grid
from emboplan.model.mask import Mask

LIVER = Structure("Liver", (200, 100, 50), "ORGAN")
LESION = Structure("Lesion 1", (255, 0, 0), "GTV")


def _structures(grid: Grid) -> dict[Structure, Mask]:
    """A liver with a hole through it, and a lesion of scattered voxels, some of them alone."""
    liver = np.zeros(grid.shape, dtype=np.bool_)
    liver[1:4, 2:9, 1:7] = True
    liver[1:4, 4:6, 3:5] = False
    lesion = np.random.default_rng(3).random(grid.shape) < 0.3
    return {LIVER: Mask(grid, liver), LESION: Mask(grid, lesion)}


def _write(tmp_path: Path, grid: Grid, header: SeriesHeader, series: NewSeries) -> Path:
    return write_rtstruct(_structures(grid).items(), tmp_path / "rtstruct.dcm", header, series)


def test_the_validator_finds_no_error(
    tmp_path: Path,
    oblique_grid: Grid,
    ct_header: SeriesHeader,
    new_series: NewSeries,
    dciodvfy: Callable[[Path], list[str]],
) -> None:
    assert dciodvfy(_write(tmp_path, oblique_grid, ct_header, new_series)) == []


def test_masks_come_back_voxel_by_voxel(
    tmp_path: Path, oblique_grid: Grid, ct_header: SeriesHeader, new_series: NewSeries
) -> None:
    path = _write(tmp_path, oblique_grid, ct_header, new_series)
    assert structure_names(path) == ("Liver", "Lesion 1")
    for structure, mask in _structures(oblique_grid).items():
        back = read_structure(path, structure.name, oblique_grid)
        assert np.array_equal(mask.voxels, back.voxels)


def test_contours_refer_to_the_slice_that_they_lie_on(
    tmp_path: Path, oblique_grid: Grid, ct_header: SeriesHeader, new_series: NewSeries
) -> None:
    written = pydicom.dcmread(_write(tmp_path, oblique_grid, ct_header, new_series))
    for item in written.ROIContourSequence:
        for contour in item.ContourSequence:
            points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
            assert int(contour.NumberOfContourPoints) == len(points)
            k = ct_header.sop_instance_uids.index(contour.ContourImageSequence[0].ReferencedSOPInstanceUID)
            assert np.allclose(k, oblique_grid.to_index(points)[:, 2], atol=1e-3)
    assert [str(o.RTROIInterpretedType) for o in written.RTROIObservationsSequence] == ["ORGAN", "GTV"]
    referenced = written.ReferencedFrameOfReferenceSequence[0]
    assert referenced.FrameOfReferenceUID == oblique_grid.frame_of_reference_uid


def test_an_empty_structure_is_left_out(
    tmp_path: Path, oblique_grid: Grid, ct_header: SeriesHeader, new_series: NewSeries
) -> None:
    pairs = {LIVER: Mask.empty(oblique_grid), **_structures(oblique_grid)}
    pairs[LIVER] = Mask.empty(oblique_grid)
    path = write_rtstruct(pairs.items(), tmp_path / "r.dcm", ct_header, new_series)
    assert structure_names(path) == ("Lesion 1",)


def test_the_same_contours_give_the_same_bytes(
    tmp_path: Path, oblique_grid: Grid, ct_header: SeriesHeader, new_series: NewSeries
) -> None:
    a, b = (_write(tmp_path / name, oblique_grid, ct_header, new_series) for name in "ab")
    assert a.read_bytes() == b.read_bytes()


def test_what_cannot_be_written_is_refused(
    tmp_path: Path, oblique_grid: Grid, ct_header: SeriesHeader, new_series: NewSeries
) -> None:
    pairs = _structures(oblique_grid)
    path = tmp_path / "r.dcm"
    with pytest.raises(DicomError, match="not a DICOM series"):
        write_rtstruct(pairs.items(), path, None, new_series)
    with pytest.raises(MaskError, match="no structure has a voxel"):
        write_rtstruct([(LIVER, Mask.empty(oblique_grid))], path, ct_header, new_series)
    fewer = replace(ct_header, sop_instance_uids=ct_header.sop_instance_uids[:-1])
    with pytest.raises(GeometryError, match="the masks have 5 slices, the CT series has 4"):
        write_rtstruct(pairs.items(), path, fewer, new_series)
    elsewhere = replace(ct_header, frame_of_reference_uid="1.2.3")
    with pytest.raises(GeometryError, match="different frames of reference"):
        write_rtstruct(pairs.items(), path, elsewhere, new_series)
    assert not path.exists()
