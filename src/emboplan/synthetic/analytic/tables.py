"""From a parsed TOML table to the definition of an analytic case.

`set` holds what a user changes; the other tables refer to it by name. Every key must be known.
"""

from __future__ import annotations

from typing import Any

from emboplan.errors import InputError
from emboplan.synthetic.analytic.definition import (
    AnalyticDefinition,
    CtSettings,
    Injection,
    Material,
    PlanarSettings,
    PointSource,
    Region,
    SpectSettings,
    Windows,
)
from emboplan.synthetic.analytic.reading import Setting, TableReader, nearest, number
from emboplan.synthetic.analytic.shapes import placed_solids

OUTSIDE = "air"  # the material around all regions
EACH = " *"  # at the end of a name: every region whose name begins so
MOST_VOXELS = 2**27  # an image in double precision stays within 1 GB
MOST_SAMPLES = 16  # per voxel and axis: finer changes no volume by a millionth
ROLES = ("tumour", "liver", "lungs", "other")


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
