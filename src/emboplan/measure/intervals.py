"""95 % intervals of volumes that a program found, from constants calibrated on digital patients.

A contour may be off by so many millimetres inwards or outwards, more where the image gives reason to doubt
(`doubt`). The lesions of a patient err together in part. Beyond their contours some tumour may have been
missed, more where much of the liver looks unlike its parenchyma, and small findings may be false. The
constants are entries ``uncertainty.interval`` of the catalogue; the equations and the calibration are in
`docs/methods/burden-and-intervals.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, hypot, sqrt

from emboplan.catalog.load import Catalog
from emboplan.measure.doubt import Certainty
from emboplan.model.results.burden import Interval

ROOM = "uncertainty.interval"


@dataclass(frozen=True, slots=True)
class Shift:
    """How far (mm) a true surface may lie inside and outside of a contour that was found."""

    inward_mm: float
    outward_mm: float

    def about(self, volume_ml: float, surface_ml_per_mm: float) -> Interval:
        """The interval of a volume whose contour has this surface."""
        low = volume_ml - self.inward_mm * surface_ml_per_mm
        return (max(0.0, low), volume_ml + self.outward_mm * surface_ml_per_mm)


@dataclass(frozen=True, slots=True)
class Calibration:
    """The calibrated constants.

    `liver` holds for livers of at least `small_liver_ml`, `small_liver` below. `correlation` is the part of
    the variance of lesions' errors that all lesions of a patient share. Missed tumour may be a share
    `missed_anywhere_frac` of the liver without lesions, and `missed_per_unlike` times what of it looks unlike
    parenchyma beyond `unlike_healthy_frac`, which any liver has. `false_ml` may be false.
    """

    liver: Shift
    small_liver: Shift
    small_liver_ml: float
    lesion: Mapping[Certainty, Shift]
    correlation: float
    unlike_healthy_frac: float
    missed_anywhere_frac: float
    missed_per_unlike: float
    false_ml: float

    def of_liver(self, volume_ml: float) -> Shift:
        """The shift of a liver of this volume."""
        return self.small_liver if volume_ml < self.small_liver_ml else self.liver

    def of_lesion(
        self, kind: Certainty, volume_ml: float, surface_ml_per_mm: float, liver_ml: float
    ) -> Interval:
        """The interval of a lesion, which is no larger than the liver."""
        low, high = self.lesion[kind].about(volume_ml, surface_ml_per_mm)
        return (low, max(volume_ml, min(high, liver_ml)))

    def missed_ml(self, unlike_frac: float, normal_ml: float) -> float:
        """How much tumour may be in the liver without lesions, of which this share looks unlike it."""
        unlike = self.missed_per_unlike * max(0.0, unlike_frac - self.unlike_healthy_frac)
        return min(1.0, self.missed_anywhere_frac + unlike) * normal_ml

    def beyond_ml(self, liver_ml: float, liver_bounds: Interval) -> float:
        """How much tumour may lie beyond the contour of a liver: what a small one may lack; else none."""
        return liver_bounds[1] - liver_ml if liver_ml < self.small_liver_ml else 0.0


def calibration(catalog: Catalog) -> Calibration:
    """The constants of the catalogue in use; `CatalogError` where one may not serve."""

    def shift(name: str) -> Shift:
        inward, outward = catalog.sourced(f"{ROOM}.{name}").numbers
        return Shift(inward, outward)

    return Calibration(
        liver=shift("liver"),
        small_liver=shift("small_liver"),
        small_liver_ml=catalog.number(f"{ROOM}.small_liver_below"),
        lesion={kind: shift(f"lesion.{kind}") for kind in Certainty},
        correlation=catalog.number(f"{ROOM}.lesion_correlation"),
        unlike_healthy_frac=catalog.number(f"{ROOM}.unlike_healthy"),
        missed_anywhere_frac=catalog.number(f"{ROOM}.missed_anywhere"),
        missed_per_unlike=catalog.number(f"{ROOM}.missed_per_unlike"),
        false_ml=catalog.number(f"{ROOM}.false"),
    )


def together(half_widths: Iterable[float], correlation: float) -> float:
    """The half width of a sum whose parts have these half widths and this correlation with each other.

    ``√(ρ·(Σh)² + (1 - ρ)·Σh²)``: the plain sum where all err together, the root of squares where none do.
    """
    parts = list(half_widths)
    return sqrt(correlation * fsum(parts) ** 2 + (1 - correlation) * fsum(h * h for h in parts))


def tumour_interval(
    lesions: Sequence[tuple[float, Interval]], unlike_frac: float, normal_ml: float, numbers: Calibration
) -> Interval:
    """The interval of all tumour, from each found lesion's volume and interval.

    Its ends hold the lesions' common and own errors, what may be false, and what may have been missed in the
    liver without lesions, of which `unlike_frac` looks unlike parenchyma.
    """
    volume = fsum(own for own, _ in lesions)
    inward = together((own - low for own, (low, _) in lesions), numbers.correlation)
    outward = together((high - own for own, (_, high) in lesions), numbers.correlation)
    low = max(0.0, volume - inward - numbers.false_ml)
    return (low, volume + outward + numbers.missed_ml(unlike_frac, normal_ml))


def burden_interval_frac(
    tumour_ml: float, tumour_bounds: Interval, liver_ml: float, liver_bounds: Interval
) -> Interval:
    """The interval of tumour over liver, whose errors are taken as independent; within 0 and 1."""
    burden = tumour_ml / liver_ml
    low = burden - hypot(
        (tumour_ml - tumour_bounds[0]) / liver_ml, burden * (liver_bounds[1] - liver_ml) / liver_ml
    )
    high = burden + hypot(
        (tumour_bounds[1] - tumour_ml) / liver_ml, burden * (liver_ml - liver_bounds[0]) / liver_ml
    )
    return (max(0.0, low), min(1.0, high))
