"""The parenchyma region: from the deep core outwards, with a short boundary where the image says nothing.

The core is the largest piece of parenchyma-like tissue that survives an opening by its distance map. From
there the region evolves by threshold dynamics (Merriman, Bence and Osher 1992; with a data term it
minimises the piecewise constant energy of Chan and Vese 2001): smooth the region, add the evidence, cut at
one half, repeat. The level that it compares with follows the slow drift of the CT numbers (beam hardening,
perfusion).
"""

from __future__ import annotations

import numpy as np

from emboplan.errors import SegmentationError
from emboplan.segmentation.parenchyma import Parenchyma
from emboplan.segmentation.shape import depth_mm, distance_mm, largest
from emboplan.segmentation.working import Bools, Floats, WorkingImage

# Parenchyma lies within this many spreads of its mode (98 % of a normal distribution).
WINDOW_SPREADS = 2.4

# Opening radius: deeper than the walls and vessels that touch the liver, shallower than its left lobe.
CORE_DEPTH_MM = 8.0
CORE_REGROW_MM = 10.0

# What lies to the patient's left counts this much less, so that spleen and heart do not become the core.
LEFT_WEIGHT = 0.2

# A core smaller than this is no liver (small children and remnants after resection have more).
LEAST_CORE_ML = 15.0

# Smoothing of the window mask, of the region in each step, and the weight of the evidence.
MASK_SIGMA_MM = 1.5
BOUNDARY_SIGMA_MM = 2.5
EVIDENCE_WEIGHT = 0.35

# Steps end when fewer than this fraction of the region's voxels change.
MOST_STEPS = 25
STEADY_FRAC = 0.0005

# The local level: its reach, its bound, and how often it is measured again.
DRIFT_SIGMA_MM = 12.0
DRIFT_HU = 12.0
DRIFT_EVERY = 5
DRIFT_SPREADS = 3.0
DRIFT_SUPPORT = 0.05


def alike_tissue(work: WorkingImage, tissue: Floats, allowed: Bools, model: Parenchyma) -> Bools:
    """Tissue in `allowed` that looks like parenchyma, its grain smoothed away."""
    alike = (np.abs(model.away(tissue)) < WINDOW_SPREADS * model.spread_hu) & allowed
    return work.smooth(alike.astype(np.float32), MASK_SIGMA_MM) > 0.5


def parenchyma_core(work: WorkingImage, alike: Bools, right: Bools) -> Bools:
    """The largest thick piece of parenchyma-like tissue, regrown to its surface where that is near."""
    spacing = work.spacing_zyx_mm
    deep = depth_mm(alike, spacing) > CORE_DEPTH_MM
    weight = np.where(right, np.float32(1), np.float32(LEFT_WEIGHT)) * deep
    core = largest(deep, weight.astype(np.float32))
    if core.sum() * work.voxel_ml < LEAST_CORE_ML:
        raise SegmentationError(
            "no liver is in view: no thick homogeneous organ was found on the patient's right; "
            "expected a CT of the upper abdomen (or give a liver mask)"
        )
    return largest(alike & (distance_mm(core, spacing) < CORE_REGROW_MM))


def evolve(
    work: WorkingImage,
    tissue: Floats,
    allowed: Bools,
    start: Bools,
    model: Parenchyma,
    kept: Bools | None = None,
) -> Bools:
    """The region that grows from `start` over parenchyma-like tissue in `allowed`; `kept` counts as such."""
    region = start
    evidence = np.zeros_like(tissue)
    for step in range(MOST_STEPS):
        if step % DRIFT_EVERY == 0:
            evidence = _evidence(tissue, local_level(work, tissue, region, model), allowed, model)
            if kept is not None:
                evidence[kept] = EVIDENCE_WEIGHT
        now = work.smooth(region.astype(np.float32), BOUNDARY_SIGMA_MM) + evidence > 0.5
        changed = int(np.count_nonzero(now != region))
        region = now
        if changed < STEADY_FRAC * max(1, int(region.sum())):
            break
    return largest(region)


def local_level(work: WorkingImage, tissue: Floats, region: Bools, model: Parenchyma) -> Floats:
    """The parenchyma's level at each place: the mode plus the smooth local deviation measured in `region`."""
    inside = region & (np.abs(tissue - model.mode_hu) < DRIFT_SPREADS * model.spread_hu)
    share = work.smooth(inside.astype(np.float32), DRIFT_SIGMA_MM)
    excess = work.smooth(np.where(inside, tissue - np.float32(model.mode_hu), np.float32(0)), DRIFT_SIGMA_MM)
    trust = np.minimum(share / np.float32(DRIFT_SUPPORT), np.float32(1))
    drift = np.clip(excess / np.maximum(share, np.float32(1e-3)) * trust, -DRIFT_HU, DRIFT_HU)
    return np.asarray(np.float32(model.mode_hu) + drift, np.float32)


def _evidence(tissue: Floats, level: Floats, allowed: Bools, model: Parenchyma) -> Floats:
    width = np.float32(WINDOW_SPREADS * model.spread_hu)
    off = model.away(tissue - level + np.float32(model.mode_hu)) / width
    data = np.maximum(1 - off * off, np.float32(-1))
    data[~allowed] = -1
    return np.asarray(np.float32(EVIDENCE_WEIGHT) * data, np.float32)
