"""Is what is left of the liver, lesions taken away, one tissue? Where it is not, tumour may have been missed.

Parenchyma is even: smoothed over a centimetre its CT numbers lie close together. Where much of a liver is
tumour, no histogram tells which tissue is which, and the burden can read far too low. That must be said.
"""

from __future__ import annotations

import numpy as np

from emboplan.model.finding import Finding, Severity
from emboplan.model.mask import bounding_box
from emboplan.segmentation.lesion_classes import typical_parenchyma
from emboplan.segmentation.lesion_scene import scene_of
from emboplan.segmentation.shape import distance_mm
from emboplan.segmentation.working import Bools, WorkingImage

UNEVEN_ID = "segmentation.liver-uneven"

# Smoothing, and the distance from lesions, whose edges are blurred.
SIGMA_MM = 8.0
OFF_LESIONS_MM = 4.0

# Of the smoothed deviation from parenchyma's level these percentiles are looked at. Healthy livers lie within
# -4 and +9.5 HU there, their vessels above, and no farther; dark lesions of little contrast lie below.
PERCENTILES = (5.0, 95.0)
DARK_HU, BRIGHT_HU = -7.0, 10.0

# Less than this says nothing.
LEAST_ML = 20.0


def uneven_liver(work: WorkingImage, liver: Bools, lesions: Bools) -> tuple[Finding, ...]:
    """A warning where the liver outside its lesions is not one tissue; masks on the working grid."""
    box = bounding_box(liver, margin=4)
    if box is None:
        return ()
    part = work.cropped(box)
    scene = scene_of(part, liver[box], typical_parenchyma(part, liver[box] & ~lesions[box]))
    rest = scene.deep & (distance_mm(lesions[box], work.spacing_zyx_mm) > OFF_LESIONS_MM)
    if rest.sum() * work.voxel_ml < LEAST_ML:
        text = (
            "Next to no liver is left outside the lesions that were found: the burden is uncertain. "
            "Look at the contours, and correct or draw them."
        )
        return (Finding(UNEVEN_ID, Severity.WARNING, text),)
    smooth = part.smooth_inside(scene.tissue - scene.level, rest, SIGMA_MM)[rest]
    dark, bright = (float(v) for v in np.percentile(smooth, PERCENTILES))
    if dark >= DARK_HU and bright <= BRIGHT_HU:
        return ()
    text = (
        f"The liver outside the lesions that were found is uneven ({dark:+.0f} to {bright:+.0f} HU about its "
        "level): it may hold tumour that was not counted, and the burden may be far too low. "
        "Look at the contours, and correct or draw them."
    )
    return (Finding(UNEVEN_ID, Severity.WARNING, text),)
