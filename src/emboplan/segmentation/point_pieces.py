"""The piece of tissue that a point means: connected, alike, parted from others at necks, and never far.

A reader points at what was missed or taken in by mistake. Around the point the CT is lightly smoothed; what
is like the tissue there is one region, and the watershed of its depth parts it where it is joined to others
by a neck. Nothing beyond a stated distance from the point belongs to the piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import SimpleITK
from scipy import ndimage

from emboplan.model.grid import Grid, Vector
from emboplan.model.image import CtImage
from emboplan.model.mask import Box
from emboplan.segmentation.shape import depth_mm
from emboplan.segmentation.spread import robust_level
from emboplan.segmentation.working import Bools, Floats

# The CT is smoothed over this standard deviation: grain goes, edges stay within a voxel or two.
SMOOTH_MM = 1.5

# The tissue at the point is what lies within this distance: less is noise, more reaches over small things.
SEED_MM = 4.0

# A point set by hand misses what it means by no more than this.
SNAP_MM = 5.0

# Beyond the farthest change, so much of the image is looked at: depths at that distance are then the right
# ones.
MARGIN_MM = 10.0

# A piece that comes within this of the reach, or within a voxel, was ended by it.
AT_REACH_MM = 1.0

# Bays and bridges are smoothed over this standard deviation before depths are taken: single voxels that noise
# takes out of a region would make it shallow everywhere.
RAGGED_MM = 1.5

# Two parts are parted where the bridge between them is shallower than the shallower one by this.
NECK_MM = 2.0

# Tissue is alike within three standard deviations of what is seen at the point, within these bounds: less
# than the first would follow noise, more than the second would take muscle for liver.
ALIKE_DEVIATIONS = 3.0
ALIKE_HU = (15.0, 40.0)


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """The surroundings of a point: a box of the image, smoothed CT numbers, and distances from the point.

    `unit` is what messages call the unit of the numbers: those of an MR in percent are taken too.
    """

    box: Box
    hu: Floats
    away_mm: Floats
    grid: Grid
    reach_mm: float
    unit: str

    @property
    def near(self) -> Bools:
        """What may change; at least the voxel that holds the point, however thick the slices are."""
        return np.asarray(self.away_mm <= max(self.reach_mm, float(self.away_mm.min())))

    @property
    def seed(self) -> Bools:
        """The tissue at the point; at least the voxel that holds it."""
        return np.asarray(self.away_mm <= max(SEED_MM, float(self.away_mm.min())))

    def stopped(self, piece: Bools) -> bool:
        """Whether a piece comes so near to the reach that the reach ended it."""
        least = self.reach_mm - max(AT_REACH_MM, *self.grid.spacing_mm)
        return bool(piece.any()) and float(self.away_mm[piece].max()) >= least

    def level(self, inside: Bools | None = None) -> tuple[float, float]:
        """Median CT number at the point, and the tolerance for tissue like it; only of voxels inside."""
        seen = self.seed if inside is None or not (self.seed & inside).any() else self.seed & inside
        level, deviation = robust_level(self.hu[seen])
        return level, float(np.clip(ALIKE_DEVIATIONS * deviation, *ALIKE_HU))

    def smoothed(self, region: Bools) -> Bools:
        """The region without grain on its surface and in it."""
        sigma = [RAGGED_MM / d for d in self.grid.spacing_zyx_mm]
        return np.asarray(ndimage.gaussian_filter(region.astype(np.float32), sigma) > np.float32(0.5))

    def start(self, region: Bools) -> tuple[int, ...] | None:
        """The voxel of a region nearest to the point; None where it lies farther than a hand misses."""
        distance = np.where(region, self.away_mm, np.float32(np.inf))
        at = np.unravel_index(int(distance.argmin()), distance.shape)
        reachable = max(min(SNAP_MM, self.reach_mm), float(self.away_mm.min()))
        return tuple(int(i) for i in at) if distance[at] <= reachable else None

    def piece(self, region: Bools) -> Bools | None:
        """The part of a region that the point lies in, cut from others at necks and at the reach.

        None where the region is farther from the point than a hand misses.
        """
        at = self.start(region)
        if at is None:
            return None
        depth = depth_mm(region, self.grid.spacing_zyx_mm)
        image = SimpleITK.GetImageFromArray(-depth)
        basins = SimpleITK.GetArrayFromImage(
            SimpleITK.MorphologicalWatershed(image, level=NECK_MM, markWatershedLine=False)
        )
        return connected((basins == basins[at]) & region & self.near, at)


def around(ct: CtImage, point_mm: Vector, reach_mm: float, unit: str) -> Around:
    """The surroundings of a point that lies in the image, out to a little beyond `reach_mm`."""
    grid = ct.grid
    index = grid.to_index(point_mm)[::-1]
    bounds = []
    for at, d, n in zip(index, grid.spacing_zyx_mm, grid.shape, strict=True):
        half = ceil((reach_mm + MARGIN_MM) / d)
        bounds.append(slice(max(0, round(float(at)) - half), min(n, round(float(at)) + half + 1)))
    box = (bounds[0], bounds[1], bounds[2])
    steps = [
        (np.arange(s.start, s.stop) - float(at)) * d
        for s, at, d in zip(box, index, grid.spacing_zyx_mm, strict=True)
    ]
    z, y, x = np.meshgrid(*steps, indexing="ij", sparse=True)
    # The grid's axes are perpendicular, so that distances along them add up as squares.
    away = np.sqrt(z * z + y * y + x * x).astype(np.float32)
    sigma = [SMOOTH_MM / d for d in grid.spacing_zyx_mm]
    hu = ndimage.gaussian_filter(ct.hu[box].astype(np.float32), sigma)
    return Around(box, np.asarray(hu, np.float32), away, grid, reach_mm, unit)


def connected(region: Bools, at: tuple[int, ...]) -> Bools:
    """The connected part of a region that holds a voxel of it; nothing for a voxel outside."""
    labels, _ = ndimage.label(region)
    return np.asarray((labels == labels[at]) & region)
