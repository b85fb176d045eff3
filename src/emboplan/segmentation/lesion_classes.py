"""Which tissue of a known liver is parenchyma: with much tumour the most frequent one need not be.

The liver's histogram shows the tissues that make up much of it. Of two, tumour is the one that lies in round
pieces, lesions that have grown together parted at their waists, and in thick ones: parenchyma is what is left
between lesions. Where that decides nothing, parenchyma lies around the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.segmentation.liver_level import smooth_level
from emboplan.segmentation.parenchyma import FWHM_PER_SIGMA, Parenchyma, denoised
from emboplan.segmentation.shape import balls_of_depth, boxes, depth_mm, opened, parted_at_waists
from emboplan.segmentation.spread import two_means
from emboplan.segmentation.working import Bools, Floats, WorkingImage

# The histogram: of the liver smoothed by this, which brings tissues apart, smoothed itself by this.
CALM_SIGMA_MM = 2.5
HISTOGRAM_SIGMA_HU = 2.0
HIGHEST_HU = 300

# Tissues that make up much of the liver: peaks this far apart, at least this high against the highest.
MODES_APART_HU = 8
MODE_FRAC = 0.12

# A tissue that makes up less of the liver is not its parenchyma, but a piece of kidney or bowel.
SCRAP_FRAC = 0.1

# Bounds of the spread of parenchyma: half of that of the denoised one, which the histogram shows.
SPREAD_HU = (2.5, 7.0)

# Pieces are round if they hold fewer balls of their own depth; thin bridges between them do not count, and
# waists thinner than this share of the smaller part's depth part them.
ROUND_BALLS = 3.5
BRIDGE_MM = 3.0
WAIST_SHARE = 0.6

# A round piece that is this share of the liver is the liver, with lesions in it.
MOST_LUMP_FRAC = 0.4

# Thick is what an opening by this radius leaves. A smaller difference of the sum of both shares decides
# nothing.
OPENING_MM = 8.0
LEAST_EXCESS = 0.1

# Below this the choice is close. Of ninety digital patients six lie there, all with 30 % tumour and more; in
# one of them the choice is wrong.
CLEAR_EXCESS = 0.3

# Where the histogram has one peak: smoothing in which halves are told apart, the percentiles between which
# their drift is laid, and how far it may go; halves of one tissue lie 4 to 7 HU apart there, in livers of
# patients too. The smaller half is this share at least. Parenchyma lies this deep in its half: the rest of
# it is blur of tumour.
HALVES_SIGMA_MM = 4.0
WITHOUT_EXTREMES = (1.0, 97.0)
DRIFT_HU = 30.0
HALVES_APART_HU = 9.0
LEAST_HALF = 0.25
HALF_CORE_MM = 5.0

# Shares around the common border are taken over this distance.
SHARE_SIGMA_MM = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class OwnParenchyma:
    """Mode and spread of a liver's parenchyma, and where it may lie.

    `rival_hu` is the mode of the tissue that may be parenchyma as well, where the choice was close.
    """

    model: Parenchyma
    where: Bools
    rival_hu: float | None = None


def own_parenchyma(work: WorkingImage, tissue: Floats, inside: Bools) -> OwnParenchyma:
    """The parenchyma inside a known liver, from denoised HU `tissue`.

    It may lie in all of the liver, or in less where the histogram does not part it from tumour.
    """
    calm = work.smooth_inside(tissue, inside, CALM_SIGMA_MM)
    modes = _modes(_histogram(calm[inside]))
    if len(modes) == 1:
        left = _between_lumps(work, tissue, inside)
        if left is not None:
            return OwnParenchyma(Parenchyma.single(float(np.median(tissue[left])), SPREAD_HU[1]), left)
    nearest = np.argmin(np.abs(calm[..., None] - np.array(modes, np.float32)), axis=-1)
    tissues = [inside & (nearest == n) for n in range(len(modes))]
    able = _able(work, modes, tissues, inside)
    chosen, rival = _parenchyma_of(work, [tissues[n] for n in able], inside)
    rival_hu = None if rival is None else float(modes[able[rival]])
    return OwnParenchyma(_around(_histogram(tissue[inside]), modes[able[chosen]]), inside, rival_hu)


def _able(work: WorkingImage, modes: list[int], tissues: list[Bools], inside: Bools) -> list[int]:
    """Which tissues can be parenchyma.

    A scrap of one beside the liver can not. What lies between two others can be their blur, or the living
    part of dying tumour. It can be parenchyma if it is most of the liver, or if more of all else lies in
    round pieces than around either of the two.
    """
    shares = [np.count_nonzero(own) / np.count_nonzero(inside) for own in tissues]
    least = min(SCRAP_FRAC, max(shares))  # of very many tissues all can be small
    large = [n for n, share in enumerate(shares) if share >= least]
    ends = sorted({min(large, key=modes.__getitem__), max(large, key=modes.__getitem__)})
    middle = [n for n in large if n not in ends]
    able = ends + [n for n in middle if shares[n] > 1 / 2]
    if len(able) < len(large):
        round_ = [
            _round_share(work, inside & ~own, inside) - _round_share(work, own, inside) for own in tissues
        ]
        able += [n for n in middle if n not in able and round_[n] > max(round_[end] for end in ends)]
    return sorted(able)


def _between_lumps(work: WorkingImage, tissue: Floats, inside: Bools) -> Bools | None:
    """Parenchyma of a liver in which it makes one peak with tumour; None where there is one tissue.

    Its drift taken off and its noise smoothed away, a liver of one tissue falls into halves a few HU apart,
    neither of which lies in lumps. Of two tissues that are farther apart the lumps are tumour.
    """
    calm = work.smooth_inside(tissue, inside, HALVES_SIGMA_MM)
    low, high = np.percentile(calm[inside], WITHOUT_EXTREMES)
    plain = inside & (calm > low) & (calm < high)
    if not plain.any():
        return None
    calm = calm - smooth_level(calm, plain, float(np.median(calm[plain])), DRIFT_HU)
    values = calm[inside]
    dark, bright = two_means(values[values < np.percentile(values, WITHOUT_EXTREMES[1])])
    halves = [inside & (calm <= (dark + bright) / 2), inside & (calm > (dark + bright) / 2)]
    smaller = min(np.count_nonzero(half) for half in halves) / np.count_nonzero(inside)
    if bright - dark < HALVES_APART_HU or smaller < LEAST_HALF:
        return None
    lumps = [_lump_share(work, half, inside) for half in halves]
    if abs(lumps[0] - lumps[1]) < LEAST_EXCESS:
        return None
    parenchyma = halves[int(np.argmin(lumps))]
    core = parenchyma & (depth_mm(parenchyma, work.spacing_zyx_mm) > HALF_CORE_MM)
    return core if core.any() else parenchyma


def typical_parenchyma(work: WorkingImage, inside: Bools) -> Parenchyma:
    """Mode and spread of what is parenchyma for sure, lesions having been left out."""
    return tissue_model(denoised(work)[inside])


def tissue_model(values: Floats) -> Parenchyma:
    """Mode and spread of one tissue, from its denoised HU."""
    counts = _histogram(values)
    return _around(counts, int(counts.argmax()))


def _around(smooth: NDArray[np.float64], mode: int) -> Parenchyma:
    """A tissue of that mode; its spread is that of the narrower side of its peak."""
    sides = [np.flatnonzero(side < smooth[mode] / 2) for side in (smooth[mode:], smooth[mode::-1])]
    width = min((float(side[0]) for side in sides if side.size), default=SPREAD_HU[1])
    return Parenchyma.single(float(mode), float(np.clip(width / FWHM_PER_SIGMA, *SPREAD_HU)))


def _histogram(values: Floats) -> NDArray[np.float64]:
    counts = np.bincount(np.clip(np.round(values), 0, HIGHEST_HU).astype(np.intp), minlength=HIGHEST_HU + 1)
    return np.asarray(ndimage.gaussian_filter1d(counts.astype(np.float64), HISTOGRAM_SIGMA_HU))


def _modes(smooth: NDArray[np.float64]) -> list[int]:
    """The peaks of a histogram, the highest first, with those that are high enough beside it."""
    highest = int(smooth.argmax())
    found = [highest]
    for at in range(smooth.size):
        around = smooth[max(0, at - MODES_APART_HU) : at + MODES_APART_HU + 1]
        if at != highest and smooth[at] == around.max() and smooth[at] >= MODE_FRAC * smooth[highest]:
            found.append(at)
    return found


def _parenchyma_of(work: WorkingImage, tissues: list[Bools], inside: Bools) -> tuple[int, int | None]:
    """Which of several tissues is parenchyma, all else in the liver being tumour; a close choice's rival."""
    if len(tissues) == 1:
        return 0, None
    excess = [_lump_share(work, inside & ~own, inside) - _lump_share(work, own, inside) for own in tissues]
    told = max(excess) > LEAST_EXCESS
    merits = excess if told else [_share_at_border(work, own, inside) for own in tissues]
    chosen, rival = (int(n) for n in np.argsort(merits)[:-3:-1])
    return chosen, None if max(excess) > CLEAR_EXCESS else rival


def _share_at_border(work: WorkingImage, own: Bools, inside: Bools) -> float:
    """The smoothed share of a tissue at its border: below one half for a ball, above for what lies around."""
    share = work.smooth_inside(own.astype(np.float32), inside, SHARE_SIGMA_MM)
    rest = inside & ~own
    border = own & ndimage.binary_dilation(rest) | rest & ndimage.binary_dilation(own)
    return float(share[border].mean()) if border.any() else 0.0


def _lump_share(work: WorkingImage, mask: Bools, inside: Bools) -> float:
    """How much of a tissue lies in round pieces, and how much in thick ones: the sum of both shares.

    A round piece that is the liver itself is no lump in it, and counts in neither.
    """
    round_, whole = _round_pieces(work, mask, inside)
    thick = opened(mask, work.spacing_zyx_mm, OPENING_MM) & ~whole
    return float(round_.sum() + thick.sum()) / max(1, int(mask.sum()))


def _round_share(work: WorkingImage, mask: Bools, inside: Bools) -> float:
    """The share of a tissue that lies in round pieces."""
    return float(_round_pieces(work, mask, inside)[0].sum()) / max(1, int(mask.sum()))


def _round_pieces(work: WorkingImage, mask: Bools, inside: Bools) -> tuple[Bools, Bools]:
    """What of a tissue lies in round pieces, and in those so large that they are the liver itself."""
    spacing = work.spacing_zyx_mm
    pieces = parted_at_waists(opened(mask, spacing, BRIDGE_MM), spacing, WAIST_SHARE)
    lumps, whole = np.zeros_like(mask), np.zeros_like(mask)
    for number, box in boxes(pieces, 0.0, spacing):
        own = pieces[box] == number
        if balls_of_depth(own, spacing)[0] < ROUND_BALLS:
            large = np.count_nonzero(own) > MOST_LUMP_FRAC * np.count_nonzero(inside)
            (whole if large else lumps)[box] |= own
    return lumps, whole
