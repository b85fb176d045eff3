"""The PET after a treatment with Y-90: where the microspheres are, and what a scanner shows of them.

The spheres lie as the MAA did, in tumour, normal liver, lungs and focus, with none in the rest of the body.
The image is a model after reconstruction: decay, breathing, the scanner's blur, Poisson noise of true
coincidences and of what is subtracted from them (randoms, scatter, the scanner's own radiation, even over the
body), and a filter. Y-90 has few positrons, so that noise is what limits it. Values are Bq/mL at the start of
the scan, and negative where noise makes them so: nothing here keeps them above zero, and sums stay unbiased.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import InputError
from emboplan.model.grid import Grid
from emboplan.synthetic.body.anatomy import stream
from emboplan.synthetic.patient import DigitalPatient
from emboplan.synthetic.scans import nuclear
from emboplan.synthetic.scans.maa_scans import NuclearField
from emboplan.units import MBQ_PER_GBQ, SECONDS_PER_HOUR, UNITS

F64 = NDArray[np.float64]

BQ_PER_MBQ = float(1 / UNITS["Bq"].factor)
TREATED = ("tumour", "normal_liver", "lungs", "focus")


@dataclass(frozen=True, slots=True)
class PositronSource:
    """What the scan needs to know of the nuclide: half-life and positrons per decay."""

    nuclide: str
    half_life_h: float
    positrons_per_decay: float

    def left_frac(self, hours: float) -> float:
        """The part of an activity that is left after so long."""
        return float(2.0 ** (-hours / self.half_life_h))

    def decays_per_bq(self, seconds: float) -> float:
        """Decays of 1 Bq within a time that begins now (s)."""
        rate = np.log(2) / (self.half_life_h * SECONDS_PER_HOUR)
        return float(-np.expm1(-rate * seconds) / rate)


@dataclass(frozen=True, slots=True, eq=False)
class PetScan:
    """The image, and what is true of it: activity (GBq) by compartment at the treatment.

    `bq_per_ml` and `true_bq_per_ml` (at rest, without blur and noise) are on the SPECT's grid, at the start
    of the scan. `expected_trues` and `expected_background` are the mean counts in the whole image,
    and `total_sd_bq` is what they let its total vary by.
    """

    grid: Grid
    source: PositronSource
    bq_per_ml: NDArray[np.float32]
    true_bq_per_ml: NDArray[np.float32]
    delivered_gbq: dict[str, float]
    decay_factor: float
    expected_trues: float
    expected_background: float
    total_sd_bq: float
    resolution_fwhm_mm: float


def pet_scan(patient: DigitalPatient, source: PositronSource) -> PetScan:
    """The PET of a patient whose definition has a delivered activity.

    Raises `InputError` where it has none.
    """
    pet, field = patient.definition.pet, patient.field
    if pet.delivered_gbq <= 0:
        raise InputError(
            "phantom definition: pet.delivered_gbq is 0, so that there is no PET; give an activity"
        )
    given = {c: pet.delivered_gbq * part for c, part in treated_frac(field).items()}
    left = source.left_frac(pet.hours_after)
    scale = sum(given.values()) / sum(field.activities.mbq.get(c, 0.0) for c in TREATED) * MBQ_PER_GBQ * left
    at_start = scale * BQ_PER_MBQ  # Bq at the start of the scan for each MBq of MAA
    per_ml = dict.fromkeys(nuclear.COMPARTMENTS, 0.0) | {
        c: field.activities.mbq_per_ml[c] * at_start for c in TREATED if c in field.activities.mbq_per_ml
    }
    focus = None if field.deposits.focus_mbq is None else field.deposits.focus_mbq * at_start
    voxel = field.grid.spacing_mm[0]
    moved = nuclear.at_scan(per_ml, field.volumes_ml, field.breathing_mm, voxel, beside_mbq=focus)
    counted_per_bq = source.positrons_per_decay * pet.efficiency * source.decays_per_bq(pet.scan_s)
    trues = nuclear.blurred(moved, pet.scanner_fwhm_mm, (voxel,) * 3) * counted_per_bq
    body = field.density_g_per_ml > 0
    background = body * (pet.background_ratio * float(trues.sum()) / max(int(body.sum()), 1))
    noisy = stream(patient.seed, "pet").poisson(trues + background) - background
    image = nuclear.blurred(noisy, pet.post_filter_mm, (voxel,) * 3)
    to_concentration = 1 / (counted_per_bq * field.grid.voxel_ml)
    still = field.volumes_ml @ np.array([per_ml[c] for c in nuclear.COMPARTMENTS])
    still = still if focus is None else still + focus
    return PetScan(
        grid=field.grid,
        source=source,
        bq_per_ml=(image * to_concentration).astype(np.float32),
        true_bq_per_ml=(still / field.grid.voxel_ml).astype(np.float32),
        delivered_gbq=given,
        decay_factor=left,
        expected_trues=float(trues.sum()),
        expected_background=float(background.sum()),
        total_sd_bq=float(np.sqrt(trues.sum() + background.sum())) / counted_per_bq,
        resolution_fwhm_mm=float(np.hypot(pet.scanner_fwhm_mm, pet.post_filter_mm)),
    )


def treated_frac(field: NuclearField) -> dict[str, float]:
    """How a treatment is shared among the compartments: as the MAA in liver, lungs and focus."""
    maa = {c: field.activities.mbq[c] for c in TREATED if c in field.activities.mbq}
    whole = sum(maa.values())
    return {c: mbq / whole for c, mbq in maa.items()}
