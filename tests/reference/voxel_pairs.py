"""Voxel S by brute force: decays at random places of a voxel, energy at random places of the shells."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def energy_fractions(
    radius_mm: F64, energy_frac: F64, spacing_mm: Sequence[float], reach: int, *, points: int, seed: int
) -> F64:
    """Share of the energy in each voxel, ``(z, y, x)``, up to `reach` voxels to each side of the source."""
    random = np.random.default_rng(seed)
    spacing = np.asarray(spacing_mm)
    start = (random.random((points, 3)) - 0.5) * spacing
    direction = random.normal(size=(points, 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    shell = random.choice(energy_frac.size, size=points, p=energy_frac / energy_frac.sum())
    radius = radius_mm[shell] + random.random(points) * (radius_mm[shell + 1] - radius_mm[shell])
    voxel = np.rint((start + radius[:, None] * direction) / spacing).astype(int) + reach
    size = 2 * reach + 1
    inside = ((voxel >= 0) & (voxel < size)).all(axis=1)
    x, y, z = voxel[inside].T
    counts = np.bincount((z * size + y) * size + x, minlength=size**3).reshape(size, size, size)
    return np.asarray(counts / points * energy_frac.sum(), dtype=np.float64)
