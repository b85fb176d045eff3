"""The truth of a digital patient: masks, volumes, activities and all that was set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emboplan.model.image import ActivityMap
from emboplan.model.mask import LabelMap, Mask


@dataclass(frozen=True, slots=True)
class LesionTruth:
    """One lesion. `volume_ml` is counted at the sub-samples, `voxel_volume_ml` in whole CT voxels.

    `viable_ml` is the part of `volume_ml` that is neither necrotic core nor calcification.
    """

    number: int
    centre_mm: tuple[float, float, float]
    volume_ml: float
    viable_ml: float
    voxel_volume_ml: float
    analytic_volume_ml: float
    longest_diameter_mm: float
    longest_axial_diameter_mm: float
    mean_hu: float
    rim: bool
    core: bool
    calcified: bool
    hypervascular: bool


@dataclass(frozen=True, slots=True, eq=False)
class PhantomTruth:
    """What is known of a patient. Masks are on the CT's grid: voxels at least half filled.

    `liver` includes its lesions and its vessels, `viable` is the lesions without necrotic cores and
    calcifications; `segments` share it out. Volumes in `volumes_ml` are
    counted at the sub-samples. The lung shunt is activity in the lungs over activity in lungs and liver; the
    body's background is left out. `activity` is the true map on the SPECT's grid, at rest, without noise.

    A place of the CT is seen on the SPECT `registration_shift_mm` (x, y, z) away, and the liver another
    `liver_higher_mm` towards the head. `focus` is where activity lies beside the liver.
    """

    body: Mask
    lungs: Mask
    liver: Mask
    segments: LabelMap
    segment_names: dict[int, str]
    lesions: LabelMap
    viable: Mask
    others: LabelMap
    other_names: dict[int, str]
    activity: ActivityMap
    lesion_table: tuple[LesionTruth, ...]
    volumes_ml: dict[str, float]
    burden_set_frac: float
    burden_frac: float
    density_g_per_ml: dict[str, float]
    lung_mass_g: float
    lung_density_g_per_ml: float
    liver_density_g_per_ml: float
    activity_mbq: dict[str, float]
    activity_mbq_per_ml: dict[str, float]
    injected_mbq: float
    tumour_to_normal: float
    lung_shunt_frac: float
    hu: dict[str, float]
    noise_sd_hu: float
    breathing_mm: float
    registration_shift_mm: tuple[float, float, float]
    liver_higher_mm: float
    focus: Mask | None
    focus_place: str
    spect_fwhm_mm: float
    planar_first_pixel_mm: tuple[float, float]

    @property
    def liver_on_spect_mm(self) -> float:
        """How much higher the liver lies on the SPECT than on the CT."""
        return self.registration_shift_mm[2] + self.liver_higher_mm

    def _focus(self) -> dict[str, object] | None:
        if self.focus is None:
            return None
        middle = np.argwhere(self.focus.voxels).mean(axis=0)[::-1]
        return {
            "place": self.focus_place,
            "centre_mm": self.focus.grid.to_mm(middle).tolist(),
            "volume_ml": self.focus.volume_ml,
            "activity_mbq": self.activity_mbq["focus"],
        }

    def _segment_volumes_ml(self) -> dict[str, float]:
        labels = self.segments.labels
        counts = np.bincount(labels[labels > 0], minlength=max(self.segment_names) + 1)
        return {
            name: float(counts[number]) * self.segments.grid.voxel_ml
            for number, name in self.segment_names.items()
        }

    def truth_dict(self) -> dict[str, object]:
        """Every set and derived quantity with its unit in the key, ready for JSON; no arrays."""
        return {
            "volumes_ml": dict(self.volumes_ml),
            "voxel_volumes_ml": {
                "body": self.body.volume_ml,
                "lungs": self.lungs.volume_ml,
                "liver": self.liver.volume_ml,
                "tumour": self.lesions.union.volume_ml,
                "viable_tumour": self.viable.volume_ml,
            },
            "burden_set_frac": self.burden_set_frac,
            "burden_frac": self.burden_frac,
            "lesions": [
                {
                    "number": lesion.number,
                    "centre_mm": list(lesion.centre_mm),
                    "volume_ml": lesion.volume_ml,
                    "viable_ml": lesion.viable_ml,
                    "voxel_volume_ml": lesion.voxel_volume_ml,
                    "analytic_volume_ml": lesion.analytic_volume_ml,
                    "longest_diameter_mm": lesion.longest_diameter_mm,
                    "longest_axial_diameter_mm": lesion.longest_axial_diameter_mm,
                    "mean_hu": lesion.mean_hu,
                    "rim": lesion.rim,
                    "necrotic_core": lesion.core,
                    "calcified": lesion.calcified,
                    "hypervascular": lesion.hypervascular,
                }
                for lesion in self.lesion_table
            ],
            "lung_mass_g": self.lung_mass_g,
            "lung_density_g_per_ml": self.lung_density_g_per_ml,
            "liver_density_g_per_ml": self.liver_density_g_per_ml,
            "density_g_per_ml": dict(self.density_g_per_ml),
            "injected_mbq": self.injected_mbq,
            "activity_mbq": dict(self.activity_mbq),
            "activity_mbq_per_ml": dict(self.activity_mbq_per_ml),
            "tumour_to_normal": self.tumour_to_normal,
            "lung_shunt_frac": self.lung_shunt_frac,
            "hu": dict(self.hu),
            "ct_noise_sd_hu": self.noise_sd_hu,
            "spect_breathing_range_mm": self.breathing_mm,
            "registration": {
                "shift_mm": list(self.registration_shift_mm),
                "liver_shift_mm": [*self.registration_shift_mm[:2], self.liver_on_spect_mm],
            },
            "focus": self._focus(),
            "spect_fwhm_mm": self.spect_fwhm_mm,
            "planar_first_pixel_x_z_mm": list(self.planar_first_pixel_mm),
            "segment_volumes_ml": self._segment_volumes_ml(),
            "other_structures": {str(number): name for number, name in self.other_names.items()},
        }
