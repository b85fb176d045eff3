"""The PET after a treatment with Y-90: where the microspheres are, and what a scanner shows of them.

The spheres lie as the MAA did, in tumour, normal liver, lungs and focus, with none in the rest of the body.
The image is a model after reconstruction: decay, breathing, the scanner's blur, Poisson noise of true
coincidences and of what is subtracted from them (randoms, scatter, the scanner's own radiation, even over the
body), and a filter. Y-90 has few positrons, so that noise is what limits it. Values are Bq/mL at the start of
the scan, and negative where noise makes them so: nothing here keeps them above zero, and sums stay unbiased.

How much noise so many coincidences make follows from where they may have come from. A coincidence tells a
line, and by its time of flight a stretch of that line; what is told so vaguely must be sharpened, and the
noise with it. `as_reconstructed` gives Poisson noise the spectrum that follows, the least that any unbiased
reconstruction of an even object can have; oblique lines and filters that bias the image are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emboplan.errors import InputError
from emboplan.model.grid import Grid
from emboplan.synthetic.body.anatomy import stream
from emboplan.synthetic.patient import DigitalPatient
from emboplan.synthetic.scans import nuclear
from emboplan.synthetic.scans.ct import FWHM_PER_SIGMA
from emboplan.synthetic.scans.maa_scans import NuclearField, Vector
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

    `bq_per_ml` is on `grid`, at the start of the scan. `true_bq_per_ml` is the same at rest, without blur and
    noise, where the CT shows the patient: on the nuclear field's grid. A place of the CT is seen
    `registration_shift_mm` (x, y, z) away, and the liver another `liver_higher_mm` towards the head.
    `expected_trues` and `expected_background` are the mean counts in the whole image, and `total_sd_bq` is
    what they let its total vary by.
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
    registration_shift_mm: Vector
    liver_higher_mm: float


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
    apart = stream(patient.seed, "pet registration")
    higher = pet.liver_higher_mm.draw(apart)
    shift = (pet.moved_x_mm.draw(apart), pet.moved_y_mm.draw(apart), pet.moved_z_mm.draw(apart))
    moved = nuclear.at_scan(
        per_ml, field.volumes_ml, field.breathing_mm, voxel, beside_mbq=focus, higher_mm=higher
    )
    counted_per_bq = source.positrons_per_decay * pet.efficiency * source.decays_per_bq(pet.scan_s)
    trues = nuclear.blurred(moved, pet.scanner_fwhm_mm, (voxel,) * 3) * counted_per_bq
    body = field.density_g_per_ml > 0
    background = body * (pet.background_ratio * float(trues.sum()) / max(int(body.sum()), 1))
    mean = trues + background
    counts = stream(patient.seed, "pet").poisson(mean).astype(np.float64)
    noise = as_reconstructed(counts - mean, pet.flight_fwhm_mm, voxel)
    image = nuclear.blurred(trues + noise, pet.post_filter_mm, (voxel,) * 3)
    to_concentration = 1 / (counted_per_bq * field.grid.voxel_ml)
    still = field.volumes_ml @ np.array([per_ml[c] for c in nuclear.COMPARTMENTS])
    still = still if focus is None else still + focus
    return PetScan(
        grid=_moved(field.grid, shift),
        source=source,
        bq_per_ml=(image * to_concentration).astype(np.float32),
        true_bq_per_ml=(still / field.grid.voxel_ml).astype(np.float32),
        delivered_gbq=given,
        decay_factor=left,
        expected_trues=float(trues.sum()),
        expected_background=float(background.sum()),
        total_sd_bq=float(np.sqrt(trues.sum() + background.sum())) / counted_per_bq,
        resolution_fwhm_mm=float(np.hypot(pet.scanner_fwhm_mm, pet.post_filter_mm)),
        registration_shift_mm=shift,
        liver_higher_mm=higher,
    )


def _moved(grid: Grid, shift_mm: Vector) -> Grid:
    x, y, z = (o + d for o, d in zip(grid.origin_mm, shift_mm, strict=True))
    return replace(grid, origin_mm=(x, y, z))


def as_reconstructed(counts: F64, flight_fwhm_mm: float, voxel_mm: float) -> F64:
    """Noise of counts per voxel ``(z, y, x)`` as a reconstruction from lines in the planes has it.

    A count is placed along its line within a Gaussian of that width (0: in its voxel, and the counts are
    returned). Seen from all directions the counts then hold, of a wave of frequency f across the planes, the
    part ``exp(-x) I0(x)`` with ``x = 2 (pi sigma f)^2``: the mean over angles of the squared blur. To show
    the wave in full a reconstruction divides by it, and the variance of the noise at f is that of the counts
    over this part. It is 1 at f = 0, so that totals keep the variance of their counts, and for large f the
    ramp of filtered back-projection over a line of 2 sqrt(pi) sigma.
    """
    from scipy import fft
    from scipy.special import i0e

    if flight_fwhm_mm <= 0:
        return counts
    _, rows, columns = counts.shape
    shape = tuple(fft.next_fast_len(n + round(flight_fwhm_mm / voxel_mm), real=True) for n in (rows, columns))
    square = fft.fftfreq(shape[0], voxel_mm)[:, None] ** 2 + fft.rfftfreq(shape[1], voxel_mm) ** 2
    sigma = flight_fwhm_mm / FWHM_PER_SIGMA
    gain = 1 / np.sqrt(i0e(2 * (np.pi * sigma) ** 2 * square))
    out = np.empty(counts.shape)
    for plane, coloured in zip(counts, out, strict=True):
        coloured[:] = fft.irfft2(fft.rfft2(plane, shape) * gain, shape)[:rows, :columns]
    return out


def treated_frac(field: NuclearField) -> dict[str, float]:
    """How a treatment is shared among the compartments: as the MAA in liver, lungs and focus."""
    maa = {c: field.activities.mbq[c] for c in TREATED if c in field.activities.mbq}
    whole = sum(maa.values())
    return {c: mbq / whole for c, mbq in maa.items()}
