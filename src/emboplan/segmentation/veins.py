"""The vena cava and the heart: blood that touches the liver and is not part of it.

Vessels inside the liver count as liver; the vena cava in its groove and the heart above do not. Where blood
is brighter than parenchyma they are found as thick bright bodies (thicker than any vessel inside the liver)
that for a good part lie outside it. Where blood and parenchyma are alike, the heart is still told apart by
its place: it comes down from between the lungs, and a watershed on the gradient parts it from the liver
under it.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from emboplan.segmentation.parenchyma import Parenchyma
from emboplan.segmentation.shape import boxes, depth_mm, distance_mm, flood
from emboplan.segmentation.working import Bools, Floats, WorkingImage

# Blood is brighter than parenchyma by this many spreads, on a smoothed image.
BRIGHT_SPREADS = 2.2
CALM_SIGMA_MM = 1.5

# The vena cava is 20 to 30 mm thick; portal and hepatic veins in the liver rarely exceed 14 mm.
THICK_RADIUS_MM = 7.0

# Least volume of a thick bright body, and the share of it that lies outside the liver.
LEAST_ML = 3.0
OUTSIDE_FRAC = 0.3

# The heart is the thick soft tissue between the lungs in slices this far above the liver's deep core on the
# right; both flood down to the edge between them within this depth below the dome.
ABOVE_DOME_MM = 8.0
HEART_DEPTH_MM = 8.0
LIVER_DEPTH_MM = 12.0
BELOW_DOME_MM = 50.0
HEART_MM = 40.0
SURELY_BELOW_MM = 30.0
EDGE_SIGMA_MM = 2.0
SOFT_HU = (0.0, 350.0)

# Brightness of blood; beyond it lie bone and bowel contrast.
HIGHEST_HU = 350.0


def without_great_vessels(
    work: WorkingImage, tissue: Floats, region: Bools, allowed: Bools, model: Parenchyma
) -> Bools:
    """`region` without the vena cava and the heart, where they are brighter than parenchyma."""
    spacing = work.spacing_zyx_mm
    calm = work.smooth(tissue, CALM_SIGMA_MM)
    bright = allowed & (calm > model.mode_hu + BRIGHT_SPREADS * model.spread_hu) & (calm < HIGHEST_HU)
    bodies, count = ndimage.label(depth_mm(bright, spacing) > THICK_RADIUS_MM)
    if count == 0:
        return region
    grown = np.zeros_like(region)
    for number, box in boxes(bodies, THICK_RADIUS_MM + 2 * max(spacing), spacing):
        own = (distance_mm(bodies[box] == number, spacing) <= THICK_RADIUS_MM + max(spacing[1:])) & bright[
            box
        ]
        outside = float((own & ~region[box]).sum()) / max(1, int(own.sum()))
        if own.sum() * work.voxel_ml >= LEAST_ML and outside >= OUTSIDE_FRAC:
            grown[box] |= own
    return region & ~grown


def heart_above(
    work: WorkingImage, tissue: Floats, core: Bools, lungs: Bools, body: Bools, right: Bools
) -> Bools:
    """What belongs to the heart rather than to the liver with the deep parts `core`; may be empty."""
    spacing = work.spacing_zyx_mm
    none = np.zeros_like(core)
    deep = depth_mm(core, spacing) > LIVER_DEPTH_MM
    levels = np.flatnonzero((deep & right).any(axis=(1, 2)))
    if levels.size == 0 or not lungs.any():
        return none
    dome = int(levels[-1])
    top = int(np.flatnonzero((core & right).any(axis=(1, 2)))[-1])
    above = dome + int(np.ceil(ABOVE_DOME_MM / spacing[0]))
    part = slice(max(0, dome - int(BELOW_DOME_MM / spacing[0])), above + int(HEART_MM / spacing[0]))
    # On the left the core may have entered the heart, but not this far below the dome.
    deep &= right | (np.arange(core.shape[0]) <= dome - int(SURELY_BELOW_MM / spacing[0]))[:, None, None]
    soft = body[part] & ~lungs[part] & (tissue[part] > SOFT_HU[0]) & (tissue[part] < SOFT_HU[1])
    heart = (depth_mm(soft, spacing) > HEART_DEPTH_MM) & _between(lungs[part])
    heart[: above - part.start] = False
    if not heart.any():
        return none
    markers = np.where(soft, 0, 2 + 1).astype(np.int32)
    markers[deep[part]] = 1
    markers[heart] = 2
    edges = ndimage.gaussian_gradient_magnitude(tissue[part], work.voxels(EDGE_SIGMA_MM))
    basins = flood(np.asarray(edges, np.float32), markers)
    # Veins lead the flood of the heart into the liver; but nothing of the heart has liver above it.
    under_liver = np.maximum.accumulate((basins == 1)[::-1], axis=0)[::-1]
    none[part] = _left_pieces((basins == 2) & ~under_liver, right, top - part.start)
    return none


def _left_pieces(heart: Bools, right: Bools, top: int) -> Bools:
    """Up to the liver's top, only those pieces of each slice whose centre lies left of the midline.

    The heart may reach over the midline, but what lies apart on the right is the vena cava or liver.
    """
    out = heart.copy()
    middle = float(np.count_nonzero(right))
    for z in range(min(top + 1, heart.shape[0])):
        labels, count = ndimage.label(heart[z])
        for number in range(1, count + 1):
            piece = labels == number
            if float(np.nonzero(piece)[1].mean()) < middle:
                out[z] &= ~piece
    return out


def _between(lungs: Bools) -> Bools:
    """What lies, in each slice, within the rectangle that the lungs span."""
    out = np.zeros_like(lungs)
    for z in np.flatnonzero(lungs.any(axis=(1, 2))):
        rows = np.flatnonzero(lungs[z].any(axis=1))
        columns = np.flatnonzero(lungs[z].any(axis=0))
        out[z, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return out
