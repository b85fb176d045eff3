"""A digital patient: CT, 99mTc-MAA SPECT, planar views and the truth, from a definition and a seed.

The whole patient follows from the two: the same pair gives the same bytes on any number of threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import InputError
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, CountImage, CtImage, PlanarPair
from emboplan.model.mask import LabelMap, Mask
from emboplan.synthetic import ct, materials, nuclear
from emboplan.synthetic.anatomy import PatientDrawing, centred, ct_grid, draw_patient, stream
from emboplan.synthetic.definition import PhantomDefinition
from emboplan.synthetic.materials import BODY, IN_LIVER, IN_LUNGS, LESION_CODES, LIVER, LUNGS
from emboplan.synthetic.raster import Bins, Sampling, SliceResult, each_slice, gather, paint_slice
from emboplan.synthetic.tissues import (
    LESION_ZONES,
    STRUCTURES,
    Tissue,
    lesion_code,
)
from emboplan.synthetic.truth import LesionTruth, PhantomTruth

Progress = Callable[[str, float], None]

UID_ROOT = "2.25."  # UUID-derived identifiers (DICOM PS3.5, B.2)
UID_BYTES = 16


@dataclass(frozen=True, slots=True, eq=False)
class DigitalPatient:
    """A patient whose truth is known exactly."""

    name: str
    seed: int
    ct: CtImage
    maa_spect: CountImage
    planar: PlanarPair
    truth: PhantomTruth


def digital_patient(
    definition: PhantomDefinition, seed: int, *, progress: Progress | None = None
) -> DigitalPatient:
    """The patient that `definition` and `seed` make.

    Raises `InputError` when what the definition sets cannot be made: a liver or lesions that do not fit, or
    a body wider than the field of view.
    """
    if seed < 0:
        raise InputError(f"seed is {seed}; expected 0 or more")
    say = progress or (lambda _stage, _frac: None)
    say("drawing the anatomy", 0.0)
    uid = UID_ROOT + str(
        int.from_bytes(hashlib.sha256(f"{definition.name}/{seed}".encode()).digest()[:UID_BYTES], "big")
    )
    grid = ct_grid(definition, uid)
    spect = definition.spect
    nuclear_grid = centred((spect.slices, spect.matrix, spect.matrix), (spect.voxel_mm,) * 3, uid)
    drawn = draw_patient(definition, grid, seed)
    say("scanning", 1 / (2 + 2))
    hu, slices = _scan(definition, grid, nuclear_grid, drawn, seed)
    say("injecting", 1 / 2 + 1 / (2 + 2))
    return _assemble(definition, seed, grid, nuclear_grid, drawn, hu, slices)


@dataclass(frozen=True, slots=True)
class _Scan:
    """What the scan leaves besides the CT numbers."""

    groups: NDArray[np.uint8]
    lesion: NDArray[np.uint8]
    other: NDArray[np.uint8]
    counts: NDArray[np.int64]
    coarse_ml: NDArray[np.float64]
    hu_of: dict[int, float]
    noise_sd_hu: float


def _scan(
    definition: PhantomDefinition, grid: Grid, nuclear_grid: Grid, drawn: PatientDrawing, seed: int
) -> tuple[NDArray[np.int16], _Scan]:
    """CT numbers, memberships and the volumes on the nuclear grid, slice by slice."""
    scan = definition.ct
    rng = stream(seed, "ct numbers")
    hu_of = materials.draw_hu(definition, len(drawn.lesions), rng)
    noise_sd = scan.noise_sd_hu.draw(rng)
    tables = materials.tables(definition, hu_of)
    texture = ct.Texture(drawn.drawing.lattice, scan.texture_fwhm_mm, stream(seed, "texture"))
    slice_filter = ct.SliceFilter(scan, noise_sd)
    sampling = Sampling(grid, scan.supersampling)
    (dx, dy, dz), (ox, oy, oz) = grid.spacing_mm, grid.origin_mm
    nz, ny, nx = grid.shape
    voxel = nuclear_grid.spacing_mm[0]
    rows = Bins.of(oy, dy, ny, nuclear_grid.origin_mm[1], voxel)
    columns = Bins.of(ox, dx, nx, nuclear_grid.origin_mm[0], voxel)
    coarse = (nuclear_grid.shape[1], nuclear_grid.shape[2])
    x_mm, y_mm = ox + dx * np.arange(nx), oy + dy * np.arange(ny)
    hu = np.empty(grid.shape, np.int16)
    groups, lesion, other = (np.empty(grid.shape, np.uint8) for _ in range(3))
    air = hu_of[int(Tissue.AIR)]

    def one(k: int) -> SliceResult:
        labels = paint_slice(drawn.drawing.layers, sampling, k)
        result = gather(labels, tables, texture.plane(x_mm, y_mm, oz + dz * k), rows, columns, coarse)
        noise = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, k, NOISE])))
        hu[k] = ct.to_hu(slice_filter.apply(result.mean, noise), air)
        groups[k], lesion[k], other[k] = result.groups, result.lesion, result.other
        return result

    results = each_slice(one, nz)
    edge = (groups[:, [0, -1]] & BODY).any() or (groups[:, :, [0, -1]] & BODY).any()
    if edge:
        raise InputError(
            f"phantom definition: the body is wider than the CT's field of view of {nx * dx:.0f} mm; "
            "raise ct.matrix or ct.pixel_mm, or lower habitus"
        )
    counts = np.sum([r.counts for r in results], axis=0)
    planes = np.stack([r.coarse for r in results])
    along = Bins.of(oz, dz, nz, nuclear_grid.origin_mm[2], voxel).matrix(nuclear_grid.shape[0])
    coarse_ml = np.tensordot(along, planes, axes=1) * sampling.sample_ml
    return hu, _Scan(groups, lesion, other, counts, coarse_ml, hu_of, noise_sd)


NOISE = 1  # marks the random numbers of the CT's noise


def _assemble(
    definition: PhantomDefinition,
    seed: int,
    grid: Grid,
    nuclear_grid: Grid,
    drawn: PatientDrawing,
    hu: NDArray[np.int16],
    scan: _Scan,
) -> DigitalPatient:
    """The nuclear images and the truth around a finished scan."""
    sample_ml = Sampling(grid, definition.ct.supersampling).sample_ml
    ml = scan.counts * sample_ml
    tumour = float(ml[LESION_CODES].sum())
    normal = float(ml[list(IN_LIVER)].sum())
    lungs = float(ml[list(IN_LUNGS)].sum())
    body = float(ml[1:].sum())
    empty = [int(Tissue.GAS), int(Tissue.AIRWAY)]
    volumes = {
        "tumour": tumour,
        "normal_liver": normal,
        "lungs": lungs,
        "background": body - tumour - normal - lungs - float(ml[empty].sum()),
    }
    rng = stream(seed, "nuclear")
    activities = nuclear.distribute(definition.uptake, volumes, rng)
    breathing = definition.spect.breathing_mm.draw(rng)
    mbq = nuclear.activity_mbq(activities, scan.coarse_ml)
    expected = nuclear.expected_projection_counts(definition.spect, activities, scan.coarse_ml, breathing)
    spect = nuclear.spect_image(definition.spect, nuclear_grid, expected, stream(seed, "spect"))
    density_map = scan.coarse_ml[..., -1] / nuclear_grid.voxel_ml
    density_map[scan.coarse_ml[..., : len(nuclear.COMPARTMENTS)].sum(axis=-1) == 0] = 0
    planar = nuclear.planar_views(definition.planar, nuclear_grid, mbq, density_map, stream(seed, "planar"))
    density = materials.densities(definition)
    lung_g = float((ml * density)[list(IN_LUNGS)].sum())
    lesion_map = LabelMap(grid, scan.lesion.astype(np.uint16))
    voxels = np.bincount(scan.lesion.ravel(), minlength=len(drawn.lesions) + 1)
    table = []
    for number, lesion in enumerate(drawn.lesions, start=1):
        codes = [lesion_code(number, zone) for zone in range(LESION_ZONES)]
        own = ml[codes]
        x, y, z = (float(v) for v in lesion.centre_mm)
        table.append(
            LesionTruth(
                number=number,
                centre_mm=(x, y, z),
                volume_ml=float(own.sum()),
                voxel_volume_ml=float(voxels[number]) * grid.voxel_ml,
                analytic_volume_ml=lesion.volume_ml,
                longest_diameter_mm=lesion.longest_diameter_mm(),
                longest_axial_diameter_mm=lesion.longest_axial_diameter_mm(),
                mean_hu=float(sum(v * scan.hu_of[c] for v, c in zip(own, codes, strict=True)) / own.sum()),
                rim=lesion.rim,
                core=lesion.core,
            )
        )
    liver_ml = tumour + normal
    truth = PhantomTruth(
        body=Mask(grid, (scan.groups & BODY) > 0),
        lungs=Mask(grid, (scan.groups & LUNGS) > 0),
        liver=Mask(grid, (scan.groups & LIVER) > 0),
        lesions=lesion_map,
        others=LabelMap(grid, scan.other.astype(np.uint16)),
        other_names=dict(enumerate(STRUCTURES, start=1)),
        activity=ActivityMap(nuclear_grid, (mbq / nuclear_grid.voxel_ml).astype(np.float32)),
        lesion_table=tuple(table),
        volumes_ml={"body": body, "liver": liver_ml, **volumes},
        burden_set_frac=definition.lesions.burden_frac,
        burden_frac=tumour / liver_ml,
        density_g_per_ml=dict(definition.density_g_per_ml),
        lung_mass_g=lung_g,
        lung_density_g_per_ml=lung_g / lungs,
        liver_density_g_per_ml=definition.density_g_per_ml["liver"],
        activity_mbq=activities.mbq,
        activity_mbq_per_ml=activities.mbq_per_ml,
        injected_mbq=definition.uptake.injected_mbq,
        tumour_to_normal=activities.tumour_to_normal,
        lung_shunt_frac=activities.lung_shunt_frac,
        hu={tissue.name.lower(): scan.hu_of[int(tissue)] for tissue in Tissue},
        noise_sd_hu=scan.noise_sd_hu,
        breathing_mm=breathing,
        spect_fwhm_mm=float(spect.resolution_fwhm_mm or 0.0),
        planar_first_pixel_mm=nuclear.first_pixel_mm(definition.planar, nuclear_grid),
    )
    name = definition.name
    return DigitalPatient(name, seed, CtImage(grid, hu), spect, planar, truth)
