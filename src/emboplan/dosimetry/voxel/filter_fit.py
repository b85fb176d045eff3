"""Filters along z, y and x whose products sum to an even kernel: least squares, by Levenberg and Marquardt.

The kernel is given by the octant of its offsets that are not negative. Far terms have filters as long as the
octant; near terms are 0 beyond some offset. Each offset counts as often as it occurs in the whole kernel, but
for the middle one: what the sum lacks there, and in all, is added to it afterwards, so that it is free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

F64 = NDArray[np.float64]

# Steps of the fit, and how often its error is looked at.
STEPS, CHECK_EVERY = 300, 20
# A fit whose error is this many times what is wanted after so many steps is given up: it will not get there.
HOPE_AFTER, HOPELESS = 60, 3.0

# Widths of the Gaussians that the fit starts from, in octant sides: from the middle voxel to all.
NARROWEST, WIDEST = 0.05, 0.43

# Damping of the first step, what a good or a bad step makes of it, and where no step helps any more. A floor
# keeps terms that cancel from growing.
DAMPING, EASED, RAISED, TOO_STIFF, FLOOR = 1e-3, 1 / 3, 4.0, 1e6, 1e-14


# Weight of the middle: it is free, but filters that run away there would have to be rounded.
MIDDLE_WEIGHT = 1e-8


def occurrences(shape: tuple[int, ...]) -> F64:
    """How often each offset of the octant with no negative one occurs in the whole kernel."""
    return np.asarray(np.einsum("i,j,k->ijk", *_per_axis(shape)), dtype=np.float64)


def _per_axis(shape: tuple[int, ...]) -> list[F64]:
    return [np.r_[1.0, np.full(n - 1, 2.0)] for n in shape]


def product_sum(filters: list[F64]) -> F64:
    """Sum over terms of the products of filters ``(offset, term)``."""
    return np.asarray(np.einsum("ir,jr,kr->ijk", *filters), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """Sum of weighted squares, its slope and its curvature; `free` says which filter values are not 0.

    The weights are products along the axes, but in the middle: the curvature is made of small matrices.
    """

    octant: F64
    free: NDArray[np.bool_]
    terms: int

    def filters(self, values: F64) -> list[F64]:
        """Filters ``(offset, term)`` of the free values."""
        every = np.zeros(self.free.size)
        every[self.free] = values
        ends = np.cumsum([n * self.terms for n in self.octant.shape])[:-1]
        return [part.reshape(-1, self.terms) for part in np.split(every, ends)]

    def lacking(self, filters: list[F64]) -> F64:
        """What the products lack, times the weights."""
        lacking = (self.octant - product_sum(filters)) * occurrences(self.octant.shape)
        lacking[0, 0, 0] *= MIDDLE_WEIGHT
        return lacking

    def squares(self, filters: list[F64]) -> float:
        lacking = self.octant - product_sum(filters)
        return float((self.lacking(filters) * lacking).sum())

    def downhill(self, filters: list[F64]) -> F64:
        """Half the negative slope of the squares."""
        lacking, (z, y, x) = self.lacking(filters), filters
        slopes = (
            np.einsum("ijk,jr,kr->ir", lacking, y, x),
            np.einsum("ijk,ir,kr->jr", lacking, z, x),
            np.einsum("ijk,ir,jr->kr", lacking, z, y),
        )
        return np.concatenate([s.ravel() for s in slopes])[self.free]

    def curvature(self, filters: list[F64]) -> F64:
        """Half the second derivatives of the squares, as if the products were linear."""
        weighted = [f * t[:, None] for f, t in zip(filters, _per_axis(self.octant.shape), strict=True)]
        grams = [w.T @ f for w, f in zip(weighted, filters, strict=True)]
        sizes = [f.size for f in filters]
        starts = np.cumsum([0, *sizes])
        whole = np.zeros((starts[-1], starts[-1]))
        slope = np.zeros(starts[-1])
        for a, start in enumerate(starts[:-1]):
            one, two = (axis for axis in range(3) if axis != a)
            slope[start : start + self.terms] = filters[one][0] * filters[two][0]
            both = grams[one] * grams[two]
            for offset, count in enumerate(_per_axis(self.octant.shape)[a]):
                at = slice(start + offset * self.terms, start + (offset + 1) * self.terms)
                whole[at, at] = count * both
            for b in range(a + 1, 3):
                block = (
                    weighted[a][:, None, None, :]
                    * weighted[b].T[None, :, :, None]
                    * grams[3 - a - b][None, :, None, :]
                ).reshape(sizes[a], sizes[b])
                whole[start : start + sizes[a], starts[b] : starts[b] + sizes[b]] = block
                whole[starts[b] : starts[b] + sizes[b], start : start + sizes[a]] = block.T
        whole -= (1 - MIDDLE_WEIGHT) * np.multiply.outer(slope, slope)
        return whole[np.ix_(self.free, self.free)]


def _problem(octant: F64, far: int, near: int, near_reach: int) -> _Problem:
    terms = far + near
    free = [np.ones((n, terms), dtype=bool) for n in octant.shape]
    for part in free:
        part[near_reach + 1 :, far:] = False
    return _Problem(octant, np.concatenate([f.ravel() for f in free]), terms)


def _start(problem: _Problem) -> F64:
    """Gaussians of several widths, wide ones for far terms, with the sizes that fit best."""
    widths = np.geomspace(WIDEST, NARROWEST, problem.terms)
    shapes = [np.exp(-((np.arange(n) / n)[:, None] ** 2) / (2 * widths**2)) for n in problem.octant.shape]
    values = np.concatenate([s.ravel() for s in shapes])[problem.free]
    shapes = problem.filters(values)
    weights = np.sqrt(occurrences(problem.octant.shape))
    each = np.einsum("ir,jr,kr->ijkr", *shapes) * weights[..., None]
    goal = (problem.octant * weights).ravel()
    sizes = np.linalg.lstsq(each.reshape(-1, problem.terms), goal, rcond=None)[0]
    per_axis = np.cbrt(sizes)
    return np.concatenate([(s * per_axis).ravel() for s in shapes])[problem.free]


def _descend(problem: _Problem) -> Iterator[tuple[int, list[F64]]]:
    """Steps taken and the filters then, now and again, and where no step makes the squares less."""
    values = _start(problem)
    filters, damping = problem.filters(values), DAMPING
    for step in range(STEPS):
        if step % CHECK_EVERY == 0:
            yield step, filters
        squares, downhill = problem.squares(filters), problem.downhill(filters)
        curvature = problem.curvature(filters)
        sizes = np.diag(curvature)
        while damping < TOO_STIFF:
            stiff = curvature + np.diag(damping * sizes + FLOOR * sizes.max())
            tried = values + cho_solve(cho_factor(stiff), downhill)
            if problem.squares(problem.filters(tried)) < squares:
                values, filters, damping = tried, problem.filters(tried), damping * EASED
                break
            damping *= RAISED
        else:
            break
    yield STEPS, filters


def fit_filters(
    octant: F64,
    *,
    far: int,
    near: int,
    near_reach: int,
    error_of: Callable[[list[F64]], float],
    wanted: float,
) -> tuple[list[F64], float]:
    """Filters ``(offset, term)`` along z, y and x, far terms first, with the least `error_of` met on the way.

    The fit ends as soon as that error is `wanted`, when it is out of reach, or after `STEPS` steps. The
    octant's largest value is its first, and should be about 1.
    """
    best, found = np.inf, []
    for step, filters in _descend(_problem(octant, far, near, near_reach)):
        error = error_of(filters)
        if error < best:
            best, found = error, filters
        if best <= wanted or (step >= HOPE_AFTER and best > HOPELESS * wanted):
            break
    return found, best
