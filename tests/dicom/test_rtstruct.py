"""Structure sets: polygons filled exactly, holes, slabs, and what does not fit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Outline
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage

from emboplan.dicom.index import index_folder
from emboplan.dicom.read.rtstruct import fill_polygons, read_structure, structure_names
from emboplan.dicom.read.slices import read_ct
from emboplan.errors import DicomError, GeometryError, MaskError
from emboplan.model.grid import Grid

GRID = Grid((6, 20, 30), (1.0, 1.0, 2.0), (0.0, 0.0, 0.0), frame_of_reference_uid="1.2.3.8")
Contours = list[list[tuple[float, float, float]]]


def square(low: float, high: float, z_mm: float) -> list[tuple[float, float, float]]:
    return [(low, low, z_mm), (high, low, z_mm), (high, high, z_mm), (low, high, z_mm)]


def structure_set(path: Path, structures: dict[str, Contours], kind: str = "CLOSED_PLANAR") -> Path:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = RTStructureSetStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3.4"
    dataset.Modality = "RTSTRUCT"
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    for number, (name, contours) in enumerate(structures.items(), start=1):
        roi = Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, "1.2.3.8"
        dataset.StructureSetROISequence.append(roi)
        drawn = Dataset()
        drawn.ReferencedROINumber = number
        drawn.ContourSequence = []
        for points in contours:
            contour = Dataset()
            contour.ContourGeometricType = kind
            contour.NumberOfContourPoints = len(points)
            contour.ContourData = [f"{v:.10g}" for point in points for v in point]
            drawn.ContourSequence.append(contour)
        dataset.ROIContourSequence.append(drawn)
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_a_square_fills_the_centres_inside_it(tmp_path: Path) -> None:
    """Edges at 2.5 and 7.5: centres 3 to 7, five by five, on the contour's slice alone."""
    path = structure_set(tmp_path / "rs.dcm", {"liver": [square(2.5, 7.5, 4.0)]})
    voxels = read_structure(path, None, GRID).voxels
    assert np.argwhere(voxels).min(axis=0).tolist() == [2, 3, 3]
    assert np.argwhere(voxels).max(axis=0).tolist() == [2, 7, 7]
    assert voxels.sum() == 25


def test_a_contour_inside_another_is_a_hole_and_one_inside_that_is_not(tmp_path: Path) -> None:
    contours = [square(0.5, 16.5, 4.0), square(3.5, 12.5, 4.0), square(5.5, 8.5, 4.0)]
    path = structure_set(tmp_path / "rs.dcm", {"liver": contours})
    assert read_structure(path, None, GRID).voxel_count == 16**2 - 9**2 + 3**2


def test_slices_between_contours_are_filled_from_the_nearer_one(tmp_path: Path) -> None:
    """Contours 4 mm apart on slices 2 mm apart: each stands for 4 mm, half a step to both sides."""
    path = structure_set(tmp_path / "rs.dcm", {"liver": [square(2.5, 7.5, z) for z in (2.0, 6.0)]})
    filled = read_structure(path, None, GRID).voxels.any(axis=(1, 2))
    assert filled.tolist() == [True, True, True, True, False, False]


def test_a_gap_wider_than_the_step_stays_a_gap(tmp_path: Path) -> None:
    path = structure_set(tmp_path / "rs.dcm", {"liver": [square(2.5, 7.5, z) for z in (0.0, 2.0, 8.0, 10.0)]})
    filled = read_structure(path, None, GRID).voxels.any(axis=(1, 2))
    assert filled.tolist() == [True, True, False, False, True, True]


def test_contours_finer_than_the_slices_fill_each_slice_once(tmp_path: Path) -> None:
    path = structure_set(tmp_path / "rs.dcm", {"liver": [square(2.5, 7.5, 1.0 + 0.5 * k) for k in range(9)]})
    filled = read_structure(path, None, GRID).voxels.any(axis=(1, 2))
    assert filled.tolist() == [False, True, True, False, False, False]


coordinates = st.floats(-3, 23, allow_nan=False)
polygons = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=12).map(np.array)


@settings(max_examples=60)
@given(polygons)
def test_filling_agrees_with_the_winding_parity_of_each_centre(polygon: np.ndarray) -> None:
    """Second method: count the edges that a ray to the left of each centre crosses, one by one."""
    filled = fill_polygons([polygon], (20, 20))
    for row, column in [(r, c) for r in range(0, 20, 3) for c in range(0, 20, 3)]:
        crossed = 0
        for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            if (y0 <= row) != (y1 <= row) and x0 + (row - y0) / (y1 - y0) * (x1 - x0) <= column:
                crossed += 1
        assert bool(crossed % 2) == bool(filled[row, column])


def filled_rectangle(x: tuple[float, float], y: tuple[float, float]) -> np.ndarray:
    corners = np.array([(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])])
    return fill_polygons([corners], (20, 20)).astype(int)


@given(st.floats(1, 18), st.floats(1, 18))
def test_neighbours_share_no_pixel_and_leave_none_out(x: float, y: float) -> None:
    """Four rectangles around a point make up the whole."""
    parts = [filled_rectangle(a, b) for a in ((0.0, x), (x, 19.0)) for b in ((0.0, y), (y, 19.0))]
    assert np.array_equal(filled_rectangle((0.0, 19.0), (0.0, 19.0)), sum(parts))


def test_structures_are_chosen_by_name(tmp_path: Path) -> None:
    path = structure_set(
        tmp_path / "rs.dcm",
        {"Liver": [square(2.5, 7.5, 4.0)], "Tumour": [square(3.5, 4.5, 4.0)], "Empty": []},
    )
    assert structure_names(path) == ("Liver", "Tumour")
    assert read_structure(path, "tumour", GRID).voxel_count == 1
    with pytest.raises(MaskError, match=r"holds Liver, Tumour; name one structure"):
        read_structure(path, None, GRID)
    with pytest.raises(MaskError, match='no structure "Spleen" with closed contours'):
        read_structure(path, "Spleen", GRID)


def test_contours_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    outside = structure_set(tmp_path / "a.dcm", {"liver": [square(2.5, 40.0, 4.0)]})
    with pytest.raises(GeometryError, match="reaches beyond"):
        read_structure(outside, None, GRID)
    slanted = structure_set(tmp_path / "b.dcm", {"liver": [[(2, 2, 4), (8, 2, 4), (8, 8, 6)]]})
    with pytest.raises(DicomError, match="leaves its slice"):
        read_structure(slanted, None, GRID)
    fitting = structure_set(tmp_path / "c.dcm", {"liver": [square(2.5, 7.5, 4.0)]})
    with pytest.raises(GeometryError, match="another frame of reference"):
        read_structure(fitting, None, replace(GRID, frame_of_reference_uid="9.9"))
    points = structure_set(tmp_path / "d.dcm", {"liver": [square(2.5, 7.5, 4.0)]}, kind="POINT")
    with pytest.raises(MaskError, match="no structure with closed contours"):
        read_structure(points, None, GRID)


@pytest.mark.parametrize("patient", ["STS_001", "STS_002"])
def test_a_real_tumour_agrees_with_matplotlib_and_with_its_area(shared_data: Path, patient: str) -> None:
    """Each centre by matplotlib's test (parity over contours); the volume by the shoelace formula to 1 %."""
    folder = shared_data / "nuclear" / "sts_petctmr_small" / patient / "CT" / "dicom"
    grid = read_ct(index_folder(folder / "image").choose({"CT"})).image.grid
    mask = read_structure(folder / "mask" / "RS.dcm", None, grid)
    expected = np.zeros(grid.shape, np.bool_)
    shoelace_mm2: dict[int, float] = {}
    rows, columns = np.indices(grid.shape[1:])
    centres = np.column_stack([columns.ravel(), rows.ravel()])
    for contour in dcmread(folder / "mask" / "RS.dcm").ROIContourSequence[0].ContourSequence:
        index = grid.to_index(np.array(contour.ContourData, dtype=float).reshape(-1, 3))
        k = round(float(index[:, 2].mean()))
        outline = Outline(index[:, :2], closed=False)
        expected[k] ^= outline.contains_points(centres).reshape(grid.shape[1:])
        x, y = index[:, 0] * grid.spacing_mm[0], index[:, 1] * grid.spacing_mm[1]
        area = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
        shoelace_mm2[k] = shoelace_mm2.get(k, 0.0) + area
    assert np.count_nonzero(expected ^ mask.voxels) <= 0.001 * mask.voxel_count  # centres on an outline
    assert mask.volume_ml == pytest.approx(sum(shoelace_mm2.values()) * grid.spacing_mm[2] / 1000, rel=0.01)
