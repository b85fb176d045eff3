"""The class of every CT voxel: air, lung, adipose, muscle, blood, liver, bone.

Limits on CT numbers part the classes, on an image that noise has been taken out of. Three rules keep noise
and contrast agent from making tissue that is not there: what the masks say goes first; lung needs a core of
gas, so that dark fat stays fat; bone needs a dense core, so that an enhanced vessel becomes blood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.catalog import Catalog
from emboplan.model.grid import Grid

Bools = NDArray[np.bool_]
Hu = NDArray[np.int16] | NDArray[np.float32]

# The classes are names of the catalogue's materials. Bone that is told by its CT number alone holds marrow
# too, which brings it nearer to compact than to cortical bone.
AIR, LUNG, ADIPOSE, MUSCLE, BLOOD, LIVER, BONE = range(7)
MATERIALS = ("air", "lung", "adipose", "muscle", "blood", "liver", "bone_compact")
SOFT = (MUSCLE, BLOOD, LIVER)

# Rounds of the median; two leave a fifth of white noise, 5 HU of 25, and keep edges in their place.
MEDIAN_ROUNDS = 2

# Neighbours along an axis of at most this spacing are averaged; in thicker slices they are another place.
NEIGHBOUR_REACH_MM = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Structures:
    """What is known of the anatomy, as voxels of the CT; earlier ones win where they overlap."""

    liver: Bools | None = None
    vessels: Bools | None = None
    soft_tissue: tuple[Bools, ...] = ()
    lungs: Bools | None = None

    def inside(self, box: tuple[slice, slice, slice]) -> Structures:
        """The same within a box."""

        def cut(voxels: Bools | None) -> Bools | None:
            return None if voxels is None else voxels[box]

        return Structures(
            cut(self.liver), cut(self.vessels), tuple(v[box] for v in self.soft_tissue), cut(self.lungs)
        )


def denoised(hu: Hu, spacing_zyx_mm: Sequence[float]) -> Hu:
    """CT numbers without most of their noise: medians of three along each axis in turn, edges kept."""
    out: Hu = hu
    for axis in _fine_axes(hu.shape, spacing_zyx_mm) * MEDIAN_ROUNDS:
        out = _median_of_three(out, axis)
    return out


def _fine_axes(shape: tuple[int, ...], spacing_zyx_mm: Sequence[float]) -> list[int]:
    """Axes along which a neighbour is nearly the same place; all of them where no axis is fine."""
    long = [axis for axis in range(3) if shape[axis] > 2]
    return [axis for axis in long if spacing_zyx_mm[axis] <= NEIGHBOUR_REACH_MM] or long


def _median_of_three(values: Hu, axis: int) -> Hu:
    moved = np.moveaxis(values, axis, 0)
    out: Hu = values.copy()
    a, b, c = moved[:-2], moved[1:-1], moved[2:]
    low, high = np.minimum(a, b), np.maximum(a, b)
    np.maximum(low, np.minimum(high, c, out=high), out=np.moveaxis(out, axis, 0)[1:-1])
    return out


def classes(hu: Hu, smooth: Hu, grid: Grid, known: Structures, catalog: Catalog) -> NDArray[np.uint8]:
    """Places in `MATERIALS` for every voxel; `smooth` are the CT numbers without noise.

    Limits and rules are the project's (`ct_class` in the catalogue). A voxel of the liver, a vessel or a
    soft-tissue mask is that tissue whatever its CT number.
    """

    def limit(name: str) -> float:
        return catalog.number(f"ct_class.{name}")

    found = np.full(hu.shape, MUSCLE, np.uint8)
    found[smooth < limit("adipose_below")] = ADIPOSE
    gas = smooth < limit("lung_below")
    lung = _with_core(gas, smooth < limit("lung_core"))
    if known.lungs is not None:
        lung |= gas & known.lungs
    found[lung] = LUNG
    found[smooth < limit("air_below")] = AIR
    bright = smooth >= limit("bone_from")
    if bright.any():
        bone = _bone(hu, bright, grid, catalog)
        found[bright] = BLOOD
        found[bone] = BONE
    for voxels in reversed(known.soft_tissue):
        found[voxels] = MUSCLE
    for mask, place in ((known.vessels, BLOOD), (known.liver, LIVER)):
        if mask is not None:
            found[mask] = place
    return found


def _with_core(region: Bools, core: Bools) -> Bools:
    """The connected parts of `region` that hold a voxel of `core`."""
    labels, count = ndimage.label(region)
    keep = np.zeros(count + 1, np.bool_)
    keep[labels[core & region]] = True
    keep[0] = False
    return np.asarray(keep[labels])


def _bone(hu: Hu, bright: Bools, grid: Grid, catalog: Catalog) -> Bools:
    """Bright voxels that lie in, beside or inside dense bone; other bright voxels hold contrast agent."""
    core = _mean_of_neighbours(hu, grid) >= catalog.number("ct_class.bone_core")
    labels, _ = ndimage.label(core, np.ones((3, 3, 3), np.bool_))
    sizes = np.bincount(labels.ravel()) * grid.voxel_ml
    sizes[0] = 0
    core = (sizes >= catalog.number("ct_class.bone_core_volume"))[labels]
    if not core.any():
        return core
    rim_mm = catalog.number("ct_class.bone_rim")
    reach = [2 * int(rim_mm / d) + 1 for d in grid.spacing_zyx_mm]
    near = ndimage.maximum_filter(core, size=reach)
    marrow_mm2 = catalog.number("ct_class.bone_marrow_section")
    return np.asarray(core | (bright & (near | _enclosed(near, grid, marrow_mm2))))


def _mean_of_neighbours(hu: Hu, grid: Grid) -> NDArray[np.float32]:
    """Mean over a voxel and the neighbours at its faces: thin bone stays, single noisy voxels do not."""
    values = hu.astype(np.float32)
    total = values.copy()
    axes = _fine_axes(hu.shape, grid.spacing_zyx_mm)
    for axis in axes:
        moved, source = np.moveaxis(total, axis, 0), np.moveaxis(values, axis, 0)
        moved[1:] += source[:-1]
        moved[:1] += source[:1]
        moved[:-1] += source[1:]
        moved[-1:] += source[-1:]
    return total / np.float32(1 + 2 * len(axes))


def _enclosed(wall: Bools, grid: Grid, largest_mm2: float) -> Bools:
    """Holes of `wall` within a slice, up to a section: the marrow inside a shell of dense bone."""
    in_plane = np.zeros((3, 3, 3), np.bool_)
    in_plane[1] = ndimage.generate_binary_structure(2, 1)
    labels, count = ndimage.label(~wall, in_plane)
    pixel_mm2 = grid.spacing_mm[0] * grid.spacing_mm[1]
    hole = np.bincount(labels.ravel(), minlength=count + 1) * pixel_mm2 <= largest_mm2
    for edge in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        hole[edge] = False
    hole[0] = False
    return np.asarray(hole[labels])
