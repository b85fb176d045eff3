"""A shape from shares: which parts of partly filled voxels are filled.

A share says how much of a voxel a structure fills, not where. Here the parts of a voxel that are filled are
those nearest to what its neighbours hold, and small shapes are then made as compact as the shares allow: a
ball where one ball has these shares, for no other shape is more compact, and else what pixel swapping
(Atkinson, Photogramm. Eng. Remote Sens. 71 (2005) 839) draws together. Every voxel keeps its share exactly.

The place of a ball is read off the shares of slabs: the part of a ball below a plane is a polynomial of the
plane's place, so that each face between voxels that cuts the ball tells its centre. Where no face cuts it, it
is put in the middle of its voxel and may be anywhere in it. `by_dose` holds the other ways to fill the same
shares: with the lowest or the highest doses of each voxel, between which all of them lie.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.kernels import histogram

Volume = NDArray[np.float32]
Voxels = NDArray[np.int32]
F64 = NDArray[np.float64]

# Width of the Gaussian, in voxels, that ranks the parts of a voxel by its neighbours' shares: wide enough to
# see the neighbours, narrow enough to see no others.
RANK_SIGMA = 0.8

# Width in voxels of the mean, taken twice, that draws a shape together: nearly a Gaussian of 0.3 voxels, and
# much faster. Spheres of 0.05 mL and more change no more after some five rounds.
SWAP_WIDTH, SWAP_ROUNDS = 0.7, 6

# Shapes of more voxels than this are not drawn together: their surface is as good as flat in a voxel.
MOST_VOXELS_DRAWN = 30

# Nor are those whose box has more parts, such as a thin slanted sheet: the room it takes is not worth it.
MOST_PARTS_OF_BOX = 1 << 24

# One ball has the shares of a shape when it has that of each voxel within this; ellipsoids with axes 10 %
# apart have not, and come out better by swapping.
BALL_HAS_SHARES = 0.01

# A face cuts a ball when both sides hold more than this part of it; less may be rounding of float32 shares.
CUT = 1e-5

# Columns along each edge of a voxel in the sum that gives a ball's share of it: right to 0.3 % of a voxel.
BALL_COLUMNS = 16


def filled_parts(share: Volume, voxels: Voxels, parts: int, spacing_zyx_mm: F64) -> Volume:
    """What of each of the ``parts^3`` parts of the partly filled `voxels` is filled.

    `voxels` are all those of `share` above 0 and below 1, one index a row; returns ``(voxels, parts^3)``.
    """
    around = np.pad(share, 1)
    places = (np.arange(parts) + 0.5) / parts - 0.5
    weights = np.exp(-(((places[:, np.newaxis] - np.array([-1, 0, 1])) / RANK_SIGMA) ** 2) / 2)
    filled = np.empty((len(voxels), parts**3), np.float32)
    histogram.rank_by_neighbours(around, voxels, weights, filled)
    if share.sum() > MOST_VOXELS_DRAWN:
        return filled
    for rows, piece, at in _pieces(share, voxels, parts):
        filled[rows] = _drawn_together(piece, at, parts, filled[rows], spacing_zyx_mm)
    return filled


def by_dose(points: Volume, share: F64, *, highest: bool) -> Volume:
    """The share of each voxel filled where its dose is highest, or lowest.

    `points` are the doses at the parts ``(voxels, parts)``; those that are NaN, outside the dose, come last.
    """
    rank = points if highest else -points
    rank = np.where(np.isnan(points), -np.inf, rank).astype(np.float32)
    filled = np.empty_like(points)
    histogram.rank_by_value(rank, share, filled)
    return filled


def _pieces(share: Volume, voxels: Voxels, parts: int) -> Iterator[tuple[NDArray[np.intp], Volume, Voxels]]:
    """Each piece that touches itself: the rows of `voxels` in it, its shares with a rim, the voxels there."""
    labels, _ = ndimage.label(share > 0, structure=np.ones((3, 3, 3)))
    own = labels[tuple(voxels.T)]
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        piece = np.pad(np.where(labels[box] == number, share[box], np.float32(0)), 1)
        rows = np.flatnonzero(own == number)
        if len(rows) and piece.size * parts**3 <= MOST_PARTS_OF_BOX:
            yield rows, piece, (voxels[rows] + np.int32(1) - _start(box)).astype(np.int32)


def _start(box: tuple[slice, ...]) -> NDArray[np.int64]:
    return np.array([s.start for s in box])


def _drawn_together(piece: Volume, voxels: Voxels, parts: int, filled: Volume, spacing_zyx_mm: F64) -> Volume:
    """The parts of one piece as a ball where it is one, by pixel swapping where it is not."""
    shares = piece[tuple(voxels.T)].astype(np.float64)
    found = filled.copy()
    centre = ball_centre(piece, spacing_zyx_mm)
    if centre is not None:
        histogram.rank_by_field(_nearness(piece, centre, parts, spacing_zyx_mm), shares, voxels, parts, found)
        return found
    shape = np.zeros(tuple(n * parts for n in piece.shape), np.float32)
    whole = np.argwhere(piece > 0).astype(np.int32)  # the partly filled ones are overwritten below
    histogram.put_parts(np.ones((len(whole), parts**3), np.float32), whole, parts, shape)
    width = 2 * int(SWAP_WIDTH * parts / 2) + 1  # odd, so that nothing is shifted
    for _ in range(SWAP_ROUNDS):
        histogram.put_parts(found, voxels, parts, shape)
        field = ndimage.uniform_filter(shape, width, mode="constant")
        ndimage.uniform_filter(field, width, output=field, mode="constant")
        histogram.rank_by_field(field, shares, voxels, parts, found)
    return found


def ball_centre(share: Volume, spacing_zyx_mm: F64) -> F64 | None:
    """Centre ``(z, y, x)`` in mm from the first voxel's of the ball that has these shares; None without one.

    `share` has an empty rim. Along an axis on which no face between voxels cuts the ball, the middle.
    """
    total = float(share.sum(dtype=np.float64))
    radius = float((3 * total * np.prod(spacing_zyx_mm) / (4 * math.pi)) ** (1 / 3))
    centre = np.empty(3)
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        slabs = share.sum(axis=others, dtype=np.float64) / total
        centre[axis] = _along(slabs, float(spacing_zyx_mm[axis]), radius)
    off = np.abs(ball_shares(centre, radius, share.shape, spacing_zyx_mm) - share).max()
    return centre if off <= BALL_HAS_SHARES else None


def ball_shares(centre: F64, radius_mm: float, shape: tuple[int, ...], spacing_zyx_mm: F64) -> F64:
    """What a ball fills of each voxel ``(z, y, x)``; `centre` in mm from the middle of the first voxel."""
    nz, ny, nx = shape
    dz, dy, dx = spacing_zyx_mm
    inner = (np.arange(BALL_COLUMNS) + 0.5) / BALL_COLUMNS - 0.5
    y, x = (
        ((np.arange(n)[:, np.newaxis] + inner) * d - c).ravel()
        for n, d, c in ((ny, dy, centre[1]), (nx, dx, centre[2]))
    )
    half = np.sqrt(np.maximum(radius_mm**2 - y[:, np.newaxis] ** 2 - x**2, 0))  # of each column's chord
    bottoms = ((np.arange(nz) - 0.5) * dz - centre[0])[:, np.newaxis, np.newaxis]
    chords = np.maximum(np.minimum(half, bottoms + dz) - np.maximum(-half, bottoms), 0)
    means: F64 = chords.reshape(nz, ny, BALL_COLUMNS, nx, BALL_COLUMNS).mean(axis=(2, 4)) / dz
    return means


def _along(slabs: F64, step_mm: float, radius_mm: float) -> float:
    """Where a ball's centre lies along one axis, from the parts of it in slabs of the voxels' width.

    A face at t radii from the centre has (2 + 3 t - t^3) / 4 of the ball below it. Faces are weighted by the
    square of how fast that changes with t: they know best that cut the middle.
    """
    below = np.cumsum(slabs)[:-1]
    cuts = (below > CUT) & (below < 1 - CUT)
    if not cuts.any():
        return float(np.argmax(slabs)) * step_mm
    faces = (np.arange(len(below)) + 0.5)[cuts] * step_mm
    t = 2 * np.cos((np.arccos(1 - 2 * below[cuts]) + 4 * math.pi) / 3)
    return float(np.average(faces - radius_mm * t, weights=(1 - t * t) ** 2))


def _nearness(share: Volume, centre: F64, parts: int, spacing_zyx_mm: F64) -> Volume:
    """Minus the squared distance of each part from the centre, in squares of the shortest edge."""
    total = np.zeros((1, 1, 1))
    for axis, count in enumerate(share.shape):
        places = (np.arange(count * parts) + 0.5) / parts - 0.5
        away = (places * spacing_zyx_mm[axis] - centre[axis]) / spacing_zyx_mm.min()
        total = total + np.expand_dims(away**2, tuple(other for other in range(3) if other != axis))
    return -total.astype(np.float32)
