"""Recovery coefficients: how much of a lesion's concentration an image of limited resolution reads.

By lesion size, from spheres measured with the scanner and reconstruction at hand, or from the sphere of the
lesion's volume blurred by a Gaussian. Both are for a cold background: of a reading in warm liver, they apply
to what the lesion has above it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from emboplan import catalog as catalogue
from emboplan.dosimetry.arguments import positive
from emboplan.dosimetry.uptake.regions import (
    RESOLUTION_VARIATION,
    SIGMA_PER_FWHM,
    checked_fwhm_mm,
    equivalent_diameter_mm,
)
from emboplan.errors import ModelRangeError

# Below this recovery the correction would multiply a reading, and its noise, by more than ten.
LEAST_RECOVERY_FRAC = 0.1
# Diameters below this many standard deviations use the series: the closed form loses its digits there.
SERIES_BELOW = 0.1


@dataclass(frozen=True, slots=True)
class RecoveryCurve:
    """Recovery coefficients by volume, measured with hot spheres in a cold phantom.

    Between two volumes recovery runs straight in the logarithm of the volume; nothing is extrapolated.
    """

    volume_ml: tuple[float, ...]
    recovery_frac: tuple[float, ...]
    relative_standard: float
    source: str

    def __post_init__(self) -> None:
        """Check that volumes rise and recoveries are shares."""
        volumes, shares = positive(self.volume_ml, "volume_ml"), positive(self.recovery_frac, "recovery_frac")
        if volumes.shape != shares.shape or volumes.ndim != 1 or (np.diff(volumes) <= 0).any():
            raise ModelRangeError("a recovery curve needs one recovery for each of its rising volumes")

    def at(self, volume_ml: float) -> float | None:
        """The recovery of this volume; None outside the measured volumes."""
        if not self.volume_ml[0] <= volume_ml <= self.volume_ml[-1]:
            return None
        return float(np.interp(math.log(volume_ml), np.log(self.volume_ml), self.recovery_frac))


@dataclass(frozen=True, slots=True)
class SphereRecovery:
    """Recovery of the sphere of the lesion's volume in an image blurred by a Gaussian of its resolution."""


Recovery = RecoveryCurve | SphereRecovery


def published_curve(catalog: catalogue.Catalog | None = None) -> RecoveryCurve:
    """The catalogue's curve: Y-90 PET of one scanner and reconstruction, two volumes."""
    entries = catalog or catalogue.load()
    frac = entries.sourced("recovery.frac")
    return RecoveryCurve(
        entries.sourced("recovery.volume").numbers,
        frac.numbers,
        entries.number("recovery.relative_standard"),
        frac.source_text,
    )


def sphere_recovery_frac(volume_ml: float, resolution_fwhm_mm: float) -> float:
    """Mean of a uniform sphere in a Gaussian image over its true concentration, in a cold background.

    With a = diameter / sigma: erf(a / sqrt 2) - sqrt(2 / pi) [3 / a - 4 / a^3 + (4 / a^3 - 1 / a) exp(-a^2 /
    2)], the mean over Gaussian displacements of the overlap of two equal spheres.

    >>> round(sphere_recovery_frac(4.0, 10.0), 2)
    0.52
    """
    fwhm = checked_fwhm_mm(resolution_fwhm_mm)
    a = equivalent_diameter_mm(float(positive(volume_ml, "volume_ml"))) / (SIGMA_PER_FWHM * fwhm)
    front = math.sqrt(2 / math.pi)
    if a < SERIES_BELOW:
        # The first two terms of the series in a: 1/24 and 1/160.
        return front * (a**3 / (2 * 12) - a**5 / (2 * 80))
    rest = (2**2 / a**3 - 1 / a) * math.exp(-a * a / 2)
    return float(erf(a / math.sqrt(2)) - front * (3 / a - 2**2 / a**3 + rest))


def lesion_recovery(
    recovery: Recovery | None, volume_ml: float, resolution_fwhm_mm: float
) -> tuple[float | None, float, str]:
    """A lesion's recovery and its relative standard uncertainty; None, and why in words, where none applies.

    The sphere's uncertainty is that of the resolution, a tenth either way.
    """
    if recovery is None:
        return None, 0.0, ""
    if isinstance(recovery, RecoveryCurve):
        frac, relative = recovery.at(volume_ml), recovery.relative_standard
        if frac is None:
            span = f"{recovery.volume_ml[0]:g} to {recovery.volume_ml[-1]:g} mL"
            return None, 0.0, f"{volume_ml:.3g} mL is outside the measured volumes, {span}"
    else:
        frac = sphere_recovery_frac(volume_ml, resolution_fwhm_mm)
        wide, narrow = (
            sphere_recovery_frac(volume_ml, resolution_fwhm_mm * (1 + sign * RESOLUTION_VARIATION))
            for sign in (1, -1)
        )
        relative = (narrow - wide) / (2 * frac)
    if frac < LEAST_RECOVERY_FRAC:
        return None, 0.0, f"a recovery of {frac:.2g} would multiply its reading by {1 / frac:.0f}"
    return min(frac, 1.0), relative, ""
