"""The lungs: aerated tissue inside the body, with their vessels, told apart from gas in the bowel.

The mask serves the lung mass from CT density and tells where the diaphragm lies. `complete` is false where
the field of view cuts the lungs, so that a mass measured from them is known to be too small.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.model.finding import Finding, Severity
from emboplan.model.image import CtImage
from emboplan.model.mask import Mask
from emboplan.segmentation.body import on_native_grid
from emboplan.segmentation.working import Bools, WorkingImage, working_image

# Half way between aerated lung (about -850 HU) and soft tissue (about 50 HU).
LUNG_EDGE_HU = -400.0

# Gas in stomach and bowel is pure air; lung tissue holds blood. Median values between these are lung.
LUNG_MEDIAN_HU = (-960.0, -450.0)

# A lung, or what is seen of one, is at least this large; the costophrenic recess of a truncated view has less
# than a whole lung's litre but more than a bowel loop's stray froth.
SMALLEST_LUNG_ML = 60.0

# Lung in a slice of its own spreads over hundreds of square centimetres; froth in the bowel has cores of air.
FROTH_AIR_FRAC = 0.30
PURE_AIR_HU = -975.0

# Vessels and small consolidations inside the lungs, bridged by closing.
CLOSING_MM = 5.0

# Slices in which less than this of a lung's largest section is seen are its tip, and do not cut it.
TIP_FRAC = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class Lungs:
    """The lungs on the CT's grid; `complete` is false where the field of view cuts them."""

    mask: Mask
    complete: bool
    findings: tuple[Finding, ...] = field(default=())


def segment_lungs(ct: CtImage, body: Mask) -> Lungs:
    """The lungs inside `body`; empty and incomplete when none are in view."""
    ct.grid.require_same(body.grid, "CT and body")
    work = working_image(ct)
    found = find_lungs(work, work.down(body.voxels))
    return lungs_from(ct, work, found)


def lungs_from(ct: CtImage, work: WorkingImage, found: Bools) -> Lungs:
    """Lungs on the CT's grid from lungs on the working grid."""
    mask = Mask(ct.grid, on_native_grid(work, found))
    if mask.is_empty:
        finding = Finding(
            "segmentation.lungs-not-in-view", Severity.INFO, "No lung is in the field of view of the CT."
        )
        return Lungs(mask, complete=False, findings=(finding,))
    complete = _complete(found)
    if complete:
        return Lungs(mask, complete=True)
    text = (
        f"The field of view cuts the lungs ({mask.volume_ml:.0f} mL seen): "
        "lung mass cannot be measured on this CT."
    )
    return Lungs(mask, complete=False, findings=(Finding("segmentation.lungs-cut", Severity.WARNING, text),))


def find_lungs(work: WorkingImage, body: Bools) -> Bools:
    """The lungs on the working grid."""
    airy = body & (work.hu < LUNG_EDGE_HU)
    # A thin wall may part lung from stomach gas by less than a voxel; opening by one voxel keeps them apart.
    labels, _ = ndimage.label(ndimage.binary_erosion(airy))
    sizes = np.bincount(labels.ravel())
    kept = np.zeros(sizes.size, np.bool_)
    for number in np.flatnonzero(sizes * work.voxel_ml >= SMALLEST_LUNG_ML / 2):
        if number == 0:
            continue
        values = work.hu[labels == number]
        air = float(np.mean(values < PURE_AIR_HU))
        if LUNG_MEDIAN_HU[0] <= float(np.median(values)) <= LUNG_MEDIAN_HU[1] and air < FROTH_AIR_FRAC:
            kept[number] = True
    core = _above_the_gut(labels, kept, sizes)
    if core.sum() * work.voxel_ml < SMALLEST_LUNG_ML / 2:
        return np.zeros_like(body)
    grown = airy & ndimage.binary_dilation(core)
    radius = work.voxels(CLOSING_MM)
    steps = max(1, round(min(radius[1:])))
    flat = ndimage.generate_binary_structure(3, 1)
    flat[0] = flat[2] = False
    closed = ndimage.binary_closing(
        np.pad(grown, ((0, 0), (steps, steps), (steps, steps))), flat, iterations=steps
    )
    closed = closed[:, steps:-steps, steps:-steps] & body
    for z in range(closed.shape[0]):
        closed[z] = ndimage.binary_fill_holes(closed[z])
    return closed


def _above_the_gut(labels: NDArray[np.signedinteger], kept: Bools, sizes: NDArray[np.intp]) -> Bools:
    """The kept pieces that reach the middle of the largest: gas that lies wholly below the lungs is gut's."""
    if not kept.any():
        return np.zeros(labels.shape, np.bool_)
    main = int(np.argmax(np.where(kept, sizes, 0)))
    levels = np.flatnonzero((labels == main).any(axis=(1, 2)))
    kept = kept.copy()
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        if kept[number] and place[0].stop <= (levels[0] + levels[-1]) / 2:
            kept[number] = False
    return np.asarray(kept[labels])


def _complete(found: Bools) -> bool:
    area = found.sum(axis=(1, 2))
    limit = TIP_FRAC * area.max()
    sides = found[:, 0].any() or found[:, -1].any() or found[:, :, 0].any() or found[:, :, -1].any()
    return bool(area[0] <= limit and area[-1] <= limit and not sides)
