"""The picture of a lung shunt: the views with the regions that were counted.

Counts are drawn by their square root, so that the lungs show beside a liver twenty times as bright. Regions
differ by colour and by line. A SPECT is drawn summed from front to back, with the outlines of its CT.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from emboplan.report.figures import GAP, LEGEND_INCHES, WIDTH_INCHES, Picture
from emboplan.report.panel_frame import SCALE_BAR_MM, draw_frame
from emboplan.report.panels import (
    DOTS_PER_INCH,
    LIVER_COLOUR,
    LUNG_COLOUR,
    PAPER_AND_INK,
    figure_style,
    to_png,
)
from emboplan.report.views import Upright
from emboplan.workflow.planning.uptake import ScanRegions
from emboplan.workflow.shunting.shunt import MeasuredLungShunt

PICTURE = "views.png"
BACKGROUND_COLOUR = "#f0c000"
HALF = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """One panel: counts ``(row, column)`` as seen from the front, outlines, size of a pixel (x, y)."""

    title: str
    counts: NDArray[np.float64]
    liver: NDArray[np.bool_]
    lung: NDArray[np.bool_] | None
    background: NDArray[np.bool_] | None
    pixel_mm: tuple[float, float]


def draw_shunt(measured: MeasuredLungShunt) -> Picture | None:
    """The views of a measurement with their regions; None where nothing was measured on an image."""
    views = _views(measured)
    if not views:
        return None
    sizes = [(v.counts.shape[0] * v.pixel_mm[1], v.counts.shape[1] * v.pixel_mm[0]) for v in views]
    widths = [width for _, width in sizes]
    height = max(WIDTH_INCHES * tall / sum(widths) for tall, _ in sizes)
    with figure_style():
        figure = Figure(figsize=(WIDTH_INCHES, height + LEGEND_INCHES), dpi=DOTS_PER_INCH)
        FigureCanvasAgg(figure)
        bottom, left = LEGEND_INCHES / (height + LEGEND_INCHES), 0.0
        for view, width in zip(views, widths, strict=True):
            share = width / sum(widths)
            _panel(figure.add_axes((left + GAP, bottom, share - 2 * GAP, 1.0 - bottom)), view)
            left += share
        _legend(figure, background=any(view.background is not None for view in views))
        content = to_png(figure, PAPER_AND_INK)
    names = ", ".join(view.title for view in views)
    text = (
        f"{names}: counts (by their square root) with the regions of liver (plain) and lungs (dashed). "
        f"Patient's right on the left of every picture, views from the back too; bar {SCALE_BAR_MM:.0f} mm."
    )
    return Picture(PICTURE, text, text, content)


def _views(measured: MeasuredLungShunt) -> list[_View]:
    views = []
    if measured.planar is not None:
        pair, regions = measured.planar.series.pair, measured.planar.regions
        for title, counts in (("anterior", pair.anterior), ("posterior", pair.posterior)):
            views.append(
                _View(
                    title,
                    counts.astype(np.float64),
                    regions.liver,
                    regions.lung & ~regions.liver,
                    regions.background,
                    pair.pixel_mm,
                )
            )
    if measured.spect is not None:
        views.append(_summed(measured.spect))
    return views


def _summed(regions: ScanRegions) -> _View:
    """A SPECT summed from front to back, head on top."""
    upright = Upright.of(regions.scan.grid)

    def outline(share: NDArray[np.float32]) -> NDArray[np.bool_]:
        return np.asarray(upright.turn(share).max(axis=1)[::-1] >= HALF)

    counts = upright.turn(regions.scan.counts).sum(axis=1, dtype=np.float64)[::-1]
    lungs = None if regions.lungs is None else outline(regions.lungs)
    spacing = upright.spacing_mm
    return _View("SPECT", counts, outline(regions.liver), lungs, None, (spacing[2], spacing[0]))


def _panel(axes: Axes, view: _View) -> None:
    rows, columns = view.counts.shape
    across, down = columns * view.pixel_mm[0], rows * view.pixel_mm[1]
    axes.imshow(np.sqrt(view.counts), cmap="gray", extent=(0.0, across, down, 0.0), interpolation="nearest")
    x = (np.arange(-1, columns + 1) + HALF) * view.pixel_mm[0]
    y = (np.arange(-1, rows + 1) + HALF) * view.pixel_mm[1]
    for region, colour, style in (
        (view.background, BACKGROUND_COLOUR, "dotted"),
        (view.lung, LUNG_COLOUR, "dashed"),
        (view.liver, LIVER_COLOUR, "solid"),
    ):
        if region is not None and region.any():
            field = np.pad(region.astype(np.float32), 1)
            axes.contour(x, y, field, levels=[HALF], colors=[colour], linewidths=[0.9], linestyles=[style])
    draw_frame(axes, down, across, ("R", "L", "", ""), view.title)


def _legend(figure: Figure, *, background: bool) -> None:
    lines = [Line2D([], [], color=LIVER_COLOUR), Line2D([], [], color=LUNG_COLOUR, linestyle="dashed")]
    names = ["liver", "lungs"]
    if background:
        lines.append(Line2D([], [], color=BACKGROUND_COLOUR, linestyle="dotted"))
        names.append("background")
    figure.legend(
        lines, names, loc="lower center", ncols=3, frameon=False, borderaxespad=0.1, handlelength=3.0
    )
