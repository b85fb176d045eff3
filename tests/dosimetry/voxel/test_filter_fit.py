"""The fit of filters: its slope and curvature against finite differences, and sums that it must find."""

import numpy as np
import pytest
from numpy.typing import NDArray

from emboplan.dosimetry.voxel import filter_fit
from emboplan.dosimetry.voxel.filter_fit import fit_filters, occurrences, product_sum

F64 = NDArray[np.float64]


def test_occurrences() -> None:
    """Each sign of each offset that is not 0: in all as many as the whole kernel has voxels."""
    counts = occurrences((4, 3, 2))
    assert (counts[0, 0, 0], counts[1, 0, 0], counts[1, 2, 0], counts[3, 2, 1]) == (1, 2, 4, 8)
    assert counts.sum() == 7 * 5 * 3


def test_slope_and_curvature() -> None:
    """Those of the weighted squares, by differences of the residuals."""
    draw = np.random.default_rng(0)
    octant = draw.uniform(0, 1, (5, 6, 4))
    problem = filter_fit._problem(octant, 2, 1, 3)
    values = draw.normal(size=int(problem.free.sum()))
    weights = np.sqrt(occurrences(octant.shape))
    weights[0, 0, 0] *= np.sqrt(filter_fit.MIDDLE_WEIGHT)

    def residuals(at: F64) -> F64:
        return np.asarray(((product_sum(problem.filters(at)) - octant) * weights).ravel())

    step = 1e-6
    slopes = np.array(
        [
            (residuals(values + step * e) - residuals(values - step * e)) / (2 * step)
            for e in np.eye(values.size)
        ]
    ).T
    filters = problem.filters(values)
    assert problem.squares(filters) == pytest.approx(float((residuals(values) ** 2).sum()), rel=1e-12)
    assert problem.downhill(filters) == pytest.approx(-slopes.T @ residuals(values), rel=1e-6, abs=1e-6)
    assert problem.curvature(filters) == pytest.approx(slopes.T @ slopes, rel=1e-6, abs=1e-6)


def test_finds_a_sum_of_products() -> None:
    """Two Gaussians, one of them cut after three voxels, and anything in the middle."""
    side = np.arange(7.0)
    wide, narrow = np.exp(-((side / 4) ** 2)), np.where(side < 4, np.exp(-((side / 1.2) ** 2)), 0)
    octant = 0.4 * np.einsum("i,j,k->ijk", wide, wide, wide) + 0.6 * np.einsum(
        "i,j,k->ijk", narrow, narrow, narrow
    )
    goal = octant.copy()
    octant[0, 0, 0] = 1.3

    def worst(filters: list[F64]) -> float:
        lacking = np.abs(product_sum(filters) - goal)
        lacking[0, 0, 0] = 0
        return float(lacking.max())

    filters, error = fit_filters(octant, far=1, near=1, near_reach=3, error_of=worst, wanted=1e-6)
    assert error <= 1e-6
    assert worst(filters) == error
    assert not any(f[4:, 1].any() for f in filters)
    _, hopeless = fit_filters(octant, far=0, near=1, near_reach=3, error_of=worst, wanted=1e-6)
    assert hopeless > 1e-3
