"""The body wall on a drawn torso: rings of known thickness, and a liver as bright as the muscle."""

import numpy as np
import pytest
from numpy.typing import NDArray

from emboplan.model.grid import Grid
from emboplan.model.image import CtImage
from emboplan.segmentation.body import find_body
from emboplan.segmentation.landmarks import dome_level, find_spine
from emboplan.segmentation.parenchyma import denoised
from emboplan.segmentation.wall import body_wall
from emboplan.segmentation.working import working_image

SHAPE = (40, 130, 160)
SPACING_MM = (2.4, 2.4, 4.0)
SOFT_HU, FAT_HU, BONE_HU, LUNG_HU = 55.0, -100.0, 500.0, -850.0
WALL_MM = 18.0


def drawn_torso(
    *, edge_mm: float = 0.0, bone_hu: float = BONE_HU
) -> tuple[CtImage, dict[str, NDArray[np.bool_]]]:
    """Fat of 12 mm, muscle of 18 mm with ribs, and a liver of the muscle's brightness.

    With an `edge_mm` the liver's lower part lies against the front wall alone, so thick, with fat behind it,
    and there are no ribs in front.
    """
    nz, ny, nx = SHAPE
    dx, dy, dz = SPACING_MM
    z, y, x = np.ogrid[0:nz, 0:ny, 0:nx]
    mm = ((x - (nx - 1) / 2) * dx, (y - (ny - 1) / 2) * dy, z * dz)

    def tube(rx: float, ry: float) -> NDArray[np.bool_]:
        return np.broadcast_to((mm[0] / rx) ** 2 + (mm[1] / ry) ** 2 <= 1, SHAPE)

    skin, outer, inner = tube(170, 130), tube(158, 118), tube(158 - WALL_MM, 118 - WALL_MM)
    behind_rib = tube(158 - WALL_MM + 2, 118 - WALL_MM + 2)
    rib = tube(158 - WALL_MM + 9, 118 - WALL_MM + 9) & ~behind_rib & (z % 6 < 3)
    liver = inner & (mm[0] < -20) & (mm[2] < 90)
    if edge_mm:
        thin = inner & ~tube(158 - WALL_MM - edge_mm, 118 - WALL_MM - edge_mm) & (mm[1] < 0)
        liver &= thin | (mm[2] > 50)
        rib &= mm[1] > 0
    lungs = inner & (mm[2] > 100) & (np.abs(mm[0]) > 30)
    hu = np.full(SHAPE, -1000.0)
    hu[skin] = FAT_HU
    hu[outer] = SOFT_HU
    hu[inner] = FAT_HU
    hu[rib] = BONE_HU
    hu[liver] = SOFT_HU
    hu[lungs] = LUNG_HU
    hu[np.broadcast_to((mm[0] / 20) ** 2 + ((mm[1] - 70) / 18) ** 2 <= 1, SHAPE)] = bone_hu
    hu += np.random.default_rng(3).normal(0, 10, SHAPE)
    grid = Grid(SHAPE, SPACING_MM, (0.0, 0.0, 0.0))
    ct = CtImage(grid, np.round(hu).astype(np.int16))
    return ct, {"liver": liver, "muscle": outer & ~inner & ~rib, "inner": inner, "lungs": lungs}


def test_the_wall_is_told_from_a_liver_as_bright_as_it() -> None:
    ct, truth = drawn_torso()
    work = working_image(ct)
    assert work.factors == (1, 1, 1)
    wall = body_wall(work, denoised(work), find_body(work))
    liver, muscle = truth["liver"], truth["muscle"]
    # The limit may lie a voxel off: 2.4 mm are 13 % of the wall, and 2 % of this liver's depth.
    assert np.count_nonzero(wall & liver) < 0.03 * np.count_nonzero(liver)
    assert np.count_nonzero(wall & muscle) > 0.80 * np.count_nonzero(muscle)


def test_the_thin_edge_of_a_liver_is_no_wall() -> None:
    """Fat shows behind the liver, 36 mm below the outer side of a wall that shows nowhere there."""
    ct, truth = drawn_torso(edge_mm=18.0)
    work = working_image(ct)
    wall = body_wall(work, denoised(work), find_body(work))
    front = truth["liver"] & (np.arange(SHAPE[1])[None, :, None] < 50)
    assert np.count_nonzero(wall & front) < 0.03 * np.count_nonzero(front)


@pytest.mark.parametrize("bone_hu", [BONE_HU, 230.0])
def test_spine_and_dome_are_where_they_were_drawn(bone_hu: float) -> None:
    """Also that of spongy bone."""
    ct, truth = drawn_torso(bone_hu=bone_hu)
    work = working_image(ct)
    body, tissue = find_body(work), denoised(work)
    spine = find_spine(work, body)
    assert spine is not None
    assert spine.column == pytest.approx((SHAPE[2] - 1) / 2, abs=1.0)
    # Its front lies at 70 - 18 = 52 mm behind the middle.
    assert (spine.front - (SHAPE[1] - 1) / 2) * SPACING_MM[1] == pytest.approx(52.0, abs=5.0)
    dome = dome_level(work, tissue, truth["inner"], truth["lungs"], spine)
    # The liver ends at 90 mm, the lung begins at 100 mm: the last slice below it.
    assert dome is not None
    assert 80.0 <= dome * SPACING_MM[2] <= 104.0


def test_no_bone_no_spine() -> None:
    ct, _ = drawn_torso()
    work = working_image(CtImage(ct.grid, np.minimum(ct.hu, np.int16(100))))
    assert find_spine(work, find_body(work)) is None
