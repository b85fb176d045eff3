"""Where uncertainties come from: measured intervals turned into standard uncertainties, and sourced defaults.

What a measurement carries as its 95 % interval becomes a standard uncertainty; bounds that a contour moves
between are read as a rectangular distribution. A volume that the program found has a calibrated interval.
What no measurement and no source says stays 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from emboplan.catalog import Catalog
from emboplan.dosimetry.prescribing import uncertainty_inputs as kinds
from emboplan.dosimetry.prescribing.uncertainty_inputs import Z_COVERAGE, InputUncertainty
from emboplan.errors import ModelRangeError
from emboplan.model.results.burden import Burden
from emboplan.model.results.shunt import ShuntEstimate
from emboplan.model.results.uptake import TumourToNormal

Interval = tuple[float, float]

# Standard deviation of a rectangular distribution between -1 and 1.
RECTANGULAR = 1.0 / math.sqrt(1.0 + 2.0)

# A logarithm's standard deviation above this (a factor of seven to each side) says that nothing is known; a
# first-order sum and a few thousand samples can make nothing of more.
MOST_LOG_SD = 1.0


def _ordered(interval: Interval) -> Interval:
    low, high = interval
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ModelRangeError(f"interval {low:g} to {high:g} is not one; expected two numbers in order")
    return low, high


def absolute_from_interval(interval: Interval) -> float:
    """The standard uncertainty of a value with this 95 % interval."""
    low, high = _ordered(interval)
    return (high - low) / (2.0 * Z_COVERAGE)


def relative_from_interval(value: float, interval: Interval) -> float:
    """The standard deviation of the logarithm of a positive value with this 95 % interval.

    Where the interval reaches 0 it is the absolute one over the value.
    """
    low, high = _ordered(interval)
    if not value > 0:
        raise ModelRangeError(f"found {value:g} with an interval; expected a value above 0")
    return math.log(high / low) / (2.0 * Z_COVERAGE) if low > 0 else absolute_from_interval(interval) / value


def relative_from_bounds(value: float, bounds: Interval) -> float:
    """The relative standard uncertainty of a positive value that lies anywhere between these bounds."""
    low, high = _ordered(bounds)
    if not value > 0:
        raise ModelRangeError(f"found {value:g} with bounds; expected a value above 0")
    return RECTANGULAR * (high - low) / (2.0 * value)


def relative_from_found(value: float, interval: Interval) -> float:
    """The standard deviation of the logarithm of a volume that a program found, from its 95 % interval.

    Such intervals are lopsided, and their ends allow for contours that failed: the narrower side counts, and
    no more than `MOST_LOG_SD`.
    """
    low, high = _ordered(interval)
    if not value > 0:
        raise ModelRangeError(f"found {value:g} with an interval; expected a value above 0")
    sides = [math.log(high / value)] if high > value else []
    sides += [math.log(value / low)] if 0 < low < value else []
    return min([side / Z_COVERAGE for side in sides] + [MOST_LOG_SD])


def _volumes(*, found: bool) -> tuple[Callable[[float, Interval], float], str]:
    """How the interval of a volume is read, and in words."""
    if found:
        return relative_from_found, "calibrated 95 % interval of a contour that the program drew"
    return relative_from_bounds, "contour half a voxel in or out, as a rectangular distribution"


def calibration_default(catalog: Catalog) -> tuple[float, str]:
    """The relative standard uncertainty of an activity assay, and its source."""
    entry = catalog.sourced("uncertainty.calibration.half_width")
    return RECTANGULAR * entry.number, f"{entry.source_text}, {entry.status}"


def measured_inputs(
    *,
    catalog: Catalog,
    shunt: ShuntEstimate | None = None,
    uptake: TumourToNormal | None = None,
    burden: Burden | None = None,
    normal_ml: float | None = None,
    entered: Mapping[str, tuple[float, str]] | None = None,
) -> InputUncertainty:
    """What the measurements of a case say of their own uncertainty, with the sourced default of the assay.

    The shunt's interval is its method's; that of the tumour-to-normal ratio is common to all lesions. Lesion
    volumes and the liver's outer contour are as sure as half a voxel where a reader gave or confirmed them,
    else as their calibrated interval says; `normal_ml` is the whole normal liver (the liver without tumour
    unless given). `entered` has a number and its source by field and goes before all else, such as
    ``{"residual_abs": (0.01, "own records")}``; 0 leaves an input out.
    """
    numbers: dict[str, float | Mapping[int, float]] = {}
    sources: dict[str, str] = {}

    def take(kind: str, value: float | Mapping[int, float], source: str) -> None:
        numbers[kind], sources[kind] = value, source

    take(kinds.CALIBRATION, *calibration_default(catalog))
    if shunt is not None and shunt.interval is not None:
        text = f"95 % interval of the {shunt.method} shunt"
        take(kinds.LUNG_SHUNT, absolute_from_interval(shunt.interval), text)
    if uptake is not None:
        corrected = uptake.tumour_to_normal_corrected
        ratio = uptake.tumour_to_normal if corrected is None else corrected
        text = "95 % interval of the measured ratio: counting noise and resolution"
        take(kinds.RATIO_COMMON, relative_from_interval(ratio, uptake.interval), text)
    if burden is not None:
        read, text = _volumes(found=burden.drawn.lesions)
        lesions = {n.label: read(n.volume_ml, n.volume_ml_interval) for n in burden.lesions}
        if lesions:
            take(kinds.LESION_VOLUME, MappingProxyType(lesions), text)
        whole = burden.liver_ml - burden.tumour_ml if normal_ml is None else normal_ml
        read, text = _volumes(found=burden.drawn.liver)
        low, high = (whole + end - burden.liver_ml for end in burden.liver_ml_interval)
        take(kinds.WHOLE_VOLUME, read(whole, (max(0.0, low), high)), text)
    for kind, (value, source) in (entered or {}).items():
        if kind not in kinds.KINDS:
            raise ModelRangeError(f"no input is named {kind}; expected one of {', '.join(kinds.KINDS)}")
        take(kind, value, source)
    return InputUncertainty(**numbers, sources=MappingProxyType(sources))  # type: ignore[arg-type]  # by field
