"""The level of a liver's CT numbers: it drifts through a liver, by perfusion and by beam hardening.

It is a surface of the second degree: one that bends more would follow lesions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emboplan.segmentation.working import Bools, Floats

Array = NDArray[np.float64]

# Voxels through which the level is laid, at most and at least.
LEVEL_VOXELS = 40_000
LEAST_FIT = 200


def smooth_level(calm: Floats, where: Bools, mode_hu: float, farthest_hu: float) -> Floats:
    """The surface of the second degree through the smoothed HU `calm` of some voxels, near their mode."""
    at = np.argwhere(where)
    at = at[:: max(1, len(at) // LEVEL_VOXELS)]
    size = np.maximum(np.array(calm.shape, np.float64) - 1, 1)
    if len(at) < LEAST_FIT:
        return np.full_like(calm, np.float32(mode_hu))
    terms = _terms(*(2 * at[:, axis] / size[axis] - 1 for axis in range(3)))
    values = calm[tuple(at.T)].astype(np.float64) - mode_hu
    found, *_ = np.linalg.lstsq(np.stack(terms, axis=1), values, rcond=None)
    axes = [np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in calm.shape]
    z, y, x = axes[0][:, None, None], axes[1][:, None], axes[2]
    drift = sum(c * t for c, t in zip(found, _terms(z, y, x), strict=True))
    return np.asarray(mode_hu + np.clip(drift, -farthest_hu, farthest_hu) + np.zeros(calm.shape), np.float32)


def _terms(z: Array, y: Array, x: Array) -> list[Array]:
    return [1 + 0 * z + 0 * y + 0 * x, z, y, x, z * z, y * y, x * x, z * y, z * x, y * x]
