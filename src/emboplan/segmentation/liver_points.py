"""What a point says about the liver: a piece that was missed, or one that does not belong to it.

A missed piece is the tissue around the point that is like it, up to the necks that part it from others. A
piece to leave out is found by its CT number where that is not the liver's, and by the neck it hangs on where
it is.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from emboplan.errors import InputError
from emboplan.segmentation.body import SKIN_HU
from emboplan.segmentation.point_pieces import Around
from emboplan.segmentation.shape import distance_mm
from emboplan.segmentation.spread import robust_level
from emboplan.segmentation.working import Bools, Floats

# Farthest change around a point that says no radius: the size of a liver segment, far below that of the
# organ.
LIVER_REACH_MM = 30.0

# Between liver and a piece that is added no slit of blurred voxels stays that is thinner than twice this, or
# than two voxels.
SLIT_MM = 1.5

# Blur takes the edge of a piece for something else: the edge is looked for up to here, against what lies
# beyond it, which is averaged over some millimetres.
RIM_MM = 2.5
BEYOND_MM = 8.0
BEYOND_SIGMA_MM = 3.0

# Below this share of voxels beyond the edge nothing is known of what lies there.
LEAST_WEIGHT = 1e-3


def piece_to_add(scene: Around, liver: Bools, where: str) -> Bools:
    """The missed piece at the point, in the scene's box; `liver` is cut to that box.

    Raises `InputError` when there is no compact tissue at the point.
    """
    level, tolerance = scene.level(~liver)
    if level < SKIN_HU:
        raise InputError(
            f"the point {where} lies in air ({level:.0f} {scene.unit}), which is no liver; check x, y and z"
        )
    alike = scene.smoothed(np.abs(scene.hu - level) <= tolerance)
    piece = scene.piece(alike & ~liver)
    if piece is None:
        raise InputError(f"no compact tissue lies at the point {where}; give a box or a mask instead")
    piece |= _rim(scene, piece, liver, level, tolerance)
    spacing = scene.grid.spacing_zyx_mm
    slit_mm = max(SLIT_MM, *spacing)
    slit = (distance_mm(piece, spacing) <= slit_mm) & (distance_mm(liver, spacing) <= slit_mm)
    filled = np.asarray(ndimage.binary_fill_holes(liver | piece | slit))
    return filled & ~liver & scene.near


def _rim(scene: Around, piece: Bools, liver: Bools, level: float, tolerance: float) -> Bools:
    """The blurred edge of a piece: voxels beside it that are nearer to its level than to what lies beyond.

    Only where what lies beyond is clearly something else; elsewhere the piece ends as it does.
    """
    spacing = scene.grid.spacing_zyx_mm
    away = distance_mm(piece, spacing)
    beyond = ((away > RIM_MM) & (away <= BEYOND_MM) & ~liver).astype(np.float32)
    sigma = [BEYOND_SIGMA_MM / d for d in spacing]
    weight = ndimage.gaussian_filter(beyond, sigma)
    other = ndimage.gaussian_filter(beyond * scene.hu, sigma) / np.maximum(weight, np.float32(LEAST_WEIGHT))
    known = (weight > LEAST_WEIGHT) & (np.abs(other - level) > 2 * tolerance)
    nearer = np.abs(scene.hu - level) < np.abs(scene.hu - other)
    return np.asarray((away > 0) & (away <= RIM_MM) & ~liver & known & nearer)


def piece_to_remove(scene: Around, liver: Bools, liver_hu: Floats, where: str, *, bounded: bool) -> Bools:
    """The piece of the liver to leave out at the point; `liver_hu` are CT numbers of normal liver anywhere.

    What would be cut off from the rest by it, and lies within the reach, goes with it. `bounded` says that
    the reach was asked for. Raises `InputError` when the point does not lie in the liver, or when neither CT
    number nor neck parts the tissue there from it and no reach was asked for.
    """
    if scene.start(liver) is None:
        raise InputError(
            f"the point {where} does not lie in the liver, so that nothing can be left out there"
        )
    level, tolerance = scene.level(liver)
    usual, _ = robust_level(liver_hu)
    region, differs = liver, abs(level - usual) > tolerance
    if differs:
        middle = (level + usual) / 2
        own = scene.smoothed(((scene.hu > middle) == (level > usual)) & liver)
        region = own & liver if scene.start(own & liver) is not None else liver
    piece = scene.piece(region)
    if piece is None:
        raise InputError(f"no piece of the liver lies at the point {where}; give a box or a mask instead")
    if not (differs or bounded) and scene.stopped(piece):
        raise InputError(
            f"nothing parts the tissue at the point {where} from the liver within {scene.reach_mm:.0f} mm; "
            "give a radius (x,y,z,r), a box or a mask to leave it out"
        )
    return piece | _left_over(scene, liver & ~piece, piece)


def _left_over(scene: Around, rest: Bools, piece: Bools) -> Bools:
    """Parts of the rest that hang on the piece alone: they touch it, and lie wholly within the reach."""
    labels, count = ndimage.label(rest)
    if count < 2:
        return np.zeros_like(rest)
    touching = np.unique(labels[ndimage.binary_dilation(piece)])
    reaching_out = np.unique(labels[~scene.near])
    sizes = np.bincount(labels.ravel())
    alone = [n for n in touching if n and n not in reaching_out and sizes[n] < int(sizes[1:].max())]
    return np.isin(labels, alone)
