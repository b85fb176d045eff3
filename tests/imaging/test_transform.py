"""Transforms: there and back, as SimpleITK takes them, and folds that are seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.imaging.drawn_bodies import turned

from emboplan.errors import GeometryError
from emboplan.imaging.transform import Bend, Transform
from emboplan.model.grid import Grid

KNOTS = Grid((9, 9, 9), (50.0, 50.0, 50.0), (-200.0, -200.0, -200.0))
POINTS = np.random.default_rng(4).uniform(-90, 90, (40, 3))


def bend(size_mm: float, seed: int = 2) -> Bend:
    return Bend(KNOTS, np.random.default_rng(seed).normal(0, size_mm, (*KNOTS.shape, 3)))


def test_even_coefficients_shift_all_points_by_them() -> None:
    """Cubic B-splines add up to one everywhere inside."""
    shift = np.zeros((*KNOTS.shape, 3))
    shift[...] = (1.0, -2.0, 3.0)
    assert Transform(np.eye(4), Bend(KNOTS, shift)).shift_mm(POINTS) == pytest.approx(
        np.tile([1.0, -2.0, 3.0], (40, 1))
    )


def test_one_knot_bends_as_the_cubic_b_spline() -> None:
    """At its knot 2/3 per axis, one knot away 1/6, two away nothing: the spline's own values."""
    shift = np.zeros((*KNOTS.shape, 3))
    shift[4, 4, 4, 0] = 27.0
    moved = Transform(np.eye(4), Bend(KNOTS, shift)).shift_mm([[0, 0, 0], [50, 0, 0], [100, 0, 0]])
    assert moved[:, 0] == pytest.approx([27 * 8 / 27, 27 * 4 / 54, 0.0], abs=1e-9)


@given(st.integers(0, 50), st.floats(-20, 20), st.floats(0, 4))
def test_there_and_back(seed: int, degrees: float, size_mm: float) -> None:
    """Points of the fixed image come back from the moving one to 0.001 mm, bent or not."""
    transform = Transform(turned(degrees, (5.0, -30.0, 8.0)), bend(size_mm, seed))
    there = transform.points_to_moving(POINTS)
    assert transform.points_to_fixed(there) == pytest.approx(POINTS, abs=1e-3)


def test_simpleitk_takes_points_to_the_same_places() -> None:
    transform = Transform(turned(7.0, (5.0, -30.0, 8.0)), bend(6.0))
    theirs = [transform.to_sitk().TransformPoint(tuple(point)) for point in POINTS.tolist()]
    assert transform.points_to_moving(POINTS) == pytest.approx(np.array(theirs), abs=1e-9)


@given(st.floats(-170, 170))
def test_the_turn_is_told(degrees: float) -> None:
    stretched = turned(degrees, (1.0, 2.0, 3.0)) @ np.diag([1.1, 1.2, 0.9, 1.0])
    assert Transform(stretched).turned_deg == pytest.approx(abs(degrees), abs=1e-5)
    assert Transform(stretched).scales == pytest.approx((0.9, 1.1, 1.2))


OVER = Grid((30, 30, 30), (5.0, 5.0, 5.0), (-75.0, -75.0, -75.0))


def test_volume_ratios_of_known_maps() -> None:
    """A stretch is its determinant; coefficients that rise by 10 mm each 50 mm along x stretch x by 1.2."""
    assert Transform(np.diag([1.1, 1.2, 0.9, 1.0])).volume_ratios(OVER) == pytest.approx(1.1 * 1.2 * 0.9)
    shift = np.zeros((*KNOTS.shape, 3))
    shift[..., 0] = 10.0 * np.arange(9)
    ratios = Transform(np.eye(4), Bend(KNOTS, shift)).volume_ratios(OVER)
    assert ratios == pytest.approx(np.full(ratios.shape, 1.2))


def test_volume_ratios_do_not_ask_how_the_grid_lies() -> None:
    """The same bend over a grid with turned axes."""
    shift = np.zeros((*KNOTS.shape, 3))
    shift[..., 0] = 10.0 * np.arange(9)
    axes: NDArray[np.float64] = turned(30.0, (0.0, 0.0, 0.0))[:3, :3]
    over = Grid((12, 12, 12), (5.0, 5.0, 5.0), (-20.0, -20.0, -20.0), tuple(axes.ravel()))
    ratios = Transform(np.eye(4), Bend(KNOTS, shift)).volume_ratios(over)
    assert ratios == pytest.approx(np.full(ratios.shape, 1.2))


def test_a_fold_is_seen() -> None:
    """Neighbouring knots that cross each other."""
    shift = np.zeros((*KNOTS.shape, 3))
    shift[4, 4, 3, 0], shift[4, 4, 5, 0] = 200.0, -200.0
    assert Transform(np.eye(4), Bend(KNOTS, shift)).volume_ratios(OVER).min() < 0


def test_what_is_no_transform_is_refused() -> None:
    with pytest.raises(GeometryError, match="left and right"):
        Transform(np.diag([-1.0, 1.0, 1.0, 1.0]))
    with pytest.raises(GeometryError, match="no matrix"):
        _ = Transform(np.eye(4), bend(1.0)).to_fixed
    with pytest.raises(GeometryError, match="expected finite"):
        Bend(KNOTS, np.zeros((2, 2, 2, 3)))
