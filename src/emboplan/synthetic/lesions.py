"""Metastases: smooth irregular balls that add up to the burden set, inside the liver and apart.

A lesion is an ellipsoid whose radius is perturbed by a few smooth waves over the sphere; its volume is
known from the integral of the radius cubed, apart from any voxel. Sizes follow a curve from the
largest to the smallest allowed, bent until the volumes add up; then the largest is placed first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import InputError
from emboplan.kernels.implicit_shapes import blob_levels, blob_radii
from emboplan.synthetic.definition import Lesions
from emboplan.synthetic.drawing import BlobLayer, Drawing, becomes_table
from emboplan.synthetic.shapes import Array, Block, turned
from emboplan.synthetic.tissues import Tissue, lesion_code
from emboplan.units import ML_PER_MM3

Points = NDArray[np.float64]

DIRECTIONS = 20000  # points on the sphere: the volume integral is then good to 1e-4 and a diameter to 0.3 %
WAVES = 7  # waves over the surface: enough to look irregular, few enough to stay smooth
WAVE_NUMBER = (1.5, 4.5)  # radians over the unit ball: one to two bumps around
TRIES = 400  # positions tried for each lesion before the sizes are drawn anew
DRAWS = 12  # fresh starts before the lesions are said not to fit
BISECTIONS = 60
SIZE_JITTER = 0.3  # how unevenly the sizes are spaced between the largest and the smallest
ROUND_MM = 20.0  # the size from which a lesion counts for `at_least_20_mm`


@dataclass(frozen=True, slots=True, eq=False)
class Lesion:
    """One lesion: centre, half axes, turn (rows are axes) and waves of its radius."""

    centre_mm: Points
    semi_mm: Points
    turn: Points
    waves: Points
    rim: bool
    core: bool

    @property
    def to_ball(self) -> Points:
        """The map (3 x 3) of the unperturbed ellipsoid to the unit ball."""
        out: Points = self.turn / self.semi_mm[:, None]
        return out

    def surface(self) -> Points:
        """Points spread over the surface, relative to the centre."""
        directions = sphere_points(DIRECTIONS)
        radii = np.empty(len(directions))
        blob_radii(directions, self.waves, radii)
        out: Points = (directions * radii[:, None] * self.semi_mm) @ self.turn
        return out

    @property
    def volume_ml(self) -> float:
        """The volume by integration over the sphere."""
        return ball_ml(self.waves) * float(np.prod(self.semi_mm))

    @property
    def reach_mm(self) -> float:
        """No point of the lesion is farther from its centre."""
        return float(self.semi_mm.max() * (1 + np.abs(self.waves[:, 4]).sum()))

    def longest_diameter_mm(self) -> float:
        """The largest distance between two points of the surface."""
        return _widest(self.surface())

    def longest_axial_diameter_mm(self) -> float:
        """The largest distance between two points of the surface on one axial plane (within 1 mm)."""
        points = self.surface()
        level = np.round(points[:, 2]).astype(int)
        return max(_widest(points[level == z][:, :2]) for z in np.unique(level))

    def scaled(self, factor: float) -> Lesion:
        """The same lesion larger or smaller."""
        return replace(self, semi_mm=self.semi_mm * factor)


def sphere_points(count: int) -> Points:
    """Unit vectors spread evenly over the sphere (the Fibonacci lattice)."""
    n = np.arange(count) + 1 / 2
    z = 1 - 2 * n / count
    angle = np.pi * (1 + np.sqrt(1 + 2 * 2)) * n  # the golden angle
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], axis=1)


def ball_ml(waves: Points) -> float:
    """Volume (mL) of the perturbed ball of radius 1 mm: the mean of radius cubed times 4 pi / 3."""
    directions = sphere_points(DIRECTIONS)
    radii = np.empty(len(directions))
    blob_radii(directions, waves, radii)
    return float(2 * (2 / 3) * np.pi * np.mean(radii**3)) * ML_PER_MM3


def _widest(points: Points) -> float:
    """Largest distance between two of the points, searched among the extreme ones along many directions."""
    if len(points) < 2:
        return 0.0
    spread = sphere_points(500)[:, : points.shape[1]]
    extreme = points[np.unique(np.argmax(points @ spread.T, axis=0))]
    apart = np.linalg.norm(extreme[:, None] - extreme[None], axis=2)
    return float(apart.max())


def sizes_mm(
    definition: Lesions, count: int, total_ml: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Volume-equivalent diameters, largest first, whose balls add up to `total_ml`.

    Raises `InputError` when no diameters within the limits do.
    """
    if count == 0 or total_ml == 0:
        return np.zeros(0)
    small = definition.smallest_mm.draw(rng)
    large = definition.largest_mm
    place = np.linspace(0, 1, count) if count > 1 else np.zeros(1)
    place[1:-1] += rng.uniform(-SIZE_JITTER, SIZE_JITTER, max(count - 2, 0)) / count
    place = np.sort(np.clip(place, 0, 1))

    def diameters(bend: float) -> NDArray[np.float64]:
        out = large * (small / large) ** (place ** np.exp(bend))
        least = min(definition.at_least_20_mm, count)
        out[:least] = np.maximum(out[:least], min(ROUND_MM, large))
        return np.asarray(out, dtype=np.float64)

    def total(values: NDArray[np.float64]) -> float:
        return float((np.pi / (2 * 3) * values**3).sum()) * ML_PER_MM3

    low, high = -3.0, 4.0
    if total_ml > total(diameters(high)):
        raise InputError(
            f"phantom definition: lesions.burden_frac asks for {total_ml:.0f} mL, but {count} lesions of "
            f"{small:.0f} to {large:.0f} mm hold at most {total(diameters(high)):.0f} mL; "
            "lower it or allow more or larger lesions"
        )
    if total_ml < total(diameters(low)):
        # the burden needs no lesion of the largest size: keep the proportions of the steepest curve
        smaller: NDArray[np.float64] = diameters(low) * (total_ml / total(diameters(low))) ** (1 / 3)
        return smaller
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if total(diameters(middle)) < total_ml:
            low = middle
        else:
            high = middle
    return diameters(low)


def _shape(definition: Lesions, diameter_mm: float, rng: np.random.Generator) -> Lesion:
    """A lesion of a volume-equivalent diameter, centred on the origin."""
    directions = rng.normal(size=(WAVES, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    strength = definition.irregularity.draw(rng)
    amplitudes = rng.uniform(1 / 2, 1, WAVES)
    amplitudes *= strength / amplitudes.sum()
    waves = np.column_stack(
        [directions * rng.uniform(*WAVE_NUMBER, (WAVES, 1)), rng.uniform(0, 2 * np.pi, WAVES), amplitudes]
    )
    semi = np.array([1.0, definition.elongation.draw(rng), definition.elongation.draw(rng)])
    semi *= (diameter_mm / 2) / np.prod(semi) ** (1 / 3)
    turn = turned(*rng.uniform(0, 180, 3))
    lesion = Lesion(
        np.zeros(3), semi, turn, waves,
        rim=bool(rng.random() < definition.rim_frac), core=bool(rng.random() < definition.core_frac),
    )  # fmt: skip
    ball = np.pi / (2 * 3) * diameter_mm**3 * ML_PER_MM3
    return lesion.scaled((ball / lesion.volume_ml) ** (1 / 3))


def place_lesions(
    definition: Lesions,
    drawing: Drawing,
    liver: tuple[Block, Array],
    liver_ml: float,
    rng: np.random.Generator,
) -> list[Lesion]:
    """Lesions of the burden set, inside the liver and apart; numbered by size, largest first.

    Raises `InputError` when they cannot be made to fit.
    """
    count = round(definition.count.draw(rng))
    for _ in range(DRAWS):
        diameters = sizes_mm(definition, count, definition.burden_frac * liver_ml, rng)
        placed = _try_to_place(definition, drawing, liver, diameters, rng)
        if placed is not None:
            return placed
    raise InputError(
        f"phantom definition: {count} lesions of {diameters.min():.0f} to {diameters.max():.0f} mm do not "
        f"fit into a liver of {liver_ml:.0f} mL; lower lesions.burden_frac or lesions.largest_mm"
    )


def _try_to_place(
    definition: Lesions,
    drawing: Drawing,
    liver: tuple[Block, Array],
    diameters: NDArray[np.float64],
    rng: np.random.Generator,
) -> list[Lesion] | None:
    from scipy.ndimage import distance_transform_edt

    block, field = liver
    h = drawing.lattice.spacing_mm
    origin = np.array([drawing.lattice.origin_mm[a] + h * block.box[2 - a].start for a in range(3)])
    depth = distance_transform_edt(field < 0) * h
    room = (depth - h - definition.capsule_gap_mm).astype(np.float32)  # distance left to the capsule
    free = room.copy()  # and to the lesions already placed
    placed: list[Lesion] = []
    for diameter in diameters:
        shape = _shape(definition, float(diameter), rng)
        near_capsule = rng.random() < definition.near_capsule_frac
        fits = np.flatnonzero(free.ravel() > shape.semi_mm.min() * (1 - 1 / 5))
        if near_capsule:
            close = fits[room.ravel()[fits] < shape.semi_mm.mean() + 2 * h]
            fits = close if close.size else fits
        lesion = None
        for _ in range(TRIES):
            if fits.size == 0:
                break
            node = np.array(np.unravel_index(int(rng.choice(fits)), free.shape))[::-1]
            candidate = replace(shape, centre_mm=origin + h * node + rng.uniform(-h / 2, h / 2, 3))
            inside = _nodes_inside(candidate, origin, h, free.shape)
            if inside is not None and free[inside].min() > 0:
                lesion = candidate
                break
        if lesion is None:
            return None
        placed.append(lesion)
        hit = np.zeros(free.shape, dtype=bool)
        hit[_nodes_inside(lesion, origin, h, free.shape) or ()] = True
        away = distance_transform_edt(~hit) * h - h - definition.lesion_gap_mm
        np.minimum(free, away.astype(np.float32), out=free)
    return placed


def _nodes_inside(
    lesion: Lesion, origin: Points, h: float, shape: tuple[int, ...]
) -> tuple[NDArray[np.intp], ...] | None:
    """Index (z, y, x) of the lattice nodes inside a lesion; None when it leaves the lattice."""
    low = np.floor((lesion.centre_mm - lesion.reach_mm - origin) / h).astype(int)
    high = np.ceil((lesion.centre_mm + lesion.reach_mm - origin) / h).astype(int)
    if (low < 0).any() or (high >= np.array(shape[::-1])).any():
        return None
    axes = [np.arange(low[a], high[a] + 1) for a in range(3)]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    points = np.stack([x, y, z], axis=-1).reshape(-1, 3) * h + origin
    level = np.empty(len(points))
    blob_levels(points, lesion.centre_mm, lesion.to_ball, lesion.waves, level)
    keep = level <= 1
    return z.ravel()[keep], y.ravel()[keep], x.ravel()[keep]


def paint_lesions(drawing: Drawing, lesions: list[Lesion], rim_mm: float, core_level: float) -> None:
    """Add the lesions to a drawing, over liver and its vessels only."""
    over = (Tissue.LIVER, Tissue.LIVER_VEIN)
    for number, lesion in enumerate(lesions, start=1):
        viable = lesion_code(number, 1)
        rim_level = max(1 - rim_mm / float(lesion.semi_mm.mean()), 0.0)
        zones = [
            (core_level, lesion_code(number, 0) if lesion.core else viable),
            (max(rim_level, core_level), viable),
            (1.0, lesion_code(number, 2) if lesion.rim else viable),
        ]
        drawing.layers.append(
            BlobLayer(
                lesion.centre_mm, lesion.reach_mm, np.ascontiguousarray(lesion.to_ball), lesion.waves,
                np.array([level for level, _ in zones]),
                np.stack([becomes_table(code, over=over) for _, code in zones]),
            )
        )  # fmt: skip
