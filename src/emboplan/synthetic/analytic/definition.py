"""The definition of an analytic case, as checked values: materials, solids in each other, activity, scanners.

Regions are listed from the outside in, each inside one that stands before it. `tables` builds a definition
from a parsed TOML table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from emboplan.synthetic.analytic.reading import Setting
from emboplan.synthetic.analytic.shapes import Placed
from emboplan.synthetic.analytic.solids import Vector

KIND = "analytic"


@dataclass(frozen=True, slots=True)
class Material:
    """What a region is made of, and which organ it stands for (a role)."""

    hu: float
    g_per_ml: float
    role: str


@dataclass(frozen=True, slots=True)
class Region:
    """A solid of one material; what lies inside it is not part of it. `inside` is empty for the outermost."""

    placed: Placed
    material: Material
    inside: str

    @property
    def name(self) -> str:
        """The region's name."""
        return self.placed.name


@dataclass(frozen=True, slots=True)
class PointSource:
    """Activity in a place without extent."""

    name: str
    centre_mm: Vector
    jitter_mm: float


@dataclass(frozen=True, slots=True)
class Injection:
    """Activity that is given at once and how it spreads.

    `lung_shunt_frac` goes to the regions of role lungs by volume; the rest goes to the regions and points in
    `relative`, in proportion to these concentrations times volume (a point counts as 1 mL).
    """

    name: str
    injected_mbq: float
    administered_gbq: float
    lung_shunt_frac: float
    relative: dict[str, float]


@dataclass(frozen=True, slots=True)
class CtSettings:
    """The CT: matrix and voxels x, y, z, samples per voxel and axis, white noise."""

    matrix: tuple[int, int, int]
    voxel_mm: Vector
    supersampling: int
    noise_sd_hu: float


@dataclass(frozen=True, slots=True)
class SpectSettings:
    """The SPECT after reconstruction, one scan at each of `hours` after the injection.

    `counts` are expected in a scan of an injection at its own time.
    """

    matrix: tuple[int, int, int]
    voxel_mm: Vector
    supersampling: int
    fwhm_mm: float
    counts: float
    hours: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PlanarSettings:
    """Planar views on the x and z of the SPECT's voxels: primary photons only, of one resolution."""

    fwhm_mm: float
    counts: float
    duration_s: float
    attenuation_cm2_per_g: float


@dataclass(frozen=True, slots=True)
class Windows:
    """Energies (keV) between which photons are counted, low and high."""

    photopeak_kev: tuple[float, ...]
    scatter_kev: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class AnalyticDefinition:
    """All that is set of an analytic case."""

    name: str
    description: str
    settings: dict[str, Setting]
    outside: Material
    regions: tuple[Region, ...]
    points: tuple[PointSource, ...]
    injections: tuple[Injection, ...]
    ct: CtSettings
    spect: SpectSettings
    windows: Windows
    planar: PlanarSettings | None = field(default=None)


def is_analytic(table: dict[str, Any]) -> bool:
    """Whether a parsed TOML table defines an analytic case."""
    return table.get("kind") == KIND
