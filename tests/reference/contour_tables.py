"""The cases of SlicerRT: contours from VTK files, filled by the even-odd rule, and the tables of their peers.

Contours lie 2.5 mm apart and say nothing of what is between them. CERR takes each for a slab of 2.5 mm, so
that a structure reaches half a slice beyond its first and last contour: `filled`. Eclipse and SlicerRT close
a surface over the contours, which goes over from one to the next and narrows to nothing within half a slice
beyond the ends: `closed`. Their volumes say so. In all three the dose is linear between the voxels.

CERR's tables hold the volume above the upper edge of each bin of 0.2 Gy against the bin's middle (`doseHist`
and `diff2CumulativeDVH` in its source), half a bin too low.
"""

from __future__ import annotations

import base64
import csv
import re
import zlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import SimpleITK as sitk  # noqa: N813  the name its documentation uses
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.model.grid import Grid
from emboplan.model.image import DoseMap
from emboplan.model.mask import Mask

F64 = NDArray[np.float64]
TYPES = {"Float32": "<f4", "Float64": "<f8", "Int64": "<i8"}
SLICE_MM = 2.5
CERR_SHIFT_GY = 0.1
LAYERS = 4  # of each gap between two contours
RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Curve:
    volume_ml: float
    dose_gy: F64
    volume_frac: F64


def _decoded(element: ET.Element) -> bytes:
    """Base64 of a header (blocks, block size, last size, packed sizes) and of packed blocks."""
    text = "".join((element.text or "").split())
    blocks = int(np.frombuffer(base64.b64decode(text[:8]), "<u4", count=1)[0])
    header_bytes = 4 * (3 + blocks)
    letters = -(-header_bytes // 3) * 4
    sizes = np.frombuffer(base64.b64decode(text[:letters]), "<u4", count=3 + blocks)[3:]
    packed, start, found = base64.b64decode(text[letters:]), 0, b""
    for size in sizes.tolist():
        found += zlib.decompress(packed[start : start + size])
        start += size
    return found


def _array(element: ET.Element) -> NDArray[np.generic]:
    return np.frombuffer(_decoded(element), TYPES[element.attrib["type"]])


def contours(path: Path) -> tuple[str, list[F64]]:
    """Name and closed contours ``(points, xyz)`` in LPS millimetres of one file."""
    root = ET.parse(path).getroot()  # noqa: S314  a file of our own test data
    name = next(e for e in root.iter("Array") if e.attrib["Name"] == "Segment_Name")
    points = _array(next(e for e in root.iter("DataArray") if e.attrib["Name"] == "Points"))
    lines = next(root.iter("Lines"))
    parts = {e.attrib["Name"]: _array(e).astype(np.int64) for e in lines}
    xyz = points.reshape(-1, 3).astype(np.float64) * RAS_TO_LPS
    rows = np.split(parts["connectivity"], parts["offsets"][:-1])
    return _decoded(name).split(b"\0")[0].decode(), [xyz[row] for row in rows]


def filled(rings: list[F64], pixel_mm: float) -> Mask:
    """A mask of slabs half a slice above and below each contour; a ring in a ring is a hole."""
    everything = np.concatenate(rings)
    low, high = everything.min(axis=0), everything.max(axis=0)
    nx, ny = (int(n) for n in np.ceil((high - low)[:2] / pixel_mm) + 2)
    nz = round((high - low)[2] / SLICE_MM) + 1
    start = low[:2] - 0.7 * pixel_mm  # centres on no contour's own lattice
    voxels = np.zeros((nz, ny, nx), dtype=np.bool_)
    rows = start[1] + pixel_mm * np.arange(ny)
    for ring in rings:
        k = round((ring[0, 2] - low[2]) / SLICE_MM)
        for (x0, y0, _), (x1, y1, _) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            first, last = np.searchsorted(rows, sorted((y0, y1)))
            for j in range(first, last):
                x = x0 + (rows[j] - y0) / (y1 - y0) * (x1 - x0)
                voxels[k, j, max(int(np.ceil((x - start[0]) / pixel_mm)), 0) :] ^= True
    grid = Grid(voxels.shape, (pixel_mm, pixel_mm, SLICE_MM), (start[0], start[1], low[2]))
    return Mask(grid, voxels)


def closed(mask: Mask) -> Mask:
    """The shape over the slabs' middles, in thin layers: distances from the outline, linear between contours.

    Shape-based interpolation (Raya and Udupa, IEEE Trans. Med. Imaging 9 (1990) 32). Beyond the ends the
    distance that a part must have grows until, half a slice on, nothing of it is deep enough.
    """
    slices = np.pad(mask.voxels, ((1, 1), (1, 1), (1, 1)))
    dx, dy, _ = mask.grid.spacing_mm
    away = [_inside_mm(one, (dy, dx)) for one in slices]
    layers = []
    for below, above in pairwise(away):
        for at in (np.arange(LAYERS) + 0.5) / LAYERS:
            if below is None or above is None:
                end, beyond = (above, 1 - at) if below is None else (below, at)
                layers.append(_narrowed(end, 2 * beyond))
            else:
                layers.append((1 - at) * below + at * above > 0)
    x, y, z = mask.grid.origin_mm
    thick = SLICE_MM / LAYERS
    start = (x - dx, y - dy, z - SLICE_MM + thick / 2)
    return Mask(Grid((len(layers), *slices.shape[1:]), (dx, dy, thick), start), np.array(layers))


def _inside_mm(outline: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> F64 | None:
    """Distance of each pixel's centre from the outline, negative outside; None where nothing is inside."""
    if not outline.any():
        return None
    inside = ndimage.distance_transform_edt(outline, sampling=spacing_mm)
    outside = ndimage.distance_transform_edt(~outline, sampling=spacing_mm)
    half = np.where(outline, 0.5, -0.5) * spacing_mm[0]
    found: F64 = inside - outside - half
    return found


def _narrowed(inside_mm: F64 | None, beyond: float) -> NDArray[np.bool_]:
    """What is left of the parts of an end contour where `beyond`, from 0 to 1, of the end is behind."""
    assert inside_mm is not None
    parts, count = ndimage.label(inside_mm > 0)
    deepest = np.append(0.0, ndimage.maximum(inside_mm, parts, np.arange(1, count + 1)))
    left: NDArray[np.bool_] = (parts > 0) & (inside_mm > beyond * deepest[parts])
    return left


def dose(path: Path) -> DoseMap:
    image = sitk.ReadImage(str(path))
    gy = sitk.GetArrayFromImage(image)
    grid = Grid(gy.shape, image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    return DoseMap(grid, gy, "given")


def key(name: str) -> str:
    """A structure's name without the differences of spelling between the tables."""
    return re.sub("[^a-z0-9]", "", name.lower())


def table(path: Path) -> dict[str, Curve]:
    """Cumulative curves by structure; rows beyond a structure's own (filled up with zeros) are left out."""
    with path.open(encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    found = {}
    for column in range(0, len(head) - 1, 2):
        name = re.sub(r"(_DvhArray)? Dose \(G[yY]\)$", "", head[column])
        volume = re.search(r"of ([\d.]+) cc", head[column + 1])
        assert volume is not None
        pairs = np.array(
            [[float(v) for v in row[column : column + 2]] for row in rows if row[column].strip()]
        )
        rising = np.append(True, np.diff(pairs[:, 0]) > 0)
        found[key(name)] = Curve(float(volume[1]), pairs[rising, 0], pairs[rising, 1] / 100)
    return found


def beyond(curve: Curve, doses: F64, fractions: F64, *, within_gy: float) -> F64:
    """By how much of the volume each row of a table is off, 0 where it is met within `within_gy`.

    `doses` and `fractions` are the curve under test, on fine steps.
    """
    here, below, above = (np.interp(curve.dose_gy + d, doses, fractions) for d in (0, -within_gy, within_gy))
    met = (above <= curve.volume_frac) & (curve.volume_frac <= below)
    off: F64 = np.where(met, 0.0, np.abs(here - curve.volume_frac))
    return off
