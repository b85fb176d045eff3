"""The frame of every picture of the patient: sides as letters, a caption, a scale bar, and no ticks.

It is one for all figures, so that right and left stand at the same place in each. Letters and bar are white
with a black rim: they show on bright tissue and on air alike.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

SCALE_BAR_MM = 50.0
LETTER_POINTS = 6.0

# Shares of the picture's width and height: close to the edge, where no organ lies.
MARGIN = 0.015
BAR_END, BAR_LINE = 0.97, 0.96


def draw_frame(
    axes: Axes, height_mm: float, width_mm: float, sides: tuple[str, str, str, str], caption: str = ""
) -> None:
    """Frame a picture drawn from (0, 0) at its upper left corner to its width and height in mm.

    `sides` are the patient's at the picture's left, right, top and bottom, as `Plane.edges` gives them; an
    empty one is left out. The caption stands in the upper left corner.
    """
    rim = [withStroke(linewidth=1.5, foreground="black")]
    left, right, top, bottom = sides
    for text, x, y, ha, va in (
        (left, MARGIN, 0.5, "left", "center"),
        (right, 1 - MARGIN, 0.5, "right", "center"),
        (top, 0.5, 1 - MARGIN, "center", "top"),
        (bottom, 0.5, MARGIN, "center", "bottom"),
        (caption, MARGIN, 1 - MARGIN, "left", "top"),
    ):
        axes.text(
            x,
            y,
            text,
            transform=axes.transAxes,
            color="white",
            fontsize=LETTER_POINTS,
            ha=ha,
            va=va,
            path_effects=rim,
        )
    end, line = width_mm * BAR_END, height_mm * BAR_LINE
    axes.plot(
        [end - SCALE_BAR_MM, end],
        [line, line],
        color="white",
        linewidth=1.6,
        solid_capstyle="butt",
        path_effects=rim,
    )
    axes.set_facecolor("black")
    axes.set_xlim(0.0, width_mm)
    axes.set_ylim(height_mm, 0.0)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
