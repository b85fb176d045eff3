"""What a definition may hold: the limits within which a patient can be made at all."""

from __future__ import annotations

import numpy as np

from emboplan.errors import InputError
from emboplan.synthetic.body.tissues import Tissue
from emboplan.synthetic.setting.definition import CORRECTIONS, PhantomDefinition, Spread

DENSITY_KEYS = ("air", "fat", "soft", "lung", "bone", "marrow", "liver", "blood")
TISSUE_KEYS = frozenset(tissue.name.lower() for tissue in Tissue)
LEAST = float(np.finfo(float).tiny)  # above zero
MOST = float("inf")
MOST_SEED = 2**53  # sixteen digits, which the number of a study may have, and exact in JSON
MOST_LESIONS = 500  # each is placed by itself: more are nodules
MOST_BURDEN = 0.8  # beyond it no liver is left between the lesions to be one
SLICES_MM = (0.6, 8.0)  # of the scanners that are imitated
LATTICE_MM = (1.5, 10.0)  # finer takes gigabytes, coarser loses organs
MOST_VOXELS = 2**28  # an image in 16 bits and its masks stay within some gigabytes
LESION_SIGNALS = ("lesion", "lesion_core", "lesion_rim", "calcium")
RESECTIONS = ("none", "right", "left", "left lateral")
FOCUSES = ("none", "stomach", "duodenum", "gallbladder", "falciform")
APART = (
    "spect.mismatch_mm", "spect.shift_x_mm", "spect.shift_y_mm", "spect.shift_z_mm",
    "pet.liver_higher_mm", "pet.moved_x_mm", "pet.moved_y_mm", "pet.moved_z_mm",
)  # fmt: skip
MOST_APART_MM = 100.0  # of two scans: beyond it the liver would leave the nuclear scan

FRACTIONS = (
    "lesions.near_capsule_frac", "lesions.rim_frac", "lesions.core_frac", "lesions.confluent_from_frac",
    "lesions.nodules_frac", "lesions.hyper_frac", "lesions.calcified_frac",
    "uptake.lung_shunt_frac", "uptake.background_frac", "uptake.focus_frac", "uptake.free_frac",
    "uptake.free_stomach_frac", "uptake.free_kidneys_frac", "uptake.free_outside_frac",
    "spect.scatter_left_frac", "pet.efficiency",
)  # fmt: skip
ABOVE_ZERO = (
    "ct.pixel_mm", "ct.length_mm", "ct.noise_peak_per_mm", "ct.supersampling", "ct.noise_at_mm",
    "ct.dose_frac", "organs.spleen_scale", "lesions.nodule_mm",
    "habitus.width_scale", "habitus.depth_scale", "habitus.height_scale",
    "liver.volume_ml", "lesions.smallest_mm", "lesions.largest_mm", "lesions.elongation",
    "uptake.injected_mbq", "uptake.tumour_to_normal", "spect.voxel_mm", "planar.pixel_mm",
    "planar.duration_s", "uptake.focus_mm", "pet.scan_s", "spect.noise_gain",
)  # fmt: skip
ZERO_OR_MORE = (
    "ct.kernel_fwhm_mm", "ct.noise_sd_hu", "ct.texture_fwhm_mm", "habitus.fat_front_mm",
    "habitus.fat_side_mm", "habitus.fat_back_mm", "habitus.skin_mm", "habitus.bend_mm", "liver.vessel_twigs",
    "ct.noise_ratio", "organs.ascites_mm", "lesions.nodule_gap_mm",
    "lesions.at_least_20_mm", "lesions.capsule_gap_mm", "lesions.lesion_gap_mm", "lesions.rim_mm",
    "spect.projection_fwhm_mm", "spect.filter_fwhm_mm", "spect.counts", "spect.breathing_mm", "planar.counts",
    "planar.fwhm_at_face_mm",
    "planar.fwhm_per_mm", "planar.face_gap_mm", "planar.attenuation_cm2_per_g", "planar.scatter_to_primary",
    "planar.scatter_fwhm_mm", "planar.scatter_window_ratio", "spect.scatter_ratio", "spect.scatter_spread_mm",
    "pet.delivered_gbq", "pet.hours_after", "pet.scanner_fwhm_mm", "pet.post_filter_mm",
    "pet.background_ratio", "pet.flight_fwhm_mm",
)  # fmt: skip
AT_LEAST_TWO = ("ct.matrix", "spect.matrix", "spect.slices", "planar.matrix")


def require_possible(definition: PhantomDefinition) -> None:
    """Raise `InputError` that names the first thing that cannot be made."""
    _require_tissues(definition)
    _require_ranges(definition)
    _require_grids(definition)
    _require_lesions(definition)
    _require_mr(definition)
    _require_uptake(definition)
    for where, chosen, known in (
        ("liver.resection", definition.liver.resection, RESECTIONS),
        ("uptake.focus", definition.uptake.focus, FOCUSES),
        ("spect.corrections", definition.spect.corrections, CORRECTIONS),
    ):
        if chosen not in known:
            raise InputError(f"phantom definition: {where} is {chosen!r}; expected {', '.join(known)}")


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
    limits += [
        ("lesions.count", 0.0, float(MOST_LESIONS)),
        ("lesions.irregularity", 0.0, 1 / 2),
        ("lesions.burden_frac", 0.0, MOST_BURDEN),
        ("ct.slice_mm", *SLICES_MM),
        ("habitus.lattice_mm", *LATTICE_MM),
        *((where, -MOST_APART_MM, MOST_APART_MM) for where in APART),
    ]
    for where, least, most in limits:
        section, key = where.split(".")
        value = getattr(getattr(definition, section), key)
        low, high = (value.low, value.high) if isinstance(value, Spread) else (value, value)
        if not least <= low <= high <= most:
            expected = "a number above 0" if least == LEAST else f"{least:g} to {most:g}"
            found = f"{low:g}" if low == high else f"{low:g} to {high:g}"
            raise InputError(f"phantom definition: {where} is {found}; expected {expected}")


def _require_grids(definition: PhantomDefinition) -> None:
    voxel, ct, spect = definition.spect.voxel_mm, definition.ct, definition.spect
    for what, voxels in (
        ("ct.matrix, length_mm and slice_mm", ct.matrix**2 * ct.length_mm / ct.slice_mm),
        ("ct.matrix and supersampling", (ct.matrix * ct.supersampling) ** 2),
        ("spect.matrix and slices", spect.matrix**2 * spect.slices),
        ("planar.matrix", definition.planar.matrix**2),
    ):
        if voxels > MOST_VOXELS:
            raise InputError(
                f"phantom definition: {what} ask for {voxels:.3g} voxels; expected {MOST_VOXELS:.3g} or fewer"
            )
    for where, size in (
        ("ct.pixel_mm", definition.ct.pixel_mm),
        ("planar.pixel_mm", definition.planar.pixel_mm),
    ):
        if size > voxel:
            raise InputError(
                f"phantom definition: {where} is {size:g}; expected no more than spect.voxel_mm, {voxel:g}"
            )
    if definition.ct.length_mm < definition.ct.slice_mm:
        raise InputError("phantom definition: ct.length_mm is shorter than one slice; lengthen it")


def _require_uptake(definition: PhantomDefinition) -> None:
    uptake = definition.uptake
    if (uptake.focus == "none") != (uptake.focus_frac == 0):
        raise InputError(
            f"phantom definition: uptake.focus is {uptake.focus}, focus_frac {uptake.focus_frac:g}; "
            "expected a place and a part of the activity, or neither"
        )
    for what, whole in (
        ("background_frac + focus_frac + free_frac",
         uptake.background_frac + uptake.focus_frac + uptake.free_frac),
        ("free_stomach_frac + free_kidneys_frac + free_outside_frac",
         uptake.free_stomach_frac + uptake.free_kidneys_frac + uptake.free_outside_frac),
    ):  # fmt: skip
        if whole > 1:
            raise InputError(f"phantom definition: {what} is {whole:g}; expected 1 or less")


def _require_lesions(definition: PhantomDefinition) -> None:
    lesions = definition.lesions
    for end in (lesions.count.low, lesions.count.high):
        if end != int(end):
            raise InputError(f"phantom definition: lesions.count is {end:g}; expected whole numbers")
    if lesions.smallest_mm.high > lesions.largest_mm:
        raise InputError(
            f"phantom definition: lesions.smallest_mm reaches {lesions.smallest_mm.high:g}; expected no more "
            f"than lesions.largest_mm, {lesions.largest_mm:g}"
        )
    none = lesions.count.high == 0 and not (lesions.nodules_frac == 1 and lesions.burden_frac > 0)
    if none != (lesions.burden_frac == 0) or (
        lesions.count.low < 1 and not none and lesions.nodules_frac < 1
    ):
        raise InputError(
            f"phantom definition: lesions.count is {lesions.count.low:g} to {lesions.count.high:g} and "
            f"lesions.burden_frac {lesions.burden_frac:g}; expected both to be 0, or neither"
        )


def _require_mr(definition: PhantomDefinition) -> None:
    known = TISSUE_KEYS | {"soft", *LESION_SIGNALS}
    for name, sequence in definition.mr.items():
        if not name.replace("-", "").isalnum():
            raise InputError(
                f"phantom definition: mr.{name} is no name; expected letters, digits and hyphens"
            )
        for key in sequence.signal:
            if key not in known:
                raise InputError(f"phantom definition: mr.{name}.signal.{key} is no tissue")
        for key in ("soft", "liver", "lesion"):
            if sequence.signal.get(key, -1.0) < 0:
                raise InputError(
                    f"phantom definition: mr.{name}.signal.{key} is missing or negative; give it a value"
                )
        sizes = (sequence.pixel_mm, sequence.slice_mm, sequence.snr, sequence.matrix - 1)
        if min(sizes) <= 0 or not 0 <= sequence.bias_frac < 1 or sequence.grain_frac < 0:
            raise InputError(
                f"phantom definition: mr.{name} has a size or a signal-to-noise ratio of 0, or a bias_frac "
                "outside 0 to 1; give possible values"
            )
