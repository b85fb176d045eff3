"""Refusals and findings: is the image what it says it is, and the liver what it should be?

A volume stored upside down, mirrored or turned over looks like a body, and a program that trusts the header
would measure the spleen. The lungs lie above, the spine behind and the liver on the right; where they do
not, the liver is refused. What weakens the numbers (a cut liver, no contrast) is recorded.
"""

from __future__ import annotations

import numpy as np

from emboplan.errors import SegmentationError
from emboplan.model.finding import Finding, Severity
from emboplan.segmentation.working import Bools, WorkingImage
from emboplan.units import PERCENT

# Cortical bone, also averaged over a working voxel.
BONE_HU = 250.0

# Fewer millilitres of bone than this say nothing about where the spine lies.
LEAST_BONE_ML = 30.0

# The columns about the middle in which the spine lies (share of the body's width), to leave out ribs and
# arms.
SPINE_COLUMNS = (0.35, 0.65)

# Less lung than this may be a misread gas bubble, and says nothing about up and down.
LEAST_LUNG_ML = 150.0

# The spine's bone lies behind the middle of the body by at least this share of its depth, in any patient.
SPINE_BEHIND_FRAC = 0.02

# Deep soft tissue on the left this many times that on the right: the liver is on the left.
MIRRORED_RATIO = 2.5

MIRRORED = (
    "the image is mirrored, or the patient has situs inversus; check the orientation, or give a liver mask"
)

# The middle of what is left of a liver after a resection of its right part may lie this share of the image's
# width beyond the midline.
REMNANT_FRAC = 0.06

# A remnant lies to both sides of the midline, but not evenly.
EVEN_FRAC = 0.85

# Share of an organ whose mirror image looks like it: spleen and stomach make a third of the liver's, muscles
# more.
TWIN_FRAC = 0.55

# The liver's section in the first or last slice, in share of its largest, from which on it counts as cut.
CUT_FRAC = 0.1

# Parenchyma this dark is unenhanced (or fatty), and most lesions hide in it.
UNENHANCED_HU = 75.0


def require_spine_behind(work: WorkingImage, body: Bools) -> None:
    """Raise `SegmentationError` when the spine lies in the front half: the image is turned over."""
    columns = np.flatnonzero(body.any(axis=(0, 1)))
    width = columns[-1] - columns[0]
    middle = slice(int(columns[0] + SPINE_COLUMNS[0] * width), int(columns[0] + SPINE_COLUMNS[1] * width) + 1)
    bone = (work.hu[..., middle] > BONE_HU) & body[..., middle]
    if bone.sum() * work.voxel_ml < LEAST_BONE_ML:
        return
    rows = np.arange(body.shape[1])
    bone_row = float(np.average(rows, weights=bone.sum(axis=(0, 2))))
    body_rows = np.flatnonzero(body.any(axis=(0, 2)))
    body_row = float(np.average(rows, weights=body.sum(axis=(0, 2))))
    if bone_row < body_row - SPINE_BEHIND_FRAC * (body_rows[-1] - body_rows[0]):
        raise SegmentationError(
            "the spine lies in front: the image is turned over against its header; check the orientation"
        )


def require_below_lungs(work: WorkingImage, liver: Bools, lungs: Bools) -> None:
    """Raise `SegmentationError` when the liver lies above the lungs: the image is upside down."""
    if lungs.sum() * work.voxel_ml < LEAST_LUNG_ML:
        return
    levels = np.arange(liver.shape[0])
    liver_level = float(np.average(levels, weights=liver.sum(axis=(1, 2))))
    lung_level = float(np.average(levels, weights=lungs.sum(axis=(1, 2))))
    if liver_level > lung_level:
        raise SegmentationError(
            "the liver lies above the lungs: the image is upside down against its header; "
            "check the slice order and the orientation"
        )


def require_liver_on_the_right(right_ml: float, left_ml: float) -> None:
    """Raise `SegmentationError` when by far the most deep soft tissue lies on the left."""
    if left_ml > MIRRORED_RATIO * right_ml:
        raise SegmentationError(
            f"the thick organs lie on the patient's left ({left_ml:.0f} mL against {right_ml:.0f} mL): "
            + MIRRORED
        )


def require_one_sided(liver: Bools, alike: Bools, middle: float) -> None:
    """Raise `SegmentationError` when what was found lies on the left, or has a twin there as muscles have.

    `alike` marks tissue like it, `middle` is the body's midline as an index along x.
    """
    columns = np.arange(liver.shape[2])
    weights = liver.sum(axis=(0, 1))
    if float(np.average(columns, weights=weights)) > middle + REMNANT_FRAC * liver.shape[2]:
        raise SegmentationError("the liver-like organ lies on the patient's left: " + MIRRORED)
    z, y, x = np.nonzero(liver)
    twin = np.round(2 * middle - x).astype(np.intp)
    inside = (twin >= 0) & (twin < liver.shape[2]) & (x < middle)
    at = (z[inside], y[inside], twin[inside])
    # What straddles the midline is no twin of itself, unless it is as broad on both sides, as the heart is.
    share = float((alike & ~liver)[at].mean()) if inside.any() else 0.0
    even = float(liver[at].mean()) if inside.any() else 0.0
    if share > TWIN_FRAC or even > EVEN_FRAC:
        raise SegmentationError(
            "no liver is in view: what was found has a twin on the other side, as the muscles of pelvis "
            "and legs have; expected a CT of the upper abdomen"
        )


def findings_about(work: WorkingImage, liver: Bools) -> tuple[Finding, ...]:
    """What a reader must know about the liver on the working grid."""
    found = []
    section = liver.sum(axis=(1, 2))
    cut = [
        name
        for name, area in (("bottom", section[0]), ("top", section[-1]))
        if area > CUT_FRAC * section.max()
    ]
    if cut:
        share = PERCENT * max(section[0], section[-1]) / section.max()
        text = (
            f"The field of view cuts the liver at the {' and '.join(cut)} "
            f"({share:.0f} % of its largest section): volumes and burden hold for the part that is seen."
        )
        found.append(Finding("segmentation.liver-cut", Severity.WARNING, text))
    level = float(np.median(work.hu[liver]))
    if level < UNENHANCED_HU:
        text = (
            f"Parenchyma lies at {level:.0f} HU: no contrast, or a fatty liver. Lesions may not show, "
            "and the burden is likely too low."
        )
        found.append(Finding("segmentation.unenhanced", Severity.WARNING, text))
    return tuple(found)
