"""Spleen, stomach and bowel where they are as bright as the liver: told apart by place and by gas.

The liver reaches the left side in front; what is thick, lies on the left and behind the front of the spine is
spleen, kidney or stomach. Gas in the belly shows where the gut lies: its wall is next to it, and its content
lies below the gas.
"""

from __future__ import annotations

import numpy as np

from emboplan.segmentation.landmarks import Spine
from emboplan.segmentation.parenchyma import Parenchyma
from emboplan.segmentation.shape import Spacing, depth_mm, distance_mm, opened, without_small
from emboplan.segmentation.working import Bools, Floats, WorkingImage

# Left and behind: so far to the left of the spine's middle, and not before its front, or not far before it
# where it lies farther left; so thick.
LEFT_MM = 40.0
FAR_LEFT_MM, NEARLY_MM = 75.0, 20.0
LEFT_DEPTH_MM = 6.0

# Gas: far below fat, in pockets of at least this, and so far off the lungs, whose edges look like gas.
GAS_HU = -250.0
LEAST_GAS_ML = 0.3
OFF_LUNGS_MM = 8.0

# The wall of the gut lies within this of its gas, and its content for at least this far below the gas.
GUT_WALL_MM = 4.0
CONTENT_MM = 12.0

# What is this deep in tissue like liver is not taken for the gut's wall.
SURE_DEPTH_MM = 6.0

# What fills the gut: water to porridge, darker than the liver by so many of its spreads, and at least twice
# this thick. Walls are denser.
CONTENT_HU = (-20.0, 50.0)
CONTENT_SPREADS = 1.6
CONTENT_DEPTH_MM = 5.0


def left_organs(work: WorkingImage, soft: Bools, spine: Spine) -> Bools:
    """Surely spleen, left kidney or stomach: thick soft tissue on the left, behind the spine's front."""
    _, dy, dx = work.spacing_zyx_mm
    rows, columns = np.arange(soft.shape[1]), np.arange(soft.shape[2])
    left = columns[None] > (spine.column + LEFT_MM / dx)[:, None]
    far_left = columns[None] > (spine.column + FAR_LEFT_MM / dx)[:, None]
    behind = rows[None] > spine.front[:, None]
    nearly = rows[None] > (spine.front - NEARLY_MM / dy)[:, None]
    thick = depth_mm(soft, work.spacing_zyx_mm) > LEFT_DEPTH_MM
    place = left[:, None, :] & behind[:, :, None] | far_left[:, None, :] & nearly[:, :, None]
    return np.asarray(thick & place)


def gut_at_gas(work: WorkingImage, soft: Bools, alike: Bools, lungs: Bools, body: Bools) -> Bools:
    """Surely gut: soft tissue next to its gas, or below it."""
    spacing = work.spacing_zyx_mm
    gas = body & (work.hu < GAS_HU) & (distance_mm(lungs, spacing) > OFF_LUNGS_MM)
    gas = without_small(gas, LEAST_GAS_ML / work.voxel_ml)
    if not gas.any():
        return gas
    wall = distance_mm(gas, spacing) <= GUT_WALL_MM
    steps = round(CONTENT_MM / spacing[1])
    sure = depth_mm(alike, spacing) > SURE_DEPTH_MM
    return np.asarray(soft & (wall | _under(gas, soft, steps)) & ~sure)


def _under(gas: Bools, soft: Bools, steps: int) -> Bools:
    """Soft tissue that is reached from gas straight backwards through soft tissue alone."""
    reached = np.zeros_like(gas)
    front = gas
    for _ in range(steps):
        moved = np.zeros_like(front)
        moved[:, 1:] = front[:, :-1]
        front = moved & soft
        reached |= front
    return reached


def wall_of_content(gut: Bools, tissue: Floats, model: Parenchyma, spacing: Spacing) -> Bools:
    """The wall around what fills stomach and bowel, which can be as bright as the liver that it leans on.

    Content never touches liver: within the wall's thickness of it nothing is liver. `gut` may hold spleen and
    kidney, too: they are brighter than content.
    """
    darker = model.low_hu - CONTENT_SPREADS * model.spread_hu
    content = gut & (tissue > CONTENT_HU[0]) & (tissue < min(CONTENT_HU[1], darker))
    thick = opened(content, spacing, CONTENT_DEPTH_MM)
    return np.asarray((distance_mm(thick, spacing) <= GUT_WALL_MM) & ~gut)
