"""Partial volume: lesions raised to what they hold, the tissue around relieved of what spilled there.

An image reads a small hot lesion too low and its surroundings too high. With a recovery r of the lesion and
the concentration b of the liver around it, the reading m = b + r (c - b) gives back the lesion's own
concentration c; in a cold background that is m / r. What the lesion gains, the liver loses: first the excess
over b in a shell of one resolution around the lesion, in proportion to the lesion's own blur there, then the
rest of the normal liver in proportion to what it holds (activity that spilled out of the liver had been
scaled into it). The total stays. The correction is of means: the pattern inside a lesion stays as blurred as
it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan.dosimetry.maps.recovery_coefficients import Recovery, RecoveryCurve, lesion_recovery
from emboplan.dosimetry.uptake.regions import (
    ROUNDING,
    blurred,
    checked_fwhm_mm,
    distance_mm,
    is_quantifiable,
    occupancy,
)
from emboplan.dosimetry.uptake.spect_shunt import REACH_PER_FWHM
from emboplan.errors import MaskError, ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import ActivityMap
from emboplan.model.mask import bounding_box
from emboplan.units import PERCENT

F64 = NDArray[np.float64]

# The liver's own concentration is read in this many shells beyond the first one.
BACKGROUND_SHELLS = 1.0
# Halvings that find the level of a shell: far below the rounding of a sum.
LEVEL_STEPS = 80


@dataclass(frozen=True, slots=True)
class LesionRecovery:
    """What became of one lesion; MBq/mL at injection.

    `recovery_frac` is None where nothing was corrected. `relative_standard` is the relative standard
    uncertainty that the recovery's own brings to the corrected mean. `gained_mbq` is what the lesion gained
    (less than 0 for a lesion colder than the liver), taken `from_shell_mbq` and `from_rest_mbq`.
    """

    name: str
    volume_ml: float
    quantifiable: bool
    recovery_frac: float | None
    relative_standard: float
    background_mbq_per_ml: float
    read_mbq_per_ml: float
    corrected_mbq_per_ml: float
    gained_mbq: float
    from_shell_mbq: float
    from_rest_mbq: float


@dataclass(frozen=True, slots=True, eq=False)
class RecoveredActivity:
    """The map after correction, the choice in words, the shell's thickness, and each lesion."""

    activity: ActivityMap
    choice: str
    shell_mm: float
    lesions: tuple[LesionRecovery, ...]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Liver:
    """MBq in each voxel, and the normal liver's share of it, while lesions are raised one after another."""

    mbq: F64
    normal: F64
    far: NDArray[np.bool_]
    grid: Grid

    @property
    def voxel_ml(self) -> float:
        return self.grid.voxel_ml

    def background(self, distance: NDArray[np.float32], reach: float) -> float:
        """Mean concentration of normal liver beyond the shells, near the lesion if it can be; 0 if none."""
        for most in (reach * (1 + BACKGROUND_SHELLS), math.inf):
            weight = self.normal * (self.far & (distance <= most))
            if weight.any():
                return float((self.mbq * weight).sum() / (weight.sum() * self.voxel_ml))
        return 0.0

    def take(self, amount: float, spill: F64, background: float, name: str) -> tuple[float, float]:
        """Take `amount` (MBq; give, where negative) from shell, then rest; how much came from each."""
        if amount <= 0:
            # A voxel gets in proportion to the spill; where the shell is empty there is no liver to give to.
            if spill.any():
                self.mbq -= amount * spill / spill.sum()
                return amount, 0.0
            return 0.0, 0.0
        held = self.mbq * self.normal
        excess = np.maximum(held - background * self.voxel_ml * self.normal, 0) * (spill > 0)
        taken = _to_level(excess, spill, amount)
        self.mbq -= taken
        shell = min(amount, float(excess.sum()))
        missing = amount - shell
        if missing <= 0:
            return amount, 0.0
        held = self.mbq * self.normal
        if missing >= held.sum():
            raise ModelRangeError(
                f"raising {name} takes {amount:.4g} MBq, more than the normal liver holds; "
                "check its recovery and the contours"
            )
        self.mbq -= held * (missing / held.sum())
        return shell, missing


def _to_level(most: F64, pattern: F64, amount: float) -> F64:
    """At most `most` in each voxel, else in proportion to `pattern`, `amount` in all (or all there is)."""
    if float(most.sum()) <= amount:
        return most
    where = (most > 0) & (pattern > 0)
    limit, weight = most[where], pattern[where]
    low, high = 0.0, float((limit / weight).max())
    for _ in range(LEVEL_STEPS):
        level = (low + high) / 2
        if float(np.minimum(limit, level * weight).sum()) < amount:
            low = level
        else:
            high = level
    taken: F64 = np.zeros_like(most)
    taken[where] = np.minimum(limit, high * weight)
    taken *= amount / taken.sum()
    return taken


def recovered_activity(
    activity: ActivityMap,
    lesions: Mapping[str, ArrayLike],
    liver: ArrayLike,
    *,
    resolution_fwhm_mm: float,
    recovery: Recovery | None,
) -> RecoveredActivity:
    """The map with each lesion's mean corrected for its recovery, the total as it was.

    Args:
        activity: the map of the treated liver.
        lesions: occupancy (0 to 1) of each lesion on the map's grid, by name.
        liver: occupancy of the treated liver, lesions included; what lies outside stays as it is.
        resolution_fwhm_mm: resolution of the image behind the map.
        recovery: a measured curve, the Gaussian sphere, or None for no correction.

    A lesion narrower than twice the resolution is not quantifiable, whatever the correction; a finding says
    so.
    """
    fwhm = checked_fwhm_mm(resolution_fwhm_mm)
    reach = REACH_PER_FWHM * fwhm
    whole = occupancy(liver, activity.grid, "liver")
    given = {name: occupancy(share, activity.grid, name) for name, share in lesions.items()}
    spots = np.zeros_like(whole)
    for spot in given.values():
        spots += spot
    if float(spots.max()) > 1 + 2 * ROUNDING:
        raise MaskError("the lesions overlap; each millilitre may belong to one of them only")
    # Nothing changes outside liver and lesions, and most of an image is outside.
    box = bounding_box(np.asarray(whole + spots > 0)) or (slice(None), slice(None), slice(None))
    grid = activity.grid.cropped(box)
    shares = {name: share[box].astype(np.float64) for name, share in given.items()}
    distances = {name: distance_mm(share[box], grid) for name, share in given.items()}
    far = np.all([np.ones(grid.shape, dtype=np.bool_), *(d > reach for d in distances.values())], axis=0)
    normal = np.clip(whole[box] - spots[box], 0, 1).astype(np.float64)
    before = activity.mbq_per_ml[box].astype(np.float64) * grid.voxel_ml
    state = _Liver(before.copy(), normal, far, grid)
    done: list[LesionRecovery] = []
    findings: list[Finding] = []
    for name, share in shares.items():
        scene = _Lesion(name, share, distances[name], reach, fwhm)
        lesion, notes = _raised(state, before, scene, recovery)
        done.append(lesion)
        findings += notes
    if isinstance(recovery, RecoveryCurve) and any(lesion.recovery_frac for lesion in done):
        text = f"Recovery is of {recovery.source}: it holds for that scanner and reconstruction only."
        findings.append(Finding("recovery-curve", Severity.WARNING, text))
    values = activity.mbq_per_ml.copy()
    values[box] = np.maximum(state.mbq, 0) / grid.voxel_ml
    return RecoveredActivity(
        ActivityMap(activity.grid, values), _choice(recovery, reach), reach, tuple(done), tuple(findings)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Lesion:
    """One lesion: its occupancy, the distance of each voxel from it, and how far its blur reaches."""

    name: str
    share: F64
    distance: NDArray[np.float32]
    reach: float
    fwhm: float


def _raised(
    state: _Liver, before: F64, lesion: _Lesion, recovery: Recovery | None
) -> tuple[LesionRecovery, list[Finding]]:
    """One lesion raised in `state`, by its reading in the map `before` any correction."""
    volume = float(lesion.share.sum()) * state.voxel_ml
    read = float((before * lesion.share).sum()) / volume
    frac, relative, why_not = lesion_recovery(recovery, volume, lesion.fwhm)
    if recovery is not None and read <= 0:
        frac, why_not = None, "the map shows no activity in it, so that there is nothing to raise"
    background = state.background(lesion.distance, lesion.reach)
    gained, parts = 0.0, (0.0, 0.0)
    if frac is not None:
        wanted = (max(0.0, background + (read - background) / frac) - read) * volume
        spill = blurred(lesion.share.astype(np.float32), state.grid, lesion.fwhm).astype(np.float64)
        spill *= state.normal * (lesion.distance <= lesion.reach)
        parts = state.take(wanted, spill, background, lesion.name)
        gained = sum(parts)
        state.mbq += before * lesion.share * (gained / (read * volume))
    corrected = read + gained / volume
    found = LesionRecovery(
        name=lesion.name,
        volume_ml=volume,
        quantifiable=is_quantifiable(volume, lesion.fwhm),
        recovery_frac=frac,
        relative_standard=relative * abs(corrected - background) / corrected if corrected > 0 else 0.0,
        background_mbq_per_ml=background,
        read_mbq_per_ml=read,
        corrected_mbq_per_ml=corrected,
        gained_mbq=gained,
        from_shell_mbq=parts[0],
        from_rest_mbq=parts[1],
    )
    return found, _findings(found, lesion.fwhm, why_not)


def _findings(lesion: LesionRecovery, fwhm: float, why_not: str) -> list[Finding]:
    findings = []
    if why_not:
        findings.append(Finding("recovery-not-applied", Severity.WARNING, f"{lesion.name}: {why_not}."))
    if not lesion.quantifiable:
        text = (
            f"{lesion.name} ({lesion.volume_ml:.2g} mL) is narrower than twice the resolution of "
            f"{fwhm:.3g} mm: its dose is not quantifiable, whatever the correction."
        )
        findings.append(Finding("lesion-not-quantifiable", Severity.WARNING, text))
    if lesion.from_rest_mbq > lesion.gained_mbq / 2 > 0:
        share = PERCENT * lesion.from_shell_mbq / lesion.gained_mbq
        text = (
            f"{lesion.name}: the shell around it held only {share:.0f} % of what the lesion gained; the rest "
            "came from all of the normal liver."
        )
        findings.append(Finding("recovery-beyond-shell", Severity.INFO, text))
    return findings


def _choice(recovery: Recovery | None, reach_mm: float) -> str:
    if recovery is None:
        return "No correction for partial volume."
    how = (
        f"a curve by volume ({recovery.source})"
        if isinstance(recovery, RecoveryCurve)
        else "the Gaussian sphere of each lesion's volume"
    )
    return f"Lesion means corrected by {how}; spill-out removed up to {reach_mm:.3g} mm around each lesion."
