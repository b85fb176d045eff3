"""The pictures of a plan: slices with contours, the dose over them, and the dose-volume histogram.

Here it is decided which planes are shown and what their captions say; `panels` draws one plane, `histogram`
the curves. Everything is drawn off screen with fixed settings, so that the same plan gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from emboplan.model.anatomy import Anatomy
from emboplan.model.image import DoseMap, MrImage
from emboplan.model.mask import bounding_box
from emboplan.model.plan import PlannedCase
from emboplan.report.budget import BUDGET, draw_budget
from emboplan.report.dose_lines import DOSE_LINES, draw_dose_lines
from emboplan.report.drawing import Drawing
from emboplan.report.histogram import draw_histogram
from emboplan.report.panel_frame import SCALE_BAR_MM
from emboplan.report.panels import (
    DOTS_PER_INCH,
    LESION_COLOUR,
    LIVER_COLOUR,
    LUNG_COLOUR,
    PAPER_AND_INK,
    WINDOW_LEVEL_HU,
    WINDOW_LIVERS,
    WINDOW_WIDTH_HU,
    Scene,
    bar_colours,
    dose_bands,
    draw_colour_bar,
    draw_panel,
    figure_style,
    to_png,
)
from emboplan.report.views import Plane, Upright, evenly_spaced, pixel_mm, position_mm

MAX_SLICES = 12  # one page of an A4 report at a legible size
MAX_LESION_SLICES = 6  # two rows below them
COLUMNS = 3
LEGIBLE_MARGIN_MM = 30.0  # enough around the liver to see spine, stomach and the body's edge
WIDTH_INCHES = 7.2  # the text width of an A4 page
MIN_ASPECT = 0.4  # keeps a panel of very few rows high enough for its letters
LEGEND_INCHES = 0.24  # one line of small letters below the pictures
BAR_INCHES = 0.42  # the colour bar with its numbers
GAP = 0.002  # of the page's width, between pictures


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure: its file name, what it shows (for the caption and for the blind), and its bytes."""

    name: str
    caption: str
    alt: str
    content: bytes

    @property
    def media_type(self) -> str:
        """Its media type, by the name's ending."""
        return "image/svg+xml" if self.name.endswith(".svg") else "image/png"


def draw_figures(planned: PlannedCase[Any]) -> tuple[Picture, ...]:
    """All pictures of a plan, in the order of the report."""
    pictures = draw_anatomy(planned.anatomy)
    if planned.dose is not None:
        pictures += draw_dose(planned.anatomy, planned.dose, "Absorbed dose over the same slices")
    return pictures + _drawings(planned)


def draw_dose(anatomy: Anatomy, dose: DoseMap, caption: str) -> tuple[Picture, ...]:
    """The dose over slices of the liver, under `caption`, and over those of the largest lesions."""
    scene = Scene.of(anatomy, dose)
    pictures: tuple[Picture, ...] = (
        _slices("dose_slices.png", scene, liver_slices(anatomy), caption, washed=True),
    )
    lesion_slices = largest_lesion_slices(anatomy)
    if lesion_slices:
        text = "Absorbed dose over the slices of the largest lesions"
        pictures += (_slices("dose_lesions.png", scene, lesion_slices, text, washed=True),)
    return pictures


def _drawings(planned: PlannedCase[Any]) -> tuple[Picture, ...]:
    """The pictures that are drawn from numbers: histogram, dose against activity, uncertainty budget."""
    dose, activity = planned.plan.dose, planned.plan.activity
    drawn: list[tuple[str, Drawing | None]] = []
    with figure_style():
        if dose is not None and dose.structures:
            drawn.append(("dvh.svg", draw_histogram(dose.structures)))
        if activity is not None:
            drawn.append((DOSE_LINES, draw_dose_lines(activity)))
        if activity is not None and activity.uncertainty is not None:
            drawn.append((BUDGET, draw_budget(activity.uncertainty)))
    return tuple(Picture(name, one.caption, one.alt, one.svg) for name, one in drawn if one is not None)


def draw_anatomy(anatomy: Anatomy) -> tuple[Picture, ...]:
    """The image with contours: slices through the liver, slices of the largest lesions, two long planes."""
    scene = Scene.of(anatomy, None)
    pictures = [
        _slices("slices.png", scene, liver_slices(anatomy), _caption("Axial slices through the liver", scene))
    ]
    lesion_slices = largest_lesion_slices(anatomy)
    if lesion_slices:
        text = _caption("Slices of the largest lesions", scene)
        pictures.append(_slices("lesions.png", scene, lesion_slices, text))
    pictures.append(_planes(scene))
    return tuple(pictures)


def liver_slices(anatomy: Anatomy) -> tuple[int, ...]:
    """Indices (foot to head) of the axial slices to show: at most twelve, evenly spaced through the liver."""
    upright = Upright.of(anatomy.grid)
    hit = np.flatnonzero(upright.turn(anatomy.liver.voxels).any(axis=(1, 2)))
    return evenly_spaced(int(hit[0]), int(hit[-1]), MAX_SLICES)[::-1]


def largest_lesion_slices(anatomy: Anatomy) -> tuple[int, ...]:
    """Indices of the axial slices where the largest lesions are widest, the largest lesion first."""
    labels = Upright.of(anatomy.grid).turn(anatomy.lesions.labels)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest = np.argsort(-sizes, kind="stable")[:MAX_LESION_SLICES]
    widest = [int((labels == label).sum(axis=(1, 2)).argmax()) for label in largest if sizes[label]]
    return tuple(dict.fromkeys(widest))


def _caption(what: str, scene: Scene) -> str:
    tilt = scene.upright.tilt_degrees
    oblique = f" The planes are those of the scan, {tilt:.0f}° off the patient's axes." if tilt >= 1 else ""
    lungs = ", lungs dashed" if scene.lungs is not None else ""
    core = ", what of them is not viable dotted" if scene.core is not None else ""
    return (
        f"{what}. Liver outlined plain, lesions heavier with their numbers{core}{lungs}. Patient's right on "
        f"the left of the picture; window {_window_text(scene)}; bar "
        f"{SCALE_BAR_MM:.0f} mm; z is the patient coordinate towards the head.{oblique}"
    )


def _window_text(scene: Scene) -> str:
    if isinstance(scene.anatomy.image, MrImage):
        return f"from no signal to {WINDOW_LIVERS} times the liver's"
    return f"{WINDOW_LEVEL_HU:.0f}/{WINDOW_WIDTH_HU:.0f} HU"


def _crop(scene: Scene) -> tuple[slice, slice, slice]:
    box = bounding_box(scene.liver)
    if box is None:
        raise ValueError("an anatomy has a liver")  # Anatomy refuses an empty liver
    spacing = scene.upright.spacing_mm
    margins = [int(np.ceil(LEGIBLE_MARGIN_MM / d)) for d in spacing]
    cropped = [
        slice(max(0, s.start - m), min(n, s.stop + m))
        for s, m, n in zip(box, margins, scene.liver.shape, strict=True)
    ]
    return (cropped[0], cropped[1], cropped[2])


def _slices(
    name: str, scene: Scene, indices: Sequence[int], caption: str, *, washed: bool = False
) -> Picture:
    """Axial slices as rows of panels, cropped around the liver."""
    views = [(Plane.AXIAL, index) for index in indices]
    _, rows, columns = _crop(scene)
    height_mm, width_mm = pixel_mm(scene.upright, Plane.AXIAL)
    aspect = ((rows.stop - rows.start) * height_mm) / ((columns.stop - columns.start) * width_mm)
    washes = [scene.dose_at(plane, index) for plane, index in views] if washed else []
    bands = dose_bands(scene, views, washes) if washed else None
    count = min(COLUMNS, len(views))
    lines = -(-len(views) // count)
    panel = WIDTH_INCHES / COLUMNS
    with figure_style():
        figure, grid = _page(count, lines, panel, max(aspect, MIN_ASPECT), washed=washed)
        for number, (plane, index) in enumerate(views):
            axes = grid[number]
            wash = washes[number] if washed else None
            draw_panel(axes, scene, plane, index, (rows, columns), wash, bands)
        for axes in grid[len(views) :]:
            axes.set_visible(False)
        if bands is not None:
            draw_colour_bar(figure, bands)
            caption += (
                f", in bands of {bands[1] - bands[0]:.3g} Gy; dose below {bands[1]:.3g} Gy is clear, the "
                f"last band holds all above {bands[-1]:.3g} Gy. Lesions white, liver blue."
            )
        else:
            _legend(figure, scene)
        content = to_png(figure, PAPER_AND_INK if bands is None else PAPER_AND_INK + bar_colours(bands))
    numbers = ", ".join(f"{position_mm(scene.upright, plane, index):.0f}" for plane, index in views)
    contours = f"{scene.anatomy.image.modality.name} with contours of liver and lesions"
    shown = "absorbed dose as a colour wash over CT" if washed else contours
    return Picture(name, caption, f"{len(views)} axial slices: {shown}, at z = {numbers} mm.", content)


def _planes(scene: Scene) -> Picture:
    """One coronal and one sagittal picture through the middle of the largest lesion, or of the liver."""
    sizes = np.bincount(scene.lesions.ravel(), minlength=2)
    sizes[0] = 0
    target = scene.lesions == sizes.argmax() if sizes.any() else scene.liver
    middle = [round(float(np.flatnonzero(target.any(axis=axes)).mean())) for axes in ((1, 2), (0, 2), (0, 1))]
    views = [(Plane.CORONAL, middle[1]), (Plane.SAGITTAL, middle[2])]
    spacing, shape = scene.upright.spacing_mm, scene.upright.shape
    height_mm = shape[0] * spacing[0]
    widths_mm = [shape[2] * spacing[2], shape[1] * spacing[1]]
    width = WIDTH_INCHES
    height = max(width * height_mm / sum(widths_mm), width * MIN_ASPECT / 2)
    with figure_style():
        figure = Figure(figsize=(width, height + LEGEND_INCHES), dpi=DOTS_PER_INCH)
        FigureCanvasAgg(figure)
        bottom = LEGEND_INCHES / (height + LEGEND_INCHES)
        left = 0.0
        for (plane, index), width_mm in zip(views, widths_mm, strict=True):
            share = width_mm / sum(widths_mm)
            axes = figure.add_axes((left + GAP, bottom, share - 2 * GAP, 1.0 - bottom))
            left += share
            draw_panel(axes, scene, plane, index, (slice(None), slice(None)), None, None)
        _legend(figure, scene)
        content = to_png(figure, PAPER_AND_INK)
    centre = "the largest lesion" if sizes.any() else "the liver"
    text = f"Coronal (left) and sagittal (right) planes through the middle of {centre}"
    alt = f"{text}: {scene.anatomy.image.modality.name} with contours of liver and lesions."
    return Picture("planes.png", _caption(text, scene), alt, content)


def _page(count: int, lines: int, panel: float, aspect: float, *, washed: bool) -> tuple[Figure, list[Axes]]:
    """A figure of equal panels with room for a legend or a colour bar below."""
    foot = BAR_INCHES if washed else LEGEND_INCHES
    width, height = WIDTH_INCHES, panel * aspect * lines + foot
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    step_x, step_y = panel / width, panel * aspect / height
    start = (1.0 - count * step_x) / 2
    grid = [
        figure.add_axes(
            (
                start + column * step_x + GAP,
                1.0 - (line + 1) * step_y + GAP,
                step_x - 2 * GAP,
                step_y - 2 * GAP,
            )
        )
        for line in range(lines)
        for column in range(count)
    ]
    return figure, grid


def _legend(figure: Figure, scene: Scene) -> None:
    lines = [
        Line2D([], [], color=LIVER_COLOUR, linewidth=1.2),
        Line2D([], [], color=LESION_COLOUR, linewidth=2.0),
    ]
    names = ["liver", "lesions (numbered)"]
    if scene.lungs is not None:
        lines.append(Line2D([], [], color=LUNG_COLOUR, linewidth=1.2, linestyle="dashed"))
        names.append("lungs")
    if scene.core is not None:
        lines.append(Line2D([], [], color=LESION_COLOUR, linewidth=1.2, linestyle="dotted"))
        names.append("not viable")
    figure.legend(
        lines, names, loc="lower center", ncols=4, frameon=False, borderaxespad=0.1, handlelength=3.0
    )
