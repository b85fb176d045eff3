"""Refusals and findings: is the image what it says it is, and the liver what it should be?

A volume stored upside down, mirrored or turned over looks like a body, and a program that trusts the header
would measure the spleen. The lungs lie above, the spine behind and the liver on the right; where they do
not, the liver is refused. What weakens the numbers (a cut liver, no contrast) is recorded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan import catalog as catalogue
from emboplan.errors import SegmentationError
from emboplan.model.finding import Finding, Severity
from emboplan.segmentation.shape import depth_mm
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

# Ribs: pieces of bone this far from the middle (share of half the body's width), no larger and no thicker
# than this. A section of the upper abdomen crosses some on either side; one of pelvis or legs has a long bone
# on each. Without lungs in view this share of the liver lies in slices with so many.
BESIDE_FRAC = 0.5
RIB_ML = (0.2, 25.0)
RIB_DEPTH_MM = 8.0
LEAST_RIBS = 3
RIBS_FRAC = 0.25

# Share of an organ whose mirror image looks like it: spleen and stomach make a third of the liver's, muscles
# more.
TWIN_FRAC = 0.55

# The liver's section in the first or last slice, in share of its largest, from which on it counts as cut.
CUT_FRAC = 0.1

# Parenchyma this dark is unenhanced (or fatty), and most lesions hide in it.
UNENHANCED_HU = 75.0

# A lesion that holds this share of the liver and more is looked at twice: a ball of 9 cm holds less of 2 L.
VAST_FRAC = 0.2


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


def require_lungs_or_ribs(work: WorkingImage, body: Bools, liver: Bools, lungs: Bools) -> None:
    """Raise `SegmentationError` when neither lungs nor ribs say that this is the upper abdomen."""
    if lungs.sum() * work.voxel_ml >= LEAST_LUNG_ML:
        return
    with_ribs = _ribs_in_slices(work, body) >= LEAST_RIBS
    if float(liver[with_ribs].sum()) < RIBS_FRAC * float(liver.sum()):
        raise SegmentationError(
            "no liver is in view: the CT shows neither lungs, nor ribs beside what was found; expected a CT "
            "of the upper abdomen (give a liver mask where the field of view leaves the ribs out)"
        )


def _ribs_in_slices(work: WorkingImage, body: Bools) -> NDArray[np.intp]:
    """How many thin small pieces of bone each slice crosses beside the middle of the body."""
    columns = np.flatnonzero(body.any(axis=(0, 1)))
    middle, half = (columns[0] + columns[-1]) / 2, (columns[-1] - columns[0]) / 2
    beside = np.abs(np.arange(body.shape[2]) - middle) > BESIDE_FRAC * half
    bone = body & beside & (work.hu > BONE_HU)
    # Marrow is dark: long bones are rings.
    filled = np.stack([ndimage.binary_fill_holes(section) for section in bone])
    depth = depth_mm(filled, work.spacing_zyx_mm)
    labels, count = ndimage.label(filled, np.ones((3, 3, 3)))
    if not count:
        return np.zeros(body.shape[0], np.intp)
    names = np.arange(1, count + 1)
    volumes_ml = np.bincount(labels.ravel(), minlength=count + 1)[1:] * work.voxel_ml
    thin = ndimage.maximum(depth, labels, names) <= RIB_DEPTH_MM
    ribs = names[thin & (volumes_ml >= RIB_ML[0]) & (volumes_ml <= RIB_ML[1])]
    return np.array([np.isin(ribs, section).sum() for section in labels], np.intp)


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


def small_liver(volume_ml: float) -> tuple[Finding, ...]:
    """A warning where what was found holds less than livers mostly do: the rest may have been missed."""
    least_ml = catalogue.load().number("interval.small_liver_below")
    if volume_ml >= least_ml:
        return ()
    text = (
        f"The liver that was found has {volume_ml:.0f} mL, less than {least_ml:.0f} mL: parts of it, and the "
        "tumour in them, may be missing. Look at the contours, and correct or draw them."
    )
    return (Finding("segmentation.liver-small", Severity.WARNING, text),)


def vast_lesion(largest_ml: float, liver_ml: float) -> tuple[Finding, ...]:
    """A warning where one lesion holds so much of the liver that a darkened part of it may look the same."""
    share = largest_ml / max(liver_ml, 1.0)
    if share < VAST_FRAC:
        return ()
    text = (
        f"One lesion of {largest_ml:.0f} mL holds {100 * share:.0f} % of the liver: it may be several, or a "
        "part of the liver that arms beside the body, streaks or perfusion darken. Look at the contours, and "
        "correct them."
    )
    return (Finding("segmentation.lesion-vast", Severity.WARNING, text),)


def close_parenchyma(close_hu: tuple[float, float] | None) -> tuple[Finding, ...]:
    """A warning where two tissues may be parenchyma: the one that was taken, and the other (HU)."""
    if close_hu is None:
        return ()
    taken_hu, other_hu = close_hu
    text = (
        f"Two tissues make up the liver, of about {taken_hu:.0f} and {other_hu:.0f} HU, and their shapes "
        f"hardly tell which is tumour: that of {taken_hu:.0f} HU was taken for parenchyma. If it is the "
        "other one, the burden is far off. Look at the contours, and correct or draw them."
    )
    return (Finding("segmentation.parenchyma-unsure", Severity.WARNING, text),)


def doubtful_neighbour(volume_ml: float) -> tuple[Finding, ...]:
    """A warning where thick round tissue lies against the liver that may be tumour of it, or an organ."""
    if volume_ml == 0:
        return ()
    text = (
        f"Thick round tissue of {volume_ml:.0f} mL lies against the liver and was not counted: it may be "
        "tumour of the liver, kidney or bowel. Look at the contours, and correct them."
    )
    return (Finding("segmentation.liver-neighbour", Severity.WARNING, text),)


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
