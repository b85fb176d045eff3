"""What a definition may hold: the limits within which a patient can be made at all."""

from __future__ import annotations

import numpy as np

from emboplan.errors import InputError
from emboplan.synthetic.definition import PhantomDefinition, Spread
from emboplan.synthetic.tissues import MAX_LESIONS, Tissue

DENSITY_KEYS = ("air", "fat", "soft", "lung", "bone", "marrow", "liver", "blood")
TISSUE_KEYS = frozenset(tissue.name.lower() for tissue in Tissue)
LEAST = float(np.finfo(float).tiny)  # above zero
MOST = float("inf")

FRACTIONS = (
    "lesions.burden_frac", "lesions.near_capsule_frac", "lesions.rim_frac", "lesions.core_frac",
    "uptake.lung_shunt_frac", "uptake.background_frac",
)  # fmt: skip
ABOVE_ZERO = (
    "ct.pixel_mm", "ct.slice_mm", "ct.length_mm", "ct.noise_peak_per_mm", "ct.supersampling",
    "habitus.width_scale", "habitus.depth_scale", "habitus.height_scale", "habitus.lattice_mm",
    "liver.volume_ml", "lesions.smallest_mm", "lesions.largest_mm", "lesions.elongation",
    "uptake.injected_mbq", "uptake.tumour_to_normal", "spect.voxel_mm", "planar.pixel_mm",
    "planar.duration_s",
)  # fmt: skip
ZERO_OR_MORE = (
    "ct.kernel_fwhm_mm", "ct.noise_sd_hu", "ct.texture_fwhm_mm", "habitus.fat_front_mm",
    "habitus.fat_side_mm", "habitus.fat_back_mm", "habitus.skin_mm", "habitus.bend_mm", "liver.vessel_twigs",
    "lesions.at_least_20_mm", "lesions.capsule_gap_mm", "lesions.lesion_gap_mm", "lesions.rim_mm",
    "spect.projection_fwhm_mm", "spect.filter_fwhm_mm", "spect.counts", "spect.breathing_mm", "planar.counts",
    "planar.fwhm_at_face_mm",
    "planar.fwhm_per_mm", "planar.face_gap_mm", "planar.attenuation_cm2_per_g", "planar.scatter_to_primary",
    "planar.scatter_fwhm_mm", "planar.scatter_window_ratio",
)  # fmt: skip
AT_LEAST_TWO = ("ct.matrix", "spect.matrix", "spect.slices", "planar.matrix")


def require_possible(definition: PhantomDefinition) -> None:
    """Raise `InputError` that names the first thing that cannot be made."""
    _require_tissues(definition)
    _require_ranges(definition)
    _require_grids(definition)
    _require_lesions(definition)


def _require_tissues(definition: PhantomDefinition) -> None:
    named = {**definition.hu, **definition.hu_above_liver}
    for table, keys in (("hu", named), ("texture_sd_hu", definition.texture_sd_hu)):
        unknown = sorted(set(keys) - TISSUE_KEYS - ({"lesion"} if table == "texture_sd_hu" else set()))
        if unknown:
            raise InputError(
                f"phantom definition: {table}.{unknown[0]} is no tissue; expected one of "
                f"{', '.join(sorted(TISSUE_KEYS))}"
            )
    missing = sorted(TISSUE_KEYS - set(named))
    if missing:
        raise InputError(
            f"phantom definition: the CT number of {missing[0]} is missing; give it in hu or hu_above_liver"
        )
    if "liver" not in definition.hu:
        raise InputError("phantom definition: hu.liver is missing; hu_above_liver counts from it")
    for key in DENSITY_KEYS:
        if definition.density_g_per_ml.get(key, -1.0) < 0:
            raise InputError(
                f"phantom definition: density_g_per_ml.{key} is missing or negative; give it a value"
            )


def _require_ranges(definition: PhantomDefinition) -> None:
    limits = [(where, 0.0, 1.0) for where in FRACTIONS]
    limits += [(where, LEAST, MOST) for where in ABOVE_ZERO]
    limits += [(where, 0.0, MOST) for where in ZERO_OR_MORE]
    limits += [(where, 2.0, MOST) for where in AT_LEAST_TWO]
    limits += [("lesions.count", 0.0, float(MAX_LESIONS)), ("lesions.irregularity", 0.0, 1 / 2)]
    for where, least, most in limits:
        section, key = where.split(".")
        value = getattr(getattr(definition, section), key)
        low, high = (value.low, value.high) if isinstance(value, Spread) else (value, value)
        if not least <= low <= high <= most:
            expected = "a number above 0" if least == LEAST else f"{least:g} to {most:g}"
            raise InputError(f"phantom definition: {where} is {low:g} to {high:g}; expected {expected}")


def _require_grids(definition: PhantomDefinition) -> None:
    voxel = definition.spect.voxel_mm
    for where, size in (
        ("ct.pixel_mm", definition.ct.pixel_mm),
        ("ct.slice_mm", definition.ct.slice_mm),
        ("planar.pixel_mm", definition.planar.pixel_mm),
    ):
        if size > voxel:
            raise InputError(
                f"phantom definition: {where} is {size:g}; expected no more than spect.voxel_mm, {voxel:g}"
            )
    if definition.ct.length_mm < definition.ct.slice_mm:
        raise InputError("phantom definition: ct.length_mm is shorter than one slice; lengthen it")


def _require_lesions(definition: PhantomDefinition) -> None:
    lesions = definition.lesions
    if lesions.smallest_mm.high > lesions.largest_mm:
        raise InputError(
            f"phantom definition: lesions.smallest_mm reaches {lesions.smallest_mm.high:g}; expected no more "
            f"than lesions.largest_mm, {lesions.largest_mm:g}"
        )
    none = lesions.count.high == 0
    if none != (lesions.burden_frac == 0) or (lesions.count.low < 1 and not none):
        raise InputError(
            f"phantom definition: lesions.count is {lesions.count.low:g} to {lesions.count.high:g} and "
            f"lesions.burden_frac {lesions.burden_frac:g}; expected both to be 0, or neither"
        )
