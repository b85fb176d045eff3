"""Tumour-to-normal ratio of concentration from the MAA scan, as read and corrected for resolution.

Everything happens on the counts' own grid. A region's reading is a mix of its own concentration and its
neighbours': blurring the regions with the image's resolution gives the share of each in each (the geometric
transfer matrix, Rousset 1998), and solving it gives the concentrations without blur. That holds for regions
that are uniform inside and a blur that is the same everywhere; a lesion smaller than twice the resolution is
flagged, whatever the answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emboplan.dosimetry.uptake.regions import (
    RESOLUTION_VARIATION,
    blurred,
    checked_fwhm_mm,
    distance_mm,
    equivalent_diameter_mm,
    is_quantifiable,
    occupancy,
)
from emboplan.dosimetry.uptake.shunt_fraction import TWO_SIDED_95
from emboplan.errors import MaskError, ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.grid import Grid
from emboplan.model.image import CountImage
from emboplan.model.mask import bounding_box
from emboplan.model.results.uptake import LesionUptake, TumourToNormal

# The tissue around the liver is one region, this many resolutions thick: what lies farther out does not reach
# the liver.
SURROUNDINGS_PER_FWHM = 2.0

# Beyond this condition number the mixing cannot be undone: noise of one percent would become as large as one.
WORST_CONDITION = 100.0


@dataclass(frozen=True, slots=True)
class _Regions:
    """Counts and occupancies around the liver: normal liver first, then each lesion."""

    grid: Grid
    counts: NDArray[np.float64]
    shares: tuple[NDArray[np.float32], ...]

    def readings(self) -> NDArray[np.float64]:
        """Mean counts per voxel of each region as the image shows them."""
        return np.array([_mean(self.counts, share) for share in self.shares])

    def corrected(self, fwhm_mm: float) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
        """Concentrations without blur (None where it cannot be undone), and each region's recovery."""
        seen = [blurred(share, self.grid, fwhm_mm) for share in self.shares]
        whole = np.clip(np.sum(self.shares, axis=0, dtype=np.float32), 0, 1)
        outside_seen = np.clip(1 - np.sum(seen, axis=0, dtype=np.float32), 0, 1)
        near = distance_mm(whole, self.grid) <= SURROUNDINGS_PER_FWHM * fwhm_mm
        outside = np.where(near, 1 - whole, 0)
        regions, images = [*self.shares, outside], [*seen, outside_seen]
        mixing = np.array([[_mean(image, region) for image in images] for region in regions])
        recovery = np.diag(mixing)[:-1]
        if not np.isfinite(mixing).all() or np.linalg.cond(mixing) > WORST_CONDITION:
            return None, recovery
        readings = np.array([_mean(self.counts, region) for region in regions])
        return np.linalg.solve(mixing, readings)[:-1], recovery


def _mean(image: NDArray[np.floating], share: NDArray[np.floating]) -> float:
    return float((image * share).sum(dtype=np.float64) / share.sum(dtype=np.float64))


def tumour_to_normal(
    counts: CountImage,
    lesions: Mapping[int, ArrayLike],
    normal: ArrayLike,
    *,
    resolution_fwhm_mm: float | None = None,
) -> TumourToNormal:
    """Concentration in the lesions over that in normal liver, together and for each, raw and corrected.

    Args:
        counts: the scan; any scale, since only ratios are formed (intervals take it for counts).
        lesions: occupancy (0 to 1) of each lesion on the counts' grid, by label.
        normal: occupancy of the normal liver of the same territory, lesions excluded.
        resolution_fwhm_mm: resolution of the image; that of `counts` unless given. Without one only the
            ratios as read are given, and a finding says so.
    """
    if not lesions:
        raise MaskError(
            "no lesion was given, so there is no tumour-to-normal ratio; enter one or add lesions"
        )
    fwhm = resolution_fwhm_mm if resolution_fwhm_mm is not None else counts.resolution_fwhm_mm
    fwhm = None if fwhm is None else checked_fwhm_mm(fwhm)
    labels = sorted(lesions)
    shares = [occupancy(normal, counts.grid, "normal liver")]
    shares += [occupancy(lesions[label], counts.grid, f"lesion {label}") for label in labels]
    regions = _cropped(counts, shares, fwhm)
    readings = regions.readings()
    if readings[0] <= 0:
        raise ModelRangeError("normal liver holds no counts, so there is no ratio to it; check the scan")
    sums = np.array([share.sum(dtype=np.float64) for share in regions.shares])
    weights = sums[1:] / sums[1:].sum()
    volumes = sums[1:] * counts.grid.voxel_ml
    raw = readings[1:] / readings[0]
    pooled_raw = float(raw @ weights)
    noise = TWO_SIDED_95 * math.hypot(
        *(1 / math.sqrt(n) if n > 0 else 0.0 for n in ((readings * sums)[1:].sum(), readings[0] * sums[0]))
    )
    findings: list[Finding] = []
    ratios: NDArray[np.float64] | None = None
    recovery: NDArray[np.float64] | None = None
    pooled, spread = None, 0.0
    if fwhm is None:
        text = (
            "The resolution of the scan is not known: the tumour-to-normal ratio is as read, and reads low."
        )
        findings.append(Finding("uptake-not-corrected", Severity.WARNING, text))
    else:
        ratios, recovery = _ratios(regions, fwhm)
        if ratios is None:
            text = (
                "The lesions lie too close or are too small to undo the blur; the ratio is as read, and low."
            )
            findings.append(Finding("uptake-not-corrected", Severity.WARNING, text))
        else:
            pooled = float(ratios @ weights)
            near = [_ratios(regions, fwhm * (1 + sign * RESOLUTION_VARIATION))[0] for sign in (-1, 1)]
            spread = max((abs(float(r @ weights) - pooled) for r in near if r is not None), default=0.0)
    each = tuple(
        LesionUptake(
            label=label,
            volume_ml=float(volumes[i]),
            equivalent_diameter_mm=equivalent_diameter_mm(float(volumes[i])),
            tumour_to_normal=float(raw[i]),
            tumour_to_normal_corrected=None if ratios is None else float(ratios[i]),
            recovery_frac=None if recovery is None else float(recovery[i + 1]),
            quantifiable=fwhm is not None and is_quantifiable(float(volumes[i]), fwhm),
        )
        for i, label in enumerate(labels)
    )
    middle = pooled_raw if pooled is None else pooled
    half = math.hypot(middle * noise, spread)
    return TumourToNormal(
        tumour_to_normal=pooled_raw,
        tumour_to_normal_corrected=pooled,
        interval=(max(0.0, middle - half), middle + half),
        lesions=each,
        normal_counts_per_ml=float(readings[0] / counts.grid.voxel_ml),
        resolution_fwhm_mm=fwhm,
        findings=tuple(findings + _small(each, fwhm)),
    )


def _cropped(counts: CountImage, shares: list[NDArray[np.float32]], fwhm: float | None) -> _Regions:
    """The same, on the smallest box around the liver from which nothing farther out reaches it."""
    grid = counts.grid
    reach = 0.0 if fwhm is None else 2 * SURROUNDINGS_PER_FWHM * fwhm
    margin = math.ceil(reach / min(grid.spacing_mm))
    box = bounding_box(np.sum(shares, axis=0) > 0, margin)
    if box is None:
        raise MaskError("the liver is empty on the grid of the counts; check that the images overlap")
    return _Regions(
        grid=grid.cropped(box),
        counts=counts.counts[box].astype(np.float64),
        shares=tuple(np.ascontiguousarray(share[box]) for share in shares),
    )


def _ratios(regions: _Regions, fwhm_mm: float) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
    found, recovery = regions.corrected(fwhm_mm)
    if found is None or found[0] <= 0 or (found[1:] < 0).any():
        return None, recovery
    return found[1:] / found[0], recovery


def _small(lesions: tuple[LesionUptake, ...], fwhm: float | None) -> list[Finding]:
    small = [str(lesion.label) for lesion in lesions if not lesion.quantifiable]
    if fwhm is None or not small:
        return []
    text = (
        f"Lesion {', '.join(small)}: smaller than twice the resolution of the scan ({fwhm:.3g} mm), "
        "the uptake cannot be quantified."
    )
    return [Finding("uptake-not-quantifiable", Severity.WARNING, text)]
