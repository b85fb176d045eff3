"""Each lesion's volume and diameters, as a reader would measure them on slices.

The longest in-plane diameter is taken over all slices, and the perpendicular one on the same slice, as RECIST
and WHO do. A lesion's outline on a slice runs through the middles of the voxel faces between inside and
outside: on round shapes such an outline reads the diameter about 0.4 pixels long, against 0.9 for the voxels'
corners and -0.5 for their centres. Distances are millimetres, pixels need not be square. "In plane" is the
plane in which the slices were acquired.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist, squareform

from emboplan.errors import MaskError
from emboplan.measure.doubt import Parenchyma, certainty
from emboplan.measure.intervals import Calibration
from emboplan.measure.surface import half_voxel_band_ml, surface_ml_per_mm
from emboplan.model.anatomy import Anatomy
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage, MrImage
from emboplan.model.mask import LabelMap, Mask
from emboplan.model.results.burden import Interval, Lesion

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Diameters:
    """Longest and perpendicular diameter on one slice, and the slice's index."""

    longest_mm: float
    perpendicular_mm: float
    slice_index: int


def outline_mm(section: NDArray[np.bool_], pixel_mm: tuple[float, float]) -> Points:
    """Middles of the boundary faces of a section ``(y, x)`` in mm ``(x, y)``; `pixel_mm` is (x, y) too."""
    padded = np.pad(section, 1)
    points = []
    for axis in (0, 1):
        for step in (1, -1):
            outside = ~np.roll(padded, -step, axis=axis)
            index = np.argwhere(padded & outside).astype(np.float64) - 1.0
            index[:, axis] += step / 2
            points.append(index)
    outline: Points = np.concatenate(points)[:, ::-1] * np.array(pixel_mm)
    return outline


def _hull(points: Points) -> Points:
    # The four faces of even a single pixel span a plane, so the hull always exists.
    vertices: Points = points[ConvexHull(points).vertices]
    return vertices


def longest_chord(hull: Points) -> tuple[float, Points]:
    """Length and unit direction of the longest line between two points of a hull."""
    distances = squareform(pdist(hull))
    first, second = np.unravel_index(int(distances.argmax()), distances.shape)
    along = hull[second] - hull[first]
    length = float(distances[first, second])
    return length, along / length


def longest_chord_across(hull: Points, along: Points) -> float:
    """Length of the longest line inside a convex hull that is perpendicular to the direction `along`."""
    s = hull @ along
    t = hull @ np.array([-along[1], along[0]])
    closed_s, closed_t = np.append(s, s[0]), np.append(t, t[0])
    best = 0.0
    # The chord's length is concave and piecewise linear in s, so its maximum lies at a vertex.
    for at in s:
        low, high = np.minimum(closed_s[:-1], closed_s[1:]), np.maximum(closed_s[:-1], closed_s[1:])
        edges = np.flatnonzero((low <= at) & (at <= high))
        run = closed_s[edges + 1] - closed_s[edges]
        share = np.divide(at - closed_s[edges], run, out=np.zeros_like(run), where=run != 0)
        crossings = closed_t[edges] + share * (closed_t[edges + 1] - closed_t[edges])
        # An edge that runs along the chord has both its ends on it.
        ends = np.concatenate([crossings, closed_t[edges[run == 0] + 1]])
        best = max(best, float(ends.max() - ends.min()))
    return best


def diameters(voxels: NDArray[np.bool_], grid: Grid) -> Diameters:
    """The longest in-plane diameter over all slices of `voxels`, and the perpendicular one on that slice.

    `voxels` ``(z, y, x)`` holds at least one true voxel. Of several equal slices the first counts.
    """
    dx, dy, _ = grid.spacing_mm
    best: tuple[float, int, Points, Points] | None = None
    for z in np.flatnonzero(voxels.any(axis=(1, 2))):
        hull = _hull(outline_mm(voxels[z], (dx, dy)))
        length, along = longest_chord(hull)
        if best is None or length > best[0]:
            best = (length, int(z), hull, along)
    if best is None:
        raise ValueError("no voxel to measure")
    length, index, hull, along = best
    return Diameters(length, longest_chord_across(hull, along), index)


def number_lesions(mask: Mask) -> LabelMap:
    """The separate parts of a mask as numbered lesions, the largest first.

    Voxels that touch at a corner belong together. Parts of equal size are numbered from the feet up.
    """
    parts, count = ndimage.label(mask.voxels, structure=np.ones((3, 3, 3)))
    if count > np.iinfo(np.uint16).max:
        raise MaskError(f"the mask falls into {count} separate parts; expected lesions, found noise")
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-sizes, kind="stable")
    numbers = np.zeros(count + 1, dtype=np.uint16)
    numbers[order + 1] = np.arange(1, count + 1, dtype=np.uint16)
    return LabelMap(mask.grid, numbers[parts])


def _mean_hu(image: CtImage | MrImage, box: tuple[slice, ...], inside: NDArray[np.bool_]) -> float | None:
    """The mean CT number; None on an MR, whose signal has no unit."""
    return None if isinstance(image, MrImage) else float(image.hu[box][inside].mean(dtype=np.float64))


@dataclass(frozen=True, slots=True)
class ViablePart:
    """The viable part of one lesion: volume, mRECIST's two diameters, and mean CT number less the liver's."""

    volume_ml: float
    longest_mm: float
    perpendicular_mm: float
    enhancement_hu: float | None


def viable_part(
    viable: NDArray[np.bool_], mean_hu: float | None, liver_hu: float | None, grid: Grid
) -> ViablePart:
    """Measures of the viable voxels of one lesion ``(z, y, x)``; zeros where there are none."""
    count = int(np.count_nonzero(viable))
    if count == 0:
        return ViablePart(0.0, 0.0, 0.0, None)
    size = diameters(viable, grid)
    enhancement = None if mean_hu is None or liver_hu is None else mean_hu - liver_hu
    return ViablePart(count * grid.voxel_ml, size.longest_mm, size.perpendicular_mm, enhancement)


@dataclass(frozen=True, slots=True)
class Doubted:
    """What the interval of a lesion that a program found is made of."""

    numbers: Calibration
    parenchyma: Parenchyma | None
    liver_ml: float


def _interval(
    anatomy: Anatomy, label: int, box: tuple[slice, ...], volume_ml: float, found: Doubted | None
) -> Interval:
    """The interval of a lesion: half a voxel about a given contour, a calibrated shift about a found one."""
    inside = anatomy.lesions.labels[box] == label
    if found is None:
        band = half_voxel_band_ml(inside, anatomy.grid)
        return (max(0.0, volume_ml - band), volume_ml + band)
    kind = certainty(anatomy, label, box, found.parenchyma)
    surface = surface_ml_per_mm(inside, anatomy.grid)
    return found.numbers.of_lesion(kind, volume_ml, surface, found.liver_ml)


def measure_lesions(
    anatomy: Anatomy, *, viable: Mask | None = None, found: Doubted | None = None
) -> tuple[Lesion, ...]:
    """Every lesion of the anatomy, in ascending order of its label.

    `viable`, on the same grid, takes the place of the anatomy's own. `found` is for lesions that a program
    drew and nobody confirmed; without it intervals are those of contours half a voxel in or out.
    """
    grid, labels = anatomy.grid, anatomy.lesions.labels
    told = anatomy.viable if viable is None else viable
    whole = (slice(None),) * 3
    normal = anatomy.liver.voxels & (labels == 0)
    liver_hu = _mean_hu(anatomy.image, whole, normal) if told is not None and normal.any() else None
    lesions = []
    boxes = ndimage.find_objects(labels)
    for label in anatomy.lesions.numbers:
        box = boxes[label - 1]
        inside = labels[box] == label
        offset = np.array([box[2].start, box[1].start, box[0].start], dtype=np.float64)
        centroid_index = offset + np.argwhere(inside).mean(axis=0)[::-1]
        size = diameters(inside, grid)
        volume = int(np.count_nonzero(inside)) * grid.voxel_ml
        centroid = grid.to_mm(centroid_index)
        on_slice = grid.to_mm([centroid_index[0], centroid_index[1], box[0].start + size.slice_index])
        part = None
        if told is not None:
            alive = inside & told.voxels[box]
            alive_hu = _mean_hu(anatomy.image, box, alive) if alive.any() else None
            part = viable_part(alive, alive_hu, liver_hu, grid)
        lesions.append(
            Lesion(
                label=label,
                volume_ml=volume,
                volume_ml_interval=_interval(anatomy, label, box, volume, found),
                longest_mm=size.longest_mm,
                perpendicular_mm=size.perpendicular_mm,
                centroid_mm=(float(centroid[0]), float(centroid[1]), float(centroid[2])),
                mean_hu=_mean_hu(anatomy.image, box, inside),
                slice_mm=float(on_slice[2]),
                viable_ml=None if part is None else part.volume_ml,
                viable_longest_mm=None if part is None else part.longest_mm,
                viable_perpendicular_mm=None if part is None else part.perpendicular_mm,
                enhancement_hu=None if part is None else part.enhancement_hu,
            )
        )
    return tuple(lesions)
