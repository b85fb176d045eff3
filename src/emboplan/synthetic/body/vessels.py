"""Trees of vessels in the liver and the lungs.

Targets are scattered through the organ; each joins the nearest point of the growing tree, nearest targets
first. A branch is as wide as a power of the number of twigs it feeds, so that the widths follow Murray's
law in spirit: parent^3 = sum of children^3 has the exponent 1/3; a little more thins the twigs faster.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

BEND = 0.12  # a branch's middle is moved sideways by up to this part of its length


def grow_tree(
    trunk_mm: Points,
    targets_mm: Points,
    trunk_radius_mm: float,
    twig_radius_mm: float,
    rng: np.random.Generator,
) -> Points:
    """Tubes (rows of x, y, z, radius twice) from a trunk (rows of x, y, z) to all targets."""
    nodes = [np.asarray(p, dtype=np.float64) for p in trunk_mm]
    parent = [n - 1 for n in range(len(nodes))]
    order = np.argsort(np.linalg.norm(targets_mm - nodes[-1], axis=1), kind="stable")
    for target in targets_mm[order]:
        places = np.array(nodes)
        near = int(np.argmin(np.linalg.norm(places - target, axis=1)))
        step = target - places[near]
        side = np.cross(step, rng.normal(size=3))
        length = np.linalg.norm(step)
        side *= BEND * length / max(float(np.linalg.norm(side)), 1e-9)
        nodes += [places[near] + step / 2 + side, target]
        parent += [near, len(nodes) - 2]
    twigs = np.zeros(len(nodes))
    has_child = np.zeros(len(nodes), dtype=bool)
    has_child[[p for p in parent if p >= 0]] = True
    twigs[~has_child] = 1
    for n in range(len(nodes) - 1, 0, -1):
        twigs[parent[n]] += twigs[n]
    power = np.log(trunk_radius_mm / twig_radius_mm) / max(np.log(max(twigs[0], 2.0)), 1e-9)
    radius = twig_radius_mm * twigs**power
    tubes = [
        (*nodes[parent[n]], min(radius[parent[n]], radius[n] * 1.3), *nodes[n], radius[n])
        for n in range(1, len(nodes))
    ]
    return np.array(tubes, dtype=np.float64).reshape(-1, 8)
