"""A digital patient: CT, 99mTc-MAA SPECT, planar views and the truth, from a definition and a seed.

The whole patient follows from the two: the same pair gives the same bytes on any number of threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import InputError
from emboplan.model.grid import Grid
from emboplan.model.image import CountImage, CtImage, PlanarPair
from emboplan.model.mask import LabelMap, Mask
from emboplan.synthetic.body import materials
from emboplan.synthetic.body.anatomy import PatientDrawing, centred, ct_grid, draw_patient, stream
from emboplan.synthetic.body.materials import (
    BODY,
    IN_BODY,
    IN_LIVER,
    IN_LUNGS,
    LESION_CODES,
    LIVER,
    LUNGS,
    VIABLE,
    VIABLE_CODES,
)
from emboplan.synthetic.body.territories import SEGMENT_NAMES, liver_segments
from emboplan.synthetic.body.tissues import (
    LESION_ZONES,
    LOOKS,
    STRUCTURES,
    VIABLE_ZONES,
    Tissue,
    lesion_code,
)
from emboplan.synthetic.drawing.raster import Bins, SliceResult, each_slice, gather, paint_slice, shares
from emboplan.synthetic.metastases.lesion_burden import numbered
from emboplan.synthetic.scans import ct, nuclear
from emboplan.synthetic.scans.deposits import Places
from emboplan.synthetic.scans.maa_scans import NuclearField, maa_scans
from emboplan.synthetic.setting.definition import PhantomDefinition
from emboplan.synthetic.setting.limits import MOST_SEED
from emboplan.synthetic.setting.variants import definition_of
from emboplan.synthetic.truth import LesionTruth, PhantomTruth

Progress = Callable[[str, float], None]

UID_ROOT = "2.25."  # UUID-derived identifiers (DICOM PS3.5, B.2)
UID_BYTES = 16


@dataclass(frozen=True, slots=True, eq=False)
class DigitalPatient:
    """A patient whose truth is known exactly.

    `drawn` holds the shapes and `field` the activity, for further images of the same.
    """

    name: str
    seed: int
    ct: CtImage
    maa_spect: CountImage
    planar: PlanarPair
    truth: PhantomTruth
    definition: PhantomDefinition
    drawn: PatientDrawing
    field: NuclearField


def make_patient(
    table: Mapping[str, object],
    seed: int,
    settings: Mapping[str, object] | None = None,
    *,
    progress: Progress | None = None,
) -> DigitalPatient:
    """The patient that a definition's table, a seed and a user's settings make.

    Settings are `phase`, `variant` and `kernel`, and any key of the table, such as `burden_frac`, `count` or
    `slice_mm` (see `variants.definition_of`); what is not set is as in the table. The same three give the
    same bytes.

    Raises:
        InputError: a setting is unknown, or the patient cannot be made.
    """
    return digital_patient(definition_of(table, settings or {}), seed, progress=progress)


def digital_patient(
    definition: PhantomDefinition, seed: int, *, progress: Progress | None = None
) -> DigitalPatient:
    """The patient that `definition` and `seed` make.

    Raises `InputError` when what the definition sets cannot be made: a liver or lesions that do not fit, or
    a body wider than the field of view.
    """
    if not 0 <= seed <= MOST_SEED:
        raise InputError(f"seed is {seed}; expected 0 to {MOST_SEED}")
    say = progress or (lambda _stage, _frac: None)
    say("drawing the anatomy", 0.0)
    who = "/".join(part for part in (definition.name, definition.anatomy, str(seed)) if part)
    uid = UID_ROOT + str(int.from_bytes(hashlib.sha256(who.encode()).digest()[:UID_BYTES], "big"))
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
    hyper: NDArray[np.bool_]


def _scan(
    definition: PhantomDefinition, grid: Grid, nuclear_grid: Grid, drawn: PatientDrawing, seed: int
) -> tuple[NDArray[np.int16], _Scan]:
    """CT numbers, memberships and the volumes on the nuclear grid, slice by slice."""
    scan = definition.ct
    rng = stream(seed, "ct numbers")
    noise_sd = ct.noise_in_slice_hu(scan, scan.noise_sd_hu.draw(rng))
    hyper = materials.draw_kinds(definition, stream(seed, "kinds"))
    hu_of = materials.draw_hu(definition, hyper, rng)
    tables = materials.tables(definition, hu_of)
    texture = ct.Texture(drawn.drawing.lattice, scan.texture_fwhm_mm, stream(seed, "texture"))
    slice_filter = ct.SliceFilter(scan, noise_sd)
    sampling = drawn.sampling
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
        result = gather(
            labels, tables, texture.plane(x_mm, y_mm, sampling.middle_mm(k)), rows, columns, coarse
        )
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
    along = shares(oz, dz, nz, nuclear_grid.origin_mm[2], voxel, nuclear_grid.shape[0])
    coarse_ml = np.tensordot(along, planes, axes=1) * sampling.sample_ml
    return hu, _Scan(groups, lesion, other, counts, coarse_ml, hu_of, noise_sd, hyper)


LEAST_ML = 1e-9  # a volume that no sample has: keeps a lesion without one from dividing by nothing
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
    ml = scan.counts * drawn.sampling.sample_ml
    tumour = float(ml[LESION_CODES].sum())
    normal = float(ml[list(IN_LIVER)].sum())
    lungs = float(ml[list(IN_LUNGS)].sum())
    body = float(ml[list(IN_BODY)].sum() + ml[LESION_CODES].sum())
    empty = [int(Tissue.GAS), int(Tissue.AIRWAY)]
    volumes = {
        "tumour": tumour,
        "normal_liver": normal,
        "lungs": lungs,
        "background": body - tumour - normal - lungs - float(ml[empty].sum()),
    }
    body_mask = Mask(grid, (scan.groups & BODY) > 0)
    lung_mask = Mask(grid, (scan.groups & LUNGS) > 0)
    liver_mask = Mask(grid, (scan.groups & LIVER) > 0)
    names = dict(enumerate(STRUCTURES, start=1))
    places = Places(body_mask, liver_mask, lung_mask, scan.other, names)
    scans = maa_scans(definition, seed, nuclear_grid, scan.coarse_ml, volumes, places, drawn)
    field, activities = scans.field, scans.field.activities
    density = materials.densities(definition)
    lung_g = float((ml * density)[list(IN_LUNGS)].sum())
    lesion_map = LabelMap(grid, numbered(scan.lesion, drawn.lesions, drawn.sampling, LOOKS))
    segments = liver_segments(liver_mask, drawn)
    table = _lesion_table(drawn, lesion_map, ml, scan)
    liver_ml = tumour + normal
    truth = PhantomTruth(
        body=body_mask,
        lungs=lung_mask,
        liver=liver_mask,
        segments=segments,
        segment_names=dict(SEGMENT_NAMES),
        lesions=lesion_map,
        viable=Mask(grid, ((scan.groups & VIABLE) > 0) & (lesion_map.labels > 0)),
        others=LabelMap(grid, scan.other.astype(np.uint16)),
        other_names=names,
        activity=scans.activity,
        lesion_table=table,
        volumes_ml={
            "body": body,
            "liver": liver_ml,
            **volumes,
            "viable_tumour": float(ml[list(VIABLE_CODES)].sum()),
        },
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
        breathing_mm=field.breathing_mm,
        registration_shift_mm=field.registration_shift_mm,
        liver_higher_mm=field.liver_higher_mm,
        focus=field.deposits.focus,
        focus_place=definition.uptake.focus,
        spect_fwhm_mm=float(scans.spect.resolution_fwhm_mm or 0.0),
        planar_first_pixel_mm=nuclear.first_pixel_mm(definition.planar, nuclear_grid),
    )
    image = CtImage(grid, hu)
    return DigitalPatient(
        definition.name, seed, image, scans.spect, scans.planar, truth, definition, drawn, field
    )


def _lesion_table(
    drawn: PatientDrawing, lesion_map: LabelMap, ml: NDArray[np.floating], scan: _Scan
) -> tuple[LesionTruth, ...]:
    """What is true of each lesion; lesions of the same looks share their samples' volume by their voxels."""
    counts = np.sum(
        [np.bincount(plane.ravel(), minlength=len(drawn.lesions) + 1) for plane in lesion_map.labels], axis=0
    )
    voxels = counts * lesion_map.grid.voxel_ml
    looks = np.array([lesion.looks for lesion in drawn.lesions], dtype=int)
    whole = np.bincount(looks, weights=voxels[1:], minlength=LOOKS + 1)
    out = []
    for number, lesion in enumerate(drawn.lesions, start=1):
        codes = [lesion_code(lesion.looks, zone) for zone in range(LESION_ZONES)]
        own = ml[codes]
        alone = np.count_nonzero(looks == lesion.looks) == 1
        share = 1.0 if alone else float(voxels[number]) / max(float(whole[lesion.looks]), LEAST_ML)
        x, y, z = (float(v) for v in lesion.centre_mm)
        out.append(
            LesionTruth(
                number=number,
                centre_mm=(x, y, drawn.sampling.shown_mm(z)),
                volume_ml=float(own.sum()) * share,
                viable_ml=float(own[list(VIABLE_ZONES)].sum()) * share,
                voxel_volume_ml=float(voxels[number]),
                analytic_volume_ml=lesion.volume_ml,
                longest_diameter_mm=lesion.longest_diameter_mm(),
                longest_axial_diameter_mm=lesion.longest_axial_diameter_mm(),
                mean_hu=sum(v * scan.hu_of[c] for v, c in zip(own, codes, strict=True))
                / max(own.sum(), LEAST_ML),
                rim=lesion.rim,
                core=lesion.core,
                calcified=lesion.calcified,
                hypervascular=bool(scan.hyper[lesion.looks - 1]),
            )
        )
    return tuple(out)
