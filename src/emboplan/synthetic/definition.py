"""The definition of a digital patient: what is set, as checked values.

`from_table` builds it from a parsed TOML table. A `Spread` is a number, or a pair of numbers between which
each patient's own value is drawn. Every key must be known and every key must be there: a definition hides
no default.
"""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from emboplan.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spread:
    """A range from which a value is drawn evenly; both ends equal for a fixed value."""

    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """One value. Takes one random number in any case, so that fixing a value moves no other."""
        return float(self.low + (self.high - self.low) * rng.random())


@dataclass(frozen=True, slots=True)
class CtScan:
    """The CT: matrix, voxels, length, sampling, sharpness and noise."""

    matrix: int
    pixel_mm: float
    slice_mm: float
    length_mm: float
    supersampling: int
    kernel_fwhm_mm: float
    noise_sd_hu: Spread
    noise_peak_per_mm: float
    texture_fwhm_mm: float


@dataclass(frozen=True, slots=True)
class Habitus:
    """How bodies differ: size, layers of fat, bends and the spread of the organs' places."""

    width_scale: Spread
    depth_scale: Spread
    height_scale: Spread
    fat_front_mm: Spread
    fat_side_mm: Spread
    fat_back_mm: Spread
    skin_mm: Spread
    bend_mm: Spread
    roll_deg: Spread
    lattice_mm: float


@dataclass(frozen=True, slots=True)
class Liver:
    """The liver: whole volume (tumours included) and its vessels."""

    volume_ml: Spread
    vessel_twigs: int


@dataclass(frozen=True, slots=True)
class Lesions:
    """The metastases: how many, how large, how irregular, where and how they look."""

    count: Spread
    burden_frac: float
    smallest_mm: Spread
    largest_mm: float
    at_least_20_mm: int
    elongation: Spread
    irregularity: Spread
    capsule_gap_mm: float
    lesion_gap_mm: float
    near_capsule_frac: float
    below_liver_hu: Spread
    rim_frac: float
    rim_above_lesion_hu: Spread
    rim_mm: Spread
    core_frac: float
    core_below_lesion_hu: Spread


@dataclass(frozen=True, slots=True)
class Uptake:
    """Where the activity goes."""

    injected_mbq: float
    tumour_to_normal: Spread
    lung_shunt_frac: Spread
    background_frac: float


@dataclass(frozen=True, slots=True)
class Spect:
    """The SPECT after reconstruction."""

    matrix: int
    slices: int
    voxel_mm: float
    projection_fwhm_mm: float
    filter_fwhm_mm: float
    counts: float
    breathing_mm: Spread


@dataclass(frozen=True, slots=True)
class EnergyWindows:
    """The energies (keV) between which photons are counted."""

    photopeak_kev: Spread
    scatter_kev: Spread


@dataclass(frozen=True, slots=True)
class Planar:
    """The planar views."""

    matrix: int
    pixel_mm: float
    counts: float
    duration_s: float
    fwhm_at_face_mm: float
    fwhm_per_mm: float
    face_gap_mm: float
    attenuation_cm2_per_g: float
    scatter_to_primary: float
    scatter_fwhm_mm: float
    scatter_window_ratio: float


@dataclass(frozen=True, slots=True)
class PhantomDefinition:
    """All that is set of a digital patient; see the TOML file for what each key means."""

    name: str
    description: str
    ct: CtScan
    habitus: Habitus
    liver: Liver
    hu: dict[str, Spread]
    hu_above_liver: dict[str, Spread]
    texture_sd_hu: dict[str, float]
    density_g_per_ml: dict[str, float]
    lesions: Lesions
    uptake: Uptake
    windows: EnergyWindows
    spect: Spect
    planar: Planar


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise InputError(f"phantom definition: {where} is {value!r}; expected a finite number")
    return float(value)


def _spread(value: object, where: str) -> Spread:
    if isinstance(value, list):
        if len(value) != 2:
            raise InputError(f"phantom definition: {where} is {value!r}; expected a number or [low, high]")
        low, high = _number(value[0], where), _number(value[1], where)
        if low > high:
            raise InputError(f"phantom definition: {where} is {value!r}; expected the lower number first")
        return Spread(low, high)
    number = _number(value, where)
    return Spread(number, number)


def _value(kind: Any, value: object, where: str) -> Any:
    if dataclasses.is_dataclass(kind) and kind is not Spread:
        return _section(typing.cast("type", kind), value, where)
    if kind is Spread:
        return _spread(value, where)
    if kind is str:
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"phantom definition: {where} is {value!r}; expected text")
        return value
    if kind is int:
        number = _number(value, where)
        if number != int(number):
            raise InputError(f"phantom definition: {where} is {value!r}; expected a whole number")
        return int(number)
    if kind is float:
        return _number(value, where)
    item = typing.get_args(kind)[1]
    if not isinstance(value, dict):
        raise InputError(f"phantom definition: {where} is {value!r}; expected a table")
    return {str(key): _value(item, entry, f"{where}.{key}") for key, entry in value.items()}


def _section(kind: type[T], value: object, where: str) -> T:
    prefix = f"{where}." if where else ""
    if not isinstance(value, dict):
        raise InputError(f"phantom definition: {where} is {value!r}; expected a table")
    hints = typing.get_type_hints(kind)
    names = [f.name for f in dataclasses.fields(typing.cast("Any", kind))]
    for key in value:
        if key not in names:
            raise InputError(
                f"phantom definition: unknown key {prefix}{key}; expected one of {', '.join(names)}"
            )
    for name in names:
        if name not in value:
            raise InputError(f"phantom definition: {prefix}{name} is missing; give it a value")
    return kind(**{name: _value(hints[name], value[name], prefix + name) for name in names})


def from_table(table: dict[str, object]) -> PhantomDefinition:
    """The definition in a parsed TOML table.

    Raises `InputError` for a key that is unknown or missing, a value of the wrong kind or outside what can be
    made.
    """
    from emboplan.synthetic.limits import require_possible

    definition = _section(PhantomDefinition, table, "")
    require_possible(definition)
    return definition
