"""Regions on planar views: the lungs and the liver as the camera sees them through the patient.

The CT's masks are summed along the camera's line of sight onto the pixels of the views, as seen from the
front. Where the views lie over the CT is told by their header or by the user, or it is found: the place at
which lungs, liver and the rest, each with one count density, make the recorded counts most likely (Poisson).
Views are taken as parallel to the patient's axes: columns run to the left, rows to the feet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.signal import fftconvolve
from scipy.special import xlogy

from emboplan.errors import MaskError
from emboplan.imaging.resample import mask_occupancy
from emboplan.model.grid import Grid
from emboplan.model.image import PlanarPair
from emboplan.model.mask import Mask
from emboplan.units import PERCENT

Roi = NDArray[np.bool_]
Thickness = NDArray[np.float32]

# Depth is summed in steps of this size; an organ belongs to a pixel where it fills at least half of one step.
DEPTH_STEP_MM = 10.0
HALF = 0.5

# Background is read where neither organ is nearer than this: scatter and blur of the liver have fallen away.
BACKGROUND_GAP_MM = 50.0

# A patient lies on the middle of the table: the middle of the lungs is this near to the middle of the views.
MIDLINE_MM = 50.0

# Sums that a Fourier transform makes of whole counts are off by less than this part of a pixel.
ROUNDING_PIXELS = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class PlanarRegions:
    """Booleans ``(row, column)`` on the views' pixels, as seen from the front.

    A pixel of lung and liver counts as liver. `lung_mm` is how thick the lung is along the line of sight,
    None where regions were drawn; `lung_outside_frac` is the share of the lungs that the views cut off.
    """

    lung: Roi
    liver: Roi
    background: Roi | None = None
    lung_mm: Thickness | None = None
    lung_outside_frac: float = 0.0

    def __post_init__(self) -> None:
        """Check that the regions lie on the same pixels."""
        for name in ("lung", "liver", "background", "lung_mm"):
            array = getattr(self, name)
            if array is not None and array.shape != self.liver.shape:
                raise MaskError(f"{name} region has shape {array.shape}; the liver's has {self.liver.shape}")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the first pixel's centre of the views lies (x and z in mm, LPS), and how that is known.

    `source` is ``header``, ``given`` or ``found``. `mirrored_fits_better` is set where it was found: the
    views would fit the CT better with left and right exchanged.
    """

    first_pixel_mm: tuple[float, float]
    source: str
    mirrored_fits_better: bool = False


def thickness_mm(
    mask: Mask, first_pixel_mm: tuple[float, float], pixel_mm: tuple[float, float], shape: tuple[int, int]
) -> tuple[Thickness, Roi]:
    """How thick a structure is along each pixel's line of sight, and its outline, ``(row, column)``.

    `first_pixel_mm` holds x and z of the first pixel's centre: the patient's right, the head.
    """
    rows, columns = shape
    corners = mask.grid.to_mm(_corners(mask))
    near, far = float(corners[:, 1].min()), float(corners[:, 1].max())
    steps = max(1, int(np.ceil((far - near) / DEPTH_STEP_MM)))
    grid = Grid(
        shape=(rows, steps, columns),
        spacing_mm=(pixel_mm[0], DEPTH_STEP_MM, pixel_mm[1]),
        origin_mm=(
            first_pixel_mm[0],
            near + DEPTH_STEP_MM / 2,
            first_pixel_mm[1] - pixel_mm[1] * (rows - 1),
        ),
    )
    filled = mask_occupancy(mask, grid)[::-1]  # rows from head to foot
    through: Thickness = filled.sum(axis=1, dtype=np.float32) * np.float32(DEPTH_STEP_MM)
    return through, filled.max(axis=1) >= HALF


def _corners(mask: Mask) -> NDArray[np.float64]:
    """Outer corners of the smallest box around a structure, as indices (x, y, z)."""
    box = mask.box()
    low = np.array([box[2].start, box[1].start, box[0].start]) - HALF
    high = np.array([box[2].stop, box[1].stop, box[0].stop]) - HALF
    return np.array([np.where([i, j, k], high, low) for i in (0, 1) for j in (0, 1) for k in (0, 1)])


def projected_regions(
    liver: Mask,
    lungs: Mask,
    pair: PlanarPair,
    first_pixel_mm: tuple[float, float],
    *,
    body: Mask | None = None,
) -> PlanarRegions:
    """Lung and liver regions of the CT's masks on the views; a background region where `body` is given.

    The background is body beside both organs, `BACKGROUND_GAP_MM` away from them and no higher or lower.

    Raises:
        MaskError: the views do not show the liver or the lungs at this place, or there is no background.
    """
    shape = (pair.anterior.shape[0], pair.anterior.shape[1])
    _, liver_roi = thickness_mm(liver, first_pixel_mm, pair.pixel_mm, shape)
    lung_mm, lung_roi = thickness_mm(lungs, first_pixel_mm, pair.pixel_mm, shape)
    for name, roi in (("liver", liver_roi), ("lungs", lung_roi)):
        if not roi.any():
            raise MaskError(
                f"the {name} of the CT lie outside the planar views; check where the views lie, "
                "or give regions"
            )
    seen_ml = float(lung_mm.sum(dtype=np.float64)) * pair.pixel_mm[0] * pair.pixel_mm[1]
    whole_ml = lungs.voxel_count * float(np.prod(lungs.grid.spacing_mm))
    background = None
    if body is not None:
        _, body_roi = thickness_mm(body, first_pixel_mm, pair.pixel_mm, shape)
        background = _beside(body_roi, lung_roi | liver_roi, pair.pixel_mm)
    return PlanarRegions(lung_roi, liver_roi, background, lung_mm, max(0.0, 1 - seen_ml / whole_ml))


def _beside(body: Roi, organs: Roi, pixel_mm: tuple[float, float]) -> Roi:
    """Body at the height of the organs and away from them."""
    rows = np.flatnonzero(organs.any(axis=1))
    level = np.zeros_like(body)
    level[rows[0] : rows[-1] + 1] = True
    found: Roi = body & level & (distance_mm(organs, pixel_mm) > BACKGROUND_GAP_MM)
    if not found.any():
        raise MaskError(
            f"the views show no body more than {BACKGROUND_GAP_MM:.0f} mm from lungs and liver, so there is "
            "no background region; give one, or leave the background in"
        )
    return found


def distance_mm(region: Roi, pixel_mm: tuple[float, float]) -> NDArray[np.float64]:
    """Distance of each pixel from the nearest pixel of a region; 0 inside."""
    found: NDArray[np.float64] = ndimage.distance_transform_edt(~region, sampling=(pixel_mm[1], pixel_mm[0]))
    return found


def find_placement(pair: PlanarPair, liver: Mask, lungs: Mask) -> Placement:
    """Where the views lie over the CT, from their counts alone, to a pixel.

    Every place is tried at which the views hold the whole liver and at least half of the lungs' outline, with
    the lungs in the middle (`MIDLINE_MM`). Errors of the CT's breath and of the patient's position stay in.

    Raises:
        MaskError: at no place is the liver the densest region, or the counts fill less than half of its
            outline (an injection of one lobe), so that it can be moved about them.
    """
    counts = pair.anterior.astype(np.float64) + pair.posterior
    dx, dz = pair.pixel_mm
    corners = np.concatenate([m.grid.to_mm(_corners(m)) for m in (liver, lungs)])
    x, z = float(corners[:, 0].min()), float(corners[:, 2].max())
    size = (
        int(np.ceil((z - float(corners[:, 2].min())) / dz)) + 1,
        int(np.ceil((float(corners[:, 0].max()) - x) / dx)) + 1,
    )
    first = (x + dx / 2, z - dz / 2)
    _, liver_roi = thickness_mm(liver, first, pair.pixel_mm, size)
    _, lung_roi = thickness_mm(lungs, first, pair.pixel_mm, size)
    if not (liver_roi.any() and lung_roi.any()):
        raise MaskError(
            "the CT shows no liver or no lungs, so the views cannot be laid over it; give regions"
        )
    lung_roi &= ~liver_roi
    score, shifts = _likelihood(counts, liver_roi, lung_roi, dx)
    if not np.isfinite(score).any():
        raise MaskError(
            "the planar views cannot be laid over the CT: at no place is the liver the region with the most "
            "counts per pixel; give regions, or the place of the views"
        )
    row, column = (int(n) for n in np.unravel_index(int(score.argmax()), score.shape))
    if _filled_frac(counts, liver_roi, row + shifts[0], column + shifts[1]) < HALF:
        raise MaskError(
            "the planar views cannot be laid over the CT: their counts fill less than half of the liver's "
            "outline (an injection of one lobe?), so that it can lie in several places; give regions, or the "
            "place of the views"
        )
    mirrored, _ = _likelihood(counts[:, ::-1], liver_roi, lung_roi, dx)
    place = (first[0] - dx * (column + shifts[1]), first[1] + dz * (row + shifts[0]))
    return Placement(place, "found", bool(mirrored.max() > score.max()))


def _filled_frac(counts: NDArray[np.float64], liver: Roi, row: int, column: int) -> float:
    """The share of the liver's outline, moved so far, that holds at least half of its mean counts."""
    height, width = liver.shape
    padded = np.pad(counts, ((height, height), (width, width)))
    under = padded[height + row : 2 * height + row, width + column : 2 * width + column]
    inside = ndimage.gaussian_filter(under, 1)[liver]  # a pixel's breadth, against noise
    return float(np.mean(inside >= HALF * inside.mean()))


def _likelihood(
    counts: NDArray[np.float64], liver: Roi, lung: Roi, pixel_mm: float
) -> tuple[NDArray[np.float64], list[int]]:
    """Log likelihood of the counts for each shift of the outlines (-inf where not allowed), first shifts."""
    ones = np.ones_like(counts)

    def inside(image: NDArray[np.float64], region: Roi) -> NDArray[np.float64]:
        sums: NDArray[np.float64] = fftconvolve(image, region[::-1, ::-1].astype(np.float64))
        return np.maximum(sums, 0)

    total = float(counts.sum())
    in_liver, in_lung = inside(counts, liver), inside(counts, lung)
    liver_area, lung_area = inside(ones, liver), inside(ones, lung)
    allowed = liver_area >= np.count_nonzero(liver) - HALF
    allowed &= lung_area >= HALF * np.count_nonzero(lung)
    rest = np.maximum(total - in_liver - in_lung, 0)
    rest_area = counts.size - liver_area - lung_area
    allowed &= rest_area > ROUNDING_PIXELS
    densities = [
        np.divide(n, a, out=np.zeros_like(n), where=a > ROUNDING_PIXELS)
        for n, a in ((in_liver, liver_area), (in_lung, lung_area), (rest, rest_area))
    ]
    allowed &= (densities[0] > densities[1]) & (densities[0] > densities[2])
    middle = float(np.flatnonzero(lung.any(axis=0)).mean()) + 1 - liver.shape[1] + np.arange(allowed.shape[1])
    allowed &= np.abs(middle - (counts.shape[1] - 1) / 2) * pixel_mm <= MIDLINE_MM
    score = sum(xlogy(n, d) for n, d in zip((in_liver, in_lung, rest), densities, strict=True))
    result: NDArray[np.float64] = np.where(allowed, score, -np.inf)
    return result, [1 - liver.shape[0], 1 - liver.shape[1]]


def regions_from_labels(labels: NDArray[np.integer], numbers: Mapping[str, tuple[int, ...]]) -> PlanarRegions:
    """Regions from a label image ``(row, column)`` and the labels of ``lung``, ``liver``, ``background``.

    Raises:
        MaskError: lung or liver is missing.
    """
    found = {name: np.isin(labels, list(wanted)) for name, wanted in numbers.items()}
    for name in ("lung", "liver"):
        if name not in found or not found[name].any():
            present = ", ".join(str(n) for n in np.unique(labels[labels > 0])) or "none"
            raise MaskError(
                f"the region image has no {name} (label {_listed(numbers.get(name, ()))}); "
                f"labels in it: {present}"
            )
    background = found.get("background")
    if background is not None and not background.any():
        background = None
    return PlanarRegions(lung=found["lung"], liver=found["liver"], background=background)


def _listed(numbers: tuple[int, ...]) -> str:
    return " or ".join(str(n) for n in numbers) or "not named"


def sides_disagree(pair: PlanarPair) -> bool:
    """Whether the views from front and back agree better with one mirrored: it may be the wrong way round."""

    def likeness(view: NDArray[np.float32]) -> float:
        return float((pair.anterior.astype(np.float64) * view).sum())

    return likeness(pair.posterior[:, ::-1]) > likeness(pair.posterior)


def mirrored_regions_hold_more(pair: PlanarPair, regions: PlanarRegions) -> bool:
    """Whether the liver region holds more counts when mirrored: it may be drawn on the other side's view."""
    counts = pair.anterior.astype(np.float64) + pair.posterior
    return float(counts[:, ::-1][regions.liver].sum()) > float(counts[regions.liver].sum())


def cut_off(regions: PlanarRegions) -> str | None:
    """A sentence on the lungs that the views cut off, where they cut off as much as a percent."""
    if regions.lung_outside_frac * PERCENT < 1:
        return None
    return (
        f"The views cut off {regions.lung_outside_frac:.0%} of the lungs' volume on the CT: their counts are "
        "missing, and the shunt reads low."
    )
