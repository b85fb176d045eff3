"""Planes of the patient as a radiologist looks at them, whatever way the scan was stored.

An array's axes are matched with the patient's once: the one that runs closest to head and foot becomes the
first, front to back the second, right to left the third, and each is reversed where it runs the other way.
After that an axial picture has the patient's right on its left and the front on top, a coronal one the head
on top, a sagittal one the front on its left. Nothing is interpolated: of an oblique scan the planes of the
scan are shown, and `tilt_degrees` says how far they are from the patient's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import permutations
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from emboplan.model.grid import Grid

ScalarT = TypeVar("ScalarT", bound=np.generic)


class Plane(Enum):
    """A direction of cutting, with the axis of the upright array that it cuts across."""

    AXIAL = 0
    CORONAL = 1
    SAGITTAL = 2

    @property
    def edges(self) -> tuple[str, str, str, str]:
        """The patient's side at the picture's left, right, top and bottom, as one letter each."""
        return {
            Plane.AXIAL: ("R", "L", "A", "P"),
            Plane.CORONAL: ("R", "L", "H", "F"),
            Plane.SAGITTAL: ("A", "P", "H", "F"),
        }[self]


@dataclass(frozen=True, slots=True)
class Upright:
    """How an array of one grid is turned: axis order and reversals, and the spacing after that.

    The turned array runs from foot to head, front to back and right to left; `spacing_mm` follows it.
    """

    grid: Grid
    order: tuple[int, int, int]
    reversed_axes: tuple[bool, bool, bool]

    @classmethod
    def of(cls, grid: Grid) -> Upright:
        """The turn for a grid: the pairing of axes with the largest sum of cosines."""
        cosines = grid.axes  # rows: patient x, y, z; columns: grid x, y, z
        pairing = max(
            permutations(range(3)), key=lambda p: sum(abs(cosines[row, p[row]]) for row in range(3))
        )
        left, back, head = pairing
        order = (2 - head, 2 - back, 2 - left)  # array order is (z, y, x)
        flips = (bool(cosines[2, head] < 0), bool(cosines[1, back] < 0), bool(cosines[0, left] < 0))
        return cls(grid, order, flips)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Spacing of the turned array: foot to head, front to back, right to left."""
        zyx = self.grid.spacing_zyx_mm
        return (zyx[self.order[0]], zyx[self.order[1]], zyx[self.order[2]])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the turned array."""
        shape = self.grid.shape
        return (shape[self.order[0]], shape[self.order[1]], shape[self.order[2]])

    @property
    def tilt_degrees(self) -> float:
        """The largest angle between an axis of the scan and the patient's axis it is shown as."""
        cosines = np.abs(self.grid.axes).max(axis=0)
        return float(np.degrees(np.arccos(np.clip(cosines.min(), 0.0, 1.0))))

    def turn(self, array: NDArray[ScalarT]) -> NDArray[ScalarT]:
        """The array upright, as a view."""
        turned = array.transpose(self.order)
        steps = tuple(slice(None, None, -1) if back else slice(None) for back in self.reversed_axes)
        upright: NDArray[ScalarT] = turned[steps]
        return upright

    def to_mm(self, index: NDArray[np.float64]) -> NDArray[np.float64]:
        """Patient positions (mm) of indices ``(..., 3)`` into the turned array."""
        last = np.array(self.shape, dtype=np.float64) - 1.0
        stored = np.where(self.reversed_axes, last - index, index)
        zyx = np.empty_like(stored)
        zyx[..., list(self.order)] = stored
        return self.grid.to_mm(zyx[..., ::-1])


def cut(turned: NDArray[ScalarT], plane: Plane, index: int) -> NDArray[ScalarT]:
    """One picture of a turned array: rows from the top, columns from the left."""
    picture: NDArray[ScalarT] = np.take(turned, index, axis=plane.value)
    return picture if plane is Plane.AXIAL else picture[::-1]


def pixel_mm(upright: Upright, plane: Plane) -> tuple[float, float]:
    """Height and width of a picture's pixel in mm."""
    rows, columns = (axis for axis in range(3) if axis != plane.value)
    return (upright.spacing_mm[rows], upright.spacing_mm[columns])


def positions(upright: Upright, plane: Plane, index: int) -> NDArray[np.float64]:
    """Patient positions (mm), ``(rows, columns, 3)``, of a picture's pixels."""
    rows, columns = (axis for axis in range(3) if axis != plane.value)
    down = np.arange(upright.shape[rows], dtype=np.float64)
    if plane is not Plane.AXIAL:
        down = down[::-1]
    across = np.arange(upright.shape[columns], dtype=np.float64)
    points = np.empty((down.size, across.size, 3))
    points[..., plane.value] = float(index)
    points[..., rows] = down[:, None]
    points[..., columns] = across[None, :]
    return upright.to_mm(points)


def position_mm(upright: Upright, plane: Plane, index: int) -> float:
    """The patient coordinate (LPS, mm) of a plane's middle, along the axis that it cuts."""
    middle = (np.array(upright.shape, dtype=np.float64) - 1.0) / 2
    middle[plane.value] = float(index)
    patient_axis = 2 - plane.value
    return float(upright.to_mm(middle)[patient_axis])


def evenly_spaced(first: int, last: int, count: int) -> tuple[int, ...]:
    """At most `count` different whole numbers from first to last, each the middle of an equal share."""
    extent = last - first + 1
    if extent <= count:
        return tuple(range(first, last + 1))
    share = extent / count
    return tuple(first + int((k + 0.5) * share) for k in range(count))
