"""The gut: stomach with folds and gas, duodenum, colon with its pouches, and the tangle of small bowel."""

from __future__ import annotations

import numpy as np

from emboplan.synthetic.body.placing import Belly
from emboplan.synthetic.body.tissues import Tissue
from emboplan.synthetic.drawing.shapes import (
    Array,
    Block,
    curve,
    ellipsoid,
    smooth_union,
    tube,
    tube_with_axis,
)

STOMACH_PATH = (
    (66.0, 34.0, -30.0, 30.0), (70.0, 14.0, -48.0, 36.0), (68.0, -14.0, -72.0, 33.0),
    (54.0, -38.0, -100.0, 27.0), (30.0, -48.0, -122.0, 21.0), (4.0, -44.0, -124.0, 16.0),
    (-16.0, -34.0, -116.0, 11.0),
)  # fmt: skip
GULLET_PATH = ((16.0, 6.0, -18.0, 8.0), (30.0, 10.0, -34.0, 9.0), (50.0, 14.0, -42.0, 12.0))
DUODENUM_PATH = (
    (-18.0, -34.0, -114.0, 12.0), (-38.0, -26.0, -112.0, 13.0), (-48.0, -6.0, -124.0, 13.0),
    (-48.0, 0.0, -152.0, 13.0), (-30.0, 2.0, -168.0, 12.0), (0.0, -4.0, -170.0, 11.0),
    (28.0, -6.0, -158.0, 11.0),
)  # fmt: skip
COLON_PATH = (
    (-98.0, 24.0, -250.0, 23.0), (-100.0, 16.0, -200.0, 22.0), (-92.0, -8.0, -168.0, 20.0),
    (-76.0, -44.0, -164.0, 20.0), (-44.0, -66.0, -168.0, 19.0), (-2.0, -74.0, -172.0, 18.0),
    (40.0, -72.0, -160.0, 18.0), (78.0, -52.0, -136.0, 18.0), (104.0, -14.0, -108.0, 18.0),
    (112.0, 20.0, -104.0, 17.0), (110.0, 40.0, -140.0, 15.0), (104.0, 44.0, -250.0, 15.0),
)  # fmt: skip
BOWEL_REGION = ((-66.0, -80.0, -258.0), (100.0, 22.0, -122.0))  # where the small bowel winds
LOOPS = 22
FLEXURE_UP_PATH = (
    (-100.0, 16.0, -180.0, 22.0), (-104.0, 6.0, -140.0, 24.0), (-100.0, -4.0, -100.0, 25.0),
    (-92.0, -14.0, -66.0, 25.0), (-80.0, -40.0, -74.0, 23.0), (-72.0, -56.0, -110.0, 22.0),
    (-64.0, -62.0, -150.0, 20.0),
)  # fmt: skip
WHERE_LOBE_WAS = ((-120.0, -50.0, -120.0), (-40.0, 40.0, -60.0))
STOMACH_WALL_MM = 3.2
FOLD_MM = 1.6  # height of the folds of the stomach's lining
STOMACH_GAS_MM = (4.0, 30.0)  # depth of the bubble from the front
LOOP_WALL_MM = 1.6
LOOP_GAS_MM = (3.0, 26.0)  # gas lies this far in front of a loop's axis, mostly beyond its wall
DUODENUM_GAS_MM = (-2.0, 16.0)
COLON_GAS_MM = (-14.0, 6.0)
POUCH_MM = 3.2  # how far the pouches of the colon bulge


def stomach_shape(belly: Belly) -> tuple[Block, Array]:
    """The stomach's full outline, before its neighbours press on it."""
    path = belly.moved(STOMACH_PATH, belly.rng.uniform(0.8, 1.1), 5.0)
    block = belly.around(path, 22.0)
    size = belly.rng.uniform(0.8, 1.1)
    fundus = ellipsoid(
        block, np.array([60.0, 32.0, -38.0]) + belly.shift(), (38 * size, 34 * size, 36 * size)
    )
    body = smooth_union(tube(block, path), fundus, 10)
    return block, smooth_union(body, tube(block, GULLET_PATH), 6)


def draw_stomach(belly: Belly, outline: tuple[Block, Array]) -> None:
    """Paint wall with folds, content and a bubble of gas in front."""
    block, shape = outline
    shape = belly.drawing.free(block, belly.held(block, shape, 5.0), 0.4)
    inside = block.y[shape < 0]
    front = float(inside.min()) if inside.size else 0.0
    gas = block.y - np.float32(front + belly.rng.uniform(*STOMACH_GAS_MM))
    phase = belly.rng.uniform(0, 6, 3)
    folds = np.sin(block.x * np.float32(0.55) + phase[0]) * np.sin(block.z * np.float32(0.5) + phase[1])
    folds += np.sin(block.y * np.float32(0.6) + phase[2])
    thick = STOMACH_WALL_MM + FOLD_MM * np.maximum(folds, 0)
    belly.hollow(block, shape, gas, thick.astype(np.float32), Tissue.STOMACH_WALL)


def draw_bowel(belly: Belly, *, right_lobe_gone: bool) -> None:
    """Paint duodenum, colon and small bowel, some of it with gas; they move up where the right lobe was."""
    if right_lobe_gone:
        _course(belly, FLEXURE_UP_PATH, 1.8, COLON_GAS_MM, 1.0)
    _course(belly, DUODENUM_PATH, 2.2, DUODENUM_GAS_MM, 0.6)
    _course(belly, COLON_PATH, 1.8, COLON_GAS_MM, 1.0)
    low, high = (np.array(corner) for corner in BOWEL_REGION)
    for n in range(LOOPS):
        _loop(belly, low, high, n)
    if right_lobe_gone:
        low, high = (np.array(corner) for corner in WHERE_LOBE_WAS)
        for n in range(0, LOOPS, 4):
            _loop(belly, low, high, n)


def _course(
    belly: Belly,
    course: tuple[tuple[float, ...], ...],
    wall_mm: float,
    gas_mm: tuple[float, float],
    pouched: float,
) -> None:
    rng = belly.rng
    moved = belly.moved(course, rng.uniform(0.8, 1.15), 5.0)
    block = belly.around(moved)
    shape, axis_y = tube_with_axis(block, moved)
    phase = rng.uniform(0, 6, 2)
    folds = np.sin(block.z * np.float32(0.2) + phase[0]) * np.sin(
        (block.x + block.y) * np.float32(0.2) + phase[1]
    )
    bulged = belly.held(block, shape + np.float32(POUCH_MM * pouched) * folds.astype(np.float32), 3.0)
    shape = belly.drawing.free(block, bulged, 0.4)
    swing = np.sin(block.x / 23 + rng.uniform(0, 6)) * np.cos(block.z / 31 + rng.uniform(0, 6))
    level = axis_y + np.float32(np.mean(gas_mm)) + swing.astype(np.float32) * np.float32(np.ptp(gas_mm) / 2)
    belly.hollow(block, shape, block.y - level, wall_mm, Tissue.BOWEL_WALL)


def _loop(belly: Belly, low: Array, high: Array, n: int) -> None:
    """One winding of small bowel at its height."""
    rng = belly.rng
    z = low[2] + (high[2] - low[2]) * (n + 0.5) / LOOPS
    wind = []
    phase = rng.uniform(0, 2 * np.pi)
    middle, half = (low + high) / 2, (high - low) / 2
    for part in np.linspace(0, 1, 7):
        angle = phase + part * 2 * np.pi * 0.8
        wander = rng.uniform(-9, 9, 3)
        span = rng.uniform(0.35, 1.0)
        x = middle[0] + half[0] * span * np.cos(angle) + wander[0] - (30 if n % 3 == 0 else 0)
        y = middle[1] + half[1] * span * np.sin(angle) + wander[1]
        wind.append([x, y, z + wander[2], rng.uniform(8, 14)])
    path = curve(wind, 6.0)
    block = belly.around(path)
    shape, axis_y = tube_with_axis(block, path)
    folds = np.sin(block.x * np.float32(0.7)) * np.sin(block.z * np.float32(0.6) + block.y * np.float32(0.5))
    shape = belly.held(block, shape + np.float32(0.8) * folds.astype(np.float32), 3.0)
    shape = belly.drawing.free(block, shape, 0.4)
    level = axis_y - np.float32(rng.uniform(*LOOP_GAS_MM))
    belly.hollow(block, shape, block.y - level, LOOP_WALL_MM, Tissue.BOWEL_WALL)
