"""The nuclear side: where the activity is, what a SPECT shows of it, and what the planar views show.

True activity comes from exact volumes per compartment in each voxel of the SPECT grid, so that the ratio of
concentrations and the lung shunt of the noise-free map are those that were set.

The SPECT is an effective model after reconstruction: breathing (the activity of the upper belly spread along
z), blur by the collimator, Poisson noise at the counts set, and the filter that follows reconstruction, which
also correlates the noise. Corrections that were not made, or not wholly, leave their mark: scatter as a broad
cloud, attenuation as the mean loss over all directions. This suffices for what the image is used for, mean
concentrations in regions larger than the resolution, which spill-over and breathing govern: sums over organs
are those of a reconstruction to some percent (docs/methods/digital-patient.md has the comparison). There are
no artefacts, the resolution is the same everywhere, and the noise is that of a reconstruction only with the
gain set so.

Planar views are projections of the true activity, attenuated on the way out through the patient's own
density, blurred with the distance to the detector, with a broad cloud of scatter and Poisson noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.model.grid import Grid
from emboplan.model.image import CountImage, PlanarPair
from emboplan.synthetic.drawing.raster import Bins
from emboplan.synthetic.scans.ct import FWHM_PER_SIGMA
from emboplan.synthetic.setting.definition import CORRECTIONS, Planar, Spect, Uptake
from emboplan.units import CENTIMETRES_PER_METRE

F64 = NDArray[np.float64]

COMPARTMENTS = ("tumour", "normal_liver", "lungs", "background")
OUTSIDE = "free_outside"  # activity beyond the field of view
DIRECTIONS = 16  # over which attenuation is averaged: neighbours lie 22 degrees apart, a body is smoother
MM_PER_CM = 1000.0 / CENTIMETRES_PER_METRE
BREATH_PHASES = 24  # points of a breath over which the liver's position is averaged: below 1 mm apart
KERNEL_SIGMAS = 5.0  # where Gaussians are cut: the rest holds less than a millionth


@dataclass(frozen=True, slots=True)
class Activities:
    """Activity (MBq) and concentration (MBq/mL) per compartment at the moment of injection."""

    mbq: dict[str, float]
    mbq_per_ml: dict[str, float]
    tumour_to_normal: float
    lung_shunt_frac: float

    @property
    def in_field_mbq(self) -> float:
        """What lies in the field of view."""
        return sum(mbq for name, mbq in self.mbq.items() if name != OUTSIDE)


def distribute(uptake: Uptake, volumes_ml: dict[str, float], rng: np.random.Generator) -> Activities:
    """Share the injected activity among the compartments.

    The lung shunt is activity in the lungs over activity in lungs and liver. The rest of the body holds
    `background_frac` of the injected activity, a focus beside the liver `focus_frac`, and free technetium
    `free_frac`; they do not enter it. Free technetium is in stomach, kidneys, outside the field, and with
    the background.
    """
    ratio = uptake.tumour_to_normal.draw(rng)
    shunt = uptake.lung_shunt_frac.draw(rng)
    background = uptake.background_frac * uptake.injected_mbq
    focus, free = (part * uptake.injected_mbq for part in (uptake.focus_frac, uptake.free_frac))
    treated = uptake.injected_mbq - (background + focus + free)
    lungs, liver = treated * shunt, treated * (1 - shunt)
    normal = liver / (volumes_ml["normal_liver"] + ratio * volumes_ml["tumour"])
    per_ml = {
        "tumour": ratio * normal,
        "normal_liver": normal,
        "lungs": lungs / volumes_ml["lungs"],
    }
    beside = {"focus": focus} if focus > 0 else {}
    if free > 0:
        beside["free_stomach"] = free * uptake.free_stomach_frac
        beside["free_kidneys"] = free * uptake.free_kidneys_frac
        beside[OUTSIDE] = free * uptake.free_outside_frac
        background += free + focus - sum(beside.values())
    per_ml["background"] = background / volumes_ml["background"]
    return Activities({c: per_ml[c] * volumes_ml[c] for c in COMPARTMENTS} | beside, per_ml, ratio, shunt)


def activity_mbq(activities: Activities, volumes_ml: F64) -> F64:
    """Activity per voxel, from volumes per voxel and compartment (last axis as `COMPARTMENTS`)."""
    per_ml = np.array([activities.mbq_per_ml[c] for c in COMPARTMENTS])
    out: F64 = volumes_ml[..., : len(COMPARTMENTS)] @ per_ml
    return out


def blurred(image: F64, fwhm_mm: float, spacing_mm: tuple[float, ...]) -> F64:
    """The image as a Gaussian of that width shows it."""
    from scipy.ndimage import gaussian_filter

    sigma = [fwhm_mm / FWHM_PER_SIGMA / d for d in spacing_mm]
    out: F64 = gaussian_filter(image, sigma, mode="constant", truncate=KERNEL_SIGMAS)
    return out


def breathe(image: F64, range_mm: float, voxel_mm: float) -> F64:
    """The image averaged over a breath: shifts along z with the density of a sine of this full range."""
    from scipy.ndimage import convolve1d

    shifts = range_mm / 2 / voxel_mm * np.sin(2 * np.pi * (np.arange(BREATH_PHASES) + 1 / 2) / BREATH_PHASES)
    half = int(np.ceil(np.abs(shifts).max())) + 1
    weights = np.zeros(2 * half + 1)
    for shift in shifts:
        low = int(np.floor(shift))
        weights[half + low] += (1 - (shift - low)) / BREATH_PHASES
        weights[half + low + 1] += (shift - low) / BREATH_PHASES
    out: F64 = convolve1d(image, weights, axis=0, mode="constant")
    return out


def along_z(image: F64, mm: float, voxel_mm: float) -> F64:
    """The image moved towards the head, between voxels linearly; sum and middle are exact."""
    from scipy.ndimage import convolve1d

    low = int(np.floor(mm / voxel_mm))
    part = mm / voxel_mm - low
    half = abs(low) + 1
    weights = np.zeros(2 * half + 1)
    weights[half + low], weights[half + low + 1] = 1 - part, part
    out: F64 = convolve1d(image, weights, axis=0, mode="constant")
    return out


def at_scan(
    mbq_per_ml: dict[str, float], volumes_ml: F64, breathing_mm: float, voxel_mm: float, *,
    beside_mbq: F64 | None = None, higher_mm: float = 0.0,
) -> F64:  # fmt: skip
    """Activity per voxel averaged over the breaths of a scan: the upper belly moves, lungs and body do not.

    `beside_mbq` moves with the liver; all that moves lies `higher_mm` higher on average.
    """
    per_ml = np.array([mbq_per_ml[c] for c in COMPARTMENTS])
    moving = volumes_ml.copy()
    moving[..., 2:] = 0
    belly: F64 = moving[..., : len(COMPARTMENTS)] @ per_ml
    belly = breathe(belly if beside_mbq is None else belly + beside_mbq, breathing_mm, voxel_mm)
    if higher_mm:
        belly = along_z(belly, higher_mm, voxel_mm)
    still = volumes_ml.copy()
    still[..., :2] = 0
    out: F64 = belly + still[..., : len(COMPARTMENTS)] @ per_ml
    return out


def expected_projection_counts(
    spect: Spect, activities: Activities, volumes_ml: F64, breathing_mm: float, *,
    beside_mbq: F64 | None = None, higher_mm: float = 0.0, escape: F64 | None = None,
) -> F64:  # fmt: skip
    """Mean counts per voxel before the filter: breathing, the collimator's blur, the counts set.

    `counts` are primary photons of what lies in the field, corrected for attenuation; scatter that is left
    in comes on top. `escape` is what gets out of each voxel where attenuation was not corrected.
    """
    total = at_scan(
        activities.mbq_per_ml, volumes_ml, breathing_mm, spect.voxel_mm,
        beside_mbq=beside_mbq, higher_mm=higher_mm,
    )  # fmt: skip
    if escape is not None:
        total = total * escape
    voxel = (spect.voxel_mm,) * 3
    seen = blurred(total, spect.projection_fwhm_mm, voxel)
    left = spect.scatter_left_frac if CORRECTIONS[spect.corrections][1] else 1.0
    if left * spect.scatter_ratio > 0:
        seen = seen + left * spect.scatter_ratio * blurred(seen, spect.scatter_spread_mm, voxel)
    return seen * (spect.counts / activities.in_field_mbq)


def spect_image(spect: Spect, grid: Grid, expected: F64, rng: np.random.Generator) -> CountImage:
    """A noisy SPECT from mean counts before the filter; its noise is that of Poisson counts times a gain."""
    lumps = spect.noise_gain**2  # counts that come and go together
    noisy = np.asarray(rng.poisson(expected / lumps) * lumps, dtype=np.float64)
    counts = blurred(noisy, spect.filter_fwhm_mm, (spect.voxel_mm,) * 3)
    resolution = float(np.hypot(spect.projection_fwhm_mm, spect.filter_fwhm_mm))
    attenuation, scatter = CORRECTIONS[spect.corrections]
    return CountImage(
        grid, counts.astype(np.float32), resolution_fwhm_mm=resolution,
        attenuation_corrected=attenuation, scatter_corrected=scatter,
    )  # fmt: skip


def escape_frac(density_g_per_ml: F64, attenuation_cm2_per_g: float, voxel_mm: float) -> F64:
    """Fraction of photons that leave each voxel towards the front (y falling) without interacting."""
    path = density_g_per_ml * (attenuation_cm2_per_g * voxel_mm / MM_PER_CM)
    out: F64 = np.exp(-(np.cumsum(path, axis=1) - path / 2))
    return out


def mean_escape_frac(density_g_per_ml: F64, attenuation_cm2_per_g: float, voxel_mm: float) -> F64:
    """Fraction of photons that leave each voxel across the body's axis, averaged over all directions.

    It is the factor of Chang's first-order correction: what an image without correction shows, to first
    order.
    """
    from scipy.ndimage import rotate

    out = np.zeros(density_g_per_ml.shape)
    for angle in np.degrees(2 * np.pi / DIRECTIONS * np.arange(DIRECTIONS)):
        turned = rotate(density_g_per_ml, angle, axes=(1, 2), reshape=False, order=1)
        escape = escape_frac(turned, attenuation_cm2_per_g, voxel_mm)
        out += rotate(escape, -angle, axes=(1, 2), reshape=False, order=1, mode="nearest")
    return out / DIRECTIONS


def _view(planar: Planar, grid: Grid, mbq: F64, density: F64) -> F64:
    """Noise-free primary photons of the view from the front, ``(row, column)``, in arbitrary units."""
    voxel = grid.spacing_mm[0]
    seen = mbq * escape_frac(density, planar.attenuation_cm2_per_g, voxel)
    body = np.flatnonzero((density > 0).any(axis=(0, 2)))
    front = int(body[0]) if body.size else 0
    z_of, x_of = (_finer(planar, grid, axis) for axis in (2, 0))
    out = np.zeros((planar.matrix, planar.matrix))
    for row in np.flatnonzero(seen.any(axis=(0, 2))):
        depth = (row - front) * voxel + planar.face_gap_mm
        plane = x_of.spread(z_of.spread(seen[:, row]).T).T * (planar.pixel_mm / voxel) ** 2
        fwhm = planar.fwhm_at_face_mm + planar.fwhm_per_mm * depth
        out += blurred(plane, fwhm, (planar.pixel_mm, planar.pixel_mm))
    return out[::-1]  # rows from head to foot


def first_pixel_mm(planar: Planar, grid: Grid) -> tuple[float, float]:
    """The x and z of the centre of the views' first pixel (patient's right, head).

    Views and SPECT have the same middle.
    """
    middle = [grid.origin_mm[a] + grid.spacing_mm[a] * (grid.shape[2 - a] - 1) / 2 for a in range(3)]
    half = planar.pixel_mm * (planar.matrix - 1) / 2
    return (middle[0] - half, middle[2] + half)


def _finer(planar: Planar, grid: Grid, axis: int) -> Bins:
    """The voxels of an axis that each (smaller) pixel of a view lies in."""
    x, z = first_pixel_mm(planar, grid)
    first = x if axis == 0 else z - planar.pixel_mm * (planar.matrix - 1)
    return Bins.of(first, planar.pixel_mm, planar.matrix, grid.origin_mm[axis], grid.spacing_mm[axis])


def planar_views(
    planar: Planar, grid: Grid, mbq: F64, density_g_per_ml: F64, rng: np.random.Generator
) -> PlanarPair:
    """Anterior and posterior views with their scatter windows, both as seen from the front."""
    front = _view(planar, grid, mbq, density_g_per_ml)
    back = _view(planar, grid, mbq[:, ::-1], density_g_per_ml[:, ::-1])
    pixels = (planar.pixel_mm, planar.pixel_mm)
    views = []
    for primary in (front, back):
        scatter = planar.scatter_to_primary * blurred(primary, planar.scatter_fwhm_mm, pixels)
        views.append((primary + scatter, planar.scatter_window_ratio * scatter))
    scale = planar.counts / sum(float(peak.sum()) for peak, _ in views)
    peaks = [rng.poisson(peak * scale).astype(np.float32) for peak, _ in views]
    lower = [rng.poisson(window * scale).astype(np.float32) for _, window in views]
    return PlanarPair(
        anterior=peaks[0], posterior=peaks[1], pixel_mm=pixels, duration_s=planar.duration_s,
        scatter_anterior=lower[0], scatter_posterior=lower[1],
    )  # fmt: skip
