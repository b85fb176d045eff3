"""The vena cava and the heart: blood that touches the liver and is not part of it.

Vessels inside the liver count as liver; the vena cava in its groove and the heart above do not. Where blood
is brighter than parenchyma they are found as thick bright bodies (thicker than any vessel inside the liver)
that for a good part lie outside it. Where blood and parenchyma are alike, `neighbours` tells them by their
place.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from emboplan.segmentation.parenchyma import Parenchyma
from emboplan.segmentation.shape import boxes, depth_mm, distance_mm
from emboplan.segmentation.working import Bools, Floats, WorkingImage

# Blood is brighter than parenchyma by this many spreads, on a smoothed image.
BRIGHT_SPREADS = 2.2
CALM_SIGMA_MM = 1.5

# The vena cava is 20 to 30 mm thick; portal and hepatic veins in the liver rarely exceed 14 mm.
THICK_RADIUS_MM = 7.0

# Least volume of a thick bright body, and the share of it that lies outside the liver.
LEAST_ML = 3.0
OUTSIDE_FRAC = 0.3

# Brightness of blood; beyond it lie bone and bowel contrast.
HIGHEST_HU = 350.0


def without_great_vessels(
    work: WorkingImage, tissue: Floats, region: Bools, allowed: Bools, model: Parenchyma
) -> Bools:
    """`region` without the vena cava and the heart, where they are brighter than parenchyma."""
    spacing = work.spacing_zyx_mm
    calm = work.smooth(tissue, CALM_SIGMA_MM)
    bright = allowed & (calm > model.high_hu + BRIGHT_SPREADS * model.spread_hu) & (calm < HIGHEST_HU)
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
