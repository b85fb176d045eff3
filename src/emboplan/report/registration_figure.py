"""The picture of a registration: both images in squares of a checkerboard, and the edges of one on the other.

Three planes through the middle of the liver, or of the fixed image: axial, coronal, sagittal. In the upper
row squares of the fixed image take turns with squares of the moved one: where a contour runs on from square
to square, the images lie on each other. In the lower row the strongest edges of the moved image are drawn
over the fixed one. Styles are fixed: the same images give the same bytes.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.imaging.moved import signal_resampled
from emboplan.imaging.register import Registration
from emboplan.imaging.register_images import Shown, concentration, shown
from emboplan.imaging.transform import Transform
from emboplan.model.image import ActivityMap, ConcentrationImage, CountImage
from emboplan.model.mask import Mask
from emboplan.report.figures import GAP, WIDTH_INCHES, Picture
from emboplan.report.panel_frame import SCALE_BAR_MM, draw_frame
from emboplan.report.panels import DOTS_PER_INCH, LESION_COLOUR, PAPER_AND_INK, figure_style, to_png
from emboplan.report.views import Plane, Upright, cut, pixel_mm

PICTURE = "registration.png"
SQUARE_MM = 40.0  # a few squares across a liver
DARKEST, BRIGHTEST = 1.0, 99.5  # percentiles of the grey values between which a picture is drawn
EDGE_MM = 3.0  # blur before edges are sought: noise has none then
FILTER_REACH = 4.0  # widths at which the blur is cut off
EDGE_PERCENTILE = 75.0  # of the slopes: above it are the outlines of organs
PANEL_ASPECT = 0.85  # height over width of a panel


def draw_registration(
    registration: Registration, fixed: Shown, moving: Shown, *, liver: Mask | None = None
) -> Picture:
    """Checkerboard and edges of the fixed and the moved image, in three planes.

    Drawn for accepted and for refused results alike: it is what somebody looks at before accepting one.
    """
    return draw_laid(fixed, moving, registration.transform, liver=liver)


def draw_laid(
    fixed: Shown, moving: Shown, transform: Transform | None = None, *, liver: Mask | None = None
) -> Picture:
    """The same picture for a transform; without one, of an image that lies on the fixed one already."""
    through = Transform.identity() if transform is None else transform
    upright = Upright.of(fixed.grid)
    still = upright.turn(_scaled(_grey(fixed)))
    laid = signal_resampled(_grey(moving), moving.grid, through, fixed.grid, outside=np.nan)
    moved = upright.turn(_scaled(laid))
    where = upright.turn(liver.voxels) if liver is not None and not liver.is_empty else None
    planes = [(plane, _middle(where, still.shape, plane)) for plane in Plane]
    panel = WIDTH_INCHES / len(planes)
    with figure_style():
        figure = Figure(figsize=(WIDTH_INCHES, 2 * panel * PANEL_ASPECT), dpi=DOTS_PER_INCH)
        FigureCanvasAgg(figure)
        for column, (plane, index) in enumerate(planes):
            a, b = cut(still, plane, index), cut(moved, plane, index)
            size = pixel_mm(upright, plane)
            for row in range(2):
                place = (column / len(planes) + GAP, (1 - row) / 2 + GAP)
                axes = figure.add_axes((*place, 1 / len(planes) - 2 * GAP, 1 / 2 - 2 * GAP))
                _panel(axes, _checkered(a, b, size) if row == 0 else a, plane, size)
                if row == 1:
                    _edges(axes, b, size)
        content = to_png(figure, PAPER_AND_INK)
    text = (
        f"Axial, coronal and sagittal. Above: squares of {SQUARE_MM:.0f} mm of the fixed and the moved image "
        "in turn. Below: edges of the moved image (yellow) on the fixed one. Patient's right on the left; "
        f"bar {SCALE_BAR_MM:.0f} mm."
    )
    return Picture(PICTURE, text, text, content)


def _grey(image: Shown) -> NDArray[np.float32]:
    if isinstance(image, CountImage | ConcentrationImage | ActivityMap):
        # By the square root, so that normal liver shows beside a hot lesion.
        return np.asarray(np.sqrt(concentration(image)), np.float32)
    grey: NDArray[np.float32] = shown(image)
    return grey


def _scaled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Grey values from 0 to 1; what the image does not show stays NaN."""
    low, high = np.nanpercentile(values, [DARKEST, BRIGHTEST])
    scaled = (values - low) / max(float(high - low), float(np.finfo(np.float32).tiny))
    return np.asarray(np.clip(scaled, 0, 1), np.float32)


def _middle(where: NDArray[np.bool_] | None, shape: tuple[int, ...], plane: Plane) -> int:
    if where is None:
        return shape[plane.value] // 2
    others = tuple(axis for axis in range(3) if axis != plane.value)
    count = where.sum(axis=others)
    return int(np.searchsorted(np.cumsum(count), count.sum() / 2))


def _checkered(
    a: NDArray[np.float32], b: NDArray[np.float32], size_mm: tuple[float, float]
) -> NDArray[np.float32]:
    rows, columns = a.shape
    down = (np.arange(rows) * size_mm[0] // SQUARE_MM).astype(int)
    across = (np.arange(columns) * size_mm[1] // SQUARE_MM).astype(int)
    return np.asarray(np.where((down[:, None] + across[None, :]) % 2 == 0, a, b))


def _edges(axes: Axes, picture: NDArray[np.float32], size_mm: tuple[float, float]) -> None:
    edge = edges(picture, size_mm)
    rows, columns = picture.shape
    colour = np.zeros((rows, columns, 4))
    colour[edge] = to_rgba(LESION_COLOUR)
    axes.imshow(colour, extent=(0.0, columns * size_mm[1], rows * size_mm[0], 0.0), interpolation="nearest")


def edges(picture: NDArray[np.float32], size_mm: tuple[float, float]) -> NDArray[np.bool_]:
    """The crests of the strongest slopes, one pixel wide; none where what is seen ends (NaN)."""
    unseen = np.isnan(picture)
    smooth = ndimage.gaussian_filter(
        np.nan_to_num(picture).astype(np.float64), [EDGE_MM / s for s in size_mm]
    )
    down, across = np.gradient(smooth)
    slope = np.hypot(down / size_mm[0], across / size_mm[1])
    reach = int(np.ceil(FILTER_REACH * EDGE_MM / min(size_mm))) + 1
    slope[ndimage.binary_dilation(unseen, iterations=reach)] = 0.0
    if not float(slope.max()) > 0:
        return np.zeros(picture.shape, np.bool_)
    length = np.maximum(np.hypot(down, across), np.finfo(np.float64).tiny)
    place = np.indices(picture.shape).astype(np.float64)
    step = np.stack([down, across]) / length
    beside = [ndimage.map_coordinates(slope, place + way * step, order=1) for way in (-1, 1)]
    crest = (slope >= beside[0]) & (slope > beside[1])
    return np.asarray(crest & (slope > np.percentile(slope[slope > 0], EDGE_PERCENTILE)))


def _panel(axes: Axes, picture: NDArray[np.float32], plane: Plane, size_mm: tuple[float, float]) -> None:
    rows, columns = picture.shape
    width, height = columns * size_mm[1], rows * size_mm[0]
    axes.imshow(
        np.nan_to_num(picture),
        cmap="gray",
        vmin=0,
        vmax=1,
        extent=(0.0, width, height, 0.0),
        interpolation="antialiased",
    )
    draw_frame(axes, height, width, plane.edges)
