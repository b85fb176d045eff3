"""The viable part of each lesion: what is left without necrotic core, liquid and dense calcification.

A core is looked for as a reader does: by its contrast against the rest of the same lesion, and against water.
Noise decides how much must be averaged before two voxels may differ, so it is measured in the patient's own
parenchyma, smoothed just as the lesion is. The outermost voxels hold parenchyma too, and weigh less. On one
contrast phase a dark part counts as core where it is nearer to water than to parenchyma, or darker than what
else lies behind the outermost millimetres: those can be an enhancing rim around tumour that enhances less.
With an unenhanced CT that lies on the contrast CT, what enhances less than half as much as the lesion's
viable part is no viable tumour. A lesion that looks alike throughout is viable as a whole: no number of one
phase says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from scipy import ndimage

from emboplan import catalog as catalogue
from emboplan.errors import SegmentationError
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import CtImage
from emboplan.model.mask import Box, LabelMap, Mask, bounding_box
from emboplan.segmentation.lesion_core import (
    SCALES_MM,
    SEED_DEVIATIONS,
    Tissue,
    dark_core,
    not_enhancing,
    smoothed,
    viable_level,
)
from emboplan.segmentation.shape import Spacing, boxes, depth_mm, distance_mm, without_small
from emboplan.segmentation.spread import narrower_sd
from emboplan.segmentation.working import Bools, Floats
from emboplan.units import ML_PER_MM3

WHOLE_ID = "segmentation.viable-whole"
NOT_ENHANCING_ID = "segmentation.no-enhancement"

# Blur mixes a lesion with its surroundings over about this depth.
EDGE_MM = 2.5
LEAST_WEIGHT = 0.02

# Calcium: the light smoothing in which it is sought, and how far its blur reaches.
CALCIUM_GRAIN_MM = 0.8
CALCIUM_DEVIATIONS = 5.0

# Where noise is measured: a block of this half width, around the deepest parenchyma, this far from all else.
BLOCK_MM = 30.0
CLEAR_MM = 4.0
LEAST_NOISE_VOXELS = 200


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Numbers of the catalogue: when a lesion is worth splitting, and what is dense."""

    least_mm: float
    dense_hu: float
    dense_ml: float


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What one lesion was found to be: its viable part, and what could be said of it."""

    viable: Bools
    split: bool
    enhances: bool = True


def viable_tumour(
    ct: CtImage,
    liver: Mask,
    lesions: LabelMap,
    *,
    plain: CtImage | None = None,
    catalog: catalogue.Catalog | None = None,
) -> tuple[Mask, tuple[Finding, ...]]:
    """The viable part of all `lesions` as one mask, and what there is to say of it.

    `plain` is an unenhanced CT that was brought onto the grid of `ct` already. Lesions below the measurable
    diameter are not split. Not seen: necrosis as bright as viable tumour, and cores of less than 0.1 mL.

    Raises:
        GeometryError: the images and masks lie on different grids.
        SegmentationError: the liver is empty.
    """
    grid = ct.grid
    for name, other in (("liver", liver), ("lesions", lesions), ("unenhanced CT", plain)):
        if other is not None:
            grid.require_same(other.grid, f"CT and {name}")
    if liver.is_empty:
        raise SegmentationError(
            "the liver mask is empty; viable tumour is told by the liver's own parenchyma"
        )
    numbers = catalog or catalogue.load()
    bounds = _Bounds(
        numbers.number("lesion.measurable_diameter"),
        numbers.number("ct_class.bone_from"),
        numbers.number("ct_class.bone_core_volume"),
    )
    out = lesions.labels > 0
    if not out.any():
        return Mask(grid, out), ()
    box = bounding_box(liver.voxels | out, margin=1)
    if box is None:  # the liver is not empty, as was asked above
        return Mask(grid, out), ()
    patient = _patient(ct, liver, lesions, box, plain)
    spacing = grid.spacing_zyx_mm
    alike, silent, count = 0, [], 0
    for number, place in boxes(lesions.labels.astype(np.int32), EDGE_MM + max(spacing), spacing):
        own = lesions.labels[place] == number
        count += 1
        hu = ct.hu[place].astype(np.float32)
        before = None if plain is None else plain.hu[place].astype(np.float32)
        part = _parted(hu, before, own, liver.voxels[place], spacing, patient, bounds)
        out[place] &= part.viable | ~own
        alike += not part.split
        if not part.enhances:
            silent.append(number)
    return Mask(grid, out), _said(alike, count, silent, with_plain=plain is not None)


def _said(alike: int, count: int, silent: list[int], *, with_plain: bool) -> tuple[Finding, ...]:
    found: list[Finding] = []
    if alike and not with_plain:
        which = "every lesion looks" if alike == count else f"{alike} of {count} lesions look"
        text = (
            f"Viable tumour is told from one contrast phase: {which} alike throughout, or too small to be "
            "split: all of that counts as viable. An unenhanced phase would tell what enhances."
        )
        found.append(Finding(WHOLE_ID, Severity.INFO, text))
    if silent:
        named = ", ".join(str(number) for number in silent)
        text = f"No enhancement is seen in lesion {named}: none of it counts as viable; look at the images."
        found.append(Finding(NOT_ENHANCING_ID, Severity.WARNING, text))
    return tuple(found)


def _patient(ct: CtImage, liver: Mask, lesions: LabelMap, box: Box, plain: CtImage | None) -> Tissue:
    """Level and noise of parenchyma, in a block around its deepest place."""
    spacing = ct.grid.spacing_zyx_mm
    normal = liver.voxels[box] & (lesions.labels[box] == 0)
    if not normal.any():  # all of the liver is tumour: its noise is as good as any
        normal = liver.voxels[box]
    padded = np.pad(normal, 1)
    depth = depth_mm(padded, spacing)[1:-1, 1:-1, 1:-1]
    deepest = np.unravel_index(int(depth.argmax()), depth.shape)
    near = tuple(
        slice(max(0, int(at) - int(BLOCK_MM / d)), int(at) + int(BLOCK_MM / d) + 1)
        for at, d in zip(deepest, spacing, strict=True)
    )
    inside = normal[near]
    clear = inside & (depth[near] > CLEAR_MM)
    if int(clear.sum()) < LEAST_NOISE_VOXELS:
        clear = inside
    values = ct.hu[box][near].astype(np.float32)
    if plain is not None:
        values = values - plain.hu[box][near]
    level = float(np.median(values[clear]))
    weight = inside.astype(np.float32)
    noise = tuple(_noise(smoothed(values - level, weight, sigma, spacing)[clear]) for sigma in SCALES_MM)
    grain = smoothed(ct.hu[box][near].astype(np.float32), weight, CALCIUM_GRAIN_MM, spacing)[clear]
    return Tissue(level, noise, _noise(grain))


def _noise(values: Floats) -> float:
    """Standard deviation from the narrower side of the median: vessels widen one side only."""
    off = values - np.median(values)
    return max(narrower_sd(off), 1e-3)


def _parted(
    hu: Floats,
    before: Floats | None,
    own: Bools,
    liver: Bools,
    spacing: Spacing,
    patient: Tissue,
    bounds: _Bounds,
) -> _Part:
    """One lesion taken apart, in its own box."""
    voxel_ml = float(np.prod(spacing)) * ML_PER_MM3
    depth = depth_mm(np.pad(own, 1), spacing)[1:-1, 1:-1, 1:-1]
    volume_mm3 = float(own.sum()) * voxel_ml / ML_PER_MM3
    if (6 * volume_mm3 / pi) ** (1 / 3) < bounds.least_mm:
        return _Part(own, split=False)
    weight = np.where(own, np.clip(depth / np.float32(EDGE_MM), LEAST_WEIGHT, 1), 0).astype(np.float32)
    dense = _calcium(hu, own, weight, spacing, patient, bounds)
    # Calcium shines beyond its edge, and fat outside the liver darkens what lies beside it: what lies in such
    # blur is neither compared nor called core.
    foreign = dense | ~(liver | own)
    rest, clear = own & ~dense, own & (distance_mm(foreign, spacing) > EDGE_MM)
    weight = np.where(clear, weight, np.float32(0))
    if not clear.any():
        return _Part(rest, split=True)
    values = hu if before is None else hu - before
    smooth = [smoothed(values, weight, sigma, spacing) for sigma in SCALES_MM]
    if before is None:
        core = dark_core(values, smooth, clear, depth, spacing, patient)
    else:
        if viable_level(smooth[1][clear], patient.noise_hu[1]) < SEED_DEVIATIONS * patient.noise_hu[1]:
            return _Part(np.zeros_like(own), split=True, enhances=False)
        core = not_enhancing(smooth, clear, spacing, patient)
    return _Part(rest & ~core, split=bool(core.any() or dense.any()))


def _calcium(
    hu: Floats, own: Bools, weight: Floats, spacing: Spacing, patient: Tissue, bounds: _Bounds
) -> Bools:
    """Dense calcification: above what tumour reaches, out to the half of its height."""
    grain = smoothed(hu, own.astype(np.float32), CALCIUM_GRAIN_MM, spacing)
    level = float(np.median(hu[own & (weight >= weight[own].max() / 2)]))
    least = max(bounds.dense_hu, level + CALCIUM_DEVIATIONS * patient.grain_hu)
    voxel_ml = float(np.prod(spacing)) * ML_PER_MM3
    seeds = without_small(own & (grain > least), bounds.dense_ml / voxel_ml)
    if not seeds.any():
        return seeds
    pieces, count = ndimage.label(seeds)
    height = np.zeros(count + 1, np.float32)
    height[1:] = ndimage.median(grain, pieces, np.arange(1, count + 1))
    away, nearest = ndimage.distance_transform_edt(pieces == 0, sampling=spacing, return_indices=True)
    half = (height[pieces[tuple(nearest)]] + np.float32(level)) / 2
    return np.asarray(own & (away <= 2 * EDGE_MM) & (grain > half), np.bool_)
