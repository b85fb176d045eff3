"""What a point says about lesions: one that was missed, grown from the point, or one that is none.

A missed lesion reaches as far as the CT number is nearer to that at the point than to that of the liver
around it: half the contrast. Blur makes that fall inside the true surface of a small sphere, and the share of
contrast at which the surface is cut allows for it.
"""

from __future__ import annotations

from math import hypot, pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.errors import InputError
from emboplan.segmentation.point_pieces import SMOOTH_MM, Around, connected
from emboplan.segmentation.shape import depth_mm, distance_mm
from emboplan.segmentation.spread import robust_level
from emboplan.segmentation.working import Bools, Floats
from emboplan.units import ML_PER_MM3

# Farthest change around a point that says no radius: a lesion of 100 mm, seen from its middle.
LESION_REACH_MM = 50.0

# A lesion stands out by three standard deviations of the smoothed liver, and by what an eye would see.
LEAST_DEVIATIONS = 3.0
LEAST_CONTRAST_HU = 10.0

# The liver around a lesion: beyond its blurred edge, and near enough to have the same enhancement.
SHELL_MM = (3.0, 15.0)

# Vessels and streaks thinner than twice this do not carry the growth on; lesions are seldom as thin.
THREAD_MM = 2.0

# The level around the lesion is taken once from the whole liver and again around what was grown.
PASSES = 2

# Blur of a usual scanner (standard deviation), to which our smoothing is added.
SCANNER_MM = 1.5

# However small a lesion, its surface is not sought below this share of the contrast: there noise begins.
LEAST_SHARE = 0.3


def grown_lesion(scene: Around, normal: Bools, liver: Bools, liver_hu: Floats, where: str) -> Bools:
    """The lesion at a point, in the scene's box; `normal` is liver without lesions, `liver` all of it.

    `liver_hu` are CT numbers of normal liver anywhere, from which the first level comes.

    Raises `InputError` when the point lies outside the liver, or nothing stands out there.
    """
    at = scene.start(liver)
    if at is None:
        raise InputError(
            f"the point {where} lies outside the liver; take the liver in there first, with --include"
        )
    seen = scene.seed & normal
    inside, spread = robust_level(scene.hu[seen if seen.any() else scene.seed])
    # At the edge of a small lesion the seed holds two tissues; the box holds two around a large one. The
    # lesser spread is the noise.
    spread = min(spread, robust_level(scene.hu[normal])[1]) if normal.any() else spread
    outside, _ = robust_level(liver_hu)
    found, share, unit = np.zeros_like(normal), 0.5, scene.unit
    for _ in range(PASSES):
        least = max(LEAST_DEVIATIONS * spread, LEAST_CONTRAST_HU)
        if abs(inside - outside) < least:
            raise InputError(
                f"nothing stands out at the point {where}: {inside:.0f} {unit} against {outside:.0f} {unit} "
                f"in normal liver; a lesion needs a difference of {least:.0f} {unit}; give a box or a mask "
                "instead"
            )
        edge = outside + share * (inside - outside)
        found = _compact(scene, ((scene.hu > edge) == (inside > outside)) & normal, where)
        share = share_at_surface(int(np.count_nonzero(found)) * scene.grid.voxel_ml)
        away = distance_mm(found, scene.grid.spacing_zyx_mm)
        shell = normal & (away > SHELL_MM[0]) & (away <= SHELL_MM[1])
        if shell.any():
            outside, spread = robust_level(scene.hu[shell])
    return np.asarray(ndimage.binary_fill_holes(found)) & normal & scene.near


def share_at_surface(volume_ml: float) -> float:
    """The share of its contrast that a blurred sphere of this volume has at its true surface.

    To first order in blur over radius: ``1/2 - sigma / (r sqrt(2 pi))``.
    """
    radius_mm = (3 * volume_ml / ML_PER_MM3 / (4 * pi)) ** (1 / 3)
    blur_mm = hypot(SCANNER_MM, SMOOTH_MM)
    return max(LEAST_SHARE, 0.5 - blur_mm / (radius_mm * sqrt(2 * pi))) if radius_mm > 0 else LEAST_SHARE


def _compact(scene: Around, region: Bools, where: str) -> Bools:
    """The part of a region at the point without the threads that lead out of it."""
    region = region & scene.near
    at = scene.start(region)
    if at is None:
        raise InputError(f"nothing stands out at the point {where}; give a box or a mask instead")
    whole = connected(region, at)
    spacing = scene.grid.spacing_zyx_mm
    core = depth_mm(whole, spacing) > THREAD_MM
    inner = scene.start(core)
    if inner is None:  # all of it is thin: a small lesion, or a flat one
        return whole
    # Half a voxel's diagonal more, or the corners of the voxel grid would be cut off everywhere.
    back_mm = THREAD_MM + hypot(*spacing) / 2
    return whole & (distance_mm(connected(core, inner), spacing) <= back_mm)


def lesion_at(scene: Around, labels: NDArray[np.uint16]) -> int | None:
    """The label of the lesion at a point, or of the nearest that a hand could have meant."""
    at = scene.start(labels > 0)
    return None if at is None else int(labels[at])
