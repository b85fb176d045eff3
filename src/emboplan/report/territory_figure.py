"""The picture of the territories: each in its colour with its number, over the image, in three planes.

The planes go through the middle of all that is treated. Colours repeat after eight territories; the numbers
do not. Styles are fixed: the same masks give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from emboplan.imaging.register_images import shown
from emboplan.model.anatomy import Anatomy
from emboplan.model.mask import Mask
from emboplan.report.figures import GAP, LEGEND_INCHES, WIDTH_INCHES, Picture
from emboplan.report.panel_frame import SCALE_BAR_MM, draw_frame
from emboplan.report.panels import DOTS_PER_INCH, PAPER_AND_INK, figure_style, to_png
from emboplan.report.views import Plane, Upright, cut, pixel_mm
from emboplan.workflow.planning.territories import numbered

PICTURE = "territories.png"
PANEL_ASPECT = 0.85  # height over width of a panel
OPACITY = 0.45

# Okabe and Ito's colours: apart for every common form of colour blindness.
COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999")
COLUMNS = 4  # names in a row of the legend


def draw_territories(anatomy: Anatomy, territories: Mapping[str, Mask]) -> Picture:
    """Each territory over the image, numbered in the order given."""
    upright = Upright.of(anatomy.grid)
    grey = upright.turn(shown(anatomy.image))
    turned = upright.turn(numbered(list(territories.values())).labels)
    names = [f"{number} {name}" for number, name in enumerate(territories, start=1)]
    rows = -(-len(names) // COLUMNS)
    panel = WIDTH_INCHES / len(Plane)
    height = panel * PANEL_ASPECT + rows * LEGEND_INCHES
    with figure_style():
        figure = Figure(figsize=(WIDTH_INCHES, height), dpi=DOTS_PER_INCH)
        FigureCanvasAgg(figure)
        bottom = rows * LEGEND_INCHES / height
        for column, plane in enumerate(Plane):
            left, width = column / len(Plane) + GAP, 1 / len(Plane) - 2 * GAP
            axes = figure.add_axes((left, bottom + GAP, width, 1 - bottom - 2 * GAP))
            index = _middle(turned > 0, plane)
            _panel(axes, cut(grey, plane, index), cut(turned, plane, index), plane, pixel_mm(upright, plane))
        patches = [Patch(color=COLOURS[n % len(COLOURS)]) for n in range(len(names))]
        figure.legend(
            patches,
            names,
            loc="lower center",
            ncols=min(COLUMNS, len(names)),
            frameon=False,
            borderaxespad=0.1,
        )
        content = to_png(figure, PAPER_AND_INK)
    listed = ", ".join(names)
    text = (
        f"Territories in axial, coronal and sagittal planes: {listed}. Patient's right on the left; bar "
        f"{SCALE_BAR_MM:.0f} mm."
    )
    return Picture(PICTURE, text, text, content)


def _middle(inside: NDArray[np.bool_], plane: Plane) -> int:
    count = inside.sum(axis=tuple(axis for axis in range(3) if axis != plane.value))
    return int(np.searchsorted(np.cumsum(count), count.sum() / 2))


def _panel(
    axes: Axes,
    grey: NDArray[np.float32],
    labels: NDArray[np.uint16],
    plane: Plane,
    size_mm: tuple[float, float],
) -> None:
    rows, columns = grey.shape
    width, height = columns * size_mm[1], rows * size_mm[0]
    extent = (0.0, width, height, 0.0)
    axes.imshow(grey, cmap="gray", extent=extent, interpolation="antialiased")
    wash = np.zeros((rows, columns, 4))
    for number in np.unique(labels[labels > 0]):
        wash[labels == number] = to_rgba(COLOURS[(int(number) - 1) % len(COLOURS)], OPACITY)
    axes.imshow(wash, extent=extent, interpolation="nearest")
    halo = [withStroke(linewidth=1.5, foreground="black")]
    for number in np.unique(labels[labels > 0]):
        down, across = np.nonzero(labels == number)
        x, y = (float(np.median(across)) + 0.5) * size_mm[1], (float(np.median(down)) + 0.5) * size_mm[0]
        axes.text(
            x, y, str(int(number)), color="white", fontsize=8.0, ha="center", va="center", path_effects=halo
        )
    draw_frame(axes, height, width, plane.edges)
