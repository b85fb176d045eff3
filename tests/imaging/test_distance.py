"""Distances against SciPy's exact transform."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from emboplan.imaging.distance import distance_mm
from emboplan.model.grid import Grid


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.tuples(*[st.floats(0.5, 5.0)] * 3), st.floats(0.001, 0.5))
def test_distances_are_those_of_the_exact_transform(
    seed: int, spacing: tuple[float, float, float], share: float
) -> None:
    inside = np.random.default_rng(seed).random((7, 9, 11)) < share
    inside[3, 4, 5] = True
    grid = Grid(shape=inside.shape, spacing_mm=spacing, origin_mm=(1.0, -2.0, 3.0))
    exact = ndimage.distance_transform_edt(~inside, grid.spacing_zyx_mm)
    assert distance_mm(inside, grid) == pytest.approx(exact, rel=1e-5, abs=1e-5)


def test_nothing_is_infinitely_far() -> None:
    grid = Grid(shape=(2, 3, 4), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    assert np.isinf(distance_mm(np.zeros(grid.shape, bool), grid)).all()
