"""A case in its place: regions moved by the seed, checked against each other, with volumes by formula.

Regions lie in each other like boxes in a box: what a region holds of its own is its solid less the solids
directly inside it. Volumes, masses and activities follow from that without any voxel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from emboplan.errors import InputError
from emboplan.model.grid import Grid
from emboplan.synthetic.analytic.definition import AnalyticDefinition, Injection, Material, Region
from emboplan.synthetic.analytic.filling import F64, Filled, fill
from emboplan.synthetic.analytic.solids import Ellipsoid, Solid, Vector
from emboplan.units import GRAMS_PER_KILOGRAM, MBQ_PER_GBQ, ML_PER_MM3

# Solids may touch: what one reaches into another by less than this (mm) is rounding.
TOUCH_MM = 1e-6
# A share of a voxel below 0 by more than this is an overlap, not rounding or the correction of the sum.
SHARE_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class SceneRegion:
    """A region in its place; `own_ml` leaves out what lies inside it, `parent` is its place in the list."""

    name: str
    shape: str
    material: Material
    solid: Solid
    parent: int | None
    own_ml: float

    @property
    def mass_g(self) -> float:
        """Mass of its own volume."""
        return self.own_ml * self.material.g_per_ml


@dataclass(frozen=True, slots=True)
class ScenePoint:
    """A point source in its place."""

    name: str
    centre_mm: Vector


@dataclass(frozen=True, slots=True)
class Scene:
    """All regions, from the outside in, and points."""

    outside: Material
    regions: tuple[SceneRegion, ...]
    points: tuple[ScenePoint, ...]

    def of_role(self, *roles: str) -> tuple[SceneRegion, ...]:
        """The regions that stand for these organs."""
        return tuple(r for r in self.regions if r.material.role in roles)


def stream(seed: int, use: str) -> np.random.Generator:
    """Random numbers of their own for each use, the same on every machine."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *use.encode()])))


def place(definition: AnalyticDefinition, seed: int) -> Scene:
    """The regions where this seed puts them.

    Raises:
        InputError: a region leaves the one around it, two overlap, or one is smaller than a voxel.
    """
    solids = [_moved(region.placed.solid, region.placed.jitter_mm, seed, region.name)
              for region in definition.regions]  # fmt: skip
    parents = _parents(definition.regions)
    for n, region in enumerate(definition.regions):
        _require_size(region.name, solids[n], definition.ct.voxel_mm)
        outer = parents[n]
        if outer is not None:
            _require_inside(region.name, solids[n], definition.regions[outer].name, solids[outer])
        for other in range(n):
            if parents[other] == parents[n]:
                _require_apart(region.name, solids[n], definition.regions[other].name, solids[other])
    regions = []
    for n, region in enumerate(definition.regions):
        within = sum(solids[m].volume_mm3 for m, p in enumerate(parents) if p == n)
        own_ml = (solids[n].volume_mm3 - within) * ML_PER_MM3
        regions.append(
            SceneRegion(
                region.name, region.placed.shape, region.material, solids[n], parents[n], max(own_ml, 0.0)
            )
        )
    points = tuple(
        ScenePoint(p.name, _shifted(p.centre_mm, p.jitter_mm, seed, p.name)) for p in definition.points
    )
    for point in points:
        if solids[0].level(np.array(point.centre_mm)) > 0:
            raise InputError(f"{point.name} lies outside {regions[0].name}; move it inside")
    return Scene(definition.outside, tuple(regions), points)


def _parents(regions: Sequence[Region]) -> list[int | None]:
    names = [region.name for region in regions]
    return [names.index(region.inside) if region.inside else None for region in regions]


def _shifted(centre: Vector, jitter_mm: float, seed: int, name: str) -> Vector:
    if jitter_mm == 0:
        return centre
    x, y, z = np.array(centre) + stream(seed, f"place of {name}").uniform(-jitter_mm, jitter_mm, 3)
    return (float(x), float(y), float(z))


def _moved(solid: Solid, jitter_mm: float, seed: int, name: str) -> Solid:
    if jitter_mm == 0:
        return solid
    known = cast("Any", solid)  # every solid is a dataclass with a centre
    return cast("Solid", replace(known, centre_mm=_shifted(known.centre_mm, jitter_mm, seed, name)))


def _require_size(name: str, solid: Solid, voxel_mm: Vector) -> None:
    small = min(solid.size_mm)
    if small < max(voxel_mm):
        raise InputError(
            f"{name} is {small:g} mm across, less than a CT voxel of {max(voxel_mm):g} mm; enlarge it, or "
            "lower ct.voxel_mm"
        )


def _require_inside(name: str, solid: Solid, outer_name: str, outer: Solid) -> None:
    beyond = float(outer.level(solid.surface()).max())
    if beyond > TOUCH_MM:
        raise InputError(
            f"{name} leaves {outer_name} by {beyond:.3g} mm; make it smaller, move it, or enlarge "
            f"{outer_name}"
        )


def _require_apart(name: str, solid: Solid, other_name: str, other: Solid) -> None:
    if _is_ball(solid) and _is_ball(other):
        apart = np.linalg.norm(_centre(solid) - _centre(other))
        deep = float((solid.size_mm[0] + other.size_mm[0]) / 2 - apart)
    else:
        deep = -min(float(solid.level(other.surface()).min()), float(other.level(solid.surface()).min()))
        if (np.abs(_centre(solid) - _centre(other)) <= TOUCH_MM).all():
            deep = max(deep, min(*solid.size_mm, *other.size_mm) / 2)
    if deep > TOUCH_MM:
        raise InputError(
            f"{name} and {other_name} overlap by {deep:.3g} mm; make them smaller or move one of them"
        )


def _is_ball(solid: Solid) -> bool:
    return isinstance(solid, Ellipsoid) and solid.is_sphere


def _centre(solid: Solid) -> F64:
    low, high = solid.bounds_mm
    return np.asarray((np.array(low) + np.array(high)) / 2, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Voxels:
    """A scene on a grid: what each region's solid fills, in the order of the regions."""

    grid: Grid
    scene: Scene
    filled: tuple[Filled, ...]

    def blend(self, values: Sequence[float], outside: float) -> F64:
        """Mean of a quantity in each voxel, from its value in each region and around them."""
        out = np.full(self.grid.shape, outside)
        for region, one, value in zip(self.scene.regions, self.filled, values, strict=True):
            around = outside if region.parent is None else values[region.parent]
            out[one.box] += one.share * (value - around)
        return out

    def labels(self) -> np.ndarray[Any, np.dtype[np.uint16]]:
        """Region numbers from 1: the innermost that fills at least half of the voxel."""
        out = np.zeros(self.grid.shape, np.uint16)
        for number, one in enumerate(self.filled, start=1):
            part = out[one.box]
            part[one.share >= 1 / 2 - SHARE_ROUNDING] = number
        return out


def voxelise(scene: Scene, grid: Grid, samples: int) -> Voxels:
    """The scene on a grid.

    Raises:
        InputError: a region leaves the grid, or two come so near that they share sub-samples.
    """
    filled = tuple(fill(r.name, r.solid, grid, samples) for r in scene.regions)
    for n, region in enumerate(scene.regions):
        inner = [m for m, r in enumerate(scene.regions) if r.parent == n]
        if not inner:
            continue
        left = np.zeros(grid.shape)
        left[filled[n].box] = filled[n].share
        for m in inner:
            left[filled[m].box] -= filled[m].share
        if left.min() < -SHARE_ROUNDING:
            names = ", ".join(scene.regions[m].name for m in inner)
            raise InputError(
                f"the surfaces of {region.name} and what is inside ({names}) come nearer than voxels of "
                f"{max(grid.spacing_mm):g} mm can part; move them apart, or make the voxels smaller"
            )
    return Voxels(grid, scene, filled)


@dataclass(frozen=True, slots=True)
class Shared:
    """One injection: MBq in each region and in each point."""

    injection: Injection
    regions_mbq: tuple[float, ...]
    points_mbq: tuple[float, ...]

    def administered_gy(self, scene: Scene, k_gy_kg_per_gbq: float) -> tuple[float, ...]:
        """Mean dose of each region when the treatment spreads alike and all energy stays where it decays."""
        scale = self.injection.administered_gbq / self.injection.injected_mbq
        return tuple(
            0.0 if r.mass_g == 0 else k_gy_kg_per_gbq * mbq * scale / (r.mass_g / GRAMS_PER_KILOGRAM)
            for r, mbq in zip(scene.regions, self.regions_mbq, strict=True)
        )

    @property
    def administered_per_injected(self) -> float:
        """Activity of the treatment over that of the tracer, both in MBq."""
        return self.injection.administered_gbq * MBQ_PER_GBQ / self.injection.injected_mbq


def share_out(scene: Scene, injection: Injection) -> Shared:
    """The activity of an injection among regions and points.

    The lung shunt is activity in regions of role lungs over that in lungs, liver and tumour (over everything
    where there is neither liver nor tumour).
    """
    weights = np.array([injection.relative.get(r.name, 0.0) * r.own_ml for r in scene.regions])
    on_points = np.array([injection.relative.get(p.name, 0.0) for p in scene.points])
    roles = np.array([r.material.role for r in scene.regions])
    lungs = np.array([r.own_ml if r.material.role == "lungs" else 0.0 for r in scene.regions])
    shunt = injection.lung_shunt_frac
    if shunt > 0:
        if lungs.sum() == 0:
            raise InputError(
                f"injection {injection.name}: a lung shunt of {shunt:g} and no lungs; set it to 0"
            )
        if weights[roles == "lungs"].any():
            raise InputError(
                f"injection {injection.name}: lungs get a concentration and a shunt; give one of the two"
            )
        liver = weights[(roles == "liver") | (roles == "tumour")].sum()
        base = liver if liver > 0 else weights.sum() + on_points.sum()
        if shunt == 1:
            weights, on_points, base = weights * 0, on_points * 0, 1.0
        weights = weights + lungs / lungs.sum() * (base if shunt == 1 else base * shunt / (1 - shunt))
    total = weights.sum() + on_points.sum()
    if total == 0:
        raise InputError(f"injection {injection.name} reaches no region; raise a concentration")
    scale = injection.injected_mbq / total
    return Shared(
        injection, tuple(float(w) for w in weights * scale), tuple(float(w) for w in on_points * scale)
    )
