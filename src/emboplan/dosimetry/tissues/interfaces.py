"""Where tissue changes, as beta electrons notice it: which voxels may be convolved, and which need transport.

A voxel is far from a change when all tissue that its electrons can reach is of its own class, and as dense as
the voxel itself within a tolerance. There a kernel of one medium is exact. Liver, muscle and blood are one
class: their ranges in g/cm2 agree to 0.1 %, their scattering to 1 %, and what parts them is density.

Densities are compared after smoothing over a third of the range, within the class and away from its edge:
noise of the CT is no change of tissue, and grain finer than that counts for an electron by its mean alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from emboplan import catalog as catalogue
from emboplan.dosimetry.arguments import positive
from emboplan.dosimetry.beta.stopping_power import csda_range, material
from emboplan.errors import GeometryError, ModelRangeError
from emboplan.imaging.distance import distance_mm
from emboplan.model.grid import Grid
from emboplan.model.mask import bounding_box
from emboplan.model.tissue import TissueMap

Bools = NDArray[np.bool_]
F32 = NDArray[np.float32]

MM_PER_CM = 10.0

# Materials that are one class.
ALIKE = frozenset({"liver", "muscle", "blood", "water", "soft_tissue_icru4"})

# Smoothing (one standard deviation) in share of the range: wide enough to take CT noise from 4 mm voxels,
# narrow enough to show a step to its full height within the range.
SMOOTHING_FRAC = 1 / 3

# A Gaussian is cut where less than 0.3 % of its weight is left.
TRUNCATE_SIGMAS = 3.0

# Rows of voxels in a ball up to which it is followed exactly; of a larger one (the range in lung) the box
# around it is taken instead, which can only find more changes.
MOST_ROWS = 400

_ALL_NEIGHBOURS = ndimage.generate_binary_structure(3, 3)


def beta_range_mm(tissue: TissueMap, highest_mev: float) -> F32:
    """How far an electron of this energy gets in each voxel's material at its density, in mm.

    Continuous-slowing-down range; the straight distance is never longer. Y-90 (2.28 MeV): 10.8 mm in liver,
    44 mm in lung of 0.26 g/mL.
    """
    cm2 = [csda_range(material(name), highest_mev) for name in tissue.materials]
    per_material = np.array(cm2, dtype=np.float32) * np.float32(MM_PER_CM)
    return np.asarray(per_material[tissue.material] / tissue.g_per_ml, dtype=np.float32)


def class_map(tissue: TissueMap) -> NDArray[np.uint8]:
    """Class of each voxel: materials that electrons cannot tell apart but by density share one."""
    alike = [name in ALIKE for name in tissue.materials]
    first = alike.index(True) if any(alike) else 0
    of_material = [first if same else place for place, same in enumerate(alike)]
    return np.array(of_material, dtype=np.uint8)[tissue.material]


def interface_distance_mm(tissue: TissueMap) -> F32:
    """Distance in mm from each voxel to the nearest of another class, face to face; infinite without one.

    Neighbours at a face, edge or corner are at 0. Tissue outside the grid counts as no change.
    """
    return _face_distance(class_map(tissue), tissue.grid)


def far_from_change(
    tissue: TissueMap,
    range_mm: ArrayLike,
    *,
    density_tolerance_frac: float | None = None,
    within: Bools | None = None,
    catalog: catalogue.Catalog | None = None,
) -> Bools:
    """Whether all tissue within `range_mm` of each voxel is of its class and density.

    `range_mm` is one number or one for each voxel (`beta_range_mm`). A density counts as another when it
    differs from the voxel's own by more than the tolerance (a share; the catalogue's 3 % unless given).
    Distances run from face to face. Only voxels of `within` are asked, the rest is false: give the voxels
    with activity, it is faster. Tissue outside the grid counts as no change.

    Partly filled voxels at the edge of a class are not compared: they are nearer to the change than it is.
    """
    share = density_tolerance_frac
    if share is None:
        share = (catalog or catalogue.load()).number("interface.density_tolerance")
    tolerance = float(positive(share, "density_tolerance_frac"))
    if tolerance >= 1:
        raise ModelRangeError(f"density_tolerance_frac is {tolerance:g}; expected a share (3 % is 0.03)")
    reach = np.broadcast_to(positive(range_mm, "range_mm").astype(np.float32), tissue.grid.shape)
    asked = np.ones(tissue.grid.shape, np.bool_) if within is None else np.asarray(within, np.bool_)
    if asked.shape != tissue.grid.shape:
        raise GeometryError(f"within has shape {asked.shape}; the tissue map has {tissue.grid.shape}")
    out = np.zeros(tissue.grid.shape, np.bool_)
    if not asked.any():
        return out
    # Beyond the reach of every source nothing matters, and nothing beyond the grid is known.
    farthest = min(float(reach[asked].max()), float(np.linalg.norm(tissue.grid.size_mm)))
    box = _box(asked, farthest, tissue.grid)
    grid, labels = tissue.grid.cropped(box), class_map(tissue)[box]
    alone = asked[box] & (_face_distance(labels, grid) > reach[box])
    for label in np.unique(labels[alone]):
        asks = alone & (labels == label)
        class_reach = min(float(reach[box][asks].max()), farthest)
        part = _box(asks, class_reach, grid)
        out[box][part] |= asks[part] & _even(
            tissue.g_per_ml[box][part],
            labels[part] == label,
            asks[part],
            class_reach,
            tolerance,
            grid.cropped(part),
        )
    return out


def _box(sources: Bools, reach_mm: float, grid: Grid) -> tuple[slice, slice, slice]:
    found = bounding_box(sources)
    if found is None:
        raise GeometryError("no voxel to ask about")
    margins = [int(reach_mm * (1 + TRUNCATE_SIGMAS * SMOOTHING_FRAC) / d) + 2 for d in grid.spacing_zyx_mm]
    low = [max(0, part.start - m) for part, m in zip(found, margins, strict=True)]
    high = [min(n, part.stop + m) for part, m, n in zip(found, margins, grid.shape, strict=True)]
    return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])


def _face_distance(labels: NDArray[np.uint8], grid: Grid) -> F32:
    """Distance of each voxel to the nearest one with another label, between the nearest faces.

    The nearest faces are one voxel nearer than the centres along each axis. Voxels with a neighbour of
    another label are at 0, and the distance to the nearest of these is the distance sought, for all labels at
    once: the way out of a region leads over its own rim first.
    """
    rim = ndimage.minimum_filter(labels, 3, mode="nearest") != ndimage.maximum_filter(
        labels, 3, mode="nearest"
    )
    return distance_mm(rim, grid)


def _even(density: F32, inside: Bools, asks: Bools, reach_mm: float, tolerance: float, grid: Grid) -> Bools:
    """Whether the smoothed density within reach stays within the tolerance of the voxel's own."""
    core = ndimage.binary_erosion(inside, _ALL_NEIGHBOURS, border_value=1)
    smooth = _smoothed(density, core, reach_mm, grid)
    low = np.where(core, smooth, np.float32(np.inf))
    high = np.where(core, smooth, np.float32(-np.inf))
    floor, ceiling = smooth * np.float32(1 - tolerance), smooth * np.float32(1 + tolerance)

    def even_in_box(half_widths: list[int]) -> Bools:
        size = [2 * n + 1 for n in half_widths]
        lowest = ndimage.minimum_filter(low, size, mode="nearest")
        return np.asarray(
            (lowest >= floor) & (ndimage.maximum_filter(high, size, mode="nearest") <= ceiling), np.bool_
        )

    around = _half_widths(reach_mm, grid)
    settled = even_in_box(around)
    doubtful = asks & ~settled
    rows = list(_rows(reach_mm, grid))
    if len(rows) > MOST_ROWS or not doubtful.any():
        return settled
    # A box inside the ball, much faster than the ball, rules most of the doubtful out.
    doubtful &= even_in_box([int(n / np.sqrt(3)) for n in around])
    if doubtful.any():
        part = _box(doubtful, reach_mm, grid)
        exact = _ball_maximum(high[part], rows) <= ceiling[part]
        exact &= -_ball_maximum(-low[part], rows) >= floor[part]
        settled[part] |= exact & doubtful[part]
    return settled


def _smoothed(density: F32, core: Bools, reach_mm: float, grid: Grid) -> F32:
    """Density averaged with Gaussian weights over the voxels of `core`; as it is outside them."""
    sigma = [SMOOTHING_FRAC * reach_mm / d for d in grid.spacing_zyx_mm]
    weight = core.astype(np.float32)
    mass = ndimage.gaussian_filter(density * weight, sigma, mode="nearest", truncate=TRUNCATE_SIGMAS)
    volume = ndimage.gaussian_filter(weight, sigma, mode="nearest", truncate=TRUNCATE_SIGMAS)
    return np.asarray(np.divide(mass, volume, out=np.array(density), where=core), dtype=np.float32)


def _half_widths(reach_mm: float, grid: Grid) -> list[int]:
    """Voxels to each side that a face-to-face distance of `reach_mm` takes in."""
    return [int(reach_mm / d) + 1 for d in grid.spacing_zyx_mm]


def _rows(reach_mm: float, grid: Grid) -> Iterator[tuple[int, int, int]]:
    """The ball as rows along x: offsets in z and y, and voxels to each side."""
    dz, dy, dx = grid.spacing_zyx_mm
    up, across, _ = _half_widths(reach_mm, grid)
    for z in range(-up, up + 1):
        for y in range(-across, across + 1):
            rest = reach_mm**2 - (max(abs(z) - 1, 0) * dz) ** 2 - (max(abs(y) - 1, 0) * dy) ** 2
            if rest >= 0:
                yield z, y, int(np.sqrt(rest) / dx) + 1


def _ball_maximum(values: F32, rows: list[tuple[int, int, int]]) -> F32:
    """The largest value within the ball around each voxel; nothing lies outside the array."""
    out = np.full(values.shape, -np.inf, np.float32)
    for width in sorted({row[2] for row in rows}):
        along = ndimage.maximum_filter1d(values, 2 * width + 1, axis=2, mode="nearest")
        for z, y, _ in (row for row in rows if row[2] == width):
            to_z, from_z = _shifted(z, values.shape[0])
            to_y, from_y = _shifted(y, values.shape[1])
            part = out[to_z, to_y]
            np.maximum(part, along[from_z, from_y], out=part)
    return out


def _shifted(offset: int, count: int) -> tuple[slice, slice]:
    """Places that have a neighbour at `offset` along an axis of `count`, and those neighbours."""
    if abs(offset) >= count:
        return slice(0, 0), slice(0, 0)
    kept = count - abs(offset)
    return slice(max(0, -offset), max(0, -offset) + kept), slice(max(0, offset), max(0, offset) + kept)
