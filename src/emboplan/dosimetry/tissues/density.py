"""Mass density: from CT numbers along a sourced curve, or one density for each structure.

For local deposition one density per structure is the safer choice: counts that breathing carried across the
dome, divided by the density of lung, would give four times the dose. The curve is for transport and for
tissue outside the structures. A scanner's own calibration replaces it, in a site catalogue or as `HuCurve`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan import catalog as catalogue
from emboplan.dosimetry.arguments import finite, positive
from emboplan.dosimetry.uptake.regions import ROUNDING, occupancy
from emboplan.errors import CatalogError, MaskError, ModelRangeError
from emboplan.imaging.hounsfield import AIR_HU
from emboplan.model.grid import Grid
from emboplan.model.image import CtImage, DensityMap


@dataclass(frozen=True, slots=True)
class HuCurve:
    """A scanner's calibration: density (g/mL) at rising CT numbers, straight lines between the points.

    The points reach from -1000 (air) or below to at least 1000; outside them the end values hold. Densities
    never fall and are positive. `ModelRangeError` says which rule is broken.

    >>> curve = HuCurve(hu=(-1000, 0, 1200), g_per_ml=(0.0012, 1.0, 1.7))
    >>> round(float(curve.density_g_per_ml(600)), 3)
    1.35
    """

    hu: tuple[float, ...]
    g_per_ml: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check order, range and sign of the points."""
        hu, density = finite(self.hu, "hu"), positive(self.g_per_ml, "g_per_ml")
        if hu.ndim != 1 or hu.shape != density.shape or hu.size < 2:
            raise ModelRangeError(
                f"the curve has {hu.size} CT numbers and {density.size} densities; expected two lists of "
                "equal length, at least 2"
            )
        if (np.diff(hu) <= 0).any():
            raise ModelRangeError("the CT numbers of the curve do not rise; sort its points by CT number")
        if (np.diff(density) < 0).any():
            at = float(hu[1:][np.diff(density) < 0][0])
            raise ModelRangeError(
                f"the density falls at {at:g} HU; expected a density that never falls with the CT number"
            )
        if hu[0] > AIR_HU or hu[-1] < -AIR_HU:
            raise ModelRangeError(
                f"the curve reaches from {hu[0]:g} to {hu[-1]:g} HU; expected at least {AIR_HU} to {-AIR_HU}"
            )
        object.__setattr__(self, "hu", tuple(float(v) for v in hu))
        object.__setattr__(self, "g_per_ml", tuple(float(v) for v in density))

    def density_g_per_ml(self, hu: ArrayLike) -> NDArray[np.float64]:
        """Density in g/mL of CT numbers."""
        return np.asarray(np.interp(finite(hu, "hu"), self.hu, self.g_per_ml), dtype=np.float64)


def density_from_hu(
    hu: ArrayLike, *, curve: HuCurve | None = None, catalog: catalogue.Catalog | None = None
) -> NDArray[np.float64]:
    """Density in g/mL of CT numbers: by `curve`, else by the catalogue's (Schneider 2000, as in TOPAS).

    Below the catalogue's first point it is air, above its last one the last density. Cone-beam CT numbers are
    not calibrated and have no density.
    """
    if curve is not None:
        return curve.density_g_per_ml(hu)
    numbers = catalog or catalogue.load()
    starts, offsets, slopes = _pieces(numbers)
    air = numbers.number("ct_density.air")
    given = finite(hu, "hu")
    h = np.minimum(given, numbers.number("ct_density.hu_end"))
    piece = np.clip(np.searchsorted(starts, h, side="right") - 1, 0, None)
    found = np.asarray(offsets[piece] + slopes[piece] * h)
    return np.where(given < starts[0], air, np.maximum(found, air))


def _pieces(numbers: catalogue.Catalog) -> tuple[NDArray[np.float64], ...]:
    """Starts, offsets and slopes of the catalogue's curve; a site's may have other pieces than ours."""
    starts, offsets, slopes = (
        np.array(numbers.sourced(f"ct_density.{key}").numbers) for key in ("hu_from", "offset", "slope")
    )
    if not starts.size == offsets.size == slopes.size:
        raise CatalogError(
            f"the curve from CT number to density has {starts.size} hu_from, {offsets.size} offset and "
            f"{slopes.size} slope; give all three with one number for each piece"
        )
    if (np.diff(starts) <= 0).any() or starts[-1] >= numbers.number("ct_density.hu_end"):
        raise CatalogError("ct_density.hu_from does not rise up to ct_density.hu_end; sort its pieces")
    return starts, offsets, slopes


def density_map(
    ct: CtImage, *, curve: HuCurve | None = None, catalog: catalogue.Catalog | None = None
) -> DensityMap:
    """Density of every voxel of a CT, by `curve` or by the catalogue's."""
    return DensityMap(ct.grid, density_of_image(ct.hu, curve=curve, catalog=catalog))


def density_of_image(
    hu: NDArray[np.int16] | NDArray[np.float32],
    *,
    curve: HuCurve | None = None,
    catalog: catalogue.Catalog | None = None,
) -> NDArray[np.float32]:
    """Densities of an image's CT numbers; whole numbers go through a table, which is many times faster."""
    if hu.dtype != np.int16 or hu.size == 0:
        return density_from_hu(hu, curve=curve, catalog=catalog).astype(np.float32)
    lowest = int(hu.min())
    numbers = np.arange(lowest, int(hu.max()) + 1)
    table = density_from_hu(numbers, curve=curve, catalog=catalog).astype(np.float32)
    return np.asarray(table[hu.astype(np.int32) - lowest], dtype=np.float32)


def structure_density(grid: Grid, structures: Sequence[tuple[ArrayLike, float]]) -> DensityMap:
    """Grams of the structures in each voxel per millilitre of voxel, one density (g/mL) for each structure.

    `structures` are pairs of an occupancy (0 to 1) on `grid` and a density. A voxel half full of liver has
    half the liver's density, since only that half has mass here; voxels outside all structures have 0.
    """
    filled = np.zeros(grid.shape, dtype=np.float32)
    mass = np.zeros(grid.shape, dtype=np.float32)
    for share, g_per_ml in structures:
        found = occupancy(share, grid, "structure")
        filled += found
        mass += found * np.float32(positive(g_per_ml, "density_g_per_ml"))
    if float(filled.max(initial=0.0)) > 1 + 2 * ROUNDING:
        raise MaskError("the structures overlap; each millilitre may belong to one of them only")
    return DensityMap(grid, mass)
