"""What in the image gives reason to doubt contours that a program drew.

A liver: how much of it looks unlike its parenchyma without being called a lesion. A lesion: whether it is
faint or small, whether it lies against others, which it may have run into, and whether the tissue around it
looks like the lesion, so that its edge is not where the contour is.
Distances in signal are told in one unit, 10 HU on a CT and a tenth of the parenchyma's level on an MR, whose
signal has no unit of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, pi

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.model.anatomy import Anatomy
from emboplan.model.grid import Grid
from emboplan.model.image import MrImage
from emboplan.units import ML_PER_MM3

# The unit of signal: twice the spread of healthy liver averaged over 3 mm, which is 4 to 5 HU.
UNIT_HU = 10.0
UNIT_SHARE = 0.1

# Blocks of about this edge are averaged first: small against a lesion of 10 mm, large against a voxel.
LIVER_BLOCK_MM = 2.5
# Width of the average that follows; the grain of liver tissue (6 mm) is gone after it.
LIVER_SIGMA_MM = 3.0
# A place counts where this share of its surroundings is liver without lesions: no mixture with neighbours.
LEAST_SHARE = 0.9
# Bins of the histogram, in units of signal, and the width over which it is smoothed, in bins: less than the
# spread of averaged tissue.
BIN = 0.1
HISTOGRAM_SIGMA_BINS = 2.0

# A lesion's own averages are finer, so that its edge stays where it is.
LESION_BLOCK_MM = 1.5
LESION_SIGMA_MM = 1.5
# The surroundings: beyond the blurred edge, and near enough to belong to the same lesion.
RING_MM = (3.0, 6.0)
# Below this contrast (in units of signal) noise and grain move the edge: faint.
FAINT = 2.5
# A ball of this diameter: smaller finds are often the part of a larger lesion that shows best.
SMALL_MM = 15.0
# Tissue looks like the lesion when it is nearer to it than to the parenchyma, and no further from it than
# this (in units of signal) or half of the contrast.
ALIKE = 0.8
HALF = 1 / 2
# Where more of the liver than this looks unlike it, the most frequent signal may not be the parenchyma's.
LEVEL_UNSURE = 0.3
# Above this share of look-alikes around it, a lesion does not end where its contour ends: open.
OPEN = 0.2
# Above this share of other lesions right around it, where it ends is a matter of outline: crowded.
CROWDED = 0.1

F32 = NDArray[np.float32]
Bools = NDArray[np.bool_]


class Certainty(StrEnum):
    """How sure the contour of a lesion is: clear, faint, small, crowded by others, or open at its edge."""

    CLEAR = "clear"
    FAINT = "faint"
    SMALL = "small"
    CROWDED = "crowded"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Parenchyma:
    """The liver without its lesions: its most frequent signal, the unit of signal, and the share unlike it.

    `unlike_frac` is the share of the tissue that lies more than a unit from `level`, after averaging over
    3 mm: vessels, and lesions that were missed.
    """

    level: float
    unit: float
    unlike_frac: float


def parenchyma(anatomy: Anatomy) -> Parenchyma | None:
    """The parenchyma of an anatomy; None where no liver is left beside the lesions, or it has no signal."""
    box = anatomy.liver.box()
    normal = anatomy.liver.voxels[box] & (anatomy.lesions.labels[box] == 0)
    means = _local_means(anatomy.image.values[box], normal, anatomy.grid)
    if means.size == 0:
        return None
    on_mr = isinstance(anatomy.image, MrImage)
    unit = UNIT_SHARE * abs(float(np.median(means))) if on_mr else UNIT_HU
    if unit == 0:
        return None
    level = _most_frequent(means, BIN * unit)
    return Parenchyma(level, unit, float(np.mean(np.abs(means - level) > unit)))


def certainty(anatomy: Anatomy, label: int, box: tuple[slice, ...], around: Parenchyma | None) -> Certainty:
    """How sure the contour of one lesion is; `box` holds it. Open where the parenchyma is not known."""
    if around is None or around.unlike_frac > LEVEL_UNSURE:
        return Certainty.OPEN
    spacing = anatomy.grid.spacing_mm[::-1]
    wide = tuple(
        slice(max(0, part.start - ceil(RING_MM[1] / d) - 1), part.stop + ceil(RING_MM[1] / d) + 1)
        for part, d in zip(box, spacing, strict=True)
    )
    labels = anatomy.lesions.labels[wide]
    factors = _factors(spacing, LESION_BLOCK_MM)
    blocks = [d * f for d, f in zip(spacing, factors, strict=True)]
    own = _blocks((labels == label).astype(np.float32), factors)
    share_max = float(own.max())
    inside = own >= min(HALF, share_max)
    signal = _edge_blocks(anatomy.image.values[wide].astype(np.float32), factors)
    smooth = ndimage.gaussian_filter(signal, [LESION_SIGMA_MM / d for d in blocks], mode="nearest")
    middle = float(np.median(smooth[inside]))
    contrast = abs(middle - around.level)
    away = ndimage.distance_transform_edt(~inside, sampling=blocks)
    free = _blocks((anatomy.liver.voxels[wide] & (labels == 0)).astype(np.float32), factors) >= HALF
    ring = smooth[free & (away > RING_MM[0]) & (away <= RING_MM[1])]
    off = np.abs(ring - middle)
    alike = (off < np.abs(ring - around.level)) & (off < max(ALIKE * around.unit, HALF * contrast))
    if ring.size and float(alike.mean()) > OPEN:
        return Certainty.OPEN
    others = _blocks(((labels > 0) & (labels != label)).astype(np.float32), factors) >= HALF
    right_around = ndimage.binary_dilation(inside) & ~inside
    if right_around.any() and float(others[right_around].mean()) > CROWDED:
        return Certainty.CROWDED
    if np.count_nonzero(labels == label) * anatomy.grid.voxel_ml < pi / 6 * SMALL_MM**3 * ML_PER_MM3:
        return Certainty.SMALL
    return Certainty.FAINT if contrast < FAINT * around.unit else Certainty.CLEAR


def _local_means(values: NDArray[np.generic], normal: Bools, grid: Grid) -> F32:
    """Local means of the normal tissue at the places that lie well inside it, as a flat array."""
    spacing = grid.spacing_mm[::-1]
    factors = _factors(spacing, LIVER_BLOCK_MM)
    share = _blocks(normal.astype(np.float32), factors)
    total = _blocks(np.where(normal, values, 0).astype(np.float32), factors)
    sigmas = [LIVER_SIGMA_MM / (d * f) for d, f in zip(spacing, factors, strict=True)]
    around: F32 = ndimage.gaussian_filter(share, sigmas, mode="constant")
    mean = ndimage.gaussian_filter(total, sigmas, mode="constant")
    inside = around > LEAST_SHARE
    found: F32 = mean[inside] / around[inside]
    return found


def _factors(spacing: tuple[float, ...], block_mm: float) -> list[int]:
    return [max(1, round(block_mm / d)) for d in spacing]


def _blocks(values: F32, factors: list[int]) -> F32:
    """Means over blocks of so many voxels along each axis; beyond the end lies 0."""
    return _means(np.pad(values, _missing(values, factors)), factors)


def _edge_blocks(values: F32, factors: list[int]) -> F32:
    """The same, the last voxel repeated beyond the end."""
    return _means(np.pad(values, _missing(values, factors), mode="edge"), factors)


def _missing(values: F32, factors: list[int]) -> list[tuple[int, int]]:
    return [(0, -n % f) for n, f in zip(values.shape, factors, strict=True)]


def _means(padded: F32, factors: list[int]) -> F32:
    nz, ny, nx = (n // f for n, f in zip(padded.shape, factors, strict=True))
    fz, fy, fx = factors
    means: F32 = padded.reshape(nz, fz, ny, fy, nx, fx).mean(axis=(1, 3, 5), dtype=np.float32)
    return means


def _most_frequent(means: F32, bin_width: float) -> float:
    low = float(means.min())
    bins = int((float(means.max()) - low) / bin_width) + 1
    counts = np.bincount(((means - low) / bin_width).astype(np.int64), minlength=bins).astype(np.float64)
    smooth = ndimage.gaussian_filter1d(counts, HISTOGRAM_SIGMA_BINS, mode="constant")
    return low + (int(smooth.argmax()) + HALF) * bin_width
