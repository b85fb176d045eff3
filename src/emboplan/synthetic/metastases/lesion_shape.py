"""The shape of a lesion: an ellipsoid whose radius is perturbed by a few smooth waves over the sphere.

Its volume is known from the integral of the radius cubed, apart from any voxel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from emboplan.kernels.implicit_shapes import blob_radii
from emboplan.synthetic.drawing.shapes import turned
from emboplan.synthetic.setting.definition import Lesions
from emboplan.units import ML_PER_MM3

Points = NDArray[np.float64]

DIRECTIONS = 20000  # points on the sphere: the volume integral is then good to 1e-4 and a diameter to 0.3 %
DIRECTIONS_OF_NODULES = 800  # thousands of nodules in good time: the volume to 1e-3, a diameter to 1 %
NODULE_RADIUS_MM = 8.0  # up to this radius a lesion is measured as a nodule
EXTREMES = 300  # directions in which the ends of a diameter are looked for: to 0.5 % of it
WAVES = 7  # waves over the surface: enough to look irregular, few enough to stay smooth
WAVE_NUMBER = (1.5, 4.5)  # radians over the unit ball: one to two bumps around


@dataclass(frozen=True, slots=True, eq=False)
class Lesion:
    """One lesion: centre, half axes, turn (rows are axes), waves of its radius, and how it looks.

    `looks` numbers from 1 the set of CT numbers that it shares with others of the same look.
    """

    centre_mm: Points
    semi_mm: Points
    turn: Points
    waves: Points
    rim: bool
    core: bool
    calcified: bool = False
    looks: int = 1

    @property
    def to_ball(self) -> Points:
        """The map (3 x 3) of the unperturbed ellipsoid to the unit ball."""
        out: Points = self.turn / self.semi_mm[:, None]
        return out

    def surface(self) -> Points:
        """Points spread over the surface, relative to the centre."""
        directions = sphere_points(self._points)
        radii = np.empty(len(directions))
        blob_radii(directions, self.waves, radii)
        out: Points = (directions * radii[:, None] * self.semi_mm) @ self.turn
        return out

    @property
    def mean_radius_mm(self) -> float:
        """Radius of the ball of the unperturbed ellipsoid's volume."""
        return float(np.prod(self.semi_mm) ** (1 / 3))

    @property
    def volume_ml(self) -> float:
        """The volume by integration over the sphere."""
        return ball_ml(self.waves, self._points) * float(np.prod(self.semi_mm))

    @property
    def _points(self) -> int:
        return DIRECTIONS_OF_NODULES if self.mean_radius_mm <= NODULE_RADIUS_MM else DIRECTIONS

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


@cache
def sphere_points(count: int) -> Points:
    """Unit vectors spread evenly over the sphere (the Fibonacci lattice)."""
    n = np.arange(count) + 1 / 2
    z = 1 - 2 * n / count
    angle = np.pi * (1 + np.sqrt(1 + 2 * 2)) * n  # the golden angle
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], axis=1)


def ball_ml(waves: Points, points: int = DIRECTIONS) -> float:
    """Volume (mL) of the perturbed ball of radius 1 mm: the mean of radius cubed times 4 pi / 3."""
    directions = sphere_points(points)
    radii = np.empty(len(directions))
    blob_radii(directions, waves, radii)
    return float(2 * (2 / 3) * np.pi * np.mean(radii**3)) * ML_PER_MM3


def _widest(points: Points) -> float:
    """Largest distance between two of the points, searched among the extreme ones along many directions."""
    if len(points) < 2:
        return 0.0
    extreme = points
    if len(points) > EXTREMES:
        spread = sphere_points(EXTREMES)[:, : points.shape[1]]
        extreme = points[np.unique(np.argmax(points @ spread.T, axis=0))]
    square = (extreme**2).sum(axis=1)
    apart = square[:, None] + square - 2 * (extreme @ extreme.T)
    return float(np.sqrt(max(apart.max(), 0.0)))


def new_shape(definition: Lesions, diameter_mm: float, rng: np.random.Generator) -> Lesion:
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
