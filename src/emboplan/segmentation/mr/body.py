"""The body on MR: what gives signal, with what it encloses, against air.

Air gives noise and bodies give signal, but dark fat may give little more than noise does, and bright fat ten
times the signal of an organ. Otsu's threshold is therefore taken of the logarithm of the signal, in which
ratios count. Air inside the body (lungs, bowel) is enclosed by its wall and is filled slice by slice.
"""

from __future__ import annotations

import numpy as np
import SimpleITK
from scipy import ndimage

from emboplan.errors import SegmentationError
from emboplan.segmentation.shape import depth_mm, distance_mm, largest
from emboplan.segmentation.working import Bools, Floats, WorkingImage

# Smoothing before the threshold, so that noise of air does not reach the signal of dark fat.
CALM_MM = 3.0

# The logarithm starts at this share of the bright end of the image: below lies noise.
FLOOR_FRAC = 0.01
BRIGHT_PERCENTILE = 99.0

# Arms, coils and ghosts hang on the trunk by less than twice this; gaps of the skin are narrower.
LINK_MM = 6.0
GAP_MM = 6.0

# The smallest trunk section that could hold a liver, in mm2 (a child of a year has about 20 000).
SMALLEST_SECTION_MM2 = 8000.0

# The trunk's signal stands out of the air by this factor or more.
LEAST_RATIO = 2.0
TINY = 1e-6  # for air that is exactly 0


def find_mr_body(work: WorkingImage) -> tuple[Bools, Bools]:
    """The trunk on the working grid with what it encloses, and the part of it that gives signal.

    Raises `SegmentationError` when nothing of a trunk's size stands out of the air.
    """
    calm = work.smooth(work.hu, CALM_MM)
    solid = calm > _air_level(calm)
    spacing = work.spacing_zyx_mm
    closed = depth_mm(distance_mm(solid, spacing) <= GAP_MM, spacing) > GAP_MM
    filled = np.zeros_like(solid)
    for z in range(solid.shape[0]):
        filled[z] = ndimage.binary_fill_holes(closed[z] | solid[z])
    deep = depth_mm(filled, spacing) > LINK_MM
    trunk = largest(deep)
    body = (distance_mm(trunk, spacing) <= LINK_MM) & filled
    section_mm2 = float(np.median(body.sum(axis=(1, 2)))) * spacing[1] * spacing[2]
    if section_mm2 < SMALLEST_SECTION_MM2:
        raise SegmentationError(
            f"the largest object has a section of {section_mm2 / 100:.0f} cm2; expected a trunk (at least "
            f"{SMALLEST_SECTION_MM2 / 100:.0f} cm2)"
        )
    return body, solid & body


def _air_level(calm: Floats) -> float:
    bright = float(np.percentile(calm, BRIGHT_PERCENTILE))
    if bright <= 0:
        raise SegmentationError("the image holds no signal; expected an MR of the abdomen")
    floor = np.float32(FLOOR_FRAC * bright)
    logs = np.log(np.minimum(calm, np.float32(bright)) + floor)
    image = SimpleITK.GetImageFromArray(logs)
    threshold = SimpleITK.OtsuThresholdImageFilter()
    threshold.Execute(image)
    level = float(np.exp(threshold.GetThreshold()) - floor)
    below, above = calm[calm <= level], calm[calm > level]
    air = max(float(np.median(below)), TINY) if below.size else TINY
    if not above.size or float(np.median(above)) < LEAST_RATIO * air:
        raise SegmentationError("no body stands out of the air; expected an MR of the abdomen")
    return level


def right_of(body: Bools) -> Bools:
    """The columns to the patient's right of the body's middle, as a mask that broadcasts over z and y."""
    columns = np.flatnonzero(body.any(axis=(0, 1)))
    side = np.zeros((1, 1, body.shape[2]), np.bool_)
    side[..., : int(np.median(columns)) if columns.size else 0] = True
    return side
