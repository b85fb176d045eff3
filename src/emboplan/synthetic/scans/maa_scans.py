"""The 99mTc-MAA scans of a patient: what is injected, where it lies, the SPECT and the planar views."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import InputError
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap, CountImage, PlanarPair
from emboplan.synthetic.body.anatomy import PatientDrawing, stream
from emboplan.synthetic.scans import nuclear
from emboplan.synthetic.scans.deposits import Deposits, Places, place_deposits
from emboplan.synthetic.setting.definition import PhantomDefinition

F64 = NDArray[np.float64]
Vector = tuple[float, float, float]

ROUNDING = 1e-6  # of a volume that is added up from voxels


@dataclass(frozen=True, slots=True, eq=False)
class NuclearField:
    """What nuclear scans see of a patient, on their grid ``(z, y, x)``, at rest.

    `volumes_ml` holds the volume per voxel of each of `nuclear.COMPARTMENTS` (last axis), `density_g_per_ml`
    is 0 outside the body. `registration_shift_mm` leads from the CT to the SPECT's frame; the liver and what
    moves with it lie another `liver_higher_mm` towards the head.
    """

    grid: Grid
    volumes_ml: F64
    density_g_per_ml: F64
    activities: nuclear.Activities
    deposits: Deposits
    breathing_mm: float
    liver_higher_mm: float
    registration_shift_mm: Vector


@dataclass(frozen=True, slots=True, eq=False)
class MaaScans:
    """The true activity, and the images of it."""

    field: NuclearField
    activity: ActivityMap
    spect: CountImage
    planar: PlanarPair


def maa_scans(
    definition: PhantomDefinition,
    seed: int,
    grid: Grid,
    coarse_ml: F64,
    volumes_ml: dict[str, float],
    places: Places,
    drawn: PatientDrawing,
) -> MaaScans:
    """Inject and scan a patient whose volumes per voxel, compartment and density (last) are `coarse_ml`.

    Raises `InputError` where a focus has no place, or the SPECT does not hold liver and lungs.
    """
    spect = definition.spect
    for name, seen_ml in zip(nuclear.COMPARTMENTS, coarse_ml.sum(axis=(0, 1, 2)), strict=False):
        if name != "background" and seen_ml < (1 - ROUNDING) * volumes_ml[name]:
            raise InputError(
                f"phantom definition: the SPECT holds {seen_ml:.0f} of {volumes_ml[name]:.0f} mL of "
                f"{name.replace('_', ' ')}; raise spect.matrix, slices or voxel_mm"
            )
    rng = stream(seed, "nuclear")
    activities = nuclear.distribute(definition.uptake, volumes_ml, rng)
    breathing = spect.breathing_mm.draw(rng)
    compartments = coarse_ml[..., : len(nuclear.COMPARTMENTS)]
    density = coarse_ml[..., -1] / grid.voxel_ml
    density[compartments.sum(axis=-1) == 0] = 0
    deposits = place_deposits(definition.uptake, activities.mbq, places, grid, drawn)
    apart = stream(seed, "registration")
    field = NuclearField(
        grid=grid,
        volumes_ml=compartments,
        density_g_per_ml=density,
        activities=activities,
        deposits=deposits,
        breathing_mm=breathing,
        liver_higher_mm=spect.mismatch_mm.draw(apart),
        registration_shift_mm=(
            spect.shift_x_mm.draw(apart), spect.shift_y_mm.draw(apart), spect.shift_z_mm.draw(apart)
        ),
    )  # fmt: skip
    mbq = nuclear.activity_mbq(activities, coarse_ml)
    if deposits.total_mbq is not None:
        mbq = mbq + deposits.total_mbq
    planar = nuclear.planar_views(definition.planar, grid, mbq, density, stream(seed, "planar"))
    activity = ActivityMap(grid, (mbq / grid.voxel_ml).astype(np.float32))
    return MaaScans(field, activity, _spect(definition, field, coarse_ml, seed), planar)


def _spect(definition: PhantomDefinition, field: NuclearField, coarse_ml: F64, seed: int) -> CountImage:
    """The SPECT, in its own place: where the patient was moved, its voxels are said to lie so much off."""
    escape = None
    if definition.spect.corrections == "none":
        attenuation = definition.planar.attenuation_cm2_per_g
        escape = nuclear.mean_escape_frac(field.density_g_per_ml, attenuation, definition.spect.voxel_mm)
    expected = nuclear.expected_projection_counts(
        definition.spect,
        field.activities,
        coarse_ml,
        field.breathing_mm,
        beside_mbq=field.deposits.total_mbq,
        higher_mm=field.liver_higher_mm,
        escape=escape,
    )
    origin = field.grid.origin_mm
    dx, dy, dz = field.registration_shift_mm
    grid = replace(field.grid, origin_mm=(origin[0] + dx, origin[1] + dy, origin[2] + dz))
    return nuclear.spect_image(definition.spect, grid, expected, stream(seed, "spect"))
