"""How much of a voxel a solid fills: shares of intervals, of sub-samples by a gauge, and their means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def sub_samples(edges: F64, samples: int) -> F64:
    """Middles of `samples` equal parts of each interval."""
    step = np.diff(edges) / samples
    parts = (np.arange(samples) + 1 / 2)[None, :] * step[:, None]
    return np.asarray((edges[:-1, None] + parts).ravel(), dtype=np.float64)


def overlap(edges: F64, low: float, high: float) -> F64:
    """Share of each interval that lies between two places."""
    part = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    return np.asarray(np.clip(part, 0, None) / np.diff(edges), dtype=np.float64)


def gathered(shares: F64, samples: int) -> F64:
    """Mean over the sub-samples ``(rows * s, columns * s)`` of each voxel."""
    rows, columns = shares.shape[0] // samples, shares.shape[1] // samples
    return np.asarray(shares.reshape(rows, samples, columns, samples).mean(axis=(1, 3)), dtype=np.float64)


def with_room(outline: F64, along: float) -> tuple[F64, F64]:
    """A share in the plane times one along z; the room is largest where the outline halves a voxel."""
    return outline * along, outline * (1 - outline) * along


def filled(norm: F64, steps: tuple[F64 | float, ...], slopes: tuple[F64, ...]) -> F64:
    """Share of sub-samples by a gauge: `norm` is 1 on the surface, `slopes` are half its square's gradient.

    A sub-sample below half the gauge is full: it is nearer to the middle than to the surface.
    """
    width = np.sqrt(sum((g * h) ** 2 for g, h in zip(slopes, steps, strict=True)))
    safe = np.where(norm < 1 / 2, 1.0, width)
    share = np.clip(1 / 2 - (norm - 1) * norm / safe, 0, 1)
    return np.where(norm < 1 / 2, 1.0, share)
