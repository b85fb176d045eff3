"""Lesions that the parenchyma region went around: taken into the liver, also where they reach the capsule.

What is wholly enclosed belongs to the liver. What lies in a bay of its surface belongs to it when the bay
holds soft tissue (neither fat nor water), and most of the tissue's own surface is liver: a metastasis at
the capsule is embraced so, while kidney, stomach, gallbladder and duodenum merely touch.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from emboplan.segmentation.parenchyma import Parenchyma
from emboplan.segmentation.shape import Spacing, boxes, depth_mm, distance_mm
from emboplan.segmentation.working import Bools, Floats
from emboplan.units import ML_PER_MM3

# Bays are what closing by these radii adds: small ones first, so that large ones start from a fuller liver.
BAY_RADII_MM = (12.0, 30.0)

# Pieces of tissue in a bay hang together by more than twice this.
LINK_MM = 3.0

# Smallest piece that matters, and contact within this distance.
LEAST_ML = 0.3
CONTACT_MM = 3.0

# Share of a piece's surface that must be liver; for pieces as bright as blood (vena cava, portal vein) more.
EMBRACED_FRAC = 0.55
EMBRACED_BRIGHT_FRAC = 0.8

# Water and fat lie below (gallbladder, cysts beside the liver, fissures); bone and calcified ribs far above.
LOWEST_HU = 22.0
HIGHEST_ABOVE_HU = 150.0


def with_lesions(region: Bools, tissue: Floats, allowed: Bools, model: Parenchyma, spacing: Spacing) -> Bools:
    """`region` with the tissue that it encloses or embraces."""
    liver = np.asarray(ndimage.binary_fill_holes(region)) & allowed | region
    for radius_mm in BAY_RADII_MM:
        closed = depth_mm(distance_mm(liver, spacing) <= radius_mm, spacing) > radius_mm
        plausible = allowed & (tissue > LOWEST_HU) & (tissue < model.mode_hu + HIGHEST_ABOVE_HU)
        bay = closed & plausible & ~liver
        core = depth_mm(bay, spacing) > LINK_MM
        pieces, _ = ndimage.label(core)
        voxel_ml = float(np.prod(spacing)) * ML_PER_MM3
        for number, box in boxes(pieces, LINK_MM + CONTACT_MM + max(spacing), spacing):
            own = (distance_mm(pieces[box] == number, spacing) <= LINK_MM + min(spacing)) & bay[box]
            if own.sum() * voxel_ml >= LEAST_ML and _embraced(own, liver[box], tissue[box], model, spacing):
                liver[box] |= own
    return np.asarray(ndimage.binary_fill_holes(liver)) & allowed | liver


def _embraced(own: Bools, liver: Bools, tissue: Floats, model: Parenchyma, spacing: Spacing) -> bool:
    surface = own & ~ndimage.binary_erosion(own)
    contact = surface & (distance_mm(liver, spacing) <= CONTACT_MM)
    share = float(contact.sum()) / max(1, int(surface.sum()))
    bright = float(np.median(tissue[own])) > model.mode_hu - model.spread_hu
    return share >= (EMBRACED_BRIGHT_FRAC if bright else EMBRACED_FRAC)
