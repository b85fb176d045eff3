"""The definition of a digital patient: what is set, as checked values.

A `Spread` is a number, or a pair of numbers between which each patient's own value is drawn. `tables` builds
a definition from a parsed TOML table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
