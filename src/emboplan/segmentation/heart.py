"""The heart: thick soft tissue between the lungs, above the level that no liver reaches."""

from __future__ import annotations

import numpy as np

from emboplan.segmentation.landmarks import Spine, chest_level
from emboplan.segmentation.shape import depth_mm
from emboplan.segmentation.working import Bools, WorkingImage

# The heart is the thick soft tissue between the lungs from the level above the liver on, over this height.
HEART_MM = 50.0
HEART_DEPTH_MM = 8.0

# Such a level lies this far above the dome.
ABOVE_DOME_MM = 8.0

# A dome that lies in the lower part of what is like liver is none: the right lobe has been resected.
LEAST_DOME = 0.5


def level_above_liver(
    work: WorkingImage, alike: Bools, lungs: Bools, spine: Spine, dome: int | None
) -> int | None:
    """The lowest slice that lies above any liver; None where it is not in view.

    Where a chest is in view it tells, also after a resection of the right lobe, when the dome lies lower.
    """
    chest = chest_level(work, lungs, spine)
    if chest is not None:
        dome = max(dome or 0, chest)
    elif dome is None or float(alike[: dome + 1].sum()) < LEAST_DOME * float(alike.sum()):
        return None
    return dome + int(np.ceil(ABOVE_DOME_MM / work.spacing_zyx_mm[0]))


def heart_above(work: WorkingImage, soft: Bools, lungs: Bools, first: int) -> Bools:
    """Surely heart: thick soft tissue between the lungs from the slice `first` on."""
    levels = np.arange(soft.shape[0])
    heart = (depth_mm(soft, work.spacing_zyx_mm) > HEART_DEPTH_MM) & _between(lungs)
    heart[(levels < first) | (levels > first + round(HEART_MM / work.spacing_zyx_mm[0]))] = False
    return heart


def _between(lungs: Bools) -> Bools:
    """What lies, in each slice, within the rectangle that the lungs span."""
    out = np.zeros_like(lungs)
    for z in np.flatnonzero(lungs.any(axis=(1, 2))):
        rows = np.flatnonzero(lungs[z].any(axis=1))
        columns = np.flatnonzero(lungs[z].any(axis=0))
        out[z, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return out
