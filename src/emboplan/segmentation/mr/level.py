"""How bright the parenchyma is in this image: the level of the thickest organ that only the right side has.

Signal has no unit, so the level is looked for: at each of many levels, a factor apart, the largest thick
piece of tissue of that level is taken, and how much of it on the right has no twin in the mirror image is its
score. The liver is the only thick organ that is so one-sided; fat, muscles, lungs and bowel have their like
on the other side. The image is then given in percent of the level that won.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import SegmentationError
from emboplan.model.image import MrSequence
from emboplan.segmentation.mr.body import right_of
from emboplan.segmentation.shape import Spacing, depth_mm, distance_mm, largest
from emboplan.segmentation.spread import sd_about
from emboplan.segmentation.working import Bools, Floats, WorkingImage, block_mean, median_of_neighbours
from emboplan.units import PERCENT

# Edge of the copy on which levels are tried.
COARSE_MM = 6.0

# Levels are a factor apart, and tissue belongs to one within a wider factor: what is left of the shading.
STEP_FACTOR = 1.07
WINDOW_FACTOR = 1.22

# From the dark end of what gives signal to its bright end.
DARKEST_PERCENTILE = 3.0
BRIGHTEST_PERCENTILE = 99.5

# Skin, fat under it and the outer muscles lie less deep in the body than this; the liver's middle deeper.
WALL_MM = 14.0

# Thicker than walls and muscles, thinner than the lobes of a liver full of metastases.
CORE_DEPTH_MM = 8.0

# What lies this near to its own mirror image is one of a pair.
TWIN_MM = 6.0

# The piece is closed by this before it counts: a liver encloses its lesions, a lesion does not enclose it.
CLOSING_MM = 20.0

# Thick tissue of less than this is not looked at further.
LEAST_CORE_ML = 8.0

# Less of it (mL) is no liver; this many times as much on the left is a mirrored one.
LEAST_SCORE_ML = 25.0
MIRRORED_RATIO = 1.6

# Fat beside an organ has no twin either. At the signal of the fat under the skin a score counts less.
FAT_SHARE = 0.4

# Large lesions may score higher than the parenchyma between them: a level on the parenchyma's side of the
# best, at least this factor away and no farther than that, is taken when it reaches this share of the score.
LESION_FACTOR = (1.3, 3.0)
RIVAL_FRAC = 0.4

# With the sequence not known: what is this many times brighter than parenchyma is fluid on T2; blood after
# contrast stays below. Of the signal inside the wall so much is brighter.
FLUID_RATIO = 2.6
FLUID_PERCENTILE = 99.5

# Smoothing of the coarse copy.
CALM_MM = 2.5

# Fat lies this deep under the skin.
RIND_MM = (4.0, 9.0)

# Starts of the window that are tried for the mode of a given liver.
MODE_TRIES = 200

# Denoising: a median of one voxel's reach keeps edges, the light Gaussian after it takes grain away.
GRAIN_MM = 1.5

# Bounds of a believable spread after denoising, in percent of the level.
SPREAD_PERCENT = (5.0, 12.0)


@dataclass(frozen=True, slots=True, eq=False)
class Leveled:
    """The image in percent of the parenchyma's level, its denoised copy, the first core, and the spread.

    `level_signal` is the level in the scanner's numbers, `rind_percent` the signal of the fat under the skin.
    `score_ml` is what of the core has no twin, None in a given liver.
    """

    work: WorkingImage
    tissue: Floats
    core: Bools
    spread_percent: float
    sequence: MrSequence
    level_signal: float
    rind_percent: float
    score_ml: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    level: float
    piece: Bools
    score_ml: float


@dataclass(frozen=True, slots=True, eq=False)
class _Coarse:
    """The coarse copy on which levels are tried."""

    values: Floats
    inner: Bools
    right: Bools
    mirror: NDArray[np.intp]
    spacing: Spacing
    voxel_ml: float
    factors: tuple[int, int, int]
    rind: float


def leveled(work: WorkingImage, body: Bools, solid: Bools, sequence: MrSequence | None) -> Leveled:
    """The image in percent of its parenchyma; a sequence that is not known is guessed.

    Raises `SegmentationError` when the right upper abdomen holds no thick organ of its own.
    """
    coarse = _coarse(work, body, solid)
    candidates, others = _candidates(coarse)
    best = max(candidates, key=lambda one: one.score_ml, default=None)
    on_left = max((one.score_ml for one in others), default=0.0)
    if on_left > MIRRORED_RATIO * max(LEAST_SCORE_ML, best.score_ml if best else 0.0):
        raise SegmentationError(
            "the thickest organ that has no twin lies on the patient's left: the image is mirrored, or the "
            "patient has situs inversus; check the orientation, or give a liver mask"
        )
    if best is None or best.score_ml < LEAST_SCORE_ML:
        raise SegmentationError(
            "no liver is in view: the patient's right upper abdomen holds no thick organ of one signal; "
            "expected T1 after contrast or T2 of the abdomen (check the series, or give a liver mask)"
        )
    kind = sequence or _guessed(coarse, best.level)
    best = _parenchyma(candidates, best, kind)
    piece = best.piece
    for axis, factor in enumerate(coarse.factors):
        piece = piece.repeat(factor, axis)
    core = np.asarray(piece[tuple(slice(0, n) for n in work.hu.shape)])
    return replace(_scaled(work, core, best.level, kind, coarse.rind), score_ml=best.score_ml)


def leveled_in(work: WorkingImage, liver: Bools, body: Bools, sequence: MrSequence | None) -> Leveled:
    """The image in percent of the parenchyma of a given liver."""
    level = _mode(work.smooth(work.hu, CALM_MM)[liver])
    kind = sequence or _guessed(_coarse(work, body | liver, body | liver), level)
    return _scaled(work, liver, level, kind, _rind(work, body))


def _mode(values: Floats) -> float:
    """The middle of the window, a factor wide, that holds most values."""
    ordered = np.sort(values)
    starts = ordered[:: max(1, ordered.size // MODE_TRIES)]
    held = np.searchsorted(ordered, starts * np.float32(WINDOW_FACTOR)) - np.searchsorted(ordered, starts)
    start = float(starts[int(held.argmax())])
    return float(np.median(ordered[(ordered >= start) & (ordered <= start * WINDOW_FACTOR)]))


def _guessed(coarse: _Coarse, level: float) -> MrSequence:
    values = coarse.values[coarse.inner]
    bright = float(np.percentile(values, FLUID_PERCENTILE)) if values.size else 0.0
    return MrSequence.T2 if bright > FLUID_RATIO * level else MrSequence.T1_POST


def _scaled(work: WorkingImage, core: Bools, level: float, kind: MrSequence, rind: float) -> Leveled:
    scaled = replace(work, hu=np.asarray(work.hu * np.float32(PERCENT / level), np.float32))
    tissue = _denoised(scaled)
    inside = tissue[core]
    typical = inside[(inside > PERCENT / WINDOW_FACTOR) & (inside < PERCENT * WINDOW_FACTOR)]
    middle = float(np.median(typical)) if typical.size else PERCENT
    spread = sd_about(typical, middle) if typical.size else SPREAD_PERCENT[1]
    # What rings of noise or of shading moved the core's median by is taken off once.
    by = np.float32(PERCENT / middle)
    return Leveled(
        work=replace(scaled, hu=np.asarray(scaled.hu * by, np.float32)),
        tissue=np.asarray(tissue * by, np.float32),
        core=core,
        spread_percent=float(np.clip(spread, *SPREAD_PERCENT)),
        sequence=kind,
        level_signal=level * middle / PERCENT,
        rind_percent=float(PERCENT * PERCENT * rind / (level * middle)),
    )


def _rind(work: WorkingImage, body: Bools) -> float:
    """The signal of what lies under the skin: fat, in nearly every patient."""
    depth = depth_mm(body, work.spacing_zyx_mm)
    return float(np.median(work.hu[(depth > RIND_MM[0]) & (depth < RIND_MM[1])]))


def _coarse(work: WorkingImage, body: Bools, solid: Bools) -> _Coarse:
    z, y, x = (max(1, int(COARSE_MM / d)) for d in work.spacing_zyx_mm)
    dz, dy, dx = work.spacing_zyx_mm
    spacing = (dz * z, dy * y, dx * x)
    trunk = block_mean(body, (z, y, x)) > 0.5
    inner = (block_mean(solid, (z, y, x)) > 0.5) & (depth_mm(trunk, spacing) > WALL_MM)
    columns = np.arange(trunk.shape[2])
    right = right_of(trunk)
    middle = int(np.count_nonzero(right))
    return _Coarse(
        values=block_mean(work.smooth(work.hu, CALM_MM), (z, y, x)),
        inner=inner,
        right=right,
        mirror=np.clip(2 * middle - columns, 0, columns[-1]),
        spacing=spacing,
        voxel_ml=work.voxel_ml * z * y * x,
        factors=(z, y, x),
        rind=_rind(work, body),
    )


def _candidates(coarse: _Coarse) -> tuple[list[_Candidate], list[_Candidate]]:
    """The thickest piece at each level on the right, and on the left, scored by what of it has no twin."""
    values = coarse.values[coarse.inner]
    low, high = np.percentile(values, [DARKEST_PERCENTILE, BRIGHTEST_PERCENTILE]) if values.size else (0, 0)
    found: tuple[list[_Candidate], list[_Candidate]] = ([], [])
    if low <= 0:
        return found
    for step in range(int(np.log(high / low) / np.log(STEP_FACTOR)) + 1):
        level = float(low * STEP_FACTOR**step)
        near = (coarse.values > level / WINDOW_FACTOR) & (coarse.values < level * WINDOW_FACTOR)
        alike = coarse.inner & near
        depth = depth_mm(alike, coarse.spacing)
        deep = depth > CORE_DEPTH_MM
        if float(deep.sum()) * coarse.voxel_ml < LEAST_CORE_ML:
            continue
        twin = distance_mm(alike, coarse.spacing)[:, :, coarse.mirror] <= TWIN_MM
        fat = coarse.rind / WINDOW_FACTOR < level < coarse.rind * WINDOW_FACTOR
        share = FAT_SHARE if fat else 1.0
        for side, of_side in ((coarse.right, found[0]), (~coarse.right, found[1])):
            if float((deep & side).sum()) * coarse.voxel_ml < LEAST_CORE_ML:
                continue
            piece = largest(deep, np.where(deep & side, depth * depth, np.float32(0)))
            around = distance_mm(piece, coarse.spacing) <= CLOSING_MM
            closed = depth_mm(around, coarse.spacing) > CLOSING_MM
            alone = float((closed & side & ~twin & coarse.inner).sum()) * coarse.voxel_ml
            of_side.append(_Candidate(level, piece, share * alone))
    return found


def _parenchyma(candidates: list[_Candidate], best: _Candidate, kind: MrSequence) -> _Candidate:
    """`best`, or the parenchyma around it where `best` is the level of large lesions."""
    near, far = LESION_FACTOR
    rivals = [
        one
        for one in candidates
        if one.score_ml >= max(LEAST_SCORE_ML, RIVAL_FRAC * best.score_ml)
        and near <= (one.level / best.level if kind is MrSequence.T1_POST else best.level / one.level) <= far
    ]
    return max(rivals, key=lambda one: one.score_ml, default=best)


def _denoised(work: WorkingImage) -> Floats:
    return work.smooth(median_of_neighbours(work.hu), GRAIN_MM)
