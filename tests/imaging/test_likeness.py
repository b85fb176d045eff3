"""Symmetric uncertainty: 0 for strangers, 1 for functions of each other, by hand in between."""

from __future__ import annotations

import numpy as np
import pytest
from tests.imaging.drawn_bodies import GRID, turned

from emboplan.imaging.itk import to_sitk
from emboplan.imaging.likeness import likeness, symmetric_uncertainty
from emboplan.imaging.transform import Transform


def test_what_follows_from_the_other_is_known_wholly() -> None:
    a = np.tile(np.arange(8.0), 10)
    assert symmetric_uncertainty(a, 3 - 2 * a) == 1.0


def test_strangers_tell_nothing() -> None:
    """Each pair of values as often as each other."""
    a, b = (part.ravel() for part in np.meshgrid(np.arange(8.0), np.arange(8.0)))
    assert symmetric_uncertainty(a, b) == pytest.approx(0.0, abs=1e-9)


def test_half_is_known() -> None:
    """Four values against their parity: H = ln 4 and ln 2, I = ln 2; 2 ln 2 / (3 ln 2)."""
    a = np.arange(4.0)
    assert symmetric_uncertainty(a, a % 2) == pytest.approx(2 / 3)
    assert symmetric_uncertainty(a % 2, a) == pytest.approx(2 / 3)


def test_an_image_of_one_value_tells_nothing() -> None:
    assert symmetric_uncertainty(np.ones(9), np.ones(9)) == 0.0


def test_only_what_both_show_counts() -> None:
    """Moved by half its width: half of the fixed image is seen; beside it, nothing."""
    image = to_sitk(np.random.default_rng(1).normal(size=GRID.shape).astype(np.float32), GRID)
    half = likeness(image, image, Transform(turned(0.0, (96.0, 0.0, 0.0))))
    assert half.seen_frac == pytest.approx(0.5)
    away = likeness(image, image, Transform(turned(0.0, (960.0, 0.0, 0.0))))
    assert (away.similarity, away.seen_frac) == (0.0, 0.0)
    assert likeness(image, image, Transform.identity()).similarity == 1.0
