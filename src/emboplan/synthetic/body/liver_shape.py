"""The liver: lobes, fissures and hilum, moulded by its neighbours, cut by a resection, of the volume set.

It is grown or shrunk on its free side until it has that volume. The planes of a resection are those of the
veins at which surgeons cut: the middle hepatic vein, or the fissure left of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from emboplan.errors import InputError
from emboplan.synthetic.body.placing import GREY, WALL_GAP_MM, Belly, overlap
from emboplan.synthetic.body.tissues import Tissue
from emboplan.synthetic.drawing.layers import becomes_table
from emboplan.synthetic.drawing.shapes import (
    FAR_MM,
    Array,
    Block,
    ellipsoid,
    half_space,
    intersection,
    smooth_intersection,
    smooth_union,
    turned,
    union,
    without,
)
from emboplan.synthetic.setting.definition import Liver
from emboplan.units import ML_PER_MM3

STEPS = 24  # bisection of the liver's size: to a millionth of its range
RANGE_MM = 24.0  # how far its free surface may be moved to reach the volume set
RANGE_AFTER_RESECTION_MM = 45.0  # what is left grows farther
MIDDLE_VEIN = ((-22.0, 8.0, 0.0), (-48.0, -40.0, 0.0))  # the upright plane through it: two points
ROUND_CUT_MM = 16.0  # what is left rounds itself as it grows
GROWN_BACK_MM = 14.0  # and reaches so far beyond the plane in its middle
CLIP_MM = 2.2
CLIPS = 7
Cava = tuple[Block, Array]


def draw_liver(
    belly: Belly, liver: Liver, volume_ml: float, stomach: tuple[Block, Array], cava: Cava,
    kidney_bed: tuple[float, float, float],
) -> tuple[Block, Array]:  # fmt: skip
    """Paint the liver of the volume set; returns its block and field.

    Raises `InputError` when no size of this shape has that volume.
    """
    block = belly.drawing.lattice.around((-150, -110, -230), (128, 100, 30), 0)
    blob, fissure_x = _lobes(belly, block)
    cut = _resected(block, liver.resection, fissure_x)
    carved = _carved(belly, block, fissure_x, kidney_bed)
    hilum = ellipsoid(block, (-24, -8, -88), (20, 11, 15), turned(0, -25, 0))
    press = np.full(block.x.shape, FAR_MM, np.float32)
    target, source = overlap(block, stomach[0])
    press[target] = stomach[1][source] + np.float32(9.0)
    keep_out = union(belly.drawing.taken[block.box] - np.float32(0.5), press)

    def grown(by_mm: float) -> Array:
        shape = without(blob - np.float32(by_mm), carved, 3)
        shape = without(shape, hilum, 6)
        shape = without(shape, keep_out, 3)
        if cut is not None:
            shape = without(shape, cut, ROUND_CUT_MM)
        return belly.held(block, shape, 7.0, WALL_GAP_MM + belly.fluid_mm)

    around_cava = np.full(block.x.shape, FAR_MM, np.float32)
    target, source = overlap(block, cava[0])
    around_cava[target] = cava[1][source]
    reach = RANGE_MM if cut is None else RANGE_AFTER_RESECTION_MM
    shape = _of_volume(belly, volume_ml, reach, grown, around_cava)
    belly.drawing.place(block, shape, Tissue.LIVER, over=GREY)
    belly.drawing.take(*cava)
    if cut is not None:
        _clips(belly, block, shape, cut)
    return block, intersection(shape, -around_cava)


def _lobes(belly: Belly, block: Block) -> tuple[Array, float]:
    """The outline before anything presses on it, and the x of the fissure between the lobes."""
    rng = belly.rng
    right = ellipsoid(
        block,
        np.array([-72.0, 2.0, -74.0]) + belly.shift(),
        np.array([80.0, 94.0, 100.0]) * rng.uniform(0.95, 1.05, 3),
        turned(0, rng.uniform(-8, 6), rng.uniform(-6, 6)),
    )
    medial = half_space(
        block,
        (-24 + rng.uniform(-5, 5), 10, -70),
        (0.8, 0.14 + rng.uniform(-0.05, 0.1), -0.52 + rng.uniform(-0.08, 0.08)),
    )
    right = smooth_intersection(right, medial, 24)
    tongue = ellipsoid(  # of the lower edge: long in some, absent in most
        block,
        np.array([-104.0, 4.0, -140.0 - rng.uniform(0, 22)]) + belly.shift(),
        np.array([20.0, 34.0, 50.0]) * rng.uniform(0.7, 1.0),
        turned(0, rng.uniform(-6, 6), 0),
    )
    right = smooth_union(right, tongue, 14)
    reach = rng.uniform(0.85, 1.15)
    left = ellipsoid(
        block,
        np.array([20.0, -50.0, -46.0]) + belly.shift(),
        (76.0 * reach, 40.0 * rng.uniform(0.9, 1.1), 40.0 * rng.uniform(0.85, 1.15)),
        turned(rng.uniform(-6, 6), rng.uniform(-16, -6), rng.uniform(4, 14)),
    )
    caudate = ellipsoid(
        block, np.array([-8.0, 6.0, -58.0]) + belly.shift() / 2, (17, 19, 27), turned(10, 0, 20)
    )
    return smooth_union(smooth_union(right, left, 18), caudate, 8), 6.0 + rng.uniform(-6, 8)


def _carved(belly: Belly, block: Block, fissure_x: float, kidney_bed: tuple[float, float, float]) -> Array:
    """Fissure, notch and ligament, and the bed of the kidney."""
    slit = np.abs(block.x - np.float32(fissure_x) + (block.z + 60) * np.float32(0.12)) - np.float32(1.4)
    slit += 3 * np.sin(block.y * np.float32(0.06)) + np.maximum(block.z + 90, 0) * np.float32(0.02)
    slit = intersection(
        slit, block.z + np.float32(64) - (block.y + 50) * np.float32(0.45), block.y + np.float32(22)
    )
    notch = ellipsoid(block, (fissure_x + 1, -100, -66), (8, belly.rng.uniform(16, 26), 52))
    ligament = ellipsoid(block, (14, -8, -52), (26, 3.2, 26), turned(0, 0, 24))
    bed = ellipsoid(block, kidney_bed, (30, 44, 64), turned(-10, 0, 0))  # nothing lies behind a kidney
    return union(slit.astype(np.float32), notch, ligament, bed)


def _resected(block: Block, resection: str, fissure_x: float) -> Array | None:
    """The part that was taken out, or None."""
    (x0, y0, _), (x1, y1, _) = MIDDLE_VEIN
    leftward = (y0 - y1, x1 - x0, 0.0)  # across the upright plane of the vein, to the patient's left
    if resection == "right":
        return half_space(block, (x0, y0, 0.0), leftward) + _grown_back(block)
    if resection == "left":
        in_front = block.y - np.float32(y0 - 2)  # the caudate lobe stays
        return intersection(-half_space(block, (x0, y0, 0.0), leftward) + _grown_back(block), in_front)
    if resection == "left lateral":
        return intersection(-half_space(block, (fissure_x, 0.0, 0.0), (1.0, 0.0, 0.0)), block.y)
    return None


def _grown_back(block: Block) -> Array:
    """How far the liver has grown beyond the plane of the resection: most in the middle of the face."""
    away = ((block.y + np.float32(20)) / 60) ** 2 + ((block.z + np.float32(70)) / 70) ** 2
    return (GROWN_BACK_MM * np.exp(-away)).astype(np.float32)


def _of_volume(
    belly: Belly, volume_ml: float, reach_mm: float, grown: Callable[[float], Array], cava: Array
) -> Array:
    h = belly.drawing.lattice.spacing_mm

    def ml(by_mm: float) -> float:
        shape = intersection(grown(by_mm), -cava)
        filled = np.clip(np.float32(1 / 2) - shape / np.float32(h), 0, 1).sum(dtype=np.float64)
        return float(filled) * h**3 * ML_PER_MM3

    low, high = -reach_mm, reach_mm
    least, most = ml(low), ml(high)
    if not least < volume_ml < most:
        raise InputError(
            f"phantom definition: a liver of {volume_ml:.0f} mL does not fit this body, which can hold "
            f"{least:.0f} to {most:.0f} mL; change liver.volume_ml or habitus"
        )
    for _ in range(STEPS):
        middle = (low + high) / 2
        if ml(middle) < volume_ml:
            low = middle
        else:
            high = middle
    return grown(low)


def _clips(belly: Belly, block: Block, shape: Array, cut: Array) -> None:
    """Small clips along the face of the resection."""
    face = np.argwhere((np.abs(shape) < CLIP_MM) & (np.abs(cut) < CLIP_MM + ROUND_CUT_MM))
    if not len(face):
        return
    lattice = belly.drawing.lattice
    nodes = face[belly.rng.choice(len(face), CLIPS)] + np.array([s.start for s in block.box])
    ends = np.array(lattice.origin_mm) + lattice.spacing_mm * nodes[:, ::-1]
    toward = belly.rng.normal(size=ends.shape)
    toward *= CLIP_MM / np.linalg.norm(toward, axis=1)[:, None]
    radius = np.full((CLIPS, 1), CLIP_MM / 2 / 2)
    over = (Tissue.FAT, Tissue.LIVER)
    belly.drawing.tubes(
        np.hstack([ends, radius, ends + toward, radius]), becomes_table(int(Tissue.CLIP), over=over)
    )
