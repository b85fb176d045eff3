"""The body: the patient without table, clothes and air, arms left out where they lie apart.

Everything that follows looks for organs inside it. Here also the CT is asked whether it is one: Hounsfield
units have air near -1000 and soft tissue between fat and blood, and an MR image given as CT has neither.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from emboplan.errors import SegmentationError
from emboplan.model.image import CtImage
from emboplan.model.mask import Mask, bounding_box
from emboplan.segmentation.working import Bools, WorkingImage, working_image

# Half way between air (-1000) and fat (-100 to 0): the skin lies at the half-contrast level.
SKIN_HU = -400.0

# Tables and clothes are thinner than this; a body is not.
THIN_MM = 6.0

# Fewer slices than this cannot show an organ, and its neighbours, well enough to be told apart.
FEWEST_SLICES = 8
SHORTEST_MM = 30.0

# Air at or below this level must be somewhere: around the patient, in lungs or in bowel.
AIR_HU = -500.0
LEAST_AIR_FRAC = 0.002

# Of what lies inside the skin most is fat, muscle and organs: -200 to 300 HU, in any patient.
SOFT_HU = (-200.0, 300.0)
LEAST_SOFT_FRAC = 0.55

# The smallest trunk section that could hold a liver, in mm2 (a child of a year has about 20 000).
SMALLEST_SECTION_MM2 = 8000.0

# What to do about values that are no CT numbers, in both messages.
HINT = "(an MR? name it with --modality mr)"


def segment_body(ct: CtImage) -> Mask:
    """The patient's trunk on the CT's grid, lungs and bowel gas included.

    Raises `SegmentationError` when the values are not Hounsfield units, or nothing of a trunk's size is seen.
    """
    work = working_image(ct)
    return Mask(ct.grid, on_native_grid(work, find_body(work)))


def on_native_grid(work: WorkingImage, found: Bools) -> Bools:
    """A working mask on the native grid, its surface half way between voxel centres."""
    box = bounding_box(found, margin=1)
    if box is None:
        return np.zeros(work.native_shape, np.bool_)
    return work.native_mask(found.astype(np.float32) - np.float32(0.5), box)


def find_body(work: WorkingImage) -> Bools:
    """The trunk on the working grid."""
    _check_extent(work)
    solid = work.hu > SKIN_HU
    if float(np.mean(work.hu < AIR_HU)) < LEAST_AIR_FRAC:
        low, high = np.percentile(work.hu, [1, 99])
        raise SegmentationError(
            f"the values (from {low:.0f} to {high:.0f}) hold no air near -1000; "
            f"expected a CT in Hounsfield units {HINT}"
        )
    _, dy, dx = work.spacing_zyx_mm
    disk = _disk(THIN_MM, dy, dx)
    apart = ndimage.binary_opening(solid, disk[None])
    labels, count = ndimage.label(apart)
    if count == 0:
        raise SegmentationError("no body is in view; expected a CT of the abdomen")
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    trunk = labels == int(sizes.argmax())
    body = np.zeros(trunk.shape, np.bool_)
    for z in range(trunk.shape[0]):
        body[z] = ndimage.binary_fill_holes(trunk[z])
    section_mm2 = float(np.median(body.sum(axis=(1, 2)))) * dy * dx
    if section_mm2 < SMALLEST_SECTION_MM2:
        raise SegmentationError(
            f"the largest object has a section of {section_mm2 / 100:.0f} cm2; expected a trunk (at least "
            f"{SMALLEST_SECTION_MM2 / 100:.0f} cm2)"
        )
    inside = work.hu[body & solid]
    soft = float(np.mean((inside > SOFT_HU[0]) & (inside < SOFT_HU[1])))
    if soft < LEAST_SOFT_FRAC:
        raise SegmentationError(
            f"only {100 * soft:.0f} % of the body lies between {SOFT_HU[0]:.0f} and {SOFT_HU[1]:.0f} HU; "
            f"the values are not Hounsfield units: apply the rescale values {HINT}"
        )
    return body


def _disk(radius_mm: float, dy: float, dx: float) -> Bools:
    ry, rx = int(radius_mm / dy), int(radius_mm / dx)
    y, x = np.ogrid[-ry : ry + 1, -rx : rx + 1]
    return np.asarray((y * dy) ** 2 + (x * dx) ** 2 <= radius_mm**2, np.bool_)


def _check_extent(work: WorkingImage) -> None:
    slices = work.native_shape[work.turn.order[0]]
    length_mm = slices * work.native_spacing_zyx_mm[0]
    if slices < FEWEST_SLICES or length_mm < SHORTEST_MM:
        raise SegmentationError(
            f"the CT has {slices} axial slices over {length_mm:.0f} mm; expected at least {FEWEST_SLICES} "
            f"slices over {SHORTEST_MM:.0f} mm to find a liver"
        )
