"""The definition of a digital patient: what is set, as checked values.

A `Spread` is a number, or a pair of numbers between which each patient's own value is drawn. `tables` builds
a definition from a parsed TOML table.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

OVERLAYS = ("phase", "variant", "kernel")
"""Tables of named changes that a file may hold beside its definition (see `variants`)."""

CORRECTIONS = {"attenuation+scatter": (True, True), "attenuation": (True, False), "none": (False, False)}
"""Whether a SPECT was corrected for attenuation and for scatter, by the word in a definition."""


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
    """The CT: matrix, voxels, length, sampling, sharpness, noise, and a step of breath between its parts."""

    matrix: int
    pixel_mm: float
    slice_mm: float
    length_mm: float
    supersampling: int
    kernel_fwhm_mm: float
    noise_sd_hu: Spread
    noise_at_mm: float
    noise_ratio: float
    dose_frac: float
    noise_peak_per_mm: float
    texture_fwhm_mm: float
    breath_step_mm: Spread


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
    """The liver: whole volume (tumours included), its vessels, and what was resected."""

    volume_ml: Spread
    vessel_twigs: int
    resection: str


@dataclass(frozen=True, slots=True)
class Organs:
    """The other organs: size of the spleen (of its half axes), and fluid around the organs of the belly."""

    spleen_scale: Spread
    ascites_mm: Spread


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
    confluent_from_frac: float
    nodules_frac: float
    nodule_mm: Spread
    nodule_gap_mm: float
    below_liver_hu: Spread
    hyper_frac: float
    hyper_below_liver_hu: Spread
    rim_frac: float
    rim_above_lesion_hu: Spread
    rim_mm: Spread
    core_frac: float
    core_below_lesion_hu: Spread
    calcified_frac: float
    calcium_hu: Spread


@dataclass(frozen=True, slots=True)
class Uptake:
    """Where the activity goes: liver, lungs, the rest of the body, a focus beside the liver, free tracer."""

    injected_mbq: float
    tumour_to_normal: Spread
    lung_shunt_frac: Spread
    background_frac: float
    focus: str
    focus_frac: float
    focus_mm: float
    free_frac: float
    free_stomach_frac: float
    free_kidneys_frac: float
    free_outside_frac: float


@dataclass(frozen=True, slots=True)
class Spect:
    """The SPECT after reconstruction, what its corrections leave, and how it lies against the CT."""

    matrix: int
    slices: int
    voxel_mm: float
    projection_fwhm_mm: float
    filter_fwhm_mm: float
    counts: float
    breathing_mm: Spread
    noise_gain: float
    corrections: str
    scatter_ratio: float
    scatter_spread_mm: float
    scatter_left_frac: float
    mismatch_mm: Spread
    shift_x_mm: Spread
    shift_y_mm: Spread
    shift_z_mm: Spread


@dataclass(frozen=True, slots=True)
class Pet:
    """The PET of Y-90 after the treatment and its place; there is none where `delivered_gbq` is 0."""

    delivered_gbq: float
    hours_after: float
    scan_s: float
    scanner_fwhm_mm: float
    post_filter_mm: float
    efficiency: float
    background_ratio: float
    flight_fwhm_mm: float
    liver_higher_mm: Spread
    moved_x_mm: Spread
    moved_y_mm: Spread
    moved_z_mm: Spread


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
class MrSequence:
    """How one MR sequence shows the tissues: signals relative to the liver, and its voxels and errors."""

    description: str
    matrix: int
    pixel_mm: float
    slice_mm: float
    snr: float
    bias_frac: float
    grain_frac: float
    repetition_ms: float
    echo_ms: float
    flip_deg: float
    field_t: float
    signal: dict[str, float]


@dataclass(frozen=True, slots=True)
class PhantomDefinition:
    """All that is set of a digital patient; see the TOML file for what each key means."""

    name: str
    description: str
    ct: CtScan
    habitus: Habitus
    liver: Liver
    organs: Organs
    hu: dict[str, Spread]
    hu_above_liver: dict[str, Spread]
    texture_sd_hu: dict[str, float]
    density_g_per_ml: dict[str, float]
    lesions: Lesions
    uptake: Uptake
    windows: EnergyWindows
    spect: Spect
    planar: Planar
    pet: Pet
    mr: dict[str, MrSequence]
    settings: dict[str, str] = field(default_factory=dict)
    """What a user changed, as text; not read from the table."""
    anatomy: str = field(default_factory=str)
    """What of it made another body, as text: two scans with the same have the same frame of reference."""
