"""Parts of the liver that do not look like the rest of it: told by what is around them.

Where much of the liver is tumour, or one half of it darkened (by arms beside the body), no single tissue is
the liver's. What was found is then a part. The rest lies in the liver's basin, between its neighbours, is
thick, and lies against what was found with much of its surface; bowel, stomach and kidney touch with less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emboplan.model.mask import bounding_box
from emboplan.segmentation.capsule import (
    CONTACT_MM,
    HIGHEST_ABOVE_HU,
    LOWEST_HU,
    PIECE_BALLS,
    PIECE_DEPTH_MM,
    PIECE_FRAC,
    contact,
    is_ball,
)
from emboplan.segmentation.parenchyma import Parenchyma
from emboplan.segmentation.shape import (
    Spacing,
    balls_of_depth,
    boxes,
    may_be_deep,
    parted_at_waists,
    pieces_at_necks,
)
from emboplan.segmentation.working import Bools, Floats
from emboplan.units import ML_PER_MM3

# Pieces are parted at necks thinner than twice this; they are at least so large and so deep.
NECK_MM = 6.0
LEAST_ML = 40.0
DEPTH_MM = 12.0

# Of the surface that could be liver's this share lies against it.
CONTACT_FRAC = 0.25

# What is brighter than the liver's tissue by so many spreads may be a kidney, unless it is larger than one
# and not brighter by more than the second.
BRIGHT_SPREADS, BRIGHT_HU = 3.0, 48.0
ORGAN_ML = 300.0

# On the left a stomach leans on the liver: what is not larger needs this contact.
LEFT_CONTACT_FRAC = 0.4

# Loops of bowel hold many balls of their own depth.
MOST_BALLS = 16.0

# What is as round and as thick as this, and lies against the liver with this share of its surface, may be
# tumour of the liver or another organ: nothing here tells.
DOUBTFUL_BALLS, DOUBTFUL_DEPTH_MM, DOUBTFUL_FRAC = 4.0, 20.0, 0.12

# A lesion as dark as stomach or bowel can be flooded from there. Parted from them where the waist is thinner
# than this share of the smaller depth, round and thick, it is embraced by liver over the first share of its
# surface; from the second on it may be one. Stomach and bowel reach less. So far around the liver is looked.
WAIST_SHARE = 0.6
TAKEN_FRAC, DOUBTFUL_TAKEN_FRAC = 0.4, 0.25
BULGE_MM = 40.0


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """Soft tissue in the liver's basin beside what was found: lobes, lesions, and what may be tumour."""

    lobes: Bools
    lesions: Bools
    doubtful_ml: float


def beside(
    liver: Bools,
    tissue: Floats,
    basin: Bools,
    allowed: Bools,
    right: Bools,
    model: Parenchyma,
    spacing: Spacing,
) -> Beside:
    """What lies beside the `liver` in its `basin`, from HU `tissue`.

    `allowed` is all that may be liver, and `right` marks the columns right of the body's middle.
    """
    lobes, lesions, doubtful = np.zeros_like(liver), np.zeros_like(liver), 0.0
    box = bounding_box(basin | liver, margin=2)
    if box is None:
        return Beside(lobes, lesions, doubtful)
    found, hu, free = liver[box], tissue[box], allowed[box]
    rest = basin[box] & free & (hu > LOWEST_HU) & (hu < model.high_hu + HIGHEST_ABOVE_HU) & ~found
    pieces, _ = pieces_at_necks(rest, spacing, NECK_MM)
    voxel_ml = float(np.prod(spacing)) * ML_PER_MM3
    for number, place in boxes(pieces, CONTACT_MM + max(spacing), spacing):
        own = pieces[place] == number
        if not may_be_deep(own, spacing, PIECE_DEPTH_MM):
            continue
        volume_ml = float(own.sum()) * voxel_ml
        balls, thickest = balls_of_depth(own, spacing)
        if thickest <= PIECE_DEPTH_MM:
            continue
        share = contact(own, found[place], ~free[place], spacing)[1]
        if balls < PIECE_BALLS and share >= PIECE_FRAC:
            lesions[box][place] |= own
        elif thickest > DEPTH_MM and balls < MOST_BALLS and share >= CONTACT_FRAC:
            on_right = 2 * float((own & right[..., box[2]][..., place[2]]).sum()) > float(own.sum())
            if _is_lobe(hu[place][own], volume_ml, model) and (
                on_right or volume_ml > ORGAN_ML or share >= LEFT_CONTACT_FRAC
            ):
                lobes[box][place] |= own
        elif thickest > DOUBTFUL_DEPTH_MM and balls < DOUBTFUL_BALLS and share >= DOUBTFUL_FRAC:
            doubtful += volume_ml
    return Beside(lobes, lesions, doubtful)


def taken_by_gut(
    liver: Bools, tissue: Floats, left_and_gut: Bools, model: Parenchyma, spacing: Spacing
) -> tuple[Bools, float]:
    """Lesions of the `liver` that were flooded from stomach or bowel; and the volume (mL) of what may be one.

    `tissue` in HU; `left_and_gut` is what was said to be stomach, bowel, spleen or left kidney.
    """
    lesions, doubtful_ml = np.zeros_like(liver), 0.0
    box = bounding_box(liver, margin=round(BULGE_MM / min(spacing)))
    if box is None:
        return lesions, doubtful_ml
    found, hu = liver[box], tissue[box]
    rest = left_and_gut[box] & (hu > LOWEST_HU) & (hu < model.high_hu + HIGHEST_ABOVE_HU) & ~found
    pieces = parted_at_waists(rest, spacing, WAIST_SHARE)
    for number, place in boxes(pieces, CONTACT_MM + max(spacing), spacing):
        own = pieces[place] == number
        if not is_ball(own, spacing):
            continue
        share, _ = contact(own, found[place], np.zeros_like(own), spacing)
        if share >= TAKEN_FRAC:
            lesions[box][place] |= own
        elif share >= DOUBTFUL_TAKEN_FRAC:
            doubtful_ml += float(np.count_nonzero(own)) * float(np.prod(spacing)) * ML_PER_MM3
    return lesions, doubtful_ml


def _is_lobe(hu: Floats, volume_ml: float, model: Parenchyma) -> bool:
    """Whether a piece is large, and no kidney."""
    above = float(np.median(hu)) - model.high_hu
    bright = above > BRIGHT_SPREADS * model.spread_hu
    return volume_ml >= (ORGAN_ML if bright else LEAST_ML) and above <= BRIGHT_HU
