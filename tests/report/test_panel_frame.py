"""The frame of a picture: a bar of 50 mm, the sides where they are looked for, and no ticks."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from emboplan.report.panel_frame import draw_frame
from emboplan.report.views import Plane


def framed(sides: tuple[str, str, str, str], caption: str = "") -> Figure:
    figure = Figure(figsize=(3.0, 2.0), dpi=100)
    FigureCanvasAgg(figure)
    draw_frame(figure.add_axes((0, 0, 1, 1)), 200.0, 300.0, sides, caption)
    return figure


def test_the_bar_is_fifty_millimetres_inside_the_picture() -> None:
    (axes,) = framed(Plane.AXIAL.edges).axes
    (bar,) = axes.lines
    (first, last), (height, same) = np.asarray(bar.get_data(), np.float64)
    assert last - first == pytest.approx(50.0)
    assert last < 300.0
    assert 0.0 < height == same < 200.0
    assert (axes.get_xlim(), axes.get_ylim()) == ((0.0, 300.0), (200.0, 0.0))
    assert (list(axes.get_xticks()), list(axes.get_yticks())) == ([], [])


def test_each_side_stands_at_its_edge() -> None:
    """Patient's right on the left, front on top; all letters within the picture."""
    figure = framed(Plane.AXIAL.edges, "z 12 mm")
    (axes,) = figure.axes
    boxes = {text.get_text(): text.get_window_extent() for text in axes.texts}
    assert boxes["R"].x1 < 20
    assert boxes["L"].x0 > 280
    assert boxes["A"].y0 > 180
    assert boxes["P"].y1 < 20
    assert boxes["z 12 mm"].y0 > 180
    assert boxes["z 12 mm"].x1 < boxes["A"].x0
    for box in boxes.values():
        assert min(box.x0, box.y0, 300 - box.x1, 200 - box.y1) >= 0
