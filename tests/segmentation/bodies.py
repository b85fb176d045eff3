"""Small analytic bodies: ellipsoids of known size in a torso of fat and muscle."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.model.mask import Mask

SPACING_MM = (2.0, 2.0, 3.0)
SHAPE = (84, 150, 180)
LIVER_HU, LESION_HU, MUSCLE_HU, FAT_HU, SPLEEN_HU, LUNG_HU, BONE_HU = 110, 65, 55, -100, 125, -850, 500
SCANNER_BLUR_MM = 1.2


@dataclass(frozen=True, slots=True)
class Body:
    """A CT and the truth of what was drawn in it."""

    ct: CtImage
    liver: Mask
    lungs: Mask
    lesions: tuple[Mask, ...]


def analytic_body(
    *, lesions: tuple[tuple[float, float, float, float], ...] = (), noise_hu: float = 12.0, seed: int = 1
) -> Body:
    """A torso with lungs, liver, spleen, spine and ribs; lesions are balls (x, y, z, radius) in mm.

    x runs to the left from the body's middle, y to the back, z to the head from the lowest slice.
    """
    nz, ny, nx = SHAPE
    dx, dy, dz = SPACING_MM
    origin = (-(nx - 1) * dx / 2, -(ny - 1) * dy / 2, 0.0)
    grid = Grid(SHAPE, SPACING_MM, origin)
    z, y, x = np.ogrid[0:nz, 0:ny, 0:nx]
    mm = (x * dx + origin[0], y * dy + origin[1], z * dz)

    def ball(cx: float, cy: float, cz: float, rx: float, ry: float, rz: float) -> NDArray[np.bool_]:
        return np.asarray(((mm[0] - cx) / rx) ** 2 + ((mm[1] - cy) / ry) ** 2 + ((mm[2] - cz) / rz) ** 2 <= 1)

    flat = np.broadcast_to(mm[2] > -1, SHAPE)
    torso = ball(0, 0, 120, 160, 115, 1e6) & flat
    wall = ball(0, 0, 120, 146, 101, 1e6) & flat
    cavity = ball(0, 0, 120, 132, 88, 1e6) & flat
    hu = np.full(SHAPE, -1000.0, np.float32)
    hu[torso] = FAT_HU
    hu[wall] = MUSCLE_HU
    hu[cavity] = FAT_HU
    liver = ball(-60, -5, 120, 66, 72, 78) & cavity
    dome = ball(-60, -5, 120, 74, 80, 86)
    lungs = cavity & (mm[2] > 150) & ~dome & (np.abs(mm[0]) > 28)
    mediastinum = cavity & (mm[2] > 150) & (np.abs(mm[0]) <= 28) & ~dome
    hu[lungs] = LUNG_HU
    hu[mediastinum] = MUSCLE_HU
    hu[liver] = LIVER_HU
    hu[ball(95, 35, 110, 30, 35, 45) & cavity & ~liver & ~lungs] = SPLEEN_HU
    hu[ball(0, 75, 120, 18, 18, 1e6) & flat] = BONE_HU
    drawn = []
    for cx, cy, cz, r in lesions:
        lesion = ball(cx, cy, cz, r, r, r)
        hu[lesion] = LESION_HU
        liver = liver | lesion
        drawn.append(Mask(grid, lesion))
    hu = ndimage.gaussian_filter(hu, [SCANNER_BLUR_MM / d for d in (dz, dy, dx)])
    hu += np.random.default_rng(seed).normal(0, noise_hu, SHAPE).astype(np.float32)
    return Body(
        CtImage(grid, np.round(hu).astype(np.int16)), Mask(grid, liver), Mask(grid, lungs), tuple(drawn)
    )
