"""Segmentations that are written: validator, voxels by the slices they refer to, codes, repeatability."""

import tomllib
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from emboplan.dicom.read.common import PatientStudy, SeriesHeader
from emboplan.dicom.read.seg import read_seg
from emboplan.dicom.write.encode import CodedTerm
from emboplan.dicom.write.identity import NewSeries, derived_uid
from emboplan.dicom.write.seg import SegmentAlgorithm, SegmentLabel, SegmentOrigin, write_segmentation
from emboplan.errors import DicomError, GeometryError, MaskError
from emboplan.model.grid import Grid
from emboplan.model.mask import Mask

BUILTIN = SegmentAlgorithm("builtin", "0.1.0")


def _label(key: str, name: str | None = None) -> SegmentLabel:
    entry = tomllib.loads((files("emboplan.catalog") / "data" / "labels.toml").read_text("utf-8"))[key]
    red, green, blue = entry["rgb"]
    return SegmentLabel(
        name or entry["name"],
        CodedTerm(**entry["category"]),
        CodedTerm(**entry["type"]),
        (red, green, blue),
    )


LIVER, LUNGS, LESION = _label("liver"), _label("lungs"), _label("lesion", "Lesion 1")


def _structures(grid: Grid) -> dict[SegmentLabel, Mask]:
    """A liver and a lesion inside it, so that segments overlap; no slice at either end."""
    liver = np.zeros(grid.shape, dtype=np.bool_)
    liver[1:4, 2:9, 1:7] = True
    lesion = np.zeros(grid.shape, dtype=np.bool_)
    lesion[2, 4:6, 3:5] = True
    return {LIVER: Mask(grid, liver), LESION: Mask(grid, lesion)}


def _voxels(written: Dataset, header: SeriesHeader, segment: int) -> NDArray[np.bool_]:
    """Frames put in place by the CT slice that each one says it was drawn on."""
    array = np.zeros((len(header.sop_instance_uids), written.Rows, written.Columns), dtype=np.bool_)
    frames = written.pixel_array
    for pixels, groups in zip(frames, written.PerFrameFunctionalGroupsSequence, strict=True):
        if groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber == segment:
            drawn_on = groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
            array[header.sop_instance_uids.index(drawn_on)] = pixels.astype(np.bool_)
    return array


def test_the_validator_finds_no_error(
    tmp_path: Path,
    oblique_grid: Grid,
    new_series: NewSeries,
    ct_header: SeriesHeader,
    dciodvfy: Callable[[Path], list[str]],
) -> None:
    path = tmp_path / "seg.dcm"
    write_segmentation(_structures(oblique_grid), path, ct_header, new_series, algorithm=BUILTIN)
    assert dciodvfy(path) == []


def test_voxels_come_back_on_the_slices_they_refer_to(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    path = tmp_path / "seg.dcm"
    structures = _structures(oblique_grid)
    write_segmentation(structures, path, ct_header, new_series, algorithm=BUILTIN)
    written = pydicom.dcmread(path)
    for number, mask in enumerate(structures.values(), start=1):
        assert np.array_equal(mask.voxels, _voxels(written, ct_header, number))


def test_frames_stand_where_the_grid_says(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    """Slices 1 to 3 hold the liver; each stands 2.5 mm further along the third axis of the grid."""
    path = tmp_path / "seg.dcm"
    write_segmentation(_structures(oblique_grid), path, ct_header, new_series, algorithm=BUILTIN)
    written = pydicom.dcmread(path)
    normal = np.array(oblique_grid.direction).reshape(3, 3)[:, 2]
    expected = {k: np.array([-101.125, 53.5, -1204.25]) + 2.5 * k * normal for k in (1, 2, 3)}
    found = [
        np.array(groups.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        for groups in written.PerFrameFunctionalGroupsSequence
        if groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 1
    ]
    assert len(found) == len(expected)
    for k, position in expected.items():
        assert min(np.abs(position - one).max() for one in found) < 1e-3, k
    measures = written.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert [float(v) for v in measures.PixelSpacing] == [0.8, 0.7]
    assert ct_header.frame_of_reference_uid == written.FrameOfReferenceUID


def test_segments_carry_names_codes_and_who_drew_them(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    path = tmp_path / "seg.dcm"
    write_segmentation(_structures(oblique_grid), path, ct_header, new_series, algorithm=BUILTIN)
    written = pydicom.dcmread(path)
    liver, lesion = written.SegmentSequence
    assert [liver.SegmentLabel, lesion.SegmentLabel] == ["Liver", "Lesion 1"]
    assert liver.SegmentedPropertyTypeCodeSequence[0].CodeValue == "10200004"
    assert lesion.SegmentedPropertyTypeCodeSequence[0].CodeValue == "108369006"
    assert [s.SegmentAlgorithmType for s in written.SegmentSequence] == ["AUTOMATIC", "AUTOMATIC"]
    assert liver.SegmentAlgorithmName == "builtin"
    assert str(written.PatientName) == "Søndergård^Åse"
    assert written.StudyInstanceUID == ct_header.study_uid
    assert written.ReferencedSeriesSequence[0].SeriesInstanceUID == ct_header.series_uid


def test_the_table_of_labels_has_the_terms_of_the_standard() -> None:
    """Values from the context groups as pydicom carries them."""
    expected = {
        LIVER: (codes.cid7150.AnatomicalStructure, codes.cid7151.Liver),
        LUNGS: (codes.cid7150.AnatomicalStructure, codes.cid7151.Lung),
        LESION: (codes.cid7150.MorphologicallyAbnormalStructure, codes.cid7159.Neoplasm),
    }
    for label, (category, kind) in expected.items():
        assert (label.category.code, label.type.code) == (category, kind)


def test_contours_by_hand_name_no_algorithm(
    tmp_path: Path,
    oblique_grid: Grid,
    new_series: NewSeries,
    ct_header: SeriesHeader,
    dciodvfy: Callable[[Path], list[str]],
) -> None:
    path = tmp_path / "seg.dcm"
    by_hand = SegmentAlgorithm("given", "", SegmentOrigin.MANUAL)
    write_segmentation(_structures(oblique_grid), path, ct_header, new_series, algorithm=by_hand)
    written = pydicom.dcmread(path)
    assert {s.SegmentAlgorithmType for s in written.SegmentSequence} == {"MANUAL"}
    assert dciodvfy(path) == []


def test_the_same_contours_give_the_same_bytes(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    paths = [tmp_path / "a.dcm", tmp_path / "b.dcm"]
    for path in paths:
        write_segmentation(_structures(oblique_grid), path, ct_header, new_series, algorithm=BUILTIN)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_no_date_of_the_clock_is_in_the_object(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    path = tmp_path / "seg.dcm"
    header = replace(ct_header, patient=PatientStudy(study_date="20200202"))
    write_segmentation(_structures(oblique_grid), path, header, new_series, algorithm=BUILTIN)
    dates = {
        element.value
        for element in pydicom.dcmread(path).iterall()
        if element.VR in ("DA", "DT") and element.value
    }
    assert dates == {"20200202"}


@pytest.mark.parametrize("slices", [slice(1, 4), slice(2, 3)], ids=["three slices", "one slice"])
def test_a_single_segment_comes_back(
    tmp_path: Path,
    oblique_grid: Grid,
    new_series: NewSeries,
    ct_header: SeriesHeader,
    dciodvfy: Callable[[Path], list[str]],
    slices: slice,
) -> None:
    """What all frames have in common then stands apart from them."""
    path = tmp_path / "seg.dcm"
    voxels = np.zeros(oblique_grid.shape, dtype=np.bool_)
    voxels[slices, 3:7, 2:5] = True
    mask = Mask(oblique_grid, voxels)
    write_segmentation({LIVER: mask}, path, ct_header, new_series, algorithm=BUILTIN)
    assert np.array_equal(voxels, read_seg(path, "Liver", oblique_grid).voxels)
    assert dciodvfy(path) == []


def test_overlap_is_told_and_pairs_may_come_one_by_one(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    path = tmp_path / "seg.dcm"
    structures = _structures(oblique_grid)
    write_segmentation(iter(structures.items()), path, ct_header, new_series, algorithm=BUILTIN)
    assert pydicom.dcmread(path).SegmentsOverlap == "YES"
    rest = {LIVER: structures[LIVER] - structures[LESION], LESION: structures[LESION]}
    write_segmentation(rest, path, ct_header, new_series, algorithm=BUILTIN)
    assert pydicom.dcmread(path).SegmentsOverlap == "NO"


def test_highdicom_reads_the_same_voxels(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    """A second reader, one that orders and places the frames by itself."""
    path = tmp_path / "seg.dcm"
    structures = _structures(oblique_grid)
    write_segmentation(structures, path, ct_header, new_series, algorithm=BUILTIN)
    volume = hd.seg.segread(path).get_volume(segment_numbers=[1])
    assert int(structures[LIVER].voxels.sum()) == int(volume.array.sum())
    found = volume.map_indices_to_reference(np.argwhere(volume.array[..., 0]))
    expected = oblique_grid.to_mm(np.argwhere(structures[LIVER].voxels)[:, ::-1])
    order = [np.lexsort(np.round(points, 2).T) for points in (found, expected)]
    assert np.abs(found[order[0]] - expected[order[1]]).max() < 1e-3


def test_a_structure_without_a_voxel_is_left_out(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    path = tmp_path / "seg.dcm"
    structures = {LUNGS: Mask.empty(oblique_grid), **_structures(oblique_grid)}
    write_segmentation(structures, path, ct_header, new_series, algorithm=BUILTIN)
    assert [s.SegmentLabel for s in pydicom.dcmread(path).SegmentSequence] == ["Liver", "Lesion 1"]


def test_nothing_to_write_is_refused(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    nothing = {LIVER: Mask.empty(oblique_grid)}
    with pytest.raises(MaskError, match="no structure has a voxel"):
        write_segmentation(nothing, tmp_path / "seg.dcm", ct_header, new_series, algorithm=BUILTIN)


def _changed(header: SeriesHeader, what: str) -> SeriesHeader | None:
    return {
        "no DICOM series": None,
        "multi-frame": replace(header, sop_instance_uids=header.sop_instance_uids[:1]),
        "the CT series has 4": replace(header, sop_instance_uids=header.sop_instance_uids[1:]),
        "different frames": replace(header, frame_of_reference_uid=derived_uid("another")),
        "neither the case nor the CT has a date": replace(header, patient=PatientStudy()),
        "CT series is missing": replace(header, series_uid=""),
    }[what]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no DICOM series", "not a DICOM series"),
        ("multi-frame", "multi-frame"),
        ("the CT series has 4", "5 slices, the CT series has 4"),
        ("different frames", "different frames of reference"),
        ("neither the case nor the CT has a date", "give a date"),
        ("CT series is missing", "UID of the CT series is missing"),
    ],
)
def test_a_source_that_cannot_be_referred_to_gives_a_clear_error(
    tmp_path: Path,
    oblique_grid: Grid,
    new_series: NewSeries,
    ct_header: SeriesHeader,
    what: str,
    message: str,
) -> None:
    with pytest.raises((DicomError, GeometryError), match=message) as caught:
        write_segmentation(
            _structures(oblique_grid),
            tmp_path / "seg.dcm",
            _changed(ct_header, what),
            new_series,
            algorithm=BUILTIN,
        )
    assert "SECRET" not in str(caught.value)
    assert not (tmp_path / "seg.dcm").exists()


def test_masks_on_different_grids_are_refused(
    tmp_path: Path, oblique_grid: Grid, new_series: NewSeries, ct_header: SeriesHeader
) -> None:
    shifted = replace(oblique_grid, origin_mm=(0.0, 0.0, 0.0))
    structures = _structures(oblique_grid)
    structures[LUNGS] = Mask(shifted, np.ones(shifted.shape, dtype=np.bool_))
    with pytest.raises(GeometryError, match="different grids"):
        write_segmentation(structures, tmp_path / "seg.dcm", ct_header, new_series, algorithm=BUILTIN)
