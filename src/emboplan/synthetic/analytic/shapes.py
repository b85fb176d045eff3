"""The shapes that a definition can name, and the solids they stand for.

Two shapes stand for several solids: a ring of spheres (as in the IEC body phantom) and layers side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emboplan.errors import InputError
from emboplan.synthetic.analytic.reading import TableReader, nearest
from emboplan.synthetic.analytic.solids import Box, Cylinder, Ellipsoid, Solid, TorsoCylinder, Vector

AXES = ("x", "y", "z")


@dataclass(frozen=True, slots=True)
class Placed:
    """A named solid in its place; `jitter_mm` is how far a seed may move it along each axis."""

    name: str
    shape: str
    solid: Solid
    jitter_mm: float = 0.0


def placed_solids(reader: TableReader) -> list[Placed]:
    """The solids that a region's table stands for."""
    shape = reader.text("shape")
    if shape not in SHAPES:
        raise InputError(f"phantom definition: {reader.path('shape')} is {shape!r}; {nearest(shape, SHAPES)}")
    jitter = reader.number("jitter_mm", least=0) if reader.has("jitter_mm") else 0.0
    return [Placed(name, shape, solid, jitter) for name, solid in SHAPES[shape](reader)]


Named = list[tuple[str, Solid]]


def _sphere(reader: TableReader) -> Named:
    diameter = reader.number("diameter_mm", above=0)
    return [(reader.text("name"), Ellipsoid(reader.vector("centre_mm"), (diameter,) * 3))]


def _ellipsoid(reader: TableReader) -> Named:
    size = reader.vector("diameters_mm", above=0)
    return [(reader.text("name"), Ellipsoid(reader.vector("centre_mm"), size))]


def _box(reader: TableReader) -> Named:
    return [(reader.text("name"), Box(reader.vector("centre_mm"), reader.vector("size_mm", above=0)))]


def _cylinder(reader: TableReader) -> Named:
    size = reader.vector("size_mm", above=0)
    return [(reader.text("name"), Cylinder(reader.vector("centre_mm"), size))]


def _torso(reader: TableReader) -> Named:
    front = reader.number("front_radius_mm", above=0)
    back = reader.number("back_radius_mm", above=0)
    if back > front:
        raise InputError(
            f"phantom definition: {reader.path('back_radius_mm')} is {back:g}; "
            f"expected no more than front_radius_mm, {front:g}"
        )
    length = reader.number("length_mm", above=0)
    return [(reader.text("name"), TorsoCylinder(reader.vector("centre_mm"), front, back, length))]


def _sphere_ring(reader: TableReader) -> Named:
    """Spheres evenly around a circle across z; the first to the patient's right, then towards the front."""
    name, (x, y, z) = reader.text("name"), reader.vector("centre_mm")
    radius = reader.number("ring_diameter_mm", above=0) / 2
    diameters = reader.numbers("diameters_mm", above=0)
    out: Named = []
    for n, diameter in enumerate(diameters):
        turn = np.pi + 2 * np.pi * n / len(diameters)
        place = (float(x + radius * np.cos(turn)), float(y + radius * np.sin(turn)), z)
        twice = f" ({n + 1})" if diameters.count(diameter) > 1 else ""
        out.append((f"{name} {diameter:g} mm{twice}", Ellipsoid(place, (diameter,) * 3)))
    return out


def _layers(reader: TableReader) -> Named:
    """Boxes side by side along an axis, each of the material that bears its name."""
    centre, across = reader.vector("centre_mm"), reader.numbers("across_mm", above=0)
    axis = reader.text("axis")
    if axis not in AXES or len(across) != 2:
        raise InputError(
            f"phantom definition: {reader.path('axis')} is {axis!r} with {len(across)} widths across; "
            "expected x, y or z, and two widths"
        )
    along = AXES.index(axis)
    names = reader.raw("names")
    thick = reader.numbers("thicknesses_mm", above=0)
    if not isinstance(names, list) or len(names) != len(thick):
        raise InputError(
            f"phantom definition: {reader.path('thicknesses_mm')} has {len(thick)} numbers; "
            f"expected one for each of {names}"
        )
    low = centre[along] - sum(thick) / 2
    out: Named = []
    for name, t in zip(names, thick, strict=True):
        place, size = list(centre), list(across)
        place[along] = low + t / 2
        size.insert(along, t)
        out.append((str(name), Box(_three(place), _three(size))))
        low += t
    return out


def _three(values: list[float]) -> Vector:
    return (values[0], values[1], values[2])


SHAPES: dict[str, Callable[[TableReader], Named]] = {
    "sphere": _sphere,
    "ellipsoid": _ellipsoid,
    "box": _box,
    "cylinder": _cylinder,
    "torso": _torso,
    "sphere-ring": _sphere_ring,
    "layers": _layers,
}
