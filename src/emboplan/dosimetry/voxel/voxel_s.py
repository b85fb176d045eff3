"""Voxel S values for any voxel size, by integrating the point kernel over source and target voxel.

The mean over both voxels depends on the displacement u alone: S of the voxel at offset d is the integral over
u of the point kernel times the product over the axes of 1 - |u - d| / spacing, where that is positive. So
each shell and direction gives its energy linearly to the eight voxels around its end point. These shares sum
to 1: no energy is lost or made. The point kernel is even in all directions, so one octant of directions is
enough.

Bremsstrahlung leaves the kernel's reach. By default its energy, 0.4 % for Y-90, is counted as deposited as
the electrons' energy is, which is what the dose coefficient K of the compartment models does: the values then
sum to mean energy over mass. With ``bremsstrahlung="escapes"`` it is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from emboplan import catalog
from emboplan.dosimetry.arguments import positive
from emboplan.dosimetry.beta.point_kernel import PointKernel, point_kernel
from emboplan.errors import CatalogError, ModelRangeError
from emboplan.units import GRAMS_PER_KILOGRAM, JOULE_PER_MEV, ML_PER_MM3

F64 = NDArray[np.float64]

Bremsstrahlung = Literal["kept", "escapes"]

# Directions of one octant: Gauss points in the cosine and even angles around. Twice as many change no value
# above a thousandth of the centre by more than 0.02 %.
COSINES, AZIMUTHS = 48, 48
# Gauss points across a shell of the point kernel.
RADII = 2
# An outermost layer of voxels with less than this share of the energy is left off: single electrons straggle
# beyond the range that the others have.
NEGLIGIBLE = 1e-9
# A voxel must be small against the patient and large against a shell of the kernel.
SMALLEST_MM, LARGEST_MM = 0.1, 50.0

# A kernel with more voxels than this in its octant is that of air, and would fill the memory.
MOST_VOXELS = 1 << 21

MBQ_IN_BQ = 1e6
MGY_PER_GY = 1e3


@dataclass(frozen=True, slots=True, eq=False)
class VoxelSKernel:
    """Dose in a voxel for each decay in the voxel at the centre: mGy per MBq s, an odd ``(z, y, x)`` array.

    It reaches to the maximum range. `escaping_frac` is the share of the mean energy that is in no voxel.
    """

    nuclide: str
    material: str
    density_g_per_ml: float
    spacing_mm: tuple[float, float, float]
    mean_energy_mev: float
    energy_frac: F64
    escaping_frac: float

    def __post_init__(self) -> None:
        array = np.array(self.energy_frac, dtype=np.float64)
        array.flags.writeable = False
        object.__setattr__(self, "energy_frac", array)

    @property
    def voxel_g(self) -> float:
        """Mass of a voxel."""
        return math.prod(self.spacing_mm) * ML_PER_MM3 * self.density_g_per_ml

    @property
    def mgy_per_mbq_s(self) -> F64:
        """S values: energy share times mean energy over the mass of a voxel."""
        joule_per_mbq_s = self.mean_energy_mev * JOULE_PER_MEV * MBQ_IN_BQ
        per_kg = GRAMS_PER_KILOGRAM / self.voxel_g
        return np.asarray(self.energy_frac * (joule_per_mbq_s * per_kg * MGY_PER_GY), dtype=np.float64)


def _directions(cosines: int, azimuths: int) -> tuple[F64, F64]:
    """Unit vectors ``(x, y, z)`` of one octant, and weights that sum to 1."""
    x, w = np.polynomial.legendre.leggauss(cosines)
    cosine, weight = (x + 1) / 2, w / 2
    azimuth, around = np.polynomial.legendre.leggauss(azimuths)
    angle = (azimuth + 1) * np.pi / (2 * 2)
    sine = np.sqrt(1 - cosine**2)
    vectors = np.stack(
        [np.outer(sine, np.cos(angle)), np.outer(sine, np.sin(angle)), np.outer(cosine, np.ones(azimuths))],
        axis=-1,
    )
    return vectors.reshape(-1, 3), np.outer(weight, around / 2).ravel()


def octant_frac(
    kernel: PointKernel,
    spacing_mm: tuple[float, float, float],
    *,
    cosines: int = COSINES,
    azimuths: int = AZIMUTHS,
) -> F64:
    """Energy shares of the voxels at offsets 0, 1, 2 ... along each axis, ``(z, y, x)``."""
    spacing = np.asarray(spacing_mm)
    reach = np.floor(kernel.radius_mm[-1] / spacing).astype(int) + 2
    if math.prod(reach.tolist()) > MOST_VOXELS:
        sides = " x ".join(str(n) for n in reach.tolist())
        raise ModelRangeError(
            f"the kernel would reach {kernel.radius_mm[-1]:.4g} mm, {sides} voxels to one side; "
            "a medium as thin as air has no voxel S values worth having: transport it"
        )
    vectors, weights = _directions(cosines, azimuths)
    points, parts = np.polynomial.legendre.leggauss(RADII)
    x, y, z = (int(n) for n in reach)
    total = np.zeros(x * y * z)
    for shell, energy in enumerate(kernel.energy_frac):
        inner, outer = kernel.radius_mm[shell], kernel.radius_mm[shell + 1]
        for point, part in zip(points, parts, strict=True):
            radius = (inner + outer) / 2 + point * (outer - inner) / 2
            place = vectors * (radius / spacing)
            below = place.astype(int)
            rest = place - below
            for corner in np.ndindex(2, 2, 2):
                share = np.prod(np.where(corner, rest, 1 - rest), axis=1) * weights
                i, j, k = (below + corner).T
                total += np.bincount(
                    (k * y + j) * x + i, weights=share * (energy * part / 2), minlength=total.size
                )
    octant = total.reshape(z, y, x)
    # An offset of 0 gets its share from both sides of the plane, any other from one of them.
    for axis in range(3):
        halves = np.full(octant.shape[axis], 1 / 2)
        halves[0] = 1.0
        octant = octant * np.expand_dims(halves, [a for a in range(3) if a != axis])
    return octant


def _mirrored(octant: F64) -> F64:
    """The odd array of which `octant` is the part with no negative offset."""
    whole = octant
    for axis in range(3):
        kept = whole.take(range(1, whole.shape[axis]), axis=axis)
        whole = np.concatenate([np.flip(kept, axis=axis), whole], axis=axis)
    return whole


def _without_empty_rim(octant: F64) -> F64:
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        last = int(np.flatnonzero(octant.sum(axis=others) > NEGLIGIBLE)[-1]) + 1
        octant = octant.take(range(last), axis=axis)
    return octant


@lru_cache(maxsize=64)
def _shares(
    nuclide: str, material: str, density_g_per_ml: float, spacing_mm: tuple[float, float, float]
) -> tuple[F64, float]:
    kernel = point_kernel(nuclide, material=material, density_g_per_ml=density_g_per_ml)
    return _mirrored(_without_empty_rim(octant_frac(kernel, spacing_mm))), kernel.escaping_frac


def voxel_s_kernel(
    nuclide: str = "Y-90",
    *,
    spacing_mm: Sequence[float],
    density_g_per_ml: float = 1.0,
    material: str = "water",
    bremsstrahlung: Bremsstrahlung = "kept",
) -> VoxelSKernel:
    """Voxel S values of a nuclide for voxels of any size, equal sides or not, in a uniform medium.

    `spacing_mm` is ``(x, y, z)``. The mean energy is that of the catalogue's nuclide record. The medium is
    `material` at `density_g_per_ml`, which scales all distances by 1 / density; it knows no border between
    tissues. Results are kept in memory. `ModelRangeError` for spacings outside 0.1 to 50 mm.

    >>> kernel = voxel_s_kernel("Y-90", spacing_mm=(4.8, 4.8, 4.8))
    >>> kernel.mgy_per_mbq_s.shape
    (7, 7, 7)
    """
    spacing = tuple(float(s) for s in spacing_mm)
    if len(spacing) != 3 or not all(SMALLEST_MM <= s <= LARGEST_MM for s in spacing):
        raise ModelRangeError(
            f"spacing_mm is {spacing}; expected three numbers of {SMALLEST_MM:g} to {LARGEST_MM:g} mm"
        )
    if bremsstrahlung not in ("kept", "escapes"):
        raise ModelRangeError(f"bremsstrahlung is {bremsstrahlung!r}; expected 'kept' or 'escapes'")
    density = float(positive(density_g_per_ml, "density_g_per_ml"))
    record = catalog.load().nuclide(nuclide).mean_energy
    if record is None:
        raise CatalogError(f"{nuclide} has no mean energy in the catalogue, so no S values")
    x, y, z = spacing
    shares, escaping = _shares(nuclide, material, density, (x, y, z))
    if bremsstrahlung == "kept":
        shares, escaping = shares / shares.sum(), 0.0
    return VoxelSKernel(nuclide, material, density, (x, y, z), record.number, shares, escaping)


def uniform_sphere_escape_frac(
    *,
    volume_ml: float,
    nuclide: str = "Y-90",
    material: str = "water",
    density_g_per_ml: float = 1.0,
    voxel_mm: Sequence[float] | None = None,
) -> float:
    """Share of the energy that leaves a sphere with even activity, bremsstrahlung included.

    For a displacement r the share of a sphere of radius R that stays inside is 1 - 3 r / 4 R + (r / R)^3 /
    16. With `voxel_mm` the sphere is instead the voxels whose centres it holds, and activity and dose are
    even in each voxel, as in a convolution with voxel S values; its steps let more energy out.
    """
    volume_mm3 = float(positive(volume_ml, "volume_ml")) / ML_PER_MM3
    radius_mm = (3 * volume_mm3 / (2 * 2 * math.pi)) ** (1 / 3)
    if voxel_mm is None:
        kernel = point_kernel(nuclide, material=material, density_g_per_ml=density_g_per_ml)
        middle = (kernel.radius_mm[1:] + kernel.radius_mm[:-1]) / 2
        step = np.minimum(middle / (2 * radius_mm), 1.0)  # in diameters
        stays = 1 - 3 / 2 * step + step**3 / 2
        return float(1 - kernel.energy_frac @ stays)
    voxels = voxel_s_kernel(
        nuclide,
        spacing_mm=voxel_mm,
        density_g_per_ml=density_g_per_ml,
        material=material,
        bremsstrahlung="escapes",
    )
    count = [math.ceil(radius_mm / s) for s in voxels.spacing_mm]
    axes = [np.arange(-n, n + 1) * s for n, s in zip(count, voxels.spacing_mm, strict=True)]
    x, y, z = axes
    inside = (z[:, None, None] ** 2 + y[:, None] ** 2 + x**2 <= radius_mm**2).astype(np.float64)
    if not inside.any():
        raise ModelRangeError(f"a sphere of {volume_ml:g} mL holds no voxel of {voxels.spacing_mm} mm")
    spread = fftconvolve(inside, voxels.energy_frac, mode="same")
    return float(1 - (spread * inside).sum() / inside.sum())
