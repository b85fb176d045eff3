"""Thin layers of fat between organs: they part what has the same CT number.

Between liver and muscle, kidney or stomach lies a layer of fat that is often only a millimetre or two thin.
The working image averages it away, so that the liver leaks into its neighbours wherever these look like it.
On the finer image the layer shows as a dark line between tissue on both sides.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from emboplan.model.mask import Box, bounding_box
from emboplan.segmentation.parenchyma import SOFT_HU
from emboplan.segmentation.working import Bools, Floats, WorkingImage

# Fat as this search counts it, in round numbers: a setting of the algorithm, like the shares below.
FAT_HU = -100.0

# Layers up to this thickness (or one slice, where that is more) are thin, and darker than the tissue on both
# sides by this at least. Thicker fat is no liver anyway, and its edge belongs to the organ as far as the
# surface says later.
THIN_MM = 5.0
LEAST_STEP_HU = 40.0

# A voxel of a thin layer holds this share of fat at least, the rest being liver's darkest tissue.
THIN_FAT_FRAC = 0.4

# Blurring of the finer image: the grain of noise, without the layer.
GRAIN_MM = 0.6

# Air counts as fat: a lung's edge would shine through the closing otherwise.
LOWEST_HU = -150.0


def mixed_with_fat(level_hu: float | Floats, share: float) -> Floats:
    """The CT number of tissue of that level (HU) of which such a share is fat."""
    level = np.asarray(level_hu, np.float32)
    return np.asarray(level + np.float32(share) * (np.float32(FAT_HU) - level), np.float32)


def fat_planes(fine: WorkingImage, work: WorkingImage, body: Bools, tissue_hu: float) -> Bools:
    """The voxels of `work` through which a thin layer of fat runs.

    It is sought on the `fine` image of the same CT, inside the `body` (on the grid of `work`); `tissue_hu` is
    the CT number of the darkest tissue that makes up much of the liver.
    """
    out = np.zeros_like(body)
    box = bounding_box(body)
    if box is None:
        return out
    place = tuple(
        slice(s.start * coarse // step, -(-s.stop * coarse // step))
        for s, coarse, step in zip(box, work.factors, fine.factors, strict=True)
    )
    hu = np.maximum(fine.cropped((place[0], place[1], place[2])).hu, np.float32(LOWEST_HU))
    hu = fine.smooth(hu, GRAIN_MM)
    size = [2 * max(1, round(THIN_MM / 2 / edge)) + 1 for edge in fine.spacing_zyx_mm]
    closed = ndimage.minimum_filter(ndimage.maximum_filter(hu, size), size)
    dark = (closed - hu > LEAST_STEP_HU) & (hu < mixed_with_fat(tissue_hu, THIN_FAT_FRAC))
    out[box] = _coarser(dark & (closed > SOFT_HU[0]), fine, work, box, place)
    return out


def _coarser(
    thin: Bools, fine: WorkingImage, work: WorkingImage, box: Box, place: tuple[slice, ...]
) -> Bools:
    """Voxels of `box` on the coarser grid that hold a marked voxel of `place` on the finer one."""
    for axis in range(3):
        ratio = work.factors[axis] / fine.factors[axis]
        middle = (np.arange(box[axis].start, box[axis].stop) + 1 / 2) * ratio - 1 / 2 - place[axis].start
        last = thin.shape[axis] - 1
        low, high = (np.clip(f(middle).astype(np.intp), 0, last) for f in (np.floor, np.ceil))
        thin = np.take(thin, low, axis=axis) | np.take(thin, high, axis=axis)
    return thin
