"""The belly: liver with its lobes and fissures, gallbladder, spleen, kidneys, stomach, pancreas and bowel.

Each organ takes its outline from a few rounded solids, is held inside the wall and under the diaphragm, and
gives way to the organs placed before it, so that neighbours lie against each other. The liver is then
grown or shrunk on its free side until it has the volume that was set. Atlas millimetres, as in `torso`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import InputError
from emboplan.synthetic.drawing import Drawing, becomes_table
from emboplan.synthetic.shapes import (
    FAR_MM,
    Array,
    Block,
    Path,
    curve,
    ellipsoid,
    half_space,
    intersection,
    smooth_intersection,
    smooth_union,
    tube,
    tube_with_axis,
    turned,
    union,
    without,
)
from emboplan.synthetic.tissues import Tissue
from emboplan.synthetic.torso import Torso
from emboplan.units import ML_PER_MM3

SHIFT_MM = 4.0  # an organ's place varies by about this, each way
WALL_GAP_MM = 2.0  # peritoneum and a film of fat between an organ and the wall or the diaphragm
LIVER_STEPS = 24  # bisection of the liver's size: to a millionth of its range
LIVER_RANGE_MM = 24.0  # how far its free surface may be moved to reach the volume set
GREY = (Tissue.FAT,)

PORTAL_PATH = (
    (2.0, -2.0, -108.0, 6.5),
    (-10.0, -4.0, -96.0, 6.8),
    (-24.0, -4.0, -82.0, 6.8),
    (-40.0, -2.0, -74.0, 6.0),
)
CAVA_PATH = (
    (-22.0, 14.0, -250.0, 9.5), (-22.0, 18.0, -170.0, 10.0), (-22.0, 24.0, -110.0, 11.0),
    (-22.0, 22.0, -60.0, 11.5), (-22.0, 12.0, -22.0, 12.0), (-24.0, 0.0, 12.0, 12.0),
)  # fmt: skip
GALLBLADDER_PATH = ((-40.0, -22.0, -90.0, 5.0), (-42.0, -40.0, -104.0, 10.0), (-44.0, -58.0, -122.0, 14.5))
STOMACH_PATH = (
    (62.0, 24.0, -36.0, 28.0), (66.0, 6.0, -52.0, 32.0), (62.0, -18.0, -76.0, 29.0),
    (50.0, -38.0, -102.0, 25.0), (28.0, -48.0, -122.0, 20.0), (4.0, -44.0, -124.0, 16.0),
    (-16.0, -34.0, -116.0, 11.0),
)  # fmt: skip
GULLET_PATH = ((16.0, 6.0, -18.0, 8.0), (30.0, 10.0, -34.0, 9.0), (50.0, 14.0, -42.0, 12.0))
PANCREAS_PATH = (
    (-26.0, -6.0, -140.0, 11.0), (-22.0, -12.0, -120.0, 14.0), (-4.0, -20.0, -108.0, 10.0),
    (18.0, -22.0, -102.0, 9.5), (44.0, -4.0, -94.0, 10.5), (68.0, 20.0, -84.0, 9.5),
    (86.0, 34.0, -74.0, 7.0),
)  # fmt: skip
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
BOWEL_REGION = ((-62.0, -78.0, -250.0), (98.0, 20.0, -118.0))  # where the small bowel winds
BOWEL_LOOPS = 18
STOMACH_WALL_MM = 3.6
STOMACH_GAS_MM = (6.0, 26.0)  # depth of the bubble from the front
LOOP_WALL_MM = 2.0
LOOP_GAS_MM = (2.0, 22.0)  # gas lies this far in front of a loop's axis, mostly beyond its wall


def _shift(rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.uniform(-SHIFT_MM, SHIFT_MM, 3)


def _moved(path: Path, rng: np.random.Generator, grow: float = 1.0) -> list[list[float]]:
    """A path shifted as a whole and a little at each point, and drawn smoothly."""
    shift = _shift(rng)
    points = []
    for x, y, z, r in path:
        jitter = rng.uniform(-0.5, 0.5, 3) * SHIFT_MM
        points.append(
            [x + shift[0] + jitter[0], y + shift[1] + jitter[1], z + shift[2] + jitter[2], r * grow]
        )
    return curve(points, 6.0)


def _around(drawing: Drawing, path: Path, margin_mm: float = 8.0) -> Block:
    points = np.asarray(path)
    reach = points[:, 3].max() + margin_mm
    return drawing.lattice.around(points[:, :3].min(axis=0), points[:, :3].max(axis=0), float(reach))


class Belly:
    """Draws the organs of the belly one after the other; each method leaves its paint on the drawing."""

    def __init__(self, drawing: Drawing, torso: Torso, rng: np.random.Generator) -> None:
        self.drawing = drawing
        self.torso = torso
        self.rng = rng
        self.cava: tuple[Block, Array]
        self.kidney_bed: tuple[float, float, float]

    def held(self, block: Block, shape: Array, round_mm: float = 4.0, gap_mm: float = WALL_GAP_MM) -> Array:
        """A shape held inside the wall and under the diaphragm."""
        room = smooth_intersection(
            self.torso.cavity[block.box] + np.float32(gap_mm),
            self.torso.below_diaphragm[block.box] + np.float32(gap_mm),
            3.0,
        )
        return smooth_intersection(shape, room, round_mm)

    def great_vessels(self) -> None:
        """Vena cava and the trunk of the portal vein, before the liver, which lies around them.

        The cava is taken only after the liver, which has no film of fat against it.
        """
        cava = _around(self.drawing, CAVA_PATH)
        self.cava = (cava, tube(cava, CAVA_PATH, flat=(1.15, 0.95, 1)))
        self.drawing.paint(*self.cava, becomes_table(int(Tissue.VENA_CAVA)))
        splenic = [
            (2.0, -2.0, -106.0, 4.6),
            (30.0, -6.0, -98.0, 4.4),
            (60.0, 18.0, -86.0, 4.2),
            (88.0, 38.0, -72.0, 3.6),
        ]
        mesenteric = [(2.0, -2.0, -108.0, 6.0), (2.0, -12.0, -140.0, 5.6), (4.0, -16.0, -200.0, 5.0)]
        for path in (PORTAL_PATH[:3], splenic, mesenteric):
            block = _around(self.drawing, path)
            self.drawing.place(block, tube(block, path), Tissue.PORTAL_VEIN)

    def kidneys(self) -> None:
        """Both kidneys with cortex, pyramids and the fat of the sinus."""
        for side, place in ((-1.0, (-66.0, 50.0, -140.0)), (1.0, (66.0, 50.0, -124.0))):
            rng = self.rng
            centre = np.array(place) + _shift(rng)
            if side < 0:
                self.kidney_bed = (float(centre[0]) + 4, float(centre[1]) + 22, float(centre[2]))
            semi = np.array([26.0, 24.0, 54.0]) * rng.uniform(0.93, 1.07)
            turn = turned(rng.uniform(-14, -8), side * rng.uniform(8, 14), side * rng.uniform(-30, -15))
            block = self.drawing.lattice.around(centre - 60, centre + 60, 0)
            shape = self.held(block, ellipsoid(block, centre, semi, turn), 3.0, 6.0)
            toward = np.array([-side * 20.0, -8.0, 0.0])
            sinus = ellipsoid(block, centre + toward, (15, 10, 24), turn)
            shape = without(shape, sinus, 4.0)
            self.drawing.place(block, shape, Tissue.KIDNEY_CORTEX, over=(Tissue.FAT, Tissue.MUSCLE))
            rows = np.cos(block.z * np.float32(0.42)) * 2 + np.cos(block.y * np.float32(0.5)) * 1.5
            inner = shape + np.float32(7.5) + rows.astype(np.float32)
            becomes = becomes_table({Tissue.KIDNEY_CORTEX: Tissue.KIDNEY_MEDULLA})
            self.drawing.paint(block, inner, becomes)
            self.drawing.take(block, shape - np.float32(3.0))  # the fat around it

    def gallbladder(self) -> None:
        """A pear under the liver, before the liver, whose fossa it makes."""
        path = _moved(GALLBLADDER_PATH, self.rng, self.rng.uniform(0.85, 1.15))
        block = _around(self.drawing, path)
        shape = self.held(block, tube(block, path), 3.0, 5.0)
        self.drawing.place(block, shape, Tissue.GALLBLADDER, over=GREY)

    def stomach_shape(self) -> tuple[Block, Array]:
        """The stomach's full outline, before its neighbours press on it."""
        path = _moved(STOMACH_PATH, self.rng, self.rng.uniform(0.8, 1.05))
        block = _around(self.drawing, path, 14.0)
        return block, smooth_union(tube(block, path), tube(block, GULLET_PATH), 6)

    def liver(self, volume_ml: float, stomach: tuple[Block, Array]) -> tuple[Block, Array]:
        """The liver of the volume set; returns its block and field.

        Raises `InputError` when no size of this shape has that volume.
        """
        rng = self.rng
        block = self.drawing.lattice.around((-150, -110, -200), (125, 100, 30), 0)
        right = ellipsoid(
            block,
            np.array([-72.0, 2.0, -74.0]) + _shift(rng),
            np.array([80.0, 94.0, 100.0]) * rng.uniform(0.95, 1.05, 3),
            turned(0, rng.uniform(-8, 6), rng.uniform(-6, 6)),
        )
        medial = half_space(
            block,
            (-24 + rng.uniform(-5, 5), 10, -70),
            (0.8, 0.14 + rng.uniform(-0.05, 0.1), -0.52 + rng.uniform(-0.08, 0.08)),
        )
        right = smooth_intersection(right, medial, 24)
        reach = rng.uniform(0.85, 1.12)
        left = ellipsoid(
            block,
            np.array([20.0, -50.0, -46.0]) + _shift(rng),
            (76.0 * reach, 40.0, 40.0),
            turned(rng.uniform(-6, 6), rng.uniform(-16, -6), rng.uniform(4, 14)),
        )
        caudate = ellipsoid(
            block, np.array([-8.0, 6.0, -58.0]) + _shift(rng) / 2, (17, 19, 27), turned(10, 0, 20)
        )
        blob = smooth_union(smooth_union(right, left, 18), caudate, 8)
        fissure_x = 6.0 + rng.uniform(-6, 8)
        slit = np.abs(block.x - np.float32(fissure_x) + (block.z + 60) * np.float32(0.12)) - np.float32(1.4)
        slit += 3 * np.sin(block.y * np.float32(0.06)) + np.maximum(block.z + 90, 0) * np.float32(0.02)
        slit = intersection(
            slit, block.z + np.float32(64) - (block.y + 50) * np.float32(0.45), block.y + np.float32(22)
        )
        notch = ellipsoid(block, (fissure_x + 1, -100, -66), (8, rng.uniform(16, 26), 52))
        hilum = ellipsoid(block, (-24, -8, -88), (20, 11, 15), turned(0, -25, 0))
        ligament = ellipsoid(block, (14, -8, -52), (26, 3.2, 26), turned(0, 0, 24))
        bed = ellipsoid(
            block, self.kidney_bed, (30, 44, 64), turned(-10, 0, 0)
        )  # nothing lies behind a kidney
        carved = union(slit.astype(np.float32), notch, ligament, bed)
        press = np.full(block.x.shape, FAR_MM, np.float32)
        s_block, s_shape = stomach
        target, source = _overlap(block, s_block)
        press[target] = s_shape[source] + np.float32(9.0)
        keep_out = union(self.drawing.taken[block.box] - np.float32(0.5), press)

        def grown(by_mm: float) -> Array:
            shape = without(blob - np.float32(by_mm), carved, 3)
            shape = without(shape, hilum, 6)
            shape = without(shape, keep_out, 3)
            return self.held(block, shape, 7.0)

        h = self.drawing.lattice.spacing_mm
        cava = np.full(block.x.shape, FAR_MM, np.float32)
        target, source = _overlap(block, self.cava[0])
        cava[target] = self.cava[1][source]

        def ml(by_mm: float) -> float:
            shape = intersection(grown(by_mm), -cava)
            filled = np.clip(np.float32(1 / 2) - shape / np.float32(h), 0, 1).sum(dtype=np.float64)
            return float(filled) * h**3 * ML_PER_MM3

        low, high = -LIVER_RANGE_MM, LIVER_RANGE_MM
        if not ml(low) < volume_ml < ml(high):
            raise InputError(
                f"phantom definition: a liver of {volume_ml:.0f} mL does not fit this body, which can hold "
                f"{ml(low):.0f} to {ml(high):.0f} mL; change liver.volume_ml or habitus"
            )
        for _ in range(LIVER_STEPS):
            middle = (low + high) / 2
            if ml(middle) < volume_ml:
                low = middle
            else:
                high = middle
        shape = grown(low)
        self.drawing.place(block, shape, Tissue.LIVER, over=GREY)
        self.drawing.take(*self.cava)
        return block, intersection(shape, -cava)

    def spleen(self) -> None:
        """The spleen under the left dome, hollowed by stomach and kidney."""
        rng = self.rng
        centre = np.array([96.0, 34.0, -52.0]) + _shift(rng)
        semi = np.array([30.0, 50.0, 56.0]) * rng.uniform(0.85, 1.1)
        block = self.drawing.lattice.around(centre - 75, centre + 75, 0)
        shape = ellipsoid(
            block, centre, semi, turned(rng.uniform(15, 25), rng.uniform(-12, 0), rng.uniform(-34, -20))
        )
        hollow = ellipsoid(block, (52.0, 18.0, -60.0), (30.0, 44.0, 60.0))
        shape = self.held(block, without(shape, hollow, 6), 6.0)
        shape = self.drawing.free(block, shape, 1.0)
        self.drawing.place(block, shape, Tissue.SPLEEN, over=GREY)

    def stomach(self, outline: tuple[Block, Array]) -> None:
        """Wall, content and a bubble of gas in front."""
        block, shape = outline
        shape = self.drawing.free(block, self.held(block, shape, 5.0), 0.4)
        inside = block.y[shape < 0]
        front = float(inside.min()) if inside.size else 0.0
        gas = block.y - np.float32(front + self.rng.uniform(*STOMACH_GAS_MM))
        self._hollow(block, shape, gas, STOMACH_WALL_MM, Tissue.STOMACH_WALL)

    def _hollow(self, block: Block, shape: Array, gas: Array, wall_mm: float, wall: Tissue) -> None:
        """A hollow organ: its wall, its content, and gas where the field `gas` is negative."""
        content = Tissue.STOMACH_CONTENT if wall is Tissue.STOMACH_WALL else Tissue.BOWEL_CONTENT
        self.drawing.place(block, shape, wall, over=GREY)
        lumen = shape + np.float32(wall_mm)
        self.drawing.paint(block, lumen, becomes_table({wall: content}))
        self.drawing.paint(block, intersection(lumen, gas), becomes_table({content: Tissue.GAS}))

    def pancreas(self) -> None:
        """A lobulated band before the great vessels."""
        path = _moved(PANCREAS_PATH, self.rng, self.rng.uniform(0.8, 1.05))
        block = _around(self.drawing, path)
        lobules = (
            np.sin(block.x * np.float32(0.75))
            * np.sin(block.y * np.float32(0.7))
            * np.sin(block.z * np.float32(0.8))
        )
        shape = tube(block, path) + np.float32(1.6) * lobules.astype(np.float32)
        self.drawing.place(block, self.drawing.free(block, shape, 1.0), Tissue.PANCREAS, over=GREY)

    def bowel(self) -> None:
        """Duodenum, colon and a tangle of small bowel, some of it with gas."""
        for course, wall_mm, gas_mm in ((DUODENUM_PATH, 2.4, (-4.0, 14.0)), (COLON_PATH, 2.2, (-16.0, 6.0))):
            moved = _moved(course, self.rng, self.rng.uniform(0.85, 1.1))
            block = _around(self.drawing, moved)
            shape, axis_y = tube_with_axis(block, moved)
            folds = np.sin(block.z * np.float32(0.2)) * np.sin((block.x + block.y) * np.float32(0.2))
            shape = self.drawing.free(block, self.held(block, shape + 2 * folds.astype(np.float32), 3.0), 0.4)
            swing = np.sin(block.x / 23 + self.rng.uniform(0, 6)) * np.cos(block.z / 31)
            level = (
                axis_y
                + np.float32(np.mean(gas_mm))
                + swing.astype(np.float32) * np.float32(np.ptp(gas_mm) / 2)
            )
            self._hollow(block, shape, block.y - level, wall_mm, Tissue.BOWEL_WALL)
        low, high = (np.array(corner) for corner in BOWEL_REGION)
        for n in range(BOWEL_LOOPS):
            z = low[2] + (high[2] - low[2]) * (n + 0.5) / BOWEL_LOOPS
            wind = []
            phase = self.rng.uniform(0, 2 * np.pi)
            for part in np.linspace(0, 1, 7):
                angle = phase + part * 2 * np.pi * 0.8
                middle, half = (low + high) / 2, (high - low) / 2
                wander = self.rng.uniform(-8, 8, 3)
                span = self.rng.uniform(0.45, 1.0)
                x = middle[0] + half[0] * span * np.cos(angle) + wander[0] - (30 if n % 3 == 0 else 0)
                y = middle[1] + half[1] * span * np.sin(angle) + wander[1]
                wind.append([x, y, z + wander[2], self.rng.uniform(10, 14)])
            path = curve(wind, 6.0)
            block = _around(self.drawing, path)
            shape, axis_y = tube_with_axis(block, path)
            shape = self.drawing.free(block, self.held(block, shape, 3.0), 0.4)
            level = axis_y - np.float32(self.rng.uniform(*LOOP_GAS_MM))
            self._hollow(block, shape, block.y - level, LOOP_WALL_MM, Tissue.BOWEL_WALL)


def _overlap(a: Block, b: Block) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Index of the nodes that two blocks share, in each."""
    in_a, in_b = [], []
    for s, t in zip(a.box, b.box, strict=True):
        first, last = max(s.start, t.start), max(s.start, t.start, min(s.stop, t.stop))
        in_a.append(slice(first - s.start, last - s.start))
        in_b.append(slice(first - t.start, last - t.start))
    return tuple(in_a), tuple(in_b)


def draw_belly(
    drawing: Drawing, torso: Torso, liver_ml: float, rng: np.random.Generator
) -> tuple[Block, Array]:
    """Paint the belly; returns the liver's block and field."""
    belly = Belly(drawing, torso, rng)
    belly.great_vessels()
    belly.kidneys()
    belly.gallbladder()
    stomach = belly.stomach_shape()
    liver = belly.liver(liver_ml, stomach)
    belly.spleen()
    belly.stomach(stomach)
    belly.pancreas()
    belly.bowel()
    return liver
