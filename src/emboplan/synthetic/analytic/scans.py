"""What the scanners show of an analytic case: CT, SPECT and planar views, kept to what a formula can follow.

CT: mean of the materials in each voxel and white noise, no kernel. SPECT: the true activity blurred by one
Gaussian, then Poisson noise, voxel by voxel independent; attenuation and scatter count as corrected. A point
source is integrated over the voxels by the error function, wherever it lies between them. Planar views:
primary photons that leave to the front and to the back, through the true density, one Gaussian blur, Poisson
noise, no scatter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emboplan.model.grid import Grid
from emboplan.model.image import CountImage, CtImage, PlanarPair
from emboplan.synthetic.analytic.definition import CtSettings, PlanarSettings, SpectSettings
from emboplan.synthetic.analytic.filling import F64, voxel_edges
from emboplan.synthetic.analytic.scene import Shared, Voxels, stream
from emboplan.units import CENTIMETRES_PER_METRE

FWHM_PER_SIGMA = float(np.sqrt(2 * 2 * 2 * np.log(2)))  # of a Gaussian
KERNEL_SIGMAS = 5.0  # where the Gaussian is cut: the rest holds less than a millionth
MM_PER_CM = 1000.0 / CENTIMETRES_PER_METRE


def centred(matrix: tuple[int, int, int], voxel_mm: tuple[float, float, float], uid: str) -> Grid:
    """A grid of `matrix` voxels x, y, z around (0, 0, 0): a voxel's middle where the count is odd."""
    nx, ny, nz = matrix
    x, y, z = (-d * (n - 1) / 2 for n, d in zip(matrix, voxel_mm, strict=True))
    return Grid((nz, ny, nx), voxel_mm, (x, y, z), frame_of_reference_uid=uid)


def ct_image(settings: CtSettings, voxels: Voxels, seed: int) -> CtImage:
    """The CT, whole numbers, none below the air around (which a reconstruction clips)."""
    scene = voxels.scene
    mean = voxels.blend([r.material.hu for r in scene.regions], scene.outside.hu)
    if settings.noise_sd_hu > 0:
        mean += settings.noise_sd_hu * stream(seed, "ct").standard_normal(mean.shape)
    limits = np.iinfo(np.int16)
    hu = np.clip(np.rint(mean), max(scene.outside.hu, limits.min), limits.max)
    return CtImage(voxels.grid, hu.astype(np.int16))


def activity_mbq(voxels: Voxels, shared: Shared, *, points: bool = True) -> F64:
    """True activity of each voxel; a point's is split among the eight nearest voxel middles."""
    per_ml = [
        0.0 if r.own_ml == 0 else mbq / r.own_ml
        for r, mbq in zip(voxels.scene.regions, shared.regions_mbq, strict=True)
    ]
    out = voxels.blend(per_ml, 0.0) * voxels.grid.voxel_ml
    np.maximum(out, 0, out=out)
    if points:
        for point, mbq in zip(voxels.scene.points, shared.points_mbq, strict=True):
            out += mbq * _nearest_eight(voxels.grid, point.centre_mm)
    return out


def _nearest_eight(grid: Grid, place_mm: tuple[float, float, float]) -> F64:
    parts = []
    for index, count in zip(grid.to_index(place_mm), grid.shape[::-1], strict=True):
        parts.append(np.clip(1 - np.abs(np.arange(count) - index), 0, None))
    x, y, z = parts
    return np.asarray(z[:, None, None] * y[:, None] * x, dtype=np.float64)


def _spread_point(grid: Grid, place_mm: tuple[float, float, float], fwhm_mm: float) -> F64:
    """Share of a blurred point in each voxel, exact."""
    from scipy.special import ndtr

    sigma = fwhm_mm / FWHM_PER_SIGMA
    x, y, z = (
        np.diff(ndtr((edges - at) / sigma)) for edges, at in zip(voxel_edges(grid), place_mm, strict=True)
    )
    return np.asarray(z[:, None, None] * y[:, None] * x, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class SpectScan:
    """One SPECT of one injection; `expected_counts` is the mean of its total, the Poisson mean."""

    name: str
    injection: str
    hours: float
    decay_factor: float
    expected_counts: float
    image: CountImage


def spect_scans(
    settings: SpectSettings, voxels: Voxels, shared: Sequence[Shared], half_life_h: float, seed: int
) -> tuple[SpectScan, ...]:
    """One scan for each injection and each time, all of one duration: counts fall as the activity does."""
    out = []
    for one in shared:
        first = _expected(settings, voxels, one)
        for hours in settings.hours:
            decay = float(np.exp2(-hours / half_life_h))
            mean = first * decay
            use = f"spect {one.injection.name} {hours:g}"
            image = CountImage(
                voxels.grid,
                stream(seed, use).poisson(mean).astype(np.float32),
                resolution_fwhm_mm=settings.fwhm_mm,
                attenuation_corrected=True,
                scatter_corrected=True,
            )
            name = f"{one.injection.name}, {hours:g} h" if len(settings.hours) > 1 else one.injection.name
            out.append(SpectScan(name, one.injection.name, hours, decay, float(mean.sum()), image))
    return tuple(out)


def _expected(settings: SpectSettings, voxels: Voxels, shared: Shared) -> F64:
    """Mean counts of each voxel in the first scan."""
    from scipy.ndimage import gaussian_filter

    sigma = [settings.fwhm_mm / FWHM_PER_SIGMA / d for d in voxels.grid.spacing_zyx_mm]
    seen = gaussian_filter(
        activity_mbq(voxels, shared, points=False), sigma, mode="constant", truncate=KERNEL_SIGMAS
    )
    for point, mbq in zip(voxels.scene.points, shared.points_mbq, strict=True):
        seen += mbq * _spread_point(voxels.grid, point.centre_mm, settings.fwhm_mm)
    return np.asarray(seen * (settings.counts / shared.injection.injected_mbq), dtype=np.float64)


def expected_views(settings: PlanarSettings, voxels: Voxels, mbq: F64) -> tuple[F64, F64]:
    """Mean counts of the front and the back view ``(z from head, x)``, before the blur.

    Within a voxel, activity and attenuation are even: its photons leave it as ``(1 - exp(-m)) / m``, with m
    the attenuation across it.
    """
    scene = voxels.scene
    density = voxels.blend([r.material.g_per_ml for r in scene.regions], 0.0)
    across = density * (settings.attenuation_cm2_per_g * voxels.grid.spacing_mm[1] / MM_PER_CM)
    own = np.where(across > 0, -np.expm1(-across) / np.where(across > 0, across, 1.0), 1.0)
    views = []
    for flip in (slice(None), slice(None, None, -1)):
        m = across[:, flip]
        before = np.cumsum(m, axis=1) - m
        views.append((mbq[:, flip] * own[:, flip] * np.exp(-before)).sum(axis=1)[::-1])
    scale = settings.counts / sum(float(view.sum()) for view in views)
    return views[0] * scale, views[1] * scale


def planar_views(settings: PlanarSettings, voxels: Voxels, mbq: F64, seed: int) -> PlanarPair:
    """Anterior and posterior views, both as seen from the front, rows from head to foot."""
    from scipy.ndimage import gaussian_filter

    x_mm, _, z_mm = voxels.grid.spacing_mm
    sigma = [settings.fwhm_mm / FWHM_PER_SIGMA / d for d in (z_mm, x_mm)]
    seen: list[NDArray[np.float32]] = []
    for side, mean in zip(("anterior", "posterior"), expected_views(settings, voxels, mbq), strict=True):
        blurred = gaussian_filter(mean, sigma, mode="constant", truncate=KERNEL_SIGMAS)
        seen.append(stream(seed, side).poisson(blurred).astype(np.float32))
    return PlanarPair(seen[0], seen[1], pixel_mm=(x_mm, z_mm), duration_s=settings.duration_s)


def first_pixel_mm(grid: Grid) -> tuple[float, float]:
    """The x and z of the centre of a view's first pixel (patient's right, head)."""
    return (grid.origin_mm[0], grid.origin_mm[2] + grid.spacing_mm[2] * (grid.shape[0] - 1))
