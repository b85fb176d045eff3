"""What weakens contours on MR, and what refuses them: orientation, cut livers, guessed sequences."""

from __future__ import annotations

import numpy as np

from emboplan.errors import SegmentationError
from emboplan.model.finding import Finding, Severity
from emboplan.model.image import MrSequence
from emboplan.segmentation.mr.level import Leveled
from emboplan.segmentation.shape import depth_mm
from emboplan.segmentation.working import Bools
from emboplan.units import PERCENT

# The liver's section in the first or last slice, in share of its largest, from which on it counts as cut.
CUT_FRAC = 0.1

# Slices thicker than this average a lesion of 10 mm with its neighbours.
THICK_MM = 6.0

# Dark air in the chest: less of it (mL) may be bowel gas and says nothing; the share of it that lies beyond
# the liver's middle on one side tells up from down.
LEAST_CHEST_ML = 300.0
BELOW_FRAC = 0.8

# After shading is taken off and noise smoothed, a level with this spread (percent) makes lesions unsure.
WIDE_SPREAD_PERCENT = 11.5

# The thick tissue of one signal without a twin measures hundreds of millilitres in a liver that is mostly
# parenchyma. With less of it than this, lesions and parenchyma may have been taken for each other.
SURE_SCORE_ML = 150.0

# The shell of the liver in which lesions are counted as lying at the capsule, and the share of it from which
# on they matter: what of a lesion bulges out of the parenchyma is taken in only where that embraces it.
SHELL_MM = 4.0
CAPSULE_FRAC = 0.1

# Lesions that make up more of the liver than this part its parenchyma, and pieces beyond them are lost.
MUCH_FRAC = 0.25


def require_head_up(image: Leveled, body: Bools, solid: Bools, liver: Bools) -> None:
    """Raise `SegmentationError` when the dark chest lies below the liver: the volume is upside down."""
    dark = body & ~solid
    columns = dark.sum(axis=(1, 2)) * image.work.voxel_ml
    z = np.arange(columns.size)
    middle = float(np.average(z, weights=liver.sum(axis=(1, 2))))
    below, total = float(columns[z < middle].sum()), float(columns.sum())
    if total > LEAST_CHEST_ML and below > BELOW_FRAC * total:
        raise SegmentationError(
            f"the dark chest ({total:.0f} mL) lies below the liver: the volume is upside down; "
            "check the orientation, or give a liver mask"
        )


def findings_about(image: Leveled, liver: Bools, told: MrSequence | None) -> tuple[Finding, ...]:
    """What a reader must know of these contours."""
    found = [
        Finding(
            "segmentation.mr",
            Severity.INFO,
            "The contours were drawn on MR; lungs and lung mass are not seen on it.",
        )
    ]
    if told is None:
        found.append(
            Finding(
                "segmentation.mr-sequence-guessed",
                Severity.WARNING,
                f"The sequence is not known; it was taken for {image.sequence.value} by its looks. On "
                "another sequence lesions look otherwise and are missed: name it.",
            )
        )
    if image.score_ml is not None and image.score_ml < SURE_SCORE_ML:
        found.append(
            Finding(
                "segmentation.mr-level-unsure",
                Severity.WARNING,
                f"Only {image.score_ml:.0f} mL of thick tissue of one signal tell the liver (expected "
                f"{SURE_SCORE_ML:.0f} mL and more): it holds many lesions, or little of it is in view. "
                "Lesions may have been taken for parenchyma, and the burden may be far too low: look at the "
                "pictures, and give a liver mask where they disagree.",
            )
        )
    sections = liver.sum(axis=(1, 2))
    cut = [
        name for name, z in (("lowest", 0), ("highest", -1)) if sections[z] > CUT_FRAC * int(sections.max())
    ]
    if cut:
        found.append(
            Finding(
                "segmentation.liver-cut",
                Severity.WARNING,
                f"The liver reaches the {' and the '.join(cut)} slice: part of it is not in view, and its "
                "volume and the burden are those of the part.",
            )
        )
    thickness = image.work.native_spacing_zyx_mm[0]
    if thickness > THICK_MM:
        found.append(
            Finding(
                "segmentation.mr-thick-slices",
                Severity.WARNING,
                f"Slices are {thickness:.1f} mm apart: lesions below 10 mm are missed and volumes of small "
                "ones are unsure.",
            )
        )
    if image.spread_percent > WIDE_SPREAD_PERCENT:
        found.append(
            Finding(
                "segmentation.mr-noisy",
                Severity.WARNING,
                f"The parenchyma varies by {image.spread_percent:.0f} % of its signal "
                f"(expected below {WIDE_SPREAD_PERCENT:.0f} % of {PERCENT:.0f}): lesions of little contrast "
                "are missed.",
            )
        )
    return tuple(found)


def lesion_findings(image: Leveled, liver: Bools, lesions: Bools) -> tuple[Finding, ...]:
    """What a reader must know of lesions that were found in a liver that was found."""
    shell = liver & (depth_mm(liver, image.work.spacing_zyx_mm) <= SHELL_MM)
    at_surface = float(lesions[shell].mean()) if shell.any() else 0.0
    share = float(lesions[liver].mean()) if liver.any() else 0.0
    found = []
    if image.sequence is MrSequence.T1_POST and lesions.any():
        text = (
            "On T1 after contrast the rim of a lesion can have the liver's signal and is then not counted: a "
            "large lesion may read a third low. T2 shows it whole."
        )
        found.append(Finding("segmentation.mr-t1-rims", Severity.INFO, text))
    if at_surface <= CAPSULE_FRAC and share <= MUCH_FRAC:
        return tuple(found)
    text = (
        f"Lesions make up {PERCENT * share:.0f} % of the liver and {PERCENT * at_surface:.0f} % of its "
        "surface: what of them bulges out, and parenchyma that they part from the rest, may be missing from "
        "the contours. Liver, tumour and burden are likely low."
    )
    found.append(Finding("segmentation.mr-burden-likely-low", Severity.WARNING, text))
    return tuple(found)
