"""From a PET as written to activity at a stated moment: decay brought there, the scanner's nuclide undone.

Values corrected to the start of the scan or to the administration decay from there. Uncorrected values are
means over each slice's frame and decay from its beginning. A scanner that was told another nuclide counted
with that nuclide's positron yield and decayed with its half-life: both are undone, and only when the user
says which nuclide it was told.
"""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from emboplan.dosimetry.arguments import not_negative, positive
from emboplan.dosimetry.decay import hours_between
from emboplan.errors import ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.pet import PetActivity, PetFrame, PetImage, PetNuclide
from emboplan.units import PERCENT, SECONDS_PER_HOUR, UNITS

Factors = NDArray[np.float64]

MBQ_PER_BQ = float(UNITS["Bq"].factor)

# Half-lives of one nuclide differ by less between tables (64.0 to 64.5 h are printed for Y-90); those of two
# nuclides of PET differ by far more.
SAME_HALF_LIFE = 0.02

# A yield that is off by as much as the tolerance of the image's total would raise its flag alone.
SAME_YIELD = 0.10

# A decay factor off by more than this is no rounding: in 20 minutes Y-90 decays by less.
SAME_DECAY_FACTOR = 0.01


def frame_mean_frac(duration_h: float, half_life_h: float) -> float:
    """The mean activity over a frame as a share of that at its beginning: (1 - e^-x)/x with x = ln 2 d/T.

    >>> round(frame_mean_frac(64.1, 64.1), 6)
    0.721348
    """
    x = math.log(2) * float(not_negative(duration_h, "duration_h"))
    x /= float(positive(half_life_h, "half_life_h"))
    return 1.0 if x == 0 else -math.expm1(-x) / x


def activity_at(
    pet: PetImage, moment: datetime, *, nuclide: PetNuclide, scanner: PetNuclide | None = None
) -> PetActivity:
    """The activity concentration at `moment` of a PET of `nuclide`, whose half-life and yield are needed.

    `scanner` is the nuclide that the scanner was told, as the user states it; its numbers are completed from
    the header. Without it the header must agree with `nuclide`.

    Raises:
        ModelRangeError: the header names another nuclide, or lacks what the correction needs.
    """
    half_life = float(positive(nuclide.half_life_h or 0.0, "half_life_h of the nuclide"))
    findings: list[Finding] = []
    if scanner is None:
        disagreement = header_disagreement(pet, nuclide)
        if disagreement:
            raise ModelRangeError(
                f"{disagreement}; nothing is corrected unseen: say which nuclide the scanner was told "
                "(scanner nuclide), or export the series with the right one"
            )
        if not pet.nuclide.name and pet.nuclide.half_life_h is None:
            text = f"The PET names no nuclide; it was taken as one of {nuclide.name}."
            findings.append(Finding("pet-nuclide-unknown", Severity.WARNING, text))
        findings += _odd_factors(pet, half_life)
        factors = _as_written(pet, moment, half_life)
    else:
        told = _completed(scanner, pet.nuclide)
        factors, notes = _undone(pet, moment, nuclide, told)
        findings += notes
    values = pet.bq_per_ml * (factors * MBQ_PER_BQ).astype(np.float32)[:, None, None]
    findings += _below_zero(pet.bq_per_ml)
    return PetActivity(pet.grid, values, moment, tuple(findings))


def header_disagreement(pet: PetImage, nuclide: PetNuclide) -> str:
    """What in the header speaks against `nuclide`, in words; empty where nothing does."""
    header = pet.nuclide
    if header.name and header.name != nuclide.name:
        return f"the PET header names the nuclide {header.name}, but {nuclide.name} was given"
    for what, unit, mine, true, tolerance in (
        ("half-life", " h", header.half_life_h, nuclide.half_life_h, SAME_HALF_LIFE),
        ("positron yield", "", header.positron_yield, nuclide.positron_yield, SAME_YIELD),
    ):
        if mine is not None and true is not None and abs(mine / true - 1) > tolerance:
            return (
                f"the PET header has a {what} of {mine:.4g}{unit}, but that of {nuclide.name} is "
                f"{true:.4g}{unit}"
            )
    return ""


def _as_written(pet: PetImage, moment: datetime, half_life: float) -> Factors:
    """The factor of each slice from the values as written to `moment`, all by the true half-life."""
    if pet.corrected_to is not None:
        factor = _decayed(pet.corrected_to, moment, half_life)
        return np.full(len(pet.frames), factor)
    return np.array([_from_frame_mean(k, frame, moment, half_life) for k, frame in enumerate(pet.frames)])


def _undone(
    pet: PetImage, moment: datetime, nuclide: PetNuclide, told: PetNuclide
) -> tuple[Factors, list[Finding]]:
    """Factors that take the scanner's yield and decay away and put the true ones in their place."""
    if nuclide.positron_yield is None or told.positron_yield is None:
        lacking = nuclide.name if nuclide.positron_yield is None else told.name
        raise ModelRangeError(
            f"the positron yield of {lacking} is in neither the catalogue nor the PET header; "
            "export the series with the right nuclide"
        )
    yields = told.positron_yield / nuclide.positron_yield
    half_life = float(positive(nuclide.half_life_h or 0.0, "half_life_h"))
    factors, scanner = [], []
    for k, frame in enumerate(pet.frames):
        applied = 1.0
        if pet.corrected_to is not None:
            applied = frame.decay_factor or _scanner_factor(k, frame, pet.corrected_to, told)
        scanner.append(applied)
        factors.append(yields / applied * _from_frame_mean(k, frame, moment, half_life))
    text = (
        f"The scanner was told {told.name}: its values were multiplied by {yields:.4g} (positron yield "
        f"{told.positron_yield:.4g} over {nuclide.positron_yield:.4g}), its decay factors "
        f"({min(scanner):.4g} to {max(scanner):.4g}) divided out, and the decay of {nuclide.name} put in."
    )
    findings = [Finding("pet-scanner-nuclide", Severity.WARNING, text)]
    if pet.nuclide.name and pet.nuclide.name != told.name:
        text = f"The PET header names {pet.nuclide.name}, the user {told.name} as the scanner's nuclide."
        findings.append(Finding("pet-scanner-nuclide-header", Severity.WARNING, text))
    if told.half_life_h is not None:
        findings += _odd_factors(pet, told.half_life_h)
    return np.array(factors), findings


def _completed(scanner: PetNuclide, header: PetNuclide) -> PetNuclide:
    """What the scanner was told: the header's numbers where it names that nuclide, else the given ones."""
    if header.name and header.name != scanner.name:
        return scanner
    return PetNuclide(
        scanner.name,
        header.half_life_h or scanner.half_life_h,
        header.positron_yield or scanner.positron_yield,
    )


def _decayed(start: datetime, end: datetime, half_life: float) -> float:
    return float(np.exp2(-hours_between(start, end) / half_life))


def _from_frame_mean(number: int, frame: PetFrame, moment: datetime, half_life: float) -> float:
    """From the mean over a frame to the activity at `moment`."""
    start, seconds = _timed(number, frame)
    mean = frame_mean_frac(seconds / SECONDS_PER_HOUR, half_life)
    return _decayed(start, moment, half_life) / mean


def _scanner_factor(number: int, frame: PetFrame, corrected_to: datetime, told: PetNuclide) -> float:
    """The scanner's decay factor of a slice, reckoned where the file does not state it."""
    if told.half_life_h is None:
        raise ModelRangeError(
            f"the PET states neither its decay factors nor the half-life of {told.name}, so that its decay "
            "correction cannot be undone; export the series with one of them"
        )
    start, seconds = _timed(number, frame)
    mean = frame_mean_frac(seconds / SECONDS_PER_HOUR, told.half_life_h)
    return _decayed(start, corrected_to, told.half_life_h) / mean


def _timed(number: int, frame: PetFrame) -> tuple[datetime, float]:
    if frame.start is None or frame.duration_s is None:
        lacking = "acquisition time" if frame.start is None else "frame duration"
        raise ModelRangeError(
            f"slice {number + 1} of the PET has no {lacking}, which its decay needs; "
            "export the series with it"
        )
    return frame.start, frame.duration_s


def _odd_factors(pet: PetImage, half_life: float) -> list[Finding]:
    """A warning where the stated decay factors are not those of the half-life and the times."""
    if pet.corrected_to is None:
        return []
    told = PetNuclide("", half_life)
    worst, pair = 0.0, (1.0, 1.0)
    for k, frame in enumerate(pet.frames):
        if frame.decay_factor is None or frame.start is None or frame.duration_s is None:
            continue
        expected = _scanner_factor(k, frame, pet.corrected_to, told)
        off = abs(frame.decay_factor / expected - 1)
        if off > worst:
            worst, pair = off, (frame.decay_factor, expected)
    if worst <= SAME_DECAY_FACTOR:
        return []
    text = (
        f"The PET states the decay factor {pair[0]:.4g} where its times and a half-life of {half_life:.4g} h "
        f"give {pair[1]:.4g}; check which half-life the scanner used."
    )
    return [Finding("pet-decay-factor", Severity.WARNING, text)]


def _below_zero(values: NDArray[np.float32]) -> list[Finding]:
    below = -float(values[values < 0].sum(dtype=np.float64))
    if below == 0:
        return []
    above = float(values[values > 0].sum(dtype=np.float64))
    share = PERCENT * below / above if above else PERCENT
    text = f"The PET holds negative values ({share:.2g} % of the positive ones); sums count them as they are."
    return [Finding("pet-negative", Severity.INFO, text)]
