"""The definition of an analytic case, as checked values: materials, solids in each other, activity, scanners.

`set` holds what a user changes; the other tables refer to it by name. Regions are listed from the outside in,
each inside one that stands before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from emboplan.errors import InputError
from emboplan.synthetic.analytic.reading import Setting, TableReader, nearest, number
from emboplan.synthetic.analytic.shapes import Placed, placed_solids
from emboplan.synthetic.analytic.solids import Vector

KIND = "analytic"
OUTSIDE = "air"  # the material around all regions
EACH = " *"  # at the end of a name: every region whose name begins so
MOST_VOXELS = 2**27  # an image in double precision stays within 1 GB
MOST_SAMPLES = 16  # per voxel and axis: finer changes no volume by a millionth
ROLES = ("tumour", "liver", "lungs", "other")


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


def from_table(table: dict[str, Any]) -> AnalyticDefinition:
    """The definition in a parsed TOML table.

    Raises:
        InputError: a key is unknown or missing, or a value cannot be meant.
    """
    top = TableReader(table, "")
    top.text("kind")
    settings = _settings(top)
    top = TableReader(table, "", settings)
    top.text("kind")
    top.has("set")
    materials = {name: _material(reader) for name, reader in top.tables("material").items()}
    if OUTSIDE not in materials:
        raise InputError(f"phantom definition: material.{OUTSIDE} is missing; it lies around the regions")
    regions = _regions(top, materials)
    points = tuple(_point(reader) for reader in top.subs("point"))
    places = [region.name for region in regions] + [point.name for point in points]
    twice = sorted({name for name in places if places.count(name) > 1})
    if twice:
        raise InputError(f"phantom definition: two regions are named {twice[0]!r}; names must differ")
    definition = AnalyticDefinition(
        name=top.text("name"),
        description=top.text("description"),
        settings=settings,
        outside=materials[OUTSIDE],
        regions=regions,
        points=points,
        injections=tuple(_injection(reader, places) for reader in top.subs("injection")),
        ct=_ct(top.sub("ct")),
        spect=_spect(top.sub("spect")),
        windows=_windows(top.sub("windows")),
        planar=_planar(top.sub("planar")) if top.has("planar") else None,
    )
    top.done()
    if not definition.injections:
        raise InputError("phantom definition: no [[injection]]; a case needs activity")
    return definition


def _settings(top: TableReader) -> dict[str, Setting]:
    raw = top.raw("set")
    if not isinstance(raw, dict):
        raise InputError(f"phantom definition: set is {raw!r}; expected a table")
    return {
        key: [number(v, f"set.{key}") for v in value]
        if isinstance(value, list)
        else number(value, f"set.{key}")
        for key, value in raw.items()
    }


def _material(reader: TableReader) -> Material:
    role = reader.text("role") if reader.has("role") else "other"
    if role not in ROLES:
        raise InputError(
            f"phantom definition: {reader.path('role')} is {role!r}; expected {', '.join(ROLES)}"
        )
    material = Material(reader.number("hu"), reader.number("g_per_ml", above=0), role)
    reader.done()
    return material


def _regions(top: TableReader, materials: dict[str, Material]) -> tuple[Region, ...]:
    regions: list[Region] = []
    for reader in top.subs("region"):
        inside = reader.text("inside") if reader.has("inside") else ""
        known = [region.name for region in regions]
        if inside and inside not in known:
            raise InputError(
                f"phantom definition: {reader.path('inside')} is {inside!r}; {nearest(inside, known)}"
            )
        placed = placed_solids(reader)
        named = (
            [reader.text("material")] * len(placed) if reader.has("material") else [p.name for p in placed]
        )
        reader.done()
        for material, one in zip(named, placed, strict=True):
            if material not in materials:
                raise InputError(
                    f"phantom definition: {reader.path('material')} is {material!r}; "
                    f"{nearest(material, materials)}"
                )
            regions.append(Region(one, materials[material], inside))
    if not regions or sum(not region.inside for region in regions) != 1:
        raise InputError("phantom definition: expected one outermost region, without `inside`")
    return tuple(regions)


def _point(reader: TableReader) -> PointSource:
    jitter = reader.number("jitter_mm", least=0) if reader.has("jitter_mm") else 0.0
    point = PointSource(reader.text("name"), reader.vector("centre_mm"), jitter)
    reader.done()
    return point


def _injection(reader: TableReader, places: list[str]) -> Injection:
    given = reader.sub("relative")
    relative: dict[str, float] = {}
    for key in given.keys:
        meant = [p for p in places if p == key or (key.endswith(EACH) and p.startswith(key[:-1]))]
        if not meant:
            raise InputError(f"phantom definition: unknown region {given.path(key)}; {nearest(key, places)}")
        relative |= dict.fromkeys(meant, given.number(key, least=0))
    injection = Injection(
        name=reader.text("name"),
        injected_mbq=reader.number("injected_mbq", above=0),
        administered_gbq=reader.number("administered_gbq", above=0),
        lung_shunt_frac=reader.fraction("lung_shunt_frac"),
        relative=relative,
    )
    reader.done()
    return injection


def _matrix(reader: TableReader) -> tuple[int, int, int]:
    values = reader.vector("matrix", above=0)
    for value in values:
        if value != int(value):
            raise InputError(
                f"phantom definition: {reader.path('matrix')} holds {value:g}; expected whole numbers"
            )
    nx, ny, nz = (int(value) for value in values)
    if nx * ny * nz > MOST_VOXELS:
        raise InputError(
            f"phantom definition: {reader.path('matrix')} makes {nx * ny * nz:.3g} voxels; expected at most "
            f"{MOST_VOXELS:.3g}"
        )
    return (nx, ny, nz)


def _ct(reader: TableReader) -> CtSettings:
    out = CtSettings(
        matrix=_matrix(reader),
        voxel_mm=reader.vector("voxel_mm", above=0),
        supersampling=reader.whole("supersampling", least=1, most=MOST_SAMPLES),
        noise_sd_hu=reader.number("noise_sd_hu", least=0),
    )
    reader.done()
    return out


def _spect(reader: TableReader) -> SpectSettings:
    out = SpectSettings(
        matrix=_matrix(reader),
        voxel_mm=reader.vector("voxel_mm", above=0),
        supersampling=reader.whole("supersampling", least=1, most=MOST_SAMPLES),
        fwhm_mm=reader.number("fwhm_mm", above=0),
        counts=reader.number("counts", above=0),
        hours=reader.numbers("hours", least=0),
    )
    if len(set(out.hours)) < len(out.hours):
        raise InputError(f"phantom definition: {reader.path('hours')} names a time twice; give each once")
    reader.done()
    return out


def _planar(reader: TableReader) -> PlanarSettings:
    out = PlanarSettings(
        fwhm_mm=reader.number("fwhm_mm", above=0),
        counts=reader.number("counts", above=0),
        duration_s=reader.number("duration_s", above=0),
        attenuation_cm2_per_g=reader.number("attenuation_cm2_per_g", least=0),
    )
    reader.done()
    return out


def _windows(reader: TableReader) -> Windows:
    pairs = []
    for key in ("photopeak_kev", "scatter_kev"):
        pair = reader.numbers(key, above=0)
        if len(pair) != 2 or pair[0] >= pair[1]:
            raise InputError(f"phantom definition: {reader.path(key)} is {list(pair)}; expected [low, high]")
        pairs.append(pair)
    reader.done()
    return Windows(*pairs)
