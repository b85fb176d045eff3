"""The liver as the search for lesions sees it: depth, local level of parenchyma, noise and fissures.

The level of parenchyma drifts through a liver (perfusion, beam hardening); it is measured over some
centimetres from voxels that look typical, so that a large lesion does not pull it down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from emboplan.segmentation.parenchyma import FWHM_PER_SIGMA, Parenchyma, denoised
from emboplan.segmentation.shape import depth_mm, distance_mm, without_small
from emboplan.segmentation.working import Bools, Floats, WorkingImage

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
        level = np.asarray(mode + excess / np.maximum(share, np.float32(LEAST_SHARE_TYPICAL)), np.float32)
        spread = robust_sd((calm - level)[typical])
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


def robust_sd(values: Floats) -> float:
    """Standard deviation from the median absolute deviation."""
    return float(MAD_TO_SD * np.median(np.abs(values - np.median(values)))) if values.size else 0.0


def smoothed_deviation(scene: Scene, sigma_mm: float) -> Floats:
    """Deviation from the local level, smoothed inside the liver's deep part alone."""
    return _smoothed_inside(scene.work, scene.tissue - scene.level, scene.deep, sigma_mm)


def _own_model(tissue: Floats, inside: Bools) -> Parenchyma:
    """Mode and spread inside a known liver; the brighter of two modes, since most lesions are darker."""
    values = tissue[inside] if inside.any() else tissue.ravel()
    counts = np.bincount(np.clip(np.round(values), 0, 300).astype(np.intp), minlength=301).astype(np.float64)
    smooth = ndimage.gaussian_filter1d(counts, 3.0)
    mode = int(smooth.argmax())
    above = np.flatnonzero(smooth[mode:] < smooth[mode] / 2)
    width = float(above[0]) if above.size else SPREAD_HU[1]
    return Parenchyma(
        mode_hu=float(mode), spread_hu=float(np.clip(2 * width / FWHM_PER_SIGMA / 2, *SPREAD_HU))
    )


def _fissures(work: WorkingImage, tissue: Floats, liver: Bools) -> Bools:
    """Fat in the liver's folds, hilum and fissures, and what lies beside it."""
    spacing = work.spacing_zyx_mm
    closed = depth_mm(distance_mm(liver, spacing) <= FOLD_MM, spacing) > FOLD_MM + FOLD_RIM_MM
    fat = ((tissue < FAT_HU) | (work.smooth(work.hu, GRAIN_MM) < SHARP_FAT_HU)) & (closed | liver)
    return np.asarray(distance_mm(without_small(fat, 2), spacing) < BESIDE_FAT_MM)
