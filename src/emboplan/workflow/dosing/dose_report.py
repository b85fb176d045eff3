"""What is said of a voxel dose beside the map: how it was computed, from how much activity, how sure it is.

These are the fields of ``dose.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emboplan.dosimetry.histograms.structure_accuracy import DoseAccuracy
from emboplan.dosimetry.maps.recovery import LesionRecovery
from emboplan.dosimetry.voxel.transport_result import StructureMean
from emboplan.model.finding import Finding
from emboplan.model.grid import Vector
from emboplan.model.plan import InputDigest
from emboplan.model.results.dvh import StructureDvh
from emboplan.model.serialise import fields_to_json


@dataclass(frozen=True, slots=True)
class ActivityAccount:
    """Where the activity of a dose map comes from, and where it went; all at injection.

    `source` is ``administered`` (the image says only where it is) or ``measured`` (the image says how much).
    `image_gbq` is what an absolute image reads in all. `region_gbq` is what the liver and the lungs hold.
    `counts_outside_frac` of a relative image lies outside liver and lungs and got no dose;
    `counts_reassigned_frac` of the lungs' counts lies near the liver and was taken for the liver's.
    `not_placed_gbq` went to lungs that the CT does not show, `outside_ct_gbq` lies outside the CT,
    `outside_grid_gbq` outside the dose grid.
    """

    source: str
    in_map_gbq: float
    administered_gbq: float | None
    lung_shunt_frac: float | None
    image_gbq: float | None
    decay_factor: float
    region_gbq: Mapping[str, float]
    counts_outside_frac: float
    counts_reassigned_frac: float
    not_placed_gbq: float
    outside_ct_gbq: float
    outside_grid_gbq: float


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """The correction for partial volume, in words and for each lesion."""

    choice: str
    lesions: tuple[LesionRecovery, ...]


@dataclass(frozen=True, slots=True)
class StructureBed:
    """BED and EQD2 of a structure: means, and BED that half and 95 % of the volume reach."""

    name: str
    alpha_beta_gy: float
    repair_half_time_h: float
    mean_bed_gy: float
    d50_bed_gy: float
    d95_bed_gy: float
    mean_eqd2_gy: float
    status: str


@dataclass(frozen=True, slots=True)
class DoseReport:
    """The result of `emboplan dose`.

    `convolved_frac` and `transported_frac` are shares of the activity; `left_frac` of the energy left the
    grid. `relative_error` is what was asked for in the structures of `run_means`, None where the method has
    no statistical error; `reached` says whether it is met. `run_means` are over whole voxels, each by the
    share that the structure fills, with the run's own error; the means of `structures` are those of the
    histograms, which look between voxels, with errors of these. `image_accuracy` is None where nothing is
    known of the images' accuracy.
    """

    emboplan_version: str
    catalogue_digest: str
    inputs: tuple[InputDigest, ...]
    method: str
    nuclide: str
    k_gy_kg_per_gbq: float
    seed: int
    voxel_spacing_mm: Vector
    grid_voxels: tuple[int, int, int]
    image_resolution_fwhm_mm: float | None
    activity: ActivityAccount
    convolved_frac: float
    transported_frac: float
    histories: int
    relative_error: float | None
    reached: bool
    left_frac: float
    run_means: tuple[StructureMean, ...]
    recovery: RecoveryReport
    image_accuracy: DoseAccuracy | None
    bed: tuple[StructureBed, ...]
    structures: tuple[StructureDvh, ...]
    provisional: bool
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """The fields of `dose.json`."""
        return fields_to_json(self)
