"""One panel of a figure: a plane of the CT or MR with its dose, contours, lesion numbers, sides and scale.

Structures differ by colour and by line (the liver plain, lesions heavier and numbered, lungs dashed), so that
nothing is said by colour alone. Styles, fonts and metadata are fixed: the same plan gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from emboplan.model.anatomy import Anatomy
from emboplan.model.image import DoseMap, MrImage
from emboplan.report.panel_frame import draw_frame
from emboplan.report.views import Plane, Upright, cut, pixel_mm, position_mm, positions

# The usual soft-tissue window of the abdomen.
WINDOW_LEVEL_HU = 40.0
WINDOW_WIDTH_HU = 400.0

# On an MR from no signal to this many times the liver's median: the liver is middle grey, darker and brighter
# lesions both show.
WINDOW_LIVERS = 2

DOTS_PER_INCH = 150  # about the pixels of the CT, at the width of an A4 column
PAPER_AND_INK = [(255, 255, 255), (0, 0, 0)]  # 8-bit white and black
CHANNELS = 3  # red, green, blue
PALETTE_COLOURS = 256  # what a palette PNG holds; it keeps a page of CT noise below a megabyte

# Okabe and Ito's colours: apart for every common form of colour blindness, and light enough for a CT.
LIVER_COLOUR = "#56b4e9"
LESION_COLOUR = "#f0c000"
LUNG_COLOUR = "#2fc99a"
WASHED_LESION_COLOUR = "#ffffff"  # the wash has every other colour

# The scale ends where this share of the shown liver lies below: single hot voxels would wash out the rest.
SCALE_PERCENTILE = 99.5
BANDS = 10  # about as many steps of colour as a reader can tell apart; the lowest is left clear
WASH_OPACITY = 0.55
WASH_COLOURS = "plasma"


def figure_style() -> AbstractContextManager[None]:
    """The settings under which every figure is drawn."""
    return mpl.rc_context(
        {
            "font.family": "DejaVu Sans",
            "font.size": 7.0,
            "svg.fonttype": "path",
            "svg.hashsalt": "emboplan",
            "path.simplify": False,
        }
    )


@dataclass(frozen=True, slots=True)
class Scene:
    """The case turned upright once, with the dose to lay over it.

    `image` holds CT numbers or signal, `window` the lowest and highest that are told apart.
    """

    anatomy: Anatomy
    upright: Upright
    image: NDArray[Any]
    window: tuple[float, float]
    liver: NDArray[np.bool_]
    lesions: NDArray[np.uint16]
    lungs: NDArray[np.bool_] | None
    core: NDArray[np.bool_] | None  # what of the lesions is not viable
    dose: DoseMap | None

    @classmethod
    def of(cls, anatomy: Anatomy, dose: DoseMap | None) -> Scene:
        """The scene of an anatomy; without copying its arrays."""
        upright = Upright.of(anatomy.grid)
        lungs = None if anatomy.lungs is None else upright.turn(anatomy.lungs.voxels)
        core = None if anatomy.viable is None else upright.turn((anatomy.tumour - anatomy.viable).voxels)
        return cls(
            anatomy=anatomy,
            upright=upright,
            image=upright.turn(anatomy.image.values),
            window=_window(anatomy),
            liver=upright.turn(anatomy.liver.voxels),
            lesions=upright.turn(anatomy.lesions.labels),
            lungs=lungs,
            core=core if core is not None and core.any() else None,
            dose=dose,
        )

    def dose_at(self, plane: Plane, index: int) -> NDArray[np.float64]:
        """The dose (Gy) at a picture's pixels, 0 outside the dose grid; between voxels linear."""
        from scipy.ndimage import map_coordinates

        if self.dose is None:
            raise ValueError("the case has no dose map")  # callers ask only when there is one
        place = self.dose.grid.to_index(positions(self.upright, plane, index))
        coordinates = np.moveaxis(place[..., ::-1], -1, 0)
        sampled: NDArray[np.float64] = map_coordinates(
            self.dose.gy, coordinates, order=1, mode="constant", cval=0.0, output=np.float64
        )
        return sampled


def _window(anatomy: Anatomy) -> tuple[float, float]:
    """The lowest and highest numbers of the grey scale; of an MR by the liver's own signal."""
    if not isinstance(anatomy.image, MrImage):
        return WINDOW_LEVEL_HU - WINDOW_WIDTH_HU / 2, WINDOW_LEVEL_HU + WINDOW_WIDTH_HU / 2
    normal = anatomy.normal_liver
    signal = anatomy.image.signal[(anatomy.liver if normal.is_empty else normal).voxels]
    level = float(np.median(signal))
    return 0.0, WINDOW_LIVERS * (level if level > 0 else 1.0)


def draw_panel(
    axes: Axes,
    scene: Scene,
    plane: Plane,
    index: int,
    crop: tuple[slice, slice],
    wash: NDArray[np.float64] | None,
    bands: NDArray[np.float64] | None,
) -> None:
    """One picture: CT or MR, dose, contours, lesion numbers, sides, place and scale bar."""
    low, high = scene.window
    picture = cut(scene.image, plane, index)[crop]
    height_mm, width_mm = pixel_mm(scene.upright, plane)
    rows, columns = picture.shape
    extent = (0.0, columns * width_mm, rows * height_mm, 0.0)
    axes.imshow(picture, cmap="gray", vmin=low, vmax=high, extent=extent, interpolation="antialiased")
    if wash is not None and bands is not None:
        clear = np.ma.masked_less(wash[crop], bands[1])
        norm, colours = _colour_scale(bands)
        axes.imshow(
            clear, cmap=colours, norm=norm, alpha=WASH_OPACITY, extent=extent, interpolation="nearest"
        )
    across = (np.arange(-1, columns + 1) + 0.5) * width_mm
    down = (np.arange(-1, rows + 1) + 0.5) * height_mm
    if scene.lungs is not None:
        _outline(axes, across, down, cut(scene.lungs, plane, index)[crop], LUNG_COLOUR, 0.7, "dashed")
    _outline(axes, across, down, cut(scene.liver, plane, index)[crop], LIVER_COLOUR, 0.8, "solid")
    labels = cut(scene.lesions, plane, index)[crop]
    lesion_colour = LESION_COLOUR if wash is None else WASHED_LESION_COLOUR
    _outline(axes, across, down, labels > 0, lesion_colour, 1.2, "solid")
    for number in touching(labels):
        _outline(axes, across, down, labels == number, lesion_colour, 0.6, "solid")
    if scene.core is not None:
        _outline(axes, across, down, cut(scene.core, plane, index)[crop], lesion_colour, 0.8, "dotted")
    _number_lesions(axes, labels, height_mm, width_mm)
    name = "xyz"[2 - plane.value]
    place = f"{name} {position_mm(scene.upright, plane, index):.0f} mm".replace("-", "−")
    draw_frame(axes, rows * height_mm, columns * width_mm, plane.edges, place)


def _outline(
    axes: Axes,
    across: NDArray[np.float64],
    down: NDArray[np.float64],
    inside: NDArray[np.bool_],
    colour: str,
    width: float,
    style: str,
) -> None:
    """The line half way between voxels inside and outside; closed at the picture's edge."""
    if inside.any():
        field = np.pad(inside.astype(np.float32), 1)
        axes.contour(
            across, down, field, levels=[0.5], colors=[colour], linewidths=[width], linestyles=[style]
        )


def touching(labels: NDArray[np.uint16]) -> list[int]:
    """The numbers of the lesions of a picture that lie against another one."""
    found: set[int] = set()
    for one, other in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        border = (one != other) & (one > 0) & (other > 0)
        found |= {int(n) for n in np.unique([one[border], other[border]])}
    return sorted(found)


def _number_lesions(axes: Axes, labels: NDArray[np.uint16], height_mm: float, width_mm: float) -> None:
    """Each lesion's number on its own middle in this picture."""
    for label in np.unique(labels[labels > 0]):
        rows, columns = np.nonzero(labels == label)
        axes.text(
            (float(columns.mean()) + 0.5) * width_mm,
            (float(rows.mean()) + 0.5) * height_mm,
            str(int(label)),
            color="white",
            fontsize=6.5,
            fontweight="bold",
            ha="center",
            va="center",
            path_effects=[withStroke(linewidth=1.5, foreground="black")],
        )


def dose_bands(
    scene: Scene, views: Sequence[tuple[Plane, int]], washes: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Edges (Gy) of the colour bands: round numbers from 0 to about the highest dose in the shown liver."""
    inside = [
        wash[cut(scene.liver, plane, index)] for (plane, index), wash in zip(views, washes, strict=True)
    ]
    values = np.concatenate(inside)
    top = float(np.percentile(values, SCALE_PERCENTILE)) if values.size else 0.0
    edges = np.asarray(
        MaxNLocator(BANDS, min_n_ticks=3).tick_values(0.0, top if top > 0 else 1.0), dtype=np.float64
    )
    return edges[edges >= 0]


def _colour_scale(bands: NDArray[np.float64]) -> tuple[BoundaryNorm, Colormap]:
    colours = mpl.colormaps[WASH_COLOURS]
    return BoundaryNorm(bands.tolist(), colours.N, extend="max"), colours


def bar_colours(bands: NDArray[np.float64]) -> list[tuple[int, int, int]]:
    """The colours of the bar, as 8-bit red, green and blue."""
    norm, colours = _colour_scale(bands)
    middles = np.append((bands[:-1] + bands[1:]) / 2, 2 * bands[-1])
    rgb = colours(norm(middles), bytes=True)
    return [(int(red), int(green), int(blue)) for red, green, blue in rgb[:, :3]]


def draw_colour_bar(figure: Figure, bands: NDArray[np.float64]) -> None:
    """The bands with their doses, at the foot of the figure."""
    height = figure.get_figheight()
    axes = figure.add_axes((0.2, 0.24 / height, 0.6, 0.1 / height))
    norm, colours = _colour_scale(bands)
    bar = figure.colorbar(ScalarMappable(norm, colours), cax=axes, orientation="horizontal", extend="max")
    bar.set_ticks(bands.tolist())
    bar.ax.tick_params(labelsize=6.5, length=2, pad=1)
    bar.set_label("absorbed dose (Gy)", fontsize=6.5, labelpad=0)


def to_png(figure: Figure, exact: Sequence[tuple[int, int, int]]) -> bytes:
    """The figure as a palette PNG without date or program name; the colours in `exact` stay as they are."""
    raw = io.BytesIO()
    figure.savefig(raw, format="rgba", dpi=DOTS_PER_INCH)
    size = (int(figure.bbox.width), int(figure.bbox.height))
    drawn = Image.frombytes("RGBA", size, raw.getvalue()).convert("RGB")
    free = PALETTE_COLOURS - len(exact)
    likely = drawn.quantize(colors=free, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette = Image.new("P", (1, 1))
    chosen = (likely.getpalette() or [])[: CHANNELS * free]
    palette.putpalette([*(channel for colour in exact for channel in colour), *chosen])
    small = drawn.quantize(palette=palette, dither=Image.Dither.NONE)
    colours, indices = np.asarray(drawn), np.array(small)
    for index, colour in enumerate(exact):  # the library's search for the nearest colour is approximate
        indices[(colours == colour).all(axis=-1)] = index
    small = Image.fromarray(indices)
    small.putpalette(palette.getpalette() or [])
    buffer = io.BytesIO()
    small.save(buffer, format="PNG", optimize=True, dpi=(DOTS_PER_INCH, DOTS_PER_INCH))
    return buffer.getvalue()
