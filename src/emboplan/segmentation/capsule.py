"""Lesions that the parenchyma region went around: taken into the liver, also where they reach the capsule.

What is wholly enclosed belongs to the liver. What lies in a bay of its surface belongs to it when the bay
holds soft tissue (neither fat nor water), and most of the tissue's own surface is liver: a metastasis at
the capsule is embraced so, while kidney, stomach, gallbladder and duodenum merely touch.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from emboplan.segmentation.parenchyma import Parenchyma
from emboplan.segmentation.shape import (
    Spacing,
    balls_of_depth,
    boxes,
    depth_mm,
    distance_mm,
    may_be_deep,
    pieces_at_necks,
)
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
LEAST_CONTACT_FRAC = 0.35
EMBRACED_BRIGHT_FRAC = 0.8

# Large lesions at the capsule, parted from what they touch at necks thinner than twice the first: thicker
# than twice the second, and round (balls of their own depth that they hold). Of their surface this share at
# least is liver; kidney and stomach touch it by less. Lesions that touch each other are taken in turn.
PIECE_NECK_MM = 6.0
PIECE_DEPTH_MM = 10.0
PIECE_BALLS = 3.6
PIECE_FRAC = 0.2
PIECE_PASSES = 3

# What leans on the liver: left of the midline, so much darker than its tissue, at least this large and twice
# this thick, and embraced by solid liver over less than this share of its surface. Solid is what is thicker
# than twice this, as no wall is. Its wall goes with it.
STRANGE_SPREADS = 1.6
GUEST_MM = 5.0
GUEST_ML = 8.0
SOLID_MM = 6.0
GUEST_FRAC = 0.4
WALL_MM = 5.0

# Water and fat lie below (gallbladder, cysts beside the liver, fissures); bone and calcified ribs far above.
LOWEST_HU = 22.0
HIGHEST_ABOVE_HU = 150.0


def with_lesions(region: Bools, tissue: Floats, allowed: Bools, model: Parenchyma, spacing: Spacing) -> Bools:
    """`region` with the tissue that it encloses or embraces."""
    liver = np.asarray(ndimage.binary_fill_holes(region)) & allowed | region
    for radius_mm in BAY_RADII_MM:
        closed = depth_mm(distance_mm(liver, spacing) <= radius_mm, spacing) > radius_mm
        plausible = allowed & (tissue > LOWEST_HU) & (tissue < model.high_hu + HIGHEST_ABOVE_HU)
        bay = closed & plausible & ~liver
        core = depth_mm(bay, spacing) > LINK_MM
        pieces, _ = ndimage.label(core)
        voxel_ml = float(np.prod(spacing)) * ML_PER_MM3
        for number, box in boxes(pieces, LINK_MM + CONTACT_MM + max(spacing), spacing):
            own = (distance_mm(pieces[box] == number, spacing) <= LINK_MM + min(spacing)) & bay[box]
            if own.sum() * voxel_ml >= LEAST_ML and _embraced(
                own, liver[box], ~allowed[box], tissue[box], model, spacing
            ):
                liver[box] |= own
    liver = _with_thick_pieces(liver, tissue, allowed, model, spacing)
    return np.asarray(ndimage.binary_fill_holes(liver)) & allowed | liver


def _with_thick_pieces(
    liver: Bools, tissue: Floats, allowed: Bools, model: Parenchyma, spacing: Spacing
) -> Bools:
    """`liver` with the large lesions at its capsule, which no closing spans.

    Lesions that lie against each other count as liver for their neighbours once they are taken.
    """
    liver = liver.copy()
    for _ in range(PIECE_PASSES):
        rest = allowed & (tissue > LOWEST_HU) & (tissue < model.high_hu + HIGHEST_ABOVE_HU) & ~liver
        pieces, _main = pieces_at_necks(rest, spacing, PIECE_NECK_MM)
        taken = False
        for number, box in boxes(pieces, CONTACT_MM + max(spacing), spacing):
            own = pieces[box] == number
            if is_ball(own, spacing) and contact(own, liver[box], ~allowed[box], spacing)[1] >= PIECE_FRAC:
                liver[box] |= own
                taken = True
        if not taken:
            break
    return liver


def is_ball(own: Bools, spacing: Spacing) -> bool:
    """Whether a piece is thick and round: gut, vessels and walls hold many balls of their own depth."""
    if not may_be_deep(own, spacing, PIECE_DEPTH_MM):
        return False
    balls, thickest = balls_of_depth(own, spacing)
    return thickest > PIECE_DEPTH_MM and balls < PIECE_BALLS


def _embraced(
    own: Bools, liver: Bools, barred: Bools, tissue: Floats, model: Parenchyma, spacing: Spacing
) -> bool:
    whole, share = contact(own, liver, barred, spacing)
    bright = float(np.median(tissue[own])) > model.high_hu - model.spread_hu
    return whole >= LEAST_CONTACT_FRAC and share >= (EMBRACED_BRIGHT_FRAC if bright else EMBRACED_FRAC)


def contact(own: Bools, liver: Bools, barred: Bools, spacing: Spacing) -> tuple[float, float]:
    """The share of a piece's surface that touches liver: of all of it, and of what liver could touch."""
    surface = own & ~ndimage.binary_erosion(own)
    touching = surface & (distance_mm(liver, spacing) <= CONTACT_MM)
    # Where the wall, the lungs or the heart lie behind it, no liver could.
    closed = surface & ~touching & (distance_mm(barred, spacing) <= CONTACT_MM)
    share = float(touching.sum()) / max(1, int(surface.sum()) - int(closed.sum()))
    return float(touching.sum()) / max(1, int(surface.sum())), share


def without_guests(region: Bools, tissue: Floats, right: Bools, model: Parenchyma, spacing: Spacing) -> Bools:
    """`region` without what does not look like liver and only leans on it: content of stomach and bowel.

    Walls as bright as the liver let such content pass for a lesion, but they are thin: solid liver embraces a
    lesion, and touches a stomach on one side.
    """
    voxel_ml = float(np.prod(spacing)) * ML_PER_MM3
    strange = region & (model.away(tissue) < -STRANGE_SPREADS * model.spread_hu)
    core = depth_mm(strange, spacing) > GUEST_MM
    solid = depth_mm(region & ~strange, spacing) > SOLID_MM
    solid = distance_mm(solid, spacing) <= SOLID_MM + CONTACT_MM
    pieces, _ = ndimage.label(core)
    out = region.copy()
    for number, box in boxes(pieces, GUEST_MM + WALL_MM + CONTACT_MM + max(spacing), spacing):
        own = (distance_mm(pieces[box] == number, spacing) <= GUEST_MM + min(spacing)) & strange[box]
        if own.sum() * voxel_ml < GUEST_ML:
            continue
        surface = own & ~ndimage.binary_erosion(own)
        on_right = int((own & right[..., box[2]]).sum()) > int(own.sum()) / 2
        share = float((surface & solid[box]).sum()) / max(1, int(surface.sum()))
        if share < GUEST_FRAC and not on_right:
            out[box] &= ~((distance_mm(own, spacing) <= WALL_MM) & ~_deep(region[box], strange[box], spacing))
    return out


def _deep(region: Bools, strange: Bools, spacing: Spacing) -> Bools:
    """Solid liver, which stays whatever lies beside it."""
    core = depth_mm(region & ~strange, spacing) > SOLID_MM
    return distance_mm(core, spacing) <= SOLID_MM
