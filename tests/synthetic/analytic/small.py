"""Analytic definitions as shipped, or with other values, and their maps without noise."""

import functools
import tomllib
from importlib.resources import files
from typing import Any

from emboplan.synthetic.analytic.case import AnalyticCase, analytic_case
from emboplan.synthetic.analytic.definition import AnalyticDefinition
from emboplan.synthetic.analytic.scans import centred
from emboplan.synthetic.analytic.scene import Scene, Shared, Voxels, place, share_out, voxelise
from emboplan.synthetic.analytic.settings import with_settings
from emboplan.synthetic.analytic.tables import from_table
from emboplan.synthetic.analytic.truth import Physics

NAMES = (
    "sphere", "slab", "point", "uniform", "nema-iec", "planar-shunt", "decay-series", "two-territories",
)  # fmt: skip
PHYSICS = Physics(half_life_h=6.0, dose_nuclide="Y-90", k_gy_kg_per_gbq=50.0)


def table(name: str) -> dict[str, Any]:
    path = files("emboplan.catalog") / "data" / "phantoms" / f"{name}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def definition(name: str, **settings: Any) -> AnalyticDefinition:
    return from_table(with_settings(table(name), settings))


@functools.cache
def shipped(name: str, seed: int = 1) -> AnalyticCase:
    """A case as it ships, made once."""
    return case(name, seed)


def case(name: str, seed: int = 1, **settings: Any) -> AnalyticCase:
    return analytic_case(definition(name, **settings), seed, PHYSICS)


def noise_free(name: str, **settings: Any) -> tuple[Scene, list[Shared], Voxels]:
    """The scene, the shared activities, and the scene on the SPECT's grid."""
    given = definition(name, **settings)
    scene = place(given, seed=1)
    grid = centred(given.spect.matrix, given.spect.voxel_mm, "1.2")
    shared = [share_out(scene, injection) for injection in given.injections]
    return scene, shared, voxelise(scene, grid, given.spect.supersampling)
