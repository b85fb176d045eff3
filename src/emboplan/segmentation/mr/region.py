"""The parenchyma region on MR: threshold dynamics around the local level, in percent of the parenchyma.

As on CT the region is smoothed, the evidence is added and the sum cut at one half, until it stays (Merriman,
Bence and Osher 1992). The level that it compares with follows what is left of the shading, measured in the
region itself.
"""

from __future__ import annotations

import numpy as np

from emboplan.segmentation.mr.level import Leveled
from emboplan.segmentation.shape import distance_mm, largest
from emboplan.segmentation.working import Bools, Floats, WorkingImage
from emboplan.units import PERCENT

# Parenchyma lies within this many spreads of its level.
WINDOW_SPREADS = 2.4

# Smoothing of the region in each step, and the weight of the evidence.
BOUNDARY_SIGMA_MM = 3.0
EVIDENCE_WEIGHT = 0.35

# Steps end when fewer than this fraction of the region's voxels change.
MOST_STEPS = 40
STEADY_FRAC = 0.0005

# The local level: its reach (coils shade over hundreds of millimetres), its bound, how often it is measured.
DRIFT_SIGMA_MM = 25.0
DRIFT_PERCENT = 20.0
DRIFT_EVERY = 5
DRIFT_SPREADS = 3.0
DRIFT_SUPPORT = 0.05
LEAST_SHARE = 1e-3


def evolve(image: Leveled, allowed: Bools, start: Bools, kept: Bools | None = None) -> tuple[Bools, Floats]:
    """The region that grows from `start` over parenchyma in `allowed`, and its local level.

    `kept` counts as parenchyma whatever it looks like.
    """
    work, region = image.work, start
    level = np.full(start.shape, PERCENT, np.float32)
    evidence = np.zeros(start.shape, np.float32)
    for step in range(MOST_STEPS):
        if step % DRIFT_EVERY == 0:
            level = local_level(image, region if kept is None else region & ~kept, level)
            evidence = _evidence(image, level, allowed)
            if kept is not None:
                evidence[kept] = EVIDENCE_WEIGHT
        now = work.smooth(region.astype(np.float32), BOUNDARY_SIGMA_MM) + evidence > 0.5
        changed = int(np.count_nonzero(now != region))
        region = now
        if changed < STEADY_FRAC * max(1, int(region.sum())):
            break
    return largest(region), level


def local_level(image: Leveled, region: Bools, level: Floats) -> Floats:
    """The parenchyma's level at each place, measured in `region` among what is near the `level` before."""
    work, tissue = image.work, image.tissue
    inside = region & (np.abs(tissue - level) < DRIFT_SPREADS * image.spread_percent)
    share = work.smooth(inside.astype(np.float32), DRIFT_SIGMA_MM)
    excess = work.smooth(np.where(inside, tissue - np.float32(PERCENT), np.float32(0)), DRIFT_SIGMA_MM)
    trust = np.minimum(share / np.float32(DRIFT_SUPPORT), np.float32(1))
    drift = excess / np.maximum(share, np.float32(LEAST_SHARE)) * trust
    return np.asarray(PERCENT + np.clip(drift, -DRIFT_PERCENT, DRIFT_PERCENT), np.float32)


def _evidence(image: Leveled, level: Floats, allowed: Bools) -> Floats:
    off = (image.tissue - level) / np.float32(WINDOW_SPREADS * image.spread_percent)
    data = np.maximum(1 - off * off, np.float32(-1))
    data[~allowed] = -1
    return np.asarray(np.float32(EVIDENCE_WEIGHT) * data, np.float32)


def near(mask: Bools, work: WorkingImage, reach_mm: float) -> Bools:
    """What lies within `reach_mm` of `mask`."""
    return distance_mm(mask, work.spacing_zyx_mm) <= reach_mm
