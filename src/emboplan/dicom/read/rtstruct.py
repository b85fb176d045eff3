"""Structure sets: contours in patient space, filled on any grid whose slices are parallel to them.

A voxel belongs to a structure when its centre lies inside an odd number of the structure's contours on its
plane, so that a contour within another is a hole. A contour stands for a slab as thick as the contours are
apart: grid slices between two contours are filled from the nearer one, those beyond half a step are not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from emboplan.dicom.read.common import READ_FAILURES, items, quiet, read_dataset, text, whole
from emboplan.errors import DicomError, GeometryError, MaskError
from emboplan.model.grid import Grid
from emboplan.model.mask import Mask

FILLED_TYPES = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")

# Points of one contour may leave its plane by this part of a grid slice: rounding, not a slanted contour.
PLANE_TOLERANCE_FRAC = 0.1

# Contours nearer than this part of a grid slice lie on one plane.
SAME_PLANE_FRAC = 0.02

Polygon = NDArray[np.float64]


def structure_names(path: Path) -> tuple[str, ...]:
    """The structures of a file that have closed contours, in the order of their numbers."""
    return tuple(name for name, item in _structures(_open(path)) if _has_contours(item))


def read_structure(path: Path, name: str | None, grid: Grid) -> Mask:
    """One structure as a mask on a grid; without a name, the only one that has contours.

    Raises:
        DicomError: the file is no structure set, or its contours are not parallel to the slices.
        MaskError: there is no such structure, it has no closed contours, or it fills no voxel.
        GeometryError: another frame of reference, or contours that reach beyond the grid.
    """
    dataset = _open(path)
    structures = [(label, item) for label, item in _structures(dataset) if _has_contours(item)]
    _, item = _select(path, structures, name)
    _require_same_frame(path, dataset, item, grid)
    contours = _contours(path, item, grid)
    steps = [c for _, other in structures for c in _planes(_contours(path, other, grid, quietly=True))]
    planes = _planes(contours)
    step = _step(list(planes)) or _step(steps) or 1.0
    voxels = np.zeros(grid.shape, np.bool_)
    positions = np.array(sorted(planes))
    for k in range(grid.shape[0]):
        # Half-open, so that a slice midway between two contours belongs to one of them.
        above = k - positions + SAME_PLANE_FRAC
        near = positions[(above >= -step / 2) & (above < step / 2)]
        if near.size:
            nearest = float(near[np.abs(near - k).argmin()])
            voxels[k] = fill_polygons(planes[nearest], grid.shape[1:])
    if not voxels.any():
        raise MaskError(
            f"{path.name}: the structure holds no voxel centre of {grid.describe()}; check the CT"
        )
    return Mask(grid, voxels)


def fill_polygons(polygons: list[Polygon], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels ``(row, column)`` whose centre lies inside an odd number of polygons.

    Polygons are ``(points, 2)`` in x, y pixel index. A centre exactly on an edge belongs to the polygon on
    its upper or left side and not on the others, so that neighbours share no pixel and leave none out.
    """
    rows, columns = shape
    crossings = np.zeros((rows, columns + 1), np.int64)
    for polygon in polygons:
        x0, y0 = polygon[:, 0], polygon[:, 1]
        x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
        first = np.clip(np.ceil(np.minimum(y0, y1)), 0, rows).astype(np.int64)
        last = np.clip(np.ceil(np.maximum(y0, y1)), 0, rows).astype(np.int64)
        lengths = last - first
        edge = np.repeat(np.arange(polygon.shape[0]), lengths)
        row = first[edge] + np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        crossing = x0[edge] + (row - y0[edge]) / (y1[edge] - y0[edge]) * (x1[edge] - x0[edge])
        column = np.clip(np.ceil(crossing), 0, columns).astype(np.int64)
        np.add.at(crossings, (row, column), 1)
    return (np.cumsum(crossings, axis=1)[:, :columns] % 2).astype(np.bool_)


def _open(path: Path) -> Dataset:
    dataset = read_dataset(path)
    modality = text(dataset, "Modality")
    if modality != "RTSTRUCT":
        raise DicomError(
            f"{path.name} is of modality {modality or 'unknown'}; expected a structure set (RTSTRUCT)"
        )
    return dataset


def _structures(dataset: Dataset) -> list[tuple[str, Dataset]]:
    names = {
        whole(item, "ROINumber"): text(item, "ROIName") for item in items(dataset, "StructureSetROISequence")
    }
    contours = {whole(item, "ReferencedROINumber"): item for item in items(dataset, "ROIContourSequence")}
    return [(names[n], contours[n]) for n in sorted(n for n in names if n is not None and n in contours)]


def _has_contours(item: Dataset) -> bool:
    return any(text(c, "ContourGeometricType") in FILLED_TYPES for c in items(item, "ContourSequence"))


def _select(path: Path, structures: list[tuple[str, Dataset]], name: str | None) -> tuple[str, Dataset]:
    listed = ", ".join(label for label, _ in structures) or "no structure with closed contours"
    if name is None:
        if len(structures) != 1:
            raise MaskError(f"{path.name} holds {listed}; name one structure, as in {path.name}#NAME")
        return structures[0]
    fitting = [s for s in structures if s[0].casefold() == name.strip().casefold()]
    if len(fitting) != 1:
        found = "no structure" if not fitting else f"{len(fitting)} structures"
        raise MaskError(f'{path.name} has {found} "{name}" with closed contours; it holds {listed}')
    return fitting[0]


def _require_same_frame(path: Path, dataset: Dataset, item: Dataset, grid: Grid) -> None:
    roi = whole(item, "ReferencedROINumber")
    frames = {
        text(s, "ReferencedFrameOfReferenceUID")
        for s in items(dataset, "StructureSetROISequence")
        if whole(s, "ROINumber") == roi
    } - {""}
    if grid.frame_of_reference_uid and frames and grid.frame_of_reference_uid not in frames:
        raise GeometryError(
            f"{path.name} belongs to another frame of reference than the CT, so that its positions mean "
            "something else; give the structures that were drawn on this CT"
        )


def _contours(path: Path, item: Dataset, grid: Grid, *, quietly: bool = False) -> list[Polygon]:
    """Closed contours in fractional grid index ``(points, 3)``; `quietly` leaves out what does not fit."""
    contours = []
    reach = 0.0
    for contour in items(item, "ContourSequence"):
        if text(contour, "ContourGeometricType") not in FILLED_TYPES:
            continue
        points = _points(path, contour)
        index = grid.to_index(points)
        if np.ptp(index[:, 2]) > PLANE_TOLERANCE_FRAC:
            if quietly:
                continue
            raise DicomError(
                f"{path.name} has a contour that leaves its slice by {np.ptp(index[:, 2]):.1f} slices; "
                "contours must be parallel to the CT's slices, export the structure as a segmentation"
            )
        beyond = np.maximum(-1 - index, index - np.array(grid.shape[::-1]))
        reach = max(reach, float((beyond * grid.spacing_mm).max()))
        contours.append(index)
    if reach > 0 and not quietly:
        raise GeometryError(
            f"{path.name}: the structure reaches beyond {grid.describe()} by more than a voxel "
            f"({reach:.1f} mm); give the structures that were drawn on this CT"
        )
    return contours


def _points(path: Path, contour: Dataset) -> NDArray[np.float64]:
    try:
        with quiet():
            values = np.array([float(v) for v in contour.ContourData], dtype=np.float64)
    except READ_FAILURES as error:
        raise DicomError(f"{path.name} has a contour without points; export the structures again") from error
    if values.size == 0 or values.size % 3 or not np.isfinite(values).all():
        raise DicomError(f"{path.name} has a contour with an incomplete point; export the structures again")
    return values.reshape(-1, 3)


def _planes(contours: list[Polygon]) -> dict[float, list[Polygon]]:
    """In-plane polygons by the plane that they lie on, a fractional slice index."""
    planes: dict[float, list[Polygon]] = {}
    for contour in sorted(contours, key=lambda c: float(c[:, 2].mean())):
        place = float(contour[:, 2].mean())
        last = next(reversed(planes), None)
        if last is None or place - last > SAME_PLANE_FRAC:
            planes[place] = []
            last = place
        planes[last].append(contour[:, :2])
    return planes


def _step(places: list[float]) -> float | None:
    """The usual distance of contour planes in grid slices; None where there is no second plane."""
    distinct = np.unique(np.array(places))
    steps = np.diff(distinct)
    steps = steps[steps > SAME_PLANE_FRAC]
    return float(np.median(steps)) if steps.size else None
