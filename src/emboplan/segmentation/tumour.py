"""Lesions inside the liver: what deviates from parenchyma, is compact, and is not water, fat or vessel.

Deviation is measured from the local level of the parenchyma, in units of the noise that is left after smoothing.
Candidates are grown to their half-contrast surface, touching ones are parted at their necks, and each is kept or
dropped by its size, shape and CT number. The surface of each lesion is placed on the native grid where the blurred
edge has the height that a sphere of its size has at its true radius, so that volumes are unbiased.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.errors import SegmentationError
from emboplan.model.image import CtImage
from emboplan.model.mask import Box, LabelMap, Mask, bounding_box
from emboplan.segmentation.parenchyma import FWHM_PER_SIGMA, Parenchyma, denoised
from emboplan.segmentation.shape import depth_mm, distance_mm, flood, without_small
from emboplan.segmentation.working import Bools, Floats, WorkingImage, working_image

# Seeds of lesions: smoothed at this scale, deviating by this many standard deviations of the smoothed noise and
# at least by a contrast that an eye would see.
SEED_SCALES = ((2.5, 18.0), (4.0, 14.0), (6.0, 11.0))
SEED_DEVIATIONS = 5.0
LEAST_CONTRAST_HU = 11.0

# The outermost rim of the liver is blurred with what lies outside; seeds lie deeper.
RIM_MM = 2.5
RIM_SLICES = 1.01

# Passes in which the local level and the noise are measured; typical voxels lie within this many deviations.
LEVEL_PASSES = 3
TYPICAL_SPREADS = 2.5
TYPICAL_SIGMA_MM = 2.5
LEAST_TYPICAL_HU = 8.0
LEAST_SHARE_TYPICAL = 0.02
MAD_TO_SD = 1.4826  # of a normal distribution

# Local level of the parenchyma: smoothed over this distance, lesions left out.
LEVEL_SIGMA_MM = 20.0

# Growth beyond the seeds, and bridges (sheets of fissures, vessels) thinner than twice this that do not count.
GROWTH_MM = 8.0
GROWTH_SIGMA_MM = 1.2
BRIDGE_MM = 2.0

# Smallest diameter of a sphere of the same volume, and how many spheres of its own depth a lesion may hold.
LEAST_DIAMETER_MM = 7.0
LONGEST_SHAPE = 7.0

# Water and fat: cysts, gallbladder and fissures have cores at or below this.
WATER_HU = 22.0

# Folds of the liver (fissures, hilum, gallbladder bed) are what closing by this radius adds; fat in them, and
# what lies beside that fat by less than its blur, is no lesion unless it is large.
FOLD_MM = 12.0
FOLD_RIM_MM = 4.0
FAT_HU = 10.0
SHARP_FAT_HU = -5.0
BESIDE_FAT_MM = 5.0
FISSURE_FRAC = 0.3
FATTY_ML = 15.0

# What is this small and never farther than this below the rim is blur of the surface.
SURFACE_ML = 1.0
SURFACE_MM = 2.0

# Contact with something as bright outside the liver that makes a bright candidate a vein or the heart.
TOUCH_MM = 5.0
JOINED_ML = 0.3

MM3_PER_ML = 1000.0

# Bounds of the spread of smoothed parenchyma: half of that of the denoised one, which the histogram shows.
SPREAD_HU = (2.5, 7.0)

# Bright lesions must be thicker than vessels are.
BRIGHT_DEPTH_MM = 8.0

# Blur of scanner and working image together (standard deviation) at a lesion's edge.
EDGE_SIGMA_MM = 1.5
GRAIN_MM = 0.8

# Parting: basins of the depth map whose necks are narrower than this share of the smaller part's depth.
NECK_SHARE = 0.6

# Surroundings in which a lesion's local parenchyma is measured, and how far its surface may move.
RING_MM = (3.0, 8.0)
NEAR_MM = 3.0

# A lesion's own level is that of its outer part, behind the blur: a necrotic centre says nothing of the edge.
BAND_MM = (2.5, 8.0)
LEAST_SHELL = 30

# The share of the contrast at which the smallest lesions are cut.
LEAST_SHARE = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """Working images that all steps read."""

    work: WorkingImage
    liver: Bools
    deep: Bools
    typical: Bools
    depth: Floats
    rim_mm: float
    fissure: Bools
    tissue: Floats
    level: Floats


def segment_tumours(ct: CtImage, liver: Mask) -> LabelMap:
    """Lesions inside `liver`, numbered by descending volume, on the CT's grid."""
    ct.grid.require_same(liver.grid, "CT and liver")
    if liver.is_empty:
        raise SegmentationError("the liver mask is empty; lesions are searched inside the liver only")
    work = working_image(ct)
    return LabelMap(ct.grid, tumours_on_native_grid(work, find_tumours(work, work.down(liver.voxels)), liver.voxels))


def find_tumours(work: WorkingImage, liver: Bools) -> NDArray[np.int32]:
    """Lesions on the working grid, each with a number."""
    box = bounding_box(liver, margin=4)
    if box is None:
        return np.zeros(liver.shape, np.int32)
    part = work.cropped(box)
    scene = _scene(part, liver[box])
    labels = np.zeros(liver.shape, np.int32)
    labels[box] = _lesions(scene)
    return labels


def _scene(work: WorkingImage, liver: Bools) -> _Scene:
    tissue = denoised(work)
    depth = depth_mm(liver, work.spacing_zyx_mm)
    rim_mm = max(RIM_MM, RIM_SLICES * max(work.spacing_zyx_mm))
    deep = liver & (depth > rim_mm)
    if not deep.any():
        deep = liver
    model = _own_model(tissue, deep)
    mode = np.float32(model.mode_hu)
    level = np.full_like(tissue, mode)
    calm = _smoothed_inside(work, tissue - mode, deep, TYPICAL_SIGMA_MM) + mode
    spread = model.spread_hu
    typical = deep
    for _ in range(LEVEL_PASSES):
        typical = deep & (np.abs(calm - level) < max(TYPICAL_SPREADS * spread, LEAST_TYPICAL_HU))
        share = work.smooth(typical.astype(np.float32), LEVEL_SIGMA_MM)
        excess = work.smooth(np.where(typical, tissue - mode, np.float32(0)), LEVEL_SIGMA_MM)
        level = mode + excess / np.maximum(share, np.float32(LEAST_SHARE_TYPICAL))
        spread = _robust_sd((calm - level)[typical])
    return _Scene(work, liver, deep, typical, depth, rim_mm, _fissures(work, tissue, liver), tissue, level)


def _smoothed_inside(work: WorkingImage, values: Floats, inside: Bools, sigma_mm: float) -> Floats:
    """`values` smoothed inside a mask alone, so that nothing outside bleeds in; zero outside."""
    share = work.smooth(inside.astype(np.float32), sigma_mm)
    total = work.smooth(np.where(inside, values, np.float32(0)), sigma_mm)
    return np.where(inside, total / np.maximum(share, np.float32(LEAST_SHARE_TYPICAL)), np.float32(0))


def _robust_sd(values: Floats) -> float:
    """Standard deviation from the median absolute deviation."""
    return float(MAD_TO_SD * np.median(np.abs(values - np.median(values)))) if values.size else 0.0


def _smoothed_deviation(scene: _Scene, sigma_mm: float) -> Floats:
    return _smoothed_inside(scene.work, scene.tissue - scene.level, scene.deep, sigma_mm)


def _own_model(tissue: Floats, inside: Bools) -> Parenchyma:
    """Mode and spread inside a known liver; the brighter of two modes, since most lesions are darker."""
    values = tissue[inside] if inside.any() else tissue.ravel()
    counts = np.bincount(np.clip(np.round(values), 0, 300).astype(np.intp), minlength=301).astype(np.float64)
    smooth = ndimage.gaussian_filter1d(counts, 3.0)
    mode = int(smooth.argmax())
    above = np.flatnonzero(smooth[mode:] < smooth[mode] / 2)
    width = float(above[0]) if above.size else SPREAD_HU[1]
    return Parenchyma(mode_hu=float(mode), spread_hu=float(np.clip(2 * width / FWHM_PER_SIGMA / 2, *SPREAD_HU)))


def _lesions(scene: _Scene) -> NDArray[np.int32]:
    spacing = scene.work.spacing_zyx_mm
    labels = np.zeros(scene.liver.shape, np.int32)
    number = 0
    for sign in (-1.0, 1.0):
        parts = _parted(_grow(scene, _seeds(scene, sign), sign), spacing)
        for index, place in enumerate(ndimage.find_objects(parts), start=1):
            if place is None:
                continue
            own = parts[place] == index
            if _is_lesion(scene, own, place, sign):
                number += 1
                labels[place][own & (labels[place] == 0)] = number
    return labels


def _seeds(scene: _Scene, sign: float) -> Bools:
    """Voxels that deviate clearly at one of the scales."""
    seeds = np.zeros(scene.liver.shape, np.bool_)
    for sigma_mm, least_hu in SEED_SCALES:
        deviation = sign * _smoothed_deviation(scene, sigma_mm)
        spread = _robust_sd(deviation[scene.typical])
        seeds |= scene.deep & (deviation > max(least_hu, SEED_DEVIATIONS * spread))
    return seeds


def _grow(scene: _Scene, seeds: Bools, sign: float) -> Bools:
    """Seeds grown to where the deviation falls to half its local height, thin bridges taken away."""
    if not seeds.any():
        return seeds
    spacing = scene.work.spacing_zyx_mm
    deviation = sign * _smoothed_deviation(scene, GROWTH_SIGMA_MM)
    pieces, count = ndimage.label(seeds)
    height = np.zeros(count + 1, np.float32)
    height[1:] = ndimage.median(deviation, pieces, np.arange(1, count + 1))
    away, nearest = ndimage.distance_transform_edt(pieces == 0, sampling=spacing, return_indices=True)
    half = height[pieces[tuple(nearest)]] / 2
    alike = scene.deep & (away < GROWTH_MM) & (deviation > np.maximum(half, np.float32(LEAST_CONTRAST_HU / 2)))
    opened = (distance_mm(depth_mm(alike, spacing) > BRIDGE_MM, spacing) <= BRIDGE_MM) & alike
    grown, _ = ndimage.label(opened)
    touched = np.zeros(int(grown.max()) + 1, np.bool_)
    touched[np.unique(grown[seeds])] = True
    touched[0] = False
    return np.asarray(ndimage.binary_fill_holes(touched[grown]))


def _parted(mask: Bools, spacing: tuple[float, float, float]) -> NDArray[np.int32]:
    """Connected lesions parted at necks: basins of the depth map, merged where the neck is wide."""
    if not mask.any():
        return np.zeros(mask.shape, np.int32)
    depth = depth_mm(mask, spacing)
    # Reconstruction of the shrunken depth under the depth leaves plateaus only where necks are narrow.
    marker = sitk.GetImageFromArray(depth * np.float32(NECK_SHARE))
    under = sitk.ReconstructionByDilation(marker, sitk.GetImageFromArray(depth))
    rebuilt = sitk.GetArrayFromImage(under)
    tops, count = ndimage.label(mask & (depth > rebuilt + 1e-4))
    pieces, _ = ndimage.label(mask)
    markers = tops.astype(np.int32)
    lost = ~np.isin(pieces, np.unique(pieces[tops > 0])) & mask
    if lost.any():
        extra, _ = ndimage.label(lost)
        markers = np.where(extra > 0, extra + count, markers).astype(np.int32)
    outside = int(markers.max()) + 1
    flooded = flood(np.where(mask, -depth, np.float32(1)), np.where(mask, markers, outside).astype(np.int32))
    return np.where(mask & (flooded != outside), flooded, 0).astype(np.int32)


def _is_lesion(scene: _Scene, own: Bools, place: tuple[slice, ...], sign: float) -> bool:
    volume_ml = float(own.sum()) * scene.work.voxel_ml
    if volume_ml * MM3_PER_ML < pi / 6 * LEAST_DIAMETER_MM**3:
        return False
    depth = depth_mm(np.pad(own, 1), scene.work.spacing_zyx_mm)[1:-1, 1:-1, 1:-1]
    thickest = float(depth.max())
    if volume_ml * MM3_PER_ML > LONGEST_SHAPE * 4 / 3 * pi * thickest**3:
        return False
    if volume_ml < SURFACE_ML and float(scene.depth[place][own].max()) < SURFACE_MM + scene.rim_mm:
        return False
    core = float(np.median(scene.tissue[place][own & (depth >= thickest / 2)]))
    if sign > 0:
        return thickest > BRIGHT_DEPTH_MM and not _joins_outside(scene, own, place, core)
    in_fissure = float(np.mean(scene.fissure[place][own]))
    return core > WATER_HU and (in_fissure < FISSURE_FRAC or volume_ml > FATTY_ML)


def _joins_outside(scene: _Scene, own: Bools, place: tuple[slice, ...], core: float) -> bool:
    """Whether something as bright lies against it outside the liver: a vein or the heart, and no lesion."""
    margin = [int(np.ceil(v)) for v in scene.work.voxels(TOUCH_MM)]
    box = tuple(
        slice(max(0, s.start - m), min(n, s.stop + m)) for s, m, n in zip(place, margin, scene.liver.shape, strict=True)
    )
    whole = np.zeros(scene.liver.shape, np.bool_)
    whole[place] = own
    near = distance_mm(whole[box], scene.work.spacing_zyx_mm) < TOUCH_MM
    level = scene.level[box]
    alike = np.abs(scene.tissue[box] - core) < np.maximum(core - level, np.float32(1)) / 2
    outside = near & ~scene.liver[box] & alike
    return float(outside.sum()) * scene.work.voxel_ml > JOINED_ML


def _fissures(work: WorkingImage, tissue: Floats, liver: Bools) -> Bools:
    """Fat in the liver's folds, hilum and fissures, and what lies beside it."""
    spacing = work.spacing_zyx_mm
    closed = depth_mm(distance_mm(liver, spacing) <= FOLD_MM, spacing) > FOLD_MM + FOLD_RIM_MM
    fat = ((tissue < FAT_HU) | (work.smooth(work.hu, GRAIN_MM) < SHARP_FAT_HU)) & (closed | liver)
    return np.asarray(distance_mm(without_small(fat, 2), spacing) < BESIDE_FAT_MM)


def tumours_on_native_grid(work: WorkingImage, labels: NDArray[np.int32], liver: Bools) -> NDArray[np.uint16]:
    """Lesions on the native grid, cut where each one's blurred edge has the height of its true radius."""
    hu = work.smooth(work.hu, GRAIN_MM)
    inside = work.down(liver)
    turned = work.turn.forward(liver)
    out = np.zeros(turned.shape, np.int32)
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        if place is None:
            continue
        box = _widened(work, place, labels.shape)
        native = work.native_box(box)
        piece = work.native_part(_level_function(work, hu, labels, inside, number, box), box)
        view = out[native]
        view[piece & (view == 0) & turned[native]] = number
    sizes = np.bincount(out.ravel(), minlength=int(labels.max()) + 1)
    sizes[0] = 0
    order = [int(n) for n in np.argsort(-sizes, kind="stable") if sizes[n] > 0]
    names = np.zeros(sizes.size, np.uint16)
    names[order] = np.arange(1, len(order) + 1)
    return np.ascontiguousarray(work.turn.backward(names[out]))


def _widened(work: WorkingImage, place: tuple[slice, ...], shape: tuple[int, ...]) -> Box:
    margin = [int(np.ceil(v)) + 1 for v in work.voxels(RING_MM[1])]
    bounds = [slice(max(0, s.start - m), min(n, s.stop + m)) for s, m, n in zip(place, margin, shape, strict=True)]
    return (bounds[0], bounds[1], bounds[2])


def _level_function(
    work: WorkingImage, hu: Floats, labels: NDArray[np.int32], liver: Bools, number: int, box: Box
) -> Floats:
    """Positive inside the lesion: its share of the local contrast minus the share at a sphere's true radius."""
    own = labels[box] == number
    others = (labels[box] > 0) & ~own
    away = distance_mm(own, work.spacing_zyx_mm)
    within = depth_mm(own, work.spacing_zyx_mm)
    values = hu[box]
    shell = own & (within >= BAND_MM[0]) & (within <= BAND_MM[1])
    core = float(np.median(values[shell if shell.sum() >= LEAST_SHELL else own & (within >= within.max() / 2)]))
    ring = liver[box] & ~others & (away > RING_MM[0]) & (away < RING_MM[1])
    level = float(np.median(values[ring])) if ring.any() else core + 1
    near_mm = max(NEAR_MM, RIM_SLICES * max(work.spacing_zyx_mm))
    radius = (3 * float(own.sum()) * work.voxel_ml * MM3_PER_ML / (4 * pi)) ** (1 / 3)
    share = max(LEAST_SHARE, 0.5 - EDGE_SIGMA_MM / (radius * sqrt(2 * pi)))
    contrast = core - level if abs(core - level) > 1 else 1.0
    height = np.where((away < near_mm) & ~others, (values - level) / contrast - share, np.float32(-share))
    # Deep inside, texture must not punch holes.
    return np.where(within > near_mm, np.float32(share), height).astype(np.float32)
