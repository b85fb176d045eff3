"""Known turns and shifts are found again, in the direction in which doses are carried."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from emboplan.errors import ModelRangeError
from emboplan.imaging.register import Registration, register_ct, register_scan
from emboplan.model.grid import Grid
from emboplan.model.image import ConcentrationImage, CtImage
from emboplan.model.mask import Mask

GRID = Grid(shape=(40, 48, 48), spacing_mm=(4.0, 4.0, 4.0), origin_mm=(-94.0, -94.0, -78.0))


def points(grid: Grid) -> list[NDArray[np.float64]]:
    """x, y, z of every voxel."""
    axes = [
        np.arange(n) * d + o
        for n, d, o in zip(grid.shape[::-1], grid.spacing_mm, grid.origin_mm, strict=True)
    ]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    return [x, y, z]


def turned(degrees: float, shift: tuple[float, float, float]) -> NDArray[np.float64]:
    """A turn about z and a shift."""
    angle = np.radians(degrees)
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = shift
    return matrix


def body(where: NDArray[np.float64]) -> NDArray[np.float64]:
    """HU of a body with a liver, a spleen and a spine, at places (3, ...)."""
    x, y, z = where
    hu = np.full(x.shape, -1000.0)
    hu[(x / 80) ** 2 + (y / 60) ** 2 < 1] = 0.0
    hu[((x + 30) / 40) ** 2 + ((y + 5) / 35) ** 2 + ((z - 5) / 45) ** 2 < 1] = 110.0
    hu[((x - 45) / 18) ** 2 + ((y - 15) / 15) ** 2 + (z / 25) ** 2 < 1] = 140.0
    hu[x**2 + (y - 42) ** 2 < 12**2] = 400.0
    return hu


def seen(matrix: NDArray[np.float64], draw: object, noise: float = 0.0) -> NDArray[np.float32]:
    """What an image shows whose points the matrix takes to the reference."""
    x, y, z = points(GRID)
    flat = np.stack([x, y, z, np.ones_like(x)]).reshape(4, -1)
    there = (matrix @ flat)[:3].reshape(3, *GRID.shape)
    values = draw(there)  # type: ignore[operator]  # a function of places
    return np.asarray(values + np.random.default_rng(1).normal(0, noise, GRID.shape), np.float32)


def off_mm(found: Registration, true: NDArray[np.float64]) -> float:
    """The largest distance between the two transforms over the liver."""
    liver = np.array([[x, y, z, 1.0] for x in (-60, 0) for y in (-30, 25) for z in (-30, 40)]).T
    apart = (found.matrix @ liver - true @ liver)[:3]
    return float(np.linalg.norm(apart, axis=0).max())


@pytest.mark.parametrize("degrees", [0.0, 5.0])
def test_a_ct_is_brought_back(degrees: float) -> None:
    """Shifted by 13 mm and turned: within 1.5 mm (a third of a voxel) over the liver, noise of 20 HU."""
    true = turned(degrees, (9.0, -8.0, 5.0))
    fixed = CtImage(GRID, seen(np.eye(4), body, 20.0))
    moving = CtImage(GRID, seen(true, body, 20.0))
    found = register_ct(fixed, moving)
    assert off_mm(found, true) < 1.5
    assert found.turned_deg == pytest.approx(degrees, abs=1.0)
    assert found.inverse() @ found.matrix == pytest.approx(np.eye(4), abs=1e-9)


def test_a_scan_is_brought_onto_the_liver() -> None:
    """Counts of a liver with a hot lesion, blurred to 12 mm, 15 mm off: within 2.5 mm."""

    def counts(where: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y, z = where
        liver = ((x + 30) / 40) ** 2 + ((y + 5) / 35) ** 2 + ((z - 5) / 45) ** 2 < 1
        lesion = (x + 40) ** 2 + y**2 + (z - 10) ** 2 < 12**2
        return np.where(lesion, 4.0, liver.astype(float))

    true = turned(0.0, (10.0, -8.0, 8.0))
    blurred = ndimage.gaussian_filter(seen(true, counts), 12 / 2.355 / 4)
    x, y, z = points(GRID)
    liver = Mask(GRID, counts(np.stack([x, y, z])) > 0)
    scan = ConcentrationImage(GRID, blurred.astype(np.float32))
    found = register_scan(liver, scan, resolution_fwhm_mm=12.0)
    assert off_mm(found, true) < 2.5
    assert found.moved_mm == pytest.approx(float(np.linalg.norm((10.0, 8.0, 8.0))), abs=2.5)


def test_the_same_images_give_the_same_bits() -> None:
    fixed = CtImage(GRID, seen(np.eye(4), body, 20.0))
    moving = CtImage(GRID, seen(turned(2.0, (4.0, 3.0, -2.0)), body, 20.0))
    assert (register_ct(fixed, moving).matrix == register_ct(fixed, moving).matrix).all()


def test_images_without_content_are_refused() -> None:
    air = CtImage(GRID, np.full(GRID.shape, -1000, np.int16))
    with pytest.raises(ModelRangeError, match="no soft tissue"):
        register_ct(air, air)
    nothing = Mask(GRID, np.zeros(GRID.shape, bool))
    with pytest.raises(ModelRangeError, match="empty"):
        register_scan(
            nothing, ConcentrationImage(GRID, np.ones(GRID.shape, np.float32)), resolution_fwhm_mm=12.0
        )
