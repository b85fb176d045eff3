"""What every way to the lung shunt fraction shares: the ratio itself, its interval, and its known bias."""

from __future__ import annotations

import math
from statistics import NormalDist

from numpy.typing import ArrayLike

from emboplan import catalog as catalogue
from emboplan.dosimetry.arguments import Array, not_negative, plain
from emboplan.errors import ModelRangeError
from emboplan.model.finding import Finding, Severity
from emboplan.model.results.shunt import ShuntMethod

# Intervals hold 95 %.
TWO_SIDED_95 = NormalDist().inv_cdf(0.975)


def lung_shunt_fraction(lung_counts: ArrayLike, liver_counts: ArrayLike) -> float | Array:
    """Lung counts over the sum of lung and liver counts.

    >>> round(lung_shunt_fraction(40.0, 720.0), 5)
    0.05263
    """
    lung = not_negative(lung_counts, "lung_counts")
    total = lung + not_negative(liver_counts, "liver_counts")
    if (total <= 0).any():
        raise ModelRangeError("lung and liver hold no counts; check the regions and the scan")
    return plain(lung / total)


def known_bias(method: ShuntMethod, catalog: catalogue.Catalog | None) -> str:
    """The sentence on a method's bias that goes with its number."""
    return (catalog or catalogue.load()).sourced(f"lung_shunt.known_bias.{method}").text


def counting_half_width(frac: float, lung_relative: float, liver_relative: float) -> float:
    """Half of the 95 % interval of a shunt, from the relative standard errors of its two counts."""
    return TWO_SIDED_95 * frac * (1 - frac) * math.hypot(lung_relative, liver_relative)


def interval_around(frac: float, half: float) -> tuple[float, float]:
    """The interval around a shunt, inside 0 to 1."""
    return (max(0.0, frac - half), min(1.0, frac + half))


def zero_half_width(lung_recorded: float, liver_counts: float) -> float:
    """Upper bound (95 %) of a shunt of 0: the noise of the lung counts recorded, of one count at least."""
    return TWO_SIDED_95 * math.sqrt(max(1.0, lung_recorded)) / liver_counts


def no_lung_counts(scan: str) -> Finding:
    """What must be said of a shunt of 0."""
    text = (
        f"The lung region of the {scan} holds no counts, so the shunt reads 0 %: check that the scan shows "
        "the lungs, and that the region lies on them, before this number is used."
    )
    return Finding("shunt-no-lung-counts", Severity.WARNING, text)
