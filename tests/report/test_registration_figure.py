"""The picture of a registration: squares in turn, edges on top, and the same bytes again."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from tests.imaging.drawn_bodies import GRID, ct, liver, through, turned

from emboplan.imaging.register import Kind, Registration, Shift, Start
from emboplan.imaging.transform import Transform
from emboplan.report.registration_figure import _checkered, draw_registration, edges

FOUND = Registration(
    kind=Kind.RIGID,
    start=Start.FRAME,
    transform=Transform(turned(0.0, (12.0, 0.0, 0.0))),
    similarity_before=0.3,
    similarity_after=0.5,
    seen_frac=1.0,
    shift=Shift((12.0, 0.0, 0.0), 12.0, 12.0, 12.0),
    volume_ratio=(1.0, 1.0),
)


def test_squares_take_turns() -> None:
    """Pixels of 10 mm high and 20 mm wide: squares of 40 mm are 4 rows and 2 columns."""
    board = _checkered(np.zeros((8, 4), np.float32), np.ones((8, 4), np.float32), (10.0, 20.0))
    assert (board[:4] == [0, 0, 1, 1]).all()
    assert (board[4:] == [1, 1, 0, 0]).all()


def test_edges_are_thin_and_end_where_nothing_is_seen() -> None:
    """A bright square of 20 x 20 pixels has a line of about 80 pixels round it; a cut field of view none."""
    picture = np.zeros((60, 60), np.float32)
    picture[20:40, 20:40] = 1.0
    found = edges(picture, (1.0, 1.0))
    assert 60 < np.count_nonzero(found) < 120
    assert not found[24:36, 24:36].any()
    cut = np.full((60, 60), 0.7, np.float32)
    cut[:, 30:] = np.nan
    assert not edges(cut, (1.0, 1.0)).any()


def test_the_picture_is_a_png_with_yellow_edges_and_repeats() -> None:
    fixed, moving = ct(through(np.eye(4)), seed=2), ct(through(turned(0.0, (-12.0, 0.0, 0.0))))
    picture = draw_registration(FOUND, fixed, moving, liver=liver())
    assert picture.content == draw_registration(FOUND, fixed, moving, liver=liver()).content
    drawn = np.asarray(Image.open(io.BytesIO(picture.content)).convert("RGB")).astype(int)
    height, width = drawn.shape[:2]
    assert width > height > 500
    coloured = (drawn[..., 0] - drawn[..., 2]) > 60  # yellow has little blue
    assert coloured[height // 2 :].mean() > 0.005
    assert coloured[: height // 2].mean() < 0.001
    assert GRID.shape == fixed.grid.shape
