"""What liver parenchyma looks like in this patient: the mode and the spread of its CT numbers.

The window is never fixed: contrast phase, fat and scanner move parenchyma anywhere between 20 and 200 HU,
and an upper bound that is off by 10 HU lets the region leak into its neighbours. The model is read off the
histogram of soft tissue that lies deep (far from fat, air and bone) in the patient's right upper abdomen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.errors import SegmentationError
from emboplan.segmentation.plausible import require_liver_on_the_right
from emboplan.segmentation.shape import depth_mm, distance_mm, largest
from emboplan.segmentation.working import Bools, Floats, WorkingImage, median_of_neighbours

# Beyond these no enhanced or plain soft tissue is found; clipping keeps metal and air from smearing.
CLIP_HU = (-200.0, 400.0)

# Denoising: a median of one voxel's reach keeps edges, the light Gaussian after it takes grain away.
GRAIN_MM = 1.0

# Soft tissue of any phase; parenchyma's mode must lie between (fatty liver near 10, arterial spleen above
# 200).
SOFT_HU = (-10.0, 250.0)
MODE_HU = (10.0, 220.0)

# The liver is the thickest soft organ: 10 mm off everything else leaves little but its core.
DEEP_MM = 10.0

# The liver lies below its dome and above the iliac crest: its span around the lowest lung slice on the right,
# and below the top of a CT without lungs (mm; the craniocaudal length of large livers is about 220).
ABOVE_LUNG_BASE_MM = 150.0
BELOW_LUNG_BASE_MM = 220.0
BELOW_TOP_MM = 280.0

# Smoothing of the histogram (HU), and the bounds of a believable spread after denoising.
HISTOGRAM_SIGMA_HU = 3.0
SPREAD_HU = (7.0, 12.0)

# Full width at half maximum of a normal distribution in standard deviations.
FWHM_PER_SIGMA = 2.3548

# Less deep soft tissue than this holds no liver.
LEAST_DEEP_ML = 40.0


# Other peaks of the histogram that are tissue of the liver too: at least this high against the highest one,
# and no farther from it. With much tumour the highest peak can be the tumour's; parenchyma is then mostly
# brighter, so that a darker peak must be nearly as high.
BRIGHTER_PEAK_FRAC, DARKER_PEAK_FRAC = 0.2, 0.6
PEAK_APART_HU = 48.0
PEAK_REACH_HU = 5

# Such tissue lies mixed with that of the highest peak: this much of it within this distance. Kidney, spleen
# and muscles lie apart.
PEAK_NEAR_MM = 12.0
PEAK_NEAR_FRAC = 0.5

# Of a part that was missed the middle half tells its tissues.
QUARTILES = (25.0, 75.0)


@dataclass(frozen=True, slots=True)
class Parenchyma:
    """Mode and standard deviation of the denoised liver, HU.

    `low_hu` and `high_hu` are the modes of the darkest and the brightest tissue that makes up much of it:
    parenchyma and, where there is as much of it, tumour. Without that both are the mode.
    """

    mode_hu: float
    spread_hu: float
    low_hu: float
    high_hu: float

    @classmethod
    def single(cls, mode_hu: float, spread_hu: float) -> Parenchyma:
        """Of a liver that is mostly parenchyma."""
        return cls(mode_hu, spread_hu, mode_hu, mode_hu)

    def away(self, tissue: Floats) -> Floats:
        """How far CT numbers lie outside the range of the modes; 0 within it, negative below it."""
        within = np.clip(tissue, np.float32(self.low_hu), np.float32(self.high_hu))
        return np.asarray(tissue - within, np.float32)

    def widened(self, tissue: Floats) -> Parenchyma:
        """The same for a liver of which so much more is of other `tissue` (HU): its quartiles count too."""
        low, high = (float(v) for v in np.percentile(tissue, QUARTILES))
        return replace(self, low_hu=min(self.low_hu, low), high_hu=max(self.high_hu, high))


def denoised(work: WorkingImage) -> Floats:
    """Clipped, median-filtered and lightly smoothed HU."""
    return work.smooth(median_of_neighbours(np.clip(work.hu, *CLIP_HU)), GRAIN_MM)


def right_half(body: Bools) -> Bools:
    """The columns to the patient's right of the body's middle, as a mask that broadcasts over z and y."""
    columns = np.flatnonzero(body.any(axis=(0, 1)))
    side = np.zeros((1, 1, body.shape[2]), np.bool_)
    side[..., : int(np.median(columns))] = True
    return side


def liver_levels(work: WorkingImage, lungs: Bools, right: Bools) -> Bools:
    """The slices in which a liver can lie, as a mask that broadcasts over y and x."""
    z_mm = np.arange(work.hu.shape[0]) * work.spacing_zyx_mm[0]
    lung_slices = np.flatnonzero((lungs & right).any(axis=(1, 2)))
    if lung_slices.size:
        base = z_mm[lung_slices[0]]
        low, high = base - BELOW_LUNG_BASE_MM, base + ABOVE_LUNG_BASE_MM
    else:
        low, high = z_mm[-1] - BELOW_TOP_MM, z_mm[-1]
    return np.asarray((z_mm >= low) & (z_mm <= high))[:, None, None]


def parenchyma_model(work: WorkingImage, tissue: Floats, body: Bools, lungs: Bools) -> Parenchyma:
    """Mode and spread of the parenchyma from denoised HU `tissue`.

    Raises `SegmentationError` when the right upper abdomen holds no thick soft tissue.
    """
    right = right_half(body)
    soft = body & ~lungs & (tissue > SOFT_HU[0]) & (tissue < SOFT_HU[1])
    deep = (depth_mm(soft, work.spacing_zyx_mm) > DEEP_MM) & liver_levels(work, lungs, right)
    require_liver_on_the_right(
        float((deep & right).sum()) * work.voxel_ml, float((deep & ~right).sum()) * work.voxel_ml
    )
    deep &= right
    if deep.sum() * work.voxel_ml < LEAST_DEEP_ML:
        raise SegmentationError(
            "no liver is in view: the patient's right upper abdomen holds no thick soft tissue; "
            "expected a CT of the abdomen (check the orientation, or give a liver mask)"
        )
    low, high = (int(v) for v in MODE_HU)
    counts = np.bincount(
        np.clip(np.round(tissue[deep]), SOFT_HU[0], SOFT_HU[1]).astype(np.intp) - int(SOFT_HU[0])
    )
    smooth = ndimage.gaussian_filter1d(counts.astype(np.float64), HISTOGRAM_SIGMA_HU, mode="constant")
    offset = int(SOFT_HU[0])
    mode = int(smooth[low - offset : high - offset].argmax()) + low - offset
    half = smooth[mode] / 2
    below = (
        mode - int(np.flatnonzero(smooth[: mode + 1] < half)[-1]) if (smooth[:mode] < half).any() else mode
    )
    above = int(np.flatnonzero(smooth[mode:] < half)[0]) if (smooth[mode:] < half).any() else below
    # Twice the narrower side: lesions, vessels and neighbours widen one side only.
    spread = 2 * min(below, above) / FWHM_PER_SIGMA
    spread = float(np.clip(spread, *SPREAD_HU))
    others = [peak + offset for peak in _peaks(smooth, low - offset, high - offset, mode)]
    main = largest(deep & (np.abs(tissue - np.float32(mode + offset)) < 2 * spread))
    near = distance_mm(main, work.spacing_zyx_mm) < PEAK_NEAR_MM if others else main
    peaks = [mode + offset]
    for peak in others:
        own = deep & (np.abs(tissue - np.float32(peak)) < 2 * spread)
        if float((own & near).sum()) >= PEAK_NEAR_FRAC * float(own.sum()):
            peaks.append(peak)
    return Parenchyma(float(mode + offset), spread, float(min(peaks)), float(max(peaks)))


def _peaks(smooth: NDArray[np.float64], low: int, high: int, mode: int) -> list[int]:
    """The peaks near the highest one that are high enough beside it."""
    found = []
    for at in range(
        max(low, mode - int(PEAK_APART_HU)), min(high, smooth.size, mode + int(PEAK_APART_HU) + 1)
    ):
        around = smooth[max(0, at - PEAK_REACH_HU) : at + PEAK_REACH_HU + 1]
        least = BRIGHTER_PEAK_FRAC if at > mode else DARKER_PEAK_FRAC
        if at != mode and smooth[at] == around.max() and smooth[at] >= least * smooth[mode]:
            found.append(at)
    return found
