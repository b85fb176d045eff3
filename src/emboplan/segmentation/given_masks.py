"""Given masks beside contours that are found: where the contours come from, and how the two agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emboplan.model.finding import Finding, Severity
from emboplan.model.mask import LabelMap, Mask
from emboplan.units import PERCENT

# Given lesions that lie outside a given liver by no more than this part of their volume are clipped; beyond
# it the two masks contradict each other, and `Anatomy` refuses them.
CLIPPED_FRAC = 0.10


def silent(stage: str, done: float) -> None:
    """Progress that nobody asked for."""
    del stage, done


def backend_of(liver: Mask | None, lesions: LabelMap | None) -> str:
    """Where contours come from when these masks were given."""
    if liver is None and lesions is None:
        return "builtin"
    return "given" if liver is not None and lesions is not None else "builtin+given"


def reconciled(
    whole: NDArray[np.bool_], lesions: LabelMap, *, liver_given: bool
) -> tuple[NDArray[np.bool_], LabelMap, tuple[Finding, ...]]:
    """Liver and given lesions made to agree, and what was done."""
    outside = (lesions.labels > 0) & ~whole
    stray = int(np.count_nonzero(outside))
    if stray == 0:
        return whole, lesions, ()
    stray_ml = stray * lesions.grid.voxel_ml
    if not liver_given:
        text = f"{stray_ml:.1f} mL of the given lesions lay outside the liver that was found; added to it."
        return (
            whole | outside,
            lesions,
            (Finding("segmentation.lesions-added-to-liver", Severity.INFO, text),),
        )
    frac = stray / int(np.count_nonzero(lesions.labels))
    if frac > CLIPPED_FRAC:
        return whole, lesions, ()
    text = (
        f"{stray_ml:.1f} mL ({PERCENT * frac:.1f} %) of the given lesions lay outside the given liver; "
        "they were clipped to it."
    )
    clipped = LabelMap(lesions.grid, np.where(outside, np.uint16(0), lesions.labels))
    return whole, clipped, (Finding("segmentation.lesions-clipped", Severity.WARNING, text),)
