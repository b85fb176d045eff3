"""The size of a lesion: its surface is moved as a whole to where its mean profile has its edge.

A cut at a share of the contrast follows noise and whatever lies beside the lesion. Its shape is kept,
smoothed; how large it is, all voxels around it say together: one blurred step is fitted to the mean CT number
over the distance from the surface, and the surface goes where the step is.
"""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray

from emboplan.model.grid import Grid
from emboplan.segmentation.lesion_shells import (
    Shells,
    away_from,
    edge,
    reshaped,
    shells_around,
    signed_distance,
    solved,
)
from emboplan.segmentation.liver_rim import rim_mm
from emboplan.segmentation.shape import Spacing, depth_mm
from emboplan.segmentation.working import Bools, Floats

# The surface is smoothed by this share of the radius, within bounds (standard deviation): more would take
# small lesions away, less would leave the noise of large ones.
SMOOTH_SHARE = 0.2
SMOOTH_MM = (2.0, 4.0)

# Where the step is sought, with these blurs, in the profile between these distances (mm). A step at the end
# of the search is none.
BLURS_MM = (0.9, 1.1, 1.4)
PLACES_MM = tuple(float(x) for x in np.arange(-20, 21) / 10)
LARGEST_MOVE_MM = 1.9
NEAR_MM = (-5.0, 6.0)

# A lower step is none either.
LEAST_STEP_HU = 5.0


def resized(
    hu: NDArray[np.int16] | NDArray[np.float32], labels: NDArray[np.uint16], liver: Bools, grid: Grid
) -> NDArray[np.uint16]:
    """`labels`, each surface smoothed and moved to its edge; within the liver, not into other lesions.

    Those on slices thicker than 3.5 mm stay as they are, and so do small and crowded ones.
    """
    return reshaped(hu, labels, liver, grid, _moved)


def _moved(hu: Floats, own: Bools, others: Bools, liver: Bools, spacing: Spacing) -> Bools:
    radius_mm = (3 * float(own.sum()) * float(np.prod(spacing)) / (4 * pi)) ** (1 / 3)
    smooth_mm = float(np.clip(SMOOTH_SHARE * radius_mm, *SMOOTH_MM))
    room = liver & ~others
    distance = signed_distance(own, room, spacing, smooth_mm)
    if distance is None:
        return own
    useful = away_from(others, liver & (depth_mm(liver, spacing) > rim_mm(spacing)), spacing)
    found = _step(shells_around(hu, distance, useful).between(*NEAR_MM))
    if found is None:
        return own
    place_mm, blur_mm = found
    # Blur moves the half height of a ball inwards by so much, to first order.
    return np.asarray(room & (distance < place_mm + blur_mm**2 / radius_mm))


def _step(shells: Shells) -> tuple[float, float] | None:
    """Place (mm from the surface) and blur (mm) of the step; None where the profile does not tell."""
    if not shells.enough:
        return None
    root, flat = np.sqrt(shells.weight), np.ones_like(shells.hu)
    fits = []
    for blur in BLURS_MM:
        for place in PLACES_MM:
            heights, misfit = solved([flat, edge(shells.distance_mm, place, blur)], shells.hu, root)
            fits.append((misfit, place, blur, abs(float(heights[1]))))
    _, place_mm, blur_mm, height_hu = min(fits)
    seen = abs(place_mm) <= LARGEST_MOVE_MM and height_hu >= LEAST_STEP_HU
    return (place_mm, blur_mm) if seen else None
