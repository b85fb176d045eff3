"""The lung shunt fraction from SPECT/CT, with the spill from the liver into the base of the lungs taken out.

SPECT/CT sees the organs apart, but blur and breathing carry liver counts into the lungs: at a shunt of 5 %,
one percent of the liver's counts is a fifth of the lungs'. The lung near the liver is therefore left out, its
counts are inferred from the rest (uniform lung), and what spilled out of the liver is collected around it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan import catalog as catalogue
from emboplan.dosimetry.uptake.regions import (
    RESOLUTION_VARIATION,
    blurred,
    checked_fwhm_mm,
    distance_mm,
    occupancy,
)
from emboplan.dosimetry.uptake.shunt_fraction import (
    counting_half_width,
    interval_around,
    known_bias,
    lung_shunt_fraction,
    no_lung_counts,
    zero_half_width,
)
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import CountImage
from emboplan.model.results.shunt import ShuntEstimate, ShuntMethod

# Lung nearer to the liver than this is left out: breathing moves the dome by one to two centimetres, and the
# blur reaches as far.
LEAST_MARGIN_MM = 20.0

# At one and a half times the resolution a blurred edge has fallen to 0.02 % of the liver's concentration, one
# percent of the lung's at a shunt of 5 %.
MARGIN_PER_FWHM = 1.5

# What spilled out of the liver is collected up to one resolution from it: less than 0.1 % of a thick organ's
# spill lies farther out, and stomach, kidney and bowel stay mostly outside.
REACH_PER_FWHM = 1.0

# The interval allows for a margin this share smaller or larger.
MARGIN_VARIATION = 0.25

# The lung that remains must be at least this share of all lung, or it cannot stand for the rest.
LEAST_LUNG_SHARE = 0.2


def margin_mm(resolution_fwhm_mm: float | None) -> float:
    """How far from the liver the lung's counts are not trusted, from the resolution where it is known."""
    if resolution_fwhm_mm is None:
        return LEAST_MARGIN_MM
    return max(LEAST_MARGIN_MM, MARGIN_PER_FWHM * resolution_fwhm_mm)


@dataclass(frozen=True, slots=True)
class _Scan:
    """What the sums of one scan need, computed once for all margins."""

    counts: NDArray[np.float32]
    lungs: NDArray[np.float32]
    seen_lungs: NDArray[np.float32]
    to_liver_mm: NDArray[np.float32]
    reach_mm: float

    def split(self, margin: float) -> tuple[float, float, float, float] | None:
        """Lung and liver counts, the counts that the lung's were inferred from, and that lung's share.

        None where less lung than `LEAST_LUNG_SHARE` remains.
        """
        kept = np.where(self.to_liver_mm > margin, self.lungs, np.float32(0))
        everything = float(self.lungs.sum(dtype=np.float64))
        share = float(kept.sum(dtype=np.float64)) / everything
        if share < LEAST_LUNG_SHARE:
            return None
        measured = float((self.counts * kept).sum(dtype=np.float64))
        # A lung of one count per voxel would show this much in the same region, its blurred edges included.
        expected = float((self.seen_lungs * kept).sum(dtype=np.float64))
        per_voxel = measured / expected
        near = (self.to_liver_mm <= self.reach_mm).astype(np.float32)
        near = np.where((self.to_liver_mm > self.reach_mm) & (self.to_liver_mm <= margin), self.lungs, near)
        liver = float((self.counts * near).sum(dtype=np.float64))
        liver -= per_voxel * float((self.seen_lungs * near).sum(dtype=np.float64))
        return per_voxel * everything, max(0.0, liver), measured, share


def spect_ct(
    counts: CountImage,
    lungs: ArrayLike,
    liver: ArrayLike,
    *,
    resolution_fwhm_mm: float | None = None,
    catalog: catalogue.Catalog | None = None,
) -> ShuntEstimate:
    """The shunt from SPECT/CT, with the spill from the liver into the base of the lungs taken out.

    Lung within `margin_mm` of the liver is left out and its counts are inferred from the rest, as if the
    lungs were uniform; counts lost over the lungs' own blurred edges are put back. The liver's counts are
    those within one resolution of it and in the lung that was left out, less the lung's own share there.
    Without a known resolution no edge correction is made, and a finding says so.

    Args:
        counts: the SPECT image; attenuation corrected, or a finding says that it was not known to be.
        lungs: occupancy (0 to 1) of both lungs on the counts' grid.
        liver: occupancy of the liver, tumours included.
        resolution_fwhm_mm: resolution of the image; that of `counts` unless given.
        catalog: the catalogue in use; the shipped one unless given.

    The interval (95 %) holds counting noise, a margin a quarter smaller or larger, and a resolution a tenth
    smaller or larger.
    """
    grid = counts.grid
    lung_share, liver_share = occupancy(lungs, grid, "lungs"), occupancy(liver, grid, "liver")
    fwhm = resolution_fwhm_mm if resolution_fwhm_mm is not None else counts.resolution_fwhm_mm
    fwhm = None if fwhm is None else checked_fwhm_mm(fwhm)
    findings = _spect_findings(counts, fwhm)
    raw_lung = float((counts.counts * lung_share).sum(dtype=np.float64))
    raw_liver = float((counts.counts * liver_share).sum(dtype=np.float64))
    uncorrected = float(lung_shunt_fraction(raw_lung, raw_liver))
    margin = margin_mm(fwhm)
    scan = _Scan(
        counts=counts.counts,
        lungs=lung_share,
        seen_lungs=lung_share if fwhm is None else blurred(lung_share, grid, fwhm),
        to_liver_mm=distance_mm(liver_share, grid),
        reach_mm=LEAST_MARGIN_MM / 2 if fwhm is None else REACH_PER_FWHM * fwhm,
    )
    split = scan.split(margin)
    if split is None:
        text = (
            f"Less than {LEAST_LUNG_SHARE:.0%} of the lung in the scan lies more than {margin:.0f} mm from "
            "the liver: the shunt is not corrected for counts that spilled from the liver, and reads high."
        )
        findings.append(Finding("shunt-not-corrected", Severity.WARNING, text))
        lung_counts, liver_counts, measured, share = raw_lung, raw_liver, raw_lung, 1.0
        spread = 0.0
    else:
        lung_counts, liver_counts, measured, share = split
        spread = _spread(scan, margin, grid, fwhm, float(lung_shunt_fraction(lung_counts, liver_counts)))
    frac = float(lung_shunt_fraction(lung_counts, liver_counts))
    noise = counting_half_width(
        frac,
        1 / math.sqrt(measured) if measured > 0 else 0.0,
        1 / math.sqrt(liver_counts) if liver_counts > 0 else 0.0,
    )
    if lung_counts <= 0:
        findings.append(no_lung_counts("SPECT"))
        noise = zero_half_width(measured, liver_counts)
    return ShuntEstimate(
        method=ShuntMethod.SPECT_CT,
        lung_shunt_frac=frac,
        interval=interval_around(frac, math.hypot(noise, spread)),
        counts=MappingProxyType(
            {
                "lung": lung_counts,
                "liver": liver_counts,
                "lung_uncorrected": raw_lung,
                "liver_uncorrected": raw_liver,
                "lung_measured": measured,
                "lung_measured_volume_frac": share,
                "margin_mm": margin,
                "total": counts.total_counts,
            }
        ),
        uncorrected_frac=uncorrected,
        known_bias=known_bias(ShuntMethod.SPECT_CT, catalog),
        findings=tuple(findings),
    )


def _spread(scan: _Scan, margin: float, grid: Grid, fwhm: float | None, middle: float) -> float:
    """How far the shunt moves with the margin and with the resolution, the two taken as independent."""

    def farthest(variants: list[tuple[float, float, float, float] | None]) -> float:
        fractions = [float(lung_shunt_fraction(v[0], v[1])) for v in variants if v is not None]
        return max((abs(f - middle) for f in fractions), default=0.0)

    by_margin = farthest([scan.split(margin * (1 + sign * MARGIN_VARIATION)) for sign in (-1, 1)])
    if fwhm is None:
        return by_margin
    widths = [fwhm * (1 + sign * RESOLUTION_VARIATION) for sign in (-1, 1)]
    scans = [replace(scan, seen_lungs=blurred(scan.lungs, grid, width)) for width in widths]
    return math.hypot(by_margin, farthest([other.split(margin) for other in scans]))


def _spect_findings(counts: CountImage, fwhm: float | None) -> list[Finding]:
    findings = []
    if not counts.attenuation_corrected:
        text = (
            "The SPECT is not known to be corrected for attenuation; the liver's counts read too low beside "
            "the lung's, and the shunt too high."
        )
        findings.append(Finding("spect-attenuation", Severity.WARNING, text))
    if fwhm is None:
        text = "The resolution of the SPECT is not known: counts lost over the lungs' edges are not put back."
        findings.append(Finding("spect-resolution", Severity.WARNING, text))
    return findings
