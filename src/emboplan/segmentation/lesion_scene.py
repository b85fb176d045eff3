"""The liver as the search for lesions sees it: depth, local level of parenchyma, noise and fissures.

The level of parenchyma drifts through a liver (perfusion, beam hardening); it is a smooth surface of the
second degree through the voxels that look typical, so that a large lesion does not pull it down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.segmentation.parenchyma import FWHM_PER_SIGMA, Parenchyma, denoised
from emboplan.segmentation.shape import depth_mm, distance_mm, without_small
from emboplan.segmentation.working import Bools, Floats, WorkingImage

Array = NDArray[np.float64]

# The outermost rim of the liver is blurred with what lies outside; seeds lie deeper.
RIM_MM = 2.5
RIM_SLICES = 1.01

# Passes in which the local level and the noise are measured; typical voxels lie within this many deviations.
LEVEL_PASSES = 5
TYPICAL_SPREADS = 2.5
TYPICAL_SIGMA_MM = 2.5
LEAST_TYPICAL_HU = 8.0
LEAST_SHARE_TYPICAL = 0.02
MAD_TO_SD = 1.4826  # of a normal distribution

# Voxels through which the level is laid, at most, and how far it may leave the mode: a liver's own drift is
# less.
LEVEL_VOXELS = 40_000
LEVEL_HU = 12.0

LEAST_FIT = 200

# The mode of what is left once the level is taken off: sought within this of it, at these steps, smoothed so.
MODE_HU = 15.0
MODE_STEP_HU = 0.5
MODE_SIGMA_HU = 2.0

# Tissues that make up much of the liver: peaks of its histogram this far apart, at least this high against
# the highest. Their shares around a border are taken over this distance.
MODES_APART_HU = 8
MODE_FRAC = 0.15
SHARE_SIGMA_MM = 5.0

# Bounds of the spread of smoothed parenchyma: half of that of the denoised one, which the histogram shows.
SPREAD_HU = (2.5, 7.0)

# Folds of the liver (fissures, hilum, gallbladder bed) are what closing by this radius adds,
# where that is fat, and what lies beside that fat by less than its blur.
FOLD_MM = 12.0
FOLD_RIM_MM = 4.0
FAT_HU = 10.0
SHARP_FAT_HU = -5.0
BESIDE_FAT_MM = 5.0

# Smoothing in which the slope at edges is measured.
EDGE_SIGMA_MM = 1.5

# Smoothing of the CT in which fat is sought.
GRAIN_MM = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Working images inside a box around the liver; `deep` leaves the blurred rim out, `inner` some more."""

    work: WorkingImage
    liver: Bools
    deep: Bools
    typical: Bools
    depth: Floats
    rim_mm: float
    fissure: Bools
    tissue: Floats
    level: Floats
    calm: Floats
    slope: Floats
    inner: Bools


def scene_of(work: WorkingImage, liver: Bools) -> Scene:
    """The scene of a liver on a working image that was cropped to it."""
    tissue = denoised(work)
    depth = depth_mm(liver, work.spacing_zyx_mm)
    rim_mm = max(RIM_MM, RIM_SLICES * max(work.spacing_zyx_mm))
    deep = liver & (depth > rim_mm)
    if not deep.any():
        deep = liver
    model = _own_model(work, tissue, deep)
    mode = np.float32(model.mode_hu)
    level = np.full_like(tissue, mode)
    calm = _smoothed_inside(work, tissue - mode, deep, TYPICAL_SIGMA_MM) + mode
    spread = model.spread_hu
    typical = deep
    for _ in range(LEVEL_PASSES):
        typical = deep & (np.abs(calm - level) < max(TYPICAL_SPREADS * spread, LEAST_TYPICAL_HU))
        level = _smooth_level(calm, typical, model.mode_hu)
        level += np.float32(_mode((calm - level)[typical]))
        spread = _narrower_sd((calm - level)[typical])
    return Scene(
        work,
        liver,
        deep,
        typical,
        depth,
        rim_mm,
        _fissures(work, tissue, liver),
        tissue,
        level,
        *_edges(work, tissue - level, deep),
    )


def _edges(work: WorkingImage, deviation: Floats, deep: Bools) -> tuple[Floats, Floats, Bools]:
    """Smoothed deviation, its slope in HU per mm, and where the slope can be trusted."""
    calm = _smoothed_inside(work, deviation, deep, EDGE_SIGMA_MM)
    squares = [np.square(np.gradient(calm, d, axis=axis)) for axis, d in enumerate(work.spacing_zyx_mm)]
    slope = np.sqrt(squares[0] + squares[1] + squares[2])
    return (
        calm,
        np.asarray(slope, np.float32),
        np.asarray(ndimage.binary_erosion(deep, iterations=2), np.bool_),
    )


def _smoothed_inside(work: WorkingImage, values: Floats, inside: Bools, sigma_mm: float) -> Floats:
    """`values` smoothed inside a mask alone, so that nothing outside bleeds in; zero outside."""
    share = work.smooth(inside.astype(np.float32), sigma_mm)
    total = work.smooth(np.where(inside, values, np.float32(0)), sigma_mm)
    return np.where(inside, total / np.maximum(share, np.float32(LEAST_SHARE_TYPICAL)), np.float32(0))


def _smooth_level(calm: Floats, typical: Bools, mode_hu: float) -> Floats:
    """The surface of the second degree through the typical voxels, kept near the mode."""
    where = np.argwhere(typical)
    where = where[:: max(1, len(where) // LEVEL_VOXELS)]
    size = np.maximum(np.array(calm.shape, np.float64) - 1, 1)
    if len(where) < LEAST_FIT:
        return np.full_like(calm, np.float32(mode_hu))
    terms = _terms(*(2 * where[:, axis] / size[axis] - 1 for axis in range(3)))
    values = calm[tuple(where.T)].astype(np.float64) - mode_hu
    found, *_ = np.linalg.lstsq(np.stack(terms, axis=1), values, rcond=None)
    axes = [np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in calm.shape]
    z, y, x = axes[0][:, None, None], axes[1][:, None], axes[2]
    drift = sum(c * t for c, t in zip(found, _terms(z, y, x), strict=True))
    return np.asarray(mode_hu + np.clip(drift, -LEVEL_HU, LEVEL_HU) + np.zeros(calm.shape), np.float32)


def _terms(z: Array, y: Array, x: Array) -> list[Array]:
    return [1 + 0 * z + 0 * y + 0 * x, z, y, x, z * z, y * y, x * x, z * y, z * x, y * x]


def _mode(values: Floats) -> float:
    """The most frequent deviation: lesions pull a mean, and a median, to their side."""
    if not values.size:
        return 0.0
    edges = np.arange(-MODE_HU, MODE_HU + MODE_STEP_HU, MODE_STEP_HU)
    counts, _ = np.histogram(values, edges)
    smooth = ndimage.gaussian_filter1d(counts.astype(np.float64), MODE_SIGMA_HU / MODE_STEP_HU)
    return float(edges[int(smooth.argmax())] + MODE_STEP_HU / 2)


def _narrower_sd(values: Floats) -> float:
    """Standard deviation from the narrower side of the level: lesions and vessels widen one side only."""
    return min(one_sided_sd(values, 1.0), one_sided_sd(values, -1.0))


def one_sided_sd(values: Floats, sign: float) -> float:
    """Standard deviation of deviations from a known level, from those of one sign alone."""
    side = sign * values
    side = side[side > 0]
    return float(MAD_TO_SD * np.median(side)) if side.size else 0.0


def robust_sd(values: Floats) -> float:
    """Standard deviation from the median absolute deviation."""
    return float(MAD_TO_SD * np.median(np.abs(values - np.median(values)))) if values.size else 0.0


def smoothed_deviation(scene: Scene, sigma_mm: float) -> Floats:
    """Deviation from the local level, smoothed inside the liver's deep part alone."""
    return _smoothed_inside(scene.work, scene.tissue - scene.level, scene.deep, sigma_mm)


def _own_model(work: WorkingImage, tissue: Floats, inside: Bools) -> Parenchyma:
    """Mode and spread of the parenchyma inside a known liver.

    Of several tissues that make up much of it, parenchyma is the one that lies around the others.
    """
    values = tissue[inside] if inside.any() else tissue.ravel()
    counts = np.bincount(np.clip(np.round(values), 0, 300).astype(np.intp), minlength=301).astype(np.float64)
    smooth = ndimage.gaussian_filter1d(counts, 3.0)
    mode = _surrounding(work, tissue, inside, _modes(smooth))
    above = np.flatnonzero(smooth[mode:] < smooth[mode] / 2)
    width = float(above[0]) if above.size else SPREAD_HU[1]
    return Parenchyma.single(float(mode), float(np.clip(2 * width / FWHM_PER_SIGMA / 2, *SPREAD_HU)))


def _modes(smooth: Array) -> list[int]:
    """The peaks of a histogram, the highest first, with those that are high enough beside it."""
    highest = int(smooth.argmax())
    found = [highest]
    for at in range(smooth.size):
        around = smooth[max(0, at - MODES_APART_HU) : at + MODES_APART_HU + 1]
        if at != highest and smooth[at] == around.max() and smooth[at] >= MODE_FRAC * smooth[highest]:
            found.append(at)
    return found


def _surrounding(work: WorkingImage, tissue: Floats, inside: Bools, modes: list[int]) -> int:
    """Of several tissues the one around the others: at their common border its smoothed share is the larger.

    A ball's own share, smoothed, is below one half at its surface; that of what lies around it is above.
    """
    if len(modes) == 1:
        return modes[0]
    calm = _smoothed_inside(work, tissue, inside, TYPICAL_SIGMA_MM)
    nearest = np.argmin(np.abs(calm[..., None] - np.array(modes, np.float32)), axis=-1)
    shares = []
    for number in range(len(modes)):
        own = inside & (nearest == number)
        share = _smoothed_inside(work, own.astype(np.float32), inside, SHARE_SIGMA_MM)
        rest = inside & ~own
        border = (own & ndimage.binary_dilation(rest)) | (rest & ndimage.binary_dilation(own))
        shares.append(float(share[border].mean()) if border.any() else 0.0)
    return modes[int(np.argmax(shares))]


def _fissures(work: WorkingImage, tissue: Floats, liver: Bools) -> Bools:
    """Fat in the liver's folds, hilum and fissures, and what lies beside it."""
    spacing = work.spacing_zyx_mm
    closed = depth_mm(distance_mm(liver, spacing) <= FOLD_MM, spacing) > FOLD_MM + FOLD_RIM_MM
    fat = ((tissue < FAT_HU) | (work.smooth(work.hu, GRAIN_MM) < SHARP_FAT_HU)) & (closed | liver)
    return np.asarray(distance_mm(without_small(fat, 2), spacing) < BESIDE_FAT_MM)
