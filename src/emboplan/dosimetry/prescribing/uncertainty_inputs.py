"""What goes into the uncertainty of a plan: how sure each input is, who says so, and what moves together.

Every input is one or more independent standard normal deviates, named by kind and owner (`Deviates`).
Territories that take their shunt from one scan share its deviate, all lesions share the common part of their
ratios, and all activities share the calibration. An input without a source is 0 and is named as left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from scipy.special import ndtri

from emboplan.dosimetry.arguments import Array
from emboplan.errors import ModelRangeError
from emboplan.model.compartments import PatientCompartments

# Every interval of a result covers this share.
COVERAGE = 0.95

# Standard normal deviate at the upper end of an interval of that coverage.
Z_COVERAGE = float(ndtri((1.0 + COVERAGE) / 2.0))

# The scan that a territory's shunt comes from unless another is named.
ONE_SCAN = "MAA scan"

LUNG_SHUNT = "lung_shunt_abs"
RATIO_COMMON = "tumour_to_normal_common_frac"
RATIO = "tumour_to_normal_frac"
LESION_VOLUME = "lesion_volume_frac"
NORMAL_VOLUME = "normal_volume_frac"
WHOLE_VOLUME = "whole_normal_volume_frac"
LUNG_MASS = "lung_mass_frac"
CALIBRATION = "calibration_frac"
RESIDUAL = "residual_abs"

# Kinds of input in the order of showing, in words for findings.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        LUNG_SHUNT: "lung shunt",
        RATIO_COMMON: "tumour-to-normal ratio, common to all lesions",
        RATIO: "tumour-to-normal ratio of each lesion",
        LESION_VOLUME: "lesion volumes",
        NORMAL_VOLUME: "borders of the treated normal liver",
        WHOLE_VOLUME: "volume of the whole normal liver",
        LUNG_MASS: "lung mass",
        CALIBRATION: "activity calibration",
        RESIDUAL: "residual",
    }
)

PerTerritory = float | Mapping[str, float]
PerLesion = float | Mapping[int, float]


def _none_named() -> Mapping[str, str]:
    return MappingProxyType({})


def _of(value: PerTerritory | PerLesion, owner: object) -> float:
    if isinstance(value, Mapping):
        return float(dict(value).get(owner, 0.0))  # type: ignore[call-overload]  # str or int by the field
    return float(value)


@dataclass(frozen=True, slots=True)
class InputUncertainty:
    """Standard uncertainties of the inputs, each kind with its source.

    Fields that end in `_frac` are relative: the standard deviation of the logarithm, which for small ones is
    the relative standard deviation. Those in `_abs` are absolute, for fractions of 0 to 1. A number holds for
    every territory or lesion, a mapping for those it names (the others are 0).

    `shunt_scan` names the scan that a territory's shunt comes from; territories of one scan err together.
    `whole_normal_volume_frac` is the outer contour: treated and whole normal liver err together by it.
    `normal_volume_frac` is the border of a territory within the liver, which changes the treated part alone.
    `calibration_frac` is common to all territories, `residual_abs` independent in each.
    `sources` has one text for each field that is not 0.
    """

    lung_shunt_abs: PerTerritory = 0.0
    tumour_to_normal_common_frac: float = 0.0
    tumour_to_normal_frac: PerLesion = 0.0
    lesion_volume_frac: PerLesion = 0.0
    normal_volume_frac: PerTerritory = 0.0
    whole_normal_volume_frac: float = 0.0
    lung_mass_frac: float = 0.0
    calibration_frac: float = 0.0
    residual_abs: PerTerritory = 0.0
    shunt_scan: Mapping[str, str] = field(default_factory=_none_named)
    sources: Mapping[str, str] = field(default_factory=_none_named)

    def __post_init__(self) -> None:
        for kind in KINDS:
            values = self._values(kind)
            for value in values:
                if not (math.isfinite(value) and value >= 0):
                    raise ModelRangeError(f"uncertainty {kind} is {value:g}; expected 0 or more")
            if any(values) and not self.sources.get(kind, "").strip():
                raise ModelRangeError(f"uncertainty {kind} has no source; say in sources where it comes from")

    def _values(self, kind: str) -> tuple[float, ...]:
        value = getattr(self, kind)
        return tuple(value.values()) if isinstance(value, Mapping) else (value,)

    def of(self, kind: str, owner: object = None) -> float:
        """The standard uncertainty of one kind of input for one territory or lesion."""
        return _of(getattr(self, kind), owner)

    def scan_of(self, territory: str) -> str:
        """The scan that a territory's shunt comes from."""
        return self.shunt_scan.get(territory, ONE_SCAN)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The kinds of input that are taken as exact."""
        return tuple(kind for kind in KINDS if not any(self._values(kind)))

    def listed(self) -> dict[str, float]:
        """Every number that is not 0 by name, with the territory or lesion where there is one."""
        numbers: dict[str, float] = {}
        for kind in KINDS:
            value = getattr(self, kind)
            if isinstance(value, Mapping):
                numbers |= {f"{kind}: {owner}": number for owner, number in value.items() if number}
            elif value:
                numbers[kind] = value
        return numbers


@dataclass(frozen=True, slots=True)
class Deviates:
    """The independent standard normal deviates of a plan: their kinds and owners, in a fixed order."""

    keys: tuple[tuple[str, str], ...]

    @classmethod
    def of_plan(cls, patient: PatientCompartments, inputs: InputUncertainty) -> Deviates:
        """The deviates that this patient's inputs need, whether or not they are 0."""
        territories = [treated.territory for treated in patient.treated]
        labels = sorted(label for treated in patient.treated for label in treated.lesion_masses_g)
        scans = list(dict.fromkeys(inputs.scan_of(name) for name in territories))
        owners = {
            LUNG_SHUNT: scans,
            RATIO_COMMON: [""],
            RATIO: [str(label) for label in labels],
            LESION_VOLUME: [str(label) for label in labels],
            NORMAL_VOLUME: territories,
            WHOLE_VOLUME: [""],
            LUNG_MASS: [""],
            CALIBRATION: [""],
            RESIDUAL: territories,
        }
        return cls(tuple((kind, owner) for kind in KINDS for owner in owners[kind]))

    def index(self, kind: str, owner: object = "") -> int:
        """Where a deviate stands."""
        return self.keys.index((kind, str(owner)))

    def unit(self, kind: str, owner: object, size: float) -> Array:
        """A slope along one deviate alone."""
        slope = np.zeros(len(self.keys))
        slope[self.index(kind, owner)] = size
        return slope

    def shares(self, slope: Array) -> dict[str, float]:
        """The share of the variance that each kind of input brings."""
        variance = float(slope @ slope)
        if variance == 0:
            return {}
        parts = dict.fromkeys(KINDS, 0.0)
        for (kind, _), size in zip(self.keys, slope, strict=True):
            parts[kind] += float(size) ** 2 / variance
        return {kind: part for kind, part in parts.items() if part > 0}
