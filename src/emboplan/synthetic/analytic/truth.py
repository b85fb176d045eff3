"""The truth of an analytic case: volumes, masses, activities, ratios, shunt and doses, all by formula.

Nothing here is counted in voxels but what says so in its name (`mask_ml`, `sampled_ml`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from emboplan.synthetic.analytic.definition import AnalyticDefinition, PlanarSettings
from emboplan.synthetic.analytic.reading import Setting
from emboplan.synthetic.analytic.scans import FWHM_PER_SIGMA, MM_PER_CM, SpectScan
from emboplan.synthetic.analytic.scene import Scene, SceneRegion, Shared
from emboplan.synthetic.analytic.solids import Box, Vector


@dataclass(frozen=True, slots=True)
class RegionTruth:
    """One region, and the one around it (`inside`, empty for the outermost).

    Volume, mass and activity are its own, without what lies inside it. `solid_ml` is the whole solid by
    formula; `sampled_ml` is what its sub-samples on the CT came to before they were made exact; `mask_ml`
    counts CT voxels of the mask (at least half filled). `local_gy` is the mean dose of the treatment with all
    energy deposited where it decays.
    """

    number: int
    name: str
    role: str
    inside: str
    shape: str
    centre_mm: Vector
    size_mm: Vector
    solid_ml: float
    volume_ml: float
    sampled_ml: float
    mask_ml: float
    g_per_ml: float
    mass_g: float
    hu: float
    activity_mbq: float
    mbq_per_ml: float
    local_gy: float


@dataclass(frozen=True, slots=True)
class PointTruth:
    """One point source."""

    name: str
    centre_mm: Vector
    activity_mbq: float


@dataclass(frozen=True, slots=True)
class InjectionTruth:
    """One injection: what was given, and the ratio and shunt of its noise-free activity; None without one."""

    name: str
    injected_mbq: float
    administered_gbq: float
    tumour_to_normal: float | None
    lung_shunt_frac: float | None
    activity_mbq: dict[str, float]


@dataclass(frozen=True, slots=True)
class ScanTruth:
    """One SPECT: its time, the decay since the injection, and the mean of its total counts."""

    name: str
    injection: str
    hours: float
    decay_factor: float
    activity_mbq: float
    expected_counts: float


@dataclass(frozen=True, slots=True)
class AnalyticTruth:
    """Everything set and derived of a case.

    `tumour_to_normal` is the ratio of mean concentrations over all regions of a role that hold activity, all
    injections together; `lung_shunt_frac` is lungs over lungs, liver and tumour. `spect_fwhm_mm` is the
    Gaussian's; `point_fwhm_in_image_mm` (x, y, z) includes the voxel's own width, by second moments.
    `kernel_doses` holds reference doses by the beta kernel where a formula gives them.
    """

    settings: dict[str, Setting]
    regions: tuple[RegionTruth, ...]
    points: tuple[PointTruth, ...]
    injections: tuple[InjectionTruth, ...]
    scans: tuple[ScanTruth, ...]
    volumes_ml: dict[str, float]
    burden_frac: float | None
    lung_mass_g: float
    injected_mbq: float
    tumour_to_normal: float | None
    lung_shunt_frac: float | None
    half_life_h: float
    dose_nuclide: str
    k_gy_kg_per_gbq: float
    ct_noise_sd_hu: float
    spect_fwhm_mm: float
    point_fwhm_in_image_mm: Vector
    planar_first_pixel_x_z_mm: tuple[float, float] | None
    planar_geometric_mean_shunt_frac: float | None
    kernel_doses: dict[str, Any]

    def region(self, name: str) -> RegionTruth:
        """The region of that name."""
        return next(r for r in self.regions if r.name == name)


@dataclass(frozen=True, slots=True)
class Physics:
    """Constants that a case needs: the half-life of the tracer, and the treatment's dose coefficient."""

    half_life_h: float
    dose_nuclide: str
    k_gy_kg_per_gbq: float


def mean_ratio(scene: Scene, mbq: Sequence[float]) -> float | None:
    """Mean concentration in tumour over that in liver, of the regions that hold activity."""
    means = []
    for role in ("tumour", "liver"):
        held = [(r.own_ml, a) for r, a in zip(scene.regions, mbq, strict=True)
                if r.material.role == role and a > 0 and r.own_ml > 0]  # fmt: skip
        if not held:
            return None
        means.append(sum(a for _, a in held) / sum(v for v, _ in held))
    return means[0] / means[1]


def shunt(scene: Scene, mbq: Sequence[float]) -> float | None:
    """Activity in lungs over that in lungs, liver and tumour; None without lungs or without activity."""
    roles = [r.material.role for r in scene.regions]
    lungs = sum(a for a, role in zip(mbq, roles, strict=True) if role == "lungs")
    liver = sum(a for a, role in zip(mbq, roles, strict=True) if role in ("liver", "tumour"))
    return None if "lungs" not in roles or lungs + liver == 0 else lungs / (lungs + liver)


def analytic_truth(
    definition: AnalyticDefinition,
    scene: Scene,
    shared: Sequence[Shared],
    scans: Sequence[SpectScan],
    physics: Physics,
    on_ct: Sequence[tuple[float, float]],
    first_pixel_mm: tuple[float, float],
) -> AnalyticTruth:
    """The truth of a scene; `on_ct` holds what the sub-samples and the mask of each region came to (mL)."""
    total = [sum(column) for column in zip(*(s.regions_mbq for s in shared), strict=True)]
    doses = [
        sum(c) for c in zip(*(s.administered_gy(scene, physics.k_gy_kg_per_gbq) for s in shared), strict=True)
    ]
    spect, given = definition.spect, {s.injection.name: s.injection.injected_mbq for s in shared}
    ml = {role: sum(r.own_ml for r in scene.of_role(role)) for role in ("tumour", "liver", "lungs")}
    liver_ml = ml["tumour"] + ml["liver"]
    planar = definition.planar
    x, y, z = (
        float(np.sqrt(spect.fwhm_mm**2 + (FWHM_PER_SIGMA * d) ** 2 / (2 * 2 * (2 + 1))))
        for d in spect.voxel_mm
    )
    return AnalyticTruth(
        settings=dict(definition.settings),
        regions=tuple(
            _region(n, scene, total[n], doses[n], on_ct[n]) for n in range(len(scene.regions))
        ),
        points=tuple(
            PointTruth(p.name, p.centre_mm, sum(s.points_mbq[n] for s in shared))
            for n, p in enumerate(scene.points)
        ),
        injections=tuple(_injection(scene, s) for s in shared),
        scans=tuple(
            ScanTruth(
                s.name, s.injection, s.hours, s.decay_factor, s.decay_factor * given[s.injection],
                s.expected_counts,
            )
            for s in scans
        ),
        volumes_ml={
            "tumour": ml["tumour"], "normal_liver": ml["liver"], "liver": liver_ml, "lungs": ml["lungs"],
        },
        burden_frac=ml["tumour"] / liver_ml if liver_ml > 0 else None,
        lung_mass_g=sum(r.mass_g for r in scene.of_role("lungs")),
        injected_mbq=sum(s.injection.injected_mbq for s in shared),
        tumour_to_normal=mean_ratio(scene, total),
        lung_shunt_frac=shunt(scene, total),
        half_life_h=physics.half_life_h,
        dose_nuclide=physics.dose_nuclide,
        k_gy_kg_per_gbq=physics.k_gy_kg_per_gbq,
        ct_noise_sd_hu=definition.ct.noise_sd_hu,
        spect_fwhm_mm=spect.fwhm_mm,
        point_fwhm_in_image_mm=(x, y, z),
        planar_first_pixel_x_z_mm=None if planar is None else first_pixel_mm,
        planar_geometric_mean_shunt_frac=None if planar is None else seen_shunt(planar, scene, total),
        kernel_doses={},
    )  # fmt: skip


def _region(n: int, scene: Scene, mbq: float, gray: float, on_ct: tuple[float, float]) -> RegionTruth:
    region = scene.regions[n]
    low, high = region.solid.bounds_mm
    x, y, z = ((a + b) / 2 for a, b in zip(low, high, strict=True))
    inner = sum(_solid_ml(scene, m) for m, r in enumerate(scene.regions) if r.parent == n)
    return RegionTruth(
        number=n + 1,
        name=region.name,
        role=region.material.role,
        inside="" if region.parent is None else scene.regions[region.parent].name,
        shape=region.shape,
        centre_mm=(x, y, z),
        size_mm=region.solid.size_mm,
        solid_ml=region.own_ml + inner,
        volume_ml=region.own_ml,
        sampled_ml=on_ct[0],
        mask_ml=on_ct[1],
        g_per_ml=region.material.g_per_ml,
        mass_g=region.mass_g,
        hu=region.material.hu,
        activity_mbq=mbq,
        mbq_per_ml=mbq / region.own_ml if region.own_ml > 0 else 0.0,
        local_gy=gray,
    )


def _solid_ml(scene: Scene, n: int) -> float:
    inner = sum(_solid_ml(scene, m) for m, r in enumerate(scene.regions) if r.parent == n)
    return scene.regions[n].own_ml + inner


def _injection(scene: Scene, shared: Shared) -> InjectionTruth:
    given = shared.injection
    names = [r.name for r in scene.regions] + [p.name for p in scene.points]
    held = (*shared.regions_mbq, *shared.points_mbq)
    return InjectionTruth(
        name=given.name,
        injected_mbq=given.injected_mbq,
        administered_gbq=given.administered_gbq,
        tumour_to_normal=mean_ratio(scene, shared.regions_mbq),
        lung_shunt_frac=shunt(scene, shared.regions_mbq),
        activity_mbq={name: mbq for name, mbq in zip(names, held, strict=True) if mbq > 0},
    )


def seen_shunt(settings: PlanarSettings, scene: Scene, mbq: Sequence[float]) -> float | None:
    """The shunt that geometric means of planar counts give, for boxes with activity inside one box.

    Of activity even over a thickness t behind w of other material, a view sees
    ``exp(-u w) (1 - exp(-v t)) / (v t)``, with u and v the attenuation per length of what lies in front and
    of the box itself. Lungs and liver of one thickness, depth and density give the true shunt, others do not.
    """
    means = {"lungs": 0.0, "liver": 0.0}
    for region, activity in zip(scene.regions, mbq, strict=True):
        role = "liver" if region.material.role == "tumour" else region.material.role
        if activity == 0 or role not in means:
            continue
        seen = _box_views(settings, scene, region)
        if seen is None or activity < 0:
            return None
        means[role] += activity * float(np.sqrt(seen[0] * seen[1]))
    total = means["lungs"] + means["liver"]
    return means["lungs"] / total if total > 0 else None


def _box_views(settings: PlanarSettings, scene: Scene, region: SceneRegion) -> tuple[float, float] | None:
    """Shares of a box's photons that leave to the front and to the back, where the formula holds."""
    parent = None if region.parent is None else scene.regions[region.parent]
    holds_more = any(r.parent is not None and scene.regions[r.parent] is region for r in scene.regions)
    if parent is None or parent.parent is not None or holds_more:
        return None
    if not (isinstance(region.solid, Box) and isinstance(parent.solid, Box)):
        return None
    per_mm = settings.attenuation_cm2_per_g / MM_PER_CM
    own = per_mm * region.material.g_per_ml * region.solid.size_mm[1]
    inside = -np.expm1(-own) / own if own > 0 else 1.0
    (_, front, _), (_, back, _) = region.solid.bounds_mm
    (_, skin_front, _), (_, skin_back, _) = parent.solid.bounds_mm
    around = per_mm * parent.material.g_per_ml
    return (
        float(np.exp(-around * (front - skin_front)) * inside),
        float(np.exp(-around * (skin_back - back)) * inside),
    )
