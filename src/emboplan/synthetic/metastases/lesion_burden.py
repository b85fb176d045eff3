"""The burden made exact: all lesions grow or shrink by one factor until they fill the set part of the liver.

The factor is not searched for: at each sample of the painted liver the least factor is known at which some
lesion covers it (its level). In order of level, the sample whose rank is the burden gives the factor,
whatever lesions overlap and whatever the capsule cuts off. Volumes set and counted then agree to one sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import InputError
from emboplan.kernels.implicit_shapes import blob_least_levels, claim_voxels
from emboplan.synthetic.drawing.raster import PaintedPart, Sampling, each_slice
from emboplan.synthetic.metastases.lesion_shape import Lesion

F64 = NDArray[np.float64]

FIRST_RANGE = (0.4, 2.5)  # factors searched on the lattice of samples that a coarse look takes
COARSE_STEP = 7  # the coarse look takes every so many samples a row and column
FINE_RANGE = 0.03  # the exact look searches this far on either side of the coarse factor
WIDER = 4  # and so much farther when that was not enough


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The lesions as arrays for the kernels."""

    centres: F64
    reaches: F64
    to_balls: F64
    waves: F64

    @classmethod
    def of(cls, lesions: Sequence[Lesion], farthest: float) -> _Rows:
        return cls(
            np.array([lesion.centre_mm for lesion in lesions]),
            np.array([lesion.reach_mm * farthest for lesion in lesions]),
            np.array([lesion.to_ball for lesion in lesions]),
            np.array([lesion.waves for lesion in lesions]),
        )


def scaled_to_burden(
    lesions: Sequence[Lesion], burden_frac: float, liver: Sequence[PaintedPart], sampling: Sampling
) -> list[Lesion]:
    """The lesions, all scaled by one factor, so that they fill `burden_frac` of the liver's samples.

    Raises `InputError` when no factor within reason does.
    """
    if not lesions:
        return []
    coarse = _factor(lesions, burden_frac, liver, sampling, FIRST_RANGE, COARSE_STEP)
    if coarse is None:
        raise InputError(
            f"phantom definition: {len(lesions)} lesions cannot be made to fill {burden_frac:.0%} of this "
            "liver; change lesions.burden_frac or lesions.count"
        )
    width = FINE_RANGE
    while True:
        span = (coarse * (1 - width), coarse * (1 + width))
        exact = _factor(lesions, burden_frac, liver, sampling, span, 1)
        if exact is not None:
            return [lesion.scaled(exact) for lesion in lesions]
        width = min(width * WIDER, 1 - 1 / WIDER)


def _factor(
    lesions: Sequence[Lesion],
    burden_frac: float,
    liver: Sequence[PaintedPart],
    sampling: Sampling,
    span: tuple[float, float],
    step: int,
) -> float | None:
    """The factor at which the lesions fill the burden, on every `step`-th sample; None outside `span`."""
    low, high = span
    rows = _Rows.of(lesions, high)
    (dx, dy, _), (x0, y0, _) = sampling.steps_mm, sampling.first_mm

    def one(part: int) -> tuple[int, int, F64]:
        painted = liver[part]
        total, below = 0, 0
        found = []
        for a, z in enumerate(sampling.heights_mm(painted.slice)[:: 1 if step == 1 else 2]):
            inside = np.ascontiguousarray(painted.plane(a if step == 1 else 2 * a)[::step, ::step])
            level = np.full(inside.shape, np.inf)
            blob_least_levels(
                inside, x0 + dx * painted.first_column, dx * step, y0 + dy * painted.first_row, dy * step, z,
                rows.centres, rows.reaches, rows.to_balls, rows.waves, low, high, level,
            )  # fmt: skip
            total += int(np.count_nonzero(inside))
            below += int(np.count_nonzero(level < low))
            found.append(level[(level >= low) & (level <= high)])
        return total, below, np.concatenate(found)

    parts = each_slice(one, len(liver))
    levels = np.concatenate([found for _, _, found in parts])
    rank = round(burden_frac * sum(total for total, _, _ in parts)) - sum(below for _, below, _ in parts)
    if not 0 < rank < levels.size:
        return None
    levels.partition((rank - 1, rank))
    return float(levels[rank - 1] + levels[rank]) / 2


def numbered(
    looks: NDArray[np.uint8], lesions: Sequence[Lesion], sampling: Sampling, most: int
) -> NDArray[np.uint16]:
    """The lesion number of each voxel, from the number of its looks, which more than `most` lesions share."""
    out = looks.astype(np.uint16)
    if len(lesions) > most:
        grid = sampling.grid
        rows = _Rows.of(lesions, 1 + max(grid.spacing_mm) / min(lesion.reach_mm for lesion in lesions))
        classes = np.array([lesion.looks for lesion in lesions], np.uint8)
        least = np.full(looks.shape, np.inf, np.float32)
        (dx, dy, _), (x0, y0, _) = grid.spacing_mm, grid.origin_mm
        heights = np.array([sampling.middle_mm(k) for k in range(grid.shape[0])])
        claim_voxels(
            out, looks, x0, dx, y0, dy, heights, rows.centres, rows.reaches, rows.to_balls, rows.waves,
            classes, least,
        )  # fmt: skip
    return out
