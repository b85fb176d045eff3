"""Metastases: where they lie in the liver, and their paint.

Up to a burden set in the definition, lesions lie apart and inside the capsule, the largest placed first.
Above it they may run into each other and into the capsule, as they do in livers that are mostly tumour.
Nodules of diffuse disease are strewn between them. `lesion_burden` then makes the volume exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import InputError
from emboplan.kernels.implicit_shapes import blob_levels
from emboplan.synthetic.body.tissues import LOOKS, Tissue, lesion_code
from emboplan.synthetic.drawing.layers import BlobLayer, Drawing, becomes_table
from emboplan.synthetic.drawing.shapes import Array, Block
from emboplan.synthetic.metastases.lesion_shape import Lesion, Points, new_shape
from emboplan.synthetic.metastases.lesion_sizes import nodule_sizes_mm, sizes_mm
from emboplan.synthetic.setting.definition import Lesions

TRIES = 400  # positions tried for each lesion before the sizes are drawn anew
LAST_TRIES = 60  # and then the roomiest places
DRAWS = 30  # fresh starts before the lesions are said not to fit
CANDIDATES = 24  # positions of which a crowded lesion takes the one with most room
CROWDED_REACH = 0.75  # crowded lesions are spread as if they were so much of their size: they do overlap
NODULE_TRIES = 60  # nodules are many: one that finds no place of its own overlaps another
NEARBY_MM = 40.0  # beyond this distance from a lesion there is room for any other
CALCIUM_REACH = (0.12, 0.3)  # size of a calcification, as a part of its lesion's radius
CALCIUM_PLACE = (0.1, 0.6)  # its distance from the centre, likewise
SURELY = 1e-6  # of a lesion's size: more than rounding moves its surface
CORE_LEVEL = 0.45  # how far a necrotic core reaches from the centre to the surface


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """The liver's lattice nodes: position of the first, spacing, and the depth below the capsule."""

    origin_mm: Points
    spacing_mm: float
    depth_mm: NDArray[np.float32]

    @classmethod
    def of(cls, drawing: Drawing, liver: tuple[Block, Array]) -> Room:
        """The room that a liver's field leaves."""
        from scipy.ndimage import distance_transform_edt

        block, field = liver
        h = drawing.lattice.spacing_mm
        origin = np.array([drawing.lattice.origin_mm[a] + h * block.box[2 - a].start for a in range(3)])
        return cls(origin, h, (distance_transform_edt(field < 0) * h).astype(np.float32))

    def nodes_mm(self, index: NDArray[np.intp]) -> Points:
        """Positions of nodes given by their flat index."""
        z, y, x = np.unravel_index(index, self.depth_mm.shape)
        out: Points = self.origin_mm + self.spacing_mm * np.stack([x, y, z], axis=-1)
        return out


def place_lesions(
    definition: Lesions,
    drawing: Drawing,
    liver: tuple[Block, Array],
    liver_ml: float,
    rng: np.random.Generator,
) -> list[Lesion]:
    """Lesions of about the burden set; numbered by size, largest first.

    Raises `InputError` when they cannot be made to fit.
    """
    count = round(definition.count.draw(rng))
    if definition.burden_frac == 0:
        return []
    room = Room.of(drawing, liver)
    total_ml = definition.burden_frac * liver_ml
    in_nodules = definition.nodules_frac if count else 1.0
    crowded = definition.burden_frac > definition.confluent_from_frac
    if crowded:  # what lies at random covers 1 - exp(-total): lesions overlap more the more there are
        total_ml *= -np.log1p(-definition.burden_frac) / definition.burden_frac
    focal_ml = total_ml * (1 - in_nodules)
    placed = _focal(definition, room, liver_ml, focal_ml, count, rng, crowded=crowded) if focal_ml else []
    if total_ml > focal_ml:
        placed += _nodules(definition, room, total_ml - focal_ml, placed, rng)
    return placed


def _focal(
    definition: Lesions, room: Room, liver_ml: float, total_ml: float, count: int,
    rng: np.random.Generator, *, crowded: bool,
) -> list[Lesion]:  # fmt: skip
    for _ in range(DRAWS):
        diameters = sizes_mm(definition, count, total_ml, rng)
        if crowded:
            return _crowd(definition, room, diameters, rng)
        placed = _try_to_place(definition, room, diameters, rng)
        if placed is not None:
            return placed
    raise InputError(
        f"phantom definition: {count} lesions of {diameters.min():.0f} to {diameters.max():.0f} mm do not "
        f"fit into a liver of {liver_ml:.0f} mL; lower lesions.burden_frac or lesions.largest_mm"
    )


def _try_to_place(
    definition: Lesions, room: Room, diameters: NDArray[np.float64], rng: np.random.Generator
) -> list[Lesion] | None:
    h = room.spacing_mm
    to_capsule = room.depth_mm - np.float32(h + definition.capsule_gap_mm)
    free = to_capsule.copy()  # and to the lesions already placed
    placed: list[Lesion] = []
    for diameter in diameters:
        shape = new_shape(definition, float(diameter), rng)
        near_capsule = rng.random() < definition.near_capsule_frac
        fits = np.flatnonzero(free.ravel() > shape.semi_mm.min() * (1 - 1 / 5))
        if near_capsule:
            close = fits[to_capsule.ravel()[fits] < shape.semi_mm.mean() + 2 * h]
            fits = close if close.size else fits
        lesion = None
        for spot in _spots(fits, free, rng):
            offset = rng.uniform(-h / 2, h / 2, 3)
            candidate = replace(shape, centre_mm=room.nodes_mm(np.array(spot)) + offset)
            inside = None if _surely_hits(candidate, room, free) else _nodes_inside(candidate, room)
            if inside is not None and free[inside].min() > 0:
                lesion = candidate
                _occupy(free, inside, h, definition.lesion_gap_mm)
                break
        if lesion is None:
            return None
        placed.append(lesion)
    return placed


def _spots(fits: NDArray[np.intp], free: NDArray[np.float32], rng: np.random.Generator) -> Iterator[int]:
    """Nodes to try for a lesion: many at random, then those anywhere with the most room."""
    if fits.size:
        for _ in range(TRIES):
            yield int(rng.choice(fits))
    for node in np.argsort(free.ravel())[: -LAST_TRIES - 1 : -1]:
        yield int(node)


def _occupy(free: NDArray[np.float32], inside: tuple[NDArray[np.intp], ...], h: float, gap_mm: float) -> None:
    """Lower the distances in `free` around the nodes of a new lesion."""
    from scipy.ndimage import distance_transform_edt

    margin = int(np.ceil(NEARBY_MM / h))
    box = tuple(slice(max(int(i.min()) - margin, 0), int(i.max()) + margin + 1) for i in inside)
    near = free[box]
    empty = np.ones(near.shape, dtype=bool)
    empty[tuple(i - b.start for i, b in zip(inside, box, strict=True))] = False
    away = distance_transform_edt(empty) * h - h - gap_mm
    np.minimum(near, away.astype(np.float32), out=near)


def _nodes_inside(lesion: Lesion, room: Room) -> tuple[NDArray[np.intp], ...] | None:
    """Index (z, y, x) of the lattice nodes inside a lesion, one at least; None when it leaves the lattice."""
    h, shape = room.spacing_mm, room.depth_mm.shape
    low = np.floor((lesion.centre_mm - lesion.reach_mm - room.origin_mm) / h).astype(int)
    high = np.ceil((lesion.centre_mm + lesion.reach_mm - room.origin_mm) / h).astype(int)
    if (low < 0).any() or (high >= np.array(shape[::-1])).any():
        return None
    axes = [np.arange(low[a], high[a] + 1) for a in range(3)]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    points = np.stack([x, y, z], axis=-1).reshape(-1, 3) * h + room.origin_mm
    level = np.empty(len(points))
    blob_levels(points, lesion.centre_mm, lesion.to_ball, lesion.waves, level)
    keep = level <= max(1.0, float(level.min()))  # a lesion between the nodes takes the nearest
    return z.ravel()[keep], y.ravel()[keep], x.ravel()[keep]


def _surely_hits(lesion: Lesion, room: Room, free: NDArray[np.float32]) -> bool:
    """Whether a node without room lies in the ball that the lesion holds whatever its bumps.

    It refuses most places without a look at the bumps.
    """
    h = room.spacing_mm
    radius = float(lesion.semi_mm.min()) * (1 - float(np.abs(lesion.waves[:, 4]).sum()) - SURELY)
    low = np.maximum(np.ceil((lesion.centre_mm - radius - room.origin_mm) / h).astype(int), 0)
    high = np.floor((lesion.centre_mm + radius - room.origin_mm) / h).astype(int)
    x, y, z = (h * np.arange(low[a], high[a] + 1) + room.origin_mm[a] - lesion.centre_mm[a] for a in range(3))
    away = z[:, None, None] ** 2 + y[:, None] ** 2 + x**2
    near = free[low[2] : high[2] + 1, low[1] : high[1] + 1, low[0] : high[0] + 1]
    return near.shape == away.shape and bool((near[away < radius**2] <= 0).any())


def _crowd(
    definition: Lesions, room: Room, diameters: NDArray[np.float64], rng: np.random.Generator
) -> list[Lesion]:
    """Lesions spread over the liver as evenly as their sizes allow; they may overlap."""
    inside = np.flatnonzero(room.depth_mm.ravel() > 0)
    h = room.spacing_mm
    centres, radii = np.zeros((0, 3)), np.zeros(0)
    placed: list[Lesion] = []
    for diameter in diameters:
        shape = new_shape(definition, float(diameter), rng)
        nodes = rng.choice(inside, CANDIDATES)
        spots = room.nodes_mm(nodes) + rng.uniform(-h / 2, h / 2, (CANDIDATES, 3))
        radius = CROWDED_REACH * diameter / 2
        apart = np.minimum(room.depth_mm.ravel()[nodes] - radius, 0.0)  # half outside is a place wasted
        if placed:
            away = np.linalg.norm(spots[:, None] - centres, axis=2) - radius - radii
            apart = np.minimum(apart, away.min(axis=1))
        centre = spots[int(np.argmax(apart))]
        placed.append(replace(shape, centre_mm=centre))
        centres, radii = np.vstack([centres, centre]), np.append(radii, radius)
    return placed


def _nodules(
    definition: Lesions, room: Room, total_ml: float, others: list[Lesion], rng: np.random.Generator
) -> list[Lesion]:
    """Small nodules strewn through the liver, apart from all else where they find room."""
    sizes = nodule_sizes_mm(definition, total_ml, rng)
    inside = np.flatnonzero(room.depth_mm.ravel() > definition.capsule_gap_mm + sizes[-1] / 2)
    if inside.size == 0:
        raise InputError(
            f"phantom definition: nodules of {sizes[-1]:.0f} mm do not fit into this liver; "
            "lower lesions.nodule_mm"
        )
    h = room.spacing_mm
    known = len(others)
    centres = np.zeros((known + len(sizes), 3))
    radii = np.zeros(known + len(sizes))
    for n, lesion in enumerate(others):
        centres[n], radii[n] = lesion.centre_mm, lesion.reach_mm
    placed = []
    for n, diameter in enumerate(sizes, start=known):
        shape = new_shape(definition, float(diameter), rng)
        nodes = rng.choice(inside, NODULE_TRIES)
        spots = room.nodes_mm(nodes) + rng.uniform(-h / 2, h / 2, (NODULE_TRIES, 3))
        centre = spots[0]
        for spot, node in zip(spots, nodes, strict=True):
            reach = radii[:n] + shape.reach_mm + definition.nodule_gap_mm
            deep = room.depth_mm.ravel()[node] > shape.reach_mm + definition.capsule_gap_mm
            if deep and (((centres[:n] - spot) ** 2).sum(axis=1) > reach**2).all():
                centre = spot
                break
        centres[n], radii[n] = centre, shape.reach_mm
        placed.append(replace(shape, centre_mm=centre))
    return placed


def with_looks(definition: Lesions, lesions: list[Lesion], rng: np.random.Generator) -> list[Lesion]:
    """The lesions with their set of CT numbers, and with calcifications in some.

    There are fewer sets than there can be lesions; where they run out they are shared.
    """
    calcified = rng.random(len(lesions)) < definition.calcified_frac
    return [
        replace(lesion, looks=1 + n % LOOKS, calcified=bool(hard))
        for n, (lesion, hard) in enumerate(zip(lesions, calcified, strict=True))
    ]


def paint_lesions(drawing: Drawing, lesions: list[Lesion], rim_mm: float, rng: np.random.Generator) -> None:
    """Add the lesions to a drawing, over liver and its vessels only."""
    over = (Tissue.LIVER, Tissue.LIVER_VEIN)
    for lesion in lesions:
        core, viable, rim, calcium = (lesion_code(lesion.looks, zone) for zone in range(4))
        rim_level = max(1 - rim_mm / float(lesion.semi_mm.mean()), 0.0)
        zones = [
            (CORE_LEVEL, core if lesion.core else viable),
            (max(rim_level, CORE_LEVEL), viable),
            (1.0, rim if lesion.rim else viable),
        ]
        drawing.layers.append(
            BlobLayer(
                lesion.centre_mm, lesion.reach_mm, np.ascontiguousarray(lesion.to_ball), lesion.waves,
                np.array([level for level, _ in zones]),
                np.stack([becomes_table(code, over=over) for _, code in zones]),
            )
        )  # fmt: skip
        if lesion.calcified:
            drawing.layers.append(_calcification(lesion, (core, viable, rim), calcium, rng))


def _calcification(
    lesion: Lesion, zones: tuple[int, ...], calcium: int, rng: np.random.Generator
) -> BlobLayer:
    """A smaller and bumpier ball inside a lesion."""
    toward = rng.normal(size=3)
    place = lesion.mean_radius_mm * rng.uniform(*CALCIUM_PLACE)
    part = rng.uniform(*CALCIUM_REACH)
    waves = lesion.waves * np.array([2.0, 2.0, 2.0, 1.0, 2.0])
    return BlobLayer(
        lesion.centre_mm + toward / np.linalg.norm(toward) * place,
        part * float(lesion.semi_mm.max() * (1 + np.abs(waves[:, 4]).sum())),
        np.ascontiguousarray(lesion.to_ball / part), waves, np.ones(1),
        becomes_table(calcium, over=zones)[None],
    )  # fmt: skip
