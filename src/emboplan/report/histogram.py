"""The cumulative dose-volume histogram as a drawing, each structure with its own colour and dashes."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from emboplan.model.results.dvh import StructureDvh
from emboplan.report.drawing import Drawing
from emboplan.units import PERCENT

MAX_LESION_CURVES = 5  # more curves than this beside the organs' cannot be told apart on paper
SIZE_INCHES = (7.2, 3.6)  # the text width of an A4 page, and half a hand high
VISIBLE_SHARE = 0.002  # the axis ends where all curves are below this share of their volume

# Okabe and Ito's colours without their yellow, which fades on white; dashes tell them apart without it.
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#000000", "#cc79a7", "#56b4e9", "#e69f00", "#666666")
DASHES: tuple[tuple[float, ...], ...] = ((), (6, 2), (2, 2), (8, 2, 2, 2), (4, 1, 1, 1, 1, 1), (1, 1))

_LESION_NAME = re.compile(r"\d+\s*$")


def curves_shown(structures: Sequence[StructureDvh]) -> tuple[StructureDvh, ...]:
    """All organs, and the largest of the numbered lesions, in the order given."""
    lesions = [s for s in structures if _LESION_NAME.search(s.name)]
    kept = {s.name for s in sorted(lesions, key=lambda s: -s.volume_ml)[:MAX_LESION_CURVES]}
    return tuple(s for s in structures if not _LESION_NAME.search(s.name) or s.name in kept)


def draw_histogram(structures: Sequence[StructureDvh]) -> Drawing:
    """The share of each structure's volume (%) that receives at least each dose (Gy)."""
    shown = curves_shown(structures)
    figure = Figure(figsize=SIZE_INCHES)
    FigureCanvasSVG(figure)
    axes = figure.add_axes((0.075, 0.125, 0.90, 0.85))
    end_gy = 0.0
    for number, structure in enumerate(shown):
        curve = structure.cumulative
        note = "" if structure.quantifiable else " (not quantifiable)"
        axes.plot(
            curve.dose_gy,
            [PERCENT * share for share in curve.volume_frac],
            color=COLOURS[number % len(COLOURS)],
            linewidth=1.3,
            dashes=DASHES[number % len(DASHES)],
            label=structure.name + note,
        )
        seen = [d for d, v in zip(curve.dose_gy, curve.volume_frac, strict=True) if v >= VISIBLE_SHARE]
        end_gy = max(end_gy, seen[-1] if seen else 0.0)
    axes.set_xlim(0.0, end_gy if end_gy > 0 else 1.0)
    axes.set_ylim(0.0, PERCENT)
    axes.set_xlabel("absorbed dose (Gy)")
    axes.set_ylabel("volume receiving at least this dose (%)")
    axes.grid(visible=True, color="#dddddd", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper right", frameon=True, framealpha=0.9, edgecolor="#cccccc", handlelength=4.5)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    omitted = len(structures) - len(shown)
    rest = f" {omitted} smaller lesions are in the table and in dvh.csv only." if omitted else ""
    caption = (
        f"Cumulative dose-volume histogram: the share of each volume that receives at least a dose.{rest}"
    )
    medians = "; ".join(f"{s.name}: half of the volume receives {s.d50_gy:.3g} Gy or more" for s in shown)
    return Drawing(buffer.getvalue(), caption, f"Cumulative dose-volume histogram. {medians}.")
